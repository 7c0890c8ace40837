"""Files that people write: YAML with the line of each field, and errors in plain words.

A file is refused before anything is made of it where it holds more than `kit.bounds` admits.
"""

from __future__ import annotations

import difflib
import os
import re
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from kit import bounds
from kit.errors import UserError
from kit.visible import unseen

M = TypeVar("M", bound=BaseModel)
Steps = tuple[str | int, ...]
_SHOWN = 200  # characters of a value in a message
_KIND = re.compile("⟦secret: ([a-z-]+)⟧")
# Variables that name a file for AWS's libraries (AWS SDKs and Tools Reference Guide).
_FILES = (
    *("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE", "BOTO_CONFIG"),
    *("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
)


@dataclass
class Lines:
    """The line of a field or list entry, counted from 1, and the lines of what it holds."""

    line: int
    parts: dict[str | int, Lines] = field(default_factory=dict)


@dataclass(frozen=True)
class Where:
    """The source of values, for messages.

    Attributes
    ----------
    source : str
        The file, or the name of another source.
    lines : Lines, optional
        The line of each field and list entry; None for a source without lines.
    elsewhere : mapping of str to str
        The name of the other source, by field, for fields that come from another source.
    """

    source: str
    lines: Lines | None = None
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    def of(self, *path: str | int) -> str:
        """Return the source and the line of a field, or else the line of its nearest parent."""
        if path and path[0] in self.elsewhere:
            return self.elsewhere[str(path[0])]
        place = self.lines
        for step in path:
            if place is None or step not in place.parts:
                break
            place = place.parts[step]
        return f"{self.source}, line {place.line}" if place and place.line else self.source

    def within(self, *path: str | int) -> Where:
        """Return the lines below a path, as paths relative to it."""
        place = self.lines
        for step in path:
            place = place and place.parts.get(step)
        return Where(self.source, place)

    def over(self, other: Where) -> Where:
        """Return the lines of both; those of this source where both have a field."""
        mine, others = (where.lines or Lines(0) for where in (self, other))
        return Where(self.source, Lines(mine.line or others.line, {**others.parts, **mine.parts}))


def read_yaml(path: Path) -> tuple[Any, Where]:
    """Read a YAML file; days such as 2027-03-31 remain text.

    Returns
    -------
    values, where : Any, Where

    Raises
    ------
    UserError
        The file cannot be read, is not valid YAML, gives a field twice, or holds more or other than
        a file that people write.
    """
    try:
        text = bounds.read_file(path, bounds.WRITTEN).decode("utf-8-sig")
        _require_plain(text)
        loader = _DatesStayText(text)
        node = loader.get_single_node()
        if node is None:
            return None, Where(str(path))
        _require_finite(node)
        where = Where(str(path), Lines(0, _lines(node, str(path), {}).parts))
        return loader.construct_document(node), where
    except OSError as error:
        near = nearest(path) if isinstance(error, FileNotFoundError) else None
        hint = f"; did you mean {near}?" if near else ""
        raise UserError(f"{path}: cannot be read ({error.strerror}){hint}") from None
    except _Refused as error:
        raise UserError(f"{path}, line {error.line}: {error.problem}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark else ""
        has_tab = mark and text[mark.index : mark.index + 1] == "\t"
        problem = "a tab; indent with spaces" if has_tab else error.problem
        raise UserError(f"{path}{line}: is not valid YAML: {problem}") from None
    except UnicodeDecodeError as error:
        byte = f"byte {error.object[error.start]:#04x} at {error.start:,}"
        raise UserError(f"{path}: is not in UTF-8 ({byte}); save it in UTF-8") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: is not valid YAML: {str(error).splitlines()[0]}") from None


def is_missing(path: Path) -> bool:
    """Return whether nothing has a path; what nobody may look at, or can have a name, is not missing."""
    try:
        os.lstat(path)
    except OSError as error:
        return isinstance(error, FileNotFoundError)
    return False


def nearest(path: Path) -> Path | None:
    """Return the YAML file in the folder of a missing file whose name is nearest to it."""
    if not os.path.isdir(path.parent):
        return None
    names = {place.stem: place.name for place in path.parent.glob("*.y*ml")}
    near = difflib.get_close_matches(path.stem[:_SHOWN], names, n=1)
    return path.with_name(names[near[0]]) if near else None


class _Refused(yaml.MarkedYAMLError):
    """The file holds more or other than a file that people write."""

    def __init__(self, problem: str, mark: Any):
        super().__init__(problem=problem, problem_mark=mark)
        self.line = mark.line + 1


def _require_plain(text: str) -> None:
    """Raise for values without number or end, tags, and characters that nobody sees.

    The events of the parser are counted before anything is built: a mapping of mappings that are
    nested deep would exhaust the stack.
    """
    deep = values = 0
    for event in yaml.parse(text, Loader=_DatesStayText):
        if isinstance(event, yaml.CollectionEndEvent):
            deep -= 1
        if not isinstance(event, yaml.NodeEvent):
            continue
        values += 1
        deep += isinstance(event, yaml.CollectionStartEvent)
        if deep > bounds.MOST_NESTED:
            problem = f"has lists and fields nested more than {bounds.MOST_NESTED} deep"
        elif values > bounds.MOST_VALUES:
            problem = f"has more than {bounds.MOST_VALUES:,} values"
        elif (tag := getattr(event, "tag", None)) is not None:
            problem = f"has the tag {_shown(tag)}; write the value without it"
        elif isinstance(event, yaml.ScalarEvent) and (char := unseen(event.value)):
            problem = f"has the character {char}, which nobody sees; write the value without it"
        else:
            continue
        raise _Refused(problem, event.start_mark)


def _require_finite(root: yaml.Node) -> None:
    """Raise where aliases repeat values without end, or more values than a file may hold."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node) -> int:
        if isinstance(node, yaml.ScalarNode):
            return 1
        if id(node) not in sizes:
            sizes[id(node)] = -1
            sizes[id(node)] = 1 + sum(map(size, _parts(node)))
        elif sizes[id(node)] < 0:
            raise _Refused("has an alias within what it repeats", node.start_mark)
        if sizes[id(node)] > bounds.MOST_VALUES:
            problem = f"has aliases that repeat more than {bounds.MOST_VALUES:,} values"
            raise _Refused(problem, node.start_mark)
        return sizes[id(node)]

    size(root)


def _parts(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        yield from (part for pair in node.value for part in pair)
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def require_plain(value: Any) -> None:
    """Raise `ValueError` for a value that no parameter has: too long, too deep, or unseen in part.

    A notebook's cell, papermill and a stored snapshot give values that no file held.
    """
    level, count, depth = [value], 0, 0
    while level:
        count, depth = count + len(level), depth + 1
        if count > bounds.MOST_VALUES or depth > bounds.MOST_NESTED:
            raise ValueError(f"holds more than {bounds.MOST_VALUES:,} values, or nested too deep")
        for item in level:
            if isinstance(item, str) and len(item) > bounds.MOST_TEXT:
                raise ValueError(f"has {len(item):,} characters; at most {bounds.MOST_TEXT:,}")
            if isinstance(item, str) and (char := unseen(item)):
                raise ValueError(f"has the character {char}, which nobody sees; write it without")
        level = [part for item in level for part in _within(item)]


def _within(item: Any) -> Iterator[Any]:
    if isinstance(item, Mapping):
        yield from item
        yield from item.values()
    elif isinstance(item, list | tuple):
        yield from item


def refuse_environment() -> None:
    """Raise a `UserError` where an environment variable does not lead AWS's libraries to a file.

    They would wait for a pipe, or read a device, without end. The empty device is a usual way to
    name no file.
    """
    for name in _FILES:
        path = os.environ.get(name)
        if not path or path == os.devnull:
            continue
        try:
            bounds.read_file(Path(path).expanduser(), bounds.WRITTEN)
        except FileNotFoundError:
            continue  # AWS's libraries report it, or do without
        except OSError as error:
            raise UserError(f"{name}: {path} cannot be read ({error.strerror})") from None


def refuse_unknown(
    names: Iterable[Any], where: Where, model: type[BaseModel], also: tuple[str, ...] = ()
) -> None:
    """Raise a `UserError` for the first unknown name, with the nearest field of the model."""
    accepted = {*model.model_fields, *also}
    for name in names:
        if name not in accepted:
            near = difflib.get_close_matches(str(name)[:_SHOWN], accepted, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"write {', '.join(sorted(accepted))}"
            raise UserError(f"{where.of(name)}: {_shown(name)} is not a field; {hint}")


def validated(model: type[M], values: Any, where: Where) -> M:
    """Return the values as a model.

    Raises
    ------
    UserError
        A value is invalid; the message names the first such field, its value and what is accepted.
        Or a text holds a secret, which the message leaves out.
    """
    refuse_secrets(values, where)
    try:
        return model.model_validate(values)
    except UserError as error:
        raise UserError(f"{where.source}: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = first["loc"]
        value = "" if first["type"] == "missing" or not path else f" {_shown(first['input'])}:"
        message = f"{_field_name(path)}:{value} {_requirement(first)}{_sample(model, first)}"
        raise UserError(f"{where.of(*path)}: {message}") from None


def refuse_secrets(values: Any, where: Where) -> None:
    """Raise a `UserError` for the first text that holds a secret: snapshots and packs show texts.

    The message names the field and the kind of secret. A text is a name or a value, at any depth.
    """
    from kit.detect.secrets import mask_secrets, mask_value

    level: list[tuple[Steps, Any]] = [((), values)]
    left = bounds.MOST_VALUES
    while level:  # `require_plain` refuses what has more values, or no end
        for path, item in level:
            if not isinstance(item, str):
                continue
            masked = mask_secrets(item)
            if masked == item and path and isinstance(path[-1], str):
                masked = mask_value(path[-1], item)
            if masked != item:
                kind = ", ".join(dict.fromkeys(_KIND.findall(masked)))
                name = mask_secrets(_field_name(path))
                raise UserError(
                    f"{where.of(*path)}: {name}: holds a secret ({kind}), which a pack would show; "
                    "write where the secret lies, without the secret"
                )
        left -= len(level)
        level = list(islice(_parts_of(level), max(left, 0)))


def _parts_of(level: list[tuple[Steps, Any]]) -> Iterator[tuple[Steps, Any]]:
    for path, item in level:
        if isinstance(item, Mapping):
            yield from ((path, name) for name in item)
            yield from (((*path, str(name)), part) for name, part in item.items())
        elif isinstance(item, list | tuple):
            yield from (((*path, place), part) for place, part in enumerate(item))


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
            return (
                f'must be text in quotes: "{_shown(given)}"' if scalar else "must be text in quotes"
            )
        case "bool_type" | "bool_parsing":
            return "must be true or false, without quotes"
        case "int_type" | "int_parsing" | "int_from_float":
            return "must be a whole number, without quotes"
        case "list_type":
            return (
                f"must be a list: [{given[:_SHOWN]}]"
                if isinstance(given, str)
                else "must be a list"
            )
        case "dict_type" | "model_type":
            return "must be fields with values"
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
        case "too_long":
            return f"must have at most {limits['max_length']} entries"
        case "string_too_short":
            return f"must have at least {limits['min_length']} characters"
        case "string_too_long":
            return f"must have at most {limits['max_length']:,} characters"
        case "float_type" | "float_parsing" | "finite_number":
            return "must be a number, without quotes"
    return str(error["msg"]).removeprefix("Value error, ")


def _sample(model: type[BaseModel], error: Mapping[str, Any]) -> str:
    """Return what the model's sample shows of a field that should hold fields with values."""
    name, *below = error["loc"] or ("",)
    samples = model.model_fields[name].examples if name in model.model_fields else None
    if error["type"] != "dict_type" or below or not samples or not isinstance(samples[0], dict):
        return ""
    key, value = next(iter(samples[0].items()), ("", ""))
    return f", such as {key}: {value}" if key else ""


def _lines(node: yaml.Node, source: str, made: dict[int, Lines]) -> Lines:
    """Return the line of each field in a node; what an alias repeats has its anchor's lines."""
    parts: list[tuple[str | int, yaml.Node, yaml.Node]] = []
    if isinstance(node, yaml.MappingNode):
        parts = [(str(key.value), key, value) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        parts = [(n, value, value) for n, value in enumerate(node.value)]
    lines = Lines(node.start_mark.line + 1)
    for name, place, value in parts:
        line = place.start_mark.line + 1
        if name in lines.parts:
            first = lines.parts[name].line
            raise UserError(
                f"{source}, line {line}: {_shown(name, str)} is given twice, first in line {first}"
            )
        if id(value) not in made:
            made[id(value)] = _lines(value, source, made)
        lines.parts[name] = Lines(line, made[id(value)].parts)
    return lines


_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = _repr.maxlong = _SHOWN
_repr.maxlist = _repr.maxdict = 20


def _shown(value: Any, write: Callable[[Any], str] = _repr.repr) -> str:
    """Return a value as a message shows it: without secrets, however long it is."""
    from kit.detect.secrets import mask_secrets

    try:
        text = write(mask_secrets(value) if isinstance(value, str) else value)
    except ValueError:  # an integer of more digits than Python writes
        text = "a number of very many digits"
    return text if len(text) <= 2 * _SHOWN else f"{text[:_SHOWN]}…"


_DECIMAL = re.compile(
    r"[-+]?(?:0|[1-9][0-9]*)|[-+]?(?:[0-9]*\.[0-9]*(?:[eE][-+][0-9]+)?|\.[a-zA-Z]+)"
)


class _DatesStayText(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A safe loader that reads 2027-03-31 as text, and only decimal numbers of few digits.

    YAML 1.1 reads 010 as 8 and 1:30 as 90 (https://yaml.org/type/int.html), which nobody means.
    """

    def __init__(self, stream: str):
        super().__init__(stream)
        self._fields: dict[yaml.Node, str] = {}  # whose values nodes are

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:
        self._fields |= {value: f"{key.value} " for key, value in node.value}
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        is_number = node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
        field = self._fields.get(node, "")
        if is_number and len(node.value) > bounds.MOST_NUMBER:
            problem = f"{field}has a number of more than {bounds.MOST_NUMBER} characters"
            raise _Refused(problem, node.start_mark)
        if is_number and not _DECIMAL.fullmatch(node.value):
            problem = f"{field}has the number {node.value}, which YAML reads in another base"
            hint = f'write it in decimal digits, or as text in quotes: "{node.value}"'
            raise _Refused(f"{problem}; {hint}", node.start_mark)
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            raise _Refused(f"{field}has no valid number: {error}", node.start_mark) from None


_DatesStayText.yaml_implicit_resolvers = {
    first: [(tag, expr) for tag, expr in pairs if tag != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
