"""Requests with their policies, drawn from a seed: what two evaluators are asked alike.

Run as a module this prints the requests as JSON Lines, for `simulate.mjs`; with ``--table``, what
they exercise and how often.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, TypeVar

SEED = 20261128
OWN, FOREIGN, OTHER = "123456789012", "999999999999", "555555555555"
BUCKET = "arn:aws:s3:::appstream2-36fb080bb8-eu-west-1-123456789012"
KEY = f"arn:aws:kms:eu-west-1:{OWN}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
TRUSTED = f"arn:aws:iam::{OWN}:role/Trusted"
USER_ID, ROLE_ID = "AIDA234567ABCDEFGHIJK", "AROA234567ABCDEFGHIJK"
SERVICE = "appstream.amazonaws.com"

Item = TypeVar("Item")


class Draw:
    """Draws that every version of Python makes alike: only ``random()`` is promised to stay."""

    def __init__(self, seed: int):
        self._random = random.Random(seed)

    def chance(self, share: float) -> bool:
        return self._random.random() < share

    def one(self, items: Sequence[Item]) -> Item:
        return items[int(self._random.random() * len(items))]

    def some(self, items: Sequence[Item], most: int) -> list[Item]:
        return [self.one(items) for _ in range(1 + int(self._random.random() * most))]


def _principal(kind: str, account: str) -> dict[str, Any]:
    """Who asks, and the keys that AWS puts into the request of such a principal."""
    base = f"arn:aws:iam::{account}"
    if kind == "user":
        arn, name = f"{base}:user/staff/jane", f"{base}:user/staff/jane"
        facts = {"aws:userid": USER_ID, "aws:username": "jane", "aws:PrincipalType": "User"}
    elif kind == "role":
        arn, name = f"{base}:role/team/Helpdesk", f"arn:aws:sts::{account}:assumed-role/Helpdesk/me"
        facts = {"aws:userid": f"{ROLE_ID}:me", "aws:PrincipalType": "AssumedRole"}
    elif kind == "root":
        arn = name = f"{base}:root"
        facts = {"aws:userid": account, "aws:PrincipalType": "Account"}
    elif kind == "service":
        return {
            "kind": kind,
            "arn": SERVICE,
            "name": SERVICE,
            "account": "",
            "facts": {"aws:PrincipalIsAWSService": "true", "aws:PrincipalServiceName": SERVICE},
        }
    else:
        return {"kind": kind, "arn": "", "name": "", "account": "", "facts": {}}
    facts |= {
        "aws:PrincipalArn": arn,
        "aws:PrincipalAccount": account,
        "aws:PrincipalIsAWSService": "false",
    }
    return {"kind": kind, "arn": arn, "name": name, "account": account, "facts": facts}


PRINCIPALS = [
    ("user", OWN),
    ("user", FOREIGN),
    ("role", OWN),
    ("role", FOREIGN),
    ("root", OWN),
    ("root", FOREIGN),
    ("service", ""),
    ("anonymous", ""),
]
TARGETS = [
    ("bucket", "s3:GetObject", f"{BUCKET}/user/custom/jane/a.txt"),
    ("bucket", "s3:PutObject", f"{BUCKET}/user/custom/john/b?.txt"),
    ("bucket", "s3:DeleteObjectVersion", f"{BUCKET}/applications/c.vhdx"),
    ("bucket", "s3:ListBucket", BUCKET),
    ("bucket", "s3:PutBucketPolicy", BUCKET),
    ("key", "kms:Decrypt", KEY),
    ("key", "kms:GenerateDataKey", KEY),
    ("role", "sts:AssumeRole", TRUSTED),
]

# Values of keys in requests; a list is a key of several values.
CONTEXT: dict[str, list[Any]] = {
    "aws:SecureTransport": ["true", "false"],
    "aws:MultiFactorAuthPresent": ["true", "false"],
    "aws:SourceIp": ["192.0.2.10", "198.51.100.7", "2001:db8::7", "10.1.2.3"],
    "aws:MultiFactorAuthAge": ["60", "3600", "7200"],
    "aws:CurrentTime": ["2026-11-28T12:00:00Z", "2030-01-01T00:00:00Z", "2019-05-05T05:05:05Z"],
    "aws:EpochTime": ["1795867200", "1893456000"],
    "aws:PrincipalOrgID": ["o-abcdefghij", "o-zzzzzzzzzz"],
    "aws:PrincipalTag/team": ["design", "Design", "sales", "de*ign"],
    "aws:UserAgent": ["console.amazonaws.com", "aws-cli/2.0", "Boto3/1.44"],
    "aws:SourceVpce": ["vpce-1a2b3c4d", "vpce-9f8e7d6c"],
    "aws:SourceArn": [f"arn:aws:s3:::{OWN}", f"arn:aws:appstream:eu-west-1:{OWN}:fleet/a:b"],
    "aws:RequestedRegion": ["eu-west-1", "us-east-1"],
    "aws:PrincipalOrgPaths": [
        ["o-a/r-1/ou-1/"], ["o-a/r-1/ou-1/", "o-a/r-1/ou-2/"], ["o-b/r-2/"], [],
    ],
    "aws:CalledVia": [["athena.amazonaws.com"], ["athena.amazonaws.com", "s3.amazonaws.com"]],
    "s3:TlsVersion": ["1.2", "1.3", "1.1"],
}  # fmt: skip
# Operators, each with keys and the values that policies compare them with.
TEXTS: list[tuple[list[str], list[str]]] = [
    (["aws:PrincipalTag/team"], ["design", "sales", "DESIGN", "${aws:username}", "de${*}ign"]),
    (["aws:PrincipalOrgID"], ["o-abcdefghij", "o-other"]),
    (["aws:SourceVpce"], ["vpce-1a2b3c4d", "vpce-0"]),
    (["aws:RequestedRegion", "AWS:requestedregion"], ["eu-west-1", "eu-west-2"]),
    (["aws:PrincipalAccount"], [OWN, FOREIGN]),
    (["aws:SecureTransport"], ["true", "false"]),
    (["aws:userid"], [USER_ID, f"{ROLE_ID}:me"]),
    (["aws:username"], ["jane", "john"]),
]
LIKES: list[tuple[list[str], list[str]]] = [
    (["aws:PrincipalTag/team"], ["de*", "*", "s?les", "d${?}sign", "${aws:username, 'des'}*"]),
    (["aws:PrincipalArn"], ["arn:aws:iam::*:*", "*:role/*", "**", f"arn:aws:iam::{OWN}:user/*"]),
    (["aws:userid"], ["AROA*", "A*", "*:*", f"{ROLE_ID}:*"]),
    (["aws:UserAgent"], ["console*", "*cli*", "Boto?/*"]),
    (["aws:SourceVpce"], ["vpce-*", "vpce-1*"]),
]
ARNS: list[tuple[list[str], list[str]]] = [
    (["aws:PrincipalArn"], [
        "arn:aws:iam::*:*", f"arn:aws:iam::{OWN}:role/*", f"arn:aws:iam::{OWN}:*",
        f"arn:aws:iam::{OWN}:user/staff/jane", f"arn:*:iam::{FOREIGN}:role/team/H?lpdesk",
        f"arn:aws:iam::{OWN}:root",
    ]),
    (["aws:SourceArn"], ["arn:aws:appstream:*:*:fleet/*", "arn:aws:s3:::*", "arn:aws:*:*:*:*"]),
]  # fmt: skip
MANY_TEXTS: list[tuple[list[str], list[str]]] = [
    (["aws:PrincipalOrgPaths"], ["o-a/r-1/ou-1/", "o-a/r-1/ou-2/"]),
    (["aws:CalledVia"], ["athena.amazonaws.com", "s3.amazonaws.com"]),
]
MANY_LIKES: list[tuple[list[str], list[str]]] = [
    (["aws:PrincipalOrgPaths"], ["o-a/r-1/ou-1/*", "o-a/*", "o-b/r-?/"]),
    (["aws:CalledVia"], ["*.amazonaws.com", "athena*"]),
]
NUMBERS = [
    (["aws:MultiFactorAuthAge"], ["60", "3600", "5000"]),
    (["s3:TlsVersion"], ["1.2", "1.3"]),
]
DATES = [
    (["aws:CurrentTime"], ["2026-11-28T12:00:00Z", "2026-11-28", "2031-01-01T00:00:00Z"]),
    (["aws:EpochTime"], ["1795867200", "2028-01-01T00:00:00Z"]),
]
BOOLEANS = [
    (["aws:SecureTransport"], ["true", "false"]),
    (["aws:MultiFactorAuthPresent"], ["true"]),
]
ADDRESSES = [
    (["aws:SourceIp"], [
        "192.0.2.0/24", "0.0.0.0/1", "128.0.0.0/1", "10.1.2.3", "2001:db8::/32", "::/0", "0.0.0.0/0",
    ]),
]  # fmt: skip
NULLS = [
    (["aws:PrincipalTag/team", "aws:SourceVpce", "aws:username", "aws:PrincipalOrgPaths"],
     ["true", "false"]),
]  # fmt: skip
OPERATORS: dict[str, list[tuple[list[str], list[str]]]] = {
    "StringEquals": TEXTS,
    "StringNotEquals": TEXTS,
    "StringEqualsIgnoreCase": TEXTS,
    "StringNotEqualsIgnoreCase": TEXTS,
    "StringLike": LIKES,
    "StringNotLike": LIKES,
    "ArnEquals": ARNS,
    "ArnLike": ARNS,
    "ArnNotEquals": ARNS,
    "ArnNotLike": ARNS,
    "NumericEquals": NUMBERS,
    "NumericNotEquals": NUMBERS,
    "NumericLessThan": NUMBERS,
    "NumericLessThanEquals": NUMBERS,
    "NumericGreaterThan": NUMBERS,
    "NumericGreaterThanEquals": NUMBERS,
    "DateEquals": DATES,
    "DateNotEquals": DATES,
    "DateLessThan": DATES,
    "DateLessThanEquals": DATES,
    "DateGreaterThan": DATES,
    "DateGreaterThanEquals": DATES,
    "Bool": BOOLEANS,
    "BinaryEquals": [(["aws:PrincipalTag/team"], ["ZGVzaWdu", "c2FsZXM="])],
    "IpAddress": ADDRESSES,
    "NotIpAddress": ADDRESSES,
    "Null": NULLS,
}
QUANTIFIERS = ["", "ForAnyValue:", "ForAllValues:"]
BOUNDARIES = ["none", "allows", "does not allow", "denies"]
RESOURCE_POLICIES = ["none", "allows", "allows its account", "allows others", "denies", "mixed"]


def condition(draw: Draw, operator: str, quantifier: str, if_exists: bool) -> dict[str, Any]:
    """A condition with one key; quantified, as often as not on a key of several values."""
    pools = OPERATORS[operator]
    if quantifier and operator in ("StringEquals", "StringNotEquals") and draw.chance(0.5):
        pools = MANY_TEXTS
    if quantifier and operator in ("StringLike", "StringNotLike") and draw.chance(0.5):
        pools = MANY_LIKES
    keys, values = draw.one(pools)
    given = draw.some(values, 2)
    suffix = "IfExists" if if_exists and operator != "Null" else ""
    return {
        f"{quantifier}{operator}{suffix}": {draw.one(keys): given if len(given) > 1 else given[0]}
    }


def any_condition(draw: Draw) -> dict[str, Any]:
    return condition(
        draw,
        draw.one(list(OPERATORS)),
        draw.one(QUANTIFIERS) if draw.chance(0.4) else "",
        draw.chance(0.25),
    )


def _actions(draw: Draw, action: str) -> dict[str, Any]:
    service = action.partition(":")[0]
    near = [action, f"{service}:*", "*", action.upper(), f"{action[:-3]}*", f"{action[:-2]}??"]
    far = [f"{service}:Describe*", "ec2:*", f"{action}Tagging", "iam:PassRole"]
    if draw.chance(0.15):
        return {"NotAction": draw.some(far if draw.chance(0.7) else near, 2)}
    return {"Action": draw.some(near if draw.chance(0.9) else far, 2)}


def _resources(draw: Draw, arn: str) -> dict[str, Any]:
    near = [arn.replace("?", "*"), "*", f"{arn[:30]}*", f"{arn[:-1]}?", f"{BUCKET}*", KEY, TRUSTED]
    own = [f"{BUCKET}/user/custom/${{aws:username}}/*", f"{BUCKET}/*/b${{?}}.txt"]
    far = [f"{arn}x", "arn:aws:s3:::other/*", f"{arn[:-4]}", arn.upper(), *own]
    if draw.chance(0.15):
        return {"NotResource": draw.some(far if draw.chance(0.7) else near, 2)}
    return {"Resource": draw.some(near if draw.chance(0.9) else far, 2)}


def statement(draw: Draw, effect: str, action: str, arn: str, conditions: float) -> dict[str, Any]:
    found = {"Effect": effect, **_actions(draw, action), **_resources(draw, arn)}
    given: dict[str, Any] = {}
    while draw.chance(conditions) and len(given) < 2:
        given |= any_condition(draw)
    return {**found, "Condition": given} if given else found


def names(who: dict[str, Any]) -> list[Any]:
    """The forms in which a policy can name a principal itself."""
    if who["kind"] == "service":
        return [{"Service": SERVICE}]
    if who["kind"] == "anonymous":
        return ["*", {"AWS": "*"}]
    return ["*", {"AWS": "*"}, {"AWS": who["arn"]}, {"AWS": [who["name"], f"{OTHER}"]}]


def _others(draw: Draw) -> Any:
    return draw.one(
        [
            {"AWS": OTHER},
            {"AWS": f"arn:aws:iam::{OTHER}:root"},
            {"AWS": f"arn:aws:iam::{OWN}:user/john"},
            {"AWS": f"arn:aws:sts::{OWN}:assumed-role/Helpdesk/somebody"},
            {"AWS": f"arn:aws:iam::{OWN}:role/Other"},
            {"Service": "ec2.amazonaws.com"},
        ]
    )


def _account(draw: Draw, who: dict[str, Any]) -> Any:
    account = who["account"] or OWN
    return draw.one([{"AWS": account}, {"AWS": [f"arn:aws:iam::{account}:root", OTHER]}])


def resource_policy(
    draw: Draw, flavour: str, who: dict[str, Any], target: tuple[str, str, str], conditions: float
) -> dict[str, Any] | None:
    """A bucket's, key's or role's policy."""
    kind, action, arn = target

    def one(effect: str, principal: Any, element: str = "Principal") -> dict[str, Any]:
        made = statement(draw, effect, action, arn, conditions)
        if kind == "role":  # trust policies name no resource
            made = {k: v for k, v in made.items() if not k.endswith("Resource")}
        return {element: principal, **made}

    def denial() -> dict[str, Any]:
        if draw.chance(0.5):
            listed = draw.some([who["arn"] or OTHER, f"arn:aws:iam::{who['account'] or OTHER}:root",
                                who["name"] or OTHER, f"arn:aws:iam::{OWN}:user/john"], 3)  # fmt: skip
            return one(
                "Deny", {"AWS": [n for n in listed if n != SERVICE] or OTHER}, "NotPrincipal"
            )
        return one("Deny", draw.one([*names(who), _account(draw, who), _others(draw)]))

    if flavour == "none":
        made = []
    elif flavour == "allows":
        made = [one("Allow", draw.one(names(who)))]
    elif flavour == "allows its account":
        made = [one("Allow", _account(draw, who))]
    elif flavour == "allows others":
        made = [one("Allow", _others(draw))]
    elif flavour == "denies":
        made = [one("Allow", draw.one(names(who))), denial()]
    else:
        made = [one("Allow", draw.one([*names(who), _account(draw, who)])) for _ in range(2)]
        made += [denial()] if draw.chance(0.3) else []
    return _document(draw, made) if made else None


