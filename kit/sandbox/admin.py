"""The administration of the sandbox over HTTP, for other processes.

``GET /_sandbox/health``, ``GET | DELETE /_sandbox/requests``, ``GET | POST | DELETE
/_sandbox/faults``, ``GET /_sandbox/environment/<account>``; bodies and answers are JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from werkzeug.wrappers import Request, Response

from kit.sandbox.faults import Fault, Faults

PREFIX = "/_sandbox/"  # not a valid name of a bucket


class _Sandbox(Protocol):
    faults: Faults
    requests: list[Any]

    def health(self) -> dict[str, Any]: ...
    def environment(self, account: str, /) -> Mapping[str, str]: ...
    def logged(self) -> list[Any]: ...


def answer(sandbox: _Sandbox, request: Request) -> Response:
    """Answer an administrative request."""
    resource, _, name = request.path.removeprefix(PREFIX).partition("/")
    try:
        body, status = _answer(sandbox, request.method, resource, name, request.get_data())
    except (TypeError, ValueError) as error:
        body, status = {"error": str(error)}, 400
    return Response(json.dumps(body), status, content_type="application/json")


def _answer(
    sandbox: _Sandbox, method: str, resource: str, name: str, body: bytes
) -> tuple[dict[str, Any] | list[Any], int]:
    match method, resource:
        case "GET", "health":
            return sandbox.health(), 200
        case "GET", "environment":
            return dict(sandbox.environment(name)), 200
        case "GET", "requests":
            return sandbox.logged(), 200
        case "DELETE", "requests":
            sandbox.requests.clear()
        case "POST", "faults":
            sandbox.faults.add(Fault(**json.loads(body)))
        case "DELETE", "faults":
            sandbox.faults.clear()
        case "GET", "faults":
            pass
        case _:
            return {"error": f"{method} {PREFIX}{resource} is not an administrative request"}, 404
    return sandbox.faults.listed(), 201 if method == "POST" else 200
