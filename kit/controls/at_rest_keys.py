"""Keys: those of the customer, and those that a writer would bring."""

from __future__ import annotations

from kit.controls.registry import CUSTOMER, REGION, Remedy, control
from kit.controls.steps import READ_ENCRYPTION, WRITE_ENCRYPTION
from kit.tables.keys import ROTATABLE


@control(
    "AR-08",
    table="keys",
    where=ROTATABLE,
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr={
        "32(1)(a)": "what one key encrypts grows until the key is replaced",
    },
    remedy=Remedy(
        console=(
            "KMS, Customer managed keys, the key, Key rotation: rotate every year. What older key "
            "material encrypted stays readable; each of the first rotations adds to the key's price."
        ),
        cli=("# Undo: disable-key-rotation\naws kms enable-key-rotation --key-id KEY"),
        terraform="enable_key_rotation = true # in aws_kms_key",
    ),
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
    gdpr={
        "32(1)(a)": "encryption is worth what its key is worth, and nobody here holds such a key",
        "32(1)(b)": "an object under a key of its writer's is lost with that key",
    },
    remedy=Remedy(
        console=(
            "S3, the bucket, Properties, Default encryption, Blocked encryption types: "
            "server-side encryption with customer-provided keys (SSE-C). Clients that write with "
            "keys of their own are refused afterwards; the default encryption stays as it is."
        ),
        cli=(
            f"{READ_ENCRYPTION}\n"
            '# Add "BlockedEncryptionTypes":{"EncryptionType":["SSE-C"]} to the rule in '
            "encryption.json\n"
            f"{WRITE_ENCRYPTION}"
        ),
    ),
)
def keys_of_the_writers_own_are_refused(sse_c_blocked: bool) -> bool:
    """The bucket refuses objects that are encrypted with a key of the writer's (SSE-C)."""
    return sse_c_blocked
