"""The engine: runs declared calls, concurrently and to their last page, into a snapshot.

It gathers and never judges: a denied call is stored as such.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.metadata import version
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import urlsplit

import botocore.exceptions as aws
from botocore import xform_name

from kit import log, shortage
from kit.aws_models import home_region, is_listed, load_models, partition_of
from kit.calls import (
    CALLS,
    DESCRIBE_ORGANIZATION,
    DESCRIBE_REGIONS,
    GET_CALLER_IDENTITY,
    LIST_BUCKETS,
    LIST_REGIONS,
    Call,
    Each,
    RunContext,
    Scope,
    made_by,
    search,
    with_sources,
)
from kit.collect.earlier import read_earlier, refuse_other_origin
from kit.collect.follow_up import read_follow_up, refuse_other_days
from kit.collect.handshakes import observe
from kit.collect.lending import check_organisation, lend, open_lender
from kit.collect.login import explain, message_of
from kit.collect.policy import policy, session_policies
from kit.collect.session import Clients, CredentialsEndedError, Refusal, api_versions
from kit.collect.wire import printable
from kit.errors import CannotRunError, NotEnteredError, UserError
from kit.maker import lock, made_here
from kit.outputs import check_place, flush, make_parents, writing
from kit.parameters import Run, appstream_regions, load_profile, load_waivers
from kit.progress import Phase
from kit.redact.labels import open_labels
from kit.redact.protect import protect
from kit.snapshot import (
    MORE_PAGES,
    NOT_FINAL,
    NOTHING_NEW,
    SAME_TOKEN,
    Request,
    Snapshot,
    digest,
    is_aws,
    is_refused,
    item_identity,
    stamp_of_endpoints,
    write,
)

_WORKERS = 48
# Requests at once to a service in a region. AppStream throttles early and documents no rates. S3
# documents 5,500 reads a second, KMS 500 and more for each operation: 16 that take 30 ms each are
# some 500 a second. The kit itself makes some 400 a second, so that more at once to S3 shortens what
# is far away alone: 32 that take 200 ms each are 160 a second.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
# https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html
_AT_ONCE = defaultdict(lambda: 6, {"kms": 16, "s3": 32})
_MOST_PAGES = 2_000  # the longest list, IAM's roles, has 10,000 items at most
_MOST_BARREN = 50  # pages in a row that list nothing new
_MOST_POLLS = 30
_MOST_OF_MESSAGE = 2_000  # characters that are stored of an error
_TOKENS = ("NextToken", "nextToken", "Marker", "ContinuationToken", "PaginationToken")


@dataclass(frozen=True)
class _Job:
    call: Call
    region: str
    parameters: Mapping[str, Any]


class _Regions:
    """Regions in scope, and which of them are switched off, and by which answer."""

    def __init__(self, wanted: Iterable[str], off: Mapping[str, int]):
        self.off = dict(off)
        self.all = sorted(wanted)
        self.on = [region for region in self.all if region not in self.off]


def switched_off(region: str) -> tuple[str, str]:
    """Return what a region in scope that the account has not enabled means, and the command that helps."""
    return (
        f"{region} is not enabled for the account, so that nothing in it is evidenced; take it out "
        "of regions, or let the account's administrator enable it",
        f"aws account enable-region --region-name {region}",
    )


def prepare() -> None:
    """Read what every collection needs of the kit's and botocore's files, before its first request."""
    lock()
    first = (GET_CALLER_IDENTITY, LIST_REGIONS, LIST_BUCKETS)
    load_models({call.service for call in CALLS.values() if call.probe or call in first})


def collect(
    run: Run,
    calls: Collection[Call],
    folder: Path | None = None,
    *,
    lender: Path | None = None,
    progress: bool = True,
    signed_in: Callable[[str], None] = lambda arn: None,
) -> Snapshot:
    """Send the requests and store what the account answers.

    Parameters
    ----------
    run : Run
    calls : collection of Call
        What the selected controls read; what these depend on is added.
    folder : Path, optional
        Where the snapshot is written; by default ``outputs/<account>/<run>/snapshot``.
    lender : Path, optional
        Where the organisation's snapshot can be read, if not where the run states.
    progress : bool
        Whether a bar is drawn on standard error.
    signed_in : function of str
        Called with the ARN of who signed in to the account, before anything else is requested.

    Returns
    -------
    Snapshot

    Raises
    ------
    UserError
        No credentials, or credentials of another account.
    CannotRunError
        AWS cannot be reached, or the snapshot cannot be written.
    """
    as_of = dt.datetime.now(dt.UTC).replace(microsecond=0)
    own = Path(run.outputs) / run.account / f"{as_of:%Y-%m-%dT%H%M%SZ}"
    with run.located():
        profile, waivers = load_profile(run.thresholds), load_waivers(run.waivers)
        labels = open_labels(run)
        organisation = open_lender(run, profile, as_of, lender)
        refuse_other_days(run, as_of)
        follow_up = read_follow_up(run, labels.fingerprint)
        earlier = read_earlier(run, labels.fingerprint, as_of)
        check_place(folder or own / "snapshot")
    calls = made_by(run, calls)
    wanted = [*calls, *([DESCRIBE_ORGANIZATION] if organisation else [])]
    needed = with_sources(wanted, run.without_services)
    partition = run.partition or "aws"
    policies = session_policies(policy(needed, partition), partition)
    with nullcontext(folder) if folder else _run_folder(own) as place, log.phase("collecting"):
        log.event("parameters", **_logged(run))
        engine = _Engine(run, Clients(run, policies), as_of)
        try:
            signed_in(engine.check_identity())
            endpoints = [request.endpoint for request in engine.requests]
            refuse_other_origin(earlier, stamp_of_endpoints(endpoints))
            engine.show(progress)
            header, requests, lent = _gather(engine, run, calls, organisation)
        finally:
            engine.close()
        header |= {
            "as_of": as_of.isoformat(),
            "pseudonym_key": labels.fingerprint,
            "profile": profile.model_dump(),
            "waivers": [waiver.model_dump() for waiver in waivers],
            **({"follow_up": follow_up} if follow_up else {}),
            **({"previous": earlier} if earlier else {}),
        }
        return write(place, header, requests, lent)


@contextmanager
def _run_folder(wanted: Path) -> Iterator[Path]:
    """Make the folder of a run, begin its log there, and yield the path for its snapshot.

    A run that fails leaves its log alone.
    """
    with writing(wanted):
        make_parents(wanted)
        for n in count(1):
            folder = wanted.with_name(f"{wanted.name}-{n}") if n > 1 else wanted
            with suppress(FileExistsError):  # of a run of the same second
                folder.mkdir()
                break
        flush(folder.parent)
    log.keep(folder)
    try:
        yield folder / "snapshot"
    except BaseException:
        with suppress(OSError):  # there is a log, or another run of the account
            folder.rmdir()
            folder.parent.rmdir()
        raise


def _logged(run: Run) -> dict[str, Any]:
    """Return what a log holds of a run's parameters: which are given, and values without names."""
    return {
        "given": sorted(run.sources),
        "account": run.account,
        "regions": run.regions,
        "controls": run.controls,
        "role": bool(run.role_arn),
        "profile": bool(run.aws_profile),
        **{name: value for name, value in run.model_dump().items() if name.endswith("_seconds")},
    }


