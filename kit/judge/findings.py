"""The findings: a row for each verdict, the counts, the exit code and the digest."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from kit.catalogue.frameworks import ids as framework_ids
from kit.catalogue.frameworks import refuse_missing
from kit.catalogue.statuses import (
    FAIL,
    NOT_APPLICABLE,
    NOT_EVIDENCED,
    STATUSES,
    WORST_FIRST,
    exit_code,
    is_open,
)
from kit.catalogue.texts import has, text
from kit.controls.registry import SEVERITIES, Control, Remedy, find
from kit.displayed import Displayed, counted
from kit.errors import UserError
from kit.judge.digest import RESOURCE, finding_ids, findings_digest
from kit.parameters import Run, Waiver

if TYPE_CHECKING:
    import pandas as pd

    from kit.desk import Explanation
    from kit.snapshot import Snapshot

WORST = "the worst of its controls"  # the reason code of roll-ups
_FIRST = 4  # controls that are named beside the verdict of a roll-up
_PLAIN_ROWS = 20  # findings that a selection names in a terminal
_CATEGORIES = ("control", "account", "region", "subject")
_TEXTS = (
    *("resource", "reason", "observed", "expected", "operation", "code", "permission", "hint"),
    *("observed_values", "threshold_values", "sample", "id", "since", "remedies"),
)


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
        For a gap: the call, AWS's error code, the action to grant, the way out. A fail has the way
        out for what is not evidenced besides.
    evidence : tuple of str
        References: evidence id, or id and JSON pointer.
    subject : str
        What ``resource`` names: `RESOURCE`, `NOTHING`, `UNLISTED`, `NOT_REQUIRED` or `ROLL_UP`.
    observed_values, threshold_values : str
        JSON objects in the canonical form of RFC 8785: typed values by column id, without gaps
        and transient columns, and the thresholds and lists by field.
    sample : str
        Which part of the population the kit read; empty for all of it.
    id : str
        The same in every pack of the account with the same label key: `kit.judge.digest.finding_ids`.
    since : str
        ISO time of the first pack since which the finding is open without a break; empty where it
        is not open, or where the run names no earlier pack.
    remedies : str
        Names of the remedies of what did not hold, separated by ``"; "``: see `Control.remedy`.
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
    id: str = ""
    since: str = ""
    remedies: str = ""

    @property
    def is_open(self) -> bool:
        """Whether somebody has to act on the finding."""
        return is_open(self.status, self.reason)


class Findings(Displayed):
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

    @property
    def frameworks(self) -> list[str]:
        """Ids of the frameworks that documents show: those that the run chooses.

        Raises
        ------
        UserError
            The catalogue has one no longer.
        """
        if not self.run:
            return framework_ids()
        refuse_missing(self.run.frameworks)
        return list(self.run.frameworks)

    def declared(self, name: str) -> str:
        """Return what the run declares under a name; empty for nothing."""
        return str(getattr(self.run, name)) if self.run else ""

    def __repr__(self) -> str:
        controls = len({finding.control for finding in self.leaves})
        counts = ", ".join(
            f"{count} {status}" for status in WORST_FIRST if (count := self.count(status))
        )
        parts = [f"{len(self.leaves)} of {counted(controls, 'control')}", counts]
        parts += [counted(len(self.roll_ups), "roll-up")] if self.roll_ups else []
        return f"Findings: {'; '.join(filter(None, parts))}"

    @property
    def frame(self) -> pd.DataFrame:
        """All findings, roll-ups last, for analysis.

        The columns are the members of `Finding`. ``severity`` (low to high) and ``status`` (best to
        worst) are ordered categories, ``control``, ``account``, ``region`` and ``subject`` are
        categories, the others text; ``evidence`` holds tuples. The index numbers the findings, and
        `explain` accepts its numbers.
        """
        return _frame(dict(enumerate((*self.leaves, *self.roll_ups))))

    def where(
        self,
        *,
        status: str | Iterable[str] = (),
        control: str | Iterable[str] = (),
        region: str | Iterable[str] = (),
        severity: str | Iterable[str] = (),
    ) -> Selection:
        """Return the findings that have all these properties, the gravest first.

        Parameters
        ----------
        status, control, region, severity : str or iterable of str
            The values to keep; by default every value.

        Raises
        ------
        UserError
            A status, control or severity does not exist, or no finding has the region.
        """
        every = dict(enumerate((*self.leaves, *self.roll_ups)))
        regions = sorted({finding.region for finding in every.values()})
        kept = {
            "status": {_among("status", word, WORST_FIRST) for word in _words(status)},
            "control": {find(word) for word in _words(control)},
            "region": {_among("region", word, regions) for word in _words(region)},
            "severity": {_among("severity", word, SEVERITIES) for word in _words(severity)},
        }
        chosen = {
            number: finding
            for number, finding in every.items()
            if all(not words or getattr(finding, name) in words for name, words in kept.items())
        }
        return Selection(self, chosen)

    def where_open(self) -> Selection:
        """Return the findings of controls for which somebody has to act, the gravest first."""
        opened = {n: finding for n, finding in enumerate(self.leaves) if finding.is_open}
        return Selection(self, opened)

    def explain(self, row: Any, snapshot: Snapshot | None = None) -> Explanation:
        """Return why a finding has its verdict, what it rests on and how to correct it.

        Parameters
        ----------
        row : int, Finding, Series or Selection
            Number of the finding in `frame`, the finding, its row of `frame`, or a selection, whose
            first finding is then explained.
        snapshot : Snapshot, optional
            Adds what AWS answered, as `Snapshot.evidence_of` shows it.

        Raises
        ------
        UserError
            There is no such finding.
        """
        explanation: Explanation = resolve_name("kit.desk:explain_finding")(
            self._finding(row), snapshot
        )
        return explanation

    def _finding(self, row: Any) -> Finding | None:
        if isinstance(row, Finding):
            return row
        if isinstance(row, Selection):
            return next(iter(row), None)
        import pandas as pd

        number = row.name if isinstance(row, pd.Series) else row
        every = (*self.leaves, *self.roll_ups)
        try:
            place = int(number)
        except (TypeError, ValueError):
            place = -1
        if not 0 <= place < len(every):
            accepted = f"a number from 0 to {len(every) - 1}" if every else "there is no finding"
            raise UserError(
                f"row: {number!r:.60} is not a finding; accepted: {accepted}, a row of "
                "findings.frame, or what findings.where returns"
            )
        return every[place]

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the identities of the findings; see `kit.judge.digest.identity`.

        Command line, Python and notebook give the same account the same digest.
        """
        return findings_digest(vars(finding) for finding in (*self.leaves, *self.roll_ups))

    def count(self, status: str) -> int:
        """Return how many leaf findings have a status."""
        return sum(finding.status == status for finding in self.leaves)

    @property
    def exit_code(self) -> int:
        """0: nothing is open; 3: a fail is open; 4: evidence is missing. 3 outranks 4."""
        return exit_code([(finding.status, finding.reason) for finding in self.leaves])


