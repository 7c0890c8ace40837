"""What lets readers sort and filter tables: one script, in a pack's page and in JupyterLab.

JupyterLab runs it in notebooks that it trusts, which are those that it executed. Elsewhere, as in a
notebook that papermill executed, the tables are plain.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from markupsafe import Markup

from kit.catalogue.texts import text
from kit.report.formats import SEVERITIES, STATUSES

SCRIPT = Path(__file__).parent / "templates" / "tables.js"
_LAB = SCRIPT.with_name("lab.js")


def script_words() -> str:
    """Return as JSON the words that the script shows, and marks' words in their order."""
    names = ("search", "everywhere", "all", "filter", "rows", "some_rows")
    words: dict[str, Any] = {name: text(f"pack/script/{name}") for name in names}
    words["language"] = text("language")
    words["status"] = [mark.word for mark in STATUSES.values()]
    words["severity"] = [mark.word for mark in SEVERITIES.values()]
    return json.dumps(words, ensure_ascii=False)


def lab_script() -> Markup:
    """Return the script of an output in JupyterLab, for the element around it."""
    lines = (SCRIPT.read_text("utf-8") + _LAB.read_text("utf-8")).splitlines()
    code = "\n".join(line.strip() for line in lines if not line.lstrip().startswith("//"))
    words = script_words().replace("<", "\\u003c")  # no text ends the element
    return Markup("<script>(() => {{\n{}\n}})()</script>").format(
        Markup(code.replace("/* words */", words))
    )
