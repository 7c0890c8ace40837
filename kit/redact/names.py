"""Names: the identity of a resource, and the buckets that AppStream names itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kit.redact.labels import Labels
from kit.snapshot import Answer, Request

_REGION = r"(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)"
# The buckets of home folders, application settings and logs.
APPSTREAM_BUCKETS = (
    re.compile(rf"appstream2-36fb080bb8-{_REGION}-\d{{12}}"),
    re.compile(rf"appstream-app-settings-{_REGION}-\d{{12}}"),
    re.compile(rf"appstream-logs-{_REGION}-\d{{12}}"),
)
_RANDOM = re.compile(r"(-[a-z0-9]{0,16})?")  # the suffix that AppStream adds to the account's id
# The members that identify a resource without an ARN.
_NAMES = ("Name", "TaskId", "StackName", "DirectoryName", "UserName")


def identify(item: Mapping[str, Any], source: Answer | Request) -> str:
    """Return a resource's identity: its ARN, else its region, its stack and its name."""
    if item.get("Arn"):
        return str(item["Arn"])
    name = next((str(item[member]) for member in _NAMES if item.get(member)), "")
    stack = [str(value) for key, value in source.parameters.items() if key == "StackName"]
    return "/".join([source.region, *stack, name])


def shown_bucket(labels: Labels, name: str) -> str:
    """Return the name of a bucket as packs show it."""
    return name if is_made_by_appstream(name) else labels.label("bucket", name)


def is_made_by_appstream(name: str) -> bool:
    """Return whether AppStream chose a bucket's name, to the last character."""
    matches = (pattern.match(name) for pattern in APPSTREAM_BUCKETS)
    return any(match and _RANDOM.fullmatch(name, match.end()) for match in matches)
