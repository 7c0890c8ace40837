"""The project's pages, their blocks of code, and what executes each.

A block that nothing here can execute says so on its page, in a line above it that begins with
`NOT_RUN` and gives the reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"))
)
NOT_RUN = "*No test runs this: "
_BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<code>.*?)^ *```$", re.DOTALL | re.M)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes
    ----------
    page : str
    line : int
        At which it begins.
    language : str
    code : str
    above : str
        The paragraph above it.
    """

    page: str
    line: int
    language: str
    code: str
    above: str

    @property
    def is_run(self) -> bool:
        """Whether a test executes it."""
        return not self.above.startswith(NOT_RUN)


def blocks(page: str, language: str | None = None) -> list[Block]:
    """Return the blocks of a page, in their order, of a language or all."""
    text = (ROOT / page).read_text()
    found = []
    for match in _BLOCK.finditer(text):
        before = text[: match.start()]
        above = before.rstrip().rpartition("\n\n")[2]
        line = before.count("\n") + 1
        found.append(Block(page, line, match["language"], match["code"], above))
    return [block for block in found if language in (None, block.language)]


def commands(page: str, start: str = "") -> list[str]:
    """Return the commands of a page that tests run and that begin so, in their order."""
    return [
        line.removeprefix("$ ")
        for block in blocks(page, "console")
        if block.is_run
        for line in block.code.splitlines()
        if line.removeprefix("$ ").startswith(start)
    ]


def code(page: str, language: str) -> list[str]:
    """Return the code of a page's blocks in a language."""
    return [block.code for block in blocks(page, language) if block.is_run]
