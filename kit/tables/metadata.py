"""Free-form fields, tags and URLs: what was found in them, never the text itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jmespath

from kit.aws.calls import (
    DESCRIBE_APP_BLOCK_BUILDERS,
    DESCRIBE_APP_BLOCKS,
    DESCRIBE_APPLICATIONS,
    DESCRIBE_ENTITLEMENTS,
    DESCRIBE_FLEETS,
    DESCRIBE_IMAGE_BUILDERS,
    DESCRIBE_IMAGES,
    DESCRIBE_STACKS,
    DESCRIBE_THEME_FOR_STACK,
    GET_BUCKET_TAGGING,
    GET_RESOURCES,
    LIST_EXPORT_IMAGE_TASKS,
    LIST_TAGS_FOR_RESOURCE,
    Call,
    Scope,
)
from kit.snapshot import Answer
from kit.tables.core import Cell, Column, Row, Source, identify, table
from kit.tables.detect import Detectors
from kit.tables.storage import BUCKET_SOURCES, buckets_in_scope

# The nouns of what each call lists, and the members of it that people fill with text.
_KINDS = {
    DESCRIBE_STACKS: "stack",
    DESCRIBE_FLEETS: "fleet",
    DESCRIBE_IMAGES: "image",
    DESCRIBE_IMAGE_BUILDERS: "image builder",
    DESCRIBE_APP_BLOCKS: "app block",
    DESCRIBE_APP_BLOCK_BUILDERS: "app block builder",
    DESCRIBE_APPLICATIONS: "application",
    DESCRIBE_ENTITLEMENTS: "entitlement",
    DESCRIBE_THEME_FOR_STACK: "theme",
    LIST_EXPORT_IMAGE_TASKS: "image export",
}
_NAMES = ("Name", "DisplayName", "Description")
_TEXTS: dict[Call, tuple[str, ...]] = {
    DESCRIBE_STACKS: (*_NAMES, "ApplicationSettings.SettingsGroup"),
    DESCRIBE_FLEETS: (*_NAMES, "SessionScriptS3Location.S3Key"),
    DESCRIBE_IMAGES: (
        *_NAMES,
        "Applications[].DisplayName",
        "Applications[].Description",
        "Applications[].LaunchPath",
        "Applications[].LaunchParameters",
        "Applications[].WorkingDirectory",
        "Applications[].Metadata.*[]",
    ),
    DESCRIBE_IMAGE_BUILDERS: _NAMES,
    DESCRIBE_APP_BLOCKS: (
        *_NAMES,
        "SetupScriptDetails.ScriptS3Location.S3Key",
        "SetupScriptDetails.ExecutableParameters",
        "PostSetupScriptDetails.ScriptS3Location.S3Key",
        "PostSetupScriptDetails.ExecutableParameters",
    ),
    DESCRIBE_APP_BLOCK_BUILDERS: _NAMES,
    DESCRIBE_APPLICATIONS: (
        *_NAMES,
        "LaunchPath",
        "LaunchParameters",
        "WorkingDirectory",
        "Metadata.*",
    ),
    DESCRIBE_ENTITLEMENTS: ("Name", "Description"),
    DESCRIBE_THEME_FOR_STACK: ("ThemeTitleText", "ThemeFooterLinks[].DisplayName"),
    LIST_EXPORT_IMAGE_TASKS: ("AmiName", "AmiDescription", "TagSpecifications.*"),
}
_URLS: dict[Call, tuple[str, ...]] = {
    DESCRIBE_STACKS: (
        "RedirectURL",
        "FeedbackURL",
        "EmbedHostDomains[]",
        "ContentRedirection.HostToClient.AllowedUrls[]",
        "ContentRedirection.HostToClient.DeniedUrls[]",
    ),
    DESCRIBE_THEME_FOR_STACK: ("ThemeFooterLinks[].FooterLinkURL",),
}
# A theme's logo and an application's icon have URLs too: AWS makes these, signed for a while.
_SECRET = re.compile(r"⟦secret: ([^⟧]+)⟧")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_FOUND = {
    "validated": "Identifying data, validated",
    "heuristic": "Possibly identifying data, to be reviewed",
    "fields": "Fields read",
}
_Field = tuple[str, str, str]  # the member, its text, the reference


def _texts(call: Call, item: Any, ref: str, members: tuple[str, ...]) -> Iterator[_Field]:
    for path in members:
        found = jmespath.search(path, item)
        for text in found if isinstance(found, list) else [found]:
            if isinstance(text, str) and text:
                yield path.removesuffix("[]").removesuffix(".*"), text, ref


def _things(call: Call, answer: Answer) -> Iterator[tuple[Any, str]]:
    """What a call is about: its list, or the one thing that it describes."""
    if call.items:
        yield from answer.items()
    elif answer.value("Theme"):
        yield answer.value("Theme"), f"{answer.evidence[0]}#/Theme"


def detectors(source: Source) -> Detectors:
    """The detectors as the run's parameters set them up."""
    run = source.snapshot.run
    return Detectors(
        customer_patterns=tuple(run.customer_number_patterns),
        own_accounts=(run.account, *run.allowed_key_accounts),
        phone_region=run.phone_region or None,
    )


