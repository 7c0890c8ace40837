"""What a pack holds that the kit did not make: in the kit's form and marked, but not compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from kit.bag import INFO
from kit.catalogue.texts import text
from kit.errors import UserError
from kit.own import read_sources, stated_of
from kit.pack.info import OWN_CONTROLS, OWN_NOTEBOOK
from kit.pack.own_cells import OwnCells, parse_own_cells
from kit.pack.own_controls import FILES, FOLDER, OwnControls, judged_by, parse_own_controls
from kit.snapshot import Snapshot
from kit.verify.checks import Check, failed, not_compared, passed
from kit.verify.contents import Contents, UnreadableError
from kit.verify.kinds import HTML, OWN_CELLS, PDF
from kit.verify.page import Page
from kit.verify.pdf import opened

OWN, CONTROLS = "the analyst's own cells", "own controls"
_FILES = tuple(f"data/{FOLDER}/{name}" for name in FILES)
_RESULT = _FILES[0]


def check_own(contents: Contents, info: Mapping[str, str], page: Page | None) -> Iterator[Check]:
    """Yield whether own cells and own controls are stated, in their files and marked on the page.

    Parameters
    ----------
    contents : Contents
    info : mapping of str to str
        What ``bag-info.txt`` states.
    page : Page, optional
        The pack's page; None where the kit cannot read it, which is a failed check of the page's.
    """
    sha256, sets = info.get(OWN_NOTEBOOK, ""), info.get(OWN_CONTROLS, "")
    wrong = [*_files(contents, OWN_NOTEBOOK, sha256, (OWN_CELLS,))]
    wrong += _files(contents, OWN_CONTROLS, sets, _FILES)
    wrong += _marks(page, {"pack/own/mark": sha256, "pack/own/controls_mark": sets})
    if sha256 or sets or (page and page.own):
        wrong += _language(contents, page)
    try:
        read_own_cells(contents, info)
    except ValueError as error:
        wrong.append(failed(OWN_CELLS, "plain tables, figures, notes and prose", str(error)))
    try:
        read_own_controls(contents, info)
    except ValueError as error:
        wrong.append(failed(_RESULT, f"own controls as {INFO} states them", str(error)))
    yield from wrong
    if sha256 and not wrong:
        yield not_compared(
            OWN, f"a notebook with SHA-256 {sha256} shows them; the kit does not execute it here"
        )


def check_own_again(
    contents: Contents, info: Mapping[str, str], stored: Snapshot | None, *, sound: bool
) -> Iterator[Check]:
    """Yield whether the own controls that are installed here give the files of the pack again.

    Parameters
    ----------
    contents : Contents
    info : mapping of str to str
        What ``bag-info.txt`` states.
    stored : Snapshot, optional
        That they judge again, where the reader chose this: the kit then executes what is installed
        here under the names in the snapshot, and nothing of the pack.
    sound : bool
        Whether every other check passed; else the kit executes nothing.
    """
    if not (stated := info.get(OWN_CONTROLS, "")):
        return
    subject = f"{CONTROLS} {stated}"
    if stored is None:
        yield not_compared(
            subject,
            "the kit loads none by itself; --against SNAPSHOT --own-controls judges again by those "
            "that are installed here",
        )
    elif not sound:
        yield not_compared(subject, "the kit loads none for a pack of which another check failed")
    else:
        yield from _judged_again(contents, stated, stored)


@contextmanager
def _in_a_form() -> Iterator[None]:
    """Raise a `ValueError` for a file that cannot be read, as for one in another form."""
    try:
        yield
    except UnreadableError as error:
        raise ValueError(f"it {error}") from None
    except RecursionError:
        raise ValueError("lists within each other without end") from None


def read_own_cells(contents: Contents, info: Mapping[str, str]) -> OwnCells | None:
    """Return what own cells show; None where ``bag-info.txt`` states none.

    Raises
    ------
    ValueError
        The file is missing or in another form, or states another notebook.
    """
    if OWN_NOTEBOOK not in info:
        return None
    with _in_a_form():
        cells = parse_own_cells(contents.read(OWN_CELLS))
    if cells.sha256 != info[OWN_NOTEBOOK]:
        raise ValueError(f"another notebook than {INFO} states, {cells.sha256}")
    return cells


def read_own_controls(contents: Contents, info: Mapping[str, str]) -> OwnControls | None:
    """Return what own controls judged; None where ``bag-info.txt`` states none.

    Raises
    ------
    ValueError
        A file is missing or in another form, or states other controls.
    """
    if OWN_CONTROLS not in info:
        return None
    with _in_a_form():
        read = {name: contents.read(path) for name, path in zip(FILES, _FILES, strict=True)}
        own = parse_own_controls(read)
    if own.stated != info[OWN_CONTROLS]:
        raise ValueError(f"others than {INFO} states, {own.stated}")
    return own


def _files(contents: Contents, label: str, stated: str, names: tuple[str, ...]) -> Iterator[Check]:
    for name in names:
        if (name in contents.sizes) != bool(stated):
            wanted = f"a file, as {INFO} states {label}" if stated else f"no file without {label}"
            yield failed(name, wanted, "none" if stated else "a file")
    if names is _FILES:
        for name in sorted(contents.sizes):
            if name.startswith(f"data/{FOLDER}/") and name not in names:
                yield failed(name, f"{', '.join(FILES)} there", "another file")


def _marks(page: Page | None, stated: Mapping[str, str]) -> Iterator[Check]:
    if page is None:
        return
    if page.own != any(stated.values()):
        yield failed(HTML, f"what is not the kit's, as {INFO} states it", "other parts")
    if page.language != text("language"):
        # The words are those of another language; how many there are is the same.
        least = sum(map(bool, stated.values()))
        if len([mark for mark in page.marks if mark]) < least or len(page.own_marks) != page.own:
            yield failed(HTML, f"{least} marks of what is not the kit's", "fewer, or more")
        return
    for mark, value in stated.items():
        if (text(mark) in page.marks) != bool(value):
            yield failed(HTML, f"the mark {text(mark)!r}{'' if value else ' nowhere'}", "otherwise")
    if page.own and page.own_marks != [text("pack/own/every")]:
        yield failed(HTML, f"the mark {text('pack/own/every')!r}", ", ".join(page.own_marks))


def _language(contents: Contents, page: Page | None) -> Iterator[Check]:
    """Yield whether the page is in another language than the PDF."""
    if page is None or PDF not in contents.sizes:
        return
    try:
        with opened(contents) as file:
            language = str(file.Root.get("/Lang", ""))
    except UnreadableError:
        return  # a failed check of the document's
    if language != page.language:
        yield failed(HTML, f"the language {language!r}, as {PDF} states it", repr(page.language))


def _judged_again(contents: Contents, stated: str, stored: Snapshot) -> Iterator[Check]:
    """Yield whether the own controls that are here give the files of the pack again."""
    try:
        # Who they are is compared before anything of them is executed.
        sources = read_sources(stored.run.own_controls, installed=True)
        here = stated_of(source.own for source in sources)
        if here != stated:
            yield not_compared(f"{CONTROLS} {stated}", f"here are others: {here or 'none'}")
            return
        made = judged_by(sources, stored)
    except UserError as error:
        yield not_compared(f"{CONTROLS} {stated}", str(error))
        return
    differ = [
        path
        for name, path in zip(FILES, _FILES, strict=True)
        if _differs(contents, path, made, name)
    ]
    for path in differ:
        yield failed(path, "what the own controls here give", "another content")
    if not differ:
        yield passed(f"{CONTROLS} {stated}", "judged again, they give the same files")


def _differs(contents: Contents, path: str, made: OwnControls, name: str) -> bool:
    return contents.read(path) != made.files[name]
