"""The population behind the verdicts: what AWS lists, what was judged, and a second count of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from kit.calls import (
    DESCRIBE_APP_BLOCK_BUILDERS,
    DESCRIBE_APP_BLOCKS,
    DESCRIBE_APPLICATIONS,
    DESCRIBE_DIRECTORY_CONFIGS,
    DESCRIBE_ENTITLEMENTS,
    DESCRIBE_FLEETS,
    DESCRIBE_IMAGE_BUILDERS,
    DESCRIBE_IMAGES,
    DESCRIBE_STACKS,
    DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS,
    DESCRIBE_USERS,
    DESCRIBE_VPC_ENDPOINTS,
    GET_ACCOUNT_AUTHORIZATION_DETAILS,
    GET_ACCOUNT_SUMMARY,
    GET_RESOURCES,
    LIST_SAML_PROVIDERS,
    LOOKUP_EVENTS,
    Call,
)
from kit.catalogue.texts import text
from kit.controls import CONTROLS
from kit.judge.digest import RESOURCE
from kit.judge.findings import Findings
from kit.report.formats import evidence_ids
from kit.report.transfers import not_seen
from kit.report.views import Table, column
from kit.snapshot import Answer, Snapshot
from kit.tables import Tables
from kit.tables.coverage import Covered, coverage

_PDF_CONTROLS = 6  # of a kind that the PDF names


@dataclass(frozen=True)
class Kind:
    """A kind of what verdicts are about.

    Attributes
    ----------
    name : str
        Id of its text.
    call : Call, optional
        The call that lists it; without one, the rows of ``table`` are the list.
    table : str
        The table whose rows are judged; empty where none has it as rows.
    path : str
        Member of the answer that lists it, where the call lists several kinds.
    summary : str
        The kind's name in IAM's summary of the account.
    tagged : str
        The kind's name in ARNs, by which the tagging API knows it too.
    """

    name: str
    call: Call | None = None
    table: str = ""
    path: str = ""
    summary: str = ""
    tagged: str = ""


_IAM = GET_ACCOUNT_AUTHORIZATION_DETAILS
KINDS = (
    Kind("stacks", DESCRIBE_STACKS, "stacks", tagged="stack"),
    Kind("fleets", DESCRIBE_FLEETS, "fleets", tagged="fleet"),
    Kind("images", DESCRIBE_IMAGES, "images", tagged="image"),
    Kind("running_images", None, "all_images"),
    Kind("builders", DESCRIBE_IMAGE_BUILDERS, "fleets_and_builders", tagged="image-builder"),
    Kind(
        "app_block_builders",
        DESCRIBE_APP_BLOCK_BUILDERS,
        "fleets_and_builders",
        tagged="app-block-builder",
    ),
    Kind("app_blocks", DESCRIBE_APP_BLOCKS, "texts", tagged="app-block"),
    Kind("applications", DESCRIBE_APPLICATIONS, "texts", tagged="application"),
    Kind("entitlements", DESCRIBE_ENTITLEMENTS, "entitlements"),
    Kind("subscriptions", DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, "subscriptions"),
    Kind("directories", DESCRIBE_DIRECTORY_CONFIGS, "directories"),
    Kind("providers", LIST_SAML_PROVIDERS, "ways_in"),
    Kind("pool_users", DESCRIBE_USERS, "pool_users"),
    Kind("endpoints", DESCRIBE_VPC_ENDPOINTS, "endpoints"),
    Kind("buckets", None, "buckets"),
    Kind("trails", None, "trails"),
    Kind("keys", None, "keys"),
    Kind("iam_users", _IAM, path="UserDetailList", summary="Users"),
    Kind("iam_groups", _IAM, path="GroupDetailList", summary="Groups"),
    Kind("iam_roles", _IAM, path="RoleDetailList", summary="Roles"),
    Kind("console_users", None, "users", summary="Users"),
    Kind("principals", None, "grants"),
    Kind("streamers", None, "url_grants"),
    Kind("events", LOOKUP_EVENTS),
)


def population(findings: Findings, tables: Tables) -> Table:
    """Return each kind: how many are listed, how many judged, by which controls, and why not all.

    The population, a second count and the requests stand beside them.
    """
    return Table(
        "population",
        text("report/population/caption"),
        [
            column("kind"),
            column("listed", "number"),
            column("judged", "number"),
            column("controls", "control", _PDF_CONTROLS),
            column("not_judged"),
            column("population"),
            column("second_source"),
            column("evidence", "evidence", 6),
        ],
        [_row(kind, findings, tables) for kind in KINDS],
    )


def _row(kind: Kind, findings: Findings, tables: Tables) -> list[Any]:
    snapshot = tables.snapshot
    if kind.call:
        answers = snapshot.answers(kind.call)
        count = sum(1 for answer in answers for _ in answer.items(kind.path))
        refs = [ref for answer in answers for ref in answer.evidence]
        covered = coverage(_listing(kind.call), kind.call.scope, snapshot)
    else:
        table = tables[kind.table]
        answers, count, covered = [], len(table.rows), table.covered
        refs = [ref for entry in table.covered for ref in entry.evidence]
    unread = _unread(covered)
    judged = _judged(kind, findings, tables, set(evidence_ids(refs)))
    judging = sorted(
        {leaf.control for leaf in findings.leaves if CONTROLS[leaf.control].table == kind.table}
    )
    part = [text("report/tls_of_events/part")] if any(a.sampled for a in answers) else []
    second, more = _second(kind, snapshot, answers, count)
    return [
        text(f"report/population/kinds/{kind.name}"),
        None if unread and not count else count,
        judged,
        judging,
        _not_judged(count, judged, judging),
        "; ".join([*part, *unread]) or text("report/population/all"),
        second,
        evidence_ids([*refs, *more]),
    ]


def _listing(call: Call) -> list[Call]:
    """Return a call after those that list what it is made for: without them nobody knows any."""
    sources = [source for each in call.each for source in _listing(each.source)]
    return [*dict.fromkeys(sources), call]


def _unread(covered: Iterable[Covered]) -> list[str]:
    """Return why lists are not read in full, and where."""
    regions: dict[str, dict[str, None]] = {}
    for entry in covered:
        if entry.trouble:
            regions.setdefault(not_seen(entry.trouble), {})[entry.region] = None
    return [
        text("report/population/unread", region=", ".join(where), why=why)
        for why, where in regions.items()
    ]


def _judged(kind: Kind, findings: Findings, tables: Tables, listing: set[str]) -> int | None:
    """Return how many rows have a verdict; of a table with several kinds, those that are listed."""
    if not kind.table:
        return None
    table = tables[kind.table]
    judged = {
        (finding.region, finding.resource)
        for finding in findings.leaves
        if finding.subject == RESOURCE and CONTROLS[finding.control].table == kind.table
    }
    return sum(
        (values["region"], values["resource"]) in judged
        for row, values in table.rows.items()
        if kind.call is None or listing & set(_cited(table.refs, row, table.spec.columns))
    )


def _not_judged(listed: int, judged: int | None, judging: list[str]) -> str | None:
    """Return why some of what is listed has no verdict of its own; None where all has one."""
    if judged is None or (listed and not judging):
        return text(f"report/population/{'no_verdict' if judged is None else 'not_in_run'}")
    if judged >= listed:
        return None
    nouns = dict.fromkeys(CONTROLS[name].noun for name in judging)
    return text("report/population/only", nouns="; ".join(nouns))


def _cited(refs: Any, row: str, columns: Any) -> Iterator[str]:
    for name in columns:
        yield from evidence_ids(refs[row, name])


def _second(
    kind: Kind, snapshot: Snapshot, answers: list[Answer], count: int
) -> tuple[str, list[str]]:
    """Return what a second source of the snapshot counts, and the source's evidence."""
    if kind.summary:
        answer = snapshot.answer(GET_ACCOUNT_SUMMARY)
        known = answer.value(f"SummaryMap.{kind.summary}")
        if known is None:
            return text("report/population/no_second"), []
        compared = "agrees" if known == count else "differs"
        return text(f"report/population/summary/{compared}", count=known), list(answer.evidence)
    if kind.tagged:
        return _tagged(kind, snapshot, answers)
    return text("report/population/no_second"), []


def _tagged(kind: Kind, snapshot: Snapshot, answers: list[Answer]) -> tuple[str, list[str]]:
    """Compare with the tagging API, which knows resources that have or had tags, and no others."""
    seconds = snapshot.answers(GET_RESOURCES)
    refs = [ref for answer in seconds for ref in answer.evidence]
    known = {
        arn
        for answer in seconds
        for item, _ in answer.items()
        for arn in [item.get("ResourceARN") or ""]
        if arn.split(":")[-1].startswith(f"{kind.tagged}/")
    }
    if not known:
        return text("report/population/no_second"), []
    listed = {item.get("Arn") for answer in answers for item, _ in answer.items()}
    missing = len(known - listed)
    compared = "differs" if missing else "agrees"
    return text(f"report/population/tags/{compared}", count=len(known), missing=missing), refs
