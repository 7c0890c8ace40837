"""The workbook: findings to sort, filter and write notes beside, each cell of its type."""

from __future__ import annotations

import datetime as dt
import io
import math
import re
from collections.abc import Iterable
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from kit.catalogue import statuses
from kit.controls.registry import Control
from kit.pack.by_control import Judged, by_control, instant
from kit.pack.document import Document
from kit.pack.sheets import Column, Sheet, sheets
from kit.report.views import JSON, SEVERITIES, STATUSES, cell_text, escape

TEXT_LIMIT = 32_767  # UTF-16 units in a cell
ROW_LIMIT = 1_048_576  # rows of a sheet
_MOST_IDS = 24
_LINE_HEIGHT, _MOST_HEIGHT = 15.0, 409.0  # points; Excel shows no higher row
_WRAPPED = 1.08  # how much longer a text gets by breaking between words
_HEADER_ROW = 1
_ABOUT = (26, 84, 12)  # widths of the first sheet's columns
_A4 = 9
_INK, _PAPER, _LINE = "#23303c", "#e8edf2", "#b8c2cc"

_NOTES = (
    ("Times", "They are UTC."),
    (
        "Protection",
        "None: sort, filter and write as you like. What was sealed is this file's SHA-256 in the "
        "pack's manifest, so keep a copy as you received it.",
    ),
    (
        "Characters",
        "Those that cannot be seen are written out, such as \N{MATHEMATICAL LEFT ANGLE BRACKET}"
        "U+202E\N{MATHEMATICAL RIGHT ANGLE BRACKET}.",
    ),
    ("Names", "Resources and persons are shown as keyed pseudonyms, unless the cover says not."),
    ("Limits", "Evidence of configuration at one time: no legal advice, and no certificate."),
)


def workbook(made: Document, data: JSON) -> bytes:
    """Return the workbook (Office Open XML) of a pack.

    Parameters
    ----------
    made : Document
        Of the executed notebook: its cover, evidence index, inventories and waivers.
    data : dict
        Its findings, as `kit.pack.document.findings_data` returns them.

    Returns
    -------
    bytes
        The same for the same input: dates in it are the evidence's. Every text is written as a
        text, so none is a formula or a link; one that is too long for a cell ends with where the
        whole is to be found.
    """
    judged = by_control(data)
    return _Writer(made, data).write(judged, sheets(made, judged))


