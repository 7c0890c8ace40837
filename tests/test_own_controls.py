"""Controls of an organisation's own: a package made of the page's files, installed and sealed with."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openpyxl
import pytest
import yaml
from click.testing import CliRunner

from kit import evaluate, tabulate
from kit.cli import main
from kit.controls import CONTROLS, ROLL_UPS
from kit.errors import CannotRunError, UserError
from kit.judge import calls_of
from kit.own import ID, calls_of_own, describe_own, judge_own, read_sources, write
from kit.own.source import read_source
from kit.pack.own_controls import FILES, judged_by_own, parse_own_controls
from kit.pack.seal import seal
from kit.parameters import parameters
from kit.snapshot import Snapshot, read
from kit.verify import again, verify
from kit.verify.again import check_against
from kit.verify.bag import read_info
from kit.verify.checks import NOT_COMPARED, Check
from kit.verify.contents import open_contents
from kit.verify.kinds import PDF
from kit.verify.own import check_own_again
from tests.inprocess import forked, without_kernel
from tests.pack.forging import reseal
from tests.pack.samples import record
from tests.standins import Account

ROOT = Path(__file__).parent.parent
PAGE = "docs/own-cells-and-controls.md"
_FILE = re.compile(r"`([\w/.]+)` (?:names|has|maps)[^\n]*:\n\n```\w+\n(.*?)```", re.DOTALL)
SET = re.compile(r"acme-controls 1\.2\.0 sha256:[0-9a-f]{64}")
CONTROL = "OWN-ACME-01"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the page's package."""
    folder = tmp_path_factory.mktemp("acme")
    text = (ROOT / PAGE).read_text()
    for name, content in _FILE.findall(text):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


