"""Sessions of roles under test: what they are given, and what they are refused."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from kit.aws_models import models
from kit.calls import CALLS
from kit.collect.collector import collect
from kit.collect.session import Clients
from kit.judge import needed_calls
from kit.parameters import Run
from kit.sandbox.faults import iam_action
from kit.sandbox.server import LOG_FILE, Sandbox
from kit.snapshot import Snapshot
from tests.collect.policies import WHOLE
from tests.outside import Log

DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
REGION = "eu-west-1"
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def role_run(account: str, **fields: Any) -> Run:
    """Return a run that assumes the sample accounts' role."""
    role = f"arn:aws:iam::{account}:role/EvidenceReader"
    return Run(account=account, role_arn=role, regions=[REGION], **fields)


@contextmanager
def as_demo(sandbox: Sandbox, folder: Path) -> Iterator[Log]:
    """Send requests with the demo account's credentials, and log them in a folder."""
    changes = {**sandbox.environment("demo"), LOG_FILE: str(folder / "requests")}
    before = {name: os.environ.get(name) for name in changes}
    os.environ |= changes
    try:
        yield Log(folder / "requests")
    finally:
        os.environ |= {name: value for name, value in before.items() if value is not None}
        for name in (name for name, value in before.items() if value is None):
            del os.environ[name]


def faults(run: Run, folder: Path) -> tuple[Snapshot, list[str]]:
    """Collect with a role that may do no more than its session policies; return what failed by it."""
    snapshot = collect(run, needed_calls(run.controls), folder, progress=False)
    refused = [
        f"{request.call}: {request.error['code']}"
        for request in snapshot.requests
        if request.error and request.error["code"] in DENIED
    ]
    return snapshot, refused if snapshot.header["session"] else [*refused, "no session policy"]


def tags(chance: random.Random, characters: int) -> dict[str, str]:
    """Return session tags that no compression makes shorter."""
    text = "".join(chance.choices(_LETTERS, k=characters))
    return {f"tag{at}": text[at : at + 256] for at in range(0, characters, 256)}


def beside() -> list[tuple[str, str]]:
    """Return services' operations that need no parameter and that the kit's policy does not allow."""
    allowed = {call.action for call in CALLS.values()} | {"sts:GetCallerIdentity"}
    return [
        (service, name)
        for service in sorted({call.service for call in CALLS.values()} - {"s3control"})
        for model in [models().get_service_model(service)]
        for name in model.operation_names
        if not getattr(model.operation_model(name).input_shape, "required_members", ())
        if iam_action(service, name) not in allowed
    ]


def session_of(account: str) -> Clients:
    """Return the clients of a session with the whole policy."""
    return Clients(role_run(account), WHOLE)


def refuses(session: Clients, service: str, operation: str) -> bool:
    """Whether a session is refused an operation for want of permission."""
    client = session.client(service, REGION)
    method = next(m for m, name in client.meta.method_to_api_mapping.items() if name == operation)
    try:
        getattr(client, method)()
    except ClientError as error:
        return error.response["Error"]["Code"] in DENIED
    return False
