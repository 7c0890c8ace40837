"""Optional members are optional: without any one of them no row is lost and nothing breaks."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kit.calls import CALLS, GET_CALLER_IDENTITY, LIST_REGIONS, with_sources
from kit.catalogue.statuses import NOT_APPLICABLE, NOT_EVIDENCED
from kit.controls import CONTROLS
from kit.controls.registry import ACCOUNT
from kit.judge import evaluate
from kit.snapshot import Request, Snapshot
from kit.tables import tabulate
from tests.answers.reading import dotted, reading_tables
from tests.controls.samples import SAMPLES
from tests.standins import REGION, changed, output_shape

Members = tuple[str | int, ...]
Reading = dict[tuple[str, str, str], set[str]]
# What no control reads there: names beside what is read, what repeats the request, jobs where none ran.
_UNREAD = {
    "appstream.DescribeDirectoryConfigs DirectoryConfigs[].OrganizationalUnitDistinguishedNames",
    "cloudtrail.GetEventDataStore EventDataStoreArn",
    "cloudtrail.GetEventDataStore MultiRegionEnabled",
    "cloudtrail.GetEventSelectors TrailARN",
    "cloudtrail.LookupEvents Events[].EventName",
    "ec2.DescribeImageAttribute ImageId",
    "s3.ListBuckets (that are named) Buckets[].BucketRegion",
}
UNREAD = {
    "careless": _UNREAD,
    "tidy": _UNREAD
    | {
        "appstream.DescribeImages Images[].Applications[].Name",
        "iam.GetAccountAuthorizationDetails RoleDetailList[].AttachedManagedPolicies[].PolicyName",
        "macie2.DescribeBuckets buckets[].objectCountByEncryptionType.s3Managed",
        "macie2.ListClassificationJobs items",
    },
}
ALWAYS = (GET_CALLER_IDENTITY.name, LIST_REGIONS.name)


def optional(shape: Any, value: Any, path: Members = ()) -> Iterator[Members]:
    """Paths of the members that AWS's model lets an answer leave out."""
    if shape.type_name == "structure":
        for name in value:
            if name not in shape.required_members:
                yield (*path, name)
            yield from optional(shape.members[name], value[name], (*path, name))
    elif shape.type_name == "list":
        for n, item in enumerate(value[:1]):
            yield from optional(shape.member, item, (*path, n))
    elif shape.type_name == "map":
        yield from ((*path, key) for key in value)


def first_answers(name: str) -> list[Request]:
    """The first answer that each call gives in a sample account, and that has optional members."""
    first: dict[str, Request] = {}
    for request in SAMPLES[name](Path("nowhere")).made:
        if request.response and request.call not in ALWAYS:
            first.setdefault(request.call, request)
    return [one for one in first.values() if any(optional_in(one))]


def optional_in(answered: Request) -> Iterator[Members]:
    return optional(output_shape(CALLS[answered.call]), answered.response)


def cases() -> Iterator[Any]:
    for name in UNREAD:
        for request in first_answers(name):
            yield pytest.param(name, request, id=f"{name}-{request.call}")


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Snapshot]:
    folder = tmp_path_factory.mktemp("samples")
    return {name: SAMPLES[name](folder / name).snapshot() for name in UNREAD}


@pytest.fixture(scope="module")
def reading(sampled: dict[str, Snapshot]) -> Reading:
    """The tables that read a member, by sample, call and dotted path: no other can miss it."""
    found: Reading = defaultdict(set)
    for name, snapshot in sampled.items():
        calls = {one.id: one.call for one in snapshot.requests}
        for (id, *path), tables in reading_tables(snapshot).items():
            found[name, calls[str(id)], dotted(tuple(path))] |= tables
    return found


@pytest.mark.parametrize(("sample", "answered"), list(cases()))
def test_without_one_member(
    sampled: dict[str, Snapshot], reading: Reading, sample: str, answered: Request
) -> None:
    for path in optional_in(answered):
        reported = f"without {dotted(path)}"
        controls = reading_it(reading, sample, answered, path)
        if not controls:
            continue
        found = judge(changed(sampled[sample], shortening(answered, path)), controls)
        for name in controls:
            own = [one for one in found if one.control == name]
            wanted = "global" if CONTROLS[name].scope is ACCOUNT else REGION
            assert {one.region for one in own} == {wanted}, reported
            for one in own:
                assert one.evidence, (reported, one)
                assert one.reason or one.status not in (NOT_EVIDENCED, NOT_APPLICABLE), (
                    reported,
                    one,
                )


@pytest.mark.parametrize("sample", UNREAD)
def test_without_all_members_that_no_control_reads_every_finding_is_the_same(
    sampled: dict[str, Snapshot], reading: Reading, sample: str
) -> None:
    shorter, left_out = sampled[sample], set()
    for answered in first_answers(sample):
        unread = [
            path
            for path in optional_in(answered)
            if not reading_it(reading, sample, answered, path)
        ]
        shorter = changed(shorter, shortening(answered, *unread))
        left_out |= {f"{answered.call} {dotted(path)}" for path in unread}
    assert left_out == UNREAD[sample]
    assert judge(shorter, [*CONTROLS]) == judge(sampled[sample], [*CONTROLS])


def reading_it(reading: Reading, sample: str, answered: Request, path: Members) -> list[str]:
    """The controls that read a member of a call on which they rest."""
    tables = reading[sample, answered.call, dotted(path)]
    return [name for name in readers(answered.call) if CONTROLS[name].table in tables]


def shortening(answered: Request, *paths: Members) -> Callable[[Request], Request]:
    """What leaves members out of an answer, wherever the same is requested."""

    def shorten(other: Request) -> Request:
        same = (other.call, other.parameters) == (answered.call, answered.parameters)
        if not same or not other.response:
            return other
        response = other.response
        for path in reversed(paths):  # what is in a member comes after it
            response = leave_out(response, path)
        return Request(**vars(other) | {"response": response})

    return shorten


def leave_out(response: Any, path: Members) -> Any:
    shorter = copy.deepcopy(response)
    holder = shorter
    for part in path[:-1]:
        holder = holder[part]
    del holder[path[-1]]
    return shorter


@cache
def readers(call: str) -> list[str]:
    """The controls that read a call, or what depends on it."""
    return sorted(n for n, one in CONTROLS.items() if CALLS[call] in with_sources(one.calls))


def judge(snapshot: Snapshot, controls: list[str]) -> list[Any]:
    parameters = {**snapshot.header["parameters"], "controls": controls}
    alone = Snapshot({**snapshot.header, "parameters": parameters}, snapshot.requests, Path())
    return list(evaluate(tabulate(alone, {CONTROLS[name].table for name in controls})).leaves)