@pytest.fixture(scope="module")
def site(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the package is installed, without a registry."""
    target = tmp_path_factory.mktemp("site")
    options = ("--no-deps", "--no-index", "--no-build-isolation", "--quiet", "--target", target)
    subprocess.run([sys.executable, "-m", "pip", "install", *options, source], check=True)
    return target


@pytest.fixture(scope="module")
def installed(site: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        paths = [str(site), str(ROOT), os.environ.get("PYTHONPATH", "")]
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
        patch.syspath_prepend(str(site))
        yield


def account(folder: Path, own: list[str]) -> Snapshot:
    """An account that three controls of the kit judge beside its own."""
    made = Account(folder, own_controls=own, controls=["EX-01", "EX-04", "GV-01"])
    return made.fleet("stops").fleet("runs", FleetType="ALWAYS_ON").snapshot()


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    (stated,) = (
        block
        for block in re.findall(r"```yaml\n(.*?)```", (ROOT / PAGE).read_text(), re.DOTALL)
        if block.startswith("own_controls")
    )
    return account(tmp_path_factory.mktemp("account"), yaml.safe_load(stated)["own_controls"])


@pytest.fixture(scope="module")
def pack(installed: None, snapshot: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("sealed") / "pack"
    with without_kernel():  # which would load none of them, as the tests show of this process
        return seal(snapshot.folder, to, progress=False).folder


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let forks of this process judge and write, without imports of their own."""
    given = SimpleNamespace(**vars(subprocess) | {"run": forked})
    monkeypatch.setattr("kit.own.subprocess", given)


@pytest.fixture
def set_before(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the pack's own PDF for what Typst would give again; `test_verify_again` shows that it is."""
    made = (pack / PDF).read_bytes()
    monkeypatch.setattr(again, "pdf", lambda *_, **__: made)


@pytest.fixture
def copy(pack: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pack, tmp_path / "pack"))


def marks(path: Path) -> str:
    """Return a statement of Python that leaves a file where it is executed."""
    return f"__import__('pathlib').Path({str(path)!r}).touch()"


# --- every form of the pack -------------------------------------------------------------------


def test_the_kits_own_verdicts_are_those_without_own_controls(pack: Path, tmp_path: Path) -> None:
    plain = evaluate(tabulate(account(tmp_path / "plain", [])))
    # Without labels, which another key makes.
    expected = [(one.control, one.region, one.status) for one in (*plain.leaves, *plain.roll_ups)]
    with (pack / "data" / "findings.csv").open(newline="") as file:
        rows = [*csv.DictReader(file)]
    made = [(row["control"], row["region"], row["status"]) for row in rows]
    assert sorted(made) == sorted(expected)
    catalog = json.loads((pack / "data" / "oscal-catalog.json").read_text())["catalog"]
    judged = [control["id"] for group in catalog["groups"] for control in group["controls"]]
    assert sorted(judged) == sorted([*CONTROLS, *ROLL_UPS])
    for path in (pack / "data").glob("*.json"):
        assert CONTROL not in path.read_text(), path.name
    assert "acme_controls" not in sys.modules


def test_page_cover_and_bag_info_name_and_mark_them(pack: Path) -> None:
    page = (pack / "data" / "evidence.html").read_text()
    kits, own = page.split('<section class="own"')
    assert CONTROL in own
    assert f'<span class="id">{CONTROL}' not in kits
    assert "fail" in own
    assert 'class="page-mark">With the organisation&#39;s own controls<' in kits
    assert SET.search(kits)
    assert SET.search((pack / "bag-info.txt").read_text())
    assert "data/own/findings.csv" in (pack / "README.txt").read_text()


def test_the_pdf_marks_each_page_of_them(pack: Path) -> None:
    command = ("pdftotext", "-layout", pack / "data" / "evidence.pdf", "-")
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (shown,) = (page for page in text.split("\f") if CONTROL in page and "ALWAYS_ON" in page)
    assert "Not the kit's own" in shown
    assert SET.search(text.replace("\n", " ")) or "acme-controls 1.2.0" in text


def test_csv_workbook_ocsf_and_oscal_have_their_findings_apart(pack: Path) -> None:
    own = pack / "data" / "own"
    assert {path.name for path in own.iterdir()} == {*FILES}
    with (own / "findings.csv").open(newline="") as file:
        rows = [*csv.DictReader(file)]
    assert {row["control"] for row in rows} == {CONTROL}
    whose = "Organisation's own controls: acme-controls 1.2.0"
    assert {row["own_controls"] for row in rows} == {whose}
    assert sorted(row["status"] for row in rows) == ["fail", "pass"]
    sheets = openpyxl.load_workbook(own / "findings.xlsx")
    assert (sheets.properties.creator, sheets.properties.title) == (whose, whose)
    cells = [str(cell.value) for sheet in sheets for row in sheet.rows for cell in row]
    assert CONTROL in cells
    assert "With the organisation's own controls" in " ".join(cells)
    events = json.loads((own / "ocsf-findings.json").read_text())
    assert [event["metadata"]["product"]["name"] for event in events] == ["acme-controls 1.2.0"] * 2
    results = json.loads((own / "oscal-assessment-results.json").read_text())
    stated = results["assessment-results"]["metadata"]
    assert stated["title"] == "Organisation's own controls: acme-controls 1.2.0"
    for name in ("assessment-plan", "profile"):
        (document,) = json.loads((own / f"oscal-{name}.json").read_text()).values()
        assert document["metadata"]["title"].startswith(whose)
        marking = [p["value"] for p in document["metadata"]["props"] if p["name"] == "marking"]
        assert marking == ["With the organisation's own controls"]
    catalog = json.loads((own / "oscal-catalog.json").read_text())["catalog"]
    (group,) = catalog["groups"]
    assert [control["id"] for control in group["controls"]] == [CONTROL]
    assert catalog["metadata"]["title"] == "Organisation's own controls"


def test_names_are_labels_in_them(pack: Path) -> None:
    for path in (pack / "data" / "own").iterdir():
        if path.suffix != ".xlsx":
            assert "fleet/runs" not in path.read_text()


def test_the_command_lists_them_with_their_set(installed: None) -> None:
    done = CliRunner().invoke(main, ["controls", "--own", "acme"])
    assert done.exit_code == 0, done.output
    assert CONTROL in done.output
    assert SET.search(done.output)
    (described,) = describe_own(["acme"])
    assert described["gdpr"] == {"25(2)": "instances run only while somebody works on them"}


@pytest.mark.usefixtures("forks")
def test_a_run_makes_the_calls_that_they_read(installed: None, snapshot: Snapshot) -> None:
    run = snapshot.run.model_copy(update={"controls": ["GV-01"]})
    assert calls_of_own(["acme"]) <= calls_of(run)
    assert {call.name for call in calls_of_own(["acme"])} >= {"appstream.DescribeFleets"}


# --- verify -----------------------------------------------------------------------------------


def own_checks(checks: list[Check]) -> list[Check]:
    return [check for check in checks if check.subject.startswith("own controls")]


def judged_again(pack: Path, snapshot: Snapshot) -> list[Check]:
    """The end of a verification for which the reader chose own controls, without all before it."""
    with open_contents(pack) as contents:
        return [*check_own_again(contents, read_info(contents), snapshot, sound=True)]


@pytest.mark.usefixtures("forks", "set_before")
def test_verify_loads_none_and_judges_again_where_the_reader_chose(
    pack: Path, snapshot: Snapshot, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for checks in (verify(pack), verify(pack, against=snapshot.folder)):
        assert all(check.ok for check in checks), [c.line for c in checks if not c.ok]
        (check,) = own_checks(checks)
        assert check.open == NOT_COMPARED
        assert SET.search(check.subject)
    checks = verify(pack, against=snapshot.folder, own_controls=True)
    (check,) = own_checks(checks)
    assert (check.ok, check.open) == (True, "")
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(site)])
    (check,) = judged_again(pack, snapshot)
    assert check.open == NOT_COMPARED


