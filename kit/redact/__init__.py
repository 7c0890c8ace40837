"""Redaction: secrets removed before an answer is stored, and names replaced by labels in a pack."""
