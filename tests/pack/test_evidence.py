"""Redacted answers: what verdicts rest on can be read, what somebody chose is a label."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import rfc8785
from nbformat.v4 import new_code_cell, new_notebook, new_output

from kit.calls import CALLS
from kit.desk import trace
from kit.displayed import DESK_MIME, FOR_DOCUMENTS
from kit.judge import evaluate
from kit.pack.document import NotebookOutputError
from kit.pack.evidence import INDEX, evidence_files
from kit.pack.seal import labels_of
from kit.redact.redactor import Redactor
from kit.snapshot import Request, Snapshot
from kit.tables import Tables, tabulate

ACCOUNTS = ("demo", "careless", "odd")
Stored = Callable[[str], Snapshot]
Tabulated = Callable[[str], Tables]
FilesOf = Callable[[str], dict[str, bytes]]


@pytest.fixture(scope="module")
def tabulated(stored: Stored) -> Tabulated:
    """The tables of a sample account, with their labels."""
    return cache(lambda name: tabulate(stored(name)))


@pytest.fixture(scope="module")
def files_of(stored: Stored, tabulated: Tabulated) -> FilesOf:
    """The files of evidence of a sample account's pack, by name."""
    return cache(lambda name: dict(evidence_files(stored(name), tabulated(name).labels)))


@pytest.fixture(scope="module")
def records(files_of: FilesOf) -> Callable[[str], dict[str, Any]]:
    """The records of a sample account's pack, by evidence id."""

    @cache
    def of(name: str) -> dict[str, Any]:
        files = files_of(name)
        return {n[9:-5]: json.loads(files[n]) for n in files if n != INDEX}

    return of


def record_of(records: dict[str, Any], operation: str, **parameters: Any) -> dict[str, Any]:
    """The first answer to an operation that is not empty."""
    return next(
        record
        for record in records.values()
        if record["operation"] == operation
        and record["response"]
        and any(record["response"].values())
        and parameters.items() <= record["parameters"].items()
    )


@pytest.mark.parametrize("name", ACCOUNTS)
def test_every_reference_of_a_table_leads_to_something(
    name: str, tabulated: Tabulated, records: Callable[[str], dict[str, Any]]
) -> None:
    for table in tabulated(name).values():
        for refs in table.refs.values():
            for ref in refs:
                number, _, pointer = ref.partition("#")
                if number.startswith("E"):
                    value = records(name)[number]["response"]
                    for step in pointer.split("/")[1:]:
                        value = value[int(step)] if isinstance(value, list) else value[step]


