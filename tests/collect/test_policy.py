"""The derived policy: enough for a collector that has nothing else, and nothing that it can do without.

That each action is needed is the fault matrix's to show (``tests/test_matrix.py``), whose denied
calls are this policy with an action taken out. Here: that the whole of it is enough, under the
sandbox's enforcement and under moto's own IAM, and that it only reads.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.authorization import enable_iam_authentication
from moto.server import ThreadedMotoServer

import kit.collect.collector as engine
from kit.calls import CALLS, LIST_ORGANIZATIONS_FEATURES, Call
from kit.collect import session
from kit.collect.collector import collect
from kit.collect.policy import AUDIT, DERIVED, SECURITY_AUDIT, plan, policy, session_policies
from kit.collect.policy import MOST_CHARACTERS as MOST_OF_A_SESSION
from kit.judge import needed_calls
from kit.parameters import Run
from kit.sandbox.permissions import allows, managed_policy
from kit.snapshot import Request
from tests.collect.actions import OPERATIONS, fitting
from tests.matrix import Bench, refused

WHOLE = policy(CALLS.values())
ACTIONS = {call.action: call for call in CALLS.values() if call.action}
FALLBACKS = [call for call in CALLS.values() if call.fallback_of]
MOST_CHARACTERS = 6144  # of a managed policy without white space (IAM and STS quotas)


# --- what it says ----------------------------------------------------------------------------


def test_every_call_has_an_action_of_its_own_in_the_statement_of_its_need() -> None:
    reported = Counter(action for one in WHOLE["Statement"] for action in one["Action"])
    assert reported == Counter(list(ACTIONS))
    for statement in WHOLE["Statement"]:
        for action in statement["Action"]:
            assert statement["Sid"].removesuffix("Buckets").lower() == ACTIONS[action].need.value


def test_the_plan_says_what_each_permission_is_needed_for() -> None:
    reported = {row["call"]: row["need"] for row in plan(CALLS.values())}
    assert reported == {name: call.need.value for name, call in CALLS.items()}
    assert Counter(reported.values()) == {"required": 76, "fallback": 2, "informative": 2}


def test_no_action_writes() -> None:
    """AWS calls all of them Read or List; the one that makes something makes a report to read."""
    reading = re.compile(r"[a-z0-9-]+:(Describe|Get|List|Lookup)[A-Za-z]+")
    assert [a for a in ACTIONS if not reading.fullmatch(a)] == ["iam:GenerateCredentialReport"]


def test_no_action_reads_what_is_in_buckets_or_secrets() -> None:
    content = (
        "s3:GetObject",
        "s3:ListBucket",
        "kms:Decrypt",
        "secretsmanager:",
        "ssm:GetParameter",
    )
    assert not [action for action in ACTIONS if action.startswith(content)]


def test_it_fits_into_one_managed_policy() -> None:
    assert len(json.dumps(WHOLE, separators=(",", ":"))) <= MOST_CHARACTERS


# --- as session policies -----------------------------------------------------------------------


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn"])
def test_session_policies_fit_and_allow_together_what_the_policy_allows(partition: str) -> None:
    document = policy(CALLS.values(), partition)
    forms = session_policies(document, partition)
    assert forms[-1].form == AUDIT
    for each in forms:
        assert len(each.document) <= MOST_OF_A_SESSION
        assert " " not in each.document
        audit = SECURITY_AUDIT if each.arns else set()
        statements = json.loads(each.document)["Statement"]
        patterns = {action for one in statements for action in one["Action"]}
        allowed = set(fitting(patterns, OPERATIONS))
        assert allowed | (audit & set(ACTIONS)) == set(ACTIONS)
        assert each.actions == len(allowed)
        assert not allowed & audit
        assert each.form == DERIVED or patterns == allowed
        if each.form == DERIVED:
            reported = [one["Resource"] for one in statements if one["Resource"] != "*"]
            own = [one["Resource"] for one in document["Statement"] if one["Resource"] != "*"]
            assert reported == own
        assert set(each.arns) <= {f"arn:{partition}:iam::aws:policy/SecurityAudit"}


def test_what_fits_whole_is_not_abbreviated() -> None:
    few = [call for call in CALLS.values() if call.service in ("appstream", "iam")]
    (first, *_) = session_policies(policy(few))
    (statement,) = json.loads(first.document)["Statement"]
    assert statement["Action"] == sorted({call.action for call in few})


def padded(characters: int) -> dict[str, Any]:
    """A policy whose session policy has so many characters."""
    document = json.loads(json.dumps(WHOLE))
    actions = document["Statement"][1]["Action"]
    shortest = min(len(session_policies(WHOLE)[0].document), MOST_OF_A_SESSION)
    actions.append("x" * (characters - shortest - len(',""')))
    return document


def test_a_character_too_many_leaves_security_audit_alone() -> None:
    assert [one.form for one in session_policies(padded(MOST_OF_A_SESSION))] == [DERIVED, AUDIT]
    assert [one.form for one in session_policies(padded(MOST_OF_A_SESSION + 1))] == [AUDIT]


def test_a_policy_that_security_audit_does_not_shorten_has_one_form() -> None:
    few = policy([CALLS["appstream.DescribeFleets"]])
    assert [one.form for one in session_policies(few)] == [DERIVED]


def test_the_list_of_security_audit_is_what_moto_has_of_it() -> None:
    document = managed_policy("arn:aws:iam::aws:policy/SecurityAudit")
    assert document
    everywhere = {"Version": "", "Statement": [document["Statement"][0]]}
    assert everywhere["Statement"][0]["Resource"] == "*"
    for action, call in ACTIONS.items():
        allowed = allows(everywhere, call.service, call.operation, {})
        assert allowed == (action in SECURITY_AUDIT), action
    assert set(ACTIONS) > SECURITY_AUDIT


def test_it_speaks_of_its_partition() -> None:
    own = policy(CALLS.values(), "aws-us-gov")
    arns = [arn for one in own["Statement"] for arn in one["Resource"] if one["Resource"] != "*"]
    assert arns
    assert all(arn.startswith("arn:aws-us-gov:s3:::appstream") for arn in arns)


# --- it is enough ----------------------------------------------------------------------------


# Each call is made in one of them.
ENOUGH = ("careless", "tidy")


def test_each_call_is_made_in_the_accounts_that_are_enough(bench: Bench) -> None:
    made = {request.call for account in ENOUGH for request in bench.whole(account)[0].requests}
    apart = {LIST_ORGANIZATIONS_FEATURES, *FALLBACKS}
    assert CALLS.keys() - made <= {call.name for call in apart}


@pytest.mark.parametrize("account", ENOUGH)
def test_a_collector_that_has_nothing_else_is_never_denied(bench: Bench, account: str) -> None:
    whole, before = bench.whole(account)
    snapshot, after = bench.run(account, without=[])
    assert not any(refused(snapshot, whole).values())
    assert after.digest == before.digest


@pytest.mark.parametrize(
    "left_out",
    [FALLBACKS, [call.fallback_of for call in FALLBACKS]],
    ids=["fallbacks", "what they stand in for"],
)
def test_one_of_a_pair_is_enough(bench: Bench, left_out: list[Call]) -> None:
    _, before = bench.whole("tidy")
    _, after = bench.run("tidy", without=left_out)
    assert after.digest == before.digest


# --- it is enough for moto's IAM, and no more than it ------------------------------------------

REGION = "us-east-1"
USER = "collector"
BUCKET = f"appstream2-36fb080bb8-{REGION}-{DEFAULT_ACCOUNT_ID}"
# What moto refuses for reasons that AWS has not: it asks for s3:ListBucket where it does not tell
# what is asked of a bucket, takes the name under which a request is signed for IAM's prefix, and
# computes another signature for requests of Macie and GuardDuty. For these there is the sandbox.
MISTAKEN = {
    "guardduty.ListDetectors",
    "macie2.GetMacieSession",
    "resourcegroupstaggingapi.GetResources",
    "s3.GetBucketEncryption",
    "s3.GetBucketOwnershipControls",
    "s3.GetBucketReplication",
    "s3.GetPublicAccessBlock",
    "s3control.GetPublicAccessBlock",
    "s3control.ListAccessPoints",
}


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Request]]:
    """What a collector that holds the policy is answered by a moto that enforces it.

    A request of each call; moto has no answer (404 or 500, without a code) to some.
    """
    folder = tmp_path_factory.mktemp("moto")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        key = _user()
        patch.setenv("AWS_ACCESS_KEY_ID", key.access_key_id)
        patch.setenv("AWS_SECRET_ACCESS_KEY", key.secret_access_key)
        patch.setattr(engine, "time", SimpleNamespace(sleep=lambda seconds: None))
        patch.setattr(session, "check", lambda *_: None)  # moto's pages are not AWS's answers
        _furnish()
        run = Run(account=DEFAULT_ACCOUNT_ID, regions=[REGION], outputs=str(folder))
        with enable_iam_authentication():
            snapshot = collect(run, needed_calls([]), folder / "snapshot", progress=False)
            first = {request.call: request for request in reversed(snapshot.requests)}
            yield {name: r for name, r in first.items() if r.status not in (404, 500) or known(r)}
    server.stop()
    get_backend("iam")[DEFAULT_ACCOUNT_ID]["aws"].reset()


def known(request: Request) -> bool:
    """Whether an error has a code of AWS's, rather than being moto's own page."""
    return bool(request.error) and not request.error["code"].isdigit()


def _user() -> Any:
    """The access key of a user of moto's who holds the policy."""
    iam = get_backend("iam")[DEFAULT_ACCOUNT_ID]["aws"]
    iam.create_user(REGION, USER)
    hold(WHOLE)
    return iam.create_access_key(USER)


