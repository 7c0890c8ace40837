"""Whether a zip has a single reading.

A zip lists its files at its end, and each file has a header of its own. Some programs follow the
list, others read from the beginning. The kit accepts a zip in which both give the same files: the
files follow each other without a gap, and nothing stands before, between or after them.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from itertools import zip_longest

from kit.verify.refused import RefusedError

_LOCAL = struct.Struct("<4s5H3I2H")  # APPNOTE.TXT, 4.3.7
_END = b"PK\5\6"
_END_BYTES = 22
_DESCRIPTORS = (12, 16, 20, 24)  # APPNOTE.TXT, 4.3.9: with or without signature, 32 or 64 bits
_DESCRIBED, _UTF_8, _FLAGS = 0x8, 0x800, 0x809  # sizes follow the content; names; encrypted
_UNICODE_PATH = 0x7075  # another name, which some programs prefer
_SIZE_AT = slice(18, 22)  # of a header: the bytes of the packed size
_PACKING = {"compress_size", "header_offset", "_end_offset"}  # differ by how contents are packed
_ELSEWHERE = 0xFFFFFFFF  # the size stands in an extra field


def check_layout(file: zipfile.ZipFile) -> None:
    """Check that reading a zip by its list, and from its beginning, gives the same files.

    Raises
    ------
    RefusedError
        It does not.
    """
    assert file.fp is not None
    ends = {0}
    for member in sorted(file.infolist(), key=lambda member: member.header_offset):
        name = member.orig_filename
        if member.header_offset not in ends:
            raise RefusedError(name, "does not follow the file before it in the zip")
        file.fp.seek(member.header_offset)
        header = file.fp.read(_LOCAL.size)
        if len(header) < _LOCAL.size or not header.startswith(b"PK\3\4"):
            raise RefusedError(name, "has no header in the zip")
        _, _, flags, method, _, _, _, packed, size, name_bytes, extra_bytes = _LOCAL.unpack(header)
        written, extra = file.fp.read(name_bytes), file.fp.read(extra_bytes)
        if written != name.encode("utf-8" if member.flag_bits & _UTF_8 else "cp437"):
            raise RefusedError(name, "has another name in its own header")
        if (flags ^ member.flag_bits) & _FLAGS or method != member.compress_type:
            raise RefusedError(name, "is packed otherwise by its own header")
        sizes = ((packed, member.compress_size), (size, member.file_size))
        if not flags & _DESCRIBED and any(own not in (real, _ELSEWHERE) for own, real in sizes):
            raise RefusedError(name, "has another size in its own header")
        if _UNICODE_PATH in {*_fields(extra), *_fields(member.extra)}:
            raise RefusedError(name, "has a second name")
        end = member.header_offset + len(header) + len(written) + len(extra) + member.compress_size
        ends = {end + more for more in _DESCRIPTORS} if flags & _DESCRIBED else {end}
    if file.start_dir not in ends:
        raise RefusedError("the zip", "holds bytes that belong to no file")
    size = file.fp.seek(0, os.SEEK_END)
    file.fp.seek(max(size - _END_BYTES, 0))
    if file.comment or not file.fp.read().startswith(_END):
        raise RefusedError("the zip", "has a comment, or bytes after its end")


def same_parts(content: bytes, made: bytes) -> bool:
    """Return whether two zips differ in nothing but how DEFLATE packs the same contents.

    Parameters
    ----------
    content : bytes
        Of a stranger; no more of it is unpacked than the other holds.
    made : bytes
        A zip of the kit's.
    """
    try:
        with (
            zipfile.ZipFile(io.BytesIO(made)) as own,
            zipfile.ZipFile(io.BytesIO(content)) as other,
        ):
            check_layout(other)
            pairs = list(zip_longest(own.infolist(), other.infolist()))
            return all(
                mine and theirs and _same_part(made, mine, content, theirs)
                for mine, theirs in pairs
            )
    except (RefusedError, zipfile.BadZipFile, NotImplementedError, struct.error, zlib.error):
        return False


def _same_part(made: bytes, mine: zipfile.ZipInfo, content: bytes, theirs: zipfile.ZipInfo) -> bool:
    if _described(mine) != _described(theirs) or theirs.compress_type != zipfile.ZIP_DEFLATED:
        return False
    (header, packed), (other, other_packed) = _halves(made, mine), _halves(content, theirs)
    if header != other:
        return False
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    unpacked = unpack.decompress(other_packed, mine.file_size + 1)
    ended = unpack.eof and not unpack.unused_data and not unpack.unconsumed_tail
    return ended and unpacked == zlib.decompress(packed, -zlib.MAX_WBITS)


def _described(member: zipfile.ZipInfo) -> dict[str, object]:
    """Return what the list of a zip states of a member, but for how it is packed."""
    names = [name for name in member.__slots__ if name not in _PACKING]
    return {name: getattr(member, name, None) for name in names}


def _halves(content: bytes, member: zipfile.ZipInfo) -> tuple[bytes, bytes]:
    """Return a member's own header without the packed size, and its packed content."""
    start = member.header_offset
    *_, name_bytes, extra_bytes = _LOCAL.unpack_from(content, start)
    end = start + _LOCAL.size + name_bytes + extra_bytes
    header = bytearray(content[start:end])
    header[_SIZE_AT] = bytes(4)
    return bytes(header), content[end : end + member.compress_size]


def _fields(extra: bytes) -> Iterator[int]:
    """Yield the ids of extra fields."""
    while len(extra) >= 4:
        name, size = struct.unpack("<HH", extra[:4])
        yield name
        extra = extra[4 + size :]
