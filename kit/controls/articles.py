"""Articles of the GDPR: whom each of them binds, and how documents cite them.

A control declares the articles that its rules test, and apart from them those that stand in its
context. Regulation (EU) 2016/679, https://eur-lex.europa.eu/eli/reg/2016/679/oj.
"""

from __future__ import annotations

from collections.abc import Mapping

CONTROLLER, PROCESSOR = "controller", "processor"

# Beginnings of articles that bind one side alone. Article 5 by its paragraph 2; the contract of
# Article 28(3) is concluded by both, and Articles 29, 32 and 44 bind both.
_BINDS = {
    CONTROLLER: (
        *("5(", "6(", "13(", "17(", "24(", "25(", "26("),
        *("28(1)", "28(5)", "30(1)", "33(1)", "33(3)", "35(", "88("),
    ),
    PROCESSOR: ("28(2)", "28(4)", "30(2)", "33(2)"),
}


def binds(article: str) -> str:
    """Return the side that an article binds alone; empty for one that binds both, or defines."""
    return next((side for side, begin in _BINDS.items() if article.startswith(begin)), "")


def cited(articles: Mapping[str, str], data_role: str) -> dict[str, str]:
    """Return the articles that bind a role, with the reason for each.

    Parameters
    ----------
    articles : mapping of str to str
        As a control declares them.
    data_role : {"", "controller", "processor", "joint controller"}
        The role that the run's parameters declare; a joint controller is a controller.

    Returns
    -------
    dict of str to str
        Reasons by article. Where no role is declared, all articles, and the side stands with each
        that binds one alone: "25(2) (controller)".
    """
    sides = {article: binds(article) for article in articles}
    if not data_role:
        return {
            f"{article} ({sides[article]})" if sides[article] else article: why
            for article, why in articles.items()
        }
    role = PROCESSOR if data_role == PROCESSOR else CONTROLLER
    return {article: why for article, why in articles.items() if sides[article] in ("", role)}
