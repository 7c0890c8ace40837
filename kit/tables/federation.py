"""Identities that sign in by a provider, and how far a role's trust policy lets them in.

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
# An application's or a pool's own number there; elsewhere a token has the audience it is asked for.
_OWN_AUDIENCE = {_COGNITO, "accounts.google.com", "www.amazon.com", "graph.facebook.com"}
# Anybody may have an identity at these.
_SHARED = re.compile(
    r"(cognito-identity\.amazonaws\.com|accounts\.google\.com|www\.amazon\.com|graph\.facebook\.com"
    r"|token\.actions\.githubusercontent\.com|oidc-configuration\.audit-log\.githubusercontent\.com"
    r"|vstoken\.actions\.githubusercontent\.com|(.+\.)?gitlab\.com|agent\.buildkite\.com"
    r"|oidc\.codefresh\.io|studio\.datachain\.ai/api|api\.pulumi\.com/oidc|app\.terraform\.io"
    r"|sandboxes\.cloud|scalr\.io|tokens\.cloud\.shisho\.dev|proidc\.upbound\.io"
    r"|oidc\.vercel\.com|oidc\.circleci\.com)(/.*)?"
)


class Admitted(Enum):
    """How far a role lets in the identities of a provider."""

    NOBODY = "nobody"
    SOME = "those whom the provider, or a condition, singles out"
    UNKNOWN = "perhaps all of them"
    ANYBODY = "anybody"


def providers(statements: Iterable[Statement]) -> set[str]:
    """The identity providers that Allow statements of a trust policy name."""
    allowing = (one for one in statements if one.effect == "Allow")
    return {name for one in allowing for kind, name in one.principals or () if kind == "Federated"}


def admitted(provider: str, statements: tuple[Statement, ...], role: str, account: str) -> Admitted:
    """How far a role's trust policy lets in the identities of a provider.

    A SAML provider is told by its own users' directory to whom it gives which role.

    Parameters
    ----------
    provider : str
        As a trust policy names it: an ARN, or the host of a provider that AWS knows.
    role, account : str
        The role's ARN and account.
    """
    caller, target = (
        Caller("federated", provider),
        Target(role, account, statements, policy_decides=True),
    )
    if ":saml-provider/" in provider:
        found = decide(caller, _BY_SAML, target, {"saml:aud": CHOSEN})
        return Admitted.NOBODY if found is Access.NO else Admitted.SOME
    host = (provider.partition(":oidc-provider/")[2] or provider).lower()
    if decide(caller, _BY_TOKEN, target, {f"{host}:aud": CHOSEN}) is Access.NO:
        return Admitted.NOBODY
    context: dict[str, Value] = {}
    if host not in _OWN_AUDIENCE:
        context[f"{host}:aud"] = CHOSEN
    if host == _GITHUB:
        context[f"{host}:sub"] = Some(("repo:*/*:*",))
    if decide(caller, _BY_TOKEN, target, context, ordinary=True) is Access.YES:
        return Admitted.ANYBODY if _SHARED.fullmatch(host) else Admitted.UNKNOWN
    guests: Context = {
        f"{host}:aud": CHOSEN,
        f"{host}:sub": UNKNOWN,
        f"{host}:amr": ("unauthenticated",),
    }
    if host == _COGNITO and decide(caller, _BY_TOKEN, target, guests, ordinary=True) is Access.YES:
        keys = {condition.key for one in statements for condition in one.conditions}
        return Admitted.ANYBODY if f"{host}:amr" in keys else Admitted.UNKNOWN
    return Admitted.SOME
