"""Identity: what each control says of which account."""

from __future__ import annotations

import datetime as dt
from typing import Any

from kit.calls import (
    GENERATE_CREDENTIAL_REPORT,
    GET_ACCOUNT_PASSWORD_POLICY,
    GET_ACCOUNT_SUMMARY,
    GET_CREDENTIAL_REPORT,
    LIST_VIRTUAL_MFA_DEVICES,
)
from tests.controls.scenarios import (
    Given,
    denied,
    fails,
    findings,
    not_applicable,
    not_evidenced,
    nothing,
    passes,
    scenarios,
    to_be_reviewed,
    verdicts,
)
from tests.standins import ACCOUNT, AS_OF, Account


def summary(**entries: int) -> Given:
    return lambda a: a.answers(GET_ACCOUNT_SUMMARY, {"SummaryMap": entries})


@scenarios(
    ("MFA", summary(AccountMFAEnabled=1, AccountPasswordPresent=1), passes),
    ("MFA, and no password", summary(AccountMFAEnabled=1, AccountPasswordPresent=0), passes),
    ("no MFA", summary(AccountMFAEnabled=0, AccountPasswordPresent=1), fails),
    (
        "no MFA, no password, and no organisation that manages root credentials",
        summary(AccountMFAEnabled=0, AccountPasswordPresent=0),
        to_be_reviewed,
    ),
    ("no MFA, and AWS says nothing of a password", summary(AccountMFAEnabled=0), fails),
    (
        "AWS says nothing of MFA",
        summary(AccountPasswordPresent=1),
        not_evidenced("absent in answer", GET_ACCOUNT_SUMMARY),
    ),
    (
        "an empty summary",
        lambda a: a.answers(GET_ACCOUNT_SUMMARY, {}),
        not_evidenced("absent in answer", GET_ACCOUNT_SUMMARY),
    ),
    ("summary denied", lambda a: a.denies(GET_ACCOUNT_SUMMARY), denied(GET_ACCOUNT_SUMMARY)),
    (
        "devices denied, which are only shown",
        lambda a: a.denies(LIST_VIRTUAL_MFA_DEVICES),
        passes,
    ),
)
def test_id_02_root_has_mfa(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "ID-02") == expected


def device(serial: str, owner: str = "") -> dict[str, Any]:
    user = {
        "Path": "/",
        "UserName": "x",
        "UserId": "x" * 16,
        "Arn": owner,
        "CreateDate": "2026-01-01T00:00:00Z",
    }
    return {"SerialNumber": serial} | ({"User": user} if owner else {})


@scenarios(
    ("none listed", nothing, "hardware or passkey"),
    (
        "by its name",
        lambda a: a.lists(
            LIST_VIRTUAL_MFA_DEVICES, device(f"arn:aws:iam::{ACCOUNT}:mfa/root-account-mfa-device")
        ),
        "virtual",
    ),
    (
        "by its owner",
        lambda a: a.lists(
            LIST_VIRTUAL_MFA_DEVICES,
            device(f"arn:aws:iam::{ACCOUNT}:mfa/phone", f"arn:aws:iam::{ACCOUNT}:root"),
        ),
        "virtual",
    ),
    (
        "somebody else's",
        lambda a: a.lists(
            LIST_VIRTUAL_MFA_DEVICES,
            device(f"arn:aws:iam::{ACCOUNT}:mfa/phone", f"arn:aws:iam::{ACCOUNT}:user/jane"),
        ),
        "hardware or passkey",
    ),
    ("denied", lambda a: a.denies(LIST_VIRTUAL_MFA_DEVICES), "not seen"),
    ("no MFA at all", summary(AccountMFAEnabled=0), "none"),
)
def test_id_02_shows_the_kind_of_device(
    account: Account, given: Given, expected: list[str]
) -> None:
    given(account)
    (finding,) = findings(account, "ID-02")
    assert finding.observed.endswith(f"Root MFA device: {expected[0]}")


