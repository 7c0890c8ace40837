"""What a notebook cell shows: an object in three forms.

Every view is plain data. JupyterLab shows its HTML fragment, a terminal its
text, and the exporters in `kit.pack` read its JSON (`EVIDENCE_MIME`), so that
the PDF and the HTML page are made from the same data and never from each
other's markup.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, cast, get_args

import jinja2

from kit.catalogue import statuses
from kit.catalogue.texts import text
from kit.displayed import for_analysts
from kit.report.columnar import Columnar
from kit.report.formats import (
    JSON,
    SEVERITIES,
    STATUSES,
    Cell,
    Kind,
    Mark,
    Scalar,
    cell_text,
    counts,
    ids,
    joined,
    storable,
    svg_uri,
)
from kit.report.live import lab_script
from kit.visible import escape

__all__ = [
    "EVIDENCE_MIME",
    "JSON",
    "LAB_ROWS",
    "MOST_COLUMNS",
    "MOST_ROWS",
    "OWN",
    "PDF_ROWS",
    "SEVERITIES",
    "STATUSES",
    "Cell",
    "Column",
    "ControlBlock",
    "Controls",
    "Cover",
    "Data",
    "Figure",
    "Group",
    "Kind",
    "Mark",
    "Note",
    "Remedies",
    "Scalar",
    "Table",
    "View",
    "cell_text",
    "environment",
    "ids",
    "parse",
]

V = TypeVar("V")
EVIDENCE_MIME = "application/vnd.appstream-evidence+json"
LAB_ROWS, _BLOCK_ROWS = 500, 100  # rows of a table, and of each table of a control's block
OWN = "own-"
"""Begins the ids of tables and figures that analysts' own cells show; the kit's begin otherwise."""
MOST_ROWS, MOST_COLUMNS = 20_000, 40  # of an analyst's own table
PDF_ROWS = 200  # of such a table that the PDF prints; the HTML has all
_PLAIN_ROWS, _PLAIN_WIDTH, _PLAIN_LEAST = 20, 110, 12  # of a terminal: rows, columns, of a cell
_OPEN = [word for word, known in statuses.STATUSES.items() if known.open]


def _members(value: Any) -> JSON:
    """Return a dataclass's members as JSON, which shares what is JSON already: rows of tables."""
    return {one.name: _member(getattr(value, one.name)) for one in fields(value)}


def _member(value: Any) -> Any:
    if is_dataclass(value):
        return _members(value)
    if isinstance(value, list) and value and is_dataclass(value[0]):
        return [_members(part) for part in value]
    return value


class View:
    """Base of what cells show; subclasses are frozen dataclasses of JSON values."""

    kind: ClassVar[str]

    def as_json(self) -> JSON:
        """Return the view as JSON: its kind and its fields."""
        return {"kind": self.kind, **_members(self)}

    def plain(self) -> str:
        """Return a line for terminals and logs."""
        raise NotImplementedError

    def html(self, rows: int = LAB_ROWS) -> str:
        """Return the fragment that JupyterLab shows, with at most so many rows of a table."""
        return lab_template(self.kind).render(view=self, LAB_ROWS=rows)

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> dict[str, JSON | str]:
        return for_analysts(EVIDENCE_MIME, storable(self.as_json()), self.forms())

    def forms(self) -> dict[str, Callable[[], str]]:
        """Return what makes the other forms of the view, by their media types."""
        return {"text/html": self.html, "text/plain": lambda: escape(self.plain())}


@dataclass(frozen=True)
class Column:
    """A column of a `Table`.

    `evidence` cells hold evidence ids and link to the rows anchored by them;
    `control` cells hold control ids and link to the controls' blocks;
    `section` cells hold headings or control ids, and link to the sections or the controls' blocks,
    with their pages where there are pages;
    `link` cells hold a text and the relative address of a file that lies near.
    `brief` is how much of a cell the PDF prints: characters, or ids; 0 leaves the column out.
    """

    name: str
    title: str
    kind: Kind = "text"
    brief: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"column {self.name!r}: no kind {self.kind!r}, use {get_args(Kind)}")


def column(name: str, kind: Kind = "text", brief: int | None = None) -> Column:
    """Return a column with the title that the catalogue has for its name."""
    return Column(name, text(f"report/columns/{name}"), kind, brief)


