"""Remedies in the sandbox, as they are printed: the clause fails, the commands run, it holds.

The AWS CLI runs each command. The sandbox refuses what AWS refuses: `tests/sandbox/test_changes.py`.
An account is collected three times for all remedies: before, after, and once they are undone.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import io
import json
import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from kit import evaluate, sandbox, tabulate
from kit.catalogue import texts
from kit.collect.collector import collect
from kit.controls import CONTROLS
from kit.controls.registry import RemedyName
from kit.judge import needed_calls
from kit.judge.evaluator import calls_of
from kit.judge.findings import Finding, Findings
from kit.sandbox.declared import Item
from kit.sandbox.server import Sandbox
from kit.sandbox.services.appstream import SETTLES
from kit.sandbox.services.guardduty import made_id
from tests.accounts import run_of
from tests.controls.test_remedies import NAMED as BY_NAME
from tests.controls.test_remedies import (
    READS,
    STATES,
    changes,
    commands_in,
    operation,
    undecided,
)
from tests.standins import restricted, tls_only

ID = "012345678901"
WEST, EAST = "eu-west-1", "us-east-1"
HOME = f"appstream2-36fb080bb8-{WEST}-{ID}"
SETTINGS = f"appstream-app-settings-{WEST}-{ID}-7h2k5m9p"
LOGS = f"appstream-logs-{WEST}-{ID}-3d6f9h2j"
HOME_EAST = f"appstream2-36fb080bb8-{EAST}-{ID}"
SETTINGS_EAST = f"appstream-app-settings-{EAST}-{ID}-2c4e6g8j"
LOGS_EAST = f"appstream-logs-{EAST}-{ID}-5k7m9p2r"
KEY, OTHER_KEY = "0d1e2f3a-4b5c-4d6e-8f70-8192a3b4c5d6", "1a2b3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d"
OWN_KEY = f"arn:aws:kms:{WEST}:{ID}:key/{OTHER_KEY}"
SEALED_KEY = "5c6d7e8f-9a0b-4c1d-8e2f-3a4b5c6d7e8f"  # disabled
SEALED_ARN = f"arn:aws:kms:{WEST}:{ID}:key/{SEALED_KEY}"
IMPORTED_KEY = "6d7e8f90-a1b2-4c3d-8e4f-5a6b7c8d9e0f"  # waits for its material
OUTSIDE_KEY = "7e8f90a1-b2c3-4d4e-8f5a-6b7c8d9e0f1a"  # its store is not connected
KEY_STORE = "cks-1234567890abcdef0"


def key_arn(id: str) -> str:
    return f"arn:aws:kms:{WEST}:{ID}:key/{id}"


STORE_KEYS = {
    "sealed-store": SEALED_ARN,
    "imported-store": key_arn(IMPORTED_KEY),
    "outside-store": key_arn(OUTSIDE_KEY),
}
GRANT = "7d1e2f3a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f6"
STACK = "max-mustermann-desktop"
ROLE = f"arn:aws:iam::{ID}:role/streaming-machine"
AUTHORITY = (
    f"arn:aws:acm-pca:{WEST}:{ID}:certificate-authority/aaaaaaaa-0000-4000-8000-000000000000"
)
ENDED = f"arn:aws:acm-pca:{WEST}:{ID}:certificate-authority/b0d1c2e3-f4a5-4b6c-8d7e-9f0a1b2c3d4e"
PROVIDER = f"arn:aws:iam::{ID}:saml-provider/CorporateIdP"
STORE = f"arn:aws:cloudtrail:{WEST}:{ID}:eventdatastore/aaaaaaaa-0000-4000-8000-00000000000"
Edit = Callable[[Any], Any]


@dataclass(frozen=True)
class Case:
    """A remedy of a finding: what stands for the placeholders, and what the reader edits.

    ``account`` runs the commands, and so what undoes them. ``proof`` is the resource whose clause holds
    afterwards, where that of the finding stays as it is. ``skip`` leaves out lines that are for other
    cases. Of two cases that begin with "either" and
    "or" the first is run, the second with ``otherwise``. ``undone`` is false where the undo depends
    on what was there, which the text says.
    """

    control: str
    resource: str
    name: str
    values: dict[str, str] = field(default_factory=dict)
    edits: dict[str, Edit] = field(default_factory=dict)
    region: str = WEST
    skip: str = "(?!)"
    undone: bool = True
    otherwise: bool = False
    before: dict[str, str] = field(default_factory=dict)  # placeholder of the undo
    account: str = "careless"
    proof: str = ""

    @property
    def clause(self) -> str:
        return RemedyName.of(self.name).clause

    @property
    def id(self) -> str:
        return f"{self.control}-{self.name}-{self.resource.replace(ID, '')}"


def bucket(name: str, **values: str) -> dict[str, str]:
    return {"BUCKET": name, **values}


def changed(**members: Any) -> Edit:
    return lambda content: content | members


def algorithm(content: Any) -> Any:
    default = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    return content or default


def with_key(content: Any) -> Any:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/aws/s3"}
    return {"Rules": [content["Rules"][0] | {"ApplyServerSideEncryptionByDefault": default}]}


def without_key(content: Any) -> Any:
    default = {"SSEAlgorithm": "AES256"}
    return {"Rules": [content["Rules"][0] | {"ApplyServerSideEncryptionByDefault": default}]}


def unreplicated(content: Any) -> Any:
    rules = [
        rule | {"Status": "Disabled"} if rule["ID"] == "abroad" else rule
        for rule in content["Rules"]
    ]
    return content | {"Rules": rules}


def blocked(content: Any) -> Any:
    return {
        "Rules": [content["Rules"][0] | {"BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}}]
    }


def statements(*added: dict[str, Any]) -> Edit:
    def edit(content: Any) -> Any:
        policy = content or {"Version": "2012-10-17", "Statement": []}
        return policy | {"Statement": [*policy["Statement"], *added]}

    return edit


def to_named_hosts(content: Any) -> Any:
    allowed = {"AllowedUrls": ["https://portal.kunde.example/*"]}
    return {"HostToClient": content["HostToClient"] | allowed}


def owners_alone(content: Any) -> Any:
    own = [s for s in content["Statement"] if ID in json.dumps(s["Principal"])]
    return content | {"Statement": own}


def named_alone(content: Any) -> Any:
    reader = {"AWS": f"arn:aws:iam::{ID}:role/streaming-machine"}
    return content | {"Statement": [s | {"Principal": reader} for s in content["Statement"]]}


def https(content: Any) -> Any:
    return [link | {"FooterLinkURL": "https://portal.kunde.example"} for link in content]


def own_principal(content: Any) -> Any:
    principal = {"AWS": f"arn:aws:iam::{ID}:root"}
    return content | {"Statement": [s | {"Principal": principal} for s in content["Statement"]]}


def metadata(_: Any) -> str:
    return '<EntityDescriptor validUntil="2090-01-01T00:00:00Z"/>'.ljust(1000)


def of_import(name: str) -> bytes:
    parameters = json.loads(Path(f"{IMPORTED_KEY}-import.json").read_text())
    return base64.b64decode(parameters[name])


def wrapped(_: Any) -> bytes:
    """The key's material, encrypted as KMS wants it."""
    public = load_der_public_key(of_import("PublicKey"))
    assert isinstance(public, RSAPublicKey)
    return public.encrypt(b"m" * 32, OAEP(MGF1(SHA256()), SHA256(), None))


