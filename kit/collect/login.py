"""Why nobody could sign in to AWS: in one line, with the command that helps."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import botocore.exceptions
import botocore.session
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from kit.collect import limits, wire
from kit.detect.secrets import mask_secrets
from kit.errors import CannotRunError, NotEnteredError, UserError
from kit.inputs import refuse_environment
from kit.parameters import Run
from kit.snapshot import reason_for, way_in

TOO_LARGE = "PackedPolicyTooLarge"
_HEADER = "Invalid header value"  # http.client, before the value
_MODES = ("legacy", "standard", "adaptive")
# Python's, where botocore reads an answer that has another form.
_MISREAD = ("AttributeError", "JSONDecodeError", "KeyError", "TypeError")
_NONE_AVAILABLE = ("NoCredentialsError", "PartialCredentialsError")
# What can be in a profile, and the command that signs in with it.
# AWS CLI User Guide, "Configuration and credential file settings".
_COMMANDS = {
    "sso_session": "aws sso login",
    "sso_start_url": "aws sso login",
    "login_session": "aws login",
    "aws_access_key_id": "aws configure",
}


@contextmanager
def signing_in(run: Run | None = None) -> Iterator[None]:
    """Report whatever botocore raises about the user's AWS configuration as a line.

    Parameters
    ----------
    run : Run, optional
        The run whose profile or role is used; by default the shell's own.

    Raises
    ------
    NotEnteredError
        The configuration or the credentials cannot be used.
    CannotRunError
        Nothing answered.
    """
    try:
        _check_environment()
        yield
    except UserError:
        raise
    except Exception as error:  # of botocore, or of a library that it calls for credentials
        raise _explained(error, run) from None


def _explained(error: Exception, run: Run | None) -> UserError:
    if isinstance(error, ClientError):
        answer = error.response
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
        code, message = answer["Error"].get("Code", ""), answer["Error"].get("Message", "")
        return explain({"code": code, "message": message}, status, run)
    return explain({"code": type(error).__name__, "message": message_of(error)}, None, run)


def message_of(error: Exception) -> str:
    """Return what a library states of an error, without the credentials that it may quote.

    Python quotes a header that it refuses, and botocore what a process of the profile wrote.
    """
    text, refused, _ = str(error).partition(_HEADER)
    return mask_secrets(text + refused)


def _check_environment() -> None:
    """Raise a `UserError` where a variable has a value that botocore names no variable for."""
    refuse_environment()
    mode, attempts = os.environ.get("AWS_RETRY_MODE", ""), os.environ.get("AWS_MAX_ATTEMPTS", "")
    if mode and mode not in _MODES:
        raise UserError(f"AWS_RETRY_MODE: {mode!r} is not accepted; use {', '.join(_MODES)}")
    if attempts and not (attempts.isascii() and attempts.isdecimal() and int(attempts) > 0):
        raise UserError(f"AWS_MAX_ATTEMPTS: {attempts!r} is not accepted; use a number from 1 on")
    for name, value in sorted(os.environ.items()):
        url = name == "AWS_ENDPOINT_URL" or name.startswith("AWS_ENDPOINT_URL_")
        if url and value and not value.startswith(("https://", "http://")):
            raise UserError(
                f"{name}: {value!r} is not accepted; use a URL such as https://vpce.example.com"
            )


def explain(error: Mapping[str, str], status: int | None, run: Run | None) -> UserError:
    """Return the error that states in a line why nobody could sign in.

    The first request of a run returns the caller's identity; it fails for such reasons only.

    Parameters
    ----------
    error : mapping
        ``code`` (AWS's, or the name of botocore's exception) and ``message``.
    status : int or None
        HTTP status, where there was an answer.
    run : Run or None
        The run that signs in; None for the shell's own credentials.
    """
    code, message = error["code"], " ".join(error["message"].split())
    using = _using(run)
    if message.endswith(_HEADER):
        text = f"AWS credentials: {using} holds a character that no request may hold ({code})"
        return NotEnteredError(f"{text}, such as the end of a line; enter them again", code)
    if code in _NONE_AVAILABLE:
        return NotEnteredError(_none_available(code, message, run), code)
    if code == "ProfileNotFound":
        return NotEnteredError(_noprofile_of(run), code)
    if code == TOO_LARGE:
        text = f"session_tags: too long beside the session policy of {using} ({code})"
        return NotEnteredError(f"{text}; shorten session_tags: {message}", code)
    if code in _MISREAD:
        message = "what it answers is not a JSON object with the members that botocore reads"
    if status is None and not _is_of_the_network(code):
        text = f"AWS credentials: {using} could not sign in ({code}): {message.rstrip('.')}"
        return NotEnteredError(f"{text}; {_advice(code, run)}", code)
    if status is not None and 400 <= status < 500 and reason_for(code, status) != "throttled":
        hint = way_in(code, message)
        text = f"AWS credentials: {using} was refused ({code}): {message}"
        return NotEnteredError(f"{text}; {hint}" if hint else text, code)
    return CannotRunError(f"AWS could not be reached with {using} ({code}): {message}")


def _is_of_the_network(code: str) -> bool:
    """Return whether an exception of this name is about the way to AWS, not about who signs in."""
    if hasattr(limits, code) or hasattr(wire, code):
        return True
    kind = getattr(botocore.exceptions, code, None)
    return kind is not None and issubclass(kind, (HTTPClientError, ConnectionError))


def profile_of(run: Run | None) -> str:
    """Return the name of the profile that botocore takes; empty where none is named."""
    named = (run.aws_profile or "") if run else ""
    return named or os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE") or ""


def _using(run: Run | None) -> str:
    if run and run.role_arn:
        return f"role {run.role_arn}"
    return f"profile {profile_of(run) or 'default'!r}"


def _noprofile_of(run: Run | None) -> str:
    field = "aws_profile" if run and run.aws_profile else "AWS_PROFILE"
    known = ", ".join(_profiles()) or "none"
    return (
        f"{field}: there is no profile {profile_of(run)!r} in your AWS configuration; profiles there: "
        f"{known}"
    )


def _none_available(code: str, message: str, run: Run | None) -> str:
    named = profile_of(run)
    if code == "PartialCredentialsError":
        text = f"AWS credentials: {_using(run)} is incomplete: {message}"
        if " found in env" in message:  # botocore: "Partial credentials found in env, missing: ..."
            return f"{text}; set that variable too, or none of AWS_ACCESS_KEY_ID and its like"
        return f"{text}; complete it with: {_command('aws configure', named)}"
    if named:
        return (
            f"AWS credentials: profile {named!r} has none: no key, role, SSO session or process; add "
            f"them with: {_command('aws configure sso', named)}, or {_command('aws configure', named)}"
        )
    return (
        "AWS credentials: none available; log in (aws sso login, aws configure) or name a profile "
        "with aws_profile"
    )


def _command(verb: str, profile: str) -> str:
    return f"{verb} --profile {shlex.quote(profile)}" if profile else verb


def _profiles() -> dict[str, dict[str, Any]]:
    """Return the settings of each profile; none where the configuration cannot be read."""
    with suppress(Exception):
        return {**botocore.session.Session().full_config["profiles"]}
    return {}


def _settings(profile: str) -> tuple[str, dict[str, Any]]:
    """Return the profile that holds the credentials in the end, and its settings.

    A profile can assume its role with the credentials of a ``source_profile``.
    """
    known = _profiles()
    name, passed = profile or "default", {""}
    while name not in passed and (source := known.get(name, {}).get("source_profile")) in known:
        passed.add(name)
        name = source
    return name, known.get(name, {})


def _advice(code: str, run: Run | None) -> str:
    """Return the command that helps, by what the profile signs in with."""
    if code in ("ConfigParseError", "UnicodeDecodeError"):
        return "correct that file, or name another with AWS_CONFIG_FILE"
    if code == "MissingDependencyException":
        return "install that package beside the kit"
    name, settings = _settings(profile_of(run))
    if process := settings.get("credential_process"):
        return f"check what this command prints: {mask_secrets(process)}"
    if file := settings.get("web_identity_token_file") or os.environ.get(
        "AWS_WEB_IDENTITY_TOKEN_FILE"
    ):
        return f"check the token in {file}"
    for setting, verb in _COMMANDS.items():
        if setting in settings:
            return f"sign in again with: {_command(verb, name if name != 'default' else '')}"
    return f"check the profile with: {_command('aws configure list', profile_of(run))}"
