"""The requests of a run and the account's answers: written once, hashed, never changed.

A snapshot is a folder of two files: ``snapshot.json``, the header, which seals
``evidence.jsonl``, a line for each request in the order of evidence ids.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from kit import bounds
from kit.bounds import parse_json
from kit.calls import CALLS, DESCRIBE_REGIONS, LIST_REGIONS, Call, search
from kit.canonical import canonical_json
from kit.catalogue.texts import text
from kit.displayed import Displayed, counted
from kit.errors import UserError
from kit.outputs import ExistsAlreadyError, new_folder, writing
from kit.parameters import Profile, Promise, Run, Waiver

if TYPE_CHECKING:
    from kit.desk import Evidence

FORMAT = 1
LENT = "O"  # evidence ids of answers that the organisation's snapshot lent begin so
HEADER, EVIDENCE = "snapshot.json", "evidence.jsonl"

_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "OperationNotPermittedException",
    "InvalidAccountStatusException",
}
_REGION_OFF = {
    "UnrecognizedClientException",
    "InvalidAccessKeyId",  # as S3 has it
    "InvalidClientTokenId",
    "AuthFailure",
    "OptInRequired",
}
_THROTTLED = {
    *("RequestLimitExceeded", "SlowDown", "TooManyRequestsException", "BandwidthLimitExceeded"),
    *("PriorRequestNotComplete", "ProvisionedThroughputExceededException"),
    "TransactionInProgressException",
}
_EXPIRED = {
    "ExpiredToken",
    "ExpiredTokenException",
    "TokenRefreshRequired",
    "CredentialsEndedError",  # the kit's own, for requests that it gave up
    # botocore's own, where it could not renew the credentials
    "CredentialRetrievalError",
    "LoginRefreshRequired",
    "RefreshWithMFAUnsupportedError",
    "SSOTokenLoadError",
    "TokenRetrievalError",
    "UnauthorizedSSOTokenError",
}
_UNREADABLE = "UnreadableAnswerError"  # the kit's own (kit.collect.wire)
CODES = _DENIED | _REGION_OFF | _THROTTLED | _EXPIRED
# The kit's own, of what was not waited for any longer; their messages name the parameter.
_GIVEN_UP = {"CallOverdueError", "RegionSilentError", "RunOverdueError", "ServiceSilentError"}
# How a snapshot states why it lacks pages of an answer.
MADE_AGAINST = "NOT AWS: made against "  # begins the stamp that names endpoints
NOT_FINAL = "not final after {count} requests"
MORE_PAGES = "{count} pages read, more exist"
NOTHING_NEW = "{count} pages in a row listed nothing new, more exist"
SAME_TOKEN = "the same page token came twice"
_NO_HOST = "EndpointConnectionError"
_SKEWED = {"RequestTimeTooSkewed", "RequestInTheFuture"}
_STALE_SIGNATURE = re.compile(r"(?i)signature (expired|not yet current)")
# The calls that state whether the account has a region: ListRegions, DescribeRegions.
_ON = {"ENABLED", "ENABLED_BY_DEFAULT", "OPTED-IN", "OPT-IN-NOT-REQUIRED"}
# Members that identify what AWS lists, whatever else of it changed between two pages.
_IDS = (
    *("Arn", "arn", "ResourceARN", "TrailARN", "EventDataStoreArn", "bucketArn"),
    *("EventId", "SerialNumber", "TaskId", "VpcEndpointId", "jobId"),
)


@dataclass(frozen=True)
class Request:
    """A request and its answer.

    Attributes
    ----------
    id : str
        The evidence id, ``E0001`` onwards.
    call : str
        Name of the declared call.
    started, ended : str
        UTC, ISO 8601.
    attempts : int
        1 for a request that was not retried; 0 where none was sent: the error has the reason.
    error : dict or None
        ``code`` and ``message`` as AWS gave them.
    sha256 : str
        Of the canonical JSON (RFC 8785) of ``response`` as stored.
    nonce : str
        32 random bytes in hex, with which a pack commits to the response.
    """

    id: str
    call: str
    service: str
    operation: str
    region: str
    parameters: Mapping[str, Any]
    page: int
    started: str
    ended: str
    attempts: int
    status: int | None
    request_id: str | None
    endpoint: str
    error: Mapping[str, str] | None
    cut: str | None
    response: Any
    sha256: str
    nonce: str = field(default_factory=lambda: secrets.token_hex(32))

    @property
    def absent(self) -> bool:
        """Whether AWS's error states that the thing does not exist: a fact, not a failure."""
        return self.error is not None and _is_absence(CALLS[self.call], self.error)

    @property
    def body(self) -> bytes:
        """What AWS answered, as canonical JSON (RFC 8785): the response as stored, or the error."""
        return canonical_json(self.error or self.response)

    @property
    def commitment(self) -> str:
        """SHA-256 over the nonce and the body: proves the answer later, and gives nothing away.

        A plain digest of a short answer could be guessed.
        """
        return hashlib.sha256(bytes.fromhex(self.nonce) + self.body).hexdigest()


