"""The answers that the organisation's snapshot lends to a member's: the member cannot have them.

They are copied once, when the member is collected, cut to what concerns it, so that the member's
snapshot stays whole by itself. Each copy has an evidence id of its own, and the header states of which
answer in which snapshot it was made.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kit.calls import (
    DESCRIBE_BUCKETS,
    DESCRIBE_KEY,
    DESCRIBE_ORGANIZATION,
    DESCRIBE_TRAILS,
    GET_BUCKET_LIFECYCLE_CONFIGURATION,
    GET_BUCKET_LOCATION,
    GET_BUCKET_REPLICATION,
    GET_BUCKET_VERSIONING,
    GET_EVENT_DATA_STORE,
    GET_EVENT_SELECTORS,
    GET_KEY_ROTATION_STATUS,
    GET_TRAIL_STATUS,
    LIST_ANALYZERS,
    LIST_CLASSIFICATION_JOBS,
    LIST_EVENT_DATA_STORES,
    LIST_ORGANIZATIONS_FEATURES,
)
from kit.errors import UserError
from kit.parameters import Profile, Run
from kit.snapshot import LENT, Request, Snapshot, digest, read

_FIELD = "organisation_snapshot"
_OF_LOGS = (
    GET_BUCKET_LIFECYCLE_CONFIGURATION,
    GET_BUCKET_LOCATION,
    GET_BUCKET_REPLICATION,
    GET_BUCKET_VERSIONING,
)


@dataclass(frozen=True)
class Loan:
    """Copied answers, and what the member's header states about them."""

    header: Mapping[str, Any]
    requests: tuple[Request, ...]


def open_lender(
    run: Run, profile: Profile, as_of: dt.datetime, copy: Path | None = None
) -> Snapshot | None:
    """Open the organisation's snapshot that a run names, and see that it can serve.

    Parameters
    ----------
    run : Run
    profile : Profile
        Says how old it may be.
    as_of : datetime
        When the run begins, UTC.
    copy : Path, optional
        Where it can be read, if not where the run states.

    Returns
    -------
    Snapshot or None
        None where the run names none.

    Raises
    ------
    UserError
        It is not a snapshot, is the account's own, or is older than the profile admits.
    """
    if not run.organisation_snapshot:
        return None
    try:
        lender = read(copy or Path(run.organisation_snapshot))
    except UserError as error:
        raise UserError(f"{_FIELD}: {error}") from None
    subject = f"{_FIELD}: {lender.folder} is"
    if lender.account == run.account:
        raise UserError(
            f"{subject} of account {run.account} itself; name a snapshot of the management account, or of the "
            "delegated administrator"
        )
    age, most = as_of - lender.as_of, profile.max_organisation_age_days
    if not dt.timedelta(0) <= age <= dt.timedelta(days=most):
        raise UserError(
            f"{subject} of {lender.as_of:%Y-%m-%d %H:%M} UTC; the profile {profile.name} admits "
            f"{most} days before the run (max_organisation_age_days): collect that account again"
        )
    if not _organisation(lender.requests):
        raise UserError(
            f"{subject} of an account that is in no organisation, or that could not see it "
            "(organizations:DescribeOrganization)"
        )
    return lender


def check_organisation(lender: Snapshot, own: Iterable[Request]) -> None:
    """See that both accounts are of the same organisation, as far as the member can see its own.

    Raises
    ------
    UserError
        They are not.
    """
    mine, theirs = _organisation(own), _organisation(lender.requests)
    if mine and mine != theirs:
        raise UserError(
            f"{_FIELD}: {lender.folder} is of the organisation {theirs}; this account is in {mine}"
        )


def lend(lender: Snapshot, account: str, regions: Collection[str]) -> Loan:
    """Copy what a member's controls may need, and no more.

    Parameters
    ----------
    lender : Snapshot
        The organisation's.
    account : str
        The member's.
    regions : collection of str
        In scope of the member's run.
    """
    cuts = _Cuts(lender, account, regions)
    copies: list[Request] = []
    origins: dict[str, dict[str, str]] = {}
    for request in lender.requests:
        cut = cuts.of(request)
        if cut is not None:
            name = f"{LENT}{len(copies) + 1:04d}"
            response = None if request.error else cut
            origins[name] = {"id": request.id, "sha256": request.sha256}
            copies.append(
                replace(
                    request,
                    id=name,
                    response=response,
                    sha256=digest(response),
                    nonce=secrets.token_hex(32),
                )
            )
    header = {
        "account": lender.account,
        "as_of": lender.header["as_of"],
        "digest": lender.digest,
        "requests": origins,
    }
    return Loan(header, tuple(copies))


