"""From an executed notebook to the document that HTML and PDF are both made from.

Only prose and views reach it. Code, streams, widgets and progress bars never
do; any other output raises an error, for a table that the PDF cannot print
must not become a hole in the evidence.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any
from xml.etree import ElementTree

from nbconvert.utils.exceptions import ConversionException
from nbformat import NotebookNode

from kit.catalogue import texts
from kit.catalogue.texts import text
from kit.errors import UserError
from kit.pack.prose import headings_and_prose
from kit.report import views
from kit.report.cover import SIGNATURES
from kit.report.views import EVIDENCE_MIME, JSON, escape, ids

ANALYST = "analyst"
_CITED_BY_BRIEF = 2
_WIDGET = "application/vnd.jupyter.widget-view+json"


class NotebookOutputError(UserError, ConversionException):
    """A cell shows something that no document can hold."""


@contextmanager
def in_a_line() -> Iterator[None]:
    """Let ``jupyter nbconvert`` end with the line that is the user's, without its own traceback."""
    try:
        yield
    except NotebookOutputError as error:
        app = sys.modules.get("nbconvert.nbconvertapp")  # which would import the exporters
        if app and app.NbConvertApp.initialized():
            sys.exit(f"evidence: {error}")
        raise


@dataclass(frozen=True)
class Document:
    """What auditors read, in order.

    Attributes
    ----------
    cover : dict
        Title, subtitle, facts, as_of, stamp, marks.
    blocks : list of dict
        Each has a `kind`: heading, prose, table, figure, controls, remedies, note. Headings,
        tables, figures, controls and entries of remedies have a `target`, unique in the document,
        which links name; tables also have `targets`, a target or None for each row, and controls
        `commands`, the target of theirs.
    controls, rows : dict
        The target of each control and of each row with an anchor, by id.
    """

    cover: JSON
    blocks: list[JSON]
    controls: dict[str, str]
    rows: dict[str, str]

    def as_json(self) -> JSON:
        """Return all of it as JSON."""
        return {
            "cover": self.cover,
            "blocks": self.blocks,
            "controls": self.controls,
            "rows": self.rows,
        }

    def outline(self) -> list[tuple[int, str, str]]:
        """Return level, target and text of every heading, controls included."""
        lines = []
        for block in self.blocks:
            if block["kind"] == "heading":
                lines.append((block["level"], block["target"], block["text"]))
            elif block["kind"] == "controls":
                lines += [
                    (block["level"], control["target"], f"{control['id']} {control['title']}")
                    for control in block["blocks"]
                ]
        return lines


def document(notebook: NotebookNode) -> Document:
    """Return the document that an executed notebook makes, and choose its language.

    Cells tagged `analyst` are left out. A first heading of level 1, if it is
    the only heading of that level, is the notebook's title, and the cover's replaces
    it. Heading levels are closed up so that none is skipped. In another language
    than English a Markdown cell that nobody changed has its text of the catalogue.

    Raises
    ------
    NotebookOutputError
        A cell failed, or shows what is no view, or Markdown holds HTML or a
        picture, or there is not exactly one cover. The message names the cell.
    """
    _refuse_failed(notebook)
    cells = [(where, cell, list(_views(where, cell))) for where, cell in _cells(notebook)]
    covers = [view for _, _, own in cells for view in own if view["kind"] == "cover"]
    if len(covers) != 1:
        raise NotebookOutputError(f"the notebook shows {len(covers)} covers; it must show one")
    texts.choose(covers[0]["language"])
    blocks: list[JSON] = []
    for where, cell, own in cells:
        if cell.cell_type == "markdown":
            source = texts.translated(f"notebooks/{cell.get('id', '')}", cell.source)
            try:
                blocks += headings_and_prose(source)
            except ValueError as error:
                raise NotebookOutputError(f"{where}: {error}") from None
        for view in own:
            blocks += view["tables"] if view["kind"] == "group" else [view]
    blocks = [_seen(block) for block in blocks if block["kind"] not in ("cover", "data")]
    blocks = _number(_close_up(_drop_title(blocks)))
    controls, rows = _targets(blocks)
    _cite(blocks, rows)
    return Document(_seen(covers[0]), blocks, controls, rows)


