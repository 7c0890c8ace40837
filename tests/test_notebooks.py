"""Notebooks stay thin, and their parameters are those of a run."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import papermill
import pytest

from kit.parameters import Run

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
_TYPES = ("str", "list", "bool", "int", "float", "dict")
_NOT_THIN = (
    ast.FunctionDef,
    ast.ClassDef,
    ast.For,
    ast.While,
    ast.If,
    ast.Try,
    ast.With,
    ast.Lambda,
    ast.ListComp,
    ast.DictComp,
    ast.SetComp,
    ast.GeneratorExp,
    ast.BinOp,
)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_cells_are_thin(path: Path) -> None:
    cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    assert cells[0].metadata.tags == ["parameters"]
    made: set[str] = set()  # what the kit's verbs returned; explore.ipynb calls their methods
    for cell in cells[1:]:
        tree = ast.parse(cell.source)
        assert not [node for node in ast.walk(tree) if isinstance(node, _NOT_THIN)], cell.source
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        own = [call for call in calls if ast.unparse(call.func) != "globals"]
        assert len(own) == 1, cell.source
        root = ast.unparse(own[0].func).partition(".")[0]
        assert root in {"kit", *made}, cell.source
        made |= {
            ast.unparse(target)
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
        }


def test_parameters_are_those_of_a_run_with_type_default_and_a_comment() -> None:
    reported = papermill.inspect_notebook(str(FOLDER / "evidence_pack.ipynb"))
    assert set(reported) == set(Run.model_fields) | {"snapshot"}
    for name, parameter in reported.items():
        assert parameter["inferred_type_name"] in _TYPES, name
        assert len(parameter["help"]) > 10, name
        if name not in ("account", "snapshot"):
            assert ast.literal_eval(parameter["default"]) == Run.model_fields[name].default


def test_every_section_of_the_source_has_its_heading() -> None:
    cells = nbformat.read(FOLDER / "evidence_pack.ipynb", 4).cells
    headings = [
        line.lstrip("# ")
        for cell in cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("#")
    ]
    assert headings == [
        "GDPR evidence pack for Amazon AppStream 2.0",
        "Result of the examination",
        "Summary",
        "Sign-off and follow-up",
        "Where personal data rests and moves",
        "Waivers",
        "Scope and method",
        "Limits",
        "Governance",
        "Identity",
        "Encryption at rest",
        "Encryption in transit",
        "Logging",
        "Metadata and URLs",
        "Discovery of personal data",
        "Exposure",
        "The provider's side",
        "Annexes",
        "Where the auditor's usual requests are answered",
        "By framework",
        "Population and completeness",
        "Follow-up of open points",
        "What was changed",
        "Resources that hold personal data",
        "Transfers to third countries",
        "Retention",
        "One person's data",
        "Impact assessments",
        "Record of processing",
        "Responsibilities",
        "Reports of AWS's auditors",
        "Remediation",
        "Parameters",
        "Collection",
        "What AWS's page says",
        "Thresholds",
        "Glossary",
        "Findings in full",
        "Evidence index",
        "From open points to their evidence",
    ]
