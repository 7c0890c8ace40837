"""Spoiled answers, which the sandbox sends where a fault applies."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator
from typing import Any

from kit.sandbox.faults import Fault
from kit.sandbox.protocol import Response, write_headers
from kit.sandbox.rest import StartResponse

_TOKENS = ("NextToken", "nextToken", "Marker", "ContinuationToken", "PaginationToken")


def literal(fault: Fault, protocol: str, request_id: str) -> Response:
    """Return the answer that a fault contains."""
    headers = write_headers(protocol, request_id)
    if fault.content_type is not None:
        headers["Content-Type"] = fault.content_type
    if 300 <= fault.status < 400:
        headers["Location"] = "http://portal.example/login"
    return fault.body.encode("utf-8", "surrogateescape"), fault.status, headers


def wrong_types(response: Response) -> Response:
    """Return an answer in which every value has a wrong type."""
    body, status, headers = response
    if body.startswith(b"{"):
        spoiled = {name: _other(value) for name, value in json.loads(body).items()}
        return json.dumps(spoiled).encode(), status, headers
    leaves = re.sub(rb">([^<>]+)</", rb"><wrong/></", body)
    return re.sub(rb"<(\w+)\s*/>", rb"<\1>wrong</\1>", leaves), status, headers


def _other(value: Any) -> Any:
    return [value] if isinstance(value, (str, bool, int, float)) else "wrong"


def forget_token(parameters: dict[str, Any]) -> None:
    """Remove from a request the token that `add_token` generated."""
    for name in _TOKENS:
        parameters.pop(name, None)


def add_token(model: Any, result: dict[str, Any], token: str) -> None:
    """Add to a page a token for a further page."""
    for name in (*_TOKENS, "NextMarker", "NextContinuationToken"):
        if name in model.output_shape.members:
            result[name] = token
            break
    if "IsTruncated" in model.output_shape.members:
        result["IsTruncated"] = True


def send_slowly(fault: Fault, response: Response, start_response: StartResponse) -> Iterable[bytes]:
    """Send the headers of a whole answer, then half of its body, or its body byte by byte."""
    body, status, headers = response
    start_response(f"{status} -", [*headers.items(), ("Content-Length", str(len(body)))])
    return [body[: len(body) // 2]] if fault.kind == "cut" else _drip(body, fault.seconds)


def _drip(body: bytes, seconds: float) -> Iterator[bytes]:
    for n in range(len(body)):
        yield body[n : n + 1]
        time.sleep(seconds)
