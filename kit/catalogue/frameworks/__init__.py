"""The frameworks: which controls test a requirement, and why.

Every YAML file of this folder is a framework. Its name is the framework's id, and documents show
it without another line of code (``docs/adding-a-framework.md``). The kit's reasons and notes are
prose: they have ids in `kit.catalogue.texts`, and a translation covers them. It quotes
titles of requirements and does not translate them, unless the file states that they are its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache, cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from kit.errors import UserError
from kit.inputs import read_yaml, validated
from kit.shipped import yaml_data

GDPR, AWS_PAGE = "gdpr", "aws_page"
FOLDER: Traversable = resources.files(__name__)
_COMPARED = 40  # characters of a name that was given


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Requirement(_Strict):
    """A requirement of a framework, and the controls that test it or that it concerns.

    Attributes
    ----------
    title : str
        The framework's words, perhaps shortened; the kit's, where ``own_words`` is true.
    tests : dict of str to str, or list of str
        Controls whose rules test the requirement: reasons by control (or by several, joined by
        ``", "``), or ids alone where the requirement explains itself.
    context : dict of str to str
        Controls whose subject the requirement concerns and that do not test it, with reasons.
    part, what : str
        The part of the framework that has it, by id of ``parts``; the row of a table that it is.
    note : str
        How the kit reads words that do not fit AppStream as they stand, and why.
    shown : str
        What the controls show beside a requirement that AWS alone can keep, and that stays
        attested.
    needs : str
        The parameter without which the controls leave a part of the requirement open.
    limits : dict of str to int
        What the requirement wants of thresholds, by name: under a profile that admits more a pass
        does not answer it, and under one that admits less a fail does not.
    assesses : bool
        It demands an impact assessment of processing that no control tests: the verdict takes in the
        table of impact assessments.
    """

    title: str = ""
    tests: dict[str, str] | list[str] = {}
    context: dict[str, str] = {}
    part: str = ""
    what: str = ""
    note: str = ""
    shown: str = ""
    needs: str = ""
    limits: dict[str, int] = {}
    assesses: bool = False

    @cached_property
    def controls(self) -> list[str]:
        """Controls that test the requirement, in the order of the file."""
        return _each(self.tests)

    @cached_property
    def related(self) -> list[str]:
        """Controls that the requirement concerns and that do not test it."""
        return _each(self.context)

    @property
    def reasons(self) -> dict[str, str]:
        """Reasons why controls test it, by controls; empty where the requirement explains itself."""
        return self.tests if isinstance(self.tests, dict) else {}


def _each(keys: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(id for ids in keys for id in ids.split(", ")))


class Framework(_Strict):
    """A framework.

    Attributes
    ----------
    name, title, address : str
        How documents name it in short and in full, and where it is published.
    edition : str
        Which edition the mapping follows.
    checked : str
        Against which sources the numbers of its requirements were checked.
    own_words : bool
        Titles of requirements are the kit's own words, which translations contain.
    parts : dict of str to str
        Headings of its parts by id.
    binds : dict of str to list of str
        Beginnings of requirements that bind a role alone, by role.
    requirements : dict of str to Requirement
        By the number that documents cite, in the framework's order.
    """

    name: str
    title: str
    address: str
    edition: str = ""
    checked: str = ""
    own_words: bool = False
    parts: dict[str, str] = {}
    binds: dict[str, list[str]] = {}
    requirements: dict[str, Requirement] = Field(min_length=1)

    @field_validator("requirements", mode="before")
    @classmethod
    def _numbers_are_texts(cls, given: Any) -> Any:
        """YAML reads 5.10 without quotes as the number 5.1."""
        for number in given if isinstance(given, dict) else ():
            if not isinstance(number, str):
                accepted = f'the number of a requirement is a text, in quotes: "{number}"'
                raise UserError(f"requirements, {number}: {accepted}")
        return given


def ids() -> list[str]:
    """Return the ids of the frameworks, sorted."""
    return [file.name.removesuffix(".yaml") for file in _files()]


def refuse_missing(chosen: Iterable[str]) -> None:
    """Raise a `UserError` for an id that no framework has; it names the nearest, and all."""
    accepted = ids()
    for id in chosen:
        if id not in accepted and id not in frameworks():  # which own controls add to
            near = get_close_matches(id.lower()[:_COMPARED], accepted, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise UserError(
                f"{id!r:.60} is not a framework; {hint}accepted: {', '.join(accepted)} "
                "(docs/adding-a-framework.md)"
            )


@cache
def frameworks() -> dict[str, Framework]:
    """Return every framework by id.

    Raises
    ------
    UserError
        A file is not a framework: the message names file, line, field and value.
    """
    return {file.name.removesuffix(".yaml"): _read(file) for file in _files()}


def others(chosen: Iterable[str] | None = None) -> dict[str, Framework]:
    """Return the frameworks other than the GDPR and AWS's page, which every control rests on.

    Parameters
    ----------
    chosen : iterable of str, optional
        Ids of those to return, in this order; by default all.
    """
    every = frameworks()
    wanted = every if chosen is None else chosen
    return {id: every[id] for id in wanted if id not in (GDPR, AWS_PAGE)}


def _files() -> list[Traversable]:
    files = [file for file in FOLDER.iterdir() if file.name.endswith(".yaml")]
    return sorted(files, key=lambda file: file.name)


def _read(file: Traversable) -> Framework:
    try:
        return Framework.model_validate(yaml_data(file))
    except (ValidationError, UserError, yaml.YAMLError, UnicodeDecodeError):
        return validated(Framework, *read_yaml(Path(str(file))))  # slower; reports the lines


@cache
def mapped(framework: str, control: str) -> Mapping[str, str]:
    """Return the ids of the reasons why a control tests requirements, by requirement.

    The id is empty where the requirement explains itself.
    """
    return _mapped(framework, control, "tests")


@cache
def related(framework: str, control: str) -> Mapping[str, str]:
    """Return the ids of the reasons why requirements only concern a control's subject."""
    return _mapped(framework, control, "context")


def prose() -> Iterator[tuple[str, str]]:
    """Yield id and text of the kit's prose about frameworks."""
    for name, framework in frameworks().items():
        if framework.edition:
            yield f"frameworks/{name}/edition", framework.edition
        for part, heading in framework.parts.items():
            yield f"frameworks/{name}/parts/{part}", heading
        members = ("title", "note", "shown") if framework.own_words else ("note", "shown")
        for number, requirement in framework.requirements.items():
            for member in members:
                if getattr(requirement, member):
                    yield f"frameworks/{name}/{number}/{member}", getattr(requirement, member)
            for reasons in (requirement.tests, requirement.context):
                if isinstance(reasons, dict):
                    for controls, why in reasons.items():
                        yield f"frameworks/{name}/{number}/{controls}", why


def _mapped(framework: str, control: str, kind: str) -> dict[str, str]:
    ids = {}
    for number, requirement in frameworks()[framework].requirements.items():
        mapping = getattr(requirement, kind)
        for controls in mapping:
            if control in controls.split(", "):
                id = f"frameworks/{framework}/{number}/{controls}"
                ids[number] = id if isinstance(mapping, dict) else ""
    return ids
