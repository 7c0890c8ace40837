"""The workbook: findings to sort, filter and write notes beside, each cell of its type."""

from __future__ import annotations

import datetime as dt
import io
import math
import re
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from nbformat import NotebookNode
from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_rowcol_to_cell_fast
from xlsxwriter.worksheet import CellBlankTuple, CellStringTuple, Worksheet

from kit.catalogue import statuses
from kit.catalogue.texts import text
from kit.controls.registry import Control
from kit.outputs import scratch
from kit.pack.by_control import Judged, Results, instant
from kit.pack.document import Document, data_of
from kit.pack.sheets import Column, Promises, Sheet, sheets
from kit.report.formats import minute
from kit.report.views import SEVERITIES, STATUSES, Kind, cell_text
from kit.visible import escape

TEXT_LIMIT = 32_767  # UTF-16 units in a cell
ROW_LIMIT = 1_048_576  # rows of a sheet
_MOST_IDS = 24
_LINE_HEIGHT, _MOST_HEIGHT = 15.0, 409.0  # points; Excel shows no higher row
_WIDEST = 120.0  # digits: no column is wider
_ACROSS = 200.0  # digits of a printed page's width, at two thirds of their size
_WRAPPED = 1.08  # how much longer a text gets by breaking between words
_HEADER_ROW = 1
_ABOUT = (26, 84, 12)  # widths of the first sheet's columns
_A4 = 9
_MIDDLE_DOT = " \N{MIDDLE DOT} "
_INK, _PAPER, _LINE = "#23303c", "#e8edf2", "#b8c2cc"

_TO_FILL_IN = {"locked": False, "bg_color": "#fffbe6"}
_FIRST_DAY = dt.date(2000, 1, 1)

_OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_date_format": "yyyy-mm-dd hh:mm:ss",
}
_NOTES = ("times", "protection", "characters", "names", "limits")


def workbook(
    made: Document, results: Results, author: str = "", promises: Promises | None = None
) -> bytes:
    """Return the workbook (Office Open XML) of a pack.

    Parameters
    ----------
    made : Document
        Of the executed notebook: its cover, evidence index, inventories and waivers.
    results : Results
        Its findings.
    author : str
        Whose it is, in the file's properties, which state it in the title too; by default the kit's.
    promises : mapping, optional
        What the organisation's follow-up states of findings; anybody can fill in the rest.

    Returns
    -------
    bytes
        The same for the same input: dates in it are the evidence's. Every text is written as a
        text, so none is a formula or a link. A text too long for a cell ends with the file that
        has the whole.
    """
    facts, judged = results.facts, results.judged
    account = text("pack/workbook/account", account=facts["account"])
    return _Writer(made, account, {**facts}, author).write(
        judged, sheets(made, judged, facts["label_key"], promises)
    )


def promises_of(executed: NotebookNode) -> Promises:
    """Return what the organisation's follow-up states, as an executed notebook gave it."""
    return {
        row["id"]: (row["owner"], row["response"], row["due"], row["result"])
        for row in data_of(executed, "follow-up")["records"]
    }


def overview_workbook(made: Document, pages: list[Sheet]) -> bytes:
    """Return the workbook of an organisation's overview.

    Parameters
    ----------
    made : Document
    pages : list of Sheet
        As `kit.pack.sheets.overview_sheets` returns them.
    """
    facts = {"as_of": made.cover["as_of"], "kit": version("appstream-evidence-kit")}
    return _Writer(made, made.cover["subtitle"], facts).write([], pages)


class _Page(Worksheet):  # type: ignore[misc]
    """A sheet with the library's bytes, whose cells take it half the time: most sheets are cells."""

    # Without a look at whether the row is a name such as "A1".
    write_blank = Worksheet._write_blank
    write_number = Worksheet._write_number
    write_string = Worksheet._write_string

    def _write_cell(self, row: int, col: int, cell: Any) -> None:
        # The library's own raises and catches an error for each number among the attributes.
        kind = type(cell)
        if cell.format and kind in (CellStringTuple, CellBlankTuple):
            opens = f'<c r="{xl_rowcol_to_cell_fast(row, col)}" s="{cell.format._get_xf_index()}"'
            string = kind is CellStringTuple
            self.fh.write(f'{opens} t="s"><v>{cell.string}</v></c>' if string else f"{opens}/>")
        else:
            super()._write_cell(row, col, cell)


