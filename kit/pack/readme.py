"""``README.txt`` of a pack: what it is, what to open first, how to check it."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase

from kit.bag import MANIFEST, SIGNATURE, TAG_MANIFEST
from kit.catalogue.texts import text

_FILES = {
    "document": "data/evidence.pdf",
    "page": "data/evidence.html",
    "workbook": "data/findings.xlsx",
    "findings": "data/findings.csv",
    "accounts": "data/accounts.csv",
    "changes": "data/changes.csv",
    "evidence": "data/evidence/index.csv",
    "parquet": "data/findings.parquet",
    "ocsf": "data/ocsf-findings.json",
    "oscal": "data/oscal-*.json",
    "own_cells": "data/own-cells.json",
}
_WIDTH = max(map(len, _FILES.values())) + 2
_LINE = 90  # characters of a line


def readme(info: Mapping[str, str], names: Collection[str]) -> str:
    """Return the text of a pack's ``README.txt``, in the chosen language.

    Parameters
    ----------
    info : mapping of str to str
        Labels and values of ``bag-info.txt``.
    names : collection of str
        The files below ``data/``, with that folder.
    """

    def prose(key: str, mark: str = "", **fields: str) -> str:
        return textwrap.fill(
            mark + text(f"pack/readme/{key}", **fields),
            _LINE,
            subsequent_indent=" " * len(mark),
            break_on_hyphens=False,
            break_long_words=False,
        )

    stamp = info.get("Stamp", "none")
    signed = info.get("Signature", "none") != "none"
    lines = [
        info["External-Description"],
        prose("made", as_of=info["Evidence-As-Of"], agent=info["Bag-Software-Agent"]),
        *([stamp] if stamp != "none" else []),
        "",
        prose("open"),
        *(
            f"  {pattern:<{_WIDTH}}{text(f'pack/readme/files/{name}')}"
            for name, pattern in _FILES.items()
            if any(fnmatchcase(file, pattern) for file in names)
        ),
        "",
        prose("check"),
        "",
        prose("unchanged", "1. "),
        "",
        f"   sha256sum --check --strict {TAG_MANIFEST}",
        f"   sha256sum --check --strict {MANIFEST}",
        "",
        prose("signed" if signed else "unsigned", "2. "),
    ]
    if signed:
        lines += [
            "",
            f"   openssl cms -verify -inform DER -in {SIGNATURE} -content {TAG_MANIFEST} \\",
            "     -binary -purpose any -CAfile ../ca.pem -out /dev/null",
        ]
    lines += [
        "",
        prose("with_the_kit", "3. "),
        "",
        f"   evidence verify .{' --trust ../ca.pem' if signed else ''}",
        "",
        prose("more"),
    ]
    return "\n".join(lines) + "\n"
