"""The evaluator's laws, with small tables and controls of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from kit.calls import DESCRIBE_FLEETS, DESCRIBE_IMAGES, GET_ACCOUNT_SUMMARY, LIST_REPORTS, Scope
from kit.catalogue import texts
from kit.controls.registry import (
    ACCOUNT,
    CONTROLS,
    CUSTOMER,
    REGION,
    ROLL_UPS,
    Attested,
    Control,
    NotApplicable,
    NotEvidenced,
    control,
    roll_up,
)
from kit.errors import UserError
from kit.judge import evaluate, needed_calls, select
from kit.judge.digest import RESOURCE, ROLL_UP, subject_of
from kit.judge.evaluator import shown
from kit.judge.findings import Finding, Findings
from kit.snapshot import Trouble
from kit.tables import tabulate
from kit.tables.cells import Cell
from kit.tables.core import SPECS, Column, Part, Row, table
from kit.tables.coverage import ACCOUNT as GLOBAL
from tests import standins
from tests.standins import Account

HERE, THERE = "eu-west-1", "us-east-1"
HIDDEN = Cell(None, ("E0001",), Trouble("denied", "iam.GetX", "AccessDenied", "iam:GetX", "ask"))
LATER = Cell(None, ("E0002",), Trouble("throttled", "iam.GetY", "Throttling"))


UNHEARD = "unheard of"


class OwnTexts(dict[str, Any]):
    """Texts of what tests declare, made from its names: a rule's expectation is its name."""

    def __missing__(self, id: str) -> str:
        name = id.rpartition("/")[2].replace("_", " ")
        if id.startswith("columns/"):
            return name.capitalize()
        return name.removesuffix("s") if id.startswith("nouns/") else name

    def __contains__(self, id: object) -> bool:
        own = "/verdicts/" in str(id) and UNHEARD not in str(id)
        return own or super().__contains__(id)


@pytest.fixture(autouse=True)
def _own_registries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tests declare tables and controls of their own; the kit's come back afterwards."""
    english = texts._catalogue("en")
    monkeypatch.setattr(texts, "_catalogue", lambda language: OwnTexts(english))
    kept = [(registry, dict(registry)) for registry in (CONTROLS, ROLL_UPS, SPECS)]
    for registry, _ in kept:
        registry.clear()
    yield
    for registry, content in kept:
        registry.clear()
        registry.update(content)


def things(
    *rows: tuple[str, dict[str, Any]], scope: Scope = REGION, calls: Any = (DESCRIBE_FLEETS,)
) -> None:
    """Declare a table of things, with what is in it."""
    columns = list(rows[0][1]) if rows else ["colour"]

    @table("things", scope, calls, {name: Column() for name in columns})
    def build(_: Any) -> Iterator[Row]:
        for n, (region, values) in enumerate(rows):
            cells = {
                name: value if isinstance(value, Cell) else Cell(value, (f"E{n}#/{name}",))
                for name, value in values.items()
            }
            yield Row(region, f"thing {n}", f"thing {n}", cells)


def declare(rule: Callable[..., Any], id: str = "AR-99", **members: Any) -> Control:
    """Declare a control over things."""
    return control(
        id,
        **{
            "table": "things",
            "scope": REGION,
            "severity": "low",
            "responsibility": CUSTOMER,
            **members,
        },
    )(rule)


def is_red(colour: str) -> bool:
    """The thing is red."""
    return colour == "red"


@pytest.fixture
def judge(tmp_path: Path) -> Callable[..., Findings]:
    def judge(account: Account | None = None, **run: Any) -> Findings:
        made = account or Account(tmp_path, **run)
        return evaluate(tabulate(made.snapshot()))

    return judge


Judge = Callable[..., Findings]


def reported(findings: Findings) -> list[tuple[str, str, str, str]]:
    return [(f.region, f.resource, f.status, f.reason) for f in findings.leaves]


# --- rows ---------------------------------------------------------------------------------


def test_one_finding_for_each_row(judge: Judge) -> None:
    things((HERE, {"colour": "red"}), (HERE, {"colour": "blue"}))
    declare(is_red)
    assert reported(judge()) == [(HERE, "thing 0", "pass", ""), (HERE, "thing 1", "fail", "")]


