"""What was appended to a PDF after its signature: what validates the signature, or more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pikepdf

from kit.verify.contents import Contents
from kit.verify.pdf import opened

_STORE = ("/Type", "/Certs", "/CRLs", "/OCSPs", "/VRI")
_ENTRY = ("/Type", "/Cert", "/CRL", "/OCSP", "/TU", "/TS")
_FIELD = {"/Type", "/Subtype", "/FT", "/F", "/P", "/Rect", "/T", "/TU", "/V"}
_STAMP = {"/Type", "/Filter", "/SubFilter", "/ByteRange", "/Contents"}
_FRAME = ("/XRef", "/ObjStm")  # where objects are, which qpdf reads


def added_since(contents: Contents, content: bytes, end: int) -> str:
    """Return what a PDF has beside its first bytes that does not validate them; empty for nothing.

    Every object of the first bytes has to be there as it was. The catalogue may have a document
    security store (DSS), the form and the first page a field with a timestamp over the document
    (ETSI EN 319 142-1, 5.4 and 5.5).

    Parameters
    ----------
    contents : Contents
    content : bytes
        The pack's PDF.
    end : int
        The number of the first bytes, which a signature covers.

    Raises
    ------
    UnreadableError
        One of the two is no PDF.
    """
    with opened(contents, content[:end]) as before, opened(contents) as after:
        stamps = frozenset(_stamps(before, after))
        frame = _Frame(before, stamps)
        for item in before.objects:
            if not frame.holds(item, after.get_object(item.objgen)):
                return f"object {item.objgen[0]} of the document is another since"
        allowed = {*_store(after.Root), *stamps, *(item.objgen for item in before.objects)}
        for item in after.objects:
            if item.objgen not in allowed and not _is_frame(item):
                return f"object {item.objgen[0]} was added"
        if before.trailer.Root.objgen != after.trailer.Root.objgen:
            return "another catalogue was added"
        if _text(before.trailer.get("/Info")) != _text(after.trailer.get("/Info")):
            return "another description was added"
    return ""


class _Frame:
    """The catalogue, form and first page of a document, to which a timestamp's field may be added.

    Parameters
    ----------
    before : Pdf
    stamps : set of (int, int)
        The places of fields with timestamps that are new.
    """

    def __init__(self, before: pikepdf.Pdf, stamps: frozenset[tuple[int, int]]):
        self._root, self._page = before.Root, before.pages[0].obj
        self._stamps = stamps
        form = self._root.get("/AcroForm")
        self._form = _place(form)
        self._lists = {
            _place(self._page.get("/Annots")),
            _place(form.get("/Fields") if form is not None else None),
        }

    def holds(self, item: Any, other: Any) -> bool:
        """Whether an object is as it was, but for what a timestamp and its store add to it."""
        if isinstance(item, pikepdf.Stream):
            return (
                isinstance(other, pikepdf.Stream)
                and _parts(item.stream_dict) == _parts(other.stream_dict)
                and item.read_raw_bytes() == other.read_raw_bytes()
            )
        if item.objgen == self._root.objgen:
            return _grown(item, other, {"/DSS"}, {"/AcroForm"}) and self._fields(
                item.get("/AcroForm"), other.get("/AcroForm")
            )
        if item.objgen == self._page.objgen:
            return _grown(item, other, set(), {"/Annots"}) and self._longer(
                item.get("/Annots"), other.get("/Annots")
            )
        if item.objgen == self._form:
            return self._fields(item, other)
        if item.objgen in self._lists:
            return self._longer(item, other)
        return bool(_text(item, resolved=True) == _text(other, resolved=True))

    def _fields(self, own: Any, later: Any) -> bool:
        """Whether a form has the fields that it had, and a timestamp's at most beside."""
        if own is None or later is None:
            return own is None and later is None
        return _grown(own, later, set(), {"/Fields"}) and self._longer(
            own.get("/Fields"), later.get("/Fields")
        )

    def _longer(self, item: Any, other: Any) -> bool:
        """Whether a list has what it had, and at most a timestamp's field more at its end."""
        if not isinstance(item, pikepdf.Array) or not isinstance(other, pikepdf.Array):
            return item is None and other is None
        own, later = [_text(part) for part in item], [_text(part) for part in other]
        added = [_place(part) for part in other][len(own) :]
        return later[: len(own)] == own and len(added) <= 1 and {*added} <= self._stamps


def _grown(item: Any, other: Any, new: set[str], changed: set[str]) -> bool:
    """Whether a dictionary has the entries that it had, but for some keys."""
    if not isinstance(other, pikepdf.Dictionary):
        return False
    own, later = _parts(item), _parts(other)
    left = {name for name in own.keys() | later.keys() if own.get(name) != later.get(name)}
    return all(name in changed or (name in new and name not in own) for name in left)


def _store(root: Any) -> Iterator[tuple[int, int]]:
    """Yield the places of the document security store and of what it holds."""
    store = root.get("/DSS")
    if not isinstance(store, pikepdf.Dictionary):
        return
    yield store.objgen
    yield from _listed(store, _STORE)
    entries = store.get("/VRI")
    if isinstance(entries, pikepdf.Dictionary):
        yield entries.objgen
        for _, entry in entries.items():
            if isinstance(entry, pikepdf.Dictionary) and {*entry.keys()} <= {*_ENTRY}:
                yield entry.objgen
                yield from _listed(entry, _ENTRY)


def _listed(holder: Any, names: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Yield the places of plain streams in lists of a dictionary."""
    for name in names:
        streams = holder.get(name)
        if isinstance(streams, pikepdf.Array):
            yield streams.objgen
            for stream in streams:
                if isinstance(stream, pikepdf.Stream) and {*stream.stream_dict.keys()} <= {
                    "/Length",
                    "/Filter",
                }:
                    yield stream.objgen


def _stamps(before: pikepdf.Pdf, after: pikepdf.Pdf) -> Iterator[tuple[int, int]]:
    """Yield the places of a timestamp's field that lies nowhere on the page, and of its value."""
    form, earlier = after.Root.get("/AcroForm"), before.Root.get("/AcroForm")
    fields = form.get("/Fields") if isinstance(form, pikepdf.Dictionary) else None
    known = len(earlier.get("/Fields", ())) if isinstance(earlier, pikepdf.Dictionary) else 0
    for field in [*(fields if fields is not None else ())][known:]:
        value = field.get("/V") if isinstance(field, pikepdf.Dictionary) else None
        if (
            isinstance(value, pikepdf.Dictionary)
            and value.get("/Type") == "/DocTimeStamp"
            and {*value.keys()} <= _STAMP
            and {*field.keys()} <= _FIELD
            and all(float(side) <= 0 for side in field.get("/Rect", ()))
        ):
            yield field.objgen
            yield value.objgen


def _is_frame(item: Any) -> bool:
    return isinstance(item, pikepdf.Stream) and item.get("/Type") in _FRAME


def _place(item: Any) -> tuple[int, int]:
    number, generation = getattr(item, "objgen", (0, 0))
    return number, generation


def _parts(item: Any) -> dict[str, Any]:
    return {name: _text(value) for name, value in item.items()}


def _text(item: Any, *, resolved: bool = False) -> Any:
    return item.unparse(resolved=resolved) if isinstance(item, pikepdf.Object) else repr(item)
