"""What a run is asked for: each mistake is told with its field, its value and what is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.errors import UserError
from kit.notebook import validate
from kit.parameters import Run, load_profile, load_waivers, parameters

ACCOUNT = "012345678901"
EXAMPLES = Path(__file__).parent.parent / "parameters"


def _yaml(folder: Path, text: str) -> Path:
    path = folder / "run.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_the_examples_are_valid(path: Path) -> None:
    assert len(parameters(path).account) == 12


def test_the_commented_example_names_every_field() -> None:
    assert parameters(EXAMPLES / "example.yaml").model_fields_set == set(Run.model_fields)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("account: 123456789012", ["account", "123456789012", "quotes"]),
        ("account: 012345670123", ["account", "was read as a number", "quotes"]),
        ('account: "12345"', ["account", "'12345'", "12 digits"]),
        ("regions: [eu-west-1]", ["account is missing"]),
        (f'account: "{ACCOUNT}"\nregoins: []', ["'regoins'", "did you mean 'regions'"]),
        (f'account: "{ACCOUNT}"\nregions: [eu-north-1]', ["regions", "eu-north-1", "eu-west-1"]),
        (f'account: "{ACCOUNT}"\nregions: eu-west-1', ["regions", "'eu-west-1'", "list"]),
        (f'account: "{ACCOUNT}"\nlookback_days: 400', ["lookback_days", "400", "90"]),
        (f'account: "{ACCOUNT}"\npseudonymise: "no"', ["pseudonymise", "'no'", "boolean"]),
        (f'account: "{ACCOUNT}"\nrole_arn: EvidenceReader', ["role_arn", "arn:aws:iam::"]),
        (f'account: "{ACCOUNT}"\nexternal_id: x', ["external_id", "role_arn"]),
        (f'account: "{ACCOUNT}"\ndata_role: owner', ["data_role", "'owner'", "controller"]),
        (f'account: "{ACCOUNT}"\ncustomer_number_patterns: ["(["]', ["no regular expression"]),
        (f'account: "{ACCOUNT}"\nphone_region: Germany', ["phone_region", "'Germany'", "DE"]),
        ("just text", ["fields with values"]),
        ("account: [", ["is no YAML"]),
    ],
)
def test_a_mistake_is_told_in_one_line(tmp_path: Path, text: str, told: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        parameters(_yaml(tmp_path, text))
    message = str(caught.value)
    assert [part for part in told if part not in message] == []
    assert "\n" not in message


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing\.yaml: cannot be read"):
        parameters(tmp_path / "nothing.yaml")


def test_days_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(
        "- control: AR-03\n  owner: IT security\n  reason: accepted until the upgrade\n"
        "  expires: 2027-03-31\n"
    )
    (waiver,) = load_waivers(str(path))
    assert waiver.expires == "2027-03-31"


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("control: AR-03", "owner"),
        ("{control: AR-03, owner: a, reason: long enough it is, expires: soon}", "2027-03-31"),
        ("{control: AR-03, owner: a, reason: long enough it is, until: x}", "until"),
    ],
)
def test_a_wrong_waiver_is_told(tmp_path: Path, entry: str, told: str) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(f"- {entry}\n")
    with pytest.raises(UserError, match=told):
        load_waivers(str(path))


def test_an_own_profile_changes_what_it_names_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "bank.yaml"
    path.write_text("max_idle_seconds: 120\n")
    own, default = load_profile(str(path)), load_profile("default")
    assert own == default.model_copy(update={"name": "bank", "max_idle_seconds": 120})


@pytest.mark.parametrize(
    ("text", "told"),
    [("max_idle: 1", "did you mean 'max_idle_seconds'"), ("max_idle_seconds: many", "'many'")],
)
def test_a_wrong_profile_is_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=told):
        load_profile(str(path))


def test_an_unknown_profile_is_told() -> None:
    with pytest.raises(UserError, match="'lax' is no profile; write default, strict"):
        load_profile("lax")


def test_a_notebook_passes_its_names() -> None:
    names = {"account": ACCOUNT, "regions": [], "snapshot": "", "kit": object(), "In": [""]}
    assert validate(names) == Run(account=ACCOUNT)


def test_a_name_that_papermill_injected_in_vain_is_an_error() -> None:
    cells = ["", 'account = ""', f'# Parameters\naccount = "{ACCOUNT}"\nregoin = "eu-west-1"\n']
    with pytest.raises(UserError, match="'regoin'; did you mean 'regions'"):
        validate({"account": ACCOUNT, "regoin": "eu-west-1", "In": cells})


def test_a_snapshot_is_given_alone() -> None:
    cells = [f'# Parameters\nsnapshot = "x"\naccount = "{ACCOUNT}"\n']
    with pytest.raises(UserError, match="account: a stored snapshot holds its own parameters"):
        validate({"account": ACCOUNT, "snapshot": "x", "In": cells})