def test_a_finding_says_what_was_observed_wanted_and_cited(judge: Judge) -> None:
    things((HERE, {"colour": "blue", "size": 3}))
    declare(is_red, shows=("size",))
    (finding,) = judge().leaves
    assert finding == Finding(
        control="AR-99",
        severity="low",
        account=standins.ACCOUNT,
        region=HERE,
        resource="thing 0",
        status="fail",
        observed="Colour: blue; Size: 3",
        expected="is red",
        evidence=("E0#/colour", "E0#/size"),
        observed_values='{"colour":"blue","size":3}',
        id=finding.id,
        remedies="is_red",
    )
    assert subject_of(finding.id, asdict(finding)) == RESOURCE
    assert not subject_of(finding.id, {**asdict(finding), "region": "eu-west-9"})


def test_a_cell_that_was_not_seen_is_not_evidenced_and_says_why(judge: Judge) -> None:
    things((HERE, {"colour": HIDDEN}))
    declare(is_red)
    (finding,) = judge().leaves
    assert finding.status == "not evidenced"
    assert finding.observed == "Colour: not seen"
    trouble = (finding.reason, finding.operation, finding.code, finding.permission, finding.hint)
    assert trouble == ("denied", "iam.GetX", "AccessDenied", "iam:GetX", "ask")
    assert finding.evidence == ("E0001",)


def test_a_value_that_aws_left_out_says_by_which_document_it_is_known(judge: Judge) -> None:
    reported = Cell("red", ("E0#",), assumed=("CreateThing: red unless set", "Guide: so it is"))
    hidden = Cell(None, (), HIDDEN.gap, assumed=("Guide: nothing",))
    things((HERE, {"colour": reported, "size": hidden}))
    declare(is_red, shows=("size",))
    (finding,) = judge().leaves
    assert finding.observed == (
        "Colour: red [AWS left a member out: CreateThing: red unless set, Guide: so it is]; "
        "Size: not seen"
    )


@pytest.mark.parametrize("wrong", [True, False])
def test_a_rule_is_never_applied_to_what_was_not_seen(judge: Judge, wrong: bool) -> None:
    things((HERE, {"colour": Cell("red" if wrong else "blue", (), HIDDEN.gap)}))

    def never(colour: str) -> bool:
        """It is never asked."""
        raise AssertionError(colour)

    declare(never)
    assert judge().leaves[0].status == "not evidenced"


def test_what_is_only_shown_hides_no_verdict(judge: Judge) -> None:
    things((HERE, {"colour": "red", "size": HIDDEN}))
    declare(is_red, shows=("size",))
    (finding,) = judge().leaves
    assert (finding.status, finding.observed) == ("pass", "Colour: red; Size: not seen")


# --- clauses ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("colour", "size", "status", "operation"),
    [
        ("red", 1, "pass", ""),
        ("blue", 1, "fail", ""),
        ("red", 9, "fail", ""),
        ("blue", HIDDEN, "fail", ""),
        (HIDDEN, 9, "fail", ""),
        ("red", HIDDEN, "not evidenced", "iam.GetX"),
        (HIDDEN, 1, "not evidenced", "iam.GetX"),
        (HIDDEN, LATER, "not evidenced", "iam.GetX"),
        (LATER, HIDDEN, "not evidenced", "iam.GetY"),
    ],
)
def test_a_false_clause_beats_a_gap_beside_it(
    judge: Judge, colour: Any, size: Any, status: str, operation: str
) -> None:
    things((HERE, {"colour": colour, "size": size}))

    @declare(is_red).clause
    def is_small(size: int) -> bool:
        """The thing is small."""
        return size < 5

    (finding,) = judge().leaves
    assert (finding.status, finding.operation) == (status, operation)
    assert finding.expected == "is red is small"


ATTESTED, UNCLEAR, NONE = Attested("AWS"), NotEvidenced("needs review", "look"), NotApplicable("-")


