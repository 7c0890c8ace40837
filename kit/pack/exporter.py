"""What nbconvert's exporters of the kit share: from an executed notebook to a document's form."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nbconvert.exporters.exporter import Exporter
from nbformat import NotebookNode
from traitlets import CaselessStrEnum, default

from kit.pack.attachments import attachments
from kit.pack.document import (
    Document,
    NotebookOutputError,
    data_of,
    document,
    findings_data,
)
from kit.pack.html import page
from kit.pack.layout import PAPERS
from kit.pack.pdf import pdf
from kit.pack.tabular import findings_csv


class DocumentExporter(Exporter):
    """Writes a form of the document that a notebook makes; subclasses say which."""

    def written(self, evidence: Document, notebook: NotebookNode) -> str | bytes:
        """Return the form."""
        raise NotImplementedError

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str | bytes, dict[str, Any]]:
        """Return the form and nbconvert's resources.

        Raises
        ------
        NotebookOutputError
            The notebook shows something that no document can hold.
        """
        nb, resources = super().from_notebook_node(nb, resources, **kw)
        with _in_a_line():
            return self.written(document(nb), nb), resources


class EvidenceHTMLExporter(DocumentExporter):
    """Notebook to a self-contained HTML page (`jupyter nbconvert --to evidence_html`)."""

    export_from_notebook = "Evidence HTML"
    output_mimetype = "text/html"

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".html"

    def written(self, evidence: Document, notebook: NotebookNode) -> str:
        """Return the page."""
        return page(evidence)


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
        manifest = data_of(notebook, "snapshot")["facts"]
        findings = findings_csv(findings_data(notebook))
        return pdf(evidence, self.paper, attachments(manifest, evidence, findings))


@contextmanager
def _in_a_line() -> Iterator[None]:
    """Let ``jupyter nbconvert`` end with the line that is the user's, without its own traceback."""
    try:
        yield
    except NotebookOutputError as error:
        app = sys.modules.get("nbconvert.nbconvertapp")  # which would import the exporters
        if app and app.NbConvertApp.initialized():
            sys.exit(f"evidence: {error}")
        raise
