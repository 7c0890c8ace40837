"""From an executed notebook to the document that HTML and PDF are both made from.

Only prose and views reach it. Code, streams, widgets, progress bars and what
objects show to the analyst (`kit.displayed`) never do; any other output raises an
error, for a table that the PDF cannot print must not become a hole in the evidence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast
from xml.etree import ElementTree

from nbformat import NotebookNode

from kit.catalogue import texts
from kit.catalogue.texts import text
from kit.displayed import DESK_MIME
from kit.errors import UserError
from kit.pack.blocks import Block, ColumnBlock, ControlEntry, CoverBlock, Fact, TableBlock
from kit.pack.prose import headings_and_prose
from kit.report import fonts, views
from kit.report.cover import SIGNATURES
from kit.report.records import FindingsData, parse_findings
from kit.report.views import EVIDENCE_MIME, JSON, Cell, ids
from kit.visible import escape

if TYPE_CHECKING:
    from kit.pack.own_cells import OwnCells
    from kit.pack.own_controls import OwnControls

ANALYST = "analyst"
_CITED_BY_BRIEF = 2
_NOT_VIEWS = {"application/vnd.jupyter.widget-view+json", DESK_MIME}


class NotebookOutputError(UserError):
    """A cell shows something that no document can hold."""


@dataclass(frozen=True)
class Document:
    """What auditors read, in order.

    Attributes
    ----------
    cover : CoverBlock
    blocks : list of Block
        See `kit.pack.blocks`. A `target` is unique in the document; links name it.
    controls, rows : dict
        The target of each control and of each row with an anchor, by id.
    own : list of Block
        What the kit did not make; documents show it apart, marked.
    """

    cover: CoverBlock
    blocks: list[Block]
    controls: dict[str, str]
    rows: dict[str, str]
    own: list[Block] = field(default_factory=list)

    @property
    def marks(self) -> list[str]:
        """What every page states: the stamp, if there is any, and the marks."""
        return [mark for mark in (self.cover["stamp"], *self.cover["marks"]) if mark]

    @property
    def sections(self) -> dict[str, str]:
        """The target of each section by its heading, and of each control's block by its id."""
        return section_targets(self.blocks)

    def table(self, id: str) -> TableBlock | None:
        """Return the table with an id, if the document has it."""
        return next((table for table in tables(self.blocks) if table["id"] == id), None)

    def cells(self, id: str) -> list[dict[str, Cell]]:
        """Return each row of a table as its cells by the columns' names; none without the table."""
        if (table := self.table(id)) is None:
            return []
        names = [column["name"] for column in table["columns"]]
        return [dict(zip(names, row, strict=True)) for row in table["rows"]]

    def as_json(self) -> JSON:
        """Return all of it as JSON."""
        return {
            "cover": self.cover,
            "blocks": self.blocks,
            "controls": self.controls,
            "rows": self.rows,
            "sections": self.sections,
            "own": self.own,
        }

    def outline(self) -> list[tuple[int, str, str]]:
        """Return level, target and text of every heading, controls included."""
        lines: list[tuple[int, str, str]] = []
        for block in [*self.blocks, *self.own]:
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
        A cell failed, or shows something that is not a view, or Markdown holds HTML or a
        picture, or there is not exactly one cover. The message names the cell.
    """
    _refuse_failed(notebook)
    cells = [(where, cell, list(views_of(where, cell))) for where, cell in _cells(notebook)]
    covers = [view for _, _, own in cells for view in own if view["kind"] == "cover"]
    if len(covers) != 1:
        raise NotebookOutputError(f"the notebook shows {len(covers)} covers; it must show one")
    texts.choose(covers[0]["language"])
    shown: list[JSON] = []
    for where, cell, own in cells:
        if cell.cell_type == "markdown":
            source = texts.translated(f"notebooks/{cell.get('id', '')}", cell.source)
            try:
                shown += headings_and_prose(source)
            except ValueError as error:
                raise NotebookOutputError(f"{where}: {error}") from None
        for view in own:
            shown += view["views"] if view["kind"] == "group" else [view]
    blocks: list[Block] = [_seen(part) for part in shown if part["kind"] not in ("cover", "data")]
    blocks = _close_up(_drop_title(blocks))
    made: CoverBlock = _seen(covers[0])
    front, others = first_section(blocks)
    _number([*front, made, *others])
    controls, rows = _targets(blocks)
    _refer(blocks)
    _cite(blocks, rows)
    return Document(made, blocks, controls, rows)


def section_targets(blocks: Iterable[Any]) -> dict[str, str]:
    """Return the target of each section by its heading, and of each control's block by its id.

    The first of two alike has it.
    """
    listed = [*blocks]
    headings = [block for block in listed if block["kind"] == "heading"]
    controls = {control["id"]: control["target"] for control in _controls(listed)}
    return controls | {block["text"]: block["target"] for block in reversed(headings)}


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
    facts: list[Fact] = [
        [label, f"{fact} ({level})" if fact == SIGNATURES else fact]
        for label, fact in made.cover["facts"]
    ]
    return replace(made, cover={**made.cover, "facts": facts})


def with_own(made: Document, controls: OwnControls | None, cells: OwnCells | None) -> Document:
    """Return a document with what the kit did not make, which its cover and marks name.

    Parameters
    ----------
    made : Document
    controls : OwnControls or None
        An organisation's own controls get a chapter.
    cells : OwnCells or None
        An analyst's own cells get the chapter after it.
    """
    if controls is None and cells is None:
        return made
    parts: list[JSON] = []
    facts: list[Fact] = [*made.cover["facts"]]
    marks = [*made.cover["marks"]]
    if controls:
        parts += controls.blocks()
        facts.append([text("pack/own/controls_fact"), _printed(controls.stated)])
        marks.append(text("pack/own/controls_mark"))
    if cells:
        statement = text("pack/own/statement", digest=cells.sha256)
        parts += [
            {"kind": "heading", "level": 1, "text": text("pack/own/title")},
            {"kind": "note", "text": statement, "tone": "warning"},
            *cells.blocks(),
        ]
        facts.append([text("pack/own/fact"), cells.sha256])
        marks.append(text("pack/own/mark"))
    taken = {line[1] for line in made.outline()} | {
        table["target"] for table in tables(made.blocks)
    }
    own: list[Block] = [_printed(_seen(part)) for part in parts]
    own = _close_up(own)
    _number(own)
    _targets(own, taken)
    _refer(own)
    return replace(made, cover={**made.cover, "facts": facts, "marks": marks}, own=own)


def data_of(notebook: NotebookNode, name: str) -> JSON:
    """Return the records and facts of a name, as the notebook gave them for machines.

    Raises
    ------
    NotebookOutputError
        The notebook does not show them exactly once.
    """
    shown = [view for where, cell in _cells(notebook) for view in views_of(where, cell, name)]
    if len(shown) != 1:
        raise NotebookOutputError(f"the notebook shows the data of its {name} {len(shown)} times")
    return shown[0]


def findings_data(notebook: NotebookNode) -> FindingsData:
    """Return the records and facts of the findings, as the notebook gave them for machines.

    Raises
    ------
    NotebookOutputError
        The notebook does not show them exactly once, or they are not those of findings.
    """
    data = data_of(notebook, "findings")
    try:
        return parse_findings(data["records"], data["facts"])
    except ValueError as error:
        raise NotebookOutputError(f"the data of the notebook's findings: {error}") from None


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


def views_of(where: str, cell: NotebookNode, name: str = "") -> Iterator[JSON]:
    """Yield the views that a cell shows, checked, since files can be edited.

    With a name they are the data of that name alone, with `records`; without one, no data is read.
    """
    for output in cell.get("outputs", ()):
        if output.output_type == "error":
            raise NotebookOutputError(f"{where} failed: {output.ename}: {output.evalue}")
        if output.output_type == "stream" or not output.data.keys().isdisjoint(_NOT_VIEWS):
            continue
        if EVIDENCE_MIME not in output.data:
            forms = ", ".join(sorted(output.data)) or "nothing"
            raise NotebookOutputError(
                f"{where} shows {forms}, which no document can hold: show it with "
                f"kit.show.table or kit.show.figure, or tag the cell `{ANALYST}`"
            )
        payload = output.data[EVIDENCE_MIME]
        is_data = isinstance(payload, dict) and payload.get("kind") == "data"
        if name and not (is_data and payload.get("name") == name):
            continue
        if is_data and not name:
            yield {"kind": "data"}
            continue
        try:
            shown = views.parse(payload)
            if isinstance(shown, views.Data):
                yield {"kind": "data", "records": shown.records, "facts": shown.facts}
                continue
            view = shown.as_json()
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


def _printed(value: Any) -> Any:
    """Return JSON with the characters written out that the kit's own fonts lack.

    What the kit did not make never needs the computer's fonts, so that every computer gives the
    same PDF of it.
    """
    if isinstance(value, str):
        return "\t".join(fonts.printable(part, fonts.shipped()) for part in value.split("\t"))
    if isinstance(value, dict):
        return {name: part if name == "svg" else _printed(part) for name, part in value.items()}
    return [_printed(part) for part in value] if isinstance(value, list) else value


def _drop_title(blocks: list[Block]) -> list[Block]:
    headings = [block for block in blocks if block["kind"] == "heading"]
    firsts = [block for block in headings if block["level"] == 1]
    if len(firsts) == 1 and firsts[0] is headings[0] and len(headings) > 1:
        return [block for block in blocks if block is not firsts[0]]
    return blocks


def _close_up(blocks: list[Block]) -> list[Block]:
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


def _number(blocks: Sequence[Block | CoverBlock]) -> None:
    """Number tables and figures, each in the order in which they stand; analysts' own apart.

    The cover's facts are a table.
    """
    numbers: Counter[str] = Counter()
    for block in blocks:
        if block["kind"] == "cover":
            numbers["table"] += 1
            block["label"] = text("pack/labels/table", number=numbers["table"])
        elif block["kind"] == "table" or block["kind"] == "figure":
            kind = f"own_{block['kind']}" if block["id"].startswith(views.OWN) else block["kind"]
            numbers[kind] += 1
            block["label"] = text(f"pack/labels/{kind}", number=numbers[kind])


def first_section(blocks: list[Block]) -> tuple[list[Block], list[Block]]:
    """Return the blocks of the first section, which the first page has, and all others."""
    firsts = [
        place
        for place, block in enumerate(blocks)
        if block["kind"] == "heading" and block["level"] == 1
    ]
    end = firsts[1] if firsts[:1] == [0] and len(firsts) > 1 else 0
    return blocks[:end], blocks[end:]


def tables(blocks: list[Block]) -> Iterator[TableBlock]:
    """Yield every table: those that stand alone first, then those of control blocks."""
    yield from (block for block in blocks if block["kind"] == "table")
    yield from (control["rows"] for control in _controls(blocks))


def _controls(blocks: list[Block]) -> Iterator[ControlEntry]:
    for block in blocks:
        if block["kind"] == "controls":
            yield from block["blocks"]


def _targets(
    blocks: list[Block], others: Collection[str] = ()
) -> tuple[dict[str, str], dict[str, str]]:
    """Give everything that can be linked to a target of its own; return those of ids."""
    taken = {*others}

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
    order = [control["id"] for control in _controls(blocks)]
    for block in blocks:
        if block["kind"] == "remedies":  # in the order in which the document has the controls
            block["entries"].sort(key=lambda entry: _first(entry["controls"], order))
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
                commands = dict.fromkeys(entry["controls"], entry["target"]) | commands
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


def _refer(blocks: list[Block]) -> None:
    """Give each figure the label and the section of the table that has in full what it shows."""
    in_full: dict[str, list[str]] = {}
    section = ""
    for block in blocks:
        if block["kind"] == "heading":
            section = block["target"]
        elif block["kind"] == "table":
            in_full[block["id"]] = [block["label"], section]
    for block in blocks:
        if block["kind"] == "figure":
            block["in_full"] = in_full.get(block["table"])


def _first(names: list[str], order: list[str]) -> int:
    """Return the place of the first of some controls; the last place where none is listed."""
    return min((order.index(name) for name in names if name in order), default=len(order))


def _cite(blocks: list[Block], rows: dict[str, str]) -> None:
    """Add to rows that evidence cells name the controls that cite them: the way back."""
    cited: dict[str, set[str]] = {}
    for control, table in _citing(blocks):
        controls, evidence = _places("control", table), _places("evidence", table)
        for row in table["rows"]:
            names = [control] if control else _ids_at(controls, row)
            for name in _ids_at(evidence, row):
                cited.setdefault(name, set()).update(names)
    for table in tables(blocks):
        kinds = {column["kind"] for column in table["columns"]}
        if table["anchor"] is None or "control" in kinds:
            continue
        place = [column["name"] for column in table["columns"]].index(table["anchor"])
        if any(str(row[place]) in cited for row in table["rows"]):
            cited_by = views.column("cited_by", "control", _CITED_BY_BRIEF)
            table["columns"].append(cast(ColumnBlock, asdict(cited_by)))
            for row in table["rows"]:
                row.append(sorted(cited.get(str(row[place]), ())))


def _citing(blocks: list[Block]) -> Iterator[tuple[str, TableBlock]]:
    """Yield each table whose rows cite evidence, with its control where it is a control's."""
    for block in blocks:
        if block["kind"] == "table":
            yield "", block
        elif block["kind"] == "controls":
            yield from ((control["id"], control["rows"]) for control in block["blocks"])


def _places(kind: str, table: TableBlock) -> list[int]:
    return [place for place, column in enumerate(table["columns"]) if column["kind"] == kind]


def _ids_at(places: list[int], row: list[Cell]) -> list[str]:
    return [name for place in places for name in ids(row[place])]