@pytest.mark.parametrize(
    ("outcomes", "status", "reason"),
    [
        ([True], "pass", ""),
        ([False], "fail", ""),
        ([ATTESTED], "attested", "AWS"),
        ([UNCLEAR], "not evidenced", "needs review"),
        ([NONE], "not applicable", "-"),
        ([True, False], "fail", ""),
        ([UNCLEAR, False], "fail", ""),
        ([ATTESTED, False], "fail", ""),
        ([NONE, False], "fail", ""),
        ([True, UNCLEAR], "not evidenced", "needs review"),
        ([ATTESTED, UNCLEAR], "not evidenced", "needs review"),
        ([True, ATTESTED], "attested", "AWS"),
        ([NONE, ATTESTED], "attested", "AWS"),
        ([NONE, True], "pass", ""),
        ([NONE, NONE], "not applicable", "-"),
    ],
    ids=str,
)
def test_what_rules_answer_beyond_true_and_false(
    judge: Judge, outcomes: list[Any], status: str, reason: str
) -> None:
    things((HERE, {"colour": "red"}))

    def answers(outcome: Any) -> Callable[[str], Any]:
        def rule(colour: str) -> Any:
            """It answers so."""
            return outcome

        return rule

    first, *others = outcomes
    made = declare(answers(first))
    for outcome in others:
        made.clause(answers(outcome))
    (finding,) = judge().leaves
    assert (finding.status, finding.reason) == (status, reason)
    assert finding.hint == ("look" if UNCLEAR in outcomes else "")
    unmet = [outcome for outcome in outcomes if outcome is False or outcome is UNCLEAR]
    assert len(list(filter(None, finding.remedies.split("; ")))) == len(unmet)


@pytest.mark.parametrize("outcome", [None, "yes", 1, 0])
def test_a_rule_that_answers_anything_else_is_a_mistake_of_the_kit(
    judge: Judge, outcome: Any
) -> None:
    things((HERE, {"colour": "red"}))

    def rule(colour: str) -> Any:
        """It forgets to answer."""
        return outcome

    declare(rule)
    with pytest.raises(TypeError, match="AR-99: a rule returned"):
        judge()


@pytest.mark.parametrize(
    ("outcome", "gives"),
    [
        (NotEvidenced(UNHEARD), ("pass", "fail")),
        (NotEvidenced("needs review", UNHEARD), ("pass", "fail")),
        (Attested(UNHEARD), ("pass", "fail")),
        (True, ("fail",)),
        (False, ("pass",)),
        (True, ()),
    ],
    ids=str,
)
def test_a_verdict_that_is_not_declared_is_an_error_of_the_kit(
    judge: Judge, outcome: Any, gives: tuple[str, ...]
) -> None:
    things((HERE, {"colour": "red"}))

    def rule(colour: str) -> Any:
        return outcome

    declare(rule, gives=gives)
    with pytest.raises(LookupError, match=r"AR-99: the verdict .* is not declared"):
        judge()


def test_a_rule_without_columns_is_applied_to_each_row(judge: Judge) -> None:
    things((HERE, {"colour": HIDDEN}))

    def always() -> Attested:
        """AWS does it."""
        return ATTESTED

    declare(always)
    assert reported(judge()) == [(HERE, "thing 0", "attested", "AWS")]


# --- the part of a table that a control is about --------------------------------------------

BIG = Part("size > 5 and shape == 'round'", "big round thing")


@pytest.mark.parametrize(
    ("size", "shape", "status", "resource"),
    [
        (9, "round", "pass", "thing 0"),
        (1, "round", "not applicable", "no big round thing"),
        (9, "flat", "not applicable", "no big round thing"),
        (HIDDEN, "round", "not evidenced", "thing 0"),
        (9, HIDDEN, "not evidenced", "thing 0"),
        (HIDDEN, LATER, "not evidenced", "thing 0"),
    ],
)
def test_a_gap_in_what_selects_rows_is_no_reason_to_leave_them_out(
    judge: Judge, size: Any, shape: Any, status: str, resource: str
) -> None:
    things((HERE, {"colour": "red", "size": size, "shape": shape}))
    declare(is_red, where=BIG)
    (finding,) = judge().leaves
    assert (finding.status, finding.resource) == (status, resource)


def test_rows_that_are_left_out_are_cited_for_there_being_none(judge: Judge) -> None:
    things((HERE, {"colour": "red", "size": 1, "shape": "round"}))
    declare(is_red, where=BIG)
    (finding,) = judge().leaves
    assert {"E0#/size", "E0#/shape"} <= set(finding.evidence)
    assert finding.reason == "no big round thing"


# --- coverage -----------------------------------------------------------------------------


def test_complete_and_empty_is_not_applicable_with_its_evidence(judge: Judge) -> None:
    things()
    declare(is_red)
    (finding,) = judge().leaves
    assert (finding.status, finding.reason) == ("not applicable", "no thing")
    assert finding.observed == "none"
    assert len(finding.evidence) == 1


