"""Keys: the customer's in KMS, and keys that a writer supplies (SSE-C)."""

from __future__ import annotations

from kit.controls.registry import CUSTOMER, REGION, NotEvidenced, Outcome, control
from kit.tables.keys import ROTATABLE, THE_ACCOUNTS


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
    "AR-20",
    table="keys",
    where=THE_ACCOUNTS,
    scope=REGION,
    severity="high",
    responsibility=CUSTOMER,
)
def key_policies_admit_nobody_else(
    policy_admits: list[str], *, allowed_key_accounts: list[str], organisation_accounts: list[str]
) -> bool:
    """The policy of a customer's key admits no other account that the parameters do not declare."""
    return set(policy_admits) <= {*allowed_key_accounts, *organisation_accounts}


@key_policies_admit_nobody_else.clause
def grants_on_keys_admit_nobody_else(
    grants_admit: list[str], *, allowed_key_accounts: list[str], organisation_accounts: list[str]
) -> bool:
    """No grant on a customer's key admits an account that the parameters do not declare."""
    return set(grants_admit) <= {*allowed_key_accounts, *organisation_accounts}


@key_policies_admit_nobody_else.clause
def it_is_known_whom_keys_admit(
    may_admit: list[str], *, allowed_key_accounts: list[str], organisation_accounts: list[str]
) -> Outcome:
    """The answers decide whom the key admits: no condition or gap leaves it open."""
    declared = {*allowed_key_accounts, *organisation_accounts}
    return set(may_admit) <= declared or NotEvidenced("needs review")


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
