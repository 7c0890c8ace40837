"""The evidence as PDF/A-3a and PDF/UA-1, set by Typst from the document's data."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pikepdf
import typst
from nbformat import NotebookNode
from traitlets import CaselessStrEnum, default

from kit.errors import UserError
from kit.outputs import scratch
from kit.pack.attachments import Attachment, attachments
from kit.pack.document import Document
from kit.pack.exporter import DocumentExporter
from kit.pack.layout import PAPERS, lay_out
from kit.report import fonts
from kit.visible import one_line

_TEMPLATE = Path(__file__).parent / "templates" / "evidence.typ"


class EvidencePDFExporter(DocumentExporter):
    """Notebook to PDF (`jupyter nbconvert --to evidence_pdf`)."""

    export_from_notebook = "Evidence PDF"
    output_mimetype = "application/pdf"

    paper = CaselessStrEnum(
        list(PAPERS),
        None,
        allow_none=True,
        help="Size of the pages: A4 or Letter; by default the size that the run gives.",
    ).tag(config=True)

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".pdf"

    def written(self, evidence: Document, notebook: NotebookNode) -> bytes:
        """Return the file."""
        return pdf(evidence, self.paper, attachments(notebook, evidence))


def pdf(evidence: Document, paper: str | None = None, attached: Iterable[Attachment] = ()) -> bytes:
    """Return the PDF of a document; the same document and attachments give the same bytes.

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
        What the kit did not make cannot be printed.
    """
    data, faces = lay_out(evidence, paper or evidence.cover["paper"])
    data["attachments"] = [
        {**file._asdict(), "content": file.content.decode()} for file in attached
    ]
    with _font_folders(faces) as folders:
        try:
            made = typst.compile(
                str(_TEMPLATE),
                font_paths=folders,
                ignore_system_fonts=True,
                sys_inputs={"document": json.dumps(data)},
                format="pdf",
                pdf_standards=["a-3a", "ua-1"],
                timestamp=datetime.fromisoformat(evidence.cover["as_of"]),
            )
        except typst.TypstError as error:
            if not evidence.own:
                raise
            why = one_line(str(error).partition("\n")[0])
            raise UserError(
                f"the PDF cannot hold what own cells or own controls show: {why}"
            ) from None
    return _shrink(made)


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


def _shrink(made: bytes) -> bytes:
    """Return the file with its objects in compressed streams: a fifth of the size."""
    shrunk = io.BytesIO()
    with pikepdf.open(io.BytesIO(made)) as file:
        # Its value is false, which is the default; poppler takes its presence for an error.
        del file.Root.MarkInfo["/Suspects"]
        file.save(
            shrunk,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            deterministic_id=True,
            fix_metadata_version=False,
        )
    return shrunk.getvalue()
