"""CSV and Parquet hold the same findings, typed, inert and the same again."""

from __future__ import annotations

import csv
import datetime as dt
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kit.controls import CONTROLS, ROLL_UPS
from kit.controls.articles import cited
from kit.controls.source import requirements
from kit.judge.findings import Finding
from kit.pack.tabular import (
    csv_file,
    findings_csv,
    findings_parquet,
    read_findings_csv,
    states_provisions,
)
from kit.verify.contents import open_contents
from kit.verify.forms import stated_waivers
from kit.verify.kinds import PARQUET
from kit.verify.reading import read_table
from tests.pack.samples import FACTS, TEXTS, sample
from tests.pages import code

COLUMNS = list(Finding.__dataclass_fields__)
PROVISIONS = ["articles", "requirements"]
EVERY = {**CONTROLS, **ROLL_UPS}


def read_csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def required_by(control: str) -> list[str]:
    return [f"{one.framework} {one.number}" for one in requirements(control) if one.tested]


def test_the_csv_has_a_row_for_each_finding() -> None:
    data = sample()
    rows = read_csv(findings_csv(data))
    assert [list(row) for row in rows] == [[*COLUMNS, *PROVISIONS]] * len(data["records"])
    for row in rows:
        assert row.pop("articles").split("; ") == list(
            cited(EVERY[row["control"]].gdpr, "controller")
        )
        assert row.pop("requirements") == "; ".join(required_by(row["control"]))
    plain = [r for r in data["records"] if r["control"] != "EX-04"]
    assert [row for row in rows if row["control"] != "EX-04"] == plain


def test_no_cell_of_the_csv_is_a_formula() -> None:
    rows = read_csv(findings_csv(sample()))
    observed = {row["resource"].removeprefix("stack-"): row["observed"] for row in rows}
    assert observed["formula"] == f"'{TEXTS['formula']}"
    assert observed["command"] == f"'{TEXTS['command']}"
    assert observed["quotes"] == TEXTS["quotes"]
    starts = {value[0] for row in rows for value in row.values() if value}
    assert not starts & set("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def test_account_ids_keep_their_zeros_as_the_page_imports_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = sample()
    (tmp_path / "findings.csv").write_bytes(findings_csv(data))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for snippet in code("docs/machine-forms.md", "python"):
        exec(compile(snippet, "docs/machine-forms.md", "exec"), names)
    assert set(names["findings"]["account"]) == {"012345678901"}
    assert list(names["findings"]["status"]) == [record["status"] for record in data["records"]]
    accounts = pq.read_table(io.BytesIO(findings_parquet(data))).column("account")
    assert set(accounts.to_pylist()) == {"012345678901"}


def test_the_parquet_is_typed_and_keeps_texts_as_they_are() -> None:
    data = sample()
    table = pq.read_table(io.BytesIO(findings_parquet(data)))
    assert table.column_names == [*COLUMNS, *PROVISIONS, "as_of"]
    schema = table.schema
    assert schema.field("evidence").type == pa.list_(pa.field("element", pa.string()))
    assert schema.field("as_of").type == pa.timestamp("ms", "UTC")
    for name in ("control", "status", "severity", "region"):
        assert pa.types.is_dictionary(schema.field(name).type), name
    assert not [field.name for field in schema if field.nullable]
    rows = table.to_pylist()
    for row, record in zip(rows, data["records"], strict=True):
        assert row.pop("as_of") == dt.datetime(2026, 11, 24, 10, tzinfo=dt.UTC)
        assert row.pop("articles") == list(cited(EVERY[record["control"]].gdpr, "controller"))
        assert row.pop("requirements") == required_by(record["control"])
        assert row == record | {"evidence": record["evidence"].split()}


@pytest.mark.parametrize("stated", ["", "a waiver of EX-01", "einer für EX-01\n" * 30_000])
def test_unused_waivers_are_read_from_the_parquets_bytes(stated: str, tmp_path: Path) -> None:
    data = sample()
    data["facts"]["unused_waivers"] = stated
    (tmp_path / "data").mkdir()
    (tmp_path / PARQUET).write_bytes(findings_parquet(data))
    with open_contents(tmp_path) as contents:
        assert stated_waivers(contents) == stated


@pytest.mark.parametrize(
    "content", [b"", b"unused_waivers\x18", b"unused_waivers\x18" + b"\xff" * 9]
)
def test_bytes_of_no_parquet_state_no_waiver(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / PARQUET).write_bytes(content)
    with open_contents(tmp_path) as contents:
        assert stated_waivers(contents).strip("\ufffd") == ""


def test_the_parquets_metadata_says_what_it_is_of() -> None:
    metadata = pq.read_schema(io.BytesIO(findings_parquet(sample()))).metadata
    stated = {name: value for name, value in FACTS.items() if name != "gravest_fail"}
    assert metadata == {name.encode(): str(value).encode() for name, value in stated.items()}
    data = sample()
    data["facts"]["stamp"] = None
    metadata = pq.read_schema(io.BytesIO(findings_parquet(data))).metadata
    assert metadata[b"stamp"] == b""


def test_pandas_reads_the_parquet_without_an_index_of_ours() -> None:
    frame = pq.read_table(io.BytesIO(findings_parquet(sample()))).to_pandas()
    assert list(frame.columns) == [*COLUMNS, *PROVISIONS, "as_of"]
    assert frame["status"].value_counts()["not evidenced"] == 1


def test_the_same_findings_give_the_same_bytes() -> None:
    for make in (findings_csv, findings_parquet):
        assert make(sample()) == make(sample())
    data = sample()
    data["facts"] = dict(reversed(data["facts"].items()))
    data["records"] = [dict(sorted(record.items())) for record in data["records"]]
    assert findings_parquet(data) == findings_parquet(sample())


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("controller", "5(1)(f); 25(2); 32(1)(b)"),
        ("processor", "32(1)(b)"),
        ("", "5(1)(f) (controller); 25(2) (controller); 32(1)(b)"),
    ],
)
def test_articles_are_those_that_bind_the_role(role: str, expected: str) -> None:
    data = sample()
    data["facts"]["data_role"] = role
    data["records"] = [record | {"control": "EX-01"} for record in data["records"]]
    assert {row["articles"] for row in read_csv(findings_csv(data))} == {expected}


