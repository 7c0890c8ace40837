"""Loads own controls into this process: their rules, texts and mappings."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from kit.catalogue import frameworks, texts
from kit.catalogue.frameworks import Framework
from kit.controls import CONTROLS, ROLL_UPS
from kit.errors import UserError
from kit.inputs import read_yaml, refuse_secrets, validated
from kit.own import ID


def load_all(sets: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """Load every set of a request, and return the ids of each set's controls; see `load`."""
    return [load(given["given"], Path(given["folder"]), given["module"]) for given in sets]


def load(name: str, folder: Path, module: str) -> list[str]:
    """Load own controls from a folder.

    Parameters
    ----------
    name : str
        What names them in the parameters.
    folder : Path
        Of a package, or of modules.
    module : str
        The package's module; empty for a folder of modules.

    Returns
    -------
    list of str
        Ids of its controls.

    Raises
    ------
    UserError
        A module, text or mapping of it is wrong.
    """
    kits = {**CONTROLS}
    roll_ups = {*ROLL_UPS}
    try:
        _import(name, folder, module)
    except UserError:
        raise
    except Exception as error:  # of whatever their modules do
        raise UserError(f"own_controls: {name}: {type(error).__name__}: {error}") from None
    ids = [id for id, control in CONTROLS.items() if kits.get(id) is not control]
    for id in [*ids, *(ROLL_UPS.keys() - roll_ups)]:
        if not ID.fullmatch(id):
            raise UserError(
                f"own_controls: {name}: {id!r} is an id of the kit's form; begin it with OWN-, such "
                "as OWN-ACME-01"
            )
    if not ids:
        raise UserError(f"own_controls: {name} declares no control")
    folder = texts_folder(folder, module)
    add_texts(name, folder, ids)
    add_frameworks(name, folder, ids)
    return ids


def texts_folder(folder: Path, module: str) -> Path:
    """Return the folder of a module within its package, where texts and mappings lie."""
    inner = folder.joinpath(*module.split(".")[1:])
    return inner if inner.is_dir() else inner.parent


def _import(name: str, folder: Path, module: str) -> None:
    if module:
        sys.path.insert(0, str(folder.parent))
        importlib.import_module(module)
        return
    modules = sorted(folder.glob("*.py"))
    if not modules:
        raise UserError(f"own_controls: {name} has no module (*.py)")
    for file in modules:
        _import_file(file)


def _import_file(path: Path) -> ModuleType:
    name = f"own_controls_{path.resolve().parent.name}_{path.stem}".replace("-", "_")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def add_texts(name: str, folder: Path, ids: list[str], shown: Callable[[str], str] = str) -> None:
    """Add the texts of own controls, each of which needs a title and its rules' expectations."""
    given, where = read_yaml(folder / "texts.yaml")
    refuse_secrets(given, where)
    stated = given.get("controls") if isinstance(given, dict) else None
    if not isinstance(stated, dict) or given.keys() != {"controls"}:
        raise UserError(f"{where.source}: accepted: controls, with the texts of each control by id")
    for id in stated.keys() - {*ids}:
        raise UserError(f"{where.source}: {id!r} is not a control of {name}")
    try:
        texts.add(_shown(given, shown))
    except ValueError as error:
        raise UserError(f"{where.source}: {error}") from None
    for id in ids:
        rules = [clause.rule.__name__ for clause in CONTROLS[id].clauses]
        for text in ("title", *(f"expects/{rule}" for rule in rules)):
            if not texts.has(f"controls/{id}/{text}"):
                raise UserError(f"{where.source}: controls/{id}/{text} is missing")


def _shown(node: Any, shown: Callable[[str], str]) -> Any:
    """Return a tree of texts as a pack may show them."""
    if isinstance(node, dict):
        return {name: _shown(member, shown) for name, member in node.items()}
    return shown(node) if isinstance(node, str) else node


def add_frameworks(name: str, folder: Path, ids: list[str]) -> None:
    """Add the mappings of own controls: to requirements of the kit's frameworks, or to others."""
    known = frameworks.frameworks()
    for path in sorted((folder / "frameworks").glob("*.yaml")):
        given, where = read_yaml(path)
        kits = known.get(path.stem)
        if kits and isinstance(given, dict) and given.keys() == {"requirements"}:
            given = _completed(given["requirements"], kits, where.source)
        made = validated(Framework, given, where)
        for number, requirement in made.requirements.items():
            for id in [*requirement.controls, *requirement.context]:
                if id not in ids:
                    raise UserError(f"{where.source}: {number}: {id!r} is not a control of {name}")
        known[path.stem] = made
    texts.add_flat(dict(frameworks.prose()))


def _completed(given: Any, kits: Framework, source: str) -> dict[str, Any]:
    """Return a framework of the kit with own mappings alone."""
    requirements = {}
    for number, own in given.items() if isinstance(given, dict) else ():
        if str(number) not in kits.requirements or not isinstance(own, dict):
            raise UserError(f"{source}: {number}: the kit's framework has no such requirement")
        theirs = kits.requirements[str(number)]
        kept = {"title": theirs.title, "part": theirs.part, **own}
        requirements[str(number)] = kept
    plain = kits.model_dump(exclude={"requirements"})
    return {**plain, "requirements": requirements}
