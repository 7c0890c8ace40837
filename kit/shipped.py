"""What comes with the kit beside its code: notebooks and example parameters.

A pack states which kit made it, so its notebooks have to be that kit's. Analysts work in the same
files in JupyterLab: what a cell shows, and parameters that somebody changed there, have no part in a
pack, and any other change is refused.
"""

from __future__ import annotations

import hashlib
import json
from importlib.resources.abc import Traversable
from itertools import zip_longest
from pathlib import Path
from typing import Any

import yaml

from kit.errors import UserError

CELLS = Path(__file__).with_name("notebooks.json")
_PARAMETERS = "parameters"


def project(folder: str) -> Path:
    """Return ``notebooks`` or ``parameters``: in a wheel within the package, in a checkout above."""
    package = Path(__file__).parent
    inside = package / "project"
    return (inside if inside.is_dir() else package.parent) / folder


def yaml_data(file: Traversable) -> Any:
    """Return what a YAML file of the kit's holds; libyaml reads it in a tenth of PyYAML's time."""
    return yaml.load(file.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def notebook(name: str) -> dict[str, Any]:
    """Return a notebook as it came with the kit, in the form of nbformat 4.

    Parameters
    ----------
    name : str
        File in ``notebooks/``.

    Raises
    ------
    UserError
        The file cannot be read, or a cell beside its parameters is another than the kit's.
    """
    path = project("notebooks") / name
    how = "restore the file, and keep cells of your own in a copy: evidence seal --notebook"
    try:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
        cells = [_described(cell) for cell in content["cells"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: cannot be read as a notebook ({error}); {how}") from None
    kits = json.loads(CELLS.read_text("utf-8"))[name]
    for number, (cell, kit) in enumerate(zip_longest(cells, kits["cells"]), 1):
        if cell != kit:
            raise UserError(f"{path}: cell {number} is not the kit's; {how}")
    for cell in content["cells"]:
        cell["source"] = kits["parameters"] if _takes_parameters(cell) else _source(cell)
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    return content


def described() -> str:
    """Return the content of ``kit/notebooks.json``: the cells of the notebooks as they are."""
    notebooks = {}
    for path in sorted(project("notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        (parameters,) = (_source(cell) for cell in cells if _takes_parameters(cell))
        notebooks[path.name] = {"cells": [*map(_described, cells)], "parameters": parameters}
    return json.dumps(notebooks, indent=1) + "\n"


def _described(cell: dict[str, Any]) -> str:
    """Return a digest of what a cell is, but for parameters, which anybody may change."""
    what = [cell["id"], cell["cell_type"], sorted(cell["metadata"].get("tags", []))]
    source = "" if _takes_parameters(cell) else _source(cell)
    return hashlib.sha256(json.dumps([*what, source]).encode()).hexdigest()


def _takes_parameters(cell: dict[str, Any]) -> bool:
    return _PARAMETERS in cell["metadata"].get("tags", [])


def _source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])
