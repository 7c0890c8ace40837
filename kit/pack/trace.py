"""From a reference in a pack to AWS's answer, from a label to the name that it replaces.

This is for the analyst, who has the snapshot and the key of the labels; an auditor has neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from kit import bounds
from kit.bag import INFO, info_of, is_bag
from kit.bounds import parse_json
from kit.errors import NotAsStatedError, UserError
from kit.outputs import write_file, writing
from kit.redact.labels import Named
from kit.redact.redactor import Redactor
from kit.snapshot import Request, Snapshot
from kit.tables import tabulate

_SEPARATELY = {"response", "nonce", "sha256", "call"}


def look_up(
    snapshot: Snapshot, reference: str, redact: Redactor | None = None
) -> tuple[dict[str, Any], Any]:
    """Return the provenance and the value that a reference names.

    Parameters
    ----------
    snapshot : Snapshot
    reference : str
        As findings cite them: ``E0012``, ``E0012#/Fleets/3`` (a JSON pointer, RFC 6901, into the
        answer), ``H0003`` for a handshake, ``parameters#/controller``. An id may have any case.
    redact : Redactor, optional
        Replaces names in the request by labels; by default they are in clear.

    Returns
    -------
    provenance, value : dict, Any
        The fields of the request, and the stored answer or the part to which the pointer leads.

    Raises
    ------
    UserError
        There is no such evidence, or nothing where the pointer leads.
    """
    given, _, pointer = reference.partition("#")
    number = given.upper()
    if given.lower() == "parameters":
        provenance, value = {"id": "parameters"}, snapshot.run.model_dump()
    elif handshake := next((each for each in snapshot.handshakes if each.id == number), None):
        provenance, value = {"id": number}, asdict(handshake)
    else:
        stored = find(snapshot, number)
        request = redact(stored) if redact else stored
        provenance = {
            field.name: getattr(request, field.name)
            for field in fields(request)
            if field.name not in _SEPARATELY
        }
        provenance["commitment"] = stored.commitment
        value = request.response
    return provenance, resolve(value, pointer, reference)


def find(snapshot: Snapshot, number: str) -> Request:
    """Return the request that has an evidence id.

    Raises
    ------
    UserError
        The snapshot has no such request.
    """
    for request in snapshot.evidence:
        if request.id == number:
            return request
    have = (
        f"{snapshot.evidence[0].id} to {snapshot.evidence[-1].id}" if snapshot.evidence else "none"
    )
    raise UserError(f"evidence id: {number!r} is not in {snapshot.folder}, which has {have}")


def resolve(value: Any, pointer: str, reference: str) -> Any:
    """Return the part of an answer to which a JSON pointer leads.

    Raises
    ------
    UserError
        There is nothing; the message names the reference.
    """
    first, *steps = pointer.split("/")
    if first:
        raise UserError(
            f"evidence id: {reference!r}: accepted behind #: a path that begins with /, such as "
            "E0012#/Fleets/3"
        )
    for step in steps:
        name = step.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(name)] if isinstance(value, list) else value[name]
        except (LookupError, TypeError, ValueError):
            raise UserError(f"evidence id: {reference!r} leads nowhere at {step!r}") from None
    return value


def prove(request: Request, folder: Path) -> tuple[Path, Path]:
    """Write what opens a commitment: with both files anybody can take the SHA-256 again.

    Parameters
    ----------
    request : Request
    folder : Path
        Made if it is not there. It holds the answer in clear, so its owner alone can read it.

    Returns
    -------
    nonce, body : Path
        32 bytes, and the canonical JSON of the answer. The SHA-256 of both, the nonce first, is
        the commitment.

    Raises
    ------
    UserError
        A file of that name exists already.
    CannotRunError
        The files cannot be written.
    """
    nonce, body = folder / f"{request.id}.nonce", folder / f"{request.id}.body.json"
    with writing(folder, "--prove"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        for path, content in ((nonce, bytes.fromhex(request.nonce)), (body, request.body)):
            write_file(path, content, mode=0o600, replace=False, name="--prove")
    except FileExistsError:
        raise UserError(f"--prove: {path} exists already; name another folder") from None
    return nonce, body


def check_commitment(pack: Path, snapshot: Snapshot, number: str) -> None:
    """Check that a pack commits to an answer of its snapshot.

    Raises
    ------
    UserError
        The pack is of another snapshot, or has no record of the request.
    NotAsStatedError
        The pack is of this snapshot, and commits to another answer.
    """
    if not is_bag(pack):
        raise UserError(f"--pack: {pack} holds no pack; name the folder that has {INFO} in it")
    info = info_of(pack)
    here = {"Account": snapshot.account, "Snapshot-SHA-256": snapshot.digest}
    for label, value in here.items():
        if info.get(label) != value:
            raise UserError(
                f"--pack: {pack} is of {label} {info.get(label) or 'not stated'}, {snapshot.folder} "
                f"is of {value}; name the pack of this snapshot"
            )
    stated = record_in(pack, number)["commitment"]
    if stated != find(snapshot, number).commitment:
        raise NotAsStatedError(f"{number}: {pack} commits to another answer ({stated})")


def record_in(pack: Path, number: str) -> Mapping[str, Any]:
    """Return the record of a request as a pack has it.

    Raises
    ------
    UserError
        The pack has no such record.
    """
    path = pack / "data" / "evidence" / f"{number}.json"
    try:
        record = parse_json(bounds.read_file(path, bounds.PACK_FILE), bounds.PACK_FILE)
        if not isinstance(record, dict) or not isinstance(record.get("commitment"), str):
            raise ValueError("no commitment")
    except (OSError, ValueError):
        raise UserError(f"--pack: {path} does not exist, or is not a record") from None
    return record


def reveal(snapshot: Snapshot, labels: Iterable[str]) -> dict[str, Named]:
    """Return what labels replace, by labelling everything in the snapshot again.

    Parameters
    ----------
    snapshot : Snapshot
    labels : iterable of str
        Labels, or cells of a pack in which labels stand, such as ``user-3kq7w2mzda, access key 1``.

    Returns
    -------
    dict of str to Named
        By label.

    Raises
    ------
    UserError
        The key is missing or is another key, names are in clear, or a text holds no label.
    """
    if not snapshot.run.pseudonymise:
        raise UserError(f"reveal: names are in clear in {snapshot.folder}; there are no labels")
    redact = Redactor(snapshot, tabulate(snapshot).labels)
    for request in snapshot.evidence:
        redact(request)
    known = redact.labels
    names: dict[str, Named] = {}
    for text in labels:
        if not (here := known.within(text)):
            raise UserError(f"reveal: {text!r} is not a label in {snapshot.folder}")
        names |= {label: known.made[label] for label in here}
    return names