@dataclass(frozen=True)
class Trouble:
    """Why something could not be seen."""

    reason: str
    operation: str = ""
    code: str = ""
    permission: str = ""
    hint: str = ""
    evidence: str = ""


# The members that say why something could not be seen; gaps, coverage and findings have them.
TROUBLE = tuple(part.name for part in fields(Trouble) if part.name != "evidence")


@dataclass(frozen=True)
class Answer:
    """All pages of a call with the same parameters in a region.

    ``requests`` is empty where the call was not made; ``unused`` then states whether that is
    because nothing of AppStream is in the region. ``on``: something else shows that the account
    has the region; ``unlisted``: where AWS has no endpoint of the service, if it is so. ``after``
    are the answers of the calls that had to come first.
    """

    call: Call
    region: str
    parameters: Mapping[str, Any]
    requests: tuple[Request, ...] = ()
    unused: bool = False
    off: str = ""
    on: bool = False
    unlisted: str = ""
    after: tuple[Answer, ...] = ()

    @cached_property
    def trouble(self) -> Trouble | None:
        """What keeps the answer from being complete, if anything does."""
        if self.off:
            return Trouble(
                "region off",
                self.call.name,
                hint=text("gaps/region_off", region=self.region),
                evidence=self.off,
            )
        if self.unused:
            return None
        if not self.requests:
            return Trouble("not collected", self.call.name)
        for request in self.requests:
            if request.error and not request.absent:
                code = request.error["code"]
                reason = reason_for(code, request.status)
                if self.unlisted and code == _NO_HOST:
                    hint = text("gaps/no_host", unlisted=self.unlisted)
                    return Trouble("no API", self.call.name, code, hint=hint, evidence=request.id)
                refused = reason == "region off" and self.on
                reason = "failed" if refused else reason
                first = next((answer.trouble for answer in self.after if answer.trouble), None)
                if first and reason == "failed":  # as what had to come first did
                    return first
                return Trouble(
                    reason,
                    self.call.name,
                    code,
                    self.call.action if code in _DENIED else "",
                    (_not_accepted(code) if refused else "") or _hint(self.call, request.error),
                    request.id,
                )
            if left_out := _left_out(self.call, request):
                hint = text("gaps/left_out", member=left_out)
                return Trouble("absent in answer", self.call.name, hint=hint, evidence=request.id)
            if request.cut and not self.call.bounded:
                return Trouble(
                    "cut short", self.call.name, hint=_why_cut(request.cut), evidence=request.id
                )
        return None

    @property
    def sampled(self) -> bool:
        """Whether the call is bounded and AWS has more than was read: what is listed is a sample."""
        return self.call.bounded and any(request.cut for request in self.requests)

    @property
    def absent(self) -> bool:
        """Whether AWS answered that the thing does not exist."""
        last = self.requests[-1] if self.requests else None
        return bool(last and last.absent)

    @property
    def evidence(self) -> tuple[str, ...]:
        """Ids of the requests, in order."""
        return tuple(request.id for request in self.requests) or ((self.off,) if self.off else ())

    @property
    def first(self) -> str:
        """Id of the first request; empty without a request."""
        return next(iter(self.evidence), "")

    def items(self, path: str = "") -> Iterator[tuple[Any, str]]:
        """Yield each listed item once with its reference, ``E0012#/Fleets/3``.

        Successive pages may overlap: of an item that two pages list, the later page's counts.
        """
        yield from self._listed(path or self.call.items)

    def items_with(self, member: str, value: Any) -> list[tuple[Any, str]]:
        """Return the listed items of which a member has a value, with their references."""
        if member not in self._by_member:
            index: dict[Any, list[tuple[Any, str]]] = {}
            for item, ref in self.items():
                index.setdefault(_hashable(item.get(member)), []).append((item, ref))
            self._by_member[member] = index
        return self._by_member[member].get(_hashable(value), [])

    @cached_property
    def _by_member(self) -> dict[str, dict[Any, list[tuple[Any, str]]]]:
        """The listed items by a member's name, then by its value."""
        return {}

    def _listed(self, member: str) -> Iterable[tuple[Any, str]]:
        if member in self._lists:
            return self._lists[member]
        items: dict[tuple[str, int], tuple[Any, str]] = {}
        for request in self.requests:
            page: Counter[str] = Counter()
            if request.error is None:
                for n, item in enumerate(search(member, request.response) or []):
                    ref = f"{request.id}#/{member.replace('.', '/')}/{n}"
                    identity = item_identity(item) if len(self.requests) > 1 else ref
                    items[identity, page[identity]] = (item, ref)
                    page[identity] += 1
        return self._lists.setdefault(member, tuple(items.values()))

    @cached_property
    def _lists(self) -> dict[str, tuple[tuple[Any, str], ...]]:
        """What `items` yields, by path."""
        return {}

    def place(self, ref: str) -> str:
        """Where a listed item stands, ``eu-west-1/Users/3``: the same whatever else the run requested."""
        page, path = ref.split("#/")
        member, n = path.rsplit("/", 1)
        earlier = takewhile(lambda request: request.id != page, self.requests)
        lists = (search(member.replace("/", "."), r.response) for r in earlier)
        return f"{self.region}/{member}/{sum(len(items or ()) for items in lists) + int(n)}"

    def value(self, path: str) -> Any:
        """JMESPath value in the first page of the answer; None where absent."""
        for request in self.requests:
            if request.error is None:
                return search(path, request.response)
        return None


