"""The findings as files for programs: CSV, and Parquet with types."""

from __future__ import annotations

import csv
import datetime as dt
import io
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from kit.controls import CONTROLS, ROLL_UPS
from kit.controls.articles import cited
from kit.controls.source import requirements
from kit.judge.findings import Finding
from kit.report.columnar import Columnar
from kit.report.records import FindingsData

if TYPE_CHECKING:
    import pyarrow as pa

_COLUMNS = list(Finding.__dataclass_fields__)
_FEW_VALUES = {"control", "severity", "account", "region", "status", "operation", "code"}
_FORMULA = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
_PERHAPS = _FORMULA | {"'"}
# Members of findings in packs that were sealed before a finding had an identity of its own.
EARLIER_COLUMNS = _COLUMNS[: _COLUMNS.index("subject")]
# Columns of packs that were sealed before findings had an id, and before these stated their part
# of a population.
_WITHOUT_ID = _COLUMNS[: _COLUMNS.index("id")]
_WITHOUT_SAMPLE = _COLUMNS[: _COLUMNS.index("sample")]
_MOST_IN_CELL = 64 << 20
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# What each control tests: articles of the GDPR that bind the role, and requirements of the other
# frameworks. They are the kit's, not a finding's, so whoever reads findings leaves them out.
_PROVISIONS = ("articles", "requirements")


def findings_csv(data: FindingsData) -> bytes:
    """Return the findings as CSV (RFC 4180), UTF-8.

    Parameters
    ----------
    data : dict
        As `kit.pack.document.findings_data` returns it.

    Returns
    -------
    bytes
        A header, then a row for each finding, roll-ups last; ``articles`` and ``requirements``
        of its control follow its members. A text that a spreadsheet would take for a formula
        starts with an apostrophe.
    """
    records = (
        record | {name: "; ".join(some) for name, some in provisions.items()}
        for record, provisions in zip(data["records"], _provisions(data), strict=True)
    )
    return csv_file(records, [*_COLUMNS, *_PROVISIONS])


def header_line() -> bytes:
    """Return the first line of `findings_csv`."""
    return ",".join([*_COLUMNS, *_PROVISIONS]).encode() + b"\r\n"


def states_provisions(content: bytes) -> bool:
    """Return whether a file of `findings_csv` has the columns of articles and requirements."""
    header = content.partition(b"\r\n")[0].decode("utf-8", "replace").split(",")
    return header[-len(_PROVISIONS) :] == [*_PROVISIONS]


def _provisions(data: FindingsData) -> list[dict[str, list[str]]]:
    """Return the articles and requirements of each record's control."""
    role = data["facts"]["data_role"]
    controls = [record["control"] for record in data["records"]]
    of_control = {name: _tested(name, role) for name in {*controls}}
    return [of_control[name] for name in controls]


def _tested(name: str, role: str) -> dict[str, list[str]]:
    known = {**CONTROLS, **ROLL_UPS}
    articles = [*cited(known[name].gdpr, role)] if name in known else []
    others = [f"{one.framework} {one.number}" for one in requirements(name) if one.tested]
    return dict(zip(_PROVISIONS, (articles, others), strict=True))


