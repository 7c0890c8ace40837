"""The findings: one row for each verdict, the statuses, waivers and digest."""

from __future__ import annotations

import datetime as dt
import fnmatch
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import pandas as pd
import rfc8785

from kit.parameters import Waiver

PASS, FAIL, NOT_EVIDENCED = "pass", "fail", "not evidenced"
ATTESTED, ACCEPTED, NOT_APPLICABLE = "attested", "accepted", "not applicable"
WORST_FIRST = (FAIL, NOT_EVIDENCED, ACCEPTED, ATTESTED, PASS, NOT_APPLICABLE)
NO_API = "no API"

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( UTC|[+-]\d\d:\d\d|Z)?")


@dataclass(frozen=True)
class Finding:
    """One verdict.

    Attributes
    ----------
    control, severity, account, region, resource : str
        ``region`` is "global" for what the account has once; ``resource`` is a label.
    status : str
        One of `WORST_FIRST`.
    reason : str
        Reason code of what is not evidenced, source of what is attested, reason of a waiver.
    observed, expected : str
        What was read, and what the rule wanted with its thresholds.
    operation, code, permission, hint : str
        For what could not be seen: the call, AWS's error code, the action to grant, the way out.
    evidence : tuple of str
        References: evidence id, or id and JSON pointer.
    """

    control: str
    severity: str
    account: str
    region: str
    resource: str
    status: str
    reason: str = ""
    observed: str = ""
    expected: str = ""
    operation: str = ""
    code: str = ""
    permission: str = ""
    hint: str = ""
    evidence: tuple[str, ...] = ()


class Findings:
    """The findings of a snapshot.

    Parameters
    ----------
    leaves, roll_ups : iterable of Finding
        Verdicts of controls, and those that sum them up.
    unused_waivers : iterable of Waiver
        Waivers that matched nothing, or whose date has passed.
    """

    def __init__(
        self,
        leaves: Iterable[Finding],
        roll_ups: Iterable[Finding] = (),
        unused_waivers: Iterable[Waiver] = (),
    ):
        self.leaves = tuple(leaves)
        self.roll_ups = tuple(roll_ups)
        self.unused_waivers = tuple(unused_waivers)

    @property
    def frame(self) -> pd.DataFrame:
        """All findings, roll-ups last; the columns are the members of `Finding`."""
        rows = [asdict(finding) for finding in (*self.leaves, *self.roll_ups)]
        return pd.DataFrame(rows, columns=list(Finding.__dataclass_fields__), dtype=object)

    @property
    def digest(self) -> str:
        """SHA-256 over the findings without evidence ids, times and attempts.

        It is the same whichever door the same account went through.
        """
        return findings_digest(asdict(finding) for finding in (*self.leaves, *self.roll_ups))

    def count(self, status: str) -> int:
        """How many leaf findings have a status."""
        return sum(finding.status == status for finding in self.leaves)

    @property
    def exit_code(self) -> int:
        """0 nothing open, 3 fails found, 4 evidence missing (3 outranks 4)."""
        if self.count(FAIL):
            return 3
        missing = any(f.status == NOT_EVIDENCED and f.reason != NO_API for f in self.leaves)
        return 4 if missing else 0


def without_times(text: str) -> str:
    """Replace times, which differ from one collection to the next."""
    return _TIME.sub("(time)", text)


def findings_digest(records: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 over findings without evidence ids, times and attempts.

    Parameters
    ----------
    records : iterable of mapping
        Members of `Finding` by name, in the order of the findings.
    """
    rows = [
        {key: without_times(value) for key, value in record.items() if key != "evidence"}
        for record in records
    ]
    return hashlib.sha256(rfc8785.dumps(rows)).hexdigest()


def worst(statuses: Iterable[str]) -> str:
    """The status that a roll-up of these has; not applicable where there are none."""
    found = set(statuses)
    return next((status for status in WORST_FIRST if status in found), NOT_APPLICABLE)


def apply_waivers(
    findings: Sequence[Finding], waivers: Iterable[Waiver], as_of: dt.datetime
) -> tuple[list[Finding], list[Waiver]]:
    """Turn fails that are waived into accepted ones.

    Parameters
    ----------
    findings : sequence of Finding
    waivers : iterable of Waiver
        ``resource`` is a shell pattern over labels. A waiver serves up to and including the day
        on which it expires.
    as_of : datetime
        The day that counts.

    Returns
    -------
    findings, unused : list of Finding, list of Waiver
        ``unused`` are waivers that have expired or match no fail.
    """
    changed, unused = list(findings), []
    for waiver in waivers:
        served = False
        if not has_expired(waiver, as_of):
            for n, finding in enumerate(changed):
                if (
                    finding.status == FAIL
                    and finding.control == waiver.control
                    and fnmatch.fnmatchcase(finding.resource, waiver.resource)
                ):
                    changed[n] = replace(finding, status=ACCEPTED, reason=accepted_for(waiver))
                    served = True
        if not served:
            unused.append(waiver)
    return changed, unused


def accepted_for(waiver: Waiver) -> str:
    """The reason code of what a waiver accepts."""
    return f"{waiver.reason} ({waiver.owner}, until {waiver.expires})"


def has_expired(waiver: Waiver, as_of: dt.datetime) -> bool:
    """Whether a waiver's last day is over."""
    return dt.date.fromisoformat(waiver.expires) < as_of.date()
