"""The table of actions, held against what botocore knows of the services."""

from __future__ import annotations

import botocore.session
import pytest

from kit.access.actions import (
    CAPABILITIES,
    CHANGE_FILES,
    FILES,
    GIVE_RIGHTS,
    LIST_FILES,
    LISTING,
    READ_FILES,
    actions,
)

# Permissions that are no operations (Service Authorization Reference).
_NO_OPERATION = {"appstream:Stream", "iam:PassRole"}


# Services by the prefix of their actions, where botocore calls them otherwise.
_MODELS = {
    "airflow": ("mwaa",),
    "cloudformation": ("cloudformation", "cloudcontrol"),
    "bedrock-agentcore": ("bedrock-agentcore", "bedrock-agentcore-control"),
    "elasticmapreduce": ("emr",),
    "states": ("stepfunctions",),
}
# S3's actions have names of their own.
_SERVICES = {one.partition(":")[0] for one in actions(*CAPABILITIES)} - {"s3"}


@pytest.mark.parametrize("service", sorted(_SERVICES))
def test_actions_are_operations_of_their_service(service: str) -> None:
    session = botocore.session.get_session()
    models = map(session.get_service_model, _MODELS.get(service, (service,)))
    known = {name for model in models for name in model.operation_names}
    named = {one for one in actions(*CAPABILITIES) if one.startswith(f"{service}:")}
    aliases = {"lambda:InvokeFunction": "lambda:Invoke"}
    requested = {aliases.get(one, one).partition(":")[2] for one in named - _NO_OPERATION}
    assert requested
    assert requested <= known


# Of AppStream's writing operations: they start, stop, end or tag what is there, and widen nothing.
_WIDENS_NOTHING = {
    *("StartFleet", "StopFleet", "StartImageBuilder", "StopImageBuilder", "StartAppBlockBuilder"),
    *("StopAppBlockBuilder", "ExpireSession", "DrainSessionInstance"),
    *("TagResource", "UntagResource"),
}


def test_every_writing_operation_of_appstream_is_judged_or_widens_nothing() -> None:
    known = botocore.session.get_session().get_service_model("appstream").operation_names
    writing = {name for name in known if not name.startswith(("Describe", "List", "Get"))}
    named = {one.partition(":")[2] for one in actions(*CAPABILITIES) if "appstream:" in one}
    assert writing - named == _WIDENS_NOTHING


def test_what_is_denied_of_files_is_what_the_capabilities_name() -> None:
    read, listed, changed = (
        {need for way in CAPABILITIES[name] for need in way.needs}
        for name in (READ_FILES, LIST_FILES, CHANGE_FILES)
    )
    assert set(FILES) <= read | listed | changed
    assert {action for action, kind in FILES if kind == LISTING} == {
        "s3:ListBucket",
        "s3:ListBucketVersions",
    }


def test_a_role_is_passed_to_a_named_service_and_to_nothing_else() -> None:
    for name, ways in CAPABILITIES.items():
        for way in ways:
            passes = any(action == "iam:PassRole" for action, _ in way.needs)
            assert passes == bool(way.service), (name, way)
            assert not passes or name == GIVE_RIGHTS
