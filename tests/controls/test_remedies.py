"""Remedies: each command is one of the AWS CLI's, and none harms as it is printed.

The catalogue has them; docs/controls.md is made from it.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.validate import validate_parameters

from kit.catalogue import texts
from kit.controls import CONTROLS
from kit.controls.registry import Remedy
from kit.sandbox.services import guardduty
from tests.pages import blocks

REMEDIES = {name: one.remedies for name, one in CONTROLS.items()}
STATES = sorted({id.split("/")[1] for id in texts.ids() if id.startswith("states/")} - {"any"})


@cache
def undecided(name: str) -> set[str]:
    start = f"controls/{name}/verdicts/"
    every = {id.removeprefix(start) for id in texts.ids() if id.startswith(start)}
    return {id for id in every if not id.startswith(("attested", "not applicable"))}


# Every remedy in every state that changes it, and of every verdict, by the names that findings have.
NAMED = {
    (name, f"{clause.rule.__name__}/{state}".rstrip("/")): one.remedy(
        f"{clause.rule.__name__}/{state}"
    )
    for name, one in CONTROLS.items()
    for clause in one.clauses
    for state in ("", *STATES)
} | {
    (name, f"?{verdict}"): one.remedy(f"?{verdict}")
    for name, one in CONTROLS.items()
    for verdict in undecided(name)
    if texts.has(f"controls/{name}/remedy/{verdict}/console")
}
SCRIPTS = {(name, remedy.cli, remedy.undo) for (name, _), remedy in NAMED.items()}
WITH_COMMANDS = pytest.mark.parametrize(
    "name", sorted({name for name, cli, _ in SCRIPTS if cli}), ids=str
)
READS = ("describe-", "get-", "head-", "list-", "lookup-", "wait")
CHANGES = "attach|create|delete|detach|disable|enable|put|remove|revoke|start|stop|untag|update"
# What stands in the commands for what the reader fills in, where a text would not be accepted.
PLACEHOLDERS = {
    "DAYS": "365",
    "NEXT_CODE": "123456",
    "CODE": "123456",
    "COUNT": "2",
    "SESSIONS": "4",
    "DEVICE": "arn:aws:iam::123456789012:mfa/jane",
    "ACCOUNT": "123456789012",
    "KEY_STORE": "cks-1234567890abcdef0",
    "KEY": "AKIAIOSFODNN7EXAMPLE",
    "ARN": "arn:aws:iam::123456789012:policy/p",
    "BEFORE": "1200",
    "OPERATIONS": "Decrypt",
    "PROTOCOL": "tcp",
    "FROM_PORT": "3389",
    "TO_PORT": "3390",
    "CIDR": "192.0.2.0/24",
}
OPTIONS = {  # that take no number
    "allowFleet=BEFORE": "allowFleet=true",
    "allowImageBuilder=BEFORE": "allowImageBuilder=true",
    "Acls=BEFORE": "Acls=false",
    "Policy=BEFORE": "Policy=false",
    "Buckets=BEFORE": "Buckets=false",
    "Ownership=BEFORE": "Ownership=ObjectWriter",
    "CertificateAuthorityArn=BEFORE": "CertificateAuthorityArn=arn:aws:acm-pca:eu-west-1:1:x",
    "--iam-role-arn BEFORE": "--iam-role-arn arn:aws:iam::123456789012:role/r",
}
FILES: dict[str, Any] = {  # by the last word of their name; any other is an empty object
    "encryption": {"Rules": []},
    "rules": {"Rules": []},
    "replication": {"Role": "arn:aws:iam::123456789012:role/r", "Rules": []},
    "settings": [{"Action": "FILE_DOWNLOAD", "Permission": "DISABLED"}],
    "selectors": [{"Name": "all", "FieldSelectors": [{"Field": "eventCategory"}]}],
    "basic": [{"ReadWriteType": "All"}],
    "endpoints": [{"EndpointType": "STREAMING", "VpceId": "vpce-1a2b3c4d"}],
    "connectors": [{"ConnectorType": "HOMEFOLDERS"}],
    "agents": {"Settings": [{"AgentAction": "COMPUTER_VISION", "Permission": "ENABLED"}]},
    "redirection": {"HostToClient": {"Enabled": False}},
    "webauthn": {"Enabled": True},
    "links": [{"DisplayName": "x", "FooterLinkURL": "https://x"}],
    "password": {"MinimumPasswordLength": 14},
    "logging": {"LoggingEnabled": {"TargetBucket": "b", "TargetPrefix": "p"}},
}
# UpdateFleet: what a running fleet takes, Always-On and On-Demand, and Elastic.
# https://docs.aws.amazon.com/appstream2/latest/APIReference/API_UpdateFleet.html
RUNNING = {
    "--display-name",
    "--idle-disconnect-timeout-in-seconds",
    "--disconnect-timeout-in-seconds",
    "--image-name",
}
# Operations that write a whole configuration, or a whole list, and the one that reads it.
REPLACES = {
    "put-bucket-encryption": "get-bucket-encryption",
    "put-bucket-lifecycle-configuration": "get-bucket-lifecycle-configuration",
    "put-bucket-policy": "get-bucket-policy",
    "put-bucket-logging": "get-bucket-logging",
    "put-bucket-replication": "get-bucket-replication",
    "put-bucket-ownership-controls": "get-bucket-ownership-controls",
    "put-public-access-block": "get-public-access-block",
    "put-access-point-policy": "get-access-point-policy",
    "put-event-selectors": "get-event-selectors",
    "put-key-policy": "get-key-policy",
    "put-rule": "describe-rule",
    "revoke-grant": "list-grants",
    "modify-image-attribute": "describe-image-attribute",
    "modify-vpc-endpoint": "describe-vpc-endpoints",
    "revoke-security-group-ingress": "describe-security-group-rules",
    "update-saml-provider": "get-saml-provider",
    "update-assume-role-policy": "get-role",
    "update-directory-config": "describe-directory-configs",
    "update-theme-for-stack": "describe-theme-for-stack",
    "put-role-policy": "get-role-policy",
    "put-user-policy": "get-user-policy",
    "put-group-policy": "get-group-policy",
    "set-topic-attributes": "get-topic-attributes",
    "update-account-password-policy": "get-account-password-policy",
    "delete-image-permissions": "describe-image-permissions",
}
# Members of a stack that an update replaces whole.
STACKS = (
    "--user-settings",
    "--access-endpoints",
    "--embed-host-domains",
    "--content-redirection",
    "--web-authn-redirection",
)
# What no command may do: it cannot be undone, or locks people out at once.
NEVER = (
    r"\bdelete-(bucket|key|object|role|user|access-key|stack|fleet|trail)\b",
    r"\bdelete-bucket-\w+",
    r"\bderegister-image\b",
    r"\bdelete-bucket-replication\b",
    r"\bcreate-usage-report-subscription\b",
    r"(?<!Name=S3_DATA_EVENTS,)Status=ENABLED\b",  # S3 Protection changes no resource
    r"\baws s3 cp\b",
    "&&|;|\\|\\|",
)


def scripts(name: str) -> Iterator[tuple[list[str], list[str]]]:
    """The different lines of commands of a control's remedies, and of what undoes them."""
    for control, cli, undo in sorted(SCRIPTS):
        if control == name:
            yield cli.splitlines(), undo.splitlines()


