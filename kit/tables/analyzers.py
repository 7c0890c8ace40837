"""IAM Access Analyzer, in the account or in its organisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kit.calls import (
    DESCRIBE_APP_BLOCK_BUILDERS,
    DESCRIBE_FLEETS,
    DESCRIBE_IMAGE_BUILDERS,
    DESCRIBE_KEY,
    GET_BUCKET_ENCRYPTION,
    LIST_ANALYZERS,
    LIST_EXTERNAL_FINDINGS,
)
from kit.catalogue.texts import text
from kit.redact.labels import Labels
from kit.redact.names import shown_bucket
from kit.snapshot import Snapshot
from kit.tables.cells import Cell, derive, known_any, member
from kit.tables.core import Column, Source
from kit.tables.organisation import held, organisation_id
from kit.tables.principals import SERVICE_ROLES
from kit.tables.sources import SOURCE_CALLS, screenshot_buckets, source_buckets
from kit.tables.storage import BUCKET_SOURCES, buckets_in_scope

NOT_KNOWN = "not known, for no analyzer answers"
_TYPES = ("ACCOUNT", "ORGANIZATION")  # of analyzers of external access
_FINDINGS = (LIST_ANALYZERS, LIST_EXTERNAL_FINDINGS)
_WITH_ROLES = (DESCRIBE_FLEETS, DESCRIBE_IMAGE_BUILDERS, DESCRIBE_APP_BLOCK_BUILDERS)
# What names the resources of AppStream, by the type of a finding's resource.
_NAMING = {
    "AWS::S3::Bucket": (*BUCKET_SOURCES, DESCRIBE_IMAGE_BUILDERS, *SOURCE_CALLS),
    "AWS::KMS::Key": (*BUCKET_SOURCES, GET_BUCKET_ENCRYPTION, DESCRIBE_KEY),
    "AWS::IAM::Role": _WITH_ROLES,
}
_NAMED = tuple(dict.fromkeys(call for calls in _NAMING.values() for call in calls))
FINDINGS_COLUMNS = {
    "external_findings": Column(calls=(*_FINDINGS, *_NAMED)),
    "not_analysed": Column(calls=_FINDINGS),
}


def analyzer(snapshot: Snapshot, region: str) -> Cell:
    """Return the type of an active analyzer of external access in a region; None without one.

    Only the administrator's account lists an organisation's analyzer. For a member account an
    empty list is therefore a gap, unless the organisation's snapshot shows an analyzer.
    """
    ours = _active(snapshot, region)
    if ours.gap or ours.value:
        return ours
    organisation = organisation_id(snapshot)
    if organisation.gap or organisation.value is None:
        return Cell(None, (*ours.refs, *organisation.refs), organisation.gap)
    lender = snapshot.organisation
    theirs = _active(lender, region) if lender else Cell()
    refs = (*ours.refs, *organisation.refs, *theirs.refs)
    if theirs.value == "ORGANIZATION":
        return Cell(theirs.value, theirs.refs)
    return Cell(None, refs, held(snapshot, text("gaps/analyzer_of_organisation")))


def _active(snapshot: Snapshot, region: str) -> Cell:
    answer = snapshot.answer(LIST_ANALYZERS, region)
    for item, ref in answer.items():
        if item["type"] in _TYPES and item["status"] == "ACTIVE":
            return Cell(item["type"], (ref,))
    return Cell(None, answer.evidence, answer.trouble)


def external_findings(source: Source, region: str) -> dict[str, Cell]:
    """Return the cells of `FINDINGS_COLUMNS` of a region.

    The one has labels of AppStream's buckets, keys and roles with open findings of external access.
    The other counts what the analyzer could not read. Both are `NOT_KNOWN` where no analyzer of the
    account answers.
    """
    snapshot = source.snapshot
    analyzers = snapshot.answer(LIST_ANALYZERS, region)
    active = [
        (item.get("arn"), ref)
        for item, ref in analyzers.items()
        if item["type"] in _TYPES and item["status"] == "ACTIVE"
    ]
    if analyzers.trouble or not active:
        unknown = Cell(NOT_KNOWN, analyzers.evidence, analyzers.trouble)
        return {"external_findings": unknown, "not_analysed": unknown}
    labelled, failed, others, cells = set[str](), 0, set[str](), list[Cell]()
    for arn, ref in active:
        answer = snapshot.answer(LIST_EXTERNAL_FINDINGS, region, analyzerArn=arn)
        cells.append(Cell(None, (ref, *answer.evidence), answer.trouble))
        for item, at in answer.items():
            cells.append(member(item, at, "resource", None, LIST_EXTERNAL_FINDINGS))
            if item.get("error"):
                failed += 1
            elif label := _appstreams(snapshot, source.labels, item):
                labelled.add(label)
            else:
                others.add(str(item.get("resourceType")))
    listed = derive(lambda *_: None, *cells)
    counted = derive(lambda _: failed, listed)
    if labelled:
        return {
            "external_findings": Cell(sorted(labelled), listed.refs),
            "not_analysed": counted,
        }
    known = [listed, *(_names(snapshot, kind) for kind in sorted(others))]
    return {"external_findings": derive(lambda *_: [], *known), "not_analysed": counted}


def _appstreams(snapshot: Snapshot, labels: Labels, finding: Mapping[str, Any]) -> str:
    """Return the label of a resource that is AppStream's; empty for any other."""
    arn, kind = str(finding.get("resource") or ""), finding.get("resourceType")
    if kind == "AWS::S3::Bucket":
        customers = (*screenshot_buckets(snapshot), *source_buckets(snapshot))
        buckets = (*buckets_in_scope(snapshot), *customers)
        name = arn.partition(":::")[2]
        return shown_bucket(labels, name) if name in {bucket.name for bucket in buckets} else ""
    if kind == "AWS::KMS::Key":
        keys = {answer.value("KeyMetadata.Arn") for answer in snapshot.answers(DESCRIBE_KEY)}
        return labels.label("key", arn) if arn in keys else ""
    roles = {
        item.get("IamRoleArn")
        for call in _WITH_ROLES
        for answer in snapshot.answers(call)
        for item, _ in answer.items()
    }
    name = arn.rpartition("/")[2]
    return labels.label("role", arn, name) if arn in roles or name in SERVICE_ROLES else ""


def _names(snapshot: Snapshot, kind: str) -> Cell:
    """Return false where the names of AppStream's resources of a type are all known; else a gap."""
    answers = [answer for call in _NAMING.get(kind, _NAMED) for answer in snapshot.answers(call)]
    return known_any(Cell(False, answer.evidence, answer.trouble) for answer in answers)