def with_level(made: Document, level: str) -> Document:
    """Return a document whose cover states the level of the signatures, which a key decides.

    Parameters
    ----------
    made : Document
    level : str
        Of `kit.pack.levels.LEVELS`; empty for a document that states none.
    """
    if not level:
        return made
    facts = [
        [label, f"{fact} ({level})" if fact == SIGNATURES else fact]
        for label, fact in made.cover["facts"]
    ]
    return replace(made, cover={**made.cover, "facts": facts})


def data_of(notebook: NotebookNode, name: str) -> JSON:
    """Return the records and facts of a name, as the notebook gave them for machines.

    Raises
    ------
    NotebookOutputError
        The notebook does not show them exactly once.
    """
    shown = [
        view
        for where, cell in _cells(notebook)
        for view in _views(where, cell, "data")
        if view["name"] == name
    ]
    if len(shown) != 1:
        raise NotebookOutputError(f"the notebook shows the data of its {name} {len(shown)} times")
    return shown[0]


def findings_data(notebook: NotebookNode) -> JSON:
    """Return the records and facts of the findings; see `data_of`."""
    return data_of(notebook, "findings")


def _refuse_failed(notebook: NotebookNode) -> None:
    """Raise if a cell failed, an analyst's too: without its objects there is no document."""
    for number, cell in enumerate(notebook.cells, start=1):
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                where = _place(number, cell)
                raise NotebookOutputError(f"{where} failed: {output.ename}: {output.evalue}")


def _place(number: int, cell: NotebookNode) -> str:
    first = cell.source.strip().partition("\n")[0][:60]
    return f"cell {number} (`{first}`)"


def _cells(notebook: NotebookNode) -> Iterator[tuple[str, NotebookNode]]:
    for number, cell in enumerate(notebook.cells, start=1):
        if ANALYST not in cell.metadata.get("tags", ()):
            yield _place(number, cell), cell


def _views(where: str, cell: NotebookNode, kind: str = "") -> Iterator[JSON]:
    """Yield the views that a cell shows, of a kind or all, checked, since files can be edited."""
    for output in cell.get("outputs", ()):
        if output.output_type == "error":
            raise NotebookOutputError(f"{where} failed: {output.ename}: {output.evalue}")
        if output.output_type == "stream" or _WIDGET in output.data:
            continue
        if EVIDENCE_MIME not in output.data:
            forms = ", ".join(sorted(output.data)) or "nothing"
            raise NotebookOutputError(
                f"{where} shows {forms}, which no document can hold: show a view of "
                f"kit.report, or tag the cell `{ANALYST}`"
            )
        payload = output.data[EVIDENCE_MIME]
        if kind and isinstance(payload, dict) and payload.get("kind") != kind:
            continue
        try:
            view = views.parse(payload).as_json()
            if view["kind"] == "figure":
                ElementTree.fromstring(view["svg"])
        except (ValueError, TypeError, KeyError, ElementTree.ParseError) as error:
            raise NotebookOutputError(f"{where} shows a malformed view: {error}") from None
        yield view


