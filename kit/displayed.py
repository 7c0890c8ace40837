"""Objects that notebooks show to the analyst, and to nobody else."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pkgutil import resolve_name
from typing import Any

from kit.visible import escape

DESK_MIME = "application/vnd.appstream-evidence.desk+json"
"""Marks what a cell shows to the analyst alone: documents leave it out."""

FOR_DOCUMENTS = "EVIDENCE_FOR_DOCUMENTS"
"""The variable of kernels whose outputs nobody sees but a document, which reads the data alone."""


class Displayed:
    """Base of objects that have a page of HTML in notebooks and a short text elsewhere.

    `kit.desk` writes the HTML. It is imported when a notebook shows an object, so that the modules
    in which data flows import nothing of what people read.
    """

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        data = {"kind": type(self).__name__}
        return for_analysts(
            DESK_MIME,
            data | self._to_seal() if FOR_DOCUMENTS in os.environ else data,
            {
                "text/html": lambda: resolve_name("kit.desk:html")(self),
                "text/plain": lambda: escape(repr(self)),
            },
        )

    def _to_seal(self) -> dict[str, Any]:
        """Return data for the process that started the kernel, which writes it to no file."""
        return {}


def for_analysts(mime: str, data: Any, forms: Mapping[str, Callable[[], str]]) -> dict[str, Any]:
    """Return an output: its data, and where somebody may see it, the forms made of that."""
    if FOR_DOCUMENTS in os.environ:
        return {mime: data, "text/plain": ""}
    return {mime: data, **{name: make() for name, make in forms.items()}}


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 row``, ``2 rows``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
