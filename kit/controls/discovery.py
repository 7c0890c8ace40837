"""Finding personal data where it rests."""

from __future__ import annotations

from kit.controls.registry import CUSTOMER, REGION, Remedy, control
from kit.tables.logging import HOLDS_BUCKETS


@control(
    "DS-01",
    table="regions",
    where=HOLDS_BUCKETS,
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr={
        "5(2)": "what is not known to be there cannot be accounted for",
        "30(1)": "the record names the categories of data that are kept",
        "32(1)(d)": "regular testing of what storage holds",
    },
    source=(
        "Use advanced managed security services such as Amazon Macie, which assists in discovering "
        "and securing personal data that is stored in Amazon S3."
    ),
    remedy=Remedy(
        console="Amazon Macie, the region, Get started, Enable Macie.",
        cli="aws macie2 enable-macie --region REGION",
        terraform='resource "aws_macie2_account" "region" {\n  status = "ENABLED"\n}',
    ),
)
def macie_is_on_where_personal_data_rests(macie: str) -> bool:
    """Macie is enabled in every region that holds AppStream's buckets."""
    return macie == "ENABLED"
