"""Files that people write: YAML that knows its lines, and mistakes told in plain words."""

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
    """Where values were written, for messages.

    Attributes
    ----------
    source : str
        The file, or what else they came from.
    lines : mapping of path to int
        The line of each field and list entry, counted from 1; empty where there are none.
    elsewhere : mapping of str to str
        Fields that another source gave, with its name.
    """

    source: str
    lines: Mapping[Steps, int] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    def of(self, *path: str | int) -> str:
        """Name the source, and the line of a field or of what holds it."""
        if path and path[0] in self.elsewhere:
            return self.elsewhere[str(path[0])]
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return f"{self.source}, line {self.lines[path[:length]]}"
        return self.source

    def brief(self, name: str) -> str:
        """Name the source of a field without the folders that lead to it."""
        return replace(self, source=Path(self.source).name).of(name)

    def within(self, *path: str | int) -> Where:
        """The part under a path, whose own paths then begin there."""
        n = len(path)
        inner = {known[n:]: line for known, line in self.lines.items() if known[:n] == path}
        return Where(self.source, inner)


def read_yaml(path: Path) -> tuple[Any, Where]:
    """Read a YAML file; days stay the text that was written.

    Returns
    -------
    values, where : Any, Where

    Raises
    ------
    UserError
        It cannot be read, is no YAML, or gives a field twice.
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
        raise UserError(f"{path}{line}: is no YAML: {error.problem}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: is no YAML: {str(error).splitlines()[0]}") from None


def refuse_unknown(
    names: Iterable[Any], where: Where, model: type[BaseModel], also: tuple[str, ...] = ()
) -> None:
    """Raise a `UserError` for the first name that is no field, with the nearest that is one."""
    allowed = {*model.model_fields, *also}
    for name in names:
        if name not in allowed:
            near = difflib.get_close_matches(str(name), allowed, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(allowed))}"
            raise UserError(f"{where.of(name)}: there is no field {name!r}; {hint}")


def validated(model: type[M], values: Any, where: Where) -> M:
    """Make a model of values.

    Raises
    ------
    UserError
        Names the field, its value and what would be right, for the first that is wrong.
    """
    try:
        return model.model_validate(values)
    except UserError as error:
        raise UserError(f"{where.source}: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = first["loc"]
        value = "" if first["type"] == "missing" or not path else f" {first['input']!r}:"
        wrong = f"{_named(path)}:{value} {_plain(first)}"
        raise UserError(f"{where.of(*path)}: {wrong}") from None


def _named(path: Steps) -> str:
    names = [f"entry {part + 1}" if isinstance(part, int) else part for part in path]
    return ", ".join(names) or "the fields together"


def _plain(error: Mapping[str, Any]) -> str:
    """What would be right, in words of people who do not know pydantic."""
    given, limits = error["input"], error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "is missing"
        case "string_type":
            scalar = isinstance(given, (int, float)) and not isinstance(given, bool)
            return f'a text is wanted: "{given}"' if scalar else "a text is wanted, in quotes"
        case "bool_type" | "bool_parsing":
            return "true or false is wanted, without quotes"
        case "int_type" | "int_parsing" | "int_from_float":
            return "a whole number is wanted, without quotes"
        case "list_type":
            return f"a list is wanted: [{given}]" if isinstance(given, str) else "a list is wanted"
        case "dict_type" | "model_type":
            return "fields with values are wanted, such as EX-01: the reason"
        case "literal_error":
            return f"one of these is wanted: {limits['expected']}"
        case "greater_than":
            return f"more than {limits['gt']} is wanted"
        case "greater_than_equal":
            return f"{limits['ge']} or more is wanted"
        case "less_than_equal":
            return f"{limits['le']} or less is wanted"
        case "too_short":
            return "at least one entry is wanted"
        case "string_too_short":
            return f"at least {limits['min_length']} characters are wanted"
    return str(error["msg"]).removeprefix("Value error, ")


def _lines(
    node: yaml.Node | None, source: str, seen: set[int], path: Steps = ()
) -> dict[Steps, int]:
    """The line of everything in a node; what an alias repeats has the line of its anchor alone."""
    found: dict[Steps, int] = {}
    if id(node) in seen:
        return found
    seen.add(id(node))
    parts: list[tuple[str | int, yaml.Node, yaml.Node]] = []
    if isinstance(node, yaml.MappingNode):
        parts = [(str(key.value), key, value) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        parts = [(n, value, value) for n, value in enumerate(node.value)]
    for name, place, value in parts:
        line = place.start_mark.line + 1
        if (*path, name) in found:
            first = found[*path, name]
            raise UserError(f"{source}, line {line}: {name} is given a second time, after {first}")
        found[*path, name] = line
        found |= _lines(value, source, seen, (*path, name))
    return found


class _DatesStayText(yaml.SafeLoader):
    """A safe loader in which 2027-03-31 stays the text that was written."""


_DatesStayText.yaml_implicit_resolvers = {
    first: [(tag, expr) for tag, expr in pairs if tag != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
