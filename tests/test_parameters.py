"""What a run is asked for: each mistake is told with its field, its value and what is right."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
import yaml
from pydantic import Field

from kit.aws_models import partition_of
from kit.batch.accounts import read_batch
from kit.errors import UserError
from kit.inputs import Where, validated
from kit.notebook import (
    PARAMETERS_FILE,
    gather,
    open_changes,
    open_organisation,
    validate,
)
from kit.parameters import (
    SAMPLE_REASONS,
    SAMPLES,
    Run,
    Strict,
    _field,
    appstream_regions,
    load_profile,
    load_waivers,
    parameters,
    refuse_region,
)
from kit.snapshot import EVIDENCE
from tests.standins import Account

ACCOUNT = "012345678901"
DEFAULTS = {
    name: field.get_default(call_default_factory=True)
    for name, field in Run.model_fields.items()
    if not field.is_required()
}
EXAMPLES = Path(__file__).parent.parent / "parameters"


def _yaml(folder: Path, text: str) -> Path:
    path = folder / "run.yaml"
    path.write_text(text)
    return path


OTHERS = ("accounts", "waivers")
RUNS = sorted(path for path in EXAMPLES.glob("*.yaml") if path.stem not in OTHERS)


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.name)
def test_the_examples_are_valid(path: Path) -> None:
    assert len(parameters(path).account) == 12


def uncommented(path: Path) -> str:
    """A sample file with the # before its fields taken away; # before a space begins prose."""
    return re.sub(
        r"^( *)#(?=[a-z]|- [a-z]|  [A-Za-z])", r"\1", path.read_text(), flags=re.MULTILINE
    )


def test_the_example_names_every_field_and_declares_nothing() -> None:
    path = EXAMPLES / "example.yaml"
    assert parameters(path).model_fields_set == {"account", "regions"}
    given = yaml.safe_load(uncommented(path))
    assert given.keys() == Run.model_fields.keys()
    assert {name: given[name] for name in SAMPLES} == SAMPLES


@pytest.mark.parametrize("name", Run.model_fields)
def test_every_field_has_a_title_a_sample_and_a_place(name: str) -> None:
    field = Run.model_fields[name]
    assert field.title
    assert not field.title.endswith(".")
    sample = (field.examples or [None])[0]
    assert type(sample) is type("" if field.is_required() else DEFAULTS[name])


def test_a_new_field_has_to_be_described() -> None:
    with pytest.raises(TypeError, match="title"):
        _field("")


def test_the_samples_of_accounts_and_waivers_declare_nothing() -> None:
    declared = {*SAMPLES, "data_role", "allowed_regions", "reviewed_on"}
    shared = yaml.safe_load((EXAMPLES / "accounts.yaml").read_text())["shared"]
    assert declared.isdisjoint(shared)
    path = EXAMPLES / "waivers.yaml"
    assert load_waivers(str(path)) == []
    assert [one["reason"] for one in yaml.safe_load(uncommented(path))] == list(SAMPLE_REASONS)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_that_nobody_replaced_is_refused_by_name(name: str) -> None:
    value = SAMPLES[name]
    with pytest.raises(UserError, match=rf"{name}: .* is the sample of parameters/example.yaml"):
        parameters({"account": ACCOUNT, name: value})
    if not isinstance(value, str):
        left = dict([*value.items()][:1]) if isinstance(value, dict) else [*value, "our own"]
        with pytest.raises(UserError, match=f"{name}: .* is the sample"):
            parameters({"account": ACCOUNT, name: left})


OTHER_NAMES = {
    "impact_assessments": "access logs",
    "reports_read": "C5",
    "transfer_instruments": "us-west-2",
    "declared_reasons": "EX-04",
}


