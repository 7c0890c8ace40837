"""Keys: the customer's in KMS, and keys that a writer supplies (SSE-C)."""

from __future__ import annotations

from kit.controls.registry import CUSTOMER, REGION, control
from kit.tables.keys import ROTATABLE


@control(
    "AR-08",
    table="keys",
    where=ROTATABLE,
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    shows=("rotation_days",),
)
def customer_keys_rotate(rotates: bool) -> bool:
    """KMS replaces the key's material by itself."""
    return rotates


@control(
    "AR-10",
    table="buckets",
    scope=REGION,
    severity="low",
    responsibility=CUSTOMER,
)
def keys_of_the_writers_own_are_refused(sse_c_blocked: bool) -> bool:
    """The bucket refuses objects that the writer encrypts with a supplied key (SSE-C)."""
    return sse_c_blocked
