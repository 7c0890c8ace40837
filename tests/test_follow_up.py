"""A pack, its workbook filled in, and a second pack a quarter later: answers, ageing, changes."""

from __future__ import annotations

import datetime as dt
import html
import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import openpyxl
import pytest

from kit.collect import collector as engine
from kit.collect.earlier import describe_left_out, read_earlier, refuse_other_origin
from kit.errors import NotAsStatedError, UserError
from kit.judge import needed_calls
from kit.pack.seal import seal
from kit.pack.tabular import read_findings_csv
from kit.parameters import Run, parameters
from kit.redact.labels import open_labels
from kit.sandbox.server import Sandbox
from kit.snapshot import Earlier, Snapshot, read
from kit.verify import verify
from kit.verify.checks import NOT_COMPARED
from tests import sealed
from tests.commands import evidence
from tests.inprocess import without_kernel

CONTROLS = ["EX-01", "EX-04", "EX-07"]
FIRST = dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.UTC)
QUARTER = dt.timedelta(days=92)
GONE = "00000000-0000-0000-0000-000000000000"  # an id of no finding
DEMO = Path(__file__).parent.parent / "parameters" / "demo.yaml"


class Quarters(NamedTuple):
    """The folders of both runs, the workbook that was filled in, and its rows by finding."""

    first: Path
    second: Path
    filled: Path
    answered: dict[str, str]


def collect_at(run: Run, time: dt.datetime) -> Snapshot:
    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> dt.datetime:
            return time

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "dt", SimpleNamespace(datetime=Clock, UTC=dt.UTC))
        return engine.collect(run, needed_calls(run.controls), progress=False)


def fill_in(pack: Path, to: Path) -> dict[str, str]:
    """Answer the two fails, one in time and one too late, and what lacks evidence."""
    book = openpyxl.load_workbook(pack / "data" / "findings.xlsx")
    sheet = book["Findings"]
    columns = {cell.value: cell.column for cell in sheet[2]}
    answered: dict[str, str] = {}

    def write(row: int, **cells: Any) -> None:
        for title, value in cells.items():
            sheet.cell(row, columns[title.replace("_", " ")]).value = value

    for row in range(3, sheet.max_row + 1):
        control, id = (sheet.cell(row, columns[name]).value for name in ("Control", "Finding id"))
        status = sheet.cell(row, columns["Verdict"]).value
        if control == "EX-04" and status == "fail":
            response = "Ask jane.roe@beispielwerke.example to close it"
            write(row, Owner="Jane Roe", Management_response=response, Due=dt.date(2027, 1, 31))
            write(row, Result="=1/0")  # the kit's own column, which the next pack states anew
            answered[id] = "overdue"
        elif control == "EX-07" and status == "fail" and "promised" not in answered.values():
            write(row, Owner="Network", Management_response="Proxy", Due=dt.date(2027, 6, 30))
            answered[id] = "promised"
        elif control == "EX-01" and status == "not evidenced":
            write(row, Owner="Privacy", Management_response="Give the reason")
            answered[id] = "closed"
    row, key = sheet.max_row + 1, sheet.cell(3, columns["Label key"]).value
    named = {"Control": "Jane Roe", "Resource": "jane-roe-laptop", "Finding_id": GONE}
    write(row, **named, Label_key=key, Owner="Ops")
    book.save(to)
    return answered


@pytest.fixture(scope="module")
def quarters(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quarters]:
    folder = tmp_path_factory.mktemp("quarters")
    with pytest.MonkeyPatch.context() as patch, without_kernel():
        for name, value in sandbox.environment("demo").items():
            patch.setenv(name, value)
        own = {
            "pseudonym_key": str(folder / "key"),
            "outputs": str(folder / "outputs"),
            "controls": CONTROLS,
        }
        run = parameters(DEMO).model_copy(update=own)
        first = collect_at(run, FIRST).folder
        seal(first, progress=False)
        filled = folder / "findings.xlsx"
        answered = fill_in(first.parent / "pack", filled)
        later = {
            "declared_reasons": {"EX-01": "Engineers carry drawings to the machines"},
            "follow_up": str(filled),
            "previous": str(folder / "outputs"),
            "prepared_by": "Evidence job 17",
            "reviewed_by": "M. Weber, 2027-02-24",
        }
        second = collect_at(run.model_copy(update=later), FIRST + QUARTER).folder
        seal(second, progress=False)
        yield Quarters(first.parent, second.parent, filled, answered)


