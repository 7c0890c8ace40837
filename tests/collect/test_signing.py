"""Signatures: the same as botocore's own, byte for byte."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from kit.collect.session import Clients
from kit.parameters import Run
from kit.sandbox.server import Sandbox
from tests.collect.policies import WHOLE

BOTOCORE = {"v4": auth.SigV4Auth, "s3v4": auth.S3SigV4Auth}
HOST = "https://bucket.s3.eu-west-1.amazonaws.com"
TRAILER = {"checksum": {"request_algorithm": {"in": "trailer", "name": "x-amz-checksum-crc32"}}}
REQUESTS: dict[str, dict[str, Any]] = {
    "a body": {"method": "POST", "url": "https://a.b/", "data": b'{"a": 1}'},
    "a form": {"method": "POST", "url": "https://a.b/", "data": {"Action": "A", "Name": "ä & b"}},
    "a text": {"method": "POST", "url": "https://a.b/", "data": "text"},
    "a file": {"method": "PUT", "url": f"{HOST}/a", "data": io.BytesIO(b"a" * 3_000_000)},
    "no body": {"method": "GET", "url": f"{HOST}/", "data": b""},
    "no data": {"method": "GET", "url": f"{HOST}/?versioning"},
    "a query": {"method": "GET", "url": f"{HOST}/a%20b/../c?b=2&a=1&a=0&tagging"},
    "parameters": {"method": "GET", "url": f"{HOST}/", "params": {"b": "ä", "a": "x y"}},
    "a port": {"method": "GET", "url": "http://User:no@LOCALHOST:5000/"},
    "the usual port": {"method": "GET", "url": "https://localhost:443/"},
    "IPv6": {"method": "GET", "url": "http://[::1]:5000/"},
    "spaces in a header": {"url": "https://a.b/", "headers": {"X-Amz-Meta-A": "  a   b\t c "}},
    "a host": {"url": "https://a.b/", "headers": {"Host": "c.d", "User-Agent": "unsigned"}},
    "a date": {"url": "https://a.b/", "headers": {"Date": "never", "X-Amz-Date": "never"}},
    "an old signature": {"url": "https://a.b/", "headers": {"Authorization": "AWS4-HMAC-SHA256"}},
    "an unsigned body": {
        "url": f"{HOST}/",
        "data": b"a",
        "context": {"payload_signing_enabled": 0},
    },
    "a trailer": {"method": "PUT", "url": f"{HOST}/a", "data": b"a", "context": TRAILER},
    "a streamed body": {
        **{"method": "PUT", "url": f"{HOST}/a", "data": b"a", "headers": {"Content-MD5": "x"}},
        "context": {"has_streaming_input": True},
    },
}


@pytest.fixture(autouse=True)
def one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC)
    monkeypatch.setattr(auth, "get_current_datetime", lambda: now)


def test_botocore_has_the_classes() -> None:
    assert {version: auth.AUTH_TYPE_MAPS[version].__mro__[2] for version in BOTOCORE} == BOTOCORE


@pytest.mark.parametrize("token", ["example-token", None])
@pytest.mark.parametrize("version", BOTOCORE)
@pytest.mark.parametrize("given", REQUESTS.values(), ids=REQUESTS)
def test_a_request_gets_botocores_signature(
    given: dict[str, Any], version: str, token: str | None
) -> None:
    signed = []
    for kind in (BOTOCORE[version], auth.AUTH_TYPE_MAPS[version]):
        fields = {"method": "GET", **given}
        context = fields.pop("context", {})
        request = AWSRequest(**fields)
        request.context.update(context)
        signer = kind(Credentials("AKIDEXAMPLE", "example", token), "s3", "eu-west-1")
        signer.add_auth(request)
        first = request.headers.items()
        request.headers["X-Amz-Meta-Later"] = "of a second attempt"
        signer.add_auth(request)
        signed.append((first, request.headers.items()))
    assert signed[0] == signed[1]
    assert "Signature=" in dict(signed[0][0])["Authorization"]


def test_requests_of_each_protocol_get_botocores_signature(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in sandbox.environment("demo").items():
        monkeypatch.setenv(name, value)
    clients = Clients(Run(account=sandbox.accounts["demo"]), WHOLE)
    methods: dict[tuple[str, str], dict[str, Any]] = {
        ("appstream", "describe_stacks"): {},
        ("s3", "get_bucket_versioning"): {"Bucket": "beispielwerke-packages"},
        ("s3control", "get_public_access_block"): {"AccountId": sandbox.accounts["demo"]},
        ("iam", "get_account_summary"): {},
        ("ec2", "describe_regions"): {},
        ("guardduty", "list_detectors"): {},
    }
    for (service, method), parameters in methods.items():
        client = clients.client(service, "eu-central-1")
        sent: list[str] = []
        client.meta.events.register_first(
            "before-send",
            lambda request, sent=sent, **_: sent.append(request.headers["Authorization"]),
        )
        getattr(client, method)(**parameters)
        with monkeypatch.context() as patch:
            patch.setattr(auth, "AUTH_TYPE_MAPS", auth.AUTH_TYPE_MAPS | BOTOCORE)
            getattr(client, method)(**parameters)
        assert sent[0] == sent[1], service
    clients.close()
