"""Protects an answer before it is stored: secrets become tokens, documents lose other members."""

from __future__ import annotations

import base64
import copy
import datetime as dt
import json
import math
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from kit.bounds import ANSWER, parse_json
from kit.calls import Call
from kit.detect.secrets import mask_secrets, mask_value

_MAPS = {"Metadata", "Tags", "TagSpecifications"}
_HALVES = re.compile("[\ud800-\udfff]")  # of surrogate pairs: JSON admits them, UTF-8 does not
_LARGEST_INTEGER = 2**53  # canonical JSON (RFC 8785) holds integers up to here


def protect(call: Call, response: dict[str, Any]) -> Any:
    """Return the answer as it may be stored.

    Members declared `secret` become a typed token. JSON documents keep only the members that
    evidence needs. Secrets in any other text become tokens. Times become ISO 8601. Halves of
    surrogate pairs become JSON escapes.

    Parameters
    ----------
    call : Call
    response : dict
        The response of boto3, without ``ResponseMetadata``.

    Returns
    -------
    dict
        Plain JSON.
    """
    if call.keep:  # what is cut off needs no search for secrets, which takes most of the time
        response = copy.deepcopy(response)
        _keep(response, call)
    plain = _plain(response)
    for path in call.secret:
        text = token(path.rpartition(".")[2])
        _rewrite(plain, path.split("."), lambda _, text=text: text)  # type: ignore[misc]
    _keep(plain, call)  # what the search left is a document still
    return plain


def token(kind: str) -> str:
    """Return the text that replaces a secret."""
    return f"⟦secret: {kind}⟧"


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        text = value if value.isascii() else _HALVES.sub(_escaped, value)
        return mask_secrets(text)
    if isinstance(value, dict):
        plain: dict[str, Any] = {}
        for key, item in value.items():
            name = _plain(str(key))
            while name in plain:  # keys that differ in their secrets alone
                name += "'"
            plain[name] = _plain(item)
        return _mask_named_values(plain)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, (bytes, bytearray)):
        try:
            return _plain(bytes(value).decode())
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _LARGEST_INTEGER:
        return str(value)
    return value


def _escaped(half: re.Match[str]) -> str:
    return f"\\u{ord(half[0]):x}"


def _mask_named_values(plain: dict[str, Any]) -> dict[str, Any]:
    """Mask values whose name marks them as secret: a tag's value, the entries of a map of texts."""
    if plain.keys() == {"Key", "Value"}:
        return plain | {"Value": mask_value(str(plain["Key"]), str(plain["Value"]))}
    for member in _MAPS & plain.keys():
        if isinstance(plain[member], dict):
            plain[member] = {
                name: mask_value(name, text) if isinstance(text, str) else text
                for name, text in plain[member].items()
            }
    return plain


def _rewrite(value: Any, path: list[str], change: Callable[[Any], Any]) -> None:
    if not isinstance(value, dict):
        return
    name = path[0].removesuffix("[]")
    if name not in value:
        return
    if len(path) == 1:
        value[name] = change(value[name])
        return
    for item in value[name] if path[0].endswith("[]") else [value[name]]:
        _rewrite(item, path[1:], change)


def _keep(response: dict[str, Any], call: Call) -> None:
    """Cut documents in an answer to the members that evidence needs."""
    for path, members in call.keep.items():
        _rewrite(response, path.split("."), partial(_cut, members))


def _cut(members: tuple[str, ...], text: str) -> str:
    try:
        document = parse_json(_HALVES.sub(_escaped, text), ANSWER)
    except ValueError:
        return token("unreadable document")
    kept: dict[str, Any] = {}
    for member in members:
        source, target = document, kept
        *outer, last = member.split(".")
        for name in outer:
            source = source.get(name) if isinstance(source, dict) else None
        if isinstance(source, dict) and last in source:
            for name in outer:
                target = target.setdefault(name, {})
            target[last] = source[last]
    return json.dumps(kept, sort_keys=True)
