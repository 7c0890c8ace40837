"""What holds of the evaluator whatever the policies are."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kit.access.conditions import ABSENT, UNKNOWN, Value, default, holds, representatives
from kit.access.documents import Condition, PolicyError, read_statements
from kit.access.evaluator import EVERYTHING, Access, Caller, Target, decide, denied, reduced
from kit.access.patterns import covers, literal, matches, overlaps
from tests.drawn import examples

OWN, FOREIGN = "123456789012", "999999999999"
BUCKET = "arn:aws:s3:::home"
ROLE = f"arn:aws:iam::{OWN}:role/Helpdesk"
RANK = {Access.NO: 0, Access.UNKNOWN: 1, Access.YES: 2}

ACTIONS = ["s3:GetObject", "s3:Get*", "s3:*", "*", "ec2:*"]
RESOURCES = [f"{BUCKET}/*", f"{BUCKET}/a/*", BUCKET, "*", f"{BUCKET}/${{aws:username}}/*"]
PRINCIPALS: list[Any] = [
    "*",
    {"AWS": "*"},
    {"AWS": ROLE},
    {"AWS": f"arn:aws:sts::{OWN}:assumed-role/Helpdesk/me"},
    {"AWS": OWN},
    {"AWS": [f"arn:aws:iam::{FOREIGN}:root", ROLE]},
    {"Service": "ec2.amazonaws.com"},
    {"CanonicalUser": "79a59df900b949e5"},
]
TEXTS = ["red", "blue", "r*", "*", "${aws:username}", "${aws:username, 'red'}"]
KEYS: dict[str, list[str]] = {
    "aws:PrincipalTag/team": TEXTS,
    "aws:ResourceTag/team": TEXTS,
    "aws:SecureTransport": ["true", "false"],
    "aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1", "192.0.2.7", "::/0"],
    "aws:PrincipalArn": ["arn:*:iam::*:*", ROLE, f"arn:aws:iam::{OWN}:role/*", "arn:*"],
    "aws:MultiFactorAuthAge": ["60", "3600"],
}
OPERATORS = {
    "aws:PrincipalTag/team": ["StringEquals", "StringNotEquals", "StringLike", "StringNotLike"],
    "aws:ResourceTag/team": ["StringEqualsIgnoreCase", "StringNotLike", "StringLike"],
    "aws:SecureTransport": ["Bool", "StringEquals", "StringNotEquals"],
    "aws:SourceIp": ["IpAddress", "NotIpAddress"],
    "aws:PrincipalArn": ["ArnLike", "ArnNotLike", "StringLike", "StringNotLike"],
    "aws:MultiFactorAuthAge": ["NumericLessThan", "NumericGreaterThanEquals", "NumericNotEquals"],
}  # fmt: skip


CONDITIONS: list[dict[str, Any]] = [
    {f"{quantifier}{operator}{suffix}": {key: values}}
    for key, operators in OPERATORS.items()
    for operator in operators
    for quantifier, suffix in itertools.product(("", "ForAnyValue:", "ForAllValues:"), ("", "IfExists"))
    for values in [*([value] for value in KEYS[key]), KEYS[key][:2]]
] + [{"Null": {key: value}} for key in KEYS for value in ("true", "false")]  # fmt: skip


def made_of(effect: str, actions: Any, resources: Any, given: Any, whom: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": effect, **actions, **resources}
    for condition in given:
        for operator, keys in condition.items():
            made.setdefault("Condition", {}).setdefault(operator, {}).update(keys)
    if whom is not None:
        element, principal = whom
        made["Principal" if effect == "Allow" else element] = principal
    return made


def lists(element: str, texts: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """An element or its opposite, with one text or two."""
    some = [[text] for text in texts] + [list(pair) for pair in itertools.pairwise(texts)]
    plain = [{element: texts} for texts in some]
    return st.sampled_from([*plain, *plain, *({f"Not{element}": texts} for texts in some)])


WHOM = st.sampled_from(
    [(element, who) for element in ("Principal", "Principal", "NotPrincipal") for who in PRINCIPALS]
)
GIVEN = st.lists(st.sampled_from(CONDITIONS), max_size=2)


def statements(effects: list[str], named: bool) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        made_of,
        st.sampled_from(effects),
        lists("Action", ACTIONS),
        lists("Resource", RESOURCES),
        GIVEN,
        WHOM if named else st.none(),
    )


EITHER = ["Allow", "Deny"]
POLICIES = st.lists(statements(EITHER, False), max_size=3)
RESOURCE_POLICIES = st.lists(statements(EITHER, True), max_size=3)


def read(made: list[dict[str, Any]]) -> Any:
    return read_statements({"Version": "2012-10-17", "Statement": made})


CALLERS = st.sampled_from(
    [("role", ROLE, OWN), ("user", f"arn:aws:iam::{OWN}:user/red", OWN), ("root", f"arn:aws:iam::{OWN}:root", OWN),
     ("account", "", FOREIGN), ("anonymous", "", ""), ("service", "ec2.amazonaws.com", "")]
)  # fmt: skip
ARNS = st.sampled_from([f"{BUCKET}/*", f"{BUCKET}/a/b", BUCKET])


def ask(
    who: tuple[str, str, str],
    arn: str,
    identity: Any,
    boundary: Any,
    policy: Any,
    context: dict[str, Value] | None = None,
    ordinary: bool = False,
    decides: bool = False,
) -> Access:
    caller = Caller(
        *who,
        user_id="AROA1" if who[0] == "role" else "AIDA1",
        identity=read(identity),
        boundary=None if boundary is None else read(boundary),
    )
    target = Target(arn, OWN, read(policy), policy_decides=decides)
    return decide(caller, "s3:GetObject", target, context or {}, ordinary=ordinary)


EVERYTHING_ASKED = {
    "who": CALLERS,
    "arn": ARNS,
    "identity": POLICIES,
    "boundary": st.none() | POLICIES,
    "policy": RESOURCE_POLICIES,
    "ordinary": st.booleans(),
    "decides": st.booleans(),
}


@examples(300)
@given(
    **EVERYTHING_ASKED,
    more=statements(["Allow"], False),
    where=st.sampled_from(["identity", "boundary"]),
)
def test_one_more_allow_takes_nothing(more: Any, where: str, **requested: Any) -> None:
    before = ask(**requested)
    if requested[where] is not None:
        after = ask(**{**requested, where: [*requested[where], more]})
        assert RANK[after] >= RANK[before]


@examples(300)
@given(**EVERYTHING_ASKED, more=statements(["Allow"], True))
def test_one_more_allow_of_the_resource_takes_nothing(more: Any, **requested: Any) -> None:
    assert (
        RANK[ask(**{**requested, "policy": [*requested["policy"], more]})] >= RANK[ask(**requested)]
    )


@examples(300)
@given(**EVERYTHING_ASKED, more=statements(["Deny"], True))
def test_one_more_denial_gives_nothing(more: Any, **requested: Any) -> None:
    before = ask(**requested)
    assert RANK[ask(**{**requested, "policy": [*requested["policy"], more]})] <= RANK[before]
    own = {name: value for name, value in more.items() if not name.endswith("Principal")}
    assert RANK[ask(**{**requested, "identity": [*requested["identity"], own]})] <= RANK[before]


def wider(statement: dict[str, Any]) -> list[dict[str, Any]]:
    """Statements that are about at least as much: a condition less, a pattern more."""
    made = [{name: value for name, value in statement.items() if name != "Condition"}]
    for element in ("Action", "Resource"):
        if element in statement:
            made.append({**statement, element: [*statement[element], "*"]})
        elif statement[f"Not{element}"][1:]:
            made.append({**statement, f"Not{element}": statement[f"Not{element}"][1:]})
    if "Principal" in statement:
        made.append({**statement, "Principal": "*"})
    return made


@examples(300)
@given(**EVERYTHING_ASKED, one=statements(EITHER, True))
def test_a_wider_statement_allows_or_denies_more(one: Any, **requested: Any) -> None:
    def among(statement: Any) -> int:
        return RANK[ask(**{**requested, "policy": [*requested["policy"], statement]})]

    for other in wider(one):
        if one["Effect"] == "Allow":
            assert among(other) >= among(one)
        else:
            assert among(other) <= among(one)


FILLINGS: dict[str, list[Value]] = {
    "aws:principaltag/team": ["red", "blue", "green", ABSENT],
    "aws:resourcetag/team": ["red", "Red", ABSENT],
    "aws:securetransport": ["true", "false"],
    "aws:sourceip": ["192.0.2.7", "10.0.0.1", "2001:db8::1"],
    "aws:multifactorauthage": ["1", "60", "4000", ABSENT],
}


@examples(300)
@given(**{name: value for name, value in EVERYTHING_ASKED.items() if name != "ordinary"},
       filling=st.fixed_dictionaries({key: st.sampled_from(values) for key, values in FILLINGS.items()}))  # fmt: skip
def test_certain_answers_hold_whatever_the_unknown_keys_are(filling: Any, **requested: Any) -> None:
    unknown: dict[str, Value] = dict.fromkeys(FILLINGS, UNKNOWN)
    known = ask(**requested, context=unknown)
    if known is not Access.UNKNOWN:
        assert ask(**requested, context=filling) in (known, Access.UNKNOWN)
        # What AWS does not document stays unknown, however much is known of the request.
    partly = {**unknown, "aws:securetransport": filling["aws:securetransport"]}
    if (
        some := ask(**requested, context=partly)
    ) is not Access.UNKNOWN and known is not Access.UNKNOWN:
        assert some is known


@examples(200)
@given(**EVERYTHING_ASKED, filling=st.fixed_dictionaries(
    {key: st.sampled_from(FILLINGS[key]) for key in ("aws:securetransport", "aws:multifactorauthage")}))  # fmt: skip
def test_a_caller_that_chooses_gets_as_far_as_any_choice(filling: Any, **requested: Any) -> None:
    assert RANK[ask(**requested)] >= RANK[ask(**requested, context=filling)]


@examples(200)
@given(who=CALLERS, arn=ARNS, policy=RESOURCE_POLICIES)
def test_whoever_is_denied_may_not(who: Any, arn: str, policy: Any) -> None:
    caller = Caller(*who, identity=EVERYTHING)
    target = Target(arn, OWN, read(policy))
    if denied(caller, "s3:GetObject", target) is Access.YES:
        assert decide(caller, "s3:GetObject", target) is Access.NO


@examples(200)
@given(who=CALLERS, own=st.sampled_from([EVERYTHING, ()]), arn=ARNS, policy=RESOURCE_POLICIES,
       closed=st.booleans(), ordinary=st.booleans(), action=st.sampled_from(["s3:GetObject", "ec2:RunInstances"]))  # fmt: skip
def test_a_reduced_target_gets_the_same_answers(
    who: Any, own: Any, arn: str, policy: Any, closed: bool, ordinary: bool, action: str
) -> None:
    caller = Caller(*who, identity=own)
    target = Target(arn, OWN, read(policy), blocks_public=closed)
    for judge in (decide, denied):
        whole = judge(caller, action, target, ordinary=ordinary)
        assert judge(caller, action, reduced(target), ordinary=ordinary) is whole


def alone(bucket: str, named: str, **members: Any) -> Target:
    """A bucket with a statement of its policy that names a resource."""
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": named}
    return Target(bucket, OWN, read([{**statement, **members}]))


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (alone("arn:aws:s3:::two", "arn:aws:s3:::two"), True),
        (alone("arn:aws:s3:::two", "arn:aws:s3:::t*", Sid="Two"), True),
        (alone("arn:aws:s3:::two", BUCKET), False),
        (alone("arn:aws:s3:::two", "arn:aws:s3:::two", Action="s3:Get*"), False),
        (alone("arn:aws:s3:::two", "arn:aws:s3:::two", Effect="Allow"), False),
        (alone("arn:aws:s3:::two", "arn:aws:s3:::two", Principal={"AWS": ROLE}), False),
        (alone("arn:aws:s3:::two", "arn:aws:s3:::two", Condition=CONDITIONS[0]), False),
        (alone("arn:aws:s3:::two", "arn:aws:s3:::${aws:username}"), False),
        (Target("arn:aws:s3:::two", FOREIGN, alone(BUCKET, "*").policy), False),
        (Target("arn:aws:s3:::two", OWN), False),
    ],
)
def test_targets_with_equal_policies_are_judged_once(other: Target, same: bool) -> None:
    assert (reduced(alone(BUCKET, BUCKET)) is reduced(other)) is same


ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
ELEMENTS = ["Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal",
            "Condition", "Sid"]  # fmt: skip


@examples(300)
@given(
    st.dictionaries(st.sampled_from(["Version", "Statement"]), ANYTHING)
    | st.fixed_dictionaries(
        {"Statement": st.dictionaries(st.sampled_from(ELEMENTS), ANYTHING)
         | st.lists(st.fixed_dictionaries({"Effect": st.just("Allow")},
                                          optional=dict.fromkeys(ELEMENTS[1:], ANYTHING)), max_size=2)}
    )
    | ANYTHING
)  # fmt: skip
@example({"Statement": {"Effect": "Allow", "Action": [{}], "Resource": "*"}})
@example({"Statement": {"Effect": "Allow", "Action": "*", "Resource": [5]}})
@example({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": "x"}})
@example(
    {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": []}}}
)
@example("[" * 100_000)
def test_a_document_is_read_or_refused(document: Any) -> None:
    try:
        found = read_statements(document)
    except PolicyError:
        return
    caller = Caller("role", ROLE, OWN, identity=found)
    assert decide(caller, "s3:GetObject", Target(BUCKET, OWN, found)) in Access


def _texts() -> list[str]:
    return ["".join(t) for n in range(6) for t in itertools.product("ab", repeat=n)]


def test_covering_is_what_texts_say() -> None:
    """Against all texts: a pattern covers another where every text that fits that one fits it."""
    texts = _texts()
    patterns = ["".join(p) for n in range(4) for p in itertools.product("ab*?", repeat=n)]
    fits = {
        pattern: {t for t in texts if re.fullmatch(pattern.translate({42: ".*", 63: "."}), t)}
        for pattern in patterns
    }
    for one, other in itertools.product(patterns, repeat=2):
        # Texts of two letters cannot tell "a or b" from any character: patterns of those may differ.
        assert covers(one, other) <= (fits[other] <= fits[one]), (one, other)
        if not set(one) & {"a", "b"} or set(other) & {"a", "b"} or not other:
            assert covers(one, other) is (fits[other] <= fits[one]), (one, other)


def test_a_star_that_means_itself_is_no_wildcard() -> None:
    assert matches("a*", literal("a*"))
    assert overlaps(literal("a*"), "a*")
    assert not overlaps(literal("a*"), "ab")
    assert not covers(literal("a*"), "a*")


@pytest.mark.parametrize(
    ("operator", "value", "met"),
    [
        ("numericlessthan", "5", {True, False}),
        ("numericequals", "5", {True, False}),
        ("numericequals", "a", {False}),
        ("dategreaterthan", "2026-11-28T12:00:00Z", {True, False}),
        ("bool", "true", {True, False}),
        ("stringlike", "a*", {True, False}),
        ("stringlike", "*", {True, False}),
        ("stringnotlike", "*", {True, False}),
        ("null", "true", {True, False}),
    ],
)
def test_what_represents_a_key_meets_and_misses_its_condition(
    operator: str, value: str, met: set[bool]
) -> None:
    made = Condition(operator, "", False, "aws:useragent", (value,))
    assert {holds([made], {"aws:useragent": one}) for one in representatives([made])} == met


def test_defaults_are_by_name() -> None:
    assert default("aws:resourcetag/team") == UNKNOWN
    assert default("aws:sourcearn") is ABSENT
