"""Every block of code in the pages is executed by a test, and every link leads somewhere."""

from __future__ import annotations

import os
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from kit.cli import main
from tests.pages import NOT_RUN, PAGES, ROOT, blocks, commands

# The test that executes all blocks of a page in these languages. It takes them out of the page.
EXECUTED = {
    "README.md": {"console": "tests/test_readme.py"},
    "CONTRIBUTING.md": {"console": "tests/test_pages.py"},
    "docs/adding-a-control.md": dict.fromkeys(
        ("console", "python", "yaml"), "tests/test_adding_a_control.py"
    ),
    "docs/adding-a-framework.md": {"yaml": "tests/test_frameworks.py"},
    "docs/architecture.md": {"text": "tests/test_pages.py"},
    "docs/cluster.md": {"console": "tests/test_readme.py", "yaml": "tests/batch/test_samples.py"},
    "docs/controls.md": {
        "sh": "tests/controls/test_remedies.py",
        "terraform": "tests/controls/test_terraform.py",
    },
    "docs/doors.md": {"console": "tests/test_doors.py"},  # two by tests/test_overviews.py
    "docs/evidence.md": {"console": "tests/pack/test_follow.py"},
    "docs/exploring.md": {"python": "tests/test_exploring.py"},
    "docs/machine-forms.md": {"python": "tests/pack/test_tabular.py"},
    "docs/own-cells-and-controls.md": {
        "console": "tests/pack/test_own_cells.py",
        "python": "tests/report/test_own.py",  # of the package, by tests/test_own_controls.py
        "toml": "tests/test_own_controls.py",
        "yaml": "tests/test_own_controls.py",
    },
    "docs/role.md": dict.fromkeys(("console", "hcl", "yaml"), "tests/test_role.py"),
    "docs/signing.md": {"console": "tests/test_signing.py"},
    "docs/using.md": dict.fromkeys(("console", "yaml"), "tests/test_using.py"),
    "docs/verifying.md": {"console": "tests/test_verifying.py"},
}


@pytest.mark.parametrize("page", PAGES)
def test_a_test_executes_every_block_or_the_page_says_why_none_does(page: str) -> None:
    wanted = EXECUTED.get(page, {})
    run = [block for block in blocks(page) if block.is_run]
    unknown = [f"{page}:{b.line} {b.language}" for b in run if b.language not in wanted]
    assert unknown == [], "write in EXECUTED which test executes it"
    assert {block.language for block in run} == set(wanted)
    for block in blocks(page):
        assert block.is_run or len(block.above) > len(NOT_RUN) + 20


@pytest.mark.parametrize("page", EXECUTED)
def test_that_test_takes_the_blocks_out_of_the_page(page: str) -> None:
    for test in set(EXECUTED[page].values()):
        text = (ROOT / test).read_text()
        assert page in text, f"{test} does not read {page}"


@pytest.mark.parametrize("page", PAGES)
def test_links_and_paths_lead_to_what_is_there(page: str) -> None:
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(), flags=re.DOTALL)
    targets = re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", text)
    paths = re.findall(r"`((?:kit|tests|docs)/[\w/.]+)`", text)
    missing = [path for path in paths if not (ROOT / path).exists()]
    for target in targets:
        name, _, part = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        if not path.exists() or (part and part not in _anchors(path)):
            missing.append(target)
    assert missing == []


@cache
def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = page.read_text()
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    kept = (re.sub(r"[^\w\- ]", "", heading).strip().lower() for heading in headings)
    given = re.findall(r'<a (?:id|name)="([^"]+)"', text)
    return {*(heading.replace(" ", "-") for heading in kept), *given}


def test_commands_that_only_contributors_type_are_targets_of_make() -> None:
    text = "".join((ROOT / page).read_text() for page in PAGES)
    typed = {*re.findall(r"`make ([a-z]+)", text), *re.findall(r"^\$ make ([a-z]+)", text, re.M)}
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {command.split()[1] for command in commands("CONTRIBUTING.md")} <= typed
    assert typed <= set(targets)


def test_the_drawing_of_the_architecture_names_folders_that_are_there() -> None:
    drawn = "".join(block.code for block in blocks("docs/architecture.md", "text"))
    folders = {path.name for path in (ROOT / "kit").iterdir()}
    for name in ("access", "catalogue", "collect", "controls", "pack", "tables", "verify"):
        assert name in drawn
        assert name in folders


@pytest.mark.parametrize("page", PAGES)
def test_commands_in_sentences_and_unrun_blocks_have_the_options_that_they_name(page: str) -> None:
    text = (ROOT / page).read_text()
    spans = re.findall(r"`(?:\.venv/bin/)?evidence ([^`]+)`", re.sub(r"\s+", " ", text))
    spans += re.findall(r"^evidence (.+)$", "".join(b.code for b in blocks(page, "sh")), re.M)
    for span in spans:
        words = span.partition(" -- ")[0].split()
        command = main if words[0].startswith("-") else main.commands[words[0]]
        known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
        assert {word for word in words if word.startswith("--")} <= known | {"--help"}, span


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        ("README.md", "pack"),
        ("docs/evidence.md", "pack"),
        ("docs/doors.md", "snapshot"),
        ("docs/own-cells-and-controls.md", "snapshot"),
    ],
)
def test_the_newest_run_is_the_newest_whatever_its_account_and_its_folder_are_named(
    page: str, kind: str, tmp_path: Path
) -> None:
    (listed,) = re.findall(r"\$\((ls .*?)\)", "\n".join(commands(page)))
    runs = ("210987654321/2026-Q4", "012345678901/2026-11-24T090000Z", "999988887777/older")
    for age, run in zip((3, 1, 2), runs, strict=True):
        folder = tmp_path / "outputs" / run / kind
        folder.mkdir(parents=True)
        os.utime(folder, (1_800_000_000 - age,) * 2)
    done = subprocess.run(listed, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == f"outputs/{runs[1]}/{kind}\n", done.stderr
