"""The table of statuses is whole, and everything that shows or counts statuses agrees with it."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from kit.catalogue import statuses
from kit.catalogue.statuses import (
    ACCEPTED,
    ATTESTED,
    FAIL,
    NO_API,
    NOT_APPLICABLE,
    NOT_EVIDENCED,
    PASS,
    STATUSES,
    WORST_FIRST,
    exit_code,
    is_open,
)
from kit.errors import UserError
from kit.judge.findings import Finding, Findings
from kit.report import show
from kit.report.views import Note, Table


def finding(status: str, reason: str = "", control: str = "AR-03") -> Finding:
    return Finding(control, "medium", "012345678901", "eu-west-1", "fleet-a", status, reason)


def test_the_names_in_code_are_the_words_of_the_table() -> None:
    assert WORST_FIRST == (FAIL, NOT_EVIDENCED, ACCEPTED, ATTESTED, PASS, NOT_APPLICABLE)
    assert [known.rank for known in STATUSES.values()] == list(range(len(STATUSES)))
    assert NO_API in STATUSES[NOT_EVIDENCED].closed_for


@pytest.mark.parametrize("word", STATUSES)
def test_a_status_has_all_that_people_and_programs_read(word: str) -> None:
    known = STATUSES[word]
    assert known.meaning.endswith(".")
    assert len(known.shape) == 1
    for colour in filter(None, (known.light, known.dark, known.pale)):
        assert re.fullmatch("#[0-9a-f]{6}", colour)
    assert known.oscal["state"] in ("satisfied", "not-satisfied")
    assert known.oscal["reason"] in ("pass", "fail", "other")
    assert bool(known.exit) == known.open
    assert known.listed or not known.open
    assert not (known.pale and known.open)


def test_an_open_status_is_darker_in_print_than_not_applicable() -> None:
    def grey(colour: str) -> float:
        parts = (int(colour[n : n + 2], 16) for n in (1, 3, 5))
        return sum(w * part for w, part in zip((0.299, 0.587, 0.114), parts, strict=True))

    palest = grey(STATUSES[NOT_APPLICABLE].light)
    assert all(grey(known.light) < palest - 10 for known in STATUSES.values() if known.open)


def test_shapes_and_colours_are_different() -> None:
    for one, other in combinations(STATUSES.values(), 2):
        assert one.shape != other.shape
        assert one.hatch != other.hatch
        assert {one.light, one.dark}.isdisjoint((other.light, other.dark))


@pytest.mark.parametrize(
    ("status", "reason", "expected", "code"),
    [
        (FAIL, "", True, 3),
        (NOT_EVIDENCED, "denied", True, 4),
        (NOT_EVIDENCED, NO_API, False, 0),
        (ACCEPTED, "replaced in spring", False, 0),
        (ATTESTED, NO_API, False, 0),
        (PASS, "", False, 0),
        (NOT_APPLICABLE, "no fleet", False, 0),
    ],
)
def test_exit_code_and_open_points_agree(
    status: str, reason: str, expected: bool, code: int
) -> None:
    found = Findings([finding(status, reason)])
    assert is_open(status, reason) is expected
    assert found.exit_code == exit_code([(status, reason)]) == code
    assert isinstance(show.open_points(found), Table) is expected


def test_what_no_interface_shows_is_listed_apart() -> None:
    found = Findings([finding(NOT_EVIDENCED, NO_API), finding(NOT_EVIDENCED, "denied", "AR-01")])
    apart, open_ = show.beyond_evidence(found), show.open_points(found)
    assert isinstance(apart, Table)
    assert isinstance(open_, Table)
    assert [line[3] for line in apart.rows] == [["AR-03"]]
    assert [line[3] for line in open_.rows] == [["AR-01"]]
    assert isinstance(show.beyond_evidence(Findings([finding(FAIL)])), Note)


def test_a_fail_decides_the_exit_code_wherever_it_stands() -> None:
    assert exit_code([(NOT_EVIDENCED, "denied"), (FAIL, ""), (PASS, "")]) == 3
    assert exit_code([]) == 0


def test_the_glossary_has_every_status() -> None:
    assert [line[0] for line in show.verdicts().rows] == list(STATUSES)


def test_no_code_beside_the_table_names_a_status() -> None:
    root = Path(__file__).parent.parent / "kit"
    own = {root / "catalogue" / "statuses.py", root / "catalogue" / "statuses.yaml"}
    word = re.compile(r"""["'](?:fail|not evidenced|attested|not applicable)["']""")
    files = [file for kind in ("py", "js", "j2", "typ", "css") for file in root.rglob(f"*.{kind}")]
    for file in sorted({*files} - own):
        if "sandbox" not in file.parts:
            code = re.sub(r'"""(?s:.*?)"""', "", file.read_text())
            assert not word.search(code), f"{file}: {word.findall(code)}"


@pytest.mark.parametrize(
    ("members", "problem"),
    [({"shpae": "x"}, "shpae"), ({"shape": "x"}, "light"), ({}, "shape")],
)
def test_a_member_that_is_unknown_or_missing_is_named(
    members: dict[str, Any], problem: str
) -> None:
    with pytest.raises(UserError, match=rf"statuses\.yaml: pass: .*{problem}"):
        statuses._status("pass", 0, members)