def _gather(
    engine: _Engine, run: Run, calls: Collection[Call], organisation: Snapshot | None
) -> tuple[dict[str, Any], list[Request], tuple[Request, ...]]:
    """Send the requests; return the header's fields, the requests and the lent requests."""
    if organisation:
        engine.check_organisation(organisation)
    needed = with_sources(calls, run.without_services)
    regions = engine.find_regions()
    log.event("regions", on=regions.on, off=sorted(regions.off))
    unused = engine.perform_all(needed, regions.on)
    requests, ids = _number(engine.requests)
    loan = lend(organisation, run.account, regions.all) if organisation else None
    header = {
        "account": run.account,
        "partition": engine.partition,
        "certificates_verified": engine.verifies,
        "kit": version("appstream-evidence-kit"),
        "botocore": version("botocore"),
        "maker": made_here(),
        "parameters": run.model_dump(),
        # The snapshot names no folder of the analyst's.
        "parameter_sources": {name: Path(where).name for name, where in run.sources.items()},
        "api_versions": api_versions({call.service for call in needed}),
        "unlisted_services": sorted(
            service
            for service in {call.service for call in needed}
            if not is_listed(service, engine.partition)
        ),
        "session": engine.session,
        "throttles": engine.throttles,
        "stopped": engine.stopped,
        "regions": regions.all,
        "regions_off": {region: ids[n] for region, n in regions.off.items()},
        "regions_unused": unused,
        "calls": sorted(call.name for call in needed),
        "handshakes": [asdict(handshake) for handshake in observe(_hosts(requests))],
        "organisation": loan and dict(loan.header),
    }
    return header, requests, tuple(loan.requests) if loan else ()


