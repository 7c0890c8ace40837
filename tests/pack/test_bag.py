"""A bag is RFC 8493's, checked by plain tools, and the same whatever surrounds its making."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import bagit
import pytest

from kit.bag import write_bag
from kit.errors import CannotRunError

AS_OF = dt.datetime(2026, 11, 24, 9, 30, tzinfo=dt.UTC)
FILES = {"evidence.pdf": b"%PDF", "findings.csv": b"a\r\n", "evidence/E0001.json": b"{}"}
INFO = {"Account": "123456789012", "Stamp": "NOT AWS:\n made against http://127.0.0.1"}


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    folder = tmp_path / "outputs" / "pack"
    write_bag(folder, iter(FILES.items()), INFO, AS_OF)
    return folder


def sha256sum(bag: Path, manifest: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sha256sum", "--strict", "-c", manifest], cwd=bag, capture_output=True, text=True
    )


@pytest.mark.parametrize("manifest", ["manifest-sha256.txt", "tagmanifest-sha256.txt"])
def test_sha256sum_accepts_both_manifests(bag: Path, manifest: str) -> None:
    done = sha256sum(bag, manifest)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": OK") == 3


def test_every_file_is_listed_where_it_belongs(bag: Path) -> None:
    def listed(manifest: str) -> list[str]:
        return [line.split("  ", 1)[1] for line in (bag / manifest).read_text().splitlines()]

    assert listed("manifest-sha256.txt") == [f"data/{name}" for name in sorted(FILES)]
    assert listed("tagmanifest-sha256.txt") == ["bag-info.txt", "bagit.txt", "manifest-sha256.txt"]
    assert {name: (bag / "data" / name).read_bytes() for name in FILES} == FILES
    on_disk = {str(path.relative_to(bag)) for path in bag.rglob("*") if path.is_file()}
    both = {*listed("manifest-sha256.txt"), *listed("tagmanifest-sha256.txt")}
    assert on_disk - both == {"tagmanifest-sha256.txt"}


def test_the_library_reads_what_it_says_of_itself(bag: Path) -> None:
    read = bagit.Bag(str(bag))
    assert read.validate()
    assert read.version_info == (1, 0)
    assert read.info == {
        "Account": "123456789012",
        "Bagging-Date": "2026-11-24",
        "Payload-Oxum": "9.3",
        "Stamp": "NOT AWS: made against http://127.0.0.1",
    }


@pytest.mark.parametrize("name", ["data/findings.csv", "bag-info.txt", "manifest-sha256.txt"])
def test_a_changed_byte_is_seen_by_sha256sum_and_by_the_library(bag: Path, name: str) -> None:
    content = bytearray((bag / name).read_bytes())
    content[0] ^= 1
    (bag / name).write_bytes(content)
    manifest = "manifest-sha256.txt" if name.startswith("data/") else "tagmanifest-sha256.txt"
    assert f"{name}: FAILED" in sha256sum(bag, manifest).stdout
    assert not bagit.Bag(str(bag)).is_valid()


_WRITE = f"""
import sys, datetime as dt
from pathlib import Path
from typing import BinaryIO
from kit.bag import write_bag
as_of = dt.datetime.fromisoformat({AS_OF.isoformat()!r})
write_bag(Path(sys.argv[1]) / "pack", iter({FILES!r}.items()), {INFO!r}, as_of)
"""


def test_umask_time_zone_and_hash_seed_change_nothing(tmp_path: Path) -> None:
    states = []
    for umask, zone, seed in ((0o077, "Pacific/Auckland", "1"), (0o000, "America/Lima", "2")):
        folder = tmp_path / zone.replace("/", "-")
        environment = {**os.environ, "TZ": zone, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", _WRITE, str(folder)]
        subprocess.run(command, check=True, env=environment, umask=umask)
        states.append(
            [
                (
                    str(path.relative_to(folder)),
                    path.stat().st_mode,
                    path.stat().st_mtime_ns,
                    path.read_bytes() if path.is_file() else None,
                )
                for path in sorted((folder / "pack", *(folder / "pack").rglob("*")))
            ]
        )
    assert states[0] == states[1]
    assert {mtime for _, _, mtime, _ in states[0]} == {int(AS_OF.timestamp()) * 10**9}


def test_a_pack_with_names_in_clear_is_its_owners_alone(tmp_path: Path) -> None:
    write_bag(tmp_path / "pack", iter(FILES.items()), INFO, AS_OF, private=True)
    modes = {p.stat().st_mode & 0o077 for p in (tmp_path / "pack", *(tmp_path / "pack").rglob("*"))}
    assert modes == {0}


def test_what_its_manifests_cannot_list_is_added_last(tmp_path: Path) -> None:
    def sign(bag: Path) -> None:
        tags = (bag / "tagmanifest-sha256.txt").read_bytes()
        (bag / "tagmanifest-sha256.txt.p7s").write_bytes(tags[::-1])

    write_bag(tmp_path / "pack", iter(FILES.items()), INFO, AS_OF, finish=sign)
    assert (tmp_path / "pack" / "tagmanifest-sha256.txt.p7s").exists()
    assert bagit.Bag(str(tmp_path / "pack")).is_valid()


def test_a_file_that_reads_back_otherwise_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.bag.hashlib.file_digest", lambda *_: hashlib.sha256(b"other"))
    expected = r"/pack cannot be written \(evidence.pdf differs from what was written\)$"
    with pytest.raises(CannotRunError, match=expected):
        write_bag(tmp_path / "pack", FILES.items(), INFO, AS_OF)
    assert list(tmp_path.iterdir()) == []


def test_a_name_is_written_once(tmp_path: Path) -> None:
    files = [("a.json", b"the first"), ("a.json", b"other")]
    with pytest.raises(CannotRunError, match=r"/pack cannot be written \(File exists\)$"):
        write_bag(tmp_path / "pack", files, INFO, AS_OF)
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    def files() -> Iterator[tuple[str, bytes]]:
        yield "findings.csv", b""
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_bag(tmp_path / "pack", files(), INFO, AS_OF)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_write_closes_what_makes_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def files() -> Iterator[tuple[str, bytes]]:
        with (tmp_path / "open").open("wb") as file:
            opened.append(file)
            yield "findings.csv", b""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    opened: list[BinaryIO] = []
    monkeypatch.setattr("kit.bag._write", interrupted)
    with pytest.raises(KeyboardInterrupt) as stop:
        write_bag(tmp_path / "pack", files(), INFO, AS_OF)
    assert opened[0].closed
    del stop  # its traceback holds the generator until here


def test_a_place_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    with pytest.raises(CannotRunError, match="outputs: /proc/pack cannot be written"):
        write_bag(Path("/proc/pack"), iter(FILES.items()), INFO, AS_OF)


def test_a_pack_that_came_there_meanwhile_is_not_replaced(bag: Path) -> None:
    shutil.copytree(bag, bag.with_name("copy"))
    with pytest.raises(CannotRunError, match="cannot be written"):
        write_bag(bag, iter(FILES.items()), INFO, AS_OF)
    assert sorted(path.name for path in bag.parent.iterdir()) == ["copy", "pack"]