def token(_: Any) -> bytes:
    return of_import("ImportToken")


def erasing(content: Any) -> Any:
    rule = {
        "ID": "erase",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "Expiration": {"Days": 400},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
    }
    return {"Rules": [*((content or {}).get("Rules") or []), rule]}


def as_before(content: Any) -> Any:
    return {name: value for name, value in content.items() if name != "ExpirePasswords"}


def longer(content: Any) -> Any:
    kept = as_before(content or {})
    lengths = {"MinimumPasswordLength": 14, "PasswordReusePrevention": 24}
    return kept | {name: max(kept.get(name, 0), least) for name, least in lengths.items()}


def disabling(action: str) -> Edit:
    def edit(content: Any) -> Any:
        others = [s for s in content or [] if s["Action"] != action]
        return [*others, {"Action": action, "Permission": "DISABLED"}]

    return edit


DUTY = {"Effect": "Allow", "Action": "appstream:DescribeStacks", "Resource": "*"}
STREAM = {
    "Effect": "Allow",
    "Action": "appstream:Stream",
    "Resource": f"arn:aws:appstream:{WEST}:{ID}:stack/{STACK}",
    "Condition": {"StringEquals": {"appstream:userId": "${saml:sub}"}},
}
BUCKETS = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": ["s3:GetObject", "s3:PutObject"],
    "Resource": f"arn:aws:s3:::{HOME}/*",
}
TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "appstream.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
ADMINS = [
    f"arn:aws:iam::{ID}:role/service-role/AmazonAppStreamServiceAccess",
    f"arn:aws:iam::{ID}:role/EvidenceReader",
]


def policy(*statements: dict[str, Any]) -> Edit:
    return lambda _: {"Version": "2012-10-17", "Statement": list(statements)}


def selectors(_: Any) -> Any:
    def fields(**given: list[str]) -> list[dict[str, Any]]:
        return [
            {"Field": name.replace("_", "."), "Equals": values} for name, values in given.items()
        ]

    objects = fields(eventCategory=["Data"], resources_type=["AWS::S3::Object"])
    objects += [{"Field": "resources.ARN", "StartsWith": [f"arn:aws:s3:::{SETTINGS}/"]}]
    management = fields(eventCategory=["Management"])
    return [{"FieldSelectors": management}, {"FieldSelectors": objects}]


