"""The map of personal data: what was seen is a box that can be followed, what was not says so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kit import calls
from kit.catalogue.statuses import WORST_FIRST
from kit.judge import evaluate
from kit.judge.findings import Findings
from kit.parameters import appstream_regions
from kit.report import fonts
from kit.report.data_map import data_map
from kit.report.flow_table import PDF_BOX, flows
from kit.report.flows import Box, boxes
from kit.report.map_layout import BOLD, PAD, SIZE, TALLEST, WIDTH, Drawn, lay_out
from kit.report.views import Figure, Note, Table
from kit.tables import Tables, tabulate
from tests.controls.samples import SAMPLES
from tests.standins import ACCOUNT, AS_OF, HOME, KEY, LOGS, REGION, Account


def judged(account: Account) -> tuple[Findings, Tables]:
    tables = tabulate(account.snapshot())
    return evaluate(tables), tables


@pytest.fixture(scope="module")
def careless(tmp_path_factory: pytest.TempPathFactory) -> tuple[Findings, Tables]:
    return judged(SAMPLES["careless"](tmp_path_factory.mktemp("careless")))


def drawn(found: Sequence[Box]) -> list[Drawn]:
    bands, left = lay_out(found)
    assert not left
    return [one for band in bands for column in band.columns.values() for one in column]


def rows(table: Table) -> list[dict[str, Any]]:
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]


def test_every_place_and_every_way_has_a_box_with_its_verdict_and_its_evidence(
    careless: tuple[Findings, Tables],
) -> None:
    findings, _ = careless
    reported = rows(flows(*careless))
    assert {row["ends"] for row in reported} == {
        "comes in by: SAML providers",
        "comes in by: directories",
        "comes in by: user pool",
        "is worked with in: streaming sessions",
        "rests in: home folders",
        "rests in: application settings",
        "rests in: usage reports and logs",
        "rests in: agents' screenshots, recordings",
        "rests in: applications, session scripts",
        "rests in: logs of trails",
        "goes to: Google Drive",
        "goes to: other accounts",
        "goes to: AMIs made from images",
        "goes to: users' devices",
        "goes to: pages that embed sessions",
        "goes to: agents in sessions",
    }
    assert all(row["evidence"] for row in reported)
    programs = [row for row in reported if row["ends"] == "rests in: applications, session scripts"]
    assert {row["region"] for row in programs} == {"Region not seen"}
    assert all("did not see its region; class of key: " in row["observed"] for row in programs)
    (home,) = [row for row in reported if row["resource"] == HOME]
    own = [
        f for f in findings.leaves if f.resource == HOME and f.status in ("fail", "not evidenced")
    ]
    assert home["status"] == "fail"
    assert set(home["open_controls"]) >= {
        f.control for f in own if f.control.startswith(("AR", "IT"))
    }
    (shared,) = [row for row in reported if row["ends"].endswith("other accounts")]
    assert (shared["observed"], shared["open_controls"]) == ("shared with 999999999999", ["EX-05"])


def test_a_bucket_of_trails_has_the_verdicts_of_the_trails_that_deliver_to_it(
    tmp_path: Path,
) -> None:
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["LG-03"]),
        ({"KmsKeyId": KEY, "kept": 5000}, ["LG-06"]),
    ]
    for members, controls in cases:
        account = Account(tmp_path / controls[0]).fleet().trail(**members)
        reported = rows(flows(*judged(account)))
        (logs,) = [row for row in reported if row["ends"] == "rests in: logs of trails"]
        assert logs["status"] == "fail"
        assert set(logs["open_controls"]) - {"GV-05"} == set(controls)


def test_a_bucket_outside_the_regions_in_scope_is_called_by_what_it_holds(tmp_path: Path) -> None:
    other = HOME.replace(REGION, "eu-central-1")
    account = Account(tmp_path).fleet().bucket(HOME).bucket(other, region="eu-central-1")
    reported = {row["resource"]: row["ends"] for row in rows(flows(*judged(account)))}
    assert reported[HOME] == reported[other] == "rests in: home folders"


def test_storage_of_a_kind_that_aws_added_since_is_drawn_as_unknown(tmp_path: Path) -> None:
    account = Account(tmp_path).fleet()
    account.stack(fleets=("design",), StorageConnectors=[{"ConnectorType": "ADDED_SINCE"}])
    reported = [row for row in rows(flows(*judged(account))) if "does not know" in row["ends"]]
    assert [row["status"] for row in reported] == ["not evidenced"]


def test_trails_that_could_not_be_listed_are_drawn_as_not_evidenced(tmp_path: Path) -> None:
    account = Account(tmp_path).fleet().denies(calls.DESCRIBE_TRAILS)
    reported = [
        row for row in rows(flows(*judged(account))) if row["ends"].endswith("logs of trails")
    ]
    assert [row["status"] for row in reported] == ["not evidenced"]
    assert reported[0]["observed"].startswith("denied, cloudtrail.DescribeTrails")


def test_the_picture_the_words_and_the_table_state_the_same(
    careless: tuple[Findings, Tables],
) -> None:
    figure, found = data_map(*careless), boxes(*careless)
    assert isinstance(figure, Figure)
    texts = {one.box.number: one.lines for one in drawn(found)}
    numbers = {row["box"] for row in rows(flows(*careless))}
    assert numbers == texts.keys() == {box.number for box in found}
    for box in found:
        assert f"{box.number}, " in figure.alt
        assert box.ends.title in " ".join(text for text, bold, _ in texts[box.number] if bold)
        words = " ".join(text for text, *_ in texts[box.number])
        for status, count in box.counts.items():
            assert f"{count} {status}" in figure.alt
            assert f"{status}" in words  # by word, whatever its colour


def test_boxes_keep_apart_and_hold_their_texts(careless: tuple[Findings, Tables]) -> None:
    every = drawn(boxes(*careless))
    for one in every:
        assert 0 <= one.x < one.x + one.width <= WIDTH
        for text, bold, _ in one.lines:
            wide = fonts.em(text) * SIZE * (BOLD if bold else 1) / 72
            assert wide <= one.width - 2 * PAD, text
    for n, one in enumerate(every):
        for other in every[n + 1 :]:
            beside = one.x + one.width <= other.x or other.x + other.width <= one.x
            above = one.y + one.height < other.y or other.y + other.height < one.y
            assert beside or above, (one.box, other.box)


def test_the_same_account_gives_the_same_bytes(careless: tuple[Findings, Tables]) -> None:
    assert data_map(*careless) == data_map(*careless)


def test_many_buckets_share_a_box_and_all_stand_in_the_table(tmp_path: Path) -> None:
    account = Account(tmp_path).fleet()
    for n in range(100):
        account.bucket(f"{HOME}-{n}").bucket(f"{LOGS}-{n}")
    findings, tables = judged(account)
    found = [box for box in boxes(findings, tables) if box.ends.unit == "bucket"]
    assert [(box.ends.what, len(box.flows)) for box in found] == [
        ("home folders", 100),
        ("usage reports", 100),
    ]
    figure, table = data_map(findings, tables), flows(findings, tables)
    assert isinstance(figure, Figure)
    assert figure.alt.count("100 buckets") == 2
    assert table.listed is not None
    assert table.cut == (
        f"This list leaves out {len(table.rows) - len(table.listed)} of {len(table.rows)} rows: it "
        f"has the {PDF_BOX} worst of each box. The HTML has all rows."
    )
    shown = {table.rows[place][0] for place in table.listed}
    assert shown == {row[0] for row in table.rows}  # every box can be followed in the PDF too
    assert len(table.rows) >= 200
    for box in found:
        ranks = [WORST_FIRST.index(flow.status or "") for flow in box.flows]
        assert ranks == sorted(ranks)


def test_what_could_not_be_listed_is_drawn_as_not_evidenced(tmp_path: Path) -> None:
    account = Account(tmp_path).fleet().denies(calls.DESCRIBE_STACKS).denies(calls.LIST_BUCKETS)
    denied = judged(account)
    figure, table = data_map(*denied), rows(flows(*denied))
    assert isinstance(figure, Figure)
    unseen = {row["ends"]: row for row in table if row["resource"].startswith("any ")}
    assert {"rests in: buckets", "goes to: ways out of stacks"} <= unseen.keys()
    out = unseen["goes to: ways out of stacks"]
    assert out["status"] == "not evidenced"
    assert out["observed"].startswith("denied, appstream.DescribeStacks, AccessDenied")
    assert out["evidence"]
    assert "ways out of stacks (data): 1 not evidenced" in figure.alt
    assert "streaming sessions, 1 fleet: 1 fail" in figure.alt


def test_sessions_have_the_verdicts_on_what_runs_them(tmp_path: Path) -> None:
    account = Account(tmp_path).fleet(EnableDefaultInternetAccess=True)
    (sessions,) = (box for box in boxes(*judged(account)) if box.ends.what == "streaming sessions")
    (flow,) = sessions.flows
    assert flow.status == "fail"
    assert "EX-07" in flow.controls


def test_ways_in_have_the_verdicts_on_users_of_the_pool_and_on_metadata(tmp_path: Path) -> None:
    account = Account(tmp_path)
    account.lists(
        calls.DESCRIBE_USERS,
        {
            "UserName": "jane@example.com",
            "Enabled": True,
            "Status": "COMPROMISED",
            "AuthenticationType": "USERPOOL",
        },
    )
    provider = f"arn:aws:iam::{ACCOUNT}:saml-provider/idp"
    account.lists(calls.LIST_SAML_PROVIDERS, {"Arn": provider, "ValidUntil": AS_OF})
    by_end = {row["ends"]: row for row in rows(flows(*judged(account)))}
    assert "ID-09" in by_end["comes in by: user pool"]["open_controls"]
    assert "ID-17" in by_end["comes in by: SAML providers"]["open_controls"]
    assert by_end["comes in by: user pool"]["status"] == "fail"
    assert by_end["comes in by: SAML providers"]["status"] == "fail"


def test_images_that_left_as_amis_have_a_box(careless: tuple[Findings, Tables]) -> None:
    (row,) = [
        row for row in rows(flows(*careless)) if row["ends"] == "goes to: AMIs made from images"
    ]
    assert row["open_controls"] == ["EX-06"]
    assert row["observed"] == "1 export; others who may launch the AMI: none"
    assert row["evidence"]


def test_exports_that_could_not_be_listed_are_not_left_out(tmp_path: Path) -> None:
    account = Account(tmp_path).stack().denies(calls.LIST_EXPORT_IMAGE_TASKS)
    (row,) = [
        row
        for row in rows(flows(*judged(account)))
        if row["ends"] == "goes to: AMIs made from images"
    ]
    assert (row["status"], row["observed"]) == ("not evidenced", "not seen")


def test_where_nothing_is_there_is_nothing_to_draw(tmp_path: Path) -> None:
    findings, tables = judged(SAMPLES["empty"](tmp_path))
    assert isinstance(data_map(findings, tables), Note)
    assert flows(findings, tables).rows == []


def test_regions_without_room_are_named_and_stand_in_the_table(tmp_path: Path) -> None:
    regions = tuple(sorted(appstream_regions())[:12])
    account = Account(tmp_path, regions=regions)
    for region in regions:
        account.fleet(region=region).stack(region=region)
    findings, tables = judged(account)
    bands, left = lay_out(boxes(findings, tables))
    assert bands[-1].columns["sessions"][0].y < TALLEST
    assert left
    figure = data_map(findings, tables)
    assert isinstance(figure, Figure)
    assert (
        f"Not drawn, for want of room: {', '.join(left)}. The table has all regions."
        in figure.caption
    )
    assert {row["region"] for row in rows(flows(findings, tables))} >= set(regions)


def test_a_way_to_devices_counts_what_each_stack_lets_out(
    careless: tuple[Findings, Tables],
) -> None:
    (words,) = re.findall(r"users' devices \(data\), ([^;]*?): \d", data_map(*careless).plain())
    stacks = careless[1]["stacks"].rows.values()
    out = sum(row["download"] in ("ENABLED", True) for row in stacks)
    assert re.fullmatch(rf"\d stacks?: files from {out}(, .* from \d)+", words)


def test_the_caption_names_a_region_not_seen_as_the_map_does(
    careless: tuple[Findings, Tables], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.report.map_layout.TALLEST", 1.0)
    caption = data_map(*careless).plain()
    assert re.search(r"Not drawn, for want of room: (.*, )?Region not seen[,.]", caption)
