"""git's filter for notebooks: their source alone is committed, never what they show of an account.

``make`` configures it (``git config filter.notebook-source.clean``) and ``.gitattributes`` names it.
It imports nothing that is slow: git starts it for each changed notebook. nbconvert takes two seconds
for the same, nbstripout one, and that renumbers the cells.
https://git-scm.com/docs/gitattributes#_filter
"""

from __future__ import annotations

import json
import sys

NAME = "notebook-source"


def source_of(notebook: str) -> str:
    """Return a notebook as JSON without outputs, counts, and what a kernel or an editor left.

    Parameters
    ----------
    notebook : str
        JSON of nbformat 4.
    """
    content = json.loads(notebook)
    for cell in content["cells"]:
        tags = cell["metadata"].get("tags")
        cell["metadata"] = {"tags": tags} if tags else {}
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    kept = content["metadata"]
    content["metadata"] = {name: kept[name] for name in ("kernelspec",) if name in kept}
    if language := kept.get("language_info", {}).get("name"):
        content["metadata"]["language_info"] = {"name": language}
    return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _filter() -> None:
    notebook = sys.stdin.buffer.read()
    try:
        sys.stdout.buffer.write(source_of(notebook.decode()).encode())
    except (ValueError, KeyError, TypeError, AttributeError):
        sys.exit("evidence: is not a notebook; git takes it as it is")


if __name__ == "__main__":
    _filter()