def _document(draw: Draw, statements: list[Any]) -> dict[str, Any]:
    version = "2008-10-17" if draw.chance(0.08) else "2012-10-17"
    lone = len(statements) == 1 and draw.chance(0.5)
    return {"Version": version, "Statement": statements[0] if lone else statements}


def identity_policy(
    draw: Draw, target: tuple[str, str, str], conditions: float, denies: float = 0.1
) -> dict[str, Any]:
    made = [statement(draw, "Allow", target[1], target[2], conditions) for _ in range(2)]
    if draw.chance(denies):
        made.append(statement(draw, "Deny", target[1], target[2], 0.7))
    return _document(draw, made)


def boundary_policy(
    draw: Draw, flavour: str, target: tuple[str, str, str], conditions: float
) -> dict[str, Any] | None:
    if flavour == "none":
        return None
    wide = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    if flavour == "allows":
        return _document(draw, [statement(draw, "Allow", target[1], target[2], conditions), wide])
    if flavour == "does not allow":
        return _document(draw, [{**wide, "Action": ["ec2:*", "iam:Get*"]}])
    return _document(draw, [wide, statement(draw, "Deny", target[1], target[2], 0.3)])


def context(
    draw: Draw, who: dict[str, Any], kind: str, wanted: set[str], absent: bool | None
) -> dict[str, Any]:
    """The keys of a request: those of its principal, and others, the wanted ones as asked for."""
    found = dict(who["facts"])
    for key, values in CONTEXT.items():
        there = draw.chance(0.65)
        if key.lower() in wanted and absent is not None:
            there = not absent
        if key.startswith("s3:") and kind != "bucket":
            continue
        if there and not (who["kind"] in ("service", "anonymous") and "PrincipalT" in key):
            found[key] = draw.one(values)
    return found


