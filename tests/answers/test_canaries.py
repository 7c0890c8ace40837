"""Secrets reach no disk, and persons no pack: canaries in every member of every answer are sought.

An account that answers with canaries is collected and sealed by the real command, in a process of
its own, with real kernels. All that it leaves behind is then searched: the snapshot, every file of
the pack and what is within it, what was printed, and every temporary file, removed ones too.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pikepdf
import pyarrow
import pyarrow.parquet
import pytest
import yaml

from kit.aws.calls import CALLS
from tests.answers.canaries import ACCOUNT, CHOSEN, PERSON, PLANTS, REGION, SECRET, strings
from tests.answers.seeking import found
from tests.standins import output_shape

ROOT = Path(__file__).parents[2]
WITNESS = Path(__file__).parent / "witness"
# Members whose texts stand in a pack as they are, each with its reason.
CLEAR: dict[str, str] = yaml.safe_load((ROOT / "tests" / "data" / "clear.yaml").read_text())

Canary = tuple[str, int]


@dataclass(frozen=True)
class Left:
    """What a run left behind: canaries by the file that they are in, and the members planted."""

    members: dict[int, str]
    files: dict[str, set[Canary]]

    def named(self, where: str, word: str) -> dict[str, list[str]]:
        """Members whose canaries are in files below a folder, with these files."""
        leaks: dict[str, list[str]] = {}
        for file, canaries in self.files.items():
            for kind, number in canaries:
                if file.startswith(where) and kind == word:
                    leaks.setdefault(self.members.get(number, "encoded"), []).append(file)
        return leaks


@pytest.fixture(scope="module", params=PLANTS)
def left(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Left:
    """An account full of canaries, collected and sealed."""
    place = tmp_path_factory.mktemp(request.param)
    for name in ("work", "work/tmp", "work/home", "removed"):
        (place / name).mkdir()
    parameters = place / "parameters.yaml"
    asked: dict[str, Any] = {"account": ACCOUNT, "regions": [REGION], "data_role": "controller"}
    parameters.write_text(yaml.safe_dump(asked))
    environment = {
        **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
        "PYTHONPATH": os.pathsep.join([str(WITNESS), str(ROOT)]),
        "TMPDIR": str(place / "work" / "tmp"),
        "HOME": str(place / "work" / "home"),
        "WITNESS_OF": str(place),
        "WITNESS": str(place / "removed"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.answers.canaries"),
            *(request.param, parameters, place / "planted.json"),
        ],
        cwd=place / "work",
        env=environment,
        capture_output=True,
        check=False,
    )
    planted = json.loads((place / "planted.json").read_text())
    paths = [*(place / "work").rglob("*"), *_last(place / "removed")]
    files = {str(p.relative_to(place)): found(p.read_bytes()) for p in paths if p.is_file()}
    files |= {"stdout": found(done.stdout), "stderr": found(done.stderr)}
    assert done.returncode in (3, 4), done.stderr.decode()[-2000:]
    members = {int(number): member for number, member in planted.items()}
    return Left(members, files)


def test_secrets_are_nowhere(left: Left) -> None:
    assert left.named("", SECRET) == {}


def test_persons_are_in_the_snapshot_alone(left: Left) -> None:
    elsewhere: dict[str, list[str]] = {}
    for member, files in left.named("", PERSON).items():
        told = [file for file in files if "/snapshot/" not in file]
        if told and member not in CLEAR:
            elsewhere[member] = told
    assert elsewhere == {}


def _last(folder: Path) -> list[Path]:
    """Removed files; of a notebook, which grows with each cell, the last version alone."""
    longest: dict[str, Path] = {}
    for path in folder.iterdir():
        name = path.name.split("-", 2)[2]
        key = name if name.endswith(".ipynb") else path.name
        known = longest.setdefault(key, path)
        longest[key] = max(known, path, key=lambda one: one.stat().st_size)
    return list(longest.values())


def test_what_is_declared_as_clear_is_so(left: Left) -> None:
    """A member that has no canary in any pack needs no exception."""
    if left.members and any("LookupEvents Events" in member for member in left.members.values()):
        packed = left.named("work/outputs", PERSON)
        shown = {m for m, files in packed.items() if any("/pack/" in file for file in files)}
        assert set(CLEAR) <= shown


def test_a_canary_was_in_every_text_that_a_call_can_answer_with(left: Left) -> None:
    stored = left.named("work/outputs", PERSON)
    if any(member.endswith("error message") for member in left.members.values()):
        assert len(stored) > 40
        return
    missing = [
        f"{call.name} {path}"
        for call in CALLS.values()
        for path in strings(output_shape(call))
        if f"{call.name} {path}" not in set(left.members.values())
        and f"{call.name} {path}" not in CHOSEN
    ]
    assert missing == []
    assert len(stored) > 300
    assert any(file.endswith("evidence.pdf") for file in left.files)
    assert any(file.startswith("removed/") and file.endswith(".ipynb") for file in left.files)


HIDDEN = f"{SECRET}0042 {PERSON}0042"


def _pdf(text: str) -> bytes:
    file = pikepdf.new()
    file.add_blank_page().Contents = file.make_stream(text.encode())
    made = io.BytesIO()
    file.save(made, compress_streams=True)
    return made.getvalue()


def _zip(content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("member.xml", content)
    return made.getvalue()


def _parquet(text: str) -> bytes:
    made = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"column": [text]}), made)
    return made.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        HIDDEN.encode(),
        HIDDEN.upper().encode(),
        HIDDEN.encode("utf-16-le"),
        HIDDEN.encode("utf-16"),
        *(b"x " + base64.b64encode(b"." * n + HIDDEN.encode()) for n in range(3)),
        *(b"abc" + base64.urlsafe_b64encode(b"." * n + HIDDEN.encode()) for n in range(3)),
        base64.b64encode(base64.b64encode(b"." * 3_000 + HIDDEN.encode())),
        HIDDEN.encode().hex().encode(),
        HIDDEN.encode().hex().upper().encode(),
        "".join(f"%{ord(char):02x}" for char in HIDDEN).encode(),
        "".join(f"\\u{ord(char):04x}" for char in HIDDEN).encode(),
        "".join(f"&#{ord(char)};" for char in HIDDEN).encode(),
        HIDDEN.replace("q", "q<wbr>").encode(),
        HIDDEN.replace("n", "n\n").encode(),
        gzip.compress(HIDDEN.encode()),
        _zip(HIDDEN.encode()),
        _zip(_pdf(HIDDEN)),
        _pdf(HIDDEN),
        _parquet(HIDDEN),
    ],
)
def test_the_search_finds_what_is_hidden(data: bytes) -> None:
    assert {word for word, _ in found(data)} == {SECRET, PERSON}


def test_the_search_finds_nothing_where_nothing_is() -> None:
    for data in (b"", b"zqpers on", _pdf("nothing"), os.urandom(100_000).hex().encode()):
        assert found(data) == set()