class _Writer:
    """Writes sheets into a workbook, and remembers what had to be cut."""

    def __init__(self, made: Document, whose: str, facts: Mapping[str, Any], author: str = ""):
        self.made, self.whose, self.facts, self.author = made, escape(whose), facts, author
        self.formats: dict[str, Format] = {}
        self.marks = [escape(mark) for mark in made.marks]

    def write(self, judged: list[Judged], pages: list[Sheet]) -> bytes:
        """Write all sheets; the first explains the others."""
        file = io.BytesIO()
        with scratch() as folder:
            # Beside its cells, memory would hold each sheet's XML, of which the file is a small part.
            self.book = Workbook(file, {"tmpdir": str(folder), **_OPTIONS})
            first = self.book.add_worksheet(text("pack/workbook/first"), _Page)
            for sheet in pages:
                self._sheet(sheet)
            self._about(first, judged, pages)
            self._properties()
            try:
                self.book.close()
            except FileCreateError as error:  # the library's name for any error of the system
                cause = error.args[0]
                traceback.clear_frames(cause.__traceback__)  # ends the archive while `file` is open
                raise cause from None
        return file.getvalue()

    def _sheet(self, sheet: Sheet) -> None:
        page = self.book.add_worksheet(sheet.name, _Page)
        page.write_string(0, 0, self._headline(sheet), self._format("headline"))
        columns = [
            replace(column, width=_wide_enough(column, [row[place] for row in sheet.rows]))
            for place, column in enumerate(sheet.columns)
        ]
        for place, column in enumerate(columns):
            page.set_column(place, place, column.width)
            look = "header number" if column.kind == "number" else "header"
            page.write_string(_HEADER_ROW, place, column.title, self._format(look))
        page.set_row(_HEADER_ROW, 30)
        start = _HEADER_ROW + 1
        room = ROW_LIMIT - start
        if len(sheet.rows) > room:
            more = text("pack/workbook/more_rows", count=len(sheet.rows) - room, file=sheet.whole)
            sheet.notes.append(more)
        for number, row in enumerate(sheet.rows[:room], start):
            lines = [
                self._cell(page, (number, place), column, cell, sheet)
                for place, (column, cell) in enumerate(zip(columns, row, strict=True))
            ]
            page.set_row(number, min(max(lines) * _LINE_HEIGHT, _MOST_HEIGHT))
        if not sheet.rows:
            page.write_string(start, 0, escape(sheet.empty), self._format("plain"))
        last = max(start, min(len(sheet.rows), room) + _HEADER_ROW)
        for place, column in enumerate(sheet.columns):
            if column.kind == "due":
                page.data_validation(start, place, last, place, _a_day())
        page.autofilter(_HEADER_ROW, 0, last, len(sheet.columns) - 1)
        page.freeze_panes(start, 1)
        page.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        page.repeat_rows(0, _HEADER_ROW)
        page.repeat_columns(0)
        self._print(page, math.ceil(sum(column.width for column in columns) / _ACROSS))

    def _cell(
        self, page: Worksheet, place: tuple[int, int], column: Column, cell: Any, sheet: Sheet
    ) -> int:
        """Write a cell by its type; return how many lines it takes."""
        kind = column.kind
        look = self._format(f"{kind} {cell}" if kind in ("status", "severity") else kind)
        if cell is None or cell == "" or cell == []:
            page.write_blank(*place, None, look)
        elif isinstance(cell, int | float) and not isinstance(cell, bool) and abs(cell) < 1e15:
            page.write_number(*place, cell, self._format("number"))
        elif kind in ("datetime", "due") and (when := _when(str(cell))):
            day = type(when) is dt.date
            page.write_datetime(
                *place, when, self._format(kind if not day or kind == "due" else "date")
            )
        else:
            of_mark: Kind = "status" if kind in ("status", "severity") else "text"
            shown = _listed(cell, sheet) if isinstance(cell, list) else cell_text(of_mark, cell)
            shown = self._fitting(escape(shown), sheet)
            _write_text(page, place, shown, look)
            return _lines(shown, column.width)
        return 1

    def _fitting(self, whole: str, sheet: Sheet) -> str:
        """Cut what is too long for a cell, and name there the file that has the whole."""
        if 2 * len(whole) <= TEXT_LIMIT or _units(whole) <= TEXT_LIMIT:
            return whole
        size = {"characters": f"{len(whole):,}", "file": sheet.whole}
        rest = f" \N{HORIZONTAL ELLIPSIS} {text('pack/workbook/cut', **size)}"
        kept = whole.encode("utf-16-le")[: 2 * (TEXT_LIMIT - _units(rest))]
        sheet.notes.append(text("pack/workbook/cut_text", **size))
        return kept.decode("utf-16-le", "ignore") + rest

    def _about(self, page: Worksheet, judged: list[Judged], pages: list[Sheet]) -> None:
        cover = self.made.cover
        for place, width in enumerate(_ABOUT):
            page.set_column(place, place, width)
        page.hide_gridlines(2)
        page.set_row(0, 28)
        page.write_string(0, 0, escape(cover["title"]), self._format("title"))
        page.write_string(1, 0, escape(cover["subtitle"]), self._format("headline"))
        row = 2
        for words in self.marks:
            page.merge_range(row, 0, row, 2, "", self._format("warning"))
            page.write_string(row, 0, words, self._format("warning"))
            row += 1
        facts = [(escape(name), escape(value)) for name, value in cover["facts"]]
        subject = text("pack/workbook/subject")
        row = self._lines(page, row + 1, subject, "", [(*fact, None) for fact in facts])
        listed = [(sheet.name, sheet.about, len(sheet.rows)) for sheet in pages]
        titles = text("pack/workbook/listed"), text("pack/workbook/rows")
        row = self._lines(page, row, *titles, listed)
        for number, (name, _, _) in enumerate(listed, row - 1 - len(listed)):
            page.write_url(number, 0, f"internal:'{name}'!A1", self._format("link"), string=name)
        leaves = [entry for entry in judged if isinstance(entry.control, Control)]
        counted = [
            (
                mark.word,
                statuses.STATUSES[status].meaning,
                sum(entry.counts.get(status, 0) for entry in leaves),
            )
            for status, mark in STATUSES.items()
        ]
        titles = text("report/columns/status"), text("report/columns/count")
        if leaves:
            row = self._lines(page, row, *titles, counted)
            for number, (status, mark) in enumerate(STATUSES.items(), row - 1 - len(counted)):
                page.write_string(number, 0, mark.word, self._format(f"status {status}"))
        out = text("pack/workbook/left_out")
        notes: list[tuple[str, str, None]] = [
            *((out, f"{sheet.name}: {note}", None) for sheet in pages for note in sheet.notes),
            *(
                (
                    text(f"pack/workbook/notes/{name}/title"),
                    text(f"pack/workbook/notes/{name}/note"),
                    None,
                )
                for name in _NOTES
            ),
        ]
        self._lines(page, row, text("pack/workbook/to_know"), "", notes)
        page.ignore_errors({"number_stored_as_text": "A1:C999"})
        self._print(page)
        page.set_portrait()
        page.fit_to_pages(1, 1)

    def _lines(
        self,
        page: Worksheet,
        row: int,
        title: str,
        last: str,
        lines: Iterable[tuple[str, str, int | None]],
    ) -> int:
        for place, head in enumerate((title, "", last)):
            look = "header number" if place == 2 else "header"
            page.write_string(row, place, head, self._format(look))
        for name, value, count in lines:
            row += 1
            page.write_string(row, 0, name, self._format("label"))
            _write_text(page, (row, 1), value, self._format("plain"))
            high = max(_lines(name, _ABOUT[0]), _lines(value, _ABOUT[1]))
            page.set_row(row, high * _LINE_HEIGHT)
            if count is None:
                page.write_blank(row, 2, None, self._format("plain"))
            else:
                page.write_number(row, 2, count, self._format("number"))
        return row + 2

    def _headline(self, sheet: Sheet) -> str:
        as_of = minute(instant(self.facts["as_of"]))
        facts = [self.whose, text("pack/workbook/as_of", time=as_of)]
        return _MIDDLE_DOT.join([sheet.about, *facts, *self.marks])

    def _print(self, page: Worksheet, across: int = 1) -> None:
        page.set_landscape()
        page.set_paper(_A4)
        page.fit_to_pages(across, 0)
        page.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.6)
        head = _MIDDLE_DOT.join([self.whose, *self.marks])
        number = text("pack/page/page", page="&P", pages="&N")
        digest = ""
        if "digest" in self.facts:
            digest = f"{text('report/columns/findings_sha256')} {self.facts['digest']}"
        page.set_header(f"&L&8{head.replace('&', '&&')[:200]}&R&8&A")
        page.set_footer(f"&L&8{digest}&R&8{number}")

    def _properties(self) -> None:
        facts, cover = self.facts, self.made.cover
        self.book.set_properties(
            {
                "title": escape(self.author or cover["title"]),
                "subject": escape(cover["subtitle"]),
                "author": escape(self.author) or f"AppStream Evidence Kit {facts['kit']}",
                "comments": escape("; ".join(self.marks)),
                "created": instant(facts["as_of"]).replace(tzinfo=None),
            }
        )
        for name in ("account", "as_of", "snapshot", "digest"):
            if name in facts:
                self.book.set_custom_property(name, str(facts[name]), "text")

    def _format(self, name: str) -> Format:
        if name not in self.formats:
            self.formats[name] = self.book.add_format(_look(name))
        return self.formats[name]


