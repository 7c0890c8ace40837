"""Roles: what their sessions may do and for how long, and that they are renewed in time."""

from __future__ import annotations

import datetime as dt
import getpass
import hashlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.credentials
import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.client import BaseClient
from botocore.endpoint_provider import RuleSet
from botocore.exceptions import ClientError
from IPython.core.error import StdinNotImplementedError

from kit.aws_models import models, share_models
from kit.calls import CALLS
from kit.catalogue.texts import text
from kit.collect.collector import collect
from kit.collect.login import explain
from kit.collect.policy import SECURITY_AUDIT, policy, session_policies
from kit.collect.session import Clients, shell_client
from kit.errors import NotEnteredError
from kit.judge import needed_calls
from kit.judge.findings import Findings
from kit.parameters import Run
from kit.report import show
from kit.sandbox.server import Sandbox
from tests.collect.actions import OPERATIONS, fitting
from tests.collect.policies import WHOLE
from tests.inprocess import forked

ACCOUNT = "333344445555"
REGIONS = ["eu-west-1"]
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/AuditorWithExternalId"
RUN = Run(
    account=ACCOUNT,
    role_arn=ROLE,
    external_id="evidence-2026",
    session_tags={"Purpose": "evidence", "Quarter": "2026-Q4"},
)


@pytest.fixture(autouse=True)
def _in_the_sandbox(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in sandbox.environment("demo").items():
        monkeypatch.setenv(name, value)
    sandbox.requests.clear()


class Assuming:
    """The requests for a role's session, in order, as botocore sends them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.requests: list[dict[str, Any]] = []
        send = BaseClient._make_api_call

        def note(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
            client.meta.events.register_last(
                f"before-parameter-build.sts.{operation}", self._keep, unique_id="kept"
            )
            return send(client, operation, parameters)

        monkeypatch.setattr(BaseClient, "_make_api_call", note)

    def _keep(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name.startswith("AssumeRole"):
            self.requests.append(dict(params))


@pytest.fixture
def assuming(monkeypatch: pytest.MonkeyPatch) -> Assuming:
    return Assuming(monkeypatch)


def assumed(sandbox: Sandbox) -> list[int]:
    """HTTP statuses of the requests for a role's session."""
    return [one.status for one in sandbox.requests if one.operation == "AssumeRole"]


def test_a_role_is_requested_with_id_tags_the_derived_policy_and_the_least_duration(
    assuming: Assuming,
) -> None:
    clients = Clients(RUN, WHOLE)
    identity = clients.client("sts", "eu-west-1").get_caller_identity()
    assert identity["Account"] == ACCOUNT
    (request,) = assuming.requests
    document = json.loads(request.pop("Policy"))
    assert request == {
        "DurationSeconds": 900,
        "ExternalId": "evidence-2026",
        "RoleArn": ROLE,
        "RoleSessionName": "appstream-evidence-kit",
        "Tags": [
            {"Key": "Purpose", "Value": "evidence"},
            {"Key": "Quarter", "Value": "2026-Q4"},
        ],
    }
    assert granted(document) == granted(policy(CALLS.values()))
    record = clients.narrowing.record
    assert record
    assert (record["policy"], record["seconds"]) == ("derived", 900)
    assert 0 < record["packed_percent"] <= 100


def granted(document: dict[str, Any]) -> set[tuple[str, tuple[str, ...]]]:
    """Each action that a policy allows, with the resources."""
    known = {*OPERATIONS, "sts:AssumeRole", "sts:TagSession"}
    return {
        (action, tuple([where] if isinstance(where, str) else where))
        for statement in document["Statement"]
        for where in [statement["Resource"]]
        for action in fitting(statement["Action"], known)
    }


@pytest.mark.parametrize(
    ("run_seconds", "seconds"),
    [(0, 900), (1, 900), (600, 900), (601, 901), (3300, 3600), (3301, 3600), (86_400, 3600)],
)
def test_a_session_lasts_as_long_as_the_run_may(
    run_seconds: float, seconds: int, assuming: Assuming
) -> None:
    run = RUN.model_copy(update={"run_seconds": run_seconds})
    Clients(run, WHOLE).client("sts", "eu-west-1").get_caller_identity()
    assert assuming.requests[0]["DurationSeconds"] == seconds


def test_a_setting_of_one_service_ends_in_a_line_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nservices = s\n[services s]\nbackup =\n  endpoint_url = nohost\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.delenv("AWS_ENDPOINT_URL_BACKUP", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    clients = Clients(RUN.model_copy(update={"role_arn": None}), WHOLE)
    with pytest.raises(NotEnteredError, match="Invalid endpoint: nohost"):
        clients.client("backup", "eu-west-1")


# --- the session can do no more than its policy ------------------------------------------------


def test_the_session_is_denied_what_is_not_in_the_policy() -> None:
    narrow = session_policies(policy([CALLS["appstream.DescribeFleets"]]))
    clients = Clients(RUN, narrow)
    appstream = clients.client("appstream", "eu-west-1")
    assert "Fleets" in appstream.describe_fleets()
    with pytest.raises(ClientError, match="AccessDenied"):
        appstream.describe_stacks()


LONG = {f"tag{n}": hashlib.sha512(str(n).encode()).hexdigest() for n in range(4)}


def test_tags_that_leave_too_little_space_make_it_security_audit_and_the_rest(
    assuming: Assuming, tmp_path: Path
) -> None:
    run = RUN.model_copy(
        update={"session_tags": LONG, "outputs": str(tmp_path), "regions": REGIONS}
    )
    snapshot = collect(run, needed_calls([]), tmp_path / "snapshot", progress=False)
    first, second = assuming.requests
    assert "PolicyArns" not in first
    assert second["PolicyArns"] == [{"arn": "arn:aws:iam::aws:policy/SecurityAudit"}]
    actions = {action for action, _ in granted(json.loads(second["Policy"]))}
    assert actions == {call.action for call in CALLS.values() if call.action} - SECURITY_AUDIT
    assert snapshot.header["session"]["policy"] == "audit"
    assert snapshot.header["session"]["actions"] == len(actions)
    assert not [r for r in snapshot.requests if r.error and r.error["code"] in DENIED]
    assert "SecurityAudit" in dict(show.cover(Findings([]), snapshot).facts)["Permissions"]


def test_tags_that_leave_no_space_at_all_are_refused_with_the_way_out(tmp_path: Path) -> None:
    tags = {f"tag{n}": hashlib.sha512(str(n).encode()).hexdigest() * 2 for n in range(9)}
    run = RUN.model_copy(update={"session_tags": tags, "outputs": str(tmp_path)})
    with pytest.raises(NotEnteredError, match="shorten session_tags") as caught:
        collect(run, needed_calls([]), tmp_path / "snapshot", progress=False)
    assert caught.value.code == "PackedPolicyTooLarge"


def test_what_the_kit_assumed_no_role_for_is_recorded_as_not_limited(tmp_path: Path) -> None:
    run = Run(account="210987654321", regions=REGIONS)
    snapshot = collect(run, needed_calls(["GV-01"]), tmp_path / "snapshot", progress=False)
    assert snapshot.header["session"] is None
    facts = dict(show.cover(Findings([]), snapshot).facts)
    assert facts["Permissions"] == text("report/cover/session/none")


# --- roles of profiles, and roles from which a role is assumed ----------------------------------

HOP = "arn:aws:iam::210987654321:role/EvidenceReader"


def profiles(sandbox: Sandbox, path: Path, monkeypatch: pytest.MonkeyPatch, more: str = "") -> None:
    given = sandbox.environment("demo")
    path.write_text(
        f"[profile own]\naws_access_key_id = {given['AWS_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key = {given['AWS_SECRET_ACCESS_KEY']}\n"
        f"[profile hop]\nsource_profile = own\nrole_arn = {HOP}\n"
        f"[profile plain]\nsource_profile = own\nrole_arn = {ROLE}\nexternal_id = evidence-2026\n"
        f"{more}"
        f"[profile chain]\nsource_profile = hop\nrole_arn = {ROLE}\nexternal_id = evidence-2026\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("run", "roles"),
    [
        (Run(account=ACCOUNT, aws_profile="plain"), [ROLE]),
        (Run(account=ACCOUNT, aws_profile="chain"), [HOP, ROLE]),
        (RUN.model_copy(update={"aws_profile": "hop"}), [HOP, ROLE]),
    ],
    ids=["a profile's role", "a chain of profiles", "role_arn from a profile's role"],
)
def test_the_last_role_gets_the_policy_and_the_others_may_only_assume_roles(
    run: Run,
    roles: list[str],
    sandbox: Sandbox,
    assuming: Assuming,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    profiles(sandbox, tmp_path / "config", monkeypatch)
    clients = Clients(run, WHOLE)
    assert clients.client("sts", "eu-west-1").get_caller_identity()["Account"] == ACCOUNT
    assert [request["RoleArn"] for request in assuming.requests] == roles
    assert {request["DurationSeconds"] for request in assuming.requests} == {900}
    *before, last = [json.loads(request["Policy"]) for request in assuming.requests]
    assert granted(last) == granted(policy(CALLS.values()))
    for document in before:
        assert {action.partition(":")[0] for action, _ in granted(document)} == {"sts"}
    # A second request needs no further session.
    clients.client("appstream", "eu-west-1").describe_stacks()
    assert len(assuming.requests) == len(roles)


def test_a_role_of_a_web_identity_gets_the_policy_too(
    assuming: Assuming, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("a.b.c")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    clients = Clients(Run(account=ACCOUNT), WHOLE)
    assert clients.session.get_credentials().get_frozen_credentials().access_key
    (request,) = assuming.requests
    assert request["WebIdentityToken"] == "a.b.c"
    assert request["DurationSeconds"] == 900
    assert granted(json.loads(request["Policy"])) == granted(policy(CALLS.values()))


def test_a_profile_that_the_shell_names_and_does_not_have_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(NotEnteredError, match="there is no profile 'nobody'"):
        Clients(Run(account=ACCOUNT), WHOLE)


def test_a_profile_that_states_less_keeps_it(
    sandbox: Sandbox, assuming: Assuming, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles(sandbox, tmp_path / "config", monkeypatch, "duration_seconds = 1200\n")
    for run_seconds, seconds in ((0, 900), (3000, 1200)):
        run = Run(account=ACCOUNT, aws_profile="plain", run_seconds=run_seconds)
        Clients(run, WHOLE).client("sts", "eu-west-1").get_caller_identity()
        assert assuming.requests[-1]["DurationSeconds"] == seconds


def test_sessions_share_what_was_read_of_aws_models_unless_they_read_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = models().get_component("data_loader")
    assert Clients(RUN, WHOLE).session._session.get_component("data_loader") is known
    of_shell = shell_client("sts", "eu-west-1").meta.service_model
    assert of_shell._service_description is models().get_service_model("sts")._service_description
    config = tmp_path / "config"
    config.write_text(f"[profile own]\ndata_path = {tmp_path}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    own = botocore.session.Session(profile="own")
    share_models(own)
    loader = own.get_component("data_loader")
    assert loader is not known
    assert str(tmp_path) in loader.search_paths


def test_the_end_of_the_clients_ends_their_connections(assuming: Assuming) -> None:
    clients = Clients(RUN, WHOLE)
    client = clients.client("sts", "eu-west-1")
    client.get_caller_identity()
    manager = client._endpoint.http_session._manager
    kept = manager.connection_from_url(client.meta.endpoint_url).pool.queue[-1]
    assert kept.sock.fileno() > 0
    clients.close()
    assert kept.sock is None


def test_names_of_events_are_translated_as_botocore_does_and_once_for_all_clients() -> None:
    clients = Clients(RUN, WHOLE)
    first, second = (clients.client(name, "eu-west-1").meta.events for name in ("sts", "kms"))
    stock = botocore.session.Session().get_component("event_emitter")
    names = [
        name
        for alias in (*stock._event_aliases, *stock._event_aliases.values(), "sts", "s3.x", "x")
        for name in (f"before-call.{alias}.Describe", f"x{alias}y.{alias}", alias, f"{alias}-b.c")
    ]
    translated = [stock._alias_event_name(name) for name in names]
    assert {name == new for name, new in zip(names, translated, strict=True)} == {True, False}
    assert [first._alias_event_name(name) for name in names] == translated
    second._event_aliases.clear()
    assert [second._alias_event_name(name) for name in names] == translated


def test_a_name_without_an_alias_is_compared_with_none(monkeypatch: pytest.MonkeyPatch) -> None:
    events = Clients(RUN, WHOLE).client("sts", "eu-west-1").meta.events
    monkeypatch.setattr(events, "_event_aliases", None)
    assert events._alias_event_name("before-call.sts.GetCallerIdentity") == (
        "before-call.sts.GetCallerIdentity"
    )


def test_an_endpoint_of_a_bucket_is_found_once_however_many_buckets_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = Clients(RUN, WHOLE).client("s3", "eu-west-1")
    found: list[str] = []
    evaluate = RuleSet.evaluate

    def counted(rules: RuleSet, given: dict[str, Any]) -> Any:
        if "Bucket" in given:  # the requests that sign in have none
            found.append(given["Bucket"])
        return evaluate(rules, given)

    monkeypatch.setattr(RuleSet, "evaluate", counted)
    empty = SimpleNamespace(stream=lambda: [])
    client.meta.events.register(
        "before-send.s3", lambda request, **_: AWSResponse(request.url, 404, {}, empty)
    )
    names = [f"bucket-{number}" for number in range(150)]
    for call in (client.get_bucket_encryption, client.get_bucket_versioning):
        for name in names:
            with pytest.raises(ClientError):
                call(Bucket=name)
    assert found == names


def test_credentials_are_renewed_before_they_expire(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = Clients(RUN, WHOLE)
    sts = clients.client("sts", "eu-west-1")
    credentials = clients.session.get_credentials()
    for minutes, times in ((0, 1), (9, 1), (11, 2), (14, 3)):
        now = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)
        # The sandbox's clock stays, so that what it gives is good for 15 minutes from now on.
        monkeypatch.setattr(credentials, "_time_fetcher", lambda now=now: now)
        monkeypatch.setattr(botocore.credentials, "_local_now", lambda now=now: now)
        assert sts.get_caller_identity()["Account"] == ACCOUNT
        assert len(assumed(sandbox)) == times, minutes


# --- a profile that requires a second factor -------------------------------------------------

SERIAL = "arn:aws:iam::333344445555:mfa/analyst"


@pytest.fixture
def second_factor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> Run:
    """A run whose profile assumes a role with the code of a device."""
    given = sandbox.environment("demo")
    config = tmp_path / "config"
    config.write_text(
        f"[profile own]\naws_access_key_id = {given['AWS_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key = {given['AWS_SECRET_ACCESS_KEY']}\n"
        f"[profile audit]\nsource_profile = own\nrole_arn = {ROLE}\n"
        f"external_id = evidence-2026\nmfa_serial = {SERIAL}\n"
        f"[profile plain]\nsource_profile = own\nrole_arn = {ROLE}\nexternal_id = evidence-2026\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return Run(account=ACCOUNT, aws_profile="audit", regions=["eu-west-1"])


def _nobody_types(error: Exception) -> Callable[[str], str]:
    def prompt(_: str) -> str:
        raise error

    return prompt


@pytest.mark.parametrize(
    "error", [EOFError(), OSError(), StdinNotImplementedError("no stdin in papermill")], ids=repr
)
def test_a_second_factor_that_nobody_can_type_is_reported(
    second_factor: Run, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(getpass, "getpass", _nobody_types(error))
    with pytest.raises(NotEnteredError, match=r"'audit' requires a second factor .*log in first"):
        Clients(second_factor, WHOLE).client("sts", "eu-west-1").get_caller_identity()


def test_a_second_factor_that_somebody_types_reaches_sts(
    second_factor: Run, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, assuming: Assuming
) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda prompt: "123456" if SERIAL in prompt else "")
    identity = Clients(second_factor, WHOLE).client("sts", "eu-west-1").get_caller_identity()
    assert identity["Account"] == ACCOUNT
    assert len(assumed(sandbox)) == 1
    # Nobody can be asked for a second code in mid-run: the session has the profile's duration.
    assert "DurationSeconds" not in assuming.requests[0]
    assert "Policy" in assuming.requests[0]


def test_a_profile_without_a_second_factor_prompts_nobody(
    second_factor: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getpass", _nobody_types(AssertionError("somebody was asked")))
    plain = second_factor.model_copy(update={"aws_profile": "plain"})
    identity = Clients(plain, WHOLE).client("sts", "eu-west-1").get_caller_identity()
    assert identity["Account"] == ACCOUNT


@pytest.mark.parametrize("stdin", ["null", "pipe"])
def test_a_command_without_a_terminal_says_so(
    second_factor: Run, tmp_path: Path, stdin: str
) -> None:
    requested = {"account": ACCOUNT, "aws_profile": "audit", "regions": ["eu-west-1"]}
    file = tmp_path / "run.yaml"
    file.write_text(json.dumps(requested | {"outputs": str(tmp_path), "controls": ["ID-02"]}))
    command = [sys.executable, "-m", "kit.__main__", "run", str(file)]
    # The pipe stays open: nobody types, and nothing ends.
    opened = os.pipe() if stdin == "pipe" else (os.open(os.devnull, os.O_RDONLY),)
    try:
        done = forked(command, env={**os.environ}, cwd=tmp_path, reads=opened[0])
    finally:
        for number in opened:
            os.close(number)
    errors = done.stderr.decode()
    assert done.returncode == 2
    assert "requires a second factor (mfa_serial)" in errors
    assert "Aborted" not in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        ("ExpiredToken", "The security token is expired", "log in again"),
        ("RequestTimeTooSkewed", "too large", "set the clock"),
        ("SignatureDoesNotMatch", "Signature expired: 2026 is now earlier than", "set the clock"),
        ("SignatureDoesNotMatch", "The request signature we calculated does not match", ""),
        ("AccessDenied", "You are not authorized", ""),
    ],
)
def test_who_cannot_log_in_learns_the_way_in(code: str, message: str, hint: str) -> None:
    text = str(explain({"code": code, "message": message}, 403, RUN))
    assert text.endswith(message) if not hint else hint in text
