"""The help of every command ends with examples that the command itself accepts."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from kit.cli import main
from kit.controls import CONTROLS
from kit.sandbox import sample_accounts

PLACES = ("outputs", "outputs/210987654321/2026-11-24T090000Z/snapshot")


@pytest.mark.parametrize("verb", main.commands)
def test_examples_are_accepted(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in PLACES:
        (tmp_path / place).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with click.Context(main, info_name="evidence") as context:
        text = main.commands[verb].get_help(click.Context(main.commands[verb], context, verb))
    examples = re.findall(
        r"^ +(?:\S*/)?evidence (.*)$", text.partition("\nExamples:")[2], re.MULTILINE
    )
    assert 1 <= len(examples) <= 3
    for example in examples:
        words = shlex.split(example.partition(" > ")[0])
        assert words[0] == verb
        parsed = main.commands[verb].make_context(verb, words[1:])
        named = parsed.params.get("control")
        assert named is None or named in CONTROLS


def test_the_list_of_commands_has_whole_sentences() -> None:
    with click.Context(main, info_name="evidence") as context:
        text = " ".join(main.get_help(context).split())
    for verb, command in main.commands.items():
        first = " ".join((command.help or "").partition("\n\n")[0].split())
        assert f" {verb} {first.rstrip('.')}" in text


def test_the_sandbox_lists_its_sample_accounts() -> None:
    with click.Context(main.commands["sandbox"], info_name="sandbox") as context:
        text = main.commands["sandbox"].get_help(context)
    listed = re.search(r"Whose credentials: (.*?)\.", " ".join(text.split()))
    assert listed
    assert sorted(re.split(", | or ", listed[1])) == sample_accounts()
