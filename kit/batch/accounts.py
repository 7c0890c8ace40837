"""The file of a batch: which accounts it evaluates, and how. Strict models, read from YAML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from kit.collect.members import Discover
from kit.errors import UserError
from kit.inputs import Where, refuse_unknown, validated
from kit.parameters import Run, Strict, parameters, read_fields

_ACCOUNT = "{account}"


class ObjectLock(Strict):
    """How long S3 keeps every object of a pack from being changed or deleted."""

    mode: Literal["GOVERNANCE", "COMPLIANCE"]
    days: int = Field(ge=1, le=36_500)


class BatchFile(Strict):
    """The file of a batch.

    Attributes
    ----------
    name : str
        The folder of the packs below each account; the same name again makes what is missing.
    shared : dict
        Fields of a run for every account; ``{account}`` in ``role_arn`` is the account's id.
    accounts : list of dict
        ``account``, and the fields that differ from ``shared``.
    organisation : dict
        The account of the management or of a delegated administrator, as an entry of ``accounts``.
        Its snapshot is collected first and is evidence for the other accounts. Without it no other
        account is started.
    discover : Discover or None
        Add the organisation's accounts.
    outputs, snapshots : str
        Folder or ``s3://bucket/prefix``: for packs, and for snapshots, which hold personal data.
    object_lock : ObjectLock or None
        For packs in S3.
    accounts_at_once : int
        Most accounts under way on the whole cluster; 0 for as many as there are workers.
    """

    name: str
    shared: dict[str, Any] = Field(default_factory=dict)
    accounts: list[dict[str, Any]] = Field(default_factory=list)
    organisation: dict[str, Any] = Field(default_factory=dict)
    discover: Discover | None = None
    outputs: str = "outputs"
    snapshots: str = "outputs"
    object_lock: ObjectLock | None = None
    accounts_at_once: int = Field(default=0, ge=0)

    @field_validator("name")
    @classmethod
    def _name_is_a_folder(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", value):
            raise ValueError(
                "must be a letter or digit, then at most 63 letters, digits, dots, underscores and "
                "hyphens, such as 2026-Q4"
            )
        return value


@dataclass(frozen=True)
class Batch:
    """A batch with its validated runs.

    Attributes
    ----------
    file : BatchFile
    where : Where
        The lines of its fields.
    runs : dict of str to Run
        By account, in the file's order, the organisation's first.
    organisation : str
        The account that is collected first; empty where there is none.
    """

    file: BatchFile
    where: Where
    runs: Mapping[str, Run]
    organisation: str

    def with_discovered(self, accounts: Iterable[str]) -> Batch:
        """Return the batch with these accounts too; an account that is listed keeps its entry.

        Raises
        ------
        UserError
            ``shared`` makes no valid run for an account.
        """
        discovered = {
            account: _run(self.file, {"account": account}, self.where, Where(self.where.source))
            for account in accounts
            if account not in self.runs
        }
        return Batch(self.file, self.where, {**self.runs, **discovered}, self.organisation)


def read_batch(path: Path, name: str = "") -> Batch:
    """Read the file of a batch.

    Parameters
    ----------
    path : Path
    name : str
        Replaces the name in the file.

    Raises
    ------
    UserError
        The file is invalid; the message names the field, its value and what is accepted.
    """
    values, where = read_fields(path, "name: 2026-Q4")
    refuse_unknown(values, where, BatchFile)
    if name:
        values["name"] = name
        where = replace(where, elsewhere={"name": "--name"})
    elif "name" not in values:
        raise UserError(f"{path}: name is missing; write what the packs are for: name: 2026-Q4")
    file = validated(BatchFile, values, where)
    _check(file, where)
    runs: dict[str, Run] = {}
    if file.organisation:
        entry = {**file.organisation, "administers_organisation": True}
        run = _run(file, entry, where, where.within("organisation"))
        runs[run.account] = run
    organisation = next(iter(runs), "")
    for n, entry in enumerate(file.accounts):
        run = _run(file, entry, where, where.within("accounts", n))
        if run.account in runs:
            line = where.of("accounts", n)
            raise UserError(f"{line}: account {run.account} is listed twice; keep one entry")
        runs[run.account] = run
    if file.discover:  # raises what would be wrong for every discovered account
        _run(file, {"account": "0" * 12}, where, Where(where.source))
    return Batch(file, where, runs, organisation)


def _check(file: BatchFile, where: Where) -> None:
    if not file.accounts and not file.discover:
        raise UserError(
            f"{where.source}: no accounts; list them in accounts, or write discover: {{}}"
        )
    if file.discover and not file.organisation:
        raise UserError(
            f"{where.of('discover')}: discover needs organisation: the management or delegated "
            'administrator\'s account, such as organisation: {account: "012345678901"}'
        )
    if file.object_lock and not file.outputs.startswith("s3://"):
        raise UserError(f"{where.of('object_lock')}: object_lock: only outputs in s3:// are locked")
    for name in ("account", "outputs"):
        if name in file.shared:
            whose = "each entry in accounts" if name == "account" else "the batch"
            raise UserError(f"{where.of('shared', name)}: {name} is a field of {whose}")


def _run(file: BatchFile, entry: Mapping[str, Any], where: Where, entry_where: Where) -> Run:
    if "outputs" in entry:
        raise UserError(f"{entry_where.of('outputs')}: outputs is a field of the batch")
    values = {**file.shared, **entry}
    lines = entry_where.over(where.within("shared"))
    if file.organisation and values.get("organisation_snapshot"):
        raise UserError(
            f"{lines.of('organisation_snapshot')}: organisation_snapshot: the batch lends the snapshot "
            "of organisation; leave out organisation_snapshot or organisation"
        )
    role, account = values.get("role_arn"), values.get("account")
    if isinstance(role, str) and isinstance(account, str):
        values["role_arn"] = role.replace(_ACCOUNT, account)
    return parameters(values, lines)
