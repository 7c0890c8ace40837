"""What the PDF leaves out of a document, with how much it is and where the whole is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TypedDict

from kit.catalogue.statuses import ATTESTED, STATUSES
from kit.catalogue.texts import text
from kit.pack.blocks import (
    Block,
    ColumnBlock,
    ControlEntry,
    GroupBlock,
    LineBlock,
    RestBlock,
    TableBlock,
)
from kit.report.views import JSON, Cell, cell_text, ids

_FINDINGS = "findings.csv"
_SLACK = 40  # characters: a text that is hardly too long stays whole
_STATEMENT = 400  # characters, which AWS's statements have at most, with a sample's period
_IN_LINE = 4  # resources: more read better below each other
_OF_UNUSED = 1  # row of a status and a reason, where the account does not use AppStream
_REASONS_APART = 3  # as many reasons of a status each have their own rows


def cut(blocks: Iterable[Block]) -> list[Block]:
    """Return a document's blocks as the PDF prints them; the document keeps its own.

    Tables keep the rows that the notebook lists, and of their cells the length in `brief`.
    A control gets `groups`, one for each status that is listed row by row, or for each of its few
    reasons: see `GroupBlock`. Its own table keeps no row.
    What plain passes observed is left out where it is too long.
    """
    return [_cut(block) for block in blocks]


def _cut(block: Block) -> Block:
    if block["kind"] == "table":
        return _shortened(_listed(block), text("pack/cut/table"))
    if block["kind"] == "controls":
        return {**block, "blocks": [_cut_control(control) for control in block["blocks"]]}
    return block


def _cut_control(control: ControlEntry) -> ControlEntry:
    groups = list(_groups(control))
    brief = {column["name"]: column["brief"] for column in control["rows"]["columns"]}
    left = any(one["listed"] < one["count"] for one in groups)
    rest: list[RestBlock] = []
    for line in control["rest"]:
        printed = _brief_text(line["observed"], _brief_of(line, brief["observed"]))
        if line["plain"] and printed != line["observed"]:
            printed, left = "", True
        evidence = _brief_ids(line["evidence"], brief["evidence"])
        rest.append({**line, "observed": printed, "evidence": evidence})
    # Where nothing that is listed is left out, no file has more.
    cut = control["rows"]["cut"] if left else None
    rows: TableBlock = {**control["rows"], "rows": [], "targets": [], "listed": None, "cut": cut}
    return {**control, "groups": groups, "rest": rest, "rows": rows}


def sections(blocks: list[JSON]) -> list[list[JSON]]:
    """Return the blocks of each section of the first level, with its heading."""
    parts: list[list[JSON]] = []
    for block in blocks:
        if not parts or (block["kind"] == "heading" and block["level"] == 1):
            parts.append([])
        parts[-1].append(block)
    return parts


def has_controls(section: list[JSON]) -> bool:
    """Return whether a section has controls."""
    return any(block["kind"] == "controls" for block in section)


def without_standing(blocks: list[JSON]) -> list[JSON]:
    """Return what the PDF has of an account that does not use AppStream.

    It leaves out controls of which nothing is listed row by row, sections that have no others, and
    the section after the controls, which is that of the annexes; a note counts what it leaves out.
    Of a control's findings it has a row of each status and reason; findings.csv has all.
    """
    parts = sections(blocks)
    with_controls = [n for n, part in enumerate(parts) if has_controls(part)]
    if not with_controls:
        return blocks
    kept: list[JSON] = []
    left = 0
    for n, part in enumerate(parts):
        if n == with_controls[-1] + 1:
            note = text("pack/cut/unused", count=left)
            kept.append({"kind": "note", "text": note, "tone": "info"})
            continue
        if n in with_controls:
            of_all = sum(len(block["blocks"]) for block in part if block["kind"] == "controls")
            part = [_listed_controls(block) for block in part]
            here = sum(len(block["blocks"]) for block in part if block["kind"] == "controls")
            left += of_all - here
            if not here:
                continue
        kept += part
    return kept


def _listed_controls(block: JSON) -> JSON:
    if block["kind"] != "controls":
        return block
    some = [
        {**one, "commands": None, "rows": _first_rows(one["rows"])}  # commands are in an annex
        for one in block["blocks"]
        if any(STATUSES[word].listed for word in one["counts"])
    ]
    return {**block, "blocks": some}


def _first_rows(table: JSON) -> JSON:
    """Return a table that lists the first rows of each status and reason alone."""
    names = [column["name"] for column in table["columns"]]
    about = [names.index(name) for name in ("status", "reason") if name in names]
    every = range(len(table["rows"])) if table["listed"] is None else table["listed"]
    seen: Counter[tuple[Cell, ...]] = Counter()
    kept = []
    for place in every:
        kind = tuple(table["rows"][place][n] for n in about)
        seen[kind] += 1
        if seen[kind] <= _OF_UNUSED:
            kept.append(place)
    return {**table, "listed": kept}


def control_targets(blocks: list[JSON]) -> dict[str, str]:
    """Return the targets of the controls that blocks have, by id."""
    return {
        control["id"]: control["target"]
        for block in blocks
        if block["kind"] == "controls"
        for control in block["blocks"]
    }


def printed_tables(blocks: list[Block]) -> Iterator[TableBlock]:
    """Yield every table that the PDF prints, once the blocks are cut."""
    for block in blocks:
        if block["kind"] == "table":
            yield block
        elif block["kind"] == "controls":
            for control in block["blocks"]:
                yield from (group["table"] for group in control["groups"] if group["table"])


def _listed(table: TableBlock) -> TableBlock:
    if table["listed"] is None:
        return table
    rows = [table["rows"][place] for place in table["listed"]]
    targets = [table["targets"][place] for place in table["listed"]]
    return {**table, "rows": rows, "targets": targets}


def _shortened(table: TableBlock, whole_in: str = _FINDINGS) -> TableBlock:
    """Return a table with short cells, and without the columns of which the PDF prints nothing."""
    columns = table["columns"]
    kept = [place for place, column in enumerate(columns) if column["brief"] != 0]
    rows = [
        [_brief(columns[place], row[place], whole_in) for place in kept] for row in table["rows"]
    ]
    return {**table, "rows": rows, "columns": [_brief_title(columns[place]) for place in kept]}


def _brief_title(column: ColumnBlock) -> ColumnBlock:
    if column["kind"] == "code" and column["brief"]:
        title = text("pack/cut/title", title=column["title"], count=column["brief"])
        return {**column, "title": title}
    return column


def _brief(column: ColumnBlock, cell: Cell, whole_in: str) -> Cell:
    brief = column["brief"]
    if brief is None or cell is None:
        return cell
    if column["kind"] in ("evidence", "control"):
        return _brief_ids(ids(cell), brief)
    if column["kind"] == "code":
        return str(cell)[:brief]
    if isinstance(cell, str):
        return _brief_text(cell_text(column["kind"], cell), brief, whole_in)
    return cell


def _brief_of(line: RestBlock, brief: int | None) -> int | None:
    """Return how many characters of a line stay: AWS's statement is printed whole."""
    return max(brief, _STATEMENT) if brief and line["status"] == ATTESTED else brief