@dataclass(frozen=True)
class Table(View):
    """Rows and columns, all of which the HTML shows.

    Parameters
    ----------
    id : str
        Stands in links; unique in a notebook.
    caption : str
        What the rows are.
    columns : list of Column
        At least one column.
    rows : list of list of Cell
        JSON scalars, in the order of `columns`; `evidence` cells are lists of ids.
    listed : list of int, optional
        Indexes of the rows that the PDF lists; all by default.
    cut : str, optional
        States what `listed` leaves out and where it is; goes with `listed`.
    anchor : str, optional
        Name of the column whose value other cells link to.
    empty : str
        The sentence in place of a table without rows.

    Raises
    ------
    ValueError
        If rows, columns, `listed` and `cut` do not fit together.
    TypeError
        If a cell is not a JSON scalar of its column's kind.
    """

    kind: ClassVar[str] = "table"

    id: str
    caption: str
    columns: list[Column]
    rows: list[list[Cell]]
    listed: list[int] | None = None
    cut: str | None = None
    anchor: str | None = None
    empty: str = field(default_factory=lambda: text("report/empty"))

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"table {self.id!r}: column names must be given and differ: {names}")
        if self.anchor is not None and self.anchor not in names:
            raise ValueError(f"table {self.id!r}: no column {self.anchor!r} to anchor rows by")
        if (self.listed is None) != (self.cut is None):
            raise ValueError(f"table {self.id!r}: listed and cut go together")
        if self.listed is not None and not set(self.listed) <= set(range(len(self.rows))):
            raise ValueError(f"table {self.id!r}: listed names rows that do not exist")
        kinds = [column.kind for column in self.columns]
        for number, row in enumerate(self.rows):
            if len(row) != len(names):
                raise ValueError(f"table {self.id!r}: row {number} has {len(row)} cells")
            for column, kind, cell in zip(self.columns, kinds, row, strict=True):
                if type(cell) is str and kind in _ANY_TEXT:
                    continue
                try:
                    _check_cell(kind, cell)
                except (TypeError, ValueError) as error:
                    where = f"table {self.id!r}, row {number}, {column.name!r}"
                    raise type(error)(f"{where}: {error}") from None

    def plain(self) -> str:
        """Return the caption, the number of rows, and the first rows in columns."""
        caption = text("report/plain/table", caption=self.caption, count=len(self.rows))
        if not self.rows:
            return f"{caption}\n{self.empty}"
        kinds = [column.kind for column in self.columns]
        shown = [
            [cell_text(*pair) for pair in zip(kinds, row, strict=True)]
            for row in self.rows[:_PLAIN_ROWS]
        ]
        grid = [[column.title for column in self.columns], *shown]
        widths = _fitting([max(map(len, cells)) for cells in zip(*grid, strict=True)])
        lines = [
            "  ".join(
                (cell if len(cell) <= width else f"{cell[: width - 1]}…").ljust(width)
                for cell, width in zip(row, widths, strict=True)
            ).rstrip()
            for row in grid
        ]
        if (left := len(self.rows) - len(shown)) > 0:
            lines.append(text("report/lab/rows", count=left, rows=len(self.rows)))
        return "\n".join([caption, *lines])


