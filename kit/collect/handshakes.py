"""Handshakes with the hosts that received requests: what protects the way to AWS, seen from here.

The pack shows them as facts beside AWS's own statements, and never as a verdict. botocore does not
report what its own connections negotiated, so the kit makes a further handshake with each host.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import socket
import ssl
import warnings
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.httpsession import get_cert_path

from kit.snapshot import Handshake

_SECONDS = 5.0
_AT_ONCE = 16
# The reasons that this side gives where it cannot even offer the old version.
_NOT_OFFERED = ("NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE", "UNSUPPORTED_PROTOCOL_TYPE")


def observe(
    hosts: Iterable[tuple[str, int]], authorities: str | None = None, seconds: float = _SECONDS
) -> list[Handshake]:
    """Shake hands with each host once, and once more with nothing newer than TLS 1.1.

    Parameters
    ----------
    hosts : iterable of (str, int)
        Names and ports; the order of names is the order of the ids.
    authorities : str, optional
        File of the certificates that are trusted; by default those that botocore trusts.
    seconds : float
        How long a host may take for each step.

    Returns
    -------
    list of Handshake
        A handshake for each host, failed handshakes included.
    """
    if not (wanted := sorted(set(hosts))):
        return []  # the authorities take a while to load
    trusted = authorities or get_cert_path(os.environ.get("AWS_CA_BUNDLE") or True)
    current, old = ssl.create_default_context(cafile=trusted), _no_newer_than_1_1()
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="tls") as pool:
        made = [
            pool.submit(_shake, f"H{n:04d}", host, current, old, seconds)
            for n, host in enumerate(wanted, 1)
        ]
        return [handshake.result() for handshake in made]


def _shake(
    name: str,
    host: tuple[str, int],
    current: ssl.SSLContext,
    old: ssl.SSLContext | None,
    seconds: float,
) -> Handshake:
    fields: dict[str, Any] = {
        "id": name,
        "host": host[0],
        "port": host[1],
        "time": dt.datetime.now(dt.UTC).isoformat(),
    }
    try:
        with (
            socket.create_connection(host, seconds) as plain,
            current.wrap_socket(plain, server_hostname=host[0]) as secured,
        ):
            negotiated = secured.cipher()
            fields |= {
                "version": secured.version() or "",
                "cipher": negotiated[0] if negotiated else "",
                **_certificate(secured),
            }
    except (OSError, ValueError) as error:  # ssl's errors are among them
        return Handshake(**fields, error=f"{type(error).__name__}: {error}")
    return Handshake(**fields, refuses_tls_1_1=_refuses(host, old, seconds))


def _certificate(secured: ssl.SSLSocket) -> dict[str, str]:
    shown: Any = secured.getpeercert() or {}
    ends = dt.datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), dt.UTC)
    return {
        "subject": _name(shown.get("subject", ())),
        "issuer": _name(shown.get("issuer", ())),
        "expires": ends.isoformat(),
        "certificate": hashlib.sha256(secured.getpeercert(binary_form=True) or b"").hexdigest(),
    }


def _name(parts: Iterable[Iterable[tuple[str, str]]]) -> str:
    return ", ".join(f"{kind}={value}" for part in parts for kind, value in part)


def _refuses(host: tuple[str, int], old: ssl.SSLContext | None, seconds: float) -> bool | None:
    """Whether a host that can be reached refuses TLS 1.1 and older."""
    if old is None:
        return None
    try:
        with (
            socket.create_connection(host, seconds) as plain,
            old.wrap_socket(plain, server_hostname=host[0]),
        ):
            return False
    except ssl.SSLError as error:
        return None if error.reason in _NOT_OFFERED else True
    except ConnectionError:  # hung up instead of answering
        return True
    except OSError:
        return None


def _no_newer_than_1_1() -> ssl.SSLContext | None:
    """A context that offers old versions alone and trusts anybody; None where ssl has none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with warnings.catch_warnings():  # that these versions are old is the point
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")  # OpenSSL offers them on this level alone
    except (ssl.SSLError, ValueError):
        return None
    return context
