"""From a snapshot to tidy tables, their gaps and their coverage."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice
from pkgutil import resolve_name

from kit.displayed import Displayed, counted
from kit.errors import UserError
from kit.redact.labels import Labels, Named, open_labels
from kit.snapshot import Snapshot
from kit.tables import (
    agents,
    events,
    fleets,
    governance,
    grants,
    identity,
    images,
    keys,
    logging,
    metadata,
    networks,
    places,
    recorders,
    service_roles,
    sign_in,
    sources,
    stacks,
    storage,
    transport,
    usage,
)
from kit.tables.core import SPECS, Source, Table, build

__all__ = [
    "agents",
    "events",
    "fleets",
    "governance",
    "grants",
    "identity",
    "images",
    "keys",
    "logging",
    "metadata",
    "networks",
    "places",
    "recorders",
    "service_roles",
    "sign_in",
    "sources",
    "stacks",
    "storage",
    "tabulate",
    "transport",
    "usage",
]


class Tables(Displayed, dict[str, Table]):
    """Tables by name, with the snapshot that they were made from and the labels in them."""

    def __init__(self, snapshot: Snapshot, labels: Labels, tables: dict[str, Table]):
        super().__init__(tables)
        self.snapshot = snapshot
        self.labels = labels
        self._labelled = len(labels.made)  # whoever reads the tables may label more

    def labelled(self) -> list[Named]:
        """Return what the labels in the tables identify, in the order in which they were made."""
        return [*islice(self.labels.made.values(), self._labelled)]

    def __missing__(self, name: str) -> Table:
        raise UserError(f"tables: {_unknown(name, self)}")

    def of(self, control: str) -> Table:
        """Return the table whose rows a control judges; the id may have any case.

        Raises
        ------
        UserError
            No control has the id, or it is a roll-up, which judges no table.
        """
        table: Table = resolve_name("kit.desk:table_of")(self, control)
        return table

    def __repr__(self) -> str:
        gaps = sum(len(table.gap_at) for table in self.values())
        rows = sum(len(table.rows) for table in self.values())
        parts = (counted(len(self), "table"), counted(rows, "row"), counted(gaps, "cell"))
        return f"Tables: {', '.join(parts)} not seen"


def tabulate(snapshot: Snapshot, names: Iterable[str] | None = None) -> Tables:
    """Make the tables of a snapshot.

    Parameters
    ----------
    snapshot : Snapshot
    names : iterable of str, optional
        By default every declared table.

    Returns
    -------
    Tables
        `kit.tables.core.Table` by name. They hold no raw text that somebody in the account
        chose, unless the run shows names in clear.

    Raises
    ------
    UserError
        No table has a name, or the key of the labels is missing or another.
    """
    for name in names or ():
        if name not in SPECS:
            raise UserError(f"names: {_unknown(name, SPECS)}")
    source = Source(snapshot, open_labels(snapshot.run, snapshot.header["pseudonym_key"]))
    chosen = SPECS if names is None else {name: SPECS[name] for name in names}
    built = {name: build(spec, source) for name, spec in chosen.items()}
    return Tables(snapshot, source.labels, built)


def _unknown(name: object, names: Iterable[str]) -> str:
    """Return that no table has a name, with the nearest names."""
    near = difflib.get_close_matches(str(name), sorted(names))
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "sorted(tables) lists them"
    return f"{name!r} is not a table; {hint}"
