"""A PDF that somebody forged, opened with bounds on what it may unpack."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import pikepdf
from pikepdf import settings

from kit.bounds import PACK_FILE
from kit.verify.contents import Contents, UnreadableError
from kit.verify.kinds import PDF

_MOST_OBJECTS = 1_000_000
_MOST_UNPACKED = 32 << 20  # bytes of a stream that lists where objects are, or holds them
_MOST_ITEMS = 1_000_000  # of an array or a dictionary
_STRUCTURE = ("/XRef", "/ObjStm")


@contextmanager
def opened(contents: Contents, content: bytes | None = None) -> Iterator[pikepdf.Pdf]:
    """Open the pack's PDF as it is, or an earlier revision, and do not repair a damaged file.

    qpdf's bounds are those of the process, and are set back at the end. The pack's PDF stays open
    with its contents, for qpdf parses it anew each time.

    Parameters
    ----------
    contents : Contents
    content : bytes, optional
        Of an earlier revision; by default the pack's PDF.

    Raises
    ------
    UnreadableError
        There is none, it cannot be read, or it would unpack to more than a pack's file may.
    """
    before = settings.set_qpdf_limits(
        parser_max_container_size=_MOST_ITEMS,
        max_stream_filters=2,
        flate_max_memory=_MOST_UNPACKED,
        png_max_memory=_MOST_UNPACKED,
        run_length_max_memory=_MOST_UNPACKED,
        tiff_max_memory=_MOST_UNPACKED,
        dct_max_memory=_MOST_UNPACKED,
    )
    try:
        if content is not None:
            file = _sound(content)
        else:
            if PDF not in contents.held:
                contents.held[PDF] = _sound(contents.read(PDF))
            file = contents.held[PDF]
        settings.set_qpdf_limits(flate_max_memory=PACK_FILE)  # what is attached
        yield file
    except UnreadableError:
        raise
    except Exception as error:
        message = f"{error}".partition("\n")[0].rpartition("): ")[2]  # the rest is where it lay
        raise UnreadableError(f"cannot be read: {message or type(error).__name__}") from None
    finally:
        settings.set_qpdf_limits(**before)  # type: ignore[arg-type]


def _sound(content: bytes) -> pikepdf.Pdf:
    """Open a PDF that is not encrypted and whose structure stays within the bounds."""
    if not content.startswith(b"%PDF-"):  # programs look for it further on, and read what they like
        raise UnreadableError("does not begin as a PDF")
    file = pikepdf.open(io.BytesIO(content), attempt_recovery=False)
    if file.is_encrypted:
        raise UnreadableError("is encrypted")
    if len(file.objects) > _MOST_OBJECTS:
        raise UnreadableError(f"has {len(file.objects)} objects; {_MOST_OBJECTS} at most")
    for item in file.objects:
        if isinstance(item, pikepdf.Stream) and item.get("/Type") in _STRUCTURE:
            item.read_bytes()
    return file