_Place = tuple[str, str]  # the region and the parameters of a request
Place = tuple[str, ...]  # control, region, resource or subject, and part of a finding


@dataclass(frozen=True)
class Earlier:
    """What earlier packs of the account found.

    Attributes
    ----------
    packs : tuple of mapping
        ``as_of`` (ISO time), the SHA-256 of ``snapshot``, ``findings`` and ``manifest`` (the tag
        manifest), ``signature`` and ``stamp`` of each, the oldest first.
    places : mapping
        Status, and ISO time since which it is open (empty where it is not), of each verdict of
        the newest, by control, region, resource or subject, and part: `kit.judge.digest.places_of`.
    left_out : tuple of mapping
        ``as_of`` and ``label_key`` of packs with labels of another key, the oldest first.
    """

    packs: tuple[Mapping[str, str], ...]
    places: Mapping[Place, tuple[str, str]]
    left_out: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class Handshake:
    """What a host agreed to.

    Attributes
    ----------
    id : str
        Evidence id, ``H0001`` onwards.
    host, port : str, int
    time : str
        UTC, ISO 8601.
    version, cipher : str
        As negotiated, such as TLSv1.3 and TLS_AES_128_GCM_SHA256; empty where there is an error.
    subject, issuer, expires, certificate : str
        Of the host's certificate, which was verified: names, UTC time, SHA-256 of its DER form.
    refuses_tls_1_1 : bool or None
        Whether a second handshake that offered no more than TLS 1.1 was refused; None where this
        side could not offer that.
    error : str
        Why there was no handshake.
    """

    id: str
    host: str
    port: int
    time: str
    version: str = ""
    cipher: str = ""
    subject: str = ""
    issuer: str = ""
    expires: str = ""
    certificate: str = ""
    refuses_tls_1_1: bool | None = None
    error: str = ""


