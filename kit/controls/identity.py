"""Who can log in, and with what."""

from __future__ import annotations

import datetime as dt

from kit.controls.registry import (
    ACCOUNT,
    CUSTOMER,
    REGION,
    NotApplicable,
    NotEvidenced,
    Outcome,
    control,
)
from kit.tables.analyzers import NOT_KNOWN
from kit.tables.identity import ACTIVE_KEYS, CONSOLE_USERS
from kit.tables.logging import IN_USE
from kit.tables.organisation import OWN


@control(
    "ID-01",
    table="accounts",
    scope=ACCOUNT,
    severity="high",
    responsibility=CUSTOMER,
    shows=("iam_users",),
)
def root_user_is_set_aside(root_keys: bool) -> bool:
    """Root has no access key. No API shows whether several persons share an IAM user."""
    return not root_keys


@root_user_is_set_aside.clause
def root_user_rests(
    root_last_used: str | None, *, max_root_use_days: int, as_of: dt.datetime
) -> bool:
    """Root has not signed in for a while."""
    limit = dt.timedelta(days=max_root_use_days)
    return root_last_used is None or _age(root_last_used, as_of) >= limit


@control(
    "ID-02",
    table="accounts",
    scope=ACCOUNT,
    severity="high",
    responsibility=CUSTOMER,
    shows=("root_device",),
)
def root_user_has_mfa(root_mfa: bool, root_password: bool) -> Outcome:
    """The root user has MFA, or no password."""
    if root_mfa:
        return True
    if not root_password:
        return NotApplicable()
    return False


@root_user_has_mfa.clause
def root_password_stays_away(root_recoverable: bool) -> Outcome:
    """A root user without MFA and password cannot recover one: the organisation manages these."""
    return NotEvidenced("needs review") if root_recoverable else NotApplicable()


@control(
    "ID-03",
    table="users",
    where=CONSOLE_USERS,
    scope=ACCOUNT,
    severity="high",
    responsibility=CUSTOMER,
)
def console_users_have_mfa(mfa_active: bool) -> bool:
    """Every IAM user with a console password has MFA."""
    return mfa_active


@control(
    "ID-04",
    table="ways_in",
    scope=ACCOUNT,
    severity="high",
    responsibility=CUSTOMER,
)
def streaming_users_have_mfa(
    way: str,
    enabled_users: int,
    identity_provider_evidence: str,
    *,
    user_pool_forbidden: bool,
) -> Outcome:
    """The sign-in requires a second factor, and the parameters name the evidence."""
    if way == "user pool" and enabled_users:
        if user_pool_forbidden:
            return False
        return NotEvidenced("needs review")
    if identity_provider_evidence:
        return True
    return NotEvidenced("not declared")


@control(
    "ID-09",
    table="pool_users",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
)
def user_pool_is_kept_clean(enabled: bool, status: str) -> Outcome:
    """No user that is compromised or archived is still enabled."""
    if not enabled:
        return True
    if status in ("COMPROMISED", "ARCHIVED"):
        return False
    # https://docs.aws.amazon.com/appstream2/latest/APIReference/API_User.html has no other states.
    return status in ("CONFIRMED", "UNCONFIRMED") or NotEvidenced("needs review")


@user_pool_is_kept_clean.clause
def user_is_confirmed_in_time(
    status: str, created: str, *, max_unconfirmed_days: int, as_of: dt.datetime
) -> bool:
    """No user stays unconfirmed for long."""
    limit = dt.timedelta(days=max_unconfirmed_days)
    return status != "UNCONFIRMED" or _age(created, as_of) <= limit


@control(
    "ID-10",
    table="directories",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    shows=("authority_mode",),
)
def domain_sign_in_rests_on_a_valid_authority(
    certificate_sign_in: str,
    authority_state: str | None,
    authority_ends: str | None,
    *,
    certificate_sign_in_required: bool,
    as_of: dt.datetime,
) -> bool:
    """Certificates that sign users in come from an authority that is active and has not ended."""
    if certificate_sign_in == "DISABLED":
        return not certificate_sign_in_required
    ended = authority_ends is not None and _age(authority_ends, as_of) > dt.timedelta(0)
    return authority_state == "ACTIVE" and not ended


