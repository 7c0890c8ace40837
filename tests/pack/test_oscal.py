"""OSCAL assessment results: NIST's schema accepts them, another reader reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mistune
import pytest
from nbformat.v4 import new_notebook

from kit.catalogue.frameworks import frameworks, mapped, related
from kit.controls import CONTROLS, ROLL_UPS, SECTIONS
from kit.pack.by_control import by_control
from kit.pack.document import Document, document
from kit.pack.oscal import RESULTS, oscal
from kit.pack.oscal_words import NAMESPACE, VERSION
from kit.parameters import Profile, load_profile
from kit.visible import escape
from tests.pack.conftest import cover, evidence_index, shown
from tests.pack.samples import MARKS, STAMP, TEXTS, record, sample
from tests.pack.schemas import errors, oscal_schema

OBJECTIVE = "assessment-objective"
EVERY = {**CONTROLS, **ROLL_UPS}


@pytest.fixture(scope="module")
def made() -> Document:
    return document(new_notebook(cells=[shown(cover()), shown(evidence_index(4))]))


def written(made: Document, data: Any) -> dict[str, bytes]:
    """The documents by name."""
    documents = oscal(made, by_control(data), {"profile": load_profile("strict").model_dump()})
    return {name: b"".join(content) for name, content in documents}


@pytest.fixture(scope="module")
def results(made: Document) -> Any:
    return json.loads(written(made, sample())[RESULTS])["assessment-results"]


@pytest.fixture(scope="module")
def catalog(made: Document) -> Any:
    return json.loads(written(made, sample())["oscal-catalog.json"])["catalog"]


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in JSON, the outer ones first."""
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from parts(part)
    elif isinstance(value, list):
        for part in value:
            yield from parts(part)


def reported(part: dict[str, Any], name: str) -> list[str]:
    """Values of a property of ours."""
    props = part.get("props", [])
    return [p["value"] for p in props if p.get("ns") == NAMESPACE and p["name"] == name]


def test_nists_schema_accepts_it(results: Any) -> None:
    schema = oscal_schema()
    assert f"/{VERSION}/" in schema["$id"]
    assert errors(schema, {"assessment-results": results}) == []
    assert errors(schema, {"assessment-results": results | {"uuid": "no"}}) != []


def test_another_reader_reads_it(made: Document, tmp_path: Path) -> None:
    from trestle.oscal.assessment_results import AssessmentResults

    (tmp_path / "results.json").write_bytes(written(made, sample())[RESULTS])
    read = AssessmentResults.oscal_read(tmp_path / "results.json")
    assert read.metadata.oscal_version.root.root == VERSION
    (result,) = read.results
    leaves = [record for record in sample()["records"] if record["resource"] != "roll-up"]
    assert len(result.observations) == len(leaves)
    assert result.start.isoformat() == "2026-11-24T10:00:00+00:00"
    assert result.end.isoformat() == "2026-11-24T10:03:20+00:00"


def test_everything_that_is_named_is_there_once(results: Any, catalog: Any) -> None:
    defined = [part["uuid"] for part in parts(results) if "uuid" in part]
    assert len(set(defined)) == len(defined)
    named = {
        value
        for part in parts(results)
        for name, value in part.items()
        if name.endswith("-uuid") and isinstance(value, str)
    }
    assert named <= set(defined)
    objectives = {part["id"] for part in parts(catalog) if part.get("name") == OBJECTIVE}
    assert {one["target"]["target-id"] for one in results["results"][0]["findings"]} <= objectives


def test_names_without_our_namespace_are_oscals(results: Any) -> None:
    names = {
        prop["name"]
        for part in parts(results)
        for prop in part.get("props", [])
        if "ns" not in prop
    }
    assert names == {"marking", "version", "asset-id", "type", "accepted"}


def test_it_says_what_it_is_of(results: Any) -> None:
    props = results["metadata"]["props"]
    assert [p["value"] for p in props if p["name"] == "marking"] == [STAMP, *MARKS]
    assert reported(results["metadata"], "account") == ["012345678901"]
    assert reported(results["metadata"], "findings-sha-256") == ["f1" * 32]


