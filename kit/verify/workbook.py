"""Whether a workbook has the parts of the kit's, and nothing that runs or loads."""

from __future__ import annotations

import io
import re
import zipfile
import zlib

from kit.bounds import PACK_FILE
from kit.verify.archive import check_layout
from kit.verify.checks import Check, failed
from kit.verify.contents import Contents, UnreadableError
from kit.verify.refused import RefusedError

# Parts that XlsxWriter makes of cells alone: no macros, links to other workbooks, embedded objects.
_PART = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|docProps/(?:app|core|custom)\.xml|xl/_rels/workbook\.xml\.rels"
    r"|xl/(?:workbook|styles|sharedStrings|theme/theme1|worksheets/sheet[0-9]{1,3})\.xml"
)
# An entity, a formula with or without a prefix; in a text, < is escaped.
_ACTIVE = re.compile(rb"(?i)<!DOCTYPE|<(?:[^<>\s/:]+:)?f[\s/>]")
_LINK = re.compile(rb"(?i)<!DOCTYPE|TargetMode")  # to another file
# XML in another encoding can hide what is searched for: UTF-16 and UTF-32 have zeros at the start.
_ENCODING = re.compile(rb"""(?i)\x00|<\?xml[^>]*encoding\s*=\s*["'](?!UTF-8["'])""")
_DECLARATION = 200  # bytes in which XML declares its encoding; XlsxWriter takes 55
_WANTED = "a workbook of cells, as the kit writes it"


def check_workbook(contents: Contents, name: str) -> list[Check]:
    """Return a failed check of a workbook that holds more than cells; none where it holds no more.

    Parameters
    ----------
    contents : Contents
    name : str
        Of the workbook in the pack.
    """
    try:
        content = contents.read(name)
    except UnreadableError as error:
        return [failed(name, _WANTED, f"it {error}")]
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            check_layout(file)
            return [failed(name, _WANTED, seen) for seen in [_foreign(file)] if seen]
    except RefusedError as error:
        return [failed(name, _WANTED, f"{error.name} {error.message}")]
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, zlib.error) as error:
        return [failed(name, _WANTED, f"it cannot be read: {error}")]


def _foreign(file: zipfile.ZipFile) -> str:
    """Return the first part that is not of a workbook of cells, or holds more; empty for none."""
    names = [member.filename for member in file.infolist()]
    if len({*names}) != len(names):
        return "a part that stands there twice"
    for name in names:
        if not _PART.fullmatch(name):
            return f"a part {name}"
    if sum(member.file_size for member in file.infolist()) > PACK_FILE:
        return "more than a file of a pack may hold"
    for name in names:
        part = file.read(name)
        if _ENCODING.search(part[:_DECLARATION]):
            return f"another encoding than UTF-8 in {name}"
        active = _LINK if name.endswith(".rels") else _ACTIVE
        if match := active.search(part):
            return f"{ascii(match[0].decode(errors='replace'))[1:-1]} in {name}"
    return ""