@pytest.mark.parametrize(
    ("name", "sample"),
    [
        (name, text)
        for name, value in SAMPLES.items()
        for text in (
            value.values()
            if isinstance(value, dict)
            else value
            if isinstance(value, list)
            else [value]
        )
        if isinstance(text, str)
    ],
)
def test_a_text_of_a_sample_is_refused_wherever_it_stands(name: str, sample: str) -> None:
    for text in (sample, f" {sample.upper()}  "):
        value: Any = text
        if isinstance(SAMPLES[name], dict):
            value = {OTHER_NAMES[name]: text}
        elif isinstance(SAMPLES[name], list):
            value = ["our own", text]
        with pytest.raises(UserError, match=f"{name}: .* is the sample"):
            parameters({"account": ACCOUNT, name: value})


def test_a_number_of_a_sample_may_be_honest_under_another_name() -> None:
    run = parameters({"account": ACCOUNT, "retention_days": {"screenshots": 1}})
    assert run.retention_days == {"screenshots": 1}


HUNTER = "password=hunter2secret9"
HONEST = [
    *("Password policy: see IT-04", "Password: at least 14 characters", "Passwort: siehe Tresor"),
    *("Token: hardware token of the identity team", "Secret: see vault path kv/streaming"),
    *("MFA with hardware key: YubiKey 5", "API key: rotated by the platform team", "IDP-2026-07"),
    "arn:aws:kms:eu-central-1:012345678901:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "git@github.com:acme/policies.git",
    "https://github.com/acme/policies/blob/3f2a9c1e5b7d8f0a1c2e4b6d8f0a1c3e5b7d9f1a/restore.md",
    "https://wiki.example.com/pages/viewpage.action?spaceKey=SEC&title=Restore",
    "https://wiki.example.com/spaces/viewspace.action?key=SEC",
    "https://tracker.example.com/?issueKey=SEC-214",
    "https://x.sharepoint.com/:b:/s/team/EabcDEFghiJKLmnoPQRstuVWXyz0123456789ab?e=AbC123",
    "https://docs.google.com/document/d/1A2b3C4d5E6f7G8h9I0jKlMnOpQrStUvW/edit#heading=h.abc",
]


@pytest.mark.parametrize("text", HONEST)
def test_a_reference_without_a_secret_is_accepted(text: str) -> None:
    run = parameters({"account": ACCOUNT, "restore_procedure": text})
    assert run.restore_procedure == text


@pytest.mark.parametrize(
    ("name", "value", "field", "kind"),
    [
        *(
            (name, {list: [HUNTER], dict: {"a": HUNTER}}.get(type(default), HUNTER), name, "p")
            for name, default in DEFAULTS.items()
            if isinstance(default, str | list | dict)
        ),
        ("impact_assessments", {"access logs": HUNTER}, "impact_assessments, access logs", "p"),
        ("session_tags", {"Password": "hunter2secret9"}, "session_tags, Password", "p"),
        ("session_tags", {HUNTER: "a"}, "session_tags", "p"),
        ("administrators", ["arn:a", f"see {HUNTER}"], "administrators, entry 2", "p"),
        ("restore_procedure", "https://svc:Hunter2!@dms.example.com/", "restore_procedure", "u"),
    ],
)
def test_a_secret_is_refused_by_field_and_never_printed(
    name: str, value: Any, field: str, kind: str
) -> None:
    kinds = {"p": "password-assignment", "u": "url-userinfo"}
    with pytest.raises(UserError) as refused:
        parameters({"account": ACCOUNT, name: value})
    message = str(refused.value)
    assert f"parameters: {field}" in message
    assert f"holds a secret ({kinds[kind]}), which a pack would show; write where" in message
    assert "unter2" not in message


def test_a_secret_in_a_file_is_refused_with_its_line(tmp_path: Path) -> None:
    path = _yaml(
        tmp_path, f'account: "{ACCOUNT}"\ndeclared_reasons:\n  EX-01: |\n    see {HUNTER}\n'
    )
    with pytest.raises(UserError, match=r"run\.yaml, line 3: declared_reasons, EX-01: holds a sec"):
        parameters(path)
    path.write_text(f'account: "{ACCOUNT}"\n{HUNTER}: a\n')
    with pytest.raises(UserError, match=r"line 2: .*⟦secret: .* is not a field") as refused:
        parameters(path)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("name", ["owner", "reason", "resource"])
