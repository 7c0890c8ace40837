"""Evidence packs for Amazon AppStream 2.0 under the GDPR, made from notebooks.

The verbs that notebooks use, in the order in which data flows::

    run = kit.validate(globals())        # the parameters
    evidence = kit.gather(run, snapshot) # what the account answers, or answered
    tables = kit.tabulate(evidence)      # tidy tables, with what could not be seen
    findings = kit.evaluate(tables)      # one verdict a row
    kit.show.open_points(findings)       # what people read
"""

from __future__ import annotations

import sys
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kit.judge import evaluate
    from kit.notebook import gather, open_changes, open_organisation, validate
    from kit.report import figures, show
    from kit.tables import tabulate

__all__ = [
    "evaluate",
    "figures",
    "gather",
    "open_changes",
    "open_organisation",
    "show",
    "tabulate",
    "validate",
]

# nbformat imports jsonschema, which imports this parser of IRIs where it is installed (JupyterLab
# brings it) and does without where it is not. No schema of notebooks has an IRI, and its grammar
# takes more than a second of CPU to build.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

_HOME = {
    "evaluate": "kit.judge:evaluate",
    "figures": "kit.report.figures",
    "gather": "kit.notebook:gather",
    "open_changes": "kit.notebook:open_changes",
    "open_organisation": "kit.notebook:open_organisation",
    "show": "kit.report.show",
    "tabulate": "kit.tables:tabulate",
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
