"""The texts that people read, by id, in the language of the run.

The reference is English: ``en.yaml``, the prose of `kit.catalogue.frameworks` and ``statuses.yaml``
and the Markdown cells of the notebooks. A translation is a file with the same ids, and each text
has the same fields.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from kit.catalogue import frameworks
from kit.errors import UserError
from kit.inputs import read_yaml
from kit.shipped import project, yaml_data

REFERENCE = "en"
PLURAL = ("one", "other")  # the forms of a text with a count
_FIELD = re.compile(r"\{([a-z_]+)\}")  # JSON and Terraform in commands hold other braces
_INCLUDED = re.compile(r"\{([a-z_]+(?:/[a-z_]+)+)\}")
# Language tags that browsers, PDF readers and screen readers accept:
# https://www.rfc-editor.org/info/bcp47
_MOST_WITHIN = 10  # texts within each other
_LONGEST = 100_000  # characters of a text
_TAG = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
PROSE = ("word", "meaning", "remarks")  # of a status
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
        The file does not exist, or its ids or fields differ from those of ``en.yaml``.
    """
    global _chosen
    check(language)
    _chosen = language


def load() -> None:
    """Read the kit's own texts, which every language needs, before the first of them."""
    _catalogue(REFERENCE)


def check(language: str) -> None:
    """Raise what `choose` raises, and choose nothing."""
    if language != REFERENCE:
        _catalogue(language)


def chosen() -> str:
    """Return the language chosen, as `choose` accepts it."""
    return _chosen


def located() -> str:
    """Return the language chosen, a file by its whole path, so that any process can choose it."""
    return _chosen if _chosen == REFERENCE else str(Path(_chosen).resolve())


def text(id: str, /, **values: object) -> str:
    """Return a text with its fields filled in.

    Parameters
    ----------
    id : str
        Path of the text in the file, joined by ``/``: ``report/scope/caption``.
    **values
        A value for each field of the text. ``count`` selects the form of a text with forms.

    Raises
    ------
    KeyError
        The catalogue has no such text, or a field has no value.
    """
    try:
        entry = _catalogue(_chosen)[id]
    except KeyError:
        message = f"{id}: the catalogue of texts ({REFERENCE}.yaml) has no such text"
        raise KeyError(message) from None
    if not isinstance(entry, str):
        entry = entry[PLURAL[values["count"] != 1]]
    return _FIELD.sub(lambda field: _written(values[field[1]]), entry) if values else entry


def _written(value: object) -> str:
    """Return a value as sentences have it: whole numbers as in tables, with commas."""
    return f"{value:,}" if type(value) is int else str(value)


def in_language(id: str, language: str) -> str:
    """Return a text without fields, in any language that `choose` accepts."""
    return str(_catalogue(language)[id])


def add(tree: Mapping[str, Any]) -> None:
    """Add texts of controls that are not the kit's to this process, in the form of ``en.yaml``.

    Raises
    ------
    ValueError
        A value is neither a text nor a mapping.
    """
    add_flat(dict(_flat(tree)))


def add_flat(entries: Mapping[str, str | dict[str, str]]) -> None:
    """Add texts by their ids, which no text of the kit has."""
    own = _catalogue(_chosen)
    own |= {id: entry for id, entry in entries.items() if id not in own}


def translated(id: str, source: str) -> str:
    """Return the text of an id; `source` itself where it differs from the reference."""
    return text(id) if _catalogue(REFERENCE).get(id) == source else source


def tag() -> tuple[str, str | None]:
    """Return the language and the country of the texts; None for no country."""
    language, _, country = text("language").partition("-")
    return language, country or None


def has(id: str) -> bool:
    """Return whether the catalogue has a text."""
    return id in _catalogue(_chosen)


def fields(id: str) -> set[str]:
    """Return the names of a text's fields."""
    return _fields(_catalogue(_chosen)[id])


def ids() -> list[str]:
    """Return the id of every text, in the order of the file."""
    return list(_catalogue(_chosen))


