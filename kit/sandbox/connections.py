"""Connections to the sandbox, which stay open for further requests, as AWS's do."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.exceptions import ClientDisconnected, InternalServerError
from werkzeug.serving import ThreadedWSGIServer

LOG = logging.getLogger(__name__)
_WITHOUT_BODY = (204, 304)


class Server(ThreadedWSGIServer):
    """Serves a WSGI application on loopback, in a thread for each connection."""

    def __init__(self, port: int, application: Callable[..., Iterable[bytes]]):
        self._open: set[socket.socket] = set()
        self._changing = threading.Lock()
        super().__init__("127.0.0.1", port, application, Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin to serve a connection."""
        with self._changing:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """End a connection."""
        with self._changing:
            self._open.discard(request)
        super().shutdown_request(request)

    def shutdown(self) -> None:
        """Accept no more connections: on Linux at once, where the server looks every half second."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        super().shutdown()

    def server_close(self) -> None:
        """Free the port, and end the connections that wait for a request."""
        super().server_close()
        with self._changing:
            for connection in self._open:
                with contextlib.suppress(OSError):  # the client has ended it
                    connection.shutdown(socket.SHUT_RDWR)


class Handler(MotoRequestHandler):
    """Answers the requests of a connection until client or answer ends it.

    werkzeug's own handler ends each connection after an answer.
    """

    disable_nagle_algorithm = True
    wbufsize = -1  # an answer's head goes out with its body

    def handle_expect_100(self) -> bool:
        """Let the client send a body for which it waits: boto3 waits a second."""
        answered = super().handle_expect_100()
        self.wfile.flush()
        return answered

    def run_wsgi(self) -> None:
        """Answer a request."""
        self.environ = self.make_environ()
        try:
            started, body = self._called(self.server.app)
        except (ConnectionError, ClientDisconnected):  # nobody waits for an answer
            self.close_connection = True
            return
        except Exception:
            LOG.exception("%s %s could not be answered", self.command, self.path)
            self.close_connection = True
            started, body = self._called(InternalServerError())
        try:
            if started:
                self._send(started[0], started[1], body)
            else:  # the application ended the connection
                self.close_connection = True
        finally:
            getattr(body, "close", lambda: None)()

    def _called(self, application: Any) -> tuple[list[Any], Iterable[bytes]]:
        started: list[Any] = []
        body = application(self.environ, lambda *head: started.extend(head))
        return started, body

    def _send(self, status: str, headers: Iterable[tuple[str, str]], body: Iterable[bytes]) -> None:
        number = int(status[:3])
        bare = self.command == "HEAD" or number in _WITHOUT_BODY
        announced = next((int(v) for name, v in headers if name.lower() == "content-length"), None)
        if announced is None and not bare:
            whole = b"".join(body)
            body, announced = [whole], len(whole)
            headers = [*headers, ("Content-Length", str(announced))]
        self.send_response(number, status[4:])
        for name, value in headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        sent = 0
        for piece in () if bare else body:
            self.wfile.write(piece)
            self.wfile.flush()
            sent += len(piece)
        # The client waits for what is missing, and would take the next answer for it.
        self.close_connection |= not bare and sent != announced

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing: `Sandbox.requests` is the log."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Write nothing."""
