"""The kit's answers beside those of an evaluator that is not ours; see compare/README.md."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from kit.access.evaluator import Access
from tests.access.compare import requests as requested
from tests.access.compare.ours import answer

HERE = Path(__file__).parent / "compare"
LETTERS = {Access.YES: "A", Access.NO: "D", Access.UNKNOWN: "?"}


@pytest.fixture(scope="module")
def requests() -> list[dict[str, Any]]:
    return list(requested.requests())


@pytest.fixture(scope="module")
def theirs() -> dict[int, tuple[str, str]]:
    lines = (line.split() for line in (HERE / "answers.txt").read_text().splitlines())
    return {int(number): (digest, letter) for number, digest, letter in lines}


def test_the_answers_are_to_these_requests(
    requests: list[dict[str, Any]], theirs: dict[int, tuple[str, str]]
) -> None:
    assert {one["id"]: requested.digest(one) for one in requests} == {
        number: digest for number, (digest, _) in theirs.items()
    }


def test_both_agree_but_for_differences_that_are_explained(
    requests: list[dict[str, Any]], theirs: dict[int, tuple[str, str]]
) -> None:
    explained = yaml.safe_load((HERE / "differences.yaml").read_text())
    assert all(one["reason"] and one["source"] for one in explained)
    expected = {number: one["right"] for one in explained for number in one["requests"]}
    found = {
        one["id"]: "not decided" if ours is Access.UNKNOWN else "kit"
        for one in requests
        for ours in [answer(one)]
        if LETTERS[ours] != theirs[one["id"]][1]
    }
    assert found == expected


def test_answers_are_on_either_side(theirs: dict[int, tuple[str, str]]) -> None:
    letters = [letter for _, letter in theirs.values()]
    assert len(letters) >= 2_000
    assert set(letters) == {"A", "D"}
    assert min(letters.count(letter) for letter in "AD") * 3 >= len(letters)


def test_every_element_is_exercised(requests: list[dict[str, Any]]) -> None:
    found = requested.table(requests)
    for operator, quantifier, suffix, absent in product(
        requested.OPERATORS, requested.QUANTIFIERS, ("", "IfExists"), ("", ", key absent")
    ):
        if (operator, suffix) != ("Null", "IfExists"):
            assert found[f"{quantifier}{operator}{suffix}{absent}"]
    for (kind, account), boundary, policy in product(
        requested.PRINCIPALS, requested.BOUNDARIES, requested.RESOURCE_POLICIES
    ):
        if boundary == "none" or kind in ("user", "role"):
            assert found[f"{kind}, boundary {boundary}, policy {policy}"] >= 10, account
    for element, least in {
        "NotPrincipal in Deny": 100,
        "NotAction in Allow": 500,
        "NotAction in Deny": 50,
        "NotResource in Allow": 500,
        "NotResource in Deny": 50,
        "RestrictPublicBuckets": 200,
        "variable in a condition": 40,
        "variable in a resource": 100,
        "version 2008-10-17": 200,
        "resource: bucket": 1_000,
        "resource: key": 300,
        "resource: role": 100,
    }.items():
        assert found[element] >= least, element
