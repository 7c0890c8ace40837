"""From a reference to the answer, from a label to what it stands for, by the documented commands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kit import tabulate
from kit.errors import CannotRunError, UserError
from kit.pack.evidence import evidence_files
from kit.pack.trace import check_commitment, find, look_up, prove, record_in, reveal
from kit.snapshot import Snapshot
from tests.commands import evidence
from tests.pages import commands

# What a reader takes for a label.
SHAPED = re.compile(r"(?<![\w-])[A-Za-z][A-Za-z-]*-[a-z2-7]{10}(?![\w-])")
Stored = Callable[[str], Snapshot]


@pytest.fixture
def demo(stored: Stored) -> Snapshot:
    return stored("demo")


@pytest.fixture(scope="module")
def pack(stored: Stored, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The evidence of a pack, and what it states of itself."""
    folder = tmp_path_factory.mktemp("pack")
    (folder / "data" / "evidence").mkdir(parents=True)
    of = stored("demo")
    info = f"Account: {of.account}\nSnapshot-SHA-256: {of.digest}\n"
    (folder / "bag-info.txt").write_text(info)
    for name, content in evidence_files(of, tabulate(of).labels):
        (folder / "data" / name).write_bytes(content)
    return folder


@pytest.fixture
def fleets(demo: Snapshot) -> str:
    """The id of an answer with fleets."""
    return next(r.id for r in demo.requests if (r.response or {}).get("Fleets"))


def test_a_reference_leads_to_the_part_that_it_cites(demo: Snapshot, fleets: str) -> None:
    provenance, fleet = look_up(demo, f"{fleets}#/Fleets/0")
    assert fleet == find(demo, fleets).response["Fleets"][0]
    assert provenance["operation"] == "DescribeFleets"
    assert provenance["commitment"] == find(demo, fleets).commitment
    assert "nonce" not in provenance


def test_a_declaration_is_looked_up_too(demo: Snapshot) -> None:
    assert look_up(demo, "parameters#/account")[1] == demo.account


@pytest.mark.parametrize(
    ("reference", "reported"),
    [
        ("E9999", "'E9999' is not in .* which has E0001 to E0"),
        ("E0001#/nothing", "'E0001#/nothing' leads nowhere at 'nothing'"),
        ("E0001#/analyzers/99", "leads nowhere at '99'"),
        ("parameters#/account/x", "leads nowhere at 'x'"),
        ("E0001#analyzers", "'E0001#analyzers': accepted behind #: a path that begins with /"),
    ],
)
def test_a_reference_that_leads_nowhere_is_reported(
    demo: Snapshot, reference: str, reported: str
) -> None:
    with pytest.raises(UserError, match=reported):
        look_up(demo, reference)


def test_a_proof_is_written_once_and_for_its_owner(
    demo: Snapshot, fleets: str, tmp_path: Path
) -> None:
    for path in prove(find(demo, fleets), tmp_path):
        assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UserError, match="exists already"):
        prove(find(demo, fleets), tmp_path)