@pytest.mark.parametrize("name", ACCOUNTS)
def test_a_label_in_a_table_stands_in_the_records_that_it_cites(
    name: str, tabulated: Tabulated, records: Callable[[str], dict[str, Any]]
) -> None:
    tables = tabulated(name)
    # What has no name of its own is known by where it stands; a theme's record names its stack.
    made = {
        label
        for label, named in tables.labels.made.items()
        if not re.search(r"/\d+$", named.identity) and named.kind != "theme"
    }
    followed = 0
    for table in tables.values():
        cited: dict[str, set[str]] = {}
        for (row, _), refs in table.refs.items():
            cited.setdefault(row, set()).update(ref.partition("#")[0] for ref in refs)
        for row, shown in table.frame["resource"].items():
            labels = made.intersection(tables.labels.within(shown))
            text = "".join(json.dumps(records(name).get(ref)) for ref in cited.get(row, ()))
            missing = [label for label in labels if label not in text]
            assert missing == [], (table.spec.name, row)
            followed += len(labels)
    assert followed > 5


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(part, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(part, f"{path}[]")
    else:
        yield path, value


@pytest.mark.parametrize("name", ACCOUNTS)
def test_numbers_and_booleans_are_as_they_were_and_nothing_is_left_out(
    name: str, stored: Stored, records: Callable[[str], dict[str, Any]]
) -> None:
    for request in stored(name).requests:
        raw, shown = (
            list(_leaves(request.response)),
            list(_leaves(records(name)[request.id]["response"])),
        )
        assert len(raw) == len(shown), request.id
        for (_, before), (_, after) in zip(raw, shown, strict=True):
            assert type(before) is type(after)
            assert isinstance(before, str) or before == after


@pytest.mark.parametrize("name", ACCOUNTS)
def test_what_calls_declare_personal_is_in_no_record(
    name: str, stored: Stored, records: Callable[[str], dict[str, Any]]
) -> None:
    texts = {
        (request.call, leaf)
        for request in stored(name).requests
        for path, leaf in _leaves(request.response)
        if path in CALLS[request.call].personal and isinstance(leaf, str) and len(leaf) > 3
    }
    assert len(texts) > 5
    everything = json.dumps(records(name), ensure_ascii=False)
    # Documents of which only the names are replaced: one that names nobody stays as it is.
    documents = ("iam.GetCredentialReport", "cloudtrail.LookupEvents", "kms.GetKeyPolicy")
    published = re.compile(r"[A-Z]+|true|false", re.ASCII)  # words of AWS's that names may be too
    # Images that AWS publishes are shown by their names; their ARNs have no account.
    of_aws = set(re.findall(r":appstream:[a-z0-9-]+::image/([\w.-]+)", everything))
    found = [
        (call, text)
        for call, text in texts
        if call not in documents
        and not published.fullmatch(text)
        and text not in of_aws
        # as a whole, for a short name may be a part of a word of AWS's
        and re.search(rf"(?<![\w-]){re.escape(json.dumps(text)[1:-1])}(?![\w-])", everything)
    ]
    assert found == []


def test_a_fleet_can_be_read_but_for_its_names(
    stored: Stored, records: Callable[[str], dict[str, Any]]
) -> None:
    fleet = record_of(records("demo"), "DescribeFleets")["response"]["Fleets"][0]
    assert re.fullmatch(
        r"arn:aws:appstream:eu-central-1:210987654321:fleet/fleet-[a-z2-7]{10}", fleet["Arn"]
    )
    assert fleet["Name"] == fleet["Arn"].rpartition("/")[2]
    assert fleet["ImageName"] == fleet["ImageArn"].rpartition("/")[2]
    assert re.fullmatch(r"arn:aws:iam::210987654321:role/role-[a-z2-7]{10}", fleet["IamRoleArn"])
    assert fleet["FleetType"] == "ALWAYS_ON"
    assert fleet["InstanceType"].startswith("stream.")
    assert fleet["VpcConfig"]["SubnetIds"][0].startswith("subnet-")
    assert re.fullmatch(r"directory-[a-z2-7]{10}", fleet["DomainJoinInfo"]["DirectoryName"])


def test_evidence_has_the_labels_of_the_tables_and_none_that_a_report_made(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = stored("demo")
    tables = tabulate(found)
    expected = list(tables.labels.made.items())
    tables.labels.label("role", "arn:aws:iam::210987654321:role/of-a-report")
    shown = trace(evaluate(tables), tables)
    assert shown._repr_mimebundle_()[DESK_MIME] == {"kind": "Trace"}  # names leave no notebook
    monkeypatch.setenv(FOR_DOCUMENTS, "1")
    output = new_output("display_data", data=shown._repr_mimebundle_())
    executed = new_notebook(cells=[new_code_cell(outputs=[output])])
    assert list(labels_of(executed, found).made.items()) == expected
    executed.cells.append(executed.cells[0])
    with pytest.raises(NotebookOutputError, match="the labels of its tables 2 times"):
        labels_of(executed, found)
    with pytest.raises(NotebookOutputError, match="the labels of its tables 0 times"):
        labels_of(new_notebook(), found)


def test_names_in_parameters_and_lists_are_the_labels_of_what_they_name(
    records: Callable[[str], dict[str, Any]],
) -> None:
    demo = records("demo")
    requested = record_of(demo, "ListAssociatedFleets")
    stacks = [s["Name"] for r in demo.values() for s in (r["response"] or {}).get("Stacks", ())]
    fleets = [f["Name"] for r in demo.values() for f in (r["response"] or {}).get("Fleets", ())]
    assert requested["parameters"]["StackName"] in stacks
    assert set(requested["response"]["Names"]) <= set(fleets)
    user = record_of(demo, "DescribeUsers")["response"]["Users"][0]
    assert user["UserName"] == user["Arn"].rpartition("/")[2]
    assert user["Status"] == "CONFIRMED"


def test_policies_are_read_by_their_grammar(records: Callable[[str], dict[str, Any]]) -> None:
    policy = json.loads(record_of(records("careless"), "GetBucketPolicy")["response"]["Policy"])
    (statement,) = policy["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Principal"] == "*"
    assert statement["Resource"] == "arn:aws:s3:::appstream2-36fb080bb8-eu-west-1-012345678901/*"
    assert statement["Sid"].startswith("text-")


def test_a_credential_report_states_everything_but_who(
    records: Callable[[str], dict[str, Any]],
) -> None:
    content = record_of(records("careless"), "GetCredentialReport")["response"]["Content"]
    root, *users = list(csv.DictReader(io.StringIO(content)))
    assert root["user"] == "<root_account>"
    assert root["mfa_active"] == "false"
    assert {user["user"] for user in users} == {user["arn"].rpartition("/")[2] for user in users}
    assert {user["password_enabled"] for user in users} == {"true"}


def test_an_event_states_its_tls_and_not_its_maker(
    records: Callable[[str], dict[str, Any]],
) -> None:
    event = record_of(records("careless"), "LookupEvents")["response"]["Events"][0]
    reported = json.loads(event["CloudTrailEvent"])
    assert reported["tlsDetails"]["tlsVersion"] == "TLSv1.1"
    assert (
        reported["tlsDetails"]["clientProvidedHostHeader"] == "appstream2.eu-west-1.amazonaws.com"
    )
    assert reported["userIdentity"]["arn"].startswith(
        "arn:aws:sts::012345678901:assumed-role/assumed-"
    )
    assert event["Username"].startswith("text-")
    assert event["EventName"] == "DescribeFleets"


def test_tokens_of_secrets_are_still_seen(records: Callable[[str], dict[str, Any]]) -> None:
    stack = record_of(records("careless"), "DescribeStacks")["response"]["Stacks"][0]
    assert re.fullmatch(r"text-[a-z2-7]{10} ⟦secret: url-userinfo⟧", stack["RedirectURL"])


@pytest.fixture
def redact(stored: Stored, tabulated: Tabulated) -> Callable[..., Any]:
    """What becomes of an answer that another request of the demo account might have had."""
    snapshot = stored("demo")
    redactor = Redactor(snapshot, tabulated("demo").labels)  # with labels of its own

    def redacted(call: str, **changes: Any) -> Request:
        request = next(r for r in snapshot.requests if r.call == call)
        return redactor(replace(request, **changes))

    return redacted


@pytest.mark.parametrize(
    ("call", "response"),
    [
        ("appstream.DescribeFleets", {"Fleets": [{"State": "Mara Lindqvist"}]}),
        ("appstream.DescribeFleets", {"Fleets": [{"InstanceType": "Mara Lindqvist"}]}),
        ("appstream.DescribeFleets", {"Fleets": [{"Description": "770031415926"}]}),
        ("appstream.DescribeFleets", {"Fleets": [{"Arn": "arn:aws:appstream:Mara:1:fleet/x"}]}),
        ("appstream.DescribeFleets", {"Mara": "Lindqvist"}),
        ("appstream.DescribeApplications", {"Applications": [{"Metadata": {"Mara": "x"}}]}),
        ("s3.GetBucketPolicy", {"Policy": '{"Statement": [{"Mara": {"Lindqvist": "x"}}]}'}),
        ("s3.GetBucketPolicy", {"Policy": '{"Condition": {"StringLike": {"s3:x/Mara": "Mara"}}}'}),
        (
            "s3.GetBucketPolicy",
            {"Policy": '{"Condition": {"StringLike": {"Mara:Lindqvist": "x"}}}'},
        ),
        (
            "s3.GetBucketPolicy",
            {"Policy": '{"Condition": {"Bool": {"idp.mara.example:sub": "x"}}}'},
        ),
        (
            "s3.GetBucketPolicy",
            {"Policy": '{"Condition": {"Bool": {"SAML:aud": "https://mara/saml"}}}'},
        ),
        ("s3.GetBucketPolicy", {"Policy": '{"Statement": Mara'}),
        ("iam.GetCredentialReport", {"Content": "user,Mara\nLindqvist,arn:aws:iam::Mara"}),
        ("iam.GetCredentialReport", {"Content": "Mara"}),
        ("cloudtrail.LookupEvents", {"Events": [{"EventName": "Mara", "EventSource": "Mara"}]}),
        ("s3.GetBucketTagging", {"TagSet": [{"Key": "Mara", "Value": "Lindqvist"}]}),
        ("kms.DescribeKey", {"KeyMetadata": {"Arn": "arn:aws:kms:::alias/Mara"}}),
        ("sts.GetCallerIdentity", {"Arn": "arn:aws:sts::770031415926:assumed-role/R/Mara"}),
    ],
)
def test_where_somebody_put_a_name_it_is_a_label(
    redact: Callable[..., Request], call: str, response: Any
) -> None:
    reported = json.dumps(redact(call, response=response).response)
    assert not re.search("Mara|Lindqvist|fleet.*770031415926", reported), reported
    assert re.search(r"[a-z]-[a-z2-7]{10}", reported)


_ID = "7f3c9a52-1b2c-4d3e-8f40-123456789abc"
_CHOSEN = {  # names that somebody chose, with texts that stay readable where AWS wrote the name
    "birthdate": "1980-02-03",
    "eventTime": "1980-02-03",
    "customer account": "770031415926",
    "KeyId": _ID,
    "patient-id": _ID,
    "type": "Root",
    "status": "COMPROMISED",
}


@pytest.mark.parametrize(("name", "value"), _CHOSEN.items())
def test_a_text_under_a_name_that_somebody_chose_is_a_label(
    redact: Callable[..., Request], name: str, value: str
) -> None:
    condition = {f"{prefix}/{name}": value for prefix in ("aws:PrincipalTag", "aws:RequestTag")}
    event = json.dumps({"userIdentity": {"by x": {"on behalf": value, name + "x": [value]}}})
    for call, response in {
        "guardduty.GetDetector": {"Tags": {name: value}},
        "appstream.DescribeApplications": {"Applications": [{"Metadata": {name: value}}]},
        "s3.GetBucketPolicy": {"Policy": json.dumps({"Condition": {"StringLike": condition}})},
        "cloudtrail.LookupEvents": {"Events": [{"CloudTrailEvent": event}]},
    }.items():
        assert value not in json.dumps(redact(call, response=response).response), call


def test_a_number_under_a_tag_s_name_is_a_label(redact: Callable[..., Request]) -> None:
    asked = {"aws:PrincipalTag/employee": [4711001, True], "aws:MultiFactorAuthAge": 3600}
    policy = json.dumps({"Condition": {"NumericEquals": asked}})
    shown = json.loads(redact("s3.GetBucketPolicy", response={"Policy": policy}).response["Policy"])
    tag, age = shown["Condition"]["NumericEquals"].values()
    assert (tag[0].startswith("text-"), tag[1], age) == (True, True, 3600)


@pytest.mark.parametrize("member", ["appstream:userId", "identitystore:UserId", "saml:uid", "Sid"])
def test_the_id_of_a_person_is_a_label(redact: Callable[..., Request], member: str) -> None:
    policy = json.dumps({member: _ID})
    assert _ID not in str(redact("s3.GetBucketPolicy", response={"Policy": policy}).response)


CLEAR = {
    "SAML:aud": "https://signin.aws.amazon.com/saml",
    "saml:aud": "https://eu-central-1.signin.aws.amazon.com/saml",
    "saml:sub_type": "persistent",
    "appstream:userId": "${saml:sub}",
    "aws:MultiFactorAuthPresent": "true",
    "AWS:PrincipalOrgID": "",
    "sts:ExternalId": "",
    "cognito-identity.amazonaws.com:amr": "authenticated",
    "accounts.google.com:aud": "",
    "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
}


@pytest.mark.parametrize(("key", "value"), CLEAR.items())
def test_condition_keys_of_awss_stay_readable(
    redact: Callable[..., Request], key: str, value: str
) -> None:
    """Nobody can judge a condition whose key is a label."""
    policy = json.dumps({"Condition": {"StringEquals": {key: value or "Mara"}}})
    shown = json.loads(redact("s3.GetBucketPolicy", response={"Policy": policy}).response["Policy"])
    [(name, shown_value)] = shown["Condition"]["StringEquals"].items()
    assert name == key
    assert shown_value == value if value else shown_value.startswith("text-")


@pytest.mark.parametrize("claim", ["aud", "sub", "amr"])
def test_of_the_key_of_a_private_issuer_the_claim_stays_readable(
    redact: Callable[..., Request], claim: str
) -> None:
    policy = json.dumps({"Condition": {"StringEquals": {f"idp.mara.example/x:{claim}": "Mara"}}})
    shown = redact("s3.GetBucketPolicy", response={"Policy": policy}).response["Policy"]
    assert re.search(rf'"identity-provider-[a-z2-7]{{10}}:{claim}": "text-', shown), shown


def test_a_message_of_awss_is_a_label_and_its_code_is_not(redact: Callable[..., Request]) -> None:
    error = {"code": "AccessDenied", "message": "User: arn:aws:iam::1:user/mara is not authorized"}
    shown = redact("appstream.DescribeFleets", response=None, error=error)
    assert shown.error is not None
    assert shown.error["code"] == "AccessDenied"
    assert re.fullmatch(r"message-[a-z2-7]{10}", shown.error["message"])
    assert shown.response is None


def test_words_on_which_a_verdict_rests_are_kept_of_a_message(
    redact: Callable[..., Request],
) -> None:
    error = {"code": "AccessDeniedException", "message": "Macie is not enabled. Ask Mara."}
    shown = redact("macie2.GetMacieSession", response=None, error=error)
    assert shown.error == {**error, "message": "Macie is not enabled"}


def test_a_commitment_is_over_nonce_and_canonical_body(
    stored: Stored, records: Callable[[str], dict[str, Any]]
) -> None:
    for request in stored("demo").requests:
        body = rfc8785.dumps(request.error or request.response)
        wanted = hashlib.sha256(bytes.fromhex(request.nonce) + body).hexdigest()
        assert records("demo")[request.id]["commitment"] == wanted


def test_no_plain_digest_and_no_nonce_is_in_the_pack(stored: Stored, files_of: FilesOf) -> None:
    everything = b"".join(files_of("demo").values()).decode()
    for request in stored("demo").requests:
        assert request.sha256 not in everything
        assert request.nonce not in everything
        assert hashlib.sha256(request.body).hexdigest() not in everything


def test_the_index_lists_every_request(stored: Stored, files_of: FilesOf) -> None:
    files = files_of("demo")
    lines = list(csv.DictReader(io.StringIO(files[INDEX].decode())))
    assert [line["id"] for line in lines] == [r.id for r in stored("demo").requests]
    assert {f"evidence/{line['file']}" for line in lines} == files.keys() - {INDEX}
    assert [line["commitment"] for line in lines] == [r.commitment for r in stored("demo").requests]


def test_in_clear_everything_stands_as_it_was_stored(stored: Stored) -> None:
    snapshot = stored("careless")
    parameters = {**snapshot.header["parameters"], "pseudonymise": False}
    clear = Snapshot(
        {**snapshot.header, "parameters": parameters}, snapshot.requests, snapshot.folder
    )
    files = dict(evidence_files(clear, tabulate(clear).labels))
    for request in snapshot.requests:
        record = json.loads(files[f"evidence/{request.id}.json"])
        assert record["response"] == request.response
        assert record["error"] == request.error
        assert record["redacted"] is False
