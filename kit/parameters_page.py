"""The parameters of a run, written out for people: a sample file, a page, the notebook's cell."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import yaml
from pydantic.fields import FieldInfo

from kit.parameters import SAMPLES, Run

_WIDTH = 91
_HEAD = """\
# One account: every parameter of a run. Copy this file, write the account and the regions, sign in,
# and run
#   .venv/bin/evidence run parameters/my-account.yaml
# Only `account` has to be given. Every other field is commented out, with a sample or its default
# behind the #. The file declares nothing until you do: remove the # and write your own value. A
# declaration that still has a sample's value is refused, and so is a text that holds a secret.
"""
_PAGE = """\
# Parameters of a run

[`parameters/example.yaml`](../parameters/example.yaml) has the same fields, to copy;
[using.md](using.md) explains how they are given. Only `account` has to be given. A *declaration*
states what no interface of AWS shows: the kit refuses one that still has a sample's value. It also
refuses a text that holds a secret, since packs show texts: write where the secret lies.

| parameter | what it is | default | sample |
|---|---|---|---|
"""
_GIVEN = ("account", "regions")  # what the sample file gives; all else is commented out
_KINDS = {str: "str", int: "int", float: "float", bool: "bool", list: "list", dict: "dict"}


def example() -> str:
    """Return the text of ``parameters/example.yaml``."""
    return "\n".join([_HEAD.rstrip("\n"), *_fields()]) + "\n"


def starter(account: str, profile: str, enabled: Sequence[str]) -> str:
    """Return a file with an account, its regions and its login alone; it declares nothing.

    Parameters
    ----------
    account : str
    profile : str
        Of the AWS configuration; empty for the usual chain.
    enabled : sequence of str
        The account's enabled regions with AppStream.
    """
    lines = [
        "# Made by evidence init. `.venv/bin/evidence parameters` prints every other field.",
        f"account: {_flow(account)}",
        *([f"aws_profile: {_flow(profile)}"] if profile else []),
        "# Empty for every enabled region with AppStream. Enabled today:",
        *textwrap.wrap(
            f"{', '.join(enabled)}.",
            98,
            initial_indent="# ",
            subsequent_indent="# ",
            break_on_hyphens=False,
        ),
        "regions: []",
        "# The controller decides which key makes the labels of packs. Write it before the first run, and",
        "# the same in every later run: packs with labels of different keys cannot be compared.",
        f"#controller: {SAMPLES['controller']}",
    ]
    return "\n".join(lines) + "\n"


def page() -> str:
    """Return the Markdown of ``docs/parameters.md``."""
    return _PAGE + "".join(
        f"| `{name}` | {_explained(field)} | {_code(_default(field))} | {_code(_sample(field))} |\n"
        for name, field in Run.model_fields.items()
    )


def cell() -> str:
    """Return the source of the parameters cell of ``notebooks/evidence_pack.ipynb``."""
    lines = [
        f"{name}: {_KINDS[type(_default(field))]} = {_literal(_default(field))}  # {field.title}"
        for name, field in Run.model_fields.items()
    ]
    stored = "folder of a stored snapshot to open, given alone; empty to collect from AWS"
    return "\n".join([*lines, f'snapshot: str = ""  # {stored}'])


def _fields() -> Iterator[str]:
    for name, field in Run.model_fields.items():
        if section := _extra(field)["section"]:
            yield ""
            yield f"# --- {section} ".ljust(_WIDTH, "-")
        yield from textwrap.wrap(
            _sentences(field),
            100,
            initial_indent="# ",
            subsequent_indent="# ",
            break_on_hyphens=False,
        )
        mark = "" if name in _GIVEN else "#"
        yield f"{mark}{name}: {_flow(_sample(field))}"


def _explained(field: FieldInfo) -> str:
    kind = "*Declaration.* " if _extra(field)["declares"] else ""
    return kind + _sentences(field).replace("|", "\\|")


def _sentences(field: FieldInfo) -> str:
    title = field.title or ""
    return " ".join(filter(None, (f"{title[:1].upper()}{title[1:]}.", field.description)))


def _default(field: FieldInfo) -> Any:
    return "" if field.is_required() else field.get_default(call_default_factory=True)


def _sample(field: FieldInfo) -> Any:
    return (field.examples or [""])[0]


def _extra(field: FieldInfo) -> dict[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def _flow(value: Any) -> str:
    """Return a value as YAML in one line."""
    if isinstance(value, str) and (not value or value.isdigit()):
        return json.dumps(value)
    text: str = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _literal(value: Any) -> str:
    return json.dumps(value) if isinstance(value, str | list) else repr(value)


def _code(value: Any) -> str:
    text = _flow(value).replace("|", "\\|")
    return f"`{text}`" if value not in ("", [], {}) else ""