@pytest.mark.parametrize(
    ("statuses", "status", "state", "reason"),
    [
        (["pass", "pass"], "pass", "satisfied", "pass"),
        (["pass", "attested"], "attested", "satisfied", "other"),
        (["not applicable"], "not applicable", "satisfied", "other"),
        (["pass", "accepted"], "accepted", "not-satisfied", "fail"),
        (["accepted", "not evidenced"], "not evidenced", "not-satisfied", "other"),
        (["not evidenced", "fail", "pass"], "fail", "not-satisfied", "fail"),
    ],
)
def test_a_control_is_satisfied_unless_it_is_open(
    made: Document, statuses: list[str], status: str, state: str, reason: str
) -> None:
    records = [record("AR-05", each, resource=f"bucket-{n}") for n, each in enumerate(statuses)]
    data = sample() | {"records": records}
    (result,) = json.loads(written(made, data)[RESULTS])["assessment-results"]["results"]
    (finding,) = result["findings"]
    assert reported(finding, "status") == [status]
    assert finding["target"]["status"]["state"] == state
    assert finding["target"]["status"]["reason"] == reason
    assert ("remarks" in finding["target"]["status"]) == (status not in ("pass", "fail"))
    assert len(finding["related-observations"]) == len(statuses)
    assert ("related-risks" in finding) == bool({"fail", "accepted"} & set(statuses))


def test_fails_are_open_risks_and_waivers_accept_some(results: Any) -> None:
    (result,) = results["results"]
    mine = [risk for risk in result["risks"] if risk["title"].startswith("AR-05")]
    failing, accepted = mine
    assert (failing["status"], len(failing["related-observations"])) == ("open", 2)
    assert failing["characterizations"][0]["facets"][0]["value"] == "high"
    assert failing["remediations"][0]["lifecycle"] == "recommendation"
    assert "aws s3api put-bucket-encryption" in failing["remediations"][0]["remarks"]
    assert (accepted["status"], accepted["deadline"]) == (
        "deviation-approved",
        "2027-03-31T23:59:59Z",
    )
    assert accepted["props"] == [{"name": "accepted", "value": "true"}]
    (response,) = accepted["remediations"]
    assert response["props"] == [{"name": "type", "value": "accept"}]
    assert "Jo Doe" in response["description"]
    assert not [risk for risk in result["risks"] if "ID-03" in risk["title"]]


def test_an_observation_leads_to_its_evidence(results: Any) -> None:
    (result,) = results["results"]
    by_title = {one["title"]: one for one in result["observations"]}
    seen = by_title["AR-05: bucket-bbbbbbbbbb"]
    assert [part.get("href") for part in seen["relevant-evidence"]] == [
        "evidence/E0001.json",
        "evidence/E0002.json",
    ]
    assert seen["relevant-evidence"][0]["description"] == "Answer E0001: /Buckets/0"
    assert [reported(part, "collected") for part in seen["relevant-evidence"]] == [
        ["2026-11-24T10:01:00Z"],
        ["2026-11-24T10:02:00Z"],
    ]
    assert seen["collected"] == "2026-11-24T10:02:00Z"  # of the later of its two requests
    assert by_title["ID-03: any user"]["collected"] == "2026-11-24T10:03:00Z"
    declared = next(one for title, one in by_title.items() if title.startswith("GV-01"))
    (part,) = declared["relevant-evidence"]
    assert part == {"description": r"Parameters of the run: /data\_role"}
    assert declared["collected"] == "2026-11-24T10:00:00Z"  # when collection began
    denied = by_title["ID-03: any user"]
    assert reported(denied, "permission") == ["iam:GetAccountAuthorizationDetails"]
    assert reported(denied, "status") == ["not evidenced"]


def test_subjects_are_what_is_there_by_label(results: Any) -> None:
    (result,) = results["results"]
    items = {item["uuid"]: item for item in result["local-definitions"]["inventory-items"]}
    (account,) = result["local-definitions"]["components"]
    subjects = {one["title"]: one["subjects"][0] for one in result["observations"]}
    item = items[subjects["AR-05: bucket-bbbbbbbbbb"]["subject-uuid"]]
    assert item["props"][0] == {"name": "asset-id", "value": "bucket-bbbbbbbbbb"}
    for title in ("ID-03: any user", "LG-03: no trail"):
        assert subjects[title] == {"subject-uuid": account["uuid"], "type": "component"}


