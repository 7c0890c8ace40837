"""What holds for every control, whatever it is about."""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from kit.calls import CALLS, LIST_ORGANIZATIONS_FEATURES, Call
from kit.catalogue.frameworks import AWS_PAGE, mapped
from kit.catalogue.statuses import NOT_APPLICABLE, NOT_EVIDENCED
from kit.controls import CONTROLS, ROLL_UPS, SECTIONS, describe, registry
from kit.controls.registry import ACCOUNT, CUSTOMER, control
from kit.controls.source import BEYOND
from kit.judge import evaluate, needed_calls
from kit.judge.digest import NOTHING
from kit.judge.findings import Finding
from kit.parameters import Profile
from kit.snapshot import Request, Snapshot
from kit.tables import tabulate
from kit.tables.core import SPECS
from kit.tables.logging import IN_USE
from tests.controls.samples import SAMPLES
from tests.standins import REGION, changed, denial, denied, without


def sorted_calls(calls: Iterable[Call]) -> list[Call]:
    return sorted(calls, key=lambda call: call.name)


EVERY = pytest.mark.parametrize("name", sorted(CONTROLS))
MODULES: dict[str, set[str]] = {}  # sections by the module that has their rules
for _control in CONTROLS.values():
    for _clause in _control.clauses:
        MODULES.setdefault(_clause.rule.__module__, set()).add(_control.section)
NOT_ASKED_FOR = {"IT-07"}  # by the default profile
UNUSED, OFF = "eu-central-1", "us-east-1"
# --- what is declared -----------------------------------------------------------------------


def test_no_id_is_a_controls_and_a_roll_ups() -> None:
    assert not CONTROLS.keys() & ROLL_UPS.keys()


@pytest.mark.parametrize("name", sorted({**CONTROLS, **ROLL_UPS}))
def test_articles_have_paragraphs_and_reasons(name: str) -> None:
    one = {**CONTROLS, **ROLL_UPS}[name]
    for article, why in (*one.gdpr.items(), *one.context.items()):
        # Articles 29 and 44 have one paragraph, without a number.
        assert re.fullmatch(r"\d{1,2}\(\d{1,2}\)(\([a-z]\))?|29|44", article), article
        assert len(why.split()) >= 1, article
        assert not why.endswith("."), article


@EVERY
def test_its_clauses_are_in_a_module_of_its_section_alone(name: str) -> None:
    assert re.fullmatch(r"[A-Z]{2}-\d\d", name)
    assert CONTROLS[name].section in SECTIONS
    for clause in CONTROLS[name].clauses:
        assert MODULES[clause.rule.__module__] == {CONTROLS[name].section}


@EVERY
def test_it_has_words_a_source_and_a_remedy(name: str) -> None:
    one = CONTROLS[name]
    assert one.source == BEYOND or one.source.endswith((".", ".]"))
    assert all(remedy.console.endswith((".", ")")) for remedy in one.remedies)
    assert all(one.remedy(clause.rule.__name__).console for clause in one.clauses)
    assert one.title[0].isupper()
    for clause in one.clauses:
        assert clause.expected.endswith(".")


def test_what_is_beyond_the_source_says_so() -> None:
    every = {**CONTROLS, **ROLL_UPS}
    beyond = {name for name, control in every.items() if control.source == BEYOND}
    assert beyond == {name for name in every if not mapped(AWS_PAGE, name)}
    assert beyond < every.keys()


@EVERY
def test_what_it_shows_does_not_decide(name: str) -> None:
    assert not set(CONTROLS[name].shows) & set(CONTROLS[name].columns), "shown anyway"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_limit_is_hard_wired(module: str) -> None:
    """0 and 1 tell none from some; every other number is somebody's choice, so the profile's."""
    tree = ast.parse(inspect.getsource(import_module(module)))
    slices = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Slice)
        for part in ast.walk(node)
    }
    numbers = {
        node.value: node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and type(node.value) in (int, float)
        and id(node) not in slices
    }
    own = [f"line {line}: {value}" for value, line in numbers.items() if value not in (0, 1)]
    assert own == [], f"{module}: thresholds are fields of Profile (kit/parameters.py)"


def test_every_threshold_of_the_profile_decides_something() -> None:
    used = {name for one in CONTROLS.values() for name in one.thresholds}
    before = {"max_organisation_age_days"}  # it decides whether a snapshot may serve at all
    assert Profile.model_fields.keys() - {"name"} - before <= used


def test_every_control_is_described() -> None:
    reported = describe()
    assert [one["id"] for one in reported] == sorted(CONTROLS.keys() | ROLL_UPS.keys())
    for one in reported:
        assert one["title"]
        assert one["gdpr"]
    assert describe(["AR-05"])[0]["about"] == "home-folder bucket"
    assert describe(["AR-18"])[0]["sums_up"] == [
        *(f"AR-{n:02d}" for n in (*range(5, 12), 20)),
        "LG-03",
    ]