def _hosts(requests: Iterable[Request]) -> set[tuple[str, int]]:
    """Return the hosts that received requests; none where a host is not AWS's, as in a sandbox."""
    endpoints = {request.endpoint for request in requests}
    if not all(is_aws(endpoint) for endpoint in endpoints):
        return set()
    urls = [urlsplit(endpoint) for endpoint in endpoints]
    return {(url.hostname, url.port or 443) for url in urls if url.hostname}


def _number(requests: list[Request]) -> tuple[list[Request], dict[int, str]]:
    """Give evidence ids in an order that does not depend on which thread was first."""
    order = sorted(
        range(len(requests)),
        key=lambda n: (
            requests[n].call,
            requests[n].region,
            str(sorted(requests[n].parameters.items())),
            requests[n].page,
        ),
    )
    ids = {n: f"E{position:04d}" for position, n in enumerate(order, 1)}
    return [replace(requests[n], id=ids[n]) for n in order], ids


def _listed(request: Request) -> Any:
    """Return the whole list that a request was answered with; None without it."""
    return None if request.error or request.cut else request.response.get(CALLS[request.call].items)


def _places(request: Request) -> set[Any]:
    return {bucket.get("BucketRegion") for bucket in _listed(request) or ()}


def _in_use(requests: Iterable[Request]) -> set[str]:
    """Return the regions where a list of AppStream's is not shown to be empty, or a bucket lies."""
    used: set[str] = set()
    for request in requests:
        call = CALLS[request.call]
        if call.probe and _listed(request) != []:
            used.add(request.region)
        elif call is LIST_BUCKETS:
            used |= _places(request) - {None}
    return used


def _chains(calls: Collection[Call]) -> dict[Call, int]:
    """Return of each call how many further calls wait for it, one after another."""
    waiting: dict[Call, list[Call]] = defaultdict(list)
    for call in calls:
        for source in call.sources:
            waiting[source].append(call)

    @cache
    def chain(call: Call) -> int:
        return max((1 + chain(further) for further in waiting[call]), default=0)

    return {call: chain(call) for call in calls}


def _is_for_any_region(call: Call) -> bool:
    """Whether a call's requests do not depend on which regions are in use."""
    return call.probe or (call.scope is Scope.ACCOUNT and not call.each)


class _Gates:
    """Lets so many tasks of a kind run at once as `_AT_ONCE` has it; the others hold no thread."""

    def __init__(self, pool: ThreadPoolExecutor):
        self._pool = pool
        self._queued: dict[tuple[str, str], deque[Any]] = defaultdict(deque)
        self._count: Counter[tuple[str, str]] = Counter()
        self._ended: SimpleQueue[tuple[tuple[str, str], Future[Any]]] = SimpleQueue()

    def submit(self, gate: tuple[str, str], task: Callable[..., Any], *arguments: Any) -> None:
        """Run a task for a service in a region, once its turn comes."""
        self._queued[gate].append((task, *arguments))
        self._open(gate)

    def wait(self) -> Iterator[Future[Any]]:
        """Yield the tasks that have ended since, at least one."""
        ended = [self._ended.get()]
        with suppress(Empty):
            while True:
                ended.append(self._ended.get_nowait())
        for gate, future in ended:
            self._count[gate] -= 1
            self._open(gate)
            yield future

    def _open(self, gate: tuple[str, str]) -> None:
        while self._queued[gate] and self._count[gate] < _AT_ONCE[gate[0]]:
            self._count[gate] += 1
            future = self._pool.submit(*self._queued[gate].popleft())
            future.add_done_callback(lambda done: self._ended.put((gate, done)))


