"""Whether the PDF carries the pack's own files, and does nothing by itself."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pikepdf
from pikepdf import settings

from kit.pack.bag import INFO
from kit.pack.verify.checks import Check, failed, passed
from kit.pack.verify.contents import MOST_IN_MEMORY, Contents, UnreadableError
from kit.pack.verify.findings import CSV, EVIDENCE
from kit.pack.verify.signatures import PDF

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
    before = settings.set_qpdf_limits(flate_max_memory=MOST_IN_MEMORY, max_stream_filters=2)
    try:
        with pikepdf.open(io.BytesIO(contents.read(PDF))) as file:
            yield from _acts(file)
            embedded = {
                name: part.get_file().read_bytes() for name, part in file.attachments.items()
            }
    except UnreadableError as error:
        yield failed(PDF, "a PDF", f"it {error}")
        return
    except Exception as error:
        yield failed(PDF, "a PDF", f"what cannot be read: {error}".partition("\n")[0])
        return
    finally:
        settings.set_qpdf_limits(**before)  # type: ignore[arg-type]
    if not attached:
        return
    wrong = list(_differ(embedded, contents, info))
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


def _differ(
    embedded: Mapping[str, bytes], contents: Contents, info: Mapping[str, str]
) -> Iterator[Check]:
    """Yield what is embedded and not as the pack has it."""
    wanted = {"findings.csv", "evidence.csv", "snapshot.json"}
    for name in sorted(wanted ^ embedded.keys()):
        yield failed(PDF, f"{', '.join(sorted(wanted))} in it", f"{name} " + _is(name in embedded))
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


def _is(there: bool) -> str:
    return "too" if there else "missing"
