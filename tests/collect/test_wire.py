"""What counts as an answer: real botocore over HTTP, and what would pass for an answer but is none."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.parsers import ResponseParser
from botocore.utils import parse_timestamp

from kit import calls, evaluate, tabulate
from kit.aws_models import models
from kit.collect import limits, wire
from kit.collect.collector import collect
from kit.collect.session import Clients
from kit.collect.wire import Parsers, UnreadableAnswerError, check, printable
from kit.judge import needed_calls
from kit.parameters import Run
from kit.sandbox import Fault
from kit.sandbox.server import Sandbox
from kit.snapshot import Snapshot
from tests.collect.conftest import claims, collect_some, of_some, requests_of, verdicts
from tests.collect.policies import WHOLE
from tests.matrix import do_not_wait

PORTAL = "<html><body>Please log in: <a href='http://portal.example/'>here</a></body></html>"
DEEP = "[" * 10_000 + "]" * 10_000
NO_ANSWERS: dict[str, dict[str, Any]] = {
    "nothing": {"body": ""},
    "a portal's page": {"body": PORTAL, "content_type": "text/html"},
    "a portal's page without a type": {"body": PORTAL, "content_type": ""},
    "null": {"body": "null"},
    "a list": {"body": "[]"},
    "a text": {"body": '"Stacks"'},
    "another root": {"body": "<Other/>"},
    "nested 10,000 deep": {"body": DEEP},
    "nested 10,000 deep in XML": {"body": "<a>" * 10_000 + "</a>" * 10_000},
    "an empty object": {"body": "{}"},
    "301": {"body": "", "status": 301},
    "302 to a portal": {"body": PORTAL, "status": 302, "content_type": "text/html"},
    "404 without a body": {"body": "", "status": 404},
    "403 of a proxy": {"body": PORTAL, "status": 403, "content_type": "text/html"},
}
KINDS = [
    ("appstream", "DescribeStacks"),
    ("iam", "GetAccountSummary"),
    ("ec2", "DescribeVpcEndpoints"),
    ("macie2", "GetMacieSession"),
    ("s3", "GetBucketVersioning"),
    ("s3", "GetBucketPolicy"),
    ("s3", "ListBuckets"),
]


def gather(run: Run, *chosen: str) -> Snapshot:
    return collect(run, needed_calls(chosen), progress=False)


def collect_only(run: Run, *operations: str) -> Snapshot:
    """Make the calls of some operations, and those that they depend on."""
    wanted = [call for call in calls.CALLS.values() if call.operation in operations]
    return collect(run, wanted, progress=False)


@pytest.mark.parametrize("kind", ["cut", "drop"])
def test_what_is_cut_now_and_then_is_requested_again(
    demo: Run, sandbox: Sandbox, faultless: Snapshot, monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "8")
    do_not_wait(monkeypatch)
    sandbox.faults.add(Fault("*", "*", kind, share=0.1))
    snapshot = collect_some(demo)
    assert any(request.attempts > 1 for request in snapshot.requests)
    assert verdicts(snapshot) == of_some(faultless)


def test_what_is_always_cut_is_an_error_of_that_call(
    demo: Run, sandbox: Sandbox, faultless: Snapshot
) -> None:
    sandbox.faults.add(Fault("appstream", "DescribeFleets", "cut"))
    snapshot = collect_some(demo)
    for request in requests_of(snapshot, "DescribeFleets"):
        assert request.error
        assert request.error["code"] == "UnreadableAnswerError"
        assert "cut short: its headers state" in request.error["message"]
        assert "content type application/x-amz-json-1.1" in request.error["message"]
        assert request.attempts == 2
        assert request.response is None
    judged = [f for f in evaluate(tabulate(snapshot)).leaves if f.control == "AR-03"]
    assert {(f.status, f.reason, f.code) for f in judged} == {
        ("not evidenced", "unreadable answer", "UnreadableAnswerError")
    }
    assert claims(snapshot) <= claims(faultless)


@pytest.mark.parametrize("answer", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_what_is_no_answer_is_an_error_of_that_call(
    demo: Run, sandbox: Sandbox, answer: dict[str, Any]
) -> None:
    for service, operation in KINDS:
        sandbox.faults.add(Fault(service, operation, "answer", **answer))
    run = demo.model_copy(update={"regions": ["eu-west-1"]})
    snapshot = collect_only(run, *(operation for _, operation in KINDS))
    for _, operation in KINDS:
        requested = requests_of(snapshot, operation)
        assert requested, operation
        for request in requested:
            assert request.error, operation
            assert request.error["code"] == "UnreadableAnswerError"
            assert f"{len(answer['body'])} bytes" in request.error["message"]
            assert request.attempts == 2


def test_a_portal_in_mid_run_ends_no_run(demo: Run, sandbox: Sandbox, faultless: Snapshot) -> None:
    sandbox.faults.add(
        Fault("*", "*", "answer", after=20, body=PORTAL, content_type="text/html;charset=utf-8")
    )
    snapshot = collect_some(demo)
    codes = Counter(r.error["code"] for r in snapshot.requests if r.error and not r.absent)
    assert codes["UnreadableAnswerError"] > 20
    assert claims(snapshot) <= claims(faultless)


def test_a_portal_from_the_first_request_on_is_reported_in_a_line(
    demo: Run, sandbox: Sandbox
) -> None:
    from kit.errors import CannotRunError

    sandbox.faults.add(Fault("*", "*", "answer", body=PORTAL, content_type="text/html"))
    with pytest.raises(CannotRunError, match=r"AWS could not be reached .*UnreadableAnswer") as it:
        gather(demo)
    assert "\n" not in str(it.value)


def test_values_of_other_types_are_no_answer(
    demo: Run, sandbox: Sandbox, faultless: Snapshot
) -> None:
    sandbox.faults.add(Fault("*", "*", "wrong-types", after=2))
    snapshot = gather(demo)
    # What answers with no value at all has none of another type.
    bare = {"GetBucketLogging", "GetBucketVersioning", "GetCallerIdentity", "ListRegions"}
    for request in snapshot.requests:
        if request.operation not in bare and request.status == 200:
            assert request.error, request.operation
    assert claims(snapshot) <= claims(faultless)


@pytest.mark.parametrize(
    ("service", "operation", "body"),
    [
        ("appstream", "DescribeStacks", '{"Stacks": [{"Name": "a", "CreatedTime": "never"}]}'),
        ("appstream", "DescribeStacks", '{"Stacks": [{"Name": "a", "CreatedTime": 1e300}]}'),
        ("appstream", "DescribeStacks", '{"Stacks": [null]}'),
        ("appstream", "DescribeStacks", '{"Stacks": null}'),
        ("appstream", "DescribeStacks", '{"Stacks": "none"}'),
        ("appstream", "DescribeStacks", '{"Stacks": {}}'),
        ("appstream", "DescribeStacks", '{"Stacks": [{"Name": 5}]}'),
        ("appstream", "DescribeStacks", '{"Stacks": [{"Name": "a", "UserSettings": 1}]}'),
        (
            "iam",
            "GetCredentialReport",
            "<GetCredentialReportResponse><GetCredentialReportResult><Content>?!?!</Content>"
            "<GeneratedTime>2026-11-24T09:00:00Z</GeneratedTime></GetCredentialReportResult>"
            "</GetCredentialReportResponse>",
        ),
        (
            "iam",
            "GetCredentialReport",
            "<GetCredentialReportResponse><GetCredentialReportResult><Content>dXNlcg==</Content>"
            "<GeneratedTime>yesterday</GeneratedTime></GetCredentialReportResult>"
            "</GetCredentialReportResponse>",
        ),
        ("s3", "ListBuckets", "<ListAllMyBucketsResult/>"),
        (
            "s3",
            "ListBuckets",
            "<ListAllMyBucketsResult><Buckets>none</Buckets></ListAllMyBucketsResult>",
        ),
        ("s3", "GetBucketPolicyStatus", "<PolicyStatus><IsPublic>maybe</IsPublic></PolicyStatus>"),
    ],
)
def test_values_that_cannot_be_read_are_no_answer(
    demo: Run, sandbox: Sandbox, service: str, operation: str, body: str
) -> None:
    sandbox.faults.add(Fault(service, operation, "answer", body=body))
    requested = requests_of(collect_only(demo, operation), operation)
    assert requested
    assert {(r.error or {}).get("code") for r in requested} == {"UnreadableAnswerError"}


@pytest.mark.parametrize("body", ["{}", '{"NextToken": null}'])
def test_only_an_answer_that_holds_the_list_says_that_it_is_empty(
    demo: Run, sandbox: Sandbox, faultless: Snapshot, body: str
) -> None:
    region = "eu-west-1"
    for call in calls.CALLS.values():
        if call.probe:
            sandbox.faults.add(
                Fault("appstream", call.operation, "answer", body=body, region=region)
            )
    snapshot = collect_some(demo)
    assert region not in snapshot.regions_unused
    assert claims(snapshot) <= claims(faultless)


def test_a_region_with_empty_lists_is_unused(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in sandbox.environment("empty").items():
        monkeypatch.setenv(name, value)
    run = Run(account=sandbox.accounts["empty"], regions=["eu-west-1"], outputs=str(tmp_path))
    assert gather(run).regions_unused == {"eu-west-1"}


# --- one answer alone ---------------------------------------------------------------------------


class _Raw:
    def __init__(self, body: bytes):
        self._body = body

    def stream(self) -> Iterator[bytes]:
        yield self._body


def answer(
    service: str, operation: str, body: bytes | str, status: int = 200, **headers: str | None
) -> None:
    content = body.encode() if isinstance(body, str) else body
    known: dict[str, str | None] = {"Content-Length": str(len(content))}
    known |= {name.replace("_", "-"): value for name, value in headers.items()}
    response = AWSResponse(
        "https://aws", status, {k: v for k, v in known.items() if v is not None}, _Raw(content)
    )
    check(models().get_service_model(service).operation_model(operation), response)


NEIGHBOURS = [
    ("appstream", "DescribeStacks", '{"Stacks": []}', {}),
    ("appstream", "DescribeStacks", '{"Stacks": [], "Unknown": 5}', {}),
    ("appstream", "DescribeStacks", '{"Stacks": [{"Name": "a", "CreatedTime": 1.5e9}]}', {}),
    ("appstream", "DescribeStacks", '{"Stacks": [{"Name": "a", "Description": null}]}', {}),
    ("macie2", "GetMacieSession", '{"status": "ENABLED"}', {"Content_Type": "application/json"}),
    # As recorded: S3 names no type for what was never set.
    ("s3", "GetBucketVersioning", '<VersioningConfiguration xmlns="http://s3"/>', {}),
    (
        "s3",
        "GetBucketVersioning",
        '<?xml version="1.0"?>\n<!-- -->\n<VersioningConfiguration/>',
        {},
    ),
    ("s3", "GetBucketVersioning", "<s3:VersioningConfiguration xmlns:s3='http://s3'/>", {}),
    ("s3", "GetBucketLifecycleConfiguration", "<LifecycleConfiguration/>", {}),  # flattened
    (
        "s3",
        "GetBucketLifecycleConfiguration",
        "<LifecycleConfiguration><Rule><Status>Enabled</Status></Rule></LifecycleConfiguration>",
        {},
    ),
    ("s3", "GetBucketLocation", "<LocationConstraint/>", {}),
    ("s3", "GetBucketLocation", "<LocationConstraint>eu-west-1</LocationConstraint>", {}),
    ("s3", "GetBucketPolicy", '{"Statement": []}', {"Content_Type": "application/json"}),
    ("s3", "ListBuckets", "<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>", {}),
    (
        "ec2",
        "DescribeVpcEndpoints",
        "<DescribeVpcEndpointsResponse><vpcEndpointSet/></DescribeVpcEndpointsResponse>",
        {"Content_Type": "text/xml;charset=UTF-8", "Content_Length": None}
        | {"Transfer_Encoding": "chunked"},
    ),
]


@pytest.mark.parametrize(("service", "operation", "body", "headers"), NEIGHBOURS)
def test_what_aws_sends_is_an_answer(
    service: str, operation: str, body: str, headers: dict[str, str]
) -> None:
    answer(service, operation, body, **headers)


@pytest.mark.parametrize(
    ("service", "operation", "body", "headers", "why"),
    [
        ("appstream", "DescribeStacks", '{"Stacks": []}', {"Content_Length": "15"}, "cut short"),
        ("appstream", "DescribeStacks", '{"Stacks": []}', {"Content_Length": "13"}, "cut short"),
        ("appstream", "DescribeStacks", '{"Stacks": []}', {"Content_Length": "x"}, "cut short"),
        ("appstream", "DescribeStacks", '{"Stacks": []}', {"Content_Length": None}, "its length"),
        ("appstream", "DescribeStacks", '{"Stacks": []}', {"Content_Type": "text/html"}, "type"),
        ("appstream", "DescribeStacks", '{"Stacks": [{"Name": "a"}], "Stacks": []}', {}, "twice"),
        ("appstream", "DescribeStacks", '{"Stacks": [{"Name": "a", "Name": "b"}]}', {}, "twice"),
        ("appstream", "DescribeStacks", '{"Stacks": [], "NextToken": 5}', {}, "no string"),
        ("appstream", "DescribeStacks", '{"Stacks": [{"CreatedTime": NaN}]}', {}, "parsed"),
        ("appstream", "DescribeStacks", '{"Stacks": [{"CreatedTime": 1764460800000}]}', {}, "year"),
        ("appstream", "DescribeStacks", f'{{"Stacks": [], "x": {"9" * 5000}}}', {}, "parsed"),
        ("appstream", "DescribeStacks", '{"Stacks": []}'.encode("utf-16"), {}, "parsed"),
        ("appstream", "DescribeStacks", b"\xef\xbb\xbf" + b'{"Stacks": []}', {}, "lacks Stacks"),
        ("appstream", "DescribeStacks", '{"Stacks": []}', {"Content_Length": "-14"}, "cut short"),
        ("appstream", "DescribeStacks", gzip.compress(b'{"Stacks": []}', mtime=0), {}, "parsed"),
        (
            "s3",
            "GetBucketVersioning",
            "<!DOCTYPE a [<!ENTITY b 'Enabled'>]><VersioningConfiguration><Status>&b;</Status>"
            "</VersioningConfiguration>",
            {},
            "root",
        ),
        (
            "s3",
            "GetBucketVersioning",
            "<VersioningConfiguration><Status>Suspended</Status><Status>Enabled</Status>"
            "</VersioningConfiguration>",
            {},
            "no string",
        ),
        (
            "s3",
            "GetPublicAccessBlock",
            "<PublicAccessBlockConfiguration><BlockPublicAcls>yes</BlockPublicAcls>"
            "</PublicAccessBlockConfiguration>",
            {},
            "no boolean",
        ),
        (
            "s3",
            "GetBucketPolicy",
            '{"Statement": [], "Statement": [{}]}',
            {"Content_Type": "application/json"},
            "twice",
        ),
        # An empty text means us-east-1.
        (
            "s3",
            "GetBucketLocation",
            "<LocationConstraint><wrong/></LocationConstraint>",
            {},
            "no string",
        ),
        (
            "s3",
            "GetBucketLocation",
            "<LocationConstraint><LocationConstraint>eu-west-1</LocationConstraint>"
            "</LocationConstraint>",
            {},
            "no string",
        ),
        ("s3", "GetBucketVersioning", "<Error><Code>InternalError</Code></Error>", {}, "root"),
        ("s3", "GetBucketVersioning", "<VersioningConfiguration", {}, "parsed"),
        (
            "s3",
            "GetBucketVersioning",
            "<VersioningConfiguration>x</VersioningConfiguration>",
            {},
            "parsed",
        ),
        ("s3", "GetBucketPolicy", "", {"Content_Type": "application/json"}, "parsed"),
        ("s3", "GetBucketPolicy", "{", {"Content_Type": "application/json"}, "parsed"),
        (
            "s3",
            "GetBucketPolicy",
            f'{{"Statement": {"[" * 200 + "]" * 200}}}',
            {"Content_Type": "application/json"},
            "parsed .*deep",
        ),
        *(
            ("s3", "GetBucketPolicy", body, {"Content_Type": "application/json"}, "no Statement")
            for body in ("{}", "[]", '{"message": "Forbidden"}', '{"Statement": null}')
        ),
        ("s3", "ListBuckets", "<ListAllMyBucketsResult/>", {}, "lacks Buckets"),
        ("macie2", "GetMacieSession", "{}", {}, "lacks status"),
    ],
)
def test_what_comes_close_is_no_answer(
    service: str, operation: str, body: bytes | str, headers: dict[str, str], why: str
) -> None:
    with pytest.raises(UnreadableAnswerError, match=why):
        answer(service, operation, body, **headers)


@pytest.mark.parametrize(
    ("service", "operation", "body", "status"),
    [
        ("appstream", "DescribeStacks", '{"__type": "AccessDeniedException"}', 400),
        ("s3", "GetBucketPolicy", "<Error><Code>NoSuchBucketPolicy</Code></Error>", 404),
        ("s3", "GetBucketPolicy", "<Error><Code>PermanentRedirect</Code></Error>", 301),
        ("appstream", "DescribeStacks", "<html>busy</html>", 503),  # as load balancers have it
        ("s3", "GetBucketPolicy", "", 503),
    ],
)
def test_errors_of_aws_are_let_through(
    service: str, operation: str, body: str, status: int
) -> None:
    answer(service, operation, body, status)


def test_what_is_quoted_holds_no_secret_and_obeys_nobody() -> None:
    key = "AKIA" + "Q3EGRZUAJPLM7T5X"
    with pytest.raises(UnreadableAnswerError) as error:
        answer("appstream", "DescribeStacks", f"{key}\x1b[2J\u202e\nsecond line")
    reported = str(error.value)
    assert key not in reported
    assert "⟦secret" in reported
    assert "\\x1b[2J\\u202e\\nsecond line" in reported
    with pytest.raises(UnreadableAnswerError) as error:
        answer("appstream", "DescribeDirectoryConfigs", '{"AccountPassword": "hunter2"')
    assert "hunter2" not in str(error.value)
    assert "withheld" in str(error.value)
    assert printable("a\x9bb") == "a\\x9bb"


# --- chunks, over a socket ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "whole"), [(b"0\r\n\r\n", True), (b"", False), (b"5\r\nab", False)]
)
def test_the_last_chunk_has_to_come(
    monkeypatch: pytest.MonkeyPatch, ending: bytes, whole: bool
) -> None:
    body = b'{"Stacks": []}'
    raw = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\n"
    raw += b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    raw += b"%x\r\n%s\r\n" % (len(body), body) + ending
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                connection.sendall(raw)

    threading.Thread(target=serve, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    client = Clients(Run(account="111111111111"), WHOLE).client("appstream", "eu-west-1")
    try:
        if whole:
            assert client.describe_stacks()["Stacks"] == []
        else:
            with pytest.raises(Exception, match="Connection was closed"):
                client.describe_stacks()
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.mark.parametrize("announced", [True, False])
def test_an_answer_without_end_is_not_read_to_the_end(
    monkeypatch: pytest.MonkeyPatch, announced: bool
) -> None:
    for module in (limits, wire):
        monkeypatch.setattr(module, "ANSWER", 100_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\n"
    head += b"Content-Length: 99999999999\r\n\r\n" if announced else b"\r\n"
    listener = socket.create_server(("127.0.0.1", 0))
    sent = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65_536)
            connection.sendall(head)
            while True:
                sent.append(connection.send(b" " * 65_536))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    client = Clients(Run(account="111111111111"), WHOLE).client("appstream", "eu-west-1")
    with pytest.raises(UnreadableAnswerError, match="it has more than 100,000 bytes"):
        client.describe_stacks()
    thread.join(20)
    assert not thread.is_alive(), "the connection is closed"
    listener.close()


def test_botocore_takes_over_what_is_parsed_already(
    demo: Run, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = Counter[Any]()
    parse = ResponseParser.parse

    def counted(self: ResponseParser, response: Any, shape: Any) -> Any:
        parsed[type(self).__name__, shape.name] += 1
        return parse(self, response, shape)

    monkeypatch.setattr(ResponseParser, "parse", counted)
    clients = Clients(demo, WHOLE)
    methods = {
        "appstream": "describe_stacks",
        "s3": "list_buckets",
        "iam": "get_account_summary",
        "ec2": "describe_vpc_endpoints",
        "guardduty": "list_detectors",
    }
    for service, method in methods.items():
        answered = getattr(clients.client(service, "eu-west-1"), method)()
        assert answered["ResponseMetadata"]["HTTPStatusCode"] == 200
    clients.close()
    assert [kind for kind, _ in parsed] == ["Strict"] * 5
    assert set(parsed.values()) == {1}


def test_what_botocore_makes_of_a_response_is_parsed_by_botocore() -> None:
    model = models().get_service_model("s3").operation_model("GetBucketEncryption")
    body = b"<Error><Code>InternalError</Code><Message>Try again.</Message></Error>"
    head = {"Content-Length": str(len(body)), "Content-Type": "application/xml"}
    response = AWSResponse("http://127.0.0.1/", 200, head, None)
    response._content = body
    with contextlib.suppress(UnreadableAnswerError):  # an error with the status 200
        check(model, response)
    received = {"headers": response.headers, "status_code": 500, "body": body, "context": {}}
    made = Parsers().create_parser("rest-xml").parse(received, model.output_shape)
    assert made["Error"] == {"Code": "InternalError", "Message": "Try again."}


@pytest.mark.parametrize(
    "text",
    [
        *("2026-11-30T08:00:00Z", "2026-11-30T08:00:00.5Z", "2026-11-30T08:00:00.123456Z"),
        *("2026-11-30T08:00:00.1234567Z", "2026-11-30T08:00:00+01:00", "2026-02-28T24:00:00Z"),
        *("2026-02-30T08:00:00Z", "2026-11-30T08:00:60Z", "0001-01-01T00:00:00Z"),
        *("Mon, 30 Nov 2026 08:00:00 GMT", "1796025600", "2026-11-30", "", "Z", 1796025600.25),
    ],
)
def test_a_time_is_what_botocore_reads(text: Any) -> None:
    try:
        expected = parse_timestamp(text)
    except ValueError:
        with pytest.raises(ValueError, match="Invalid timestamp"):
            wire._time(text)
    else:
        assert wire._time(text) == expected
        assert wire._time(text).utcoffset() == expected.utcoffset()


def test_every_call_declares_what_aws_always_sends() -> None:
    for call in calls.CALLS.values():
        model = models().get_service_model(call.service)
        shape = model.operation_model(call.operation).output_shape
        assert set(call.members) <= set(shape.members), call.name
        assert call.members or call.root, call.name
        assert bool(call.root) <= (model.resolved_protocol == "rest-xml")
        if model.resolved_protocol == "rest-xml" and call.operation != "GetBucketPolicy":
            assert call.root, call.name