class _Engine:
    def __init__(self, run: Run, clients: Clients, as_of: dt.datetime):
        self.run = run
        self.requests: list[Request] = []
        self.performed = {GET_CALLER_IDENTITY, LIST_REGIONS, DESCRIBE_REGIONS}
        self._clients = clients
        self._context = RunContext.of(run.account, as_of, run)
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="collect")
        self._gates = _Gates(self._pool)
        self._left: Counter[Call] = Counter()  # requests that are not answered
        self._items: dict[Each, list[tuple[str, dict[str, Any]]]] = {}  # with their pages' regions
        self.show(False)

    def show(self, progress: bool) -> None:
        """Begin to count requests, as the snapshot counts them, where anybody sees it."""
        self._phase = Phase(f"collecting {self.run.account}", "requests", shown=progress)
        self._phase.advance(len(self.requests))

    def close(self) -> None:
        self._phase.close()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._clients.close()

    def check_identity(self) -> str:
        """Return the caller's ARN, and refuse an account other than the run's."""
        self.perform([GET_CALLER_IDENTITY], [])
        answer = self.requests[-1]
        if answer.error:
            raise explain(answer.error, answer.status, self.run)
        entered = answer.response.get("Account") or "an account that AWS does not name"
        if entered != self.run.account:
            raise NotEnteredError(
                f"account: {self.run.account} is to be looked at, but these credentials are for "
                f"{entered}; change account, aws_profile or role_arn",
                "AnotherAccount",
            )
        log.event(
            "signed in",
            account=entered,
            partition=self.partition,
            method=self._clients.method,
            session=self.session,
        )
        return str(answer.response.get("Arn") or "AWS names nobody")

    def check_organisation(self, lender: Snapshot) -> None:
        """Refuse the snapshot of another organisation than the account's."""
        self.perform([DESCRIBE_ORGANIZATION], [])
        check_organisation(lender, self.requests)

    @property
    def partition(self) -> str:
        """The partition of the caller: aws, aws-us-gov ..."""
        answer = next(r.response for r in self.requests if r.call == GET_CALLER_IDENTITY.name)
        named = re.match(r"arn:(aws[a-z-]*):", answer.get("Arn") or "")
        if named:
            return named[1]
        return partition_of(self._clients.home)

    @property
    def verifies(self) -> bool:
        """Whether the certificate of every endpoint was verified."""
        return self._clients.verify_certificates

    @property
    def session(self) -> dict[str, Any] | None:
        """What limits the session of the role that the kit assumed; None without a role."""
        return self._clients.narrowing.record

    @property
    def throttles(self) -> int:
        """Return the number of throttled answers."""
        return self._clients.throttles

    @property
    def stopped(self) -> list[dict[str, str]]:
        """What the kit gave up, from when on and why."""
        return self._clients.limits.stopped

    def find_regions(self) -> _Regions:
        """Regions named in the run, or every AppStream region that the account has enabled."""
        status: dict[str, tuple[str, int]] = {}
        for call, name, state in (
            (LIST_REGIONS, "RegionName", "RegionOptStatus"),
            (DESCRIBE_REGIONS, "RegionName", "OptInStatus"),
        ):
            if not status:
                self.perform([call], [])
                for n, request in enumerate(self.requests):
                    if request.call == call.name and request.error is None:
                        for item in request.response.get(call.items, ()):
                            if item.get(name):
                                status[item[name]] = (item.get(state, ""), n)
        off = {
            region: n
            for region, (state, n) in status.items()
            if state.upper() in ("DISABLED", "DISABLING", "NOT-OPTED-IN")
        }
        if self.run.regions:
            return _Regions(self.run.regions, {r: off[r] for r in self.run.regions if r in off})
        partition = self._partition_regions()
        return _Regions([region for region in partition if region not in off], {})

    def _partition_regions(self) -> list[str]:
        return [region for region in appstream_regions() if partition_of(region) == self.partition]

    def unused_regions(self, needed: Collection[Call], regions: Iterable[str]) -> list[str]:
        """Regions where every list of AppStream's was read, and is empty, and no bucket lies.

        Only an answer that holds an empty list shows it. Without every list and the buckets the kit
        concludes nothing. An account that administers an organisation holds evidence for its
        members in every region.
        """
        probes = {call for call in CALLS.values() if call.probe} | {LIST_BUCKETS}
        if self.run.administers_organisation or not probes <= set(needed):
            return []
        answers = [request for request in self.requests if CALLS[request.call] is LIST_BUCKETS]
        if any(_listed(answer) is None or None in _places(answer) for answer in answers):
            return []
        empty: dict[str, set[str]] = defaultdict(set)
        for request in self.requests:
            if CALLS[request.call].probe:
                empty[request.region].add(request.call)
        used = _in_use(self.requests)
        lists = {call.name for call in probes if call.probe}
        return [region for region in regions if region not in used and empty[region] == lists]

    def perform(self, calls: Iterable[Call], regions: list[str]) -> None:
        """Make calls that wait for no other, side by side."""
        for call in calls:
            self._begin(call, regions)
        while self._left:
            self._finish_some()

    def perform_all(self, needed: Collection[Call], regions: list[str]) -> list[str]:
        """Make calls, each as soon as those that decide its requests are answered.

        A call in the regions in use, or for what is in them, waits for the calls that show which
        these are; one that depends on no other begins in each region that an answer shows in use.

        Returns
        -------
        list of str
            The regions where nothing of AppStream is.
        """
        left = set(needed) - self.performed
        probes = {call for call in left if call.probe or call is LIST_BUCKETS}
        # What pauses between its pages comes first: other requests fill the pauses. Then comes what
        # the most others wait for, and of the others what the longest chain waits for.
        chains = _chains(needed)
        waiting = sorted(
            left,
            key=lambda call: (
                -call.seconds_between,
                call not in probes,
                -chains[call],
                call.name,
            ),
        )
        unused: list[str] | None = None
        early = [call for call in waiting if not (call.sources or _is_for_any_region(call))]
        begun: set[str] = set()  # regions in which these began early
        while waiting or self._left:
            open_ = {*waiting, *self._left}
            if unused is None and probes.isdisjoint(open_):
                unused = self.unused_regions(needed, regions)
            ready = [
                call
                for call in waiting
                if open_.isdisjoint(call.sources)
                and (unused is not None or _is_for_any_region(call))
            ]
            for call in ready:
                waiting.remove(call)
                without = {*(unused or ()), *(begun if call in early else ())}
                self._begin(call, [region for region in regions if region not in without])
            if self._left.keys() >= set(
                ready
            ):  # else what waits for a call without requests begins
                ended = False
                while self._left and not ended:
                    before = len(self.requests)
                    ended = self._finish_some()
                    if unused is None:
                        shown = _in_use(self.requests[before:]) - begun
                        begun |= shown
                        for call in early if shown else ():
                            self._begin(call, [region for region in regions if region in shown])
        return unused or []

    def _begin(self, call: Call, regions: list[str]) -> None:
        """Queue the requests of a call whose sources are answered."""
        self.performed.add(call)
        for job in self._jobs(call, regions):
            self._left[call] += 1
            self._gates.submit((call.service, job.region), self._perform_job, job)

    def _finish_some(self) -> bool:
        """Wait for an answer, and store all that have come; return whether a call has its last."""
        before = len(self._left)
        for done in self._gates.wait():
            requests = done.result()
            self.requests += requests
            call = CALLS[requests[0].call]
            self._left[call] -= 1
            if not self._left[call]:
                del self._left[call]
            self._phase.advance(len(requests))
        return len(self._left) < before

    def _jobs(self, call: Call, regions: list[str]) -> Iterator[_Job]:
        fixed = call.parameters(self._context)
        if call.fallback_of:
            regions = [r for r in regions if self._needs_fallback(call.fallback_of, r)]
            if call.scope is Scope.ACCOUNT and not self._needs_fallback(call.fallback_of, None):
                return
        if call.each:
            for region, parameters in self._fan_out(call, regions):
                yield _Job(call, region, {**fixed, **parameters})
        elif call.scope is Scope.ACCOUNT:
            region = home_region(self.partition) if call.home else self._clients.home
            yield _Job(call, region, fixed)
        else:
            for region in regions:
                yield _Job(call, region, fixed)

    def _needs_fallback(self, call: Call, region: str | None) -> bool:
        answers = [r for r in self.requests if r.call == call.name and region in (None, r.region)]
        return not any(r.error is None and r.response.get(call.items) for r in answers) or any(
            r.error for r in answers
        )

    def _fan_out(self, call: Call, regions: list[str]) -> list[tuple[str, dict[str, Any]]]:
        """Return regions and parameters in an order that does not depend on the answers' order."""
        requests: dict[str, tuple[str, dict[str, Any]]] = {}
        for each in call.each:
            if each not in self._items:  # which several calls fan out over
                self._items[each] = [
                    (request.region, item)
                    for request in self.requests
                    if request.call == each.source.name and not request.error
                    for item in each.wanted(request.response)
                ]
            for where, listed in self._items[each]:
                item = dict(listed)
                unknown = "Region" in item and not item["Region"]
                region = item.pop("Region", None) or where
                ours = item.pop("Owner", self.run.account) == self.run.account
                if None in item.values() or not ours:
                    continue
                if region in regions or each.beyond or unknown:
                    requests[f"{region} {sorted(item.items())}"] = (region, item)
        return [requests[key] for key in sorted(requests)]

    def _perform_job(self, job: _Job) -> list[Request]:
        return self._poll(job) if job.call.until else self._page(job)

    def _poll(self, job: _Job) -> list[Request]:
        requests: list[Request] = []
        for page in range(_MOST_POLLS):
            request = self._request(job, job.parameters, page)
            requests.append(request)
            if request.error or search(job.call.until, request.response):
                return requests
            time.sleep(job.call.seconds_between)
        last = replace(requests[-1], cut=NOT_FINAL.format(count=_MOST_POLLS))
        return [*requests[:-1], last]

    def _page(self, job: _Job) -> list[Request]:
        requests: list[Request] = []
        parameters: dict[str, Any] = dict(job.parameters)
        seen: set[str] = set()
        listed: set[str] = set()
        barren = 0
        most = self.run.event_pages if job.call.bounded else _MOST_PAGES
        while True:
            tokens: dict[str, str] = {}
            request = self._request(job, parameters, len(requests), tokens)
            if not tokens or request.error:
                return [*requests, request]
            if len(requests) + 1 == most:
                return [*requests, replace(request, cut=MORE_PAGES.format(count=most))]
            if not seen.isdisjoint(tokens.values()):
                return [*requests, replace(request, cut=SAME_TOKEN)]
            new = {
                f"{member} {item_identity(item)}"
                for member in (job.call.items, *job.call.holds)  # paged together
                for item in request.response.get(member) or ()
            }
            barren = barren + 1 if new <= listed else 0
            listed |= new
            if barren == _MOST_BARREN:
                return [*requests, replace(request, cut=NOTHING_NEW.format(count=barren))]
            requests.append(request)
            seen.update(tokens.values())
            parameters |= tokens
            time.sleep(job.call.seconds_between)

    def _request(
        self,
        job: _Job,
        parameters: Mapping[str, Any],
        page: int,
        tokens: dict[str, str] | None = None,
    ) -> Request:
        """Make a request; ``tokens`` receives the parameters of the next page."""
        started = dt.datetime.now(dt.UTC)
        generation = self._clients.generation
        client, response, error, attempts = self._send(job, parameters)
        if error:
            refusal = self._clients.refused(error["code"], job.region, generation)
            if refusal is Refusal.RENEWED:
                client, response, error, attempts = self._send(job, parameters)
            elif refusal is Refusal.ENDED and is_refused(error["code"]):
                # The code is also that of a region that is off, which this is not.
                message = f"{error['code']}: {error['message']}"
                error = {"code": CredentialsEndedError.__name__, "message": message}
        model = client.meta.service_model.operation_model(job.call.operation)
        ended = dt.datetime.now(dt.UTC)
        meta = response.pop("ResponseMetadata", {})
        stored: Any = None
        if not error:
            following = _next_page(model, response)
            try:
                stored = protect(job.call, response)
                sealed = digest(stored)
            except Exception as problem:
                error, stored = _error(problem), None
            else:
                (tokens if tokens is not None else {}).update(following)
        made = Request(
            id="",
            call=job.call.name,
            service=job.call.service,
            operation=job.call.operation,
            region=job.region,
            parameters=protect(job.call, dict(job.parameters)),
            page=page,
            started=started.isoformat(),
            ended=ended.isoformat(),
            attempts=attempts,
            status=meta.get("HTTPStatusCode"),
            request_id=meta.get("RequestId"),
            endpoint=without_user(client.meta.endpoint_url),
            error=protect(job.call, error) if error else None,
            cut=None,
            response=stored,
            sha256=digest(None) if error else sealed,
        )
        _log(made, (ended - started).total_seconds())
        return made

    def _send(
        self, job: _Job, parameters: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any], dict[str, str] | None, int]:
        """Send a request; return the client, the answer, the error if there is one, the attempts."""
        client = self._clients.client(job.call.service, job.region)
        method = getattr(client, xform_name(job.call.operation))
        response: dict[str, Any] = {}
        error: dict[str, str] | None = None
        sent = 0
        try:
            with self._clients.call(job.call.service, job.region) as made:
                try:
                    response = method(**parameters)
                finally:
                    sent = made.sent
        except aws.ClientError as problem:
            details = problem.response.get("Error", {})
            error = {
                "code": details.get("Code") or "Unknown",
                "message": details.get("Message") or "",
            }
            # Before the first answer nobody has signed in: whatever AWS answered is why.
            if problem.operation_name == job.call.operation or not self.requests:
                response = problem.response
            else:  # of the call that should have renewed the credentials
                message = f"{problem.operation_name}: {error['code']}: {error['message']}"
                error = {"code": "CredentialRetrievalError", "message": message}
        except UserError as problem:  # nobody can type the code that the profile requires
            if not self.requests:
                raise
            error = {"code": "CredentialRetrievalError", "message": str(problem)}
        except Exception as problem:  # of whatever library: the error of this call, and no other's
            lacks = shortage.of(problem, by_text=False)
            if lacks:  # this machine's, of which no answer of AWS's may be made
                raise CannotRunError(f"the collection ended: {lacks}") from None
            error = _error(problem)
        meta = response.get("ResponseMetadata", {})
        attempts = 1 + int(meta["RetryAttempts"]) if "RetryAttempts" in meta else sent
        return client, response, error, attempts


