"""What pages for contributors promise of the code holds."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent


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