def _write_text(page: Worksheet, place: tuple[int, int], shown: str, look: Format) -> None:
    if shown.startswith("<r>") and shown.endswith("</r>"):
        # The library would take the whole for XML of its own, but no fragment.
        page.write_rich_string(*place, *shown[:2], shown[2:], look)
    else:
        page.write_string(*place, shown, look)


def _wide_enough(column: Column, cells: Iterable[Any]) -> float:
    """Return a column's width, with which its longest text is not higher than a row can be."""
    longest = max((cell for cell in cells if isinstance(cell, str)), key=len, default="")
    width = column.width
    while _lines(longest, width) * _LINE_HEIGHT > _MOST_HEIGHT and width < _WIDEST:
        width = min(width * 1.25, _WIDEST)
    return width


def _look(name: str) -> dict[str, Any]:
    """Return the style of cells of a kind; statuses differ by word, weight and colour."""
    base = {"valign": "top", "text_wrap": True, "font_color": _INK}
    kind, _, word = name.partition(" ")
    lined = base | {"bottom": 1, "bottom_color": _LINE}
    match kind:
        case "title":
            return {"bold": True, "font_size": 18, "font_color": _INK}
        case "headline":
            return {"italic": True, "font_color": _INK}
        case "warning":
            return base | {"bold": True, "font_color": "#ffffff", "bg_color": "#a00d18"}
        case "header":
            centred = {"align": "center"} if word else {}
            header = {"bold": True, "bg_color": _PAPER, "bottom": 2, "valign": "vcenter"}
            return base | header | centred
        case "label":
            return lined | {"bold": True}
        case "link":
            return lined | {"font_color": "#004ea5", "underline": 1}
        case "status" if word in STATUSES:
            mark = STATUSES[word]
            return lined | {"bold": True, "font_color": mark.light, "bg_color": _tint(mark.light)}
        case "severity" if word in SEVERITIES:
            return lined | {"bold": word == "high"}
        case "number":
            return lined | {"num_format": "0", "align": "center"}
        case "datetime":
            return lined | {"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"}
        case "date":
            return lined | {"num_format": "yyyy-mm-dd", "align": "left"}
        case "code":
            return lined | {"font_name": "Consolas", "font_size": 9}
        case "notes":
            return lined | _TO_FILL_IN
        case "due":
            return lined | _TO_FILL_IN | {"num_format": "yyyy-mm-dd", "align": "left"}
        case _:
            return lined | {"align": "left"}