class _Writer:
    """Writes sheets into one workbook, and remembers what had to be cut."""

    def __init__(self, made: Document, data: JSON):
        self.made, self.facts = made, data["facts"]
        self.file = io.BytesIO()
        self.book = Workbook(
            self.file,
            {
                "in_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "default_date_format": "yyyy-mm-dd hh:mm:ss",
            },
        )
        self.formats: dict[str, Format] = {}
        self.marks = [escape(mark) for mark in (made.cover["stamp"], *made.cover["marks"]) if mark]

    def write(self, judged: list[Judged], pages: list[Sheet]) -> bytes:
        """Write all sheets, the one that explains them first."""
        first = self.book.add_worksheet("About")
        for sheet in pages:
            self._sheet(sheet)
        self._about(first, judged, pages)
        self._properties()
        self.book.close()
        return self.file.getvalue()

    def _sheet(self, sheet: Sheet) -> None:
        page = self.book.add_worksheet(sheet.name)
        page.write_string(0, 0, self._headline(sheet), self._format("headline"))
        for place, column in enumerate(sheet.columns):
            page.set_column(place, place, column.width)
            look = "header number" if column.kind == "number" else "header"
            page.write_string(_HEADER_ROW, place, column.title, self._format(look))
        page.set_row(_HEADER_ROW, 30)
        start = _HEADER_ROW + 1
        room = ROW_LIMIT - start
        if len(sheet.rows) > room:
            sheet.notes.append(f"{len(sheet.rows) - room} rows do not fit: see {sheet.whole}")
        for number, row in enumerate(sheet.rows[:room], start):
            lines = [
                self._cell(page, (number, place), column, cell, sheet)
                for place, (column, cell) in enumerate(zip(sheet.columns, row, strict=True))
            ]
            page.set_row(number, min(max(lines) * _LINE_HEIGHT, _MOST_HEIGHT))
        if not sheet.rows:
            page.write_string(start, 0, escape(sheet.empty), self._format("plain"))
        last = max(start, min(len(sheet.rows), room) + _HEADER_ROW)
        page.autofilter(_HEADER_ROW, 0, last, len(sheet.columns) - 1)
        page.freeze_panes(start, 1)
        page.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        page.repeat_rows(0, _HEADER_ROW)
        self._print(page)

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
        elif kind == "datetime" and (when := _when(str(cell))):
            day = type(when) is dt.date
            page.write_datetime(*place, when, self._format("date" if day else "datetime"))
        else:
            text = _listed(cell, sheet) if isinstance(cell, list) else cell_text("text", cell)
            text = self._fitting(escape(text), sheet)
            page.write_string(*place, text, look)
            return _lines(text, column.width)
        return 1

    def _fitting(self, text: str, sheet: Sheet) -> str:
        """Cut what is too long for a cell, and say there where the whole is."""
        if _units(text) <= TEXT_LIMIT:
            return text
        rest = f" \N{HORIZONTAL ELLIPSIS} [cut here; all {len(text):,} characters: {sheet.whole}]"
        kept = text.encode("utf-16-le")[: 2 * (TEXT_LIMIT - _units(rest))]
        sheet.notes.append(f"a text of {len(text):,} characters is cut: see {sheet.whole}")
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
        for mark in self.marks:
            page.merge_range(row, 0, row, 2, "", self._format("warning"))
            page.write_string(row, 0, mark, self._format("warning"))
            row += 1
        facts = [(escape(name), escape(value)) for name, value in cover["facts"]]
        row = self._lines(page, row + 1, "What this is of", "", [(*fact, None) for fact in facts])
        listed = [(sheet.name, sheet.about, len(sheet.rows)) for sheet in pages]
        row = self._lines(page, row, "Sheets", "Rows", listed)
        for number, (name, _, _) in enumerate(listed, row - 1 - len(listed)):
            page.write_url(number, 0, f"internal:'{name}'!A1", self._format("link"), string=name)
        leaves = [one for one in judged if isinstance(one.control, Control)]
        counted = [
            (
                status,
                statuses.STATUSES[status].meaning,
                sum(one.counts.get(status, 0) for one in leaves),
            )
            for status in STATUSES
        ]
        row = self._lines(page, row, "Verdicts", "Findings", counted)
        for number, status in enumerate(STATUSES, row - 1 - len(counted)):
            page.write_string(number, 0, status, self._format(f"status {status}"))
        cut = [("Left out", f"{s.name}: {note}", None) for s in pages for note in s.notes]
        self._lines(page, row, "To know", "", [*cut, *((*note, None) for note in _NOTES)])
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
        for place, text in enumerate((title, "", last)):
            look = "header number" if place == 2 else "header"
            page.write_string(row, place, text, self._format(look))
        for name, value, count in lines:
            row += 1
            page.write_string(row, 0, name, self._format("label"))
            page.write_string(row, 1, value, self._format("plain"))
            page.set_row(row, _lines(value, _ABOUT[1]) * _LINE_HEIGHT)
            if count is None:
                page.write_blank(row, 2, None, self._format("plain"))
            else:
                page.write_number(row, 2, count, self._format("number"))
        return row + 2

    def _headline(self, sheet: Sheet) -> str:
        as_of = f"{instant(self.facts['as_of']):%Y-%m-%d %H:%M} UTC"
        told = [sheet.about, f"account {self.facts['account']}", f"as of {as_of}", *self.marks]
        return " \N{MIDDLE DOT} ".join(told)

    def _print(self, page: Worksheet) -> None:
        page.set_landscape()
        page.set_paper(_A4)
        page.fit_to_pages(1, 0)
        page.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.6)
        told = " \N{MIDDLE DOT} ".join([f"account {self.facts['account']}", *self.marks])
        page.set_header(f"&L&8{told.replace('&', '&&')[:200]}&R&8&A")
        page.set_footer(f"&L&8Findings (SHA-256) {self.facts['digest']}&R&8Page &P of &N")

    def _properties(self) -> None:
        facts, cover = self.facts, self.made.cover
        self.book.set_properties(
            {
                "title": escape(cover["title"]),
                "subject": escape(cover["subtitle"]),
                "author": f"AppStream Evidence Kit {facts['kit']}",
                "comments": escape("; ".join(self.marks)),
                "created": instant(facts["as_of"]).replace(tzinfo=None),
            }
        )
        for name in ("account", "as_of", "snapshot", "digest"):
            self.book.set_custom_property(name, str(facts[name]), "text")

    def _format(self, name: str) -> Format:
        if name not in self.formats:
            self.formats[name] = self.book.add_format(_look(name))
        return self.formats[name]


def _look(name: str) -> dict[str, Any]:
    """How cells of a kind look; statuses and severities are told by word, weight and colour."""
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
            return lined | {"locked": False, "bg_color": "#fffbe6"}
        case _:
            return lined | {"align": "left"}


def _tint(colour: str) -> str:
    """A colour, nine parts of ten white."""
    parts = (int(colour[n : n + 2], 16) for n in (1, 3, 5))
    return "#" + "".join(f"{255 - (255 - part) // 10:02x}" for part in parts)


def _listed(ids: list[str], sheet: Sheet) -> str:
    """Ids in a cell: all, or the first of very many with the number of the others."""
    if len(ids) <= _MOST_IDS:
        return ", ".join(ids)
    return f"{', '.join(ids[:_MOST_IDS])}, and {len(ids) - _MOST_IDS} more: {sheet.whole}"


def _when(text: str) -> dt.date | None:
    """Read a day, or a time, which a spreadsheet holds without its zone: UTC."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return dt.date.fromisoformat(text)
    try:
        read = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return read.astimezone(dt.UTC).replace(tzinfo=None, microsecond=0) if read.tzinfo else None


def _lines(text: str, width: float) -> int:
    """About how many lines a text takes in a column; spreadsheets do not measure it themselves."""
    parts = map(len, text.split("\n"))
    return sum(1 if part <= width else math.ceil(part * _WRAPPED / width) for part in parts)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
