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
    Remedy,
    control,
)
from kit.tables.identity import ACTIVE_KEYS, CONSOLE_USERS
from kit.tables.logging import IN_USE
from kit.tables.organisation import OWN

_MFA = {"32(1)(b)": "a stolen password alone must not open the systems of processing"}


@control(
    "ID-01",
    table="accounts",
    scope=ACCOUNT,
    severity="high",
    responsibility=CUSTOMER,
    gdpr={
        "5(1)(f)": "who holds root's credentials can read and delete everything",
        "32(1)(b)": "confidentiality rests on root's credentials being set aside",
    },
    context={
        "29": "who acts under the controller or processor has access on instruction alone",
        "32(4)": "whether a person with access kept to instructions can be shown of named persons alone",
    },
    remedy=Remedy(
        console=(
            "Log in as the root user, Security credentials: deactivate its access keys, and delete "
            "them when nothing has needed them for a while; a deleted key does not come back. Then "
            "work with roles or users of each person's own."
        ),
        cli=(
            "# As the root user. What uses the key stops working. Undo: --status Active\n"
            "aws iam update-access-key --access-key-id KEY --status Inactive"
        ),
    ),
    shows=("iam_users",),
)
def root_user_is_set_aside(root_keys: bool) -> bool:
    """Root has no access key; whether several persons share one IAM user no API can tell."""
    return not root_keys


@root_user_is_set_aside.clause
def _root_user_rests(
    root_last_used: str | None, *, max_root_use_days: int, as_of: dt.datetime
) -> bool:
    """Root has not signed in for a while."""
    return root_last_used is None or _age(root_last_used, as_of).days >= max_root_use_days


@control(
    "ID-02",
    table="accounts",
    scope=ACCOUNT,
    severity="high",
    responsibility=CUSTOMER,
    gdpr=_MFA,
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
    remedy=Remedy(
        console=(
            "IAM, Users, the user, Security credentials, Assign MFA device. The person has to hold "
            "the device."
        ),
        cli=(
            "# With the user's device at hand. Undo: deactivate-mfa-device\n"
            "aws iam enable-mfa-device --user-name USER --serial-number DEVICE "
            "--authentication-code1 CODE --authentication-code2 NEXT_CODE"
        ),
    ),
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
    gdpr=_MFA,
    remedy=Remedy(
        console=(
            "Require a second factor where people sign in, at the identity provider; name its "
            "policy in identity_provider_evidence. The user pool knows no second factor: let its "
            "users come through SAML 2.0. Only when each of them has signed in that way, disable "
            "the user in the pool: a user who is disabled before is locked out."
        ),
    ),
)
def streaming_users_have_mfa(
    way: str,
    enabled_users: int,
    identity_provider_evidence: str,
    *,
    user_pool_forbidden: bool,
) -> Outcome:
    """A second factor is asked where people sign in, and the parameters name the evidence."""
    if way == "user pool" and enabled_users:
        if user_pool_forbidden:
            return False
        return NotEvidenced(
            "needs review", "the user pool knows no second factor: assess it, or use SAML 2.0"
        )
    if identity_provider_evidence:
        return True
    return NotEvidenced(
        "not declared",
        "AWS does not see the second factor: name identity_provider_evidence in the parameters",
    )


@control(
    "ID-09",
    table="pool_users",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr={
        "5(1)(d)": "an address that was never confirmed may be another person's",
        "5(1)(e)": "accounts that nobody confirms are not kept",
        "32(1)(b)": "a compromised account opens no session",
    },
    remedy=Remedy(
        console=(
            "AppStream, User Pool, the user, Actions: Disable, or Delete. A disabled user cannot "
            "sign in and can be enabled again; a deleted one has to be created anew. Files in the "
            "home folder stay in both cases."
        ),
        cli=(
            "# Locks the user out. Undo: enable-user\n"
            "aws appstream disable-user --authentication-type USERPOOL --user-name NAME"
        ),
    ),
)
def user_pool_is_kept_clean(enabled: bool, status: str) -> Outcome:
    """No user that is compromised or archived is still enabled."""
    if not enabled:
        return True
    if status == "UNKNOWN":
        return NotEvidenced("needs review", "AWS does not know the state of this user")
    return status not in ("COMPROMISED", "ARCHIVED")


