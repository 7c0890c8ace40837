"""What the controller declared, and what AWS's auditors attest."""

from __future__ import annotations

from collections.abc import Iterator

from kit.aws.calls import LIST_CUSTOMER_AGREEMENTS, LIST_REPORTS, Scope
from kit.tables.core import ACCOUNT, NONE, Cell, Column, Row, Source, attached, derive, table

# Series and names under which Artifact lists what counts as a guarantee of the processor.
_FRAMEWORKS = ("SOC 2", "27001", "27017", "27018", "27701", "C5", "CISPE")


@table(
    "declarations",
    "declaration",
    Scope.ACCOUNT,
    (),
    {
        "data_role": Column("Role under the GDPR"),
        "controller": Column("Controller"),
        "register_reference": Column("Entry in the register of processing"),
        "contact": Column("Contact for data protection"),
        "agreements": Column("Agreements listed by Artifact", calls=(LIST_CUSTOMER_AGREEMENTS,)),
    },
)
def declarations(source: Source) -> Iterator[Row]:
    """One row: what the run's parameters declare."""
    run = source.snapshot.run
    row = Row(ACCOUNT, "account", f"account {run.account}")
    for name in ("data_role", "controller", "register_reference", "contact"):
        row.cells[name] = Cell(getattr(run, name), (f"parameters#/{name}",))
    row.cells["agreements"] = attached(
        source.snapshot.answer(LIST_CUSTOMER_AGREEMENTS),
        "customerAgreements[?state=='ACTIVE'].name",
        NONE,
    )
    yield row


@table(
    "provider",
    "provider",
    Scope.ACCOUNT,
    (LIST_REPORTS,),
    {"reports": Column("Attestation reports published in Artifact", calls=(LIST_REPORTS,))},
)
def provider(source: Source) -> Iterator[Row]:
    """One row: the published reports of the frameworks that count, newest period first."""
    answer = source.snapshot.answer(LIST_REPORTS)
    reports = [
        {
            "name": item["name"],
            "series": item.get("series", ""),
            "arn": item.get("arn", ""),
            "period_end": item.get("periodEnd", ""),
        }
        for item, _ in answer.items()
        if item.get("state") == "PUBLISHED"
        and any(f in f"{item.get('series', '')} {item['name']}" for f in _FRAMEWORKS)
    ]
    found = sorted(reports, key=lambda report: report["period_end"], reverse=True)
    cell = Cell(None, answer.evidence, answer.trouble)
    yield Row(
        ACCOUNT,
        "provider",
        "AWS",
        {"reports": cell if cell.gap else derive(lambda _: found, Cell(found, answer.evidence))},
    )
