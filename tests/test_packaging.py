"""The lists of packages say the same, and nothing in the repository gives away a machine."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml
from license_expression import get_spdx_licensing

from kit.kernels import FOLDER, NAME
from tests.supply import ACCEPTED, licences, locked

ROOT = Path(__file__).parent.parent
_PROJECT = "kit/project/"  # where a wheel has the folders beside the package
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# Where conda-forge's name is another one than PyPI's.
CONDA_NAMES = {
    "matplotlib": "matplotlib-base",
    "nbconvert": "nbconvert-core",
    "phonenumberslite": "phonenumbers",
}
# What conda-forge lacks.
PIP_ONLY = {"typst", "aws-assume-role-lib"}


def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).exists()]


def _split(requirement: str) -> tuple[str, str]:
    name, bound = re.fullmatch(r"([\w\[\]-]+)(>=[\d.]+)?", requirement).groups()
    return name, bound or ""


def test_conda_and_pip_have_the_same_packages() -> None:
    wanted = PROJECT["project"]["dependencies"]
    wanted = dict(map(_split, wanted + PROJECT["project"]["optional-dependencies"]["sandbox"]))
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pip = dict(_split(line) for line in environment.pop()["pip"] if not line.startswith("--"))
    conda = dict(map(_split, environment))
    assert conda.pop("python") == PROJECT["project"]["requires-python"]
    conda.pop("pip")
    assert pip == {name: bound for name, bound in wanted.items() if name in PIP_ONLY}
    assert conda == {
        CONDA_NAMES.get(name, name): bound for name, bound in wanted.items() if name not in PIP_ONLY
    }


_RUNTIME = [
    *PROJECT["project"]["dependencies"],
    *PROJECT["project"]["optional-dependencies"]["sandbox"],
    *PROJECT["dependency-groups"]["build"],
]
_DEVELOPMENT = PROJECT["dependency-groups"]["dev"]
_LOCKS = {
    "requirements.lock": _RUNTIME,
    "requirements-dev.lock": _RUNTIME + _DEVELOPMENT,
    "requirements-uv.lock": ["uv"],
}


def _name(requirement: str) -> str:
    return re.split(r"[>=\[]", requirement)[0]


def _pins(lock: str) -> dict[str, str]:
    blocks = re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip())
    assert all("--hash=sha256:" in block for block in blocks)
    # The same package can be wanted on more platforms by developers.
    return {re.split(r"[; ]", block)[0]: block[block.index(" --hash") :] for block in blocks}


@pytest.mark.parametrize("lock", _LOCKS)
def test_a_lock_file_has_hashes_and_every_direct_package(lock: str) -> None:
    locked = {pin.partition("==")[0] for pin in _pins(lock)}
    assert {_name(line).lower() for line in _LOCKS[lock]} <= locked


def test_users_and_developers_install_the_same_versions() -> None:
    assert _pins("requirements.lock").items() <= _pins("requirements-dev.lock").items()


def test_the_users_lock_has_nothing_that_only_tests_need() -> None:
    names = {_name(line).lower() for line in _DEVELOPMENT} - {"jsonschema"}
    assert not names & locked()


def test_every_licence_is_accepted_and_listed() -> None:
    page = (ROOT / "docs" / "licences.md").read_text()
    parser = get_spdx_licensing()
    for name, licence in licences().items():
        assert f"| {name} | {licence} |" in page, "run `make docs`"
        keys = parser.license_keys(licence)
        assert keys, f"{name} states no licence"
        assert set(keys) <= ACCEPTED, f"{name}: {licence!r} is not in tests/supply.py"


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What two checkouts build, which lie elsewhere and have other permissions."""
    made = []
    for name, mask in (("a", 0o022), ("b/longer", 0o077)):
        source = tmp_path_factory.mktemp("build") / name
        source.mkdir(parents=True)
        for path in _tracked():
            target = source / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
            target.chmod((0o777 if path.stat().st_mode & 0o100 else 0o666) & ~mask)
        (source / "parameters" / "production.yaml").write_text(f"account: {name!r}")
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build"], cwd=source, check=True, umask=mask
        )
        made.append(source / "dist")
    return made


def test_wheel_and_sdist_are_reproducible_to_the_byte(builds: list[Path]) -> None:
    first, second = (
        {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in dist.iterdir()}
        for dist in builds
    )
    assert sorted(Path(name).suffix for name in first) == [".gz", ".whl"]
    assert first == second


def test_the_wheel_holds_the_notebooks_the_samples_and_the_kernel(builds: list[Path]) -> None:
    (path,) = builds[0].glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        shipped = {
            name.removeprefix(_PROJECT): wheel.read(name)
            for name in wheel.namelist()
            if name.startswith(_PROJECT)
        }
        tracked = _tracked("notebooks/*.ipynb", "parameters/*")
        assert shipped == {str(path.relative_to(ROOT)): path.read_bytes() for path in tracked}
        # Where Jupyter looks for kernels, once the wheel is installed.
        suffix = f".data/data/share/jupyter/kernels/{NAME}/kernel.json"
        (description,) = [name for name in wheel.namelist() if name.endswith(suffix)]
        assert wheel.read(description) == (FOLDER / NAME / "kernel.json").read_bytes()
        # And JupyterLab for defaults of its settings.
        settings = "labconfig/default_setting_overrides.d/appstream-evidence.json"
        assert any(name.endswith(f".data/data/etc/jupyter/{settings}") for name in wheel.namelist())


@pytest.mark.parametrize(
    "name",
    ["parameters/production.yaml", "parameters/my-account.yaml", "parameters/a/b.yaml", "a.yaml"],
)
def test_git_ignores_parameters_of_whatever_name(name: str) -> None:
    assert _ignored([name])


def test_git_ignores_no_file_of_the_project() -> None:
    assert _ignored(str(path.relative_to(ROOT)) for path in _tracked()) == ""


def _ignored(names: Iterable[str]) -> str:
    """Return those of the names that git would ignore, as if it knew no file yet."""
    command = ["git", "check-ignore", "--no-index", "--stdin"]
    done = subprocess.run(command, cwd=ROOT, input="\n".join(names), capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def test_every_dependency_has_its_reason() -> None:
    text = (ROOT / "docs" / "dependencies.md").read_text()
    listed = set(re.findall(r"^\| ([\w-]+) \|", text, re.MULTILINE)) - {"package"}
    assert listed == {_name(line) for line in [*_RUNTIME, *_DEVELOPMENT, "uv"]}


@pytest.mark.parametrize("path", _tracked("*.ipynb"), ids=lambda path: path.name)
def test_notebooks_are_committed_without_outputs(path: Path) -> None:
    command = ["git", "show", f":./{path.relative_to(ROOT)}"]  # an analyst's own has outputs
    staged = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    cells = json.loads(staged.stdout or path.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)


def test_no_file_names_a_registry_or_a_machine() -> None:
    forbidden = re.compile(
        rb"(index[-_]url|find-links)[ =:]|files\.pythonhosted|pypi\.org/simple|/root/|/home/[a-z]"
    )
    own = {Path(__file__)}
    found = [
        str(path)
        for path in _tracked()
        if path not in own and "data" not in path.parts and forbidden.search(path.read_bytes())
    ]
    assert found == []
