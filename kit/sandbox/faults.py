"""Faults that the sandbox produces on request, each with AWS's own codes and messages."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from threading import Lock
from typing import Any, Literal, get_args

Kind = Literal[
    "deny",
    "throttle",
    "fail",
    "empty-page",
    "region-off",
    "drop",
    "answer",
    "cut",
    "wrong-types",
    "stall",
    "drip",
    "endless",
    "expired",
    "unknown",
]

IAM_PREFIX = {
    "accessanalyzer": "access-analyzer",
    "resourcegroupstaggingapi": "tag",
    "s3control": "s3",
}
# Service Authorization Reference: actions whose name differs from the operation's.
IAM_ACTION = {
    ("accessanalyzer", "ListFindingsV2"): "ListFindings",
    ("s3", "GetBucketEncryption"): "GetEncryptionConfiguration",
    ("s3", "GetBucketLifecycleConfiguration"): "GetLifecycleConfiguration",
    ("s3", "GetBucketReplication"): "GetReplicationConfiguration",
    ("s3", "GetPublicAccessBlock"): "GetBucketPublicAccessBlock",
    ("s3", "HeadBucket"): "ListBucket",
    ("s3", "ListBuckets"): "ListAllMyBuckets",
    ("s3", "ListObjectsV2"): "ListBucket",
    ("s3control", "GetPublicAccessBlock"): "GetAccountPublicAccessBlock",
}


def iam_action(service: str, operation: str) -> str:
    """Return the IAM action that allows `operation`, e.g. ``s3:GetEncryptionConfiguration``."""
    prefix = IAM_PREFIX.get(service, service)
    return f"{prefix}:{IAM_ACTION.get((service, operation), operation)}"


@dataclass(frozen=True)
class Fault:
    """A fault to produce.

    Parameters
    ----------
    service, operation
        botocore's names (``accessanalyzer``, ``ListAnalyzers``); ``*`` and ``?`` match as in a shell.
    kind
        ``deny``, ``throttle``, ``fail`` (HTTP 500), ``empty-page`` (a list's first page is empty but
        has a token), ``region-off`` (as if the region were not enabled), ``drop`` (the connection is
        closed), ``answer`` (the answer is `body`, with `status` and `content_type`), ``cut`` (the
        connection is closed in the middle of the body), ``wrong-types`` (every value of the answer
        has a wrong type), ``stall`` (no answer, while the connection stays open), ``drip`` (a byte
        of the body every `seconds`), ``endless`` (every page has a token for a further page),
        ``expired`` (the session's token has expired), ``unknown`` (the access key is unknown).
    account, region
        An account id and a region name, or None for all.
    match
        Parameters that the request must have, e.g. ``{"StackName": "finance"}``; wildcards as above.
    times
        Number of matching requests, from the first, that the fault affects; None for all.
    share
        A fraction of the matching requests, spread evenly: 0.2 is every fifth.
    after
        Number of matching requests that are answered before the fault begins.
    body, status, content_type
        The content of an ``answer``; the default type is the protocol's.
    seconds
        The time between two bytes of a ``drip``.
    """

    service: str
    operation: str
    kind: Kind
    account: str | None = None
    region: str | None = None
    match: dict[str, Any] | None = None
    times: int | None = None
    share: float | None = None
    after: int = 0
    body: str = ""
    status: int = 200
    content_type: str | None = None
    seconds: float = 5.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"fault kind {self.kind!r} is not one of {', '.join(get_args(Kind))}")
        if self.share is not None and not 0 < self.share <= 1:
            raise ValueError(f"fault share {self.share} is not between 0 and 1")

    def concerns(self, account: str, region: str) -> bool:
        """Return whether the fault applies to this account and region."""
        return self.account in (None, account) and self.region in (None, region)

    def fits(self, service: str, operation: str, parameters: dict[str, Any]) -> bool:
        """Return whether the fault applies to this operation with these parameters."""
        return (
            fnmatchcase(service, self.service)
            and fnmatchcase(operation, self.operation)
            and all(
                name in parameters and fnmatchcase(str(parameters[name]), str(wanted))
                for name, wanted in (self.match or {}).items()
            )
        )


@dataclass
class Faults:
    """The active faults; safe to change while the sandbox answers requests."""

    _faults: list[Fault] = field(default_factory=list)
    _seen: dict[int, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def add(self, fault: Fault) -> None:
        """Activate a fault, after the faults that are already active."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()
            self._seen.clear()

    def listed(self) -> list[dict[str, Any]]:
        """Return the active faults as plain data."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def region_is_off(self, account: str, region: str) -> bool:
        """Return whether a ``region-off`` fault is active, without counting a request."""
        with self._lock:
            return any(f.kind == "region-off" and f.concerns(account, region) for f in self._faults)

    def strike(
        self, account: str, region: str, service: str, operation: str, parameters: dict[str, Any]
    ) -> Fault | None:
        """Count this request and return the fault that applies to it, or None."""
        with self._lock:
            for number, fault in enumerate(self._faults):
                if not fault.concerns(account, region):
                    continue
                if not fault.fits(service, operation, parameters):
                    continue
                seen = self._seen[number] = self._seen.get(number, 0) + 1
                seen -= fault.after
                if seen <= 0:
                    continue
                if fault.times is not None and seen > fault.times:
                    continue
                share = fault.share
                if share is not None and math.floor(seen * share) == math.floor((seen - 1) * share):
                    continue
                return fault
        return None
