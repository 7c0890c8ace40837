"""The first page: the result in a few sentences, and the open points, a sentence each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import NamedTuple

from kit.calls import CALLS, Call
from kit.catalogue import open_points as catalogue
from kit.catalogue.statuses import (
    ACCEPTED,
    ATTESTED,
    FAIL,
    NOT_APPLICABLE,
    NOT_EVIDENCED,
    PASS,
    WORST_FIRST,
)
from kit.catalogue.texts import has, text
from kit.controls import CONTROLS
from kit.controls.registry import RemedyName
from kit.judge.digest import RESOURCE, UNLISTED
from kit.judge.findings import Finding, Findings, failed_call, reason_text, samples, worst
from kit.report.follow_up import answered, changed_since
from kit.report.formats import SEVERITIES, STATUSES, joined, minute
from kit.report.views import Note, Table, column
from kit.snapshot import Snapshot
from kit.tables.gone import GONE
from kit.tables.grants import EVERYBODY_ELSE
from kit.tables.organisation import names_the_snapshot
from kit.tables.places import buckets_left_out, is_unused, regions_not_looked_at

_MOST_HINTS = 3  # reasons in one sentence; findings.csv has each finding's
_MOST_VALUES = 3  # of a cause that several points share
_DENIED, _MACIE_OFF = "denied", "Macie off"


class Point(NamedTuple):
    """An open point: findings with one cause, in one sentence.

    Attributes
    ----------
    text : str
    severity, status : str
        The gravest of its findings; where some of them fail, the gravest of these.
    controls : list of str
        Ids of the controls whose findings have the cause.
    findings : int
        How many findings have it.
    rank : int
        How grave it is what a fail lets happen: `kit.catalogue.open_points.rank`.
    """

    text: str
    severity: str
    status: str
    controls: list[str]
    findings: int
    rank: int


class _Common(NamedTuple):
    """A cause that findings of several controls have: see ``kit/catalogue/open_points.yaml``."""

    name: str


def result(findings: Findings, snapshot: Snapshot) -> Note:
    """Return what the kit looked at, the verdicts, what it could not see and why, what changed."""
    verdicts = _verdicts(findings)
    return Note(
        joined(
            _looked_at(snapshot, len(verdicts), len(findings.leaves)),
            _chosen(len(verdicts)),
            verdict_sentence(verdicts),
            _unseen(findings),
            _left_out(snapshot),
            _buckets_left_out(snapshot),
            changed_since(findings, snapshot),
            answered(findings, snapshot),
        )
    )


def open_points(findings: Findings) -> Table | Note:
    """Return what fails or lacks evidence, a point for each cause, the gravest first."""
    made = points(findings, lambda finding: finding.is_open)
    if not made:
        return Note(text("report/open/empty"))
    return _table("open", text("report/open/caption"), made)


def beyond_evidence(findings: Findings) -> Table | Note:
    """Return what is not evidenced since AWS offers no interface, so that nobody can act."""
    made = points(findings, lambda one: one.status == NOT_EVIDENCED and not one.is_open)
    if not made:
        return Note(text("report/no_interface/empty"))
    return _table("no-interface", text("report/no_interface/caption"), made)


def points(findings: Findings, wanted: Callable[[Finding], bool]) -> list[Point]:
    """Return some of the findings as points, the gravest first.

    A fail is a point of its control. What is not evidenced for one cause, such as one permission
    that the collector lacks, is one point, whichever controls it concerns. Points that have a value
    in common, such as the policy that gives rights, are one too.

    Within a severity fails come first, by what they let happen (`kit.catalogue.open_points`) and
    the number of findings; then what lacks evidence, by the number of findings. Whatever names the
    gravest fail takes it from here: see `gravest_fail`, which a pack has among its facts.
    """
    some = [*filter(wanted, findings.leaves)]
    common = _common(some)
    causes: dict[Hashable, dict[Hashable, list[Finding]]] = {}
    for finding in some:
        own = _cause(finding)
        named = _of(finding, common)
        causes.setdefault(named or own, {}).setdefault(own, []).append(finding)
    made = [
        _joined(cause, [_point(one, findings) for one in own.values()], common)
        for cause, own in causes.items()
    ]
    return sorted(made, key=_gravity)


def gravest_fail(findings: Findings) -> str | None:
    """Return the control of the first open point that is a fail; None where nothing fails."""
    made = points(findings, lambda finding: finding.is_open)
    first = next((point for point in made if point.status == FAIL), None)
    if first is None:
        return None
    failing = [
        one for one in findings.leaves if one.status == FAIL and one.control in first.controls
    ]
    order = [*SEVERITIES]
    return min(
        failing,
        key=lambda one: (order.index(one.severity), catalogue.rank(one.control), one.control),
    ).control


def _gravity(point: Point) -> tuple[object, ...]:
    """Return what orders points: see `points`."""
    return (
        [*SEVERITIES].index(point.severity),
        WORST_FIRST.index(point.status),
        point.rank if point.status == FAIL else 0,
        -point.findings,
        point.rank,
        point.controls,
    )


def _table(id: str, caption: str, made: list[Point]) -> Table:
    return Table(
        id,
        caption,
        [
            column("severity", "severity"),
            column("status", "status"),
            column("point"),
            column("controls", "control"),
        ],
        [[point.severity, point.status, point.text, point.controls] for point in made],
    )


def _verdicts(findings: Findings) -> dict[str, str]:
    """Return the worst status of each control that was judged."""
    statuses: dict[str, list[str]] = {}
    for finding in findings.leaves:
        statuses.setdefault(finding.control, []).append(finding.status)
    return {control: worst(some) for control, some in statuses.items()}


def _looked_at(snapshot: Snapshot, controls: int, findings: int) -> str:
    form = "unused" if is_unused(snapshot) else "looked_at"
    if not any(_answered(snapshot, call) for call in CALLS.values() if call.service == "appstream"):
        form = "not_looked"
    return text(
        f"report/result/{form}",
        count=len(snapshot.regions),
        regions=", ".join(snapshot.regions),
        as_of=minute(snapshot.as_of),
        controls=text("report/result/controls", count=controls),
        findings=text("report/result/findings", count=findings),
    )


def _answered(snapshot: Snapshot, call: Call) -> bool:
    """Return whether AWS answered a call anywhere, in full or in part."""
    return any(
        request.status is not None and not request.error
        for answer in snapshot.answers(call)
        for request in answer.requests
    )


def _chosen(controls: int) -> str:
    """Return how many controls the kit has, where a run chose some."""
    if controls == len(CONTROLS):
        return ""
    return text("report/result/chosen", count=controls, all=len(CONTROLS))


def verdict_sentence(verdicts: Mapping[str, str]) -> str:
    """Return how many controls pass, and have each of the other verdicts, in one sentence.

    Parameters
    ----------
    verdicts : mapping of str to str
        Worst status of each control that was judged.
    """
    by_status = Counter(verdicts.values())
    passing, failing = by_status[PASS], by_status[FAIL]
    fails = text("report/result/fail" if failing else "report/result/none_fails", count=failing)
    high = sorted(
        (
            name
            for name, status in verdicts.items()
            if status == FAIL and CONTROLS[name].severity == next(iter(SEVERITIES))
        ),
        key=lambda name: (catalogue.rank(name), name),
    )
    if high:
        fails = text("report/result/high", fails=fails, count=len(high), names=", ".join(high))
    others = {
        status: text(f"report/result/{status}", count=by_status[status])
        for status in (ATTESTED, NOT_APPLICABLE, ACCEPTED, NOT_EVIDENCED)
        if by_status[status]
    }
    lacks = others.pop(NOT_EVIDENCED, "")
    passes = text(
        "report/result/pass" if passing else "report/result/none_passes",
        count=passing,
        all=text("report/result/controls", count=len(verdicts)),
    )
    return f"{'; '.join(filter(None, (passes, *others.values(), fails, lacks)))}."


def _unseen(findings: Findings) -> str:
    """Return why findings lack evidence."""
    lacking = (finding.reason for finding in findings.leaves if finding.status == NOT_EVIDENCED)
    return unseen_sentence(Counter(lacking), len(findings.leaves))


def unseen_sentence(reasons: Counter[str], findings: int) -> str:
    """Return how many of all findings lack evidence and why.

    Parameters
    ----------
    reasons : Counter of str
        How many findings lack evidence for each reason.
    findings : int
        How many there are, with or without evidence.
    """
    if not reasons:
        return text("report/result/all_seen")
    return text(
        "report/result/unseen",
        count=reasons.total(),
        findings=text("report/result/findings", count=findings),
        reasons=", ".join(_lacking(reason, count) for reason, count in reasons.most_common()),
    )


def _lacking(reason: str, count: int) -> str:
    id = f"report/result/reasons/{reason}"
    if has(id):
        return text(id, count=count)
    return text("report/result/reason", reason=reason_text(reason), count=count)


def _left_out(snapshot: Snapshot) -> str:
    """Return how many regions the run leaves out, though the account has them enabled."""
    outside = regions_not_looked_at(snapshot)
    if outside.gap:
        return text("report/result/regions_unknown")
    return text("report/result/regions", count=len(outside.value)) if outside.value else ""


def _buckets_left_out(snapshot: Snapshot) -> str:
    """Return how many of AppStream's buckets lie in regions that the run leaves out, and where."""
    outside = buckets_left_out(snapshot)
    if not outside:
        return ""
    return text(
        "report/result/buckets_left_out", count=sum(outside.values()), regions=", ".join(outside)
    )


