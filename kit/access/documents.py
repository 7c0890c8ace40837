"""Policy documents, parsed into uniform statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kit.access.patterns import many
from kit.bounds import POLICY, POLICY_TEXT, parse_json


class PolicyError(ValueError):
    """A policy document does not have the shape that IAM's grammar gives it."""


@dataclass(frozen=True)
class Condition:
    """An operator with a key and the values to compare the key with.

    Attributes
    ----------
    operator : str
        In lower case, without quantifier and ``IfExists``.
    quantifier : str
        ``any``, ``all`` or empty.
    key : str
        In lower case.
    """

    operator: str
    quantifier: str
    if_exists: bool
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Statement:
    """A statement; an absent element is None.

    ``excepts_...`` marks ``NotAction``, ``NotResource`` and ``NotPrincipal``. Two statements are
    equal if they are the same object, which makes look-ups fast.
    """

    effect: str
    actions: tuple[str, ...] | None
    resources: tuple[str, ...] | None
    principals: tuple[tuple[str, str], ...] | None  # kind (AWS, Service ...) and name
    conditions: tuple[Condition, ...]
    excepts_actions: bool = False
    excepts_resources: bool = False
    excepts_principals: bool = False
    has_variables: bool = True  # documents of version 2008-10-17 have none
    sid: str = ""


def read_statements(document: object) -> tuple[Statement, ...]:
    """Return the statements of a policy document, given as JSON text or parsed.

    Raises
    ------
    PolicyError
        The document is not JSON, does not have the shape of a policy, or is larger than AWS stores.

    References
    ----------
    IAM User Guide, "Grammar of the IAM JSON policy language".
    """
    if isinstance(document, str):
        try:
            document = parse_json(document, POLICY)
        except ValueError as error:
            raise PolicyError(f"policy: not JSON that IAM stores: {error}") from error
    if not isinstance(document, dict):
        raise PolicyError(f"policy: {_kind(document)} given, an object expected")
    if document.get("Statement") is None:
        raise PolicyError("policy: no Statement, which every policy has")
    has_variables = document.get("Version") == "2012-10-17"
    return tuple(_statement(item, has_variables) for item in many(document["Statement"]))


# IAM User Guide, "Grammar of the IAM JSON policy language": what else a statement has might limit it.
_ELEMENTS = (
    *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction"),
    *("Resource", "NotResource", "Condition"),
)


def _statement(given: Any, has_variables: bool) -> Statement:
    if not isinstance(given, dict):
        raise PolicyError(f"Statement: {_kind(given)} given, an object expected")
    if unknown := [name for name in given if name not in _ELEMENTS]:
        raise PolicyError(f"Statement: {unknown[0]!r} given, {', '.join(_ELEMENTS)} expected")
    effect = given.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise PolicyError(f"Effect: {effect!r} given, Allow or Deny expected")
    actions, excepts_actions = _either(given, "Action", _texts)
    resources, excepts_resources = _either(given, "Resource", _texts)
    principals, excepts_principals = _either(given, "Principal", _principals)
    return Statement(
        effect,
        actions,
        resources,
        principals,
        tuple(_conditions(given.get("Condition"))),
        excepts_actions,
        excepts_resources,
        excepts_principals,
        has_variables,
        str(given.get("Sid") or ""),
    )


def _either(given: dict[str, Any], element: str, read: Any) -> tuple[Any, bool]:
    """Read an element or its negation; a statement has at most one of them."""
    negated = f"Not{element}"
    if element in given and negated in given:
        raise PolicyError(f"{element}: given together with {negated}")
    name = negated if negated in given else element
    if given.get(name) is None:
        return None, False
    return read(given[name], name), name == negated


def _texts(given: Any, element: str) -> tuple[str, ...]:
    texts = many(given)
    for text in texts:
        if not isinstance(text, str):
            raise PolicyError(f"{element}: {_kind(text)} given, text expected")
        _require_short(text, element)
    return tuple(texts)


def _require_short(text: str, element: str) -> None:
    if len(text) > POLICY_TEXT:
        raise PolicyError(f"{element}: {len(text):,} characters given, at most {POLICY_TEXT:,}")


# IAM User Guide, "AWS JSON policy elements: Principal".
_KINDS = ("AWS", "CanonicalUser", "Federated", "Service", "*")


def _principals(given: Any, element: str) -> tuple[tuple[str, str], ...]:
    by_kind = given if isinstance(given, dict) else {"AWS": given}
    if unknown := [kind for kind in by_kind if kind not in _KINDS]:
        raise PolicyError(f"{element}: {unknown[0]!r} given, {', '.join(_KINDS)} expected")
    return tuple(
        (str(kind), name) for kind, names in by_kind.items() for name in _texts(names, element)
    )


def _conditions(given: Any) -> list[Condition]:
    if given is None:
        return []
    if not isinstance(given, dict):
        raise PolicyError(f"Condition: {_kind(given)} given, an object expected")
    conditions = []
    for operator, keys in given.items():
        if not isinstance(keys, dict):
            raise PolicyError(f"Condition {operator}: {_kind(keys)} given, an object expected")
        name, quantifier = str(operator).lower(), ""
        for prefix in ("any", "all"):
            start = "foranyvalue:" if prefix == "any" else "forallvalues:"
            if name.startswith(start):
                name, quantifier = name.removeprefix(start), prefix
        bare = name.removesuffix("ifexists")
        for key, values in keys.items():
            texts = tuple(_value(value, f"{operator} {key}") for value in many(values))
            _require_short(str(key), f"Condition {operator}")
            conditions.append(Condition(bare, quantifier, bare != name, str(key).lower(), texts))
    return conditions


def _value(given: Any, where: str) -> str:
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, str | int | float):
        _require_short(text := str(given), f"Condition {where}")
        return text
    raise PolicyError(f"Condition {where}: {_kind(given)} given, text, number or boolean expected")


def _kind(given: object) -> str:
    names = {dict: "an object", list: "a list", type(None): "nothing", bool: "a boolean"}
    return names.get(type(given), "a number" if isinstance(given, int | float) else "text")
