"""Remedies: each command is one of the AWS CLI's, and none harms as it is printed.

The catalogue has them; docs/controls.md is made from it.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.validate import validate_parameters

from kit.controls import CONTROLS
from tests.pages import blocks

REMEDIES = {name: one.remedy for name, one in CONTROLS.items()}
WITH_COMMANDS = pytest.mark.parametrize(
    "name", sorted(name for name, remedy in REMEDIES.items() if remedy.cli)
)
READS = ("describe-", "get-", "list-", "lookup-", "wait")
# What stands in the commands for what the reader fills in, where a text would not be accepted.
PLACEHOLDERS = {
    "DAYS": "365",
    "NEXT_CODE": "123456",
    "CODE": "123456",
    "DEVICE": "arn:aws:iam::123456789012:mfa/jane",
    "ACCOUNT": "123456789012",
    "KEY": "AKIAIOSFODNN7EXAMPLE",
    "ARN": "arn:aws:iam::123456789012:policy/p",
}
FILES = {
    "encryption.json": {"Rules": []},
    "rules.json": {"Rules": []},
    "replication.json": {"Role": "arn:aws:iam::123456789012:role/r", "Rules": []},
    "settings.json": [{"Action": "FILE_DOWNLOAD", "Permission": "DISABLED"}],
    "selectors.json": [{"Name": "all", "FieldSelectors": [{"Field": "eventCategory"}]}],
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
    "put-event-selectors": "get-event-selectors",
    "put-key-policy": "get-key-policy",
    "revoke-grant": "list-grants",
    "update-assume-role-policy": "get-role",
    "update-directory-config": "describe-directory-configs",
}
# What no command may do: it cannot be undone, or locks people out at once.
NEVER = (
    r"\bdelete-(bucket|key|object|role|user|access-key|stack|fleet|trail)\b",
    r"\bdelete-bucket-\w+",
    r"\bderegister-image\b",
    r"\bdelete-bucket-replication\b",
    r"\bcreate-usage-report-subscription\b",
    r"Status=ENABLED\b",
    r"\baws s3 cp\b",
    "&&|;|\\|\\|",
)


def lines(name: str) -> list[str]:
    return REMEDIES[name].cli.splitlines()


def commands(name: str) -> list[str]:
    return [line for line in lines(name) if line.startswith("aws ")]


def words(name: str) -> str:
    remedy = REMEDIES[name]
    return " ".join(f"{remedy.console} {remedy.cli} {remedy.terraform}".replace("# ", "").split())


def operation(command: str) -> str:
    return command.split()[2]


@pytest.fixture(scope="module")
def aws_cli() -> Iterator[Any]:
    """The AWS CLI, which reads each service's model once.

    Its import sets AWS_DATA_PATH for the whole process; other tests must not see that.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DATA_PATH", "")
        patch.delenv("AWS_DATA_PATH")
        from awscli import clidriver

        yield clidriver.create_clidriver()


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
    for name in ("policy", "key-policy", "trust", "duty", "stream"):
        Path(f"{name}.json").write_text("{}")
    for name, content in FILES.items():
        Path(name).write_text(json.dumps(content))
    return seen


def test_the_handbook_has_commands_for_most_controls() -> None:
    assert sum(len(commands(name)) for name in REMEDIES) >= 70


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


@WITH_COMMANDS
def test_every_command_is_one_of_the_aws_cli(
    name: str, parsed: list[tuple[str, str, Any]], aws_cli: Any
) -> None:
    for command in commands(name):
        line = command.partition(" > ")[0]
        for placeholder, value in PLACEHOLDERS.items():
            line = re.sub(rf"\b{placeholder}\b", value, line)
        arguments = shlex.split(line, comments=True)[1:]
        before = len(parsed)
        if arguments[1] == "wait":  # a waiter asks without the caller that is replaced here
            assert arguments[2] in ("fleet-stopped", "fleet-started")
            continue
        assert aws_cli.main(arguments) == 0, line
        assert len(parsed) == before + 1


@WITH_COMMANDS
def test_lines_are_commands_or_comments(name: str) -> None:
    for line in lines(name):
        assert line.startswith(("aws ", "# ", "cp ")), line


@WITH_COMMANDS
def test_what_changes_something_follows_a_word_on_it(name: str) -> None:
    commented = False
    for line in lines(name):
        commented |= line.startswith("#")
        if line.startswith("aws ") and not operation(line).startswith(READS):
            assert commented, line


@WITH_COMMANDS
def test_nothing_is_lost_at_once(name: str) -> None:
    assert not [c for c in commands(name) for pattern in NEVER if re.search(pattern, c)]


@WITH_COMMANDS
def test_a_whole_configuration_is_read_before_it_is_replaced(name: str) -> None:
    seen = set()
    for command in commands(name):
        if operation(command) in REPLACES:
            assert REPLACES[operation(command)] in seen, command
        seen.add(operation(command))


