"""The frameworks that controls are mapped to, a file each: what a requirement is tested by, and why.

Every YAML file of this folder is a framework; its name is the framework's id, and documents show it
without another line of code (``docs/adding-a-framework.md``). What the kit itself
says of a framework (reasons, notes) is prose: it has ids in `kit.catalogue.texts`, and a
translation covers it. What a framework says (titles, requirements) is quoted and not translated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from kit.errors import UserError
from kit.inputs import read_yaml, validated

GDPR, AWS_PAGE = "gdpr", "aws_page"
FOLDER: Traversable = resources.files(__name__)


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Requirement(_Strict):
    """A requirement of a framework, and the controls that are mapped to it.

    Attributes
    ----------
    title : str
        The framework's own words, perhaps shortened.
    tests : dict of str to str, or list of str
        Controls whose rules test the requirement: reasons by control (or by several, joined by
        ``", "``), or ids alone where the requirement explains itself.
    context : dict of str to str
        Controls whose subject the requirement concerns and that do not test it, with reasons.
    part, what : str
        Where in the framework it stands, by id of ``parts``; the row of a table that it is.
    note : str
        What the kit makes of words that cannot be taken as they stand, and why.
    shown : str
        Where AWS alone can keep the words, so that they stay attested: what the controls show
        beside them.
    needs : str
        The parameter without which the controls leave a part of the words open.
    """

    title: str = ""
    tests: dict[str, str] | list[str] = {}
    context: dict[str, str] = {}
    part: str = ""
    what: str = ""
    note: str = ""
    shown: str = ""
    needs: str = ""

    @property
    def controls(self) -> list[str]:
        """Controls that test it, in the order of the file."""
        return list(dict.fromkeys(one for some in self.tests for one in some.split(", ")))

    @property
    def reasons(self) -> dict[str, str]:
        """Why controls test it, by controls; empty where it explains itself."""
        return self.tests if isinstance(self.tests, dict) else {}


class Framework(_Strict):
    """A framework.

    Attributes
    ----------
    name, title, address : str
        How documents name it in short and in full, and where it is published.
    edition : str
        Which edition the mapping follows.
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
    parts: dict[str, str] = {}
    binds: dict[str, list[str]] = {}
    requirements: dict[str, Requirement] = Field(min_length=1)

    @field_validator("requirements", mode="before")
    @classmethod
    def _numbers_are_texts(cls, given: Any) -> Any:
        """YAML reads 5.10 without quotes as the number 5.1."""
        for number in given if isinstance(given, dict) else ():
            if not isinstance(number, str):
                wanted = f'the number of a requirement is a text, in quotes: "{number}"'
                raise UserError(f"requirements, {number}: {wanted}")
        return given


@cache
def frameworks() -> dict[str, Framework]:
    """Return every framework by id.

    Raises
    ------
    UserError
        A file is not a framework: the message names file, line, field and value.
    """
    files = [file for file in FOLDER.iterdir() if file.name.endswith(".yaml")]
    return {
        file.name.removesuffix(".yaml"): _read(file)
        for file in sorted(files, key=lambda file: file.name)
    }


def others() -> dict[str, Framework]:
    """Return the frameworks beside the GDPR and AWS's page, which documents show by themselves."""
    return {id: one for id, one in frameworks().items() if id not in (GDPR, AWS_PAGE)}


def _read(file: Traversable) -> Framework:
    try:
        return Framework.model_validate(
            yaml.load(file.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        )
    except (ValidationError, UserError, yaml.YAMLError, UnicodeDecodeError):
        return validated(Framework, *read_yaml(Path(str(file))))  # slower, and knows the lines


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
    """Yield id and text of all that the kit itself says of frameworks."""
    for name, framework in frameworks().items():
        if framework.edition:
            yield f"frameworks/{name}/edition", framework.edition
        for part, heading in framework.parts.items():
            yield f"frameworks/{name}/parts/{part}", heading
        for number, requirement in framework.requirements.items():
            for member in ("note", "shown"):
                if getattr(requirement, member):
                    yield f"frameworks/{name}/{number}/{member}", getattr(requirement, member)
            for some in (requirement.tests, requirement.context):
                if isinstance(some, dict):
                    for controls, why in some.items():
                        yield f"frameworks/{name}/{number}/{controls}", why


def _mapped(framework: str, control: str, kind: str) -> dict[str, str]:
    found = {}
    for number, requirement in frameworks()[framework].requirements.items():
        some = getattr(requirement, kind)
        for controls in some:
            if control in controls.split(", "):
                id = f"frameworks/{framework}/{number}/{controls}"
                found[number] = id if isinstance(some, dict) else ""
    return found
