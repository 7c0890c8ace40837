"""Controls of an organisation's own in a pack: files below ``data/own/``, and a chapter apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit import bounds
from kit.bounds import parse_json
from kit.catalogue.statuses import WORST_FIRST
from kit.catalogue.texts import text
from kit.errors import UserError
from kit.outputs import scratch
from kit.own import COLUMN, ID, NAME, RESULT, OwnSet, Source, judge_own, read_sources, stated_of
from kit.pack.tabular import read_findings_csv
from kit.report import views
from kit.report.formats import counts
from kit.report.views import JSON
from kit.snapshot import Snapshot

FOLDER = "own"  # below data/
FILES = (
    *(RESULT, "findings.csv", "findings.xlsx", "ocsf-findings.json"),
    *(f"oscal-{name}.json" for name in ("assessment-plan", "assessment-results", "catalog")),
    "oscal-profile.json",
)
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class OwnControls:
    """What own controls judged.

    Attributes
    ----------
    sets : list of OwnSet
        The packages and folders that they come from.
    controls : dict
        The view of their blocks.
    files : mapping of str to bytes
        Below ``data/own/``.
    """

    sets: list[OwnSet]
    controls: JSON
    files: Mapping[str, bytes]

    @property
    def stated(self) -> str:
        """What ``bag-info.txt`` states of them."""
        return stated_of(self.sets)

    def blocks(self) -> Iterator[JSON]:
        """Yield the heading, the statement and the controls of their chapter."""
        yield {"kind": "heading", "level": 1, "text": text("pack/own/controls")}
        found: Counter[str] = Counter()
        for block in self.controls["blocks"]:
            found.update(block["counts"])
        counted = counts({status: found[status] for status in WORST_FIRST if found[status]})
        statement = text("pack/own/controls_statement", sets=self.stated, counts=counted)
        yield {"kind": "note", "text": statement, "tone": "warning"}
        yield self.controls


def judged_by_own(snapshot: Snapshot) -> OwnControls | None:
    """Judge a copy of a snapshot by the own controls that its run names; None where it names none.

    Raises
    ------
    UserError
        They cannot be loaded, a rule failed, or the result has another form.
    """
    names = snapshot.run.own_controls
    return judged_by(read_sources(names), snapshot) if names else None


def judged_by(sources: Sequence[Source], snapshot: Snapshot) -> OwnControls:
    """Judge a copy of a snapshot by own controls of which the kit has read the files.

    Raises
    ------
    UserError
        They cannot be loaded, a rule failed, or the result has another form.
    """
    try:
        with scratch() as folder:
            judge_own(snapshot.folder, sources, folder)
            made = {name: bounds.read_file(folder / name, bounds.PACK_FILE) for name in FILES}
        own = parse_own_controls(made)
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"own_controls: their result has another form ({error})") from None
    if own.sets != [source.own for source in sources]:
        raise UserError(f"own_controls: their result states others, {own.stated}")
    return own


def parse_own_controls(files: Mapping[str, bytes]) -> OwnControls:
    """Return what own controls judged, once it is in the form in which the kit writes it.

    Raises
    ------
    ValueError
        It is not, or a control has an id of the kit's form.
    """
    given = parse_json(files[RESULT], bounds.PACK_FILE)
    try:
        sets = [OwnSet(own["name"], own["version"], own["sha256"]) for own in given["sets"]]
        for own in sets:
            if not (NAME.fullmatch(own.name) and NAME.fullmatch(own.version)):
                raise ValueError(f"a name or a version {own.name[:60]!r} {own.version[:60]!r}")
            if not _SHA256.fullmatch(own.sha256):
                raise ValueError(f"{own.name}: no SHA-256")
        shown = views.parse(given["controls"])
        if not isinstance(shown, views.Controls):
            raise ValueError("no blocks of controls")
        blocks = shown.as_json()
        ids = [block["id"] for block in blocks["blocks"]]
        if not ids or len({*ids}) < len(ids) or not all(map(ID.fullmatch, ids)):
            raise ValueError(f"ids of controls {', '.join(map(str, ids))[:200]}")
        _compare(blocks, read_findings_csv(files["findings.csv"], [COLUMN]))
    except (LookupError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"own controls in another form ({type(error).__name__})") from None
    return OwnControls(sets, blocks, files)


def _compare(blocks: JSON, records: list[dict[str, str]]) -> None:
    """Raise a `ValueError` where the blocks' rows are not those of the findings as CSV."""
    stated = Counter((record["control"], record["region"], record["status"]) for record in records)
    counted: Counter[tuple[str, str]] = Counter()
    rows: Counter[tuple[str, str, str]] = Counter()
    for block in blocks["blocks"]:
        counted.update({(block["id"], status): n for status, n in block["counts"].items()})
        rows.update((block["id"], row[0], row[2]) for row in block["rows"]["rows"])
    by_status: Counter[tuple[str, str]] = Counter()
    for (control, _, status), count in stated.items():
        by_status[control, status] += count
    if rows != stated or counted != by_status:
        raise ValueError("others than data/own/findings.csv has")


def files_of(own: OwnControls) -> Iterator[tuple[str, bytes]]:
    """Yield name below ``data/`` and content of each file."""
    yield from ((str(Path(FOLDER) / name), content) for name, content in own.files.items())


def read_files(read: Any) -> dict[str, bytes]:
    """Return the files of a pack by a function that reads one by its name below ``data/``."""
    return {name: read(f"{FOLDER}/{name}") for name in FILES}
