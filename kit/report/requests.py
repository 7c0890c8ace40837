"""Where the pack answers what auditors usually request."""

from __future__ import annotations

from typing import Any

from kit.catalogue.requests import Request
from kit.catalogue.requests import requests as catalogue
from kit.catalogue.texts import has, text
from kit.parameters import Run
from kit.report.formats import joined
from kit.report.views import Table, column

WORKBOOK = "findings.xlsx"


def requests(run: Run | None = None) -> Table:
    """Return the index: request, sections with their pages, controls, files and columns.

    Parameters
    ----------
    run : Run, optional
        The index names the declarations that it leaves empty and that would answer a request.
    """
    rows: list[list[Any]] = [
        [
            number,
            text(f"report/requests/{id}/asks"),
            [heading(cell) for cell in request.sections],
            list(request.controls),
            "; ".join(_files(request)) or None,
            joined(_limit(id, request), _undeclared(request, run)) or None,
        ]
        for number, (id, request) in enumerate(catalogue().items(), 1)
    ]
    return Table(
        "requests",
        text("report/requests/caption"),
        [
            column("number", "number"),
            column("request"),
            column("answered", "section"),
            column("controls", "section"),
            column("files"),
            column("limit"),
        ],
        rows,
    )


def heading(cell: str) -> str:
    """Return the heading that a Markdown cell of the notebook begins with."""
    return text(f"notebooks/{cell}").splitlines()[0].lstrip("# ")


def _files(request: Request) -> list[str]:
    files = [
        text("report/requests/columns", file=file, columns=", ".join(columns)) if columns else file
        for file, columns in request.files.items()
    ]
    sheets = [text(f"pack/workbook/sheets/{sheet}/name") for sheet in request.sheets]
    if sheets:
        files.append(text("report/requests/sheets", file=WORKBOOK, sheets=", ".join(sheets)))
    return files


def _undeclared(request: Request, run: Run | None) -> str:
    names = [name for name in request.parameters if run and not getattr(run, name)]
    return text("report/requests/undeclared", names=", ".join(names)) if names else ""


def _limit(id: str, request: Request) -> str | None:
    limit = f"report/requests/{id}/limit"
    if not has(limit):
        return None
    return text("report/requests/missing", why=text(limit)) if request.missing else text(limit)
