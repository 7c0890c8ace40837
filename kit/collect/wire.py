"""What counts as an answer: the only place between botocore and the snapshot that decides.

botocore parses whatever came, and an answer of which nothing is left parses to an empty answer: a
body that was cut short, a portal's page, ``null``. Here each answer is held against the length
that its headers state, the content type of its protocol, the shape of its operation and the
members that AWS always sends. What does not pass is raised as a lost connection is, so that
botocore repeats the request; what still does not pass becomes that call's error. What passes is
parsed by then, and botocore takes it over.

References
----------
RFC 9112, section 8, "Handling Incomplete Messages"; Smithy, "AWS protocols"
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any
from xml.etree import ElementTree

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.parsers import PROTOCOL_PARSERS, ResponseParserError, ResponseParserFactory
from botocore.utils import parse_timestamp

from kit.bounds import ANSWER, parse_json, require_shallow, single_names
from kit.calls import CALLS, Call
from kit.detect.secrets import mask_secrets

_JSON = {"application/json", "application/x-amz-json-1.0", "application/x-amz-json-1.1"}
_XML = {"application/xml", "text/xml"}
_CONTENT = {
    "json": _JSON,
    "rest-json": _JSON,
    "query": _XML,
    "ec2": _XML,
    "rest-xml": _XML,
    "smithy-rpc-v2-cbor": {"application/cbor"},
}
_SHOWN = 120  # characters of an answer that an error quotes
_MASKED = 4_000  # characters in which secrets are looked for before the quote is cut
_SCALARS: dict[str, tuple[type, ...]] = {
    "blob": (str, bytes),
    "boolean": (bool,),
    "character": (str,),
    "double": (int, float, str),
    "float": (int, float, str),
    "integer": (int,),
    "list": (list,),
    "long": (int,),
    "map": (dict,),
    "string": (str,),
    "structure": (dict,),
    "timestamp": (int, float, str),
}
_CONTAINERS = ("list", "map", "structure")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z", re.ASCII)
_NAMESPACE = re.compile("{.*}")


class UnreadableAnswerError(ConnectionClosedError):  # type: ignore[misc]
    """A response that is not an answer; botocore repeats the request as after a lost connection."""

    fmt = "{problem}"


class _Strict:
    """Holds every value against its shape on botocore's way through an answer.

    botocore's parsers convert what they can and pass the rest on: they take a text for a list of
    its letters, and an XML list with text in it for an empty list.
    """

    def _parse_shape(self, shape: Any, node: Any) -> Any:
        if not {"location", "eventheader"} & shape.serialization.keys():
            _check_value(shape, node)
        return super()._parse_shape(shape, node)  # type: ignore[misc]

    def _parse_body_as_json(self, content: bytes) -> Any:
        """As botocore, which takes the last of two members of a name: an empty list hides another."""
        text = content.decode()
        try:
            return json.loads(text, object_pairs_hook=single_names) if text else {}
        except json.JSONDecodeError:
            return {"message": text}


def _check_value(shape: Any, node: Any) -> None:
    kind = shape.type_name
    if kind in ("list", "map") and shape.serialization.get("flattened") and not _is_json(node):
        wrong = False  # the elements themselves, a single element or many
    elif hasattr(node, "tag"):
        text = (node.text or "").strip()
        unwrapped = kind == "structure" and _NAMESPACE.sub("", node.tag) in shape.members
        wrong = (
            bool(text) and not unwrapped
            if kind in _CONTAINERS
            else bool(len(node)) or (kind == "boolean" and text not in ("true", "false"))
        )
    elif kind == "structure" and shape.is_document_type:
        wrong = False
    else:
        wrong = not isinstance(node, _SCALARS[kind])
        wrong |= isinstance(node, bool) and kind != "boolean"
        wrong |= kind == "list" and isinstance(node, list) and None in node
    if wrong:
        raise ResponseParserError(f"a value is no {kind} ({shape.name})")


def _is_json(node: Any) -> bool:
    return not hasattr(node[0] if isinstance(node, list) and node else node, "tag")


def _blob(value: Any) -> bytes:
    text = value.encode() if isinstance(value, str) else bytes(value)
    return base64.b64decode(b"".join(text.split()), validate=True)


def _time(value: Any) -> dt.datetime:
    """As botocore, which has a general parser for all but seconds; what it parses has this form."""
    if isinstance(value, str) and _TIME.fullmatch(value):
        with suppress(ValueError):
            return dt.datetime.fromisoformat(value)
    made: dt.datetime = parse_timestamp(value)
    return made


@cache
def _parser(protocol: str) -> Any:
    made = type("Strict", (_Strict, PROTOCOL_PARSERS[protocol]), {})
    blob = None if protocol == "smithy-rpc-v2-cbor" else _blob
    return made(timestamp_parser=_time, blob_parser=blob)


class Parsers(ResponseParserFactory):  # type: ignore[misc]
    """Makes a session's parsers: of a response that `check` has parsed they return what it parsed."""

    def create_parser(self, protocol_name: str) -> Any:
        """Return a parser, as botocore's factory."""
        return _Later(super().create_parser(protocol_name))