def test_a_secret_in_a_waiver_is_refused(tmp_path: Path, name: str) -> None:
    entry = {"control": "EX-07", "owner": "Jo", "reason": "On order until", "expires": "2027-03-31"}
    path = tmp_path / "waivers.yaml"
    path.write_text(yaml.safe_dump([entry, entry | {name: f"see {HUNTER}"}]))
    with pytest.raises(
        UserError, match=rf"{name}: holds a secret \(password-assignment\)"
    ) as refused:
        load_waivers(str(path))
    assert "hunter2" not in str(refused.value)


def test_a_value_without_end_is_refused() -> None:
    endless: list[Any] = []
    endless += [endless, endless]
    with pytest.raises(UserError, match="nested too deep"):
        parameters({"account": ACCOUNT, "regions": endless})


@pytest.mark.parametrize("reason", SAMPLE_REASONS)
def test_a_waiver_with_the_samples_reason_is_refused(tmp_path: Path, reason: str) -> None:
    path = tmp_path / "waivers.yaml"
    entry = {"control": "EX-07", "owner": "Jo Doe", "reason": reason, "expires": "2027-03-31"}
    path.write_text(yaml.safe_dump([entry]))
    with pytest.raises(UserError, match=r"reason: .* is the sample"):
        load_waivers(str(path))


def test_what_the_cell_changes_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(f'account: "{ACCOUNT}"\nthresholds: strict\ncontroller: Example Ltd\n')
    monkeypatch.setenv(PARAMETERS_FILE, str(file))
    cell = dict.fromkeys(Run.model_fields, "") | DEFAULTS | {"account": ""}
    run = validate(cell)
    assert (run.thresholds, run.controller) == ("strict", "Example Ltd")
    assert run.sources == {
        "account": f"{file}, line 1",
        "thresholds": f"{file}, line 2",
        "controller": f"{file}, line 3",
    }
    run = validate({**cell, "controller": "Another Ltd", "event_pages": 9})
    assert (run.thresholds, run.controller, run.event_pages) == ("strict", "Another Ltd", 9)
    assert run.sources["controller"] == "the parameters cell (controller)"
    assert run.sources["thresholds"] == f"{file}, line 2"
    injected = {"In": ["# Parameters\nthresholds = 'default'"], "thresholds": "default"}
    run = validate({**cell, **injected})
    assert run.thresholds == "default"
    assert run.sources["thresholds"] == "papermill (thresholds)"


@pytest.mark.parametrize("account", [ACCOUNT, "111122223333"])
@pytest.mark.parametrize(
    ("cells", "source"),
    [
        ({}, "the parameters cell (account)"),
        ({"In": [f"# Parameters\naccount = '{ACCOUNT}'"]}, "papermill (account)"),
    ],
)
def test_whoever_names_the_account_describes_the_whole_run(
    account: str,
    cells: dict[str, Any],
    source: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(f'account: "{ACCOUNT}"\ncontroller: Example Ltd\n')
    monkeypatch.setenv(PARAMETERS_FILE, str(file))
    run = validate({**DEFAULTS, "account": account, **cells})
    assert (run.account, run.controller, run.sources) == (account, "", {"account": source})


def test_a_mistake_in_the_cell_names_the_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(f'account: "{ACCOUNT}"\nthresholds: strict\n')
    monkeypatch.setenv(PARAMETERS_FILE, str(file))
    with pytest.raises(UserError, match=r"^the parameters cell \(event_pages\): event_pages: 0"):
        validate({**DEFAULTS, "account": "", "event_pages": 0})


def test_results_of_refused_parameters_leave_the_notebook() -> None:
    results = dict.fromkeys(("run", "evidence", "tables", "findings"), "of an earlier run")
    cells = {**DEFAULTS, "account": ACCOUNT, "regions": ["eu-centrl-1"]}
    names = {**cells, **results, "before": "kept"}
    with pytest.raises(UserError, match="eu-centrl-1"):
        validate(names)
    assert names == {**cells, "before": "kept"}


def test_results_of_another_snapshot_leave_the_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = dict.fromkeys(("run", "evidence", "tables", "findings"), "of an earlier run")
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(user_ns=names))
    with pytest.raises(UserError):
        gather(Run(account=ACCOUNT), str(tmp_path / "none"))
    assert list(names) == ["run"]


