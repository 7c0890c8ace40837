"""Sample accounts: YAML files with AWS's member names, turned into AWS's answers.

Besides AWS's members an item may have ``Like: <variant>`` (a named set of defaults), ``Copies: 200``
with ``${n}`` in its text, and ``Every: 2h`` (the time between two copies). Null removes a default.
Any text may contain ``${account}``, ``${region}``, ``${id}``, ``${uuid}`` and the item's members.
A time such as ``-3d`` or ``+2h`` is relative to the start of the sandbox, whole days to its midnight.
A mapping where AWS has a string (a policy, a CloudTrail event) becomes JSON.
"""

from __future__ import annotations

import base64
import copy
import datetime as dt
import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from moto.core.model import Shape

from kit.sandbox.checks import check_output
from kit.sandbox.kinds import GLOBAL_SERVICES, KINDS, Kind
from kit.shipped import yaml_data

RELATIVE = re.compile(r"^([+-]?\d+)(m|h|d)$")
_DAY = dt.timedelta(days=1)
UNIT = {"m": "minutes", "h": "hours", "d": "days"}
DIRECTIVES = ("Like", "Copies", "Every")


class Item(dict[str, Any]):
    """A resource in the answer of an operation; `beside` has what other operations answer."""

    beside: dict[str, Any]


@dataclass
class Account:
    """A sample account with all its declared items."""

    name: str
    id: str
    about: str
    region_status: dict[str, str]
    home_region: str
    _declared: dict[tuple[str, str, str], list[Item]] = field(default_factory=dict)

    @property
    def access_key_id(self) -> str:
        """The access key of the account's evidence analyst, the same at every start."""
        return f"ASIA{_id('access key', self.id)[:16]}"

    @property
    def secret_access_key(self) -> str:
        """The secret of the access key; the sandbox does not check signatures."""
        return hashlib.sha256(f"secret of {self.id}".encode()).hexdigest()[:40]

    @property
    def caller(self) -> str:
        """The ARN of the session whose credentials `Sandbox.environment` returns."""
        return f"arn:aws:sts::{self.id}:assumed-role/EvidenceReader/evidence-analyst"

    def declared(self, service: str, kind: str, region: str) -> list[Item]:
        """Return the declared items of a kind; at most one where AWS has at most one."""
        where = "" if service in GLOBAL_SERVICES else region
        return self._declared.get((service, kind, where), [])

    def declare(self, service: str, kind: str, region: str, item: Item) -> None:
        """Add an item that a request makes."""
        where = "" if service in GLOBAL_SERVICES else region
        self._declared.setdefault((service, kind, where), []).append(item)

    def regions(self, service: str) -> list[str]:
        """Return the regions in which the account declares items of `service`."""
        return sorted({region for (name, _, region) in self._declared if name == service})


_COPIES = 700_000_000_000  # first id of copied accounts


@cache
def _read(path: str) -> Any:
    return yaml_data(files("kit.sandbox") / path)


def load(name: str, now: dt.datetime, copy: int = 0) -> Account:
    """Read a sample account.

    Parameters
    ----------
    name : str
    now : datetime
        UTC; times in the file are relative to it, see `instant`.
    copy : int
        0 for the account itself; ``demo-7`` is like ``demo``, with another id.

    Raises
    ------
    ValueError
        The file declares what AWS's models do not allow; the message names file, kind and item.
    """
    raw, defaults = _read(f"accounts/{name}.yaml"), _read("defaults.yaml")
    status = dict.fromkeys(defaults["regions"]["enabled by default"], "ENABLED_BY_DEFAULT")
    status |= dict.fromkeys(defaults["regions"]["opt-in"], "DISABLED")
    home = next(iter(raw.get("regions") or {}), defaults["regions"]["home"])
    full_name, identity = (f"{name}-{copy}", f"{_COPIES + copy}") if copy else (name, raw["id"])
    account = Account(full_name, identity, raw["about"], status, home)
    _declare(account, "", {s: raw[s] for s in GLOBAL_SERVICES if s in raw}, now)
    for region, services in (raw.get("regions") or {}).items():
        services = dict(services or {})
        opted_in = "ENABLED" if status[region] == "DISABLED" else status[region]
        status[region] = services.pop("RegionOptStatus", opted_in)
        _declare(account, region, services, now)
    return account


