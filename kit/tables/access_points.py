"""Access points: further ways to what is in a bucket, each with a policy of its own.

References
----------
Amazon S3 User Guide, "Configuring IAM policies for using access points", "Creating access points
restricted to a virtual private cloud" and "Actions, resources, and condition keys for access points".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from kit.access.actions import FILES, OBJECTS
from kit.access.conditions import ABSENT, CHOSEN, Choice, Context, Value
from kit.access.documents import Statement, read_statements
from kit.access.evaluator import Target, accounts_named, names_action
from kit.access.patterns import account_ids, common_arn
from kit.calls import GET_ACCESS_POINT_POLICY, LIST_ACCESS_POINTS
from kit.redact.labels import Labels
from kit.snapshot import Snapshot
from kit.tables.cells import NONE, UNSEEN, Cell, attached, derive, member
from kit.tables.policies import read_policy

POINT_CALLS = (LIST_ACCESS_POINTS, GET_ACCESS_POINT_POLICY)
_ARN, _ACCOUNT, _ORIGIN = (
    "s3:dataaccesspointarn",
    "s3:dataaccesspointaccount",
    "s3:accesspointnetworkorigin",
)
KEYS = (_ARN, _ACCOUNT, _ORIGIN)
# What requests have that come to a bucket by its own name.
DIRECTLY: Context = dict.fromkeys(KEYS, ABSENT)
_EITHER = Choice(("Internet", "VPC"))  # as whoever has the access point chooses
_ANY_ACCOUNT = "0" * 12
Statements = tuple[Statement, ...]


@dataclass(frozen=True)
class Point:
    """An access point of the account's own on a bucket.

    Attributes
    ----------
    label : str
    arn : Cell
    origin : Cell
        ``Internet`` or ``VPC``.
    policy : Cell
        The statements of its policy. An access point that is bound to a VPC denies requests from
        elsewhere.
    """

    label: str
    arn: Cell
    origin: Cell
    policy: Cell

    def before(self, bucket: Target, account: str) -> Target:
        """The access point, with the bucket behind it."""
        target = _before(bucket, self.arn.value, account, self.policy.value, self.origin.value)
        # The kit does not read the access point's own block, which is on unless somebody chose so.
        target = replace(target, blocks_public=bucket.blocks_public or None)
        # S3 never calls an access point public that is bound to a VPC.
        return replace(target, public=False) if self.origin.value == "VPC" else target


def listed_points(
    snapshot: Snapshot, labels: Labels, bucket: str, region: str
) -> tuple[list[Point], Cell]:
    """The access points of the account on a bucket, and the cell of the list of them."""
    listed = snapshot.answer(LIST_ACCESS_POINTS, region)
    on_bucket = [(point, ref) for point, ref in listed.items() if point.get("Bucket") == bucket]
    points = []
    for point, ref in on_bucket:
        answer = snapshot.answer(GET_ACCESS_POINT_POLICY, region, Name=point.get("Name"))
        policy = read_policy(
            attached(answer, "Policy", UNSEEN, NONE), GET_ACCESS_POINT_POLICY, snapshot.as_of
        )
        origin = member(point, ref, "NetworkOrigin", UNSEEN, LIST_ACCESS_POINTS)
        vpc = member(point, ref, "VpcConfiguration.VpcId", NONE, LIST_ACCESS_POINTS)
        label = labels.label(
            "access point", str(point.get("AccessPointArn") or ref), point.get("Name")
        )
        arn = member(point, ref, "AccessPointArn", UNSEEN, LIST_ACCESS_POINTS)
        points.append(Point(label, arn, origin, derive(_bound, policy, origin, vpc)))
    refs = tuple(ref for _, ref in on_bucket) or listed.evidence
    return points, Cell(None, refs, listed.trouble)


def unseen_point(bucket: Target, account: str, region: str) -> Target:
    """Whichever access points of the account there may be: their policies are not known."""
    partition = bucket.arn.split(":")[1]
    target = _before(bucket, f"arn:{partition}:s3:{region}:{account}:accesspoint/?*", account, ())
    assert target.behind is not None
    how = {**target.context, _ARN: CHOSEN}
    return replace(target, context=how, behind=replace(target.behind, context=how))


def leaves_room(statements: Statements) -> bool:
    """Whether a bucket's policy lets in anybody at all, so that access points might as well."""
    return _turns_on_points(statements) or any(
        statement.effect == "Allow" and names_action(statement, action)
        for statement in statements
        for action, _ in FILES
    )


