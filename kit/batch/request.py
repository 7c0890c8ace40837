"""The request behind a pack: an existing pack is kept only where the request is the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kit.bag import sha256
from kit.bounds import FOLLOW_UP, read_file
from kit.errors import UserError
from kit.parameters import Run, load_profile, load_waivers
from kit.snapshot import digest

# How the kit signs in and where it writes decide nothing in a pack.
_NOT_COMPARED = {"aws_profile", "external_id", "outputs", "role_arn", "session_tags"}
_LONGEST = 60


def request_of(run: Run, key: str) -> dict[str, Any]:
    """Return what decides the content of a pack, with the current thresholds and waivers.

    Parameters
    ----------
    run : Run
    key : str
        Fingerprint of the key of the labels.
    """
    profile, waivers = load_profile(run.thresholds), load_waivers(run.waivers)
    given = [waiver.model_dump() for waiver in waivers]
    return _request(run, profile.model_dump(), given, key, _follow_up_of(run))


def request_of_snapshot(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request of a snapshot, from its header."""
    run = Run.model_validate(header["parameters"])
    follow_up = (header.get("follow_up") or {}).get("sha256", "")
    return _request(run, header["profile"], header["waivers"], header["pseudonym_key"], follow_up)


def digest_of(request: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a request, which discloses none of its fields."""
    return digest(request)


def first_difference(then: Any, now: Any, field: str = "") -> str:
    """Return the first field that differs, with both values; empty where none differs."""
    if then == now:
        return ""
    if isinstance(then, dict) and isinstance(now, dict):
        for name in dict.fromkeys((*then, *now)):
            path = f"{field}.{name}" if field else name
            difference = first_difference(then.get(name), now.get(name), path)
            if difference:
                return difference
    return f"{field} was {_short(then)} and is {_short(now)}"


def _follow_up_of(run: Run) -> str:
    """Return the SHA-256 of the follow-up that a run names; empty for none."""
    if not run.follow_up:
        return ""
    try:
        return sha256(read_file(Path(run.follow_up), FOLLOW_UP))
    except OSError as error:
        raise UserError(f"follow_up: {run.follow_up}: cannot be read ({error.strerror})") from None


def _request(run: Run, profile: Any, waivers: Any, key: str, follow_up: str) -> dict[str, Any]:
    fields = {name: value for name, value in run.model_dump().items() if name not in _NOT_COMPARED}
    request = {**fields, "thresholds": profile, "waivers": waivers, "pseudonym_key": key}
    request |= {"follow_up_sha256": follow_up} if follow_up else {}
    return dict(json.loads(json.dumps(request)))


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
