"""Names: what tells a resource from all others, and which buckets AppStream names itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kit.redact.labels import Labels
from kit.snapshot import Answer, Request

_REGION = r"(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)"
# Of home folders, application settings and logs.
APPSTREAM_BUCKETS = (
    re.compile(rf"appstream2-36fb080bb8-{_REGION}-\d{{12}}"),
    re.compile(rf"appstream-app-settings-{_REGION}-\d{{12}}"),
    re.compile(rf"appstream-logs-{_REGION}-\d{{12}}"),
)
_RANDOM = re.compile(r"(-[a-z0-9]{0,16})?")  # what AppStream puts after the account's number
# What tells things without an ARN apart.
_NAMES = ("Name", "TaskId", "StackName", "DirectoryName", "UserName")


def identify(item: Mapping[str, Any], asked: Answer | Request) -> str:
    """What tells a resource from all others: its ARN, else where it was found and its name."""
    if item.get("Arn"):
        return str(item["Arn"])
    own = next((str(item[name]) for name in _NAMES if item.get(name)), "")
    stack = [str(value) for key, value in asked.parameters.items() if key == "StackName"]
    return "/".join([asked.region, *stack, own])


def shown_bucket(labels: Labels, name: str) -> str:
    """The name of a bucket as packs show it."""
    return name if is_made_by_appstream(name) else labels.label("bucket", name)


def is_made_by_appstream(name: str) -> bool:
    """Whether AppStream made a bucket, and so its name: no word of anybody's stands at its end."""
    found = (pattern.match(name) for pattern in APPSTREAM_BUCKETS)
    return any(made and _RANDOM.fullmatch(name, made.end()) for made in found)