def test_a_snapshot_is_read_once_for_its_parameters_and_answers_and_anew_after_that(
    tmp_path: Path,
) -> None:
    folder = Account(tmp_path).snapshot().folder
    run = validate({"snapshot": str(folder)})
    with patch("kit.notebook.read") as again:
        evidence = gather(run, str(folder))
    assert (evidence.run is run, again.called) == (True, False)
    (folder / EVIDENCE).write_text("")
    with pytest.raises(UserError, match="was changed after it was written"):
        gather(run, str(folder))


@pytest.mark.parametrize(
    ("name", "verb"), [("changes", open_changes), ("organisation", open_organisation)]
)
def test_results_of_refused_packs_leave_the_notebook(name: str, verb: Any) -> None:
    names = {"before": 1, "packs": 1, name: "of other packs"}
    with pytest.raises(UserError):
        verb(names)
    assert name not in names


@pytest.mark.parametrize(
    ("region", "named"),
    [
        ("eu-cental-1", {"eu-central-1"}),
        ("EU_Central-1", {"eu-central-1"}),
        ("us-gov-wst-1", {"us-gov-west-1"}),
        ("us-gov-east-9", {"us-gov-east-1"}),
        ("us-eats-1", {"us-east-1"}),
        ("ca-north-1", {"ca-central-1", "ca-west-1"}),
        ("cn-north-1", set()),  # AWS has it, and its partition has no AppStream
    ],
)
def test_a_region_without_appstream_names_few_others_of_its_partition(
    region: str, named: set[str]
) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(region))) as refused:
        refuse_region(region)
    assert set(appstream_regions()) & set(re.findall(r"[\w-]+", str(refused.value))) == named


@pytest.mark.parametrize("region", ["eu-north-1", "frankfurt", "", "x" * 10_000])
def test_a_region_that_resembles_none_names_few(region: str) -> None:
    with pytest.raises(ValueError, match="is not a region with AppStream") as refused:
        refuse_region(region)
    named = set(appstream_regions()) & set(re.findall(r"[\w-]+", str(refused.value)))
    assert 0 < len(named) < 8
    assert {partition_of(name) for name in named} == {"aws"}