def hold(document: dict[str, Any]) -> None:
    """Give the collector this policy and no other."""
    iam = get_backend("iam")[DEFAULT_ACCOUNT_ID]["aws"]
    iam.put_user_policy(USER, "evidence", json.dumps(document))


def _furnish() -> None:
    """A bucket, a key and a trail, so that what fans out over them is asked."""
    own = boto3.Session()
    own.client("s3").create_bucket(Bucket=BUCKET)
    key = own.client("kms").create_key()["KeyMetadata"]["Arn"]
    own.client("cloudtrail").create_trail(Name="all", S3BucketName=BUCKET, KmsKeyId=key)


def test_moto_refuses_nothing(answered: dict[str, Request]) -> None:
    assert {name for name, request in answered.items() if request.status == 403} == MISTAKEN
    assert {CALLS[name].service for name in answered.keys() - MISTAKEN} == {
        "account",
        "cloudtrail",
        "config",
        "ec2",
        "events",
        "iam",
        "kms",
        "organizations",
        "s3",
        "sts",
    }
    assert len(answered.keys() - MISTAKEN) == 29


def test_moto_refuses_each_without_its_action(answered: dict[str, Request]) -> None:
    client_of = cache(boto3.Session().client)
    for name in answered.keys() - MISTAKEN - {"sts.GetCallerIdentity"}:
        call, request = CALLS[name], answered[name]
        hold(policy(other for other in CALLS.values() if other.action != call.action))
        client = client_of(call.service, region_name=request.region)
        with pytest.raises(ClientError, match=r"AccessDenied|UnauthorizedOperation"):
            ask(client, name, request.parameters)
    hold(WHOLE)


def ask(client: Any, name: str, parameters: Any) -> Any:
    method = {api: python for python, api in client.meta.method_to_api_mapping.items()}
    return getattr(client, method[CALLS[name].operation])(**parameters)
