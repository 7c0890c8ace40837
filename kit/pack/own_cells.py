"""What an analyst's own cells show, as data: plain tables, figures, notes and prose.

A pack stores it in a file, from which the page and the PDF can be made again without the notebook.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace

from kit import bounds
from kit.bounds import parse_json
from kit.catalogue.texts import text
from kit.pack.own_svg import plain_svg
from kit.pack.prose import plain_prose
from kit.redact.free_text import shown_number
from kit.report import views
from kit.report.views import (
    JSON,
    MOST_COLUMNS,
    MOST_ROWS,
    OWN,
    PDF_ROWS,
    Cell,
    Column,
    Figure,
    Note,
    Table,
    first_of,
)

CELLS = "own-cells.json"  # below data/
_PLAIN = ("text", "code", "number", "datetime")  # kinds of columns; the others belong to the kit
_SHA256 = re.compile("[0-9a-f]{64}")
MOST = 500  # tables, figures, notes and cells of prose
Shown = Callable[[str], str]


@dataclass(frozen=True)
class OwnCells:
    """What an analyst's notebook adds to a pack.

    Attributes
    ----------
    sha256 : str
        Of the notebook's file as it was given.
    parts : list of dict
        In order: ``cell``, the cell's number, and ``prose`` or ``view``, its content.
    source : list of dict
        ``cell``, ``type`` and ``lines`` of every cell, with labels in place of names.
    """

    sha256: str
    parts: list[JSON]
    source: list[JSON]

    def as_bytes(self) -> bytes:
        """Return the file `CELLS`."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False).encode() + b"\n"

    def blocks(self) -> Iterator[JSON]:
        """Yield headings, prose and views as a document has them, below a heading of level 1.

        Each heading is marked, because it also stands in the list of contents.
        """
        mark = text("pack/own/every")
        for part in self.parts:
            if "view" in part:
                yield part["view"]
                continue
            for block in part["prose"]:
                if block["kind"] == "heading":
                    marked = {"level": block["level"] + 1, "text": f"{mark}: {block['text']}"}
                    yield block | marked
                else:
                    yield block


def parse_own_cells(content: bytes) -> OwnCells:
    """Return what the file `CELLS` holds, once it is in the form in which the kit writes it.

    Raises
    ------
    ValueError
        It is not.
    """
    given = parse_json(content, bounds.OWN_CELLS)
    if not isinstance(given, dict) or given.keys() != {"sha256", "parts", "source"}:
        raise ValueError("no sha256, parts and source")
    cells = OwnCells(given["sha256"], given["parts"], given["source"])
    if not isinstance(cells.sha256, str) or not _SHA256.fullmatch(cells.sha256):
        raise ValueError("sha256 is not a digest")
    if not isinstance(cells.parts, list) or len(cells.parts) > MOST:
        raise ValueError(f"no list of at most {MOST} parts")
    if not isinstance(cells.source, list):
        raise ValueError("no list of cells' source")
    for part in cells.parts:
        if not isinstance(part, dict) or type(part.get("cell")) is not int:
            raise ValueError("a part without its cell")
        if part.keys() == {"cell", "view"} and part["view"] == plain_view(part["view"], str):
            continue
        if part.keys() == {"cell", "prose"} and part["prose"] == plain_prose(part["prose"], str):
            continue
        raise ValueError(f"cell {part['cell']} has neither plain prose nor a plain view")
    return cells


def plain_view(given: JSON, shown: Shown) -> JSON:
    """Return a view as own cells may show it: without marks and links of the kit, names replaced.

    Raises
    ------
    ValueError
        It is a view that only the kit shows, or is malformed.
    """
    try:
        view = views.parse(given)
    except (KeyError, TypeError) as error:
        raise ValueError(f"a malformed view: {error}") from None
    match view:
        case Table():
            return _plain_table(view, shown).as_json()
        case Figure():
            caption = shown(view.caption)
            picture = plain_svg(view.svg, shown)
            return Figure(f"{OWN}{caption}", picture, shown(view.alt), caption).as_json()
        case Note():
            return Note(shown(view.text)).as_json()
    raise ValueError(f"{view.kind} is a view of the kit alone; own cells show tables and figures")


def _plain_table(view: Table, shown: Shown) -> Table:
    if len(view.rows) > MOST_ROWS or len(view.columns) > MOST_COLUMNS:
        raise ValueError(
            f"a table of {len(view.rows)} rows and {len(view.columns)} columns; accepted: "
            f"{MOST_ROWS:,} rows and {MOST_COLUMNS} columns"
        )
    columns = []
    for place, column in enumerate(view.columns):
        kind = column.kind if column.kind in _PLAIN else "text"
        columns.append(Column(f"c{place + 1}", shown(column.title), kind))
    rows = [
        [_plain_cell(column, cell, shown) for column, cell in zip(view.columns, row, strict=True)]
        for row in view.rows
    ]
    for place, column in enumerate(columns):  # a number that a text replaced
        if column.kind == "number" and any(isinstance(row[place], str) for row in rows):
            columns[place] = replace(column, kind="text")
    caption = shown(view.caption)
    cut = first_of(rows, PDF_ROWS)
    return replace(Table(f"{OWN}{caption}", caption, columns, rows, **cut), empty=shown(view.empty))


def _plain_cell(column: Column, cell: Cell, shown: Shown) -> Cell:
    if isinstance(cell, list):
        return shown(cell[0]) if column.kind == "link" else ", ".join(map(shown, cell))
    if isinstance(cell, str):
        return shown(cell)
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return shown_number(cell, shown)
    return cell