@domain_sign_in_rests_on_a_valid_authority.clause
def authority_is_the_organisations(
    certificate_sign_in: str, authority_owner: str | None, *, organisation_accounts: list[str]
) -> Outcome:
    """The account, or another of the organisation, owns the authority, which decides who signs in."""
    if certificate_sign_in == "DISABLED" or authority_owner in (OWN, *organisation_accounts):
        return True
    return NotEvidenced("needs review", account=authority_owner)


@control(
    "ID-11",
    table="entitlements",
    scope=REGION,
    severity="low",
    responsibility=CUSTOMER,
)
def entitlements_show_selected_applications(app_visibility: str) -> bool:
    """An entitlement shows the applications that are associated with it, not all."""
    return app_visibility == "ASSOCIATED"


@control(
    "ID-12",
    table="access_keys",
    where=ACTIVE_KEYS,
    scope=ACCOUNT,
    severity="medium",
    responsibility=CUSTOMER,
    shows=("last_used",),
)
def access_keys_are_rotated(
    last_rotated: str, *, max_key_age_days: int, as_of: dt.datetime
) -> bool:
    """No active access key is older than the profile allows, root's included."""
    return _age(last_rotated, as_of) <= dt.timedelta(days=max_key_age_days)


@control(
    "ID-13",
    table="regions",
    where=IN_USE,
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
)
def external_access_is_analysed(analyzer: str | None) -> bool:
    """An analyzer of external access is active in the region, the account's or the organisation's."""
    return analyzer is not None


@control(
    "ID-16",
    table="regions",
    where=IN_USE,
    scope=REGION,
    severity="high",
    responsibility=CUSTOMER,
)
def external_access_is_closed(external_findings: list[str] | str) -> Outcome:
    """No open finding of an analyzer is about AppStream's buckets, keys or roles."""
    if external_findings == NOT_KNOWN:
        return NotEvidenced("needs review", "no_analyzer")
    return not external_findings


@external_access_is_closed.clause
def everything_is_analysed(not_analysed: int | str) -> Outcome:
    """The analyzer could read every resource that it lists."""
    if not_analysed == NOT_KNOWN:
        return NotEvidenced("needs review", "no_analyzer")
    return NotEvidenced("needs review", "errors", count=not_analysed) if not_analysed else True


@control(
    "ID-14",
    table="account_settings",
    scope=ACCOUNT,
    severity="medium",
    responsibility=CUSTOMER,
)
def console_passwords_are_long(
    console_passwords: bool, minimum_length: int, *, min_password_length: int
) -> Outcome:
    """The account's policy asks for passwords as long as the profile does."""
    if not console_passwords:
        return NotApplicable()
    return minimum_length >= min_password_length


@console_passwords_are_long.clause
def used_passwords_are_refused(
    console_passwords: bool, passwords_remembered: int, *, min_passwords_remembered: int
) -> Outcome:
    """The account's policy refuses as many earlier passwords as the profile does."""
    if not console_passwords:
        return NotApplicable()
    return passwords_remembered >= min_passwords_remembered


@control(
    "ID-15",
    table="users",
    where=CONSOLE_USERS,
    scope=ACCOUNT,
    severity="low",
    responsibility=CUSTOMER,
)
def console_passwords_are_renewed(
    password_changed: str, *, max_password_age_days: int, as_of: dt.datetime
) -> bool:
    """No console password is older than the profile allows."""
    return _age(password_changed, as_of) <= dt.timedelta(days=max_password_age_days)


@control(
    "ID-17",
    table="saml_providers",
    scope=ACCOUNT,
    severity="medium",
    responsibility=CUSTOMER,
)
def metadata_stays_valid(valid_until: str, *, min_metadata_days: int, as_of: dt.datetime) -> bool:
    """The metadata of the SAML provider stays valid for the days of the profile."""
    return -_age(valid_until, as_of) >= dt.timedelta(days=min_metadata_days)


def _age(moment: str, as_of: dt.datetime) -> dt.timedelta:
    return as_of - dt.datetime.fromisoformat(moment)
