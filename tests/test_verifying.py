"""docs/verifying.md holds: its commands accept a whole pack, and find any change, without the kit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kit.bag import SIGNATURE, TIMESTAMP
from tests.pack.authority import Authority
from tests.pages import commands
from tests.test_cli import EVIDENCE
from tests.test_verify import KINDS, flip

COMMANDS = commands("docs/verifying.md")
PLAIN = [command for command in COMMANDS if "evidence verify" not in command]


def first(start: str) -> str:
    return next(command for command in PLAIN if command.startswith(start))


CHECKS = [
    *(command for command in PLAIN if command.startswith("sha256sum --check")),
    first("openssl cms"),
    first("openssl ts -verify"),
]


@pytest.fixture
def pack(signed_pack: Path, authority: Authority, tmp_path: Path) -> Path:
    """A copy beside the certificates that its reader trusts, and proofs from the analyst."""
    shutil.copy(authority.ca, tmp_path / "ca.pem")
    return Path(shutil.copytree(signed_pack, tmp_path / "pack"))


def run(command: str, pack: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, shell=True, cwd=pack, capture_output=True, text=True)


def test_every_command_accepts_a_whole_pack(
    pack: Path, signed_pack: Path, authority: Authority, tmp_path: Path
) -> None:
    snapshot = signed_pack.parent / "snapshot"
    subprocess.run(
        [EVIDENCE, "show", "E0001", snapshot, "--prove", tmp_path / "proof"],
        check=True,
        capture_output=True,
    )
    said = {}
    for command in PLAIN:
        done = run(command, pack)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        said[command] = done.stdout + done.stderr
    for check in CHECKS[:2]:
        assert {line.rpartition(": ")[2] for line in said[check].splitlines()} == {"OK"}
    assert [said[command] for command in PLAIN if command.startswith(("cut", "find"))] == [""] * 3
    assert "CMS Verification successful" in said[first("openssl cms")]
    assert re.search(r"CN ?= ?analyst", said[first("openssl x509")])
    assert "Verification: OK" in said[first("openssl ts -verify")]
    assert re.search(r"Time stamp: .* 20\d\d GMT", said[first("openssl ts -reply")])
    assert "Signature is Valid" in said[first("pdfsig")]
    assert "Total document signed" in said[first("pdfsig")]
    assert said[first("grep '^E0001")].startswith("E0001,")
    taken = said[first("cat ../proof")].split()[0]
    assert f'"commitment": "{taken}"' in said[first("grep '\"commitment")]
    assert said.keys() == set(PLAIN)


def test_the_kit_s_own_command_accepts_it(pack: Path) -> None:
    (command,) = [command for command in COMMANDS if "evidence verify" in command]
    path = f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        shell=True,
        cwd=pack,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "checks, all ok" in done.stdout


def readme_commands(pack: Path) -> list[str]:
    text = re.sub(r"\\\n", "", (pack / "README.txt").read_text())
    return re.findall(r"^   ((?:sha256sum|cut|find|openssl) .*)", text, re.MULTILINE)


def test_the_readme_s_commands_accept_it(pack: Path) -> None:
    commands = readme_commands(pack)
    assert len(commands) == 6
    assert [run(command, pack).returncode for command in commands] == [0] * 6


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_byte_is_found_by_plain_commands(pack: Path, kind: str) -> None:
    flip(pack / kind)
    failed = [command for command in CHECKS if run(command, pack).returncode != 0]
    assert failed
    reported = {SIGNATURE: CHECKS[2:], TIMESTAMP: CHECKS[3:], "tagmanifest-sha256.txt": CHECKS[2:3]}
    assert set(reported.get(kind, CHECKS[:2])) & set(failed)


def test_a_flipped_byte_in_every_file_is_found_by_sha256sum(pack: Path) -> None:
    payload = [path for path in (pack / "data").rglob("*") if path.is_file()]
    for path in payload:
        flip(path)
    said = run(CHECKS[1], pack).stdout.splitlines()
    assert set(said) == {f"{path.relative_to(pack)}: FAILED" for path in payload}


@pytest.mark.parametrize("where", ["docs", "readme"])
def test_a_file_that_was_added_is_found(pack: Path, where: str) -> None:
    given = PLAIN if where == "docs" else readme_commands(pack)
    cut, files, others = (command for command in given if command.startswith(("cut", "find")))
    assert [run(command, pack).stdout for command in (cut, files, others)] == [""] * 3
    (pack / "data" / "extra.csv").write_text("a")
    (pack / "tagmanifest-sha256.txt.exe").write_text("b")
    (pack / "data" / "twice\n.").mkdir()
    (pack / "data" / "twice\n." / "data").write_text("c")
    (pack / "data" / "passwd").symlink_to("/etc/passwd")
    (pack / "VERIFIED").mkdir()
    said = run(files, pack).stdout
    assert {"< data/extra.csv", "< tagmanifest-sha256.txt.exe", "< data/twice"} <= {
        *said.splitlines()
    }
    assert sorted(run(others, pack).stdout.split()) == ["./VERIFIED", "./data/passwd"]


def test_what_was_added_to_the_document_is_found(pack: Path) -> None:
    pdf = pack / "data" / "evidence.pdf"
    pdf.write_bytes(pdf.read_bytes() + b"\n% added\n")
    assert "Total document signed" not in run(first("pdfsig"), pack).stdout


def test_it_needs_nothing_of_ours() -> None:
    tools = {re.split(r"\s", part.strip())[0] for c in PLAIN for part in c.split("|")}
    tools -= {"LC_ALL=C"}
    ours = Path(sys.prefix) / "bin"
    found = {tool: shutil.which(tool, path=_without(ours)) for tool in tools}
    assert {tool for tool, place in found.items() if not place} == set()


def _without(folder: Path) -> str:
    paths = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(path for path in paths if Path(path) != folder)