def _values(finding: Finding) -> Iterator[tuple[_Common, str]]:
    """Yield the values of a finding that findings of other controls may have in common with it."""
    for name, cause in catalogue.known().causes.items():
        for member in cause.columns:
            if f'"{member}":' not in finding.observed_values:
                continue
            value = json.loads(finding.observed_values).get(member)
            for entry in value if isinstance(value, list) else [value]:
                if match := cause.pattern.fullmatch(str(entry)):
                    yield _Common(name), finding.region if cause.regional else match[1]


def _common(some: Iterable[Finding]) -> dict[_Common, dict[str, int]]:
    """Return the values that findings of several controls have, with how many have each."""
    counted: dict[tuple[_Common, str], Counter[str]] = {}
    for finding in some:
        for found in {*_values(finding)}:
            counted.setdefault(found, Counter())[finding.control] += 1
    made: dict[_Common, dict[str, int]] = {}
    for (cause, value), controls in counted.items():
        if len(controls) > 1:
            made.setdefault(cause, {})[value] = controls.total()
    return made


def _sentences(lines: list[str]) -> str:
    """Return sentences in a line, each but the last with its full stop."""
    *before, last = lines
    return joined(*(line if line[-1] in "?!." else f"{line}." for line in before), last)


def _of(finding: Finding, common: Mapping[_Common, Mapping[str, int]]) -> _Common | None:
    """Return the cause that a finding shares with findings of other controls."""
    return next((cause for cause, one in _values(finding) if one in common.get(cause, ())), None)