ROOT = f"<root_account>,arn:aws:iam::{ACCOUNT}:root,not_supported,false"
NOBODY = "no IAM user with a console password"


@scenarios(
    ("no user", nothing, not_applicable(NOBODY)),
    (
        "only the root user, who is judged by ID-02",
        lambda a: a.report(ROOT),
        not_applicable(NOBODY),
    ),
    ("MFA", lambda a: a.report("jane,arn:1,true,true"), passes),
    ("no MFA", lambda a: a.report("jane,arn:1,true,false"), fails),
    ("no password", lambda a: a.report("robot,arn:1,false,false"), not_applicable(NOBODY)),
    (
        "each user for himself",
        lambda a: a.report(ROOT, "a,arn:1,true,true", "b,arn:2,true,false", "c,arn:3,false,false"),
        passes,
        fails,
    ),
    (
        "no information on the password",
        lambda a: a.report("jane,arn:1,no_information,false"),
        not_evidenced("absent in answer", GET_CREDENTIAL_REPORT),
    ),
    (
        "no information on MFA",
        lambda a: a.report("jane,arn:1,true,N/A"),
        not_evidenced("absent in answer", GET_CREDENTIAL_REPORT),
    ),
    (
        "a line that is cut off",
        lambda a: a.report("jane,arn:1,true"),
        not_evidenced("absent in answer", GET_CREDENTIAL_REPORT),
    ),
    (
        "a report without the column",
        lambda a: a.report("jane,arn:1,true", header="user,arn,password_enabled"),
        not_evidenced("absent in answer", GET_CREDENTIAL_REPORT),
        not_evidenced("absent in answer", GET_CREDENTIAL_REPORT),
    ),
    (
        "an empty answer",
        lambda a: a.answers(GET_CREDENTIAL_REPORT, {}),
        not_evidenced("absent in answer", GET_CREDENTIAL_REPORT),
    ),
    ("report denied", lambda a: a.denies(GET_CREDENTIAL_REPORT), denied(GET_CREDENTIAL_REPORT)),
    (
        "no report yet",
        lambda a: a.refuses(GET_CREDENTIAL_REPORT, "ReportNotPresent", status=410),
        not_evidenced("failed", GET_CREDENTIAL_REPORT, "ReportNotPresent"),
    ),
    (
        "no report, for want of the permission to have one made",
        lambda a: a.denies(GENERATE_CREDENTIAL_REPORT).refuses(
            GET_CREDENTIAL_REPORT, "ReportNotPresent", status=410
        ),
        denied(GENERATE_CREDENTIAL_REPORT),
    ),
)
def test_id_03_console_users_have_mfa(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "ID-03") == expected


def test_id_03_shows_users_by_their_labels(account: Account) -> None:
    account.report("jane.doe,arn:aws:iam::012345678901:user/jane.doe,true,false")
    (finding,) = findings(account, "ID-03")
    assert finding.resource.startswith("user-")
    assert "jane" not in repr(finding)


JANE = "jane,arn:1,true,true"
UNCHANGED = not_applicable("no IAM user has a console password")


def policy(**members: int) -> Given:
    return lambda a: a.report(JANE).answers(
        GET_ACCOUNT_PASSWORD_POLICY, {"PasswordPolicy": members}
    )


