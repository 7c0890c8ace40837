"""No process imports what it does not need: most of a short run is imports."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

# By what a process imports: heavy packages that must not come along.
_SIGNING = {"pyhanko", "aiohttp", "cryptography"}
_DOCUMENTS = {"nbformat", "nbconvert", "papermill", "typst", "matplotlib", "jsonschema"}
_DATA = {"pandas", "pyarrow", "boto3", "botocore"}
_NEVER = {"rfc3987_syntax", "moto", "flask", "distributed", "IPython", "ipykernel", "jupyterlab"}
NOT_NEEDED = {
    "kit.cli": _NEVER | _DATA | _DOCUMENTS | _SIGNING,
    "kit.notebook": _NEVER | _DOCUMENTS | _SIGNING,
    "kit.pack.seal": _NEVER | _SIGNING | {"matplotlib"},
    "kit.verify": _NEVER | {"papermill", "matplotlib", "typst"},
    "kit.warm.server": _NEVER | _DOCUMENTS | _SIGNING | {"pandas", "pyarrow"},
}


@pytest.mark.parametrize("module", NOT_NEEDED)
def test_a_module_imports_no_more_than_it_needs(module: str) -> None:
    code = (
        f"import {module}, json, sys; print(json.dumps([n for n, m in sys.modules.items() if m]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert NOT_NEEDED[module].isdisjoint(json.loads(done.stdout))