class _Cuts:
    """Answers cut to what concerns a member; None for what does not."""

    def __init__(self, lender: Snapshot, account: str, regions: Collection[str]):
        self._account, self._regions = account, regions
        trails = [
            trail
            for answer in lender.answers(DESCRIBE_TRAILS)
            for trail, _ in answer.items()
            if trail.get("IsOrganizationTrail")
        ]
        self._trails = {trail.get("TrailARN") for trail in trails}
        self._keys = {trail.get("KmsKeyId") for trail in trails}
        self._logs = {trail.get("S3BucketName") for trail in trails}
        self._jobs = {
            (bucket.get("jobDetails") or {}).get("lastJobId")
            for answer in lender.answers(DESCRIBE_BUCKETS)
            for bucket, _ in answer.items()
            if self._is_members(bucket)
        }
        self._others_stores = {
            request.parameters["EventDataStore"]
            for request in lender.requests
            if request.call == GET_EVENT_DATA_STORE.name
            and request.error is None
            and not request.response.get("OrganizationEnabled")
        }
        self._rules: dict[str, Callable[[Request], Any]] = {
            **{
                call.name: lambda request: request.response or {}
                for call in (DESCRIBE_ORGANIZATION, LIST_ORGANIZATIONS_FEATURES)
            },
            LIST_ANALYZERS.name: self._here(
                LIST_ANALYZERS.items, lambda analyzer: analyzer.get("type") == "ORGANIZATION"
            ),
            DESCRIBE_BUCKETS.name: self._here(DESCRIBE_BUCKETS.items, self._is_members),
            LIST_CLASSIFICATION_JOBS.name: self._jobs_alone,
            DESCRIBE_TRAILS.name: self._items(
                DESCRIBE_TRAILS.items, lambda trail: trail.get("TrailARN") in self._trails
            ),
            GET_TRAIL_STATUS.name: self._about("Name", self._trails),
            GET_EVENT_SELECTORS.name: self._about("TrailName", self._trails),
            **{call.name: self._about("Bucket", self._logs) for call in _OF_LOGS},
            DESCRIBE_KEY.name: self._about("KeyId", self._keys),
            GET_KEY_ROTATION_STATUS.name: self._about("KeyId", self._keys),
            LIST_EVENT_DATA_STORES.name: self._items(
                LIST_EVENT_DATA_STORES.items,
                lambda store: store.get("EventDataStoreArn") not in self._others_stores,
            ),
            GET_EVENT_DATA_STORE.name: self._store,
        }

    def of(self, request: Request) -> Any:
        """Return the answer as the kit lends it; empty for an error, which has no answer."""
        rule = self._rules.get(request.call)
        return rule(request) if rule else None

    def _is_members(self, bucket: Mapping[str, Any]) -> bool:
        return bucket.get("accountId") == self._account

    def _items(
        self, member: str, wanted: Callable[[Mapping[str, Any]], bool]
    ) -> Callable[[Request], Any]:
        def cut(request: Request) -> Any:
            items = (request.response or {}).get(member) or []
            return {member: [item for item in items if wanted(item)]}

        return cut

    def _here(
        self, member: str, wanted: Callable[[Mapping[str, Any]], bool]
    ) -> Callable[[Request], Any]:
        cut = self._items(member, wanted)
        return lambda request: cut(request) if request.region in self._regions else None

    def _about(self, parameter: str, known: Collection[Any]) -> Callable[[Request], Any]:
        return lambda request: (
            request.response or {} if request.parameters.get(parameter) in known else None
        )

    def _jobs_alone(self, request: Request) -> Any:
        if request.region not in self._regions:
            return None
        jobs = (request.response or {}).get(LIST_CLASSIFICATION_JOBS.items) or []
        kept = ("jobId", "jobStatus", "jobType", "lastRunErrorStatus")
        return {
            LIST_CLASSIFICATION_JOBS.items: [
                {name: job[name] for name in kept if name in job}
                for job in jobs
                if job.get("jobId") in self._jobs
            ]
        }

    def _store(self, request: Request) -> Any:
        if request.parameters["EventDataStore"] in self._others_stores:
            return None
        return request.response or {}


def _organisation(requests: Iterable[Request]) -> str:
    """The id of an account's organisation; empty where it is in none, or could not see it."""
    for request in requests:
        if request.call == DESCRIBE_ORGANIZATION.name and request.error is None:
            return str((request.response.get("Organization") or {}).get("Id") or "")
    return ""