def _request(
    who: dict[str, Any],
    target: tuple[str, str, str],
    identity: list[Any],
    boundary: Any,
    resource: Any,
    keys: dict[str, Any],
    **labels: Any,
) -> dict[str, Any]:
    return {
        "principal": who,
        "kind": target[0],
        "action": target[1],
        "resource": target[2],
        "owner": OWN,
        "context": keys,
        "identity": identity,
        "boundary": boundary,
        "policy": resource,
        "blocks_public": labels.pop("blocks_public", False),
        "labels": labels,
    }


def _of_operators(draw: Draw) -> Iterator[dict[str, Any]]:
    """One condition decides: each operator in every dress, its key there and absent."""
    dresses = product(OPERATORS, QUANTIFIERS, (False, True), (False, True), range(4))
    for operator, quantifier, if_exists, absent, number in dresses:
        if operator == "Null" and if_exists:
            continue
        who = _principal("user" if draw.chance(0.5) else "role", OWN)
        target = draw.one(TARGETS[:5])
        made = condition(draw, operator, quantifier, if_exists)
        wanted = {key.lower() for keys in made.values() for key in keys}
        wide = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        if number % 2:
            statements = [{**wide, "Condition": made}]
        else:
            statements = [wide, {**wide, "Effect": "Deny", "Condition": made}]
        keys = context(draw, who, target[0], wanted, absent)
        document = {"Version": "2012-10-17", "Statement": statements}
        yield _request(who, target, [document], None, None, keys)


