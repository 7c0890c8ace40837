"""The time that the kit waits for AWS: bounds of a call, a region and a run.

botocore bounds the wait for each piece of an answer, so that a byte now and then keeps a request
alive for ever. The kit bounds the whole wait: a watchman shuts the socket of a request whose time
is over. Only the wait for AWS counts, not a pause before another attempt.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import heapq
import logging
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import count
from typing import Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from urllib3.util.ssl_ import ALPN_PROTOCOLS

from kit import log
from kit.bounds import ANSWER
from kit.parameters import Run


class GivenUpError(Exception):
    """A request is given up, or not made at all; botocore does not repeat it."""


class CallOverdueError(GivenUpError):
    """No whole answer within the time of a call."""


class ServiceSilentError(GivenUpError):
    """A service in a region was given up."""


class RegionSilentError(GivenUpError):
    """A region was given up."""


class RunOverdueError(GivenUpError):
    """The time of the run is over."""


_TIMED_OUT = (CallOverdueError, ConnectTimeoutError, ReadTimeoutError)


@dataclass
class _Wait:
    """The requests that wait in a region, and how long none had an answer."""

    requests: int = 0
    since: float = 0.0
    before: float = 0.0


class Call:
    """A call in progress: how long it may still wait, and what it sent."""

    def __init__(self, seconds: float):
        self.left = seconds
        self.sent = 0


class Limits:
    """The bounds of a run, shared between threads.

    Attributes
    ----------
    stopped : list of dict
        Who was given up: ``at`` (UTC, ISO 8601), ``code`` and ``message``.
    """

    def __init__(self, run: Run):
        self.stopped: list[dict[str, str]] = []
        self._run = run
        self._began = time.monotonic()
        self._lock = threading.RLock()
        self._waits: dict[str, _Wait] = defaultdict(_Wait)
        self._timeouts: dict[tuple[str, str], int] = defaultdict(int)
        self._closed: dict[tuple[str, ...], GivenUpError] = {}
        self._local = threading.local()
        self._watchman = _Watchman()

    def close(self) -> None:
        """End the watchman's thread."""
        self._watchman.close()

    def stop(self, code: str, message: str) -> None:
        """Record that the kit sends no more requests of some kind."""
        at = dt.datetime.now(dt.UTC).replace(microsecond=0)
        with self._lock:
            self.stopped.append({"at": at.isoformat(), "code": code, "message": message})
        log.event("gave up", logging.WARNING, error=code, message=log.masked(message))

    @contextlib.contextmanager
    def call(self, service: str, region: str) -> Iterator[Call]:
        """Make a call, all its attempts included, within its bounds.

        Raises
        ------
        GivenUpError
            Its service, its region or the run was given up before.
        """
        self._refuse(service, region)
        outer = getattr(self._local, "call", None)
        made = self._local.call = Call(self._run.call_seconds)
        timed_out = False
        try:
            yield made
        except _TIMED_OUT:
            timed_out = True
            raise
        finally:
            self._local.call = outer
            self._count(service, region, timed_out)

    @contextlib.contextmanager
    def waiting(self, service: str, region: str) -> Iterator[None]:
        """Wait for a response.

        Raises
        ------
        GivenUpError
            It did not come in time.
        """
        self._refuse(service, region)
        call = getattr(self._local, "call", None) or Call(self._run.call_seconds)
        call.sent += 1
        began = time.monotonic()
        with self._lock:
            wait = self._waits[region]
            if not wait.requests:
                wait.since = began
            wait.requests += 1
        answered = False
        try:
            with self._watchman.watch(lambda: self._left(call, began, region)):
                yield
            answered = True
        finally:
            now = time.monotonic()
            call.left -= now - began
            with self._lock:
                wait.requests -= 1
                if answered:
                    wait.since, wait.before = now, 0.0
                elif not wait.requests:
                    wait.before += now - wait.since

    def _left(self, call: Call, began: float, region: str) -> tuple[float, GivenUpError]:
        """Return the seconds that a request may still wait, and the error once they are over."""
        now = time.monotonic()
        seconds = self._run.call_seconds
        overdue = CallOverdueError(f"no whole answer within {seconds:g} seconds (call_seconds)")
        return min(
            (call.left - (now - began), overdue),
            (self._region_left(region), self._region_silent(region)),
            (self._run_left(), self._run_overdue()),
            key=lambda bound: bound[0],
        )

    def _region_left(self, region: str) -> float:
        with self._lock:
            wait = self._waits[region]
            silent = wait.before + (time.monotonic() - wait.since if wait.requests else 0.0)
        return self._run.region_seconds - silent

    def _run_left(self) -> float:
        whole = self._run.run_seconds
        return self._began + whole - time.monotonic() if whole else float("inf")

    def _region_silent(self, region: str) -> GivenUpError:
        return RegionSilentError(
            f"{region} gave no answer for {self._run.region_seconds:g} seconds (region_seconds): "
            "the kit sends it no more requests"
        )

    def _run_overdue(self) -> GivenUpError:
        return RunOverdueError(
            f"the run has taken {self._run.run_seconds:g} seconds (run_seconds): the kit "
            "sends no more requests"
        )

    def _refuse(self, service: str, region: str) -> None:
        """Raise where the service, the region or the run was given up."""
        if self._run_left() <= 0:
            self._give_up((), self._run_overdue())
        if self._region_left(region) <= 0:
            self._give_up((region,), self._region_silent(region))
        for what in ((), (region,), (service, region)):
            if problem := self._closed.get(what):
                raise type(problem)(str(problem))

    def _give_up(self, what: tuple[str, ...], problem: GivenUpError) -> None:
        """Close the run, a region, or a service in a region, once."""
        with self._lock:
            if what not in self._closed:
                self._closed[what] = problem
                at = f"{dt.datetime.now(dt.UTC):%H:%M:%S} UTC"
                self.stop(type(problem).__name__, f"{problem}, from {at} on")

    def _count(self, service: str, region: str, timed_out: bool) -> None:
        """Give a service in a region up after so many calls in a row that timed out."""
        with self._lock:
            key = (service, region)
            self._timeouts[key] = self._timeouts[key] + 1 if timed_out else 0
            if self._timeouts[key] >= self._run.max_timeouts:
                problem = ServiceSilentError(
                    f"{service} in {region} gave no answer to {self._run.max_timeouts} calls in a "
                    "row (max_timeouts): the kit sends it no more requests"
                )
                self._give_up(key, problem)


