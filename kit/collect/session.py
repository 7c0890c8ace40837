"""Clients for one account: profile or role, refreshed credentials, retries, endpoints."""

from __future__ import annotations

import getpass
import os
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aws_assume_role_lib
import boto3
from botocore.config import Config
from botocore.exceptions import NoCredentialsError, ParamValidationError, ProfileNotFound

from kit.aws_models import home_region, models, partition_of, share_models
from kit.collect.wire import check
from kit.errors import CannotRunError, NotEnteredError, UserError
from kit.parameters import Run
from kit.snapshot import reason_for, way_in

USER_AGENT = "appstream-evidence-kit"
_ATTEMPTS = 8
_LOGIN_ERRORS = {
    "CredentialRetrievalError",
    "LoginRefreshRequired",
    "SSOTokenLoadError",
    "TokenRetrievalError",
    "UnauthorizedSSOTokenError",
}
_LOOPBACK = ("127.0.0.1", "localhost")


class Clients:
    """boto3 clients of one account, made on demand and shared between threads.

    Endpoints follow ``AWS_ENDPOINT_URL`` and its kin, retries ``AWS_RETRY_MODE`` and
    ``AWS_MAX_ATTEMPTS``; without these, botocore's standard mode with 8 attempts. ``throttles``
    counts the answers that said "too often".

    Raises
    ------
    NotEnteredError
        The named AWS profile does not exist, has no credentials, or the role cannot be asked for.
    """

    def __init__(self, run: Run):
        try:
            session = boto3.Session(profile_name=run.aws_profile or None)
        except ProfileNotFound:
            known = ", ".join(boto3.Session().available_profiles) or "none"
            raise NotEnteredError(
                f"aws_profile: there is no profile {run.aws_profile!r} in your AWS configuration; "
                f"profiles there: {known}",
                "ProfileNotFound",
            ) from None
        _ask_for_codes(session, run)
        share_models(session._session)
        # A region in scope may be switched off, and then nobody can log in there; one of another
        # partition knows none of the run's credentials.
        region = session.region_name or (run.regions or ["us-east-1"])[0]
        if run.partition not in ("", partition_of(region)):
            region = home_region(run.partition)
        if run.role_arn:
            session = _assume(session, run, region)
        self.home = region
        self._session = session
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self._sent = threading.local()
        self.throttles = 0
        self._config = _config()

    def client(self, service: str, region: str) -> Any:
        """Return the client of a service in a region."""
        with self._lock:
            key = (service, region)
            if key not in self._clients:
                client = self._session.client(service, region_name=region, config=self._config)
                client.meta.events.register("response-received", self._count)
                client.meta.events.register_last("before-send", partial(self._send, client))
                if service == "s3control" and _is_loopback(client.meta.endpoint_url):
                    client.meta.events.register("before-send.s3-control", _reach_loopback)
                self._clients[key] = client
            return self._clients[key]

    def _count(self, response_dict: Any, parsed_response: Any, **_: Any) -> None:
        """Count an answer that says "too often", before it is asked again."""
        code = ((parsed_response or {}).get("Error") or {}).get("Code") or ""
        status = (response_dict or {}).get("status_code")
        if status == 429 or reason_for(code, status) == "throttled":
            with self._lock:
                self.throttles += 1

    @contextmanager
    def counting(self) -> Iterator[Callable[[], int]]:
        """Count the requests that this thread sends; yields what returns how many so far."""
        self._sent.requests = 0
        yield lambda: int(self._sent.requests)

    def _send(self, client: Any, request: Any, event_name: str, **_: Any) -> Any:
        """Send a request in botocore's place, and let through only what is an answer.

        botocore asks again after what is raised here as after what its own sending raises; after
        what its parsers raise, it does not.
        """
        self._sent.requests = getattr(self._sent, "requests", 0) + 1
        response = client._endpoint.http_session.send(request)
        model = client.meta.service_model.operation_model(event_name.rpartition(".")[2])
        check(model, response, request.method)
        return response

    @property
    def verify_certificates(self) -> bool:
        """Whether every client so far holds the server's certificate against an authority."""
        # botocore tells nowhere else what it made of its own and the environment's settings.
        sessions = [client._endpoint.http_session for client in self._clients.values()]
        return all(session._verify is not False for session in sessions)


def _ask_for_codes(session: boto3.Session, run: Run) -> None:
    """Let a profile with ``mfa_serial`` ask for the code of its device where somebody can type it.

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
                f"AWS credentials: profile {run.aws_profile or 'default'!r} asks for a second "
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
    return boto3.Session().client(service, region_name=region, config=_config())


def api_versions(services: Iterable[str]) -> dict[str, str]:
    """Which version of each service's interface is spoken, by botocore's name of the service."""
    known = models()
    return {name: str(known.get_service_model(name).api_version) for name in sorted(services)}


def _assume(session: boto3.Session, run: Run, region: str) -> boto3.Session:
    """Return a session of the role, which assumes it anew before its credentials expire.

    No duration is asked for: AWS gives an hour, which is also the most that it gives where one
    role is assumed from another.
    """
    try:
        made: boto3.Session = aws_assume_role_lib.assume_role(  # type: ignore[attr-defined]
            session,
            run.role_arn,
            RoleSessionName=USER_AGENT,
            ExternalId=run.external_id or None,  # type: ignore[arg-type]
            Tags=[{"Key": k, "Value": v} for k, v in run.session_tags.items()] or None,  # type: ignore[arg-type]
            region_name=region,
        )
    except NoCredentialsError as error:
        raise explain({"code": type(error).__name__, "message": ""}, None, run) from None
    except ParamValidationError as error:
        reason = " ".join(str(error).split())
        raise NotEnteredError(
            f"role_arn: {run.role_arn} cannot be asked for: {reason}", type(error).__name__
        ) from None
    share_models(made._session)
    return made


def explain(error: Mapping[str, str], status: int | None, run: Run) -> UserError:
    """Tell in a line why nobody could log in.

    The first request of a run asks AWS who the caller is; it fails for such reasons only.

    Parameters
    ----------
    error : mapping
        ``code`` (AWS's, or the name of botocore's exception) and ``message``.
    status : int or None
        HTTP status, where there was an answer.
    """
    code, message = error["code"], error["message"]
    using = f"role {run.role_arn}" if run.role_arn else f"profile {run.aws_profile or 'default'!r}"
    if code in ("NoCredentialsError", "PartialCredentialsError"):
        return NotEnteredError(
            "AWS credentials: none found; log in (aws sso login, aws configure) or name a profile "
            "with aws_profile",
            code,
        )
    if code in _LOGIN_ERRORS:
        text = f"AWS credentials: {using} could not log in: {message} Log in again."
        return NotEnteredError(text, code)
    if status is not None and 400 <= status < 500 and reason_for(code, status) != "throttled":
        hint = way_in(code, message)
        text = f"AWS credentials: {using} was refused ({code}): {message}"
        return NotEnteredError(f"{text}; {hint}" if hint else text, code)
    return CannotRunError(f"AWS could not be reached with {using} ({code}): {message}")


def _config() -> Config:
    return Config(
        user_agent_extra=f"{USER_AGENT}/{version('appstream-evidence-kit')}",
        connect_timeout=10,
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
