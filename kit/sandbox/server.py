"""The sandbox's HTTP server: recognises requests, applies faults, calls the handlers."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import importlib
import io
import json
import logging
import os
import pkgutil
import socket
import threading
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any

from moto.core.request import Request
from werkzeug.wrappers import Response as HTTPResponse

from kit.sandbox import admin, errors, permissions, services, spoil
from kit.sandbox.checks import check_input, check_output
from kit.sandbox.connections import Server
from kit.sandbox.declared import Account, load
from kit.sandbox.faults import Fault, Faults, iam_action
from kit.sandbox.protocol import (
    AWSError,
    Operation,
    Response,
    Scope,
    default_protocol,
    read_operation,
    read_scope,
    write_error,
    write_result,
)
from kit.sandbox.registry import HANDLERS, Call, NotOurs, World, leave_to_moto
from kit.sandbox.rest import Environ, Moto, StartResponse

LOG = logging.getLogger(__name__)
LOG_FILE = "EVIDENCE_SANDBOX_LOG"  # names a file that gets a line of JSON for each request

for _module in pkgutil.iter_modules(services.__path__):
    importlib.import_module(f"{services.__name__}.{_module.name}")


@dataclass(frozen=True)
class Logged:
    """A request that the sandbox answered, or dropped (status 0)."""

    account: str
    service: str
    operation: str
    region: str
    parameters: str  # the first 16 hex digits of a SHA-256
    status: int
    error: str | None
    at: float  # seconds of the monotonic clock


class Sandbox:
    """A running sandbox; see `kit.sandbox.start`.

    Attributes
    ----------
    url
        The endpoint, ``http://127.0.0.1:<port>``.
    accounts
        Sample accounts by name: their account ids.
    faults
        The faults to produce; none at the start.
    policies
        By sample account's name, the identity policy of its callers; without it all is allowed.
    requests
        Every request so far, oldest first.
    latency
        Seconds by which every answer is late; 0 at the start.
    """

    def __init__(
        self, names: Sequence[str], *, port: int, page_size: int | None, copies: int = 0
    ) -> None:
        now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        loaded = [load(name, now, copy) for name in names for copy in range(copies + 1)]
        self.faults = Faults()
        self.policies: dict[str, Mapping[str, Any]] = {}
        self.requests: list[Logged] = []
        self.latency = 0.0
        self.accounts = {account.name: account.id for account in loaded}
        self._by_name: dict[str, Account] = {account.name: account for account in loaded}
        self._world = World({a.id: a for a in loaded}, self.faults, now, page_size)
        self._moto = Moto()
        self._server = Server(port, self._application)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop answering and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def environment(self, name: str) -> dict[str, str]:
        """Return the environment variables that point any AWS client at a sample account.

        Raises
        ------
        ValueError
            The account is not loaded.
        """
        if name not in self._by_name:
            raise ValueError(f"account {name!r} is not loaded; loaded: {', '.join(self.accounts)}")
        account = self._by_name[name]
        bypass = [os.environ[v] for v in ("NO_PROXY", "no_proxy") if os.environ.get(v)]
        return {
            "AWS_ENDPOINT_URL": self.url,
            # S3 Control puts the account id before the host. No name system knows such a host of
            # loopback; before a user name it is a part of that, which nobody reads.
            "AWS_ENDPOINT_URL_S3_CONTROL": self.url.replace("//", "//account@"),
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
            "AWS_ACCESS_KEY_ID": account.access_key_id,
            "AWS_SECRET_ACCESS_KEY": account.secret_access_key,
            "AWS_SESSION_TOKEN": "sandbox",
            "AWS_REGION": account.home_region,
            "AWS_DEFAULT_REGION": account.home_region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": ",".join([*bypass[:1], "127.0.0.1"]),
        }

    def health(self) -> dict[str, Any]:
        """Return the state of the sandbox, for other processes."""
        return {"status": "ok", "accounts": self.accounts, "requests": len(self.requests)}

    def _application(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        environ["wsgi.input"] = io.BytesIO(request.get_data())  # moto reads it once more
        if request.path.startswith(admin.PREFIX):
            return admin.answer(self, request)(environ, start_response)
        if self.latency:
            time.sleep(self.latency)
        scope = read_scope(request)
        if scope is None:
            return self._moto(environ, start_response)
        identity = self._world.identify(scope.access_key_id)
        protocol = default_protocol(scope.service)
        request_id = str(uuid.uuid4())
        if identity is None:
            error = errors.unknown_credentials(scope.service)
            response = write_error(scope.service, protocol, error, request_id)
            return _send(response, environ, start_response)
        account, caller = identity
        operation: Operation | None = None
        code: str | None = None
        try:
            operation = read_operation(request, scope.service)
            protocol = operation.protocol if operation else protocol
            _note(scope, operation)
            response = self._answer(scope, operation, account, caller, request_id)
        except AWSError as error:
            code = error.code
            response = write_error(scope.service, protocol, error, request_id)
        except NotOurs:

            def start(status: str, *rest: Any) -> Any:
                self._log(scope, account, operation, int(status[:3]), None)
                return start_response(status, *rest)

            try:
                return self._moto(environ, start, account)
            except NotImplementedError:
                name = operation.model.name if operation else "this request"
                unserved = AWSError(
                    "NotImplemented", f"the sandbox does not serve {name} of {scope.service}", 501
                )
                code = unserved.code
                response = write_error(scope.service, protocol, unserved, request_id)
        except _Dropped:
            self._log(scope, account, operation, 0, None)
            _hang_up(environ)
            return []
        except _Stalled:
            self._log(scope, account, operation, 0, None)
            return _wait_for_client(environ)
        except _Slow as slow:
            self._log(scope, account, operation, slow.response[1], None)
            return spoil.send_slowly(slow.fault, slow.response, start_response)
        except Exception as error:
            # An error in a sample account or in the sandbox: log it, and report it to the client.
            LOG.exception("%s could not be answered", scope.service)
            code = "InternalFailure"
            failure = AWSError(code, str(error), 500)
            response = write_error(scope.service, protocol, failure, request_id)
        self._log(scope, account, operation, response[1], code)
        return _send(response, environ, start_response)

    def _answer(
        self,
        scope: Scope,
        operation: Operation | None,
        account: Account,
        caller: str,
        request_id: str,
    ) -> Response:
        service, region = scope.service, scope.region
        if operation is None:
            raise NotOurs
        name = operation.model.name
        struck = self.faults.strike(account.id, region, service, name, operation.parameters)
        fault = struck.kind if struck else None
        if (
            fault == "unknown"
            or fault == "region-off"
            or account.region_status.get(region) == "DISABLED"
        ):
            raise errors.unknown_credentials(service)
        if fault == "drop":
            raise _Dropped
        forbidden = not all(
            any(permissions.allows(policy, service, name, operation.parameters) for policy in held)
            for held in self._policies(account, scope.access_key_id)
        )
        if fault == "deny" or forbidden:
            bucket = operation.parameters.get("Bucket") if service == "s3" else None
            resource = f'"arn:aws:s3:::{bucket}"' if bucket else "*"
            raise errors.access_denied(service, name, caller, resource)
        if fault == "throttle":
            raise errors.throttled(service)
        if fault == "fail":
            raise errors.failed(service)
        if fault == "expired":
            raise errors.expired(service)
        if fault == "stall":
            raise _Stalled
        if struck and fault == "answer":
            return spoil.literal(struck, operation.protocol, request_id)
        if fault == "endless":
            spoil.forget_token(operation.parameters)
        handler = HANDLERS.get((service, name))
        parameters = {k: v for k, v in operation.parameters.items() if v is not None}
        if handler is None:
            handler = HANDLERS.get((service, "*"), leave_to_moto)
        else:
            check_input(service, operation.model, parameters)
        call = Call(
            self._world,
            account,
            caller,
            service,
            name,
            region,
            parameters,
            empty_first_page=fault == "empty-page",
        )
        result = handler(call)
        check_output(operation.model.output_shape, result, f"{account.name}: {service} {name}")
        if fault == "endless":
            spoil.add_token(operation.model, result, request_id)
        response = write_result(operation, result, request_id)
        if fault == "wrong-types":
            response = spoil.wrong_types(response)
        if struck and fault in ("cut", "drip"):
            raise _Slow(struck, response)
        return response

    def _policies(self, account: Account, access_key_id: str) -> list[Sequence[Mapping[str, Any]]]:
        """Return groups of policies; a policy of each group has to allow a request."""
        session = self._world.sessions.get(access_key_id)
        identity = self.policies.get(account.name)
        groups = [(identity,) if identity is not None else (), session.policies if session else ()]
        return [group for group in groups if group]

    def _log(
        self,
        scope: Scope,
        account: Account,
        operation: Operation | None,
        status: int,
        error: str | None,
    ) -> None:
        name = operation.model.name if operation else "unknown"
        parameters = operation.parameters if operation else {}
        text = json.dumps(parameters, sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        self.requests.append(
            Logged(
                account.id,
                scope.service,
                name,
                scope.region,
                digest,
                status,
                error,
                time.monotonic(),
            )
        )

    def logged(self) -> list[dict[str, Any]]:
        """Return `requests` as plain data."""
        return [asdict(entry) for entry in self.requests]


class _Dropped(Exception):  # noqa: N818 - not an error, but a way out
    """Raised to close the connection without an answer."""


class _Stalled(Exception):  # noqa: N818 - not an error, but a way out
    """Raised to keep the connection open without an answer."""


class _Slow(Exception):  # noqa: N818 - not an error, but a way out
    """Raised to send the answer in part, or byte by byte."""

    def __init__(self, fault: Fault, response: Response):
        super().__init__()
        self.fault, self.response = fault, response


def _note(scope: Scope, operation: Operation | None) -> None:
    """Append who requested what to the file that the environment names, if it names one."""
    if log := os.environ.get(LOG_FILE):
        action = iam_action(scope.service, operation.model.name if operation else "unknown")
        with open(log, "a") as file:
            file.write(f"{json.dumps({'agent': scope.agent, 'action': action})}\n")


def _send(response: Response, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    body, status, headers = response
    return HTTPResponse(body, status, headers)(environ, start_response)


def _wait_for_client(environ: Environ) -> Iterable[bytes]:
    """Wait until the client goes away."""
    connection: socket.socket = environ["werkzeug.socket"]
    with contextlib.suppress(OSError):
        while connection.recv(1_024):
            pass
    return []


def _hang_up(environ: Environ) -> None:
    connection: socket.socket = environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
