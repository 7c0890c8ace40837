"""The population behind the verdicts: what AWS lists, what was judged, and a second count of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
    LIST_ACCESS_POINTS,
    LIST_SAML_PROVIDERS,
    LOOKUP_EVENTS,
    Call,
)
from kit.catalogue.texts import text
from kit.controls import CONTROLS
from kit.judge.digest import RESOURCE
from kit.judge.findings import Finding, Findings
from kit.report.formats import evidence_ids
from kit.report.transfers import not_seen
from kit.report.views import Table, column
from kit.snapshot import Answer, Snapshot
from kit.tables import Tables
from kit.tables.coverage import ACCOUNT, Covered, coverage
from kit.tables.grants import EVERYBODY_ELSE

_PDF_CONTROLS = 6  # of a kind that the PDF names


# Tables with rows of several kinds: a row is of the kind whose list it cites; tags have a list apart.
_TAGS = "tags"
_SHARED = {"fleets_and_builders", "texts", _TAGS, "urls", "agent_access", "ways_in"}
_FIELDS = ("texts", _TAGS)


@dataclass(frozen=True)
class Kind:
    """A kind of what verdicts are about.

    Attributes
    ----------
    name : str
        Id of its text.
    call : Call, optional
        The call that lists it; without one, the rows of the first table are the list.
    tables : tuple of str
        Tables with rows about it; the first has a row for each, unless ``label`` names them.
    path : str
        Member of the answer that lists it, where the call lists several kinds.
    label : str
        The kind of its labels, for a kind without a table of its own.
    where : str
        A column of the first table that is true for its items alone.
    with_others : tuple of str
        Controls that judge the items together with what they belong to.
    summary : str
        The kind's name in IAM's summary of the account.
    tagged : str
        The kind's name in ARNs, by which the tagging API knows it too.
    """

    name: str
    call: Call | None = None
    tables: tuple[str, ...] = ()
    path: str = ""
    label: str = ""
    where: str = ""
    with_others: tuple[str, ...] = ()
    summary: str = ""
    tagged: str = ""


_IAM = GET_ACCOUNT_AUTHORIZATION_DETAILS
KINDS = (
    Kind(
        "stacks",
        DESCRIBE_STACKS,
        ("stacks", "connectors", "agent_access", "urls", *_FIELDS),
        tagged="stack",
    ),
    Kind("fleets", DESCRIBE_FLEETS, ("fleets", "fleets_and_builders", *_FIELDS), tagged="fleet"),
    Kind("images", DESCRIBE_IMAGES, ("images", "all_images", *_FIELDS), tagged="image"),
    Kind("running_images", None, ("all_images",)),
    Kind(
        "builders",
        DESCRIBE_IMAGE_BUILDERS,
        ("fleets_and_builders", "agent_access", *_FIELDS),
        tagged="image-builder",
    ),
    Kind(
        "app_block_builders",
        DESCRIBE_APP_BLOCK_BUILDERS,
        ("fleets_and_builders", *_FIELDS),
        tagged="app-block-builder",
    ),
    Kind("app_blocks", DESCRIBE_APP_BLOCKS, _FIELDS, tagged="app-block"),
    Kind("applications", DESCRIBE_APPLICATIONS, (*_FIELDS, "urls"), tagged="application"),
    Kind("entitlements", DESCRIBE_ENTITLEMENTS, ("entitlements", *_FIELDS)),
    Kind("subscriptions", DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, ("subscriptions",)),
    Kind("directories", DESCRIBE_DIRECTORY_CONFIGS, ("directories", "ways_in", *_FIELDS)),
    Kind("providers", LIST_SAML_PROVIDERS, ("saml_providers", "ways_in", "grants", "url_grants")),
    Kind("pool_users", DESCRIBE_USERS, ("pool_users",), with_others=("ID-04",)),
    Kind("endpoints", DESCRIBE_VPC_ENDPOINTS, ("endpoints",)),
    Kind("buckets", None, ("buckets", "places", *_FIELDS)),
    Kind("access_points", LIST_ACCESS_POINTS, with_others=("AR-14",)),
    Kind("trails", None, ("trails", "recorders"), with_others=("LG-01", "LG-02", "GV-05")),
    Kind("keys", None, ("keys",), with_others=("AR-07",)),
    Kind(
        "iam_users",
        _IAM,
        ("users", "access_keys", "grants", "url_grants"),
        path="UserDetailList",
        label="user",
        summary="Users",
    ),
    Kind("iam_groups", _IAM, path="GroupDetailList", summary="Groups"),
    Kind(
        "iam_roles",
        _IAM,
        ("service_roles", "grants", "url_grants"),
        path="RoleDetailList",
        label="role",
        summary="Roles",
    ),
    Kind("console_users", None, ("users",), summary="Users"),
    Kind("access_keys", None, ("access_keys",), where="active"),
    Kind("principals", None, ("grants",)),
    Kind("streamers", None, ("url_grants",)),
    Kind("events", LOOKUP_EVENTS, with_others=("IT-03", "IT-06", "LG-04")),
)


def population(findings: Findings, tables: Tables) -> Table:
    """Return each kind: how many are listed, how many judged, by which controls, and why not all.

    The population, a second count and the requests stand beside them.
    """
    by_table: dict[str, list[Finding]] = {}
    for leaf in findings.leaves:
        by_table.setdefault(CONTROLS[leaf.control].table, []).append(leaf)
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
        [_row(kind, by_table, tables) for kind in KINDS],
    )


def _row(kind: Kind, by_table: Mapping[str, list[Finding]], tables: Tables) -> list[Any]:
    snapshot = tables.snapshot
    if kind.call:
        answers = snapshot.answers(kind.call)
        count = sum(1 for answer in answers for _ in answer.items(kind.path))
        refs = [ref for answer in answers for ref in answer.evidence]
        covered = coverage(_listing(kind.call), kind.call.scope, snapshot)
    else:
        answers, covered = [], tables[kind.tables[0]].covered
        refs = [ref for entry in covered for ref in entry.evidence]
    items = _items(kind, tables, set(evidence_ids(refs)))
    if not kind.call:
        count = len(items)
    unread = _unread(covered)
    judged, judging = _judged(kind, items, by_table, tables, set(evidence_ids(refs)))
    others = {
        name
        for name in kind.with_others
        for leaf in by_table.get(CONTROLS[name].table, ())
        if leaf.control == name
    }
    part = [text("report/tls_of_events/part")] if any(a.sampled for a in answers) else []
    second, more = _second(kind, snapshot, answers, count)
    return [
        text(f"report/population/kinds/{kind.name}"),
        None if unread and not count else count,
        judged,
        sorted(judging | others),
        _not_judged(kind, count, judged, judging, others),
        "; ".join([*part, *unread]) or text("report/population/all"),
        second,
        evidence_ids([*refs, *more]),
    ]


_Item = tuple[str, str]  # region and name


def _items(kind: Kind, tables: Tables, listing: set[str]) -> set[_Item]:
    """Return the items of a kind by region and name, as rows about them have these."""
    if kind.label:
        details = tables.snapshot.answer(GET_ACCOUNT_AUTHORIZATION_DETAILS)
        member = f"{kind.label.capitalize()}Name"
        listed = [item for item, _ in details.items(kind.path) if item.get("Arn")]
        labels = {tables.labels.label(kind.label, one["Arn"], one.get(member)) for one in listed}
        names = {str(one.get(member)) for one in listed}  # rows of service roles have no labels
        return {(ACCOUNT, name) for name in labels | names}
    return {item for item, _ in _rows(kind, kind.tables[:1], tables, listing)}


def _rows(
    kind: Kind, names: Iterable[str], tables: Tables, listing: set[str]
) -> Iterator[tuple[_Item, tuple[str, str, str]]]:
    """Yield each row about a kind: whose it is, and table, region and name as findings have them."""
    for name in names:
        table = tables[name]
        cites = kind.call is not None and name in _SHARED and name != _TAGS
        for row, values in table.rows.items():
            if cites and not listing & set(_cited(table.refs, row, table.spec.columns)):
                continue
            first = name == kind.tables[0] and kind.where
            if first and (row, kind.where) not in table.gap_at and not values[kind.where]:
                continue
            whose = _whose(values)
            if whose:
                place = (name, values["region"], values["resource"])
                yield (values["region"], whose), place


def _whose(values: Mapping[str, Any]) -> str:
    """Return whose row it is; empty for everybody else's."""
    name = str(values["resource"])
    if "capability" in values:
        name = name.removesuffix(f": {values['capability']}")
    return "" if name == EVERYBODY_ELSE else name


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


