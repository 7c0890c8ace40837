"""What was asked of an account: a pack that is there is kept only where it is still the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kit.parameters import Run, load_profile, load_waivers
from kit.snapshot import digest

# How an account is entered and where things lie does not decide what its pack says.
_NOT_SAID = {"aws_profile", "external_id", "outputs", "role_arn", "session_tags"}
_LONGEST = 60


def asked(run: Run, key: str) -> dict[str, Any]:
    """Return what decides over a pack, thresholds and waivers as their files have them now.

    Parameters
    ----------
    run : Run
    key : str
        Fingerprint of the key of the labels.
    """
    profile, waivers = load_profile(run.thresholds), load_waivers(run.waivers)
    return _said(run, profile.model_dump(), [one.model_dump() for one in waivers], key)


def asked_then(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same of a snapshot, from its header."""
    run = Run.model_validate(header["parameters"])
    return _said(run, header["profile"], header["waivers"], header["pseudonym_key"])


def digest_of(said: Mapping[str, Any]) -> str:
    """SHA-256 of all of it, which gives nothing of it away."""
    return digest(said)


def change(then: Any, now: Any, field: str = "") -> str:
    """Tell the first field that differs, with what it was and is; empty where none does."""
    if then == now:
        return ""
    if isinstance(then, dict) and isinstance(now, dict):
        for name in dict.fromkeys((*then, *now)):
            told = change(then.get(name), now.get(name), f"{field}.{name}" if field else name)
            if told:
                return told
    return f"{field} was {_short(then)} and is {_short(now)}"


def _said(run: Run, profile: Any, waivers: Any, key: str) -> dict[str, Any]:
    fields = {name: value for name, value in run.model_dump().items() if name not in _NOT_SAID}
    said = {**fields, "thresholds": profile, "waivers": waivers, "pseudonym_key": key}
    return dict(json.loads(json.dumps(said)))


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
