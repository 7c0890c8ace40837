"""Federated identities, and how far a role's trust policy admits them.

References
----------
IAM User Guide, "Create a role for OpenID Connect federation", "Create a role for SAML 2.0
federation", "Identity-provider controls for shared OIDC providers" and "IAM and AWS STS condition
context keys".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from enum import Enum

from kit.access.conditions import CHOSEN, UNKNOWN, Context, Value, ordinary
from kit.access.documents import Condition, Statement
from kit.access.evaluator import Access, Caller, Target, decide
from kit.access.patterns import is_wild

_BY_SAML, _BY_TOKEN = "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"
# Keys of a SAML assertion with the same value for everybody whom a provider lets in: where the
# assertion goes, who issues it, the form of the subject, and what AWS makes of these.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-saml
_OF_EVERY_ASSERTION: Context = dict.fromkeys(
    ("saml:aud", "saml:iss", "saml:namequalifier", "saml:sub_type"), CHOSEN
)
# Keys whose values the identity provider sets for each person, in the assertion.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_saml_assertions.html
_OF_A_PERSON = re.compile(r"aws:(requesttag/.+|tagkeys)|sts:rolesessionname")
_COGNITO = "cognito-identity.amazonaws.com"
# Tokens of these providers have the application's or pool's id as audience. Elsewhere whoever
# requests a token chooses its audience.
_FIXED_AUDIENCE = {_COGNITO, "accounts.google.com", "www.amazon.com", "graph.facebook.com"}
# Providers at which anybody may have an identity. An issuer with a further path, such as that of a
# GitHub enterprise, a CircleCI organisation or a Vercel team, has the identities of a single customer.
_SHARED = re.compile(
    r"(cognito-identity\.amazonaws\.com|accounts\.google\.com|www\.amazon\.com|graph\.facebook\.com"
    r"|token\.actions\.githubusercontent\.com|oidc-configuration\.audit-log\.githubusercontent\.com"
    r"|vstoken\.actions\.githubusercontent\.com|(.+\.)?gitlab\.com|agent\.buildkite\.com"
    r"|oidc\.codefresh\.io|studio\.datachain\.ai/api|api\.pulumi\.com/oidc|app\.terraform\.io"
    r"|sandboxes\.cloud|scalr\.io|tokens\.cloud\.shisho\.dev|proidc\.upbound\.io"
    r"|oidc\.vercel\.com|oidc\.circleci\.com)"
)
# How a pattern of a claim has to begin, up to its first wildcard, to single out an owner at a
# provider: elsewhere anybody may choose a name that matches. Each claim is "claim:value".
_OWNERS = (
    (
        r"(vs)?token\.actions\.githubusercontent\.com(/.+)?",
        r"(sub:)?((repo|repository|job_workflow_ref):[^:/]+/"
        r"|(repository_owner|repository_owner_id|repository_id|enterprise|enterprise_id):[^:]+:)",
    ),
    (r"(.+\.)?gitlab\.com", r"sub:project_path:[^:/]+/"),
    (r"oidc\.vercel\.com", r"sub:owner:[^:]+:"),
    (r"oidc\.vercel\.com/.+", r"sub:owner:[^:]+:project:[^:]+:"),
    (r"oidc\.circleci\.com/.+", r"sub:org/[^/]+/project/[^/]+/"),
    (r"accounts\.google\.com", r"aud:\d+-"),
    (_SHARED.pattern, r"sub:(.+:)?(account|org|organization):[^:]+:"),
    # Kubernetes: a namespace. The identities of other issuers have no common form.
    (r".+", r"[^:]+:(system:serviceaccount:[^:]+:|(?!system:|s?y?s?t?e?m?$).+)"),
)
# At GitHub every account chooses the names of its environments, branches and workflows, and which
# claims make up the subject: a fixed value singles out an owner only where the claim is an owner's.
# https://docs.github.com/en/actions/reference/security/oidc
_GITHUB = re.compile(r"(vs)?token\.actions\.githubusercontent\.com")
_OF_AN_OWNER = re.compile(
    r"repo|repository|repository_id|repository_owner|repository_owner_id|job_workflow_ref"
    r"|enterprise|enterprise_id"
)
# Whoever this is, a workflow of another owner may run in the person's name.
_PERSONS = {"actor", "actor_id"}


class Admitted(Enum):
    """How far a role admits the identities of a provider."""

    NOBODY = "nobody"
    SOME = "those whom a condition singles out"
    MAPPED = "those whom the account's SAML provider maps to the role"
    UNKNOWN = "perhaps all of them"
    ANYBODY = "anybody"


def providers(statements: Iterable[Statement]) -> set[str]:
    """Return the identity providers that Allow statements of a trust policy name or leave open.

    A ``NotPrincipal`` and a ``*`` leave every provider open that no account has to register.
    """
    allowing = [statement for statement in statements if statement.effect == "Allow"]
    named = [pair for statement in allowing for pair in statement.principals or ()]
    leaves_open = any(s.excepts_principals for s in allowing) or any(n == "*" for _, n in named)
    open_to = _FIXED_AUDIENCE if leaves_open else set()
    return open_to | {name for kind, name in named if kind == "Federated"}


def admitted(provider: str, role: Target) -> Admitted:
    """Return how far a role's trust policy admits the identities of a provider.

    The directory behind a SAML provider decides which user gets which role, unless a condition of
    the trust policy singles people out.

    Parameters
    ----------
    provider : str
        As a trust policy names it: an ARN, or the host of a provider that AWS knows.
    role : Target
        With its trust policy.
    """
    caller = Caller("federated", provider)
    if ":saml-provider/" in provider:
        return _admitted_by_saml(caller, role)
    host = (provider.partition(":oidc-provider/")[2] or provider).lower()
    if decide(caller, _BY_TOKEN, role, {f"{host}:aud": CHOSEN}) is Access.NO:
        return Admitted.NOBODY
    role = replace(role, policy=tuple(_widened(statement, host) for statement in role.policies))
    keys = {condition.key for statement in role.policies for condition in statement.conditions}
    claims = {key: key.removeprefix(f"{host}:") for key in keys if key.startswith(f"{host}:")}
    context: dict[str, Value] = {
        key: UNKNOWN if _GITHUB.fullmatch(host) and claim in _PERSONS else ordinary(UNKNOWN)
        for key, claim in claims.items()
    }
    if host not in _FIXED_AUDIENCE:
        context[f"{host}:aud"] = CHOSEN
    # At Cognito whoever has a pool decides who gets its tokens.
    signed_in = ("authenticated", "unauthenticated") if host == _COGNITO else ()
    contexts = [context, *({**context, f"{host}:amr": (how,)} for how in signed_in)]
    answers = {decide(caller, _BY_TOKEN, role, each, ordinary=True) for each in contexts}
    if Access.YES in answers and _SHARED.fullmatch(host):
        return Admitted.ANYBODY
    # On another condition, such as on the network.
    answers |= {decide(caller, _BY_TOKEN, role, each) for each in contexts}
    if answers != {Access.NO}:
        return Admitted.UNKNOWN
    guests: Context = {
        f"{host}:aud": CHOSEN,
        f"{host}:sub": UNKNOWN,
        f"{host}:amr": ("unauthenticated",),
    }
    if host == _COGNITO and decide(caller, _BY_TOKEN, role, guests, ordinary=True) is Access.YES:
        return Admitted.ANYBODY if f"{host}:amr" in keys else Admitted.UNKNOWN
    return Admitted.SOME


def _admitted_by_saml(caller: Caller, role: Target) -> Admitted:
    account, _, name = caller.arn.partition(":iam::")[2].partition(":saml-provider/")
    context: Context = {**_OF_EVERY_ASSERTION, "saml:doc": f"{account}/{name}"}
    if decide(caller, _BY_SAML, role, context) is Access.NO:
        return Admitted.NOBODY
    keys = {condition.key for statement in role.policies for condition in statement.conditions}
    personal = {key: ordinary(UNKNOWN) for key in keys if _OF_A_PERSON.fullmatch(key)}
    access = decide(caller, _BY_SAML, role, {**context, **personal}, ordinary=True)
    return Admitted.MAPPED if access is Access.YES else Admitted.SOME


def _widened(statement: Statement, host: str) -> Statement:
    """The statement with ``*`` instead of each value that singles out no owner."""
    like = "stringlike" if statement.effect == "Allow" else "stringnotlike"
    equals = like.replace("like", "equals")
    conditions = tuple(
        _widened_condition(condition, like, host)
        if condition.operator in (like, equals, f"{equals}ignorecase")
        and condition.key.startswith(f"{host}:")
        else condition
        for condition in statement.conditions
    )
    return replace(statement, conditions=conditions)


def _widened_condition(condition: Condition, like: str, host: str) -> Condition:
    claim, is_pattern = condition.key.removeprefix(f"{host}:"), condition.operator == like
    values = tuple(
        _wider(claim, value, host) if is_pattern and is_wild(value) else _owned(claim, value, host)
        for value in condition.values
    )
    if values == condition.values:
        return condition
    return replace(condition, operator=like, values=values)


def _wider(claim: str, value: str, host: str) -> str:
    """Return a pattern where it singles out an owner, else ``*``."""
    if claim == "amr":
        return value
    beginning = re.split(r"[*?]|\$\{", value)[0]
    owner = next(owner for hosts, owner in _OWNERS if re.fullmatch(hosts, host))
    return value if re.match(owner, f"{claim}:{beginning}") else "*"


def _owned(claim: str, value: str, host: str) -> str:
    """Return a fixed value, but ``*`` for a value that any account of GitHub may choose."""
    if not _GITHUB.fullmatch(host) or claim in _PERSONS:
        return value
    # The subject is claim:value:claim:value, as the repository's settings have it.
    claims = value.split(":")[::2] if claim == "sub" else [claim]
    return value if any(map(_OF_AN_OWNER.fullmatch, claims)) else "*"
