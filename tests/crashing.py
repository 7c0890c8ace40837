"""Commands that are killed at a chosen step of the file system, or run out of something.

A step is what a process does below some folders: it opens a file to write, makes, renames, links or
removes. An audit hook in every Python process of the command counts the steps; at the chosen one it
sends SIGKILL, which no process can catch.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kit.batch.ledger import DONE, RUNNING, read_ledger
from kit.errors import UserError
from kit.leftovers import find, remove
from kit.snapshot import read
from kit.verify import verify
from tests.commands import evidence
from tests.inprocess import without_kernel
from tests.limits import limited

EVIDENCE = Path(sys.executable).parent / "evidence"
_HOOK = """
import os, signal, sys
_AT, _LOG, _UNDER = os.environ["CRASH_AT"], os.environ["CRASH_LOG"], os.environ["CRASH_UNDER"]
_GROUP = os.environ.setdefault("CRASH_GROUP", str(os.getpid()))
_STEPS = {"os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir"}
_busy = False

def _step(event, args):
    global _busy
    if _busy or not (event in _STEPS or event == "open" and args[2] & (os.O_RDWR | os.O_WRONLY)):
        return
    if not isinstance(args[0], (str, os.PathLike)):
        return
    _busy = True
    try:
        folder = args[-1] if event in _STEPS and isinstance(args[-1], int) and args[-1] >= 0 else None
        place = os.readlink(f"/proc/self/fd/{folder}") if folder is not None else os.getcwd()
        path = os.path.join(place, os.fspath(args[0]))
        if not path.startswith(_UNDER):
            return
        log = os.open(_LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(log, f"{event} {path}".encode()[:199].ljust(199) + b"\\n")
        number = os.lseek(log, 0, os.SEEK_CUR) // 200
        os.close(log)
        if str(number) == _AT or not _AT.isdigit() and _AT in f"{event} {path}":
            if os.environ["CRASH_WHOLE"]:
                os.killpg(int(_GROUP), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
    finally:
        _busy = False

sys.addaudithook(_step)
"""


@dataclass
class Desk:
    """A folder from which commands are started, with outputs, temporary files and keys of its own.

    Parameters
    ----------
    folder : Path
    environment : mapping
        Of the account that is collected.
    here : bool
        Whether commands run in this process, without a kernel; those that are killed or have limits
        run in their own all the same.
    """

    folder: Path
    environment: Mapping[str, str]
    here: bool = False
    steps: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("tmp", "hook", "config"):
            (self.folder / name).mkdir(exist_ok=True)
        (self.folder / "hook" / "sitecustomize.py").write_text(_HOOK)

    @property
    def outputs(self) -> Path:
        """Where outputs lie."""
        return self.folder / "outputs"

    def run(
        self,
        *arguments: str | Path,
        at: int | str = "",
        whole: bool = False,
        limits: Mapping[int, int] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the kit.

        Parameters
        ----------
        *arguments
        at : int or str
            The number of the step at which it is killed, or a part of what the step does, such as
            ``os.rename`` or a name; with 0 the steps are recorded alone.
        whole : bool
            Whether all of its processes are killed, or the one that is at this step.
        limits : mapping of int to int, optional
            Limits of the process, such as ``{resource.RLIMIT_NOFILE: 64}``.
        """
        log = self.folder / "steps"
        log.unlink(missing_ok=True)
        environment = {
            **os.environ,
            **self.environment,
            "TMPDIR": str(self.folder / "tmp"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
        }
        if self.here and at == "" and not limits:
            with without_kernel():
                ended = evidence(*arguments, cwd=self.folder, environment=environment)
            return subprocess.CompletedProcess(
                arguments, ended.returncode, ended.stdout, ended.stderr
            )
        if at != "":
            paths = (str(self.folder / "hook"), os.environ.get("PYTHONPATH", ""))
            environment |= {
                "PYTHONPATH": os.pathsep.join(filter(None, paths)),
                "CRASH_AT": str(at),
                "CRASH_LOG": str(log),
                "CRASH_UNDER": str(self.folder),
                "CRASH_WHOLE": "yes" if whole else "",
            }

        process = subprocess.Popen(
            [str(EVIDENCE), *map(str, arguments)],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **(limited(environment, limits) if limits else {"env": environment}),
        )
        try:
            out, err = process.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        _wait_for_helpers(str(log))
        if log.exists():
            content = log.read_text()
            self.steps = [content[n : n + 199].rstrip() for n in range(0, len(content), 200)]
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def untrue(self) -> list[str]:
        """Return what looks finished and is not."""
        wrong = []
        for path in self.outputs.rglob("*"):
            if any(part.startswith(".") for part in path.relative_to(self.outputs).parts):
                continue
            try:
                if path.name == "snapshot" and path.is_dir():
                    read(path)
                elif path.name == "pack" and path.is_dir():
                    wrong += [check.line for check in verify(path) if not check.ok]
                elif path.name == "complete.json":
                    json.loads(path.read_bytes())
                    wrong += [] if (path.parent / "pack").is_dir() else [f"{path}: without a pack"]
                elif path.name == "ledger.jsonl":
                    wrong += self._untrue_of(path)
            except (UserError, ValueError, OSError) as error:
                wrong.append(f"{path}: {error}")
        return wrong

    def _untrue_of(self, ledger: Path) -> list[str]:
        states = read_ledger(ledger)
        return [
            f"{account}: {facts['state']}"
            for account, facts in states.items()
            if facts["state"] == RUNNING
            or (
                facts["state"] == DONE
                and not (self.outputs / account / ledger.parent.name / "complete.json").exists()
            )
        ]

    def left(self) -> bool:
        """Whether a killed process left something of which the next start has to speak."""
        with _as_set({"TMPDIR": self.folder / "tmp", "XDG_CONFIG_HOME": self.folder / "config"}):
            return any(one.size and not one.held for one in find([self.outputs]))

    def clean(self) -> list[str]:
        """Remove what is left; return what stays of it."""
        with _as_set({"TMPDIR": self.folder / "tmp", "XDG_CONFIG_HOME": self.folder / "config"}):
            remove(find([self.outputs]), [self.outputs])
        places = [self.outputs, self.folder / "tmp", self.folder / "config"]
        return [
            str(path)
            for place in places
            for path in place.rglob("*")
            if path.name.startswith((".", "evidence-"))
        ]


class _as_set:  # noqa: N801 - used like a function
    def __init__(self, variables: Mapping[str, Path]):
        self._set, self._before = variables, {name: os.environ.get(name) for name in variables}

    def __enter__(self) -> None:
        os.environ.update({name: str(value) for name, value in self._set.items()})

    def __exit__(self, *_: Any) -> None:
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def killed(
    desk: Desk,
    arguments: Sequence[str | Path],
    at: int | str,
    *,
    whole: bool,
    again: bool = True,
) -> list[str]:
    """Kill a command at a step; return which promises do not hold.

    A command that outlives one of its processes completes, or ends with a line: Dask replaces a
    worker, but not one that is still starting.
    """
    done = desk.run(*arguments, at=at, whole=whole)
    wrong = desk.untrue()
    outlives = not whole and (
        done.returncode in (0, 3, 4)
        or (done.returncode == 1 and len(done.stderr.splitlines()) == 1)
    )
    if done.returncode != -signal.SIGKILL and not outlives:
        return [*wrong, f"it was not killed: {done.returncode}, {done.stderr}"]
    return wrong + (starts_again(desk, arguments) if again else [])


def starts_again(desk: Desk, arguments: Sequence[str | Path]) -> list[str]:
    """Start a command after one that was killed or failed; return what is not as promised."""
    left = desk.left()
    done = desk.run(*arguments)
    wrong = desk.untrue()
    if done.returncode not in (0, 3, 4):
        wrong.append(f"the next start does not complete: {done.returncode}, {done.stderr}")
    lines = done.stderr.splitlines()
    if ["evidence clean" in line for line in lines] != [True] * left:
        wrong.append(f"the next start does not name what is left: {lines}")
    return wrong + [f"{path} stays" for path in desk.clean()]


def fails(
    desk: Desk, arguments: Sequence[str | Path], limits: Mapping[int, int] | None, *words: str
) -> list[str]:
    """Run a command that runs out of something; return which promises do not hold."""
    done = desk.run(*arguments, limits=limits)
    wrong = desk.untrue()
    text = done.stderr + (done.stdout if "batch" in arguments else "")
    if done.returncode != 1:
        return [*wrong, f"exit code {done.returncode}: {text}"]
    if len(done.stderr.splitlines()) > 1 or "Traceback" in text:
        wrong.append(f"more than a line: {text}")
    if not any(word in text for word in words):
        wrong.append(f"nothing of {words}: {text}")
    return wrong + [f"{path} stays" for path in desk.clean()]


def on_small_disks(
    desk: Desk,
    arguments: Sequence[str | Path],
    place: str,
    sizes: Sequence[int],
    *,
    again: bool = True,
    here: bool = False,
) -> list[list[str]] | None:
    """Run a command with a disk of each size at a folder; return which promises do not hold.

    With ``again`` it starts once more after each, with space; with ``here`` each start is one in the
    process that mounts the disk.

    Returns
    -------
    list of list of str or None
        None where this machine lets nobody mount.
    """
    alone = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    task = {
        "folder": str(desk.folder),
        "environment": dict(desk.environment),
        "arguments": [str(argument) for argument in arguments],
        "place": place,
        "sizes": list(sizes),
        "again": again,
        "here": here,
    }
    try:
        done = subprocess.run(
            [*alone, sys.executable, "-m", __name__, json.dumps(task)],
            env={**os.environ, "TMPDIR": str(desk.folder / "tmp")},
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        return None
    if done.returncode:
        return None
    result: list[list[str]] = json.loads(done.stdout.splitlines()[-1])
    return result


def _on_small_disks(
    folder: str,
    environment: dict[str, str],
    arguments: list[str],
    place: str,
    sizes: list[int],
    again: bool,
    here: bool,
) -> list[list[str]]:
    desk = Desk(Path(folder), environment, here)
    target = desk.folder / place
    target.mkdir(exist_ok=True)
    results = []
    for size in sizes:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(target)]
        subprocess.run(mount, check=True)
        try:
            done = desk.run(*arguments)
            wrong = desk.untrue()
            text = done.stderr + (done.stdout if "batch" in arguments else "")
            if done.returncode in (0, 3, 4):
                results.append([*wrong, *[f"{path} stays" for path in desk.clean()]])
                continue
            if done.returncode != 1 or len(done.stderr.splitlines()) > 1 or "Traceback" in text:
                wrong.append(f"{size}: {done.returncode}: {text}")
            if "the disk is full" not in text or str(target) not in text:
                wrong.append(f"{size}: does not name what is full and where: {text}")
            subprocess.run(["mount", "-o", "remount,size=64m", str(target)], check=True)
            stays = [f"{path} stays" for path in desk.clean()] if not again else []
            results.append(wrong + (starts_again(desk, arguments) if again else stays))
        finally:
            subprocess.run(["umount", str(target)], check=True)
    return results


def _wait_for_helpers(mark: str) -> None:
    """Wait until no process of a killed command is there: they notice within seconds."""
    wanted = f"CRASH_LOG={mark}".encode()
    end = time.monotonic() + 60
    while time.monotonic() < end and any(map(_holds(wanted), Path("/proc").glob("[0-9]*/environ"))):
        time.sleep(0.05)


def _holds(wanted: bytes) -> Callable[[Path], bool]:
    def holds(path: Path) -> bool:
        try:
            return wanted in path.read_bytes().split(b"\0")
        except OSError:
            return False

    return holds


if __name__ == "__main__":
    print(json.dumps(_on_small_disks(**json.loads(sys.argv[1]))))
