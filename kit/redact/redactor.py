"""Redacts answers for a pack: a label replaces every text that somebody chose; AWS's text stays.

botocore's shape of the member, the call's declaration and `kit.redact.readable` decide. A thing has
the same label here as in the tables, so that a reader can follow a cell to its record.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any, NamedTuple

from botocore.model import OperationModel

from kit.aws_models import models
from kit.bounds import ANSWER, parse_json
from kit.calls import CALLS, Call, RunContext
from kit.redact.labels import Labels
from kit.redact.names import identify, shown_bucket
from kit.redact.protect import protect
from kit.redact.readable import (
    CLAIM,
    CONDITION_KEY,
    GRAMMAR,
    PUBLISHED,
    REPORT,
    REPORTED,
    UUID,
    is_readable,
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
_GENERATED = re.compile(UUID)

# Members that name a thing, and its kind.
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
_ITEM_NAMES = frozenset(
    {
        *("Name", "name", "UserName", "RoleName", "GroupName", "PolicyName", "DirectoryName"),
        *("InstanceProfileName", "TaskId"),
    }
)
_PERSONS = frozenset({"FirstName", "LastName", "UserName"})
_ITEM_ARNS = {"", "Trail", "EventDataStore"}
_ARN_MEMBER = re.compile(r"(.*?)(?:Arn|ARN|arn|^)")


class _Place(NamedTuple):
    """The place of a value: its request, its member, and the labels of its neighbours."""

    request: Request
    call: Call
    path: str = ""
    member: str = ""
    labels: Mapping[str, str] | None = None

    @property
    def personal(self) -> bool:
        """Whether the call declares this member itself, not only its parent, as personal."""
        return self.path in self.call.personal

    def within(self, member: str) -> _Place:
        path = f"{self.path}.{member}" if self.path else member
        return _Place(self.request, self.call, path, member)

    @property
    def each(self) -> _Place:
        return self._replace(path=f"{self.path}[]")


class Redactor:
    """Replaces text that somebody chose by labels.

    Parameters
    ----------
    snapshot : Snapshot
    labels : Labels
        The labels of the tables, which are used again and stay as they are.

    Attributes
    ----------
    labels : Labels
        These, and the labels that redaction adds.
    persons : set of str
        The texts of members that hold a person's name.
    """

    def __init__(self, snapshot: Snapshot, labels: Labels):
        self._snapshot = snapshot
        self.labels = labels.copy()
        self.persons: set[str] = set()
        self._by_identity: dict[str, str] = {}
        by_name: dict[tuple[str, str, str], set[str]] = {}
        for label, named in labels.made.items():
            self._by_identity.setdefault(named.identity, label)
            for name in _names_of(named.identity, named.name):
                key = (named.kind, _region(named.identity), name)
                by_name.setdefault(key, set()).add(label)
        self._by_name = {
            key: next(iter(labelled)) for key, labelled in by_name.items() if len(labelled) == 1
        }

    def __call__(self, request: Request) -> Request:
        """Return a request whose parameters, response and error message name nobody.

        The structure is that of the raw request. The digest and the nonce remain those of the raw
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
        """Redact parameters; those that the call itself declares stay unchanged."""
        snapshot = self._snapshot
        subject = RunContext.of(snapshot.account, snapshot.as_of, snapshot.run)
        declared = protect(place.call, dict(place.call.parameters(subject)))
        members = shape.members if shape else {}
        return {
            name: value
            if name in declared and declared[name] == value
            else self._value(value, members.get(name), place.within(name))
            for name, value in given.items()
        }

    def _error(self, call: Call, error: Mapping[str, str] | None) -> dict[str, str] | None:
        """Keep AWS's code; replace the message, which names principals and resources, by a label.

        The words by which AWS reports an absence stay readable: a verdict rests on them.
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
            inner = place._replace(labels=self._labels_beside(value, place))
            return {
                name if name in shape.members else self._key(name): self._member(
                    name, part, shape.members.get(name), inner
                )
                for name, part in value.items()
            }
        if isinstance(value, dict):
            key, member = (shape.key, shape.value) if kind == "map" else (None, None)
            redacted = {}
            for name, part in value.items():
                shown, within = self._key(name, key), place.within(name)
                if key or shown != name:  # somebody chose the name: AWS writes no text beneath it
                    within = within._replace(member="")
                redacted[shown] = self._value(part, member, within)
            return redacted
        if isinstance(value, str):
            return self._text(value, shape, place)
        chosen = not shape and not place.member and not isinstance(value, bool | None)
        return self._label("text", str(value)) if chosen else value

    def _member(self, name: str, value: Any, shape: Any, place: _Place) -> Any:
        label = (place.labels or {}).get(name)
        return label if label is not None else self._value(value, shape, place.within(name))

    def _labels_beside(self, item: dict[str, Any], place: _Place) -> dict[str, str]:
        """Return the labels of the members that name the item, or the resource of an ARN beside."""
        labels: dict[str, str] = {}
        listed = place.path == f"{place.call.items}[]"
        identities = {"": identify(item, place.request) if listed else "", **item}
        for member, identity in identities.items():
            named_beside = _names_beside(member)
            if not named_beside or not isinstance(identity, str):
                continue
            label = self._by_identity.get(identity, "")
            if not label and identity.startswith("arn:"):
                label = self._arn(identity).rpartition("/")[2]
            named = self.labels.made.get(label)
            accepted = _names_of(identity, named.name if named else "")
            for name in item.keys() & named_beside:
                if label and item[name] in accepted:
                    labels.setdefault(name, label)
        return labels

    def _key(self, name: str, shape: Any = None) -> str:
        """Redact the key of a map, or a member of a document that no shape describes."""
        if name in (getattr(shape, "enum", None) or ()) or GRAMMAR.fullmatch(name):
            return name
        condition = None if shape else CONDITION_KEY.fullmatch(name)
        if condition:
            tag = f"/{self._label('text', condition[2][1:])}" if condition[2] else ""
            return f"{condition[1]}{tag}"
        if not shape and (claim := CLAIM.fullmatch(name)):
            return f"{self._label('identity provider', claim[1])}:{claim[2]}"
        return self._label("text", name)

    def _text(self, text: str, shape: Any, place: _Place) -> str:
        kind = shape.type_name if shape else "string"
        if not text or _SECRET.fullmatch(text) or text.casefold() in _choices(shape):
            return text
        if kind == "timestamp" or place.member in PUBLISHED.get(place.call.name, ()):
            return text
        if place.member in _DOCUMENTS and (document := _document(text)) is not None:
            inner = self._value(document, None, place._replace(path=f"{place.path}|"))
            return json.dumps(inner, ensure_ascii=False)
        if place.call.name == "iam.GetCredentialReport" and place.member == "Content":
            return "".join(self._report(text))
        if text.startswith("arn:"):
            return self._arn(text)
        return self._name(text, place) or self._other(text, place)

    def _name(self, text: str, place: _Place) -> str | None:
        if _BUCKETS.fullmatch(place.member) or place.path == "Buckets[].Name":
            return shown_bucket(self.labels, text)
        kind = _NAMES.get(f"{place.call.name}.{place.member}") or _NAMES.get(place.member, "")
        candidates = (place.request.region, "")
        return next(
            (self._by_name[k] for r in candidates if (k := (kind, r, text)) in self._by_name), None
        )

    def _other(self, text: str, place: _Place) -> str:
        if not place.personal and is_readable(place.member, text):
            return text
        if place.member in _PERSONS:
            self.persons.add(text)
        tokens = dict.fromkeys(_SECRET.findall(text))
        return " ".join([self._label("text", text), *tokens])

    def _arn(self, arn: str) -> str:
        """Return an ARN with its structure, and a label in place of the name."""
        match = _ARN.fullmatch(arn)
        if not match or match[2] not in services() or match[3] not in regions() | {"", "*"}:
            return self._label("text", arn)
        if _is_aws(arn):
            return arn
        head, resource = arn[: -len(match[5])], match[5]
        if match[2] == "s3":
            name, slash, path = resource.partition("/")
            rest = path if re.fullmatch(r"\**", path) else self._label("text", path)
            return f"{head}{self._bucket_pattern(name)}{slash}{rest}"
        typed = _TYPED.fullmatch(resource)
        if not typed:
            return head + (resource if resource in ("root", "*") else self._label("resource", arn))
        return f"{head}{typed[1]}{typed[2]}{self._named(arn, typed[1], typed[3])}"

    def _named(self, arn: str, kind: str, name: str) -> str:
        aws = kind == "alias" and name.startswith("aws/")
        generated = kind in ("key", "certificate-authority", "vpc-endpoint", "subnet", "vpc")
        if arn in self._by_identity:
            return self._by_identity[arn]
        if aws or name == "*" or (generated and _GENERATED.fullmatch(name)):
            return name
        return self._label(kind.replace("-", " "), arn)

    def _bucket_pattern(self, name: str) -> str:
        prefix = name.rstrip("*")
        if not prefix or (prefix != name and any(p.startswith(prefix) for p in _PREFIXES)):
            return name
        return shown_bucket(self.labels, prefix) + name[len(prefix) :]

    def _label(self, kind: str, text: str) -> str:
        return self.labels.label(kind, text)

    def _report(self, text: str) -> Iterator[str]:
        """Redact IAM's credential report, line by line."""
        try:
            lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        except csv.Error:  # `kit.tables.identity` reads nothing of it either
            yield self._label("text", text)
            return
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
            label = next(
                (self._by_identity[c] for c in (*line, cell) if c in self._by_identity), ""
            )
            return label or self._label("user", cell)
        readable = not cell or REPORTED.fullmatch(cell) or cell in regions() or cell in services()
        return cell if readable else self._label("text", cell)