@WITH_COMMANDS
def test_a_running_fleet_gets_no_command_that_it_refuses(name: str) -> None:
    stopped = elastic = False
    for line in lines(name):
        if line.startswith("#"):
            elastic = line.startswith("# Elastic:")
        elif operation(line) in ("stop-fleet", "start-fleet"):
            stopped = operation(line) == "stop-fleet"
        elif operation(line) == "update-fleet":
            options = {word for word in line.split() if word.startswith("--")} - {"--name"}
            assert stopped or options <= RUNNING or elastic, line
    assert not stopped, "the fleet is started again"


def test_a_fleet_is_stopped_with_a_warning_and_started_again() -> None:
    steps = lines("AR-01")
    assert steps[0].startswith("# Stopping the fleet ends every session")
    assert [operation(step) for step in steps if not step.startswith("#")] == [
        "stop-fleet",
        "wait",
        "update-fleet",
        "start-fleet",
    ]


# --- the rows of what harmed --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["AR-01", "AR-03", "ID-07", "EX-07", "EX-08"])
def test_fleets_are_stopped_for_it_and_the_reader_knows(name: str) -> None:
    assert "ends" in REMEDIES[name].console
    assert "stopped" in REMEDIES[name].console
    assert any(operation(command) == "stop-fleet" for command in commands(name))


def test_it_02_protocol_and_endpoint_are_two_commands() -> None:
    protocol, endpoint = commands("IT-02")
    assert "--access-endpoints" not in protocol
    assert "--streaming-experience-settings" not in endpoint
    assert "LOCKS OUT" in REMEDIES["IT-02"].cli
    assert "access_endpoints" not in REMEDIES["IT-02"].terraform


@pytest.mark.parametrize("name", ["AR-05", "AR-06", "AR-10", "AR-11", "AR-12", "AR-13", "AR-07"])
def test_encryption_keeps_what_is_there(name: str) -> None:
    puts = [c for c in commands(name) if operation(c) == "put-bucket-encryption"]
    assert puts
    for put in puts:
        assert "file://encryption.json" in put, "nothing is set that was not read"
        assert "SSEAlgorithm" not in put
    assert "replaces the whole present one: key, bucket key, blocked types" in REMEDIES[name].cli


@pytest.mark.parametrize("name", ["AR-05", "AR-06", "AR-11", "AR-13"])
def test_encryption_in_terraform_says_what_it_replaces(name: str) -> None:
    assert "Replaces the whole configuration" in REMEDIES[name].terraform


def test_ar_13_has_a_command_for_each_clause() -> None:
    changes = [operation(c) for c in commands("AR-13") if not operation(c).startswith("get-")]
    assert changes == [
        "put-bucket-encryption",
        "put-public-access-block",
        "put-bucket-lifecycle-configuration",
        *KEY_STEPS,
    ]
    for resource in ("encryption", "public_access_block", "lifecycle_configuration"):
        assert resource in REMEDIES["AR-13"].terraform


def test_ar_14_closes_the_bucket_before_the_account() -> None:
    services = [c.split()[1] for c in commands("AR-14") if operation(c).startswith("put-")]
    assert services == ["s3api", "s3control"]
    assert "closes EVERY bucket" in REMEDIES["AR-14"].cli
    assert "aws_s3_account_public_access_block" not in REMEDIES["AR-14"].terraform


KEY_STEPS = ["enable-key", "cancel-key-deletion", "enable-key"]


@pytest.mark.parametrize("name", ["AR-07", "AR-13", "LG-03", "LG-06"])
def test_a_key_that_cannot_be_used_is_enabled_by_its_state(name: str) -> None:
    kms = [operation(c) for c in commands(name) if c.startswith("aws kms")]
    assert kms[:3] == KEY_STEPS


def test_ar_07_has_commands_for_policies_and_grants_that_admit_others() -> None:
    kms = [operation(c) for c in commands("AR-07") if c.startswith("aws kms")]
    assert kms[3:] == ["get-key-policy", "put-key-policy", "list-grants", "revoke-grant"]
    assert "without which nobody may manage the key" in words("AR-07")


def test_ar_07_sets_the_algorithm_with_the_key() -> None:
    assert "set SSEAlgorithm to aws:kms, and KMSMasterKeyID" in words("AR-07")


def test_lg_06_does_not_put_a_rule_beside_one_that_erases_too_early() -> None:
    assert "raise its Days in rules.json instead" in words("LG-06")
    assert "raise its days" in REMEDIES["LG-06"].console


def test_lg_06_restores_an_event_data_store_that_is_going() -> None:
    assert "restore-event-data-store" in [operation(c) for c in commands("LG-06")]


@pytest.mark.parametrize("name", ["AR-13", "AR-17", "LG-06"])
def test_a_rule_with_a_date_is_not_put_beside_one_with_days(name: str) -> None:
    assert "in place of one that has a Date" in words(name)