class Selection(Displayed, Sequence[Finding]):
    """Some of the findings, for analysis alone: it has no digest and no exit code.

    Attributes
    ----------
    findings : Findings
        All of them.
    numbers : tuple of int
        Numbers of the selected findings in `Findings.frame`, the gravest first.
    """

    def __init__(self, findings: Findings, chosen: dict[int, Finding]):
        self.findings = findings
        self._chosen = dict(sorted(chosen.items(), key=lambda pair: gravity(pair[1])))
        self.numbers = tuple(self._chosen)

    def __len__(self) -> int:
        return len(self._chosen)

    def __getitem__(self, place: Any) -> Any:
        return tuple(self._chosen.values())[place]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._chosen.values())

    def __repr__(self) -> str:
        by_status = Counter(finding.status for finding in self)
        counts = ", ".join(f"{by_status[word]} {word}" for word in WORST_FIRST if by_status[word])
        lines = [
            f"Selection of {counted(len(self), 'finding')}" + (f": {counts}" if counts else "")
        ]
        for number, finding in list(self._chosen.items())[:_PLAIN_ROWS]:
            about = (finding.status, finding.severity, finding.region, finding.resource)
            lines.append(f"{number:>5}  {finding.control}  {', '.join(filter(None, about))}")
        if len(self) > _PLAIN_ROWS:
            lines.append(f"{'':>5}  and {len(self) - _PLAIN_ROWS} more; the frame has all")
        return "\n".join(lines)

    @property
    def frame(self) -> pd.DataFrame:
        """The selected findings as `Findings.frame` has them, with its numbers as index."""
        return _frame(self._chosen)


