"""A pack's signatures: who signed it, and whether its files are still the signed files.

Nothing is fetched: a signer is trusted only below the certificates that the reader names.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import logging
import re
from collections.abc import Callable, Coroutine, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from asn1crypto import x509 as asn1
from pyhanko.keys import load_certs_from_pemder_data

from kit.bag import INFO, SIGNATURE, TIMESTAMP
from kit.bounds import CERTIFICATES, read_file
from kit.errors import UserError
from kit.pack.event_loop import apart
from kit.pack.info import stated_level
from kit.pack.levels import is_below
from kit.pack.revocation import GOOD, REVOKED
from kit.verify.checks import (
    NO_REVOCATION,
    NO_SIGNATURE,
    NO_TRUST,
    Check,
    failed,
    noted,
    passed,
)
from kit.verify.contents import Contents, UnreadableError
from kit.verify.judged import (
    Reader,
    Roots,
    Status,
    judge_manifest,
    judge_pdf,
    judge_timestamp,
    out_of_time,
    time_text,
)
from kit.verify.kinds import HTML, PDF

_MARK = re.compile(rb'<span class="page-mark">([^<]{1,200})</span>')
Look = Callable[[Contents, Reader], Coroutine[Any, Any, Status]]


def read_roots(path: Path | None) -> Roots:
    """Read the certificates that the reader trusts from a PEM file.

    Raises
    ------
    UserError
        It cannot be read or holds none.
    """
    if not path:
        return ()
    try:
        roots = tuple(load_certs_from_pemder_data(read_file(path, CERTIFICATES)))
        for root in roots:
            root.native  # noqa: B018  (parsed as a whole, or a ValueError)
        return roots
    except OSError as error:
        raise UserError(f"--trust: {path} cannot be read ({error.strerror})") from None
    except (ValueError, TypeError):
        raise UserError(f"--trust: {path} holds no PEM certificate") from None


def check_signatures(
    contents: Contents, info: Mapping[str, str], reader: Reader
) -> Iterator[Check]:
    """Yield the checks of the signatures over the tag manifest and in the PDF.

    Parameters
    ----------
    contents : Contents
    info : mapping of str to str
        Labels and values of ``bag-info.txt``; its ``Signature`` names the files that must be there.
    reader : Reader
        Whom the reader trusts, and revocation data of the reader's.
    """
    _quiet()
    stated = info.get("Signature", "none")
    if HTML in contents.sizes:
        yield _printed(contents, signed=stated != "none")
    if stated == "none":
        yield from _unsigned(contents, reader.roots)
        return
    for name in (SIGNATURE, TIMESTAMP, PDF):
        if (name in stated) != (name in contents.sizes):
            there = "there" if name in contents.sizes else "missing"
            yield failed(INFO, f"what its Signature names: {stated}", f"{name} {there}")
    checks, by, moment = _over_manifest(contents, info, reader)
    yield from checks
    checks, in_pdf = _looked(PDF, partial(judge_pdf, fallback=moment), contents, info, reader)
    yield from checks
    if by and in_pdf and by.dump() != in_pdf.dump():
        yield failed(PDF, f"the signer of {SIGNATURE}: {_name(by)}", _name(in_pdf))


def check_manifest_signature(
    contents: Contents, info: Mapping[str, str], roots: Roots
) -> tuple[list[Check], str]:
    """Return the checks of the signature over the tag manifest, and who made it.

    Parameters
    ----------
    contents : Contents
    info : mapping of str to str
        Labels and values of ``bag-info.txt``.
    roots : sequence of certificates
        Whom the reader trusts; empty to look at integrity alone.
    """
    _quiet()
    checks, by, _ = _over_manifest(contents, info, Reader(roots))
    return checks, _name(by) if by else ""


def _quiet() -> None:
    """Keep the libraries' own reports of a forged signature off the terminal."""
    for name in ("pyhanko", "pyhanko_certvalidator"):
        logging.getLogger(name).addHandler(logging.NullHandler())


def _over_manifest(
    contents: Contents, info: Mapping[str, str], reader: Reader
) -> tuple[list[Check], asn1.Certificate | None, dt.datetime | None]:
    """Return the checks of the signature and of its timestamp, the signer and the proven time."""
    checks, moment = [], None
    if TIMESTAMP in contents.sizes:
        check, moment = _timestamp(contents, reader)
        checks.append(check)
    own, by = _looked(SIGNATURE, judge_manifest, contents, info, reader)
    return [*checks, *own], by, moment