def _seen(value: Any) -> Any:
    """Return JSON with what cannot be seen written out; pictures stay as they are."""
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, dict):
        return {name: part if name == "svg" else _seen(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_seen(part) for part in value]
    return value


def _drop_title(blocks: list[JSON]) -> list[JSON]:
    headings = [block for block in blocks if block["kind"] == "heading"]
    firsts = [block for block in headings if block["level"] == 1]
    if len(firsts) == 1 and firsts[0] is headings[0] and len(headings) > 1:
        return [block for block in blocks if block is not firsts[0]]
    return blocks


def _close_up(blocks: list[JSON]) -> list[JSON]:
    """Let levels start at 1 and rise by one; put controls one below their heading."""
    open_levels: list[int] = []
    for block in blocks:
        if block["kind"] == "heading":
            while open_levels and open_levels[-1] >= block["level"]:
                open_levels.pop()
            open_levels.append(block["level"])
            block["level"] = len(open_levels)
        elif block["kind"] == "controls":
            block["level"] = len(open_levels) + 1
    return blocks


def _number(blocks: list[JSON]) -> list[JSON]:
    """Number tables and figures, each in the order in which they stand."""
    for kind in ("table", "figure"):
        for number, block in enumerate((b for b in blocks if b["kind"] == kind), start=1):
            block["label"] = text(f"pack/labels/{kind}", number=number)
    return blocks


def tables(blocks: list[JSON]) -> Iterator[JSON]:
    """Yield every table: those that stand alone first, then those of control blocks."""
    yield from (block for block in blocks if block["kind"] == "table")
    yield from (control["rows"] for control in _controls(blocks))


def _controls(blocks: list[JSON]) -> Iterator[JSON]:
    for block in blocks:
        if block["kind"] == "controls":
            yield from block["blocks"]


def _targets(blocks: list[JSON]) -> tuple[dict[str, str], dict[str, str]]:
    """Give everything that can be linked to a target of its own; return those of ids."""
    taken: set[str] = set()

    def target(prefix: str, name: str) -> str:
        stem = f"{prefix}-{re.sub(r'[^A-Za-z0-9_.]+', '-', name).strip('-').lower()[:60]}"
        made = next(
            made
            for made in (stem if n == 1 else f"{stem}-{n}" for n in range(1, len(taken) + 2))
            if made not in taken
        )
        taken.add(made)
        return made

    controls: dict[str, str] = {}
    commands: dict[str, str] = {}
    rows: dict[str, str] = {}
    for block in blocks:
        if block["kind"] == "heading":
            block["target"] = target("section", block["text"])
        elif block["kind"] == "figure":
            block["target"] = target("figure", block["id"])
        elif block["kind"] == "controls":
            for control in block["blocks"]:
                control["target"] = target("control", control["id"])
                controls.setdefault(control["id"], control["target"])
        elif block["kind"] == "remedies":
            for entry in block["entries"]:
                entry["target"] = target("commands", entry["controls"][0])
                commands |= dict.fromkeys(entry["controls"], entry["target"])
    for control in _controls(blocks):
        control["commands"] = commands.get(control["id"])
    for table in tables(blocks):
        table["target"] = target("table", table["id"])
        table["targets"] = [None] * len(table["rows"])
        if table["anchor"] is not None:
            column = [column["name"] for column in table["columns"]].index(table["anchor"])
            for number, row in enumerate(table["rows"]):
                name = str(row[column])
                if name not in rows:
                    rows[name] = table["targets"][number] = target("row", name)
    return controls, rows


def _cite(blocks: list[JSON], rows: dict[str, str]) -> None:
    """Add to rows that evidence cells name the controls that cite them: the way back."""
    cited: dict[str, list[str]] = {}
    for control, columns, row in _citing(blocks):
        names = [control] if control else _of_kind("control", columns, row)
        for name in _of_kind("evidence", columns, row):
            known = cited.setdefault(name, [])
            known += [name for name in names if name not in known]
    for table in tables(blocks):
        kinds = {column["kind"] for column in table["columns"]}
        if table["anchor"] is None or "control" in kinds:
            continue
        place = [column["name"] for column in table["columns"]].index(table["anchor"])
        if any(str(row[place]) in cited for row in table["rows"]):
            table["columns"].append(asdict(views.column("cited_by", "control", _CITED_BY_BRIEF)))
            for row in table["rows"]:
                row.append(sorted(cited.get(str(row[place]), [])))


def _citing(blocks: list[JSON]) -> Iterator[tuple[str | None, list[JSON], list[Any]]]:
    for block in blocks:
        if block["kind"] == "table":
            yield from ((None, block["columns"], row) for row in block["rows"])
        elif block["kind"] == "controls":
            for control in block["blocks"]:
                table = control["rows"]
                yield from ((control["id"], table["columns"], row) for row in table["rows"])


def _of_kind(kind: str, columns: list[JSON], row: list[Any]) -> list[str]:
    return [
        name
        for column, cell in zip(columns, row, strict=True)
        if column["kind"] == kind
        for name in ids(cell)
    ]
