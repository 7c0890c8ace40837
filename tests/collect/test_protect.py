"""Nothing secret is stored: members, documents, texts, tags."""

from __future__ import annotations

import datetime as dt
import json

from kit import calls
from kit.redact.protect import protect


def test_declared_members_become_typed_tokens() -> None:
    devices = [{"SerialNumber": "arn:aws:iam::1:mfa/a", "Base32StringSeed": b"JBSWY3DP"}]
    stored = protect(calls.LIST_VIRTUAL_MFA_DEVICES, {"VirtualMFADevices": devices})
    assert stored["VirtualMFADevices"][0]["Base32StringSeed"] == "⟦secret: Base32StringSeed⟧"


def test_documents_are_cut_to_what_evidence_needs() -> None:
    event = {
        "eventName": "CreateStreamingURL",
        "requestParameters": {"userId": "jane.doe"},
        "userIdentity": {"type": "IAMUser", "accessKeyId": "AKIAIOSFODNN7EXAMPLE"},
        "tlsDetails": {"tlsVersion": "TLSv1.3"},
    }
    events = [{"EventName": "x", "CloudTrailEvent": json.dumps(event)}]
    stored = protect(calls.LOOKUP_EVENTS, {"Events": events})["Events"][0]
    assert json.loads(stored["CloudTrailEvent"]) == {
        "eventName": "CreateStreamingURL",
        "tlsDetails": {"tlsVersion": "TLSv1.3"},
        "userIdentity": {"type": "IAMUser"},
    }


def test_a_document_that_is_none_is_not_stored() -> None:
    events = [{"CloudTrailEvent": "password=hunter2, no JSON"}]
    stored = protect(calls.LOOKUP_EVENTS, {"Events": events})["Events"][0]
    assert stored["CloudTrailEvent"] == "⟦secret: unreadable document⟧"


def test_the_value_of_a_tag_is_judged_by_its_key() -> None:
    pairs = [{"Key": "LocalAdminPassword", "Value": "Chestnut-Harbour-91"}]
    stored = protect(calls.GET_BUCKET_TAGGING, {"TagSet": pairs})
    assert "Chestnut" not in json.dumps(stored)
    maps = protect(calls.LIST_TAGS_FOR_RESOURCE, {"Tags": {"db_password": "Chestnut-Harbour-91"}})
    assert "Chestnut" not in json.dumps(maps)
    harmless = protect(calls.LIST_TAGS_FOR_RESOURCE, {"Tags": {"CostCentre": "4711"}})
    assert harmless == {"Tags": {"CostCentre": "4711"}}


def test_secrets_in_urls_are_masked_and_the_rest_stays() -> None:
    stack = {"Name": "s", "RedirectURL": "https://a:b@host.example/p?token=abcdef123456&lang=de"}
    stored = protect(calls.DESCRIBE_STACKS, {"Stacks": [stack]})["Stacks"][0]["RedirectURL"]
    assert "a:b" not in stored
    assert "abcdef123456" not in stored
    assert stored.startswith("https://")
    assert "host.example/p" in stored
    assert "lang=de" in stored


def test_times_and_large_numbers_become_plain_json() -> None:
    answer = {"at": dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "bytes": 2**60, "few": 3, "on": True}
    assert protect(calls.DESCRIBE_STACKS, answer) == {
        "at": "2026-01-02T00:00:00+00:00",
        "bytes": str(2**60),
        "few": 3,
        "on": True,
    }
