"""Answers as a pack holds them: every text that somebody chose is a label, the rest is readable.

What decides is botocore's shape of the member, the call's declaration and `kit.redact.readable`. Things
that tables label have the same label here, so that a cell can be followed to its record.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from botocore.model import OperationModel

from kit.aws_models import models
from kit.calls import CALLS, Asked, Call
from kit.redact.labels import Labels
from kit.redact.names import identify, shown_bucket
from kit.redact.protect import protect
from kit.redact.readable import (
    CONDITION_KEY,
    FORMS,
    GRAMMAR,
    PUBLISHED,
    REPORT,
    REPORTED,
    UUID,
    regions,
    services,
)
from kit.snapshot import Request, Snapshot

_SECRET = re.compile(r"⟦secret: [^⟦⟧]{1,60}⟧")
_ARN = re.compile(r"(arn:aws[a-z-]*):([a-z0-9-]+):([a-z0-9-]*|\*):(\d{12}|aws|\*|):(.+)", re.DOTALL)
_TYPES = (
    *("account", "agreement", "alias", "analyzer", "app-block", "app-block-builder"),
    *("application", "assumed-role", "certificate-authority", "entitlement", "eventdatastore"),
    *("federated-user", "fleet", "group", "image", "image-builder", "instance-profile", "key"),
    *("log-group", "mfa", "oidc-provider", "organization", "policy", "report", "role"),
    *("saml-provider", "security-group", "stack", "subnet", "trail", "user", "vpc", "vpc-endpoint"),
)
_TYPED = re.compile(rf"({'|'.join(_TYPES)})([/:])(.+)", re.DOTALL)
_DOCUMENTS = {"Policy", "PolicyDocument", "CloudTrailEvent", "AssumeRolePolicyDocument", "Document"}
_BUCKETS = re.compile(r"((S3|s3|Target|^)[Bb]ucket|[Bb]ucket)(Name|s)?")
_MADE_UP = re.compile(UUID)

# Members that name a thing, and what kind of thing.
_NAMES = {
    "StackName": "stack",
    "DirectoryName": "directory",
    "ImageName": "image",
    "ImageBuilderName": "image builder",
    "UserName": "user",
    "GroupName": "group",
    "GroupList": "group",
    "RoleName": "role",
    "appstream.ListAssociatedFleets.Names": "fleet",
    "appstream.DescribeImagePermissions.Name": "image",
}
_OWN_NAMES = frozenset(
    {
        *("Name", "name", "UserName", "RoleName", "GroupName", "PolicyName", "DirectoryName"),
        *("InstanceProfileName", "TaskId"),
    }
)
_OWN_ARNS = {"", "Trail", "EventDataStore"}
_ARN_MEMBER = re.compile(r"(.*?)(?:Arn|ARN|arn|^)")


@dataclass(frozen=True)
class _Place:
    """Where a value stands: in which request, under which member, and what its neighbours say."""

    request: Request
    call: Call
    path: str = ""
    member: str = ""
    labels: Mapping[str, str] | None = None

    @property
    def personal(self) -> bool:
        """Whether the call declares the member, and not only something around it, as personal."""
        return self.path in self.call.personal

    def within(self, member: str) -> _Place:
        path = f"{self.path}.{member}" if self.path else member
        return replace(self, path=path, member=member, labels=None)

    @property
    def each(self) -> _Place:
        return replace(self, path=f"{self.path}[]")


class Redactor:
    """Replaces what somebody chose by labels.

    Parameters
    ----------
    snapshot : Snapshot
    labels : Labels
        As tables were labelled with: a label that they gave is given again.
    """

    def __init__(self, snapshot: Snapshot, labels: Labels):
        self._snapshot = snapshot
        self._labels = labels
        self._by_identity: dict[str, str] = {}
        by_name: dict[tuple[str, str, str], set[str]] = {}
        for label, named in labels.made.items():
            self._by_identity.setdefault(named.identity, label)
            for name in _called(named.identity, named.name):
                key = (named.kind, _region(named.identity), name)
                by_name.setdefault(key, set()).add(label)
        self._by_name = {
            key: next(iter(found)) for key, found in by_name.items() if len(found) == 1
        }

    def __call__(self, request: Request) -> Request:
        """Return a request whose parameters, response and error message name nobody.

        Their structure is the raw one's. The digest and the nonce are still those of the raw
        response.
        """
        call, model = CALLS[request.call], _operation(request.service, request.operation)
        place, response = _Place(request, call), request.response
        if response is not None:
            response = self._value(response, model.output_shape, place)
        return replace(
            request,
            parameters=self._parameters(request.parameters, model.input_shape, place),
            error=self._error(call, request.error),
            response=response,
        )

    def _parameters(self, given: Mapping[str, Any], shape: Any, place: _Place) -> dict[str, Any]:
        """Parameters; those that the call declares itself stay as they are."""
        snapshot = self._snapshot
        asked = Asked(snapshot.account, snapshot.as_of, snapshot.run.lookback_days)
        declared = protect(place.call, dict(place.call.parameters(asked)))
        members = shape.members if shape else {}
        return {
            name: value
            if name in declared and declared[name] == value
            else self._value(value, members.get(name), place.within(name))
            for name, value in given.items()
        }

    def _error(self, call: Call, error: Mapping[str, str] | None) -> dict[str, str] | None:
        """AWS's code; the message, which names principals and resources, is a label.

        Words by which AWS says that there is none of it are kept: a verdict rests on them.
        """
        if error is None:
            return None
        message = error["message"]
        fact = call.absent.get(error["code"], "")
        if fact and fact in message:
            return {**error, "message": fact}
        return {**error, "message": self._label("message", message) if message else ""}

    def _value(self, value: Any, shape: Any, place: _Place) -> Any:
        kind = shape.type_name if shape else ""
        if isinstance(value, list):
            member = shape.member if kind == "list" else None
            return [self._value(item, member, place.each) for item in value]
        if isinstance(value, dict) and kind == "structure":
            inner = replace(place, labels=self._labels_beside(value, place))
            return {
                name if name in shape.members else self._key(name): self._member(
                    name, part, shape.members.get(name), inner
                )
                for name, part in value.items()
            }
        if isinstance(value, dict):
            key, member = (shape.key, shape.value) if kind == "map" else (None, None)
            return {
                self._key(name, key): self._value(part, member, place.within(name))
                for name, part in value.items()
            }
        return self._text(value, shape, place) if isinstance(value, str) else value

    def _member(self, name: str, value: Any, shape: Any, place: _Place) -> Any:
        given = (place.labels or {}).get(name)
        return given if given is not None else self._value(value, shape, place.within(name))

    def _labels_beside(self, item: dict[str, Any], place: _Place) -> dict[str, str]:
        """What stands for the members that are the name of the item, or of an ARN beside them."""
        found: dict[str, str] = {}
        listed = place.path == f"{place.call.items}[]"
        identities = {"": identify(item, place.request) if listed else "", **item}
        for member, identity in identities.items():
            stem = _ARN_MEMBER.fullmatch(member)
            if not stem or not isinstance(identity, str):
                continue
            own = _OWN_NAMES if stem[1] in _OWN_ARNS else frozenset()
            label = self._by_identity.get(identity, "")
            if not label and identity.startswith("arn:"):
                label = self._arn(identity).rpartition("/")[2]
            named = self._labels.made.get(label)
            called = _called(identity, named.name if named else "")
            for name in item.keys() & {f"{stem[1]}Name", *own}:
                if label and item[name] in called:
                    found.setdefault(name, label)
        return found

    def _key(self, name: str, shape: Any = None) -> str:
        """The key of a map, or a member of a document that no shape describes."""
        if name in (getattr(shape, "enum", None) or ()) or GRAMMAR.fullmatch(name):
            return name
        condition = None if shape else CONDITION_KEY.fullmatch(name)
        if condition:
            tag = f"/{self._label('text', condition[2][1:])}" if condition[2] else ""
            return f"{condition[1]}{tag}"
        return self._label("text", name)

    def _text(self, text: str, shape: Any, place: _Place) -> str:
        kind = shape.type_name if shape else "string"
        known = {word.casefold() for word in getattr(shape, "enum", None) or ()}
        if not text or _SECRET.fullmatch(text) or text.casefold() in known:
            return text
        if kind == "timestamp" or place.member in PUBLISHED.get(place.call.name, ()):
            return text
        if place.member in _DOCUMENTS and (document := _document(text)) is not None:
            inner = self._value(document, None, replace(place, path=f"{place.path}|"))
            return json.dumps(inner, ensure_ascii=False)
        if place.call.name == "iam.GetCredentialReport" and place.member == "Content":
            return "".join(self._report(text))
        if text.startswith("arn:"):
            return self._arn(text)
        return self._name(text, place) or self._other(text, place)

    def _name(self, text: str, place: _Place) -> str | None:
        if _BUCKETS.fullmatch(place.member) or place.path == "Buckets[].Name":
            return shown_bucket(self._labels, text)
        kind = _NAMES.get(f"{place.call.name}.{place.member}") or _NAMES.get(place.member, "")
        where = (place.request.region, "")
        return next(
            (self._by_name[k] for r in where if (k := (kind, r, text)) in self._by_name), None
        )

    def _other(self, text: str, place: _Place) -> str:
        if not place.personal and any(form.admits(place.member, text) for form in FORMS):
            return text
        tokens = dict.fromkeys(_SECRET.findall(text))
        return " ".join([self._label("text", text), *tokens])

    def _arn(self, arn: str) -> str:
        """An ARN with its structure, and a label in the place of a name."""
        found = _ARN.fullmatch(arn)
        if not found or found[2] not in services() or found[3] not in regions() | {"", "*"}:
            return self._label("text", arn)
        if _is_aws(arn):
            return arn
        head, resource = arn[: -len(found[5])], found[5]
        if found[2] == "s3":
            name, slash, path = resource.partition("/")
            rest = path if re.fullmatch(r"\**", path) else self._label("text", path)
            return f"{head}{self._bucket_pattern(name)}{slash}{rest}"
        typed = _TYPED.fullmatch(resource)
        if not typed:
            return head + (resource if resource in ("root", "*") else self._label("resource", arn))
        return f"{head}{typed[1]}{typed[2]}{self._named(arn, typed[1], typed[3])}"

    def _named(self, arn: str, kind: str, name: str) -> str:
        aws = kind == "alias" and name.startswith("aws/")
        made_up = kind in ("key", "certificate-authority", "vpc-endpoint", "subnet", "vpc")
        if arn in self._by_identity:
            return self._by_identity[arn]
        if aws or name == "*" or (made_up and _MADE_UP.fullmatch(name)):
            return name
        return self._label(kind.replace("-", " "), arn)

    def _bucket_pattern(self, name: str) -> str:
        own = name.rstrip("*")
        if not own or (own != name and any(p.startswith(own) for p in _PREFIXES)):
            return name
        return shown_bucket(self._labels, own) + name[len(own) :]

    def _label(self, kind: str, text: str) -> str:
        return self._labels.label(kind, text)

    def _report(self, text: str) -> Iterator[str]:
        """IAM's credential report, a line for each user."""
        lines = list(csv.reader(io.StringIO(text)))
        header = lines[0] if lines else []
        for n, line in enumerate(lines):
            cells = [
                self._cell(header[at] if n and at < len(header) else "", cell, line)
                for at, cell in enumerate(line)
            ]
            file = io.StringIO()
            csv.writer(file, lineterminator="\n").writerow(cells)
            yield file.getvalue()

    def _cell(self, column: str, cell: str, line: list[str]) -> str:
        if not column:
            return cell if cell in REPORT else self._label("text", cell)
        if cell.startswith("arn:"):
            return self._arn(cell)
        if column == "user":
            if cell == "<root_account>":
                return cell
            known = next(
                (self._by_identity[c] for c in (*line, cell) if c in self._by_identity), ""
            )
            return known or self._label("user", cell)
        kept = not cell or REPORTED.fullmatch(cell) or cell in regions() or cell in services()
        return cell if kept else self._label("text", cell)


_PREFIXES = ("appstream2-36fb080bb8-", "appstream-app-settings-", "appstream-logs-")


def _called(identity: str, name: str) -> set[str]:
    return {identity.rpartition("/")[2], name} - {""}


def _region(identity: str) -> str:
    """The region in an ARN, or before the slash in what stands for one."""
    if identity.startswith("arn:"):
        return (identity.split(":") + [""] * 4)[3]
    return identity.partition("/")[0] if "/" in identity else ""


def _is_aws(arn: str) -> bool:
    """Whether an ARN is of something that AWS publishes for all: a policy, an image, a report."""
    found = _ARN.fullmatch(arn)
    return bool(
        found and (found[4] == "aws" or (not found[4] and found[2] in ("appstream", "artifact")))
    )


def _document(text: str) -> Any:
    try:
        made = json.loads(text)
    except ValueError:
        return None
    return made if isinstance(made, dict | list) else None


@cache
def _operation(service: str, operation: str) -> OperationModel:
    return models().get_service_model(service).operation_model(operation)