def rows_of(folder: Path) -> dict[str, dict[str, str]]:
    records = read_findings_csv((folder / "pack" / "data" / "findings.csv").read_bytes())
    return {record["id"]: record for record in records}


def text_of(folder: Path) -> str:
    """The text of the page of a pack."""
    page = (folder / "pack" / "data" / "evidence.html").read_text()
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", page)).split())


def test_a_finding_keeps_its_id_and_the_time_since_which_it_is_open(quarters: Quarters) -> None:
    before, after = rows_of(quarters.first), rows_of(quarters.second)
    assert before.keys() == after.keys()
    assert {row["since"] for row in before.values()} == {""}
    for id, row in after.items():
        open_now = row["status"] in ("fail", "not evidenced") and row["subject"] != "roll-up"
        assert row["since"] == (FIRST.isoformat() if open_now else ""), (id, row["status"])
    assert [after[id]["status"] for id, state in quarters.answered.items() if state == "closed"]


def test_the_document_has_answers_ageing_changes_and_who_signs(quarters: Quarters) -> None:
    said = text_of(quarters.second)
    fails = sum(row["status"] == "fail" for row in rows_of(quarters.second).values())
    closed = [*quarters.answered.values()].count("closed")
    assert f"Since the pack of 2026-11-24 09:00 UTC: {fails} still open, " in said
    assert f", {closed} closed." in said
    open_now = sum(
        row["status"] in ("fail", "not evidenced") and row["subject"] != "roll-up"
        for row in rows_of(quarters.second).values()
    )
    answers = "1 overdue, 1 not yet due, 0 without a due date"
    counted = f"Follow-up of {open_now} open findings: {answers}, {open_now - 2} without an answer."
    assert said.count(counted) == 2  # in the result, and above the answers
    for words in (
        *("Jane Roe", "2027-01-31", "open, overdue", "Network", "open, not yet due"),
        *("Privacy", "Give the reason", "no longer open"),
        *("Evidence job 17", "2027-02-24", "M. Weber", "_" * 18),
        json.loads((quarters.second / "snapshot" / "snapshot.json").read_text())["follow_up"][
            "sha256"
        ],
    ):
        assert words in said, words
    assert "unsigned; NOT AWS: made against " in said
    assert "jane.roe" not in said
    assert "Jane Roe 1 " not in said
    shown = said.replace(" ", "")  # a page may break a code anywhere
    assert "jane-roe-laptop" not in shown
    assert GONE in shown
    assert "this run has no such finding" in said
    first = text_of(quarters.first)
    assert "This run names no earlier pack" in first
    assert "without an answer" not in first
    assert "Nobody has stated owner, response or due date yet" in first


def test_the_next_workbook_has_what_was_stated(quarters: Quarters) -> None:
    content = (quarters.second / "pack" / "data" / "findings.xlsx").read_bytes()
    sheet = openpyxl.load_workbook(io.BytesIO(content))["Findings"]
    titles = [cell.value for cell in sheet[2]]
    found = {}
    for cells in sheet.iter_rows(min_row=3, values_only=True):
        row = dict(zip(titles, cells, strict=True))
        if row["Owner"]:
            found[row["Finding id"]] = row
    assert found.keys() == quarters.answered.keys()
    late = next(id for id, state in quarters.answered.items() if state == "overdue")
    assert found[late]["Due"] == dt.datetime(2027, 1, 31)
    assert found[late]["Open since, at least"] == FIRST.replace(tzinfo=None)
    assert found[late]["Management response"].startswith("Ask ")
    assert "jane" not in found[late]["Management response"]
    results = {answered: found[id]["Result"] for id, answered in quarters.answered.items()}
    assert results == {
        "overdue": "open, overdue",
        "promised": "open, not yet due",
        "closed": "no longer open",
    }
    first = openpyxl.load_workbook(quarters.first / "pack" / "data" / "findings.xlsx")["Findings"]
    column = [cell.value for cell in first[2]].index("Result") + 1
    assert {first.cell(row, column).value for row in range(3, first.max_row + 1)} == {None}


