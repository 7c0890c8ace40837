"""Lists forced to pages of one are the same lists, in the same order."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from kit.sandbox.server import Sandbox
from tests.sandbox.calling import Question, call_by_name, client, everything, questions

# Some have a list with something in it in each account; those without paging in AWS stay whole.
NEVER_PAGED = {
    "DescribeImageAttribute",
    "DescribeRegions",
    "DescribeTrails",
    "GetAccountAuthorizationDetails",  # its lists are tested apart: they share one page
    "GetFindingStatistics",
    "ListSAMLProviders",
}


def lists(account: str) -> list[Question]:
    """The questions whose answers may come in pages."""
    return [
        (service, operation, region, parameters)
        for service, operation, region, parameters in questions(account)
        if (operation.startswith(("List", "Describe")) and service not in ("kms", "acm-pca"))
        or operation in ("LookupEvents", "GetResources")
        if operation not in NEVER_PAGED
    ]


@pytest.mark.parametrize("account", ["demo", "tidy", "careless"])
def test_pages_of_one_make_up_the_whole_list(
    running: Sandbox, paged: Sandbox, account: str
) -> None:
    longest = 0
    for service, operation, region, parameters in lists(account):
        whole = client(running, account, service, region)
        split = client(paged, account, service, region)
        try:
            expected, _ = everything(whole, operation, parameters)
        except ClientError:
            continue  # no theme, Macie off: nothing to page
        found, pages = everything(split, operation, parameters)
        for member, items in expected.items():
            assert [_stable(i) for i in found[member]] == [_stable(i) for i in items], operation
            assert pages == max(1, len(items)), (operation, pages)
            longest = max(longest, pages)
    assert longest > 5


def _stable(item: object) -> object:
    """An item without times, which two sandboxes count from two starts."""
    if isinstance(item, dict):
        stable = {k: _stable(v) for k, v in item.items() if "Time" not in k and "Date" not in k}
        stable.pop("CloudTrailEvent", None)
        return {k: v for k, v in stable.items() if not hasattr(v, "isoformat")}
    return item


def test_authorization_details_are_cut_across_their_four_lists(
    running: Sandbox, paged: Sandbox
) -> None:
    whole = client(running, "demo", "iam").get_account_authorization_details()
    assert whole["IsTruncated"] is False
    requested = "GetAccountAuthorizationDetails"
    found, pages = everything(client(paged, "demo", "iam"), requested, {})
    lists = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
    assert pages == sum(len(whole[name]) for name in lists)
    assert [r["RoleName"] for r in found["RoleDetailList"]] == [
        r["RoleName"] for r in whole["RoleDetailList"]
    ]
    documents = [p["PolicyVersionList"][0]["Document"] for p in found["Policies"]]
    assert all(document["Statement"] for document in documents)


def test_a_token_is_opaque_and_good_for_its_own_request_only(paged: Sandbox) -> None:
    appstream = client(paged, "demo", "appstream", "eu-central-1")
    token = appstream.describe_stacks()["NextToken"]
    assert not token.isdigit()
    for operation, requested in (
        ("DescribeFleets", {"NextToken": token}),
        ("DescribeStacks", {"NextToken": "made-up"}),
    ):
        with pytest.raises(ClientError, match="NextToken is invalid"):
            call_by_name(appstream, operation, requested)
    cloudtrail = client(paged, "demo", "cloudtrail", "eu-central-1")
    with pytest.raises(ClientError, match="InvalidNextTokenException"):
        cloudtrail.lookup_events(NextToken=token)


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("appstream", "DescribeImages", {"MaxResults": 26}),
        ("artifact", "ListReports", {"maxResults": 301}),
        ("account", "ListRegions", {"MaxResults": 51}),
        ("cloudtrail", "LookupEvents", {"MaxResults": 51}),
        ("macie2", "DescribeBuckets", {"maxResults": 1001}),
        ("resourcegroupstaggingapi", "GetResources", {"ResourcesPerPage": 101}),
        ("iam", "GetAccountAuthorizationDetails", {"MaxItems": 1001}),
        ("s3", "ListBuckets", {"MaxBuckets": 10001}),
    ],
)
def test_page_sizes_beyond_the_documented_ones_are_refused(
    running: Sandbox, service: str, operation: str, parameters: dict
) -> None:
    with pytest.raises(ClientError, match=r"at most|between") as refused:
        call_by_name(client(running, "demo", service, "eu-central-1"), operation, parameters)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_page_sizes_that_are_requested_are_kept(running: Sandbox) -> None:
    cloudtrail = client(running, "demo", "cloudtrail", "eu-central-1")
    assert len(cloudtrail.lookup_events(MaxResults=7)["Events"]) == 7
    assert len(cloudtrail.lookup_events()["Events"]) == 50
    regions = client(running, "demo", "account").list_regions(MaxResults=10)
    assert len(regions["Regions"]) == 10
    assert regions["NextToken"]
