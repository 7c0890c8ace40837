"""Parquet that stands for far more than it is: told before it is unpacked, whatever its footer says."""

from __future__ import annotations

import io
import random
import struct
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kit.findings import Finding
from kit.pack.tabular import findings_parquet
from kit.pack.verify import parquet
from kit.pack.verify.contents import Contents
from kit.pack.verify.findings import PARQUET, read_findings
from tests.sealed import row

COLUMNS = list(Finding.__dataclass_fields__)
FACTS = {"account": "1", "as_of": "2026-08-01T09:00:00+00:00", "digest": "0" * 64}
MIB = 1 << 20


class Single(Contents):
    """A pack that holds findings alone."""

    def __init__(self, content: bytes):
        super().__init__()
        self._content = content
        self._add(PARQUET, len(content))

    def open(self, name: str) -> io.BytesIO:
        return io.BytesIO(self._content)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that a test reaches at once."""
    monkeypatch.setattr(parquet, "MOST_IN_MEMORY", MIB)
    monkeypatch.setattr(parquet, "MOST_VALUES", 100_000)
    monkeypatch.setattr(parquet, "MOST_ROWS", 2_000)


def findings(number: int) -> dict[str, Any]:
    records = [
        {**row("AR-05", f"x{n}", "fail"), "account": "1", "evidence": "E1#/a E2#/b"}
        for n in range(number)
    ]
    return {"records": records, "facts": FACTS}


def table(rows: int = 1, **columns: Any) -> pa.Table:
    texts: dict[str, Any] = dict.fromkeys(COLUMNS, ["x"] * rows)
    return pa.table({**texts, "evidence": [["E1#/a"]] * rows, **columns})


def written(made: pa.Table, **options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(made, file, **{"use_dictionary": False, "compression": "zstd", **options})
    return file.getvalue()


def understated(content: bytes) -> bytes:
    """The file, whose footer says that its largest column is ten bytes when unpacked."""
    foot = len(content) - 8 - struct.unpack("<I", content[-8:-4])[0]
    group = pq.read_metadata(io.BytesIO(content)).row_group(0)
    size = max(group.column(n).total_uncompressed_size for n in range(group.num_columns))
    true = number(size)
    assert true in content[foot:]
    return content[:foot] + content[foot:].replace(true, number(10, len(true)))


def number(value: int, length: int = 0) -> bytes:
    """A number as Thrift writes it, with as many bytes as wanted."""
    left, made = value << 1, bytearray()
    while left > 127 or len(made) + 1 < length:
        made.append(left & 127 | 128)
        left >>= 7
    return bytes([*made, left])


@pytest.mark.parametrize("rows", [0, 1, 1_000])
def test_what_the_kit_wrote_is_read(rows: int) -> None:
    made = findings(rows)
    records, facts = read_findings(Single(findings_parquet(made)))
    assert records == made["records"]
    assert facts == FACTS


@pytest.mark.parametrize(
    "options",
    [
        {"data_page_version": "2.0"},
        {"compression": "none"},
        {"write_page_index": True, "write_page_checksum": True},
        {"row_group_size": 100},
    ],
)
def test_other_ways_to_write_it_are_read_too(options: dict[str, Any]) -> None:
    records, _ = read_findings(Single(written(table(1_000), **options)))
    assert len(records) == 1_000


NESTED = pa.string()
for _ in range(300):
    NESTED = pa.struct([("a", NESTED)])
LARGE = "x" * 2 * MIB


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (written(table(3_000)), "3000 rows; 2000 are read at most"),
        (written(table(101), row_group_size=1), "101 row groups; 100 are read at most"),
        (written(table(reason=[LARGE])), "bytes in pages; 1048576 are read at most"),
        (
            understated(written(table(reason=[LARGE]))),
            "bytes in pages; 1048576 are read at most",
        ),
        (
            written(table(1_000, reason=["x" * 2_000] * 1_000), use_dictionary=["reason"]),
            "a column that holds other than plain values",
        ),
        (
            written(table(2, reason=["x"] * 2), column_encoding={"reason": "DELTA_BYTE_ARRAY"}),
            "a page that holds other than plain values",
        ),
        (written(table(evidence=[[""] * 200_000])), "values; 100000 are read at most"),
        (written(table(reason=pa.nulls(1, NESTED)), store_schema=False), "too deeply nested"),
        (written(table(reason=[{"a": "b"}])), "Unsupported cast"),
        (written(table(evidence=["E1"])), "Unsupported cast"),
        (written(table(evidence=pa.array([None], pa.list_(pa.string())))), "1 rows without evid"),
        (written(table(evidence=pa.array([[None]], pa.list_(pa.string())))), "1 rows without evi"),
        (written(table(reason=pa.nulls(1, pa.string()))), "1 rows without reason"),
        (written(table(reason=[b"\xff"])), "Invalid UTF8"),
        (written(table().drop_columns(["reason"])), "columns"),
        (
            written(table()).replace(b"parquet-cpp-arrow", b"parquet-mr vers 1"),
            "a file written by b'parquet-mr",
        ),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,
)
def test_what_stands_for_more_than_a_pack_holds_is_told(content: bytes, told: str) -> None:
    assert len(content) < MIB
    with pytest.raises(ValueError, match=told):
        read_findings(Single(content))


@pytest.mark.parametrize("part", ["pages", "footer"])
def test_no_byte_of_it_breaks_more_than_the_reading(part: str) -> None:
    content = findings_parquet(findings(20))
    foot = len(content) - 8 - struct.unpack("<I", content[-8:-4])[0]
    places = range(4, foot) if part == "pages" else range(foot, len(content))
    chosen = random.Random(1)
    told = 0
    for _ in range(400):
        broken = bytearray(content)
        broken[chosen.choice(places)] = chosen.randrange(256)
        try:
            read_findings(Single(bytes(broken)))
        except ValueError:
            told += 1
    assert told > 100