def test_the_workbook_has_answers_to_findings_that_this_run_has_not(quarters: Quarters) -> None:
    content = (quarters.second / "pack" / "data" / "findings.xlsx").read_bytes()
    sheet = openpyxl.load_workbook(io.BytesIO(content))["Follow-up"]
    titles = [cell.value for cell in sheet[2]]
    rows = [
        dict(zip(titles, row, strict=True)) for row in sheet.iter_rows(min_row=3, values_only=True)
    ]
    (gone,) = (row for row in rows if row["Result"] == "this run has no such finding")
    assert (gone["Resource"], gone["Owner"]) == (GONE, "Ops")


def test_a_siem_reads_when_each_was_first_seen(quarters: Quarters) -> None:
    folder = quarters.second / "pack" / "data"
    events = json.loads((folder / "ocsf-findings.json").read_text())
    lines = (folder / "ocsf-findings.ndjson").read_text().splitlines()
    assert [json.loads(line) for line in lines] == events
    rows = rows_of(quarters.second)
    for event in events:
        seen = event["finding_info"].get("first_seen_time")
        since = rows[event["finding_info"]["uid"]]["since"]
        assert seen == (int(FIRST.timestamp() * 1000) if since else None)


def test_the_pack_verifies_and_its_snapshot_gives_the_same_bytes(
    quarters: Quarters, tmp_path: Path
) -> None:
    # Without the files that the run named: the snapshot holds what it needs of them.
    moved = quarters.filled.rename(tmp_path / "elsewhere.xlsx")
    checks = verify(quarters.second / "pack", None, quarters.second / "snapshot")
    moved.rename(quarters.filled)
    assert [check.line for check in checks if not check.ok or check.open == NOT_COMPARED] == []
    again = {
        check.subject for check in checks if "byte for byte what the snapshot" in check.message
    }
    assert {f"data/evidence.{form}" for form in ("html", "pdf")} < again
    assert {"data/findings.xlsx", "data/ocsf-findings.json"} < again


def test_earlier_verdicts_and_answers_stay_in_the_snapshot(quarters: Quarters) -> None:
    stored = read(quarters.second / "snapshot")
    assert stored.earlier is not None
    (pack,) = stored.earlier.packs
    assert pack["snapshot"] == read(quarters.first / "snapshot").digest
    assert {promise.owner for promise in stored.promises} == {
        "Jane Roe",
        "Network",
        "Privacy",
        "Ops",
    }


def test_a_snapshot_names_the_parameters_file_without_its_folder(quarters: Quarters) -> None:
    assert DEMO.is_absolute()
    stated = read(quarters.first / "snapshot").header["parameter_sources"]
    assert stated["account"].startswith("demo.yaml, line ")
    assert "/" not in "".join(stated.values())


def test_another_label_key_is_refused_before_anything_is_requested(
    quarters: Quarters, sandbox: Sandbox, tmp_path: Path
) -> None:
    for field, value in (
        ("follow_up", quarters.filled),
        ("previous", quarters.first.parent),
    ):
        (tmp_path / "run.yaml").write_text(
            f'account: "210987654321"\nregions: [eu-west-1]\ncontrols: [EX-07]\n{field}: {value}\n'
            f"pseudonym_key: {tmp_path / 'another'}\n"
        )
        done = evidence("run", "run.yaml", cwd=tmp_path, environment=sandbox.environment("demo"))
        assert done.returncode == 2, done.stderr
        *new_key, line = done.stderr.splitlines()
        assert line.startswith(f"evidence: run.yaml, line 4: {field}: ")
        assert "key" in line
        assert "Traceback" not in done.stderr
        assert len(new_key) <= 1
        assert not (tmp_path / "outputs").exists()


