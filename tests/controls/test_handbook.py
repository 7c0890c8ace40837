"""What is told of controls: docs/controls.md, and the same in a terminal."""

from __future__ import annotations

import re
from dataclasses import fields
from functools import cache

import pytest

from kit.calls import CALLS
from kit.catalogue.statuses import ATTESTED, FAIL, NOT_APPLICABLE, NOT_EVIDENCED, PASS
from kit.controls import CONTROLS, ROLL_UPS, SECTIONS, find, section_title
from kit.controls.articles import cited
from kit.controls.registry import Remedy, describe
from kit.controls.source import statements
from kit.errors import UserError
from kit.parameters import Profile
from kit.report.explain import explain, overview
from kit.report.handbook import handbook, verdicts

EVERY = {**CONTROLS, **ROLL_UPS}


@cache
def whole() -> str:
    return handbook()


def entry(name: str) -> str:
    """What the handbook has under a control's heading."""
    start = whole().index(f'### <a id="{name.lower()}"></a>{name} ')
    ends = [whole().find(mark, start + 5) for mark in ("\n### ", "\n## ")]
    return whole()[start : min(end for end in ends if end > 0)]


@pytest.mark.parametrize("name", sorted(CONTROLS))
def test_all_that_is_declared_of_a_control_is_in_it(name: str) -> None:
    one, reported = CONTROLS[name], entry(name)
    assert one.title in reported
    assert one.severity in reported
    assert one.responsibility in reported
    assert one.noun in reported
    assert ("Beyond AWS's page" in reported) or (one.source in reported)
    tested, _, context = reported.partition("related and not tested")
    assert all(f"Article {a}: {why}" in tested for a, why in cited(one.gdpr, "").items())
    assert all(f"Article {a}: {why}" in context for a, why in cited(one.context, "").items())
    assert all(clause.expected in reported for clause in one.clauses)
    assert all(f"`{limit}`" in reported for limit in one.thresholds if limit != "as_of")
    assert all(f"`{call.name}`" in reported and call.action in reported for call in one.calls)
    for remedy in one.remedies:
        assert all(text in reported for _, text in remedy.prose)
        assert all(step.code in reported for step in remedy.steps)
        assert remedy.when in reported


def test_sections_statements_thresholds_and_calls_are_in_it() -> None:
    assert all(f"\n## {title}\n" in whole() for title in map(section_title, SECTIONS))
    assert all(one.says in whole() and one.note in whole() for one in statements())
    assert all(f"| `{name}` |" in whole() for name in Profile.model_fields if name != "name")
    assert all(f"| `{name}` |" in whole() for name in CALLS)


def test_every_link_leads_somewhere() -> None:
    headings = re.findall(r"^#+ (.+)$", whole(), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in headings}
    anchors |= set(re.findall(r'<a id="([^"]+)">', whole()))
    links = set(re.findall(r"\]\(#([^)]+)\)", whole()))
    assert {name.lower() for name in EVERY} <= links
    assert links <= anchors


# --- verdicts ---------------------------------------------------------------------------------


def test_a_rule_that_only_compares_passes_and_fails() -> None:
    assert [status for status, _, _ in verdicts(CONTROLS["AR-05"])] == [FAIL, PASS]


def test_a_rule_that_only_attests_cites_the_page() -> None:
    ((status, reason, text),) = verdicts(CONTROLS["IT-01"])
    assert (status, reason) == (ATTESTED, "")
    assert text.startswith('AWS, "Data Protection in Amazon AppStream 2.0"')


def test_the_worst_verdict_comes_first_and_what_a_row_fills_in_is_left_open() -> None:
    reported = list(verdicts(CONTROLS["IT-06"]))
    assert [status for status, _, _ in reported] == [FAIL, NOT_EVIDENCED, PASS, NOT_APPLICABLE]
    assert reported[1] == (NOT_EVIDENCED, "needs review", "TLS versions not known: …")


# --- in a terminal --------------------------------------------------------------------------


@pytest.mark.parametrize("width", [64, 90, 200])
@pytest.mark.parametrize("name", sorted(EVERY))
def test_an_explanation_keeps_to_the_terminals_width(name: str, width: int) -> None:
    text = explain(name, width)
    remedies = CONTROLS[name].remedies if name in CONTROLS else []
    code = {f"  {line}" for r in remedies for step in r.steps for line in step.code.splitlines()}
    assert code <= set(text.splitlines())
    assert [line for line in text.splitlines() if len(line) > width and line not in code] == []
    assert EVERY[name].title in " ".join(text.split())


def test_the_list_has_every_control_with_its_severity_under_its_section() -> None:
    section, found = "", {}
    for line in overview(100).splitlines():
        if line in map(section_title, SECTIONS):
            section = line
        elif listed := re.match(r"  ([A-Z]{2}-\d\d)  ([\w-]+) +\S", line):
            found[listed[1]] = (section, listed[2])
    severity = {name: getattr(one, "severity", "roll-up") for name, one in EVERY.items()}
    assert found == {name: (section_title(name[:2]), severity[name]) for name in EVERY}


def test_an_id_may_be_written_small() -> None:
    assert find("gv-03") == "GV-03"


def test_an_id_that_is_none_brings_those_that_are_near() -> None:
    with pytest.raises(UserError, match="'ID-23' is not a control; did you mean ID-13"):
        find("ID-23")
    with pytest.raises(UserError, match="'id-1' is not a control; did you mean ID-01 or ID-"):
        find("id-1")
    with pytest.raises(UserError, match="`evidence controls` lists them"):
        find("buckets")


def test_each_remedy_is_described_by_when_it_holds_and_its_parts() -> None:
    (described,) = describe(["AR-05"])
    parts = [field.name for field in fields(Remedy) if field.name not in ("state", "clause")]
    assert {tuple(remedy) for remedy in described["remedies"]} == {("when", *parts)}


@pytest.mark.parametrize(
    ("name", "limit", "compares"),
    [
        ("AR-03", "max_session_seconds", True),
        ("AR-03", "max_idle_seconds", True),
        ("AR-03", "max_log_days", False),
        ("AR-02", "max_idle_seconds", False),
    ],
)
def test_a_control_compares_with_the_limits_of_any_of_its_clauses(
    name: str, limit: str, compares: bool
) -> None:
    assert CONTROLS[name].compares_with(limit) is compares


def test_a_remedy_is_a_text_and_a_script() -> None:
    code = {"cli": "aws one\n## kept\naws two\n# Then:\naws three", "undo": "aws four"}
    prose = {"needs": "Rights.", "breaks": "Sessions.", "console": "Open it."}
    given = Remedy("A running fleet.", "All is on.", **prose, **code, terraform="on = true")
    assert given.brief == (
        "A running fleet. All is on. Needs first: Rights. What it breaks: Sessions. Open it."
    )
    assert given.script.splitlines() == [
        "aws one",
        "# AWS CLI (kept):",
        "# aws two",
        "# Then:",
        "# aws three",
        "# Undo:",
        "# aws four",
    ]
