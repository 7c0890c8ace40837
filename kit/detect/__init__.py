"""Detectors of secrets and of identifying data in free text."""
