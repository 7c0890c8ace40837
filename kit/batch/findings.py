"""The findings of a whole batch in one table, with rows for the accounts that have no pack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

from kit.batch.ledger import DONE, NOT_ENTERED, NOT_REACHED, STOPPED
from kit.batch.store import Store
from kit.catalogue.statuses import NOT_EVIDENCED
from kit.judge.findings import Finding
from kit.parameters import Run

if TYPE_CHECKING:
    from kit.report.records import FindingsData

_REASONS = {
    NOT_ENTERED: "account not entered",
    NOT_REACHED: "account not reached",
    STOPPED: "account stopped",
}


def findings_lines(
    packs: Store,
    name: str,
    runs: Mapping[str, Run],
    states: Mapping[str, Mapping[str, Any]],
) -> Iterator[bytes]:
    """Yield the lines of a CSV: the findings of each account, unchanged from its pack.

    An account without a pack has a row for each of its controls, not evidenced, with the reason.

    Parameters
    ----------
    packs : Store
    name : str
        The batch's name.
    runs : mapping of str to Run
        By account.
    states : mapping of str to mapping
        By account, as `kit.batch.ledger.states` returns it.
    """
    from kit.pack.tabular import header_line

    header = header_line()
    yield header
    for account, facts in states.items():
        done = facts["state"] == DONE
        content = packs.read(f"{account}/{name}/pack/data/findings.csv") if done else None
        if content is None:
            yield _missing(runs[account], facts, header)
        else:
            yield content.removeprefix(header)


def _missing(run: Run, facts: Mapping[str, Any], header: bytes) -> bytes:
    from kit.judge import select
    from kit.pack.tabular import findings_csv

    records = [
        asdict(
            Finding(
                control=control.id,
                severity=control.severity,
                account=run.account,
                region="global",
                resource="account",
                status=NOT_EVIDENCED,
                reason=_REASONS.get(str(facts["state"]), "account failed"),
                operation="sts.AssumeRole"
                if facts["state"] == NOT_ENTERED and run.role_arn
                else "",
                code=str(facts.get("code", "")),
                hint="the batch's ledger has the reason",
            )
        )
        | {"evidence": ""}
        for control in select(run.controls)
    ]
    data = {"records": records, "facts": {"data_role": run.data_role}}
    return findings_csv(cast("FindingsData", data)).removeprefix(header)
