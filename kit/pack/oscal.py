"""The findings in OSCAL, NIST's form for tools that manage compliance.

Four documents that lead to each other: assessment results, the plan that they import, the profile
that selects controls and sets thresholds, and the catalog of all controls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from kit.pack import oscal_catalog, oscal_plan
from kit.pack.by_control import Results
from kit.pack.document import Document
from kit.pack.oscal_catalog import catalog
from kit.pack.oscal_result import Result
from kit.pack.oscal_words import document_metadata, plain, props
from kit.pack.pieces import json_pieces
from kit.report.records import Facts
from kit.report.views import JSON

RESULTS = "oscal-assessment-results.json"


def oscal(
    made: Document, results: Results, snapshot: JSON
) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the name and the content (JSON), in pieces, of each OSCAL document of a pack.

    Parameters
    ----------
    made : Document
        Of the executed notebook; its cover gives title and marks, its evidence index the time of
        each request.
    results : Results
        Its findings.
    snapshot : dict
        Facts of the snapshot, as `kit.report.show.manifest` shows them; the profile is among them.

    Yields
    ------
    str, iterator of bytes
        UTF-8, the same for the same input. In the results each finding is an observation with its
        evidence, each control a finding of OSCAL's, and what fails or is accepted a risk. Names of
        ours are properties in the namespace `kit.pack.oscal_words.NAMESPACE`.
    """
    facts = results.facts
    result = Result(facts, results.judged, _times(made))
    yield oscal_plan.PLAN, _written("assessment-plan", partial(oscal_plan.plan, result))
    yield RESULTS, _written("assessment-results", partial(_results, made, result))
    yield oscal_catalog.FILE, _written("catalog", partial(catalog, facts))
    profile = partial(oscal_plan.profile, result, snapshot["profile"])
    yield oscal_plan.PROFILE, _written("profile", profile)


def _results(made: Document, result: Result) -> JSON:
    return {
        "uuid": result.uuid("results"),
        "metadata": _metadata(made, result.facts),
        "import-ap": {"href": oscal_plan.PLAN},
        "results": [result.as_json(made.cover["title"])],
    }


def _written(kind: str, document: Callable[[], JSON]) -> Iterator[bytes]:
    """Yield the pieces of a document, which is made with the first of them."""
    yield from json_pieces({kind: document()})
    yield b"\n"


def _times(made: Document) -> dict[str, str]:
    """Return when the kit sent each request of the evidence index, by its id."""
    return {str(row["id"]): str(row["time"]) for row in made.cells("evidence")}


def _metadata(made: Document, facts: Facts) -> JSON:
    return {
        **document_metadata(f"{made.cover['title']}: {made.cover['subtitle']}", facts),
        "props": [
            *({"name": "marking", "value": plain(mark)} for mark in made.marks),
            *props({name: facts[name] for name in ("account", "kit", "botocore")}),
            *props({"snapshot-sha-256": facts["snapshot"], "findings-sha-256": facts["digest"]}),
        ],
    }