@scenarios(
    ("nobody, and no policy", nothing, UNCHANGED),
    ("a user without a password", lambda a: a.report("robot,arn:1,false,false"), UNCHANGED),
    ("root alone, whom the policy does not bind", lambda a: a.report(ROOT), UNCHANGED),
    ("AWS's default", lambda a: a.report(JANE), fails),
    ("as long as asked", policy(MinimumPasswordLength=14, PasswordReusePrevention=24), passes),
    ("a character short", policy(MinimumPasswordLength=13, PasswordReusePrevention=24), fails),
    ("a password few", policy(MinimumPasswordLength=14, PasswordReusePrevention=23), fails),
    ("no password remembered", policy(MinimumPasswordLength=14), fails),
    (
        "the length left out",
        policy(PasswordReusePrevention=24),
        not_evidenced("absent in answer", GET_ACCOUNT_PASSWORD_POLICY),
    ),
    ("the length left out, and none remembered", policy(RequireSymbols=True), fails),
    (
        "policy denied",
        lambda a: a.report(JANE).denies(GET_ACCOUNT_PASSWORD_POLICY),
        denied(GET_ACCOUNT_PASSWORD_POLICY),
    ),
    (
        "policy denied, and nobody whom it binds",
        lambda a: a.denies(GET_ACCOUNT_PASSWORD_POLICY),
        denied(GET_ACCOUNT_PASSWORD_POLICY),
    ),
    (
        "report denied",
        lambda a: policy(MinimumPasswordLength=14, PasswordReusePrevention=24)(a).denies(
            GET_CREDENTIAL_REPORT
        ),
        denied(GET_CREDENTIAL_REPORT),
    ),
    (
        "a report without the column",
        lambda a: a.report("jane,arn:1,true", header="user,arn,mfa_active"),
        not_evidenced("absent in answer", GET_CREDENTIAL_REPORT),
    ),
    (
        "one flag unreadable, and another user has a password",
        lambda a: policy(MinimumPasswordLength=14, PasswordReusePrevention=24)(
            a.report("x,arn:1,no_information,true")
        ).report("x,arn:1,no_information,true", JANE),
        passes,
    ),
)
def test_id_14_passwords(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "ID-14") == expected


def test_id_14_says_where_the_default_holds(account: Account) -> None:
    (finding,) = findings(account.report(JANE), "ID-14")
    assert "8 [AWS left a member out: GetAccountPasswordPolicy" in finding.observed
    assert finding.resource == f"account {ACCOUNT}"


def changed(days: float | None) -> dict[str, str]:
    day = (AS_OF - dt.timedelta(days=days)).isoformat() if days is not None else "N/A"
    return {"password_enabled": "true", "password_last_changed": day}


TIMED = "user,arn,mfa_active,password_enabled,password_last_changed"
YOUNG = changed(1)["password_last_changed"]


@scenarios(
    ("nobody", nothing, not_applicable(NOBODY)),
    ("young", lambda a: a.credentials(jane=changed(365)), passes),
    ("old", lambda a: a.credentials(jane=changed(365.1)), fails),
    ("each for itself", lambda a: a.credentials(a=changed(1), b=changed(900)), passes, fails),
    (
        "old, and without a password any longer",
        lambda a: a.credentials(jane=changed(900) | {"password_enabled": "false"}),
        not_applicable(NOBODY),
    ),
    (
        "nobody knows when",
        lambda a: a.credentials(jane=changed(None)),
        not_evidenced("absent in answer", GET_CREDENTIAL_REPORT),
    ),
    ("ahead", lambda a: a.credentials(jane=changed(-3)), to_be_reviewed),
    (
        "a report without the column",
        lambda a: a.report(JANE),
        not_evidenced("absent in answer", GET_CREDENTIAL_REPORT),
    ),
    (
        "a report that is no CSV",
        lambda a: a.report(f'jane,arn:1,true,"tr"ue,{YOUNG}', header=TIMED),
        not_evidenced("absent in answer", GET_CREDENTIAL_REPORT),
    ),
    (
        "a report in quotes",
        lambda a: a.report(f'jane,arn:1,true,"true",{YOUNG}', header=TIMED),
        passes,
    ),
    ("denied", lambda a: a.denies(GET_CREDENTIAL_REPORT), denied(GET_CREDENTIAL_REPORT)),
)
def test_id_15_password_age(account: Account, given: Given, expected: list[Any]) -> None:
    given(account)
    assert verdicts(account, "ID-15") == expected