def test_another_source_of_the_same_version_is_not_compared(
    pack: Path, snapshot: Snapshot, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = Path(shutil.copytree(site, tmp_path / "site"))
    module = changed / "acme_controls" / "__init__.py"
    module.write_text(f"{module.read_text()}\n{marks(tmp_path / 'ran')}\n")
    monkeypatch.syspath_prepend(str(changed))
    (check,) = judged_again(pack, snapshot)
    assert check.open == NOT_COMPARED
    assert "here are others" in check.message
    assert not (tmp_path / "ran").exists()


def test_none_judges_again_where_another_check_fails(
    copy: Path, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.verify.own.read_sources", pytest.fail)
    path = copy / "data" / "findings.csv"
    path.write_text(path.read_text().replace("012345678901", "112345678901"))
    reseal(copy)
    (check,) = own_checks(verify(copy, against=snapshot.folder, own_controls=True))
    assert check.open == NOT_COMPARED


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("data/own/controls.json", CONTROL, "EX-01"),
        ("data/own/controls.json", '"version": "1.2.0"', '"version": "1.2.1"'),
        ("data/evidence.html", f'<span class="id">{CONTROL}', '<span class="id">EX-01'),
        ("data/evidence.html", '<p class="own-mark">Not', '<p class="own-mark">All'),
        ("bag-info.txt", "acme-controls 1.2.0", "acme-controls 1.2.1"),
        ("data/own/findings.csv", ",fail,", ",pass,"),
        ("data/own/controls.json", '"name": "acme-controls"', '"name": 7'),
        ("data/own/controls.json", '"counts": {', '"counts": 7, "more": {'),
        ("data/evidence.html", '<html lang="en-GB"', '<html lang="de"'),
    ],
)
def test_forged_own_controls_are_reported(copy: Path, name: str, old: str, new: str) -> None:
    path = copy / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    reseal(copy)
    assert not all(check.ok for check in verify(copy))


