"""Policies: their statements in force when collection began."""

from __future__ import annotations

import datetime as dt
import json
from functools import lru_cache
from typing import Any

from kit.access.conditions import in_force
from kit.access.documents import PolicyError, Statement, read_statements
from kit.calls import Call
from kit.snapshot import Trouble
from kit.tables.cells import Cell, derive


def read_policy(policy: Cell, call: Call, as_of: dt.datetime) -> Cell:
    """Return the cell of a policy's statements: empty without a policy, a gap if unreadable."""
    try:
        return derive(
            lambda document: () if document is None else read_once(document, as_of), policy
        )
    except PolicyError:
        gap = Trouble("unreadable answer", call.name, evidence=policy.request)
        return Cell(None, policy.refs, gap)


def read_once(document: Any, as_of: dt.datetime) -> tuple[Statement, ...]:
    """Return the statements of a policy; the same objects for the same policy.

    Parameters
    ----------
    document : str or dict
        JSON, or what it parses to.
    as_of : datetime
        The function leaves out statements that were not in force then.

    Raises
    ------
    PolicyError
        The document does not have the shape of a policy.
    """
    try:
        text = document if isinstance(document, str) else json.dumps(document, sort_keys=True)
    except RecursionError as error:
        raise PolicyError("policy: lists and objects nested without end") from error
    return _statements(text, as_of)


@lru_cache(maxsize=10_000)
def _statements(document: str, as_of: dt.datetime) -> tuple[Statement, ...]:
    return in_force(read_statements(document), as_of)
