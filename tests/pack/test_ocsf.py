"""OCSF Compliance Findings: the schema accepts them, the models read them back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_markdown_cell, new_notebook
from py_ocsf_models import OCSF_VERSION
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding

from kit.catalogue.statuses import WORST_FIRST
from kit.controls import CONTROLS
from kit.pack.by_control import by_control
from kit.pack.document import Document, document
from kit.pack.ocsf import CHECK_STATUS, ocsf
from kit.pack.oscal import RESULTS, oscal
from kit.pack.oscal_words import NAMESPACE, VERSION
from kit.parameters import load_profile
from kit.report.views import Controls
from tests.pack.conftest import control, cover, evidence_index, shown
from tests.pack.samples import MARKS, STAMP, TEXTS, record, sample
from tests.pack.schemas import errors, ocsf_schema


@pytest.fixture(scope="module")
def made() -> Document:
    cells = [
        shown(cover()),
        new_markdown_cell("## Controls"),
        shown(Controls([control("AR-05", "fail", [])])),
    ]
    return document(new_notebook(cells=cells))


@pytest.fixture(scope="module")
def events(made: Document) -> Any:
    return json.loads(b"".join(ocsf(made, by_control(sample()))))


def event(made: Document, status: str, **fields: Any) -> Any:
    data = sample() | {"records": [record("AR-05", status, **fields)]}
    (only,) = json.loads(b"".join(ocsf(made, by_control(data))))
    return only


def test_the_schema_accepts_them(events: Any) -> None:
    assert errors(ocsf_schema(), events) == []
    assert errors(ocsf_schema(), [events[0] | {"severity_id": 7}]) != []
    assert errors(ocsf_schema(), [events[0] | {"own": 1}]) != []


def test_the_lines_are_the_events_of_the_array(made: Document, events: Any) -> None:
    written = b"".join(ocsf(made, by_control(sample()), lines=True)).decode()
    assert [json.loads(line) for line in written.splitlines()] == events


def test_what_is_open_was_first_seen_in_the_pack_since_which_it_is_open(made: Document) -> None:
    since = "2026-08-01T09:00:00+00:00"
    seen = event(made, "fail", since=since)
    assert errors(ocsf_schema(), [seen]) == []
    assert seen["finding_info"]["first_seen_time"] == 1_785_574_800_000
    assert "first_seen_time" not in event(made, "fail")["finding_info"]


@pytest.mark.parametrize(
    ("control", "resource", "kind", "uid"),
    [
        ("AR-03", "fleet-aaaaaaaaaa", "AWS::AppStream::Fleet", "fleet-aaaaaaaaaa"),
        (
            "AR-03",
            "Design",
            "AWS::AppStream::Fleet",
            "arn:aws:appstream:eu-west-1:012345678901:fleet/Design",
        ),
        ("AR-05", "appstream-logs-x", "AWS::S3::Bucket", "arn:aws:s3:::appstream-logs-x"),
        ("AR-05", "bucket-aaaaaaaaaa", "AWS::S3::Bucket", "bucket-aaaaaaaaaa"),
        ("EX-04", "stack-aaaaaaaaaa, ONE_DRIVE", "AWS::AppStream::Stack", None),
        ("EX-05", "image-aaaaaaaaaa", "private image", None),
        ("MD-01", "image-builder-aaaaaaaaaa", "AWS::AppStream::ImageBuilder", None),
        ("MD-01", "image-aaaaaaaaaa", "named resource", None),
    ],
)
def test_a_resource_has_cloudformations_type_and_its_arn_or_label(
    made: Document, control: str, resource: str, kind: str, uid: str | None
) -> None:
    data = sample() | {"records": [record(control, "fail", resource=resource)]}
    (only,) = json.loads(b"".join(ocsf(made, by_control(data))))
    (seen,) = only["resources"]
    assert (seen["type"], seen["uid"], seen["name"]) == (kind, uid or resource, resource)


def test_the_models_read_back_what_is_written(events: Any) -> None:
    beyond = {"cloud": None, "compliance": {"status": None}}  # OCSF has them, the models do not
    for one in events:
        read = ComplianceFinding.model_validate(one).model_dump(mode="json", exclude_none=True)
        for name, part in beyond.items():
            if part is None:
                read[name] = one[name]
            else:
                read[name] |= {key: one[name][key] for key in part}
        assert read == one


def test_each_finding_of_a_control_is_an_event(events: Any) -> None:
    leaves = [record for record in sample()["records"] if record["resource"] != "roll-up"]
    assert sorted(one["metadata"]["event_code"] for one in events) == sorted(
        record["control"] for record in leaves
    )
    assert {(one["class_uid"], one["type_uid"], one["activity_id"]) for one in events} == {
        (2003, 200301, 1)
    }
    assert {one["metadata"]["version"] for one in events} == {OCSF_VERSION, "1.5.0"}
    assert {one["time"] for one in events} == {1795514400000}


@pytest.mark.parametrize(
    ("status", "check", "word", "severity", "finding"),
    [
        ("pass", 1, "Pass", 1, (1, "New")),
        ("fail", 3, "Fail", 4, (1, "New")),
        ("not evidenced", 2, "Warning", 4, (1, "New")),
        ("accepted", 3, "Fail", 4, (99, "accepted")),
        ("attested", 99, "attested", 1, (1, "New")),
        ("not applicable", 99, "not applicable", 1, (1, "New")),
    ],
)
def test_statuses_are_reported_in_ocsfs_words_and_in_ours(
    made: Document, status: str, check: int, word: str, severity: int, finding: tuple[int, str]
) -> None:
    one = event(made, status)
    assert (one["compliance"]["status_id"], one["compliance"]["status"]) == (check, word)
    assert one["severity_id"] == severity
    assert (one["status_id"], one["status"]) == finding
    assert one["status_code"] == one["unmapped"]["status"] == status
    assert set(CHECK_STATUS) == set(WORST_FIRST)


@pytest.mark.parametrize(("word", "number"), [("high", 4), ("medium", 3), ("low", 2)])
def test_severities_are_numbered(made: Document, word: str, number: int) -> None:
    one = event(made, "fail", severity=word)
    assert (one["severity_id"], one["severity"]) == (number, word.capitalize())


def test_an_event_names_cloud_control_resource_and_evidence(made: Document) -> None:
    one = event(made, "fail", reason="because")
    assert one["cloud"] == {
        "provider": "AWS",
        "region": "eu-west-1",
        "account": {
            "uid": "012345678901",
            "name": "012345678901",
            "type": "AWS Account",
            "type_id": 10,
        },
    }
    assert one["compliance"]["control"].startswith("AR-05: ")
    assert one["compliance"]["standards"][0] == "Regulation (EU) 2016/679 (GDPR)"
    stated = one["compliance"]["requirements"]
    articles = [f"GDPR Article {article}" for article in CONTROLS["AR-05"].gdpr]
    assert stated[: len(articles)] == articles
    assert "ISO 27001 8.24" in stated[len(articles) :]
    (resource,) = one["resources"]
    assert (resource["uid"], resource["type"]) == ("bucket-aaaaaaaaaa", "AWS::S3::Bucket")
    assert one["finding_info"]["data_sources"] == ["evidence/E0001.json", "evidence/E0002.json"]
    assert one["unmapped"]["evidence"] == ["E0001#/Buckets/0", "E0002"]
    assert one["metadata"]["labels"] == [STAMP, *MARKS]


def test_what_is_global_or_not_there_is_the_accounts(events: Any) -> None:
    by_control = {one["metadata"]["event_code"]: one for one in events}
    assert "region" not in by_control["ID-03"]["cloud"]
    assert by_control["ID-03"]["resources"] == [{"uid": "012345678901", "type": "account"}]
    assert by_control["LG-03"]["resources"] == [{"uid": "012345678901", "type": "account"}]


def test_what_is_open_states_the_way_out(made: Document, events: Any) -> None:
    fail = event(made, "fail")["remediation"]
    assert fail["desc"].startswith(CONTROLS["AR-05"].remedy().brief)
    assert "aws s3api put-bucket-encryption" in fail["desc"]
    assert fail["references"] == ["evidence.html#control-ar-05"]
    denied = next(one for one in events if one["metadata"]["event_code"] == "ID-03")
    assert denied["remediation"] == {
        "desc": "grant iam:GetAccountAuthorizationDetails to the collector"
    }
    assert "remediation" not in event(made, "pass")


def test_hostile_texts_stay_texts(events: Any) -> None:
    found = {one["resources"][0]["uid"]: one["finding_info"].get("desc") for one in events}
    for name, text in TEXTS.items():
        assert found[f"stack-{name}"] == text, name


def test_identifiers_last_and_lead_to_oscals_observations(made: Document) -> None:
    later = sample()
    later["facts"] |= {"snapshot": "00" * 32, "as_of": "2027-02-24T10:00:00+00:00"}
    first, second = (
        json.loads(b"".join(ocsf(made, by_control(data)))) for data in (sample(), later)
    )
    lasting = [[one["finding_info"]["uid"] for one in events] for events in (first, second)]
    assert lasting[0] == lasting[1]
    assert len(set(lasting[0])) == len(first)
    own = {one["metadata"]["uid"] for one in first}
    assert not own & {one["metadata"]["uid"] for one in second}
    indexed = document(new_notebook(cells=[shown(cover()), shown(evidence_index(4))]))
    documents = dict(
        oscal(indexed, by_control(sample()), {"profile": load_profile("default").model_dump()})
    )
    (result,) = json.loads(b"".join(documents[RESULTS]))["assessment-results"]["results"]
    assert set(lasting[0]) == {one["uuid"] for one in result["observations"]}


def test_findings_with_the_same_members_have_identifiers_of_their_own(made: Document) -> None:
    twice = [record("AR-05", "not evidenced", resource="any bucket", code=c) for c in "AB"]
    events = json.loads(b"".join(ocsf(made, by_control(sample() | {"records": twice}))))
    assert len({one["finding_info"]["uid"] for one in events}) == 2


def test_the_same_input_gives_the_same_bytes(
    made: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = b"".join(ocsf(made, by_control(sample())))
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    assert b"".join(ocsf(made, by_control(sample()))) == first
    lines = [
        json.dumps(one, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        for one in json.loads(first)
    ]
    assert first.decode() == "[" + ",\n".join(lines) + "]\n"


def test_the_docs_state_versions_namespace_and_statuses() -> None:
    reported = (Path(__file__).parents[2] / "docs" / "machine-forms.md").read_text()
    assert f"OSCAL {VERSION} " in reported
    assert f"OCSF {OCSF_VERSION}," in reported
    assert f"`{NAMESPACE}`" in reported
    for status, (caption, number) in CHECK_STATUS.items():
        (row,) = (line for line in reported.splitlines() if line.startswith(f"| {status} |"))
        assert f"| {number} {caption}" in row


@pytest.mark.parametrize(
    ("status", "fields", "detail"),
    [
        ("attested", {"reason": "AWS's table"}, ". AWS's table"),
        ("pass", {}, ""),
        ("fail", {}, ""),
        ("accepted", {"reason": "until spring"}, ". until spring"),
    ],
)
def test_a_sample_is_the_first_thing_of_the_detail(
    made: Document, status: str, fields: dict[str, str], detail: str
) -> None:
    part = "a sample: the newest 100 events; older ones were not read"
    assert event(made, status, sample=part, **fields)["status_detail"] == f"A{part[1:]}{detail}"


def test_after_a_sample_comes_why_evidence_is_missing(made: Document) -> None:
    part, hint = "a sample: the newest 2 events; older ones were not read", "no event of others"
    one = event(made, "not evidenced", sample=part, hint=hint, reason="no event seen")
    assert one["status_detail"] == (
        "A sample: the newest 2 events; older ones were not read. no event seen, no event of others"
    )