def _turns_on_points(statements: Statements) -> bool:
    """Whether a bucket's policy treats requests by access points otherwise than direct requests."""
    return any(
        condition.key in KEYS for statement in statements for condition in statement.conditions
    )


def accounts_of_points(statements: Statements, account: str) -> dict[str, str]:
    """Return the accounts whose access points statements name, as `account_ids` does."""
    return {
        number: written
        for statement in statements
        for condition in statement.conditions
        if condition.key in (_ARN, _ACCOUNT)
        for value in condition.values
        for number, written in account_ids(value, account).items()
    }


def points_of_others(bucket: Target, account: str) -> Iterator[Target]:
    """Access points of other accounts that a bucket's policy may leave the decision to.

    The account that has an access point decides whom it lets in: itself, of an account that is
    named; anybody, where it can be anybody's.
    """
    statements = bucket.policy or ()
    if not _turns_on_points(statements):
        return
    named = {
        key: [v for s in statements for c in s.conditions if c.key == key for v in c.values]
        for key in (_ARN, _ACCOUNT)
    }
    numbers = {
        _ANY_ACCOUNT,
        *accounts_named(statements, account),
        *accounts_of_points(statements, account),
    }
    start = f"arn:{bucket.arn.split(':')[1]}:s3"
    region = str(bucket.context["aws:requestedregion"])
    for number in sorted(numbers - {account}):
        arns = {f"{start}:{region}:{number}:accesspoint/x"}
        form = f"{start}:{region}:{number}:accesspoint/?*"
        fitting = (common_arn(value, form) for value in named[_ARN])
        # The name of an access point has no colon.
        arns |= {arn for arn in fitting if arn and arn.count(":") == 5}
        for arn in sorted(arns):
            yield _before(bucket, arn, number, _ruled_by(number))


def on_objects(point: Target) -> Target:
    """What an access point leads to, of the objects in its bucket."""
    assert point.behind is not None
    behind = replace(point.behind, arn=f"{point.behind.arn}/?*")
    return replace(point, arn=f"{point.arn}/object/?*", behind=behind)


def of_kind(point: Target, kind: str) -> Target:
    """An access point as an action on a kind of resource is checked against it."""
    return on_objects(point) if kind == OBJECTS else point


def _before(
    bucket: Target, arn: str, account: str, policy: Statements, origin: Value = _EITHER
) -> Target:
    how: Context = {
        **bucket.context,
        _ARN: arn,
        _ACCOUNT: account,
        _ORIGIN: origin,
    }
    return Target(
        arn,
        account,
        policy,
        blocks_public=bucket.blocks_public,
        context=how,
        behind=replace(bucket, context=how),
    )


def _bound(policy: Statements, origin: str, vpc: str | None) -> Statements:
    """The statements of an access point's policy, and what S3 denies where it is bound to a VPC."""
    if origin != "VPC":
        return policy
    elsewhere = (
        {"StringNotEquals": {"aws:SourceVpc": vpc}} if vpc else {"Null": {"aws:SourceVpc": "true"}}
    )
    document = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "*",
            "Resource": "*",
            "Condition": elsewhere,
        },
    }
    return (*policy, *read_statements(document))


def _ruled_by(account: str) -> Statements:
    """The policy that another account may give its access point."""
    principal = "*" if account == _ANY_ACCOUNT else {"AWS": account}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*"}
    return read_statements({"Version": "2012-10-17", "Statement": statement})
