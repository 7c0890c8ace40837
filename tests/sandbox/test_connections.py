"""Connections to the sandbox: open for further requests, until an answer or the sandbox ends them."""

from __future__ import annotations

import http.client
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from kit import sandbox as local
from kit.sandbox import Fault
from kit.sandbox.connections import Server
from kit.sandbox.server import Sandbox
from tests.sandbox.calling import client

SECONDS = 20


@contextmanager
def serving(application: Callable[..., Any]) -> Iterator[http.client.HTTPConnection]:
    server = Server(0, application)
    thread = threading.Thread(target=server.serve_forever, args=(SECONDS,))
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=SECONDS)
    try:
        yield connection
    finally:
        server.shutdown()
        thread.join()


def ended(connection: http.client.HTTPConnection) -> bool:
    """Whether the other side has ended the connection; waits where it has not."""
    held: socket.socket = connection.sock
    held.settimeout(SECONDS)
    return held.recv(1) == b""


def fetch(
    connection: http.client.HTTPConnection, method: str = "GET", path: str = "/"
) -> tuple[int, bytes]:
    connection.request(method, path)
    response = connection.getresponse()
    return response.status, response.read()


def test_a_client_sends_its_requests_over_one_connection(
    faulty: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    process_request = Server.process_request

    def noted(self: Server, request: Any, client_address: Any) -> None:
        opened.append(client_address)
        process_request(self, request, client_address)

    monkeypatch.setattr(Server, "process_request", noted)
    made = client(faulty, "demo", "s3", "eu-central-1", user_agent_extra="one-connection")
    assert len(made.list_buckets()["Buckets"]) == 7
    bucket = "beispielwerke-packages"
    made.head_bucket(Bucket=bucket)
    made.put_object(Bucket=bucket, Key="a", Body=b"a" * 70_000)
    assert made.get_object(Bucket=bucket, Key="a")["Body"].read() == b"a" * 70_000
    made.delete_object(Bucket=bucket, Key="a")  # answered by 204
    with pytest.raises(made.exceptions.ClientError, match="404"):
        made.head_object(Bucket=bucket, Key="a")
    faulty.faults.add(Fault("s3", "ListBuckets", "deny"))
    with pytest.raises(made.exceptions.ClientError, match="AccessDenied"):
        made.list_buckets()
    assert made.get_bucket_location(Bucket=bucket)["LocationConstraint"] == "eu-central-1"
    assert len(opened) == 1


@pytest.mark.parametrize(
    ("announced", "error"),
    [(10, http.client.IncompleteRead), (None, http.client.RemoteDisconnected)],
)
def test_an_answer_that_lacks_something_ends_the_connection(
    announced: int | None, error: type[Exception]
) -> None:
    def application(environ: Any, start_response: Any) -> Iterator[bytes]:
        if announced:
            start_response("200 OK", [("Content-Length", str(announced))])
        return iter([b"half"] if announced else [])

    with serving(application) as connection, pytest.raises(error):
        fetch(connection)


def test_the_end_of_the_sandbox_ends_the_connections() -> None:
    with local.start(["empty"]) as sandbox:
        connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=SECONDS)
        assert fetch(connection, path="/_sandbox/health")[0] == 200
        assert fetch(connection, path="/_sandbox/health")[0] == 200
        waiting = connection.sock
    assert connection.sock is waiting
    assert ended(connection)


def test_an_answer_of_no_stated_length_gets_it() -> None:
    def application(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        return iter((b"one ", b"two"))

    with serving(application) as connection:
        for _ in range(2):
            connection.request("GET", "/")
            response = connection.getresponse()
            assert response.headers["Content-Length"] == "7"
            assert response.headers["Connection"] is None
            assert response.read() == b"one two"
        assert fetch(connection, "HEAD") == (200, b"")
        assert fetch(connection) == (200, b"one two")


def test_a_client_that_waits_with_its_body_may_send_it() -> None:
    def application(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [environ["wsgi.input"].read(4)]

    with serving(application) as connection:
        connection.connect()
        head = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
        connection.sock.sendall(head)
        assert connection.sock.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sock.sendall(b"body")
        assert connection.sock.recv(1_000).endswith(b"\r\n\r\nbody")


def test_an_error_is_answered_and_ends_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    def application(environ: Any, start_response: Any) -> Iterator[bytes]:
        raise ZeroDivisionError

    caplog.set_level(logging.ERROR)
    with serving(application) as connection:
        connection.request("GET", "/there")
        response = connection.getresponse()
        assert response.status == 500
        assert response.headers["Connection"] == "close"
    assert "GET /there could not be answered" in caplog.text
