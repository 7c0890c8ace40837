"""The findings as OSCAL assessment results, NIST's form for tools that manage compliance.

The documents that OSCAL expects before this one (a plan, a system security plan, a catalogue)
do not exist here: the plan that it imports says so, and the controls are defined in it.
"""

from __future__ import annotations

import json

from kit.catalogue.texts import text
from kit.controls import source
from kit.controls.registry import Control
from kit.pack.by_control import Judged, by_control
from kit.pack.document import Document
from kit.pack.oscal_result import Result, method_of, objective
from kit.pack.oscal_words import NAMESPACE, line, plain, props, prose, time
from kit.report.formats import section_title
from kit.report.views import JSON

VERSION = "1.2.1"
_GDPR = "https://eur-lex.europa.eu/eli/reg/2016/679/oj"


def oscal(made: Document, data: JSON) -> bytes:
    """Return the findings as OSCAL assessment results (JSON).

    Parameters
    ----------
    made : Document
        Of the executed notebook; its cover gives title and marks.
    data : dict
        Its findings, as `kit.pack.document.findings_data` returns them.

    Returns
    -------
    bytes
        UTF-8, the same for the same input. Each finding is an observation with its evidence, each
        control a finding of OSCAL's, and what fails or is accepted a risk. Names of ours are
        properties in the namespace `kit.pack.oscal_words.NAMESPACE`.
    """
    judged = by_control(data)
    result = Result(data["facts"], judged)
    told = {
        "uuid": result.uuid("results"),
        "metadata": _metadata(made.cover, data["facts"]),
        "import-ap": {"href": f"#{result.uuid('plan')}"},
        "local-definitions": {"objectives-and-methods": [_objective(one) for one in judged]},
        "results": [result.as_json(made.cover["title"])],
        "back-matter": {"resources": _resources(result)},
    }
    made_of = json.dumps({"assessment-results": told}, ensure_ascii=False, separators=(",", ":"))
    return made_of.encode() + b"\n"


def _metadata(cover: JSON, facts: JSON) -> JSON:
    marks = [mark for mark in (cover["stamp"], *cover["marks"]) if mark]
    return {
        "title": line(f"{cover['title']}: {cover['subtitle']}"),
        "published": time(facts["as_of"]),
        "last-modified": time(facts["as_of"]),
        "version": facts["digest"][:16],
        "oscal-version": VERSION,
        "props": [
            *({"name": "marking", "value": plain(mark)} for mark in marks),
            *props({name: facts[name] for name in ("account", "kit", "botocore")}),
            *props({"snapshot-sha-256": facts["snapshot"], "findings-sha-256": facts["digest"]}),
        ],
    }


def _objective(one: Judged) -> JSON:
    """A control, as far as the assessment defines it: what it asserts, and how that is tested."""
    control = one.control
    told = {"section": section_title(control.section), "responsibility": control.responsibility}
    if isinstance(control, Control):
        told["severity"] = control.severity
        calls = ", ".join(sorted(call.name for call in control.calls)) or text("report/none")
        method = text("pack/oscal/method", calls=calls)
    else:
        method = text("pack/oscal/roll_up", controls=one.records[0]["evidence"])
    articles = [
        {"name": name, "ns": NAMESPACE, "value": article, "remarks": prose(reason)}
        for name, some in (("gdpr-article", one.articles), ("gdpr-context", one.context))
        for article, reason in some.items()
    ]
    return {
        "control-id": control.id,
        "description": prose(control.title),
        "props": [*props(told), *articles],
        "parts": [
            {
                "id": objective(control.id),
                "name": "assessment-objective",
                "prose": prose(one.records[0]["expected"] or control.title),
            },
            {
                "id": f"{control.id}_mth",
                "name": "assessment-method",
                "props": props({"method": method_of(one.records)}),
                "prose": prose(method),
            },
        ],
    }


def _resources(result: Result) -> list[JSON]:
    return [
        {
            "uuid": result.uuid("plan"),
            "title": text("pack/oscal/plan/title"),
            "description": text("pack/oscal/plan/description"),
            "rlinks": [{"href": "evidence.html", "media-type": "text/html"}],
        },
        {
            "uuid": result.uuid("source"),
            "title": source.title(),
            "description": text("pack/oscal/source"),
            "rlinks": [{"href": source.address(), "media-type": "text/html"}],
        },
        {
            "uuid": result.uuid("regulation"),
            "title": text("pack/oscal/regulation/title"),
            "description": text("pack/oscal/regulation/description"),
            "rlinks": [{"href": _GDPR, "media-type": "text/html"}],
        },
    ]
