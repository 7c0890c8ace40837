"""What a pack is, what to open first, how to check it: ``README.txt``, and a section of the document.

Both are made of the same nodes, which are those of `kit.pack.prose`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from kit.bag import MANIFEST, SIGNATURE, TAG_MANIFEST, TIMESTAMP
from kit.catalogue.texts import text
from kit.pack.blocks import HeadingBlock, ProseBlock
from kit.pack.document import Document
from kit.report.views import JSON
from kit.visible import escape

_FILES = {
    "document": "data/evidence.pdf",
    "page": "data/evidence.html",
    "workbook": "data/findings.xlsx",
    "findings": "data/findings.csv",
    "accounts": "data/accounts.csv",
    "verdicts": "data/verdicts.csv",
    "accounts_workbook": "data/accounts.xlsx",
    "changes": "data/changes.csv",
    "evidence": "data/evidence/index.csv",
    "parquet": "data/findings.parquet",
    "ocsf": "data/ocsf-findings.*json",
    "oscal": "data/oscal-*.json",
    "own_controls": "data/own/findings.csv",
    "own_cells": "data/own-cells.json",
}
_WIDTH = max(map(len, _FILES.values())) + 2
_LINE = 90  # characters of a line
_TARGET = "pack-readme"  # no other block's target starts so


def readme(info: Mapping[str, str], names: Collection[str]) -> str:
    """Return the text of a pack's ``README.txt``, in the chosen language.

    Parameters
    ----------
    info : mapping of str to str
        Labels and values of ``bag-info.txt``.
    names : collection of str
        The files below ``data/``, with that folder.
    """
    return "\n\n".join(_plain(node) for node in _nodes(info, names)) + "\n"


def with_readme(made: Document, info: Mapping[str, str], names: Collection[str]) -> Document:
    """Return a document whose last section has what ``README.txt`` has.

    Parameters
    ----------
    made : Document
    info, names
        As `readme` takes them.
    """
    heading = HeadingBlock(
        kind="heading", level=1, text=text("pack/readme/title"), target=_TARGET, page=True
    )
    prose = ProseBlock(kind="prose", nodes=_nodes(info, names))
    return replace(made, blocks=[*made.blocks, heading, prose])


def _nodes(info: Mapping[str, str], names: Collection[str]) -> list[JSON]:
    stamp = info.get("Stamp", "none")
    signed = info.get("Signature", "none") != "none"
    files = [
        {"t": "paragraph", "c": [_code(pattern), _text(f": {text(f'pack/readme/files/{name}')}")]}
        for name, pattern in _FILES.items()
        if any(fnmatchcase(file, pattern) for file in names)
    ]
    whole = (f"sha256sum --check --strict {name}" for name in (TAG_MANIFEST, MANIFEST))
    beside = f" ! -path ./{SIGNATURE} \\\n  ! -path ./{TIMESTAMP}" if signed else ""
    added = (
        f"cut -c 67- {TAG_MANIFEST} {MANIFEST} | LC_ALL=C sort > ../listed.txt",
        f"find . -type f ! -path ./{TAG_MANIFEST}{beside} | cut -c 3- | LC_ALL=C sort \\",
        # A hyphen at the end of a line is lost when the command is copied out of the PDF.
        "  | diff - ../listed.txt",
        "find . ! -type f ! -type d -o -type d -empty",
    )
    signer = (
        f"openssl cms -verify -inform DER -in {SIGNATURE} -content {TAG_MANIFEST} \\",
        "  -binary -purpose any -CAfile ../ca.pem -out /dev/null",
    )
    verify = f"evidence verify .{' --trust ../ca.pem' if signed else ''}"
    return [
        _paragraph(info["External-Description"]),
        _prose("made", as_of=info["Evidence-As-Of"], agent=info["Bag-Software-Agent"]),
        *([_paragraph(stamp)] if stamp != "none" else []),
        _prose("open"),
        {"t": "list", "ordered": False, "start": 1, "items": [[file] for file in files]},
        _prose("import"),
        _prose("check"),
        {
            "t": "list",
            "ordered": True,
            "start": 1,
            "items": [
                [_prose("unchanged"), _commands(*whole)],
                [_prose("not_added"), _commands(*added)],
                [_prose("signed"), _commands(*signer)] if signed else [_prose("unsigned")],
                [_prose("with_the_kit"), _commands(verify)],
            ],
        },
        _prose("more"),
    ]


def _prose(key: str, **fields: str) -> JSON:
    return _paragraph(text(f"pack/readme/{key}", **fields))


def _paragraph(words: str) -> JSON:
    return {"t": "paragraph", "c": [_text(words)]}


def _text(words: str) -> JSON:
    return {"t": "text", "text": escape(words)}


def _code(words: str) -> JSON:
    return {"t": "code", "text": words}


def _commands(*lines: str) -> JSON:
    return {"t": "block-code", "text": "\n".join(lines)}


def _plain(node: JSON) -> str:
    """Return a node as lines of a text file."""
    match node["t"]:
        case "list" if node["ordered"]:
            items = ("\n\n".join(map(_plain, item)) for item in node["items"])
            numbered = (textwrap.indent(item, "   ") for item in items)
            return "\n\n".join(f"{n}. {item[3:]}" for n, item in enumerate(numbered, start=1))
        case "list":
            rows = ([part["text"] for part in item[0]["c"]] for item in node["items"])
            return "\n".join(f"  {name:<{_WIDTH}}{what[2:]}" for name, what in rows)
        case "block-code":
            return str(node["text"])
        case _:
            words = "".join(part["text"] for part in node["c"])
            return textwrap.fill(words, _LINE - 3, break_on_hyphens=False, break_long_words=False)
