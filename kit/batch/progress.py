"""The progress of a batch, for a person or for a machine."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from typing import IO, Any, Literal

from tqdm import tqdm

from kit.batch.ledger import DONE, FAILED, FINAL, NOT_ENTERED, RUNNING

Form = Literal["bar", "json", "none"]


class Progress:
    """Counts accounts and shows the counts.

    Parameters
    ----------
    expected : int
    form : {"bar", "json", "none"}
        A bar on standard error, a line of JSON for each change, or nothing.
    """

    def __init__(self, expected: int, form: Form, file: IO[str] | None = None):
        self._expected = expected
        self._json = form == "json"
        self._file = file or sys.stderr
        self._began = time.monotonic()
        self._running: set[str] = set()
        self._final: Counter[str] = Counter()
        self._made = 0
        self._bar = tqdm(
            total=expected,
            desc="batch",
            unit=" accounts",
            disable=form != "bar",
            file=self._file,
            bar_format="{desc}: {n}/{total} |{bar}| {elapsed}{postfix}",
        )

    def update(self, account: str, facts: dict[str, Any]) -> None:
        """Count and show the new state of an account."""
        state = str(facts["state"])
        if state == RUNNING:
            self._running.add(account)
        else:
            self._running.discard(account)
        if state in FINAL:
            self._final[state] += 1
            self._made += not facts.get("kept")
            self._bar.update()
        self._bar.set_postfix_str(self._text())
        if self._json:
            line = {"account": account, "state": state, **self.counts()}
            self._file.write(f"{json.dumps(line)}\n")
            self._file.flush()

    def expect_more(self, accounts: int) -> None:
        """Add accounts that the running batch discovered to those expected."""
        self._expected += accounts
        self._bar.total = self._expected
        self._bar.refresh()

    def counts(self) -> dict[str, Any]:
        """Return accounts by state, rate and seconds left; the rate is of packs made, not kept."""
        ended = self._final.total()
        seconds = time.monotonic() - self._began
        a_minute = 60 * self._made / seconds if seconds else 0.0
        left = self._expected - ended
        return {
            "expected": self._expected,
            "done": self._final[DONE],
            "running": len(self._running),
            "not_entered": self._final[NOT_ENTERED],
            "failed": self._final[FAILED],
            "left": left,
            "accounts_a_minute": round(a_minute, 1),
            "seconds_left": round(60 * left / a_minute) if a_minute else None,
        }

    def close(self) -> None:
        """Close the bar; its last state stays on the screen."""
        self._bar.close()

    def _text(self) -> str:
        counts = self.counts()
        parts = [f"{counts['done']} done", f"{counts['running']} running"]
        if counts["not_entered"]:
            parts.append(f"{counts['not_entered']} not entered")
        parts.append(f"{counts['failed']} failed")
        if counts["seconds_left"] is not None:
            parts.append(f"{counts['accounts_a_minute']} a minute")
            minutes, seconds = divmod(counts["seconds_left"], 60)
            parts.append(f"{minutes}:{seconds:02d} left")
        return ", ".join(parts)