def test_texts_are_no_markup(results: Any) -> None:
    (result,) = results["results"]
    shown_by_name = {
        one["title"].removeprefix("EX-04: stack-"): one["description"]
        for one in result["observations"]
        if one["title"].startswith("EX-04")
    }
    tokens = mistune.create_markdown(renderer="ast")
    for name, text in TEXTS.items():
        (paragraph,) = tokens(shown_by_name[name])
        kinds = {part["type"] for part in paragraph["children"]}
        assert kinds <= {"text", "softbreak", "linebreak"}, (name, kinds)
        read = "".join(part.get("raw", "\n") for part in paragraph["children"])
        wanted = re.sub(r"\s+", " ", escape(text)).strip()
        assert re.sub(r"\s+", " ", read).replace("&amp;", "&") == wanted, name


def test_subjects_keep_their_identifiers_and_documents_get_new_ones(
    made: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = written(made, sample())[RESULTS]
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    assert written(made, sample())[RESULTS] == first
    data = sample()
    data["facts"]["snapshot"] = "00" * 32
    other = json.loads(written(made, data)[RESULTS])["assessment-results"]
    own = json.loads(first)["assessment-results"]
    new = {"uuid"}  # of the document; and of its result
    for name in ("local-definitions", "observations", "risks", "findings", "attestations"):
        kept, again = (of["results"][0].get(name) for of in (own, other))
        assert {p["uuid"] for p in parts(kept) if "uuid" in p} == {
            p["uuid"] for p in parts(again) if "uuid" in p
        }, name
    assert own["results"][0]["uuid"] != other["results"][0]["uuid"]
    assert {name for name in own if own[name] != other[name]} == {*new, "metadata", "results"}


def test_what_is_attested_or_declared_was_examined_and_all_else_tested(results: Any) -> None:
    methods = {
        (reported(one, "status")[0], one["methods"][0])
        for one in results["results"][0]["observations"]
    }
    assert ("attested", "EXAMINE") in methods
    assert ("fail", "TEST") in methods
    assert ("attested", "TEST") not in methods


SAMPLE = (
    "a sample: the newest 100 events, 2026-11-22 08:00 to 2026-11-24 09:59 UTC; older ones were"
)


def test_a_roll_up_has_the_severity_of_what_made_it(results: Any) -> None:
    (finding,) = (
        one for one in results["results"][0]["findings"] if one["title"].startswith("AR-18")
    )
    assert finding["description"] == "fail (low), by AR-05: 2 of 4 findings"
    assert (reported(finding, "status"), reported(finding, "severity")) == (["fail"], ["low"])


def test_a_sample_is_called_one_before_what_was_observed(made: Document) -> None:
    part = f"{SAMPLE} not read"
    data = sample() | {"records": [record("IT-03", "attested", sample=part, reason="AWS's table")]}
    (result,) = json.loads(written(made, data)[RESULTS])["assessment-results"]["results"]
    (observation,) = result["observations"]
    assert observation["description"].startswith(f"A{part[1:]}. AWS's table. Default")
    assert result["findings"][0]["description"] == "Findings: 1 attested (sample)."


# --- catalog, profile and plan --------------------------------------------------------------


@pytest.fixture
def folder(made: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The documents side by side; trestle takes relative addresses from the working folder."""
    for name, content in written(made, sample()).items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / ".trestle").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_document_leads_to_the_next_down_to_the_catalog(folder: Path) -> None:
    from trestle.oscal.assessment_plan import AssessmentPlan
    from trestle.oscal.assessment_results import AssessmentResults
    from trestle.oscal.catalog import Catalog
    from trestle.oscal.profile import Profile as Selection

    read = AssessmentResults.oscal_read(folder / RESULTS)
    plan = AssessmentPlan.oscal_read(folder / read.import_ap.href)
    (resource,) = plan.back_matter.resources
    assert plan.import_ssp.href == f"#{resource.uuid}"
    assert "No system security plan of the account exists" in resource.description
    selection = Selection.oscal_read(folder / resource.rlinks[0].href)
    (imported,) = selection.imports
    assert Catalog.oscal_read(folder / imported.href).metadata.version == "0.1.0"


def test_the_profile_resolves_to_what_the_run_selected_with_its_thresholds(folder: Path) -> None:
    from trestle.core.control_interface import ParameterRep
    from trestle.core.profile_resolver import ProfileResolver
    from trestle.oscal.assessment_plan import AssessmentPlan
    from trestle.oscal.assessment_results import AssessmentResults

    resolved = ProfileResolver.get_resolved_profile_catalog(
        folder, "oscal-profile.json", param_rep=ParameterRep.VALUE_OR_LABEL_OR_CHOICES
    )
    controls = {one.id: one for group in resolved.groups for one in group.controls}
    selected = {one["control"] for one in sample()["records"]}
    assert controls.keys() == selected
    read = AssessmentResults.oscal_read(folder / RESULTS)
    plan = AssessmentPlan.oscal_read(folder / read.import_ap.href)
    for reviewed in (plan.reviewed_controls, read.results[0].reviewed_controls):
        (chosen,) = reviewed.control_selections
        assert {one.control_id for one in chosen.include_controls} == selected
    (method,) = (part for part in controls["ID-04"].parts if part.name == "assessment-method")
    assert method.prose.endswith(r"user\_pool\_forbidden: true")  # false in the default profile


def test_a_threshold_of_the_run_replaces_the_catalogs(made: Document, catalog: Any) -> None:
    usual = {
        part["id"]: part["values"] for part in parts(catalog) if "label" in part and "id" in part
    }
    assert usual.keys() == {
        f"{one.id}_{name}"
        for one in CONTROLS.values()
        for name in one.thresholds
        if name in Profile.model_fields
    }
    data = sample() | {"records": [record("ID-04", "pass")]}
    profile = json.loads(written(made, data)["oscal-profile.json"])["profile"]
    own = {one["param-id"]: one["values"] for one in profile["modify"]["set-parameters"]}
    assert own == {"ID-04_user_pool_forbidden": ["true"]}
    assert usual["ID-04_user_pool_forbidden"] == ["false"]
    data = sample() | {"records": [record("GV-01", "pass")]}  # no threshold decides it
    assert "modify" not in json.loads(written(made, data)["oscal-profile.json"])["profile"]


def test_the_catalog_has_every_control_in_its_section_with_what_it_expects(catalog: Any) -> None:
    assert [group["id"] for group in catalog["groups"]] == list(SECTIONS)
    found = {one["id"]: one for group in catalog["groups"] for one in group["controls"]}
    assert found.keys() == EVERY.keys()
    defined = [part["id"] for part in parts(catalog) if "id" in part]
    assert len(set(defined)) == len(defined)
    for name, control in CONTROLS.items():
        (expected,) = (part for part in found[name]["parts"] if part["name"] == OBJECTIVE)
        assert len(expected["parts"]) == len(control.clauses), name
        for clause, part in zip(control.clauses, expected["parts"], strict=True):
            assert plain_text(part["prose"]) == plain_text(escape(clause.expected)), name


def plain_text(text: str) -> str:
    return re.sub(r"\\(?=[^a-zA-Z0-9\s])|\s+", "", text)


def test_the_catalog_names_the_requirements_of_every_framework(catalog: Any) -> None:
    resources = {one["uuid"]: one for one in catalog["back-matter"]["resources"]}
    assert len(resources) == len(frameworks())
    for group in catalog["groups"]:
        for one in group["controls"]:
            own = {
                (p["class"], p["name"], p["value"].partition(" (")[0])
                for p in one["props"]
                if "class" in p
            }
            assert own == {
                (id, name, number)
                for id in frameworks()
                for name, some in (
                    ("requirement", mapped(id, one["id"])),
                    ("related-requirement", related(id, one["id"])),
                )
                for number in some
            }
            for link in one["links"]:
                target = link["href"].removeprefix("#")
                assert target in (resources if link["rel"] == "reference" else CONTROLS)


def test_the_catalog_changes_with_the_controls_and_not_from_run_to_run(
    made: Document, catalog: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = sample()
    data["facts"] |= {"snapshot": "00" * 32, "as_of": "2026-12-01T10:00:00+00:00"}
    later = {
        name: next(iter(json.loads(content).values()))
        for name, content in written(made, data).items()
    }
    own = {
        name: next(iter(json.loads(content).values()))
        for name, content in written(made, sample()).items()
    }
    assert {n for n in own if own[n]["uuid"] == later[n]["uuid"]} == {"oscal-catalog.json"}
    assert {n for n in catalog if catalog[n] != later["oscal-catalog.json"][n]} == {"metadata"}
    monkeypatch.delitem(CONTROLS, "AR-05")
    data["records"] = [one for one in data["records"] if one["control"] != "AR-05"]
    fewer = json.loads(written(made, data)["oscal-catalog.json"])["catalog"]
    assert fewer["uuid"] != catalog["uuid"]
