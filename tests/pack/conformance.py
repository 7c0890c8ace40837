"""Whether a PDF keeps what PDF/A-3a and PDF/UA-1 ask, read from its bytes by other people's code.

`faults` returns what is wrong as sentences, for a PDF as it is made and for one that was signed.
Typst's own check at export is not asked here. veraPDF judges too where the machine has it.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf
from pikepdf import pdfa

_PRINT, _UNWANTED = 4, 1 | 2 | 32 | 256  # invisible, hidden, no view, toggle no view
_PAINTS = {
    "Tj",
    "TJ",
    "'",
    '"',
    "f",
    "F",
    "f*",
    "B",
    "B*",
    "b",
    "b*",
    "S",
    "s",
    "sh",
    "Do",
    "INLINE IMAGE",
}
_HEADINGS = [f"/H{n}" for n in range(1, 7)]
_CELLS = {"/TH", "/TD"}
_LISTS = {"/L": {"/LI", "/L", "/Caption"}, "/LI": {"/Lbl", "/LBody"}}
# pikepdf judges level B and does not know PDF/UA's schema: these of its findings are about that.
_LEVEL_B_ONLY = {"ISO_19005_3:6.6.2.3.1-1", "ISO_19005_3:6.6.4-3"}


def faults(file: bytes) -> list[str]:
    """Return what is wrong with a PDF, nothing for one that conforms."""
    with pikepdf.open(io.BytesIO(file)) as pdf:
        found = [
            *_declares(pdf),
            *_embeds_fonts(pdf),
            *_is_active(pdf),
            *_attaches(pdf),
            *_has_structure(pdf),
            *_marks_content(pdf),
            *_tags_annotations(pdf),
        ]
    found += [
        f"{one.rule}: {one.message} ({one.where})"
        for one in pdfa.validate_written(io.BytesIO(file), "3b").findings
        if one.kind == "violation" and one.rule.startswith("ISO_") and one.rule not in _LEVEL_B_ONLY
    ]
    return found + verapdf(file)


def verapdf(file: bytes) -> list[str]:
    """Return what veraPDF finds against both profiles; nothing where it is not installed."""
    command = shutil.which("verapdf")
    if not command:
        return []
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "evidence.pdf"
        path.write_bytes(file)
        for flavour in ("3a", "ua1"):
            done = subprocess.run(
                [command, "--format", "json", "--flavour", flavour, str(path)],
                capture_output=True,
                check=False,
            )
            (job,) = json.loads(done.stdout)["report"]["jobs"]
            results = job["validationResult"]
            for result in results if isinstance(results, list) else [results]:
                found += [
                    f"veraPDF {flavour} {rule['clause']}-{rule['testNumber']}: {rule['description']}"
                    for rule in result["details"]["ruleSummaries"]
                    if rule["ruleStatus"] == "FAILED"
                ]
    return found


def elements(pdf: pikepdf.Pdf) -> Iterator[pikepdf.Dictionary]:
    """Every element of the structure tree, in reading order."""

    def under(node: pikepdf.Dictionary) -> Iterator[pikepdf.Dictionary]:
        for kid in _kids(node):
            if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
                yield kid
                yield from under(kid)

    yield from under(pdf.Root.StructTreeRoot)


def _kids(node: pikepdf.Dictionary) -> list[Any]:
    kids: Any = node.get("/K", [])
    return list(kids) if isinstance(kids, pikepdf.Array) else [kids]


def _declares(pdf: pikepdf.Pdf) -> Iterator[str]:
    root = pdf.Root
    with pdf.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as xmp:
        for name, value in (
            ("pdfaid:part", "3"),
            ("pdfaid:conformance", "A"),
            ("pdfuaid:part", "1"),
        ):
            if xmp.get(name) != value:
                yield f"XMP: {name} is {xmp.get(name)!r}, not {value!r}"
        if not xmp.get("dc:title"):
            yield "XMP: no title"
    if not root.get("/MarkInfo", {}).get("/Marked"):
        yield "it does not say that it is tagged"
    if not str(root.get("/Lang", "")):
        yield "no language"
    if not root.get("/ViewerPreferences", {}).get("/DisplayDocTitle"):
        yield "the file's name is shown, not its title"
    intents = [one for one in root.get("/OutputIntents", []) if one.S == "/GTS_PDFA1"]
    if len(intents) != 1 or b"acsp" not in intents[0].DestOutputProfile.read_bytes()[:64]:
        yield "no output intent with an ICC profile"
    if pdf.is_encrypted:
        yield "it is encrypted"


def _embeds_fonts(pdf: pikepdf.Pdf) -> Iterator[str]:
    for font in pdf.objects:
        if not isinstance(font, pikepdf.Dictionary) or font.get("/Type") != "/Font":
            continue
        if font.Subtype in ("/CIDFontType0", "/CIDFontType2", "/Type3"):
            continue
        if "/ToUnicode" not in font and font.Subtype == "/Type0":
            yield f"{font.BaseFont} does not say what its glyphs mean"
        real = font.DescendantFonts[0] if font.Subtype == "/Type0" else font
        descriptor = real.get("/FontDescriptor", {})
        if not any(name in descriptor for name in ("/FontFile", "/FontFile2", "/FontFile3")):
            yield f"{font.BaseFont} is not embedded"


def _is_active(pdf: pikepdf.Pdf) -> Iterator[str]:
    if "/JavaScript" in pdf.Root.get("/Names", {}) or "/AA" in pdf.Root:
        yield "it holds scripts"
    for item in pdf.objects:
        if isinstance(item, pikepdf.Dictionary) and item.get("/S") in ("/JavaScript", "/Launch"):
            yield f"it holds an action {item.S}"


def _attaches(pdf: pikepdf.Pdf) -> Iterator[str]:
    associated = {one.objgen for one in pdf.Root.get("/AF", [])}
    for name, spec in pdf.attachments.items():
        entry = spec.obj
        if str(entry.get("/AFRelationship", "/Unspecified")) == "/Unspecified":
            yield f"{name}: no relationship"
        if not all(str(entry.get(key, "")) for key in ("/F", "/UF", "/Desc")):
            yield f"{name}: no name or description"
        if entry.objgen not in associated:
            yield f"{name}: not associated with the document"
        stream = entry.EF.F
        if "/" not in str(stream.get("/Subtype", ""))[1:] or "/ModDate" not in stream.Params:
            yield f"{name}: no media type or date"


def _has_structure(pdf: pikepdf.Pdf) -> Iterator[str]:
    level = 0
    for element in elements(pdf):
        kind = str(element.S)
        if kind in _HEADINGS:
            now = _HEADINGS.index(kind) + 1
            if now > level + 1:
                yield f"a heading of level {now} follows one of level {level}"
            level = now
        elif kind in ("/Figure", "/Formula") and not str(element.get("/Alt", "")):
            yield "a figure has no alternative text"
        elif kind == "/Table":
            yield from _has_heads(element)
        elif kind in _LISTS and {str(kid.S) for kid in _inside(element)} - _LISTS[kind]:
            yield f"a {kind} holds what it may not"
    if level == 0:
        yield "no heading"


def _has_heads(table: pikepdf.Dictionary) -> Iterator[str]:
    groups = [kid for kid in _inside(table) if kid.S in ("/THead", "/TBody", "/TFoot", "/TR")]
    rows = [row for group in groups for row in ([group] if group.S == "/TR" else _inside(group))]
    if any(row.S != "/TR" for row in rows):
        yield "a table holds what is no row"
        return
    widths = set()
    scopes = 0
    for row in rows:
        cells = _inside(row)
        if any(str(cell.S) not in _CELLS for cell in cells):
            yield "a row holds what is no cell"
        widths.add(sum(int(_attribute(cell, "/ColSpan") or 1) for cell in cells))
        for cell in cells:
            if cell.S == "/TH":
                scopes += 1
                if str(_attribute(cell, "/Scope")) not in ("/Row", "/Column", "/Both"):
                    yield "a table's head has no scope"
    if not scopes:
        yield "a table has no heads"
    if len(widths) != 1:
        yield f"a table's rows differ in length: {sorted(widths)}"


def _inside(element: pikepdf.Dictionary) -> list[pikepdf.Dictionary]:
    return [kid for kid in _kids(element) if isinstance(kid, pikepdf.Dictionary) and "/S" in kid]


def _attribute(element: pikepdf.Dictionary, name: str) -> Any:
    owned: Any = element.get("/A", [])
    for attributes in owned if isinstance(owned, pikepdf.Array) else [owned]:
        if isinstance(attributes, pikepdf.Dictionary) and name in attributes:
            return attributes[name]
    return None


def _marks_content(pdf: pikepdf.Pdf) -> Iterator[str]:
    tagged: dict[tuple[int, int], set[int]] = {}
    for element in elements(pdf):
        for kid in _kids(element):
            if isinstance(kid, int):
                tagged.setdefault(element.Pg.objgen, set()).add(kid)
            elif isinstance(kid, pikepdf.Dictionary) and kid.get("/Type") == "/MCR":
                page = kid.Pg if "/Pg" in kid else element.Pg
                tagged.setdefault(page.objgen, set()).add(int(kid.MCID))
    for number, page in enumerate(pdf.pages, start=1):
        seen: set[int] = set()
        open_marks: list[bool] = []
        for operands, operator in pikepdf.parse_content_stream(page):
            name = str(operator)
            if name in ("BMC", "BDC"):
                about = operands[1] if name == "BDC" else {}
                if isinstance(about, pikepdf.Name):
                    about = page.Resources.Properties[about]
                marked = operands[0] == "/Artifact" or "/MCID" in about
                seen |= {int(about["/MCID"])} if "/MCID" in about else set()
                open_marks.append(marked)
            elif name == "EMC":
                open_marks.pop()
            elif name in _PAINTS and not any(open_marks):
                yield f"page {number}: {name} is neither tagged nor an artifact"
                break
        if seen != tagged.get(page.obj.objgen, set()):
            yield f"page {number}: marked content and structure tree do not agree"


def _tags_annotations(pdf: pikepdf.Pdf) -> Iterator[str]:
    parents = dict(_number_tree(pdf.Root.StructTreeRoot.ParentTree))
    for number, page in enumerate(pdf.pages, start=1):
        annotations = list(page.get("/Annots", []))
        if annotations and page.get("/Tabs") != "/S":
            yield f"page {number}: tab order does not follow the structure"
        for annotation in annotations:
            where, flags = f"page {number}, {annotation.Subtype}", int(annotation.get("/F", 0))
            if not flags & _PRINT or flags & _UNWANTED:
                yield f"{where}: flags {flags} keep it from print or from view"
            if _is_outside(annotation, page):
                continue
            element = parents.get(int(annotation.get("/StructParent", -1)))
            wanted = {"/Link": "/Link", "/Widget": "/Form"}.get(str(annotation.Subtype), "/Annot")
            if element is None or wanted != element.S:
                yield f"{where}: not tagged as {wanted}"
            if not any(str(annotation.get(key, "")) for key in ("/Contents", "/TU")):
                yield f"{where}: does not say what it is"


def _is_outside(annotation: pikepdf.Dictionary, page: pikepdf.Page) -> bool:
    left, bottom, right, top = (float(part) for part in annotation.Rect)
    low_x, low_y, high_x, high_y = (float(part) for part in page.cropbox)
    return right < low_x or left > high_x or top < low_y or bottom > high_y


def _number_tree(node: pikepdf.Dictionary) -> Iterator[tuple[int, pikepdf.Dictionary]]:
    for kid in node.get("/Kids", []):
        yield from _number_tree(kid)
    pairs = list(node.get("/Nums", []))
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        if isinstance(value, pikepdf.Dictionary):
            yield int(key), value
