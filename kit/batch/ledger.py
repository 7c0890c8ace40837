"""The ledger of a batch: which accounts are expected, and the result of each.

A file of JSON lines. One process at a time appends to it and never changes a line. Each line is on
the disk before the batch goes on. Where the disk was full or the process was killed, the next
process removes the incomplete last line.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from kit.bounds import STORED, open_file, read_file
from kit.errors import CannotRunError, UserError
from kit.outputs import cannot_write, flush, make_parents
from kit.shortage import describe

DONE, NOT_ENTERED, FAILED = "done", "not entered", "failed"
RUNNING, STOPPED = "running", "stopped"
NOT_REACHED, PASSED_OVER = "not reached", "passed over"
FINAL = (DONE, NOT_ENTERED, FAILED)


class Ledger:
    """An open ledger; a context manager that closes it.

    Parameters
    ----------
    path : Path
        Created if missing, readable by its owner only.

    Raises
    ------
    UserError
        Another process has the ledger open.
    CannotRunError
        The ledger cannot be written.
    """

    def __init__(self, path: Path):
        self.path = path
        self._lock = threading.Lock()
        try:
            make_parents(path)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            flush(path.parent)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            content = read_file(path, STORED)
        except BlockingIOError:
            os.close(self._file)
            raise UserError(f"{path}: another process runs this batch") from None
        except OSError as error:
            raise cannot_write(path, error) from None
        self._size = content.rfind(b"\n") + 1
        self.lines: list[dict[str, Any]] = read_lines(content)
        os.ftruncate(self._file, self._size)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._file)

    def append(self, **facts: Any) -> None:
        """Add a line, whole or not at all.

        Raises
        ------
        CannotRunError
            The disk is full, or fails.
        """
        line = {"at": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"), **facts}
        content = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        with self._lock:
            try:
                written = os.pwrite(self._file, content, self._size)
                if written < len(content):
                    raise OSError(28, "No space left on device")
                os.fsync(self._file)
            except OSError as error:
                os.ftruncate(self._file, self._size)
                raise CannotRunError(
                    f"{self.path}: cannot be written ({describe(error, self.path)}); the ledger "
                    "ends with the line before"
                ) from None
            self._size += len(content)
            self.lines.append(line)

    def expect(self, accounts: Iterable[str], **facts: Any) -> None:
        """Record that the batch starts, and which accounts it expects."""
        self.append(event="begun", accounts=list(accounts), **facts)

    def expect_more(self, accounts: Iterable[str]) -> None:
        """Record accounts that the running batch discovered; they are expected too."""
        self.append(event="discovered", accounts=list(accounts))

    def states(self) -> dict[str, dict[str, Any]]:
        """Return the state of each account; see `states`."""
        return states(self.lines)


def read_ledger(path: Path) -> dict[str, dict[str, Any]]:
    """Read a ledger, also while a batch writes it; see `states`.

    Raises
    ------
    UserError
        The ledger cannot be read.
    """
    try:
        with open_file(path) as file:
            running = _is_held(file.fileno())
            return states(read_lines(file.read(STORED)), running=running)
    except OSError as error:
        raise UserError(f"{path}: the ledger cannot be read ({error.strerror})") from None


def _is_held(descriptor: int) -> bool:
    """Whether a process runs the batch of an open ledger."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False


def read_lines(content: bytes) -> list[dict[str, Any]]:
    """Return the complete lines of a ledger; what follows the last line feed is incomplete."""
    return [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]


def states(
    lines: Iterable[Mapping[str, Any]], *, running: bool = False
) -> dict[str, dict[str, Any]]:
    """Return the latest state of each account that the latest start expects, in its order.

    An account without a final state since that start is ``stopped`` where work on it started
    (``began`` is when), and otherwise ``not reached``. ``why`` is the reason why the work did not
    end, if known. While the batch runs, it is ``running``.

    Parameters
    ----------
    lines : iterable of mapping
    running : bool
        Whether a process runs the batch.
    """
    latest: dict[str, dict[str, Any]] = {}
    for line in lines:
        if line.get("event") == "begun":
            latest = {account: {"state": NOT_REACHED} for account in line["accounts"]}
        elif line.get("event") == "discovered":
            latest |= {account: {"state": NOT_REACHED} for account in line["accounts"]}
        elif line.get("account") in latest:
            entry = latest[line["account"]]
            if line["state"] in FINAL:
                latest[line["account"]] = dict(line)
            elif entry["state"] not in FINAL:
                if line["state"] == RUNNING:
                    entry |= {"state": RUNNING if running else STOPPED, "began": line["at"]}
                else:
                    entry["why"] = line["why"]
    return latest


def count(states: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Count the accounts in each state."""
    return dict(Counter(str(facts["state"]) for facts in states.values()))
