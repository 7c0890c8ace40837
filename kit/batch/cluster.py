"""The Dask cluster that a batch runs on: this machine, or one that is there already."""

from __future__ import annotations

import ipaddress
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from distributed import Client, LocalCluster

from kit.errors import CannotRunError, UserError

_ENCRYPTED = ("tls", "wss")
_CONNECT_SECONDS = "30s"


@contextmanager
def connect(scheduler: str = "", *, insecure: bool = False, workers: int = 0) -> Iterator[Client]:
    """Yield a client of a cluster.

    Parameters
    ----------
    scheduler : str
        Address of a scheduler, ``tls://host:8786``, with the certificates that Dask's own
        configuration names; empty for a cluster of this machine's cores.
    insecure : bool
        Whether an address beyond this machine may be spoken to in clear.
    workers : int
        How many processes on this machine; 0 for one a core.

    Raises
    ------
    UserError
        The address is in clear and beyond this machine, or no certificates are configured.
    CannotRunError
        Nobody answers there.
    """
    if not scheduler:
        with _local(workers) as cluster, Client(cluster) as client:
            yield client
        return
    _check(scheduler, insecure)
    try:
        client = Client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CannotRunError(f"--scheduler: {scheduler} does not answer ({error})") from None
    except TypeError:
        raise UserError(
            f"--scheduler: {scheduler} wants certificates; name them in Dask's configuration, "
            "distributed.comm.tls (ca-file, client.cert, client.key)"
        ) from None
    with client:
        yield client


def _local(workers: int) -> LocalCluster:
    """A cluster that only this process can talk to: others on the machine lack its certificate."""
    return LocalCluster(
        n_workers=workers or len(os.sched_getaffinity(0)),
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        security=True,
        silence_logs=logging.CRITICAL,
    )


def _check(scheduler: str, insecure: bool) -> None:
    address = urlsplit(scheduler)
    try:
        host, port = address.hostname, address.port
    except ValueError:
        host = port = None
    if not (address.scheme and host and port):
        raise UserError(f"--scheduler: {scheduler!r} is no address; write tls://host:8786")
    if address.scheme not in _ENCRYPTED and not insecure and not _is_this_machine(host):
        raise UserError(
            f"--scheduler: {scheduler} is neither encrypted nor this machine; use tls://, or say "
            "--insecure where the network is yours alone"
        )


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
