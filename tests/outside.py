"""What the collector sent at the wire that the policy of ``evidence policy`` does not allow.

Every sandbox, of whatever process, writes a line for each request; `tests.conftest` compares the
lines after every test.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

# Who the collector is needs no permission; the shell's credentials assume the role.
BESIDE = {"sts:GetCallerIdentity", "sts:AssumeRole"}
_COLLECTOR = re.compile(r"(^|\s)appstream-evidence-kit/")


class Log:
    """The file with the sandboxes' lines; each line is read once."""

    def __init__(self, path: Path):
        self.path = path
        self._read = 0

    def outside(self) -> list[str]:
        """Return the actions of the collector's new requests that the policy does not allow."""
        if not self.path.exists() or self.path.stat().st_size == self._read:
            return []
        with self.path.open() as file:
            file.seek(self._read)
            lines = [line for line in file if line.endswith("\n")]
        self._read += sum(len(line.encode()) for line in lines)
        requests = [json.loads(line) for line in lines]
        sent = {each["action"] for each in requests if _COLLECTOR.search(each["agent"])}
        return sorted(sent - _allowed()) if sent else []


def _allowed() -> set[str]:
    from kit.calls import CALLS
    from kit.collect.members import Discover
    from kit.collect.policy import policy

    statements = policy(CALLS.values())["Statement"]
    units, tags = Discover(units=["r-all"], tags={"all": ""}), Discover()
    listing = {action for each in (units, tags) for action in each.actions}
    return {action for each in statements for action in each["Action"]} | listing | BESIDE
