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
from enum import Enum

from kit.access.conditions import CHOSEN, UNKNOWN, Context, Some, Value
from kit.access.documents import Statement
from kit.access.evaluator import Access, Caller, Target, decide

_BY_SAML, _BY_TOKEN = "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"
_COGNITO = "cognito-identity.amazonaws.com"
_GITHUB = "token.actions.githubusercontent.com"
# Tokens of these providers have the application's or pool's id as audience. Elsewhere whoever
# requests a token chooses its audience.
_FIXED_AUDIENCE = {_COGNITO, "accounts.google.com", "www.amazon.com", "graph.facebook.com"}
# Providers at which anybody may have an identity.
_SHARED = re.compile(
    r"(cognito-identity\.amazonaws\.com|accounts\.google\.com|www\.amazon\.com|graph\.facebook\.com"
    r"|token\.actions\.githubusercontent\.com|oidc-configuration\.audit-log\.githubusercontent\.com"
    r"|vstoken\.actions\.githubusercontent\.com|(.+\.)?gitlab\.com|agent\.buildkite\.com"
    r"|oidc\.codefresh\.io|studio\.datachain\.ai/api|api\.pulumi\.com/oidc|app\.terraform\.io"
    r"|sandboxes\.cloud|scalr\.io|tokens\.cloud\.shisho\.dev|proidc\.upbound\.io"
    r"|oidc\.vercel\.com|oidc\.circleci\.com)(/.*)?"
)


class Admitted(Enum):
    """How far a role admits the identities of a provider."""

    NOBODY = "nobody"
    SOME = "those whom the provider, or a condition, singles out"
    UNKNOWN = "perhaps all of them"
    ANYBODY = "anybody"


def providers(statements: Iterable[Statement]) -> set[str]:
    """Return the identity providers that Allow statements of a trust policy name."""
    allowing = [statement for statement in statements if statement.effect == "Allow"]
    named = (pair for statement in allowing for pair in statement.principals or ())
    return {name for kind, name in named if kind == "Federated"}


def admitted(provider: str, role: Target) -> Admitted:
    """Return how far a role's trust policy admits the identities of a provider.

    The directory behind a SAML provider decides which user gets which role.

    Parameters
    ----------
    provider : str
        As a trust policy names it: an ARN, or the host of a provider that AWS knows.
    role : Target
        With its trust policy.
    """
    caller = Caller("federated", provider)
    if ":saml-provider/" in provider:
        access = decide(caller, _BY_SAML, role, {"saml:aud": CHOSEN})
        return Admitted.NOBODY if access is Access.NO else Admitted.SOME
    host = (provider.partition(":oidc-provider/")[2] or provider).lower()
    if decide(caller, _BY_TOKEN, role, {f"{host}:aud": CHOSEN}) is Access.NO:
        return Admitted.NOBODY
    context: dict[str, Value] = {}
    if host not in _FIXED_AUDIENCE:
        context[f"{host}:aud"] = CHOSEN
    if host == _GITHUB:
        context[f"{host}:sub"] = Some(("repo:*/*:*",))
    if decide(caller, _BY_TOKEN, role, context, ordinary=True) is Access.YES:
        return Admitted.ANYBODY if _SHARED.fullmatch(host) else Admitted.UNKNOWN
    guests: Context = {
        f"{host}:aud": CHOSEN,
        f"{host}:sub": UNKNOWN,
        f"{host}:amr": ("unauthenticated",),
    }
    if host == _COGNITO and decide(caller, _BY_TOKEN, role, guests, ordinary=True) is Access.YES:
        keys = {condition.key for statement in role.policies for condition in statement.conditions}
        return Admitted.ANYBODY if f"{host}:amr" in keys else Admitted.UNKNOWN
    return Admitted.SOME
