"""All doors lead to the same findings: command, papermill, stored snapshot, JupyterLab."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir
from pathlib import Path
from typing import Any
from unittest.mock import patch

import bagit
import boto3
import nbformat
import pyarrow.parquet as pq
import pytest
import yaml
from papermill import PapermillExecutionError, execute_notebook
from papermill.cli import papermill as papermill_command

from kit import evaluate, tabulate
from kit.judge.findings import Finding
from kit.pack.document import document, findings_data
from kit.sandbox.server import Sandbox
from kit.snapshot import read
from kit.verify import again
from kit.verify.kinds import PDF
from tests import listening
from tests.commands import evidence
from tests.pack.schemas import errors, ocsf_schema, oscal_schema
from tests.pages import commands

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
DEMO = ROOT / "parameters" / "demo.yaml"
ACCOUNT = "210987654321"
PAGE = "docs/doors.md"
# Of every status, with what the notebook shows of them.
FEW = ["AR-01", "AR-03", "AR-05", "EX-04", "GV-01", "ID-02", "LG-01", "MD-03"]


@pytest.fixture(scope="module")
def environment(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a shell has that talks to the sandbox; the pseudonym key lies in a folder of its own."""
    home = tmp_path_factory.mktemp("home")
    names = ("PATH", "LANG", "PYTHONPATH", "JUPYTER_PATH")
    return {
        **{name: os.environ[name] for name in names if name in os.environ},
        **listening.startup(tmp_path_factory.mktemp("doors")),
        **sandbox.environment("demo"),
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "JUPYTER_PLATFORM_DIRS": "1",
    }


def checkout(folder: Path) -> Path:
    """Lay a folder out as a checkout in which the page's commands run, on a few controls."""
    folder.mkdir(exist_ok=True)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "notebooks").symlink_to(ROOT / "notebooks")
    (folder / "parameters").mkdir()
    mine = f"{DEMO.read_text()}\ncontrols: [{', '.join(FEW)}]\n"
    (folder / "parameters" / "my-account.yaml").write_text(mine)
    return folder