FLEET = {"FLEET": "max-fleet", "IMAGE": "old-image"}
ELASTIC = {"FLEET": "careless-elastic", "IMAGE": "old-image"}
STOPPED = {"FLEET": "forgotten", "IMAGE": "old-image"}
NAMED = "max-fleet (Fleet of Max Mustermann)"
DESKTOP = "max-mustermann-desktop (Desktop of max.mustermann@kunde.example)"
LIMIT, IMDS = "sessions_end_in_time", "instances_offer_no_credentials_to_steal"
INTERNET, RIGHTS = "instances_have_no_default_internet_access", "role_may_not_touch_appstream"
ENCRYPTION = {"encryption.json": algorithm}
USABLE = "keys_of_buckets_are_usable/PendingDeletion"
STREAMS = "sessions_are_opened_on_named_stacks_or_under_a_condition"
ADMINISTER = "rights_on_appstream_and_its_data_are_administrators_alone"
GROUP, AMI = "sg-0badbadbadbad0001", "ami-0123456789abcdef0"
RULE, GATEWAY = "sgr-dff50bcc81a7cc631", "vpce-0badbadbadbad0002"
DETECTOR, SCANNER = "12abc34d567e8fa901bc2d34e56789f0", f"arn:aws:iam::{ID}:role/scanner"
TOPIC = f"arn:aws:sns:{WEST}:{ID}:security-findings"
EVENTS = {"Sid": "EventsOfRules", "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish", "Resource": TOPIC}  # fmt: skip
CASES = [
    Case("AR-01", NAMED, "streaming_instances_are_ephemeral/running fleet", FLEET | {"COUNT": "2"}, before={"BEFORE": "4", "SESSIONS": "8"}),
    Case("AR-03", NAMED, f"{LIMIT}/running fleet", FLEET, before={"BEFORE": "432000"}),
    Case("AR-03", NAMED, "disconnected_sessions_end/running fleet", FLEET, before={"BEFORE": "36000"}),
    Case("AR-03", NAMED, "idle_users_are_disconnected/running fleet", FLEET, before={"BEFORE": "0"}),
    Case("AR-03", "careless-elastic", f"{LIMIT}/running Elastic fleet", ELASTIC, before={"BEFORE": "57600"}),
    Case("AR-03", "forgotten", f"{LIMIT}/stopped fleet", STOPPED, region=EAST, before={"BEFORE": "345600"}),
    Case("AR-03", "begins", f"{LIMIT}/starting fleet", {"FLEET": "begins"}, before={"BEFORE": "432000"}),
    Case("AR-03", "ends", f"{LIMIT}/stopping fleet", {"FLEET": "ends"}, before={"BEFORE": "432000"}),
    Case("AR-05", HOME, "home_folder_buckets_are_encrypted", bucket(HOME), ENCRYPTION, undone=False),
    Case("AR-06", SETTINGS_EAST, "application_settings_buckets_are_encrypted", bucket(SETTINGS_EAST), ENCRYPTION, EAST, undone=False),
    Case("AR-07", SETTINGS, USABLE, {"KEY": KEY}),
    Case("AR-20", f"key {KEY}", "key_policies_admit_nobody_else", {"KEY": KEY}, {"-policy.json": owners_alone}),
    Case("AR-20", f"key {KEY}", "grants_on_keys_admit_nobody_else", {"KEY": KEY, "GRANT": GRANT}, before={"PRINCIPAL": "arn:aws:iam::888888888888:role/archive", "OPERATIONS": "Decrypt"}),
    Case("AR-07", HOME_EAST, "keys_are_in_a_declared_account", bucket(HOME_EAST), {"encryption.json": with_key}, EAST),
    Case("AR-08", f"key {OTHER_KEY}", "customer_keys_rotate", {"KEY": OTHER_KEY}),
    Case("AR-10", SETTINGS, "keys_of_the_writers_own_are_refused", bucket(SETTINGS), {"encryption.json": blocked}),
    Case("AR-11", LOGS_EAST, "log_buckets_are_encrypted", bucket(LOGS_EAST), ENCRYPTION, EAST, undone=False),
    Case("AR-12", "careless-sources", "elastic_fleets_can_read_them", bucket("careless-sources"), {"encryption.json": without_key}),
    Case("AR-12", "careless-sources", "sources_of_elastic_fleets_are_protected", bucket("careless-sources"), {"-policy.json": named_alone}, before={"BEFORE": "false"}),
    Case("AR-12", "careless-sources", "no_list_opens_them", bucket("careless-sources"), before={"BEFORE": "ObjectWriter"}),
    Case("AR-12", "careless-sources", "changes_can_be_undone", bucket("careless-sources")),
    Case("AR-13", "careless-screenshots", "screenshots_of_agents_are_protected", bucket("careless-screenshots"), ENCRYPTION, undone=False),
    Case("AR-13", "careless-screenshots", "screenshots_are_closed_to_the_public", bucket("careless-screenshots"), {"-policy.json": named_alone}, before={"BEFORE": "false"}),
    Case("AR-13", "careless-screenshots", "nothing_can_open_screenshots", bucket("careless-screenshots"), before={"BEFORE": "false"}),
    Case("AR-13", "careless-screenshots", "screenshots_are_erased_in_time", bucket("careless-screenshots"), {"rules.json": erasing}, otherwise=True),
    Case("AR-13", "careless-replays", "keys_of_screenshots_are_usable/Disabled", {"KEY": SEALED_KEY}),
    Case("AR-13", "careless-screenshots", "keys_of_recordings_are_usable", {"KEY": SEALED_KEY}),
    Case("AR-14", HOME, "policies_cannot_open_it", bucket(HOME), before={"BEFORE": "false"}),
    Case("AR-14", HOME, "access_points_let_nobody_else_in", {"ACCOUNT": ID, "POINT": "partner-downloads"}, {"-policy.json": own_principal}),
    Case("AR-15", LOGS, "acls_are_disabled", bucket(LOGS), before={"BEFORE": "BucketOwnerPreferred"}),
    Case("AR-16", LOGS, "bucket_policies_restrict_access_and_deletion", bucket(LOGS), {"-policy.json": statements(*restricted(LOGS, *ADMINS)["Statement"])}, otherwise=True),
    Case("AR-16", SETTINGS, "deletion_guard_is_kept", bucket(SETTINGS), {"-policy.json": statements(restricted(SETTINGS)["Statement"][0])}, otherwise=True),
    Case("AR-19", HOME, "earlier_versions_of_files_are_kept", bucket(HOME)),
    Case("GV-05", HOME, "copies_rest_in_allowed_regions", bucket(HOME), {"replication.json": unreplicated}),
    Case("GV-09", f"account {ID}", "aws_reaches_a_security_contact", {"TEAM": "Desk", "MAILBOX": "desk@example.com", "NUMBER": "+49300000000"}),
    Case("ID-14", f"account {ID}", "console_passwords_are_long", {"ACCOUNT": ID}, {"password.json": longer}, otherwise=True),
    Case("ID-14", f"account {ID}", "used_passwords_are_refused", {"ACCOUNT": ID}, {"password.json": longer, "-before.json": as_before}),
    Case("ID-15", "max.mustermann", "console_passwords_are_renewed", {"USER": "max.mustermann"}, undone=False, before={"PASSWORD": "Sandbox-0-Sandbox"}),
    Case("IT-06", WEST, "own_urls_and_clients_use_tls", {"STACK": STACK, "URL": "portal.kunde.example/ended"}, {"links.json": https}, skip="redirection", undone=False),
    Case("MD-03", DESKTOP, "urls_hold_no_credentials", {"STACK": STACK, "URL": "https://portal.kunde.example/ended"}, undone=False),
    Case("AR-17", LOGS, "stored_data_is_erased_in_time", bucket(LOGS), {"rules.json": erasing}, otherwise=True),
    Case("AR-19", SETTINGS, "earlier_versions_of_files_are_kept", bucket(SETTINGS)),
    Case("EX-17", f"{STACK}, ONE_DRIVE", "sign_in_to_storage_ends_with_the_session", {"STACK": STACK}),
    Case("EX-18", "untouched-defaults", "smart_cards_stay_outside_or_have_a_reason", {"STACK": "untouched-defaults"}, {"settings.json": disabling("SMART_CARD_REDIRECTION")}),
    Case("EX-18", "prefers-udp", "security_keys_stay_outside_or_have_a_reason", {"STACK": "prefers-udp"}),
    Case("DS-01", EAST, "macie_is_on_where_personal_data_rests", region=EAST),
    Case("DS-04", HOME, "new_files_are_scanned_for_malware", bucket(HOME, PLAN="b4c7f464ab3a4EXAMPLE", ROLE=SCANNER), undone=False),
    Case("DS-04", HOME_EAST, "new_files_are_scanned_for_malware?not declared", bucket(HOME_EAST, PLAN=made_id(ID, EAST, HOME_EAST), ROLE=SCANNER), region=EAST),
    Case("DS-02", LOGS, "buckets_are_searched_for_personal_data"),
    Case("EX-01", "untouched-defaults", "clipboard_to_the_device_is_closed_or_has_a_reason", {"STACK": "untouched-defaults"}, {"settings.json": disabling("CLIPBOARD_COPY_TO_LOCAL_DEVICE")}),
    Case("EX-02", "untouched-defaults", "file_download_is_closed_or_has_a_reason", {"STACK": "untouched-defaults"}, {"settings.json": disabling("FILE_DOWNLOAD")}),
    Case("EX-03", "untouched-defaults", "printing_on_the_device_is_closed_or_has_a_reason", {"STACK": "untouched-defaults"}, {"settings.json": disabling("PRINTING_TO_LOCAL_DEVICE")}),
    Case("EX-13", "untouched-defaults", "domain_users_sign_in_with_certificates", {"STACK": "untouched-defaults"}, {"settings.json": disabling("DOMAIN_PASSWORD_SIGNIN")}),
    Case("EX-04", f"{STACK}, GOOGLE_DRIVE", "third_party_storage_is_registered/GOOGLE_DRIVE", {"STACK": STACK}),
    Case("EX-04", f"{STACK}, ONE_DRIVE", "third_party_storage_is_registered/ONE_DRIVE", {"STACK": STACK}),
    Case("EX-12", "old-image (Image by hans.beispiel@kunde.example)", "images_are_current", {"IMAGE": "old-image", "NEW": "renewed", "FLEET": "max-fleet"}, proof="renewed (Image by hans.beispiel@kunde.example)"),
    Case("EX-05", "new-shared", "images_are_shared_within_the_organisation_alone", {"IMAGE": "new-shared", "ACCOUNT": "999999999999"}, before={"BEFORE": "true"}),
    Case("EX-06", WEST, "amis_stay_within_the_organisation", {"AMI": AMI, "ACCOUNT": "888888888888"}),
    Case("EX-07", NAMED, f"{INTERNET}/running fleet", FLEET),
    Case("EX-07", "careless-elastic", f"{INTERNET}/running Elastic fleet", ELASTIC),
    Case("EX-07", "forgotten", f"{INTERNET}/stopped fleet", STOPPED, region=EAST),
    Case("EX-07", "careless-packager", f"{INTERNET}/stopped app block builder", {"BUILDER": "careless-packager"}),
    Case("EX-07", "packager-that-runs", f"{INTERNET}/app block builder", {"BUILDER": "packager-that-runs"}),
    Case("EX-08", "careless-elastic", "no_usb_device_is_let_into_sessions/running Elastic fleet", ELASTIC, before={"BEFORE": "'000000,*,*,*,*,*,*,*,*,*'"}),
    Case("EX-08", NAMED, "no_usb_device_is_let_into_sessions/running fleet", FLEET, before={"BEFORE": "'000000,*,*,*,*,*,*,*,*,*'"}),
    Case("EX-09", DESKTOP, "stacks_are_embedded_by_allowed_domains_alone", {"STACK": STACK}, otherwise=True, before={"BEFORE": "portal.kunde.example anybody.example"}),
    Case("EX-10", "untouched-defaults", "agents_have_an_impact_assessment", {"STACK": "untouched-defaults"}),
    Case("EX-11", DESKTOP, "content_redirection_is_limited", {"STACK": STACK}, {"redirection.json": to_named_hosts}),
    Case("EX-14", NAMED, "nobody_on_the_internet_may_connect", {"GROUP": GROUP, "RULE": RULE}, before={"PROTOCOL": "tcp", "FROM_PORT": "3389", "TO_PORT": "3389", "CIDR": "0.0.0.0/0"}),
    Case("EX-16", GATEWAY, "endpoints_lead_to_named_buckets_alone", {"ENDPOINT": GATEWAY}, {"-policy.json": policy(BUCKETS)}),
    Case("ID-01", "root user", "root_user_is_set_aside", {"KEY": "AKIAIOSFODNN7EXAMPLE"}),
    Case("ID-03", "shared-admin", "console_users_have_mfa", {"USER": "shared-admin", "DEVICE": f"arn:aws:iam::{ID}:mfa/shared-admin", "NEXT_CODE": "123457", "CODE": "123456"}),
    Case("ID-05", "streaming-machine: administer AppStream", ADMINISTER, {"ROLE": "streaming-machine", "NAME": "everything"}, {"duty.json": policy(DUTY)}, skip="tach-role|delete-role|NEW_NAME|-(user|group)-policy"),
    Case("ID-05", "shared-admin: administer AppStream", ADMINISTER, {"USER": "shared-admin", "NAME": "Streaming"}, {"duty.json": policy(DUTY)}, skip="tach-user|delete-user|NEW_NAME|-(role|group)-policy"),
    Case("ID-06", "AmazonAppStreamServiceAccess", "service_roles_are_as_aws_made_them", {"ROLE": "AmazonAppStreamServiceAccess", "ARN": "arn:aws:iam::aws:policy/AdministratorAccess"}, {"trust.json": policy(TRUST)}),
    Case("ID-07", NAMED, f"{IMDS}/running fleet", FLEET),
    Case("ID-07", NAMED, f"{RIGHTS}/running fleet", FLEET, before={"BEFORE": ROLE}),
    Case("ID-07", "careless-elastic", f"{IMDS}/running Elastic fleet", ELASTIC),
    Case("ID-07", "forgotten", f"{IMDS}/stopped fleet", STOPPED, region=EAST, skip="describe-images"),
    Case("ID-07", "careless-packager", f"{IMDS}/stopped app block builder", {"BUILDER": "careless-packager"}),
    Case("ID-07", "packager-that-runs", f"{RIGHTS}/app block builder", {"BUILDER": "packager-that-runs"}, before={"BEFORE": ROLE}),
    Case("ID-08", "portal: open streaming sessions", STREAMS, {"ROLE": "portal", "NEW_NAME": "stream", "ARN": f"arn:aws:iam::{ID}:policy/MintURLs"}, {"duty.json": policy(STREAM)}, skip="policy-name NAME|-(user|group)-policy", undone=False),
    Case("ID-08", "erika.mustermann: open streaming sessions", STREAMS, {"GROUP": "helpdesk", "NEW_NAME": "stream", "ARN": "arn:aws:iam::aws:policy/AmazonAppStreamFullAccess"}, {"duty.json": policy(STREAM)}, skip="-(role|user)-policy|policy-name NAME"),
    Case("ID-09", "lotte.muster@kunde.example", "user_pool_is_kept_clean", {"NAME": "lotte.muster@kunde.example"}),
    Case("ID-10", "kunde.example", "domain_sign_in_rests_on_a_valid_authority", {"DIRECTORY": "kunde.example", "ARN": AUTHORITY}, before={"BEFORE": ENDED}),
    Case("ID-11", "everybody", "entitlements_show_selected_applications", {"STACK": STACK, "ENTITLEMENT": "everybody", "APPLICATION": "crm"}),
    Case("ID-12", "erika.mustermann, access key 1", "access_keys_are_rotated", {"USER": "erika.mustermann", "KEY": "AKIAIOSFODNN7EXAMPLE"}),
    Case("ID-13", WEST, "external_access_is_analysed"),
    Case("ID-16", EAST, "external_access_is_closed/no_analyzer", region=EAST),
    Case("ID-17", PROVIDER, "metadata_stays_valid", {"ARN": PROVIDER, "PROVIDER": "CorporateIdP"}, {"metadata.xml": metadata}),
    Case("IT-02", DESKTOP, "named_endpoints_carry_streaming", {"STACK": STACK, "VPCE": "vpce-0good"}),
    Case("IT-02", "untouched-defaults", "named_endpoints_carry_streaming", {"STACK": "untouched-defaults"}, otherwise=True, undone=False),
    Case("IT-02", "prefers-udp", "streaming_traffic_is_encrypted/udp", {"STACK": "prefers-udp"}),
    Case("IT-04", SETTINGS, "buckets_refuse_plain_http", bucket(SETTINGS), {"-policy.json": statements(*tls_only(SETTINGS)["Statement"])}),
    Case("LG-01", WEST, "api_activity_is_logged", {"BUCKET": "careless-trail", "TRAIL": "all"}, skip="start-logging --name TRAIL|get-trail"),
    Case("LG-02", SETTINGS, "access_to_stored_files_is_logged/trail", bucket(SETTINGS, TRAIL="all"), {"selectors.json": selectors}, otherwise=True),
    Case("LG-03", "half-hearted", "trails_are_validated_and_encrypted/trail", {"TRAIL": "half-hearted"}),
    Case("LG-03", "half-hearted", "trails_are_encrypted/trail", {"TRAIL": "half-hearted", "KEY": OTHER_KEY}),
    Case("LG-03", "sealed", "keys_of_trails_are_usable/Disabled", {"KEY": SEALED_KEY}),
    Case("LG-06", "sealed-store", "keys_of_event_data_stores_are_usable/Disabled", {"KEY": SEALED_KEY}),
    Case("LG-06", "imported-store", "keys_of_event_data_stores_are_usable/PendingImport", {"KEY": IMPORTED_KEY}, {"-material.bin": wrapped, "-token.bin": token}),
    Case("LG-06", "outside-store", "keys_of_event_data_stores_are_usable/Unavailable", {"KEY": OUTSIDE_KEY, "KEY_STORE": KEY_STORE}),
    Case("LG-06", "half-hearted", "logs_are_kept_as_long_as_needed/trail", bucket("careless-trail"), {"rules.json": erasing}, otherwise=True),
    Case("LG-06", "short", "logs_are_kept_as_long_as_needed/event data store", {"STORE": f"{STORE}1", "DAYS": "400"}, before={"BEFORE": "7"}),
    Case("LG-06", "going", "no_event_data_store_is_going/event data store", {"STORE": f"{STORE}2"}),
    Case("LG-07", LOGS_EAST, "access_to_buckets_is_logged", bucket(LOGS_EAST, LOGS=SETTINGS_EAST), region=EAST, skip="get-bucket-policy", otherwise=True),
    Case("LG-09", WEST, "configurations_are_recorded", {"RECORDER": "default"}),
    Case("LG-10", WEST, "security_events_are_passed_on", {"ARN": TOPIC, "TOPIC": "security-findings"}, {"-policy.json": statements(EVENTS)}),
    Case("LG-11", EAST, "threats_are_detected", {"DETECTOR": made_id(ID, EAST, "detector")}, region=EAST, skip="update-detector --detector-id DETECTOR --enable"),
    Case("LG-11", WEST, "access_to_files_is_watched", {"DETECTOR": DETECTOR}),
    Case("LG-12", DESKTOP, "logs_of_agents_are_kept_as_long_as_needed", {"GROUP": "/agents", "DAYS": "365"}, before={"BEFORE": "7"}),
    Case("MD-01", "untouched-defaults", "free_form_fields_identify_nobody", {"STACK": "untouched-defaults", "TEXT": "Office"}, undone=False),
    Case("MD-02", "max-fleet", "tags_identify_nobody", {"ARN": f"arn:aws:appstream:{WEST}:{ID}:fleet/max-fleet", "KEY": "contact"}, skip="resourcegroupstaggingapi", undone=False),
]  # fmt: skip
# Remedies of a member of an organisation; what the organisation owns, its own account changes.
MEMBER, CENTRAL = "210987654321", "eu-central-1"
MANAGER = "999988887777"
THEIRS = f"arn:aws:cloudtrail:{CENTRAL}:{MANAGER}:trail/organization"
MEMBERS_HOME = f"appstream2-36fb080bb8-{CENTRAL}-{MEMBER}"
PREFIX = "user/custom/"
OF_A_MEMBER = [
    Case("ID-02", "root user", "root_password_stays_away?needs review", account="organisation"),
    Case("LG-03", "organization", "trails_are_validated_and_encrypted/trail of another account", {"TRAIL": THEIRS}, region=CENTRAL, account="organisation"),
    Case("DS-04", MEMBERS_HOME, "new_files_are_scanned_for_malware?needs review/folders", bucket(MEMBERS_HOME, PLAN="members", PREFIX="user/"), region=CENTRAL, before={"PREFIX": PREFIX}, account="demo"),
]  # fmt: skip
EVERY_CASE = [*CASES, *OF_A_MEMBER]


