"""Clients for an account: profile or role, refreshed credentials, retries, endpoints."""

from __future__ import annotations

import datetime as dt
import getpass
import json
import math
import os
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum
from functools import partial
from importlib.metadata import version
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aws_assume_role_lib
import boto3
from botocore.config import Config
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import (
    ClientError,
    ParamValidationError,
)
from botocore.utils import EVENT_ALIASES, lru_cache_weakref

from kit import log
from kit.aws_models import home_region, models, partition_of, share_models
from kit.collect.limits import Call, GivenUpError, Limits, watch_connections
from kit.collect.login import TOO_LARGE, profile_of, signing_in
from kit.collect.policy import SessionPolicy
from kit.collect.wire import Parsers, check
from kit.errors import NotEnteredError
from kit.maker import KIT
from kit.parameters import Run
from kit.snapshot import is_expired, is_refused, reason_for

USER_AGENT = KIT
_SHELL_AGENT = f"{USER_AGENT}-shell"  # of requests that write packs and sign, as the shell may
_ATTEMPTS = 8
_ASSUMING = ("AssumeRole", "AssumeRoleWithWebIdentity")
_LEAST_SECONDS, _MOST_SECONDS = 900, 3600  # AWS STS API Reference, AssumeRole, DurationSeconds
# Before the end of a session, when it is renewed: by one request, and before any other is sent.
_ADVISORY_SECONDS, _MANDATORY_SECONDS = 300, 120
_ONLY_ASSUME = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
                "Resource": "*",
            }
        ],
    },
    separators=(",", ":"),
)
_LOOPBACK = ("127.0.0.1", "localhost")
# botocore keeps the endpoints of the last 100 requests that differ, and a bucket's name is part of
# a request: with more buckets every request goes through the rules again, which takes a fifth of it.
# https://github.com/boto/botocore/blob/develop/botocore/endpoint_provider.py (CACHE_SIZE)
_ENDPOINTS = 10_000
EndpointProvider._resolve_endpoint = lru_cache_weakref(maxsize=_ENDPOINTS)(
    EndpointProvider._resolve_endpoint.__wrapped__
)


