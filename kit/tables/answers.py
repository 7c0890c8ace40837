"""The members of AWS's answers: which column reads each member, or why the kit leaves it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from botocore.model import Shape

from kit.aws_models import models
from kit.calls import CALLS, Call
from kit.shipped import yaml_data

COLLECTOR = "collector"  # reads the members that decide which requests follow
_FILE = "answers.yaml"
_REGIONS = ("s3.BucketLocationConstraint",)
_BRACES = re.compile(r"(.*?)\{([^{}]*)\}(.*)")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
# Words in a member's path about access, keys, logs, sharing, recording, retention or users.
_SPEAKS = re.compile(
    r"access|arns?$|keys?$|kms|log(s|ging)?$|permission|polic|record|retain|retention|shar|users?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Left:
    """Why the kit leaves a member: a reason of the fixed list, and perhaps a sentence."""

    reason: str
    sentence: str = ""


@dataclass(frozen=True)
class Declared:
    """The declaration of a call's answer: readers by member, and the members that the kit leaves.

    ``times`` has what the kit compares a time with: a word of the list, perhaps a field of the
    profile.
    """

    read: Mapping[str, tuple[str, ...]]
    left: Mapping[str, Left]
    times: Mapping[str, str]


def reasons() -> dict[str, str]:
    """Return the reasons for which the kit may leave a member, with their meanings."""
    return dict(_written()["reasons"])


def clocks() -> dict[str, str]:
    """Return what the kit may compare a time with, with the meanings."""
    return dict(_written()["times"])


@cache
def declared(call: str) -> Declared:
    """Return the declaration of the answer of a call, ``service.Operation``."""
    written = _written()["calls"].get(call) or {}
    read = dict(_each(written.get("read")))
    left = dict(_each(written.get("left")))
    return Declared(
        {path: tuple(readers.split(", ")) for path, readers in read.items()},
        {path: Left(*_parted(why)) for path, why in left.items()},
        dict(_each(written.get("times"))),
    )


def members(call: Call) -> dict[str, Shape]:
    """Return every member of a call's answer, by its path: ``Stacks[].UserSettings[].Action``.

    A list or a map of plain values is a single member. Secret members are left out.
    """
    model = models().get_service_model(call.service).operation_model(call.operation)
    secret = tuple(f"{path}{end}" for path in call.secret for end in (".", "[]"))
    return {
        path: shape
        for path, shape in _members(model.output_shape)
        if path not in call.secret and not path.startswith(secret)
    }


def needs_sentence(path: str, shape: Any) -> bool:
    """Return whether the kit may leave a member only with a sentence beside the reason.

    Switches, choices and times need a sentence, and so do members whose path is about access,
    keys, logs, sharing, recording, retention or users.
    """
    kinds = (shape, shape.member) if shape.type_name == "list" else (shape,)
    return any(
        kind.type_name in ("boolean", "timestamp") or getattr(kind, "enum", None) for kind in kinds
    ) or any(_SPEAKS.match(word) for word in _WORD.findall(path))


def is_time(shape: Any) -> bool:
    """Return whether a member is a time, or a list of times."""
    return "timestamp" in {shape.type_name, getattr(shape, "member", shape).type_name}


def undeclared(call: Call) -> Iterator[str]:
    """Yield the errors in the declaration of a call's answer, a line for each member."""
    declaration, shapes = declared(call.name), members(call)
    for path in shapes.keys() - declaration.read.keys() - declaration.left.keys():
        yield (
            f"{call.name} {path}: declare it in kit/tables/{_FILE}, as read (by which column) or "
            "as left (for which reason)"
        )
    for path in (declaration.read.keys() | declaration.left.keys()) - shapes.keys():
        yield f"{call.name} {path}: kit/tables/{_FILE} declares it, and botocore has no such member"
    for path in declaration.read.keys() & declaration.left.keys():
        yield f"{call.name} {path}: is declared both as read and as left"
    for path in declaration.read.keys() & shapes.keys() - declaration.times.keys():
        if is_time(shapes[path]):
            yield (
                f"{call.name} {path}: is a time that is read; declare under `times` in "
                f"kit/tables/{_FILE} what the kit compares it with"
            )
    for path, clock in declaration.times.items():
        if path.partition("|")[0] not in declaration.read:
            yield f"{call.name} {path}: is declared as a time, and is not read"
        if clock.split()[0] not in clocks():
            yield f"{call.name} {path}: {clock!r} is not in the list under `times`"
    for path, why in declaration.left.items():
        if why.reason not in reasons():
            yield f"{call.name} {path}: {why.reason!r} is not a reason of the list"
        elif why.reason == "paging" or path not in shapes or why.sentence.endswith("."):
            continue
        elif needs_sentence(path, shapes[path]):
            yield f"{call.name} {path}: add a sentence why the kit does not read it"


