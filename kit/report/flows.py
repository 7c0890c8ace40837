"""Where personal data rests and moves, by the tables of a snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from types import SimpleNamespace
from typing import Any, NamedTuple

from kit.catalogue.statuses import NOT_EVIDENCED, STATUSES, WORST_FIRST
from kit.catalogue.texts import text
from kit.controls import CONTROLS
from kit.judge.findings import Finding, Findings, worst
from kit.report.formats import evidence_ids
from kit.tables import Tables
from kit.tables.coverage import ACCOUNT
from kit.tables.places import SESSIONS as SESSIONS_HERE
from kit.tables.places import TRAILS
from kit.tables.sources import BOTH, RECORDINGS, SCREENSHOTS, SOURCES
from kit.tables.storage import HOME, LOGS, SETTINGS

UNKNOWN = "unknown"  # the region of a flow without a known region


class Ends(NamedTuple):
    """An arrow of the map, by the ids of its texts.

    On which side it is, what is at its end, what moves along it, and the unit in which the
    resources at its end are counted.
    """

    side: str
    what: str
    moves: str
    unit: str = ""

    @property
    def title(self) -> str:
        """Return what is at its end, in the language chosen."""
        return text(f"figures/map/ends/{self.what}")

    @property
    def sentence(self) -> str:
        """Side and end, such as "rests in: home folders"."""
        return text(f"figures/map/sides/{self.side}", end=self.title)

    @property
    def cargo(self) -> str:
        """Return what moves along it, in the language chosen; empty for nothing."""
        return text(f"figures/map/moves/{self.moves}") if self.moves else ""


IN, SESSIONS, RESTS, OUT = "in", "sessions", "rests", "out"
SIDES = (IN, SESSIONS, RESTS, OUT)
_SESSIONS = Ends(SESSIONS, "streaming sessions", "", "region")
_WAYS_IN = {
    "SAML provider": Ends(IN, "SAML providers", "sign in", "provider"),
    "directory": Ends(IN, "directories", "sign in", "directory"),
    "user pool": Ends(IN, "user pool", "sign in", "pool"),
}
_HOLDS = {
    HOME: Ends(RESTS, "home folders", "files", "bucket"),
    SETTINGS: Ends(RESTS, "application settings", "settings", "bucket"),
    LOGS: Ends(RESTS, "usage reports", "reports", "bucket"),
    **dict.fromkeys(
        (SCREENSHOTS, RECORDINGS, BOTH), Ends(RESTS, "screenshots", "screens", "bucket")
    ),
    SOURCES: Ends(RESTS, "applications", "programs", "bucket"),
    TRAILS: Ends(RESTS, "trails", "events", "bucket"),
}
_COPIES = Ends(OUT, "copies", "copies", "bucket")
_PROVIDERS = {
    "GOOGLE_DRIVE": Ends(OUT, "Google Drive", "files", "stack"),
    "ONE_DRIVE": Ends(OUT, "OneDrive", "files", "stack"),
    None: Ends(OUT, "unknown storage", "files", "stack"),
}
_ACCOUNTS = Ends(OUT, "accounts", "images", "image")
_EXPORTS = Ends(OUT, "exports", "images", "region")
_DEVICES = Ends(OUT, "devices", "data", "stack")
_PAGES = Ends(OUT, "pages", "screen", "stack")
_AGENTS = Ends(OUT, "agents", "control", "stack")
_CARRIED = {  # columns of stacks: what moves
    "download": "files",
    "clipboard_out": "clipboard",
    "printing": "prints",
    "redirection": "addresses",
}
_LISTS = {  # tables whose rows are flows: what is unknown where a list was not seen
    "ways_in": Ends(IN, "ways in", "sign in"),
    "fleets_and_builders": _SESSIONS,
    "buckets": Ends(RESTS, "buckets", "data"),
    "trails": _HOLDS[TRAILS],
    "stacks": Ends(OUT, "ways out", "data"),
    "images": Ends(OUT, "image shares", "images"),
}


@dataclass(frozen=True)
class Flow:
    """A place of data, or its way in or out.

    Attributes
    ----------
    region : str
        "global" for what the account has once.
    ends : Ends
    name, observed : str
        The resource's label, and what was observed of it.
    status : str or None
        The worst of the verdicts on it; None where no control of this run judges it.
    controls, evidence : tuple of str
        Controls that are open on it, and ids of the answers that it rests on.
    listed : bool
        False for what may be there and could not be listed.
    carried : tuple of str
        What may leave by it, where several things may, by the ids of their texts.
    """

    region: str
    ends: Ends
    name: str
    observed: str
    status: str | None
    controls: tuple[str, ...]
    evidence: tuple[str, ...]
    listed: bool = True
    carried: tuple[str, ...] = ()


@dataclass(frozen=True)
class Box:
    """Flows in the same region that end alike, the worst first; the map draws them together."""

    number: int
    flows: tuple[Flow, ...]

    @property
    def region(self) -> str:
        """Return the region of the flows."""
        return self.flows[0].region

    @property
    def ends(self) -> Ends:
        """Return the ends that the flows share."""
        return self.flows[0].ends

    @property
    def counts(self) -> dict[str | None, int]:
        """Return the number of flows by status, the worst first."""
        statuses = [flow.status for flow in self.flows]
        return {status: statuses.count(status) for status in dict.fromkeys(statuses)}


def boxes(findings: Findings, tables: Tables) -> list[Box]:
    """Return what the map shows: region by region, from the ways in to the ways out.

    Parameters
    ----------
    findings : Findings
    tables : Tables
        All tables of the snapshot that was judged.
    """
    read = _Read(findings, tables)
    flows = [
        *read.ways_in(),
        *read.sessions(),
        *read.buckets(),
        *read.trails_and_copies(),
        *read.stacks(),
        *read.agents(),
        *read.connectors(),
        *read.images(),
        *read.exports(),
        *read.unseen(),
    ]
    regions = [ACCOUNT, *sorted({flow.region for flow in flows} - {ACCOUNT, UNKNOWN}), UNKNOWN]
    flows.sort(
        key=lambda flow: (
            *(regions.index(flow.region), SIDES.index(flow.ends.side), flow.ends.what),
            *(_rank(flow.status), flow.name),
        )
    )
    grouped = groupby(flows, key=lambda flow: (flow.region, flow.ends))
    return [Box(n, tuple(group)) for n, (_, group) in enumerate(grouped, 1)]


def _rank(status: str | None) -> int:
    return WORST_FIRST.index(status) if status else len(WORST_FIRST)


def region_name(region: str) -> str:
    """Return a region as readers see it."""
    return text("figures/map/no_region") if region == UNKNOWN else region


class _Read:
    """The flows that tables and verdicts hold."""

    def __init__(self, findings: Findings, tables: Tables):
        self.tables = tables
        self._on: dict[tuple[str, str, str], list[Finding]] = {}
        for finding in findings.leaves:
            table = CONTROLS[finding.control].table
            self._on.setdefault((table, finding.region, finding.resource), []).append(finding)

    def _rows(self, name: str) -> Iterator[tuple[str, Any]]:
        for row, values in self.tables[name].rows.items():
            yield row, SimpleNamespace(**values)

    def _refs(self, name: str, row: str, *columns: str) -> list[str]:
        return [ref for column in columns for ref in self.tables[name].refs[row, column]]

    def _flow(
        self,
        region: str,
        ends: Ends,
        name: str,
        observed: str,
        refs: Iterable[str],
        judged_in: Iterable[tuple[str, str]],
        controls: Iterable[str] = CONTROLS,
        others: Iterable[tuple[str, str, str]] = (),
    ) -> Flow:
        """Return a flow with the verdicts that some tables' controls have on its resource.

        ``others`` are table, region and name of further resources whose verdicts concern it.
        """
        judged = [*((table, where, name) for table, where in judged_in), *others]
        own = [
            finding
            for key in judged
            for finding in self._on.get(key, ())
            if finding.control in controls
        ]
        listed = [finding for finding in own if STATUSES[finding.status].listed]
        cited = [*refs, *(ref for finding in listed for ref in finding.evidence)]
        return Flow(
            region,
            ends,
            name,
            observed,
            worst(finding.status for finding in own) if own else None,
            tuple(sorted({finding.control for finding in listed})),
            tuple(evidence_ids(cited)),
        )

    def ways_in(self) -> Iterator[Flow]:
        users_of: dict[str, list[tuple[str, str, str]]] = {}
        for _, user in self._rows("pool_users"):
            users_of.setdefault(user.region, []).append(("pool_users", user.region, user.resource))
        for row, values in self._rows("ways_in"):
            ends, users = _WAYS_IN[values.way], ""
            if values.way == "user pool":
                users = text("figures/map/enabled_users", count=values.enabled_users)
            refs = self._refs("ways_in", row, "way", "enabled_users")
            judged = [
                ("ways_in", ACCOUNT),
                ("saml_providers", ACCOUNT),
                ("directories", values.region),
            ]
            of_pool = users_of.get(values.region, ()) if values.way == "user pool" else ()
            yield self._flow(
                values.region, ends, values.resource, users, refs, judged, others=of_pool
            )

    def sessions(self) -> Iterator[Flow]:
        running: dict[str, list[tuple[str, Any]]] = {}
        for row, values in self._rows("fleets_and_builders"):
            running.setdefault(values.region, []).append((row, values))
        for region, rows in running.items():
            kinds = [values.kind for _, values in rows]
            running_here = [counted(kinds.count(kind), kind) for kind in sorted({*kinds})]
            refs = [
                ref for row, _ in rows for ref in self._refs("fleets_and_builders", row, "internet")
            ]
            on_them = [
                (table, region, values.resource)
                for _, values in rows
                for table in ("fleets", "fleets_and_builders")
            ]
            place = [("places", ACCOUNT)]
            name, observed = f"AppStream in {region}", ", ".join(running_here)
            yield self._flow(region, _SESSIONS, name, observed, refs, place, others=on_them)

    def buckets(self) -> Iterator[Flow]:
        for table, holds in (("buckets", ""), ("screenshots", SCREENSHOTS), ("sources", SOURCES)):
            unseen = self.tables[table].gap_at
            for row, values in self._rows(table):
                ends = _HOLDS.get(holds or values.purpose, _LISTS["buckets"])
                key = text("report/not_seen") if (row, "key_class") in unseen else values.key_class
                first = "purpose" if table == "buckets" else "key_class"
                region, observed = values.region, text("figures/map/key", key=key)
                if table == "sources":  # the row's region is that of the fleet or app block
                    region = UNKNOWN
                    observed = f"{text('figures/map/bucket_without_region')}; {observed}"
                yield self._flow(
                    *(region, ends, values.resource, observed),
                    self._refs(table, row, first),
                    [(table, values.region), ("places", ACCOUNT)],
                )

    def trails_and_copies(self) -> Iterator[Flow]:
        known = {
            values.resource for name in ("buckets", "screenshots") for _, values in self._rows(name)
        }
        delivering: dict[str, list[tuple[str, str, str]]] = {}
        for _, trail in self._rows("trails"):
            keys = [(table, trail.region, trail.resource) for table in ("trails", "recorders")]
            delivering.setdefault(trail.bucket, []).extend(keys)
        for row, values in self._rows("places"):
            name, region, judged = values.resource, values.place or UNKNOWN, [("places", ACCOUNT)]
            if values.holds == SESSIONS_HERE or name.startswith("any trail of "):
                continue
            if name not in known:
                refs = self._refs("places", row, "place")
                observed = "" if values.place else text("figures/map/bucket_without_region")
                trails = delivering.get(name, ())
                ends = _HOLDS.get(values.holds, _LISTS["buckets"])
                yield self._flow(region, ends, name, observed, refs, judged, others=trails)
            if values.copied_to:
                refs = self._refs("places", row, "copied_to")
                observed = text("figures/map/copied_to", to=", ".join(values.copied_to))
                yield self._flow(region, _COPIES, name, observed, refs, judged)

    def stacks(self) -> Iterator[Flow]:
        for row, values in self._rows("stacks"):
            carried = [name for name in _CARRIED if getattr(values, name) in ("ENABLED", True)]
            ways = tuple(_CARRIED[name] for name in carried)
            out = ", ".join(text(f"figures/map/moves/{way}") for way in ways)
            hosts = ", ".join(values.embed_hosts or ())
            for ends, observed, columns, controls in (
                (_DEVICES, out, carried, ("EX-01", "EX-02", "EX-03", "EX-11")),
                (_PAGES, hosts, ["embed_hosts"] if values.embedded else [], ("EX-09",)),
            ):
                if columns:
                    refs = self._refs("stacks", row, *columns)
                    judged = [("stacks", values.region)]
                    flow = self._flow(
                        values.region, ends, values.resource, observed, refs, judged, controls
                    )
                    yield replace(flow, carried=ways) if ends is _DEVICES else flow

    def agents(self) -> Iterator[Flow]:
        for row, values in self._rows("agent_access"):
            if values.agents:
                actions = ", ".join(values.agent_actions or ()).lower().replace("_", " ")
                refs = self._refs("agent_access", row, "agents")
                judged = [("agent_access", values.region)]
                yield self._flow(
                    values.region, _AGENTS, values.resource, actions, refs, judged, ("EX-10",)
                )

    def connectors(self) -> Iterator[Flow]:
        for row, values in self._rows("connectors"):
            ends, observed = (
                _PROVIDERS[values.provider],
                text("figures/map/domains", count=values.domains),
            )
            refs, judged = (
                self._refs("connectors", row, "provider"),
                [("connectors", values.region)],
            )
            yield self._flow(values.region, ends, values.resource, observed, refs, judged)

    def images(self) -> Iterator[Flow]:
        for row, values in self._rows("images"):
            if values.shared == "TRUE":
                others = ", ".join(values.shared_with or ()) or text("report/not_seen")
                observed = text("figures/map/shared_with", accounts=others)
                refs, judged = self._refs("images", row, "shared_with"), [("images", values.region)]
                controls = ("EX-05",)
                yield self._flow(
                    values.region, _ACCOUNTS, values.resource, observed, refs, judged, controls
                )

    def exports(self) -> Iterator[Flow]:
        unseen = self.tables["regions"].gap_at
        for row, values in self._rows("regions"):
            others = ", ".join(values.amis_open_to or ()) or text("findings/none")
            if (row, "amis_open_to") in unseen:
                others = text("report/not_seen")
            hidden = (row, "exports") in unseen
            observed = (
                text("report/not_seen")
                if hidden
                else text("figures/map/exported", count=len(values.exports), others=others)
            )
            flow = self._flow(
                *(values.region, _EXPORTS, values.resource, observed),
                self._refs("regions", row, "exports", "amis_open_to"),
                [("regions", values.region)],
                controls=("EX-06",),
            )
            if (flow.status and hidden) or values.exports:
                yield flow

    def unseen(self) -> Iterator[Flow]:
        """Yield what may be there and could not be listed, with the reason."""
        for name, ends in _LISTS.items():
            table = self.tables[name]
            for entry in table.covered:
                if gap := entry.trouble:
                    why = (gap.reason, gap.operation, gap.code, gap.hint)
                    observed, noun = ", ".join(filter(None, why)), table.spec.noun
                    name = text("figures/map/unlisted", noun=noun)
                    ids = tuple(evidence_ids(entry.evidence))
                    yield Flow(entry.region, ends, name, observed, NOT_EVIDENCED, (), ids, False)


def counted(count: int, unit: str) -> str:
    """Return a number with its unit: 1 bucket, 2 buckets, 3 directories."""
    return text(f"figures/map/units/{unit}", count=count)
