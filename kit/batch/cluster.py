"""The Dask cluster that a batch runs on: this machine, or one that is there already."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import dask
from dask.system import CPU_COUNT
from distributed import Client, LocalCluster

from kit.errors import CannotRunError, UserError

_ENCRYPTED = ("tls", "wss")
_KIT = "appstream-evidence-kit"
# What Dask records of its own processes for its dashboard, which nobody sees here: it grows for
# hours and takes a tenth of the time.
_UNWATCHED = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.log-length": 60,
    "distributed.admin.tick.interval": "500ms",
}


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
        Nobody answers there, or the kit there is another.
    """
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters is told in a line
    if not scheduler:
        with dask.config.set(_UNWATCHED), _local(workers) as cluster, Client(cluster) as client:
            yield client
        return
    _check(scheduler, insecure)
    try:
        client = Client(scheduler)
    except (OSError, ValueError) as error:
        raise CannotRunError(f"--scheduler: {scheduler} does not answer ({error})") from None
    except TypeError:
        raise UserError(
            f"--scheduler: {scheduler} wants certificates; name them in Dask's configuration, "
            "distributed.comm.tls (ca-file, client.cert, client.key)"
        ) from None
    with client:
        _check_versions(client)
        yield client


def _local(workers: int) -> LocalCluster:
    """A cluster that only this process can talk to: others on the machine lack its certificate."""
    return LocalCluster(
        n_workers=workers or CPU_COUNT,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # its health page takes any port
        security=True,
        preload="kit.batch.work",  # for its dask_setup
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


def _check_versions(client: Client) -> None:
    """See that scheduler and workers have this version of the kit, before anything is asked."""
    told: Any = client.get_versions(packages=[_KIT])
    here = told["client"]["packages"][_KIT]
    there = {"the scheduler": told["scheduler"]}
    there |= {f"worker {address}": facts for address, facts in told["workers"].items()}
    for who, facts in there.items():
        found = facts["packages"][_KIT]
        if found != here:
            has = f"version {found} of the kit" if found else "no kit"
            raise CannotRunError(
                f"--scheduler: {who} has {has}, this machine {here}; install the same everywhere"
            )


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
