"""Free-form fields, tags and URLs: the matches in them, never the text itself."""

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
from kit.parameters import Run
from kit.redact.names import identify
from kit.snapshot import Answer, Trouble
from kit.tables.cells import Cell, absent_member
from kit.tables.core import Column, Row, Source, shown_name, table
from kit.tables.storage import (
    BUCKET_SOURCES,
    bucket_label,
    buckets_in_scope,
    no_name,
    switched_off,
)

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
        "SourceS3Location.S3Key",
        "SetupScriptDetails.ScriptS3Location.S3Key",
        "SetupScriptDetails.ExecutablePath",
        "SetupScriptDetails.ExecutableParameters",
        "PostSetupScriptDetails.ScriptS3Location.S3Key",
        "PostSetupScriptDetails.ExecutablePath",
        "PostSetupScriptDetails.ExecutableParameters",
    ),
    DESCRIBE_APP_BLOCK_BUILDERS: _NAMES,
    DESCRIBE_APPLICATIONS: (
        *_NAMES,
        "IconS3Location.S3Key",
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
_MATCHES = ("validated", "heuristic", "fields")
_TAG_CALLS = (GET_RESOURCES, *BUCKET_SOURCES)


@dataclass(frozen=True)
class Field:
    """A text that somebody chose, and the member that holds it."""

    member: str
    text: str


@dataclass(frozen=True)
class Resource:
    """A resource with its texts, their references, and the trouble that hides them."""

    region: str
    key: str
    label: str
    refs: tuple[str, ...]
    fields: list[Field]
    urls: list[Field] = field(default_factory=list)
    gap: Trouble | None = None


def _named(source: Source) -> Iterator[Resource]:
    """Yield every resource that a call with free-form members lists or describes."""
    for call, members in _TEXTS.items():
        kind = _KINDS[call]
        for answer in source.snapshot.answers(call):
            for item, ref in _things(call, answer):
                key = identify(item, answer)
                yield Resource(
                    answer.region,
                    f"{kind}/{key}",
                    source.labels.label(kind, key, shown_name(item)),
                    (ref,),
                    list(_fields(item, members)),
                    list(_fields(item, _URLS.get(call, ()))),
                )


def _things(call: Call, answer: Answer) -> Iterator[tuple[Any, str]]:
    """Yield the items of a call's list, or the only resource that it describes."""
    if call.items:
        yield from answer.items()
    elif answer.value("Theme"):
        yield answer.value("Theme"), f"{answer.first}#/Theme"


def _fields(item: Any, members: tuple[str, ...]) -> Iterator[Field]:
    for path in members:
        value = search(path, item)
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and text:
                yield Field(path.removesuffix("[]").removesuffix(".*"), text)


def _tagged(source: Source) -> Iterator[Resource]:
    """Yield every AppStream resource and bucket with tags, or with a gap in place of its tags."""
    seen: set[str] = set()
    for region, arn, pairs, ref in _tags_of_resources(source):
        if (pairs or pairs is None) and arn not in seen:
            seen.add(arn)
            gap = absent_member(GET_RESOURCES, "Tags", ref) if pairs is None else None
            name = arn.rpartition("/")[2]
            label = source.labels.label(_kind_of(arn), arn, name)
            fields = _tag_fields(pairs or [])
            yield Resource(region, f"{_kind_of(arn)}/{arn}", label, (ref,), fields, gap=gap)
    for bucket in buckets_in_scope(source.snapshot):
        if bucket.region not in source.snapshot.regions:
            continue
        answer = source.snapshot.answer(GET_BUCKET_TAGGING, Bucket=bucket.name)
        pairs = [(tag["Key"], tag["Value"]) for tag in answer.value("TagSet") or ()]
        off = switched_off(source.snapshot, GET_BUCKET_TAGGING, bucket.region)
        unnamed = None if bucket.name else no_name(source.snapshot, bucket)
        trouble = unnamed or off or answer.trouble
        if pairs or trouble:
            yield Resource(
                bucket.region,
                f"bucket/{bucket.name}",
                bucket_label(source, bucket),
                bucket.refs if unnamed else answer.evidence,
                _tag_fields(pairs),
                gap=trouble,
            )


_Tags = list[tuple[str, str]]


def _tags_of_resources(source: Source) -> Iterator[tuple[str, str, _Tags | None, str]]:
    """Yield region, ARN, tags (None where AWS left them out) and reference of each resource."""
    for answer in source.snapshot.answers(GET_RESOURCES):
        for item, ref in answer.items():
            tags = item.get("Tags")
            pairs = tags if tags is None else [(tag["Key"], tag.get("Value", "")) for tag in tags]
            yield answer.region, str(item.get("ResourceARN") or answer.place(ref)), pairs, ref
    for answer in source.snapshot.answers(LIST_TAGS_FOR_RESOURCE):
        pairs = list((answer.value("Tags") or {}).items())
        for ref in answer.evidence:
            yield answer.region, str(answer.parameters.get("ResourceArn")), pairs, ref


def _tag_fields(pairs: _Tags) -> list[Field]:
    return [Field("tag", f"{key}={value}") for key, value in pairs]


def _kind_of(arn: str) -> str:
    """Return the noun for a resource by its ARN; "resource" for a resource outside AppStream.

    The text before the first slash may be a name that somebody chose.
    """
    kind = re.split("[/:]", "".join(arn.split(":", 5)[5:]))[0].replace("-", " ")
    return kind if kind in _KINDS.values() else "resource"


def detectors_of(run: Run) -> Detectors:
    """Return the detectors that a run's parameters configure."""
    return Detectors(
        customer_patterns=tuple(run.customer_number_patterns),
        own_accounts=(run.account, *run.allowed_key_accounts),
        phone_region=run.phone_region or None,
    )


@table(
    "texts",
    Scope.REGION,
    tuple(_TEXTS),
    {name: Column() for name in _MATCHES},
)
def texts(source: Source) -> Iterator[Row]:
    """Yield a row for each resource with free-form text."""
    find = detectors_of(source.snapshot.run)
    for resource in _named(source):
        yield _searched(resource, find)


@table(
    "tags",
    Scope.REGION,
    _TAG_CALLS,
    {name: Column(calls=(GET_BUCKET_TAGGING,)) for name in _MATCHES},
)
def tags(source: Source) -> Iterator[Row]:
    """Yield a row for each AppStream resource and bucket with tags."""
    find = detectors_of(source.snapshot.run)
    for resource in _tagged(source):
        yield _searched(resource, find)


def _searched(resource: Resource, find: Detectors) -> Row:
    hits = [(field.member, hit) for field in resource.fields for hit in find.hits(field.text)]

    def matches(validated: bool) -> list[dict[str, str]]:
        return [
            {"kind": hit.kind, "field": member, "masked": hit.masked}
            for member, hit in hits
            if hit.validated is validated
        ]

    values = {
        "validated": matches(True),
        "heuristic": matches(False),
        "fields": sorted({field.member for field in resource.fields}),
    }
    cells = {name: Cell(value, resource.refs, resource.gap) for name, value in values.items()}
    return Row(resource.region, resource.key, resource.label, cells)


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
    """Yield a row for each URL in a field for URLs, in a free-form field or in a tag.

    The collector replaced credentials by tokens before it stored an answer; rows list the tokens.
    """
    for resource in (*_named(source), *_tagged(source)):
        if resource.gap:
            unseen = Cell(None, resource.refs, resource.gap)
            cells = {"field": Cell("tag"), "secrets": unseen, "scheme": unseen}
            yield Row(resource.region, f"{resource.key}/tag", resource.label, cells)
        for n, url in enumerate([*resource.urls, *_embedded(resource.fields)]):
            cells = {
                "field": Cell(url.member, resource.refs),
                "secrets": Cell(sorted(set(_SECRET.findall(url.text))), resource.refs),
                "scheme": Cell(_scheme(url.text), resource.refs),
            }
            key = f"{resource.key}/{url.member}/{n:04d}"
            yield Row(resource.region, key, resource.label, cells)


def _scheme(text: str) -> str:
    """Return the scheme of a URL; "another" for a scheme that somebody may have made up."""
    if not _URL.match(text):
        return ""
    scheme = text.partition("://")[0].lower()
    return scheme if scheme in _SCHEMES else "another"


def _embedded(fields: list[Field]) -> Iterator[Field]:
    """Yield URLs within free text, and free text with the token of a secret outside a URL."""
    for entry in fields:
        for url in _URL.findall(entry.text):
            yield replace(entry, text=url)
        if _SECRET.search(_URL.sub("", entry.text)):
            yield entry
