"""A statement that has ended, or has not begun, allows and denies nothing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from kit.access.conditions import in_force
from kit.access.documents import read_statements

AS_OF = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)
EPOCH = int(AS_OF.timestamp())


def statements(**conditions: Any) -> tuple[Any, ...]:
    return read_statements(
        {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Action": "s3:*",
                "Resource": "*",
                "Condition": conditions,
            },
        }
    )


@pytest.mark.parametrize(
    ("operator", "key", "value", "expected"),
    [
        ("DateLessThan", "aws:CurrentTime", "2026-11-24T12:00:01Z", True),
        ("DateLessThan", "aws:CurrentTime", "2026-11-24T12:00:00Z", False),
        ("DateLessThanEquals", "aws:CurrentTime", "2026-11-24T12:00:00Z", True),
        ("DateLessThan", "AWS:currenttime", "2019-01-01T00:00:00Z", False),
        ("DateGreaterThan", "aws:CurrentTime", "2026-11-24T11:59:59Z", True),
        ("DateGreaterThan", "aws:CurrentTime", "2099-01-01T00:00:00Z", False),
        ("DateLessThanIfExists", "aws:CurrentTime", "2019-01-01T00:00:00Z", False),
        ("DateLessThan", "aws:EpochTime", str(EPOCH + 1), True),
        ("DateLessThan", "aws:EpochTime", str(EPOCH), False),
        ("NumericLessThan", "aws:EpochTime", str(EPOCH + 1), True),
        ("NumericGreaterThan", "aws:EpochTime", str(EPOCH + 1), False),
    ],
)
def test_a_time_is_held_against_as_of(operator: str, key: str, value: str, expected: bool) -> None:
    (given,) = statements(**{operator: {key: value}})
    kept = in_force([given], AS_OF)
    assert bool(kept) is expected
    assert all(one.conditions == () for one in kept)


def test_other_conditions_stay() -> None:
    both = {
        "DateLessThan": {"aws:CurrentTime": "2099-01-01"},
        "Bool": {"aws:SecureTransport": "true"},
    }
    (kept,) = in_force(statements(**both), AS_OF)
    assert [one.key for one in kept.conditions] == ["aws:securetransport"]


def test_a_window_needs_both_ends() -> None:
    window = {
        "DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"},
        "DateLessThan": {"aws:CurrentTime": "2020-06-30T00:00:00Z"},
    }
    assert in_force(statements(**window), AS_OF) == ()


def test_statements_without_a_time_are_the_same_ones() -> None:
    given = statements(Bool={"aws:SecureTransport": "true"})
    assert in_force(given, AS_OF) == given


def test_what_aws_does_not_document_stays_a_condition() -> None:
    given = statements(DateSoonerThan={"aws:CurrentTime": "2019-01-01T00:00:00Z"})
    assert in_force(given, AS_OF) == given