def _of_principals(draw: Draw) -> Iterator[dict[str, Any]]:
    """Each kind of principal with each boundary and each policy of each kind of resource."""
    for (kind, account), boundary, flavour, target, _ in product(
        PRINCIPALS, BOUNDARIES, RESOURCE_POLICIES, TARGETS, range(2)
    ):
        who = _principal(kind, account)
        has_identity = kind in ("user", "role")
        if boundary != "none" and not has_identity:
            continue
        conditions = draw.one([0.0, 0.0, 0.25, 0.5])
        gives = draw.chance(0.75)
        identity = [identity_policy(draw, target, conditions)] if has_identity and gives else []
        limit = boundary_policy(draw, boundary, target, conditions)
        resource = resource_policy(draw, flavour, who, target, conditions)
        if target[0] == "role" and resource is None:
            continue  # a role without a trust policy does not exist
        yield _request(
            who,
            target,
            identity,
            limit,
            resource,
            context(draw, who, target[0], set(), None),
            blocks_public=target[0] == "bucket" and draw.chance(0.25),
            given_boundary=boundary,
            given_policy=flavour,
        )


def requests() -> Iterator[dict[str, Any]]:
    draw = Draw(SEED)
    for number, request in enumerate([*_of_operators(draw), *_of_principals(draw)]):
        yield {"id": number, **request}


