"""What is said of a resource that was deleted while the kit collected."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.parameters import Run
from kit.redact.labels import open_labels
from kit.tables.gone import _label

ACCOUNT = "123456789012"


@pytest.mark.parametrize(
    ("resource", "kind", "name"),
    [
        ("stack/design", "stack", "design"),
        ("role/team:a/design", "role", "team:a/design"),
    ],
)
def test_a_resource_with_colons_in_its_arn_keeps_its_kind_and_name(
    resource: str, kind: str, name: str, tmp_path: Path
) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:{resource}"
    run = Run(account=ACCOUNT, pseudonym_key=str(tmp_path / "key"))
    labels = open_labels(run)
    assert _label({"Arn": arn}, labels) == labels.label(kind, arn)
    assert _label({"Arn": arn}, open_labels(run.model_copy(update={"pseudonymise": False}))) == name