def furnish_member(local: Sandbox) -> None:
    """Let the member of an organisation lack what remedies bring about."""
    member, manager = local._by_name["demo"], local._by_name["organisation"]
    manager.declared("iam", "OrganizationsFeatures", "").clear()
    (root,) = member.declared("iam", "RootAccount", "")
    root["AccountPasswordPresent"] = False
    root["CredentialReport"]["mfa_active"] = False
    (trail,) = manager.declared("cloudtrail", "trailList", CENTRAL)
    trail["LogFileValidationEnabled"] = False
    member.declared("cloudtrail", "trailList", CENTRAL)[:] = [trail]
    member.declared("guardduty", "MalwareProtectionPlans", CENTRAL).clear()
    plan = Item(
        Role=f"arn:aws:iam::{MEMBER}:role/scanner",
        ProtectedResource={"S3Bucket": {"BucketName": MEMBERS_HOME, "ObjectPrefixes": [PREFIX]}},
        Actions={"Tagging": {"Status": "DISABLED"}},
        Status="ACTIVE",
        StatusReasons=[],
    )
    plan.beside = {"MalwareProtectionPlanId": "members"}
    member.declare("guardduty", "MalwareProtectionPlans", CENTRAL, plan)


def furnish(local: Sandbox) -> None:
    """Add what the careless account lacks: resources in other states, and what remedies need."""
    account = local._by_name["careless"]

    def item(service: str, kind: str, name: str, **members: Any) -> Item:
        found = next(i for i in account.declared(service, kind, WEST) if i.get("Name") == name)
        made = copy.deepcopy(found)
        made |= members
        made.beside = copy.deepcopy(found.beside)
        return made

    def arn(kind: str, name: str) -> str:
        return f"arn:aws:appstream:{WEST}:{ID}:{kind}/{name}"

    for name, state in (("begins", "STARTING"), ("ends", "STOPPING")):
        fleet = item(
            "appstream", "Fleets", "max-fleet", Name=name, Arn=arn("fleet", name), State=state
        )
        fleet.pop("DisplayName")
        account.declare("appstream", "Fleets", WEST, fleet)
    fleets = {fleet["Name"]: fleet for fleet in account.declared("appstream", "Fleets", WEST)}
    fleets["max-fleet"]["UsbDeviceFilterStrings"] = ["000000,*,*,*,*,*,*,*,*,*"]
    builder = item("appstream", "AppBlockBuilders", "careless-packager", State="RUNNING")
    builder |= {"Name": "packager-that-runs", "Arn": arn("app-block-builder", "packager-that-runs")}
    account.declare("appstream", "AppBlockBuilders", WEST, builder)
    image = item(
        "appstream", "Images", "old-image", Name="new-shared", Arn=arn("image", "new-shared")
    )
    image.pop("DisplayName")
    shared = image.beside["SharedImagePermissionsList"]
    image.beside["SharedImagePermissionsList"] = shared[:1]
    account.declare("appstream", "Images", WEST, image)
    stack = item("appstream", "Stacks", "untouched-defaults", Name="prefers-udp")
    stack |= {
        "Arn": arn("stack", "prefers-udp"),
        "StreamingExperienceSettings": {"PreferredProtocol": "UDP"},
        "AgentAccessConfig": {
            "Settings": [{"AgentAction": "COMPUTER_VISION", "Permission": "ENABLED"}],
            "ScreenResolution": "W_1280xH_720",
            "ScreenImageFormat": "PNG",
            "ScreenshotsUploadEnabled": True,
            "S3BucketArn": "arn:aws:s3:::careless-replays",
        },
        "WebAuthnRedirection": {"Enabled": True},
    }
    stack["UserSettings"] += [{"Action": "SMART_CARD_REDIRECTION", "Permission": "DISABLED"}]
    account.declare("appstream", "Stacks", WEST, stack)
    stacks = {stack["Name"]: stack for stack in account.declared("appstream", "Stacks", WEST)}
    agents = {"Settings": [{"AgentAction": "COMPUTER_VISION", "Permission": "ENABLED"}]}
    agents |= {"ScreenResolution": "W_1280xH_720", "ScreenImageFormat": "PNG"}
    stacks[STACK]["AgentAccessConfig"]["KmsKeyArn"] = SEALED_ARN
    stacks[STACK]["StreamingExperienceSettings"] = {"PreferredProtocol": "TCP"}
    stacks["untouched-defaults"]["AccessEndpoints"] = stacks[STACK]["AccessEndpoints"]
    stacks["untouched-defaults"]["Description"] = "For hans.beispiel@kunde.example"
    stacks["untouched-defaults"]["AgentAccessConfig"] = agents | {"ScreenshotsUploadEnabled": False}
    endpoint = copy.deepcopy(account.declared("ec2", "VpcEndpoints", WEST)[0])
    endpoint |= {"VpcEndpointId": "vpce-0good", "State": "available"}
    endpoint["ServiceName"] = f"com.amazonaws.{WEST}.appstream.streaming"
    account.declare("ec2", "VpcEndpoints", WEST, endpoint)
    for attributes in account.declared("ec2", "ImageAttributes", WEST):
        attributes["LaunchPermissions"] = [{"UserId": "888888888888"}]
    for kind, recorder in (
        ("Recorders", Item(name="default", recording=False)),
        ("DeliveryChannels", Item(name="default", s3BucketName="careless-trail")),
    ):
        recorder.beside = {}
        account.declare("config", kind, WEST, recorder)
    logs = Item(logGroupName="/agents", retentionInDays=7)
    logs.beside = {}
    account.declare("logs", "logGroups", WEST, logs)
    authority = copy.deepcopy(account.declared("acm-pca", "CertificateAuthorities", WEST)[0])
    authority |= {
        "Arn": AUTHORITY,
        "Status": "ACTIVE",
        "NotAfter": local._world.now.replace(year=2090),
    }
    account.declare("acm-pca", "CertificateAuthorities", WEST, authority)
    for n, (name, status, days) in enumerate(
        (
            ("short", "ENABLED", 7),
            ("going", "PENDING_DELETION", 400),
            ("sealed-store", "ENABLED", 400),
            ("imported-store", "ENABLED", 400),
            ("outside-store", "ENABLED", 400),
        ),
        1,
    ):
        store = Item(
            EventDataStoreArn=f"{STORE}{n}", Name=name, Status=status, RetentionPeriod=days
        )
        store |= {
            "MultiRegionEnabled": False,
            "OrganizationEnabled": False,
            "AdvancedEventSelectors": [],
        }
        if name in STORE_KEYS:
            store["KmsKeyId"] = STORE_KEYS[name]
        store.beside = {}
        account.declare("cloudtrail", "EventDataStores", WEST, store)
    scanner = copy.deepcopy(account.declared("iam", "RoleDetailList", "")[0])
    trusts = {"Service": "malware-protection-plan.guardduty.amazonaws.com"}
    looks = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{HOME}"}
    scanner |= {
        "RoleName": "scanner",
        "Arn": SCANNER,
        "RoleId": "AROASCANNEREXAMPLE",
        "AssumeRolePolicyDocument": json.dumps({"Statement": [TRUST | {"Principal": trusts}]}),
        "RolePolicyList": [
            {"PolicyName": "look", "PolicyDocument": json.dumps({"Statement": [looks]})}
        ],
        "AttachedManagedPolicies": [],
    }
    account.declare("iam", "RoleDetailList", "", scanner)
    trail = copy.deepcopy(account.declared("cloudtrail", "trailList", WEST)[0])
    trail |= {"Name": "sealed", "KmsKeyId": SEALED_ARN}
    trail["TrailARN"] = f"arn:aws:cloudtrail:{WEST}:{ID}:trail/sealed"
    account.declare("cloudtrail", "trailList", WEST, trail)
    key = copy.deepcopy(account.declared("kms", "Keys", WEST)[0])
    key |= {"KeyId": SEALED_KEY, "Arn": SEALED_ARN, "KeyState": "Disabled", "Enabled": False}
    account.declare("kms", "Keys", WEST, key)
    for id, members in (
        (IMPORTED_KEY, {"KeyState": "PendingImport", "Origin": "EXTERNAL"}),
        (OUTSIDE_KEY, {"KeyState": "Unavailable", "CustomKeyStoreId": KEY_STORE}),
    ):
        other = copy.deepcopy(key)
        other |= {"KeyId": id, "Arn": key_arn(id), **members}
        account.declare("kms", "Keys", WEST, other)
    (screenshots,) = (
        one
        for one in account.declared("s3", "Buckets", "")
        if one["Name"] == "careless-screenshots"
    )
    replays = copy.deepcopy(screenshots)
    replays |= {"Name": "careless-replays", "BucketArn": "arn:aws:s3:::careless-replays"}
    encrypted = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": SEALED_ARN}
    replays.beside["Encryption"] = {"Rules": [{"ApplyServerSideEncryptionByDefault": encrypted}]}
    account.declare("s3", "Buckets", "", replays)
    admitted = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    for found in account.declared("s3", "Buckets", ""):
        if found["Name"] == "careless-sources":
            encrypted = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": OWN_KEY}
            rule = {"ApplyServerSideEncryptionByDefault": encrypted}
            found.beside["Encryption"] = {"Rules": [rule]}
        if found["Name"] == "careless-screenshots":
            anybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
            anybody["Resource"] = "arn:aws:s3:::careless-screenshots/*"
            found.beside["Policy"] = json.dumps({"Statement": [anybody]})
        if found["Name"] == "careless-trail":
            found.beside["Policy"] = json.dumps(
                {"Statement": [admitted | {"Action": "s3:PutObject", "Resource": "*"}]}
            )
    for key in account.declared("kms", "Keys", WEST):
        if key["KeyId"] == OTHER_KEY:
            root = {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ID}:root"},
                "Action": "kms:*",
                "Resource": "*",
            }
            key.beside["Policy"] = json.dumps(
                {
                    "Statement": [
                        root,
                        admitted | {"Action": "kms:GenerateDataKey*", "Resource": "*"},
                    ]
                }
            )


