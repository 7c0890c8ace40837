"""Tables: what every one of them keeps to, and whether the list of its rows is complete."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from kit import calls
from kit.calls import Scope
from kit.catalogue import texts
from kit.snapshot import Snapshot
from kit.tables import tabulate
from kit.tables.cells import NONE
from kit.tables.core import SPECS, shown_name
from kit.tables.coverage import coverage
from tests.controls.samples import SAMPLES
from tests.standins import ACCOUNT, HOME, REGION, Account, denied

ELSEWHERE = "us-east-1"


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Snapshot]:
    return {
        name: sample(tmp_path_factory.mktemp(name)).snapshot() for name, sample in SAMPLES.items()
    }


@pytest.mark.parametrize("sample", sorted(SAMPLES))
@pytest.mark.parametrize("name", sorted(SPECS))
def test_a_table_has_its_columns_and_no_others(
    snapshots: dict[str, Snapshot], name: str, sample: str
) -> None:
    table = tabulate(snapshots[sample], [name])[name]
    assert list(table.frame.columns) == ["account", "region", "resource", *table.spec.columns]
    assert set(table.frame["account"]) <= {ACCOUNT}
    assert {str(table.frame[name].dtype) for name in ("account", "region")} == {"category"}
    for column in table.spec.columns:
        values = [values[column] for values in table.rows.values()]
        cells = table.frame[column]
        kept = [None if cell is pd.NA or cell is pd.NaT else cell for cell in cells]
        if str(cells.dtype).startswith("datetime64"):
            times = [None if value is None else pd.Timestamp(value) for value in values]
            assert kept == times, column
        else:
            assert [_none(cell) for cell in kept] == values, column
    cells = {(row, column) for row in table.frame.index for column in table.spec.columns}
    assert table.refs.keys() == cells


def _none(cell: object) -> object:
    """A missing text is NaN in a frame."""
    return None if isinstance(cell, float) and cell != cell else cell


@pytest.mark.parametrize("name", sorted(SPECS))
def test_a_cell_that_was_not_seen_has_no_value(snapshots: dict[str, Snapshot], name: str) -> None:
    for call in sorted(SPECS[name].needs(SPECS[name].columns), key=lambda call: call.name):
        table = tabulate(denied(snapshots["tidy"], call), [name])[name]
        for gap in table.gaps.itertuples():
            assert pd.isna(table.frame.loc[gap.row, gap.column])
            assert gap.reason
            assert gap.column in table.spec.columns


@pytest.mark.parametrize("name", sorted(SPECS))
def test_titles_are_words(name: str) -> None:
    spec = SPECS[name]
    assert spec.noun
    for column in spec.columns:
        assert spec.title(column)[0].isupper() or spec.title(column).startswith("of these")


def test_every_default_names_the_document_that_says_so() -> None:
    for spec in SPECS.values():
        for name, column in spec.columns.items():
            if column.absent and column.absent is not NONE:
                source = texts.text(f"defaults/{column.absent.source}")
                assert len(source.split()) > 3, (spec.name, name)


def test_the_same_snapshot_gives_the_same_tables(snapshots: dict[str, Snapshot]) -> None:
    first, again = (tabulate(snapshots["tidy"]) for _ in range(2))
    for name, table in first.items():
        pd.testing.assert_frame_equal(table.frame, again[name].frame)
        assert table.refs == again[name].refs


def test_no_name_that_people_chose_is_in_a_table(tmp_path: Path) -> None:
    account = Account(tmp_path).stack("jane-doe-stack").fleet("jane-doe-fleet")
    connector = {"ConnectorType": "HOMEFOLDERS", "ResourceIdentifier": "jane-doe-files"}
    account.stack("second", StorageConnectors=[connector])
    account.bucket("jane-doe-files", listed=False, tags={"owner": "jane doe"})
    account.report(f"jane.doe,arn:aws:iam::{ACCOUNT}:user/jane.doe,true,true")
    account.tagged(f"arn:aws:appstream:{REGION}:{ACCOUNT}:stack/jane-doe-stack", owner="jane doe")
    for table in tabulate(account.snapshot()).values():
        text = table.frame.to_csv() + table.gaps.to_csv()
        assert "jane" not in text, table.spec.name


def test_a_bucket_has_one_label_in_every_table(tmp_path: Path) -> None:
    account = Account(tmp_path)
    connector = {"ConnectorType": "HOMEFOLDERS", "ResourceIdentifier": "jane-doe-files"}
    account.stack(StorageConnectors=[connector])
    account.bucket("jane-doe-files", listed=False, tags={"team": "cad"})
    account.bucket(HOME, tags={"team": "cad"})
    tables = tabulate(account.snapshot(), ["buckets", "tags"])
    assert set(tables["tags"].frame["resource"]) == set(tables["buckets"].frame["resource"])
    assert HOME in set(tables["buckets"].frame["resource"])


# --- coverage -------------------------------------------------------------------------------


def complete(account: Account, *listed: calls.Call) -> list[tuple[str, str, bool, str]]:
    found = coverage(listed, Scope.REGION, account.snapshot())
    return [(e.region, e.call, e.complete, e.trouble.reason if e.trouble else "") for e in found]


def test_a_list_is_complete_where_it_was_answered(tmp_path: Path) -> None:
    account = Account(tmp_path, regions=(REGION, ELSEWHERE))
    account.denies(calls.DESCRIBE_FLEETS, ELSEWHERE)
    name = "appstream.DescribeFleets"
    assert complete(account, calls.DESCRIBE_FLEETS) == [
        (REGION, name, True, ""),
        (ELSEWHERE, name, False, "denied"),
    ]


def test_what_fans_out_is_complete_once_everything_was_requested(tmp_path: Path) -> None:
    account = Account(tmp_path).stack("a").stack("b").stack("c").stack("d")
    account.denies(calls.DESCRIBE_ENTITLEMENTS, StackName="b")
    account.denies(calls.DESCRIBE_ENTITLEMENTS, StackName="c")
    account.refuses(calls.DESCRIBE_ENTITLEMENTS, "InternalServerError", StackName="d")
    name = "appstream.DescribeEntitlements"
    assert complete(account, calls.DESCRIBE_ENTITLEMENTS) == [
        (REGION, name, True, ""),
        (REGION, name, False, "denied"),
        (REGION, name, False, "failed"),
    ]


def test_what_was_requested_in_one_region_is_not_known_of_another(tmp_path: Path) -> None:
    """Stacks of the same name in two regions are two stacks."""
    account = Account(tmp_path, regions=(REGION, ELSEWHERE)).stack("design")
    account.lists(calls.DESCRIBE_STACKS, {"Name": "design"}, region=ELSEWHERE)
    name = "appstream.DescribeEntitlements"
    assert complete(account, calls.DESCRIBE_ENTITLEMENTS) == [
        (REGION, name, True, ""),
        (ELSEWHERE, name, False, "not collected"),
    ]


def test_what_is_elsewhere_is_not_requested_here(tmp_path: Path) -> None:
    account = Account(tmp_path, regions=(REGION, ELSEWHERE)).stack("here")
    account.stack("there", region=ELSEWHERE)
    name = "appstream.DescribeEntitlements"
    assert complete(account, calls.DESCRIBE_ENTITLEMENTS) == [
        (REGION, name, True, ""),
        (ELSEWHERE, name, True, ""),
    ]


def test_what_fans_out_over_nothing_has_nothing_to_be_complete(tmp_path: Path) -> None:
    assert complete(Account(tmp_path), calls.DESCRIBE_ENTITLEMENTS) == []


def test_a_page_that_was_cut_short_is_not_complete(tmp_path: Path) -> None:
    account = Account(tmp_path).fleet()
    account.cuts(calls.DESCRIBE_FLEETS, "the same page token came twice")
    assert complete(account, calls.DESCRIBE_FLEETS) == [
        (REGION, "appstream.DescribeFleets", False, "cut short")
    ]


def test_a_bound_that_the_parameters_set_is_no_failure(tmp_path: Path) -> None:
    account = Account(tmp_path).fleet().event()
    account.cuts(calls.LOOKUP_EVENTS, "2 pages read, more exist")
    snapshot = account.snapshot()
    assert all(one.complete for one in coverage((calls.LOOKUP_EVENTS,), Scope.REGION, snapshot))
    regions = tabulate(snapshot, ["regions"])["regions"].frame
    assert regions["events_window"].iloc[0]["all read"] is False


def test_in_clear_a_resource_is_called_by_its_name_and_its_display_name() -> None:
    assert shown_name({"Name": "a", "DisplayName": "会計"}) == "a (会計)"
    assert shown_name({"Name": "a", "DisplayName": "a"}) == "a"
    assert shown_name({"Name": "a"}) == "a"
    assert shown_name({"Arn": "arn"}) is None


def test_a_table_states_how_many_cells_and_lists_were_not_seen(tmp_path: Path) -> None:
    account = Account(tmp_path, regions=(REGION, ELSEWHERE)).stack().stack("second")
    account.denies(calls.DESCRIBE_STACKS, ELSEWHERE)
    table = tabulate(account.answered(), ["stacks"])["stacks"]
    columns = len(table.spec.columns)
    assert repr(table).startswith(f"Table stacks: 2 rows, {columns} columns")
    assert repr(table).endswith(", 1 list not read in full")
    whole = tabulate(Account(tmp_path / "whole").stack().answered(), ["stacks"])["stacks"]
    assert "not read in full" not in repr(whole)


def test_a_label_identifies_a_thing_by_its_arn_or_where_it_is(tmp_path: Path) -> None:
    appstream, iam = f"arn:aws:appstream:{REGION}:{ACCOUNT}", f"arn:aws:iam::{ACCOUNT}"
    cloudtrail = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}"
    expected = {
        ("SAML provider", f"{iam}:saml-provider/idp", ""),
        ("access point", f"arn:aws:s3:{REGION}:{ACCOUNT}:accesspoint/reports", "reports"),
        ("app block builder", f"{appstream}:app-block-builder/maker", "maker"),
        ("app block", f"{appstream}:app-block/block", "block"),
        ("application", f"{appstream}:application/cad", "cad"),
        ("bucket", "copies", ""),
        ("bucket", "packages", ""),
        ("bucket", "screenshots", ""),
        ("bucket", "trail-logs", ""),
        ("directory", f"{REGION}/corp.example", "corp.example"),
        ("entitlement", f"{REGION}/design/all", "all"),
        ("event data store", f"{cloudtrail}:eventdatastore/second", ""),
        ("fleet", f"{appstream}:fleet/design", "design"),
        ("image builder", f"{appstream}:image-builder/builder", "builder"),
        ("image export", f"{REGION}/t1", ""),
        ("image", f"{appstream}:image/design", "design"),
        ("pool user", f"{appstream}:user/userpool/jane", "jane.doe@example.org"),
        ("role", f"{iam}:role/StreamingAdmin", "StreamingAdmin"),
        ("stack", f"{appstream}:stack/design", "design (Design)"),
        ("theme", f"{REGION}/design/design", ""),
        ("trail", f"{cloudtrail}:trail/all", "all"),
        ("usage reports", f"{REGION}/", ""),
        ("user", f"{iam}:user/admin", "admin"),
        ("user", f"{iam}:user/jane", "jane"),
    }
    made = tabulate(SAMPLES["tidy"](tmp_path).answered()).labels.made.values()
    assert {(one.kind, one.identity, one.name) for one in made} == expected


@pytest.mark.parametrize("sample", ["tidy", "careless"])
def test_each_table_names_a_thing_as_all_tables_do(tmp_path: Path, sample: str) -> None:
    """Apart from a stack's display name, which not every table adds."""
    snapshot = SAMPLES[sample](tmp_path).answered()
    named = {(one.kind, one.identity): one.name for one in tabulate(snapshot).labels.made.values()}
    for table in SPECS:
        for one in tabulate(snapshot, [table]).labels.made.values():
            name = named[one.kind, one.identity]
            assert one.name in (name, name.partition(" (")[0])
