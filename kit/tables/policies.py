"""Policies of resources, as the cells of their statements."""

from __future__ import annotations

from kit.access.documents import PolicyError, read_statements
from kit.aws.calls import Call
from kit.snapshot import Trouble
from kit.tables.cells import Cell, derive


def read_policy(policy: Cell, call: Call) -> Cell:
    """The cell of a policy document's statements: none without a policy, a gap if unreadable."""
    try:
        return derive(lambda text: read_statements(text) if text else (), policy)
    except PolicyError:
        gap = Trouble("unreadable answer", call.name, evidence=policy.refs[0].partition("#")[0])
        return Cell(None, policy.refs, gap)
