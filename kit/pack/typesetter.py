"""Typst in a separate process: ``python -m kit.pack.typesetter``.

Typst keeps what it laid out, ten times what the document takes, until its process ends. That process
has nothing else of the kit, whose memory would stay beside it.
"""

from __future__ import annotations

import ctypes
import json
import os
import pickle
import signal
import sys
from datetime import datetime
from typing import Any

import typst

Places = list[tuple[str, dict[str, Any]]]
Pages = tuple[bytes, Places]


def set_pages(data: dict[str, Any], template: str, folders: list[str], as_of: str) -> Pages:
    """Set a document.

    Parameters
    ----------
    data : dict
        For the template.
    template : str
        Its path. Typst reads the files in its folder.
    folders : list of str
        Of the fonts' files.
    as_of : str
        The time that the PDF states, in ISO 8601.

    Returns
    -------
    made : bytes
        PDF/A-3a and PDF/UA-1.
    places : list of (str, dict)
        Each target of a link, and the page and the point on it.

    Raises
    ------
    typst.TypstError
    """
    compiler = typst.Compiler(
        template,
        font_paths=folders,
        ignore_system_fonts=True,
        sys_inputs={"document": json.dumps(data)},
    )
    made: Any = compiler.compile(
        format="pdf",
        pdf_standards=["a-3a", "ua-1"],
        timestamp=datetime.fromisoformat(as_of),
    )
    return made, json.loads(compiler.query("<places>", field="value", one=True))


def main() -> None:
    """Read a job from standard input, and write the pages or an error to standard output."""
    starter, job = pickle.load(sys.stdin.buffer)
    if sys.platform == "linux":
        # As `kit.warm.fork.die_with`, whose imports would stay here. 1 is PR_SET_PDEATHSIG.
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        if os.getppid() != starter:
            return
    try:
        answer: Pages | Exception = set_pages(**job)
    except Exception as error:
        answer = error
    pickle.dump(answer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
