"""Free-form fields, tags and URLs: what was found in them, never the text itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from kit.calls import (
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
    search,
)
from kit.detect.identifiers import Detectors
from kit.redact.names import identify
from kit.snapshot import Answer, Trouble
from kit.tables.cells import Cell, absent_member
from kit.tables.core import Column, Row, Source, shown_name, table
from kit.tables.storage import BUCKET_SOURCES, bucket_label, buckets_in_scope, switched_off

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
    DESCRIBE_ENTITLEMENTS: ("Name", "Description", "Attributes[].Name", "Attributes[].Value"),
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
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:⟦[^⟧]*⟧|\S)+")  # a token has a space
_SCHEMES = ("file", "ftp", "ftps", "http", "https", "sftp", "ws", "wss")
_FOUND = ("validated", "heuristic", "fields")
_TAG_CALLS = (GET_RESOURCES, *BUCKET_SOURCES)


@dataclass(frozen=True)
class Field:
    """A text of somebody's choosing, and the member that holds it."""

    member: str
    text: str


@dataclass(frozen=True)
class Bearer:
    """A resource that bears texts, where they stand, and why they could not be seen."""

    region: str
    key: str
    label: str
    refs: tuple[str, ...]
    fields: list[Field]
    urls: list[Field] = field(default_factory=list)
    gap: Trouble | None = None


def _named(source: Source) -> Iterator[Bearer]:
    """Every resource that a call with free-form members lists or describes."""
    for call, members in _TEXTS.items():
        kind = _KINDS[call]
        for answer in source.snapshot.answers(call):
            for item, ref in _things(call, answer):
                key = identify(item, answer)
                yield Bearer(
                    answer.region,
                    f"{kind}/{key}",
                    source.labels.label(kind, key, shown_name(item)),
                    (ref,),
                    list(_fields(item, members)),
                    list(_fields(item, _URLS.get(call, ()))),
                )


def _things(call: Call, answer: Answer) -> Iterator[tuple[Any, str]]:
    """What a call is about: its list, or the one thing that it describes."""
    if call.items:
        yield from answer.items()
    elif answer.value("Theme"):
        yield answer.value("Theme"), f"{answer.evidence[0]}#/Theme"


def _fields(item: Any, members: tuple[str, ...]) -> Iterator[Field]:
    for path in members:
        found = search(path, item)
        for text in found if isinstance(found, list) else [found]:
            if isinstance(text, str) and text:
                yield Field(path.removesuffix("[]").removesuffix(".*"), text)


def _tagged(source: Source) -> Iterator[Bearer]:
    """Every AppStream resource and bucket that bears tags, or whose tags could not be seen."""
    seen: set[str] = set()
    for region, arn, pairs, ref in _tags_of_resources(source):
        if (pairs or pairs is None) and arn not in seen:
            seen.add(arn)
            gap = absent_member(GET_RESOURCES, "Tags", ref) if pairs is None else None
            name = arn.rpartition("/")[2]
            label = source.labels.label(_kind_of(arn), arn, name)
            fields = _tag_fields(pairs or [])
            yield Bearer(region, f"{_kind_of(arn)}/{arn}", label, (ref,), fields, gap=gap)
    for bucket in buckets_in_scope(source.snapshot):
        answer = source.snapshot.answer(GET_BUCKET_TAGGING, Bucket=bucket.name)
        pairs = [(tag["Key"], tag["Value"]) for tag in answer.value("TagSet") or ()]
        off = switched_off(source.snapshot, GET_BUCKET_TAGGING, bucket.region)
        trouble = off or answer.trouble
        if bucket.name and bucket.region in source.snapshot.regions and (pairs or trouble):
            yield Bearer(
                bucket.region,
                f"bucket/{bucket.name}",
                bucket_label(source, bucket),
                answer.evidence[:1],
                _tag_fields(pairs),
                gap=trouble,
            )


_Tags = list[tuple[str, str]]


def _tags_of_resources(source: Source) -> Iterator[tuple[str, str, _Tags | None, str]]:
    """Region, ARN, tags, None where AWS left them out, and reference of each resource."""
    for answer in source.snapshot.answers(GET_RESOURCES):
        for item, ref in answer.items():
            tags = item.get("Tags")
            pairs = tags if tags is None else [(tag["Key"], tag.get("Value", "")) for tag in tags]
            yield answer.region, str(item.get("ResourceARN") or answer.place(ref)), pairs, ref
    for answer in source.snapshot.answers(LIST_TAGS_FOR_RESOURCE):
        pairs = list((answer.value("Tags") or {}).items())
        for ref in answer.evidence[:1]:
            yield answer.region, str(answer.parameters.get("ResourceArn")), pairs, ref


