"""Sealed overviews: an organisation's packs summed up, and two audits compared."""

from __future__ import annotations

import datetime as dt
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from kit.bag import write_bag
from kit.bounds import read_file
from kit.canonical import canonical_json
from kit.catalogue import texts
from kit.errors import UserError
from kit.outputs import check_new, check_place
from kit.overviews.changes import audits, refuse_other_keys
from kit.overviews.packs import SealedPack, find_packs, latest, roots_of, stamp_of
from kit.pack.document import data_of, document
from kit.pack.execute import KernelForDocuments, execute
from kit.pack.html import page
from kit.pack.info import made_info, organisation_description
from kit.pack.pdf import pdf
from kit.pack.readme import readme, with_readme
from kit.pack.sheets import overview_sheets
from kit.pack.tabular import csv_file
from kit.pack.workbook import overview_workbook

_RUN = "%Y-%m-%dT%H%M%SZ"  # how folders of runs are named
_OVERVIEWS = uuid.UUID("6f2d3a54-93a7-4b0e-8a40-6c7f1f5d2a11")  # namespace of their identifiers


@dataclass(frozen=True)
class Overview:
    """A sealed overview.

    Attributes
    ----------
    folder : Path
    records : list of dict
        The rows of its CSV: an account or a change each.
    facts : dict
        Values that apply to the whole overview.
    is_new : bool
        False where the folder had the same files already.
    """

    folder: Path
    records: list[dict[str, Any]]
    facts: dict[str, Any]
    is_new: bool = True


def seal_organisation(
    packs: Path,
    to: Path | None = None,
    accounts: Sequence[str] = (),
    *,
    trust: Path | None = None,
    language: str = texts.REFERENCE,
    progress: bool = True,
) -> Overview:
    """Sum up the newest pack of each account below a folder.

    Parameters
    ----------
    packs : Path
        The folder below which packs lie.
    to : Path, optional
        The folder to create; by default ``organisation/<as of>/pack`` in `packs`. Where that has
        the same files already, it stays; where it has others, ``<as of>-2`` is the next.
    accounts : sequence of str
        Accounts that should have a pack.
    trust : Path, optional
        PEM file of the certificates below which a signer is trusted; other packs are refused.
    language : str
        ``en``, or the path of a YAML file with the texts of a translation.
    progress : bool
        Whether to draw a bar on standard error.

    Raises
    ------
    UserError
        No pack, `to` exists already, or an unknown language.
    NotAsStatedError
        A pack is not what it states, or nobody signed it whom the reader trusts.
    CannotRunError
        The notebook failed, or the overview cannot be written.
    """
    texts.choose(language)
    newest = [*latest(find_packs(packs, roots_of(trust))).values()]
    as_of = _as_of_sound(newest)
    place = _place(to, packs / "organisation", as_of)
    parameters = {
        "packs": str(packs.resolve()),
        "accounts": list(accounts),
        "to": str(place[-1].resolve() / "data"),
        "trust": str(trust.resolve()) if trust else "",
        "language": texts.located(),
    }
    executed = execute(
        "organisation.ipynb", parameters, progress=progress, kernel=KernelForDocuments
    )
    title = organisation_description(len(newest))
    option = "--to" if to else "outputs"
    return _store(place, executed, "accounts", title, newest, as_of, option)


