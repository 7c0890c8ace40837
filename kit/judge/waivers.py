"""Waivers: fails that somebody accepts until a day."""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import replace

from kit.catalogue.statuses import ACCEPTED, FAIL
from kit.judge.findings import Finding
from kit.parameters import Waiver


def apply_waivers(
    findings: Sequence[Finding], waivers: Iterable[Waiver], as_of: dt.datetime
) -> tuple[list[Finding], list[Waiver]]:
    """Change the status of fails that a waiver names to "accepted".

    Parameters
    ----------
    findings : sequence of Finding
    waivers : iterable of Waiver
        ``resource`` is a shell pattern over labels. A waiver applies up to and including the
        day on which it expires.
    as_of : datetime
        When collection began, UTC: its day decides whether a waiver has expired.

    Returns
    -------
    findings, unused : list of Finding, list of Waiver
        ``unused`` are waivers that have expired or match no fail.
    """
    changed, unused = list(findings), []
    for waiver in waivers:
        applied = False
        if not has_expired(waiver, as_of):
            for n, finding in enumerate(changed):
                if (
                    finding.status == FAIL
                    and finding.control == waiver.control
                    and fnmatch.fnmatchcase(finding.resource, waiver.resource)
                ):
                    changed[n] = replace(finding, status=ACCEPTED, reason=accepted_for(waiver))
                    applied = True
        if not applied:
            unused.append(waiver)
    return changed, unused


def accepted_for(waiver: Waiver) -> str:
    """Return the reason code of a finding that a waiver accepts."""
    return f"{waiver.reason} ({waiver.owner}, until {waiver.expires})"


def has_expired(waiver: Waiver, as_of: dt.datetime) -> bool:
    """Return whether a waiver's last day is over."""
    return dt.date.fromisoformat(waiver.expires) < as_of.date()
