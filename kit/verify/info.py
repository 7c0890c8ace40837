"""Whether ``bag-info.txt`` states what the findings, the evidence and the document show."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kit.bag import INFO
from kit.catalogue.statuses import WORST_FIRST
from kit.judge.findings import worst
from kit.pack.info import (
    AGENT,
    OWN_CONTROLS,
    OWN_NOTEBOOK,
    description,
    identifier,
    organisation_description,
    scope_info,
)
from kit.snapshot import digest, stamp_of_endpoints
from kit.verify.checks import Check, failed, passed
from kit.verify.contents import Contents, UnreadableError
from kit.verify.findings import is_earlier, read_findings, read_index
from kit.verify.kinds import ACCOUNTS, CSV, EVIDENCE, VERDICTS
from kit.verify.reading import read_json, read_table

_ACCOUNT = re.compile(r"[0-9]{12}")
_NONE = dt.timedelta()
_LONGEST = dt.timedelta(days=1)  # from the beginning of a collection to its first request


def check_info(
    contents: Contents, info: Mapping[str, str], manifest: Mapping[str, Any]
) -> Iterator[Check]:
    """Yield what ``bag-info.txt`` of an account's pack states otherwise than the pack's files.

    Parameters
    ----------
    contents : Contents
    info : mapping of str to str
        What ``bag-info.txt`` states.
    manifest : mapping
        The snapshot's manifest that is attached to the document; empty where the kit cannot read
        it, which is a failed check of the document's.
    """
    wrong = [
        *_labels(info, manifest),
        *_time(info),
        *_evidence(contents, info),
        *_thresholds(contents, manifest),
    ]
    yield from wrong
    if not wrong:
        yield passed(INFO, "it states what the findings, the evidence and the document show")


def check_overview_info(contents: Contents, info: Mapping[str, str], name: str) -> Iterator[Check]:
    """Yield what ``bag-info.txt`` of an overview states otherwise than its table.

    Parameters
    ----------
    contents : Contents
    info : mapping of str to str
    name : str
        The table, `ACCOUNTS` or `CHANGES`.
    """
    try:
        rows = read_table(contents.read(name))
    except (UnreadableError, ValueError) as error:
        yield failed(name, "a table", f"{error}")
        return
    wrong = [*_time(info)]
    if name == ACCOUNTS:
        newest = max((row.get("as_of", "") for row in rows), default="none")
        if newest != info.get("Evidence-As-Of"):
            wrong.append(_differs(info, "Evidence-As-Of", newest, f"the newest in {ACCOUNTS}"))
        wrong += _verdicts(contents, rows)
        title = organisation_description(len(rows))
    else:
        title = "Changes between two audits, Amazon AppStream 2.0"
    if title != info.get("External-Description"):
        wrong.append(_differs(info, "External-Description", title, f"from {name}"))
    yield from wrong
    if not wrong:
        yield passed(INFO, f"it states what {name} shows")


def _verdicts(contents: Contents, accounts: list[dict[str, str]]) -> Iterator[Check]:
    """Yield accounts whose worst verdict of a control is not that of their findings."""
    if VERDICTS not in contents.sizes:
        return  # an overview of an earlier kit
    try:
        rows = read_table(contents.read(VERDICTS))
    except (UnreadableError, ValueError) as error:
        yield failed(VERDICTS, "a table", f"{error}")
        return
    verdicts: dict[str, list[str]] = {}
    for row in rows:
        verdicts.setdefault(row.get("account", ""), []).append(row.get("status", ""))
    for account in accounts:
        name = account.get("account", "")
        stated = [s for s in WORST_FIRST if account.get(s.replace(" ", "_"), "0") != "0"]
        shown = verdicts.pop(name, [])
        if set(shown) - {*WORST_FIRST} or worst(shown) != worst(stated):
            expected = f"{worst(stated)} at worst, as in {ACCOUNTS}"
            yield failed(f"{VERDICTS}: {name}", expected, ", ".join(sorted({*shown})) or "none")
    for name in sorted(verdicts):
        yield failed(f"{VERDICTS}: {name}", f"an account of {ACCOUNTS}", "another")


def _labels(info: Mapping[str, str], manifest: Mapping[str, Any]) -> Iterator[Check]:
    """Yield labels that differ from the snapshot's manifest, or from what they are made of."""
    account = info.get("Account", "")
    if not _ACCOUNT.fullmatch(account):
        yield _differs(info, "Account", "12 digits", "the id of an AWS account")
    digests = (AGENT, "Snapshot-SHA-256", "Findings-SHA-256", OWN_NOTEBOOK, OWN_CONTROLS)
    made_of = (info.get(name, "") for name in digests)
    expected = {
        "External-Description": (description(account), "from Account"),
        "External-Identifier": (identifier(*made_of), "from version and digests"),
    }
    if manifest:
        where = "in the document's snapshot.json"
        profile = manifest.get("profile") or {}
        name = profile.get("name") if isinstance(profile, dict) else ""
        expected |= {
            "Account": (str(manifest.get("account")), where),
            "Evidence-As-Of": (str(manifest.get("as_of")), where),
            "Pseudonym-Key": (str(manifest.get("pseudonym_key")), where),
            "Snapshot-SHA-256": (str(manifest.get("sha256")), where),
            "Thresholds": (f"{name} {digest(profile)}", where),
            **{label: (value, where) for label, value in _scope(manifest).items() if label in info},
        }
    for label, (value, source) in expected.items():
        if info.get(label) != value:
            yield _differs(info, label, value, source)


