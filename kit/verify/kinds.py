"""Which files each kind of pack must hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kit.verify.checks import Check, failed, passed
from kit.verify.contents import Contents

HTML, PDF = "data/evidence.html", "data/evidence.pdf"
CSV, PARQUET, WORKBOOK = "data/findings.csv", "data/findings.parquet", "data/findings.xlsx"
OCSF, OSCAL = "data/ocsf-findings.json", "data/oscal-assessment-results.json"
OSCAL_BASIS = (
    "data/oscal-assessment-plan.json",
    "data/oscal-catalog.json",
    "data/oscal-profile.json",
)
EVIDENCE = "data/evidence/index.csv"
ACCOUNTS, CHANGES = "data/accounts.csv", "data/changes.csv"


@dataclass(frozen=True)
class Kind:
    """A kind of pack.

    Attributes
    ----------
    name : str
    files : tuple of str
        What a pack of this kind must hold.
    others : pattern
        What else it may hold below ``data/``.
    """

    name: str
    files: tuple[str, ...]
    others: re.Pattern[str] = re.compile(r"(?!)")


ACCOUNT = Kind(
    "an account's pack",
    (HTML, PDF, CSV, PARQUET, WORKBOOK, OCSF, OSCAL, *OSCAL_BASIS, EVIDENCE),
    re.compile(r"data/evidence/[EO]\d+\.json"),
)
ORGANISATION = Kind("an organisation's overview", (HTML, PDF, ACCOUNTS))
COMPARISON = Kind("a comparison of two audits", (HTML, PDF, CHANGES))


def kind_of(contents: Contents, info: Mapping[str, str]) -> Kind | None:
    """Return a pack's kind; None where it has no file that one kind alone has.

    A pack that has anything of an account's pack is one, so that leaving out a file or the
    label ``Account`` leaves out no check.
    """
    names = contents.sizes.keys()
    own = {*ACCOUNT.files} - {HTML, PDF}
    if "Account" in info or own & names or any(map(ACCOUNT.others.fullmatch, names)):
        return ACCOUNT
    return next((kind for kind in (ORGANISATION, COMPARISON) if kind.files[-1] in names), None)


def check_kind(contents: Contents, kind: Kind | None) -> Iterator[Check]:
    """Yield which files a pack of this kind lacks, and which it must not have."""
    if kind is None:
        kinds = ", ".join(f"{one.name} ({one.files[-1]})" for one in (ORGANISATION, COMPARISON))
        yield failed("the pack", f"{ACCOUNT.name} ({CSV}), {kinds}", "none of these files")
        return
    missing = [name for name in kind.files if name not in contents.sizes]
    for name in missing:
        yield failed(name, f"a file, as {kind.name} has it", "none")
    added = [
        name
        for name in sorted(contents.sizes)
        if name.startswith("data/") and name not in kind.files and not kind.others.fullmatch(name)
    ]
    for name in added:
        yield failed(name, f"no such file in {kind.name}", f"{contents.sizes[name]} bytes")
    if not missing and not added:
        yield passed("the pack", f"{kind.name}, with every file that it must hold")