def test_a_proof_where_no_folder_can_be_is_an_error_of_the_place(
    demo: Snapshot, fleets: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(CannotRunError, match=rf"--prove: {place} cannot be written"):
            prove(find(demo, fleets), place)


def test_what_is_no_pack_commits_to_nothing(demo: Snapshot, fleets: str, tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UserError, match=f"--pack: {place} holds no pack"):
            check_commitment(place, demo, fleets)


def test_a_record_that_is_not_there_is_reported(pack: Path) -> None:
    with pytest.raises(UserError, match=r"E9999\.json does not exist"):
        record_in(pack, "E9999")


def test_every_label_of_a_pack_states_what_it_stands_for(demo: Snapshot, pack: Path) -> None:
    records = (pack / "data" / "evidence").glob("*.json")
    shown = [text for path in records for text in texts(json.loads(path.read_text()))]
    shown += tabulate(demo)["users"].frame["resource"].tolist()
    labels = {label for text in shown for label in SHAPED.findall(text)}
    found = reveal(demo, labels)
    assert found.keys() == labels
    raw = "".join(path.read_text() for path in demo.folder.iterdir())
    named = {one.identity for one in found.values() if one.identity.startswith("arn:")}
    assert len(named) > 20
    assert [identity for identity in named if json.dumps(identity)[1:-1] not in raw] == []


def texts(value: Any) -> Iterator[str]:
    """Yield the texts of a record, each by itself."""
    if isinstance(value, dict):
        yield from (text for item in value.items() for part in item for text in texts(part))
    elif isinstance(value, list):
        yield from (text for part in value for text in texts(part))
    elif isinstance(value, str):
        yield value


def test_a_cell_in_which_a_label_stands_is_enough(demo: Snapshot) -> None:
    cell = tabulate(demo)["access_keys"].frame["resource"].iloc[-1]
    ((label, named),) = reveal(demo, [cell]).items()
    assert cell == f"{label}, access key 2"
    assert named.identity.startswith("arn:aws:iam::210987654321:user/")


def test_what_is_no_label_is_reported(demo: Snapshot) -> None:
    with pytest.raises(UserError, match="'fleet-aaaaaaaaaa' is not a label in"):
        reveal(demo, ["fleet-aaaaaaaaaa"])


def test_without_the_key_nothing_is_revealed(demo: Snapshot) -> None:
    elsewhere = {**demo.header["parameters"], "pseudonym_key": "/nowhere/key"}
    moved = Snapshot({**demo.header, "parameters": elsewhere}, demo.requests, demo.folder)
    with pytest.raises(UserError, match="/nowhere/key does not exist"):
        reveal(moved, ["fleet-aaaaaaaaaa"])


def test_where_names_are_in_clear_there_is_nothing_to_reveal(demo: Snapshot) -> None:
    clear = {**demo.header["parameters"], "pseudonymise": False}
    stored = Snapshot({**demo.header, "parameters": clear}, demo.requests, demo.folder)
    with pytest.raises(UserError, match="names are in clear"):
        reveal(stored, ["fleet-aaaaaaaaaa"])


def test_the_documented_commands_work(demo: Snapshot, pack: Path, tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(sys.prefix)
    run = tmp_path / "outputs" / "210987654321" / "2026-11-24T090000Z"
    run.mkdir(parents=True)
    (run / "snapshot").symlink_to(demo.folder)
    (run / "pack").symlink_to(pack)
    script = "set -e\n" + "\necho ---\n".join(commands("docs/evidence.md"))
    done = subprocess.run(["bash"], cwd=tmp_path, input=script, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = done.stdout.split("---\n")
    _, proved, by_sha256sum, by_openssl, stated, _, part, held, _, revealed = said
    commitment = find(demo, "E0012").commitment
    assert "cat proof/E0012.nonce proof/E0012.body.json | sha256sum" in proved
    assert by_sha256sum.split()[0] == by_openssl.split()[-1] == commitment
    assert commitment in stated
    assert "operation: DescribeFleets" in part
    assert "commits to this answer" in held
    assert ":fleet/" in revealed


def test_a_pack_of_another_answer_is_reported(
    demo: Snapshot, pack: Path, fleets: str, tmp_path: Path
) -> None:
    record = dict(record_in(pack, fleets)) | {"commitment": "0" * 64}
    (tmp_path / "data" / "evidence").mkdir(parents=True)
    (tmp_path / "data" / "evidence" / f"{fleets}.json").write_text(json.dumps(record))
    info = (pack / "bag-info.txt").read_text()
    (tmp_path / "bag-info.txt").write_text(info)
    done = evidence("show", fleets.lower(), demo.folder, "--pack", tmp_path, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (5, "")
    assert f"evidence: {fleets}: {tmp_path} commits to another answer" in done.stderr
    (tmp_path / "bag-info.txt").write_text(info.replace(demo.account, "111122223333"))
    done = evidence("show", fleets, demo.folder, "--pack", tmp_path, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"evidence: --pack: {tmp_path} is of Account 111122223333, {demo.folder} is of "
        f"{demo.account}; name the pack of this snapshot\n"
    )


def test_an_id_may_have_any_case(demo: Snapshot, fleets: str) -> None:
    for reference in (fleets, f"{fleets}#/Fleets/0", "parameters#/account"):
        number, _, pointer = reference.partition("#")
        given = "#".join(filter(None, (number.swapcase(), pointer)))
        assert look_up(demo, given) == look_up(demo, reference)


def test_what_reveal_lacks_is_named(demo: Snapshot, tmp_path: Path) -> None:
    for given, lacks in (("fleet-3kq7w2mzda", "SNAPSHOT"), (demo.folder, "LABELS")):
        done = evidence("reveal", given, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"evidence: {lacks}: missing; name one or more labels")
