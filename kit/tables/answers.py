"""What AWS answers, member by member: what is read, by which column, and what is left, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from botocore.model import Shape

from kit.aws_models import models
from kit.calls import CALLS, Call

COLLECTOR = "collector"  # reads what decides which requests are made
_FILE = "answers.yaml"
_REGIONS = ("s3.BucketLocationConstraint",)
_BRACES = re.compile(r"(.*?)\{([^{}]*)\}(.*)")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
# Words in a member's path that speak of access, keys, logs, sharing, recording, retention or users.
_SPEAKS = re.compile(
    r"access|arns?$|keys?$|kms|log(s|ging)?$|permission|polic|record|retain|retention|shar|users?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Left:
    """Why a member is not read: a reason of the fixed list, and a sentence where one is needed."""

    reason: str
    sentence: str = ""


@dataclass(frozen=True)
class Declared:
    """What is declared of a call's answer: by member, its readers, and what is left.

    ``times`` is what a time that is read is held against: a word of the list, perhaps a field of
    the profile.
    """

    read: Mapping[str, tuple[str, ...]]
    left: Mapping[str, Left]
    times: Mapping[str, str]


def reasons() -> dict[str, str]:
    """The reasons for which a member may be left, each with what it means."""
    return dict(_written()["reasons"])


def clocks() -> dict[str, str]:
    """What a time may be held against, each with what that means."""
    return dict(_written()["times"])


@cache
def declared(call: str) -> Declared:
    """What is declared of the answer of a call, ``service.Operation``."""
    written = _written()["calls"].get(call) or {}
    read = dict(_each(written.get("read")))
    left = dict(_each(written.get("left")))
    return Declared(
        {path: tuple(readers.split(", ")) for path, readers in read.items()},
        {path: Left(*_parted(why)) for path, why in left.items()},
        dict(_each(written.get("times"))),
    )


def members(call: Call) -> dict[str, Shape]:
    """Every member of a call's answer, by its path: ``Stacks[].UserSettings[].Action``.

    A list or a map of plain values is one member. Members declared secret are left out.
    """
    model = models().get_service_model(call.service).operation_model(call.operation)
    secret = tuple(f"{path}{end}" for path in call.secret for end in (".", "[]"))
    return {
        path: shape
        for path, shape in _members(model.output_shape)
        if path not in call.secret and not path.startswith(secret)
    }


def needs_sentence(path: str, shape: Any) -> bool:
    """Whether a member may not be left for a reason alone.

    So are switches, choices and times, and what speaks of access, keys, logs, sharing, recording,
    retention or users.
    """
    kinds = (shape, shape.member) if shape.type_name == "list" else (shape,)
    return any(
        kind.type_name in ("boolean", "timestamp") or getattr(kind, "enum", None) for kind in kinds
    ) or any(_SPEAKS.match(word) for word in _WORD.findall(path))


def is_time(shape: Any) -> bool:
    """Whether a member is a time, or a list of times."""
    return "timestamp" in {shape.type_name, getattr(shape, "member", shape).type_name}


def undeclared(call: Call) -> Iterator[str]:
    """Yield what is wrong with what is declared of a call's answer, a line for each member."""
    told, there = declared(call.name), members(call)
    for path in there.keys() - told.read.keys() - told.left.keys():
        yield (
            f"{call.name} {path}: declare it in kit/tables/{_FILE}, as read (by which column) or "
            "as left (for which reason)"
        )
    for path in (told.read.keys() | told.left.keys()) - there.keys():
        yield f"{call.name} {path}: is declared in kit/tables/{_FILE}, and botocore has no such member"
    for path in told.read.keys() & told.left.keys():
        yield f"{call.name} {path}: is declared both as read and as left"
    for path in told.read.keys() & there.keys() - told.times.keys():
        if is_time(there[path]):
            yield (
                f"{call.name} {path}: is a time that is read; declare under `times` in "
                f"kit/tables/{_FILE} what it is held against"
            )
    for path, clock in told.times.items():
        if path.partition("|")[0] not in told.read:
            yield f"{call.name} {path}: is declared as a time, and is not read"
        if clock.split()[0] not in clocks():
            yield f"{call.name} {path}: {clock!r} is not of the list of what times are held against"
    for path, why in told.left.items():
        if why.reason not in reasons():
            yield f"{call.name} {path}: {why.reason!r} is not a reason of the list"
        elif why.reason == "paging" or path not in there or why.sentence.endswith("."):
            continue
        elif needs_sentence(path, there[path]):
            yield f"{call.name} {path}: say in a sentence why it is not read"


def new_choices(call: Call) -> Iterator[str]:
    """Yield each value that a member which is read may have and of which nobody knows yet."""
    known, there = _written()["choices"], members(call)
    for path in declared(call.name).read:
        shape = there.get(path)
        name = f"{call.service}.{getattr(shape, 'name', '')}"
        if name not in _REGIONS:
            for value in set(getattr(shape, "enum", None) or ()) - set(known.get(name, ())):
                yield (
                    f"{call.name} {path}: {value} is new: see that what reads it understands it, "
                    f"then add it to {name} under choices in kit/tables/{_FILE}"
                )


def page() -> str:
    """Return the Markdown of ``docs/members.md``."""
    lines = [_INTRODUCTION, "| reason | what it means |", "|---|---|"]
    lines += [f"| {name} | {meaning} |" for name, meaning in reasons().items()]
    lines += ["", _OF_TIMES, "", "| time | what it means |", "|---|---|"]
    lines += [f"| {name} | {meaning} |" for name, meaning in clocks().items()]
    for call in CALLS.values():
        told = declared(call.name)
        lines += ["", f"## {call.name}", "", "| member | read by, or why not |", "|---|---|"]
        for path, names in told.read.items():
            clock = f" (*{told.times[path]}*)" if path in told.times else ""
            lines.append(f"| `{path}` | {_readers(names)}{clock} |")
        for path, clock in told.times.items():
            if "|" in path:
                shown = path.replace("|", r"\|")
                lines.append(f"| `{shown}` | (*{clock}*) |")
        for path, why in told.left.items():
            lines.append(f"| `{path}` | *{why.reason}* {why.sentence} |".replace(" |", " |"))
        lines += [
            f"| `{path}` | *secret* It is replaced before anything is stored. |"
            for path in call.secret
        ]
    return "\n".join(lines) + "\n"


_INTRODUCTION = """\
# What AWS tells, what the kit reads, what it leaves

Every member of every answer that the kit asks for, as the installed botocore has it. `make docs`
writes this page from `kit/tables/answers.yaml`; tests hold that file against botocore's models and
against what the tables really read, so that a member that AWS adds is noticed by its name.

A member that is read names the columns that it decides first (*table.column*), a table whose rows
it lists or names, or *collector* where it decides what is asked next. A member that is left has one
of these reasons, in *italics*:
"""


_OF_TIMES = (
    "A time that is read says in brackets what it is held against, always as of the time at which "
    "collection began:"
)


def _readers(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" if name != COLLECTOR else name for name in names)


@cache
def _written() -> dict[str, Any]:
    written: dict[str, Any] = yaml.safe_load(files("kit.tables").joinpath(_FILE).read_text())
    return written


def _each(written: Mapping[str, str] | None) -> Iterator[tuple[str, str]]:
    for paths, told in (written or {}).items():
        braces = _BRACES.fullmatch(paths)
        if braces:
            before, names, after = braces.groups()
            yield from ((f"{before}{name.strip()}{after}", told) for name in names.split(","))
        else:
            yield paths, told


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