def call(
    arguments: list[str | Path], cwd: Path, environment: dict[str, str], umask: int = -1
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(argument) for argument in arguments],
        cwd=cwd,
        env=environment,
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def packed(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """The run's folder and what the command said."""
    cwd = tmp_path_factory.mktemp("run")
    done = call([BIN / "evidence", "run", DEMO], cwd, environment)
    assert done.returncode == 3, done.stderr
    (folder,) = (cwd / "outputs" / ACCOUNT).iterdir()
    return folder, done.stdout


@pytest.mark.usefixtures("packed", "by_papermill")
def test_other_users_reach_no_kernel(environment: dict[str, str]) -> None:
    made = listening.kernels(environment)
    assert len(made) >= 2
    assert [kernel for kernel in made if not listening.is_private(kernel)] == []


@pytest.mark.usefixtures("packed", "by_papermill")
def test_the_kernel_of_a_pack_runs_no_file_of_the_user(environment: dict[str, str]) -> None:
    made = [kernel["ran"] for kernel in listening.kernels(environment)]
    assert [] in made  # that of `evidence run`
    assert [ran for ran in made if ran not in ([], listening.OF_THE_USER)] == []
    assert listening.OF_THE_USER in made  # that of papermill


def test_papermill_collects_in_no_kernel_that_others_can_read(
    environment: dict[str, str], tmp_path: Path
) -> None:
    notebook = ROOT / "notebooks" / "evidence_pack.ipynb"
    with (
        patch.dict(os.environ, environment),
        pytest.raises(PapermillExecutionError, match="papermill: -k appstream-evidence"),
    ):
        execute_notebook(
            notebook,
            tmp_path / "out.ipynb",
            yaml.safe_load(DEMO.read_text()),
            kernel_name="python3",
            cwd=tmp_path,
            progress_bar=False,
        )
    assert not (tmp_path / "outputs").exists()


def test_a_sandbox_that_refuses_a_call_makes_the_doctor_name_it(
    environment: dict[str, str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)  # the tests' process keeps its handlers
    (command,) = commands(PAGE, ".venv/bin/evidence sandbox ")
    arguments = shlex.split(command)[1:]
    done = evidence(*arguments, cwd=checkout(tmp_path), environment=environment)
    printed, _ = capfd.readouterr()
    assert done.returncode == 4, done.stderr
    assert "appstream:DescribeFleets" in printed


def test_papermill_ends_a_mistake_with_the_line_of_it(
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    notebook = str(ROOT / "notebooks" / "evidence_pack.ipynb")
    given = [notebook, str(tmp_path / "out.ipynb"), "-r", "account", "12", "--cwd", str(tmp_path)]
    ended = executes(given, tmp_path, environment)
    assert isinstance(ended, PapermillExecutionError)
    capsys.readouterr()
    sys.excepthook(type(ended), ended, ended.__traceback__)  # as Python does at the command's end
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("evidence: UserError: papermill (account): ")


def executes(given: list[str], cwd: Path, environment: dict[str, str]) -> BaseException | None:
    """Do what the command ``papermill`` does, in this process; return what it ends with."""
    # This thread may have the event loop of another test's browser.
    with chdir(cwd), patch.dict(os.environ, environment), ThreadPoolExecutor(1) as thread:
        return thread.submit(papermill_command.main, given).exception()


def _digest(said: str) -> str:
    found = re.search(r"findings digest: ([0-9a-f]{64})", said)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def by_papermill(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The notebook as plain papermill leaves it."""
    cwd = checkout(tmp_path_factory.mktemp("papermill"))
    (command,) = commands(PAGE, ".venv/bin/papermill")
    program, *given = shlex.split(command)
    assert Path(program).name == "papermill"
    ended = executes(given, cwd, environment)
    assert isinstance(ended, SystemExit), ended
    assert ended.code == 0
    return cwd / "out.ipynb"


def test_the_pack_has_what_the_contract_names(packed: tuple[Path, str]) -> None:
    folder, said = packed
    data = folder / "pack" / "data"
    assert sorted(path.name for path in data.iterdir()) == [
        "evidence",
        "evidence.html",
        "evidence.pdf",
        "findings.csv",
        "findings.parquet",
        "findings.xlsx",
        "ocsf-findings.json",
        "ocsf-findings.ndjson",
        "oscal-assessment-plan.json",
        "oscal-assessment-results.json",
        "oscal-catalog.json",
        "oscal-profile.json",
    ]
    assert str(data / "evidence.pdf").removeprefix(str(folder)) in said
    assert (folder / "snapshot" / "snapshot.json").exists()
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_a_whole_run_names_nobody(packed: tuple[Path, str]) -> None:
    folder, _ = packed
    text = (folder / "log.jsonl").read_text()
    logged = [json.loads(line) for line in text.splitlines()]
    # Commands of other tests that read the snapshot are logged there too.
    events = [one["event"] for one in logged if one["process"] == logged[0]["process"]]
    assert events[0] == "started"
    assert events[-1] == "ended"
    assert events.count("request") > 30
    account = ROOT / "kit" / "sandbox" / "accounts" / "demo.yaml"
    names = {
        value
        for key, value in _leaves(yaml.safe_load(account.read_text()))
        if key.endswith(("Name", "name", "Description", "Email")) or "@" in value
    }
    assert len(names) > 50
    assert [name for name in names if f'"{name}"' in text or f" {name} " in text] == []
    assert "log.jsonl" not in {path.name for path in (folder / "pack").rglob("*")}


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, held in value.items():
            yield from _leaves(held, str(name))
    elif isinstance(value, list):
        for held in value:
            yield from _leaves(held, key)
    elif isinstance(value, str):
        yield key, value


@pytest.mark.parametrize(
    ("name", "schema"),
    [("oscal-assessment-results.json", oscal_schema), ("ocsf-findings.json", ocsf_schema)],
)
def test_official_schemas_accept_the_machine_forms(
    packed: tuple[Path, str], name: str, schema: Callable[[], Any]
) -> None:
    made = json.loads((packed[0] / "pack" / "data" / name).read_bytes())
    assert errors(schema(), made) == []


def test_papermill_finds_the_same(
    packed: tuple[Path, str], by_papermill: Path, environment: dict[str, str]
) -> None:
    with patch.dict(os.environ, environment):  # the key of the labels
        by_command = evaluate(tabulate(read(packed[0] / "snapshot")), FEW)
    facts = findings_data(nbformat.read(by_papermill, 4))["facts"]
    assert facts["digest"] == by_command.digest
    (log,) = by_papermill.parent.glob("outputs/*/*/log.jsonl")
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert (events[0]["command"], events[-1]["event"]) == ("notebook", "ended")


def test_sealed_again_days_later_and_elsewhere_it_is_the_same_bag_to_the_byte(
    packed: tuple[Path, str], environment: dict[str, str], tmp_path: Path
) -> None:
    home = tmp_path / "another home"
    shutil.copytree(environment["XDG_CONFIG_HOME"], home / ".config")
    moved = tmp_path / "moved" / "outputs" / ACCOUNT / packed[0].name
    shutil.copytree(packed[0] / "snapshot", moved / "snapshot")
    checkout(tmp_path / "moved")
    elsewhere = {
        "PATH": environment["PATH"],
        "PYTHONPATH": environment.get("PYTHONPATH", ""),
        "HOME": str(home),
        "TZ": "Pacific/Auckland",
        "LANG": "tr_TR.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONHASHSEED": "42",
    }
    (command,) = commands(PAGE, ".venv/bin/evidence seal ")
    faked: list[str | Path] = ["faketime", "-f", "+5d", "bash", "-c", command]
    done = call(faked, tmp_path / "moved", elsewhere, umask=0o077)
    assert done.returncode == 3, done.stderr
    assert _digest(done.stdout) == _digest(packed[1])
    first, again = _state(packed[0] / "pack"), _state(moved / "pack")
    assert first.keys() == again.keys()
    assert [name for name in first if first[name] != again[name]] == []


def _state(pack: Path) -> dict[str, tuple[int, int, bytes]]:
    """Permissions, date and content of everything in a pack."""
    return {
        str(path.relative_to(pack)): (
            path.stat().st_mode,
            path.stat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in (pack, *pack.rglob("*"))
    }


def test_the_pack_of_all_controls_is_what_its_snapshot_gives(
    packed: tuple[Path, str], environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, printed = packed
    # That Typst sets the PDF again to the byte, `test_sealed_again_days_later...` shows.
    set_before = (folder / "pack" / PDF).read_bytes()
    monkeypatch.setattr(again, "pdf", lambda *_, **__: set_before)
    arguments = ("verify", "pack", "--against", "snapshot")
    done = evidence(*arguments, cwd=folder, environment=environment)
    assert done.returncode == 0, done.stdout
    (counts,) = re.findall("^findings: (.*)$", printed, re.MULTILINE)
    leaves = sum(map(int, re.findall("[0-9]+", counts)))  # as the run counted them
    same = f"evaluating the snapshot gives the same {leaves} findings and 3 roll-ups"
    assert same in done.stdout
    assert "files are those that the snapshot gives" in done.stdout


def test_a_pack_is_sealed_once(packed: tuple[Path, str], environment: dict[str, str]) -> None:
    done = evidence("seal", "snapshot", cwd=packed[0], environment=environment)
    assert done.returncode == 2
    assert "exists already" in done.stderr


def exported(form: str, file: Path) -> str:
    """What an exporter of nbconvert makes of a notebook."""
    from nbconvert.exporters import get_exporter

    made, _ = get_exporter(form)().from_notebook_node(nbformat.read(file, 4))
    return str(made)


def converts(command: list[str], cwd: Path) -> None:
    """Do what the command ``jupyter nbconvert`` does, in this process."""
    from nbconvert.nbconvertapp import NbConvertApp  # which imports every exporter there is

    program, verb, *arguments = command
    assert (Path(program).name, verb) == ("jupyter", "nbconvert")
    app = NbConvertApp.instance()
    try:
        with chdir(cwd):
            app.initialize(arguments)
            app.start()
    finally:
        NbConvertApp.clear_instance()


@pytest.fixture
def converted(by_papermill: Path, tmp_path: Path) -> Path:
    """A checkout with the executed notebook, to be converted."""
    shutil.copy(by_papermill, checkout(tmp_path) / "out.ipynb")
    return tmp_path


def test_plain_nbconvert_renders_the_pdf(converted: Path, environment: dict[str, str]) -> None:
    (command,) = commands(PAGE, ".venv/bin/jupyter nbconvert --to evidence_pdf ")
    done = call(shlex.split(command), converted, environment)
    assert done.returncode == 0, done.stderr
    written = (converted / "out.pdf").read_bytes()
    assert written.startswith(b"%PDF-")
    assert len(written) > 20_000


def test_plain_nbconvert_renders_the_page(converted: Path) -> None:
    (command,) = commands(PAGE, ".venv/bin/jupyter nbconvert --to evidence_html ")
    converts(shlex.split(command), converted)
    assert (converted / "out.html").read_text() == exported(
        "evidence_html", converted / "out.ipynb"
    )


def test_nbconvert_states_in_a_line_why_a_failed_run_makes_no_document(
    tmp_path: Path,
) -> None:
    notebook = nbformat.read(ROOT / "notebooks" / "evidence_pack.ipynb", 4)
    cell = next(one for one in notebook.cells if "kit.gather" in one.source)
    cell.outputs = [nbformat.v4.new_output("error", ename="NotEnteredError", evalue="account: 1")]
    nbformat.write(notebook, tmp_path / "out.ipynb")
    with pytest.raises(SystemExit) as ended:
        converts(["jupyter", "nbconvert", "--to", "evidence_html", "out.ipynb"], tmp_path)
    # Python prints a text in a line, and ends with 1.
    assert re.fullmatch(
        r"evidence: cell .*failed: NotEnteredError: account: 1", str(ended.value.code)
    )
    assert [path.name for path in tmp_path.iterdir()] == ["out.ipynb"]


def test_html_and_pdf_are_made_from_the_same_data(
    packed: tuple[Path, str], by_papermill: Path
) -> None:
    made = document(nbformat.read(by_papermill, 4)).as_json()
    assert json.loads(json.dumps(made)) == made
    page = (packed[0] / "pack" / "data" / "evidence.html").read_text().replace("<wbr>", "")
    pages = subprocess.run(
        ["pdftotext", "-layout", str(packed[0] / "pack" / "data" / "evidence.pdf"), "-"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    with (packed[0] / "pack" / "data" / "findings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [*Finding.__dataclass_fields__, "articles", "requirements"]
    for row in rows:
        assert row["control"] in page
        assert row["control"] in pages
        if row["status"] == "fail":
            assert row["resource"] in page


def test_every_page_says_that_it_is_not_aws(packed: tuple[Path, str]) -> None:
    done = subprocess.run(
        ["pdftotext", str(packed[0] / "pack" / "data" / "evidence.pdf"), "-"],
        capture_output=True,
        text=True,
        check=True,
    )
    pages = done.stdout.rstrip("\f\n").split("\f")
    assert len(pages) > 5
    assert [n for n, page in enumerate(pages) if "NOT AWS" not in page] == []


def _texts(path: Path) -> str:
    """All that a file of the pack says, out of its compression."""
    if path.suffix == ".parquet":
        return str(pq.read_table(path).to_pylist())
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as archive:
            return "".join(archive.read(name).decode() for name in archive.namelist())
    if path.suffix == ".pdf":
        command = ["pdftotext", str(path), "-"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return path.read_text().replace("<wbr>", "")


def test_names_of_the_account_are_nowhere_in_the_pack(
    packed: tuple[Path, str], environment: dict[str, str]
) -> None:
    with patch.dict(os.environ, environment):
        client = boto3.client("appstream", region_name="eu-central-1")
        names = {item["Name"] for item in client.describe_fleets()["Fleets"]}
        names |= {item["Name"] for item in client.describe_stacks()["Stacks"]}
        users = client.describe_users(AuthenticationType="USERPOOL")["Users"]
        names |= {item["UserName"] for item in users}
    assert len(names) > 5
    for path in (packed[0] / "pack" / "data").iterdir():
        if path.is_file():
            text = _texts(path)
            # A profile of OSCAL names controls and thresholds alone.
            assert len(text) > (2_000 if path.name == "oscal-profile.json" else 5_000), path.name
            assert [name for name in names if name in text] == [], path.name


@pytest.mark.parametrize("manifest", ["manifest-sha256.txt", "tagmanifest-sha256.txt"])
def test_the_pack_is_a_bag_that_sha256sum_accepts(packed: tuple[Path, str], manifest: str) -> None:
    done = subprocess.run(
        ["sha256sum", "--strict", "-c", manifest],
        cwd=packed[0] / "pack",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_bag_says_what_it_is(packed: tuple[Path, str]) -> None:
    info = bagit.Bag(str(packed[0] / "pack")).info
    header = (packed[0] / "snapshot" / "snapshot.json").read_bytes()
    assert info["Account"] == ACCOUNT
    assert info["Findings-SHA-256"] == _digest(packed[1])
    assert info["Snapshot-SHA-256"] == hashlib.sha256(header).hexdigest()
    assert info["Stamp"].startswith("NOT AWS")
    assert info["Signature"] == "none"
    assert info["Bagging-Date"] == json.loads(header)["as_of"][:10]


# --- the executed notebook, in tools that know nothing of the kit -----------------------------


def _outputs(notebook: Any) -> list[Any]:
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def test_every_output_of_the_executed_notebook_needs_no_renderer(by_papermill: Path) -> None:
    outputs = _outputs(nbformat.read(by_papermill, 4))
    assert {output.output_type for output in outputs} <= {"execute_result", "display_data"}
    for output in outputs:
        assert output.data["text/plain"].strip()
        markup = output.data.get("text/html", "")
        assert not re.search(r"<link|@import|url\(|(?:src|action)=(?!\"data:)", markup)
    plain = "\n".join(output.data["text/plain"] for output in outputs)
    assert "Controller: Beispielwerke AG" in plain
    assert re.search(r"^high +fail +.* MD-03$", plain, re.MULTILINE)


@pytest.fixture(scope="module")
def stock_page(by_papermill: Path) -> str:
    """The notebook as nbconvert's own HTML."""
    return exported("html", by_papermill)


def test_stock_nbconvert_leaves_nothing_out(by_papermill: Path, stock_page: str) -> None:
    notebook = nbformat.read(by_papermill, 4)
    shown = [o.data["text/html"] for o in _outputs(notebook) if "text/html" in o.data]
    assert len(shown) > 30
    words = [*map(_words, shown)]
    for made in (stock_page, exported("markdown", by_papermill)):
        whole = _words(made)
        assert [text for text in words if text not in whole] == []


def _words(markup: str) -> str:
    from bs4 import BeautifulSoup

    return " ".join(BeautifulSoup(markup, "html.parser").get_text(" ").split())


def test_plain_nbclient_runs_it(
    by_papermill: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    from nbclient import NotebookClient

    (stored,) = by_papermill.parent.glob("outputs/*/*/snapshot")
    notebook = nbformat.read(ROOT / "notebooks" / "evidence_pack.ipynb", 4)
    notebook.cells[1].source += f'\nsnapshot = "{stored}"'
    client = NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env={**os.environ, **environment})
    given = findings_data(nbformat.read(by_papermill, 4))["facts"]
    assert findings_data(notebook)["facts"]["digest"] == given["digest"]


def test_a_stock_page_is_live_and_prints_whole(stock_page: str, browser: Any) -> None:
    page, requested = browser.new_page(), []

    def refuse(route: Any) -> None:
        requested.append(route.request.url)
        route.abort()

    page.route("**/*", refuse)
    page.set_content(stock_page)
    # What nbconvert's own template loads; the kit's outputs load nothing.
    assert {url.split("/")[5] for url in requested} <= {"require.js", "mathjax"}
    page.locator("a[href^='#trace-']").first.click()
    assert page.locator(".evidence th button").count() > 100
    folded = page.locator("#trace details:not([open]) pre").last
    assert not folded.is_visible()
    page.emulate_media(media="print")
    assert folded.is_visible()
    page.close()