# --- the watchman -------------------------------------------------------------------------------


class _Watch:
    """One request that is waited for: its socket, and why its time is over, if it is."""

    def __init__(self, left: Callable[[], tuple[float, GivenUpError]]):
        self.left = left
        self.problem: GivenUpError | None = None
        self.over = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def hold(self, connected: socket.socket | None) -> None:
        with self._lock:
            self._socket = connected
            if self.problem:
                self._shut()

    def end(self, problem: GivenUpError) -> None:
        with self._lock:
            if not self.over:
                self.problem = problem
                self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError, ValueError):  # TLS above it stays as it is
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_waiting = threading.local()


class _Watchman:
    """A thread that ends requests whose time is over; it starts with the first of them."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, _Watch]] = []
        self._changed = threading.Condition()
        self._numbers = count()
        self._thread: threading.Thread | None = None
        self._closed = False

    @contextlib.contextmanager
    def watch(self, left: Callable[[], tuple[float, GivenUpError]]) -> Iterator[None]:
        watched = _Watch(left)
        outer = getattr(_waiting, "watch", None)
        seconds, problem = left()
        if seconds <= 0:
            raise problem
        self._add(watched, seconds)
        _waiting.watch = watched
        try:
            yield
        except Exception as error:
            if watched.problem:
                raise watched.problem from error
            raise
        finally:
            watched.over = True
            _waiting.watch = outer
        if watched.problem:
            raise watched.problem

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _add(self, watched: _Watch, seconds: float) -> None:
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="limits", daemon=True)
                self._thread.start()
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._numbers), watched))
            if self._due[0][2] is watched:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._closed:
                    return
                now = time.monotonic()
                if not self._due or self._due[0][0] > now:
                    self._changed.wait(self._due[0][0] - now if self._due else None)
                    continue
                _, _, watched = heapq.heappop(self._due)
            if watched.over:
                continue
            seconds, problem = watched.left()
            if seconds > 0:  # something came meanwhile from the region
                self._add(watched, seconds)
            else:
                watched.end(problem)


class _Watched:
    """A connection whose socket the watchman can shut."""

    sock: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self._show()

    def request(self, *args: Any, **kwargs: Any) -> Any:
        self._show()
        return super().request(*args, **kwargs)  # type: ignore[misc]

    def getresponse(self) -> Any:
        response = super().getresponse()  # type: ignore[misc]
        response.stream = partial(_begun, response, response.stream)
        return response

    def _show(self) -> None:
        watched = getattr(_waiting, "watch", None)
        if watched is not None and self.sock is not None:
            watched.hold(self.sock)


def _begun(response: Any, stream: Callable[..., Iterator[bytes]], **how: Any) -> Iterator[bytes]:
    """Yield a body no further than its bound is passed; `kit.collect.wire` refuses what is so long."""
    del response.stream  # by which the response, and all that it holds, would hold itself
    size = 0
    for piece in stream(**how):
        yield piece
        size += len(piece)
        if size > ANSWER:
            response.close()
            return


_preparing = threading.Lock()


class _HTTPConnection(_Watched, AWSHTTPConnection):  # type: ignore[misc]
    pass


class _HTTPSConnection(_Watched, AWSHTTPSConnection):  # type: ignore[misc]
    def connect(self) -> None:
        """Connect; what all connections of a context share is set once."""
        if self.ssl_context:
            _prepare(self.ssl_context)
        super().connect()


def _prepare(context: Any) -> None:
    """Let urllib3, which sets up a context for each connection, do so for the first alone.

    OpenSSL takes 17 ms to read the certificates of certifi's authorities. It frees the protocols that
    a context has when others are set, while another thread may copy them for a connection.
    https://github.com/urllib3/urllib3/blob/main/src/urllib3/util/ssl_.py (ssl_wrap_socket)
    https://github.com/openssl/openssl/blob/master/ssl/ssl_lib.c (SSL_CTX_set_alpn_protos, SSL_new)
    """
    with _preparing:
        if "set_alpn_protocols" not in vars(context):
            context.load_verify_locations = cache(context.load_verify_locations)
            context.set_alpn_protocols(ALPN_PROTOCOLS)
            context.set_alpn_protocols = lambda _: None


class _HTTPPool(AWSHTTPConnectionPool):  # type: ignore[misc]
    ConnectionCls = _HTTPConnection


class _HTTPSPool(AWSHTTPSConnectionPool):  # type: ignore[misc]
    ConnectionCls = _HTTPSConnection


def watch_connections(http_session: Any) -> None:
    """Let the watchman shut the connections that an HTTP session of botocore's makes from now on.

    botocore has no documented way to name the classes of its connections.
    """
    pools = {"http": _HTTPPool, "https": _HTTPSPool}
    http_session._pool_classes_by_scheme = pools
    http_session._manager.pool_classes_by_scheme = pools
