"""The texts that people read, by id, in the language of the run.

``en.yaml`` is the reference, with what `kit.catalogue.frameworks` says: a translation has the same
ids, and each text the same fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from kit.catalogue import frameworks
from kit.errors import UserError

REFERENCE = "en"
PLURAL = ("one", "other")  # the forms of a text with a count
_FIELD = re.compile(r"\{([a-z_]+)\}")  # JSON and Terraform in commands hold other braces
_INCLUDED = re.compile(r"\{([a-z_]+(?:/[a-z_]+)+)\}")
_chosen = REFERENCE


def choose(language: str) -> None:
    """Choose the language of every text that this process shows from now on.

    Parameters
    ----------
    language : str
        ``en``, or the path of a YAML file with the ids of ``en.yaml``.

    Raises
    ------
    UserError
        There is no such file, or its ids or fields differ from those of ``en.yaml``.
    """
    global _chosen
    _catalogue(language)
    _chosen = language


def chosen() -> str:
    """Return the language chosen, as `choose` accepts it."""
    return _chosen


def text(id: str, /, **values: object) -> str:
    """Return a text with its fields filled in.

    Parameters
    ----------
    id : str
        Path of the text in the file, joined by ``/``: ``report/scope/caption``.
    **values
        One for each field of the text. ``count`` selects the form where the text has several.

    Raises
    ------
    KeyError
        The catalogue has no such text, or a field has no value.
    """
    entry = _catalogue(_chosen)[id]
    if not isinstance(entry, str):
        entry = entry[PLURAL[values["count"] != 1]]
    return _FIELD.sub(lambda field: str(values[field[1]]), entry) if values else entry


def has(id: str) -> bool:
    """Return whether the catalogue has a text."""
    return id in _catalogue(_chosen)


def fields(id: str) -> set[str]:
    """Return the names of a text's fields."""
    return _fields(_catalogue(_chosen)[id])


def ids() -> list[str]:
    """Return the id of every text, in the order of the file."""
    return list(_catalogue(_chosen))


@cache
def _catalogue(language: str) -> dict[str, str | dict[str, str]]:
    if language == REFERENCE:
        source = resources.files(__name__).joinpath("en.yaml").read_text("utf-8")
        return _whole({**dict(_flat(_read(source))), **dict(frameworks.prose())})
    try:
        found = _whole(dict(_flat(_read(Path(language).read_text("utf-8")))))
    except OSError as error:
        known = f"{REFERENCE}, or the path of a YAML file"
        raise UserError(f"language: {language!r}: {error.strerror}; accepted: {known}") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise UserError(f"language: {language!r} is not a catalogue of texts: {error}") from None
    reference = _catalogue(REFERENCE)
    for id in [*(reference.keys() - found.keys()), *(found.keys() - reference.keys())]:
        where = "is missing" if id in reference else f"is not in {REFERENCE}.yaml"
        raise UserError(f"language: {language!r}: the text {id!r} {where}")
    for id, entry in found.items():
        if _fields(entry) != _fields(reference[id]):
            wanted = ", ".join(sorted(_fields(reference[id]))) or "none"
            raise UserError(f"language: {language!r}: the text {id!r} needs these fields: {wanted}")
    return found


def _read(source: str) -> Any:
    return yaml.load(source, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _flat(node: Any, path: str = "") -> Iterator[tuple[str, str | dict[str, str]]]:
    """Yield id and text for each leaf of a tree of mappings; plural forms are one leaf."""
    if isinstance(node, str) or (isinstance(node, dict) and set(node) == set(PLURAL)):
        yield path, node
    elif isinstance(node, dict):
        for name, child in node.items():
            yield from _flat(child, f"{path}/{name}" if path else str(name))
    else:
        raise ValueError(f"{path or 'the file'}: a text or a mapping is wanted, not {node!r:.40}")


def _whole(entries: dict[str, str | dict[str, str]]) -> dict[str, str | dict[str, str]]:
    """Return the entries, each with the texts that it includes in their places."""

    def filled(id: str, above: tuple[str, ...]) -> str:
        entry = entries.get(id)
        if not isinstance(entry, str) or id in above:
            raise ValueError(f"{above[-1]}: {{{id}}} includes no other text")
        return _INCLUDED.sub(lambda field: filled(field[1], (*above, id)), entry)

    return {
        id: filled(id, ()) if isinstance(entry, str) and _INCLUDED.search(entry) else entry
        for id, entry in entries.items()
    }


def _fields(entry: str | Mapping[str, str]) -> set[str]:
    forms = [entry] if isinstance(entry, str) else entry.values()
    return {field for form in forms for field in _FIELD.findall(form)}
