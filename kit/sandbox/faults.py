"""What the sandbox can be told to do wrong, each in AWS's own codes and wording."""

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
# Service Authorization Reference, Amazon S3: where the action is not called like the operation.
IAM_ACTION = {
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
    """One thing to do wrong.

    Parameters
    ----------
    service, operation
        botocore's names (``accessanalyzer``, ``ListAnalyzers``); ``*`` and ``?`` match as in a shell.
    kind
        ``deny``, ``throttle``, ``fail`` (HTTP 500), ``empty-page`` (a list's first page is empty but
        has a token), ``region-off`` (as if the region were not enabled), ``drop`` (the connection is
        closed), ``answer`` (what `body`, `status` and `content_type` say), ``cut`` (the connection is
        closed in the middle of the body), ``wrong-types`` (every value of the answer is of another
        type), ``stall`` (no answer, while the connection stays open), ``drip`` (a byte of the body
        every `seconds`), ``endless`` (every page has a token for another), ``expired`` (the
        session's token has expired), ``unknown`` (the access key is unknown).
    account, region
        An account id and a region name, or None for all.
    match
        Parameters that the request must have, e.g. ``{"StackName": "finance"}``; wildcards as above.
    times
        Only the first so many matching requests.
    share
        A fraction of the matching requests, spread evenly: 0.2 is every fifth.
    after
        Not before so many matching requests were answered.
    body, status, content_type
        Of an ``answer``; without a type, it is the protocol's.
    seconds
        Between two bytes of a ``drip``.
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
            raise ValueError(f"fault kind {self.kind!r} is none of {', '.join(get_args(Kind))}")
        if self.share is not None and not 0 < self.share <= 1:
            raise ValueError(f"fault share {self.share} is not between 0 and 1")

    def concerns(self, account: str, region: str) -> bool:
        """Tell whether the fault holds in this account and region."""
        return self.account in (None, account) and self.region in (None, region)

    def fits(self, service: str, operation: str, parameters: dict[str, Any]) -> bool:
        """Tell whether the fault is meant for this operation with these parameters."""
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
    """The faults in force; safe to change while requests are answered."""

    _faults: list[Fault] = field(default_factory=list)
    _seen: dict[int, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def add(self, fault: Fault) -> None:
        """Put a fault in force, after those already there."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Lift all faults."""
        with self._lock:
            self._faults.clear()
            self._seen.clear()

    def listed(self) -> list[dict[str, Any]]:
        """Return the faults in force as plain data."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def region_is_off(self, account: str, region: str) -> bool:
        """Tell whether a ``region-off`` fault holds, without counting a request."""
        with self._lock:
            return any(f.kind == "region-off" and f.concerns(account, region) for f in self._faults)

    def strike(
        self, account: str, region: str, service: str, operation: str, parameters: dict[str, Any]
    ) -> Fault | None:
        """Return what to do wrong with this request, counting it, or None."""
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
