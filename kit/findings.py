"""The findings: one row for each verdict, the statuses, waivers and digest."""

from __future__ import annotations

import datetime as dt
import fnmatch
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import pandas as pd
import rfc8785

from kit.catalogue.statuses import STATUSES, exit_code, is_open
from kit.parameters import Run, Waiver

PASS, FAIL, NOT_EVIDENCED = "pass", "fail", "not evidenced"
ATTESTED, ACCEPTED, NOT_APPLICABLE = "attested", "accepted", "not applicable"
WORST_FIRST = tuple(STATUSES)
_FIRST = 4  # controls that are named beside the verdict of a roll-up
NO_API = "no API"

# What a finding is about: a resource; or that there is none; or those that were not listed; or
# nothing, because the profile does not require the control; or the findings of other controls.
RESOURCE, NOTHING, UNLISTED, NOT_REQUIRED = "resource", "nothing", "unlisted", "not required"
ROLL_UP = "roll-up"
# Bumped when the members that make a finding's identity change: packs name the form of their digest.
IDENTITY = "identity-1"


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
    subject : str
        What ``resource`` names: `RESOURCE`, `NOTHING`, `UNLISTED`, `NOT_REQUIRED` or `ROLL_UP`.
    observed_values, threshold_values : str
        JSON objects in the canonical form of RFC 8785: typed values by column id, without those
        that were not seen or are transient, and the thresholds and lists by field.
    sample : str
        Which part of the population was read, where that was not all of it.
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
    subject: str = RESOURCE
    observed_values: str = "{}"
    threshold_values: str = "{}"
    sample: str = ""

    @property
    def is_open(self) -> bool:
        """Whether somebody has to act on it."""
        return is_open(self.status, self.reason)


class Findings:
    """The findings of a snapshot.

    Parameters
    ----------
    leaves, roll_ups : iterable of Finding
        Verdicts of controls, and those that sum them up.
    unused_waivers : iterable of Waiver
        Waivers that matched nothing, or whose date has passed.
    run : Run, optional
        What was asked for and declared, on which words beside the verdicts rest.
    """

    def __init__(
        self,
        leaves: Iterable[Finding],
        roll_ups: Iterable[Finding] = (),
        unused_waivers: Iterable[Waiver] = (),
        run: Run | None = None,
    ):
        self.leaves = tuple(leaves)
        self.roll_ups = tuple(roll_ups)
        self.unused_waivers = tuple(unused_waivers)
        self.run = run

    @property
    def data_role(self) -> str:
        """The role under the GDPR that the run declares, which decides the articles cited."""
        return self.declared("data_role")

    def declared(self, name: str) -> str:
        """Return what the run declares under a name; empty for nothing."""
        return str(getattr(self.run, name)) if self.run else ""

    @property
    def frame(self) -> pd.DataFrame:
        """All findings, roll-ups last; the columns are the members of `Finding`."""
        rows = [asdict(finding) for finding in (*self.leaves, *self.roll_ups)]
        return pd.DataFrame(rows, columns=list(Finding.__dataclass_fields__), dtype=object)

    @property
    def digest(self) -> str:
        """SHA-256 over the identities of the findings; see `identity`.

        It is the same whichever door the same account went through.
        """
        return findings_digest(asdict(finding) for finding in (*self.leaves, *self.roll_ups))

    def count(self, status: str) -> int:
        """How many leaf findings have a status."""
        return sum(finding.status == status for finding in self.leaves)

    @property
    def exit_code(self) -> int:
        """0 nothing open, 3 fails found, 4 evidence missing (3 outranks 4)."""
        return exit_code([(finding.status, finding.reason) for finding in self.leaves])


def identity(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a finding is: what was observed, never how it is worded.

    Parameters
    ----------
    record : mapping
        Members of `Finding` by name.

    Returns
    -------
    dict
        JSON-compatible. The reason is a code only where evidence is missing, and a declaration
        where a fail is accepted; elsewhere it is prose and left out, as are the names that stand
        for no resource, evidence ids and transient values.
    """
    status = record["status"]
    return {
        "control": record["control"],
        "account": record["account"],
        "region": record["region"],
        "subject": record["subject"],
        "resource": record["resource"] if record["subject"] == RESOURCE else "",
        "status": status,
        "reason": record["reason"] if status in (NOT_EVIDENCED, ACCEPTED) else "",
        "operation": record["operation"],
        "code": record["code"],
        "observed": json.loads(record["observed_values"]),
        "thresholds": json.loads(record["threshold_values"]),
    }


def findings_digest(records: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 over the identities of findings in canonical JSON (RFC 8785).

    Parameters
    ----------
    records : iterable of mapping
        Members of `Finding` by name, in the order of the findings.

    Raises
    ------
    ValueError
        Values of a record are not JSON.
    """
    rows = [identity(record) for record in records]
    return hashlib.sha256(rfc8785.dumps(rows)).hexdigest()


def canonical(values: Mapping[str, Any]) -> str:
    """Return values by name as canonical JSON (RFC 8785), whatever types a cell holds."""
    return rfc8785.dumps({name: _plain(value) for name, value in values.items()}).decode()


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; an integer beyond what JSON holds exactly as a text."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if value is None or isinstance(value, bool | str | float):
        return value
    return value if isinstance(value, int) and abs(value) < 2**53 else str(value)


def why(record: Mapping[str, Any]) -> str:
    """Why a finding is as it is, with operation and error code where a call failed.

    What was read of a sample comes first, where no cut of a long text takes it.

    Parameters
    ----------
    record : mapping
        Members of `Finding` by name.
    """
    sample: str = record["sample"]
    call = " ".join(filter(None, (record["operation"], record["code"])))
    rest = ", ".join(filter(None, (record["reason"], call, record["hint"])))
    return ". ".join(filter(None, (sample[:1].upper() + sample[1:], rest)))


def made_by(observed: str) -> str:
    """Return a roll-up's verdict, its severity and the first of what made it, as it observed them."""
    names = observed.partition(": ")[0].split(", ")
    more = len(names) - 1 - _FIRST  # after the verdict
    return ", ".join(names[: 1 + _FIRST]) + (f" and {more} more" if more > 0 else "")


def samples(told: Sequence[str]) -> str:
    """Say how many of some findings rest on a sample, by what each tells; nothing where none does."""
    some = sum(map(bool, told))
    return f"sample in {some} of {len(told)}" if 0 < some < len(told) else "sample" * bool(some)


def worst(statuses: Iterable[str]) -> str:
    """The status that a roll-up of these has; not applicable where there are none."""
    found = set(statuses)
    return next((status for status in WORST_FIRST if status in found), NOT_APPLICABLE)


def open_rows(table: pd.DataFrame) -> pd.Series:
    """Return which rows of ``status`` and ``reason`` are open, as bool by row."""
    known = zip(table["status"], table["reason"], strict=True)
    return pd.Series([is_open(*pair) for pair in known], index=table.index, dtype=bool)


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
