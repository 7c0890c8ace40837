"""The bounds of what comes from outside, in one place: files, texts, parsed values, answers, packs.

Nobody outside can make the kit read without end, fill its memory or exhaust the stack: what is
larger, deeper or of another kind than any honest input is refused, and the message names the bound.
"""

from __future__ import annotations

import errno
import json
import os
import shlex
import stat
from pathlib import Path
from typing import IO, Any

_KIB, _MIB = 1 << 10, 1 << 20

# Files that people write or name.
WRITTEN = 8 * _MIB  # YAML: parameters, waivers, accounts, thresholds, texts; 10,000 accounts fit
MOST_VALUES = 400_000  # of such a file, aliases resolved
MOST_NESTED = 32  # lists and fields of such a file within each other
MOST_NUMBER = 40  # characters of a number in such a file
MOST_TEXT = 10_000  # characters of a parameter
FOLLOW_UP = 32 * _MIB  # a workbook or a CSV file
FOLLOW_UP_UNPACKED = 512 * _MIB  # of a workbook
FOLLOW_UP_ELEMENTS = 12_000_000  # of XML in one part, such as the cells of a sheet
FOLLOW_UP_ROWS = 200_000  # of a sheet
FOLLOW_UP_FILLED = 20_000  # rows in which somebody wrote something
NOTEBOOK = 32 * _MIB  # an analyst's, with its outputs
OWN_CELLS = 64 * _MIB  # what its cells show
LABEL_KEY = 4 * _KIB
CERTIFICATES = 4 * _MIB  # keys and certificates
# What AWS answers, and what the kit stored of it. AWS's largest pages have some 10 MB.
ANSWER = 64 * _MIB
HEADER = 64 * _MIB  # snapshot.json
STORED = 2 << 30  # evidence.jsonl
MOST_DEEP = 100  # lists and objects of JSON within each other
# Policies: AWS stores at most 131,072 characters, white space included, and 2,048 of an ARN.
# IAM API Reference, "CreatePolicy"; IAM User Guide, "IAM and AWS STS quotas".
POLICY = 131_072
POLICY_TEXT = 4_096  # characters of an action, a resource, a principal or a condition's value
# A pack, its files and those that are read before anything vouches for them.
PACK_FILES = 50_000
PACK_BYTES = 2 << 30
PACK_FILE = 256 * _MIB  # that is parsed
PACK_FOLDERS = 8
# Revocation data, embedded or named by a reader.
CRL = 10 * _MIB  # about 280,000 revoked certificates
OCSP_RESPONSE = 256 * _KIB
TIMESTAMP = 256 * _KIB
OCSP_ANSWERS = 1_000  # certificates that a response is about
CERTIFICATE = 64 * _KIB
VALIDATION_DATA = 16 * _MIB  # of a PDF, in all
VALIDATION_ITEMS = 64  # of a kind
CERTIFICATE_CHAINS = 64  # that certificates of the same names make: pyHanko tries each
ISSUERS = 8  # certificates above another

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}


def kind_of_file(mode: int) -> str:
    """Return what a file is that is not a regular file, from its mode."""
    return _KINDS.get(stat.S_IFMT(mode), "something else")


def open_file(path: Path) -> IO[bytes]:
    """Open a regular file for reading, without ever waiting for another process.

    Raises
    ------
    OSError
        The path names no regular file, or the file cannot be read.
    """
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "its name has the character U+0000")
    _require_regular(os.stat(path).st_mode)  # to open some devices has effects
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    file = os.fdopen(descriptor, "rb")
    try:
        _require_regular(os.fstat(descriptor).st_mode)
    except OSError:
        file.close()
        raise
    return file


def read_file(path: Path, most: int) -> bytes:
    """Return the content of a regular file.

    Parameters
    ----------
    path : Path
        Links are followed: whoever names the file may name a link.
    most : int
        Bytes that the file may have.

    Raises
    ------
    OSError
        The path names no regular file, the file cannot be read, or it is larger; ``strerror``
        says which.
    """
    with open_file(path) as file:
        # Python reserves as much memory as it is to read.
        content = file.read(min(most, os.fstat(file.fileno()).st_size) + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"has more than {most:,} bytes")
    return content


def describe_exposed(path: Path, name: str) -> str:
    """Return that others on this machine reach a file with a secret, and the command that helps.

    Empty where nobody does, and where the file is another user's: a cluster mounts secrets so that a
    group reads them. So ssh has it for its keys: https://man.openbsd.org/ssh#FILES

    Parameters
    ----------
    path : Path
    name : str
        The parameter or option that names the path.
    """
    try:
        state = os.stat(path)
    except OSError:
        return ""
    if state.st_uid != os.getuid() or not state.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return ""
    return (
        f"{name}: the permissions of {path} ({stat.S_IMODE(state.st_mode):04o}) let other users of this "
        f"machine at the key; `chmod go= {shlex.quote(str(path))}` keeps it yours"
    )


def _require_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, f"is {kind_of_file(mode)}, not a file")


def parse_json(text: str | bytes, most: int, **how: Any) -> Any:
    """Parse JSON from outside.

    Parameters
    ----------
    text : str or bytes
    most : int
        Characters, or bytes, that the text may have.
    **how
        Further arguments of `json.loads`.

    Raises
    ------
    ValueError
        The text is not JSON (RFC 8259), is larger, is nested deeper than `MOST_DEEP`, or has half
        of a surrogate pair.
    """
    if len(text) > most:
        raise ValueError(f"{len(text):,} characters; at most {most:,} are read")
    try:
        value = json.loads(text, **how)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    require_shallow(value)
    if (b"\\u" if isinstance(text, bytes) else "\\u") in text:  # type: ignore[operator]
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:  # no two readers agree on it (RFC 7493, section 2.1)
            raise ValueError("half of a surrogate pair, which no text has") from None
    return value


def single_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object of these pairs, for `json.loads`; readers disagree on a name twice.

    Raises
    ------
    ValueError
        A name stands there twice (RFC 8259, section 4).
    """
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        name = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the name {name[:120]!r} twice in an object")
    return made


def require_shallow(value: Any) -> None:
    """Raise `ValueError` for a parsed value that is nested deeper than `MOST_DEEP`."""
    level, depth = [value] if isinstance(value, (list, dict)) else [], 0
    while level := [
        part
        for item in level
        for part in (item.values() if isinstance(item, dict) else item)
        if isinstance(part, (list, dict))
    ]:
        depth += 1
        if depth >= MOST_DEEP:
            raise ValueError(_TOO_DEEP)


_TOO_DEEP = f"lists and objects nested more than {MOST_DEEP} deep"