def _tag_fields(pairs: _Tags) -> list[Field]:
    return [Field("tag", f"{key}={value}") for key, value in pairs]


def _kind_of(arn: str) -> str:
    """The noun of what an ARN names; "resource" for any that is none of AppStream's.

    What stands before the first slash may be a name that somebody chose.
    """
    kind = re.split("[/:]", "".join(arn.split(":", 5)[5:]))[0].replace("-", " ")
    return kind if kind in _KINDS.values() else "resource"


def detectors(source: Source) -> Detectors:
    """The detectors as the run's parameters set them up."""
    run = source.snapshot.run
    return Detectors(
        customer_patterns=tuple(run.customer_number_patterns),
        own_accounts=(run.account, *run.allowed_key_accounts),
        phone_region=run.phone_region or None,
    )


@table(
    "texts",
    Scope.REGION,
    tuple(_TEXTS),
    {name: Column() for name in _FOUND},
)
def texts(source: Source) -> Iterator[Row]:
    """One row for each resource that bears text of its owner's choosing."""
    find = detectors(source)
    for bearer in _named(source):
        yield _searched(bearer, find)


@table(
    "tags",
    Scope.REGION,
    _TAG_CALLS,
    {name: Column(calls=(GET_BUCKET_TAGGING,)) for name in _FOUND},
)
def tags(source: Source) -> Iterator[Row]:
    """One row for each AppStream resource and bucket that bears tags."""
    find = detectors(source)
    for bearer in _tagged(source):
        yield _searched(bearer, find)


def _searched(bearer: Bearer, find: Detectors) -> Row:
    hits = [(one.member, hit) for one in bearer.fields for hit in find.hits(one.text)]

    def told(validated: bool) -> list[dict[str, str]]:
        return [
            {"kind": hit.kind, "field": member, "masked": hit.masked}
            for member, hit in hits
            if hit.validated is validated
        ]

    values = {
        "validated": told(True),
        "heuristic": told(False),
        "fields": sorted({one.member for one in bearer.fields}),
    }
    cells = {name: Cell(value, bearer.refs, bearer.gap) for name, value in values.items()}
    return Row(bearer.region, bearer.key, bearer.label, cells)


@table(
    "urls",
    Scope.REGION,
    (*_TEXTS, *_TAG_CALLS),
    {
        "field": Column(),
        "secrets": Column(calls=(GET_BUCKET_TAGGING,)),
        "scheme": Column(),
    },
)
def urls(source: Source) -> Iterator[Row]:
    """One row for each URL, in a field made for one, in any free-form field or in a tag.

    Credentials were replaced by tokens before anything was stored; the tokens are what is read.
    """
    for bearer in (*_named(source), *_tagged(source)):
        if bearer.gap:
            unseen = Cell(None, bearer.refs, bearer.gap)
            cells = {"field": Cell("tag"), "secrets": unseen, "scheme": unseen}
            yield Row(bearer.region, f"{bearer.key}/tag", bearer.label, cells)
        for n, one in enumerate([*bearer.urls, *_embedded(bearer.fields)]):
            cells = {
                "field": Cell(one.member, bearer.refs),
                "secrets": Cell(sorted(set(_SECRET.findall(one.text))), bearer.refs),
                "scheme": Cell(_scheme(one.text), bearer.refs),
            }
            key = f"{bearer.key}/{one.member}/{n:04d}"
            yield Row(bearer.region, key, bearer.label, cells)


def _scheme(text: str) -> str:
    """The scheme of a URL; what is none of the usual ones may be anybody's word."""
    if not _URL.match(text):
        return ""
    scheme = text.partition("://")[0].lower()
    return scheme if scheme in _SCHEMES else "another"


def _embedded(fields: list[Field]) -> Iterator[Field]:
    """URLs within free text, and free text in which a secret was replaced."""
    for one in fields:
        found = _URL.findall(one.text)
        for url in found:
            yield replace(one, text=url)
        if _SECRET.search(_URL.sub("", one.text)):
            yield one
