"""The catalogue and the code know the same ids, in both directions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module, resources
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
from pydantic import ValidationError

from kit import tables
from kit.catalogue import texts
from kit.catalogue.frameworks import AWS_PAGE, GDPR, Framework, frameworks, mapped, prose, related
from kit.catalogue.statuses import ATTESTED, NOT_APPLICABLE
from kit.controls import CONTROLS, ROLL_UPS
from kit.inputs import read_yaml
from kit.tables.core import SPECS, Part
from kit.tables.trails import _SELECTS

PACKAGE = Path(str(resources.files("kit")))
EVERY = {**CONTROLS, **ROLL_UPS}
FILES = sorted((PACKAGE / "catalogue").rglob("*.yaml"))
REMEDY = ("needs", "breaks", "console", "cli", "undo", "terraform")


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
    wanted = {"title", *(f"expects/{clause}" for clause in clauses)}
    found = {id for id in ids(f"controls/{name}/") if not id.startswith("verdicts/")}
    limits = {id for id in found if id.startswith("limits/")}
    assert limits <= {f"limits/{clause}" for clause in clauses}
    found -= limits
    remedies = {id for id in found if id.startswith("remedy/")}
    assert found - remedies == wanted
    states = {id.removesuffix("/when") for id in ids("states/") if id.endswith("/when")}
    for id in remedies:
        *place, part = id.split("/")[1:]
        assert part in REMEDY
        assert "/".join(["remedy", *place, "console"]) in found, "a remedy has steps"
        assert len(place) < 3
        if f"verdicts/{'/'.join(place)}" in ids(f"controls/{name}/"):
            continue
        assert set(place[:1]) <= {*clauses, *states}
        assert set(place[1:]) <= states
    for clause in clauses:
        assert CONTROLS[name].remedy(clause).console


def test_every_field_of_a_state_is_one_of_remedies_and_any_state_has_it() -> None:
    named = {field for id in texts.ids() if "/remedy/" in id for field in texts.fields(id)}
    fields = {id.rpartition("/")[2] for id in ids("states/")} - {"when"}
    assert named == fields == ids("states/any/")


@pytest.mark.parametrize("name", sorted(ROLL_UPS))
def test_a_roll_up_has_a_title_alone(name: str) -> None:
    assert ids(f"controls/{name}/") == {"title"}


def test_no_text_belongs_to_a_control_that_does_not_exist() -> None:
    assert {id.partition("/")[0] for id in ids("controls/")} == EVERY.keys()


def test_every_step_is_part_of_a_remedy() -> None:
    source = resources.files(texts).joinpath("en.yaml").read_text("utf-8")
    assert set(re.findall(r"\{steps/(\w+)\}", source)) == ids("steps/")


def test_every_column_has_a_title_and_every_title_a_column() -> None:
    columns = {(name, column) for name, spec in SPECS.items() for column in spec.columns}
    used = {texts_of_column(*one) for one in columns}
    assert used == {id for id in texts.ids() if id.startswith("columns/")}


def texts_of_column(name: str, column: str) -> str:
    """The id of a column's title: the table's own, or that of its name."""
    own = f"columns/{name}/{column}"
    return own if texts.has(own) else f"columns/{column}"


def test_every_table_and_part_has_a_noun_and_every_noun_one_of_them() -> None:
    modules = [import_module(f"kit.tables.{found.name}") for found in iter_modules(tables.__path__)]
    parts = {part.name for one in modules for part in vars(one).values() if isinstance(part, Part)}
    assert ids("nouns/") == SPECS.keys() | parts
    assert not SPECS.keys() & parts


def test_the_evaluators_words_and_hints_of_gaps_are_those_that_the_code_names() -> None:
    source = "".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    for section in ("events", "findings", "gaps"):
        assert set(re.findall(rf"[\"']{section}/(\w+)[\"']", source)) == ids(f"{section}/")


def test_every_value_with_a_text_is_one_of_the_codes() -> None:
    literals = {
        node.value
        for folder in ("access", "detect", "tables")
        for path in (PACKAGE / folder).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert ids("values/") <= literals


def test_every_default_cites_a_document_and_every_document_is_cited() -> None:
    cited = {
        ast.literal_eval(node.args[1])
        for path in (PACKAGE / "tables").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Default"
    }
    assert ids("defaults/") == cited - {""} | set(_SELECTS.values())


def test_every_reason_code_has_a_label() -> None:
    declared = {id.split("/")[3] for id in texts.ids() if id.split("/")[2:3] == ["verdicts"]}
    assert declared - {ATTESTED, NOT_APPLICABLE} <= ids("reasons/")


def test_no_text_is_empty_or_begins_or_ends_with_blanks() -> None:
    for id in texts.ids():
        reported = texts.text(id) if isinstance(texts._catalogue("en")[id], str) else "plural"
        assert reported == reported.strip(), id
        assert reported, id


# --- frameworks -----------------------------------------------------------------------------


def mistakes(id: str, framework: Framework) -> Iterator[str]:
    """What no model sees: file, field and value of each id that does not exist, or stands twice."""
    for number, requirement in framework.requirements.items():
        where = f"kit/catalogue/frameworks/{id}.yaml: requirements, {number}"
        answers = (requirement.tests, requirement.context)
        controls = [control for some in answers for key in some for control in key.split(", ")]
        for control in controls:
            if control not in EVERY:
                yield f"{where}: {control!r} is not the id of a control"
            if controls.count(control) > 1:
                yield f"{where}: {control} stands here twice"
        if not controls and not requirement.note:
            yield f"{where}: name controls in tests or context, or say in note why none tests it"
        if not requirement.title:
            yield f"{where}, title: is missing"
        if requirement.part and requirement.part not in framework.parts:
            yield f"{where}, part: {requirement.part!r} is not an id of parts"


@pytest.mark.parametrize("name", frameworks())
def test_a_framework_names_controls_and_parts_that_exist(name: str) -> None:
    assert list(mistakes(name, frameworks()[name])) == []


@pytest.mark.parametrize(
    ("requirement", "reported"),
    [
        ({"tests": ["AR-99"]}, "requirements, 1: 'AR-99' is not the id of a control"),
        ({"tests": {"AR-05,AR-06": "x"}}, "'AR-05,AR-06' is not the id of a control"),
        ({"tests": ["AR-05"], "context": {"AR-05": "x"}}, "AR-05 stands here twice"),
        ({}, "name controls in tests or context, or say in note why none tests it"),
        ({"tests": ["AR-05"], "title": ""}, "title: is missing"),
        ({"tests": ["AR-05"], "part": "x"}, "part: 'x' is not an id of parts"),
    ],
)
def test_what_does_not_exist_is_named(requirement: dict[str, Any], reported: str) -> None:
    made = Framework.model_validate(ONE | {"requirements": {"1": {"title": "t"} | requirement}})
    found = list(mistakes("mine", made))
    assert "kit/catalogue/frameworks/mine.yaml" in found[0]
    assert reported in found[0]


@pytest.mark.parametrize("name", sorted(EVERY))
def test_a_control_tests_a_requirement_of_the_gdpr(name: str) -> None:
    assert mapped(GDPR, name), f"kit/catalogue/frameworks/gdpr.yaml: no requirement tests {name}"
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
        {"why": "x"},
        {"name": 1},
    ],
    ids=str,
)
def test_a_framework_that_does_not_fit_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Framework.model_validate({**ONE, **change})
