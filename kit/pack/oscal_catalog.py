"""The controls as an OSCAL catalog: what each asserts and expects, and which requirements it tests.

The catalog is the kit's own: every pack of the same version and language holds the same
catalog, whatever the run selected.
"""

from __future__ import annotations

from typing import Any

from kit.canonical import canonical_json
from kit.catalogue.frameworks import GDPR, Framework, frameworks, mapped, related
from kit.catalogue.texts import text
from kit.controls import CONTROLS, ROLL_UPS, SECTIONS, section_title
from kit.controls.articles import cited
from kit.controls.registry import AWS, OWN_SECTION, Control, RollUp
from kit.judge.digest import identifier
from kit.pack.oscal_words import NAMESPACE, document_metadata, filled, line, plain, props, prose
from kit.parameters import Profile, load_profile
from kit.report.records import Facts
from kit.report.views import JSON

FILE = "oscal-catalog.json"


def catalog(facts: Facts) -> JSON:
    """Return the catalog.

    Parameters
    ----------
    facts : dict
        Of the findings: version of the kit, and the time that the document is stored with.

    Returns
    -------
    dict
        Its UUID is made from its content, so that it changes when a control does and not from run
        to run. Groups are sections. A threshold of the profile is a parameter of each control that
        it decides, with the value of the default profile.

    References
    ----------
    NIST, OSCAL, "Identifier Use": a document gets a new UUID when its content changes.
    """
    every: dict[str, Control | RollUp] = {**CONTROLS, **ROLL_UPS}
    usual = load_profile("default")
    content: dict[str, Any] = {
        "groups": [
            {
                "id": letters,
                "title": line(section_title(letters)),
                "controls": [
                    _control(control, usual)
                    for _, control in sorted(every.items())
                    if control.section == letters
                ],
            }
            for letters in (*SECTIONS, OWN_SECTION)
            if letters in {control.section for control in every.values()}
        ],
        "back-matter": {
            "resources": [_resource(id, framework) for id, framework in frameworks().items()]
        },
    }
    digest = canonical_json({"kit": facts["kit"], **content}).decode()
    are_own = all(control.section == OWN_SECTION for control in every.values())
    title = text("pack/own/controls" if are_own else "pack/oscal/catalog")
    metadata = document_metadata(title, facts, facts["kit"])
    return {"uuid": identifier("catalog", digest), "metadata": metadata, **content}


def objective(control: str) -> str:
    """Return the id of a control's assessment objective."""
    return f"{control}_obj"


def thresholds(control: Control | RollUp) -> dict[str, str]:
    """Return the parameters of a control, and the threshold of the profile that each is."""
    named = control.thresholds if isinstance(control, Control) else ()
    return {f"{control.id}_{name}": name for name in named if name in Profile.model_fields}


def values(threshold: Any) -> list[str]:
    """Return a threshold's value as OSCAL's parameters have it, which allow no empty list."""
    if isinstance(threshold, bool):
        return ["true" if threshold else "false"]
    given = threshold if isinstance(threshold, list | tuple) else [threshold]
    return [plain(value) for value in given] or ["none"]


def _control(control: Control | RollUp, usual: Profile) -> JSON:
    own = {"responsibility": control.responsibility}
    if isinstance(control, Control):
        own |= {"severity": control.severity, "scope": control.scope.value}
        expected = [clause.expected for clause in control.clauses]
        calls = ", ".join(sorted(call.name for call in control.calls))
        method = text("pack/oscal/method", calls=calls) if calls else text("pack/oscal/declared")
        under: list[str] = []
    else:
        under = sorted(leaf.id for leaf in CONTROLS.values() if control.over(leaf))
        expected, method = [control.title], text("pack/oscal/roll_up", controls=", ".join(under))
    limits = "; ".join(
        f"{prose(name)}: {{{{ insert: param, {id} }}}}" for id, name in thresholds(control).items()
    )
    examined = control.responsibility == AWS or method == text("pack/oscal/declared")
    made = {
        "id": control.id,
        "title": line(control.title),
        "params": [
            {
                "id": id,
                "label": line(Profile.model_fields[name].description or name),
                "values": values(getattr(usual, name)),
            }
            for id, name in thresholds(control).items()
        ],
        "props": [*props(own), *_requirements(control)],
        "links": [
            *(
                {"href": f"#{_source(id)}", "rel": "reference"}
                for id in frameworks()
                if mapped(id, control.id) or related(id, control.id)
            ),
            *({"href": f"#{name}", "rel": "related"} for name in under),
        ],
        "parts": [
            {"id": f"{control.id}_smt", "name": "statement", "prose": prose(control.title)},
            {
                "id": objective(control.id),
                "name": "assessment-objective",
                "prose": prose(control.title),
                "parts": [
                    {
                        "id": f"{objective(control.id)}.{n}",
                        "name": "assessment-objective",
                        "prose": prose(each),
                    }
                    for n, each in enumerate(expected, 1)
                ],
            },
            {
                "id": f"{control.id}_mth",
                "name": "assessment-method",
                "props": props({"method": "EXAMINE" if examined else "TEST"}),
                "prose": prose(method)
                + (f" {prose(text('pack/oscal/limits'))} {limits}" * bool(limits)),
            },
        ],
    }
    return filled(made)


def _requirements(control: Control | RollUp) -> list[JSON]:
    """Return what a control tests of each framework, and what only concerns it, with reasons."""
    properties = []
    for id in frameworks():
        for name, reasons in (
            ("requirement", mapped(id, control.id)),
            ("related-requirement", related(id, control.id)),
        ):
            mapped_reasons = cited(reasons, "") if id == GDPR else reasons
            for number, reason in mapped_reasons.items():
                requirement = {"name": name, "ns": NAMESPACE, "class": id, "value": plain(number)}
                properties.append(
                    requirement | ({"remarks": prose(text(reason))} if reason else {})
                )
    return properties


def _resource(id: str, framework: Framework) -> JSON:
    return {
        "uuid": _source(id),
        "title": line(framework.title),
        "description": prose(text("pack/oscal/framework", id=id)),
        "rlinks": [{"href": framework.address, "media-type": "text/html"}],
    }


def _source(framework: str) -> str:
    return identifier("framework", framework)
