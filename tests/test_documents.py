"""Pages for contributors lead to what is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PAGES = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/adding-a-control.md",
    "docs/architecture.md",
)


@pytest.mark.parametrize("page", PAGES)
def test_links_and_paths_lead_to_what_is_there(page: str) -> None:
    text = (ROOT / page).read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    paths = re.findall(r"`((?:kit|tests|docs)/[\w/.]+)`", text)
    missing = [link for link in links if not (ROOT / page).parent.joinpath(link).exists()]
    missing += [path for path in paths if not (ROOT / path).exists()]
    assert missing == []


def test_targets_of_make_are_there() -> None:
    text = "".join((ROOT / page).read_text() for page in PAGES)
    for target in sorted(set(re.findall(r"`?make ([a-z]+)", text))):
        done = subprocess.run(
            ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr


def test_the_verbs_are_what_completion_shows() -> None:
    import kit

    assert set(kit.__all__) <= set(dir(kit))
    assert {"annotations", "Any", "TYPE_CHECKING", "resolve_name"}.isdisjoint(dir(kit))


def test_hooks_before_a_commit_run_what_lint_runs() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    entries = [hook["entry"].removeprefix(".venv/bin/") for hook in hooks]
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe
    for line in recipe[1].splitlines():
        tool = " ".join(line.split("/")[1].split()[:2]).removesuffix(" .")
        assert any(entry.startswith(tool) for entry in entries), tool