@lru_cache(1_000)
def _names_beside(member: str) -> frozenset[str]:
    """Return the members that may hold the name of what an ARN's member identifies; none of others."""
    stem = _ARN_MEMBER.fullmatch(member)
    if not stem:
        return frozenset()
    return frozenset({f"{stem[1]}Name"}) | (_ITEM_NAMES if stem[1] in _ITEM_ARNS else frozenset())


@lru_cache(1_000)
def _choices(shape: Any) -> frozenset[str]:
    """Return the values of a shape that is a choice, folded to one case."""
    return frozenset(value.casefold() for value in getattr(shape, "enum", None) or ())


_PREFIXES = ("appstream2-36fb080bb8-", "appstream-app-settings-", "appstream-logs-")


def _names_of(identity: str, name: str) -> set[str]:
    return {identity.rpartition("/")[2], name} - {""}


def _region(identity: str) -> str:
    """Return the region in an ARN, or before the slash of an identity without an ARN."""
    if identity.startswith("arn:"):
        return (identity.split(":") + [""] * 4)[3]
    return identity.partition("/")[0] if "/" in identity else ""


def _is_aws(arn: str) -> bool:
    """Return whether an ARN is of a policy, image or report that AWS publishes for all."""
    match = _ARN.fullmatch(arn)
    return bool(
        match and (match[4] == "aws" or (not match[4] and match[2] in ("appstream", "artifact")))
    )


def _document(text: str) -> Any:
    try:
        document = parse_json(text, ANSWER)
    except ValueError:
        return None
    return document if isinstance(document, dict | list) else None


@cache
def _operation(service: str, operation: str) -> OperationModel:
    return models().get_service_model(service).operation_model(operation)