def new_choices(call: Call) -> Iterator[str]:
    """Yield each value of a member's enumeration that ``choices`` does not list yet."""
    choices, shapes = _written()["choices"], members(call)
    for path in declared(call.name).read:
        shape = shapes.get(path)
        name = f"{call.service}.{getattr(shape, 'name', '')}"
        if name not in _REGIONS:
            for value in set(getattr(shape, "enum", None) or ()) - set(choices.get(name, ())):
                yield (
                    f"{call.name} {path}: {value} is new: check that its readers handle it, "
                    f"then add it to {name} under choices in kit/tables/{_FILE}"
                )


def page() -> str:
    """Return the Markdown of ``docs/members.md``."""
    lines = [_INTRODUCTION, "| reason | what it means |", "|---|---|"]
    lines += [f"| {name} | {meaning} |" for name, meaning in reasons().items()]
    lines += ["", _OF_TIMES, "", "| time | what it means |", "|---|---|"]
    lines += [f"| {name} | {meaning} |" for name, meaning in clocks().items()]
    for call in CALLS.values():
        declaration = declared(call.name)
        lines += ["", f"## {call.name}", "", "| member | read by, or why not |", "|---|---|"]
        for path, names in declaration.read.items():
            clock = f" (*{declaration.times[path]}*)" if path in declaration.times else ""
            lines.append(f"| `{path}` | {_readers(names)}{clock} |")
        for path, clock in declaration.times.items():
            if "|" in path:
                shown = path.replace("|", r"\|")
                lines.append(f"| `{shown}` | (*{clock}*) |")
        for path, why in declaration.left.items():
            lines.append(f"| `{path}` | *{why.reason}* {why.sentence} |".replace(" |", " |"))
        lines += [
            f"| `{path}` | *secret* The kit replaces it before it stores the answer. |"
            for path in call.secret
        ]
    return "\n".join(lines) + "\n"


_INTRODUCTION = """\
# Which members of AWS's answers the kit reads, and which it leaves

This page lists every member of every answer that the kit collects, as the installed botocore has
it. `make docs` writes the page from `kit/tables/answers.yaml`. Tests compare that file with
botocore's models and with what the tables read, so that they report a member that AWS adds.

A member that the kit reads names the columns that it decides first (*table.column*), a table whose
rows it lists or names, or *collector* where it decides which requests follow. A member that the kit
leaves has one of these reasons, in *italics*:
"""


_OF_TIMES = (
    "Brackets behind a time say what the kit compares it with, as of the time at which collection "
    "began:"
)


def _readers(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" if name != COLLECTOR else name for name in names)


@cache
def _written() -> dict[str, Any]:
    written: dict[str, Any] = yaml_data(files("kit.tables") / _FILE)
    return written


def _each(written: Mapping[str, str] | None) -> Iterator[tuple[str, str]]:
    for paths, text in (written or {}).items():
        braces = _BRACES.fullmatch(paths)
        if braces:
            before, names, after = braces.groups()
            yield from ((f"{before}{name.strip()}{after}", text) for name in names.split(","))
        else:
            yield paths, text


def _parted(why: str) -> tuple[str, str]:
    reason, _, sentence = why.partition(". ")
    return reason, sentence


def _members(shape: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield from _members(member, f"{path}.{name}" if path else name)
    elif shape.type_name == "list" and shape.member.type_name in ("structure", "list", "map"):
        yield from _members(shape.member, f"{path}[]")
    else:
        yield path, shape