def on_its_way(local: Sandbox, case: Case) -> None:
    """Let the fleet of a case still start or stop when the commands begin; a waiter sees it arrive."""
    for state, arrived in (("starting", "RUNNING"), ("stopping", "STOPPED")):
        if case.name.endswith(f"/{state} fleet"):
            fleets = local._by_name["careless"].declared("appstream", "Fleets", case.region)
            (fleet,) = (fleet for fleet in fleets if fleet["Name"] == case.resource)
            fleet["State"], fleet.beside[SETTLES] = state.upper(), arrived


class Shell:
    """What reads the lines of a remedy: the AWS CLI in this process, in a folder of the case's own.

    A client stays for the commands of an account to a service in a region: making it takes longer
    than a command.
    """

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self.make_client = driver.session.create_client
        self.clients: dict[tuple[Any, ...], Any] = {}
        self.under_way = False
        self.fleets = [boto3.Session().client("appstream", region) for region in (WEST, EAST)]

    def run(self, lines: str, case: Case, values: dict[str, str]) -> list[str]:
        """Run the commands; what was refused is returned, with the error."""
        self.under_way = "fleet" in lines
        refused = []
        edited: set[str] = set()
        left_out, heading = "either:" if case.otherwise else "or:", ""
        for line in lines.splitlines():
            if line.startswith("## "):
                heading = line.removeprefix("## ")
            elsewhere = heading.startswith(left_out) or re.search(case.skip, line)
            if line.startswith("#") or elsewhere:
                continue
            command = re.sub(r"\b[A-Z][A-Z_]+\b", lambda word: values.get(word[0], word[0]), line)
            if command.startswith("cp "):
                _, source, target = command.split()
                shutil.copy(source, target)
                continue
            command, _, target = command.partition(" > ")
            for name in re.findall(r"fileb?://(\S+)", command):
                edit = next((case.edits[end] for end in case.edits if name.endswith(end)), None)
                if edit and name not in edited:
                    self.edit(name, edit)
                    edited.add(name)
            code, out, error = self.cli(shlex.split(command)[1:], case.region)
            if target:
                Path(target).write_text(out)
            reads = command.split()[2].startswith(("get-", "describe-"))
            if code and not (reads and re.search("NoSuch|NotFound", error)):
                refused.append(f"{command}: {error.strip()}")
        return refused

    def wait(self) -> None:
        """Let fleets that were started or stopped arrive before the next remedy begins."""
        if self.under_way:
            for client in self.fleets:
                client.describe_fleets()

    def edit(self, name: str, edit: Edit) -> None:
        path = Path(name)
        content = path.read_text().strip() if path.exists() else ""
        made = edit(json.loads(content) if content else None)
        if isinstance(made, bytes):
            path.write_bytes(made)
        else:
            path.write_text(made if isinstance(made, str) else json.dumps(made))

    def cli(self, arguments: list[str], region: str) -> tuple[int, str, str]:
        out, error = io.StringIO(), io.StringIO()
        with (
            mock.patch.object(self.driver.session, "create_client", self.client),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(error),
        ):
            code = self.driver.main(
                [*arguments, "--region", region, "--output", "json"]
                if "--output" not in arguments
                else [*arguments, "--region", region]
            )
        return code, out.getvalue(), error.getvalue()

    def client(self, service: str, **options: Any) -> Any:
        account = os.environ["AWS_ACCESS_KEY_ID"]
        which = (account, service, *sorted(options.items()))
        if which not in self.clients:
            self.driver.session._credentials = None  # those of the account in the environment
            self.clients[which] = self.make_client(service, **options)
        return self.clients[which]