DECLARATION: dict[str, Any] = {
    "table": "stacks",
    "scope": ACCOUNT,
    "severity": "low",
    "responsibility": CUSTOMER,
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"table": "stack"}, "EX-98: 'stack' is not a table; did you mean 'stacks'"),
        (
            {"severity": "minor"},
            "EX-98: 'minor' is not a severity; accepted: high, low, medium",
        ),
        (
            {"responsibility": "nobody"},
            "EX-98: 'nobody' is not a responsibility; accepted: AWS",
        ),
        (
            {"shows": ("uploads",)},
            "EX-98: 'uploads' is not a column of stacks; did you mean 'upload'?",
        ),
        (
            {"shows": ("clipboard",)},  # near to three
            "EX-98: 'clipboard' is not a column of stacks; did you mean 'clipboard_in'?",
        ),
    ],
)
def test_a_declaration_that_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        control("EX-98", **{**DECLARATION, **change})(lambda upload: True)
    assert "EX-98" not in CONTROLS


def test_a_rule_that_reads_what_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "CONTROLS", {"EX-97": CONTROLS["EX-01"]})
    with pytest.raises(ValueError, match="EX-98: 'uploads' is not a column of stacks"):
        control("EX-98", **DECLARATION)(lambda uploads: True)
    with pytest.raises(ValueError, match="EX-96: 'max_key_age' is not a threshold or parameter"):
        control("EX-96", **DECLARATION)(lambda upload, *, max_key_age: True)
    with pytest.raises(ValueError, match="EX-97 is declared twice"):
        control("EX-97", **DECLARATION)(lambda upload: True)


# --- what is found --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Snapshot]:
    """A snapshot of each sample account, the smallest first: most calls decide there already."""
    made = [
        (name, sample(tmp_path_factory.mktemp(name)).snapshot()) for name, sample in SAMPLES.items()
    ]
    return dict(sorted(made, key=lambda one: len(one[1].requests)))


@pytest.fixture(scope="module")
def before(sampled: dict[str, Snapshot]) -> dict[str, list[Finding]]:
    """What is found in each of them."""
    return {name: judge(snapshot) for name, snapshot in sampled.items()}


def judge(snapshot: Snapshot) -> list[Finding]:
    return list(evaluate(tabulate(snapshot)).leaves)


@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_no_finding_depends_on_the_order_of_answers_or_on_their_numbers(
    sample: str, sampled: dict[str, Snapshot], before: dict[str, list[Finding]]
) -> None:
    """AWS lists in whichever order; a label names a thing, not where an answer has it."""

    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: turned(inner) for name, inner in value.items()}
        return [turned(inner) for inner in reversed(value)] if isinstance(value, list) else value

    def change(request: Request) -> Request:
        numbered = f"E9{request.id[1:]}"
        return replace(request, id=numbered, response=turned(request.response))

    def seen(findings: list[Finding]) -> Counter[tuple[str, ...]]:
        return Counter(
            (one.control, one.region, one.resource, one.status, one.reason, one.observed)
            for one in findings
        )

    assert seen(judge(changed(sampled[sample], change))) == seen(before[sample])


def statuses(findings: list[Finding], control: str) -> Counter[str]:
    return Counter(one.status for one in findings if one.control == control)


@pytest.mark.parametrize("sample", sorted(SAMPLES))
@EVERY
def test_at_least_one_row_for_each_account_and_region(
    sampled: dict[str, Snapshot], before: dict[str, list[Finding]], name: str, sample: str
) -> None:
    own = {one.region for one in before[sample] if one.control == name}
    wanted = {"global"} if CONTROLS[name].scope is ACCOUNT else set(sampled[sample].regions)
    assert own == wanted


@EVERY
def test_an_account_without_anything_has_nothing_to_judge(
    before: dict[str, list[Finding]], name: str
) -> None:
    """What is judged there is what every account has: its root user, its declarations."""
    for finding in before["empty"]:
        if finding.control == name and finding.subject == NOTHING:
            assert finding.status == NOT_APPLICABLE
            assert finding.reason.startswith("no ")
            assert finding.evidence


