"""git's filter for notebooks: their source alone is committed, never what they show of an account.

``make`` configures it (``git config filter.notebook-source.clean``) and ``.gitattributes`` names it.
It imports nothing that is slow: git starts it for each changed notebook. nbconvert takes two seconds
for the same, nbstripout one, and that renumbers the cells.
https://git-scm.com/docs/gitattributes#_filter
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

NAME = "notebook-source"
_KERNELS = (
    {"display_name": "AppStream Evidence Kit", "language": "python", "name": "appstream-evidence"},
    {"display_name": "Python 3", "language": "python", "name": "python3"},
)
_LANGUAGE = {"name": "python"}
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")  # of nbformat's schema


def source_of(notebook: str) -> str:
    """Return a notebook as JSON of source alone: nothing that a kernel, an editor or a file left.

    Parameters
    ----------
    notebook : str
        JSON of nbformat 4.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError, RecursionError
        It is something else.
    """
    content = json.loads(notebook)
    if content["nbformat"] != 4:
        raise ValueError("not of nbformat 4")
    minor = content["nbformat_minor"]
    made = {
        "cells": [_source_of(cell) for cell in content["cells"]],
        "metadata": {
            "kernelspec": _kernel(content.get("metadata", {})),
            "language_info": _LANGUAGE,
        },
        "nbformat": 4,
        "nbformat_minor": minor if type(minor) is int else 5,
    }
    return json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _source_of(cell: dict[str, Any]) -> dict[str, Any]:
    kind, tags = cell["cell_type"], cell.get("metadata", {}).get("tags", [])
    if kind not in ("code", "markdown", "raw"):
        raise ValueError(f"a cell of the kind {kind!r}")
    source = cell["source"]
    if not isinstance(source, str) and not all(isinstance(line, str) for line in source):
        raise ValueError("a source that is not text")
    kept = [tag for tag in tags if isinstance(tag, str)]
    made = {"cell_type": kind, "metadata": {"tags": kept} if kept else {}, "source": source}
    if isinstance(cell.get("id"), str) and _ID.fullmatch(cell["id"]):
        made["id"] = cell["id"]
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def _kernel(metadata: dict[str, Any]) -> dict[str, str]:
    """Return the kit's kernel, or Python's: any other has a name that somebody chose."""
    given = metadata.get("kernelspec", {}).get("name")
    return next((kernel for kernel in _KERNELS if kernel["name"] == given), _KERNELS[0])


def _filter() -> None:
    notebook = sys.stdin.buffer.read()
    try:
        made = source_of(notebook.decode("utf-8-sig")).encode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = type(error).__name__
        sys.exit(f"evidence: git takes no file that is not a notebook of nbformat 4 ({why})")
    sys.stdout.buffer.write(made)


if __name__ == "__main__":
    _filter()