def test_a_pack_without_the_own_controls_of_its_run_is_reported(
    copy: Path, snapshot: Snapshot
) -> None:
    info = copy / "bag-info.txt"
    lines = info.read_text().splitlines(keepends=True)
    info.write_text("".join(line for line in lines if not line.startswith("Own-Controls")))
    with open_contents(copy) as opened:
        stated = read_info(opened)
        subjects = [
            check.message
            for check in check_against(opened, stated, snapshot)
            if not check.ok and check.subject == "bag-info.txt"
        ]
    assert any("Own-Controls of acme" in message for message in subjects)


@pytest.mark.usefixtures("forks", "set_before")
def test_an_observation_that_was_changed_is_reported_where_they_judge_again(
    copy: Path, snapshot: Snapshot
) -> None:
    path = copy / "data" / "own" / "findings.csv"
    path.write_text(path.read_text().replace("ALWAYS_ON", "ON_DEMAND"))
    assert "data/own/findings.csv" in {
        check.subject for check in judged_again(copy, snapshot) if not check.ok
    }


# --- folders, and what is refused ---------------------------------------------------------------


def changed(source: Path, to: Path, name: str, old: str, new: str) -> str:
    folder = Path(shutil.copytree(source / "acme_controls", to / "acme"))
    path = folder / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    return str(folder)


@pytest.mark.usefixtures("forks")
def test_a_folder_does_as_well(source: Path) -> None:
    (described,) = describe_own([str(source / "acme_controls")])
    assert described["id"] == CONTROL
    assert described["own"].startswith("acme_controls folder sha256:")


@pytest.mark.usefixtures("forks")
def test_their_blocks_have_every_framework_that_they_map_to(
    source: Path, snapshot: Snapshot, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(source / "acme_controls", tmp_path / "acme"))
    mapping = {"requirements": {"8.9": {"tests": {CONTROL: "the type of a fleet is a setting"}}}}
    rules = {"name": "Acme rules", "title": "Rules of Acme", "address": "https://acme.example"}
    one = {"requirements": {"R1": {"title": "Idle fleets stop", "tests": [CONTROL]}}}
    (folder / "frameworks" / "iso27001.yaml").write_text(yaml.safe_dump(mapping))
    (folder / "frameworks" / "acme.yaml").write_text(yaml.safe_dump(rules | one))
    judge_own(snapshot.folder, read_sources([str(folder)]), tmp_path)
    (block,) = json.loads((tmp_path / "controls.json").read_text())["controls"]["blocks"]
    assert {own["framework"]: own["cited"] for own in block["requirements"]} == {
        "ISO 27001": ["8.9 Configuration management: the type of a fleet is a setting"],
        "Acme rules": ["R1 Idle fleets stop"],
    }


@pytest.mark.usefixtures("forks")
@pytest.mark.parametrize(
    ("name", "old", "new", "why"),
    [
        ("__init__.py", CONTROL, "EX-99", "begin it with OWN-"),
        ("__init__.py", CONTROL, "EX-01", "is declared twice"),
        ("__init__.py", 'table="fleets"', 'table="fleet"', "did you mean 'fleets'"),
        ("texts.yaml", "    title:", "    titel:", "title is missing"),
        ("texts.yaml", CONTROL, "OWN-OTHER", "is not a control of"),
        ("frameworks/gdpr.yaml", "25(2)", "25(9)", "no such requirement"),
        ("frameworks/gdpr.yaml", CONTROL, "EX-01", "is not a control of"),
        ("texts.yaml", "nobody uses", "password=hunter2secret9", "holds a secret (password-a"),
        (
            "frameworks/gdpr.yaml",
            "tests:",
            "title: password=hunter2secret9\n    tests:",
            "holds a s",
        ),
    ],
)
def test_what_is_wrong_is_reported_in_a_line(
    source: Path, tmp_path: Path, name: str, old: str, new: str, why: str
) -> None:
    with pytest.raises(UserError, match=re.escape(why)) as refused:
        describe_own([changed(source, tmp_path, name, old, new)])
    assert "\n" not in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_rule_that_fails_or_connects_ends_the_sealing(source: Path, tmp_path: Path) -> None:
    rule = 'return __import__("socket").create_connection(("127.0.0.1", 9))'
    folder = changed(source, tmp_path, "__init__.py", 'return fleet_type != "ALWAYS_ON"', rule)
    stored = account(tmp_path / "account", [folder])
    with pytest.raises(UserError, match="own cells have no network"):
        judged_by_own(stored)


