"""The evidence as PDF/A-3a and PDF/UA-1, set by Typst from the document's data."""

from __future__ import annotations

import io
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import pikepdf

from kit.errors import UserError
from kit.outputs import scratch
from kit.pack.attachments import Attachment
from kit.pack.document import Document
from kit.pack.layout import lay_out
from kit.report import fonts
from kit.visible import one_line
from kit.warm.environment import without_secrets
from kit.warm.fork import ended, unnamed_file

if TYPE_CHECKING:
    from kit.pack.typesetter import Pages, Places

_TEMPLATE = Path(__file__).parent / "templates" / "evidence.typ"
_ABOVE = 10.0  # points that a reader shows above the line to which a link leads
# Without the folder that the command runs in, which may have modules of the same names.
_TYPESETTER = (sys.executable, "-P", "-m", "kit.pack.typesetter")


def pdf(evidence: Document, paper: str | None = None, attached: Iterable[Attachment] = ()) -> bytes:
    """Return the PDF of a document; see `pdf_beside`."""
    with pdf_beside(evidence, paper, attached) as made:
        return made()


@contextmanager
def pdf_beside(
    evidence: Document, paper: str | None = None, attached: Iterable[Attachment] = ()
) -> Iterator[Callable[[], bytes]]:
    """Let another process set the PDF of a document, beside what this process does in the block.

    The same document and attachments give the same bytes, which the block's value returns.

    Parameters
    ----------
    evidence : Document
    paper : {"A4", "Letter"}, optional
        By default the paper on the document's cover.
    attached : iterable of Attachment
        Texts in UTF-8, embedded as PDF/A-3 has it.

    Raises
    ------
    UserError
        What the kit did not make cannot be printed; the block's value raises it.
    """
    with _typesetter() as typeset, scratch() as folder:
        data, faces = lay_out(evidence, paper or evidence.cover["paper"])
        with _font_folders(faces) as folders:
            # Typst reads files below the template's folder; in the data, each would be six times.
            shutil.copy(_TEMPLATE, folder)
            data["attachments"] = [
                _stored(file, folder / f"attached-{number}") for number, file in enumerate(attached)
            ]
            job = {
                "data": data,
                "template": str(folder / _TEMPLATE.name),
                "folders": folders,
                "as_of": evidence.cover["as_of"],
            }
            made, words, with_own = typeset(job), data["words"]["page"], bool(evidence.own)
            del data, job, evidence  # Typst's process has them now
            yield lambda: _finished(*_reported(made, with_own), words)


def _reported(made: Callable[[], Pages], with_own: bool) -> Pages:
    """Return the pages, or raise a `UserError` where they have what the kit did not make."""
    try:
        return made()
    except Exception as error:
        if not with_own:
            raise
        from typst import TypstError

        if not isinstance(error, TypstError):
            raise
        why = one_line(str(error).partition("\n")[0])
        raise UserError(f"the PDF cannot hold what own cells or own controls show: {why}") from None


def _stored(file: Attachment, path: Path) -> dict[str, str]:
    """Store an attachment, and return what the template needs of it."""
    path.write_bytes(file.content)
    described = {name: part for name, part in file._asdict().items() if name != "content"}
    return {**described, "path": path.name}


@contextmanager
def _typesetter() -> Iterator[Callable[[Mapping[str, Any]], Callable[[], Pages]]]:
    """Start Typst's process, which waits for a document.

    The block's value sends it one; the value of that waits for its pages, or raises.
    """
    with unnamed_file() as answers:
        process = subprocess.Popen(
            _TYPESETTER,
            stdin=subprocess.PIPE,
            stdout=answers,
            stderr=subprocess.DEVNULL,
            env=without_secrets(os.environ),
        )

        def wait() -> Pages:
            if code := process.wait():
                raise ended("the PDF", code)
            answers.seek(0)
            answer: Pages | Exception = pickle.load(answers)
            if isinstance(answer, Exception):
                raise answer
            return answer

        def typeset(job: Mapping[str, Any]) -> Callable[[], Pages]:
            # Where the process has ended, `wait` states how.
            with suppress(BrokenPipeError), cast(BinaryIO, process.stdin) as given:
                pickle.dump((os.getpid(), job), given)
            return wait

        try:
            yield typeset
        finally:
            process.kill()
            process.communicate()


def _finished(made: bytes, places: Places, words: str) -> bytes:
    with _in_memory() as pages, _in_memory() as finished:
        pages.write(made)
        with pikepdf.open(pages, access_mode=pikepdf.AccessMode.mmap) as file:
            _lead(file, places, words)
            _shrink(file, finished)
        finished.seek(0)
        return finished.read()


def _in_memory() -> BinaryIO:
    """Return a file in memory, for qpdf ends the process where a disk is full.

    It is one of the system's, if there are such: of a stream in Python, every object is a call.
    """
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("pdf"), "w+b")
    return io.BytesIO()


def _lead(file: pikepdf.Pdf, places: Places, words: str) -> None:
    """Lead each link within the document to its target, which becomes a named destination.

    Parameters
    ----------
    file : Pdf
        Its links have addresses such as ``#row-e0012``.
    places : list of (str, dict)
        Each target, and the page and the point on it that Typst states.
    words : str
        Describe a page, in the language of the document.
    """
    pages = list(file.pages)
    spots, described = {}, {}
    for target, place in places:
        page = pages[place["page"] - 1]
        down = max(_points(place["y"]) - _ABOVE, 0)
        spot = (_points(place["x"]), float(page.mediabox[3]) - down)
        spots[target] = pikepdf.Array([page.obj, pikepdf.Name.XYZ, *spot, 0])
        described[target] = words.format(page=place["page"], pages=len(pages))
    if spots:
        # A single leaf in the order of its names: pikepdf's NameTree searches and splits at each.
        leaf = [part for name in sorted(spots) for part in (pikepdf.String(name), spots[name])]
        file.Root.Names = {**file.Root.get("/Names", {}), "/Dests": {"/Names": leaf}}
    for link in (link for page in pages for link in page.get("/Annots", ())):
        address = str(link.A.URI) if "/A" in link else ""
        if address.startswith("#"):
            link.Dest = pikepdf.String(address[1:])
            link.Contents = pikepdf.String(described[address[1:]])
            del link.A


def _points(length: str) -> float:
    return float(length.removesuffix("pt"))


@contextmanager
def _font_folders(faces: tuple[fonts.Face, ...]) -> Iterator[list[str]]:
    """Yield folders with the faces' files and no others, for Typst reads whole folders."""
    with scratch() as folder:
        for path in {face.path for face in faces if face.path.parent != fonts.directory()}:
            try:
                (folder / path.name).symlink_to(path)
            except OSError:
                shutil.copy(path, folder)
        yield [str(fonts.directory()), str(folder)]


def _shrink(file: pikepdf.Pdf, to: BinaryIO) -> None:
    """Write the file with its objects in compressed streams: a fifth of the size."""
    # Its value is false, which is the default; poppler takes its presence for an error.
    del file.Root.MarkInfo["/Suspects"]
    file.save(
        to,
        object_stream_mode=pikepdf.ObjectStreamMode.generate,
        deterministic_id=True,
        fix_metadata_version=False,
    )


def __getattr__(name: str) -> Any:
    """Import the exporter when nbconvert loads it: a pack is made without nbconvert."""
    if name == "EvidencePDFExporter":
        return resolve_name(f"kit.pack.exporter:{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
