"""Articles of the GDPR: whom each binds, what a control tests, and what only stands beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit import evaluate, show, tabulate
from kit.controls import CONTROLS, ROLL_UPS
from kit.controls.articles import CONTROLLER, PROCESSOR, binds, cited
from kit.report.blocks import control_blocks
from tests.controls.samples import careless

EVERY = {**CONTROLS, **ROLL_UPS}


@pytest.mark.parametrize(
    ("article", "side"),
    [
        ("5(1)(f)", CONTROLLER),
        ("5(2)", CONTROLLER),
        ("24(1)", CONTROLLER),
        ("25(2)", CONTROLLER),
        ("28(1)", CONTROLLER),
        ("28(2)", PROCESSOR),
        ("28(3)(a)", ""),
        ("28(3)(h)", ""),
        ("28(4)", PROCESSOR),
        ("28(5)", CONTROLLER),
        ("29", ""),
        ("30(1)", CONTROLLER),
        ("30(2)", PROCESSOR),
        ("32(1)(a)", ""),
        ("32(4)", ""),
        ("33(2)", PROCESSOR),
        ("33(3)", CONTROLLER),
        ("35(1)", CONTROLLER),
        ("4(7)", ""),
        ("44", ""),
    ],
)
def test_an_article_binds_one_side_or_both(article: str, side: str) -> None:
    assert binds(article) == side


DECLARED = {"25(2)": "a", "28(2)": "b", "32(1)(b)": "c"}


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("controller", {"25(2)": "a", "32(1)(b)": "c"}),
        ("joint controller", {"25(2)": "a", "32(1)(b)": "c"}),
        ("processor", {"28(2)": "b", "32(1)(b)": "c"}),
        ("", {"25(2) (controller)": "a", "28(2) (processor)": "b", "32(1)(b)": "c"}),
    ],
)
def test_the_role_decides_which_are_cited(role: str, expected: dict[str, str]) -> None:
    assert cited(DECLARED, role) == expected


def reported(name: str, role: str) -> set[str]:
    """All articles that documents cite of a control, tested and beside it."""
    return set(cited(EVERY[name].gdpr, role)) | set(cited(EVERY[name].context, role))


@pytest.mark.parametrize("name", ["EX-04", "IT-05"])
def test_another_processor_is_no_matter_of_a_controllers(name: str) -> None:
    assert not {"28(2)", "28(4)"} & reported(name, "controller")
    assert {"28(2)", "28(4)"} <= reported(name, "processor")
    assert {"28(2) (processor)", "28(4) (processor)"} <= reported(name, "")


@pytest.mark.parametrize(
    ("name", "articles"),
    [
        ("EX-04", "28(2) 28(4) 44"),
        ("IT-05", "28(2) 28(4) 44"),
        ("LG-05", "6(1) 13(1) 88(1) 5(1)(c)"),
        ("ID-06", "28(3)(b)"),
        ("AR-01", "28(3)(g)"),
        ("AR-17", "28(3)(g) 17(1)"),
        ("GV-01", "28(3) 24(1) 5(2)"),
        ("GV-05", "44"),
        ("ID-05", "29 32(4)"),
        ("DS-01", "30(1)"),
        ("LG-01", "33(3)"),
    ],
)
def test_what_no_rule_tests_is_not_claimed(name: str, articles: str) -> None:
    for role in ("controller", "processor", ""):
        assert not set(articles.split()) & {a.split()[0] for a in cited(EVERY[name].gdpr, role)}


@pytest.mark.parametrize("name", sorted(EVERY))
def test_tested_and_beside_are_apart(name: str) -> None:
    assert not set(EVERY[name].gdpr) & set(EVERY[name].context)


@pytest.mark.parametrize("name", sorted(EVERY))
@pytest.mark.parametrize("role", ["controller", "joint controller", "processor"])
def test_every_control_concerns_every_role(name: str, role: str) -> None:
    message = f"kit/catalogue/frameworks/gdpr.yaml: no article that {name} names binds a {role}"
    assert reported(name, role), message


@pytest.mark.parametrize("role", ["controller", "processor"])
def test_documents_cite_by_the_role_of_the_run(tmp_path: Path, role: str) -> None:
    account = careless(tmp_path)
    account.run = account.run.model_copy(update={"data_role": role})
    found = evaluate(tabulate(account.snapshot()))
    assert found.data_role == role
    blocks = {one.id: one for one in control_blocks(found, lambda control: True)}
    third = {"controller": ("30(1)", "28(1)"), "processor": ("30(2)", "28(2)")}[role]
    assert blocks["EX-04"].articles[0]["article"] == third[0]
    assert blocks["EX-04"].context[0]["article"] == third[1]
    rows = {row[1]: row[3] for row in show.responsibilities(found).rows}
    assert ("25(2)" in rows["EX-02"]) is (role == "controller")
    assert "(" + role + ")" not in " ".join(rows.values())