class _Later:
    def __init__(self, parser: Any):
        self._parser = parser

    def parse(self, response: Mapping[str, Any], shape: Any) -> Any:
        seen = getattr(response["headers"], _SEEN, None)
        # botocore's handlers change a response: an error that S3 sends with the status 200.
        if seen and (response["status_code"], shape) == seen[:2] and response["body"] is seen[2]:
            return seen[3]
        return self._parser.parse(response, shape)


_SEEN = "kit_parsed"  # an attribute of a response's headers, which no other response has


def check(model: Any, response: AWSResponse, method: str = "POST") -> None:
    """Raise where AWS cannot have sent a response to an operation.

    Parameters
    ----------
    model : botocore.model.OperationModel
    response : AWSResponse
        Read to its end.
    method : str
        Of the request: answers to HEAD have no body.

    Raises
    ------
    UnreadableAnswerError
        The message names the fault, the answer's length, type and beginning.
    """
    if method == "HEAD":
        return
    try:
        problem = _problem(model, response)
    except Exception as error:  # of whatever library the answer got the better of
        problem = f"it cannot be parsed ({type(error).__name__}: {str(error)[:_SHOWN]})"
    if problem:
        raise UnreadableAnswerError(
            endpoint_url=response.url, problem=_stored_line(model, response, problem)
        )


