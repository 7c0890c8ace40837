"""The official schemas of the pack's machine forms, as they lie in ``tests/data``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import FormatChecker, ValidationError, validators

DATA = Path(__file__).parent.parent / "data"
FORMATS = ("date-time", "uri", "uri-reference")


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """`pattern` where it names classes of Unicode, which Python's `re` spells otherwise."""
    spelt = pattern.replace(r"\p{L}", r"[^\W\d_]").replace(r"\p{N}", r"\d")
    if isinstance(instance, str) and not re.search(spelt, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def errors(schema: Any, instance: Any) -> list[str]:
    """What a schema finds wrong, with the path to it."""
    checker = FormatChecker(formats=FORMATS)
    assert set(FORMATS) <= checker.checkers.keys()
    validator = validators.extend(validators.validator_for(schema), {"pattern": _pattern})
    found = validator(schema, format_checker=checker).iter_errors(instance)
    return [f"{error.json_path}: {error.message[:300]}" for error in found]


def oscal_schema() -> Any:
    """NIST's schema of OSCAL assessment results."""
    return json.loads((DATA / "oscal" / "oscal_assessment-results_schema.json").read_text())


def ocsf_schema() -> Any:
    """A list of OCSF Compliance Findings with the profile cloud."""
    schema = json.loads((DATA / "ocsf" / "compliance_finding_schema.json").read_text())
    del schema["$id"]  # references are to the document that holds it here
    return {
        "$schema": schema["$schema"],
        "$defs": schema.pop("$defs") | {"event": schema},
        "type": "array",
        "items": {"$ref": "#/$defs/event"},
    }