class Snapshot(Displayed):
    """A stored snapshot, read-only.

    Parameters
    ----------
    header : dict
        Content of ``snapshot.json``.
    requests : iterable of Request
        The account's own.
    folder : Path
    lent : iterable of Request
        Answers that the organisation's snapshot lent.
    """

    def __init__(
        self,
        header: Mapping[str, Any],
        requests: Iterable[Request],
        folder: Path,
        lent: Iterable[Request] = (),
    ):
        self.header = header
        self.requests = tuple(requests)
        self.lent = tuple(lent)
        self.folder = folder

    def __repr__(self) -> str:
        refused = sum(bool(request.error) and not request.absent for request in self.requests)
        return (
            f"Snapshot of account {self.account}, {self.as_of:%Y-%m-%d %H:%M} UTC: "
            f"{counted(len(self.regions), 'region')}, {counted(len(self.requests), 'request')}, "
            f"{refused} with an error"
        )

    def evidence_of(self, reference: str) -> Evidence:
        """Return what a reference of a finding names, as packs show it.

        Parameters
        ----------
        reference : str
            ``E0012`` for a whole answer, ``E0012#/Fleets/3`` for a part of it, ``H0003`` for a
            handshake, ``parameters#/controller`` for what the run declares.

        Returns
        -------
        kit.desk.Evidence
            In which labels replace names, unless the run shows names in clear. `requests` has the
            answers in clear.

        Raises
        ------
        UserError
            There is no such evidence, or nothing where the pointer leads; or the key of the labels
            is missing or another.
        """
        evidence: Evidence = resolve_name("kit.desk:evidence_of")(self, reference)
        return evidence

    @property
    def evidence(self) -> tuple[Request, ...]:
        """Every stored answer: the account's own, then those that were lent."""
        return self.requests + self.lent

    @cached_property
    def organisation(self) -> Snapshot | None:
        """What the organisation's snapshot lent, as a snapshot; None where none was named."""
        lender = self.header.get("organisation")
        if not lender:
            return None
        regions = sorted({request.region for request in self.lent})
        scope = {"regions": regions, "regions_off": {}, "regions_unused": []}
        return Snapshot({**lender, **scope}, self.lent, self.folder)

    @cached_property
    def run(self) -> Run:
        """The parameters of the run."""
        return Run.model_validate(self.header["parameters"])

    @cached_property
    def profile(self) -> Profile:
        """The thresholds."""
        return Profile.model_validate(self.header["profile"])

    @cached_property
    def waivers(self) -> tuple[Waiver, ...]:
        """Waivers as given with the run."""
        return tuple(Waiver.model_validate(waiver) for waiver in self.header["waivers"])

    @cached_property
    def earlier(self) -> Earlier | None:
        """What the earlier packs found that the run names; None where it names none."""
        stored = self.header.get("previous")
        if not stored:
            return None
        # Earlier kits stored no part.
        places = {(*place, "")[:4]: (status, since) for *place, status, since in stored["places"]}
        return Earlier(tuple(stored["packs"]), places, tuple(stored.get("left_out", ())))

    @cached_property
    def promises(self) -> tuple[Promise, ...]:
        """What the follow-up states that the run names."""
        stored = self.header.get("follow_up")
        return tuple(Promise.model_validate(row) for row in stored["rows"]) if stored else ()

    @property
    def account(self) -> str:
        """The account's 12 digits."""
        return str(self.header["account"])

    @property
    def as_of(self) -> dt.datetime:
        """When collection began: the only clock for all that follows."""
        return dt.datetime.fromisoformat(self.header["as_of"])

    @property
    def regions(self) -> tuple[str, ...]:
        """Regions in scope, sorted."""
        return tuple(self.header["regions"])

    @property
    def regions_off(self) -> Mapping[str, str]:
        """Regions in scope that are not enabled, with the evidence id that shows it."""
        return dict(self.header["regions_off"])

    @property
    def regions_unused(self) -> frozenset[str]:
        """Regions where every AppStream list was read and is empty, and no bucket lies."""
        return frozenset(self.header["regions_unused"])

    @property
    def stopped(self) -> tuple[Mapping[str, str], ...]:
        """What the kit gave up: ``at`` (UTC, ISO 8601), ``code`` and ``message``."""
        return tuple(self.header.get("stopped", ()))

    @property
    def ended(self) -> str:
        """When the last answer came, ISO time; when the run began, if there was no request."""
        return max([self.as_of.isoformat(), *(request.ended for request in self.requests)])

    @cached_property
    def handshakes(self) -> tuple[Handshake, ...]:
        """What the hosts that received requests agreed to; none where AWS received none."""
        return tuple(Handshake(**fields) for fields in self.header.get("handshakes", ()))

    @property
    def stamp(self) -> str | None:
        """What every page must state where the answers did not come from AWS."""
        return stamp_of_endpoints(request.endpoint for request in self.evidence)

    @property
    def digest(self) -> str:
        """SHA-256 of the header file, which seals the evidence."""
        return hashlib.sha256(_header_bytes(self.header)).hexdigest()

    @cached_property
    def _regions_on(self) -> frozenset[str]:
        """Regions that the account is known to have: by their status, or because they answered."""
        regions: set[str] = set()
        for call, state in ((LIST_REGIONS, "RegionOptStatus"), (DESCRIBE_REGIONS, "OptInStatus")):
            for request in self.requests:
                if request.call == call.name and request.error is None:
                    listed = request.response.get(call.items) or ()
                    regions.update(
                        region.get("RegionName", "")
                        for region in listed
                        if str(region.get(state)).upper() in _ON
                    )
        for request in self.requests:
            known = not request.error or request.absent
            if known or reason_for(request.error["code"], request.status) == "denied":  # type: ignore[index]
                regions.add(request.region)
        return frozenset(regions)

    @cached_property
    def _by_call(self) -> dict[str, dict[_Place, list[Request]]]:
        index: dict[str, dict[_Place, list[Request]]] = {}
        for request in self.requests:
            key = (request.region, _key(request.parameters))
            index.setdefault(request.call, {}).setdefault(key, []).append(request)
        return index

    def _unlisted(self, call: Call) -> str:
        """The sentence that AWS has no endpoint of a service in the partition; empty if it has."""
        if call.service not in self.header.get("unlisted_services", ()):
            return ""
        partition, version = self.header["partition"], self.header["botocore"]
        return text("gaps/no_endpoint", version=version, service=call.service, partition=partition)

    @cached_property
    def _first_with(self) -> dict[tuple[str, tuple[str, ...]], dict[Any, _Place]]:
        """The place of a call's first request by some of its parameters' names, then by their values."""
        return {}

    @cached_property
    def _answers(self) -> dict[tuple[str, _Place], Answer]:
        return {}

    def answers(self, call: Call, region: str | None = None) -> list[Answer]:
        """All answers of a call, or its answers of the given region.

        A call that was not made in a region in scope yields an answer without requests.
        """
        answers = [
            self._answer(call, place)
            for place in self._by_call.get(call.name, {})
            if region in (None, place[0])
        ]
        if not answers and not call.each:
            answers = [self._unanswered(call, region or "")]
        return answers

    def answer(self, call: Call, region: str | None = None, **parameters: Any) -> Answer:
        """The answer to a call with these parameters among its own.

        ``region`` None means: of any region.
        """
        names = tuple(sorted(parameters))
        if (call.name, names) not in self._first_with:
            self._first_with[call.name, names] = self._places(call, names)
        values = tuple(_hashable(parameters[name]) for name in names)
        place = self._first_with[call.name, names].get((region, values))
        if place is None:
            return self._unanswered(call, region or "", parameters)
        return self._answer(call, place)

    def _places(self, call: Call, names: tuple[str, ...]) -> dict[Any, _Place]:
        """The first place of each set of values that parameters of these names have."""
        places: dict[Any, _Place] = {}
        for place, requests in self._by_call.get(call.name, {}).items():
            parameters = requests[0].parameters
            if all(name in parameters for name in names):
                values = tuple(_hashable(parameters[name]) for name in names)
                for where in (place[0], None):
                    places.setdefault((where, values), place)
        return places

    def _answer(self, call: Call, place: _Place) -> Answer:
        """The answer that requests at a place had; the same object each time."""
        if (call.name, place) not in self._answers:
            requests = self._by_call[call.name][place]
            self._answers[call.name, place] = Answer(
                call,
                place[0],
                requests[0].parameters,
                tuple(requests),
                on=place[0] in self._regions_on,
                unlisted=self._unlisted(call),
                after=self._after(call),
            )
        return self._answers[call.name, place]

    def _unanswered(
        self, call: Call, region: str, parameters: Mapping[str, Any] | None = None
    ) -> Answer:
        return Answer(
            call,
            region,
            parameters or {},
            unused=region in self.regions_unused,
            off=self.regions_off.get(region, ""),
            on=region in self._regions_on,
            unlisted=self._unlisted(call),
            after=self._after(call),
        )

    def _after(self, call: Call) -> tuple[Answer, ...]:
        return tuple(self.answer(first) for first in call.after)