@dataclass
class Done:
    before: Findings
    after: Findings
    undone: Findings
    refused: dict[str, list[str]]
    refused_undo: dict[str, list[str]]


Judged = Callable[[str], Findings]


def run_all(
    cases: list[Case], shell: Shell, folder: Path, local: Sandbox, judged: Judged, patch: Any
) -> Done:
    """Judge, run every remedy, judge again, undo them in the opposite order, and judge once more."""

    def enter(n: int, case: Case) -> None:
        (folder / f"case-{n}").mkdir(exist_ok=True)
        patch.chdir(folder / f"case-{n}")
        environment(local, case.account, patch)
        shell.wait()

    refused: dict[str, list[str]] = {}
    refused_undo: dict[str, list[str]] = {}
    before = judged("before")
    for n, case in enumerate(cases):
        enter(n, case)
        on_its_way(local, case)
        remedy = CONTROLS[case.control].remedy(case.name)
        refused[case.id] = shell.run(remedy.cli, case, case.values)
    after = judged("after")
    for n, case in reversed([*enumerate(cases)]):
        if case.undone:
            enter(n, case)
            remedy = CONTROLS[case.control].remedy(case.name)
            refused_undo[case.id] = shell.run(remedy.undo, case, case.values | case.before)
    return Done(before, after, judged("undone"), refused, refused_undo)