def _row(
    source: Source,
    find: Detectors,
    region: str,
    kind: str,
    key: str,
    name: str | None,
    fields: list[_Field],
) -> Row:
    hits = [(member, hit, ref) for member, text, ref in fields for hit in find.hits(text)]
    refs = tuple(dict.fromkeys(ref for _, _, ref in fields))

    def cell(validated: bool) -> Cell:
        chosen = [
            {"kind": hit.kind, "field": member, "masked": hit.masked}
            for member, hit, _ in hits
            if hit.validated is validated
        ]
        return Cell(chosen, refs)

    return Row(
        region,
        f"{kind}/{key}",
        source.labels.label(kind, key, name),
        {
            "validated": cell(True),
            "heuristic": cell(False),
            "fields": Cell(sorted({member for member, _, _ in fields}), refs),
        },
    )


@table(
    "texts",
    "named resource",
    Scope.REGION,
    tuple(_TEXTS),
    {name: Column(title) for name, title in _FOUND.items()},
)
def texts(source: Source) -> Iterator[Row]:
    """One row for each resource that bears text of its owner's choosing."""
    find = detectors(source)
    for call, members in _TEXTS.items():
        for answer in source.snapshot.answers(call):
            for item, ref in _things(call, answer):
                yield _row(
                    source,
                    find,
                    answer.region,
                    _KINDS[call],
                    identify(item, answer),
                    item.get("Name"),
                    list(_texts(call, item, ref, members)),
                )


@table(
    "tags",
    "tagged resource",
    Scope.REGION,
    (GET_RESOURCES, *BUCKET_SOURCES),
    {name: Column(title, calls=(GET_BUCKET_TAGGING,)) for name, title in _FOUND.items()},
)
def tags(source: Source) -> Iterator[Row]:
    """One row for each AppStream resource and bucket that bears tags."""
    find, snapshot = detectors(source), source.snapshot
    found: list[tuple[str, str, str, list[_Field]]] = []
    for answer in snapshot.answers(GET_RESOURCES):
        for item, ref in answer.items():
            pairs = [(tag["Key"], tag.get("Value", "")) for tag in item.get("Tags") or ()]
            found.append((answer.region, "", item["ResourceARN"], _tag_fields(pairs, ref)))
    for answer in snapshot.answers(LIST_TAGS_FOR_RESOURCE):
        pairs = list((answer.value("Tags") or {}).items())
        arn = str(answer.parameters.get("ResourceArn"))
        if answer.requests:
            found.append((answer.region, "", arn, _tag_fields(pairs, answer.evidence[0])))
    for name, (_, region, _) in buckets_in_scope(snapshot).items():
        answer = snapshot.answer(GET_BUCKET_TAGGING, Bucket=name)
        pairs = [(tag["Key"], tag["Value"]) for tag in answer.value("TagSet") or ()]
        if pairs:
            found.append((region, "bucket", name, _tag_fields(pairs, answer.evidence[0])))
    seen: set[str] = set()
    for region, kind, key, fields in found:
        if key not in seen and region in snapshot.regions:
            seen.add(key)
            kind = kind or _kind_of(key)
            yield _row(source, find, region, kind, key, key.rpartition("/")[2], fields)


def _tag_fields(pairs: list[tuple[str, str]], ref: str) -> list[_Field]:
    return [("tag", f"{key}={value}", ref) for key, value in pairs]


def _kind_of(arn: str) -> str:
    return arn.rpartition(":")[2].partition("/")[0].replace("-", " ") or "resource"


@table(
    "urls",
    "URL",
    Scope.REGION,
    tuple(_TEXTS),
    {
        "field": Column("Field"),
        "secrets": Column("Credentials found"),
        "scheme": Column("Scheme"),
    },
)
def urls(source: Source) -> Iterator[Row]:
    """One row for each URL, in a field made for one or in any free-form field.

    Credentials were replaced by tokens before anything was stored; the tokens are what is read.
    """
    for call, members in _TEXTS.items():
        for answer in source.snapshot.answers(call):
            for item, ref in _things(call, answer):
                key = identify(item, answer)
                label = source.labels.label(_KINDS[call], key, item.get("Name"))
                own = _texts(call, item, ref, _URLS.get(call, ()))
                free = _texts(call, item, ref, members)
                for n, (member, url, _) in enumerate([*own, *_embedded(free)]):
                    yield Row(
                        answer.region,
                        f"{_KINDS[call]}/{key}/{member}/{n:04d}",
                        label,
                        {
                            "field": Cell(member, (ref,)),
                            "secrets": Cell(sorted(set(_SECRET.findall(url))), (ref,)),
                            "scheme": Cell(url.partition("://")[0] if "://" in url else "", (ref,)),
                        },
                    )


def _embedded(fields: Iterator[_Field]) -> Iterator[_Field]:
    """URLs within free text, and free text in which a secret was replaced."""
    for member, text, ref in fields:
        found = _URL.findall(text)
        for url in found:
            yield member, url, ref
        if not found and _SECRET.search(text):
            yield member, text, ref