def test_mistakes_are_printed_a_line_each(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "answers.csv").write_text("id,label_key,owner,response,due\n")
    run = f'account: "210987654321"\npseudonym_key: {tmp_path / "key"}\nfollow_up: answers.csv\n'
    (tmp_path / "run.yaml").write_text(run)
    environment = sandbox.environment("demo")
    key = open_labels(Run(account="210987654321", pseudonym_key=str(tmp_path / "key"))).fingerprint
    rows = f"id,label_key,owner,response,due\n1,{key},Ops,,soon\n"
    (tmp_path / "answers.csv").write_text(rows)
    done = evidence("run", "run.yaml", cwd=tmp_path, environment=environment)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "evidence: follow_up: answers.csv, row 2, Finding id: '1'; accepted: the finding's id, as in "
        "an earlier pack",
        "evidence: follow_up: answers.csv, row 2, Due: 'soon'; accepted: a day from 2000 to 2099, such "
        "as 2027-03-31",
    ]


def test_a_pack_of_aws_is_refused_in_a_sandbox(sandbox: Sandbox, tmp_path: Path) -> None:
    run = f'account: "210987654321"\npseudonym_key: {tmp_path / "key"}\nregions: [eu-west-1]\n'
    (tmp_path / "run.yaml").write_text(f"{run}controls: [EX-07]\nprevious: earlier\n")
    key = open_labels(Run(account="210987654321", pseudonym_key=str(tmp_path / "key"))).fingerprint
    rows = [sealed.row("EX-07", "fleet-a", "fail")]
    stated = {"Stamp": "none", "Pseudonym-Key": key}
    sealed.seal(tmp_path / "earlier", "210987654321", rows, **stated)
    environment = sandbox.environment("demo")
    done = evidence("run", "run.yaml", cwd=tmp_path, environment=environment)
    assert done.returncode == 2, done.stderr
    assert (
        "evidence: previous: the pack of 2026-08-01T09:00:00+00:00 is stamped 'none'" in done.stderr
    )
    assert "Traceback" not in done.stderr
    assert not [*tmp_path.glob("outputs/**/snapshot.json")]


# --- earlier packs that cannot serve ------------------------------------------------------------

KEY = "0123456789abcdef"
ACCOUNT = "111111111111"
LATER = sealed.AS_OF + dt.timedelta(days=90)


def earlier(folder: Path, key: str = KEY, account: str = ACCOUNT) -> Any:
    return read_earlier(Run(account=account, previous=str(folder)), key, LATER)


def test_the_break_of_an_open_point_counts(tmp_path: Path) -> None:
    for days, status in enumerate(("fail", "pass", "fail", "fail")):
        rows = [sealed.row("AR-05", "b", status), sealed.row("GV-01", "a", "pass")]
        sealed.seal(tmp_path, ACCOUNT, rows, days)
    sealed.seal(tmp_path, ACCOUNT, [sealed.row("AR-05", "b", "pass")], 91)  # after this run
    read = earlier(tmp_path)
    third = (sealed.AS_OF + dt.timedelta(days=2)).isoformat()
    assert read["places"] == [
        ["AR-05", "eu-central-1", "b", "", "fail", third],
        ["GV-01", "eu-central-1", "a", "", "pass", ""],
    ]
    assert len(read["packs"]) == 4
    assert {(pack["signature"], pack["stamp"]) for pack in read["packs"]} == {
        ("unsigned", "NOT AWS: made up")
    }
    assert read_earlier(Run(account=ACCOUNT), KEY, LATER) is None


@pytest.mark.parametrize(
    ("change", "error", "reported"),
    [
        ({"key": "ffff"}, UserError, "has labels of the key 0123456789abcdef, this run of ffff"),
        ({"account": "222222222222"}, UserError, f"is of account {ACCOUNT}; name a pack of 2222"),
    ],
)
def test_another_account_or_key_is_refused(
    tmp_path: Path, change: dict[str, str], error: type[UserError], reported: str
) -> None:
    sealed.seal(tmp_path, ACCOUNT, [sealed.row("AR-05", "b", "fail")])
    with pytest.raises(error, match=f"previous: .*{reported}"):
        earlier(tmp_path / ACCOUNT, **change)