@pytest.mark.parametrize("region", ["eu-central-1", "us-gov-west-1"])
def test_a_region_with_appstream_is_accepted(region: str) -> None:
    refuse_region(region)


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("account: 123456789012", ["account", "123456789012", "quotes"]),
        (
            "account: 012345670123",
            ["line 1: account has", "012345670123", "another base", "quotes"],
        ),
        (
            f'account: "{ACCOUNT}"\nlookback_days: 010',
            ["line 2: lookback_days has", "number 010,", "decimal"],
        ),
        (f'account: "{ACCOUNT}"\nlookback_days: 1:30', ["line 2", "number 1:30,", "decimal"]),
        (f'account: "{ACCOUNT}"\nlookback_days: 0x1E', ["line 2", "number 0x1E,", "decimal"]),
        (f'account: "{ACCOUNT}"\nlookback_days: 9_0', ["line 2", "number 9_0,", "decimal"]),
        (f'account: "{ACCOUNT}"\nread_seconds: 1:30.5', ["line 2", "number 1:30.5,", "decimal"]),
        ('account: "12345"', ["account", "'12345'", "12 digits"]),
        ("regions: [eu-west-1]", ["account is missing"]),
        (f'account: "{ACCOUNT}"\nregoins: []', ["'regoins'", "did you mean 'regions'"]),
        (
            f'account: "{ACCOUNT}"\nwithout_services: [xray]',
            ["without_services", "'xray'", "accepted are accessanalyzer, "],
        ),
        (
            f'account: "{ACCOUNT}"\nwithout_services: [bakup]',
            ["'bakup'", "did you mean 'backup'"],
        ),
        (f'account: "{ACCOUNT}"\nregions: [eu-north-1]', ["regions", "eu-north-1", "eu-west-1"]),
        (f'account: "{ACCOUNT}"\nregions: eu-west-1', ["regions", "'eu-west-1'", "list"]),
        (f'account: "{ACCOUNT}"\nlookback_days: 400', ["lookback_days", "400", "90"]),
        (f'account: "{ACCOUNT}"\npseudonymise: "no"', ["pseudonymise", "'no'", "true or false"]),
        (f'account: "{ACCOUNT}"\nrole_arn: EvidenceReader', ["role_arn", "arn:aws:iam::"]),
        (f'account: "{ACCOUNT}"\nexternal_id: x', ["external_id", "role_arn"]),
        (f'account: "{ACCOUNT}"\ndata_role: owner', ["data_role", "'owner'", "controller"]),
        (f'account: "{ACCOUNT}"\ncustomer_number_patterns: ["(["]', ["not a regular expression"]),
        (f'account: "{ACCOUNT}"\nphone_region: Germany', ["phone_region", "'Germany'", "DE"]),
        ("just text", ["fields with values"]),
        ("account: [", ["is not valid YAML"]),
    ],
)
def test_a_mistake_is_reported_in_one_line(tmp_path: Path, text: str, reported: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        parameters(_yaml(tmp_path, text))
    message = str(caught.value)
    assert [part for part in reported if part not in message] == []
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("account: 12", "line 2: account: 12: was read as a number"),
        ("accnt: x", "line 2: 'accnt' is not a field; did you mean 'account'?"),
        ("pseudonymise: 0", "line 3: pseudonymise: 0: must be true or false, without quotes"),
        ("event_pages: two", "line 3: event_pages: 'two': must be a whole number"),
        ("event_pages: 0", "line 3: event_pages: 0: must be 1 or more"),
        ("event_pages: 101", "line 3: event_pages: 101: must be 100 or less"),
        ("contact: 17", 'line 3: contact: 17: must be text in quotes: "17"'),
        ("contact: [a]", "line 3: contact: ['a']: must be text in quotes"),
        ("regions: eu-west-1", "line 3: regions: 'eu-west-1': must be a list: [eu-west-1]"),
        ("regions:\n- eu-west-1\n- 3", 'line 5: regions, entry 2: 3: must be text in quotes: "3"'),
        ("declared_reasons: no", "line 3: declared_reasons: False: must be fields with values"),
        (
            "declared_reasons:\n  EX-01: 3",
            'line 4: declared_reasons, EX-01: 3: must be text in quotes: "3"',
        ),
        (
            "reports_read:\n  SOC2: 2026-10-12",
            "line 4: reports_read, SOC2",
        ),
        (
            "reports_read:\n  C5: 2026-13-12",
            "line 3: reports_read: {'C5': '2026-13-12'}: write the",
        ),
        (
            "reports_read:\n  C5: ''",
            "line 3: reports_read: {'C5': ''}: C5: has no text; write it, or leave it out",
        ),
        (
            "declared_reasons:\n  DS-04: '   '",
            "line 3: declared_reasons: {'DS-04': '   '}: DS-04: has no text; write it, or leave",
        ),
        (
            "administrators: [admin, ' ']",
            "line 3: administrators: ['admin', ' ']: entry 2: has no text; write it, or leave it out",
        ),
        (
            "alarm_evidence: '  '",
            "line 3: alarm_evidence: '  ': has no text; write it, or leave it out",
        ),
        (
            "data_role: owner",
            "line 3: data_role: 'owner': must be one of '', 'controller'",
        ),
        ("contact: a\ncontact: b", "line 4: contact is given twice, first in line 3"),
        ("a: b: c", "line 3: is not valid YAML: mapping values are not allowed"),
        ("regions: &own [*own]", "line 3: has an alias within what it repeats"),
    ],
)
def test_a_mistake_in_a_file_comes_with_its_line(tmp_path: Path, text: str, reported: str) -> None:
    first = "# a comment\n" if text.startswith("acc") else f'# a comment\naccount: "{ACCOUNT}"\n'
    with pytest.raises(UserError) as caught:
        parameters(_yaml(tmp_path, first + text))
    assert str(caught.value).startswith(f"{tmp_path / 'run.yaml'}, {reported}")


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing\.yaml: cannot be read"):
        parameters(tmp_path / "nothing.yaml")


