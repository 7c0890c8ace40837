"""Files that people write: YAML with the line of each field, and errors in plain words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from kit.errors import UserError

M = TypeVar("M", bound=BaseModel)
Steps = tuple[str | int, ...]


@dataclass(frozen=True)
class Where:
    """The source of values, for messages.

    Attributes
    ----------
    source : str
        The file, or the name of another source.
    lines : mapping of path to int
        The line of each field and list entry, counted from 1; empty for a source without lines.
    elsewhere : mapping of str to str
        The name of the other source, by field, for fields that come from another source.
    """

    source: str
    lines: Mapping[Steps, int] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    def of(self, *path: str | int) -> str:
        """Return the source and the line of a field, or else the line of its nearest parent."""
        if path and path[0] in self.elsewhere:
            return self.elsewhere[str(path[0])]
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return f"{self.source}, line {self.lines[path[:length]]}"
        return self.source

    def brief(self, name: str) -> str:
        """Return the source and the line of a field, without the source's folder."""
        return replace(self, source=Path(self.source).name).of(name)

    def within(self, *path: str | int) -> Where:
        """Return the lines below a path, as paths relative to it."""
        n = len(path)
        below = {full[n:]: line for full, line in self.lines.items() if full[:n] == path}
        return Where(self.source, below)


def read_yaml(path: Path) -> tuple[Any, Where]:
    """Read a YAML file; days such as 2027-03-31 remain text.

    Returns
    -------
    values, where : Any, Where

    Raises
    ------
    UserError
        The file cannot be read, is not valid YAML, or gives a field twice.
    """
    try:
        loader = _DatesStayText(path.read_text("utf-8"))
        node = loader.get_single_node()
        where = Where(str(path), _lines(node, str(path), set()))
        return (loader.construct_document(node) if node else None), where
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{path}{line}: is not valid YAML: {error.problem}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: is not valid YAML: {str(error).splitlines()[0]}") from None


def refuse_unknown(
    names: Iterable[Any], where: Where, model: type[BaseModel], also: tuple[str, ...] = ()
) -> None:
    """Raise a `UserError` for the first unknown name, with the nearest field of the model."""
    accepted = {*model.model_fields, *also}
    for name in names:
        if name not in accepted:
            near = difflib.get_close_matches(str(name), accepted, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"write {', '.join(sorted(accepted))}"
            raise UserError(f"{where.of(name)}: {name!r} is not a field; {hint}")


def validated(model: type[M], values: Any, where: Where) -> M:
    """Return the values as a model.

    Raises
    ------
    UserError
        A value is invalid; the message names the first such field, its value and what is accepted.
    """
    try:
        return model.model_validate(values)
    except UserError as error:
        raise UserError(f"{where.source}: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = first["loc"]
        value = "" if first["type"] == "missing" or not path else f" {first['input']!r}:"
        message = f"{_field_name(path)}:{value} {_requirement(first)}"
        raise UserError(f"{where.of(*path)}: {message}") from None


def _field_name(path: Steps) -> str:
    names = [f"entry {part + 1}" if isinstance(part, int) else part for part in path]
    return ", ".join(names) or "the fields together"


def _requirement(error: Mapping[str, Any]) -> str:
    """Return what a field must be, in words of people who do not know pydantic."""
    given, limits = error["input"], error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "is missing"
        case "string_type":
            scalar = isinstance(given, (int, float)) and not isinstance(given, bool)
            return f'must be text in quotes: "{given}"' if scalar else "must be text in quotes"
        case "bool_type" | "bool_parsing":
            return "must be true or false, without quotes"
        case "int_type" | "int_parsing" | "int_from_float":
            return "must be a whole number, without quotes"
        case "list_type":
            return f"must be a list: [{given}]" if isinstance(given, str) else "must be a list"
        case "dict_type" | "model_type":
            return "must be fields with values, such as EX-01: the reason"
        case "literal_error":
            return f"must be one of {limits['expected']}"
        case "greater_than":
            return f"must be more than {limits['gt']}"
        case "greater_than_equal":
            return f"must be {limits['ge']} or more"
        case "less_than_equal":
            return f"must be {limits['le']} or less"
        case "too_short":
            return "must have at least one entry"
        case "string_too_short":
            return f"must have at least {limits['min_length']} characters"
    return str(error["msg"]).removeprefix("Value error, ")


def _lines(
    node: yaml.Node | None, source: str, seen: set[int], path: Steps = ()
) -> dict[Steps, int]:
    """Return the line of each field in a node; what an alias repeats has its anchor's line."""
    lines: dict[Steps, int] = {}
    if id(node) in seen:
        return lines
    seen.add(id(node))
    parts: list[tuple[str | int, yaml.Node, yaml.Node]] = []
    if isinstance(node, yaml.MappingNode):
        parts = [(str(key.value), key, value) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        parts = [(n, value, value) for n, value in enumerate(node.value)]
    for name, place, value in parts:
        line = place.start_mark.line + 1
        if (*path, name) in lines:
            first = lines[*path, name]
            raise UserError(f"{source}, line {line}: {name} is given twice, first in line {first}")
        lines[*path, name] = line
        lines |= _lines(value, source, seen, (*path, name))
    return lines


class _DatesStayText(yaml.SafeLoader):
    """A safe loader that reads 2027-03-31 as text."""


_DatesStayText.yaml_implicit_resolvers = {
    first: [(tag, expr) for tag, expr in pairs if tag != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
