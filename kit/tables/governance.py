"""What the controller declared, and what AWS's auditors attest."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kit.calls import LIST_CUSTOMER_AGREEMENTS, LIST_REPORTS, Scope
from kit.parameters import Framework
from kit.tables.cells import Cell
from kit.tables.core import Column, Row, Source, table
from kit.tables.coverage import ACCOUNT

# How series and names in Artifact spell the frameworks that a profile may count.
_FRAMEWORKS: dict[Framework, re.Pattern[str]] = {
    "SOC 2": re.compile(r"\bSOC\)? ?2\b"),
    "ISO 27001": re.compile(r"(?<!\d)27001(?!\d)"),
    "ISO 27017": re.compile(r"(?<!\d)27017(?!\d)"),
    "ISO 27018": re.compile(r"(?<!\d)27018(?!\d)"),
    "ISO 27701": re.compile(r"(?<!\d)27701(?!\d)"),
    "C5": re.compile(r"\bC5\b"),
    "CISPE": re.compile(r"\bCISPE\b"),
}

_DECLARED = (
    "data_role",
    "controller",
    "register_reference",
    "contact",
    "reviewer",
    "reviewed_on",
    "processor_contract",
    "processor_contract_on",
    "access_reviewer",
    "access_reviewed_on",
    "breach_contact",
    "breach_hours",
    "breach_exercised_on",
    "disk_encryption_statement",
)


@table(
    "declarations",
    Scope.ACCOUNT,
    (),
    {
        **dict.fromkeys(_DECLARED, Column(quoted=True)),
        "agreements": Column(calls=(LIST_CUSTOMER_AGREEMENTS,), quoted=True),
    },
)
def declarations(source: Source) -> Iterator[Row]:
    """Yield a single row: the declarations of the run's parameters."""
    run = source.snapshot.run
    row = Row(ACCOUNT, "account", f"account {run.account}")
    for name in _DECLARED:
        row.cells[name] = Cell(getattr(run, name), (f"parameters#/{name}",))
    row.cells["breach_hours"] = Cell(run.breach_hours or None, ("parameters#/breach_hours",))
    answer = source.snapshot.answer(LIST_CUSTOMER_AGREEMENTS)
    active = [item.get("name", "") for item, _ in answer.items() if item.get("state") == "ACTIVE"]
    row.cells["agreements"] = Cell(active, answer.evidence, answer.trouble)
    yield row


@table(
    "provider",
    Scope.ACCOUNT,
    (),
    {
        "framework": Column(quoted=True),
        "reports": Column(calls=(LIST_REPORTS,), quoted=True),
        "reading": Column(quoted=True),
        "read_for": Column(quoted=True),
    },
    thresholds=("attestations",),
)
def provider(source: Source) -> Iterator[Row]:
    """Yield each framework that the profile names, with published reports, newest period first."""
    run, profile = source.snapshot.run, source.snapshot.profile
    answer = source.snapshot.answer(LIST_REPORTS)
    reports = [
        {
            "name": item.get("name", ""),
            "frameworks": [
                framework
                for framework, spelt in _FRAMEWORKS.items()
                if spelt.search(f"{item.get('series', '')} {item.get('name', '')}")
            ],
            "period_start": item.get("periodStart", ""),
            "period_end": item.get("periodEnd", ""),
            "arn": item.get("arn", ""),
        }
        for item, _ in answer.items()
        if item.get("state") == "PUBLISHED"
    ]
    newest = sorted(reports, key=lambda report: report["period_end"], reverse=True)
    for framework in profile.attestations:
        matching = [report for report in newest if framework in report["frameworks"]]
        reading = run.reports_read.get(framework, "")
        # A document may report on several frameworks; a reading is declared for one of them.
        documents = {report["arn"] for report in matching} - {""}
        read_for = [
            f"{other} ({read})"
            for other, read in run.reports_read.items()
            if other != framework
            and any(other in r["frameworks"] and r["arn"] in documents for r in newest)
        ]
        yield Row(
            ACCOUNT,
            framework,
            f"AWS, {framework}",
            {
                "framework": Cell(framework, ("parameters#/thresholds",)),
                "reports": Cell(matching, answer.evidence, answer.trouble),
                "reading": Cell(reading, ("parameters#/reports_read",)),
                "read_for": Cell(
                    read_for, ("parameters#/reports_read", *answer.evidence), answer.trouble
                ),
            },
        )
