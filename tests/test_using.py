"""What docs/using.md tells holds: its commands, its files, its examples."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from kit.catalogue import texts
from kit.controls import CONTROLS
from kit.errors import CannotRunError, UserError
from kit.parameters import Run, load_profile, load_waivers
from kit.redact.labels import describe_key, key_path, open_labels
from tests.pages import code, commands

ROOT = Path(__file__).parent.parent
PAGE = "docs/using.md"
WAIVERS = ROOT / "parameters" / "waivers.yaml"


def test_its_commands_work(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "parameters", tmp_path / "parameters")
    shutil.copy(tmp_path / "parameters" / "demo.yaml", tmp_path / "parameters" / "my-account.yaml")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    for command in commands(PAGE):
        subprocess.run(command, shell=True, cwd=tmp_path, env=dict(os.environ), check=True)
    assert json.loads((tmp_path / "policy.json").read_text())["Statement"]
    texts.check(str(tmp_path / "de.yaml"))
    assert len((tmp_path / "de.yaml").read_text()) > 10_000


def test_its_profile_loads(tmp_path: Path) -> None:
    example, language, answers = code(PAGE, "yaml")
    assert language == "language: de.yaml\n"
    assert {"follow_up", "previous"} == yaml.safe_load(answers).keys() <= Run.model_fields.keys()
    path = tmp_path / "bank.yaml"
    path.write_text(example)
    own, default = load_profile(str(path)), load_profile("default")
    assert (own.name, own.max_idle_seconds) == ("Example Bank, 2026", 120)
    assert own.max_session_seconds == default.max_session_seconds


def test_the_sample_of_waivers_loads_once_it_is_ones_own(tmp_path: Path) -> None:
    text = re.sub(r"^#(?=- |  [a-z])", "", WAIVERS.read_text(), flags=re.MULTILINE)
    own = tmp_path / "waivers.yaml"
    own.write_text(re.sub("reason: .*", "reason: of the reader's own", text))
    waivers = load_waivers(str(own))
    assert [waiver.control for waiver in waivers] == ["LG-07", "EX-07"]
    assert {waiver.control for waiver in waivers} <= CONTROLS.keys()


def test_the_key_lies_where_it_says() -> None:
    run = Run(account="012345678901", controller="Example Bank")
    open_labels(run)
    path = key_path(run)
    assert path.parent.name == "appstream-evidence-kit"
    assert path.stat().st_mode & 0o777 == 0o600
    assert key_path(run.model_copy(update={"controller": "Another"})) != path


def test_another_spelling_of_the_controller_makes_a_new_key_and_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    run = Run(account="012345678901", controller="Example Bank")
    assert describe_key(run) == ""
    open_labels(run)
    assert describe_key(run) == ""
    other = run.model_copy(update={"controller": "Example bank"})
    assert "'Example bank', beside 1 other key " in describe_key(other)


def test_a_named_key_that_does_not_exist_is_named(tmp_path: Path) -> None:
    run = Run(account="012345678901", pseudonym_key=str(tmp_path / "typo" / "key"))
    assert f"pseudonym_key: {run.pseudonym_key} does not exist" in describe_key(run)
    open_labels(run)
    assert describe_key(run) == ""


def test_a_key_that_cannot_be_made_is_not_one_to_restore() -> None:
    run = Run(account="012345678901", pseudonym_key="/proc/none/key")
    with pytest.raises(
        CannotRunError, match=r"^pseudonym_key: /proc/none/key cannot be used \(No "
    ):
        open_labels(run)
    with pytest.raises(
        UserError, match="were made with the key 0123456789abcdef; restore that key"
    ):
        open_labels(run, "0123456789abcdef")


@pytest.mark.parametrize("content", [b"", b"ab", b"abc", b"\x9e\xff", b"0" * 62, b"0f" * 4000])
def test_a_key_that_can_be_guessed_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(content)
    run = Run(account="012345678901", pseudonym_key=str(tmp_path / "key"))
    with pytest.raises(
        UserError, match=r"key holds no key .* accepted: 64 to 4,096 hexadecimal digits"
    ):
        open_labels(run)
    (tmp_path / "key").write_bytes(b"0f" * 32 + b"\n")
    assert open_labels(run).fingerprint


def test_a_key_that_others_on_the_machine_can_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a key"
    run = Run(account="012345678901", pseudonym_key=str(path))
    open_labels(run)
    assert describe_key(run) == ""
    for mode in (0o640, 0o604, 0o620):
        path.chmod(mode)
        assert re.search(
            rf"pseudonym_key: .*a key \({mode:04o}\) let other users", describe_key(run)
        )
    (command,) = re.findall("`(.*?)`", describe_key(run))
    subprocess.run(shlex.split(command), check=True)
    assert describe_key(run) == ""
    path.chmod(0o640)  # a secret that a cluster mounts is its owner's, and a group reads it
    monkeypatch.setattr("os.getuid", lambda: path.stat().st_uid + 1)
    assert describe_key(run) == ""


def test_another_key_of_the_labels_is_refused_with_what_to_do(tmp_path: Path) -> None:
    run = Run(account="012345678901", pseudonym_key=str(tmp_path / "key"))
    own = open_labels(run).fingerprint
    assert open_labels(run, own).fingerprint == own
    clear = run.model_copy(update={"pseudonymise": False})  # other ids: no answer of the other fits
    assert open_labels(clear).fingerprint == f"clear-{own}"
    for stored in (own, f"clear-{own}"):
        open_labels(clear, stored)
    with pytest.raises(UserError) as refused:
        open_labels(run, "0123456789abcdef")
    for part in ("0123456789abcdef", own, run.pseudonym_key, "back", "collect the account again"):
        assert part in str(refused.value)
