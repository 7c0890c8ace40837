"""Articles of the GDPR: whom each of them binds, and how documents cite them."""

from __future__ import annotations

from collections.abc import Mapping

from kit.catalogue.frameworks import GDPR, frameworks

CONTROLLER, PROCESSOR = "controller", "processor"


def binds(article: str) -> str:
    """Return the side that an article binds alone; empty for one that binds both, or defines."""
    sides = frameworks()[GDPR].binds.items()
    return next((side for side, begin in sides if article.startswith(tuple(begin))), "")


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