def test_missing_waivers_are_reported_with_the_field_that_names_them(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^waivers: .*none\.yaml: cannot be read \(No such file"):
        load_waivers(str(tmp_path / "none.yaml"))


def test_days_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(
        "- control: AR-03\n  owner: IT security\n  reason: accepted until the upgrade\n"
        "  expires: 2027-03-31\n"
    )
    (waiver,) = load_waivers(str(path))
    assert waiver.expires == "2027-03-31"


@pytest.mark.parametrize(
    ("entry", "reported"),
    [
        ("control: AR-03", "line 2: owner: is missing"),
        (
            "{control: AR-03, owner: a, reason: short, expires: 2027-03-31}",
            "line 2: reason: 'short'",
        ),
        ("{control: AR-03, owner: a, reason: long enough it is, expires: soon}", "2027-03-31"),
        ("{control: AR-03, owner: a, reason: long enough it is, until: x}", "line 2: .*'until'"),
    ],
)
def test_a_wrong_waiver_is_reported(tmp_path: Path, entry: str, reported: str) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(f"# one waiver\n- {entry}\n")
    with pytest.raises(UserError, match=reported):
        load_waivers(str(path))


def test_an_own_profile_changes_what_it_names_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "bank.yaml"
    path.write_text("max_idle_seconds: 120\n")
    own, default = load_profile(str(path)), load_profile("default")
    assert own == default.model_copy(update={"name": "bank", "max_idle_seconds": 120})


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("max_idle: 1", "line 1: .*did you mean 'max_idle_seconds'"),
        ("max_idle_seconds: many", "line 1: max_idle_seconds: 'many': must be a whole number"),
        ("name: bank\nmax_idle_seconds: 0", "line 2: max_idle_seconds: 0: must be more than 0"),
        ("minimum_key: mine", "line 1: minimum_key: 'mine': must be one of 'any', "),
        (
            "name: default\nmax_key_age_days: 3650",
            "line 1: name: 'default' is a profile of the kit",
        ),
    ],
)
def test_a_wrong_profile_is_reported(tmp_path: Path, text: str, reported: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=reported):
        load_profile(str(path))


def test_an_unknown_profile_is_reported() -> None:
    with pytest.raises(UserError, match="'lax' is not a profile; accepted: default, strict"):
        load_profile("lax")


def test_a_notebook_passes_its_names() -> None:
    names = {"account": ACCOUNT, "regions": [], "snapshot": "", "kit": object(), "In": [""]}
    assert validate(names).model_dump() == Run(account=ACCOUNT).model_dump()