def test_packs_of_another_key_are_left_out_and_stated(tmp_path: Path) -> None:
    rows = [sealed.row("AR-05", "b", "fail")]
    other = sealed.seal(tmp_path, ACCOUNT, rows, **{"Pseudonym-Key": "ffff"})
    sealed.seal(tmp_path, ACCOUNT, rows, 1)
    sealed.seal(tmp_path, ACCOUNT, [], 2, **{"Pseudonym-Key": "ffff"})
    read = earlier(tmp_path)
    times = [(sealed.AS_OF + dt.timedelta(days=days)).isoformat() for days in range(3)]
    assert [pack["as_of"] for pack in read["packs"]] == [times[1]]
    assert read["places"] == [["AR-05", "eu-central-1", "b", "", "fail", times[1]]]
    assert read["left_out"] == [{"as_of": t, "label_key": "ffff"} for t in (times[0], times[2])]
    stated = Earlier((), {}, tuple(read["left_out"]))
    assert describe_left_out(stated, KEY) == (
        f"not compared, since their labels were made with another key than {KEY}: {times[0]} (key "
        f"ffff), {times[2]} (key ffff)"
    )
    assert describe_left_out(Earlier((), {}), KEY) == describe_left_out(None, KEY) == ""
    with pytest.raises(
        UserError, match=f"labels of the key ffff, this run of {KEY}; run with the key"
    ):
        earlier(other)


def test_a_run_states_which_packs_it_left_out(sandbox: Sandbox, tmp_path: Path) -> None:
    run = f'account: "210987654321"\npseudonym_key: {tmp_path / "key"}\nregions: [eu-west-1]\n'
    (tmp_path / "run.yaml").write_text(f"{run}controls: [EX-07]\nprevious: earlier\n")
    key = open_labels(Run(account="210987654321", pseudonym_key=str(tmp_path / "key"))).fingerprint
    rows = [sealed.row("EX-07", "fleet-a", "fail")]
    for days, label_key in enumerate(("ffff", key)):
        stated = {"Stamp": "NOT AWS: made up", "Pseudonym-Key": label_key}
        sealed.seal(tmp_path / "earlier", "210987654321", rows, days, **stated)
    environment = sandbox.environment("demo")
    with without_kernel():
        done = evidence("run", "run.yaml", "--quiet", cwd=tmp_path, environment=environment)
    assert (
        f"previous: not compared, since their labels were made with another key than {key}: "
        in (done.stderr)
    )
    (page,) = tmp_path.glob("outputs/*/*/pack/data/evidence.html")
    assert (
        f"was not compared: its labels were made with the key ffff, those of this run with {key}."
        in " ".join(page.read_text().split())
    )
    (stored,) = tmp_path.glob("outputs/*/*/snapshot")
    assert len((read(stored).earlier or Earlier((), {})).left_out) == 1


def test_packs_of_a_sandbox_and_of_aws_do_not_mix(tmp_path: Path) -> None:
    rows = [sealed.row("AR-05", "b", "fail")]
    sealed.seal(tmp_path / "sandbox", ACCOUNT, rows)
    sealed.seal(tmp_path / "aws", ACCOUNT, rows, Stamp="none")
    made_up, of_aws = earlier(tmp_path / "sandbox"), earlier(tmp_path / "aws")
    for packs, stamp in (
        (made_up, "NOT AWS: made against http://b:1"),
        (of_aws, None),
        (None, None),
    ):
        refuse_other_origin(packs, stamp)
    with pytest.raises(
        UserError, match=r"previous: .*2026-08-01.* is stamped 'NOT AWS: made up', this run 'none'"
    ):
        refuse_other_origin(made_up, None)
    with pytest.raises(UserError, match=r"is stamped 'none', this run 'NOT AWS: made against"):
        refuse_other_origin(of_aws, "NOT AWS: made against http://127.0.0.1:1")


def test_folders_without_an_earlier_pack_and_changed_packs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"previous: .*does not exist; name"):
        earlier(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"previous: .*no pack lies below it"):
        earlier(tmp_path)
    pack = sealed.seal(tmp_path, ACCOUNT, [sealed.row("AR-05", "b", "fail")], 91)
    with pytest.raises(UserError, match="holds no pack from before this run"):
        earlier(tmp_path)
    shutil.rmtree(pack)
    pack = sealed.seal(tmp_path, ACCOUNT, [sealed.row("AR-05", "b", "fail")])
    findings = pack / "data" / "findings.csv"
    findings.write_bytes(findings.read_bytes().replace(b"fail", b"pass"))
    with pytest.raises(NotAsStatedError, match=r"previous: .*its SHA-256 is"):
        earlier(tmp_path)