def environment(local: Sandbox, account: str, patch: Any) -> None:
    for variable, value in local.environment(account).items():
        patch.setenv(variable, value)


@pytest.fixture(scope="module")
def of_one_account(tmp_path_factory: pytest.TempPathFactory, aws_cli: Any) -> Iterator[Done]:
    folder = tmp_path_factory.mktemp("remedies")
    declared = {"allowed_regions": [WEST], "no_customer_numbers": True}
    declared |= {"agent_log_groups": ["/agents"]}
    run = run_of("careless", folder).model_copy(update={"pseudonymise": False, **declared})
    with sandbox.start(["careless"]) as local, pytest.MonkeyPatch.context() as patch:
        environment(local, "careless", patch)
        patch.setenv("AWS_CONFIG_FILE", str(folder / "none"))

        def judged(name: str) -> Findings:
            return evaluate(tabulate(collect(run, needed_calls([]), folder / name, progress=False)))

        furnish(local)
        boto3.Session().client("sns", WEST).create_topic(Name=TOPIC.rpartition(":")[2])
        yield run_all(CASES, Shell(aws_cli), folder, local, judged, patch)


@pytest.fixture(scope="module")
def of_a_member(tmp_path_factory: pytest.TempPathFactory, aws_cli: Any) -> Iterator[Done]:
    folder = tmp_path_factory.mktemp("remedies-of-a-member")
    controls = sorted({case.control for case in OF_A_MEMBER})
    calls = needed_calls(controls)
    own = {"pseudonymise": False, "regions": [CENTRAL], "controls": controls}
    run = run_of("demo", folder).model_copy(update=own)
    manager = run.model_copy(update={"account": MANAGER, "administers_organisation": True})
    with sandbox.start(["demo", "organisation"]) as local, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_CONFIG_FILE", str(folder / "none"))

        def judged(name: str) -> Findings:
            environment(local, "organisation", patch)
            place = folder / f"organisation-{name}"
            collect(manager, calls | calls_of(manager), place, progress=False)
            environment(local, "demo", patch)
            lent = run.model_copy(update={"organisation_snapshot": str(place)})
            return evaluate(tabulate(collect(lent, calls, folder / name, progress=False)))

        furnish_member(local)
        environment(local, "demo", patch)
        yield run_all(OF_A_MEMBER, Shell(aws_cli), folder, local, judged, patch)


