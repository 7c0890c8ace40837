"""Who answers for what, and what AWS's auditors attest."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd

from kit.controls.registry import (
    ACCOUNT,
    AWS,
    CUSTOMER,
    Attested,
    Control,
    NotEvidenced,
    Outcome,
    Remedy,
    control,
    roll_up,
)


@control(
    "GV-01",
    table="declarations",
    scope=ACCOUNT,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr={
        "4(7)": "defines the controller",
        "4(8)": "defines the processor",
        "5(2)": "the controller has to be able to show compliance",
        "24(1)": "who is the controller has to take the measures",
        "28(3)": "processing is governed by a contract with the controller",
        "30(1)": "the record of processing, or 30(2) for a processor",
    },
    source=(
        "AWS customers, acting either as data controllers or data processors, are responsible for "
        "any personal data that they put in the AWS Cloud."
    ),
    remedy=Remedy(
        console=(
            "Set data_role, controller and register_reference in the run's parameters, as they "
            "stand in the record of processing activities."
        )
    ),
    shows=("controller", "contact", "agreements"),
)
def role_under_the_gdpr_is_recorded(data_role: str, register_reference: str) -> Outcome:
    """The parameters declare the role and the entry in the register of processing."""
    if data_role and register_reference:
        return True
    return NotEvidenced("not declared", "set data_role and register_reference in the parameters")


@control(
    "GV-02",
    table="provider",
    scope=ACCOUNT,
    severity="medium",
    responsibility=AWS,
    gdpr={
        "28(1)": "only processors with sufficient guarantees may be used",
        "28(3)(c)": "the processor takes the measures of Article 32",
        "28(3)(h)": "the processor makes available what shows it",
        "28(5)": "for CISPE alone: adherence to an approved code may show the guarantees",
        "32(1)(d)": "regular testing, here by AWS's auditors",
        "40(2)(h)": "for CISPE alone: what a code of conduct says of security",
    },
    source=(
        "AWS is responsible for protecting the global infrastructure that runs all the AWS services."
    ),
    remedy=Remedy(
        console="AWS Artifact, Reports: accept the terms, so that the collector can list them.",
        cli="aws artifact list-reports --region us-east-1",
    ),
)
def aws_protects_its_infrastructure(
    reports: list[dict[str, Any]], *, report_valid_months: int, as_of: dt.datetime
) -> Outcome:
    """A report of SOC 2, ISO 27001, 27017, 27018, 27701, C5 or CISPE is published and recent."""
    oldest = pd.Timestamp(as_of) - pd.DateOffset(months=report_valid_months)
    current = [r for r in reports if not r["period_end"] or pd.Timestamp(r["period_end"]) >= oldest]
    if not current:
        return NotEvidenced("no current report", "Artifact lists no published report in time")
    newest = current[0]
    until = f", period to {newest['period_end'][:10]}" if newest["period_end"] else ""
    return Attested(f"AWS Artifact: {newest['name']}{until} ({newest['arn']})")


@roll_up(
    "GV-03",
    "The customer keeps control of content and its security configuration",
    responsibility=CUSTOMER,
    gdpr={
        "24(1)": "the controller implements the measures and can show it",
        "25(2)": "what is protected by default is decided by configuration",
        "28(3)(a)": "the processor acts on the configuration that the customer makes",
        "32(1)": "the sum of the customer's measures",
    },
    source=(
        "Controllers maintain control over data hosted on this infrastructure, including the "
        "security configuration controls."
    ),
)
def customer_controls(control: Control) -> bool:
    """Sum up every control that the customer answers for."""
    return control.responsibility == CUSTOMER
