"""What an organisation filled in: owner, management response and due date of findings.

The workbook of an earlier pack has the columns; a CSV file with them does as well. The kit reads
either as a file from a stranger, reports every mistake, and stores the rows in the snapshot.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from kit import bounds
from kit.bag import sha256
from kit.catalogue.texts import REFERENCE, in_language
from kit.collect.spreadsheet import Cell, Row, Workbook
from kit.detect.secrets import mask_secrets
from kit.errors import MistakesError, UserError
from kit.parameters import Promise, Run, signer
from kit.visible import unseen

_FIELD = "follow_up"
# Columns by the names that CSV files have, with the ids of the titles that the workbook has.
_COLUMNS = {
    "id": "finding_id",
    "label_key": "label_key",
    "owner": "owner",
    "response": "response",
    "due": "due",
}
_BESIDE = {"account": "account", "control": "control", "region": "region", "resource": "resource"}
_FILLED = ("owner", "response", "due")
_HEADER_WITHIN = 10  # rows
_MOST_LINES, _SHOWN = 200, 60  # mistakes that are listed; characters of a value in a message
_SAVE_AS = "save it as Excel workbook (.xlsx) or as CSV UTF-8"
# Its first member is its type, stored: OpenDocument 1.3, part 2, 3.3.
_TYPE_AT, _OPEN_DOCUMENT = 30, b"mimetypeapplication/vnd.oasis.opendocument"
_DELIMITERS = (",", ";", "\t")
_DAYS = (dt.date(2000, 1, 1), dt.date(2100, 1, 1))
_MOST = {name: Promise.model_fields[name].metadata[0].max_length for name in ("owner", "response")}
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class _Sheet:
    """A table in a file: its columns' places by name, and its rows.

    `width` is how many cells a row may have; 0 for a sheet, in which cells have addresses.
    """

    where: str
    places: Mapping[str, str]
    rows: Iterable[tuple[int, Row]]
    width: int = 0
    account: str = ""
    from_1904: bool = False


def read_follow_up(run: Run, label_key: str) -> dict[str, Any] | None:
    """Read the follow-up that a run names.

    Parameters
    ----------
    run : Run
    label_key : str
        Fingerprint of the key of the run's labels, which a finding's id depends on.

    Returns
    -------
    dict or None
        ``sha256`` of the file and ``rows``, members of `Promise`; None where the run names none.

    Raises
    ------
    UserError
        The file cannot be read, or is of another account or another label key.
    MistakesError
        Cells hold what the kit does not accept.
    """
    if not run.follow_up:
        return None
    path = Path(run.follow_up)
    try:
        content = bounds.read_file(path, bounds.FOLLOW_UP)
    except OSError as error:
        raise UserError(f"{_FIELD}: {path}: cannot be read ({error.strerror})") from None
    titles = _titles(run.language)
    mistakes: list[str] = []
    rows: list[dict[str, str]] = []
    try:
        read = _of_workbook if content.startswith(b"PK") else _of_csv
        sheet = read(content, path, titles)
        if sheet.account not in ("", run.account):
            raise ValueError(f"is of account {_brief(sheet.account)}; this run is of {run.account}")
        seen: dict[str, int] = {}
        for number, row in sheet.rows:
            if 0 < sheet.width < len(row):
                mistakes.append(
                    f"{_FIELD}: {sheet.where}, row {number}: has {len(row)} cells; accepted: "
                    f"{sheet.width}, as in the header; put a text with the delimiter in double quotes"
                )
                continue
            cells = {name: row.get(at, Cell()) for name, at in sheet.places.items()}
            filled = any(cells[name].strip() or cells[name].formula for name in _FILLED)
            if filled or cells["label_key"].strip():
                _refuse_other(cells, run.account, label_key)
            if not filled:
                continue
            made, wrong = _promise(cells, sheet.from_1904)
            if made.get("id") in seen:
                first = seen[made["id"]]
                wrong.append(("id", made["id"], f"each finding once; it stands in row {first} too"))
            else:
                wrong += _of_another_finding(cells, run.account)
            seen.setdefault(made.get("id", ""), number)
            mistakes += [
                f"{_FIELD}: {sheet.where}, row {number}, {titles[name][0]}: {_brief(value)}; "
                f"accepted: {accepted}"
                for name, value, accepted in wrong
            ]
            rows.append(made)
            if len(rows) > bounds.FOLLOW_UP_FILLED:
                raise ValueError(
                    f"has more than {bounds.FOLLOW_UP_FILLED:,} rows that are filled in"
                )
        if not (rows or mistakes):
            names = ", ".join(f"{titles[name][0]} (or {name})" for name in _FILLED)
            raise ValueError(
                f"no row is filled in; accepted: a row with one of {names}; the kit reads no answer from "
                "another column"
            )
    except ValueError as error:
        raise UserError(f"{_FIELD}: {path}: {error}") from None
    if mistakes:
        left = len(mistakes) - _MOST_LINES
        more = [f"{_FIELD}: {path}: {left} mistakes more"] if left > 0 else []
        raise MistakesError([*mistakes[:_MOST_LINES], *more])
    return {"sha256": sha256(content), "rows": rows}


def refuse_other_days(run: Run, as_of: dt.datetime) -> None:
    """Refuse a sign-off of another day than the run's: nobody has seen its evidence then.

    Raises
    ------
    UserError
        A day lies more than one day from the run's, which time zones explain.
    """
    for name in ("prepared_by", "reviewed_by", "approved_by"):
        value = getattr(run, name)
        day = signer(value)[1]
        if day and abs(dt.date.fromisoformat(day) - as_of.date()) > dt.timedelta(days=1):
            raise UserError(
                f"{name}: {value!r}: the evidence is of {as_of:%Y-%m-%d}; leave the day out, and the "
                "page has a line for it"
            )


def _titles(language: str) -> dict[str, list[str]]:
    """Return the titles that a column may have: in the run's language, in English, as in CSV."""
    return {
        name: [
            *dict.fromkeys(
                in_language(f"report/columns/{id}", tag) for tag in (language, REFERENCE)
            ),
            name,
        ]
        for name, id in (_COLUMNS | _BESIDE).items()
    }


