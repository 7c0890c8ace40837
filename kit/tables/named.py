"""Whom statements name, other than by the id of an account or as a service."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kit.access.conditions import Context, Some
from kit.access.documents import Statement
from kit.calls import GET_ACCOUNT_AUTHORIZATION_DETAILS
from kit.snapshot import Snapshot
from kit.tables.cells import Cell

_UNIQUE_ID = re.compile(r"A(ROA|IDA|GPA)[A-Z0-9]+")


def unique_ids(statement: Statement) -> Iterator[str]:
    """The unique ids of roles and users that conditions of a statement name."""
    for condition in statement.conditions:
        if condition.key == "aws:userid":
            named = (value.partition(":")[0] for value in condition.values)
            yield from (name for name in named if _UNIQUE_ID.fullmatch(name))


def identities(statement: Statement) -> Iterator[str]:
    """Those whom a statement names by something else than an account or a service.

    CloudFront's identities and canonical users stand for somebody; the unique id of a user or role
    that was deleted stands for nobody.
    """
    for kind, name in statement.principals or ():
        named = kind == "AWS" and name != "*" and not re.search(r"\d{12}", name)
        if named and not _UNIQUE_ID.fullmatch(name):
            yield name


def identity_providers(statement: Statement) -> Iterator[str]:
    """The identity providers that a statement names."""
    return (name for kind, name in statement.principals or () if kind == "Federated")


def organisations(statements: Iterable[Statement]) -> Iterator[tuple[str, Context]]:
    """Organisations that conditions name, and what requests of their principals have."""
    conditions = [condition for statement in statements for condition in statement.conditions]
    ids = {v for c in conditions if c.key == "aws:principalorgid" for v in c.values}
    paths = {v for c in conditions if c.key == "aws:principalorgpaths" for v in c.values}
    for name in sorted(ids):
        yield name, of_organisation(name)
    for path in sorted(paths):
        named = path.replace("*", "x").replace("?", "x")
        yield path, of_organisation(named.partition("/")[0], (named,))


def of_organisation(name: str, paths: tuple[str, ...] = ()) -> Context:
    """What requests of an organisation's principals have, on some path if on no known one."""
    return {
        "aws:principalorgid": name,
        "aws:principalorgpaths": paths or Some((f"{name}/*",)),
    }


def known_ids(snapshot: Snapshot) -> Cell:
    """The unique ids of the account's roles and users, those of AWS's services included."""
    details = snapshot.answer(GET_ACCOUNT_AUTHORIZATION_DETAILS)
    ids = {
        item.get(f"{kind}Id") or ""
        for kind in ("Role", "User")
        for item, _ in details.items(f"{kind}DetailList")
    }
    return Cell(ids, details.evidence, details.trouble)