def reason_for(code: str, status: int | None) -> str:
    """The reason code of an error: denied, region off, throttled, unreadable answer or failed."""
    if code in _DENIED:
        return "denied"
    if code in _REGION_OFF:
        return "region off"
    if code in _THROTTLED or "Throttl" in code:
        return "throttled"
    return "unreadable answer" if code == _UNREADABLE else "failed"


def is_expired(code: str) -> bool:
    """Whether an error means that the credentials have ended."""
    return code in _EXPIRED


def is_refused(code: str) -> bool:
    """Whether an error means that AWS does not accept the credentials, at all or in this region."""
    return code in _REGION_OFF - {"OptInRequired"} | {"InvalidToken"}


def _why_cut(stored: str) -> str:
    """Return why pages are missing, from what the snapshot stores of it."""
    count = "".join(filter(str.isdigit, stored))
    ids = {
        NOT_FINAL: "gaps/not_final",
        MORE_PAGES: "gaps/more_pages",
        NOTHING_NEW: "gaps/nothing_new",
        SAME_TOKEN: "gaps/same_token",
    }
    for form, id in ids.items():
        if stored == form.format(count=count):
            return text(id, count=count)
    return stored


def _not_accepted(code: str) -> str:
    """What an error means that speaks of a region being off which the account has."""
    if code == "OptInRequired":
        return text("gaps/not_subscribed")
    return text("gaps/region_on") if code in _REGION_OFF else ""


