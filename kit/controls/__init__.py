"""Controls, a module for each section of AWS's page, and the evaluator."""

from kit.controls import (
    at_rest,
    at_rest_buckets,
    at_rest_keys,
    at_rest_sources,
    discovery,
    exposure,
    exposure_images,
    governance,
    grants,
    identity,
    in_transit,
    logging,
    metadata,
)
from kit.controls.evaluate import calls_of, evaluate, needed_calls, select
from kit.controls.registry import CONTROLS, ROLL_UPS, SECTIONS, describe, find

__all__ = [
    "CONTROLS",
    "ROLL_UPS",
    "SECTIONS",
    "at_rest",
    "at_rest_buckets",
    "at_rest_keys",
    "at_rest_sources",
    "calls_of",
    "describe",
    "discovery",
    "evaluate",
    "exposure",
    "exposure_images",
    "find",
    "governance",
    "grants",
    "identity",
    "in_transit",
    "logging",
    "metadata",
    "needed_calls",
    "select",
]