def _frame(numbered: dict[int, Finding]) -> pd.DataFrame:
    import pandas as pd

    from kit.frames import ordered

    columns = list(Finding.__dataclass_fields__)
    rows = [asdict(finding) for finding in numbered.values()]
    index = pd.Index(list(numbered), name="finding", dtype="int64")
    frame = pd.DataFrame(rows, index, columns, dtype=object)
    made: dict[str, Any] = {name: frame[name] for name in columns}
    made |= {name: frame[name].astype("category") for name in _CATEGORIES}
    made |= {name: frame[name].astype("str") for name in _TEXTS}
    made["severity"] = ordered(list(frame["severity"]), SEVERITIES)
    made["status"] = ordered(list(frame["status"]), WORST_FIRST[::-1])
    return pd.DataFrame(made, index, columns)


def _words(given: str | Iterable[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def _among(name: str, word: str, accepted: Sequence[str]) -> str:
    """Return a word that is accepted.

    Raises
    ------
    UserError
        It is not; the message names what is.
    """
    if word in accepted:
        return word
    near = difflib.get_close_matches(str(word), accepted, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise UserError(f"{name}: {word!r}: {hint}accepted: {', '.join(accepted) or 'none'}")


def gravity(finding: Finding) -> tuple[int, int]:
    """Return what orders findings, the gravest first: by status, the worst first, then severity."""
    severity = SEVERITIES.index(finding.severity) if finding.severity else -1
    return WORST_FIRST.index(finding.status), -severity


def with_ids(findings: Iterable[Finding]) -> list[Finding]:
    """Return all findings of an account, or of one of its controls, each with its id."""
    some = list(findings)
    ids = finding_ids(map(vars, some))
    # `replace` looks at each field, which takes as long again.
    return [Finding(**vars(made) | {"id": id}) for made, id in zip(some, ids, strict=True)]


def why(finding: Finding) -> str:
    """Return why a finding has its status, with operation and error code where a call failed.

    A fail has no reason but what was observed: what is not known besides stands as that.
    The sample comes first: documents cut long texts at the end.
    """
    sample, reason = finding.sample, finding.reason
    if finding.status == NOT_EVIDENCED or reason == WORST:
        reason = reason_text(reason)
    hint = finding.hint
    if hint and finding.status == FAIL:
        hint = text("findings/besides", hint=hint)
    rest = ", ".join(filter(None, (reason, failed_call(finding), hint)))
    return ". ".join(filter(None, (sample[:1].upper() + sample[1:], rest)))


def failed_call(finding: Finding) -> str:
    """Return the operation that failed and its error code; empty where no call failed."""
    return " ".join(filter(None, (finding.operation, finding.code)))


def remedies_of(control: Control, findings: Iterable[Finding]) -> dict[Remedy, list[Finding]]:
    """Return the remedies of a control's findings that documents list, each with its findings.

    A finding that a gap decides has none: it names the permission, or the way out.
    """
    named: dict[str, Remedy] = {}
    fitting: dict[Remedy, list[Finding]] = {}
    for finding in findings:
        if finding.remedies and STATUSES[finding.status].listed:
            for name in finding.remedies.split("; "):
                if name not in named:
                    named[name] = control.remedy(name)
                fitting.setdefault(named[name], []).append(finding)
    return fitting


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
    import pandas as pd

    pairs = zip(table["status"], table["reason"], strict=True)
    return pd.Series([is_open(*pair) for pair in pairs], index=table.index, dtype=bool)