@pytest.fixture
def done(case: Case, request: pytest.FixtureRequest) -> Done:
    name = "of_a_member" if case in OF_A_MEMBER else "of_one_account"
    made: Done = request.getfixturevalue(name)
    return made


def named(findings: Findings, case: Case) -> list[str]:
    """The clauses of the case's finding that do not hold, as the finding names them."""
    return [
        RemedyName.of(name).clause
        for one in found(findings, case, case.resource)
        for name in one.remedies.split("; ")
    ]


def found(findings: Findings, case: Case, resource: str) -> list[Finding]:
    return [
        one
        for one in findings.leaves
        if (one.control, one.resource) == (case.control, resource)
        and one.region in (case.region, "global")
    ]


def scripts(control: str, clause: str, states: list[str]) -> dict[str, str]:
    """Return the commands of a clause's remedy in each state, where one of them changes anything."""
    every = {s: BY_NAME[control, f"{clause}/{s}".rstrip("/")].cli for s in states}
    return {
        state: cli
        for state, cli in every.items()
        if any(not operation(one).startswith(READS) for one in commands_in(cli.splitlines()))
    }


def test_every_remedy_that_changes_anything_is_run() -> None:
    run = {(c.control, CONTROLS[c.control].remedy(c.clause).cli) for c in EVERY_CASE}
    left = {
        f"{name} {clause.rule.__name__}"
        for name, control in CONTROLS.items()
        for clause in control.clauses
        for cli in scripts(name, clause.rule.__name__, [""]).values()
        if (name, cli) not in run
    }
    assert left == set()


def test_so_is_every_remedy_of_what_is_not_known() -> None:
    run = {CONTROLS[c.control].remedy(c.name).cli for c in EVERY_CASE}
    left = {
        f"{name} {verdict}"
        for name in CONTROLS
        for verdict in undecided(name)
        if texts.has(f"controls/{name}/remedy/{verdict}/console")
        and changes(CONTROLS[name].remedy(f"?{verdict}"))
        and CONTROLS[name].remedy(f"?{verdict}").cli not in run
    }
    assert left == set()


def test_so_is_every_state_of_a_resource_that_changes_a_remedy() -> None:
    changing = {
        state
        for name, control in CONTROLS.items()
        for clause in control.clauses
        for state, cli in scripts(name, clause.rule.__name__, STATES).items()
        if commands_in(cli.splitlines())
        != commands_in(control.remedy(clause.rule.__name__).cli.splitlines())
    }
    run = {RemedyName.of(case.name).state for case in EVERY_CASE}
    assert changing <= run


EVERY = pytest.mark.parametrize("case", EVERY_CASE, ids=lambda case: case.id)


@EVERY
def test_the_finding_has_the_remedy(done: Done, case: Case) -> None:
    names = {
        part
        for one in done.before.leaves
        if (one.control, one.resource) == (case.control, case.resource)
        for name in one.remedies.split("; ")
        for part in (name, name.partition("?")[0])
    }
    assert case.name in names


@EVERY
def test_after_its_commands_the_clause_holds(done: Done, case: Case) -> None:
    assert done.refused[case.id] == []
    if case.proof:  # what the finding is about stays as it is
        (proof,) = found(done.after, case, case.proof)
        assert case.clause not in proof.remedies
    else:
        assert case.clause not in named(done.after, case)


@pytest.mark.parametrize(
    "case", [case for case in EVERY_CASE if case.undone], ids=lambda case: case.id
)
def test_undone_it_is_as_before(done: Done, case: Case) -> None:
    assert done.refused_undo[case.id] == []
    assert case.clause in named(done.undone, case)
