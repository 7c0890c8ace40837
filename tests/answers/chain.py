"""The whole way from a stored snapshot to the files of a pack, without a kernel.

The notebook's own cells are run, in this process, so that whatever it shows is covered; then
`kit.pack.seal` makes every file that a pack has.
"""

from __future__ import annotations

import ast
import contextlib
import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_output

from kit.displayed import FOR_DOCUMENTS
from kit.pack import seal as sealing
from kit.shipped import project

_TINY = b"%PDF-1.7 not made\n"


@cache
def _source(name: str) -> str:
    return (project("notebooks") / name).read_text("utf-8")


def execute(name: str, parameters: Mapping[str, Any], **_: bool) -> NotebookNode:
    """Run a notebook's cells; outputs, with all their forms, go through a file's form and back."""
    notebook = nbformat.reads(_source(name), as_version=4)
    namespace: dict[str, Any] = {}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        value = _run(cell.source, namespace)
        if "parameters" in cell.metadata.get("tags", ()):
            namespace |= parameters
        if hasattr(value, "_repr_mimebundle_"):
            forms = value._repr_mimebundle_()
            with patch.dict(os.environ, {FOR_DOCUMENTS: "1"}):
                to_seal = {form: data for form, data in value._repr_mimebundle_().items() if data}
            cell.outputs = [new_output("display_data", data=forms | to_seal)]
    return nbformat.reads(nbformat.writes(notebook).encode().decode(), as_version=4)


def _run(source: str, namespace: dict[str, Any]) -> Any:
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), namespace)
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), "cell", "eval"), namespace)


@contextlib.contextmanager
def quick(*, with_pdf: bool = False) -> Iterator[None]:
    """Let packs be sealed without a kernel, and without Typst unless wanted."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(sealing, "execute", execute)
        if not with_pdf:
            made = contextlib.nullcontext(lambda: _TINY)
            monkeypatch.setattr(sealing, "pdf_beside", lambda *_, **__: made)
        yield


def sealed(snapshot: Path, to: Path, *, with_pdf: bool = False) -> dict[str, bytes]:
    """The files of the pack of a stored snapshot, by their path in it."""
    with quick(with_pdf=with_pdf):
        sealing.seal(snapshot, to, progress=False)
    files = sorted(path for path in to.rglob("*") if path.is_file())
    return {str(path.relative_to(to)): path.read_bytes() for path in files}