def _problem(model: Any, response: AWSResponse) -> str:
    """Return what keeps a response from being an answer; empty for nothing."""
    if len(response.content) > ANSWER:
        return f"it has more than {ANSWER:,} bytes"
    if problem := _cut(response):
        return problem
    protocol = str(model.service_model.resolved_protocol)
    failed = response.status_code >= 300
    text = None if failed else _text_payload(model)
    given = (response.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    accepted = _JSON if text else _CONTENT[protocol]
    # S3 leaves the type out of many answers; load balancers answer 5xx in HTML, which botocore
    # knows and repeats.
    if given and given not in accepted and response.content and response.status_code < 500:
        return f"it is not of the type {' or '.join(sorted(accepted))}"
    parsed = _parsed(model, protocol, response)
    require_shallow(parsed)
    if failed:
        code = (parsed.get("Error") or {}).get("Code")
        named = isinstance(code, str) and code
        if response.status_code < 500 and (not named or code == str(response.status_code)):
            return "it is an error without a code"
        return "" if named else "it is an error without a code"
    if text:
        policy = parse_json(response.content, ANSWER, object_pairs_hook=single_names)
        if not isinstance(policy, dict) or policy.get("Statement") is None:
            return "it has no Statement, which every policy has"
    declared = _declared(model)
    roots = {c.root for c in declared} - {""}
    if problem := _other_root(model, protocol, response, roots):
        return problem
    _check_root(model, response, roots)
    missing = [m for c in declared for m in c.members if parsed.get(m) in (None, "")]
    return f"it lacks {missing[0]}" if missing else ""


def _declared(model: Any) -> list[Call]:
    return _calls_of(model.service_model.service_name, model.name)


@cache
def _calls_of(*names: str) -> list[Call]:
    return [call for call in CALLS.values() if (call.service, call.operation) == names]


def _text_payload(model: Any) -> bool:
    """Whether the whole body of an answer is a single text: a bucket's policy, which is JSON."""
    shape = model.output_shape
    payload = shape.serialization.get("payload") if shape else None
    return bool(payload) and shape.members[payload].type_name == "string"


def _cut(response: AWSResponse) -> str:
    """Whether less came than was announced. Of chunks, urllib3 misses the last by itself."""
    if response.status_code in (204, 304):
        return ""
    if "chunked" in (response.headers.get("Transfer-Encoding") or "").lower():
        return ""
    length = response.headers.get("Content-Length")
    if length is None:
        return "nothing states its length"
    if not re.fullmatch(r"\d{1,15}", length) or int(length) != len(response.content):
        return f"it is cut short: its headers state {length[:20]} bytes"
    return ""


def _parsed(model: Any, protocol: str, response: AWSResponse) -> dict[str, Any]:
    received = {
        "headers": response.headers,
        "status_code": response.status_code,
        "body": response.content,
        "context": {"operation_name": model.name},
    }
    parsed = _parser(protocol).parse(received, model.output_shape)
    if not isinstance(parsed, dict):
        raise ResponseParserError("it holds nothing")
    seen = (response.status_code, model.output_shape, response.content, parsed)
    setattr(response.headers, _SEEN, seen)
    return parsed


def _other_root(model: Any, protocol: str, response: AWSResponse, roots: Iterable[str]) -> str:
    """Whether an XML answer is a document of another kind; an empty list is absent in some."""
    if protocol in ("query", "ec2"):
        roots = {f"{model.name}Response"}
    wanted = sorted(roots)
    if not wanted:
        return ""
    body = re.sub(rb"<\?.*?\?>|<!--.*?-->", b"", response.content[:1_000], flags=re.DOTALL)
    match = re.match(rb"\s*<(?:[\w.-]+:)?([\w.-]+)[\s/>]", body)
    root = match[1].decode() if match else ""
    return "" if root in wanted else f"its root is no {' or '.join(wanted)}"


def _check_root(model: Any, response: AWSResponse, roots: Iterable[str]) -> None:
    """Hold a root that is a member itself against its shape: a bucket's region, to botocore a text.

    https://github.com/boto/botocore/blob/develop/botocore/handlers.py (parse_get_bucket_location)
    """
    shape = model.output_shape
    if shape and "payload" not in shape.serialization:
        for name in shape.members.keys() & roots:
            _check_value(shape.members[name], ElementTree.fromstring(response.content))


def _stored_line(model: Any, response: AWSResponse, problem: str) -> str:
    """Return the line that the kit stores: it quotes the response only where that holds no declared secrets."""
    body: bytes = response.content
    kind = (response.headers.get("Content-Type") or "none")[:60]
    line = (
        f"the answer is unreadable: {problem}; HTTP {response.status_code}, {len(body)} bytes, "
        f"content type {kind}"
    )
    declared = _declared(model)
    if not body:
        return printable(line)
    if any(c.secret for c in declared):
        return printable(f"{line}; its beginning is withheld, for such answers hold secrets")
    begins = mask_secrets(body[:_MASKED].decode("utf-8", "backslashreplace"))[:_SHOWN]
    return printable(f"{line}, beginning with {begins}")


def printable(text: str) -> str:
    """Return a text with everything that a terminal or a page might obey written out."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )
