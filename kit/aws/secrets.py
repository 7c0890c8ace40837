"""Secrets in free text: found before storing, and replaced by a token that names their kind."""

from __future__ import annotations


def mask_secrets(text: str) -> str:
    """Return the text with each secret replaced by ``⟦secret: kind⟧``."""
    return text