def _declare(account: Account, region: str, services: Mapping[str, Any], now: dt.datetime) -> None:
    context = {"account": account.id, "region": region}
    shared = _read("defaults.yaml")["in every region" if region else "in every account"] or {}
    for service in services.keys() | shared.keys():
        particular, common = services.get(service) or {}, shared.get(service) or {}
        for kind in particular.keys() | common.keys():
            where = f"{account.name}: {region or 'account'} {service}.{kind}"
            if kind not in KINDS.get(service, {}):
                raise ValueError(
                    f"{where} is not a kind that the sandbox serves (kit/sandbox/kinds.py)"
                )
            value = particular.get(kind, common.get(kind))
            if value and isinstance(value, list) and kind in particular:
                value = [*common.get(kind, []), *value]
            if value is not None:
                items = _Maker(service, where, now).make(KINDS[service][kind], kind, value, context)
                account._declared[service, kind, region] = (
                    items if isinstance(items, list) else [items]
                )


@dataclass(frozen=True)
class _Maker:
    service: str
    where: str
    now: dt.datetime

    def make(self, kind: Kind, name: str, value: Any, context: dict[str, str]) -> Any:
        if not kind.is_list:
            return self._item(kind, name, value, context)
        return [
            item
            for entry, raw in enumerate(value)
            for item in self._copies(kind, name, raw, context | {"entry": str(entry)})
        ]

    def _copies(
        self, kind: Kind, name: str, raw: Mapping[str, Any], context: dict[str, str]
    ) -> Iterator[Any]:
        every = relative(raw["Every"]) if "Every" in raw else dt.timedelta()
        for n in range(1, raw.get("Copies", 1) + 1):
            yield self._item(kind, name, raw, context | {"n": str(n)}, earlier=(n - 1) * every)

    def _item(
        self,
        kind: Kind,
        name: str,
        raw: Any,
        context: dict[str, str],
        earlier: dt.timedelta = dt.timedelta(),
    ) -> Any:
        shape, where = kind.shape(self.service), self.where
        if not isinstance(raw, Mapping):
            value = self._shaped(_filled(raw, context), shape)
            check_output(shape, value, where)
            return value
        merged = _pruned(_merge(_variant(self.service, name, raw.get("Like")), raw))
        for directive in DIRECTIVES:
            merged.pop(directive, None)
        merged, context = self._fill(merged, context, earlier)
        beside = {k: merged.pop(k) for k in kind.beside if k in merged}
        value = self._shaped(merged, shape)
        check_output(shape, value, f"{where} {context.get('Name', '')}")
        if isinstance(value, str):
            return value
        item = Item(value)
        context |= {"parent": context.get("Name", "")}
        item.beside = {
            k: replace(self, where=f"{where} {context['parent']}.{k}").make(
                v, k, beside[k], context
            )
            for k, v in kind.beside.items()
            if k in beside
        }
        return item

    def _fill(
        self, raw: dict[str, Any], context: dict[str, str], earlier: dt.timedelta
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Fill in the item's members, whose texts may contain one another."""
        context = dict(context)
        if "EventTime" in raw:
            raw["EventTime"] = self._time(raw["EventTime"]) - earlier
            context["time"] = raw["EventTime"].strftime("%Y-%m-%dT%H:%M:%SZ")
        for step in range(2):
            texts = {k: v for k, v in _filled(raw, context).items() if isinstance(v, str)}
            context |= {k: v for k, v in texts.items() if "${" not in v}
            if step == 0:
                stable = {k: v for k, v in context.items() if k != "time"}
                key = json.dumps([self.where, stable], sort_keys=True)
                context |= {"uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, key)), "id": _id(key)}
        return _filled(raw, context), context

    def _time(self, value: Any) -> dt.datetime:
        if isinstance(value, dt.datetime):
            return value if value.tzinfo else value.replace(tzinfo=dt.UTC)
        if isinstance(value, dt.date):
            return dt.datetime.combine(value, dt.time(), dt.UTC)
        return instant(self.now, value)

    def _shaped(self, value: Any, shape: Shape | None) -> Any:
        """Convert times and JSON texts to the type of the shape."""
        if shape is None:
            return value
        if shape.type_name == "timestamp":
            return self._time(value)
        if shape.type_name == "string" and isinstance(value, Mapping | list):
            return json.dumps(value, ensure_ascii=False)
        if shape.type_name == "structure" and isinstance(value, Mapping):
            return {k: self._shaped(v, shape.members.get(k)) for k, v in value.items()}
        if shape.type_name == "list" and isinstance(value, list):
            return [self._shaped(v, shape.member) for v in value]
        return value


def relative(text: str) -> dt.timedelta:
    """Return the time span of ``-3d``, ``+2h`` or ``90m``.

    Raises
    ------
    ValueError
        `text` is not a time span.
    """
    if not (match := RELATIVE.match(str(text))):
        raise ValueError(f"{text!r} is not a time: write -3d, +2h or 90m, or a date")
    return dt.timedelta(**{UNIT[match[2]]: int(match[1])})


def instant(now: dt.datetime, text: str) -> dt.datetime:
    """Return the time that a span such as ``-3d`` or ``+2h`` names.

    Whole days count from midnight (UTC), so that sandboxes that start on one day serve the same
    dates, and two audits of them do not differ in these.
    """
    span = relative(text)
    start = now if span % _DAY else dt.datetime.combine(now, dt.time(), dt.UTC)
    return start + span


@cache
def aws_managed_policies() -> dict[str, dict[str, Any]]:
    """Return the AWS managed policies that sample accounts attach, by ARN, as IAM describes them."""
    policies = {}
    for name, declared in _read("defaults.yaml")["AWS managed policies"].items():
        path = declared.get("Path", "/")
        arn, since = f"arn:aws:iam::aws:policy{path}{name}", dt.datetime(2017, 1, 1, tzinfo=dt.UTC)
        version = {
            "Document": json.dumps(declared["Document"]),
            "VersionId": "v1",
            "IsDefaultVersion": True,
            "CreateDate": since,
        }
        policies[arn] = {
            "PolicyName": name,
            "PolicyId": f"ANPA{_id(arn)}",
            "Arn": arn,
            "Path": path,
            "DefaultVersionId": "v1",
            "IsAttachable": True,
            "CreateDate": since,
            "UpdateDate": since,
            "PolicyVersionList": [version],
        }
    return policies


def _variant(service: str, kind: str, like: str | None) -> dict[str, Any]:
    variants = _read("defaults.yaml")["items"].get(service, {}).get(kind, {})
    if like is not None and like not in variants:
        raise ValueError(f"{service}.{kind} has no variant {like!r} in defaults.yaml")
    defaults = copy.deepcopy(variants.get("default") or {})
    if like:
        chosen = dict(variants[like])
        defaults = _merge(_variant(service, kind, chosen.pop("Like", None)), chosen)
    return defaults


def _merge(base: Any, over: Any) -> Any:
    if not (isinstance(base, Mapping) and isinstance(over, Mapping)):
        return copy.deepcopy(over)
    return {
        k: _merge(base.get(k), over[k]) if k in over else copy.deepcopy(base[k])
        for k in [*base, *(k for k in over if k not in base)]
    }


def _pruned(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _pruned(v) for k, v in value.items() if v is not None}
    return [_pruned(v) for v in value] if isinstance(value, list) else value


def _filled(value: Any, context: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return Template(value).safe_substitute(context) if "${" in value else value
    if isinstance(value, Mapping):
        return {_filled(k, context): _filled(v, context) for k, v in value.items()}
    return [_filled(v, context) for v in value] if isinstance(value, list) else value


def _id(*parts: str) -> str:
    """Return 17 upper-case letters and digits, always the same for the same parts."""
    digest = hashlib.sha256("\n".join(parts).encode()).digest()
    return base64.b32encode(digest).decode()[:17]