def _of_workbook(content: bytes, path: Path, titles: Mapping[str, list[str]]) -> _Sheet:
    if content[_TYPE_AT:].startswith(_OPEN_DOCUMENT):
        raise ValueError(f"is an OpenDocument file; {_SAVE_AS}")
    book = Workbook(content)
    for name in book.sheets:
        rows = book.rows(name)
        head: list[Row] = []
        for _, row in rows:
            head.append(row)
            if places := _places(row, titles):
                account = book.properties().get("account", "")
                return _Sheet(
                    f"{path}, sheet {name!r}",
                    places,
                    rows,
                    account=account,
                    from_1904=book.from_1904,
                )
            if len(head) == _HEADER_WITHIN:
                break
    raise ValueError(_lacking(titles))


def _of_csv(content: bytes, path: Path, titles: Mapping[str, list[str]]) -> _Sheet:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"is neither a workbook (.xlsx) nor CSV in UTF-8; {_SAVE_AS}") from None
    for delimiter in _DELIMITERS:
        # Quotes of a file with another delimiter are not where this one has them.
        for number, row in _csv_rows(text, delimiter, strict=False):
            if places := _places(row, titles):
                rows = islice(_csv_rows(text, delimiter, strict=True), number, None)
                return _Sheet(str(path), places, rows, width=len(row))
            if number >= _HEADER_WITHIN:
                break
    raise ValueError(_lacking(titles))


def _csv_rows(text: str, delimiter: str, *, strict: bool) -> Iterator[tuple[int, Row]]:
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict)
    try:
        for number, line in enumerate(lines, 1):
            if number > bounds.FOLLOW_UP_ROWS:
                raise ValueError(f"has more than {bounds.FOLLOW_UP_ROWS:,} rows")
            yield number, {f"{place}": Cell(cell) for place, cell in enumerate(line)}
    except csv.Error as error:
        raise ValueError(f"line {lines.line_num} is not CSV as RFC 4180 has it ({error})") from None


def _places(row: Row, titles: Mapping[str, list[str]]) -> dict[str, str]:
    """Return where a header has its columns; empty where the row is not a follow-up's header."""
    places: dict[str, str] = {}
    for at, cell in row.items():
        for name, accepted in titles.items():
            if cell.strip() in accepted:
                if name in places:
                    raise ValueError(f"has the column {cell.strip()} twice")
                places[name] = at
    return places if _COLUMNS.keys() <= places.keys() else {}


