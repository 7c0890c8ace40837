"""Every verdict that is declared of a control is reachable, and no rule gives one that is not."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from kit.catalogue import texts
from kit.controls import CONTROLS
from kit.controls.registry import Control, Outcome, Worded
from kit.judge import evaluate
from kit.tables import tabulate
from kit.tables.guardduty import NO_PLAN
from kit.tables.guards import ANOTHER
from kit.tables.macie import ON
from kit.tables.networks import ANYWHERE
from kit.tables.organisation import OWN
from kit.tables.places import OTHER_ACCOUNT
from kit.tables.refusals import IN_DOUBT
from kit.tables.stacks import NOT_FOUND
from kit.tables.storage import FOLDERS, HOME
from tests.controls.samples import SAMPLES

NOW = dt.datetime(2026, 11, 29, tzinfo=dt.UTC)
OTHER = "111122223333"
KEYS: dict[str, Any] = {"allowed_key_accounts": [], "organisation_accounts": []}
NUMBERS: dict[str, Any] = {"customer_number_patterns": ["K[0-9]+"], "no_customer_numbers": False}
NO_REASON: dict[str, Any] = {"declared_reasons": {}}
CLOSED: dict[str, Any] = {"local_transfer": "forbidden", "declared_reasons": {}}
REPORT = {"name": "C5", "arn": "arn:aws:artifact:x", "period_start": "", "period_end": ""}
PERIOD = {"period_start": "2025-10-01T00:00:00Z", "period_end": "2026-09-30T00:00:00Z"}
YEAR: dict[str, Any] = {"report_valid_months": 12, "as_of": NOW}
KEPT: dict[str, Any] = {"min_log_days": 90, "max_log_days": 400, "as_of": NOW}
DISCOVERY: dict[str, Any] = {"max_discovery_age_days": 90, "as_of": NOW}
STREAM: dict[str, Any] = {"organisation_accounts": []}
ENDPOINT = {"state": "available", "service": "com.amazonaws.eu-west-1.appstream.streaming"}
TLS: dict[str, Any] = {"minimum_tls": "TLSv1.2"}

# Verdicts that no sample account has: control, verdict, clause, what the clause reads.
EXAMPLES: list[tuple[str, str, str, tuple[Any, ...], dict[str, Any]]] = [
    ("AR-09", "fail", "stored_objects_are_encrypted", (ON, 3), {}),
    ("AR-09", "needs review", "encryption_of_each_is_known", (ON, 3), {}),
    ("AR-12", "needs review", "sources_are_in_the_accounts_own_bucket", (OTHER,), {}),
    ("AR-13", "needs review", "screenshots_go_to_the_accounts_own_bucket", (OTHER,), {}),
    (
        *("AR-14", "needs review", "it_is_known_whom_access_points_let_in"),
        *(([OTHER],), {"organisation_accounts": []}),
    ),
    ("AR-20", "needs review", "it_is_known_whom_keys_admit", ([OTHER],), KEYS),
    (
        *("AR-16", "needs review/left_over", "bucket_policies_restrict_access_and_deletion"),
        *((IN_DOUBT,), {}),
    ),
    ("AR-16", "needs review/deletion", "deletion_guard_is_kept", (IN_DOUBT,), {}),
    (
        *("AR-17", "needs review", "stored_data_is_erased_in_time"),
        *((None, None, dict.fromkeys(FOLDERS[HOME], 30), HOME), {"retention_procedure": ""}),
    ),
    (
        *("DS-02", "needs review", "buckets_are_searched_for_personal_data"),
        *((ON, None, None, None, f"{NOW:%Y-%m-%d}", None), DISCOVERY),
    ),
    ("DS-03", "needs review", "findings_of_personal_data_are_dealt_with", (ON, 1), {}),
    ("EX-01", "fail", "clipboard_to_the_device_is_closed_or_has_a_reason", ("ENABLED",), CLOSED),
    ("EX-02", "fail", "file_download_is_closed_or_has_a_reason", ("ENABLED",), CLOSED),
    ("EX-03", "fail", "printing_on_the_device_is_closed_or_has_a_reason", ("ENABLED",), CLOSED),
    (
        *("EX-04", "pass", "third_party_storage_is_registered"),
        *(("BOX",), {"registered_third_parties": ["BOX"]}),
    ),
    (
        *("EX-13", "fail", "domain_users_sign_in_with_certificates"),
        *((True,), {"certificate_sign_in_required": True}),
    ),
    (
        *("EX-05", "needs review", "images_are_shared_within_the_organisation_alone"),
        *(("TRUE", []), {"organisation_accounts": []}),
    ),
    (
        *("EX-12", "needs review", "images_are_made_by_the_account_or_aws"),
        *(([OTHER],), {"organisation_accounts": []}),
    ),
    (
        *("EX-06", "fail", "amis_stay_within_the_organisation"),
        *(([OTHER],), {"organisation_accounts": []}),
    ),
    ("EX-14", "pass", "nobody_on_the_internet_may_connect", ([],), {}),
    ("EX-14", "fail", "nobody_on_the_internet_may_connect", (["0.0.0.0/0"],), {}),
    ("EX-14", "needs review", "it_is_known_who_may_connect", (["pl-1"],), {}),
    (
        *("EX-15", "pass", "ways_out_of_the_network_have_a_reason"),
        *(([], ANYWHERE), {"declared_reasons": {}}),
    ),
    (
        *("EX-15", "needs review", "ways_out_of_the_network_have_a_reason"),
        *((["NAT gateway"], ANYWHERE), {"declared_reasons": {}}),
    ),
    ("EX-16", "pass", "endpoints_lead_to_named_buckets_alone", (False,), {}),
    ("EX-16", "fail", "endpoints_lead_to_named_buckets_alone", (True,), {}),
    ("EX-16", "needs review", "endpoints_lead_to_named_buckets_alone", (IN_DOUBT,), {}),
    (
        *("EX-17", "pass", "sign_in_to_storage_ends_with_the_session"),
        *(("FORCE_REAUTHENTICATION",), NO_REASON),
    ),
    (
        "DS-04",
        "not declared",
        "new_files_are_scanned_for_malware",
        (NO_PLAN, ["user/custom/"]),
        NO_REASON,
    ),
    (
        *("DS-04", "needs review/folders", "new_files_are_scanned_for_malware"),
        *(("ACTIVE", ["user/custom/"]), NO_REASON),
    ),
    (
        "DS-04",
        "needs review/warning",
        "new_files_are_scanned_for_malware",
        ("WARNING", []),
        NO_REASON,
    ),
    (
        "DS-04",
        "needs review/status",
        "new_files_are_scanned_for_malware",
        ("PAUSED", []),
        NO_REASON,
    ),
    (
        *("EX-18", "needs review/security_keys", "security_keys_stay_outside_or_have_a_reason"),
        *((True,), NO_REASON),
    ),
    ("LG-12", "fail", "declared_log_groups_exist", (["/agents"],), {}),
    (
        *("GV-02", "attested/no_period", "aws_protects_its_infrastructure"),
        *(([REPORT], "read 7", []), YEAR),
    ),
    (
        *("GV-02", "attested/period", "aws_protects_its_infrastructure"),
        *(([REPORT | PERIOD], "read 7", []), YEAR),
    ),
    (
        *("GV-02", "not declared/nowhere", "aws_protects_its_infrastructure"),
        *(([REPORT], "", []), YEAR),
    ),
    (
        *("GV-02", "not declared/elsewhere", "aws_protects_its_infrastructure"),
        *(([REPORT], "", ["C5 (read 7)"]), YEAR),
    ),
    (
        *("GV-02", "needs review", "aws_protects_its_infrastructure"),
        *(([REPORT | PERIOD], "2027-01-01", []), YEAR),
    ),
    (
        *("GV-04", "needs review", "shared_responsibility_is_reviewed"),
        *(("A reviewer", "2027-01-01"), {"review_valid_months": 12, "as_of": NOW}),
    ),
    (
        *("GV-06", "needs review", "processor_contract_is_on_file"),
        *(("A contract", "2027-01-01"), {"as_of": NOW}),
    ),
    (
        *("GV-07", "needs review", "access_is_reviewed"),
        *(("A reviewer", "2025-11-29"), {"review_valid_months": 12, "as_of": NOW}),
    ),
    (
        *("GV-08", "fail", "breaches_are_notified_in_time"),
        *(("The authority", 73), {"max_breach_hours": 72}),
    ),
    (
        *("GV-08", "needs review", "notifying_is_exercised"),
        *(("2025-11-29",), {"review_valid_months": 12, "as_of": NOW}),
    ),
    (
        *("GV-05", "fail", "data_rests_in_allowed_regions"),
        *(("us-east-1",), {"allowed_regions": ["eu-west-1"]}),
    ),
    (
        *("GV-05", "needs review/copy", "copies_rest_with_declared_accounts"),
        *(([OTHER_ACCOUNT],), {"organisation_accounts": [OTHER]}),
    ),
    (
        *("GV-05", "needs review/owner", "data_rests_in_the_accounts_own_buckets"),
        *((ANOTHER,), NO_REASON),
    ),
    ("ID-16", "fail", "external_access_is_closed", (["a bucket"],), {}),
    ("ID-16", "needs review/errors", "everything_is_analysed", (2,), {}),
    ("ID-02", "not applicable", "root_user_has_mfa", (False, False), {}),
    ("ID-02", "needs review", "root_password_stays_away", (True,), {}),
    (
        *("ID-04", "fail", "streaming_users_have_mfa"),
        *(("user pool", 1, ""), {"user_pool_forbidden": True}),
    ),
    (
        "ID-05",
        "needs review/outside",
        "nobody_outside_may_on_a_condition",
        (["x"], False, True),
        {},
    ),
    ("ID-05", "needs review/mapped", "provider_singles_out_who_may", (["x"], False), {}),
    ("ID-08", "needs review/mapped", "provider_singles_out_who_opens_them", (["x"], False), {}),
    (
        "ID-08",
        "needs review/outside",
        "nobody_outside_opens_them_on_a_condition",
        (["x"], False, True),
        {},
    ),
    ("ID-09", "needs review", "user_pool_is_kept_clean", (True, "UNKNOWN"), {}),
    (
        *("ID-10", "needs review", "authority_is_the_organisations"),
        *(("ENABLED", OTHER), {"organisation_accounts": []}),
    ),
    (
        *("IT-02", "needs review/endpoint_of_another", "streaming_traffic_is_encrypted"),
        *(("TCP", [{**ENDPOINT, "owner": OTHER}]), STREAM),
    ),
    (
        *("IT-02", "needs review/unknown_endpoint", "streaming_traffic_is_encrypted"),
        *(("TCP", [{"state": NOT_FOUND}]), STREAM),
    ),
    (
        *("IT-02", "needs review/udp", "streaming_traffic_is_encrypted"),
        *(("UDP", [{**ENDPOINT, "owner": OWN}]), STREAM),
    ),
    (
        *("IT-03", "absent in answer", "no_api_event_is_seen_below_the_minimum_tls"),
        *((1, 0, [], 1), TLS),
    ),
    (
        *("IT-03", "needs review", "no_api_event_is_seen_below_the_minimum_tls"),
        *((1, 1, ["TLSv9"], 0), TLS),
    ),
    ("IT-04", "needs review", "buckets_refuse_plain_http", (IN_DOUBT,), {}),
    ("IT-06", "needs review", "clients_use_tls", (["TLSv9"],), TLS),
    ("IT-07", "fail", "fips_endpoints_are_used", (False,), {"fips_relay_state": True}),
    ("IT-07", "not declared", "fips_endpoints_are_used", (True,), {"fips_relay_state": False}),
    ("IT-08", "fail", "evidence_was_collected_over_verified_tls", (["http://x"], [], True), {}),
    ("IT-08", "not applicable", "evidence_was_collected_over_verified_tls", ([], ["x"], True), {}),
    (
        *("LG-05", "needs review", "reports_keep_up_with_sessions"),
        *((None, False, True), {"max_report_age_days": 2, "as_of": NOW}),
    ),
    ("LG-08", "pass", "usage_reports_have_a_legal_basis", ("LIA 7",), {}),
    (
        *("LG-08", "needs review", "users_are_informed_of_usage_reports"),
        *(("Notice 3", "2027-01-01"), {"as_of": NOW}),
    ),
    (
        *("LG-06", "needs review", "logs_are_kept_as_long_as_needed"),
        *((None, None, "2027-06-01", "2027-06-01"), KEPT),
    ),
    ("MD-01", "fail", "free_form_fields_identify_nobody", (["x"], []), NUMBERS),
    ("MD-01", "needs review/possible_hits", "free_form_fields_identify_nobody", ([], [1]), NUMBERS),
    ("MD-02", "fail", "tags_identify_nobody", (["x"], []), NUMBERS),
    ("MD-02", "needs review/possible_hits", "tags_identify_nobody", ([], [1]), NUMBERS),
]


def name_of(outcome: Outcome) -> str:
    """A verdict as it is declared."""
    if isinstance(outcome, Worded):
        return outcome.name
    return "pass" if outcome else "fail"


def declared(control: Control) -> set[str]:
    """The verdicts that the control and its texts declare."""
    start = f"controls/{control.id}/verdicts/"
    worded = {id.removeprefix(start) for id in texts.ids() if id.startswith(start)}
    return {*control.gives, *worded}


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    """Control and verdict, for each verdict that a rule gives of a sample account."""
    found: set[tuple[str, str]] = set()
    check = Control.gives_verdict

    def record(control: Control, outcome: Outcome) -> bool:
        found.add((control.id, name_of(outcome)))
        return check(control, outcome)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Control, "gives_verdict", record)
        for name, sample in SAMPLES.items():
            evaluate(tabulate(sample(tmp_path_factory.mktemp(name)).snapshot()))
    return found


@pytest.mark.parametrize(("name", "verdict", "clause", "cells", "limits"), EXAMPLES)
def test_the_example_gives_the_verdict(
    name: str, verdict: str, clause: str, cells: tuple[Any, ...], limits: dict[str, Any]
) -> None:
    control = CONTROLS[name]
    (rule,) = (one.rule for one in control.clauses if one.rule.__name__ == clause)
    outcome = rule(*cells, **limits)
    assert name_of(outcome) == verdict
    if isinstance(outcome, Worded):
        reported = control.text_of(outcome)
        assert reported
        assert "{" not in reported, "every field has a value"


@pytest.mark.parametrize("name", sorted(CONTROLS))
def test_what_is_declared_can_be_reached(given: set[tuple[str, str]], name: str) -> None:
    examples = {(one[0], one[1]) for one in EXAMPLES}
    reached = {verdict for control, verdict in given | examples if control == name}
    unreached = sorted(declared(CONTROLS[name]) - reached)
    assert not unreached, (
        f"no sample has these verdicts of {name}: add them to EXAMPLES in tests/controls/test_verdicts.py"
    )
    assert reached == declared(CONTROLS[name])


@pytest.mark.parametrize(
    ("way", "users", "passes"),
    [("user pool", 0, True), ("user pool", 1, False), ("directory", 1, True)],
)
def test_id_04_forbids_a_user_pool_with_users_alone(way: str, users: int, passes: bool) -> None:
    (clause,) = CONTROLS["ID-04"].clauses
    assert clause.rule(way, users, "IDP-1", user_pool_forbidden=True) is passes