def test_an_unknown_name_is_refused(installed: None) -> None:
    with pytest.raises(UserError, match=r"'acmee' is not an installed package.*acme"):
        describe_own(["acmee"])


def test_the_kits_ids_are_of_another_form() -> None:
    assert not any(map(ID.fullmatch, [*CONTROLS, *ROLL_UPS]))
    assert parameters({"account": "012345678901", "own_controls": ["acme"]}).own_controls


@pytest.mark.parametrize("result", [{}, {"sets": [], "controls": {"kind": "controls"}}, []])
def test_own_controls_in_another_form_are_refused(result: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_own_controls({name: json.dumps(result).encode() for name in FILES})


def test_the_option_needs_a_snapshot(pack: Path) -> None:
    assert CliRunner().invoke(main, ["verify", str(pack), "--own-controls"]).exit_code == 2


# --- what own code can reach ---------------------------------------------------------------------


def test_no_module_of_the_working_directory_is_loaded(
    installed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    (here / "acme_controls").mkdir(parents=True)
    (here / "acme").mkdir()
    for name in ("yaml.py", "kit.py", "acme_controls/__init__.py", "acme/__init__.py"):
        (here / name).write_text(marks(tmp_path / "ran"))
    monkeypatch.chdir(here)
    monkeypatch.syspath_prepend("")
    monkeypatch.setenv("PYTHONPATH", f"{os.pathsep}{os.environ['PYTHONPATH']}")
    (described,) = describe_own(["acme"])
    assert SET.fullmatch(described["own"])
    assert not (tmp_path / "ran").exists()


@pytest.mark.usefixtures("notebook_here")
def test_the_kits_verdicts_come_first_and_a_snapshots_folder_is_not_loaded(
    source: Path, tmp_path: Path
) -> None:
    attack = """
import json, pathlib, sys
print("{")
given = json.loads(pathlib.Path(sys.argv[1]).read_text())
for path in pathlib.Path(given["snapshot"]).iterdir() if "snapshot" in given else ():
    path.write_text(path.read_text() + " ")
"""
    folder = changed(source, tmp_path, "__init__.py", "\n\n\n@control", f"{attack}\n\n\n@control")
    stored = account(tmp_path / "account", [folder])
    with pytest.raises(UserError, match="was changed after it was written"):
        seal(stored.folder, tmp_path / "pack", progress=False)
    assert not (tmp_path / "pack").exists()
    assert read(stored.folder).digest == stored.digest
    with pytest.raises(UserError, match="is a folder, and a snapshot names it"):
        read_source(folder, installed=True)


LIE = """
import sys

main = sys.modules["__main__"]
kits = getattr(main, "record_of", None)
main.record_of = lambda finding: kits(finding) | {changes}
"""


@pytest.mark.usefixtures("forks")
def test_what_own_code_returns_is_checked_and_redacted(
    source: Path, snapshot: Snapshot, tmp_path: Path
) -> None:
    def lying(to: str, changes: dict[str, str]) -> Path:
        (tmp_path / to).mkdir()
        lie = LIE.replace("{changes}", repr(changes))
        return Path(changed(source, tmp_path / to, "__init__.py", "\n\n\n@", f"{lie}\n\n\n@"))

    folder = lying("refused", {"control": "EX-01"})
    with pytest.raises(UserError, match="has another form"):
        judge_own(snapshot.folder, read_sources([str(folder)]), tmp_path)
    folder = lying("redacted", {"observed": "of anna.muster@example.org"})
    texts = folder / "texts.yaml"
    texts.write_text(texts.read_text().replace("nobody uses", "anna.muster@example.org uses"))
    made = tmp_path / "made"
    made.mkdir()
    sources = read_sources([str(folder)])
    judge_own(snapshot.folder, sources, made)
    assert {path.name for path in made.iterdir()} == {*FILES}
    for path in made.glob("*.[cj]s*"):
        assert "anna.muster" not in path.read_text(), path.name
    read_back = parse_own_controls({name: (made / name).read_bytes() for name in FILES})
    assert read_back.sets == [source.own for source in sources]


@pytest.mark.parametrize(
    "changes",
    [
        *({"status": "perfect"}, {"account": "1"}, {"severity": "grave"}, {"control": "EX-99"}),
        *({"observed": 7}, {"observed": "x" * (1 << 20) + "x"}, {"more": ""}),
    ],
)
def test_a_finding_in_another_form_is_refused(snapshot: Snapshot, changes: dict[str, Any]) -> None:
    finding = record("EX-01", "fail", account=snapshot.account)
    assert write._checked(finding, snapshot, str) == finding
    with pytest.raises(ValueError, match="finding"):
        write._checked(finding | changes, snapshot, str)


@pytest.mark.parametrize("result", [7, [7], [{}], [{"id": "EX-01", "title": "", "expected": []}]])
def test_declarations_in_another_form_are_refused(
    source: Path, result: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.own._run", lambda *_: result)
    folder = str(source / "acme_controls")
    with pytest.raises(UserError, match="returned no declarations"):
        describe_own([folder])
    monkeypatch.setattr("kit.own._run", lambda *_: [result])
    with pytest.raises(UserError, match="returned no names"):
        calls_of_own([folder])


@pytest.mark.usefixtures("forks", "notebook_here")
def test_a_snapshot_that_own_code_changes_gives_no_pack(source: Path, tmp_path: Path) -> None:
    header = tmp_path / "account" / "snapshot" / "snapshot.json"
    rule = 'return fleet_type != "ALWAYS_ON"'
    added = f"""path = __import__("pathlib").Path({str(header)!r})
    path.write_text(path.read_text().replace('"EX-04"', '"EX-05"'))
    {rule}"""
    folder = changed(source, tmp_path, "__init__.py", rule, added)
    stored = account(tmp_path / "account", [folder])
    assert stored.folder / "snapshot.json" == header
    before = header.read_text()
    with pytest.raises(CannotRunError, match="was changed while the kit sealed it"):
        seal(stored.folder, tmp_path / "pack", progress=False)
    assert header.read_text() != before
    assert not (tmp_path / "pack").exists()


def test_the_digest_is_of_every_file_that_can_be_executed(source: Path, tmp_path: Path) -> None:
    folder = Path(changed(source, tmp_path, "__init__.py", CONTROL, CONTROL))
    digests = {read_source(str(folder)).own.sha256}
    for name in (".hidden.py", "__pycache__/module.py", "data.bin", "below/.more/words.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("changed")
        digests.add(read_source(str(folder)).own.sha256)
    assert len(digests) == 5
    (folder / "__pycache__" / "__init__.cpython-311.pyc").write_bytes(b"of the interpreter")
    made = read_source(str(folder))
    assert made.own.sha256 in digests
    assert not any(name.endswith(".pyc") for name in made.files)
    (folder / "module.pyc").write_bytes(b"without source")
    with pytest.raises(UserError, match="has no source"):
        read_source(str(folder))


@pytest.mark.parametrize(
    "name",
    ["appstream-evidence-kit", "AppStream_Evidence_Kit", "appstreem-evidence-kit", "\u0430cme"],
)
def test_a_name_that_resembles_the_kits_or_is_not_ascii_is_refused(
    source: Path, tmp_path: Path, name: str
) -> None:
    folder = Path(shutil.copytree(source / "acme_controls", tmp_path / name))
    with pytest.raises(UserError, match=r"the kit's name|not a name"):
        read_source(str(folder))