@pytest.mark.parametrize("name", ["AR-16", "IT-04"])
def test_a_bucket_without_a_policy_can_be_given_one(name: str) -> None:
    for said in ("NoSuchBucketPolicy", "delete-bucket-policy where there was none"):
        assert said in words(name)


def test_lg_01_looks_up_why_a_trail_does_not_deliver() -> None:
    assert any("LatestDeliveryError" in command for command in commands("LG-01"))
    assert "under LG-02" in REMEDIES["LG-01"].cli


def test_md_02_has_a_command_for_buckets() -> None:
    assert "untag-resources" in [operation(c) for c in commands("MD-02")]


def test_ar_07_has_a_command_for_each_state() -> None:
    cases = re.split(r"^# The key (?:is|is pending)", REMEDIES["AR-07"].cli, flags=re.MULTILINE)[1:]
    disabled, pending, other = cases
    assert "cancel-key-deletion" not in disabled
    assert pending.index("cancel-key-deletion") < pending.index("enable-key")
    assert "another account's" in other
    assert "allowed_key_accounts" in REMEDIES["AR-07"].console
    assert "class" in REMEDIES["AR-07"].console


def test_id_07_names_the_agent_that_it_needs() -> None:
    assert "16 January 2024" in REMEDIES["ID-07"].console
    assert "EX-12" in REMEDIES["ID-07"].console
    ordered = [operation(command) for command in commands("ID-07")]
    assert ordered.index("describe-images") < ordered.index("stop-fleet")


def test_ex_07_names_what_is_cut_off() -> None:
    for text in (REMEDIES["EX-07"].console, words("EX-07")):
        assert "licence servers, SAML applications, OneDrive" in text
        assert "cut off" in text


def test_ex_04_deletes_the_connector_that_the_finding_names() -> None:
    cli = lines("EX-04")
    for connector in ("GOOGLE_DRIVE", "ONE_DRIVE"):
        place = cli.index(f"# The finding names {connector}")
        assert cli[place + 1].endswith(f"--attributes-to-delete STORAGE_CONNECTOR_{connector}")
    assert "HOMEFOLDERS" not in words("EX-04")


def test_id_06_never_advises_to_delete_the_role() -> None:
    assert "make it again" not in words("ID-06")
    assert "Never delete the role" in words("ID-06")


def test_id_10_keeps_the_stricter_status() -> None:
    (update,) = (c for c in commands("ID-10") if operation(c) == "update-directory-config")
    assert "Status=" not in update
    assert '"ENABLED"' not in REMEDIES["ID-10"].terraform
    assert "ENABLED_NO_DIRECTORY_LOGIN_FALLBACK" in REMEDIES["ID-10"].console


def test_ar_09_leaves_copies_to_batch_operations_and_names_old_versions() -> None:
    assert REMEDIES["AR-09"].cli == ""
    for said in ("Batch Operations", "versions that are not encrypted stay", "lifecycle rules"):
        assert said in REMEDIES["AR-09"].console


def test_lg_07_names_what_the_target_needs_and_what_it_replaces() -> None:
    for said in ("logging.s3.amazonaws.com", "same region", "this account"):
        assert said in REMEDIES["LG-07"].console
    assert "replace the present ones" in REMEDIES["LG-07"].cli


def test_id_04_disables_nobody_before_saml_works() -> None:
    assert REMEDIES["ID-04"].cli == ""
    console = REMEDIES["ID-04"].console
    assert console.index("SAML 2.0") < console.index("disable")


def test_ar_16_names_aws_s_template_and_what_it_lacks() -> None:
    console = REMEDIES["AR-16"].console
    for said in ("RestrictedAccess", "arn:PARTITION:s3:::BUCKET/*", "leaves the objects open"):
        assert said in console


@pytest.mark.parametrize("name", sorted(REMEDIES))
def test_arns_of_remedies_are_right_in_every_partition(name: str) -> None:
    remedy = REMEDIES[name]
    for text in (remedy.console, remedy.cli, remedy.terraform):
        assert set(re.findall(r"\barn:([^:\s]*):", text)) <= {"PARTITION"}
        meaning = "PARTITION is aws; in GovCloud (US) it is aws-us-gov, in China aws-cn."
        assert ("arn:PARTITION:" in text) == (meaning in text)


def test_the_remedies_that_name_arns_are_known() -> None:
    # An ARN is named in the bucket's policies and in the policy for sessions.
    assert {name for name in REMEDIES if "arn:" in words(name)} == {"AR-16", "ID-08", "IT-04"}


@pytest.mark.parametrize("name", ["EX-01", "EX-02", "EX-03", "EX-13"])
def test_user_settings_are_written_whole(name: str) -> None:
    (update,) = (c for c in commands(name) if operation(c) == "update-stack")
    assert "file://settings.json" in update
    assert "Permission=" not in update