def _judged(
    kind: Kind,
    items: set[_Item],
    by_table: Mapping[str, list[Finding]],
    tables: Tables,
    listing: set[str],
) -> tuple[int | None, set[str]]:
    """Return how many items have a verdict of their own, and which controls judge the kind."""
    if not kind.tables:
        return None, set()
    about = {
        place: item
        for row, place in _rows(kind, kind.tables, tables, listing)
        for item in _of(row, items)
    }
    judged, judging = set(), set()
    for table in kind.tables:
        for leaf in by_table.get(table, ()):
            if leaf.subject != RESOURCE:
                judging |= set() if table in _SHARED else {leaf.control}
            elif item := about.get((table, leaf.region, leaf.resource)):
                judged.add(item)
                judging.add(leaf.control)
    return len(judged), judging


def _of(row: _Item, items: set[_Item]) -> Iterator[_Item]:
    """Yield the item that a row is about: itself, or what its name begins with."""
    region, name = row
    for place in (region, ACCOUNT):
        for one in (name, name.partition(", ")[0]):
            if (place, one) in items:
                yield place, one
                return


def _not_judged(
    kind: Kind, listed: int, judged: int | None, judging: set[str], others: set[str]
) -> str | None:
    """Return why some of what is listed has no verdict of its own; None where all has one."""
    if others and (judged or 0) < listed:
        return text("report/population/with_others")
    if judged is None or (listed and not judging):
        return text(f"report/population/{'no_verdict' if judged is None else 'not_in_run'}")
    if judged >= listed:
        return None
    if kind.label:
        return text("report/population/no_right")
    nouns = dict.fromkeys(CONTROLS[name].noun for name in sorted(judging))
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
