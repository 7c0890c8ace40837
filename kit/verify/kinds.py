"""Which files each kind of pack must hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kit.pack.info import LOCK
from kit.pack.tabular import states_provisions
from kit.verify.checks import Check, failed, not_compared, passed
from kit.verify.contents import Contents, UnreadableError

HTML, PDF = "data/evidence.html", "data/evidence.pdf"
CSV, PARQUET, WORKBOOK = "data/findings.csv", "data/findings.parquet", "data/findings.xlsx"
OCSF, OSCAL = "data/ocsf-findings.json", "data/oscal-assessment-results.json"
# Beside the results since packs state the lock of the kit that made them.
OSCAL_BASIS = (
    "data/oscal-assessment-plan.json",
    "data/oscal-catalog.json",
    "data/oscal-profile.json",
)
OCSF_LINES = "data/ocsf-findings.ndjson"  # in packs whose CSV states articles and requirements
EVIDENCE = "data/evidence/index.csv"
OWN_CELLS = "data/own-cells.json"
ACCOUNTS, CHANGES = "data/accounts.csv", "data/changes.csv"
VERDICTS, ACCOUNTS_WORKBOOK = "data/verdicts.csv", "data/accounts.xlsx"


@dataclass(frozen=True)
class Kind:
    """A kind of pack.

    Attributes
    ----------
    name : str
    files : tuple of str
        What a pack of this kind must hold.
    later : tuple of str
        What it must hold too if it states the lock of its kit; earlier packs do not.
    others : pattern
        What else it may hold below ``data/``.
    """

    name: str
    files: tuple[str, ...]
    later: tuple[str, ...] = ()
    others: re.Pattern[str] = re.compile(r"(?!)")


ACCOUNT = Kind(
    "an account's pack",
    (HTML, PDF, CSV, PARQUET, WORKBOOK, OCSF, OSCAL, EVIDENCE),
    OSCAL_BASIS,
    re.compile(
        r"data/evidence/[EO]\d+\.json|data/own-cells\.json|data/own/[a-z-]+\.(?:csv|json|xlsx)"
        r"|data/ocsf-findings\.ndjson"
    ),
)
ORGANISATION = Kind(
    "an organisation's overview",
    (HTML, PDF, ACCOUNTS),
    others=re.compile(r"data/verdicts\.csv|data/accounts\.xlsx"),  # earlier kits made neither
)
COMPARISON = Kind("a comparison of two audits", (HTML, PDF, CHANGES))


def kind_of(contents: Contents, info: Mapping[str, str]) -> Kind | None:
    """Return a pack's kind; None where it has no file that only this kind has.

    A pack that has anything of an account's pack is an account's pack, so that leaving out a file or the
    label ``Account`` leaves out no check.
    """
    names = contents.sizes.keys()
    own = {*ACCOUNT.files, *ACCOUNT.later} - {HTML, PDF}
    if "Account" in info or own & names or any(map(ACCOUNT.others.fullmatch, names)):
        return ACCOUNT
    return next((kind for kind in (ORGANISATION, COMPARISON) if kind.files[-1] in names), None)


def check_kind(contents: Contents, info: Mapping[str, str], kind: Kind | None) -> Iterator[Check]:
    """Yield which files a pack of this kind lacks, and which it must not have."""
    if kind is None:
        kinds = ", ".join(f"{kind.name} ({kind.files[-1]})" for kind in (ORGANISATION, COMPARISON))
        yield failed("the pack", f"{ACCOUNT.name} ({CSV}), {kinds}", "none of these files")
        return
    lacking = [name for name in (*kind.files, *kind.later) if name not in contents.sizes]
    missing = [name for name in lacking if name in kind.files or LOCK in info]
    if OCSF_LINES not in contents.sizes and _has_provisions(contents):
        missing.append(OCSF_LINES)
    for name in lacking:
        if name not in missing:
            yield not_compared(name, "there is none, and the pack states no lock of its kit")
    for name in missing:
        yield failed(name, f"a file, as {kind.name} has it", "none")
    added = [
        name
        for name in sorted(contents.sizes)
        if name.startswith("data/")
        and name not in (*kind.files, *kind.later)
        and not kind.others.fullmatch(name)
    ]
    for name in added:
        yield failed(name, f"no such file in {kind.name}", f"{contents.sizes[name]} bytes")
    if not missing and not added:
        yield passed("the pack", f"{kind.name}, with every file that it must hold")


def _has_provisions(contents: Contents) -> bool:
    try:
        return CSV in contents.sizes and states_provisions(contents.read(CSV))
    except UnreadableError:  # another check reports it
        return False