def _printed(contents: Contents, *, signed: bool) -> Check:
    """Check the mark on the pages; the kit reads the HTML as text and nothing more."""
    try:
        marks = _MARK.findall(contents.read(HTML))
    except UnreadableError as error:
        return failed(HTML, "a page", f"it {error}")
    words = "Signed" if signed else "Unsigned"
    # In any language the mark names the file of the signature.
    if any(mark.startswith(b"Signed:") or SIGNATURE.encode() in mark for mark in marks) != signed:
        printed = b", ".join(marks).decode("utf-8", "replace") or "neither"
        return failed(HTML, f"{words} on its pages, as {INFO} states", printed)
    return passed(HTML, f"{words} on its pages, as {INFO} states")


def _unsigned(contents: Contents, roots: Roots) -> Iterator[Check]:
    files = [name for name in (SIGNATURE, TIMESTAMP) if name in contents.sizes]
    if files:
        yield failed(INFO, "no signature, as it states", ", ".join(files), NO_SIGNATURE)
    if roots:
        wanted = "a signature by a signer below a certificate of --trust"
        yield failed("signature", wanted, "an unsigned pack", NO_SIGNATURE)
    elif not files:
        yield passed(INFO, "the pack is unsigned, as it states", NO_SIGNATURE)


def _looked(
    subject: str, look: Look, contents: Contents, info: Mapping[str, str], reader: Reader
) -> tuple[list[Check], asn1.Certificate | None]:
    """Check a signature; bytes that are not a signature yield a failed check, not an error."""
    expected = "a signature, as bag-info.txt states"
    try:
        status = form = apart(asyncio.run, look(contents, reader))
        stated = stated_level(info)
        if stated and reader != Reader() and is_below(status.level, stated):
            # A pack states the level of its form, whatever the reader trusts and knows.
            form = apart(asyncio.run, look(contents, Reader()))
    except UnreadableError as error:
        return [failed(subject, expected, f"it {error}")], None
    except Exception as error:
        return [failed(subject, expected, _reason(error))], None
    name, standing, moment = _name(status.signer), status.standing, status.moment
    if status.fault:
        return [failed(subject, f"a signature of what is there, by {name}", status.fault)], None
    if standing.state == REVOKED:
        when = f"it signed on {time_text(moment)}" if moment else "no trusted timestamp is older"
        wanted = "a signer whose certificate was not revoked when it signed"
        return [failed(subject, wanted, f"{standing.message}; {when}; by {name}")], None
    if reader.roots and status.why_not:
        wanted = "a signer below a certificate of --trust"
        return [failed(subject, wanted, f"{name}: {status.why_not}")], None
    trust = "trusted" if reader.roots else "signer not checked: name whom you trust with --trust"
    if not reader.roots and (when := out_of_time(status.signer, dt.datetime.now(dt.UTC))):
        trust += f"; {when}"
    leaves_open = "" if reader.roots else NO_TRUST
    checks = [passed(subject, f"{status.message}, by {name}; {trust}", leaves_open)]
    if stated and is_below(form.level, stated):
        checks.append(failed(subject, f"level {stated}, as {INFO} states", f"level {form.level}"))
    return [*checks, _lasting(subject, status)], status.signer


def _lasting(subject: str, status: Status) -> Check:
    """Return the level of a signature, and whether the signer was revoked when it signed."""
    standing, level = status.standing, f"level {status.level}"
    if standing.state != GOOD:
        message = f"{level}; revocation not shown: {standing.message}{standing.later}"
        return noted(subject, message, NO_REVOCATION)
    when = f"when it signed on {time_text(status.moment)}" if status.moment else "now"
    shown = f"the signer was not revoked {when}, by {standing.message}{standing.later}"
    return passed(subject, f"{level}; {shown}")


def _timestamp(contents: Contents, reader: Reader) -> tuple[Check, dt.datetime | None]:
    """Check the timestamp over the signature, and return its time where it proves anything."""
    expected = f"a timestamp over {SIGNATURE}"
    try:
        stamp = apart(asyncio.run, judge_timestamp(contents, reader))
    except Exception as error:
        return failed(TIMESTAMP, expected, _reason(error)), None
    service = _name(stamp.by)
    if stamp.fault:
        return failed(TIMESTAMP, expected, f"{stamp.fault}, by {service}"), None
    message = f"{SIGNATURE} was there at {time_text(stamp.time)}, by {service}"
    if not reader.roots:
        return passed(TIMESTAMP, f"{message}; service not checked"), stamp.proves
    if stamp.why_not:
        return passed(TIMESTAMP, f"{message}; {stamp.why_not}"), None
    return passed(TIMESTAMP, f"{message}; trusted"), stamp.proves


def _name(certificate: asn1.Certificate) -> str:
    """Subject, serial and SHA-256 as `openssl x509 -fingerprint` prints them."""
    digest = hashlib.sha256(certificate.dump()).digest().hex(":").upper()
    subject = certificate.subject.human_friendly
    return f"{subject} (serial {certificate.serial_number:X}, SHA-256 {digest})"


def _reason(error: Exception) -> str:
    return f"{error}".partition("\n")[0][:300] or type(error).__name__
