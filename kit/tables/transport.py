"""How requests travel: URLs of stacks and themes, FIPS endpoints, and the kit's requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from kit.access.patterns import covers, overlaps
from kit.aws_models import listed_regions
from kit.calls import (
    DESCRIBE_STACKS,
    DESCRIBE_THEME_FOR_STACK,
    DESCRIBE_USERS,
    Call,
    Scope,
    search,
)
from kit.catalogue.texts import text
from kit.redact.names import identify
from kit.snapshot import Answer, Snapshot, Trouble, is_aws
from kit.tables.cells import Cell
from kit.tables.core import Column, Row, Source, table
from kit.tables.coverage import ACCOUNT

_URLS: dict[Call, tuple[str, ...]] = {
    DESCRIBE_STACKS: ("RedirectURL", "FeedbackURL"),
    DESCRIBE_THEME_FOR_STACK: ("ThemeFooterLinks[].FooterLinkURL", "ThemeOrganizationLogoURL"),
}
_REDIRECTION = "ContentRedirection.HostToClient"
_PLAIN = "http"
COLUMNS = {
    "own_urls": Column(calls=tuple(_URLS)),
    "plain_urls": Column(calls=tuple(_URLS)),
    "fips_offered": Column(),
    "private_endpoints": Column(calls=(DESCRIBE_STACKS,)),
    "pool_users": Column(calls=(DESCRIBE_USERS,)),
}


def transport(source: Source, region: str) -> dict[str, Cell]:
    """Return the cells of `COLUMNS` of a region."""
    snapshot = source.snapshot
    stacks, users = (
        snapshot.answer(DESCRIBE_STACKS, region),
        snapshot.answer(DESCRIBE_USERS, region),
    )
    return {
        **_own_urls(source, region),
        "fips_offered": Cell(region in fips_regions(), ("parameters#/regions",)),
        "private_endpoints": _some(
            stacks, (ref for stack, ref in stacks.items() if stack.get("AccessEndpoints"))
        ),
        "pool_users": _some(users, (ref for _, ref in users.items())),
    }


def _some(answer: Answer, refs: Iterable[str]) -> Cell:
    first = next(iter(refs), None)
    return Cell(True, (first,)) if first else Cell(False, answer.evidence, answer.trouble)


@cache
def fips_regions() -> frozenset[str]:
    """Return the regions for which botocore lists a FIPS endpoint of AppStream.

    For other regions botocore would make up a name.
    """
    return frozenset(
        name.removesuffix("-fips")
        for name in listed_regions("appstream2", others=True)
        if name.endswith("-fips")
    )


def _own_urls(source: Source, region: str) -> dict[str, Cell]:
    """Return how many URLs stacks and their themes have, and which URLs lack TLS."""
    count, plain = 0, []
    refs: list[str] = []
    plain_refs: list[str] = []
    trouble: Trouble | None = None
    labels: dict[str, str] = {}
    for call, paths in _URLS.items():
        for answer in source.snapshot.answers(call, region):
            trouble = trouble or answer.trouble
            refs += answer.evidence
            for item, ref in _things(call, answer):
                name = answer.parameters.get("StackName") or item["Name"]
                if name not in labels:
                    labels[name] = source.labels.label("stack", identify(item, answer), name)
                for field, url, is_plain in _urls(paths, item):
                    if "://" in url:
                        count += 1
                        if is_plain:
                            plain.append({"of": labels[name], "field": field})
                            plain_refs.append(ref)
    cited = tuple(dict.fromkeys(refs))
    return {
        "own_urls": Cell(count, cited, None if count else trouble),
        "plain_urls": (
            Cell(plain, tuple(dict.fromkeys(plain_refs))) if plain else Cell([], cited, trouble)
        ),
    }


def _urls(paths: Iterable[str], item: dict[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Yield the field and the text of each URL, and whether it may be one of plain http.

    Redirection opens a URL that matches an allowed pattern and no denied one:
    https://docs.aws.amazon.com/appstream2/latest/APIReference/API_UrlRedirectionConfig.html
    """
    for path in paths:
        value = search(path, item)
        for url in value if isinstance(value, list) else [value]:
            if isinstance(url, str):
                yield path.partition("[")[0], url, _may_be_plain(url)
    redirection = search(_REDIRECTION, item) or {}
    if redirection.get("Enabled"):
        denied = [pattern.casefold() for pattern in redirection.get("DeniedUrls") or ()]
        is_open = not any(covers(pattern, f"{_PLAIN}://*") for pattern in denied)
        for pattern in redirection.get("AllowedUrls") or ():
            yield f"{_REDIRECTION}.AllowedUrls", pattern, is_open and _may_be_plain(pattern)


def _may_be_plain(url: str) -> bool:
    """Return whether a URL is of plain http, or a pattern matches such URLs."""
    return overlaps(url.strip().casefold().partition("://")[0], _PLAIN)


def _things(call: Call, answer: Answer) -> Iterator[tuple[dict[str, Any], str]]:
    if call.items:
        yield from answer.items()
    elif answer.value("Theme"):
        yield answer.value("Theme"), f"{answer.first}#/Theme"


@table(
    "transport",
    Scope.ACCOUNT,
    (),
    {
        "plain": Column(),
        "elsewhere": Column(transient=True),
        "verified": Column(),
    },
)
def collector_transport(source: Source) -> Iterator[Row]:
    """Yield a single row: how this snapshot's requests travelled."""
    snapshot = source.snapshot
    first = _first_requests(snapshot)
    plain = [url for url in first if is_aws(url) and not url.startswith("https://")]
    elsewhere = [url for url in first if not is_aws(url)]
    refs = tuple(first.values())
    verified = snapshot.header.get("certificates_verified")
    unknown = Trouble("not collected", hint=text("gaps/not_recorded"))
    some = any(url.startswith("https://") for url in first)  # others have no certificate
    cells = {
        "plain": Cell(plain, refs),
        "elsewhere": Cell(elsewhere, refs),
        "verified": Cell(verified if some else None, refs, unknown if verified is None else None),
    }
    yield Row(ACCOUNT, "collector", "this collector", cells)


def _first_requests(snapshot: Snapshot) -> dict[str, str]:
    """Return each endpoint with the id of the first request to it."""
    first: dict[str, str] = {}
    for request in snapshot.requests:
        first.setdefault(request.endpoint, request.id)
    return dict(sorted(first.items()))