def test_who_reads_findings_gets_no_articles_and_no_requirements() -> None:
    content = findings_csv(sample())
    assert states_provisions(content)
    assert [list(row) for row in read_findings_csv(content)] == [COLUMNS] * len(sample()["records"])
    assert not states_provisions(csv_file(sample()["records"], COLUMNS))


def test_a_control_that_this_kit_does_not_have_tests_nothing() -> None:
    data = sample()
    data["records"] = [data["records"][0] | {"control": "ZZ-01"}]
    (row,) = read_csv(findings_csv(data))
    assert (row["articles"], row["requirements"]) == ("", "")


def test_no_findings_are_a_table_without_rows() -> None:
    data = sample() | {"records": []}
    assert pq.read_table(io.BytesIO(findings_parquet(data))).num_rows == 0
    assert findings_csv(data).decode().split("\r\n") == [",".join([*COLUMNS, *PROVISIONS]), ""]


def test_findings_that_were_sealed_before_samples_were_called_ones_are_read_as_they_are() -> None:
    columns = COLUMNS[: COLUMNS.index("sample")]
    records = [{name: one[name] for name in columns} for one in sample()["records"]]
    read = read_findings_csv(csv_file(records, columns))
    assert [one["control"] for one in read] == [one["control"] for one in records]
    table = pq.read_table(io.BytesIO(findings_parquet(sample() | {"records": read})))
    assert "sample" not in table.column_names
    with pytest.raises(ValueError, match="columns"):
        read_findings_csv(csv_file([], columns[:-1]))
    header = csv_file([], columns)
    for read_csv in (read_findings_csv, read_table):
        with pytest.raises(ValueError, match=f"^line 2: 1 cells, and {len(columns)} columns$"):
            read_csv(header + b"x\r\n")
