"""Where an organisation stands, added up from packs."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.errors import UserError
from kit.overviews import organisation_views as show
from kit.overviews.heat import ROWS, heat_map
from kit.overviews.organisation import roll_up
from kit.report.views import Table
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
    assert [line[0] for line in table.rows] == [
        [ONE, f"../../../{ONE}/2026-10-30T090000Z/pack/data/evidence.html"],
        [TWO, f"../../../{TWO}/2026-08-31T090000Z/pack/data/evidence.html"],
    ]
    assert [line[-1] for line in table.rows] == [0, 60]


def test_the_picture_says_whom_it_leaves_out(tmp_path: Path) -> None:
    for n in range(ROWS + 2):
        seal(tmp_path, f"{n:012d}", [row("AR-05", "bucket-a", "fail" if n else "pass")])
    figure = heat_map(roll_up(tmp_path))
    assert "The table below has the 2 accounts with fewer open findings" in figure.caption
    assert f"Encryption at rest: {ROWS + 1} of {ROWS + 2} accounts have a fail" in figure.alt


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