def commands_in(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("aws ")]


def commands(name: str) -> list[str]:
    """Commands of the remedies as the handbook lists them, without those that undo."""
    return [c for remedy in REMEDIES[name] for c in commands_in(remedy.cli.splitlines())]


def words(name: str) -> str:
    parts = [f"{r.brief} {r.script} {r.terraform}" for r in REMEDIES[name]]
    return " ".join(" ".join(parts).replace("# ", "").split())


def terraform(name: str) -> str:
    return "\n".join(remedy.terraform for remedy in REMEDIES[name])


def operation(command: str) -> str:
    return command.split()[2]


def remedy(name: str, fitting: str = "") -> Remedy:
    return CONTROLS[name].remedy(fitting)


def filled(line: str) -> str:
    for option, value in OPTIONS.items():
        line = line.replace(option, value)
    for placeholder, value in PLACEHOLDERS.items():
        line = re.sub(rf"\b{placeholder}\b", value, line)
    return line


@pytest.fixture
def parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, aws_cli: Any
) -> list[tuple[str, str, Any]]:
    """Calls that the AWS CLI would make, validated by botocore's models; none is made."""
    seen: list[tuple[str, str, Any]] = []

    def invoke(self: Any, service: str, operation: str, parameters: Any, globals: Any) -> int:
        model = self._session.get_service_model(service).operation_model(operation)
        if model.input_shape:
            validate_parameters(parameters, model.input_shape)
        seen.append((service, operation, parameters))
        return 0

    from awscli.clidriver import CLIOperationCaller

    monkeypatch.setattr(CLIOperationCaller, "invoke", invoke)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.chdir(tmp_path)
    return seen


def test_the_handbook_has_commands_for_most_controls() -> None:
    assert sum(len(commands(name)) for name in REMEDIES) >= 100