def _log(request: Request, seconds: float) -> None:
    """Log a request without its parameters, which have names in them."""
    error = request.error or {}
    log.event(
        "request",
        logging.WARNING if error and not request.absent else logging.INFO,
        operation=request.call,
        region=request.region,
        page=request.page,
        status=request.status,
        request_id=log.code(request.request_id),
        attempts=request.attempts,
        seconds=round(seconds, 3),
        host=urlsplit(request.endpoint).hostname if is_aws(request.endpoint) else "not AWS's",
        **(
            {"error": log.code(error["code"]), "message": log.masked(error["message"])}
            if error
            else {}
        ),
    )


def _error(problem: Exception) -> dict[str, str]:
    """Return what the snapshot stores of an exception: its name and its message."""
    return {
        "code": type(problem).__name__,
        "message": printable(message_of(problem)[:_MOST_OF_MESSAGE]),
    }


def _next_page(model: Any, body: dict[str, Any]) -> dict[str, str]:
    """Take the page token out of an answer; return it as the parameter of the next request."""
    accepted = model.input_shape.members if model.input_shape else {}
    tokens = {}
    for given in ("NextMarker", "NextContinuationToken", *_TOKENS):
        value = body.pop(given, None)
        name = given if given in accepted else given.removeprefix("Next")
        if value and name in accepted:
            tokens[name] = value
    return tokens


def without_user(url: str) -> str:
    """Return a URL without a user and a password, which a snapshot must not hold."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