def tree() -> dict[str, Any]:
    """Return the reference as the file of a translation: nested mappings."""
    tree: dict[str, Any] = {}
    for id, entry in _catalogue(REFERENCE).items():
        *path, name = id.split("/")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        node[name] = entry
    return tree


@cache
def _catalogue(language: str) -> dict[str, str | dict[str, str]]:
    if language == REFERENCE:
        return _included(dict(_reference()))
    try:
        entries = _included(dict(_flat(read_yaml(Path(language))[0])))
    except UserError as error:
        accepted = f"{REFERENCE}, or the path of a YAML file"
        raise UserError(f"language: {error}; accepted: {accepted}") from None
    except ValueError as error:
        raise UserError(f"language: {language!r} is not a catalogue of texts: {error}") from None
    reference = _catalogue(REFERENCE)
    for id in [*(reference.keys() - entries.keys()), *(entries.keys() - reference.keys())]:
        where = "is missing" if id in reference else f"is not in {REFERENCE}.yaml"
        raise UserError(f"language: {language!r}: the text {id!r} {where}")
    for id, entry in entries.items():
        if _fields(entry) != _fields(reference[id]):
            needed = ", ".join(sorted(_fields(reference[id]))) or "none"
            raise UserError(f"language: {language!r}: the text {id!r} needs these fields: {needed}")
    if not _TAG.fullmatch(str(entries["language"])):
        raise UserError(
            f"language: {language!r}: the text 'language' is {entries['language']!r}; accepted: a "
            "language, with or without a country, such as de or de-AT"
        )
    return entries


def _reference() -> Iterator[tuple[str, str | dict[str, str]]]:
    yield from _flat(yaml_data(resources.files(__name__) / "en.yaml"))
    yield from frameworks.prose()
    statuses = yaml_data(resources.files("kit.catalogue") / "statuses.yaml")
    for word, status in statuses.items():
        members = {"word": word, **status}
        prose = {name: members[name] for name in PROSE if name in members}
        yield from _flat(prose, f"statuses/{word}")
    for path in sorted(project("notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            # No document shows an analyst's cells, so no translation needs them.
            if cell["cell_type"] == "markdown" and "analyst" not in cell["metadata"].get(
                "tags", ()
            ):
                yield f"notebooks/{cell['id']}", "".join(cell["source"])


def _flat(node: Any, path: str = "") -> Iterator[tuple[str, str | dict[str, str]]]:
    """Yield id and text for each leaf of a tree of mappings; plural forms are a single leaf."""
    if isinstance(node, str) or _is_plural(node):
        yield path, node
    elif isinstance(node, dict):
        for name, child in node.items():
            yield from _flat(child, f"{path}/{name}" if path else str(name))
    else:
        raise ValueError(f"{path or 'the file'}: {node!r:.40}; accepted: a text or a mapping")


def _is_plural(node: Any) -> bool:
    return (
        isinstance(node, dict)
        and set(node) == set(PLURAL)
        and all(isinstance(form, str) for form in node.values())
    )


def _included(entries: dict[str, str | dict[str, str]]) -> dict[str, str | dict[str, str]]:
    """Return the entries with the texts that they include in place of the references."""
    whole: dict[str, str] = {}

    def filled(id: str, above: tuple[str, ...]) -> str:
        entry = entries.get(id)
        if not isinstance(entry, str) or id in above or len(above) > _MOST_WITHIN:
            raise ValueError(f"{above[-1]}: {{{id}}} includes no other text")
        if id not in whole:
            text = _INCLUDED.sub(lambda field: filled(field[1], (*above, id)), entry)
            if len(text) > _LONGEST:
                raise ValueError(f"{id}: includes more than {_LONGEST:,} characters")
            whole[id] = text
        return whole[id]

    return {
        id: filled(id, ()) if isinstance(entry, str) and _INCLUDED.search(entry) else entry
        for id, entry in entries.items()
    }


def _fields(entry: str | Mapping[str, str]) -> set[str]:
    forms = [entry] if isinstance(entry, str) else entry.values()
    return {field for form in forms for field in _FIELD.findall(form)}