def _lacking(titles: Mapping[str, list[str]]) -> str:
    names = ", ".join(f"{titles[name][0]} (or {name})" for name in _COLUMNS)
    return (
        f"has no row with these columns: {names}; fill in the sheet of findings of an earlier "
        "pack's data/findings.xlsx"
    )


def _refuse_other(cells: Mapping[str, Cell], account: str, label_key: str) -> None:
    """Raise a `ValueError` for a row of other labels or of another account."""
    key, of = cells["label_key"].strip(), cells.get("account", Cell()).strip()
    if key != label_key:
        raise ValueError(
            f"has ids of the label key {_brief(key)}, this run has labels of {label_key}; name the key "
            "of that pack (pseudonym_key, or controller as it was spelt)"
        )
    if of and of != account:
        raise ValueError(f"has findings of account {_brief(of)}; this run is of {account}")


def _promise(
    cells: Mapping[str, Cell], from_1904: bool
) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """Return a row as it is stored, and column, value and what is accepted of each mistake."""
    made: dict[str, str] = {}
    wrong: list[tuple[str, str, str]] = []
    for name in ("id", *_FILLED, "control", "region", "resource"):
        cell = cells.get(name, Cell())
        value = cell.replace("\r\n", "\n").strip()
        if cell.formula:
            wrong.append((name, value, "a text, not a formula"))
        elif hidden := unseen(value):
            wrong.append((name, value, f"characters that a reader sees; it has {hidden}"))
        elif name == "due":
            day = _day(cell, from_1904)
            if day is None:
                wrong.append((name, value, "a day from 2000 to 2099, such as 2027-03-31"))
            made[name] = day or ""
            continue
        elif name == "id" and not _ID.fullmatch(value):
            wrong.append((name, value, "the finding's id, as in an earlier pack"))
        elif len(value) > (most := _MOST.get(name, 2_000)):
            wrong.append((name, value, f"{most:,} characters at most; it has {len(value):,}"))
        made[name] = mask_secrets(value)
    return made, wrong


def _of_another_finding(cells: Mapping[str, Cell], account: str) -> list[tuple[str, str, str]]:
    """Return the mistake of a row whose id is not that of the finding that its cells state.

    So it is where somebody sorted some of a sheet's columns. A row without these cells states none.
    """
    from kit.judge.digest import subject_of  # which imports every control

    id, (control, region, resource) = (
        cells["id"].strip(),
        (cells.get(name, Cell()) for name in ("control", "region", "resource")),
    )
    if not (_ID.fullmatch(id) and control.strip() and region.strip() and resource.strip()):
        return []
    stated = {"account": account, "control": control.strip(), "region": region.strip()}
    # findings.csv has an apostrophe before what a spreadsheet would compute.
    names = dict.fromkeys((resource, resource.strip(), resource.strip().removeprefix("'")))
    if any(subject_of(id, {**stated, "resource": name}) for name in names):
        return []
    row = ", ".join(_brief(cell.strip()) for cell in (control, region, resource))
    return [("id", id, f"the id of the finding in its row ({row}); sort whole rows")]


def _day(cell: Cell, from_1904: bool) -> str | None:
    """Return a day as ISO 8601, empty for none; None where the cell holds no day.

    A spreadsheet holds a day as the number of days from its first.
    """
    value = cell.strip()
    if not value:
        return ""
    first = dt.date(1904, 1, 1) if from_1904 else dt.date(1899, 12, 30)
    try:
        if cell.number:
            day = first + dt.timedelta(days=int(float(value)))
        elif re.fullmatch(r"\d{4}-\d{2}-\d{2}( 00:00:00)?", value):
            day = dt.date.fromisoformat(value[:10])
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return day.isoformat() if _DAYS[0] <= day < _DAYS[1] else None


def _brief(value: str) -> str:
    """Return a value of the file as a message may show it: masked, and cut."""
    masked = mask_secrets(value)
    return repr(masked if len(masked) <= _SHOWN else f"{masked[:_SHOWN]}…")
