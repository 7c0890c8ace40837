"""Findings as the notebook gives them to machines: every status, roll-ups, hostile texts."""

from __future__ import annotations

from typing import Any

from kit.controls import CONTROLS
from kit.judge.digest import NOTHING, RESOURCE, ROLL_UP, UNLISTED
from kit.judge.findings import Finding
from kit.report.views import JSON

STAMP = "Made against a local sandbox, not AWS: no evidence of any account."
MARKS = ["Unsigned", "Personal data shown in clear"]
LONG = "A" * 10_000
HOSTILE = {
    "script": "<script>document.title='pwned'</script><img src=x onerror=document.title='pwned'>",
    "override": "invoice\u202egpj.exe",
    "controls": "nul\x00bell\x07",
    "typst": '#set text(red); #panic("ran") $x$ *b* @ref <label> \\u{41}',
    "jinja": "{{ 7 * 7 }}{% raw %}",
    "formula": "=cmd|'/C calc'!A0",
    "surrogate": "half\ud800",
    "long": LONG,
}
FACTS: JSON = {
    "account": "012345678901",
    "as_of": "2026-11-24T10:00:00+00:00",
    "ended": "2026-11-24T10:03:20.500000+00:00",
    "stamp": STAMP,
    "kit": "0.1.0",
    "botocore": "1.44.8",
    "snapshot": "5a" * 32,
    "digest": "f1" * 32,
    "label_key": "0f" * 8,
    "exit_code": 3,
    "data_role": "controller",
    "unused_waivers": "",
    "gravest_fail": "AR-01",
}
TEXTS = {name: text for name, text in HOSTILE.items() if name != "surrogate"} | {
    "quotes": "a \"b\", c; 'd'\r\ne",
    "command": "+1+cmd|'/C calc'!A0",
    "link": "https://example.com/ [a](javascript:b) mailto:a@example.com",
    "number": "0012345678901234567890",
    "spaces": "  lead and trail  ",
    "array": "{=1+1}",
    "escape": "_x000D_ _x0041_",
}


def record(control: str, status: str, **fields: Any) -> JSON:
    """One finding as a record; `fields` are members of `Finding`."""
    made = dict.fromkeys(Finding.__dataclass_fields__, "") | {
        "control": control,
        "severity": "high",
        "account": FACTS["account"],
        "region": "eu-west-1",
        "resource": "bucket-aaaaaaaaaa",
        "status": status,
        "observed": "Default encryption: none; Holds: home folders",
        "expected": "Default encryption is SSE-S3 or SSE-KMS.",
        "evidence": "E0001#/Buckets/0 E0002",
        "subject": RESOURCE,
        "observed_values": '{"purpose":"home folders","sse_algorithm":null}',
        "threshold_values": "{}",
    }
    if status == "fail" and control in CONTROLS:
        made["remedies"] = CONTROLS[control].clauses[0].rule.__name__
    return made | fields


def sample() -> JSON:
    """Records with every status, of real controls, and the facts."""
    records = [
        record("AR-01", "attested", severity="medium", reason="AWS, Encryption at Rest"),
        record("AR-05", "fail"),
        record("AR-05", "fail", resource="bucket-bbbbbbbbbb"),
        record(
            "AR-05",
            "accepted",
            resource="bucket-cccccccccc",
            reason="migrated in spring (Jo Doe, until 2027-03-31)",
        ),
        record(
            "ID-03",
            "not evidenced",
            region="global",
            resource="any user",
            subject=UNLISTED,
            observed="not seen",
            reason="access denied",
            operation="iam.GetAccountAuthorizationDetails",
            code="AccessDenied",
            permission="iam:GetAccountAuthorizationDetails",
            hint="grant iam:GetAccountAuthorizationDetails to the collector",
            evidence="E0003",
        ),
        record("ID-04", "pass", severity="low", region="global", resource="account"),
        record(
            "LG-03",
            "not applicable",
            resource="no trail",
            subject=NOTHING,
            reason="no trail",
            observed="none",
            evidence="E0004",
        ),
        record("GV-01", "fail", region="global", evidence="parameters#/data_role"),
        *(
            record("EX-04", "fail", resource=f"stack-{name}", observed=text, reason=text)
            for name, text in TEXTS.items()
        ),
        record(
            "AR-18",
            "fail",
            severity="low",
            region="global",
            resource="roll-up",
            subject=ROLL_UP,
            reason="the worst of its controls",
            observed="fail (low), by AR-05: 2 of 4 findings",
            expected="AWS encryption solutions are used",
            evidence="AR-01 AR-05",
        ),
    ]
    return {"kind": "data", "name": "findings", "records": records, "facts": dict(FACTS)}
