"""The findings: a row for each verdict, the counts, the exit code and the digest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import pandas as pd

from kit.catalogue.statuses import NOT_APPLICABLE, NOT_EVIDENCED, WORST_FIRST, exit_code, is_open
from kit.catalogue.texts import has, text
from kit.judge.digest import RESOURCE, findings_digest
from kit.parameters import Run, Waiver

WORST = "the worst of its controls"  # the reason code of roll-ups
_FIRST = 4  # controls that are named beside the verdict of a roll-up


@dataclass(frozen=True)
class Finding:
    """A verdict.

    Attributes
    ----------
    control, severity, account, region, resource : str
        ``region`` is "global" for what the account has once; ``resource`` is a label.
    status : str
        One of `kit.catalogue.statuses.WORST_FIRST`.
    reason : str
        Reason code of what is not evidenced, source of what is attested, reason of a waiver.
    observed, expected : str
        What the kit read, and what the rule expects with its thresholds.
    operation, code, permission, hint : str
        For a gap: the call, AWS's error code, the action to grant, the way out.
    evidence : tuple of str
        References: evidence id, or id and JSON pointer.
    subject : str
        What ``resource`` names: `RESOURCE`, `NOTHING`, `UNLISTED`, `NOT_REQUIRED` or `ROLL_UP`.
    observed_values, threshold_values : str
        JSON objects in the canonical form of RFC 8785: typed values by column id, without gaps
        and transient columns, and the thresholds and lists by field.
    sample : str
        Which part of the population the kit read; empty for all of it.
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
        """Whether somebody has to act on the finding."""
        return is_open(self.status, self.reason)


class Findings:
    """The findings of a snapshot.

    Parameters
    ----------
    leaves, roll_ups : iterable of Finding
        Verdicts of controls, and the verdicts that sum these up.
    unused_waivers : iterable of Waiver
        Waivers that matched no fail, or whose date has passed.
    run : Run, optional
        The run's parameters: documents word some texts by what these declare.
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
        """The role under the GDPR that the run declares; it decides which articles apply."""
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
        """SHA-256 over the identities of the findings; see `kit.judge.digest.identity`.

        Command line, Python and notebook give the same account the same digest.
        """
        return findings_digest(asdict(finding) for finding in (*self.leaves, *self.roll_ups))

    def count(self, status: str) -> int:
        """Return how many leaf findings have a status."""
        return sum(finding.status == status for finding in self.leaves)

    @property
    def exit_code(self) -> int:
        """0: nothing is open; 3: a fail is open; 4: evidence is missing. 3 outranks 4."""
        return exit_code([(finding.status, finding.reason) for finding in self.leaves])


def why(finding: Finding) -> str:
    """Return why a finding has its status, with operation and error code where a call failed.

    The sample comes first: documents cut long texts at the end.
    """
    sample, reason = finding.sample, finding.reason
    call = " ".join(filter(None, (finding.operation, finding.code)))
    if finding.status == NOT_EVIDENCED or reason == WORST:
        reason = reason_text(reason)
    rest = ", ".join(filter(None, (reason, call, finding.hint)))
    return ". ".join(filter(None, (sample[:1].upper() + sample[1:], rest)))


def reason_text(code: str) -> str:
    """Return what the catalogue has for a reason code; the code itself where it has nothing."""
    return text(f"reasons/{code}") if has(f"reasons/{code}") else code


def summed_up(verdict: str, controls: Sequence[str], made: int, count: int) -> str:
    """Return what a roll-up observed: its verdict, the controls that made it, how many findings."""
    first = text("findings/by", control=controls[0]) if controls else text("findings/by_none")
    counted = text("findings/counted", made=made, count=count)
    return f"{', '.join((verdict, first, *controls[1:]))}: {counted}"


def made_by(observed: str) -> str:
    """Return a roll-up's verdict and severity, and the first controls that made it."""
    names = observed.partition(": ")[0].split(", ")
    more = len(names) - 1 - _FIRST  # after the verdict
    shown = ", ".join(names[: 1 + _FIRST])
    return f"{shown} {text('findings/more', count=more)}" if more > 0 else shown


def samples(notes: Sequence[str]) -> str:
    """Return how many findings rest on a sample, by their ``sample``; empty where none does."""
    some = sum(map(bool, notes))
    if 0 < some < len(notes):
        return text("findings/sample_in", some=some, count=len(notes))
    return text("findings/sample") if some else ""


def worst(statuses: Iterable[str]) -> str:
    """Return the worst of some statuses; "not applicable" where there is none."""
    present = set(statuses)
    return next((status for status in WORST_FIRST if status in present), NOT_APPLICABLE)


def open_rows(table: pd.DataFrame) -> pd.Series:
    """Return which rows of ``status`` and ``reason`` are open, as bool by row."""
    pairs = zip(table["status"], table["reason"], strict=True)
    return pd.Series([is_open(*pair) for pair in pairs], index=table.index, dtype=bool)
