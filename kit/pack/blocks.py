"""The blocks of a document as its readers have them: views as JSON, with labels and targets.

Each block is a dictionary with a `kind`, which templates read as it is. The types are those of the
views in `kit.report.views`; a type checker holds every reader to them.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from kit.report.views import JSON, Cell, Kind

Fact = tuple[str, str] | list[str]


class CoverBlock(TypedDict):
    """The first page; see `kit.report.views.Cover`."""

    kind: Literal["cover"]
    title: str
    subtitle: str
    facts: list[Fact]
    as_of: str
    stamp: str | None
    marks: list[str]
    paper: str
    language: str
    in_use: bool
    brief: str
    label: NotRequired[str]


class HeadingBlock(TypedDict):
    """A heading of a Markdown cell; with `page`, it starts a page of the PDF."""

    kind: Literal["heading"]
    level: int
    text: str
    target: str
    page: NotRequired[bool]


class ProseBlock(TypedDict):
    """Paragraphs, lists and tables of a Markdown cell, as `kit.pack.prose` parses them."""

    kind: Literal["prose"]
    nodes: list[JSON]


class NoteBlock(TypedDict):
    """A sentence set apart."""

    kind: Literal["note"]
    text: str
    tone: Literal["info", "warning"]


class ColumnBlock(TypedDict):
    """A column of a table."""

    name: str
    title: str
    kind: Kind
    brief: int | None


class TableBlock(TypedDict):
    """A table; `targets` has a target or None for each row."""

    kind: Literal["table"]
    id: str
    caption: str
    columns: list[ColumnBlock]
    rows: list[list[Cell]]
    listed: list[int] | None
    cut: str | None
    anchor: str | None
    empty: str
    target: str
    targets: list[str | None]
    label: NotRequired[str]  # a control's table has none


class FigureBlock(TypedDict):
    """A picture."""

    kind: Literal["figure"]
    id: str
    svg: str
    alt: str
    caption: str
    table: str
    in_full: list[str] | None  # label of that table, target of its section
    target: str
    label: str


class ReasonBlock(TypedDict):
    """An article of the GDPR, and why it is cited."""

    article: str
    why: str


class RequirementsBlock(TypedDict):
    """Requirements of a framework that a control tests or concerns."""

    framework: str
    cited: list[str]


class RestBlock(TypedDict):
    """What a document has of the findings of a status that it does not list.

    Of a plain pass the PDF prints what was observed whole or not at all.
    """

    status: str
    count: int
    observed: str
    plain: bool
    evidence: list[str]


class LineBlock(TypedDict):
    """What a control observed of one row of a group, in running text."""

    resources: list[str]
    observed: str
    evidence: list[str]


class GroupBlock(TypedDict):
    """The findings of a status that the PDF lists, with their reason and region if all have it.

    Of `count` findings it lists `listed`; those that differ in resource and evidence alone are one
    row. A single row is a `line`, several are a `table`, none is neither.
    """

    status: str
    count: int
    listed: int
    reason: str
    region: str | None
    line: LineBlock | None
    table: TableBlock | None


class RemedyText(TypedDict):
    """What a remedy is for, and its parts with their titles."""

    parts: list[list[str]]


class ControlEntry(TypedDict):
    """A control with its verdict; `commands` is the target of its commands, if it has any."""

    id: str
    title: str
    status: str
    severity: str
    responsibility: str
    source: str
    articles: list[ReasonBlock]
    context: list[ReasonBlock]
    requirements: list[RequirementsBlock]
    expected: str
    remedies: list[RemedyText]
    counts: dict[str, int]
    rest: list[RestBlock]
    rows: TableBlock
    target: str
    commands: str | None
    groups: NotRequired[list[GroupBlock]]  # once `kit.pack.cut` has cut the block


class ControlsBlock(TypedDict):
    """A run of controls, at the level of headings that each has."""

    kind: Literal["controls"]
    blocks: list[ControlEntry]
    level: int


class StepBlock(TypedDict):
    """Commands of a tool."""

    title: str
    language: str
    code: str


class RemedyEntry(TypedDict):
    """Commands, the controls that they are for, and the case."""

    controls: list[str]
    when: str
    steps: list[StepBlock]
    target: str


class RemediesBlock(TypedDict):
    """Commands that remedy or inspect."""

    kind: Literal["remedies"]
    entries: list[RemedyEntry]


Block = (
    HeadingBlock | ProseBlock | NoteBlock | TableBlock | FigureBlock | ControlsBlock | RemediesBlock
)


def table_block(id: str, columns: list[ColumnBlock], rows: list[list[Any]]) -> TableBlock:
    """Return a table that no page shows."""
    return TableBlock(
        kind="table",
        id=id,
        caption="",
        columns=columns,
        rows=rows,
        listed=None,
        cut=None,
        anchor=None,
        empty="",
        target="",
        targets=[None] * len(rows),
    )
