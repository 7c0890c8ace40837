"""A signed pack by the commands: what does not fit is told beforehand, every page says which."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kit.sandbox.server import Sandbox
from tests.commands import evidence
from tests.inprocess import without_kernel
from tests.pack.authority import PASSPHRASE, Authority
from tests.pack.services import Services
from tests.pages import commands
from tests.test_cli import ACCOUNT


@pytest.fixture
def environment(sandbox: Sandbox) -> dict[str, str]:
    return sandbox.environment("demo")


@pytest.mark.parametrize(
    ("signed", "options", "code", "reported"),
    [
        ("true", [], 2, "signed: true says that the pack is signed; name the key"),
        ("false", ["--key", "{p12}"], 2, "signed: false is what every page would say"),
        ("true", ["--key", "{other}"], 2, "EVIDENCE_KEY_PASSPHRASE"),
        ("true", ["--key", "{p12}", "--timestamp", "http://127.0.0.1:1/"], 1, "no timestamp"),
        ("true", ["--key", "{p12}", "--level", "B-LTA"], 2, "name a --timestamp service"),
        ("true", ["--kms-key", "alias/none"], 2, "--certificate: KMS keeps none"),
        ("sometimes", ["--key", "{p12}"], 2, "signed: 'sometimes'"),
    ],
)
def test_a_mistake_is_reported_before_any_work(
    authority: Authority,
    environment: dict[str, str],
    tmp_path: Path,
    signed: str,
    options: list[str],
    code: int,
    reported: str,
) -> None:
    (tmp_path / "run.yaml").write_text(f'account: "{ACCOUNT}"\nsigned: {signed}\n')
    made = {"p12": authority.pkcs12("cli"), "other": authority.pkcs12("cli-other", "unknown")}
    if "{p12}" in options:
        environment = {**environment, "EVIDENCE_KEY_PASSPHRASE": PASSPHRASE}
    options = [option.format(**made) for option in options]
    done = evidence("run", "run.yaml", *options, cwd=tmp_path, environment=environment)
    assert done.returncode == code
    assert reported in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert PASSPHRASE not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["run.yaml"]


def test_a_source_that_does_not_answer_ends_the_run_before_any_work(
    services: Services, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "run.yaml").write_text(f'account: "{ACCOUNT}"\nsigned: true\n')
    key, chain = services.issue("by-ocsp", "issuer")
    signing = ("--key", key, "--certificate", chain, "--timestamp", services.timestamps)
    services.down = True
    try:
        done = evidence("run", "run.yaml", *signing, cwd=tmp_path, environment=environment)
    finally:
        services.down = False
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "seal later, or with --level B-T" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["run.yaml"]


def test_a_wrong_passphrase_is_reported(
    authority: Authority, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "run.yaml").write_text(f'account: "{ACCOUNT}"\nsigned: true\n')
    environment = {**environment, "EVIDENCE_KEY_PASSPHRASE": "battery staple"}
    key = authority.pkcs12("cli")
    done = evidence("run", "run.yaml", "--key", key, cwd=tmp_path, environment=environment)
    assert done.returncode == 2
    assert "wrong passphrase" in done.stderr
    assert "staple" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["run.yaml"]  # nothing was collected


def test_a_program_that_signs_in_gets_no_passphrase(
    authority: Authority, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "run.yaml").write_text(f'account: "{ACCOUNT}"\nsigned: true\naws_profile: a\n')
    (tmp_path / "config").write_text(
        f"[profile a]\ncredential_process = sh -c 'env > {tmp_path}/env; exit 1'\n"
    )
    environment = {n: v for n, v in environment.items() if not n.startswith("AWS_")} | {
        "EVIDENCE_KEY_PASSPHRASE": PASSPHRASE,
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    key = authority.pkcs12("cli")
    key.chmod(0o640)
    done = evidence("run", "run.yaml", "--key", key, cwd=tmp_path, environment=environment)
    assert done.returncode == 2
    assert f"chmod go= {key}" in done.stderr
    assert "AWS_CONFIG_FILE" in (tmp_path / "env").read_text()
    assert "PASSPHRASE" not in (tmp_path / "env").read_text()


def test_a_signed_pack_says_so_on_every_page(signed_pack: Path) -> None:
    info = (signed_pack / "bag-info.txt").read_text()
    assert "Signature: CMS tagmanifest-sha256.txt.p7s, PAdES data/evidence.pdf" in info
    assert ", level B-LTA\n" in info
    said = subprocess.run(
        ["pdftotext", signed_pack / "data" / "evidence.pdf", "-"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    pages = said.rstrip("\f\n").split("\f")
    words = "Signed: see data/evidence.pdf, tagmanifest-sha256.txt.p7s"
    assert [n for n, page in enumerate(pages) if words not in re.sub(r"\s+", " ", page)] == []
    assert "Unsigned" not in said
    assert "tagmanifest-sha256.txt.p7s (B-LTA)" in re.sub(r"\s+", " ", pages[0])
    assert words in (signed_pack / "data" / "evidence.html").read_text().replace("<wbr>", "")


def test_sealing_a_snapshot_that_says_signed_needs_the_key(
    signed_pack: Path, tmp_path: Path
) -> None:
    snapshot = signed_pack.parent / "snapshot"
    done = evidence("seal", snapshot, "--to", tmp_path / "pack", cwd=tmp_path)
    assert done.returncode == 2
    assert "signed: true says that the pack is signed" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_passphrase_is_nowhere(signed_pack: Path) -> None:
    files = [path for path in signed_pack.parent.rglob("*") if path.is_file()]
    assert len(files) > 8
    found = [str(path) for path in files if os.fsencode(PASSPHRASE) in path.read_bytes()]
    assert found == []


def test_the_commands_of_the_page_on_signing_work(
    sandbox: Sandbox, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "parameters").mkdir()
    (tmp_path / "parameters" / "my-account.yaml").write_text(
        f'account: "{ACCOUNT}"\nregions: [eu-central-1]\ncontrols: [AR-05]\nsigned: true\n'
    )
    shell = {
        **os.environ,
        **environment,
        "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }

    def typed(command: str) -> str:
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=shell, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    for command in commands("docs/signing.md"):
        if not command.startswith(".venv/bin/evidence run "):
            typed(command)
            continue
        _, *arguments = typed(f"printf '%s\\n' {command}").splitlines()
        with without_kernel():
            made = evidence(*arguments, cwd=tmp_path, environment=shell)
        assert made.returncode in (0, 3), made.stderr
        (pack,) = (tmp_path / "outputs").glob("*/*/pack")
        said = typed(f"pdfsig -nocert {pack}/data/evidence.pdf")
        assert "Signature Validation: Signature is Valid." in said
        shutil.rmtree(tmp_path / "outputs")
    assert "Evidence by KMS" in said
