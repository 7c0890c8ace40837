"""Articles of the GDPR: which role each article binds, and how documents cite it."""

from __future__ import annotations

from collections.abc import Mapping

from kit.catalogue.frameworks import GDPR, frameworks

CONTROLLER, PROCESSOR = "controller", "processor"


def binds(article: str) -> str:
    """Return the only role that an article binds; empty where it binds both, or defines a term."""
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
        Reasons by article. Without a declared role, all articles; an article that binds a single
        role names it: "25(2) (controller)".
    """
    sides = {article: binds(article) for article in articles}
    if not data_role:
        return {
            f"{article} ({sides[article]})" if sides[article] else article: why
            for article, why in articles.items()
        }
    role = PROCESSOR if data_role == PROCESSOR else CONTROLLER
    return {article: why for article, why in articles.items() if sides[article] in ("", role)}
