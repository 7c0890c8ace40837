"""An analyst opens the notebook in JupyterLab and runs all cells, in a real browser."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.reader import NotJSONError
from playwright.sync_api import Browser, Page, expect

from kit import lab_page
from kit.pack.document import findings_data
from kit.sandbox.server import Sandbox
from tests import listening

ROOT = Path(__file__).parent.parent
TOKEN = "only-for-this-test"
_MINUTE = 60_000
_CELLS = sum(
    cell.cell_type == "code"
    for cell in nbformat.read(ROOT / "notebooks" / "evidence_pack.ipynb", 4).cells
)
# Of every status, fails of two severities among them.
_FEW = "[AR-01, AR-03, AR-05, EX-04, GV-01, ID-02, LG-01, MD-03]"


@pytest.fixture
def lab(sandbox: Sandbox, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """JupyterLab in a new folder, as ``evidence lab`` starts it, with the sandbox's environment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    parameters = tmp_path / "few.yaml"
    parameters.write_text(f"{(ROOT / 'parameters/demo.yaml').read_text()}\ncontrols: {_FEW}\n")
    watched = listening.startup(tmp_path)
    environment = {
        **os.environ,
        **sandbox.environment("demo"),
        **watched,
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "PYTHONPATH": os.pathsep.join([watched["PYTHONPATH"], str(ROOT)]),
    }
    flags = ["--no-browser", "--allow-root", f"--ServerApp.port={port}"]
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "kit", "lab", "--parameters", parameters),
            *("--", *flags, f"--IdentityProvider.token={TOKEN}"),
        ],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=(tmp_path / "messages").open("w"),
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{url}/api?token={TOKEN}", server)
        # To paste; Jupyter prints a token that it has made itself.
        assert f"{url}{lab_page.ADDRESS}?token=...\n" in (tmp_path / "messages").read_text()
        yield url, tmp_path / "notebooks"
    finally:
        server.terminate()
        server.wait(timeout=60)


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        assert server.poll() is None, "JupyterLab ended"
        time.sleep(0.1)
    raise AssertionError("JupyterLab did not answer")


def _open(page: Page, url: str) -> None:
    page.goto(f"{url}{lab_page.ADDRESS}?token={TOKEN}&reset")
    expect(page.locator(".jp-Notebook")).to_be_visible(timeout=_MINUTE)
    expect(page.get_by_text("AppStream Evidence Kit | Idle")).to_be_visible(timeout=_MINUTE)


def _run_all(page: Page, last_number: int) -> None:
    """Run all cells, to the last of those that the kernel has run so far."""
    _choose_run_all(page)
    last = page.locator(".jp-CodeCell").last
    last.scroll_into_view_if_needed()
    prompt = last.locator(".jp-InputPrompt")
    expect(prompt).to_have_text(f"[{last_number}]:", timeout=_MINUTE)


def _add_parameter(page: Page, line: str) -> None:
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Control+End")
    page.keyboard.press("Enter")
    page.keyboard.insert_text(line)


def _choose_run_all(page: Page) -> None:
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def _saved(page: Page, folder: Path, last_number: int) -> nbformat.NotebookNode:
    path = folder / "evidence_pack.ipynb"
    for _ in range(120):
        page.keyboard.press("Control+s")  # again, for outputs may come after the first
        page.wait_for_timeout(500)
        with contextlib.suppress(NotJSONError):  # JupyterLab is writing it
            saved = nbformat.read(path, 4)
            last = saved.cells[-1]
            if last.get("outputs") and last.execution_count == last_number:
                return saved
    raise AssertionError("JupyterLab did not save the notebook")


def test_run_all_shows_the_same_as_a_stored_snapshot(
    lab: tuple[str, Path], browser: Browser
) -> None:
    url, folder = lab
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    _open(page, url)
    _run_all(page, _CELLS)
    requested = _saved(page, folder, _CELLS)
    expect(page.locator("[data-mime-type*='stderr']")).to_have_count(0)
    expect(page.locator(".jp-Dialog, .Toastify__toast")).to_have_count(0)
    for name in ("notebooks", "outputs"):  # the file browser stands in the root
        expect(page.locator(".jp-DirListing-item", has_text=name)).to_be_visible()
    _assert_live(page)
    _assert_private(url, folder)

    (snapshot,) = (folder.parent / "outputs").rglob("snapshot")
    _add_parameter(page, f'snapshot = "{snapshot}"')
    _run_all(page, 2 * _CELLS)
    stored = _saved(page, folder, 2 * _CELLS)
    assert findings_data(stored)["facts"] == findings_data(requested)["facts"]
    assert [*(folder.parent / "outputs").rglob("snapshot")] == [snapshot]
    expect(page.locator("table", has_text="Open points").first).to_be_attached()
    _assert_stops(page)
    page.close()


def _assert_live(page: Page) -> None:
    """Tables sort and filter, and an open finding leads to its evidence in a click."""
    cell = page.locator(".jp-CodeCell", has_text="kit.show.all_findings(findings)")
    rows = cell.locator("tbody tr:not([hidden])")
    whole = rows.count()
    cell.get_by_label("Verdict").select_option("fail")
    failed = rows.count()
    assert 0 < failed < whole
    assert rows.locator(".evidence-fail").count() == failed
    expect(cell.locator("output")).to_have_text(f"{failed} of {whole} rows")
    cell.get_by_role("button", name="Severity").click()
    severities = [text.split()[-1] for text in rows.locator("td:nth-child(4)").all_inner_texts()]
    assert severities == sorted(severities, key=["high", "medium", "low"].index)

    link = page.locator("a[href^='#trace-']").first
    target = page.locator(f"[id='{(link.get_attribute('href') or '#')[1:]}']")
    expect(target.locator("pre").first).to_be_hidden()
    link.click()
    expect(target.locator("pre").first).to_be_in_viewport()


def _assert_stops(page: Page) -> None:
    """A mistake in the parameters ends Run All, and no result of the run before stays."""
    _add_parameter(page, "regions = = []")
    _choose_run_all(page)
    expect(page.locator("[data-mime-type*='stderr']")).to_have_count(1)
    expect(page.get_by_text("AppStream Evidence Kit | Idle")).to_be_visible(timeout=_MINUTE)
    last = page.locator(".jp-CodeCell").last
    expect(last.locator(".jp-InputPrompt")).to_have_text("[ ]:")
    expect(page.locator(".jp-CodeCell .evidence")).to_have_count(0)


def _assert_private(url: str, folder: Path) -> None:
    """The kernel that has collected, as JupyterLab lists it, listens on nothing."""
    with urllib.request.urlopen(f"{url}/api/kernels?token={TOKEN}", timeout=60) as answer:
        (kernel,) = json.load(answer)
    assert kernel["name"] == "appstream-evidence"
    (facts,) = listening.kernels({listening.REPORTS: str(folder.parent / "kernels")})
    assert listening.is_private(facts)
    assert facts["transport"] == "ipc"
    assert facts["ran"] == listening.OF_THE_USER
    assert listening.tcp_ports(int(str(facts["pid"]))) == []


@pytest.mark.parametrize("name", ["evidence_html", "evidence_pdf"])
def test_both_exporters_are_in_the_menu(name: str) -> None:
    from nbconvert.exporters import get_exporter

    assert get_exporter(name)().export_from_notebook
