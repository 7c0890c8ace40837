"""Outputs: whole or not at all, on the disk before they have their name, locked while they are made."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kit import outputs
from kit.errors import CannotRunError
from kit.outputs import LOCK, discard, new_file, new_folder, scratch, write_file

Flushed = dict[int, int]  # inode, and how many bytes it had when it was flushed last


@pytest.fixture
def at_rename(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Flushed]]:
    """What was flushed before each rename, and after the last."""
    flushed: Flushed = {}
    states: list[Flushed] = []
    fsync, rename = os.fsync, Path.rename

    def flush(descriptor: int) -> None:
        fsync(descriptor)
        stat = os.fstat(descriptor)
        flushed[stat.st_ino] = stat.st_size

    def move(self: Path, to: Any) -> Path:
        states.append(dict(flushed))
        flushed.clear()
        return rename(self, to)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(Path, "rename", move)
    yield states
    states.append(flushed)


def test_a_folder_is_flushed_whole_before_its_name_and_the_name_after(
    tmp_path: Path, at_rename: list[Flushed]
) -> None:
    place = tmp_path / "account" / "run" / "pack"
    with new_folder(place) as made:
        (made / "data" / "evidence").mkdir(parents=True)
        (made / "data" / "evidence" / "E0001.json").write_bytes(b"{}")
        (made / "bagit.txt").write_bytes(b"BagIt")
    (before,) = at_rename
    for path in (place, *place.rglob("*")):
        assert path.stat().st_ino in before, path
        if path.is_file():
            assert before[path.stat().st_ino] == path.stat().st_size
    # The names of the new parents come to the disk as well.
    assert {p.stat().st_ino for p in (tmp_path, tmp_path / "account")} <= before.keys()


def test_a_file_is_flushed_before_its_name(tmp_path: Path, at_rename: list[Flushed]) -> None:
    write_file(tmp_path / "complete.json", b"{}")
    (before,) = at_rename
    assert before[(tmp_path / "complete.json").stat().st_ino] == 2


def test_the_folder_of_a_new_name_is_flushed_after_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[set[str]] = []
    flush = outputs.flush

    def watch(path: Path) -> None:
        flush(path)
        if path == tmp_path:
            listed.append(set(os.listdir(path)))

    monkeypatch.setattr(outputs, "flush", watch)
    with new_folder(tmp_path / "pack"):
        pass
    write_file(tmp_path / "complete.json", b"{}")
    assert [{"pack"} <= listed[0], {"complete.json"} <= listed[1]] == [True, True]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, OSError])
def test_what_ends_in_an_error_leaves_nothing(error: type[BaseException], tmp_path: Path) -> None:
    def fail(made: Any) -> None:
        if isinstance(made, Path):
            (made / "half").touch()
        else:
            made.write(b"half")
        raise error

    with pytest.raises(error), new_folder(tmp_path / "pack") as made:
        fail(made)
    with pytest.raises((error, CannotRunError)), new_file(tmp_path / "complete.json") as file:
        fail(file)
    with pytest.raises(error), scratch() as folder:
        fail(folder)
    assert list(tmp_path.iterdir()) == []
    assert not folder.exists()


def test_a_file_stays_as_it_was_where_its_successor_fails(tmp_path: Path) -> None:
    path = tmp_path / "findings.csv"
    write_file(path, b"before")
    with pytest.raises(TypeError), new_file(path) as file:
        file.writelines([b"after", None])  # type: ignore[list-item]
    assert path.read_bytes() == b"before"
    with pytest.raises(FileExistsError):
        write_file(path, b"after", replace=False)
    assert path.read_bytes() == b"before"
    write_file(path, b"after")
    assert path.read_bytes() == b"after"
    assert os.listdir(tmp_path) == ["findings.csv"]


def test_an_error_of_what_is_read_is_not_one_of_the_output(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), new_file(tmp_path / "findings.csv") as file:
        file.write((tmp_path / "none").read_bytes())


def test_a_discarded_folder_loses_its_name_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pack" / "data").mkdir(parents=True)
    monkeypatch.setattr(outputs, "_remove", lambda *_: os.kill(os.getpid(), 0))  # removes nothing
    discard(tmp_path / "pack")
    assert not (tmp_path / "pack").exists()
    discard(tmp_path / "pack")  # there is none


@pytest.mark.parametrize("make", [new_folder, new_file])
def test_a_lock_is_held_while_an_output_is_made(
    make: Callable[[Path], Any], tmp_path: Path
) -> None:
    with make(tmp_path / "pack"):
        (space,) = tmp_path.iterdir()
        assert space.stat().st_mode & 0o777 == 0o700
        with (space / LOCK).open() as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)


def test_no_child_inherits_the_lock() -> None:
    with scratch() as folder:
        held = [
            int(name)
            for name in os.listdir("/dev/fd")
            if os.path.realpath(f"/dev/fd/{name}") == str(folder / LOCK)
        ]
        assert [os.get_inheritable(descriptor) for descriptor in held] == [False]


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with (
        pytest.raises(CannotRunError, match=r"pack cannot be written \(the disk is full: no "),
        new_folder(tmp_path / "pack"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_named_temporary_folder_is_taken_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    with pytest.raises(CannotRunError, match=r"TMPDIR: .*none cannot be written"), scratch():
        pass
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with scratch() as folder:
        assert folder.parent == tmp_path


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_library_that_fills_the_temporary_folder_is_reported_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with pytest.raises(CannotRunError, match=f"TMPDIR: {tmp_path} cannot be written"), scratch():
        raise OSError(number, os.strerror(number))  # of a file that is open, and has no path
    with pytest.raises(OSError, match="elsewhere"), scratch():
        raise OSError(number, os.strerror(number), "elsewhere")
    assert list(tmp_path.iterdir()) == []