def digest(request: dict[str, Any]) -> str:
    """What binds an answer to its request."""
    text = json.dumps(request, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def elements(request: dict[str, Any]) -> Iterator[str]:
    """What a request exercises, in words."""
    who, labels = request["principal"], request["labels"]
    where = "the own account" if who["account"] == OWN else "a foreign account"
    yield f"principal: {who['kind']}" + (f" of {where}" if who["account"] else "")
    yield f"resource: {request['kind']}"
    if labels:
        yield f"{who['kind']}, boundary {labels['given_boundary']}, policy {labels['given_policy']}"
    if request["blocks_public"]:
        yield "RestrictPublicBuckets"
    keys = {key.lower() for key in request["context"]}
    documents = [*request["identity"], request["boundary"], request["policy"]]
    for document in filter(None, documents):
        yield f"version {document['Version']}"
        given = document["Statement"]
        for made in given if isinstance(given, list) else [given]:
            yield from (f"{name} in {made['Effect']}" for name in made if name.startswith("Not"))
            for operator, tests in made.get("Condition", {}).items():
                for key, values in tests.items():
                    yield operator + (", key absent" if key.lower() not in keys else "")
                    if "${" in json.dumps(values):
                        yield "variable in a condition"
            if "${" in json.dumps(made.get("Resource", "")):
                yield "variable in a resource"


def table(all_requests: list[dict[str, Any]]) -> Counter[str]:
    return Counter(element for request in all_requests for element in set(elements(request)))


if __name__ == "__main__":
    if sys.argv[1:] == ["--table"]:
        for element, count in sorted(table(list(requests())).items()):
            print(f"{count:5}  {element}")
    else:
        for one_request in requests():
            print(json.dumps({"digest": digest(one_request), "request": one_request}))