def test_so_are_commands_of_pages_that_no_test_runs(
    parsed: list[tuple[str, str, Any]], aws_cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from awscli.customizations.cloudformation.deploy import DeployCommand

    deployed: list[Any] = []
    monkeypatch.setattr(DeployCommand, "_run_main", lambda self, given, _: deployed.append(given))
    text = "".join(block.code for block in blocks("docs/role.md", "sh")).replace("\\\n", "")
    for line in text.splitlines():
        aws_cli.main(shlex.split(line)[1:])
    assert [given.stack_name for given in deployed] == ["evidence-reader", "evidence-readers"]
    assert [operation for _, operation, _ in parsed] == ["DescribeStacks"]


def content_of(path: str) -> str:
    if path.endswith(".xml"):
        return "<EntityDescriptor/>".ljust(1000)
    kind = path.removesuffix(".json").removesuffix("-before").rpartition("-")[2]
    return json.dumps(FILES.get(kind, {}))


@WITH_COMMANDS
def test_every_command_is_one_of_the_aws_cli(
    name: str, parsed: list[tuple[str, str, Any]], aws_cli: Any
) -> None:
    every = {c for cli, undo in scripts(name) for c in commands_in([*cli, *undo])}
    for command in sorted(every):
        line = filled(command.partition(" > ")[0])
        for path in re.findall(r"fileb?://(\S+)", line):
            Path(path).write_text(content_of(path))
        arguments = shlex.split(line, comments=True)[1:]
        before = len(parsed)
        if arguments[1] == "wait":  # a waiter asks without the caller that is replaced here
            assert arguments[2] in ("fleet-stopped", "fleet-started")
            continue
        assert aws_cli.main(arguments) == 0, line
        assert len(parsed) == before + 1


@WITH_COMMANDS
def test_lines_are_commands_or_comments(name: str) -> None:
    for cli, undo in scripts(name):
        for line in [*cli, *undo]:
            assert line.startswith(("aws ", "# ", "## ", "cp ")), line


@WITH_COMMANDS
def test_what_changes_something_can_be_undone_and_says_what_it_breaks(name: str) -> None:
    for fitting, one in ((of, one) for (control, of), one in NAMED.items() if control == name):
        changes = [
            c for c in commands_in(one.cli.splitlines()) if not operation(c).startswith(READS)
        ]
        if changes:
            assert one.undo, fitting
            assert one.needs or one.breaks, fitting


@WITH_COMMANDS
def test_nothing_is_lost_at_once(name: str) -> None:
    for cli, _ in scripts(name):
        assert not [c for c in commands_in(cli) for p in NEVER if re.search(p, c)]


@WITH_COMMANDS
def test_a_whole_configuration_is_read_before_it_is_replaced(name: str) -> None:
    for cli, _ in scripts(name):
        seen = set()
        for command in commands_in(cli):
            if operation(command) in REPLACES:
                assert REPLACES[operation(command)] in seen, command
            if operation(command) == "update-stack" and any(o in command for o in STACKS):
                assert "describe-stacks" in seen, command
            seen.add(operation(command))


@WITH_COMMANDS
@pytest.mark.parametrize("state", [state for state in STATES if state.endswith("fleet")])
def test_a_fleet_gets_no_command_that_it_refuses(name: str, state: str) -> None:
    for (control, fitting), one in NAMED.items():
        if control != name or not fitting.endswith(f"/{state}"):
            continue
        for text in (one.cli, one.undo):
            now, before = state.partition(" ")[0], state.partition(" ")[0]
            for command in commands_in(text.splitlines()):
                now = {"stop-fleet": "stopping", "start-fleet": "running"}.get(
                    operation(command), now
                )
                if operation(command) == "wait":
                    now = command.split()[3].removeprefix("fleet-").replace("started", "running")
                elif operation(command) == "update-fleet":
                    options = {word for word in command.split() if word.startswith("--")}
                    if "--image-name" in options:
                        continue  # EX-12 is about an image, whose fleets it does not know
                    usb = "USB_DEVICE" in command or "--usb" in command
                    elastic = "Elastic" in state and usb
                    assert now == "stopped" or (
                        now == "running" and (options - {"--name"} <= RUNNING or elastic)
                    ), command
            assert {"stopping": "stopped", "starting": "running"}.get(before, before) == now or (
                not commands_in(text.splitlines()) or before in ("starting", "stopping")
            ), "a fleet that ran runs again"


def test_a_fleet_is_stopped_with_a_warning_and_started_again() -> None:
    steps = remedy("AR-01", "streaming_instances_are_ephemeral/running fleet").cli.splitlines()
    assert any(step.startswith("# Stopping the fleet ends every session") for step in steps)
    assert [operation(step) for step in steps if not step.startswith("#")] == [
        "describe-fleets",
        "stop-fleet",
        "wait",
        "update-fleet",
        "start-fleet",
    ]


def test_commands_of_a_case_stand_apart_from_those_of_another() -> None:
    titles = [step.title.partition(" (")[2] for step in remedy("EX-09").steps]
    assert [title.partition(":")[0] for title in titles] == ["", "either", "or", "", ""]
    code = [step.code for step in remedy("EX-09").steps]
    assert not [text for text in code if "embed-host-domains" in text and "delete" in text]


def test_a_script_runs_what_fits_every_case_alone() -> None:
    script = remedy("EX-09").script
    assert [operation(line) for line in commands_in(script.splitlines())] == ["describe-stacks"]
    assert "\n# AWS CLI (or: no domain stays):\n# aws appstream update-stack" in script
    assert commands_in(remedy("MD-03").script.splitlines()) == []


@WITH_COMMANDS
def test_no_comment_has_another_command_that_changes_something(name: str) -> None:
    for cli, undo in scripts(name):
        for lines in (cli, undo):
            comments = " ".join(line for line in lines if line.startswith("#"))
            named = set(re.findall(rf"\b(?:{CHANGES})-[a-z0-9-]+", comments))
            assert named <= {operation(command) for command in commands_in(lines)}


@WITH_COMMANDS
def test_an_undo_uses_what_the_remedy_saved(name: str) -> None:
    for cli, undo in scripts(name):
        saved = set(re.findall(r"(?:> |cp \S+ )(\S+)$", "\n".join(cli), flags=re.MULTILINE))
        assert set(re.findall(r"file://(\S+-before\.\w+)", "\n".join(undo))) <= saved
        if any(re.search(r"\bBEFORE\b", command) for command in commands_in(undo)):
            assert any(operation(command).startswith(READS) for command in commands_in(cli))


def test_no_file_is_shared_by_two_resources() -> None:
    for _, cli, undo in SCRIPTS:
        for name in re.findall(r"(?:> |file://)(\S+)", f"{cli}\n{undo}"):
            written_by_the_reader = name in ("duty.json", "trust.json")
            assert re.match(r"[A-Z]{3,}-", name) or written_by_the_reader, name


# --- the rows of what harmed --------------------------------------------------------------------

FLEETS = {
    "AR-01": "streaming_instances_are_ephemeral",
    "AR-03": "sessions_end_in_time",
    "ID-07": "instances_offer_no_credentials_to_steal",
    "EX-07": "instances_have_no_default_internet_access",
    "EX-08": "no_usb_device_is_let_into_sessions",
}


@pytest.mark.parametrize("name", FLEETS)
def test_a_running_fleet_is_stopped_for_it_and_the_reader_knows(name: str) -> None:
    running = remedy(name, f"{FLEETS[name]}/running fleet")
    assert "Stopping the fleet ends its sessions." in running.breaks
    assert "stop-fleet" in map(operation, commands_in(running.cli.splitlines()))
    stopped = remedy(name, f"{FLEETS[name]}/stopped fleet")
    assert "ends" not in stopped.breaks
    assert not {"stop-fleet", "start-fleet"} & set(
        map(operation, commands_in(stopped.cli.splitlines()))
    )


def test_ar_03_stops_no_fleet_for_a_timeout() -> None:
    for clause in ("disconnected_sessions_end", "idle_users_are_disconnected"):
        cli = remedy("AR-03", f"{clause}/running fleet").cli
        assert "stop-fleet" not in cli
        assert "max-user-duration" not in cli


def test_lg_11_turns_on_nothing_but_s3_protection() -> None:
    cli = CONTROLS["LG-11"].remedy("threats_are_detected").cli
    (made,) = re.findall(r"create-detector .*--features (.*)", cli)
    named = dict(re.findall(r"Name=(\w+),Status=(\w+)", made))
    optional = set(guardduty._FEATURES) - {"CLOUD_TRAIL", "DNS_LOGS", "FLOW_LOGS"}
    assert named == dict.fromkeys(optional, "DISABLED") | {"S3_DATA_EVENTS": "ENABLED"}
    left = CONTROLS["LG-11"].remedy("threats_are_detected").terraform.partition("toset")[2]
    assert set(re.findall(r'"([A-Z_]+)"', left)) == {*optional, "DISABLED"} - {"S3_DATA_EVENTS"}


def test_ds_04_changes_a_plan_in_place() -> None:
    plan = commands_in(remedy("DS-04").cli.splitlines())
    assert [operation(command).partition("-")[0] for command in plan] == ["list", "get", "update"]
    assert "> BUCKET-plan-before.json" in plan[1]


def test_ar_01_counts_the_capacity_in_instances() -> None:
    # A fleet with one session for each instance takes no DesiredSessions:
    # https://docs.aws.amazon.com/appstream2/latest/APIReference/API_ComputeCapacity.html
    assert "--compute-capacity DesiredInstances=" in remedy("AR-01").cli


def test_a_case_that_an_undo_knows_has_a_branch_of_the_remedy_too() -> None:
    """What only an undo did was a remedy of a case that had none: IT-02 without an endpoint."""
    for name, one in (("IT-02", remedy("IT-02")), ("ID-05", remedy("ID-05"))):
        changes, back = (
            [line for line in text.splitlines() if line.startswith("## ")]
            for text in (one.cli, one.undo)
        )
        assert len(changes) >= len(back) >= 2, name
    wanted, unwanted = (step.code for step in remedy("IT-02").steps[1:3])
    assert "--access-endpoints" in wanted
    assert "--attributes-to-delete ACCESS_ENDPOINTS" in unwanted


@pytest.mark.parametrize("name", ["ID-05", "ID-08"])
def test_an_inline_policy_and_a_managed_one_are_two_cases(name: str) -> None:
    for step in remedy(name).steps:
        changed = {
            operation(line).partition("-")[0] for line in commands_in(step.code.splitlines())
        }
        assert ("detach" in changed) == (
            "a managed policy" in step.title and "is too wide" in step.title
        )


def test_ex_14_puts_a_range_of_ports_back() -> None:
    undo = remedy("EX-14", "nobody_on_the_internet_may_connect").undo
    assert undo.count("FromPort=FROM_PORT,ToPort=TO_PORT") == 2


def test_id_03_signs_in_with_the_password_and_the_device() -> None:
    assert "with the password and the device" in remedy("ID-03").breaks


def test_it_02_protocol_and_endpoint_are_two_remedies() -> None:
    protocol = remedy("IT-02", "streaming_traffic_is_encrypted/udp")
    endpoint = remedy("IT-02", "streaming_traffic_is_encrypted")
    assert "--access-endpoints" not in protocol.script
    assert "--streaming-experience-settings" not in endpoint.script
    assert "LOCKS OUT" in endpoint.breaks
    assert "access_endpoints" not in protocol.terraform + endpoint.terraform


@pytest.mark.parametrize("name", ["AR-05", "AR-06", "AR-10", "AR-11", "AR-12", "AR-13", "AR-07"])
def test_encryption_keeps_what_is_there(name: str) -> None:
    puts = [c for c in commands(name) if operation(c) == "put-bucket-encryption"]
    assert puts
    for put in puts:
        assert "file://BUCKET-encryption.json" in put, "nothing is set that was not read"
        assert "SSEAlgorithm" not in put
    assert "replaces the whole present one: key, bucket key, blocked types" in words(name)


@pytest.mark.parametrize("name", ["AR-05", "AR-06", "AR-11", "AR-13"])
def test_encryption_in_terraform_says_what_it_replaces(name: str) -> None:
    assert "Replaces the whole configuration" in terraform(name)


def test_ar_13_has_a_remedy_for_each_clause() -> None:
    changes = {
        clause.rule.__name__: {
            operation(c)
            for c in commands_in(remedy("AR-13", clause.rule.__name__).cli.splitlines())
            if not operation(c).startswith(READS)
        }
        for clause in CONTROLS["AR-13"].clauses
    }
    assert changes == {
        "screenshots_of_agents_are_protected": {"put-bucket-encryption"},
        "keys_of_screenshots_are_usable": {"enable-key", "cancel-key-deletion"},
        "keys_of_recordings_are_usable": {"enable-key", "cancel-key-deletion"},
        "screenshots_are_closed_to_the_public": {"put-public-access-block", "put-bucket-policy"},
        "nothing_can_open_screenshots": {"put-public-access-block"},
        "screenshots_are_erased_in_time": {"put-bucket-lifecycle-configuration"},
        "keys_are_in_declared_accounts": set(),
        "screenshots_go_to_the_accounts_own_bucket": set(),
    }
    for resource in ("encryption", "public_access_block", "lifecycle_configuration"):
        assert resource in terraform("AR-13")


def test_ar_14_closes_the_bucket_and_never_the_account() -> None:
    puts = [c for c in commands("AR-14") if operation(c) == "put-public-access-block"]
    assert {put.split()[1] for put in puts} == {"s3api"}
    assert "aws_s3_account_public_access_block" not in terraform("AR-14")


@pytest.mark.parametrize(
    ("name", "clause"),
    [
        ("AR-07", "keys_of_buckets_are_usable"),
        ("AR-13", "keys_of_screenshots_are_usable"),
        ("LG-03", "keys_of_trails_are_usable"),
        ("LG-06", "keys_of_event_data_stores_are_usable"),
    ],
)
def test_a_key_that_cannot_be_used_is_enabled_by_its_state(name: str, clause: str) -> None:
    def steps(state: str) -> list[str]:
        cli = remedy(name, f"{clause}/{state}").cli
        return [operation(command) for command in commands_in(cli.splitlines())]

    assert steps("Disabled") == ["enable-key"]
    assert steps("PendingDeletion") == ["cancel-key-deletion", "enable-key"]
    assert steps("not found") == []


def test_ar_20_has_remedies_for_policies_and_grants_that_admit_others() -> None:
    kms = [operation(c) for c in commands("AR-20") if c.startswith("aws kms")]
    assert kms[:4] == ["get-key-policy", "put-key-policy", "list-grants", "revoke-grant"]
    assert kms[4:] == ["get-key-policy", "list-grants"], "whom a condition admits is read alone"
    assert "without which nobody may manage the key" in words("AR-20")


def test_ar_07_has_remedies_for_a_foreign_key_and_for_too_weak_a_class() -> None:
    for clause in ("keys_are_of_the_class_required", "keys_are_in_a_declared_account"):
        one = remedy("AR-07", clause)
        assert "enable-key" not in one.cli
        assert "set SSEAlgorithm to aws:kms, and KMSMasterKeyID" in one.cli


def test_lg_06_does_not_put_a_rule_beside_one_that_erases_too_early() -> None:
    assert "raise its Days in BUCKET-rules.json instead" in words("LG-06")
    assert "raise its days" in words("LG-06")


def test_lg_06_has_a_remedy_for_a_trail_and_one_for_an_event_data_store() -> None:
    trail = remedy("LG-06", "logs_are_kept_as_long_as_needed/trail").script
    store = remedy("LG-06", "logs_are_kept_as_long_as_needed/event data store").script
    assert "event-data-store" not in trail
    assert "s3api" not in store


def test_lg_06_restores_an_event_data_store_that_is_going() -> None:
    assert "restore-event-data-store" in remedy("LG-06", "no_event_data_store_is_going").cli


@pytest.mark.parametrize("name", ["AR-13", "AR-17", "LG-06"])
def test_a_rule_with_a_date_is_not_put_beside_one_with_days(name: str) -> None:
    assert "in place of one that has a Date" in words(name)


@pytest.mark.parametrize("name", ["AR-16", "IT-04"])
def test_a_bucket_without_a_policy_can_be_given_one(name: str) -> None:
    for said in ("NoSuchBucketPolicy", "delete-bucket-policy --bucket BUCKET"):
        assert said in words(name)


def test_lg_01_looks_up_why_a_trail_does_not_deliver() -> None:
    assert any("LatestDeliveryError" in command for command in commands("LG-01"))
    assert "under LG-02" in words("LG-01")


def test_md_02_has_a_command_for_buckets() -> None:
    assert "untag-resources" in [operation(c) for c in commands("MD-02")]


def test_id_07_names_the_agent_that_it_needs() -> None:
    for state in ("", "/running fleet", "/stopped fleet"):
        one = remedy("ID-07", f"instances_offer_no_credentials_to_steal{state}")
        assert "16 January 2024" in one.needs
        assert "EX-12" in one.needs
        ordered = [operation(command) for command in commands_in(one.cli.splitlines())]
        assert ordered.index("describe-images") < ordered.index("update-fleet")


@pytest.mark.parametrize("name", ["EX-07", "ID-07", "EX-10"])
def test_no_command_stands_where_aws_has_none(name: str) -> None:
    for clause in CONTROLS[name].clauses:
        one = remedy(name, f"{clause.rule.__name__}/image builder")
        assert one.cli == one.terraform == ""
        assert "No command" in one.console


def test_ex_07_names_what_is_cut_off() -> None:
    for text in (remedy("EX-07").breaks, remedy("EX-07").cli):
        assert "licence servers, SAML applications" in text
        assert "cut off" in text


def test_ex_04_deletes_the_connector_that_the_finding_names() -> None:
    for connector in ("GOOGLE_DRIVE", "ONE_DRIVE"):
        cli = remedy("EX-04", f"third_party_storage_is_registered/{connector}").cli
        assert cli.endswith(f"--attributes-to-delete STORAGE_CONNECTOR_{connector}")
    assert terraform("EX-04").strip() == ""


def test_id_06_never_advises_to_delete_the_role() -> None:
    assert "make it again" not in words("ID-06")
    assert "Never delete the role" in words("ID-06")


def test_id_10_keeps_the_stricter_status() -> None:
    (update,) = (c for c in commands("ID-10") if operation(c) == "update-directory-config")
    assert "Status=" not in update
    assert '"ENABLED"' not in terraform("ID-10")
    assert "ENABLED_NO_DIRECTORY_LOGIN_FALLBACK" in remedy("ID-10").console


def test_ar_09_leaves_copies_to_batch_operations_and_names_old_versions() -> None:
    assert remedy("AR-09").cli == ""
    for said in ("Batch Operations", "versions that are not encrypted stay", "lifecycle rules"):
        assert said in words("AR-09")


def test_lg_07_names_what_the_target_needs_and_what_it_replaces() -> None:
    for said in ("logging.s3.amazonaws.com", "same region", "this account"):
        assert said in remedy("LG-07").needs
    assert "replace the present ones" in remedy("LG-07").breaks


def test_id_04_disables_nobody_before_saml_works() -> None:
    assert remedy("ID-04").cli == ""
    console = remedy("ID-04").console
    assert console.index("SAML 2.0") < console.index("disable")


def test_ar_16_names_aws_s_template_and_what_it_lacks() -> None:
    console = remedy("AR-16", "bucket_policies_restrict_access_and_deletion").console
    for said in ("RestrictedAccess", "arn:PARTITION:s3:::BUCKET/*", "leaves the objects open"):
        assert said in console


@pytest.mark.parametrize("name", sorted(REMEDIES))
def test_arns_of_remedies_are_right_in_every_partition(name: str) -> None:
    for one in REMEDIES[name]:
        for text in (one.needs, one.breaks, one.console, one.cli, one.undo, one.terraform):
            assert set(re.findall(r"\barn:([^:\s]*):", text)) <= {"PARTITION"}
            meaning = "PARTITION is aws; in GovCloud (US) it is aws-us-gov, in China aws-cn."
            assert ("arn:PARTITION:" in text) == (meaning in text)


def test_the_remedies_that_name_arns_are_known() -> None:
    # An ARN is named in the bucket's policies and in the policy for sessions.
    assert {name for name in REMEDIES if "arn:" in words(name)} == {"AR-16", "ID-08", "IT-04"}


@pytest.mark.parametrize("name", ["EX-01", "EX-02", "EX-03", "EX-13"])
def test_user_settings_are_written_whole(name: str) -> None:
    (update,) = (c for c in commands(name) if operation(c) == "update-stack")
    assert "file://STACK-settings.json" in update
    assert "Permission=" not in update


# --- what the evidence does not decide ---------------------------------------------------------
def changes(one: Remedy) -> set[str]:
    lines = one.cli.splitlines()
    return {line for line in commands_in(lines) if not operation(line).startswith(READS)}


@pytest.mark.parametrize("name", sorted(REMEDIES))
def test_what_is_not_known_has_a_remedy_of_its_own_and_no_command_of_a_fail(name: str) -> None:
    one = CONTROLS[name]
    failing = [one.remedy(clause.rule.__name__) for clause in one.clauses]
    if "fail" not in one.gives or not any(remedy.cli for remedy in failing):
        return
    for verdict in undecided(name):
        state = verdict.rpartition("/")[2]
        places = (f"controls/{name}/remedy/{place}/console" for place in (verdict, state))
        assert any(map(texts.has, places)), verdict
        known = one.remedy(f"/{state}" if texts.has(f"states/{state}/when") else f"?{verdict}")
        # A clause that no row fails has the verdict's remedy.
        fails = [remedy for remedy in failing if remedy.console != known.console]
        assert not changes(known) & {c for remedy in fails for c in changes(remedy)}, verdict


def test_without_macie_the_remedy_is_to_enable_macie_and_not_to_copy_objects() -> None:
    name = "stored_objects_are_encrypted?Macie off"
    one, failed = remedy("AR-09", name), remedy("AR-09", "stored_objects_are_encrypted")
    assert one.when == "Not known: Macie counts no object that is not encrypted."
    assert failed.when == "Not met: Macie counts no object that is not encrypted."
    assert one.cli == remedy("DS-01").cli
    assert "Batch" not in one.brief
    assert "erase" not in one.brief


def test_ds_04_adds_prefixes_to_the_plan_with_those_that_it_has() -> None:
    one = remedy("DS-04", "new_files_are_scanned_for_malware?needs review/folders")
    _, read, update, shown = commands_in(one.cli.splitlines())
    assert "get-malware-protection-plan" in read
    assert "get-malware-protection-plan" in shown
    assert "S3Bucket={ObjectPrefixes=[PREFIX,PREFIX]}" in update
    assert "present prefixes too" in one.cli
    assert commands_in(one.undo.splitlines()) == [update]


def test_ar_16_excepts_the_roles_of_aws_services_that_work_with_the_bucket() -> None:
    one = remedy("AR-16", "bucket_policies_restrict_access_and_deletion")
    for role in ("AWS Backup", "malware protection plan", "replication rules", "batch job"):
        assert role in one.needs
    lines = [line.removeprefix("# ") for line in one.cli.splitlines()]
    start = next(n for n, line in enumerate(lines) if line.startswith("{"))
    statement = json.loads("".join(lines[start : start + 3]))
    assert (statement["Effect"], statement["Action"]) == ("Deny", "s3:*")
    assert len(statement["Resource"]) == 2
    assert statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"]


@pytest.mark.parametrize("name", ["AR-14", "AR-16", "AR-20", "EX-16", "IT-04"])
def test_a_condition_of_unknown_outcome_is_read_and_not_replaced(name: str) -> None:
    verdict = "needs review/deletion" if name == "AR-16" else "needs review"
    one = remedy(name, f"?{verdict}")
    assert (
        "Find out which requests meet it, who can send them, and whether they may." in one.console
    )
    assert commands_in(one.cli.splitlines())
    assert not changes(one)
    assert one.when.startswith("Not known: ")


# --- words in capitals --------------------------------------------------------------------------
# What a finding names, and what is not an id: the sentence that the command follows says it.
NAMED_BY_FINDINGS = {
    *("ACCOUNT", "BUCKET", "BUILDER", "DIRECTORY", "ENDPOINT", "ENTITLEMENT", "FLEET", "GROUP"),
    *(
        "IMAGE",
        "KEY",
        "LIST",
        "NAME",
        "POINT",
        "PROVIDER",
        "ROLE",
        "STACK",
        "STORE",
        "TRAIL",
        "USER",
    ),
}
EDITED = {
    *("BEFORE", "CIDR", "CODE", "DAYS", "DOMAIN", "FROM_PORT", "HOST", "MAILBOX", "NEW_NAME"),
    *("NEXT_CODE", "NUMBER", "OPERATIONS", "PASSWORD", "PREFIX", "PRINCIPAL", "PROTOCOL"),
    *("TEAM", "TEXT", "TO_PORT", "URL", "VALUE"),
}
# Ids that no finding names: the remedy says what they are, and reads them where it can.
EXPLAINED = {
    *("AMI", "ANALYZER", "APPLICATION", "ARN", "COUNT", "DETECTOR", "DEVICE", "GRANT"),
    *("JOB", "KEY_STORE", "LOGS", "NEW", "PLAN", "RECORDER", "RULE", "SESSIONS", "TOPIC", "VPCE"),
}
OF_AWS = {
    *("ACTIVE", "ALL", "ASSOCIATED", "DISABLED", "ENABLED", "SECURITY", "STREAMING", "TCP", "UDP"),
    *("USERPOOL", "RESOURCE", "OTHER_ACCOUNTS", "FORCE_REAUTHENTICATION", "REUSE_CREDENTIALS"),
    *("S3_DATA_EVENTS", "EKS_AUDIT_LOGS", "EBS_MALWARE_PROTECTION", "RDS_LOGIN_EVENTS"),
    *("LAMBDA_NETWORK_LOGS", "KEY_MATERIAL_DOES_NOT_EXPIRE", "RSAES_OAEP_SHA_256", "RSA_4096"),
    *("ACCESS_ENDPOINTS", "AGENT_ACCESS_CONFIG", "EMBED_HOST_DOMAINS", "IAM_ROLE_ARN"),
    *("MAX_SESSIONS_PER_INSTANCE", "STORAGE_CONNECTOR_GOOGLE_DRIVE", "USB_DEVICE_FILTER_STRINGS"),
    *("STORAGE_CONNECTOR_ONE_DRIVE", "JSON"),
}


def capitals(command: str) -> set[str]:
    return set(re.findall(r"(?<![\w.{])[A-Z][A-Z0-9_]{2,}\b(?![a-z])", command.partition(" > ")[0]))


@pytest.mark.parametrize("name", sorted(REMEDIES))
def test_a_word_in_capitals_is_explained(name: str) -> None:
    for fitting, one in ((of, one) for (control, of), one in NAMED.items() if control == name):
        lines = [*one.cli.splitlines(), *one.undo.splitlines()]
        used = {word for command in commands_in(lines) for word in capitals(command)}
        comments = [line for line in lines if line.startswith("#")]
        prose = " ".join([*comments, one.needs, one.console])
        assert used <= NAMED_BY_FINDINGS | EDITED | EXPLAINED | OF_AWS, fitting
        explained = set(re.findall(r"\b[A-Z][A-Z_]+\b", prose))
        assert used & EXPLAINED <= explained, fitting