def _hint(call: Call, error: Mapping[str, str]) -> str:
    """What would let the call through; AWS's message itself names principals."""
    message = error["message"]
    if "service control policy" in message or "resource control policy" in message:
        return text("gaps/organisation_denies")
    if "resource-based policy" in message:
        return text("gaps/resource_denies")
    if error["code"] in _DENIED and call.action:
        return text("gaps/grant", permission=call.action)
    if error["code"] in _GIVEN_UP:
        return message
    if error["code"] == _UNREADABLE:
        return text("gaps/unreadable")
    return way_in(error["code"], message)


def way_in(code: str, message: str) -> str:
    """What lets AWS accept the credentials again; empty where an error is not about them.

    References
    ----------
    Amazon S3 API Reference, "Error responses"; Amazon EC2 API Reference, "Error codes"
    (RequestExpired); IAM User Guide, "Troubleshoot Signature Version 4 signing for AWS API
    requests".
    """
    if code in _EXPIRED:
        return text("gaps/expired")
    if code in _SKEWED or _STALE_SIGNATURE.search(message):
        return text("gaps/clock")
    if code == "InvalidToken":  # as S3 has it
        return text("gaps/session_token")
    if code == "RequestExpired":
        return text("gaps/expired_or_clock")
    return ""


def item_identity(item: Any) -> str:
    """What identifies a listed item: its ARN or id, else its whole content."""
    if isinstance(item, Mapping):
        for name in _IDS:
            if item.get(name):
                return f"{name} {item[name]}"
    return json.dumps(item, sort_keys=True, default=str)


def digest(response: Any) -> str:
    """SHA-256 of the canonical JSON of a response."""
    return hashlib.sha256(canonical_json(response)).hexdigest()


def write(
    folder: Path,
    header: Mapping[str, Any],
    requests: Iterable[Request],
    lent: Iterable[Request] = (),
) -> Snapshot:
    """Write a snapshot, whole or not at all.

    Parameters
    ----------
    folder : Path
    header : mapping
    requests, lent : iterable of Request

    Raises
    ------
    ExistsAlreadyError
        The folder exists already.
    CannotRunError
        The folder cannot be written.
    """
    requests, lent = tuple(requests), tuple(lent)
    if os.path.lexists(folder):
        raise ExistsAlreadyError(f"outputs: {folder} exists already; a snapshot is written once")
    stored = requests + lent
    lines = b"".join(canonical_json(vars(request)) + b"\n" for request in stored)
    header = {
        **header,
        "format": FORMAT,
        "evidence": {"sha256": hashlib.sha256(lines).hexdigest(), "requests": len(stored)},
    }
    with new_folder(folder) as made, writing(folder):
        _write_private(made / EVIDENCE, lines)
        _write_private(made / HEADER, _header_bytes(header))
    return Snapshot(header, requests, folder, lent)