def _joined(
    cause: Hashable, some: list[Point], common: Mapping[_Common, Mapping[str, int]]
) -> Point:
    """Return points with one cause as one, which has the verdict of the gravest fail among them.

    Where no point is a fail, it has the verdict of the gravest. Its text states what is otherwise of
    another point: severity, verdict.
    """
    first, *others = sorted(some, key=lambda point: (point.status != FAIL, _gravity(point)))
    if not isinstance(cause, _Common):
        return first
    values = sorted(common[cause], key=lambda value: (-common[cause][value], value))
    names = ", ".join(values[:_MOST_VALUES])
    if len(values) > _MOST_VALUES:
        names = text("report/points/values", values=names, count=len(values) - _MOST_VALUES)
    lines = [first.text]
    for point in others:
        unlike = [
            marks[own].word
            for marks, own, shown in (
                (SEVERITIES, point.severity, first.severity),
                (STATUSES, point.status, first.status),
            )
            if own != shown
        ]
        lines.append(
            text("report/points/unlike", point=point.text, verdict=", ".join(unlike))
            if unlike
            else point.text
        )
    said = text(f"report/points/causes/{cause.name}", count=len(values), values=names)
    return Point(
        text("report/points/joined", cause=said, points=_sentences(lines)),
        first.severity,
        first.status,
        sorted({control for point in some for control in point.controls}),
        sum(point.findings for point in some),
        first.rank,
    )


def _cause(finding: Finding) -> Hashable:
    """Return what findings that are one point have in common."""
    control, reason, hint = finding.control, finding.reason, finding.hint
    if finding.status == FAIL:
        return FAIL, control
    if names_the_snapshot(hint):
        return (reason,)
    if reason == _MACIE_OFF:
        return reason, finding.region
    if finding.permission and hint == text("gaps/grant", permission=finding.permission):
        return (_DENIED,)
    if _is_gone(finding):
        return hint
    if has(f"points/{control}/{reason}"):
        return reason, control
    return reason, hint or f"{finding.operation} {finding.code}"


def _is_gone(finding: Finding) -> bool:
    """Return whether what the finding needs does not exist; its hint then names that."""
    return finding.status == NOT_EVIDENCED and finding.code in GONE and bool(finding.hint)


