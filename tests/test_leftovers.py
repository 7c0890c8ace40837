"""What killed runs left: named, removed by one command, and never what somebody writes or made."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kit import log, outputs
from kit.cli import main
from kit.leftovers import find, notice
from kit.outputs import LOCK, MARK, new_file, new_folder, scratch


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Outputs, temporary folder and keys of this test alone."""
    for name in ("outputs", "tmp", "config"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


@contextmanager
def killed() -> Iterator[None]:
    """Let outputs be left as after SIGKILL: nothing is removed, and the kernel releases the lock."""
    with pytest.MonkeyPatch.context() as patch, suppress(ZeroDivisionError):
        patch.setattr(outputs, "remove_space", lambda *_: None)
        yield


def leave(place: Path) -> Path:
    with killed(), new_folder(place) as made:
        (made / "data").mkdir()
        (made / "data" / "findings.csv").write_bytes(b"x" * 1_000)
        _ = 1 / 0
    return made.parent


def clean(*arguments: Any) -> Result:
    return CliRunner().invoke(main, ["clean", *map(str, arguments)])


def paths() -> set[str]:
    return {str(path) for path in Path().rglob("*") if not path.is_dir()}


def test_what_is_left_is_named_listed_and_removed(places: Path) -> None:
    run = Path("outputs/123456789012/2026-11-24T090000Z")
    with new_folder(run / "snapshot") as made:
        (made / "snapshot.json").touch()
    whole = paths()
    left = {leave(run / "pack"), leave(run / "snapshot"), leave(run.with_name("2026-Q4"))}
    with killed(), new_file(Path("outputs/batches/q/findings.csv")) as file:
        file.write(b"half")
        _ = 1 / 0
    with killed(), new_file(places / "config/appstream-evidence-kit/a.pseudonym-key") as file:
        file.write(b"half")
        _ = 1 / 0
    with killed(), scratch() as folder:
        (folder / "kernel.json").write_text("{}")
        _ = 1 / 0
    line = notice([Path("outputs")])
    assert line.count("\n") == 0
    assert "and 5 more" in line
    assert "`evidence clean outputs`" in line
    everything = paths()

    listed = clean("--dry-run")
    assert listed.exit_code == 0
    assert paths() == everything
    assert {str(path) for path in left} | {str(folder)} <= {
        line.split("  ")[0] for line in listed.stdout.splitlines()
    }
    assert (
        f"{run}/{next(p for p in left if p.name.startswith('.pack')).name}  unfinished pack, 1."
        in (listed.stdout)
    )
    done = clean()
    assert done.exit_code == 0
    assert done.stdout.splitlines()[:-1] == listed.stdout.splitlines()[:-1]
    assert paths() == whole
    assert notice([Path("outputs")]) == ""
    assert clean().stdout == "removed: 0 (0.0 kB)\n"


def failed(run: Path) -> Path:
    """Leave the log of a run that made nothing."""
    with suppress(ZeroDivisionError), log.command("run"):
        log.keep(run)
        _ = 1 / 0
    return run


def test_a_log_that_a_failed_run_left_alone_is_removed() -> None:
    for run, name in (("1/sealed", "snapshot"), ("1/killed", ".pack.1")):
        (failed(Path("outputs") / run) / name).mkdir()
    stays = paths()
    for place in ("outputs", "outputs/2", "outputs/2/failed"):
        run = failed(Path("outputs/2/failed"))
        assert notice([Path("outputs")]) == ""  # nobody's data lies there
        listed = clean("--dry-run", place).stdout
        assert listed.startswith(f"{run}  log of a run that made nothing else, ")
        assert run.exists()
        assert "removed: 1 " in clean(place).stdout
        assert not run.exists()
        assert Path("outputs/2").exists() == (place != "outputs")
    assert paths() == stays


def test_a_log_stays_that_somebody_writes_or_that_is_not_the_kits(places: Path) -> None:
    with log.command("run"):
        log.keep(Path("outputs/1/begun"))
        assert "in use: stays\nremoved: 0" in clean().stdout
    run = failed(Path("outputs/2/failed"))
    outside = failed(places / "elsewhere" / "4")
    Path("outputs/3").symlink_to(outside.parent)
    for content in ("{}", "[]", "text", ""):
        (run / log.NAME).write_text(content)
        failed(Path("outputs/1/begun"))
        assert "removed: 1 " in clean().stdout
        assert run.exists()
    assert (outside / log.NAME).exists()


def test_a_log_that_is_removed_before_its_lock_is_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flock, calls = log.fcntl.flock, []

    def late(descriptor: int, kind: int) -> None:
        if not calls and kind == log.fcntl.LOCK_SH:
            calls.append(descriptor)
            Path("outputs/1/2", log.NAME).unlink()
            Path("outputs/1/2").rmdir()
        flock(descriptor, kind)

    monkeypatch.setattr(log.fcntl, "flock", late)
    assert failed(Path("outputs/1/2")).joinpath(log.NAME).read_text().startswith("{")
    assert calls


def test_only_places_that_exist_are_advised() -> None:
    leave(Path("outputs/1/2/pack"))
    assert "`evidence clean outputs`" in notice([Path("outputs"), Path("/proc/nothing")])
    with killed(), scratch() as folder:
        (folder / "half").write_bytes(b"x")
        _ = 1 / 0
    assert "`evidence clean` lists" in notice([Path("/proc/nothing")])


def test_what_was_left_beside_a_pack_is_looked_for_nowhere_else(places: Path) -> None:
    leave(places / "projects" / "other" / "pack")
    assert notice([places], deepest=0) == ""
    beside = leave(places / "pack")
    assert str(beside) in notice([places], deepest=0)


def test_a_pack_that_is_sealed_in_the_home_does_not_have_it_searched(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[str] = []
    monkeypatch.setattr("kit.cli._seal", lambda *_, **__: SimpleNamespace(exit_code=0))
    monkeypatch.setattr("kit.cli._print_pack", lambda *_: None)
    monkeypatch.setattr("kit.warm.forked", nullcontext)
    monkeypatch.setattr(
        "kit.leftovers._look", lambda parent, *_: searched.append(str(parent)) or ()
    )
    (places / "projects" / ".pack.01234567").mkdir(parents=True)
    (places / ".pack.01234567").mkdir()
    done = CliRunner().invoke(main, ["seal", "outputs", "--to", str(places / "pack")])
    assert done.exit_code == 0, done.output
    assert searched == [str(places)]


def test_a_mistake_is_reported_without_what_others_left(tmp_path: Path) -> None:
    leave(Path("outputs/1/2/pack"))
    Path("run.yaml").write_text('account: "210987654321"\nregions: [nowhere]\n')
    done = CliRunner().invoke(main, ["run", "run.yaml"])
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("evidence: run.yaml, line 2: regions")


def test_what_somebody_writes_stays() -> None:
    with new_folder(Path("outputs/1/2/pack")) as made, scratch() as folder:
        (made / "half").write_bytes(b"x")
        (folder / "half").write_bytes(b"x")
        assert notice([Path("outputs")]) == ""
        done = clean()
        assert done.stdout.count("in use: stays") == 2
        assert done.stdout.endswith("removed: 0 (0.0 kB)\n")
        assert (made / "half").exists()
        assert (folder / "half").exists()
    assert os.listdir("outputs/1/2") == ["pack"]


def test_a_process_whose_new_folder_is_removed_before_its_lock_makes_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mkdir, made = Path.mkdir, []

    def taken(self: Path, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        mkdir(self, mode, parents, exist_ok)
        if self.name.startswith(".pack.") and not made:
            made.append(self)
            assert notice([Path("outputs")]) == ""
            assert "removed: 1" in clean().stdout

    monkeypatch.setattr(Path, "mkdir", taken)
    with new_folder(Path("outputs/pack")) as folder:
        (folder / "whole").touch()
    assert not made[0].exists()
    assert os.listdir("outputs") == ["pack"]


def test_a_process_whose_lock_is_removed_before_it_holds_it_makes_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flock, calls = outputs.fcntl.flock, []

    def late(descriptor: int, kind: int) -> None:
        if not calls and kind == outputs.fcntl.LOCK_EX:
            calls.append(descriptor)
            assert "removed: 1" in clean().stdout
        flock(descriptor, kind)

    monkeypatch.setattr(outputs.fcntl, "flock", late)
    with new_folder(Path("outputs/pack")) as folder:
        (folder / "whole").touch()
    assert calls
    assert os.listdir("outputs") == ["pack"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda space: (space / LOCK).unlink(),
        lambda space: (space / LOCK).write_bytes(b"of another program"),
        lambda space: (space / LOCK).write_bytes(MARK + b"more"),
        lambda space: ((space / LOCK).unlink(), os.mkfifo(space / LOCK)),
        lambda space: ((space / LOCK).unlink(), (space / LOCK).symlink_to("/etc/hosts")),
        lambda space: space.rename(space.with_name(".pack.12345")),
        lambda space: space.rename(space.with_name("pack.12345678")),
    ],
)
def test_what_the_kit_did_not_make_stays(spoil: Any) -> None:
    spoil(leave(Path("outputs/1/2/pack")))
    before = paths()
    assert clean().stdout == "removed: 0 (0.0 kB)\n"
    assert paths() == before


def test_a_lock_whose_content_did_not_reach_the_disk_is_the_kits() -> None:
    os.truncate(leave(Path("outputs/1/2/pack")) / LOCK, 0)
    assert "removed: 1" in clean().stdout


def test_another_users_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    leave(Path("outputs/1/2/pack"))
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    assert find([Path("outputs")]) == []


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = leave(tmp_path / "elsewhere" / "pack")
    Path("outputs/123456789012").symlink_to(outside.parent)
    Path(f"outputs/{outside.name}").symlink_to(outside)
    space = leave(Path("outputs/1/2/pack"))
    (space / "made" / "out").symlink_to(outside)
    (space / "file").symlink_to(outside / LOCK)
    before = set(outside.rglob("*"))
    assert "removed: 1 " in clean().stdout
    assert set(outside.rglob("*")) == before
    assert not space.exists()
    assert Path(f"outputs/{outside.name}").is_symlink()
    # The folder that the user names may be a link.
    Path("outputs/here").symlink_to("/")
    shutil.move(outside, Path("outputs/1"))
    Path("named").symlink_to("outputs")
    assert "removed: 1 " in clean("named").stdout


def test_what_lies_in_a_pack_or_snapshot_stays() -> None:
    space = leave(Path("outputs/1/2/pack/data/pack"))
    (Path("outputs/1/2/pack") / "bagit.txt").touch()
    assert "removed: 0" in clean().stdout
    assert space.exists()


def test_names_are_shown_as_they_are() -> None:
    leave(Path("outputs/\x1b[2J\u202e/2/pack"))
    assert "\x1b" not in notice([Path("outputs")]) + clean().stdout
