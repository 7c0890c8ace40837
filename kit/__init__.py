"""Evidence packs for Amazon AppStream 2.0 under the GDPR, made from notebooks.

The verbs that notebooks use, in the order in which data flows::

    run = kit.validate(globals())        # the parameters
    evidence = kit.gather(run, snapshot) # what the account answers, or answered
    tables = kit.tabulate(evidence)      # tidy tables, with what could not be seen
    findings = kit.evaluate(tables)      # one verdict a row
    kit.show.open_points(findings)       # what people read

To explore what a run stored, with nothing collected again::

    evidence = kit.open_snapshot("outputs/<account>/<time>/snapshot")
    tables = kit.tabulate(evidence)
    findings = kit.evaluate(tables)
    findings.where(status="fail", control="AR-05")   # also: region, severity
    findings.explain(17, evidence)       # finding 17 with AWS's answers
    evidence.evidence_of("E0019#/Fleets/1")          # what a finding cites
    tables["fleets"].frame               # a frame for pandas; findings.frame too
    kit.trace(findings, tables)          # each open finding with AWS's answers
    kit.explain("AR-05")                 # a control: what it expects, how to correct a fail

`kit.show` has the tables of the pack, `kit.figures` its figures. `kit.show.table(frame, caption)`
shows a frame of your own.
"""

from __future__ import annotations

import sys
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kit.desk import explain, trace
    from kit.judge import evaluate
    from kit.notebook import (
        gather,
        open_changes,
        open_organisation,
        open_snapshot,
        validate,
    )
    from kit.report import figures, show
    from kit.tables import tabulate

__all__ = [
    "evaluate",
    "explain",
    "figures",
    "gather",
    "open_changes",
    "open_organisation",
    "open_snapshot",
    "show",
    "tabulate",
    "trace",
    "validate",
]

# nbformat imports jsonschema, which imports these parsers of IRIs and of durations where they are
# installed (JupyterLab brings them) and does without where they are not. No schema of notebooks has
# either. The grammar of IRIs alone takes more than a second of CPU to build.
for _parser in ("rfc3987_syntax", "isoduration"):
    sys.modules.setdefault(_parser, None)  # type: ignore[arg-type]

_HOME = {
    "evaluate": "kit.judge:evaluate",
    "explain": "kit.desk:explain",
    "figures": "kit.report.figures",
    "gather": "kit.notebook:gather",
    "open_changes": "kit.notebook:open_changes",
    "open_organisation": "kit.notebook:open_organisation",
    "open_snapshot": "kit.notebook:open_snapshot",
    "show": "kit.report.show",
    "tabulate": "kit.tables:tabulate",
    "trace": "kit.desk:trace",
    "validate": "kit.notebook:validate",
}


def __dir__() -> list[str]:
    """Return the verbs alone: what helps to write the module is nothing to complete."""
    return sorted([*__all__, "__doc__", "__file__", "__name__", "__path__"])


def __getattr__(name: str) -> Any:
    """Import a verb when it is first used: commands that need none of them start faster."""
    if name in _HOME:
        return resolve_name(_HOME[name])
    raise AttributeError(f"module 'kit' has no attribute {name!r}")
