"""No process imports what it does not need: most of a short run is imports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.standins import Account

# By what a process imports: heavy packages that must not come along.
_SIGNING = {"pyhanko", "aiohttp", "cryptography"}
_DOCUMENTS = {"nbformat", "nbconvert", "papermill", "typst", "matplotlib", "jsonschema"}
_FRAMES = {"pandas", "pyarrow", "numpy"}
_DATA = {*_FRAMES, "boto3", "botocore"}
_NEVER = {
    "rfc3987_syntax",
    "isoduration",
    "arrow",
    "moto",
    "flask",
    "distributed",
    "IPython",
    "ipykernel",
    "jupyterlab",
}
NOT_NEEDED = {
    "kit.cli": _NEVER | _DATA | _DOCUMENTS | _SIGNING,
    "kit.notebook": _NEVER | _DOCUMENTS | _SIGNING | _FRAMES | {"boto3"},
    "kit.pack.seal": _NEVER
    | _SIGNING
    | _FRAMES
    | {"boto3", "typst", "matplotlib", "nbconvert", "packaging", "py_ocsf_models"}
    | {"email_validator"},
    "kit.pack.typesetter": _NEVER | _DATA | _SIGNING | (_DOCUMENTS - {"typst"}) | {"kit.log"},
    "kit.verify": _NEVER | {"papermill", "matplotlib", "typst"},
    "kit.warm.server": _NEVER | _DOCUMENTS | _SIGNING | _FRAMES,
}


IMPORTS = """
import importlib, json, sys

imported = {}
for name in sys.argv[1:]:
    importlib.import_module(name)
    imported[name] = [n for n, m in sys.modules.items() if m]
print(json.dumps(imported))
"""


# One after the other in a process: each may import what those before it may.
@pytest.mark.parametrize(
    "modules",
    [("kit.cli", "kit.warm.server", "kit.notebook", "kit.pack.seal"), ("kit.verify",)],
    ids=lambda names: names[-1],
)
def test_a_module_imports_no_more_than_it_needs(modules: tuple[str, ...]) -> None:
    command = [sys.executable, "-c", IMPORTS, *modules]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for module, imported in json.loads(done.stdout).items():
        assert NOT_NEEDED[module].isdisjoint(imported), module


PACK = """
import importlib, sys
from kit.pack.document import document, findings_data
from kit.pack.execute import execute_here
from kit.pack.tabular import findings_parquet
from kit.ahead import read_files
from kit.warm.server import OF_KERNELS

for name in OF_KERNELS:
    importlib.import_module(name)
read_files()
read = []
sys.addaudithook(lambda event, given: read.append(str(given[0])) if event == "open" else None)
notebook, _ = execute_here("evidence_pack.ipynb", {"snapshot": sys.argv[1]})
# Every kernel would read it again.
assert [name for name in read if name.endswith((".yaml", "endpoints.json"))] == []
assert [name for name in read if "/kit/" in name and name.endswith((".py", ".pyc"))] == []
assert any(block["kind"] == "figure" for block in document(notebook).blocks)
made = findings_parquet(findings_data(notebook))
print(made[:4], {"pandas", "matplotlib"} & sys.modules.keys())
"""


def test_a_pack_is_made_without_frames_and_without_matplotlib(tmp_path: Path) -> None:
    account = Account(tmp_path).stack("design").fleet().bucket()
    command = [sys.executable, "-c", PACK, account.snapshot().folder]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "b'PAR1' set()\n"


LEAVING = """
import atexit, sys, threading
from kit.cli import main

atexit.register(print, "functions ran")
threading.Thread(target=lambda: (threading.main_thread().join(), print("threads ended"))).start()
sys.argv = ["evidence", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["no-such-verb"], 2)])
def test_a_command_leaves_as_python_does(arguments: list[str], code: int) -> None:
    command = [sys.executable, "-c", LEAVING, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == code
    assert done.stdout.endswith("threads ended\nfunctions ran\n")


def test_a_command_leaves_without_looking_for_garbage() -> None:
    code = (
        "import sys; from kit.cli import main; sys.argv = ['evidence', '--version']\n"
        "class Held:\n    def __del__(self): print('given back')\n"
        "held = Held(); held.itself = held; del held; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "given back" not in done.stdout