def test_a_name_that_papermill_injected_in_vain_is_an_error() -> None:
    cells = ["", 'account = ""', f'# Parameters\naccount = "{ACCOUNT}"\nregoin = "eu-west-1"\n']
    with pytest.raises(UserError, match="'regoin' is not a field; did you mean 'regions'"):
        validate({"account": ACCOUNT, "regoin": "eu-west-1", "In": cells})


def test_a_snapshot_is_given_alone() -> None:
    cells = [f'# Parameters\nsnapshot = "x"\naccount = "{ACCOUNT}"\n']
    with pytest.raises(UserError, match="account: a stored snapshot holds its own parameters"):
        validate({"account": ACCOUNT, "snapshot": "x", "In": cells})


@pytest.mark.parametrize(
    "given",
    [
        "thresholds: none.yaml",
        "thresholds: strct",
        "waivers: none.yaml",
        "follow_up: none.csv",
        "previous: none",
        "language: none.yaml",
        "controls: [EX-99]",
        "frameworks: [none]",
        "own_controls: [./none]",
        "organisation_snapshot: none",
        "outputs: /proc/none",
        "pseudonym_key: /proc/none/key",
    ],
)
def test_a_mistake_that_shows_later_names_the_line_and_the_field_too(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    Path("files").mkdir()
    Path("files/run.yaml").write_text(f'account: "{ACCOUNT}"\n{given}\n')
    with pytest.raises(UserError, match=f"^files/run.yaml, line 2: {given.partition(':')[0]}: "):
        gather(parameters("files/run.yaml"))
    assert not Path("outputs").exists()


def test_a_profile_without_a_name_has_that_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "bank.yaml").write_text("max_idle_seconds: 120\n")
    assert load_profile(str(tmp_path / "bank.yaml")).name == "bank"
    assert (
        "it\nthe profile has the name of its file, here `bank`"
        in (EXAMPLES.parent / "docs" / "using.md").read_text()
    )


def test_a_profile_that_does_not_exist_is_refused_with_what_is_accepted() -> None:
    with pytest.raises(UserError, match=r"^thresholds: none.yaml: .*; accepted: default, strict, "):
        load_profile("none.yaml")


@pytest.mark.parametrize(
    ("field", "sample"),
    [
        (name, field.examples[0])
        for name, field in Run.model_fields.items()
        if field.examples and isinstance(field.examples[0], dict)
    ],
)
def test_a_field_that_should_hold_fields_shows_its_own_sample(
    field: str, sample: dict[str, Any]
) -> None:
    key, value = next(iter(sample.items()))
    with pytest.raises(UserError) as refused:
        parameters({"account": ACCOUNT, field: "DPIA-1"})
    assert str(refused.value).endswith(f"must be fields with values, such as {key}: {value}")


class _Limited(Strict):
    texts: list[str] = Field(["a"], max_length=2)
    text: str = Field("", max_length=3)
    number: float = 0.5


@pytest.mark.parametrize(
    ("field", "value", "reported"),
    [
        ("texts", ["a", "b", "c"], "must have at most 2 entries"),
        ("text", "four", "must have at most 3 characters"),
        ("number", "1", "must be a number, without quotes"),
    ],
)
def test_no_limit_is_reported_in_the_words_of_pydantic(
    field: str, value: Any, reported: str
) -> None:
    with pytest.raises(UserError, match=f"{field}: .*: {reported}$"):
        validated(_Limited, {field: value}, Where("here"))


@pytest.mark.parametrize("given", ["a/b", "", "-a", "a" * 65])
def test_the_name_of_a_batch_is_refused_with_what_is_accepted(given: str, tmp_path: Path) -> None:
    file = tmp_path / "accounts.yaml"
    file.write_text(f'accounts: [{{account: "{ACCOUNT}"}}]\nname: "{given}"\n')
    with pytest.raises(UserError, match=r"line 2: name: .* a letter or digit, .* such as 2026-Q4$"):
        read_batch(file)
    with pytest.raises(UserError, match=r"^--name: name: 'a b': must be"):
        read_batch(file, "a b")
