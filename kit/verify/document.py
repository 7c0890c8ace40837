"""Whether the PDF carries the pack's own files, and does nothing by itself."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pikepdf

from kit.bag import INFO
from kit.verify.checks import Check, failed, passed
from kit.verify.contents import Contents, UnreadableError
from kit.verify.findings import CSV, EVIDENCE
from kit.verify.pdf import PDF, opened

_ATTACHED = {"findings.csv", "evidence.csv", "snapshot.json"}
_ACTIONS = {
    *("/JavaScript", "/Launch", "/ImportData", "/SubmitForm", "/ResetForm", "/Rendition"),
    *("/Movie", "/Sound", "/GoToR", "/GoToE", "/Trans", "/RichMediaExecute"),
}
_TRIGGERS = ("/AA", "/JS", "/JavaScript", "/XFA")


def check_document(
    contents: Contents, info: Mapping[str, str], *, attached: bool
) -> Iterator[Check]:
    """Yield what was found of the PDF's actions and of the files embedded in it.

    Parameters
    ----------
    contents : Contents
    info : mapping of str to str
        What ``bag-info.txt`` says.
    attached : bool
        Whether files of the pack are to be in it.
    """
    try:
        with opened(contents) as file:
            yield from _acts(file)
            names = set(file.attachments)
            # Others are told by name, and not unpacked.
            embedded = {
                name: file.attachments[name].get_file().read_bytes() for name in names & _ATTACHED
            }
    except UnreadableError as error:
        yield failed(PDF, "a PDF", f"it {error}")
        return
    if not attached:
        return
    wrong = [*_added(names), *_differ(embedded, contents, info)]
    yield from wrong
    if not wrong:
        yield passed(PDF, f"{', '.join(sorted(embedded))} in it are the pack's own")


def _acts(file: pikepdf.Pdf) -> Iterator[Check]:
    found: set[str] = set()
    for item in _dictionaries(file):
        found |= {key for key in _TRIGGERS if key in item}
        if str(item.get("/S", "")) in _ACTIONS:
            found.add(str(item.S))
    if found:
        yield failed(PDF, "a document that does nothing by itself", ", ".join(sorted(found)))
    else:
        yield passed(PDF, "no scripts and no actions that run or send anything")


def _dictionaries(file: pikepdf.Pdf) -> Iterator[pikepdf.Dictionary]:
    """Yield every dictionary, those that stand within another too."""
    for item in file.objects:
        waiting: list[Any] = [item]
        while waiting:
            item = waiting.pop()
            if isinstance(item, pikepdf.Stream):
                item = item.stream_dict
            if isinstance(item, pikepdf.Dictionary):
                yield item
                inner: Iterable[Any] = (part for _, part in item.items())
            elif isinstance(item, pikepdf.Array):
                inner = item
            else:
                continue
            waiting += [part for part in inner if not getattr(part, "is_indirect", True)]


def _added(names: set[str]) -> Iterator[Check]:
    """Yield which files are embedded that should not be, or the reverse."""
    for name in sorted(_ATTACHED ^ names):
        told = f"{name} {'too' if name in names else 'missing'}"
        yield failed(PDF, f"{', '.join(sorted(_ATTACHED))} in it", told)


def _differ(
    embedded: Mapping[str, bytes], contents: Contents, info: Mapping[str, str]
) -> Iterator[Check]:
    """Yield what is embedded and not as the pack has it."""
    try:
        if embedded.get("findings.csv") not in (None, contents.read(CSV)):
            yield failed(f"{PDF}: findings.csv", f"what {CSV} holds", "another content")
        if "evidence.csv" in embedded:
            yield from _index(embedded["evidence.csv"], contents.read(EVIDENCE))
        if "snapshot.json" in embedded:
            told = json.loads(embedded["snapshot.json"])
            for key, label in (("sha256", "Snapshot-SHA-256"), ("account", "Account")):
                if told.get(key) != info.get(label):
                    yield failed(
                        f"{PDF}: snapshot.json",
                        f"{label} {info.get(label)}, as in {INFO}",
                        f"{told.get(key)}",
                    )
    except UnreadableError as error:
        yield failed(PDF, "files of the pack in it", f"one that {error}")
    except (ValueError, KeyError, AttributeError, RecursionError, csv.Error) as error:
        yield failed(PDF, "files of the pack in it", f"what cannot be read: {error}")


def _index(embedded: bytes, stored: bytes) -> Iterator[Check]:
    inside, beside = (
        {row["id"]: row["commitment"] for row in csv.DictReader(io.StringIO(text.decode("utf-8")))}
        for text in (embedded, stored)
    )
    for name in sorted(name for name in inside if inside[name] != beside.get(name)):
        yield failed(
            f"{PDF}: evidence.csv",
            f"{name} with commitment {beside.get(name)}, as in {EVIDENCE}",
            f"{inside[name]}",
        )
