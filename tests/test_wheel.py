"""The wheel apart from the repository: every file of the kit comes out of it.

The new environment has the packages of the users' lock file and no others, linked from the
environment that runs the tests. `benchmarks/install.py` installs that file itself.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from kit.cli import main
from kit.maker import lock
from kit.sandbox.server import Sandbox
from tests.supply import locked

ROOT = Path(__file__).parent.parent
ACCOUNT = "210987654321"


class Installed:
    """A new environment that has the wheel, and a folder that is empty at first."""

    def __init__(self, folder: Path):
        self.bin, self.cwd = folder / "venv" / "bin", folder / "work"
        self.temporary = folder / "tmp"  # without what killed runs of other tests left
        self.cwd.mkdir()
        self.temporary.mkdir()
        source = folder / "source"
        for name in ("kit", "notebooks", "parameters"):
            left = shutil.ignore_patterns("__pycache__", "my-*.yaml", ".ipynb_checkpoints")
            shutil.copytree(ROOT / name, source / name, ignore=left)
        for name in ("LICENSE", "README.md", "pyproject.toml"):
            shutil.copy(ROOT / name, source)
        self._do(sys.executable, "-m", "hatchling", "build", "-t", "wheel", cwd=source)
        (wheel,) = (source / "dist").glob("*.whl")
        venv.create(folder / "venv", symlinks=True)
        pip = (sys.executable, "-m", "pip", "--python", self.bin / "python", "install")
        self._do(*pip, "--quiet", "--no-index", "--no-deps", wheel)
        (site,) = folder.glob("venv/lib/*/site-packages")
        for name, path in _installed():
            if not (site / name).exists():
                (site / name).symlink_to(path)

    def run(
        self, *command: str | Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in the folder."""
        name, *arguments = command
        return self._do(self.bin / name, *arguments, environment=environment)

    def _do(
        self,
        *command: str | Path,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        own = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "JUPYTER_PATH")}
        own["TMPDIR"] = str(self.temporary)
        own["XDG_CONFIG_HOME"] = str(self.cwd.parent / "config")  # no key is there at first
        done = subprocess.run(
            command,
            cwd=cwd or self.cwd,
            env={**own, **(environment or {})},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done


def _installed() -> Iterator[tuple[str, Path]]:
    """Yield the files and folders of the locked packages in their site-packages."""
    for name in locked():
        with suppress(PackageNotFoundError):  # of another platform
            package = distribution(name)
            for top in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
                yield top, Path(package.locate_file(top))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def demo(installed: Installed) -> subprocess.CompletedProcess[str]:
    """What the demo printed."""
    return installed.run("evidence", "demo")


@pytest.fixture
def pack(demo: subprocess.CompletedProcess[str], installed: Installed) -> Path:
    (pack,) = (installed.cwd / "outputs" / ACCOUNT).glob("*/pack")
    return pack


def test_every_file_of_the_kit_comes_out_of_the_wheel(installed: Installed) -> None:
    code = (
        "import kit, kit.maker as maker, kit.shipped as shipped\n"
        "print(kit.__file__, shipped.project('notebooks'), maker.lock(), sep='\\n')"
    )
    *places, digest = installed.run("python", "-c", code).stdout.splitlines()
    assert all(Path(place).is_relative_to(installed.bin.parent) for place in places)
    assert digest == lock()  # a pack of the wheel is a pack of the checkout


def test_the_demo_ends_with_0_and_reports_what_it_made(
    demo: subprocess.CompletedProcess[str], pack: Path, installed: Installed
) -> None:
    assert "findings: " in demo.stdout
    assert "roll-ups, which sum up findings and are not counted: " in demo.stdout
    assert " fail, " in demo.stdout
    phases = [line.partition(":")[0] for line in re.split(r"[\r\n]+", demo.stderr) if ":" in line]
    assert [*dict.fromkeys(phases)] == [
        *("signed in", f"collecting {ACCOUNT}", "evaluating", "writing the pack"),
    ], demo.stderr
    assert "%" not in demo.stderr
    assert (pack / "data" / "evidence.pdf").read_bytes().startswith(b"%PDF-")
    opened = re.search(r"^open: (\S+evidence\.html)", demo.stdout, re.MULTILINE)
    assert opened
    assert (installed.cwd / opened[1]).is_file()
    commands = [
        command.split()
        for command in re.findall(r"^  \S*evidence (.*?)  # ", demo.stdout, re.MULTILINE)
    ]
    assert {command[0] for command in commands} <= main.commands.keys()
    here = {command[0]: command for command in commands if command[0] in ("controls", "verify")}
    assert here.keys() == {"controls", "verify"}
    in_turn(installed, here)


# Commands in turn, in one process: the demo shows that the installed `evidence` starts them.
IN_TURN = """
import json, os, sys
from click.testing import CliRunner
from kit.cli import main

def become(_, command):
    print(json.dumps(command))
    raise SystemExit(0)

os.execv = become
printed = {}
for name, arguments in json.loads(sys.argv[1]).items():
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    printed[name] = done.stdout
print(json.dumps(printed))
"""


def in_turn(
    installed: Installed,
    commands: Mapping[str, Sequence[str]],
    environment: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """What commands of the wheel print, by name; one that becomes another prints that."""
    given = ("python", "-c", IN_TURN, json.dumps(commands))
    printed: dict[str, str] = json.loads(installed.run(*given, environment=environment).stdout)
    return printed


def test_init_the_sample_parameters_and_lab(
    installed: Installed, sandbox: Sandbox, tmp_path: Path
) -> None:
    code = "import jupyterlab, kit.shipped as shipped; print(shipped.project('parameters'))"
    samples = Path(installed.run("python", "-c", code).stdout.strip())
    commands = {
        "init": ["init", "mine.yaml"],
        "mine.yaml": ["plan", "mine.yaml"],
        "demo.yaml": ["plan", str(samples / "demo.yaml")],
        "parameters": ["parameters"],
        "lab": ["lab", "--", "--no-browser"],
    }
    environment = {**sandbox.environment("demo"), "XDG_CONFIG_HOME": str(tmp_path)}
    printed = in_turn(installed, commands, environment)
    for name in ("mine.yaml", "demo.yaml"):
        assert "appstream.DescribeFleets" in printed[name]
    assert printed["parameters"] == (samples / "example.yaml").read_text()
    python, *started = json.loads(printed["lab"])
    assert Path(python).parent == installed.bin
    assert started == [
        *("-m", "jupyterlab", f"--ServerApp.root_dir={installed.cwd.resolve()}"),
        *("--LabApp.default_url=/evidence", "--ServerApp.jpserver_extensions=kit.lab_page=True"),
        "--no-browser",
    ]
    copied = {path.name: path.read_bytes() for path in (installed.cwd / "notebooks").iterdir()}
    assert copied == {path.name: path.read_bytes() for path in (ROOT / "notebooks").glob("*.ipynb")}


def test_the_notebooks_run_under_plain_papermill(installed: Installed, pack: Path) -> None:
    """The pack's own notebook ran in the demo."""
    code = "import kit.shipped as shipped; print(shipped.project('notebooks'))"
    notebooks = Path(installed.run("python", "-c", code).stdout.strip())
    given = {
        "explore": {"snapshot": pack.parent / "snapshot"},
        "organisation": {"packs": installed.cwd / "outputs"},
        "changes": {"before": pack, "after": pack},
        "evidence_pack": {},
    }
    assert {path.stem for path in notebooks.glob("*.ipynb")} == given.keys()
    runs = {
        str(notebooks / f"{name}.ipynb"): {key: str(value) for key, value in parameters.items()}
        for name, parameters in given.items()
        if parameters
    }
    code = (
        "import json, papermill, sys\n"
        "from kit.warm import forked\n"
        "(last, parameters), *others = json.loads(sys.argv[1]).items()\n"
        "def run(file, parameters):\n"
        "    papermill.execute_notebook(file, None, parameters, progress_bar=False)\n"
        "with forked():  # kernels that start sooner, as those of the kit's own commands\n"
        "    for other in others:\n"
        "        run(*other)\n"
        "run(last, parameters)"
    )
    installed.run("python", "-c", code, json.dumps(runs))
