"""Accounts whose answers were recorded once, played back to unmodified boto3 clients.

What a sample account of the sandbox answered over HTTP is kept as boto3 parsed it, before the kit
saw it. Played back, with answers changed, the collector's own requests, paging, fan-outs and
protection run as they would against AWS; no socket is opened.
"""

from __future__ import annotations

import copy
import copyreg
import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError

from kit import sandbox
from kit.aws_models import home_region
from kit.calls import CALLS, GET_CALLER_IDENTITY, Call, RunContext
from kit.collect import collector as engine
from kit.collect import session
from kit.judge import calls_of
from kit.parameters import Run
from kit.snapshot import Snapshot

Body = dict[str, Any]
_NOT_FOUND = {"s3": "NoSuchBucket", "kms": "NotFoundException"}


def _declared(name: str) -> Call:
    return CALLS[name]


# What was recorded is pickled, and a declared call has functions.
copyreg.pickle(Call, lambda call: (_declared, (call.name,)))


@dataclass(frozen=True)
class Answer:
    """One answer: of which call, where, to which parameters; ``status`` from 300 is an error."""

    call: Call
    region: str
    requested: Mapping[str, Any]
    body: Body
    status: int = 200

    @cached_property
    def name(self) -> str:
        """What tells it from all others; when was asked is left out."""
        requested = {k: v for k, v in self.requested.items() if not isinstance(v, dt.datetime)}
        return f"{self.call.name} {self.region} {json.dumps(requested, sort_keys=True)}"


@dataclass(frozen=True)
class Account:
    """Recorded answers by name, when they were given, and with which parameters."""

    run: Run
    as_of: dt.datetime
    home: str
    answers: Mapping[str, Answer]
    renamed: Mapping[str, str]

    def but(self, *changed: Answer, renamed: Mapping[str, str] | None = None) -> Account:
        """The account with answers changed; ``renamed`` are new texts, each with the old one.

        What is asked about something by its new name is answered as it was by the old.
        """
        answers = {**self.answers, **{one.name: one for one in changed}}
        return replace(self, answers=answers, renamed={**self.renamed, **(renamed or {})})

    def requested_with(self, **parameters: Any) -> Account:
        """The account looked at with other parameters."""
        return replace(self, run=self.run.model_copy(update=parameters))

    def collect(self, folder: Path) -> Snapshot:
        """Run the collector on these answers; the snapshot is written below ``folder``."""
        with hearing(self._tell, self.as_of, self.home):
            calls = calls_of(self.run)
            return engine.collect(self.run, calls, folder / "snapshot", progress=False)

    def _tell(self, requested: Answer) -> Answer:
        if found := self.answers.get(requested.name):
            return found
        known = {one.region for one in self.answers.values()}
        if requested.region not in known:
            raise EndpointConnectionError(endpoint_url=f"https://{requested.region}")
        before = {
            k: self.renamed.get(v, v) if isinstance(v, str) else v
            for k, v in requested.requested.items()
        }
        if found := self.answers.get(replace(requested, requested=before).name):
            return found
        code = _NOT_FOUND.get(requested.call.service, "ResourceNotFoundException")
        return replace(
            requested, body={"Error": {"Code": code, "Message": "not found"}}, status=404
        )


def record(name: str, folder: Path, **parameters: Any) -> Account:
    """Collect a sample account from a sandbox over HTTP and keep what boto3 parsed."""
    heard: dict[str, Answer] = {}

    def keep(answer: Answer) -> None:
        heard[answer.name] = answer

    with sandbox.start([name]) as local, pytest.MonkeyPatch.context() as patch:
        for variable, value in local.environment(name).items():
            patch.setenv(variable, value)
        patch.setattr(engine, "Clients", _recording(keep))
        run = Run.model_validate(
            {"account": local.accounts[name], "pseudonym_key": str(folder / "key"), **parameters}
        )
        made = engine.collect(run, calls_of(run), folder / "snapshot", progress=False)
    home = next(one.region for one in heard.values() if one.call is GET_CALLER_IDENTITY)
    return Account(run, made.as_of, home, heard, {})


# --- ears on boto3's own events -----------------------------------------------------------------


def _note(params: Mapping[str, Any], context: Body, **_: Any) -> None:
    context.setdefault("requested", copy.deepcopy(dict(params)))


def _call(service: str, operation: str, requested: Body) -> Call:
    """The declared call of an operation: of several, the one whose own parameters were given."""
    one, *others = [c for c in CALLS.values() if (c.service, c.operation) == (service, operation)]

    def given(call: Call) -> int:
        own = call.parameters(RunContext("", dt.datetime.min, 0))
        return len(own) if own.items() <= requested.items() else -1

    return max(one, *others, key=given) if others else one


def _of(model: Any, context: Body, body: Body, status: int = 200) -> Answer:
    call = _call(model.service_model.service_name, model.name, context["requested"])
    region = context["client_region"]
    if region == "aws-global":
        region = home_region("aws") if call.home else _home
    return Answer(call, region, context["requested"], body, status)


def _recording(keep: Callable[[Answer], None]) -> type[session.Clients]:
    def hear(http_response: Any, parsed: Body, model: Any, context: Body, **_: Any) -> None:
        body = copy.deepcopy(parsed)
        body.pop("ResponseMetadata", None)
        keep(_of(model, context, body, http_response.status_code))

    class Recording(session.Clients):
        def __init__(self, *arguments: Any):
            super().__init__(*arguments)
            events = self.session._session.get_component("event_emitter")
            events.register_first("before-parameter-build", _note)
            # IAM's documents are decoded on the way to the caller; S3's location is read there.
            events.register_first("after-call.iam", hear)
            for service in {call.service for call in CALLS.values()} - {"iam"}:
                name = self.session._session.get_service_model(service).service_id.hyphenize()
                events.register_last(f"after-call.{name}", hear)
            self._clients = {}  # a client that exists hears nothing of what is registered later

    return Recording


_tell: Callable[[Answer], Answer] | None = None
_home = ""
_clients: dict[tuple[str, str], Any] = {}


def _play(model: Any, context: Body, **_: Any) -> tuple[AWSResponse, Body]:
    assert _tell is not None
    reported = _tell(_of(model, context, {}))
    body = copy.deepcopy(reported.body)
    body["ResponseMetadata"] = {
        "HTTPStatusCode": reported.status,
        "RequestId": "11111111-2222-3333-4444-555555555555",
        "RetryAttempts": 0,
    }
    return AWSResponse("https://playback", reported.status, {}, None), body


@cache
def _session() -> boto3.Session:
    made = boto3.Session("AKIDPLAYBACK", "none", region_name="us-east-1")
    events = made._session.get_component("event_emitter")
    events.register_first("before-parameter-build", _note)
    events.register_last("before-call", _play)
    return made


class _Playing(session.Clients):
    """The kit's clients, each made once for all tests."""

    def __init__(self, *arguments: Any):
        super().__init__(*arguments)
        self.session, self.home, self._clients = _session(), _home, _clients


@contextmanager
def hearing(tell: Callable[[Answer], Answer], as_of: dt.datetime, home: str) -> Iterator[None]:
    global _tell, _home

    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> dt.datetime:
            return as_of

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "Clients", _Playing)
        patch.setattr(engine, "dt", SimpleNamespace(datetime=Clock, UTC=dt.UTC))
        patch.setattr(engine, "observe", lambda _: [])  # handshakes would be with AWS
        patch.setattr(engine.time, "sleep", lambda _: None)
        for variable in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
            patch.delenv(variable, raising=False)
        _tell, _home = tell, home
        yield