def read(folder: Path | str) -> Snapshot:
    """Read a stored snapshot and hold every digest against its content.

    Raises
    ------
    UserError
        No snapshot there, or a snapshot that was changed after it was written.
    """
    folder = Path(folder)
    try:
        header = _read_header(folder)
        stated = header["evidence"]["sha256"]
        lines = bounds.read_file(folder / EVIDENCE, bounds.STORED)
    except (OSError, ValueError, KeyError, TypeError):
        raise _no_snapshot(folder) from None
    if header.get("format") != FORMAT:
        raise UserError(f"snapshot: {folder} has format {header.get('format')}, not {FORMAT}")
    if hashlib.sha256(lines).hexdigest() != stated:
        raise UserError(f"snapshot: {folder / EVIDENCE} was changed after it was written")
    try:
        requests = [_stored(line) for line in lines.splitlines()]
        changed = _changed(requests) if stated not in _verified else []
    except ValueError as error:
        raise UserError(
            f"snapshot: {folder / EVIDENCE} holds a line that is not an answer: {error}"
        ) from None
    if changed:
        raise UserError(f"snapshot: {changed[0]} does not have the digest that it states")
    _verified.add(stated)
    unknown = {r.call for r in requests if _names(CALLS.get(r.call)) != _names(r)}
    if unknown:
        raise UserError(f"snapshot: {folder} has calls this kit does not know: {sorted(unknown)}")
    own = [request for request in requests if not request.id.startswith(LENT)]
    stored = Snapshot(header, own, folder, requests[len(own) :])
    try:
        _check_header(header)
        _ = stored.handshakes, stored.as_of, stored.regions_off, stored.organisation
        _check_earlier(stored.earlier)
        _check_follow_up(header.get("follow_up"))
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        raise UserError(
            f"snapshot: {folder / HEADER} is not as the kit writes it: {error}"
        ) from None
    try:
        _ = stored.run, stored.profile, stored.waivers, stored.promises
    except ValidationError:
        raise UserError(
            f"snapshot: {folder} was made by version {header.get('kit')} of the kit, whose "
            "parameters or thresholds differ from this version's: seal it with that version"
        ) from None
    return stored


def time_of(folder: Path) -> dt.datetime:
    """Return when the evidence of a stored snapshot was collected, UTC, from its header alone.

    Raises
    ------
    UserError
        No snapshot there.
    """
    try:
        return dt.datetime.fromisoformat(_read_header(folder)["as_of"]).astimezone(dt.UTC)
    except (OSError, ValueError, KeyError, TypeError):
        raise _no_snapshot(folder) from None


def _read_header(folder: Path) -> Any:
    return parse_json(bounds.read_file(folder / HEADER, bounds.HEADER), bounds.HEADER)


def _no_snapshot(folder: Path) -> UserError:
    near = (
        folder / "snapshot",
        folder.parent / "snapshot",
        folder.parent,
    )  # of a run, a pack, a file
    there = next((place for place in near if os.path.isfile(place / HEADER)), None)
    meant = f"did you mean {there}?" if there else f"name the folder that has {HEADER} in it"
    return UserError(f"snapshot: {folder} holds no snapshot; {meant}")


# Digests of files of evidence whose answers this process has verified: a notebook, its checks and
# the sealing read the same file, and the same bytes hold the same answers.
_verified: set[str] = set()


def _changed(requests: Iterable[Request]) -> list[str]:
    """Return the ids of requests whose answers do not have the digests that they state."""
    return [request.id for request in requests if digest(request.response) != request.sha256]


_NAMES = {member.name for member in fields(Request)}
_NONE = type(None)
_KINDS: dict[str, Any] = {
    **dict.fromkeys(("id", "call", "service", "operation", "region", "started", "ended"), str),
    **dict.fromkeys(("endpoint", "sha256", "nonce"), str),
    **dict.fromkeys(("page", "attempts"), int),
    **dict.fromkeys(("request_id", "cut"), (str, _NONE)),
    "parameters": dict,
    "status": (int, _NONE),
    "error": (dict, _NONE),
}


def _stored(line: bytes) -> Request:
    """Return the request of a stored line.

    Raises
    ------
    ValueError
        The line has another form than the kit writes.
    """
    given = parse_json(line, bounds.STORED)
    if not isinstance(given, dict) or given.keys() != _NAMES:
        raise ValueError("not the members of a request")
    request = Request(**given)
    error: Any = request.error
    named = ("code", "message") if isinstance(error, dict) else ()
    if not all(isinstance(given[name], kind) for name, kind in _KINDS.items()) or not all(
        isinstance(error.get(name), str) for name in named
    ):
        raise ValueError(f"{request.id!r:.20}: a member of another kind")
    bytes.fromhex(request.nonce)
    return request