def seal_changes(
    earlier: Path,
    later: Path | None,
    to: Path | None = None,
    *,
    trust: Path | None = None,
    language: str = texts.REFERENCE,
    progress: bool = True,
    other_keys: bool = False,
) -> Overview:
    """Compare two audits; `kit.overviews.changes.audits` lists what they may be.

    Parameters
    ----------
    earlier : Path
    later : Path or None
    to : Path, optional
        The folder to create; by default ``changes/<as of>/pack`` beside the later audit. Where
        that has the same files already, it stays; where it has others, ``<as of>-2`` is the next.
    trust : Path, optional
        PEM file of the certificates below which a signer is trusted; other packs are refused.
    language : str
        ``en``, or the path of a YAML file with the texts of a translation.
    progress : bool
        Whether to draw a bar on standard error.
    other_keys : bool
        Whether labels may have been made with different keys.

    Raises
    ------
    UserError
        As `kit.overviews.changes.compare_packs` and `refuse_other_keys`, both audits are the same
        packs, or `to` exists already.
    CannotRunError
        The notebook failed, or the comparison cannot be written.
    """
    texts.choose(language)
    before, after, history = audits(earlier, later or "", roots_of(trust))
    if not other_keys:
        refuse_other_keys(before, after, history)
    _refuse_the_same(before, after)
    _as_of_sound([*before, *history])
    as_of = _as_of_sound(after)
    beside = later or earlier
    beside = beside.parent if beside.name == "pack" else beside
    place = _place(to, beside / "changes", as_of)
    parameters = {
        "before": str(earlier.resolve()),
        "after": str(later.resolve()) if later else "",
        "trust": str(trust.resolve()) if trust else "",
        "language": texts.located(),
    }
    executed = execute("changes.ipynb", parameters, progress=progress, kernel=KernelForDocuments)
    title = "Changes between two audits, Amazon AppStream 2.0"
    option = "--to" if to else "outputs"
    return _store(place, executed, "changes", title, [*before, *after], as_of, option)


def _refuse_the_same(before: Sequence[SealedPack], after: Sequence[SealedPack]) -> None:
    earlier, later = ({pack.folder.resolve() for pack in packs} for packs in (before, after))
    if earlier == later:
        raise UserError(f"LATER: {after[0].folder} is the pack of EARLIER too; name another")


def _as_of_sound(packs: Sequence[SealedPack]) -> dt.datetime:
    """Return the time of the newest pack; raise what is wrong with findings before a notebook would."""
    for pack in packs:
        pack.read_leaves([])
    return max(pack.as_of for pack in packs)


def _place(to: Path | None, beside: Path, as_of: dt.datetime) -> list[Path]:
    """Return the folder for an overview, behind those that have its usual names already."""
    if to:
        check_new(to, "--to")
        return [to]
    names = (f"{as_of:{_RUN}}{f'-{n}' if n > 1 else ''}" for n in count(1))
    place = []
    for name in names:
        place.append(beside / name / "pack")
        if not os.path.lexists(place[-1]):
            break
    check_place(place[-1], "outputs")
    return place


def _store(
    place: Sequence[Path],
    executed: NotebookNode,
    name: str,
    title: str,
    packs: Sequence[SealedPack],
    as_of: dt.datetime,
    option: str,
) -> Overview:
    data = data_of(executed, name)
    kit = version("appstream-evidence-kit")
    made_of = [kit, name, *(pack.info["Findings-SHA-256"] for pack in packs)]
    urn = uuid.uuid5(_OVERVIEWS, canonical_json(made_of).decode()).urn
    info = made_info(title, urn, as_of, stamp_of(packs))
    *others, folder = place
    files: Iterable[tuple[str, bytes]] = _files(executed, name, data, info)
    if others:
        files = [*files]
        for other in others:
            if _has(other, dict(files)):
                return Overview(other, data["records"], data["facts"], is_new=False)
    write_bag(folder, files, info, as_of, readme=readme, name=option)
    return Overview(folder, data["records"], data["facts"])


def _has(pack: Path, files: Mapping[str, bytes]) -> bool:
    """Return whether a pack has files as they are, and no others."""
    data = pack / "data"
    try:
        return {path.name for path in data.iterdir()} == files.keys() and all(
            read_file(data / name, len(content)) == content for name, content in files.items()
        )
    except OSError:
        return False


def _files(
    executed: NotebookNode, name: str, data: Mapping[str, Any], info: Mapping[str, str]
) -> Iterator[tuple[str, bytes]]:
    others = {"accounts": ("data/verdicts.csv", "data/accounts.xlsx")}.get(name, ())
    names = ("data/evidence.html", "data/evidence.pdf", f"data/{name}.csv", *others)
    made = with_readme(document(executed), info, names)
    yield "evidence.html", page(made).encode()
    yield "evidence.pdf", pdf(made)
    records = data["records"]
    yield f"{name}.csv", csv_file(records, list(records[0]) if records else [])
    if others:
        verdicts = data_of(executed, "verdicts")["records"]
        yield "verdicts.csv", csv_file(verdicts, list(verdicts[0]) if verdicts else [])
        yield "accounts.xlsx", overview_workbook(made, overview_sheets(made, verdicts))