@pytest.fixture(scope="module")
def three_regions(tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    """What is found where one region of three is in use, one is not, and one is off."""
    regions = {"regions": (REGION, UNUSED, OFF), "regions_unused": (UNUSED,), "regions_off": (OFF,)}
    account = SAMPLES["tidy"](tmp_path_factory.mktemp("three"), **regions)
    return judge(account.snapshot())


@EVERY
def test_a_region_that_is_off_is_never_taken_for_one_without_anything(
    three_regions: list[Finding], name: str
) -> None:
    own = [one for one in three_regions if one.control == name and one.region == OFF]
    assert bool(own) is (CONTROLS[name].scope is not ACCOUNT)
    for one in own if name not in NOT_ASKED_FOR else ():
        assert (one.status, one.reason) == (NOT_EVIDENCED, "region off")
        assert one.hint.startswith(f"the account has not enabled {OFF}")


@EVERY
def test_a_region_that_is_not_in_use_is_reported_with_its_evidence(
    three_regions: list[Finding], name: str
) -> None:
    own = [one for one in three_regions if one.control == name and one.region == UNUSED]
    assert [one.status for one in own] == [NOT_APPLICABLE] * (CONTROLS[name].scope is not ACCOUNT)
    for one in own:
        assert one.evidence
        # Where AppStream is not in use, the kit requests no trails and no endpoints.
        unknown = name in ("AR-08", "AR-20", "EX-16", "LG-03", "LG-06")
        noun = IN_USE.noun if unknown else CONTROLS[name].noun
        assert one.reason == ("not required" if name in NOT_ASKED_FOR else f"no {noun}")


# Calls that are asked where another failed or listed nothing.
_STAND_INS = {call.fallback_of.name: call for call in CALLS.values() if call.fallback_of}


@pytest.mark.parametrize(
    ("name", "call"),
    [(name, call.name) for name in sorted(CONTROLS) for call in sorted_calls(CONTROLS[name].calls)],
)
def test_every_call_that_it_declares_is_read(
    sampled: dict[str, Snapshot], name: str, call: str
) -> None:
    """In some account it is the call that decides; denied, it is named with its code."""
    control = CONTROLS[name]
    refused = [CALLS[call], *([_STAND_INS[call]] if call in _STAND_INS else [])]
    columns = [SPECS[control.table].columns[column] for column in control.shows]
    shown = {read.name for column in columns for read in column.calls}
    assert call in shown or any(
        (one.status, one.operation, one.code) == (NOT_EVIDENCED, call, denial(CALLS[call]))
        for snapshot in sampled.values()
        for one in judge_one(denied(snapshot, *refused), name)
    )


# IT-08 is about the requests themselves, whatever they ask.
@pytest.mark.parametrize("name", sorted(CONTROLS.keys() - {"IT-08"}))
def test_no_other_call_is_read(
    sampled: dict[str, Snapshot], before: dict[str, list[Finding]], name: str
) -> None:
    declared = {call.name for call in CONTROLS[name].calls}
    for sample, snapshot in sampled.items():
        expected = [one for one in before[sample] if one.control == name]
        others = [call for call in CALLS.values() if call.name not in declared]
        assert judge_one(without(snapshot, *others), name) == expected


def judge_one(snapshot: Snapshot, control: str) -> list[Finding]:
    """What one control finds, without the work for the others."""
    parameters: dict[str, Any] = {**snapshot.header["parameters"], "controls": [control]}
    alone = Snapshot({**snapshot.header, "parameters": parameters}, snapshot.requests, Path())
    return list(evaluate(tabulate(alone, [CONTROLS[control].table])).leaves)


@EVERY
def test_its_calls_are_enough_to_be_collected(name: str) -> None:
    """The collector is asked for what a control reads, and for what that depends on."""
    needed = needed_calls([name])
    assert CONTROLS[name].calls <= needed
    for call in needed:
        assert all(source in needed for source in call.sources)


@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_every_reference_leads_to_something_in_the_snapshot(
    sampled: dict[str, Snapshot], before: dict[str, list[Finding]], sample: str
) -> None:
    snapshot = sampled[sample]
    documents = {request.id: request.response for request in snapshot.requests}
    documents["parameters"] = snapshot.header["parameters"]
    for finding in before[sample]:
        for ref in finding.evidence:
            document, hash_, path = ref.partition("#")
            assert document in documents, ref
            if hash_:
                resolve(documents[document], path)


def resolve(document: Any, path: str) -> Any:
    """The value at a JSON pointer (RFC 6901)."""
    assert path == "" or path.startswith("/"), path
    for part in path.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


def test_every_finding_cites_something(before: dict[str, list[Finding]]) -> None:
    for found in before.values():
        for finding in found:
            assert finding.evidence, finding


def test_every_call_that_a_sample_answers_is_known_to_be_read() -> None:
    """No call is collected that no control reads, but who asks, where, fallbacks and what is lent."""
    read: set[Call] = set().union(*(needed_calls([name]) for name in CONTROLS))
    assert set(CALLS.values()) == read | {LIST_ORGANIZATIONS_FEATURES}
