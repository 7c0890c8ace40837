"""Policies that mean harm: refused, or evaluated within bounds of steps, never a wrong answer."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import pytest

from kit import bounds
from kit.access import patterns
from kit.access.documents import PolicyError, read_statements
from kit.access.evaluator import Access, Caller, Target, accounts_named, decide
from kit.access.patterns import common_text, covers, matches, overlaps
from kit.tables import deputies
from tests.hostile_inputs import LONG_POLICIES, MISSHAPEN, ODD, OWN

BUCKET = f"arn:aws:s3:::appstream2-36fb080bb8-eu-west-1-{OWN}/*"
REFUSED = list(LONG_POLICIES)[-3:]


@pytest.mark.parametrize("name", LONG_POLICIES)
def test_a_long_policy_is_evaluated_or_refused(name: str) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": LONG_POLICIES[name]})
    if name in REFUSED:
        with pytest.raises(PolicyError):
            read_statements(document)
        return
    statements = read_statements(document)
    target = Target(BUCKET, OWN, statements)
    callers = (
        Caller("role", f"arn:aws:iam::{OWN}:role/x", OWN, identity=statements),
        Caller("anonymous"),
        Caller("account", account="000000000001"),
    )
    for caller, ordinary in itertools.product(callers, (True, False)):
        assert decide(caller, "s3:GetObject", target, ordinary=ordinary) in Access
    accounts_named(statements)
    deputies.for_anybody(statements, OWN)
    assert sum(1 for _ in deputies.for_accounts(statements, OWN)) <= 300


@pytest.mark.parametrize("document", MISSHAPEN)
def test_another_shape_is_refused(document: Any) -> None:
    with pytest.raises(PolicyError):
        read_statements(document)
    if not isinstance(document, str):
        with pytest.raises(PolicyError):
            read_statements(json.dumps(document))


@pytest.mark.parametrize("document", ODD)
def test_an_odd_policy_of_the_shape_is_read(document: Any) -> None:
    (statement,) = read_statements(document)
    assert not statement.has_variables or document["Version"] == "2012-10-17"


@pytest.mark.parametrize(("length", "accepted"), [(4_096, True), (4_097, False)])
@pytest.mark.parametrize("element", ["Action", "Resource", "Principal"])
def test_the_bound_of_a_text(element: str, length: int, accepted: bool) -> None:
    document = {"Statement": {"Effect": "Allow", element: "x" * length}}
    if accepted:
        assert read_statements(document)
    else:
        with pytest.raises(PolicyError, match="4,096"):
            read_statements(document)


@pytest.mark.parametrize(("size", "accepted"), [(bounds.POLICY, True), (bounds.POLICY + 1, False)])
def test_the_bound_of_a_policy(size: int, accepted: bool) -> None:
    text = json.dumps({"Statement": []}).ljust(size)
    if accepted:
        assert read_statements(text) == ()
    else:
        with pytest.raises(PolicyError, match="131,072"):
            read_statements(text)


def test_matching_without_going_back_is_matching() -> None:
    """Against the plain translation, which takes very long for other texts than these."""
    for pattern in map("".join, itertools.product("ab*?", repeat=5)):
        plain = re.compile("".join({"*": ".*", "?": "[^*]"}.get(c, c) for c in pattern), re.DOTALL)
        for text in map("".join, itertools.product("ab*", repeat=4)):
            assert matches(pattern, text) is bool(plain.fullmatch(text)), (pattern, text)


def test_a_run_of_stars_is_a_star() -> None:
    for run, other in (("***", "a*"), ("a***b", "a*b"), ("**?**", "*?*")):
        single = re.sub(r"\*+", "*", run)
        assert covers(run, other) is covers(single, other)
        assert overlaps(run, other) is overlaps(single, other)
        assert common_text(run, other) == common_text(single, other)


def test_coverage_that_takes_too_many_steps_is_not_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    assert covers("a?*", "a*?")
    covers.cache_clear()
    monkeypatch.setattr(patterns, "_MOST_STEPS", 5)
    assert not covers("a?*", "a*?")
    covers.cache_clear()


def test_too_many_pairs_of_accounts_and_arns_leave_the_arn_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    condition = {
        "ArnLike": {"aws:SourceArn": "arn:aws:s3:::one"},
        "StringEquals": {"aws:SourceAccount": "123456789012"},
    }
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": "*",
        "Condition": condition,
    }
    statements = read_statements({"Version": "2012-10-17", "Statement": statement})
    service = Caller("service", "s3.amazonaws.com")
    target = Target(BUCKET, OWN, statements)

    def verdicts() -> set[Access]:
        made = deputies.for_accounts(statements, OWN)
        return {decide(service, "s3:GetObject", target, context) for _, _, context in made}

    assert verdicts() == {Access.YES, Access.NO}
    monkeypatch.setattr(deputies, "_MOST_PAIRS", 0)
    assert verdicts() == {Access.UNKNOWN}