class Clients:
    """boto3 clients of an account, made on demand and shared between threads.

    The session of a role that the kit assumes gets the first of ``policies`` that AWS accepts.
    Endpoints follow ``AWS_ENDPOINT_URL`` and its kin, retries ``AWS_RETRY_MODE`` and
    ``AWS_MAX_ATTEMPTS``; without these, botocore's standard mode with 8 attempts. ``throttles``
    counts the throttled answers.

    Raises
    ------
    NotEnteredError
        The named AWS profile does not exist, has no credentials, or the role cannot be requested.
    """

    def __init__(self, run: Run, policies: Sequence[SessionPolicy]):
        self._run = run
        self._config = _config(run)
        self.narrowing = Narrowing(run, policies)
        self._clients: dict[tuple[str, str], Any] = {}
        self._event_names = _EventNames(EVENT_ALIASES)
        self._contexts: dict[bool | str, SSLContext] = {}  # by what verifies the certificates
        self._lock = threading.Lock()
        self._making = threading.Lock()  # else an answer would wait while other clients are made
        self._judging = threading.RLock()
        self._accepted: set[str] = set()  # regions that answered with these credentials
        self._off: set[str] = set()  # regions that refuse credentials that are valid
        self._ended = ""
        self.generation = 0
        self.throttles = 0
        self.limits = Limits(run)
        with signing_in(run):
            self.session, self.home = _open(run, self._config, self.narrowing)
            self.client("sts", self.home)  # botocore reads the credentials for the first client

    def client(self, service: str, region: str) -> Any:
        """Return the client of a service in a region."""
        key = (service, region)
        made = self._clients.get(key)
        if made is None:
            with self._making:
                made = self._clients.get(key)
                if made is None:
                    made = self._clients[key] = self._made(self.session, service, region)
        return made

    def _made(self, session: boto3.Session, service: str, region: str) -> Any:
        with signing_in(self._run):  # a setting may be of this service alone
            client = session.client(service, region_name=region, config=self._config)
        client.meta.events._alias_name_cache = self._event_names
        client.meta.events.register("response-received", self._count)
        client.meta.events.register_last(
            "before-send", partial(self._send, client, service, region)
        )
        http_session = client._endpoint.http_session
        watch_connections(http_session)
        # One context, so that the authorities' certificates are read once; not that of a proxy.
        known = http_session._manager.connection_pool_kw
        known["ssl_context"] = self._contexts.setdefault(http_session._verify, known["ssl_context"])
        if service == "s3control" and _is_loopback(client.meta.endpoint_url):
            client.meta.events.register("before-send.s3-control", _reach_loopback)
        return client

    def _count(self, response_dict: Any, parsed_response: Any, **_: Any) -> None:
        """Count a throttled answer, before botocore repeats the request."""
        code = ((parsed_response or {}).get("Error") or {}).get("Code") or ""
        status = (response_dict or {}).get("status_code")
        if status == 429 or reason_for(code, status) == "throttled":
            with self._lock:
                self.throttles += 1
            log.event("throttled", error=log.code(code), status=status)

    @contextmanager
    def call(self, service: str, region: str) -> Iterator[Call]:
        """Make a call within the bounds of time, and not with credentials that have ended.

        Raises
        ------
        GivenUpError
            The kit gave the service, the region or the run up, or the answer did not come in time.
        """
        if self._ended:
            raise CredentialsEndedError(f"{self._ended}: the kit sends no more requests")
        with self.limits.call(service, region) as made:
            yield made
        with self._lock:
            self._accepted.add(region)

    def _send(
        self, client: Any, service: str, region: str, request: Any, event_name: str, **_: Any
    ) -> Any:
        """Send a request in botocore's place, and let through only what is an answer.

        botocore repeats the request after what is raised here as after what its own sending raises; after
        what its parsers raise, it does not.
        """
        with self.limits.waiting(service, region):
            response = client._endpoint.http_session.send(request)
        model = client.meta.service_model.operation_model(event_name.rpartition(".")[2])
        check(model, response, request.method)
        return response

    def refused(self, code: str, region: str, generation: int) -> Refusal:
        """Judge whether an error means that the credentials have ended, and renew them if so.

        A region that is off refuses valid credentials with the codes that invalid credentials get: AWS
        STS shows, in a further request, which of the two it is. Nothing is judged before the first good answer,
        for nobody has logged in yet.

        Parameters
        ----------
        code : str
            Of the error.
        region : str
            Where it was given.
        generation : int
            Which credentials were used, by `generation` before the call.
        """
        if code == TOO_LARGE:
            return Refusal.RENEWED if self.narrowing.widen() else Refusal.NOTHING
        if not (is_expired(code) or is_refused(code)):
            return Refusal.NOTHING
        with self._judging:
            if self._ended:
                return Refusal.ENDED
            if generation != self.generation:
                return Refusal.RENEWED
            if not self._accepted and not generation:
                return Refusal.NOTHING
            if not is_expired(code) and not self._is_refused_everywhere(region):
                return Refusal.NOTHING
            if self._accepted and self._renew():
                log.event("credentials renewed", error=log.code(code), region=region)
                return Refusal.RENEWED
            self._ended = f"credentials ended at {dt.datetime.now(dt.UTC):%H:%M:%S} UTC ({code})"
            self.limits.stop(CredentialsEndedError.__name__, self._ended)
            return Refusal.ENDED

    def _is_refused_everywhere(self, region: str) -> bool:
        if region in self._off:
            return False
        try:
            self._account(self.client("sts", self.home))
        except ClientError as error:
            code = error.response["Error"]["Code"]
            return is_expired(code) or is_refused(code)
        except Exception:  # whatever kept STS from answering shows nothing about the credentials
            return False
        if region not in self._accepted:
            self._off.add(region)
        return False

    def _account(self, client: Any) -> str:
        with self.limits.call("sts", self.home):
            return str(client.get_caller_identity()["Account"])

    def _renew(self) -> bool:
        """Get other credentials of the same account from where these came; False if there are none."""
        try:
            session, _ = _open(self._run, self._config, self.narrowing)
            made = session.get_credentials().get_frozen_credentials()
            if made == _frozen(self.session):
                return False
            # No other request uses them before it is known whose they are.
            if self._account(self._made(session, "sts", self.home)) != self._run.account:
                return False
        except Exception:  # of whatever source: it has no other credentials
            return False
        with self._making, self._lock:
            self.session, self._clients = session, {}
            self._accepted.clear()
            self._off.clear()
            self.generation += 1
        return True

    @property
    def method(self) -> str:
        """How the credentials were obtained, as botocore names it: sso, assume-role, env ..."""
        return str(getattr(self.session.get_credentials(), "method", ""))

    def close(self) -> None:
        """End what watches the time, and the connections."""
        self.limits.close()
        for client in list(self._clients.values()):  # a thread may still make one
            client.close()

    @property
    def verify_certificates(self) -> bool:
        """Whether every client so far holds the server's certificate against an authority."""
        # botocore reports nowhere else what it made of its own and the environment's settings.
        sessions = [client._endpoint.http_session for client in self._clients.values()]
        return all(session._verify is not False for session in sessions)