def _a_day() -> dict[str, Any]:
    """Return the rule of cells that take a day."""
    return {
        "validate": "date",
        "criteria": ">=",
        "value": _FIRST_DAY,
        "error_title": text("pack/workbook/due/title"),
        "error_message": text("pack/workbook/due/accepted"),
    }


def _tint(colour: str) -> str:
    """Return a colour with nine parts of ten white."""
    parts = (int(colour[n : n + 2], 16) for n in (1, 3, 5))
    return "#" + "".join(f"{255 - (255 - part) // 10:02x}" for part in parts)


def _listed(ids: list[str], sheet: Sheet) -> str:
    """Return the ids for a cell: all, or the first of very many with the number of the others."""
    if len(ids) <= _MOST_IDS:
        return ", ".join(ids)
    more = text("pack/workbook/more_ids", count=len(ids) - _MOST_IDS, file=sheet.whole)
    return ", ".join([*ids[:_MOST_IDS], more])


def _when(written: str) -> dt.date | None:
    """Read a day, or a time, which a spreadsheet holds without its zone: UTC."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", written):
        return dt.date.fromisoformat(written)
    try:
        read = dt.datetime.fromisoformat(written)
    except ValueError:
        return None
    return read.astimezone(dt.UTC).replace(tzinfo=None, microsecond=0) if read.tzinfo else None


def _lines(shown: str, width: float) -> int:
    """About how many lines a text takes in a column; spreadsheets do not measure it themselves."""
    if len(shown) <= width and "\n" not in shown:  # most of them
        return 1
    parts = map(len, shown.split("\n"))
    return sum(1 if part <= width else math.ceil(part * _WRAPPED / width) for part in parts)


def _units(shown: str) -> int:
    return len(shown.encode("utf-16-le")) // 2