def _scope(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels of the scope that a snapshot's manifest has; earlier kits wrote none."""
    parameters = manifest.get("parameters")
    without = parameters.get("without_services") if isinstance(parameters, dict) else None
    named = (
        names if isinstance(names, list) else [] for names in (manifest.get("regions"), without)
    )
    return scope_info(*([str(name) for name in names] for names in named))


def _time(info: Mapping[str, str]) -> Iterator[Check]:
    as_of = instant(info.get("Evidence-As-Of", ""))
    if as_of is None:
        yield _differs(info, "Evidence-As-Of", "a time with its zone", "ISO 8601")
    elif info.get("Bagging-Date") != f"{as_of:%Y-%m-%d}":
        yield _differs(info, "Bagging-Date", f"{as_of:%Y-%m-%d}", "the day of Evidence-As-Of")


def _evidence(contents: Contents, info: Mapping[str, str]) -> Iterator[Check]:
    """Yield a stamp and a time that are not those of the requests."""
    try:
        index = read_index(contents)
    except ValueError:
        return  # a failed check of the findings'
    stamp = stamp_of_endpoints(row.get("endpoint", "") for row in index.values()) or "none"
    if info.get("Stamp") != stamp:
        yield _differs(info, "Stamp", stamp, f"from the endpoints in {EVIDENCE}")
    own = [row.get("started", "") for name, row in index.items() if name.startswith("E")]
    times = [time for time in map(instant, own) if time]
    as_of = instant(info.get("Evidence-As-Of", ""))
    if len(times) < len(own):
        yield failed(EVIDENCE, "times with their zones", "another")
    elif times and as_of and not _NONE <= min(times) - as_of <= _LONGEST:
        yield _differs(info, "Evidence-As-Of", f"at most a day before {min(times)}", EVIDENCE)


def _thresholds(contents: Contents, manifest: Mapping[str, Any]) -> Iterator[Check]:
    """Yield thresholds beside a finding that are not those of the manifest."""
    profile = manifest.get("profile")
    if not isinstance(profile, dict):
        return
    try:
        records = read_findings(contents)
        if is_earlier(records):
            return
        for record in records:
            for name, value in read_json(record["threshold_values"]).items():
                if name in profile and profile[name] != value:
                    stated = f"{name} {profile[name]}, as in the document's snapshot.json"
                    yield failed(f"{CSV}: {record['control']}", stated, f"{value}")
    except (ValueError, AttributeError, RecursionError):
        return  # a failed check of the findings'


def instant(text: str) -> dt.datetime | None:
    """Return a time; None where the text is not a time with its zone."""
    try:
        time = dt.datetime.fromisoformat(text)
        return time.astimezone(dt.UTC) if time.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _differs(info: Mapping[str, str], label: str, value: str, source: str) -> Check:
    return failed(INFO, f"{label} {value}, {source}", info.get(label, "none"))
