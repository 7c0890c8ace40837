"""The Dask cluster that a batch runs on: this machine, or an existing cluster."""

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
from kit.shortage import of

_ENCRYPTED = ("tls", "wss")
_KIT = "appstream-evidence-kit"
# Dask records its processes for its dashboard, which a batch does not show. The records grow for
# hours and take a tenth of the time.
_NO_PROFILE = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.log-length": 60,
    "distributed.admin.tick.interval": "500ms",
}


@contextmanager
def connect(
    scheduler: str = "", *, insecure: bool = False, workers: int = 0, enough: int = 0
) -> Iterator[Client]:
    """Yield a client of a cluster.

    Parameters
    ----------
    scheduler : str
        Address of a scheduler, ``tls://host:8786``, with the certificates that Dask's own
        configuration names; empty for a cluster of this machine's cores.
    insecure : bool
        Whether the connection to another machine may be unencrypted.
    workers : int
        Number of processes on this machine; 0 for a process per core.
    enough : int
        Accounts that can be under way, so that cores beyond have no process; 0 where nobody knows.

    Raises
    ------
    UserError
        The address is unencrypted and of another machine, or no certificates are configured.
    CannotRunError
        The scheduler does not answer, or the cluster has another version of the kit.
    """
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # the kit reports errors itself
    if not scheduler:
        workers = workers or min(CPU_COUNT, enough or CPU_COUNT)
        with dask.config.set(_NO_PROFILE), _local(workers) as cluster, Client(cluster) as client:
            yield client
        return
    _check(scheduler, insecure)
    try:
        client = Client(scheduler)
    except (OSError, ValueError) as error:
        raise CannotRunError(f"--scheduler: {scheduler} does not answer ({error})") from None
    except TypeError:
        raise UserError(
            f"--scheduler: {scheduler} requires certificates; name them in Dask's configuration, "
            "distributed.comm.tls (ca-file, client.cert, client.key)"
        ) from None
    with client:
        _check_versions(client)
        yield client


def _local(workers: int) -> LocalCluster:
    """Return a cluster that only this process can use: other processes lack its certificate.

    Raises
    ------
    CannotRunError
        A worker ended while it started, or did not start in time.
    """
    try:
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # its health page takes any port
            security=True,
            preload="kit.batch.work",  # for its dask_setup
            silence_logs=logging.CRITICAL,
        )
    except (OSError, RuntimeError) as error:  # TimeoutError is an OSError
        failed = "--workers: the workers of this machine did not start"
        if shortage := of(error):
            raise CannotRunError(f"{failed} ({shortage})") from None
        reason = f"{type(error).__name__}: {error}"
        raise CannotRunError(f"{failed} ({reason}); start the batch again") from None


def _check(scheduler: str, insecure: bool) -> None:
    address = urlsplit(scheduler)
    try:
        host, port = address.hostname, address.port
    except ValueError:
        host = port = None
    if not (address.scheme and host and port):
        raise UserError(f"--scheduler: {scheduler!r} is not an address; write tls://host:8786")
    if address.scheme not in _ENCRYPTED and not insecure and not _is_this_machine(host):
        raise UserError(
            f"--scheduler: {scheduler} is an unencrypted address of another machine; use tls://, or "
            "add --insecure where the network is yours alone"
        )


def _check_versions(client: Client) -> None:
    """Raise unless scheduler and workers have this version of the kit, before any job is sent."""
    versions: Any = client.get_versions(packages=[_KIT])
    local = versions["client"]["packages"][_KIT]
    remote = {"the scheduler": versions["scheduler"]}
    remote |= {f"worker {address}": facts for address, facts in versions["workers"].items()}
    for name, facts in remote.items():
        version = facts["packages"][_KIT]
        if version != local:
            kit = f"version {version} of the kit" if version else "no kit"
            raise CannotRunError(
                f"--scheduler: {name} has {kit}, this machine has {local}; "
                "install the same version everywhere"
            )


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
