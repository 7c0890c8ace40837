"""Sign-off and follow-up: who answers for the pack, what was promised, and what became of it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from typing import Any

from kit.catalogue.open_points import rank
from kit.catalogue.statuses import WORST_FIRST
from kit.catalogue.texts import text
from kit.judge.ageing import moved, settled, was_open
from kit.judge.digest import RESOURCE, ROLL_UP, subject_of
from kit.judge.findings import Finding, Findings
from kit.parameters import Promise, signer
from kit.redact.free_text import free_text_of
from kit.report.formats import joined, minute, signature
from kit.report.views import (
    PDF_ROWS,
    SEVERITIES,
    Column,
    Data,
    Kind,
    Note,
    Table,
    column,
    first_of,
)
from kit.snapshot import Snapshot

_PDF_PACKS = 8  # earlier packs that the PDF lists
_MOVES = ("newly_open", "still_open", "closed", "accepted", "unseen", "gone")
_STEPS = ("prepared", "reviewed", "approved")
_SIGN_OFF: dict[str, Kind] = {
    "step": "text",
    "name": "entry",
    "day": "entry",
    "signature": "entry",
}
_STATES = (
    *("overdue", "promised", "undated", "unanswered"),
    *("accepted", "unseen", "closed", "not_open", "sum", "gone"),
)


def sign_off(snapshot: Snapshot) -> Table:
    """Return who prepared, reviewed and approved the pack, with lines where nobody is named."""
    rows: list[list[Any]] = []
    for step in _STEPS:
        name, day = signer(getattr(snapshot.run, f"{step}_by"))
        if step == "prepared" and name and not day:
            day = f"{snapshot.as_of:%Y-%m-%d}"
        rows.append([text(f"report/sign_off/steps/{step}"), name or None, day or None, None])
    return Table(
        "sign-off",
        text("report/sign_off/caption"),
        [
            Column(name, text(f"report/sign_off/columns/{name}"), kind)
            for name, kind in _SIGN_OFF.items()
        ],
        rows,
    )


def changed_since(findings: Findings, snapshot: Snapshot) -> str:
    """Return what changed since the last pack, and which packs the run did not compare.

    Empty where the run names none.
    """
    found, earlier = moved(findings.leaves, snapshot), snapshot.earlier
    if found is None or earlier is None:
        return ""
    changed = text(
        "report/earlier/changed",
        time=minute(dt.datetime.fromisoformat(found.since)),
        changes=", ".join(
            text(f"report/earlier/changes/{name}", count=count)
            for name in _MOVES
            if (count := getattr(found, name))
        )
        or text("report/earlier/changes/none"),
    )
    if not (others := earlier.left_out):
        return changed
    left_out = text(
        "report/earlier/left_out",
        count=len(others),
        time=minute(dt.datetime.fromisoformat(others[-1]["as_of"])),
        keys=", ".join(sorted({pack["label_key"] for pack in others})),
        key=snapshot.header["pseudonym_key"],
    )
    return f"{changed} {left_out}"


def answered(findings: Findings, snapshot: Snapshot) -> str:
    """Return how many open findings are overdue or have no answer; empty without a follow-up."""
    if not snapshot.header.get("follow_up"):
        return ""
    promises = {promise.id: promise for promise in snapshot.promises}
    states = Counter(
        _state(finding, promises.get(finding.id), snapshot)
        for finding in findings.leaves
        if finding.is_open
    )
    each = {state: states[state] for state in ("overdue", "promised", "undated", "unanswered")}
    return text("report/follow_up/counted", count=states.total(), **each)


def earlier_packs(findings: Findings, snapshot: Snapshot) -> Table | Note:
    """Return the earlier packs that the run names, with their digests, and what changed since."""
    earlier = snapshot.earlier
    if earlier is None:
        return Note(text("report/earlier/none"))
    rows: list[list[Any]] = [
        [
            pack["as_of"],
            "; ".join(filter(None, (signature(pack["signature"]), pack["stamp"]))),
            pack["snapshot"],
            pack["findings"],
            pack["manifest"],
        ]
        for pack in reversed(earlier.packs)
    ]
    return Table(
        "earlier-packs",
        f"{text('report/earlier/caption')} {changed_since(findings, snapshot)}",
        [
            column("as_of", "datetime"),
            column("signature"),
            column("snapshot_sha256", "code", 16),
            column("findings_sha256", "code", 16),
            Column("manifest_sha256", text("report/earlier/manifest"), "code", 16),
        ],
        rows,
        **first_of(rows, _PDF_PACKS),
    )


def follow_up(findings: Findings, snapshot: Snapshot) -> Table | Note:
    """Return each open point with what was promised, and what became of earlier promises.

    Findings of a control that have been open for the same time and have the same answer are one
    row. Within a result the gravest come first. What was promised of a finding that is no longer
    open, of a sum of other findings, or of none of this run stands at the end.
    """
    promises = {promise.id: promise for promise in snapshot.promises}
    show = free_text_of(snapshot) if promises else str
    groups: dict[tuple[str, ...], list[str]] = {}
    for finding in findings.leaves:
        promise = promises.pop(finding.id, None)
        if finding.is_open or promise:
            state = _state(finding, promise, snapshot)
            since = finding.since[:10]
            answer = _answer(promise, show)
            severity = finding.severity if finding.is_open else ""
            key = (state, severity, finding.control, finding.status, since, *answer)
            groups.setdefault(key, []).append(finding.resource)
    sums = {finding.id: finding for finding in findings.roll_ups}
    for promise in promises.values():
        whole = sums.get(promise.id)
        control, resource = (
            (whole.control, whole.resource) if whole else _vouched(promise, snapshot.account)
        )
        status = whole.status if whole else ""
        state = _state(whole, promise, snapshot)
        key = (state, "", control, status, "", *_answer(promise, show))
        groups.setdefault(key, []).append(show(resource))
    if not groups:
        return Note(text("report/follow_up/empty"))
    ordered = sorted(groups.items(), key=lambda group: _rank(*group[0]))
    rows: list[list[Any]] = []
    for (state, severity, control, status, since, owner, response, due), some in ordered:
        rows.append(
            [
                control or None,
                severity or None,
                len(some),
                _resources([*dict.fromkeys(some)]),
                status or None,
                since or None,
                owner or None,
                response or None,
                due or None,
                text(f"report/follow_up/states/{state}"),
            ]
        )
    file = snapshot.header.get("follow_up")
    return Table(
        "follow-up",
        joined(
            text("report/follow_up/caption", digest=file["sha256"]), answered(findings, snapshot)
        )
        if file
        else text("report/follow_up/caption_without"),
        [
            column("control", "control"),
            column("severity", "severity"),
            column("count", "number"),
            column("resource", "code", 0),  # in the PDF the controls' blocks have them
            column("status", "status"),
            column("since", "datetime"),
            column("owner"),
            column("response"),
            column("due", "datetime"),
            Column("state", text("report/follow_up/state")),
        ],
        rows,
        **first_of(rows, PDF_ROWS),
    )


def _rank(state: str, severity: str, control: str, status: str, *others: str) -> tuple[object, ...]:
    """Return what orders the rows: results as in `_STATES`, in each the gravest first.

    The order of severities, verdicts and controls is that of the open points.
    """
    return (
        _STATES.index(state),
        [*SEVERITIES, ""].index(severity),
        [*WORST_FIRST, ""].index(status),
        rank(control),
        control,
        others,
    )


def promised(findings: Findings, snapshot: Snapshot) -> Data:
    """Return what the follow-up states and its result, for the workbook.

    Texts are as a pack may show them.
    """
    show = free_text_of(snapshot) if snapshot.promises else str
    by_id = {finding.id: finding for finding in (*findings.leaves, *findings.roll_ups)}
    records: list[dict[str, str | int | float | bool | None]] = []
    for promise in snapshot.promises:
        owner, response, due = _answer(promise, show)
        state = _state(by_id.get(promise.id), promise, snapshot)
        result = text(f"report/follow_up/states/{state}")
        records.append(
            {"id": promise.id, "owner": owner, "response": response, "due": due, "result": result}
        )
    return Data("follow-up", records, {})


def _resources(names: list[str]) -> str:
    more = len(names) - 1
    return text("report/follow_up/more", resource=names[0], count=more) if more else names[0]


def _vouched(promise: Promise, account: str) -> tuple[str, str]:
    """Return control and resource of a finding that this run does not have.

    Whoever filled in the file can have changed them, into a name in clear for instance. The
    finding's id was made of them: what it does not vouch for is not shown, and the id stands where
    the resource would.
    """
    subject = subject_of(promise.id, {**dict(promise), "account": account})
    resource = promise.resource if subject == RESOURCE else promise.id
    return promise.control if subject else "", resource


def _answer(promise: Promise | None, show: Callable[[str], str]) -> tuple[str, str, str]:
    """Return owner, response and due date; the owner in clear, as the owner of a waiver."""
    return (promise.owner, show(promise.response), promise.due) if promise else ("", "", "")


def _state(finding: Finding | None, promise: Promise | None, snapshot: Snapshot) -> str:
    if finding is None:
        return "gone"
    if finding.subject == ROLL_UP:
        return "sum"
    if not finding.is_open:
        how = settled(finding.status)
        return "not_open" if how == "closed" and not was_open(finding, snapshot) else how
    if promise is None:
        return "unanswered"
    if not promise.due:
        return "undated"
    return "overdue" if promise.due < f"{snapshot.as_of:%Y-%m-%d}" else "promised"
