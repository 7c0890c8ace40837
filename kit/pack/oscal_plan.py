"""What a run was to assess: an OSCAL profile over the catalog, and the assessment plan."""

from __future__ import annotations

from kit.catalogue.texts import text
from kit.pack import oscal_catalog
from kit.pack.oscal_catalog import thresholds, values
from kit.pack.oscal_result import Result
from kit.pack.oscal_words import document_metadata, line, prose
from kit.report.views import JSON

PROFILE, PLAN = "oscal-profile.json", "oscal-assessment-plan.json"


def profile(result: Result, limits: JSON) -> JSON:
    """Return the profile: the controls that the run selected, with the thresholds it was given.

    Parameters
    ----------
    result : Result
    limits : dict
        The run's profile of thresholds, by field.
    """
    controls = [entry.control for entry in result.judged]
    named = {id: name for control in controls for id, name in thresholds(control).items()}
    return {
        "uuid": result.uuid("profile"),
        "metadata": document_metadata(
            text("pack/oscal/profile", account=result.facts["account"], profile=limits["name"]),
            result.facts,
        ),
        "imports": [
            {
                "href": oscal_catalog.FILE,
                "include-controls": [{"with-ids": [control.id for control in controls]}],
            }
        ],
        "merge": {"as-is": True},
        **(
            {
                "modify": {
                    "set-parameters": [
                        {"param-id": id, "values": values(limits[name])}
                        for id, name in named.items()
                    ]
                }
            }
            if named
            else {}
        ),
    }


def plan(result: Result) -> JSON:
    """Return the assessment plan.

    A plan imports a system security plan. No such plan of the account exists, so the import leads
    to a resource that states this and that leads on to the profile.

    Parameters
    ----------
    result : Result
    """
    no_security_plan = result.uuid("security plan")
    return {
        "uuid": result.uuid("plan"),
        "metadata": document_metadata(
            text("pack/oscal/plan", account=result.facts["account"]), result.facts
        ),
        "import-ssp": {"href": f"#{no_security_plan}"},
        "local-definitions": {"components": [result.service()]},
        "reviewed-controls": result.reviewed_controls(),
        "assessment-subjects": [
            {
                "type": "component",
                "description": prose(text("pack/oscal/subject")),
                "include-subjects": [{"subject-uuid": result.account, "type": "component"}],
            }
        ],
        "assessment-assets": result.assets(),
        "back-matter": {
            "resources": [
                {
                    "uuid": no_security_plan,
                    "title": line(text("pack/oscal/baseline/title")),
                    "description": prose(text("pack/oscal/baseline/description")),
                    "rlinks": [{"href": PROFILE, "media-type": "application/json"}],
                }
            ]
        },
    }