def _brief_text(whole: str, brief: int | None, whole_in: str = _FINDINGS) -> str:
    if brief is None or len(whole) <= brief + _SLACK:
        return whole
    kept = whole[:brief]
    if whole[brief] not in " ;,.":  # the cut would part a word
        kept = kept.rpartition(" ")[0] or kept
    kept = kept.rstrip()
    if kept.endswith(":"):  # a title without its value
        kept = kept.rpartition(";")[0] or kept
    left = text("pack/cut/characters", count=len(whole) - len(kept), file=whole_in)
    return f"{kept} … {left}"


def _brief_ids(names: Sequence[str], brief: int | None) -> list[str]:
    more = len(names) - brief if brief is not None else 0
    return list(names) if more <= 1 else [*names[:brief], text("report/more", count=more)]


def _groups(control: ControlEntry) -> Iterator[GroupBlock]:
    every, table = control["rows"], _listed(control["rows"])
    names = [column["name"] for column in table["columns"]]
    status, region = names.index("status"), names.index("region")
    reason = names.index("reason") if "reason" in names else None
    for word, total in control["counts"].items():
        rows = [row for row in table["rows"] if row[status] == word]
        if not rows:
            continue
        whole = [row for row in every["rows"] if row[status] == word]
        reasons = [*dict.fromkeys(row[reason] for row in whole)] if reason is not None else [""]
        apart = len(reasons) <= _REASONS_APART
        for why in reasons if apart else [None]:

            def has(row: list[Cell], why: Cell = why) -> bool:
                return why is None or reason is None or row[reason] == why

            own = [*filter(has, rows)]
            count = sum(map(has, whole)) if apart and len(reasons) > 1 else total
            regions = {row[region] for row in filter(has, whole)}
            same = len(regions) == 1
            left = {"status", *(["region"] if same else []), *(["reason"] if apart else [])}
            yield {
                "status": word,
                "count": count,
                "listed": len(own),
                "reason": str(why or ""),
                "region": str(regions.pop()) if same else None,
                **_lines(table, own, left),
            }


class _Lines(TypedDict):
    line: LineBlock | None
    table: TableBlock | None


def _lines(table: TableBlock, rows: list[list[Cell]], left: set[str]) -> _Lines:
    """Return rows without some columns, as a line of text if they are one."""
    columns = [column for column in table["columns"] if column["name"] not in left]
    kept = [n for n, column in enumerate(table["columns"]) if column["name"] not in left]
    alike = _alike([[row[n] for n in kept] for row in rows], columns)
    targets: list[str | None] = [None] * len(alike)
    own = _shortened(
        {**table, "columns": columns, "rows": alike, "anchor": None, "targets": targets}
    )
    if not alike:
        return {"line": None, "table": None}
    if len(alike) > 1 or len(columns) > len(LineBlock.__annotations__):
        return {"line": None, "table": own}
    resources, observed, evidence = own["rows"][0]
    if len(names := str(resources).split("\n")) > _IN_LINE:
        return {"line": None, "table": own}
    line: LineBlock = {
        "resources": names,
        "observed": str(observed or ""),
        "evidence": [*ids(evidence)],
    }
    return {"line": line, "table": None}


def _alike(rows: list[list[Cell]], columns: Sequence[ColumnBlock]) -> list[list[Cell]]:
    """Return rows of which those that differ in resource and evidence alone are one row."""
    names = [column["name"] for column in columns]
    resource, evidence = names.index("resource"), names.index("evidence")
    merged: dict[tuple[object, ...], list[list[Cell]]] = {}
    for row in rows:
        same = tuple(cell for n, cell in enumerate(row) if n not in (resource, evidence))
        merged.setdefault(same, []).append(row)
    made = []
    for alike in merged.values():
        row = list(alike[0])
        row[resource] = "\n".join(str(one[resource]) for one in alike)
        row[evidence] = list(dict.fromkeys(name for one in alike for name in ids(one[evidence])))
        made.append(row)
    return made
