"""Who can log in, and with what."""

from __future__ import annotations

from kit.controls.registry import ACCOUNT, CUSTOMER, NotApplicable, Outcome, Remedy, control
from kit.tables.identity import CONSOLE_USERS

_MFA = {"32(1)(b)": "a stolen password alone must not open the systems of processing"}
_SOURCE = "Use multi-factor authentication (MFA) with each account."


@control(
    "ID-02",
    table="accounts",
    scope=ACCOUNT,
    severity="high",
    responsibility=CUSTOMER,
    gdpr=_MFA,
    source=_SOURCE,
    remedy=Remedy(
        console=(
            "Log in as the root user, Security credentials, Assign MFA device; or remove root "
            "credentials of member accounts centrally from the management account."
        ),
        cli="aws iam get-account-summary --query SummaryMap.AccountMFAEnabled",
    ),
    shows=("root_device",),
)
def root_user_has_mfa(root_mfa: bool, root_password: bool) -> Outcome:
    """The root user has MFA, or cannot log in at all."""
    if root_mfa:
        return True
    if not root_password:
        return NotApplicable("the root user has no password: its credentials are managed centrally")
    return False


@control(
    "ID-03",
    table="users",
    where=CONSOLE_USERS,
    scope=ACCOUNT,
    severity="high",
    responsibility=CUSTOMER,
    gdpr=_MFA,
    source=_SOURCE,
    remedy=Remedy(
        console="IAM, Users, the user, Security credentials, Assign MFA device.",
        cli=(
            "aws iam enable-mfa-device --user-name USER --serial-number DEVICE "
            "--authentication-code1 CODE --authentication-code2 NEXT_CODE"
        ),
    ),
)
def console_users_have_mfa(mfa_active: bool) -> bool:
    """Every IAM user with a console password has MFA."""
    return mfa_active
