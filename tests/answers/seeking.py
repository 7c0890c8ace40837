"""Where canaries are: in the bytes of a file, and in all that can be read out of them."""

from __future__ import annotations

import base64
import gzip
import html
import io
import re
import subprocess
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

import pikepdf
import pyarrow.parquet

from tests.answers.canaries import PERSON, SECRET

_CANARY = re.compile(rf"({PERSON}|{SECRET})(\d{{4}})".encode())
_MARKERS = {word.encode() for word in (PERSON, SECRET)}
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
_LONG = 2_000
_HEX = re.compile(rb"(?i)(?:[0-9a-f]{2}){8,}")
_BROKEN = re.compile(rb"\s+|\xc2\xad|\xe2\x81\xa0|\xe2\x80\x8b")  # where lines are broken


def found(data: bytes) -> set[tuple[str, int]]:
    """Which canaries are in a file, each as the word that it begins with and its number."""
    return {canary for text in _readings(data, 0) for canary in _canaries(text)}


def _canaries(text: bytes) -> Iterator[tuple[str, int]]:
    for word, number in _CANARY.findall(text):
        yield word.decode(), int(number)
    for marker in _MARKERS:
        if any(form in text for form in _encoded(marker)):
            yield marker.decode(), 0  # encoded, so that its number is not seen


def _encoded(marker: bytes) -> Iterator[bytes]:
    """A marker in UTF-16, and within base64 wherever it begins there, case folded as texts are."""
    for charset in ("utf-16-le", "utf-16-be"):
        yield marker.decode().encode(charset)
    yield marker.hex().encode()


def _readings(data: bytes, depth: int) -> Iterator[bytes]:
    """A file as it is, and everything that it holds in another form."""
    if data.startswith(b"%PDF"):
        yield from _pdf(data, depth)
        return
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name.encode().lower()
                yield from _readings(archive.read(name), depth)
        return
    if data.startswith(b"\x1f\x8b"):
        yield from _readings(gzip.decompress(data), depth)
        return
    if data.startswith(b"PAR1"):
        table = pyarrow.parquet.read_table(io.BytesIO(data))
        yield repr((table.to_pylist(), table.schema.metadata, table.schema)).encode().lower()
    yield from _texts(data, depth)


def _texts(data: bytes, depth: int) -> Iterator[bytes]:
    yield data.lower()
    yield _BROKEN.sub(b"", re.sub(rb"<[^>]*>", b"", data)).lower()
    if b"&" in data:
        yield html.unescape(data.decode("utf-8", "replace")).encode("utf-8", "replace").lower()
    if b"%" in data:
        yield unquote_to_bytes(data).lower()
    if b"\\u" in data:
        unescaped = re.sub(rb"\\u00([0-9a-fA-F]{2})", lambda m: bytes.fromhex(m[1].decode()), data)
        yield unescaped.lower()
    if depth < 2:
        for run in _BASE64.findall(data):
            run = run.translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
            if len(run) > _LONG:  # a file, which begins where the run does
                yield from _readings(_decoded(run), depth + 1)
                continue
            for start in range(4):
                yield _decoded(run[start:]).lower()
        for run in _HEX.findall(data):
            yield bytes.fromhex(run[: len(run) // 2 * 2].decode()).lower()


def _decoded(run: bytes) -> bytes:
    whole = run[: len(run) - (len(run) % 4 == 1)]
    return base64.b64decode(whole + b"=" * (-len(whole) % 4))


def _pdf(data: bytes, depth: int) -> Iterator[bytes]:
    """Every stream and string of a PDF, what is attached to it, and the text of its pages."""
    yield data.lower()
    with pikepdf.open(io.BytesIO(data)) as file:
        for thing in file.objects:
            yield from _strings(thing, 0)
            if isinstance(thing, pikepdf.Stream):
                if {"/Length1", "/Length2"} & set(thing.keys()) or _is_font(thing):
                    continue
                yield from _readings(thing.read_bytes(), depth)
    done = subprocess.run(
        ["pdftotext", "-raw", "-", "-"], input=data, capture_output=True, check=True
    )
    yield from _texts(done.stdout, 2)


def _is_font(stream: pikepdf.Stream) -> bool:
    return str(stream.get("/Subtype", "")) in ("/CIDFontType0C", "/OpenType", "/Type1C", "/Image")


def _strings(thing: Any, depth: int) -> Iterator[bytes]:
    if depth > 6:
        return
    if isinstance(thing, pikepdf.String):
        yield str(thing).encode("utf-8", "replace").lower()
    elif isinstance(thing, pikepdf.Dictionary | pikepdf.Stream):
        for name in list(thing.keys()):
            part = thing.get(name)
            if not getattr(part, "is_indirect", False):
                yield name.encode().lower()
                yield from _strings(part, depth + 1)
    elif isinstance(thing, pikepdf.Array):
        for part in thing:
            if not getattr(part, "is_indirect", False):
                yield from _strings(part, depth + 1)
