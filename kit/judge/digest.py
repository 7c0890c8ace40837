"""The identity of a finding, its id, and the digest over the identities of a pack's findings."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from kit.canonical import canonical_json
from kit.catalogue.statuses import ACCEPTED, NOT_EVIDENCED, STATUSES

# What a finding is about: a resource, the absence of resources, resources that no call listed,
# a control that the profile does not require, or the findings of other controls.
RESOURCE, NOTHING, UNLISTED, NOT_REQUIRED = "resource", "nothing", "unlisted", "not required"
ROLL_UP = "roll-up"
_SUBJECTS = (RESOURCE, NOTHING, UNLISTED, NOT_REQUIRED, ROLL_UP)
PART = "field"  # the column of tables that have a row for each field of a resource
# Bumped when the members that make a finding's identity change: packs name the form of their digest.
IDENTITY = "identity-1"
_MOST_ALIKE = 1_000  # findings about the same, whose ids `subject_of` knows
_SPACE = uuid.UUID("c3cb10dd-acf6-4655-838a-799d02ec6701")  # namespace of identifiers in packs


def identity(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the identity of a finding: what the kit observed, never how a text words it.

    Parameters
    ----------
    record : mapping
        Members of `Finding` by name.

    Returns
    -------
    dict
        JSON-compatible. The reason is a code only where evidence is missing, and a declaration
        where a fail is accepted. Elsewhere it is prose, and the identity leaves it out, as it
        does labels that name no resource, evidence ids and transient values.
    """
    status = record["status"]
    return {
        "control": record["control"],
        "account": record["account"],
        "region": record["region"],
        "subject": record["subject"],
        "resource": record["resource"] if record["subject"] == RESOURCE else "",
        "status": status,
        "reason": record["reason"] if status in (NOT_EVIDENCED, ACCEPTED) else "",
        "operation": record["operation"],
        "code": record["code"],
        "observed": json.loads(record["observed_values"]),
        "thresholds": json.loads(record["threshold_values"]),
    }


def findings_digest(records: Iterable[Mapping[str, Any]]) -> str:
    """Return the SHA-256 over the identities of findings in canonical JSON (RFC 8785).

    Parameters
    ----------
    records : iterable of mapping
        Members of `Finding` by name, in the order of the findings.

    Raises
    ------
    ValueError
        Values of a record are not JSON.
    """
    hashed = hashlib.sha256()
    opens = b"["
    for record in records:
        hashed.update(opens + canonical_json(identity(record)))
        opens = b","
    hashed.update(b"]" if opens == b"," else b"[]")
    return hashed.hexdigest()


def place_of(record: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Return what a finding is about: account, control, region, and its resource or subject.

    The label of a finding without a resource is prose, which versions of the kit may word anew.
    """
    subject = record["subject"]
    resource = record["resource"] if subject == RESOURCE else subject
    return record["account"], record["control"], record["region"], resource


def places_of(records: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return the place of each finding: account, control, region, resource or subject, and part.

    The part is the field that the finding is about, where a control judges each field of a resource.
    A number follows where several findings are about the same, the gravest first. A place is
    unique, and the same in the account's other packs.

    Parameters
    ----------
    records : iterable of mapping
        Members of `Finding` by name.
    """
    records = list(records)
    places: list[tuple[str, ...]] = [
        (*place_of(record), _part(record["observed_values"])) for record in records
    ]
    alike = Counter(places)
    seen: Counter[tuple[str, ...]] = Counter()
    several = [n for n, place in enumerate(places) if alike[place] > 1]
    for n in sorted(several, key=lambda n: STATUSES[records[n]["status"]].rank):
        *whole, part = place = places[n]
        seen[place] += 1
        if seen[place] > 1:
            places[n] = (*whole, f"{part} {seen[place]}".lstrip())
    return places


def _part(values: str) -> str:
    return str(json.loads(values).get(PART, "")) if f'"{PART}":' in values else ""


def finding_keys(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the key of each finding: what it is about, and a number for what is about the same.

    A key is unique in the account, and the same in its other packs.

    Parameters
    ----------
    records : iterable of mapping
        Members of `Finding` by name, in the order of the findings.
    """
    seen: Counter[str] = Counter()
    keys = []
    for record in records:
        key = _key(record)
        seen[key] += 1
        keys.append(f"{key}\0{seen[key]}")
    return keys


def _key(record: Mapping[str, Any]) -> str:
    account, control, region, resource = place_of(record)
    return "\0".join([control, account, region, resource])


def finding_ids(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the id of each finding: a UUID of its key, the same in every pack of the account.

    Labels of resources are made with a key, so packs of another label key have other ids.
    """
    records = list(records)
    keys = finding_keys(records)
    return [
        identifier(record["account"], "observation", key)
        for record, key in zip(records, keys, strict=True)
    ]


def subject_of(id: str, record: Mapping[str, Any]) -> str:
    """Return the subject of the finding that has an id and is about what a record states.

    Parameters
    ----------
    id : str
    record : mapping
        ``account``, ``control``, ``region`` and ``resource``, from anywhere.

    Returns
    -------
    str
        `RESOURCE`, `NOTHING`, `UNLISTED`, `NOT_REQUIRED` or `ROLL_UP`; empty where the id is that of
        another finding.
    """
    keys = {subject: _key({**record, "subject": subject}) for subject in _SUBJECTS}
    for number in range(1, _MOST_ALIKE + 1):
        for subject, key in keys.items():
            if identifier(record["account"], "observation", f"{key}\0{number}") == id:
                return subject
    return ""


@lru_cache(10_000)  # several files of a pack have the same
def identifier(*parts: str) -> str:
    """Return the UUID (version 5) of what these parts name; the same in every pack."""
    return str(uuid.uuid5(_SPACE, "\0".join(parts)))


def canonical(values: Mapping[str, Any]) -> str:
    """Return values by name as canonical JSON (RFC 8785), whatever types a cell holds."""
    return canonical_json({name: _plain(value) for name, value in values.items()}).decode()


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; an integer that JSON cannot hold exactly becomes a text."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if value is None or isinstance(value, bool | str | float):
        return value
    return value if isinstance(value, int) and abs(value) < 2**53 else str(value)
