"""The catalogue and the code know the same ids, in both directions."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest
from pydantic import ValidationError

from kit.catalogue import texts
from kit.catalogue.frameworks import AWS_PAGE, GDPR, Framework, frameworks, mapped, prose, related
from kit.controls import CONTROLS, ROLL_UPS
from kit.inputs import read_yaml

EVERY = {**CONTROLS, **ROLL_UPS}
FILES = sorted(Path(str(resources.files("kit.catalogue"))).rglob("*.yaml"))
REMEDY = {"console", "cli", "terraform"}


def ids(start: str) -> set[str]:
    """What the catalogue has below an id."""
    return {id.removeprefix(start) for id in texts.ids() if id.startswith(start)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_has_an_id_twice(path: Path) -> None:
    read_yaml(path)


# --- texts of controls ----------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(CONTROLS))
def test_a_control_has_a_title_an_expectation_for_each_clause_and_a_remedy(name: str) -> None:
    clauses = [clause.rule.__name__ for clause in CONTROLS[name].clauses]
    assert len(set(clauses)) == len(clauses)
    wanted = {"title", *(f"expects/{clause}" for clause in clauses), "remedy/console"}
    optional = {f"remedy/{part}" for part in REMEDY}
    assert wanted <= ids(f"controls/{name}/") <= wanted | optional


@pytest.mark.parametrize("name", sorted(ROLL_UPS))
def test_a_roll_up_has_a_title_alone(name: str) -> None:
    assert ids(f"controls/{name}/") == {"title"}


def test_no_text_belongs_to_a_control_that_does_not_exist() -> None:
    assert {id.partition("/")[0] for id in ids("controls/")} == EVERY.keys()


def test_every_step_is_part_of_a_remedy() -> None:
    source = resources.files(texts).joinpath("en.yaml").read_text("utf-8")
    assert set(re.findall(r"\{steps/(\w+)\}", source)) == ids("steps/")


def test_no_text_is_empty_or_begins_or_ends_with_blanks() -> None:
    for id in texts.ids():
        told = texts.text(id) if isinstance(texts._catalogue("en")[id], str) else "plural"
        assert told == told.strip(), id
        assert told, id


# --- frameworks -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", frameworks())
def test_a_framework_names_controls_that_exist(name: str) -> None:
    for number, requirement in frameworks()[name].requirements.items():
        for some in (requirement.tests, requirement.context):
            controls = [control for key in some for control in key.split(", ")]
            assert set(controls) <= EVERY.keys(), number
            assert len(set(controls)) == len(controls), number
        assert requirement.tests or requirement.context, number
        assert not requirement.part or requirement.part in frameworks()[name].parts, number


@pytest.mark.parametrize("name", sorted(EVERY))
def test_a_control_tests_a_requirement_of_the_gdpr(name: str) -> None:
    assert mapped(GDPR, name)
    assert not mapped(GDPR, name).keys() & related(GDPR, name).keys()
    for number, id in {**mapped(GDPR, name), **related(GDPR, name)}.items():
        assert name in id.removeprefix(f"frameworks/{GDPR}/{number}/").split(", ")
        assert texts.has(id)


def test_reasons_notes_and_headings_are_texts_and_quoted_words_are_not() -> None:
    assert dict(prose()).keys() == {f"frameworks/{id}" for id in ids("frameworks/")}
    assert texts.text("frameworks/gdpr/32(1)(a)/AR-05, AR-06").startswith("the article names")
    assert texts.has("frameworks/aws_page/3/note")
    quoted = [one.title for one in frameworks()[AWS_PAGE].requirements.values()]
    assert not set(quoted) & set(dict(prose()).values())


ONE = {"requirements": {"1": {"tests": ["AR-01"]}}, "name": "F", "title": "T", "address": "A"}


def test_a_framework_needs_little() -> None:
    assert Framework.model_validate(ONE).requirements["1"].tests == ["AR-01"]


@pytest.mark.parametrize(
    "change",
    [
        {"requirements": {}},
        {"requirements": {"1": {"test": ["AR-01"]}}},
        {"requirements": {"1": {"tests": "AR-01"}}},
        {"requirements": {1: {"tests": ["AR-01"]}}},
        {"why": "x"},
        {"name": 1},
    ],
    ids=str,
)
def test_a_framework_that_does_not_fit_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Framework.model_validate({**ONE, **change})
