"""What does not exist, though the account names it: one cause, whichever requests met it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kit.catalogue.texts import text
from kit.redact.labels import Labels
from kit.redact.names import shown_bucket
from kit.snapshot import Snapshot, Trouble

# Codes with which AWS answers that what a request names does not exist. Amazon S3 API Reference,
# "Error responses"; "Errors" of the operations in the references of CloudTrail, AppStream, IAM, KMS
# and SNS: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
GONE = frozenset(
    {
        *("NoSuchBucket", "NoSuchAccessPoint", "NoSuchEntity", "NotFound", "NotFoundException"),
        *("ResourceNotFoundException", "TrailNotFoundException"),
        "EventDataStoreNotFoundException",
    }
)
# Kinds of labels, by what stands in an ARN.
_KINDS = {
    **{
        "image-builder": "image builder",
        "app-block": "app block",
        "saml-provider": "SAML provider",
    },
    **{"eventdatastore": "event data store"},
    **{kind: kind for kind in ("fleet", "stack", "image", "trail", "key", "role")},
}


def named(trouble: Trouble, snapshot: Snapshot, labels: Labels) -> Trouble:
    """Return the trouble with what does not exist, by its label, where AWS answers that."""
    if trouble.code not in GONE or trouble.hint:
        return trouble
    request = next((one for one in snapshot.evidence if one.id == trouble.evidence), None)
    label = _label(request.parameters, labels) if request else ""
    return replace(trouble, hint=text("gaps/gone", resource=label)) if label else trouble


def _label(parameters: Mapping[str, Any], labels: Labels) -> str:
    """Return the label of the bucket, or of the resource with an ARN, that a request is about."""
    if parameters.get("Bucket"):
        return shown_bucket(labels, parameters["Bucket"])
    arn = next((str(one) for one in parameters.values() if str(one).startswith("arn:")), "")
    *_, resource = arn.split(":", 5)
    kind, slash, name = resource.partition("/")
    return labels.label(_KINDS.get(kind, "resource"), arn, name) if slash else ""
