"""The evidence as PDF/A-3a and PDF/UA-1, set by Typst from the document's data."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pikepdf
import typst

from kit.errors import UserError
from kit.outputs import scratch
from kit.pack.attachments import Attachment
from kit.pack.document import Document
from kit.pack.layout import lay_out
from kit.report import fonts
from kit.visible import one_line
from kit.warm.fork import beside

_TEMPLATE = Path(__file__).parent / "templates" / "evidence.typ"
_ABOVE = 10.0  # points that a reader shows above the line to which a link leads
_Places = list[tuple[str, dict[str, Any]]]
_Pages = tuple[bytes, _Places]


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
    data, faces = lay_out(evidence, paper or evidence.cover["paper"])
    with _font_folders(faces) as folders, scratch() as folder:
        # Typst reads files below the template's folder. In the data, each would be there six times.
        shutil.copy(_TEMPLATE, folder)
        data["attachments"] = [
            _stored(file, folder / f"attached-{number}") for number, file in enumerate(attached)
        ]
        work = partial(_set, data, folder / _TEMPLATE.name, folders, evidence.cover["as_of"])
        # Typst keeps what it laid out, ten times what the document takes, until its process ends.
        with beside("the PDF", work) as made:
            yield lambda: _finished(*_reported(made, bool(evidence.own)), data["words"]["page"])


def _reported(made: Callable[[], _Pages], with_own: bool) -> _Pages:
    """Return the pages, or raise a `UserError` where they have what the kit did not make."""
    try:
        return made()
    except typst.TypstError as error:
        if not with_own:
            raise
        why = one_line(str(error).partition("\n")[0])
        raise UserError(f"the PDF cannot hold what own cells or own controls show: {why}") from None


def _stored(file: Attachment, path: Path) -> dict[str, str]:
    """Store an attachment, and return what the template needs of it."""
    path.write_bytes(file.content)
    described = {name: part for name, part in file._asdict().items() if name != "content"}
    return {**described, "path": path.name}


def _set(data: dict[str, Any], template: Path, folders: list[str], as_of: str) -> _Pages:
    compiler = typst.Compiler(
        str(template),
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


def _finished(made: bytes, places: _Places, words: str) -> bytes:
    with pikepdf.open(io.BytesIO(made)) as file:
        _lead(file, places, words)
        return _shrink(file)


def _lead(file: pikepdf.Pdf, places: _Places, words: str) -> None:
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


def _shrink(file: pikepdf.Pdf) -> bytes:
    """Return the file with its objects in compressed streams: a fifth of the size."""
    shrunk = io.BytesIO()
    # Its value is false, which is the default; poppler takes its presence for an error.
    del file.Root.MarkInfo["/Suspects"]
    file.save(
        shrunk,
        object_stream_mode=pikepdf.ObjectStreamMode.generate,
        deterministic_id=True,
        fix_metadata_version=False,
    )
    return shrunk.getvalue()


def __getattr__(name: str) -> Any:
    """Import the exporter when nbconvert loads it: a pack is made without nbconvert."""
    if name == "EvidencePDFExporter":
        return resolve_name(f"kit.pack.exporter:{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