# The members of a header, what they are, and what they hold; those marked may be absent.
_MEMBERS: tuple[tuple[str, Any, Any], ...] = (
    *((name, str, None) for name in ("account", "as_of", "partition", "kit", "botocore")),
    ("pseudonym_key", str, None),
    *((name, dict, None) for name in ("parameters", "profile")),
    ("waivers", list, dict),
    *((name, list, str) for name in ("regions", "regions_unused")),
    ("regions_off", dict, str),
    *((f"{name}?", list, str) for name in ("unlisted_services", "calls")),
    *((f"{name}?", list, dict) for name in ("handshakes", "stopped")),
    *(
        (f"{name}?", dict | None, None)
        for name in ("organisation", "session", "previous", "follow_up")
    ),
    *((f"{name}?", dict, str) for name in ("maker", "parameter_sources", "api_versions")),
    ("throttles?", int, None),
)


def _check_header(header: Mapping[str, Any]) -> None:
    """Raise `ValueError` for a header of another form than the kit writes."""
    for member, kind, held in _MEMBERS:
        name = member.removesuffix("?")
        if name not in header and name != member:
            continue
        value = header.get(name)
        inner: Any = value.values() if isinstance(value, dict) else value
        if not isinstance(value, kind) or (held and not all(isinstance(v, held) for v in inner)):
            raise ValueError(f"{name} is absent or of another kind")
    if not re.fullmatch(r"\d{12}", header["account"], re.ASCII):
        raise ValueError("account is not of 12 digits")
    if dt.datetime.fromisoformat(header["as_of"]).tzinfo is None:
        raise ValueError("as_of has no zone")
    _header_bytes(header)


_OF_PACK = ("as_of", "snapshot", "findings", "manifest", "signature", "stamp")


def _check_earlier(earlier: Earlier | None) -> None:
    """Raise `ValueError` for earlier packs of another form than the kit writes."""
    if earlier is None:
        return
    if not earlier.packs:
        raise ValueError("previous names no pack")
    for pack in earlier.packs:
        if not all(isinstance(pack[name], str) for name in _OF_PACK):
            raise ValueError("previous: a pack has a member of another kind")
    for pack in earlier.left_out:
        if not all(isinstance(pack[name], str) for name in ("as_of", "label_key")):
            raise ValueError("previous: a pack that is left out has a member of another kind")
    times = [pack["as_of"] for pack in (*earlier.packs, *earlier.left_out)]
    for time in {*times, *(since for _, since in earlier.places.values() if since)}:
        if dt.datetime.fromisoformat(time).tzinfo is None:
            raise ValueError(f"previous: {time!r} has no zone")
    for place, (status, _) in earlier.places.items():
        if not all(isinstance(part, str) for part in (*place, status)):
            raise ValueError("previous: a place has a part of another kind")


def _check_follow_up(stored: Mapping[str, Any] | None) -> None:
    """Raise `ValueError` for a follow-up of another form; `Promise` checks the rows themselves."""
    if stored and not (isinstance(stored["sha256"], str) and isinstance(stored["rows"], list)):
        raise ValueError("follow_up has a member of another kind")


def _names(of: Call | Request | None) -> tuple[str, str] | None:
    return (of.service, of.operation) if of else None


def _is_absence(call: Call, error: Mapping[str, str]) -> bool:
    part = call.absent.get(error["code"])
    return part is not None and part in error["message"]


def _left_out(call: Call, request: Request) -> str:
    """Return a requested member that a successful answer lacks; empty if it lacks none."""
    if request.error:
        return ""
    wanted = filter(None, (call.items, *call.holds))
    return next((m for m in wanted if search(m, request.response) is None), "")


def stamp_of_endpoints(endpoints: Iterable[str]) -> str | None:
    """Return what ``bag-info.txt`` states where some of these hosts are not AWS's."""
    other = foreign(endpoints)
    return f"{MADE_AGAINST}{', '.join(other)}" if other else None


def foreign(endpoints: Iterable[str]) -> list[str]:
    """Return the endpoints, each once and without a user, whose host is not AWS's own."""
    others = {endpoint for endpoint in endpoints if not is_aws(endpoint)}
    return sorted({re.sub("//[^/@]*@", "//", endpoint) for endpoint in others})


def is_aws(endpoint: str) -> bool:
    """Whether an endpoint's host is AWS's own."""
    host = endpoint.partition("://")[2].partition("/")[0].partition(":")[0]
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws"))


def _key(parameters: Any) -> str:
    return json.dumps(parameters, sort_keys=True, default=str)


def _hashable(value: Any) -> Any:
    """The value of a parameter as it can be looked up: texts as they are, the rest as JSON."""
    return value if isinstance(value, str) else (_key(value),)


def _header_bytes(header: Mapping[str, Any]) -> bytes:
    return json.dumps(header, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