def _fitting(widths: list[int]) -> list[int]:
    """Return columns' widths that fit a terminal: the widest share what the others leave."""
    room, most = _PLAIN_WIDTH, 0
    for place, width in enumerate(sorted(widths)):
        most = max(room // (len(widths) - place), _PLAIN_LEAST)
        if width > most:
            break
        room -= width
    return [min(width, most) for width in widths]


def first_of(rows: Sequence[Any], most: int, file: str = "") -> dict[str, Any]:
    """Return a table's `listed` and `cut` where it has more rows than the PDF is to list.

    Parameters
    ----------
    rows : sequence
    most : int
        Rows that the PDF lists.
    file : str
        What has all rows besides the HTML; empty for nothing.
    """
    left = len(rows) - most
    if left <= 0:
        return {}
    where = text("report/cut/file", file=file) if file else text("report/cut/html")
    cut = text("report/cut/rows", count=left, rows=len(rows))
    return {"listed": list(range(most)), "cut": joined(cut, where)}


def first_of_each(kinds: Sequence[object], most: int, ranks: Sequence[Any] = ()) -> list[int]:
    """Return the places of so many rows of each kind, in order.

    Parameters
    ----------
    kinds : sequence
        The kind of each row.
    most : int
        Rows of each kind.
    ranks : sequence, optional
        Of each row; the lowest come first, then the first. By default all are alike.
    """
    seen: Counter[object] = Counter()
    places = []
    for place in sorted(range(len(kinds)), key=ranks.__getitem__ if ranks else None):
        seen[kinds[place]] += 1
        if seen[kinds[place]] <= most:
            places.append(place)
    return sorted(places)


@dataclass(frozen=True)
class Figure(View):
    """A picture: SVG, its alternative text, and a caption."""

    kind: ClassVar[str] = "figure"

    id: str
    svg: str
    alt: str
    caption: str
    table: str = ""  # id of the table that has in full what the picture shows

    def __post_init__(self) -> None:
        if not self.alt.strip():
            raise ValueError(f"figure {self.id!r}: a figure needs alternative text")
        if "<svg" not in self.svg:
            raise ValueError(f"figure {self.id!r}: not an SVG document")

    @property
    def uri(self) -> str:
        """Return the picture as a data URI."""
        return svg_uri(self.svg)

    def plain(self) -> str:
        """Return caption and alternative text."""
        return f"{self.caption} [{self.alt}]"

    def forms(self) -> dict[str, Callable[[], str]]:
        """Return what makes the other forms of the view, by their media types."""
        return {**super().forms(), "image/svg+xml": lambda: self.svg}


@dataclass(frozen=True)
class Group(View):
    """Tables or figures that a cell shows together."""

    kind: ClassVar[str] = "group"

    views: Sequence[Table | Figure]

    def as_json(self) -> JSON:
        """Return the views as JSON, each as it is by itself."""
        return {"kind": self.kind, "views": [view.as_json() for view in self.views]}

    def plain(self) -> str:
        """Return each view as text."""
        return "\n\n".join(view.plain() for view in self.views)


@dataclass(frozen=True)
class Cover(View):
    """The first page.

    Parameters
    ----------
    title, subtitle : str
        Both stand in the header of every page.
    facts : list of (str, str)
        Account, period, roles, versions, digests, in the order printed.
    as_of : str
        ISO 8601 time in UTC; the only clock of the document.
    stamp : str, optional
        What must stand on every page, such as that the answers are not from AWS.
    marks : list of str
        Further marks for every page, such as "Unsigned".
    paper : {"A4", "A4 across", "Letter"}
        Size of the PDF's pages; across, they lie on their side.
    language : str
        In which the exporters write what they add: ``en``, or the path of a YAML file.
    in_use : bool
        Whether the account uses AppStream; the PDF of one that does not is short.
    brief : str
        Whose account it is, as of when and of which regions, for the top of the first page.
    """

    kind: ClassVar[str] = "cover"

    title: str
    subtitle: str
    facts: list[tuple[str, str]]
    as_of: str
    stamp: str | None = None
    marks: list[str] = field(default_factory=list)
    paper: str = "A4"
    language: str = "en"
    in_use: bool = True
    brief: str = ""

    def plain(self) -> str:
        """Return title, subtitle, stamp and facts, a line each."""
        lines = (self.title, self.subtitle, self.stamp, *self.marks)
        return "\n".join([*filter(None, lines), *(f"{name}: {fact}" for name, fact in self.facts)])


@dataclass(frozen=True)
class ControlBlock:
    """A control: verdict, expectation, observations, reason, remedy.

    Parameters
    ----------
    id : str
        Such as "AR-05"; `control` cells link to it.
    title, status, severity, responsibility, source : str
        `status` is the worst of the rows' statuses, `source` the words of AWS's page; empty for
        what goes beyond it.
    articles : list of {"article": str, "why": str}
        Articles of the GDPR that the control tests, of those that bind the declared role, and why.
    context : list of {"article": str, "why": str}
        Articles that its subject touches, and that it does not test.
    requirements : list of {"framework": str, "cited": list of str}
        Requirements of each other framework that the control tests, and those that it concerns.
    expected : str
        What the control accepts.
    remedies : list of {"parts": list of [title, text]}
        The remediation of what is open: what it is for, what it needs and breaks, and its steps.
    counts : dict of str to int
        Rows by status.
    rest : list of {"status": str, "count": int, "observed": str, "plain": bool, "evidence": list of str}
        What the PDF has of the rows that are not listed.
    rows : Table
        What was observed.
    """

    id: str
    title: str
    status: str
    severity: str
    responsibility: str
    source: str
    articles: list[dict[str, str]]
    context: list[dict[str, str]]
    requirements: list[JSON]
    expected: str
    remedies: list[JSON]
    counts: dict[str, int]
    rest: list[JSON]
    rows: Table

    def __post_init__(self) -> None:
        if self.status not in STATUSES or not set(self.counts) <= set(STATUSES):
            raise ValueError(f"control {self.id!r}: unknown status {self.status!r} {self.counts}")
        if self.severity not in SEVERITIES:
            raise ValueError(f"control {self.id!r}: unknown severity {self.severity!r}")


@dataclass(frozen=True)
class Controls(View):
    """A run of control blocks; each becomes a section of its own."""

    kind: ClassVar[str] = "controls"

    blocks: list[ControlBlock]

    def html(self, rows: int = _BLOCK_ROWS) -> str:
        """Return the fragment that JupyterLab shows, with at most so many rows of each control."""
        return super().html(rows)

    def plain(self) -> str:
        """Return each control's verdict."""
        return "\n".join(
            f"{block.id} {STATUSES[block.status].word}: {block.title}" for block in self.blocks
        )


@dataclass(frozen=True)
class Remedies(View):
    """Commands that remedy or inspect, each with the controls that it is for.

    Parameters
    ----------
    entries : list of {"controls": list of str, "when": str, "steps": list of dict}
        A step has ``title``, ``language`` ("sh" or "terraform") and ``code``.
    """

    kind: ClassVar[str] = "remedies"

    entries: list[JSON]

    def plain(self) -> str:
        """Return the controls of each entry."""
        return "\n".join(", ".join(entry["controls"]) for entry in self.entries)


@dataclass(frozen=True)
class Note(View):
    """A sentence set apart."""

    kind: ClassVar[str] = "note"

    text: str
    tone: Literal["info", "warning"] = "info"

    def plain(self) -> str:
        """Return the text."""
        return self.text


@dataclass(frozen=True)
class Data(View):
    """Records for the files of the pack that machines read; no page shows them.

    Parameters
    ----------
    name : str
        Such as "findings".
    records : sequence of dict
        Rows of JSON scalars, all with the same keys in the same order.
    facts : dict
        What is true of all of them, such as their digest; JSON.
    """

    kind: ClassVar[str] = "data"

    name: str
    records: Sequence[dict[str, Any]]
    facts: JSON

    def as_json(self) -> JSON:
        """Return name, facts, and the records as the text of each column."""
        columns = Columnar.of(self.records).texts()
        return {"kind": self.kind, "name": self.name, "columns": columns, "facts": self.facts}

    def plain(self) -> str:
        """Return how many records there are."""
        return text("report/plain/data", name=self.name, count=len(self.records))

    def forms(self) -> dict[str, Callable[[], str]]:
        """Return what makes the other form of the view, by its media type."""
        return {"text/plain": self.plain}


def parse(data: JSON) -> View:
    """Return the view that `as_json` gave, checked like any other.

    Raises
    ------
    KeyError, TypeError, ValueError
        `data` is not a view.
    """
    try:
        own = {name: value for name, value in data.items() if name != "kind"}
        if data["kind"] not in _PARSERS:
            raise ValueError(f"no view of the kind {data['kind']!r}")
        return _PARSERS[data["kind"]](own)
    except (
        AttributeError,
        IndexError,
    ) as error:  # a text, a number or a list in place of an object
        raise TypeError(str(error)) from None


def _made(view: Callable[..., V], members: JSON) -> V:
    """Return a view or a part of one, whose members are of the types that it declares."""
    made = view(**members)
    for one in fields(made):  # type: ignore[arg-type]
        given = getattr(made, one.name)
        accepted = {_TYPES[name.partition("[")[0]] for name in str(one.type).split(" | ")}
        if not isinstance(given, tuple(accepted)):
            raise TypeError(f"{one.name} is {type(given).__name__}; accepted: {one.type}")
    return made


def _table(own: JSON) -> Table:
    members = {name: value for name, value in own.items() if name != "kind"}
    columns = [_made(Column, column) for column in own["columns"]]
    return _made(Table, {**members, "columns": columns})


def _group(own: JSON) -> Group:
    for part in own["views"]:
        if part["kind"] not in (Table.kind, Figure.kind):
            raise ValueError(f"a group has tables and figures, no {part['kind']}")
    return Group([cast(Table | Figure, parse(part)) for part in own["views"]])


def _controls(own: JSON) -> Controls:
    return Controls(
        [_made(ControlBlock, {**block, "rows": _table(block["rows"])}) for block in own["blocks"]]
    )


def _cover(own: JSON) -> Cover:
    return _made(Cover, {**own, "facts": [(name, value) for name, value in own["facts"]]})


def _data(own: JSON) -> Data:
    records = Columnar.parsed(own["columns"])
    return _made(Data, {"name": own["name"], "records": records, "facts": own["facts"]})


_PARSERS: Mapping[str, Callable[[JSON], View]] = {
    Table.kind: _table,
    Group.kind: _group,
    Controls.kind: _controls,
    Cover.kind: _cover,
    Figure.kind: partial(_made, Figure),
    Note.kind: partial(_made, Note),
    Remedies.kind: partial(_made, Remedies),
    Data.kind: _data,
}
# The types of a member by the names that its annotation has.
_TYPES: Mapping[str, type] = {
    "str": str,
    "int": int,
    "bool": bool,
    "list": list,
    "dict": dict,
    "Sequence": Sequence,
    "None": type(None),
    "Table": Table,
    "Kind": str,
    "Literal": str,
    "JSON": dict,
}


# Kinds of which every text is a cell.
_ANY_TEXT = frozenset(get_args(Kind)) - {"link", "evidence", "status", "severity"}


def _check_cell(kind: Kind, cell: object) -> None:
    """Raise an error unless `cell` is a JSON value that `kind` can hold."""
    if kind == "link" and cell is not None:
        if not isinstance(cell, list) or len(cell) != 2 or not _is_beside(cell[1]):
            raise TypeError(f"a link is a text and a relative address, not {cell!r}")
    elif isinstance(cell, list):
        if kind not in ("evidence", "control", "section") or not all(
            isinstance(part, str) for part in cell
        ):
            raise TypeError("only evidence, control and section cells hold lists, of strings")
    elif cell is not None and type(cell) not in (str, int, float, bool):
        raise TypeError(f"{type(cell).__name__} is not a JSON scalar")
    elif isinstance(cell, float) and not math.isfinite(cell):
        raise TypeError(f"{cell} is not a JSON number")
    elif kind == "evidence" and cell is not None:
        raise TypeError("evidence is a list of ids")
    elif kind in ("status", "severity"):
        known: Mapping[str, Mark] = STATUSES if kind == "status" else SEVERITIES
        if cell is not None and cell not in known:
            raise ValueError(f"no {kind} {cell!r}, use {list(known)}")


def trace_id(finding: Sequence[str]) -> str:
    """Return the anchor of a finding's evidence in a notebook, from control, region, resource.

    A digest, because JupyterLab opens a file where it must encode a character of an anchor.
    https://github.com/jupyterlab/jupyterlab/blob/main/packages/rendermime/src/renderers.ts (handleAnchor)
    """
    name = escape("/".join(finding)).encode()
    return f"trace-{hashlib.sha256(name).hexdigest()[:16]}"


def _is_beside(address: object) -> bool:
    """Return whether an address leads to a file that came along, and to no network."""
    return isinstance(address, str) and not re.match(r"[/\\]|[^/]*:", address)


_environment: jinja2.Environment | None = None


def lab_template(name: str) -> jinja2.Template:
    """Return a template of what JupyterLab shows."""
    global _environment
    if _environment is None:
        _environment = environment(Path(__file__).parent / "templates")
        _environment.globals["script"] = lab_script
        _environment.filters["trace"] = trace_id
    return _environment.get_template(f"{name}.html.j2")


def environment(*folders: Path) -> jinja2.Environment:
    """Return a Jinja2 environment that escapes every value, with the marks at hand."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader([str(folder) for folder in folders]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        OPEN=_OPEN, STATUSES=STATUSES, SEVERITIES=SEVERITIES, LAB_ROWS=LAB_ROWS, text=text
    )
    made.filters.update(seen=escape, cell=_cell_filter, counts=counts)
    return made


def _cell_filter(cell: Cell, kind: Kind) -> str:
    return escape(cell_text(kind, cell))
