"""An executed notebook as the kit's displays would leave it, with what an account may do to it."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from kit.collect.collector import collect
from kit.judge import calls_of
from kit.parameters import Run, parameters
from kit.report.views import (
    STATUSES,
    Column,
    ControlBlock,
    Controls,
    Cover,
    Data,
    Figure,
    Note,
    Remedies,
    Table,
    View,
)
from kit.snapshot import Snapshot
from tests.pack.samples import FACTS, HOSTILE, MARKS, STAMP, record

if TYPE_CHECKING:
    from kit.sandbox.server import Sandbox
    from tests.shared import Shared

SCRIPTS = {
    "Greek": "κρυπτογράφηση",
    "Cyrillic": "шифрование",
    "Arabic": "مجلدات",
    "Japanese": "暗号化",
    "Polish": "szyfrowanie łączności",
    "emoji": "🫠",
}


def shown(view: View, **metadata: Any) -> NotebookNode:
    """A code cell that displayed a view, as ipykernel stores it."""
    bundle = view._repr_mimebundle_()
    output = new_output("display_data", data=bundle)
    return new_code_cell("show()", outputs=[output], metadata=metadata)


def cover(**fields: Any) -> Cover:
    """A cover with stamp and marks."""
    return Cover(
        **{
            "title": "GDPR evidence pack",
            "subtitle": "Amazon AppStream 2.0, account 123456789012",
            "facts": [("Account", "123456789012"), ("Snapshot (SHA-256)", "9f" * 32)],
            "as_of": "2026-11-24T10:00:00+00:00",
            "stamp": STAMP,
            "marks": MARKS,
        }
        | fields
    )


def control(
    name: str,
    status: str,
    rows: list[list[Any]],
    counts: dict[str, int] | None = None,
    rest: list[Any] | None = None,
    listed: list[int] | None = None,
) -> ControlBlock:
    """A block whose rows (resource, status, evidence) cite evidence."""
    return ControlBlock(
        id=name,
        title=f"Sentence of {name}",
        status=status,
        severity="high",
        responsibility="customer",
        source="Words of AWS's page.",
        articles=[{"article": "32(1)(a)", "why": "encryption is named as a measure"}],
        context=[{"article": "33(3)", "why": "a breach has to be described"}],
        requirements=[],
        expected="AES256 or aws:kms",
        remedies=[{"parts": [("Remediation", "S3, the bucket, Properties.")]}],
        counts=counts or {status: len(rows)},
        rest=rest or [],
        rows=Table(
            f"rows-{name}",
            f"{name}: what was observed",
            [
                Column("region", "Region", "code"),
                Column("resource", "Resource", "code"),
                Column("status", "Verdict", "status"),
                Column("observed", "What was observed", brief=60),
                Column("evidence", "Evidence", "evidence", brief=3),
            ],
            [["eu-west-1", what, word, f"{what} as seen", ids] for what, word, ids in rows],
            listed=listed,
            cut=None if listed is None else "Row by row in findings.csv.",
        ),
    )


def commands(*names: str) -> Remedies:
    """An entry for some controls."""
    code = "aws s3api put-bucket-encryption --bucket BUCKET"
    steps = [{"title": "AWS CLI", "language": "sh", "code": code}]
    return Remedies([{"controls": list(names), "when": "", "steps": steps}])


def picture() -> str:
    """A figure as matplotlib makes it, without its clock."""
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    with matplotlib.rc_context({"svg.hashsalt": "tests"}):
        canvas = Canvas(figsize=(4, 2))
        canvas.add_subplot().barh(list(STATUSES), range(len(STATUSES)))
        file = io.StringIO()
        canvas.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


def evidence_index(rows: int) -> Table:
    """The requests, each row anchored by its id."""
    return Table(
        "evidence",
        "Evidence index",
        [
            Column("id", "Id", "code"),
            Column("call", "Call", "code"),
            Column("time", "Time", "datetime"),
            Column("attempts", "Attempts", "number"),
        ],
        [
            [f"E{n:04d}", f"s3:Call{n}", f"2026-11-24T10:{n % 60:02d}:00Z", n]
            for n in range(1, rows + 1)
        ],
        anchor="id",
    )


def findings(rows: int, listed: list[int] | None = None) -> Table:
    """Findings with every status, linked to controls and evidence."""
    words = list(STATUSES)
    return Table(
        "findings",
        "Findings",
        [
            Column("control", "Control", "control"),
            Column("resource", "Resource", "code"),
            Column("severity", "Severity", "severity"),
            Column("status", "Verdict", "status"),
            Column("evidence", "Evidence", "evidence"),
        ],
        [
            [
                ["AR-05", "LG-01"][n % 2],
                f"arn:aws:appstream:eu-west-1:123456789012:fleet/finance-{n}",
                ["high", "medium", "low"][n % 3],
                words[n % 6],
                [f"E{n % 20 + 1:04d}"],
            ]
            for n in range(rows)
        ],
        listed=listed,
        cut=None if listed is None else "Left out here: what passes; the HTML has it.",
    )


def executed(rows: int = 120) -> NotebookNode:
    """The notebook, executed: every kind of view, and everything that must not reach a document."""
    texts = [[name, text] for name, text in (SCRIPTS | HOSTILE).items()]
    texts_table = Table("texts", "Texts", [Column("k", "What"), Column("v", "Text")], texts)
    noise = new_code_cell(
        "SECRET_CODE = 1",
        outputs=[
            new_output("stream", name="stdout", text="STDOUT-NOISE"),
            new_output("stream", name="stderr", text="STDERR-NOISE"),
            new_output(
                "display_data",
                data={
                    "application/vnd.jupyter.widget-view+json": {"model_id": "1"},
                    "text/plain": "WIDGET-NOISE",
                },
            ),
        ],
    )
    analyst = new_code_cell(
        "frame",
        outputs=[new_output("execute_result", data={"text/html": "ANALYST-ONLY"})],
        metadata={"tags": ["analyst"]},
    )
    wide = Table(
        "wide",
        "A table too wide for the page",
        [Column(f"c{n}", f"Setting number {n}") for n in range(16)],
        [[f"value-of-setting-{n}" for n in range(16)]] * 3,
    )
    prose = (
        "## Scope\n\nEvidence of *configuration*, see [AWS](https://docs.aws.amazon.com/).\n\n"
        "1. one\n2. two\n\n- a\n\n  - b\n\n> quoted\n\n```\ncode\n```\n\n| A | B |\n|---|---|\n| 1 | `2` |"
    )
    return new_notebook(
        cells=[
            new_markdown_cell("# The notebook's own title"),
            noise,
            shown(cover()),
            new_markdown_cell(prose),
            shown(Note("All is well.")),
            shown(Note("All is not well.", "warning")),
            new_markdown_cell("## Summary"),
            shown(Figure("verdicts", picture(), "Bars: findings by verdict.", "Verdicts")),
            new_markdown_cell("## Controls"),
            shown(
                Controls(
                    [
                        control("AR-05", "fail", [["bucket-a", "fail", ["E0001", "E0002"]]]),
                        control("LG-01", "not evidenced", [["trail", "not evidenced", ["E0099"]]]),
                    ]
                )
            ),
            new_markdown_cell("## Commands"),
            shown(commands("AR-05", "LG-01")),
            new_markdown_cell("## Texts"),
            shown(texts_table),
            shown(Table("none", "Image builders", [Column("n", "N")], [], empty="None exists.")),
            new_markdown_cell("### Wide"),
            shown(wide),
            analyst,
            new_markdown_cell("## Findings"),
            shown(findings(rows, listed=[n for n in range(rows) if n % 6 < 2])),
            new_markdown_cell("## Evidence index"),
            shown(evidence_index(min(rows, 40))),
            shown(Data("findings", [record("AR-05", "fail")], dict(FACTS))),
            shown(Data("snapshot", [], {"account": "123456789012", "evidence": {"requests": 40}})),
        ],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
    )


@pytest.fixture(scope="session")
def notebook() -> NotebookNode:
    """The executed notebook; tests that change it copy it first."""
    made = executed()
    nbformat.validate(made)
    return made


# Runs of sample accounts, each named after its account, in regions that an analyst would declare.
RUNS = {
    "demo": parameters(Path(__file__).parent.parent.parent / "parameters" / "demo.yaml"),
    "careless": Run(account="012345678901", regions=["eu-west-1"]),
    "tidy": Run(account="111122223333", regions=["eu-west-1"]),
    "tidy abroad": Run(account="111122223333", regions=["eu-central-1"]),
    "empty": Run(account="222233334444", regions=["eu-west-1"]),
    # AppStream is in use, in regions that the run leaves out.
    "careless elsewhere": Run(account="012345678901", regions=["eu-central-1"]),
    "odd": Run(account="444455556666", regions=["eu-west-1"]),
}


@pytest.fixture(scope="session")
def stored(sandbox: Sandbox, shared: Shared) -> Callable[[str], Snapshot]:
    """The snapshot of a run, collected once; its key lies beside it."""

    def gathered(name: str, folder: Path) -> Snapshot:
        run = RUNS[name].model_copy(update={"pseudonym_key": str(folder / "key")})
        with pytest.MonkeyPatch.context() as patch:
            for variable, value in sandbox.environment(name.partition(" ")[0]).items():
                patch.setenv(variable, value)
            return collect(run, calls_of(run), folder / "snapshot", progress=False)

    @cache
    def collected(name: str) -> Snapshot:
        return shared(f"stored {name}", lambda folder: gathered(name, folder))

    return collected
