"""Usage reports: whether they are made, and whether there is anything to report."""

from __future__ import annotations

from collections.abc import Iterator

from kit.calls import DESCRIBE_FLEETS, DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS, Scope
from kit.snapshot import Snapshot
from kit.tables.cells import NONE, UNSEEN, Cell, derive, known_any, member
from kit.tables.core import Column, Row, Source, listed, table

_DECLARED = ("usage_report_basis", "usage_report_notice", "usage_report_informed_on")
_COLUMNS = {
    "schedule": Column("Schedule", NONE),
    "last_report": Column("LastGeneratedReportDate", NONE, transient=True, past=True),
    "errors": Column("SubscriptionErrors[].ErrorCode", NONE),
    "sessions": Column(calls=(DESCRIBE_FLEETS,)),
    "uncounted": Column(calls=(DESCRIBE_FLEETS,)),
    **dict.fromkeys(_DECLARED, Column(quoted=True)),
}


@table(
    "subscriptions",
    Scope.REGION,
    (DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS,),
    _COLUMNS,
)
def subscriptions(source: Source) -> Iterator[Row]:
    """Yield every usage report subscription; AWS allows one for each region."""
    for answer in source.snapshot.answers(DESCRIBE_USAGE_REPORT_SUBSCRIPTIONS):
        for n, row in enumerate(listed(_COLUMNS, answer, source, "usage reports")):
            row.key, row.label = f"{row.key}{n}", "usage reports"
            row.cells |= _sessions(source.snapshot, answer.region)
            row.cells |= {
                name: Cell(getattr(source.snapshot.run, name), (f"parameters#/{name}",))
                for name in _DECLARED
            }
            yield row


def _sessions(snapshot: Snapshot, region: str) -> dict[str, Cell]:
    """Return whether a fleet of the region has sessions now, and whether a count is missing.

    Reports name the sessions of every fleet. CloudWatch has the sessions of an Elastic fleet as a
    metric (InUseCapacity); DescribeFleets need not return them.

    References
    ----------
    AppStream Developer Guide, "AppStream 2.0 Sessions Reports", "AppStream 2.0 Metrics and
    Dimensions"; API Reference, ComputeCapacityStatus.
    """
    answer = snapshot.answer(DESCRIBE_FLEETS, region)
    listed = Cell(False, answer.evidence, answer.trouble)
    cells, uncounted = [listed], [listed]
    for fleet, ref in answer.items():
        capacity = fleet.get("ComputeCapacityStatus") or {}
        here = f"{ref}/ComputeCapacityStatus" if capacity else ref
        if capacity.get("ActiveUserSessions"):  # of multi-session fleets alone
            cells.append(Cell(True, (here,)))
        elif fleet.get("FleetType") == "ELASTIC" and capacity.get("InUse") is None:
            uncounted.append(Cell(True, (here, f"{ref}/FleetType")))
        else:
            in_use = member(fleet, ref, "ComputeCapacityStatus.InUse", UNSEEN, DESCRIBE_FLEETS)
            cells.append(derive(bool, in_use))
    return {"sessions": known_any(cells), "uncounted": known_any(uncounted)}