def test_incomplete_and_empty_is_never_not_applicable(tmp_path: Path, judge: Judge) -> None:
    things()
    declare(is_red)
    (finding,) = judge(Account(tmp_path).denies(DESCRIBE_FLEETS)).leaves
    assert (finding.status, finding.resource) == ("not evidenced", "any thing")
    assert (finding.reason, finding.operation) == ("denied", "appstream.DescribeFleets")
    assert finding.code == "AccessDeniedException"
    assert finding.permission == "appstream:DescribeFleets"
    assert finding.hint == "grant appstream:DescribeFleets to the collector"
    assert len(finding.evidence) == 1


def test_incomplete_adds_a_row_to_those_seen(tmp_path: Path, judge: Judge) -> None:
    things((HERE, {"colour": "red"}), calls=(DESCRIBE_FLEETS, DESCRIBE_IMAGES))
    declare(is_red)
    account = Account(tmp_path).denies(DESCRIBE_FLEETS)
    account.refuses(DESCRIBE_IMAGES, "InternalFailure", status=500)
    assert reported(judge(account)) == [
        (HERE, "thing 0", "pass", ""),
        (HERE, "any thing", "not evidenced", "denied"),
        (HERE, "any thing", "not evidenced", "failed"),
    ]


def test_a_control_may_rest_on_fewer_calls_than_its_table(tmp_path: Path, judge: Judge) -> None:
    things(calls=(DESCRIBE_FLEETS, DESCRIBE_IMAGES))
    made = declare(is_red, rests_on=(DESCRIBE_FLEETS,))
    assert reported(judge(Account(tmp_path).denies(DESCRIBE_IMAGES))) == [
        (HERE, "no thing", "not applicable", "no thing")
    ]
    assert made.calls == {DESCRIBE_FLEETS}


def test_a_region_that_is_off_is_not_evidenced(tmp_path: Path, judge: Judge) -> None:
    things((HERE, {"colour": "red"}))
    declare(is_red)
    account = Account(tmp_path, regions=(HERE, THERE), regions_off=(THERE,))
    found = judge(account)
    assert reported(found) == [
        (HERE, "thing 0", "pass", ""),
        (THERE, "any thing", "not evidenced", "region off"),
    ]
    assert found.leaves[1].evidence
    assert "the account has not enabled us-east-1" in found.leaves[1].hint


def test_a_region_that_is_not_in_use_is_not_applicable(tmp_path: Path, judge: Judge) -> None:
    things((HERE, {"colour": "red"}))
    declare(is_red)
    account = Account(tmp_path, regions=(HERE, THERE), regions_unused=(THERE,))
    found = judge(account)
    assert reported(found) == [
        (HERE, "thing 0", "pass", ""),
        (THERE, "no thing", "not applicable", "no thing"),
    ]
    assert found.leaves[1].evidence, "the empty list that was read there is cited"


def test_a_call_that_was_never_made_is_not_evidenced(tmp_path: Path) -> None:
    things()
    declare(is_red)
    snapshot = standins.without(Account(tmp_path).snapshot(), DESCRIBE_FLEETS)
    (finding,) = evaluate(tabulate(snapshot)).leaves
    assert (finding.status, finding.reason) == ("not evidenced", "not collected")


@pytest.mark.parametrize("scope", [ACCOUNT, REGION])
def test_no_region_and_no_account_without_a_row(tmp_path: Path, judge: Judge, scope: Scope) -> None:
    things(scope=scope, calls=(LIST_REPORTS,) if scope is ACCOUNT else (DESCRIBE_FLEETS,))
    declare(is_red, scope=scope)
    found = judge(Account(tmp_path, regions=(HERE, THERE)))
    wanted = [GLOBAL] if scope is ACCOUNT else [HERE, THERE]
    assert [finding.region for finding in found.leaves] == wanted


def test_an_account_wide_list_counts_for_every_region(tmp_path: Path, judge: Judge) -> None:
    things(calls=(GET_ACCOUNT_SUMMARY,))
    declare(is_red)
    account = Account(tmp_path, regions=(HERE, THERE)).denies(GET_ACCOUNT_SUMMARY)
    assert [(f.region, f.status) for f in judge(account).leaves] == [
        (HERE, "not evidenced"),
        (THERE, "not evidenced"),
    ]


# --- thresholds ---------------------------------------------------------------------------


def is_short(size: int, *, max_idle_seconds: int) -> bool:
    """The thing is short."""
    return size <= max_idle_seconds