class _EventNames(dict[str, str]):
    """The names of botocore's events and what it calls them now, for all clients.

    botocore looks in each name for each of its aliases, and anew for each client, which takes a
    twentieth of a small collection. Here a name without an alias is known at once.

    References
    ----------
    https://github.com/boto/botocore/blob/develop/botocore/hooks.py (EventAliaser)
    """

    def __init__(self, aliases: Iterable[str]):
        super().__init__()
        self._words = {alias for alias in aliases if "." not in alias}
        self._phrases = sorted({*aliases} - self._words)

    def __contains__(self, name: object) -> bool:
        if super().__contains__(name):
            return True
        if not isinstance(name, str) or not self._words.isdisjoint(name.split(".")):
            return False
        if any(phrase in name for phrase in self._phrases):
            return False
        self[name] = name
        return True


class Narrowing:
    """Limits the sessions of roles that the kit assumes: permissions and duration.

    The role that collects gets the session policy. A role from which it is assumed may only assume
    roles. Both get the shortest session that the run needs. botocore assumes the roles of profiles
    and of web identities, so that the limits are added to its requests. The sign-ins that AWS gives
    no session policy to, such as IAM Identity Center's, stay as they are.

    Attributes
    ----------
    record : dict or None
        What the snapshot's header records of the session; None while no role was assumed.
    """

    def __init__(self, run: Run, policies: Sequence[SessionPolicy]):
        if not policies:
            raise NotEnteredError("role_arn: the session policy is too long", TOO_LARGE)
        self._run, self._policies = run, policies
        self._form = 0
        self._seconds = _session_seconds(run)
        self._role = run.role_arn
        self.record: dict[str, Any] | None = None

    def widen(self) -> bool:
        """Choose the next session policy; False where there is none."""
        if self._form + 1 == len(self._policies):
            return False
        self._form += 1
        return True

    def watch(self, session: boto3.Session) -> None:
        """Limit every role that botocore assumes in a session."""
        inner = session._session
        settings = inner.get_scoped_config()
        self._role = (
            self._run.role_arn or settings.get("role_arn") or os.environ.get("AWS_ROLE_ARN", "")
        )
        for operation in _ASSUMING:
            inner.register(f"provide-client-params.sts.{operation}", self._limit)
            inner.register(f"after-call.sts.{operation}", self._note)

    def refresh_late(self, session: boto3.Session) -> None:
        """Let credentials for minutes be used for minutes: botocore renews them 15 minutes early."""
        if not self._role:
            return
        with suppress(Exception):  # the first request reports why there are no credentials
            credentials = session.get_credentials()
            if credentials.method.startswith("assume-role"):
                credentials._advisory_refresh_timeout = _ADVISORY_SECONDS
                credentials._mandatory_refresh_timeout = _MANDATORY_SECONDS

    def _limit(self, params: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        limited = {**params}
        # A code cannot be used twice, so that such a session lasts as long as the profile states.
        if self._run.run_seconds or "SerialNumber" not in params:
            most = params.get("DurationSeconds", self._seconds)
            limited["DurationSeconds"] = min(most, self._seconds)
        if params["RoleArn"] != self._role:
            return limited | {"Policy": _ONLY_ASSUME}
        policy = self._policies[self._form]
        self.record = {
            "policy": policy.form,
            "actions": policy.actions,
            "characters": len(policy.document),
            "packed_percent": None,
            "seconds": limited.get("DurationSeconds", _MOST_SECONDS),
        }
        return limited | policy.parameters

    def _note(self, parsed: Mapping[str, Any], **_: Any) -> None:
        arn = parsed.get("AssumedRoleUser", {}).get("Arn", "")
        if self.record and arn.split("/")[1:2] == self._role.rsplit("/", 1)[-1:]:
            self.record["packed_percent"] = parsed.get("PackedPolicySize")


def _session_seconds(run: Run) -> int:
    """Return the shortest session that a run needs: AWS gives 15 minutes at least.

    A longer run renews it. AWS gives an hour at most to a role that is assumed from a role, and an
    hour to every role.
    """
    needed = math.ceil(run.run_seconds) + _ADVISORY_SECONDS if run.run_seconds else 0
    return min(max(needed, _LEAST_SECONDS), _MOST_SECONDS)


class Refusal(Enum):
    """What an error means for the credentials."""

    NOTHING = "nothing"
    RENEWED = "renewed"  # repeat the request
    ENDED = "ended"


class CredentialsEndedError(GivenUpError):
    """AWS accepts the credentials no more, and their source has no others."""


def _frozen(session: boto3.Session) -> Any:
    try:
        return session.get_credentials().get_frozen_credentials()
    except Exception:  # they cannot be refreshed, so that others differ from them
        return None


def _open(run: Run, config: Config, narrowing: Narrowing) -> tuple[boto3.Session, str]:
    """Log in: the session of a run, and the region that is its home."""
    session = boto3.Session(profile_name=run.aws_profile or None)
    # Also for the clients with which botocore gets credentials.
    session._session.set_default_client_config(config)
    _request_codes(session, run)
    narrowing.watch(session)
    _share(session)
    # A region in scope may be switched off, and then nobody can log in there; a region of
    # another partition does not know the run's credentials.
    region = session.region_name or (run.regions or ["us-east-1"])[0]
    if run.partition not in ("", partition_of(region)):
        region = home_region(run.partition)
    if run.role_arn:
        session = _assume(session, run, region)
    narrowing.refresh_late(session)
    return session, region


def _request_codes(session: boto3.Session, run: Run) -> None:
    """Let a profile with ``mfa_serial`` request the code of its device where somebody can type it.

    Without a terminal botocore's own prompt aborts the command, waits for ever on a pipe, or ends
    a notebook with a traceback.
    """

    def prompt(text: str) -> str:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", getpass.GetPassWarning)
                return getpass.getpass(text)
        except (EOFError, OSError, NotImplementedError, getpass.GetPassWarning):
            raise NotEnteredError(
                f"AWS credentials: profile {profile_of(run) or 'default'!r} requires a second "
                "factor (mfa_serial), and there is no terminal in which to type its code; log in "
                "first (aws sso login, aws sts get-session-token) and name the profile that holds "
                "the session",
                "MFARequired",
            ) from None

    provider = session._session.get_component("credential_provider").get_provider("assume-role")
    provider._prompter = prompt


def shell_client(service: str, region: str | None = None) -> Any:
    """Return a client with the shell's own credentials, for what a run's read-only role may not.

    Parameters
    ----------
    region : str, optional
        By default the shell's.
    """
    with signing_in():
        session = boto3.Session()
        share_models(session._session)
        return session.client(service, region_name=region, config=_config())


@dataclass(frozen=True)
class Caller:
    """Who signs in.

    Attributes
    ----------
    arn, account : str
        As AWS STS names them.
    ends : datetime or None
        When the credentials end (UTC); None where their source states no end.
    answered : datetime or None
        AWS's clock when it answered.
    """

    arn: str
    account: str
    ends: dt.datetime | None
    answered: dt.datetime | None


def who(run: Run, policies: Sequence[SessionPolicy]) -> Caller:
    """Return who a run signs in as.

    Raises
    ------
    NotEnteredError, CannotRunError
        Nobody can sign in, or nothing answered.
    """
    clients = Clients(run, policies)
    try:
        with signing_in(run):
            answer = clients.client("sts", clients.home).get_caller_identity()
            ends = getattr(clients.session.get_credentials(), "_expiry_time", None)
    finally:
        clients.close()
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return Caller(
        answer["Arn"],
        answer["Account"],
        ends.astimezone(dt.UTC) if ends else None,
        parsedate_to_datetime(date) if date else None,
    )


def api_versions(services: Iterable[str]) -> dict[str, str]:
    """Return the version of each service's interface, by botocore's name of the service."""
    known = models()
    return {name: str(known.get_service_model(name).api_version) for name in sorted(services)}


def _assume(session: boto3.Session, run: Run, region: str) -> boto3.Session:
    """Return a session of the role, which assumes it anew before its credentials expire."""
    try:
        made: boto3.Session = aws_assume_role_lib.assume_role(  # type: ignore[attr-defined]
            session,
            run.role_arn,
            RoleSessionName=USER_AGENT,
            ExternalId=run.external_id or None,  # type: ignore[arg-type]
            Tags=[{"Key": k, "Value": v} for k, v in run.session_tags.items()] or None,  # type: ignore[arg-type]
            region_name=region,
        )
    except ParamValidationError as error:
        reason = " ".join(str(error).split())
        raise NotEnteredError(
            f"role_arn: {run.role_arn} cannot be requested: {reason}", type(error).__name__
        ) from None
    _share(made)
    return made


def _share(session: boto3.Session) -> None:
    """Let a session use the models of this process, and what `check` has parsed of a response."""
    share_models(session._session)
    session._session.register_component("response_parser_factory", Parsers())


def _config(run: Run | None = None) -> Config:
    agent = USER_AGENT if run else _SHELL_AGENT
    return Config(
        user_agent_extra=f"{agent}/{version('appstream-evidence-kit')}",
        connect_timeout=run.connect_seconds if run else 10,
        read_timeout=run.read_seconds if run else 60,
        max_pool_connections=32,
        **({} if _retries_are_set() else {"retries": _retries()}),
    )


def _retries_are_set() -> bool:
    return bool(os.environ.get("AWS_RETRY_MODE") or os.environ.get("AWS_MAX_ATTEMPTS"))


def _retries() -> dict[str, Any]:
    return {"mode": "standard", "total_max_attempts": _ATTEMPTS}


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in _LOOPBACK


def _reach_loopback(request: Any, **_: Any) -> None:
    """Undo the account id that S3 Control puts before the host: loopback has no such name."""
    parts = urlsplit(request.url)
    host = next(h for h in _LOOPBACK if parts.hostname and parts.hostname.endswith(h))
    request.url = urlunsplit(parts._replace(netloc=f"{host}:{parts.port}"))