def csv_file(records: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    """Return records as CSV; a text that a spreadsheet would take for a formula is made inert.

    Parameters
    ----------
    records : iterable of dict
    columns : sequence of str
        Keys of every record, in the order of the columns.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_inert(record[name]) for name in columns] for record in records)
    return file.getvalue().encode()


def whole_rows(lines: Any, header: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield each line of a `csv.reader` by its columns.

    Raises
    ------
    ValueError
        A line has more or fewer cells than the header.
    """
    for line in lines:
        if len(line) != len(header):
            raise ValueError(f"line {lines.line_num}: {len(line)} cells, and {len(header)} columns")
        yield dict(zip(header, line, strict=True))


def read_findings_csv(content: bytes, before: Sequence[str] = ()) -> list[dict[str, str]]:
    """Return the records of `findings_csv`, with the apostrophes before formulas taken off.

    Parameters
    ----------
    content : bytes
        Of `findings_csv`, or of the same file as earlier packs have it, without the values that
        make a finding's identity.
    before : sequence of str
        Columns before these.

    Returns
    -------
    list of dict
        Members of `kit.judge.findings.Finding` by name, all texts; ``evidence`` separated by spaces.

    Raises
    ------
    ValueError
        It is not UTF-8, has other columns, or a row has more or fewer cells than the header.
    """
    usual = csv.field_size_limit(_MOST_IN_CELL)  # 128 KiB, which a long list exceeds
    lines = csv.reader(io.StringIO(content.decode(), newline=""), strict=True)
    try:
        header = next(lines, [])
        kept = len(header)
        if header[-len(_PROVISIONS) :] == [*_PROVISIONS]:
            kept -= len(_PROVISIONS)
        columns = (_COLUMNS, _WITHOUT_ID, _WITHOUT_SAMPLE, EARLIER_COLUMNS)
        if header[:kept] not in [[*before, *names] for names in columns]:
            raise ValueError(f"columns {header}")
        return [
            {name: _as_it_was(cell) for name, cell in [*row.items()][:kept]}
            for row in whole_rows(lines, header)
        ]
    except csv.Error as error:
        raise ValueError(f"line {lines.line_num}: {error}") from None
    finally:
        csv.field_size_limit(usual)


def findings_parquet(data: FindingsData) -> bytes:
    """Return the findings as Apache Parquet.

    Parameters
    ----------
    data : dict
        As `kit.pack.document.findings_data` returns it.

    Returns
    -------
    bytes
        The columns and rows of the CSV, texts as they are; ``evidence``, ``articles`` and
        ``requirements`` are lists, ``as_of`` (UTC) the time of the evidence. The file's metadata holds the facts that are
        true of all rows: account, kit, digests. Values are plain and compressed, without
        dictionaries of Parquet's: whoever does not trust the file can compute its unpacked size.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    # The pool that Arrow takes by default holds some 60 MB more for the same table.
    # https://arrow.apache.org/docs/python/memory.html#memory-pools
    pa.set_memory_pool(pa.system_memory_pool())
    records, facts = Columnar.of(data["records"]), data["facts"]
    # Those that the kit that sealed them knew.
    names = [name for name in _COLUMNS if not records or name in records.names]
    provisions = _provisions(data)
    columns = {name: _texts(records.column(name) if records else ()) for name in names}
    columns |= {name: columns[name].dictionary_encode() for name in _FEW_VALUES}
    columns["evidence"] = _lists([*map(str.split, records.column("evidence"))] if records else [])
    columns |= {name: _lists([some[name] for some in provisions]) for name in _PROVISIONS}
    columns["as_of"] = _times(dt.datetime.fromisoformat(facts["as_of"]), len(records))
    # The gravest fail is a row's.
    stated = [(name, value) for name, value in sorted(facts.items()) if name != "gravest_fail"]
    metadata = {name: "" if value is None else str(value) for name, value in stated}
    fields = [pa.field(name, made.type, nullable=False) for name, made in columns.items()]
    table = pa.Table.from_arrays([*columns.values()], schema=pa.schema(fields, metadata))
    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd", use_dictionary=False)
    return file.getvalue()


# `pyarrow.array` imports pandas, which takes longer than the rest of the file.
# https://github.com/apache/arrow/blob/main/python/pyarrow/array.pxi (_is_array_like)
def _texts(texts: Iterable[str]) -> pa.Array:
    from pyarrow.lib import StringBuilder

    made = StringBuilder()
    made.append_values(texts)
    return made.finish()


def _lists(lists: Sequence[Sequence[str]]) -> pa.Array:
    import pyarrow as pa

    ends = array("i", accumulate(map(len, lists), initial=0))
    texts = _texts(text for each in lists for text in each)
    parts = [None, pa.py_buffer(ends)]
    return pa.Array.from_buffers(pa.list_(pa.string()), len(lists), parts, children=[texts])


def _times(time: dt.datetime, count: int) -> pa.Array:
    import pyarrow as pa

    milliseconds = array("q", [(time - _EPOCH) // dt.timedelta(milliseconds=1)]) * count
    parts = [None, pa.py_buffer(milliseconds)]
    return pa.Array.from_buffers(pa.timestamp("ms", "UTC"), count, parts)


def _inert(value: Any) -> Any:
    """Return a text with an apostrophe before it, which keeps spreadsheets from computing it."""
    return f"'{value}" if isinstance(value, str) and _is_formula(value) else value


def _as_it_was(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _is_formula(cell) else cell


def _is_formula(text: str) -> bool:
    # Apostrophes at the start of a text count too, so that the added apostrophe can go again.
    return text[:1] in _PERHAPS and text.lstrip("'")[:1] in _FORMULA