@pytest.mark.parametrize(
    ("thresholds", "limit", "status"),
    [
        ("default", 600, "pass"),
        ("strict", 300, "fail"),
        ("own", 400, "fail"),
        ("wide", 900, "pass"),
    ],
)
def test_thresholds_come_from_the_profile(
    tmp_path: Path, judge: Judge, thresholds: str, limit: int, status: str
) -> None:
    things((HERE, {"size": 500}))
    declare(is_short)
    for name, seconds in (("own", 400), ("wide", 900)):
        (tmp_path / f"{name}.yaml").write_text(f"max_idle_seconds: {seconds}\n")
    if thresholds in ("own", "wide"):
        thresholds = str(tmp_path / f"{thresholds}.yaml")
    (finding,) = judge(thresholds=thresholds).leaves
    assert finding.status == status
    assert finding.expected == f"is short [max_idle_seconds = {limit}]"


def test_lists_come_from_the_run_and_the_time_from_the_snapshot(judge: Judge) -> None:
    things((HERE, {"size": 2026}))

    def rule(size: int, *, allowed_key_accounts: list[str], as_of: Any) -> bool:
        """The run's lists and clock are what is asked for."""
        return allowed_key_accounts == ["9" * 12] and as_of.year == size

    declare(rule)
    assert judge(allowed_key_accounts=["9" * 12]).leaves[0].status == "pass"


# --- selection and roll-ups -----------------------------------------------------------------


def three() -> None:
    """AR-97 fails, AR-98 passes, AR-99 is about nothing; AR-50 sums up the first two."""
    things((HERE, {"colour": "red", "size": 1, "shape": "flat"}))

    def is_blue(colour: str) -> bool:
        """The thing is blue."""
        return colour == "blue"

    declare(is_blue, "AR-97")
    declare(is_red, "AR-98")
    declare(is_red, "AR-99", where=BIG)
    roll_up("AR-50", responsibility=CUSTOMER)(lambda one: one.id in {"AR-97", "AR-98"})


def test_all_controls_unless_some_are_named(judge: Judge) -> None:
    three()
    found = judge()
    assert [f.control for f in found.leaves] == ["AR-97", "AR-98", "AR-99"]
    assert [f.control for f in found.roll_ups] == ["AR-50"]


def test_a_roll_up_that_is_named_brings_what_it_sums_up(judge: Judge) -> None:
    three()
    found = judge(controls=["AR-50"])
    assert [f.control for f in found.leaves] == ["AR-97", "AR-98"]
    assert [f.control for f in found.roll_ups] == ["AR-50"]
    assert needed_calls(["AR-50"]) == needed_calls(["AR-97", "AR-98"])


def test_a_roll_up_of_which_a_part_was_left_out_is_left_out(judge: Judge) -> None:
    three()
    found = judge(controls=["AR-98", "AR-99"])
    assert [f.control for f in found.leaves] == ["AR-98", "AR-99"]
    assert found.roll_ups == ()


def test_a_roll_up_is_the_worst_and_cites_what_it_sums_up(judge: Judge) -> None:
    three()
    (roll_up,) = judge().roll_ups
    assert (roll_up.status, roll_up.region, roll_up.severity) == ("fail", GLOBAL, "low")
    assert roll_up.observed == "fail (low), by AR-97: 1 of 2 findings"
    assert roll_up.subject == ROLL_UP
    assert roll_up.evidence == ("AR-97", "AR-98")


@pytest.mark.parametrize(
    ("severities", "colours", "expected"),
    [
        (["low", "high"], ["blue", "red"], ("fail", "low", "fail (low), by AR-90: 1 of 2")),
        (["high", "low"], ["blue", "red"], ("fail", "high", "fail (high), by AR-90: 1 of 2")),
        (
            ["low", "high"],
            ["blue", "blue"],
            ("fail", "high", "fail (high), by AR-91, AR-90: 2 of 2"),
        ),
        (
            ["medium", "medium"],
            ["blue", "blue"],
            ("fail", "medium", "fail (medium), by AR-90, AR-91: 2 of 2"),
        ),
        (["low", "high"], ["red", "red"], ("pass", "", "pass, by AR-91, AR-90: 2 of 2")),
        (
            ["medium", "high"],
            [HIDDEN, "red"],
            ("not evidenced", "medium", "not evidenced (medium), by AR-90: 1 of 2"),
        ),
        (["low", "high"], ["blue", HIDDEN], ("fail", "low", "fail (low), by AR-90: 1 of 2")),
    ],
)
def test_a_roll_up_has_the_severity_of_what_made_it_and_names_it(
    judge: Judge, severities: list[str], colours: list[Any], expected: tuple[str, str, str]
) -> None:
    things((HERE, dict(zip(("first", "second"), colours, strict=True))))

    def first_is_red(first: str) -> bool:
        """The first is red."""
        return first == "red"

    def second_is_red(second: str) -> bool:
        """The second is red."""
        return second == "red"

    declare(first_is_red, "AR-90", severity=severities[0])
    declare(second_is_red, "AR-91", severity=severities[1])
    roll_up("AR-50", responsibility=CUSTOMER)(lambda one: True)
    (summed,) = judge().roll_ups
    status, severity, reported = expected
    assert (summed.status, summed.severity) == (status, severity)
    assert summed.observed == f"{reported} findings"


