"""Cells: what they are worth when something beside them was not seen."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import permutations, product
from typing import Any

import pytest

from kit.calls import DESCRIBE_FLEETS, GET_BUCKET_POLICY, GET_MACIE_SESSION
from kit.snapshot import Answer, Request, Trouble
from kit.tables.cells import (
    NONE,
    UNSEEN,
    Cell,
    Default,
    attached,
    derive,
    in_the_past,
    known_all,
    known_any,
    member,
    pointer,
)
from kit.tables.core import SPECS

DENIED = Trouble("denied", "s3.GetX", "AccessDenied")
THROTTLED = Trouble("throttled", "s3.GetY", "SlowDown")
YES, NO, GAP = Cell(True, ("yes",)), Cell(False, ("no",)), Cell(None, ("gap",), DENIED)


@pytest.mark.parametrize(
    ("cells", "any_of", "all_of"),
    [
        ([], False, True),
        ([YES], True, True),
        ([NO], False, False),
        ([GAP], None, None),
        ([YES, NO], True, False),
        ([YES, GAP], True, None),
        ([NO, GAP], None, False),
        ([YES, NO, GAP], True, False),
        ([GAP, GAP], None, None),
    ],
)
def test_at_least_one_and_all_of(
    cells: list[Cell], any_of: bool | None, all_of: bool | None
) -> None:
    for ordered in permutations(cells):
        for decide, expected in ((known_any, any_of), (known_all, all_of)):
            cell = decide(ordered)
            assert cell.value is expected
            assert (cell.gap is None) is (expected is not None)


@pytest.mark.parametrize("cells", list(product([YES, NO, GAP], repeat=4)))
def test_a_gap_is_left_exactly_where_the_unseen_could_decide(cells: tuple[Cell, ...]) -> None:
    possible = [(True, False) if cell.gap else (cell.value,) for cell in cells]
    for decide, plain in ((known_any, any), (known_all, all)):
        outcomes = {plain(seen) for seen in product(*possible)}
        cell = decide(cells)
        assert (cell.gap is None) is (len(outcomes) == 1)
        assert cell.gap or cell.value in outcomes


def test_what_decides_is_what_is_cited() -> None:
    assert known_any([NO, GAP, YES]).refs == ("yes",)
    assert known_all([YES, GAP, NO]).refs == ("no",)
    assert known_any([NO, GAP]).refs == ("no", "gap")
    assert known_all([YES, YES]).refs == ("yes",)


def test_what_is_known_by_a_document_says_so_wherever_it_decides() -> None:
    stated, known = Default(False, "Guide: off unless set"), ("Guide: off unless set",)
    off = member({}, "E0#/Things/0", "Enabled", stated, DESCRIBE_FLEETS)
    assert (off.value, off.assumed) == (False, known)
    assert member({"Enabled": False}, "E0", "Enabled", stated, DESCRIBE_FLEETS).assumed == ()
    assert member({}, "E0", "Enabled", NONE, DESCRIBE_FLEETS).assumed == ()
    assert derive(max, off, YES).assumed == known_any([off, NO]).assumed == known
    assert known_any([off, YES]).assumed == ()
    assert known_all([off, YES]).assumed == known


def test_the_first_gap_is_the_one_that_is_reported() -> None:
    later = Cell(None, (), THROTTLED)
    assert known_any([NO, GAP, later]).gap is DENIED
    assert derive(max, GAP, later).gap is DENIED
    assert derive(max, later, GAP).gap is THROTTLED


def test_what_was_refused_is_reported_before_a_region_that_is_off() -> None:
    off = Cell(None, ("off",), Trouble("region off", "appstream.DescribeStacks"))
    assert known_any([off, GAP]).gap is DENIED
    assert known_all([off, GAP]).gap is DENIED
    assert known_any([off, NO]).gap is off.gap


def test_a_gap_is_no_value_even_if_a_value_is_there() -> None:
    half = Cell(True, ("half",), DENIED)
    assert known_any([half]).gap is DENIED
    assert known_all([Cell(False, (), DENIED)]).gap is DENIED


def test_derived_cells_have_the_references_of_all_and_compute_nothing_from_gaps() -> None:
    assert derive(lambda a, b: a + b, Cell(1, ("a", "b")), Cell(2, ("b", "c"))) == Cell(
        3, ("a", "b", "c")
    )

    def never(*_: Any) -> Any:
        raise AssertionError

    assert derive(never, Cell(1, ("a",)), GAP) == Cell(None, ("a", "gap"), DENIED)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Policy", "/Policy"),
        ("SummaryMap.AccountMFAEnabled", "/SummaryMap/AccountMFAEnabled"),
        ("Rules[0].Default.SSEAlgorithm", "/Rules/0/Default/SSEAlgorithm"),
        ("StorageConnectors[].ConnectorType", ""),
        ("agreements[?state=='ACTIVE'].name", ""),
        ("Metadata.*", ""),
    ],
)
def test_pointers(path: str, expected: str) -> None:
    assert pointer(path) == expected


def answer(response: Any = None, code: str = "", message: str = "", call: Any = None) -> Answer:
    call = call or GET_BUCKET_POLICY
    reported = dict.fromkeys(Request.__dataclass_fields__, "")
    request = Request(
        **{
            **reported,
            "id": "E0007",
            "call": call.name,
            "page": 0,
            "attempts": 1,
            "status": 403 if code else 200,
            "error": {"code": code, "message": message} if code else None,
            "cut": None,
            "response": None if code else response,
        }
    )
    return Answer(call, "eu-west-1", {}, (request,))


def after_a_page(last: Answer) -> Answer:
    """What AWS answers to a second page."""
    (first,) = answer({}).requests
    return replace(last, requests=(replace(first, id="E0006"), *last.requests))


OFF = Default("off", "a document")
GONE = answer(code="NoSuchBucketPolicy")


@pytest.mark.parametrize(
    ("answered", "absent", "none", "value", "refs", "reason"),
    [
        (answer({"Policy": "x"}), UNSEEN, None, "x", ("E0007#/Policy",), ""),
        (answer({"Policy": ""}), OFF, None, "", ("E0007#/Policy",), ""),
        (answer({}), OFF, None, "off", ("E0007",), ""),
        (answer({}), NONE, None, None, ("E0007",), ""),
        (answer({}), UNSEEN, None, None, ("E0007",), "absent in answer"),
        (answer({}), UNSEEN, OFF, None, ("E0007",), "absent in answer"),
        (GONE, OFF, None, "off", ("E0007",), ""),
        (GONE, UNSEEN, OFF, "off", ("E0007",), ""),
        (GONE, UNSEEN, NONE, None, ("E0007",), ""),
        (GONE, UNSEEN, None, None, ("E0007",), "absent in answer"),
        (after_a_page(GONE), OFF, None, "off", ("E0007",), ""),
        (after_a_page(GONE), UNSEEN, None, None, ("E0007",), "absent in answer"),
        (answer(code="AccessDenied"), OFF, OFF, None, ("E0007",), "denied"),
        (answer(code="SlowDown"), NONE, NONE, None, ("E0007",), "throttled"),
        (answer(code="NoSuchBucket"), NONE, NONE, None, ("E0007",), "failed"),
        (Answer(GET_BUCKET_POLICY, "x", {}), OFF, OFF, None, (), "not collected"),
        (Answer(GET_BUCKET_POLICY, "x", {}, off="E0001"), OFF, OFF, None, ("E0001",), "region off"),
        (Answer(GET_BUCKET_POLICY, "x", {}, unused=True), OFF, None, "off", (), ""),
        (Answer(GET_BUCKET_POLICY, "x", {}, unused=True), UNSEEN, None, None, (), ""),
    ],
)
def test_a_member_of_an_answer(
    answered: Answer, absent: Any, none: Any, value: Any, refs: tuple[str, ...], reason: str
) -> None:
    cell = attached(answered, "Policy", absent, none)
    assert (cell.value, cell.refs) == (value, refs)
    assert (cell.gap.reason if cell.gap else "") == reason


@pytest.mark.parametrize(
    ("message", "value", "reason"),
    [
        ("Macie is not enabled.", "off", ""),
        ("User: arn is not authorized to perform: macie2:GetMacieSession", None, "denied"),
        ("", None, "denied"),
    ],
)
def test_one_code_may_mean_two_things(message: str, value: Any, reason: str) -> None:
    refusal = answer(code="AccessDeniedException", message=message, call=GET_MACIE_SESSION)
    cell = attached(refusal, "status", UNSEEN, OFF)
    assert cell.value == value
    assert (cell.gap.reason if cell.gap else "") == reason


@pytest.mark.parametrize("value", [0, False, "", []])
def test_what_is_false_is_not_absent(value: Any) -> None:
    assert attached(answer({"Policy": value}), "Policy", OFF).value == value
    cell = member({"State": value}, "E1#/Fleets/0", "State", OFF, DESCRIBE_FLEETS)
    assert cell == Cell(value, ("E1#/Fleets/0/State",))


def test_an_absent_member_of_a_listed_item() -> None:
    ref, call = "E1#/Fleets/0", DESCRIBE_FLEETS
    reported = Cell("off", (ref,), assumed=("a document",))
    assert member({}, ref, "State", OFF, call) == reported
    cell = member({"State": None}, ref, "State", UNSEEN, call)
    assert cell.gap == Trouble(
        "absent in answer", call.name, hint="AWS left State out", evidence=ref
    )


NOW = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("value", "is_gap"),
    [
        ("2019-01-22T00:00:00+00:00", False),
        ("0001-01-01T00:00:00+00:00", False),
        ("2026-11-28T12:00:00+00:00", False),
        ("2026-11-29T12:00:00+00:00", False),  # a day is not too much
        ("2026-11-29T12:00:01+00:00", True),
        ("2026-11-29T13:30:00+02:00", False),
        ("2026-11-29T13:30:00", True),  # of UTC, where none is named
        ("9999-12-31T23:59:59+00:00", True),
        (["2026-11-01T00:00:00+00:00", "2099-01-01T00:00:00+00:00"], True),
        (["2026-11-01T00:00:00+00:00"], False),
        ([], False),
        (None, False),
        ("not known, for Macie is off", False),
    ],
)
def test_what_has_happened_does_not_lie_ahead(value: Any, is_gap: bool) -> None:
    cell = Cell(value, ("E0001#/LastUsed",))
    found = in_the_past(cell, NOW)
    if not is_gap:
        assert found is cell
    else:
        assert found.gap is not None
        assert (found.gap.reason, found.gap.evidence) == ("needs review", "E0001")
        assert found.gap.hint.startswith("AWS gives a time that lies ahead: ")


def test_what_was_not_seen_stays_so() -> None:
    assert in_the_past(GAP, NOW) is GAP


# What AWS does where it leaves a member out; the catalogue cites AWS's page for each.
LEFT_OUT_MEANS = {
    "application_settings": False,
    "clipboard_limit": 20_971_520,
    "fleet_type": "ON_DEMAND",
    "idle_disconnect": 0,
    "imdsv1": False,
    "protocol": "TCP",
    "replay_session": False,
    "screenshots_upload": False,
    "sessions_per_instance": 1,
    "unlisted_user_setting": "not set",
    "usb_filters": 0,
    "user_settings": "ENABLED",
    "webauthn": False,
}


def test_a_member_that_aws_leaves_out_means_what_aws_documents() -> None:
    defaults = [
        column.absent
        for spec in SPECS.values()
        for column in spec.columns.values()
        if column.absent and column.absent.source
    ]
    assert {(one.source, one.value) for one in defaults} == set(LEFT_OUT_MEANS.items())


@pytest.mark.parametrize(
    ("refs", "request_id"),
    [((), ""), (("E1",), "E1"), (("E1#/Fleets/0", "E2#/Fleets/1"), "E1")],
)
def test_a_cell_names_the_request_of_its_first_reference(
    refs: tuple[str, ...], request_id: str
) -> None:
    assert Cell("on", refs).request == request_id
