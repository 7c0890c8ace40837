"""What AWS's own managed policies allow, and that the kit stores them unchanged."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from kit.calls import GET_ACCOUNT_AUTHORIZATION_DETAILS
from kit.redact.protect import protect
from tests.access.test_rights import rights as evaluated
from tests.tables.test_permissions import ALL, CHANGE, PROTECT, READ, USER, allow
from tests.tables.test_permissions import rights as held

MANAGED = {name: json.loads(one["Document"]) if isinstance(one["Document"], str) else one["Document"]
           for name, one in json.loads(aws_managed_policies_data).items()}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AdministratorAccess", ALL),
        ("PowerUserAccess", ALL),
        ("AmazonAppStreamFullAccess", CHANGE | USER),
        ("AmazonAppStreamReadOnlyAccess", set()),
        ("AmazonS3FullAccess", READ | PROTECT),
        ("AmazonS3ReadOnlyAccess", READ),
        ("ReadOnlyAccess", READ),
        ("SecurityAudit", set()),
        ("ViewOnlyAccess", set()),
        ("IAMFullAccess", set()),
        ("AWSDenyAll", set()),
    ],
)
@pytest.mark.parametrize("rights", [evaluated, held], ids=["evaluated", "held"])
def test_policies_of_aws(name: str, expected: set[Any], rights: Callable[..., Any]) -> None:
    statements = MANAGED[name]["Statement"]
    statements = statements if isinstance(statements, list) else [statements]
    assert rights(*statements).open == expected
    assert rights(allow(), *statements).open == (set() if name == "AWSDenyAll" else ALL)


def test_no_policy_of_aws_is_changed_when_it_is_stored() -> None:
    """Secret detectors run over policy documents too; they find nothing in AWS's own."""
    for name, document in MANAGED.items():
        stored = protect(GET_ACCOUNT_AUTHORIZATION_DETAILS, {"Document": document})
        assert stored == {"Document": document}, name