def test_a_clause_of_a_severity_of_its_own_decides_that_of_the_roll_up(judge: Judge) -> None:
    things((HERE, {"colour": "red", "size": 9}))
    made = declare(is_red, "AR-90", severity="high")

    @made.clause_of("low")
    def is_small(size: int) -> bool:
        """The thing is small."""
        return size < 2

    roll_up("AR-50", responsibility=CUSTOMER)(lambda one: True)
    (summed,) = judge().roll_ups
    assert (summed.severity, summed.observed) == ("low", "fail (low), by AR-90: 1 of 1 findings")


def test_an_unknown_control_is_reported() -> None:
    three()
    with pytest.raises(UserError, match=r"controls: 'AR-01' is not a control; did you mean"):
        select(["AR-98", "AR-01"])


def test_a_waiver_makes_a_roll_up_milder_and_cannot_touch_it(tmp_path: Path, judge: Judge) -> None:
    three()
    (tmp_path / "waivers.yaml").write_text(
        """
- {control: AR-97, owner: Jane Doe, reason: is painted next month, expires: "2026-12-31"}
- {control: AR-50, owner: Jane Doe, reason: roll-ups cannot be waived, expires: "2026-12-31"}
"""
    )
    found = judge(waivers=str(tmp_path / "waivers.yaml"))
    assert [f.status for f in found.leaves] == ["accepted", "pass", "not applicable"]
    assert found.roll_ups[0].status == "accepted"
    assert [waiver.control for waiver in found.unused_waivers] == ["AR-50"]


def test_a_table_whose_cells_are_not_its_columns_is_a_mistake_of_the_kit(judge: Judge) -> None:
    @table("things", REGION, (), {"colour": Column()})
    def build(_: Any) -> Iterator[Row]:
        yield Row(HERE, "1", "1", {"color": Cell("red")})

    declare(is_red)
    with pytest.raises(TypeError, match="are not its columns"):
        judge()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "none"),
        ("", "none"),
        ([], "none"),
        ({}, "none"),
        (0, "0"),
        (True, "yes"),
        (False, "no"),
        ("AES256", "AES256"),
        ([1, 2], "1; 2"),
        ([1, 2, 3, 4, 5], "1; 2; 3; 4; 5"),
        ([1, 2, 3, 4, 5, 6, 7], "1; 2; 3; 4; 5; and 2 more"),
        ({"days": 90, "complete": True, "from": None}, "days 90, complete yes, from none"),
        ([{"id": "a"}, {"id": "b"}], "id a; id b"),
    ],
    ids=str,
)
def test_how_a_value_is_reported(value: Any, words: str) -> None:
    assert shown(value) == words


@pytest.mark.parametrize(
    ("value", "words", "quoted"),
    [
        ("home folders", "HOME", "home folders"),
        (["home folders", "homes"], "HOME; homes", "home folders; homes"),
        ("home folders (of all)", "HOME (of all)", "home folders (of all)"),
        ("all home folders", "all home folders", "all home folders"),
        ({"home folders": "home folders"}, "HOME HOME", "HOME home folders"),
    ],
    ids=str,
)
def test_words_of_the_kit_among_values_have_texts_and_quoted_ones_none(
    monkeypatch: pytest.MonkeyPatch, value: Any, words: str, quoted: str
) -> None:
    own = OwnTexts({"values/home folders": "HOME"})
    monkeypatch.setattr(texts, "_catalogue", lambda language: own)
    assert shown(value) == words
    assert shown(value, quoted=True) == quoted


def test_keys_of_a_cell_are_words_and_no_names_of_members() -> None:
    report = {"name": "SOC 2", "period_start": "2026-01-01", "period_end": "2026-06-30", "arn": "a"}
    words = "name SOC 2, from 2026-01-01, to 2026-06-30, ARN a"
    assert shown(report, quoted=True) == words
