"""Whether a pack's files are those that its manifests list, none changed, added or missing."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from kit.bag import DECLARATION, INFO, MANIFEST, README, SIGNATURE, TAG_MANIFEST, TIMESTAMP
from kit.pack.info import LABELS
from kit.verify.checks import Check, failed, passed
from kit.verify.contents import Contents, UnreadableError
from kit.verify.maker import maker_of
from kit.visible import unseen

_DECLARED = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_TAGS = {DECLARATION, INFO, MANIFEST}
_UNLISTED = {TAG_MANIFEST, SIGNATURE, TIMESTAMP}
_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
_LABEL = re.compile(r"([A-Za-z][A-Za-z0-9-]*): (\S(?:.*\S)?|)")
_KINDS = (".csv", ".html", ".json", ".ndjson", ".parquet", ".pdf", ".xlsx")


def check_bag(contents: Contents) -> Iterator[Check]:
    """Yield the checks of the bag, the manifests and every file."""
    yield _declaration(contents)
    if "fetch.txt" in contents.sizes:
        yield failed(
            "fetch.txt", "no such file", "a file that names files elsewhere; the kit fetched none"
        )
    listed: set[str] = set()
    for manifest, wanted in ((TAG_MANIFEST, _TAGS), (MANIFEST, None)):
        try:
            digests = read_manifest(contents, manifest)
        except ValueError as error:
            yield failed(manifest, "lines as sha256sum writes them", str(error))
            continue
        listed |= digests.keys()
        yield from _listed(contents, manifest, digests, wanted)
    yield from _added(contents, listed)
    yield from _names_unlike(contents)
    yield from check_labels(contents)
    yield _size(contents)


def read_manifest(contents: Contents, name: str) -> dict[str, str]:
    """Return the digests that a manifest lists, by file.

    Raises
    ------
    ValueError
        A line is not as sha256sum writes it; the message has its number and the fault.
    """
    try:
        text = contents.read(name).decode("utf-8")
    except UnreadableError as error:
        raise ValueError(f"it {error}") from None
    except UnicodeDecodeError:
        raise ValueError("bytes that are not UTF-8") from None
    if text.startswith("\ufeff"):
        raise ValueError("a byte order mark before the first line")
    if text and not text.endswith("\n"):
        raise ValueError("a last line that does not end")
    digests: dict[str, str] = {}
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        match = _LINE.fullmatch(line)
        if not match or "\r" in line:
            raise ValueError(f"line {number}: {line[:120]!r}")
        digest, file = match.groups()
        parts = file.split("/")
        if file.startswith(("/", "~")) or "\\" in file or {"", ".", ".."} & {*parts}:
            raise ValueError(f"line {number}: a name that leads out of the pack, {file[:120]!r}")
        if file in digests:
            raise ValueError(f"line {number}: {file[:120]!r} a second time")
        digests[file] = digest
    return digests


def read_info(contents: Contents) -> dict[str, str]:
    """Return the values of ``bag-info.txt`` by label; the kit leaves out any other line."""
    matches = (_LABEL.fullmatch(line) for line in _info_lines(contents))
    return {match[1]: match[2] for match in matches if match}


def _info_lines(contents: Contents) -> list[str]:
    try:
        return contents.read(INFO).decode("utf-8").removesuffix("\n").split("\n")
    except (UnreadableError, UnicodeDecodeError):
        return []


def check_labels(contents: Contents) -> Iterator[Check]:
    """Yield lines of ``bag-info.txt`` that two readers could take for different things."""
    seen: set[str] = set()
    others: list[str] = []
    for number, line in enumerate(_info_lines(contents), start=1):
        match = _LABEL.fullmatch(line)
        if not match:
            yield failed(INFO, "lines such as Account: 123456789012", f"line {number}: {line!r}")
        elif match[1].casefold() in seen:
            yield failed(INFO, "each label once", f"line {number}: {match[1]} a second time")
        elif hidden := unseen(line):
            yield failed(INFO, "characters that a reader sees", f"line {number}: {hidden}")
        elif match[1] not in LABELS:
            others.append(match[1])
        seen |= {match[1].casefold()} if match else set()
    if others:
        name = ", ".join(others)
        yield maker_of(read_info(contents)).differs(INFO, "labels that the kit writes", name)


def _declaration(contents: Contents) -> Check:
    try:
        content = contents.read(DECLARATION)
    except UnreadableError as error:
        return failed(DECLARATION, "the declaration of a bag", f"it {error}")
    if content != _DECLARED:
        return failed(DECLARATION, repr(_DECLARED), repr(content[:120]))
    return passed(DECLARATION, "a BagIt bag, version 1.0")


def _listed(
    contents: Contents, manifest: str, digests: dict[str, str], wanted: set[str] | None
) -> Iterator[Check]:
    """Hold every listed file against its digest."""
    good = 0
    for name in sorted((wanted or set()) - digests.keys()):
        yield failed(manifest, f"a line for {name}", "none")
    for name, digest in digests.items():
        if wanted is None and not name.startswith("data/"):
            yield failed(manifest, "files below data/ alone", name)
        elif wanted is not None and name not in wanted | {README}:
            yield failed(manifest, f"{', '.join(sorted(wanted | {README}))} alone", name)
        elif name not in contents.sizes:
            yield failed(name, f"a file, as {manifest} lists it", "none")
        else:
            try:
                computed = contents.sha256(name)
            except UnreadableError as error:
                yield failed(name, f"SHA-256 {digest}", f"it {error}")
                continue
            if computed != digest:
                yield failed(name, f"SHA-256 {digest}", computed)
            else:
                good += 1
    if good:
        yield passed(manifest, f"{good} files have the SHA-256 that it lists")


def _added(contents: Contents, listed: set[str]) -> Iterator[Check]:
    added = contents.sizes.keys() - listed - _UNLISTED
    for name in sorted(added):
        yield failed(name, "no such file: no manifest lists it", f"{contents.sizes[name]} bytes")
    if not added:
        yield passed("files", f"{len(contents.sizes)} files, none added")
    for name in sorted(listed):
        if name.startswith("data/") and not name.endswith(_KINDS):
            kinds = ", ".join(_KINDS)
            yield failed(name, f"a kind of file that a pack has ({kinds})", "another; not opened")


def _names_unlike(contents: Contents) -> Iterator[Check]:
    """Names that some file systems take for the same would hide a file."""
    folded = {name: unicodedata.normalize("NFC", name).casefold() for name in contents.sizes}
    counts = Counter(folded.values())
    for name in sorted(name for name, form in folded.items() if counts[form] > 1):
        yield failed(name, "a name unlike all others", "a name that differs in case or form alone")


def _size(contents: Contents) -> Check:
    payload = [size for name, size in contents.sizes.items() if name.startswith("data/")]
    counted = f"{sum(payload)}.{len(payload)}"
    stated = read_info(contents).get("Payload-Oxum")
    if stated != counted:
        return failed(INFO, f"Payload-Oxum {counted}, as counted", f"{stated}")
    return passed(INFO, f"Payload-Oxum {counted}: {len(payload)} files, {sum(payload)} bytes")
