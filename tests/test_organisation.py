"""Where an organisation stands, added up from packs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kit.catalogue.texts import text
from kit.controls import CONTROLS
from kit.errors import UserError
from kit.overviews import organisation_views as show
from kit.overviews.heat import MOST, heat_map
from kit.overviews.organisation import roll_up
from kit.overviews.packs import SealedPack, stamp_of
from kit.pack.layout import MEASURES, PAPERS
from kit.report.views import Figure, Table, parse
from tests.sealed import row, seal

ONE, TWO, THREE = "111111111111", "222222222222", "333333333333"


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    seal(tmp_path, ONE, [row("AR-05", "bucket-a", "fail")])
    seal(
        tmp_path,
        ONE,
        [
            row("AR-05", "bucket-a", "pass"),
            row("AR-05", "bucket-b", "not evidenced", reason="denied", operation="s3.GetX"),
            row("AR-04", "fleet-a", "not evidenced", reason="no API"),
            row("GV-03", "roll-up", "fail", severity="low", subject="roll-up"),
        ],
        days=90,
    )
    seal(
        tmp_path,
        TWO,
        [row("AR-05", f"bucket-{n}", "fail", region=f"eu-west-{n}") for n in range(3)]
        + [row("EX-01", "stack-a", "accepted"), row("ZZ-99", "stack-a", "fail")],
        days=30,
    )
    return tmp_path


def _rows(view: object) -> dict[str, list[object]]:
    assert isinstance(view, Table)
    return {str(line[0]): line[1:] for line in view.rows}


def test_the_newest_pack_of_each_account_counts(packs: Path) -> None:
    found = roll_up(packs, [ONE, THREE])
    assert list(found.packs) == [ONE, TWO]
    assert found.missing == [THREE]
    assert found.counts.loc[ONE].to_dict() == {
        "fail": 0,
        "not evidenced": 2,
        "accepted": 0,
        "attested": 0,
        "pass": 1,
        "not applicable": 0,
    }
    assert found.counts.loc[TWO, "fail"] == 4
    assert found.verdicts.loc[ONE, "AR-05"] == "not evidenced"
    assert found.verdicts.loc[TWO, "AR-05"] == "fail"
    assert found.verdicts.loc[TWO, "AR-04"] == ""
    assert found.unknown == ["ZZ-99"]
    assert f"{found.as_of:%Y-%m-%d}" == "2026-10-30"


def test_what_is_open_is_counted_by_control_article_and_responsibility(packs: Path) -> None:
    found = roll_up(packs)
    controls = _rows(show.open_controls(found))
    assert controls.keys() == {"AR-05"}  # what no interface shows is not open
    assert controls["AR-05"][-4:] == [1, 3, 1, 1]
    assert _rows(show.open_articles(found))["32(1)(a)"] == [1, 3, 1, 1]
    assert _rows(show.open_responsibilities(found)) == {"shared": [1, 3, 1, 1]}


def test_gaps_name_reason_and_call(packs: Path) -> None:
    rows = show.gaps(roll_up(packs)).rows
    assert ["denied", "s3.GetX", "", 1, 1, ["AR-05"]] in rows
    assert ["no API", "", "", 1, 1, ["AR-04"]] in rows


def test_accounts_state_their_age_and_lead_to_their_packs(packs: Path) -> None:
    data = packs / "organisation" / "pack" / "data"
    table = show.accounts(roll_up(packs), str(data))
    assert [line[0] for line in table.rows] == [  # the account with more fails first
        [TWO, f"../../../{TWO}/2026-08-31T090000Z/pack/data/evidence.html"],
        [ONE, f"../../../{ONE}/2026-10-30T090000Z/pack/data/evidence.html"],
    ]
    assert [line[-1] for line in table.rows] == [60, 0]


def test_every_account_is_drawn_in_letters_that_can_be_read_in_print(tmp_path: Path) -> None:
    count = MOST + 2
    for n in range(count):
        statuses = ["fail" if n else "pass"] + ["fail"] * (n % 3)
        rows = [row(name, "a", status) for name, status in zip(CONTROLS, statuses, strict=False)]
        seal(tmp_path, f"{n:012d}", rows)
    group = heat_map(roll_up(tmp_path))
    assert parse(group.as_json()) == group
    parts = [{"first": 1, "last": MOST}, {"first": MOST + 1, "last": count}]
    for figure, part in zip(group.views, parts, strict=True):
        assert isinstance(figure, Figure)
        stated = text("figures/heat/part", accounts=count, **part)
        assert stated in figure.alt
        assert stated in figure.caption
        size = re.search(r'<svg[^>]* width="([0-9.]+)pt"', figure.svg)
        assert size
        assert float(size[1]) <= PAPERS["A4"].across - 2 * MEASURES["margin"]
        scales = re.findall(
            r"scale\(([0-9.]+) -", figure.svg
        )  # a thousandth of the letters' points
        assert min(map(float, scales)) >= 0.006
    assert [figure.id for figure in group.views] == ["heat-map", "heat-map-2"]
    last = group.views[-1]
    assert isinstance(last, Figure)
    assert "Encryption at rest: 1 of 2 accounts has a fail" in last.alt  # the last passes


@pytest.mark.parametrize(
    ("stamps", "stated"),
    [
        (["none", "none"], ""),
        (["none", "NOT AWS: made up"], "NOT AWS: made up"),
        (
            [f"NOT AWS: made against http://127.0.0.1:{port}" for port in (5000, 5001)],
            "NOT AWS: made against http://127.0.0.1",
        ),
        (
            ["NOT AWS: made against http://a:1, http://b", "NOT AWS: made against http://a:2"],
            "NOT AWS: made against http://a, http://b",
        ),
        (
            [f"NOT AWS: made against http://{host}:5000" for host in "edcba"],
            "NOT AWS: made against http://a, http://b, http://c and 2 more hosts",
        ),
    ],
)
def test_the_stamp_names_each_host_once(stamps: list[str], stated: str) -> None:
    assert stamp_of(SealedPack(Path(), {"Stamp": stamp}) for stamp in stamps) == stated


def test_a_pack_that_its_manifest_does_not_vouch_for_is_refused(packs: Path) -> None:
    file = next(packs.glob(f"{TWO}/*/pack/data/findings.csv"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"findings.csv: its SHA-256 is .* the manifest states"):
        roll_up(packs)


def test_a_changed_tag_file_is_refused(packs: Path) -> None:
    file = next(packs.glob(f"{TWO}/*/pack/bag-info.txt"))
    file.write_text(file.read_text().replace("NOT AWS: made up", "none"))
    with pytest.raises(UserError, match=r"bag-info.txt: its SHA-256 is"):
        roll_up(packs)


def test_no_packs_are_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no pack lies below it"):
        roll_up(tmp_path)
