"""What a pack holds that the kit did not make: in the kit's form and marked, but not compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kit.bag import INFO
from kit.catalogue.texts import text
from kit.pack.info import OWN_NOTEBOOK
from kit.pack.own_cells import OwnCells, parse_own_cells
from kit.verify.checks import Check, failed, not_compared
from kit.verify.contents import Contents, UnreadableError
from kit.verify.kinds import HTML, OWN_CELLS
from kit.verify.page import Page

OWN = "the analyst's own cells"


def check_own_cells(
    contents: Contents, info: Mapping[str, str], page: Page | None
) -> Iterator[Check]:
    """Yield whether own cells are stated, in their files and marked on the page.

    Parameters
    ----------
    contents : Contents
    info : mapping of str to str
        What ``bag-info.txt`` states.
    page : Page, optional
        The pack's page; None where the kit cannot read it, which is a failed check of the page's.
    """
    sha256 = info.get(OWN_NOTEBOOK, "")
    wrong = []
    if (OWN_CELLS in contents.sizes) != bool(sha256):
        stated = f"a file, as {INFO} states {OWN_NOTEBOOK}" if sha256 else "no such file"
        wrong.append(failed(OWN_CELLS, stated, "none" if sha256 else "a file"))
    if page and page.own != bool(sha256):
        wrong.append(failed(HTML, f"own cells as {INFO} states", "others"))
    if page and page.own and page.language == text("language"):
        for mark, places in (("pack/own/mark", page.marks), ("pack/own/every", page.own_marks)):
            if text(mark) not in places:
                wrong.append(failed(HTML, f"the mark {text(mark)!r}", "none"))
    if sha256 and OWN_CELLS in contents.sizes:
        try:
            read_own_cells(contents, info)
        except ValueError as error:
            wrong.append(failed(OWN_CELLS, "plain tables, figures, notes and prose", str(error)))
    yield from wrong
    if sha256 and not wrong:
        yield not_compared(
            OWN, f"a notebook with SHA-256 {sha256} shows them; the kit does not execute it here"
        )


def read_own_cells(contents: Contents, info: Mapping[str, str]) -> OwnCells | None:
    """Return what own cells show; None where ``bag-info.txt`` states none.

    Raises
    ------
    ValueError
        The file is missing or in another form, or states another notebook.
    """
    if OWN_NOTEBOOK not in info:
        return None
    try:
        cells = parse_own_cells(contents.read(OWN_CELLS))
    except UnreadableError as error:
        raise ValueError(f"it {error}") from None
    except RecursionError:
        raise ValueError("lists within each other without end") from None
    if cells.sha256 != info[OWN_NOTEBOOK]:
        raise ValueError(f"another notebook than {INFO} states, {cells.sha256}")
    return cells
