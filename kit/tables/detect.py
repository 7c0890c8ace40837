"""Detectors of identifying data in free text: checksummed hits and heuristic ones."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Hit:
    """Something that identifies a person.

    Attributes
    ----------
    kind : str
        email, phone, payment-card, iban, vat-number, national-id or customer-number.
    masked : str
        The match with all but its ends masked.
    validated : bool
        Whether a checksum or a full syntax check confirms it; otherwise it is to be reviewed.
    """

    kind: str
    masked: str
    validated: bool


@dataclass(frozen=True)
class Detectors:
    """Detectors set up for one account."""

    customer_patterns: tuple[str, ...] = ()
    own_accounts: tuple[str, ...] = ()
    phone_region: str | None = None

    def hits(self, text: str) -> list[Hit]:
        """Return what identifies a person in a text, in the order of the text."""
        return []