def _point(some: list[Finding], findings: Findings) -> Point:
    controls = sorted({finding.control for finding in some})
    return Point(
        _sentence(some, controls, findings),
        min((finding.severity for finding in some), key=[*SEVERITIES].index),
        some[0].status,
        controls,
        len(some),
        min(map(catalogue.rank, controls)),
    )


def _sentence(some: list[Finding], controls: list[str], findings: Findings) -> str:
    first, count = some[0], len(some)
    name = first.reason if first.status == NOT_EVIDENCED else first.status
    lacks = "review" if name == "needs review" else "lacks"
    if first.status == NOT_EVIDENCED and names_the_snapshot(first.hint):
        return text("report/points/snapshot", count=count)
    if name == _MACIE_OFF:
        what = text("report/points/macie", region=first.region)
    elif _cause(first) == (_DENIED,):
        lacking = sorted({finding.permission for finding in some})
        what = text("report/points/grant", permissions=", ".join(lacking), count=len(lacking))
    elif _is_gone(first):
        what = first.hint
    elif len(controls) == 1 and has(f"points/{first.control}/{name}"):
        return _of_control(some, f"points/{first.control}/{name}", findings)
    elif name == "not declared":
        return text("report/points/undeclared", what=first.hint, count=count)
    elif len(controls) == 1:
        form = lacks if first.status == NOT_EVIDENCED else FAIL
        return _of_control(some, f"report/points/{form}_of", findings)
    else:
        return _of_sample(text(f"report/points/{lacks}", count=count, hint=_hints(some)), some)
    return text("report/points/missing", what=what[:1].upper() + what[1:], count=count)


def _of_control(some: list[Finding], id: str, findings: Findings) -> str:
    """Return a sentence on findings of one control, of how many, and whether on a sample."""
    control = some[0].control
    own = [finding for finding in findings.leaves if finding.control == control]
    counted = {one.resource for one in some}
    about = [
        one
        for one in own
        if one.subject == RESOURCE and one.status != NOT_APPLICABLE
        # What everybody else may do is nobody's right, and counts where it is the point itself.
        if not one.resource.startswith(f"{EVERYBODY_ELSE}: ") or one.resource in counted
    ]
    of = text(
        f"points/{control}/of" if has(f"points/{control}/of") else "report/result/findings",
        count=len(about),
    )
    if any(finding.subject == UNLISTED for finding in own):
        of = text("report/points/at_least", of=of)
    title = CONTROLS[control].title
    which = _failing(some)
    said = text(id, count=len(some), of=of, title=title, hint=_hints(some), which=which)
    unclear = [finding for finding in some if finding.status == FAIL and finding.hint]
    if unclear:
        said = text("report/points/besides", point=said, hint=_hints(unclear))
    return _of_sample(said, some)


def _of_sample(point: str, some: Iterable[Finding]) -> str:
    """Return a sentence with what a sample, if any, leaves open."""
    sampled = samples([finding.sample for finding in some])
    return text("report/points/sampled", point=point, sample=sampled) if sampled else point


def _failing(some: Iterable[Finding]) -> str:
    """Return which clauses of a control fail, the most frequent first.

    The control's texts name its clauses only where a sentence is about several of them.
    """
    failed = Counter(
        f"points/{finding.control}/clauses/{clause}"
        for finding in some
        for clause in dict.fromkeys(
            named.clause
            for named in map(RemedyName.of, finding.remedies.split("; "))
            if not named.verdict
        )
    )
    return ", ".join(
        text(id) if len(failed) == 1 else text("report/points/hint", hint=text(id), count=count)
        for id, count in failed.most_common()
        if has(id)
    )


def _hints(some: Iterable[Finding]) -> str:
    """Return why findings lack evidence, the most frequent reason first."""
    counted = Counter(map(_hint, some))
    lines = [
        line if len(counted) == 1 else text("report/points/hint", hint=line, count=count)
        for line, count in counted.most_common(_MOST_HINTS)
    ]
    if more := len(counted) - len(lines):
        lines.append(text("report/points/more", count=more))
    return "; ".join(lines)


def _hint(finding: Finding) -> str:
    """Return why a finding lacks evidence, with the call that did not show it."""
    reason, call = finding.hint or reason_text(finding.reason), failed_call(finding)
    if finding.status == FAIL or not call:
        return reason
    return text("report/points/gap", why=reason, call=call)