@user_pool_is_kept_clean.clause
def _user_is_confirmed_in_time(
    status: str, created: str, *, max_unconfirmed_days: int, as_of: dt.datetime
) -> bool:
    """No user stays unconfirmed for long."""
    return status != "UNCONFIRMED" or _age(created, as_of).days <= max_unconfirmed_days


@control(
    "ID-10",
    table="directories",
    scope=REGION,
    severity="medium",
    responsibility=CUSTOMER,
    gdpr={"32(1)(b)": "who signs in to the domain has to be who they say"},
    remedy=Remedy(
        console=(
            "AppStream, Directory Configs, the directory, Edit: certificate-based authentication, "
            "with an active private certificate authority. Keep the fallback to passwords off "
            "where it is off (ENABLED_NO_DIRECTORY_LOGIN_FALLBACK). Users cannot sign in with certificates of an authority that the "
            "domain does not trust: publish it there first."
        ),
        cli=(
            "# The present values, with which to undo\n"
            "aws appstream describe-directory-configs --directory-names DIRECTORY "
            "--query 'DirectoryConfigs[].CertificateBasedAuthProperties'\n"
            "# The authority is not active or has ended: the status stays as it is\n"
            "aws appstream update-directory-config --directory-name DIRECTORY "
            "--certificate-based-auth-properties CertificateAuthorityArn=ARN"
        ),
        terraform=(
            "# In aws_appstream_directory_config. STATUS: the value that the directory has today;\n"
            "# ENABLED would let passwords in where they are refused\n"
            "certificate_based_auth_properties {\n"
            '  status                    = "STATUS"\n'
            '  certificate_authority_arn = "ARN"\n'
            "}"
        ),
    ),
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
    """The account, or one of the organisation, has the authority: it decides who signs in."""
    if certificate_sign_in == "DISABLED" or authority_owner in (OWN, *organisation_accounts):
        return True
    return NotEvidenced("needs review", f"the authority is of account {authority_owner}")


@control(
    "ID-11",
    table="entitlements",
    scope=REGION,
    severity="low",
    responsibility=CUSTOMER,
    gdpr={
        "25(2)": "by default a person reaches only the applications that the work needs",
        "32(1)(b)": "confidentiality of what the other applications show",
    },
    remedy=Remedy(
        console=(
            "AppStream, Stacks, the stack, Entitlements, the entitlement, Edit: associate the "
            "applications that are needed, then show selected applications. Users lose sight of "
            "all others."
        ),
        cli=(
            "# Each application that is needed, first\n"
            "aws appstream associate-application-to-entitlement --stack-name STACK "
            "--entitlement-name ENTITLEMENT --application-identifier APPLICATION\n"
            "# Hides every application that is not associated. Undo: --app-visibility ALL\n"
            "aws appstream update-entitlement --stack-name STACK --name ENTITLEMENT "
            "--app-visibility ASSOCIATED"
        ),
    ),
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
    gdpr={
        "32(1)(b)": "a key that never changes stays good for whoever copied it",
    },
    remedy=Remedy(
        console=(
            "IAM, Users, the user, Security credentials, Access keys: make a new key, let all that "
            "uses the old one change over, deactivate the old one, delete it later; or use roles, "
            "which have no lasting keys."
        ),
        cli=(
            "# Prints the new secret once: keep it out of logs and shell history\n"
            "aws iam create-access-key --user-name USER\n"
            "# Only when everything uses the new key; what still uses the old one stops working.\n"
            "# Undo: --status Active\n"
            "aws iam update-access-key --user-name USER --access-key-id KEY --status Inactive"
        ),
    ),
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
    gdpr={"32(1)(d)": "whether others have access has to be tested all the time"},
    remedy=Remedy(
        console="IAM, Access Analyzer, the region, Create analyzer: external access.",
        cli=(
            "# Reads policies and changes none. Undo: delete-analyzer\n"
            "aws accessanalyzer create-analyzer --analyzer-name account --type ACCOUNT"
        ),
        terraform=(
            'resource "aws_accessanalyzer_analyzer" "account" {\n'
            '  analyzer_name = "account"\n'
            '  type          = "ACCOUNT"\n'
            "}"
        ),
    ),
)
def external_access_is_analysed(analyzer: str | None) -> bool:
    """An analyzer of external access is active in the region, the account's or the organisation's."""
    return analyzer is not None


def _age(moment: str, as_of: dt.datetime) -> dt.timedelta:
    return as_of - dt.datetime.fromisoformat(moment)
