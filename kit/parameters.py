"""The parameters of a run: strict, frozen models, read from YAML or from a notebook's cell."""

from __future__ import annotations

import datetime as dt
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from functools import cache
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from kit.aws_models import listed_regions, partition_of
from kit.calls import optional_services
from kit.catalogue import texts
from kit.catalogue.frameworks import ids as framework_ids
from kit.catalogue.frameworks import refuse_missing
from kit.catalogue.transfers import transfers
from kit.detect.ways import refuse_costly
from kit.errors import UserError
from kit.inputs import Where, read_yaml, refuse_unknown, require_plain, validated
from kit.terminal import typed


class Strict(BaseModel):
    """A frozen model that refuses unknown fields and converts no type."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _texts_are_plain(cls, value: Any) -> Any:
        require_plain(value)
        return value


def refuse_blank(value: Any, where: str = "") -> None:
    """Raise `ValueError` for a text in which nobody sees anything; `where` precedes the message."""
    if isinstance(value, str) and not value.strip():
        raise ValueError(f"{where}has no text; write it, or leave it out")


Framework = Literal["SOC 2", "ISO 27001", "ISO 27017", "ISO 27018", "ISO 27701", "C5", "CISPE"]


class Profile(Strict):
    """The thresholds that rules compare with; each rule names the thresholds it uses.

    The catalogue has what each limits: ``report/thresholds/limits``.
    """

    name: str
    max_session_seconds: int = Field(gt=0)
    max_disconnect_seconds: int = Field(gt=0)
    max_idle_seconds: int = Field(gt=0)
    minimum_key: Literal["any", "aws-managed", "customer"]
    attestations: list[Framework] = Field(min_length=1)
    report_valid_months: int = Field(gt=0)
    private_streaming_required: bool
    minimum_tls: Literal["TLSv1.2", "TLSv1.3"]
    local_transfer: Literal["reason", "forbidden"]
    fips_required: bool
    user_pool_forbidden: bool
    certificate_sign_in_required: bool
    review_valid_months: int = Field(gt=0)
    max_breach_hours: int = Field(gt=0)
    max_key_age_days: int = Field(gt=0)
    min_password_length: int = Field(gt=0)
    min_passwords_remembered: int = Field(ge=0)
    max_password_age_days: int = Field(gt=0)
    min_metadata_days: int = Field(ge=0)
    max_root_use_days: int = Field(gt=0)
    max_unconfirmed_days: int = Field(gt=0)
    max_image_age_days: int = Field(gt=0)
    max_export_age_days: int = Field(gt=0)
    max_report_age_days: int = Field(gt=0)
    max_delivery_age_days: int = Field(gt=0)
    max_discovery_age_days: int = Field(gt=0)
    max_backup_age_days: int = Field(gt=0)
    max_organisation_age_days: int = Field(gt=0)
    min_log_days: int = Field(gt=0)
    max_log_days: int = Field(gt=0)


RetentionKind = Literal[
    "home folders", "application settings", "usage reports", "screenshots", "trails"
]
Assessed = Literal["usage reports", "recorded sessions", "access logs"]
CONNECTORS = ("GOOGLE_DRIVE", "ONE_DRIVE")  # to storage of other providers than AWS
HOME_FOLDERS = "HOMEFOLDERS"
"""Connectors of stacks to storage of other providers than AWS."""
SAMPLE_REASONS = (
    "CloudTrail data events are on order, see ticket SEC-214",
    "Designers need the internet until the proxy is in place, see RoPA 17",
)


class Waiver(Strict):
    """The acceptance of a fail by an owner, until a day."""

    control: str
    resource: str = "*"
    owner: str = Field(min_length=1)
    reason: str = Field(min_length=10)
    expires: str

    @field_validator("*")
    @classmethod
    def _texts_are_not_blank(cls, value: str) -> str:
        refuse_blank(value)
        return value

    @field_validator("reason")
    @classmethod
    def _is_no_sample(cls, value: str) -> str:
        if _stated(value) & _stated(SAMPLE_REASONS):
            raise ValueError("is the sample of parameters/waivers.yaml; write your own")
        return value

    @field_validator("expires")
    @classmethod
    def _is_a_day(cls, value: str) -> str:
        try:
            dt.date.fromisoformat(value)
        except ValueError:
            raise ValueError('write the day as "2027-03-31"') from None
        return value


class Promise(Strict):
    """What the organisation states of a finding: who acts on it, how, and by when."""

    id: str = Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    owner: str = Field("", max_length=200)
    response: str = Field("", max_length=2_000)
    due: str = ""
    control: str = Field("", max_length=100)
    region: str = Field("", max_length=100)
    resource: str = Field("", max_length=2_100)

    @field_validator("due")
    @classmethod
    def _is_a_day_or_empty(cls, value: str) -> str:
        return Waiver._is_a_day(value) if value else value


def _field(
    default: Any = ...,
    *,
    title: str,
    more: str = "",
    section: str = "",
    sample: Any = None,
    declares: bool = False,
    **limits: Any,
) -> Any:
    """Describe a parameter for the sample file, the page and the cell (`kit.parameters_page`).

    Parameters
    ----------
    default
        The default; without it the field is required.
    title : str
        The parameter in a few words: the comment in the notebook's cell.
    more : str
        Further explanation, in whole sentences.
    section : str
        Heading of the section of parameters/example.yaml that begins with the field.
    sample
        The value in parameters/example.yaml; the default if None.
    declares : bool
        The field declares a fact that no AWS API returns: its sample is refused.
    **limits
        Passed to pydantic, such as ``ge`` and ``le``.
    """
    return Field(
        default,
        title=title,
        description=more or None,
        examples=[default if sample is None else sample],
        json_schema_extra={"section": section, "declares": declares},
        **limits,
    )


class Run(Strict):
    """The parameters of one account's run; the notebook's parameters cell has the same names."""

    _sources: dict[str, str] = PrivateAttr(default_factory=dict)

    account: str = _field(
        section="who signs in",
        title="the AWS account, 12 digits in quotes",
        more="YAML reads some bare ids as another number (012345670123 as 1402433619).",
        sample="012345678901",
    )
    aws_profile: str = _field(
        "",
        title="profile of the AWS configuration; empty for the usual chain",
        sample="audit",
    )
    role_arn: str = _field(
        "",
        title="role to assume",
        sample="arn:aws:iam::012345678901:role/EvidenceReader",
    )
    external_id: str = _field(
        "",
        title="external id that the role's trust policy requires",
        sample="evidence-2026",
    )
    session_tags: dict[str, str] = _field(
        {},
        title="tags of the role's session",
        more="Policies and CloudTrail can recognise the session by them.",
        sample={"Purpose": "gdpr-evidence"},
    )
    regions: list[str] = _field(
        [],
        section="what is collected",
        title="regions to evaluate; empty for every enabled region with AppStream",
        sample=["eu-central-1", "eu-west-1"],
    )
    controls: list[str] = _field(
        [],
        title="ids of controls; empty for all",
        more="`.venv/bin/evidence controls` lists them.",
    )
    without_services: list[str] = _field(
        [],
        title="services that the kit leaves out, such as backup",
        more=f"Accepted are {', '.join(optional_services())}. The kit needs no permission for them, and "
        "controls that rest on them are not evidenced.",
    )
    own_controls: list[str] = _field(
        [],
        title="your own controls: names of installed packages, or folders such as ./acme",
        more="They stand apart in the pack, and count apart (docs/own-cells-and-controls.md).",
    )
    lookback_days: int = _field(
        90,
        ge=1,
        le=90,
        title="days of CloudTrail event history to read, 90 at most",
    )
    event_pages: int = _field(
        2,
        ge=1,
        le=100,
        title="pages of 50 events to read in each region",
        more="The pack states how many were read and whether there were more.",
    )
    connect_seconds: float = _field(
        10.0,
        gt=0,
        le=86_400,
        title="longest wait for a connection to AWS, in seconds",
    )
    read_seconds: float = _field(
        30.0,
        gt=0,
        le=86_400,
        title="longest wait for the next piece of an answer, in seconds",
    )
    call_seconds: float = _field(
        60.0,
        gt=0,
        le=86_400,
        title="longest wait for the answer to one call, in seconds",
        more="All attempts count together; pauses between them do not.",
    )
    region_seconds: float = _field(
        120.0,
        gt=0,
        le=86_400,
        title="longest wait for a region that answers nothing, in seconds",
        more="The kit sends no further request there; the pack names the region.",
    )
    run_seconds: float = _field(
        0.0,
        ge=0,
        le=2_592_000,
        title="longest time of the whole collection, in seconds; 0 for no bound",
    )
    max_timeouts: int = _field(
        3,
        ge=1,
        title="unanswered calls in a row after which the kit leaves a service of a region",
    )
    organisation_snapshot: str = _field(
        "",
        title="stored snapshot of the organisation's administrator",
        more="In a member account it shows what a member cannot see (docs/using.md).",
    )
    administers_organisation: bool = _field(
        False,
        title="this account holds what members cannot see",
        more="The kit collects every region, whether or not AppStream is used there.",
    )
    data_role: Literal["", "controller", "processor", "joint controller"] = _field(
        "",
        section="what is declared",
        title="role under the GDPR: controller, processor or joint controller",
        more="It decides which articles documents cite.",
        sample="controller",
    )
    controller: str = _field(
        "",
        title="name of the controller",
        more="It decides which key makes the labels of packs: write it before the first run, and the "
        "same in every later run.",
        sample="Name of the controller",
        declares=True,
    )
    register_reference: str = _field(
        "",
        title="entry in the record of processing activities (Article 30)",
        sample="RoPA 17, application streaming",
        declares=True,
    )
    contact: str = _field(
        "",
        title="contact for data protection",
        sample="dataprotection@controller.example",
        declares=True,
    )
    reviewer: str = _field(
        "",
        title="who reviewed the responsibility matrix",
        sample="Name or function of the reviewer",
        declares=True,
    )
    reviewed_on: str = _field(
        "",
        title="the day of that review, such as 2026-11-01",
        sample="2026-10-01",
    )
    processor_contract: str = _field(
        "",
        title="contract with the processor that is on file (Article 28(3))",
        more="Such as AWS's data processing addendum, and where the copy lies.",
        sample="Reference of the contract with the processor",
        declares=True,
    )
    processor_contract_on: str = _field(
        "",
        title="the day of that contract",
        sample="2026-01-15",
    )
    access_reviewer: str = _field(
        "",
        title="who reviewed who may open stacks, and who may administer them",
        sample="Name or function of who reviewed access",
        declares=True,
    )
    access_reviewed_on: str = _field(
        "",
        title="the day of that review of access",
        sample="2026-10-01",
    )
    breach_contact: str = _field(
        "",
        title="whom the organisation notifies of a personal data breach",
        more="The supervisory authority; for a processor its controllers.",
        sample="Name of the authority or of the controllers",
        declares=True,
    )
    breach_hours: int = _field(
        0,
        ge=0,
        le=8_760,
        title="hours within which it notifies them; 0 for not declared",
        sample=72,
    )
    breach_exercised_on: str = _field(
        "",
        title="the day on which notifying was last exercised",
        sample="2026-06-01",
    )
    usage_report_basis: str = _field(
        "",
        title="legal basis of usage reports, or the instruction to make them",
        sample="Reference of the assessment of usage reports",
        declares=True,
    )
    usage_report_notice: str = _field(
        "",
        title="notice that informs users of usage reports (Article 13)",
        sample="Reference of the notice to users",
        declares=True,
    )
    usage_report_informed_on: str = _field(
        "",
        title="the day on which that notice was given",
        sample="2026-02-01",
    )
    identity_provider_evidence: str = _field(
        "",
        title="where the evidence on MFA of federated users lies",
        sample="IDP-2026-03",
        declares=True,
    )
    individual_accounts_evidence: str = _field(
        "",
        title="where the evidence lies that no account is shared",
        more="Such as IAM Identity Center, or a procedure.",
        sample="Where the evidence lies that nobody shares an account",
        declares=True,
    )
    alarm_evidence: str = _field(
        "",
        title="where security events raise an alarm, if not by rules of EventBridge",
        more="Such as a security information system, and who answers there.",
        sample="Reference of the system that raises alarms",
        declares=True,
    )
    agent_dpia_reference: str = _field(
        "",
        title="impact assessment of agents that act in sessions",
        sample="DPIA-2026-05",
        declares=True,
    )
    impact_assessments: dict[Assessed, str] = _field(
        {},
        title="impact assessments of what else shows what users do",
        more="A reference to the assessment, or to the decision that none is needed (Article 35). "
        "The table of impact assessments has them beside what is in use; no rule reads them. Kinds "
        "are usage reports, recorded sessions and access logs.",
        sample={"usage reports": "DPIA-2026-06"},
        declares=True,
    )
    agent_log_groups: list[str] = _field(
        [],
        title="log groups of CloudWatch with what agents did in sessions",
        more="The kit requests how long each of them keeps its logs, where agents may work.",
        sample=["/streaming/agents"],
        declares=True,
        max_length=50,
    )
    retention_procedure: str = _field(
        "",
        title="how users' files are erased in time",
        sample="Reference of the procedure that erases users' files",
        declares=True,
    )
    retention_days: dict[RetentionKind, int] = _field(
        {},
        title="days for which each kind of data is to be kept",
        more="The table of retention has them beside the days seen, and AR-17 compares those of home "
        "folders, application settings and usage reports. Further kinds are screenshots and trails.",
        sample={"home folders": 1, "usage reports": 1},
        declares=True,
    )
    restore_procedure: str = _field(
        "",
        title="how users' files are restored, and when that was tried",
        sample="Reference of the procedure that restores users' files",
        declares=True,
    )
    disk_encryption_statement: str = _field(
        "",
        title="AWS statement on instance disks, its reference",
        sample="Where AWS's statement on instance disks lies",
        declares=True,
    )
    reports_read: dict[Framework, str] = _field(
        {},
        title="who read AWS's reports, or when, by framework, such as SOC 2",
        more="The day of reading, or a reference to the assessment. AWS Artifact lists the reports; "
        "a listed report does not show that anybody read it.",
        sample={"SOC 2": "TPRM-2026-000", "ISO 27001": "TPRM-2026-000"},
        declares=True,
    )
    transfer_instruments: dict[str, str] = _field(
        {},
        title="instruments of transfers to third countries, by region, or provider of a connector",
        more="Such as standard contractual clauses, and where they lie (Article 46). The table of "
        "transfers has them; no rule reads them.",
        sample={"us-east-1": "Where the clauses lie", "ONE_DRIVE": "Where the clauses lie"},
        declares=True,
    )
    fips_relay_state: bool = _field(
        False,
        title="the identity provider sends users to a FIPS endpoint",
    )
    declared_reasons: dict[str, str] = _field(
        {},
        title="why a control may be open, by its id, such as EX-01",
        sample={"EX-01": "Engineers paste measurements into their own reports"},
        declares=True,
    )
    thresholds: str = _field(
        "default",
        section="what is allowed",
        title="profile of thresholds: default, strict, or the path of a YAML file",
        more="docs/using.md describes how to write your own.",
    )
    allowed_regions: list[str] = _field(
        [],
        title="regions in which data may rest; empty leaves GV-05 not evidenced",
        sample=["eu-central-1", "eu-west-1"],
    )
    administrators: list[str] = _field(
        [],
        title="ARNs of principals that may administer AppStream and its data, with * for many",
        sample=["arn:aws:iam::012345678901:role/NameOfTheRole"],
        declares=True,
    )
    organisation_accounts: list[str] = _field(
        [],
        title="accounts with which images may be shared",
        sample=["123456789012"],
    )
    registered_third_parties: list[str] = _field(
        [],
        title="connectors recorded as processors: GOOGLE_DRIVE, ONE_DRIVE",
        sample=["ONE_DRIVE"],
    )
    allowed_embed_domains: list[str] = _field(
        [],
        title="hosts that may embed a stack",
        sample=["intranet.controller.example"],
        declares=True,
    )
    allowed_key_accounts: list[str] = _field(
        [],
        title="accounts whose KMS keys may encrypt the buckets",
    )
    customer_number_patterns: list[str] = _field(
        [],
        title="how customers' account numbers look, as regular expressions",
        sample=["CUST-[0-9]{8}"],
    )
    no_customer_numbers: bool = _field(
        False,
        title="there are no customers' account numbers",
    )
    phone_region: str = _field(
        "",
        title="country in whose notation telephone numbers are read, such as DE",
        sample="DE",
    )
    waivers: str = _field(
        "",
        title="path of a YAML list of waivers",
        more="A waiver is a fail that somebody accepts until a day, as in parameters/waivers.yaml. "
        "The pack shows the owner in clear.",
    )
    frameworks: list[str] = _field(
        ["gdpr", "aws_page", "aws_security"],
        section="what comes out",
        title="frameworks that the documents index",
        more=f"Accepted are {', '.join(framework_ids())}. OSCAL and OCSF files have all of them.",
        sample=["gdpr", "aws_page", "cis_euc", "iso27001"],
    )
    prepared_by: str = _field(
        "",
        section="who signs off",
        title="job or person that prepares the pack",
        more="A day may follow, such as: M. Weber, 2026-11-24. It has to be the day of the run. The "
        "pack shows the name in clear.",
        sample="Evidence job of the platform team",
        declares=True,
    )
    reviewed_by: str = _field(
        "",
        title="who reviews the pack",
        more="Without it, or without a day behind it, the page has a line to fill in. The pack shows "
        "the name in clear.",
        sample="Name or function of who reviews the pack",
        declares=True,
    )
    approved_by: str = _field(
        "",
        title="who approves the pack",
        more="Without it, or without a day behind it, the page has a line to fill in. The pack shows "
        "the name in clear.",
        sample="Name or function of who approves the pack",
        declares=True,
    )
    follow_up: str = _field(
        "",
        title="path of an earlier pack's findings.xlsx, filled in, or of a CSV file",
        more="Owner, management response and due date of each finding, by the finding's id. The pack "
        "shows the owner in clear, and labels in place of names in the response.",
        sample="follow-up/findings.xlsx",
    )
    previous: str = _field(
        "",
        title="folder of an earlier pack, or of the account's earlier packs",
        more="The pack then states since when each point is open, and what changed.",
        sample="outputs/012345678901",
    )
    pseudonymise: bool = _field(
        True,
        title="show keyed labels for names of resources and persons",
        more="With false every page states that names are shown in clear.",
    )
    pseudonym_key: str = _field(
        "",
        title="path of the key for labels; empty for one in the home folder",
    )
    signed: bool = _field(
        False,
        title="the pack will be signed when it is sealed; pages state it",
        more="See docs/signing.md.",
    )
    paper: Literal["A4", "Letter"] = _field(
        "A4",
        title="size of the PDF's pages: A4 or Letter",
    )
    language: str = _field(
        "en",
        title="language of the texts: en, or the path of a YAML file",
        more="The file has the ids of kit/catalogue/texts/en.yaml and of what that includes.",
    )
    outputs: str = _field(
        "outputs",
        title="folder for snapshots and packs",
    )

    @property
    def partition(self) -> str:
        """The partition of the regions or of the role; empty if the run names neither."""
        if self.regions:
            return partition_of(self.regions[0])
        return self.role_arn.split(":")[1] if self.role_arn else ""

    @property
    def sources(self) -> dict[str, str]:
        """File and line of each field that the user gave; fields with their default are left out."""
        return dict(self._sources)

    @contextmanager
    def located(self) -> Iterator[None]:
        """Put file and line before an error of the body that begins with a field that the user gave."""
        try:
            yield
        except UserError as error:
            if source := self._sources.get(str(error).partition(":")[0]):
                error.args = (f"{source}: {error}",)
            raise

    def given_in(self, sources: Mapping[str, str]) -> Run:
        """Return the run with the file and line of its fields."""
        run = self.model_copy()
        run._sources = dict(sources)
        return run

    @field_validator("*")
    @classmethod
    def _is_no_sample(cls, value: Any, info: ValidationInfo) -> Any:
        sample = SAMPLES.get(info.field_name or "")
        if sample is not None and _stated(value) & _stated(sample):
            raise ValueError(
                "is the sample of parameters/example.yaml; write your own, or leave the field out"
            )
        return value

    @field_validator("*")
    @classmethod
    def _texts_are_not_blank(cls, value: Any, info: ValidationInfo) -> Any:
        if value != "":
            refuse_blank(value)
        for n, entry in enumerate(value if isinstance(value, list) else (), start=1):
            refuse_blank(entry, f"entry {n}: ")
        # AWS accepts session tags without a value.
        texts = value.items() if isinstance(value, dict) and info.field_name in SAMPLES else ()
        for name, text in texts:
            refuse_blank(text, f"{name}: ")
        return value

    @field_validator("without_services")
    @classmethod
    def _services_may_be_left_out(cls, value: list[str]) -> list[str]:
        accepted = optional_services()
        for name in value:
            if name not in accepted:
                near = get_close_matches(name, accepted, 1)
                hint = (
                    f"did you mean {near[0]!r}?" if near else f"accepted are {', '.join(accepted)}"
                )
                raise ValueError(f"{name!r} is not a service that can be left out; {hint}")
        return sorted(set(value))

    @field_validator("account", mode="before")
    @classmethod
    def _account_is_quoted(cls, value: Any) -> Any:
        if isinstance(value, int):
            raise ValueError(
                "was read as a number, which changes leading zeros; write it in quotes: account: "
                '"012345678901" (with papermill: -r account 012345678901)'
            )
        return value

    @field_validator("account")
    @classmethod
    def _account_has_12_digits(cls, value: str) -> str:
        if not re.fullmatch(r"\d{12}", value, re.ASCII):
            raise ValueError("must be an AWS account id of 12 digits")
        return value

    @field_validator("allowed_key_accounts", "organisation_accounts")
    @classmethod
    def _accounts_have_12_digits(cls, value: list[str]) -> list[str]:
        for account in value:
            cls._account_has_12_digits(account)
        return value

    @field_validator("regions")
    @classmethod
    def _regions_have_appstream(cls, value: list[str]) -> list[str]:
        for region in value:
            refuse_region(region)
        return sorted(set(value))

    @field_validator("frameworks")
    @classmethod
    def _frameworks_stand_once(cls, value: list[str]) -> list[str]:
        return list(dict.fromkeys(value))

    @field_validator("role_arn")
    @classmethod
    def _role_is_an_arn(cls, value: str) -> str:
        if value and not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+", value, re.ASCII):
            raise ValueError("write the whole ARN: arn:aws:iam::012345678901:role/EvidenceReader")
        return value

    @field_validator("customer_number_patterns")
    @classmethod
    def _patterns_compile(cls, value: list[str]) -> list[str]:
        for pattern in value:
            refuse_costly(pattern)
        return value

    @field_validator(
        "reviewed_on",
        "processor_contract_on",
        "access_reviewed_on",
        "breach_exercised_on",
        "usage_report_informed_on",
    )
    @classmethod
    def _declared_on_a_day(cls, value: str) -> str:
        return Waiver._is_a_day(value) if value else value

    @field_validator("prepared_by", "reviewed_by", "approved_by")
    @classmethod
    def _sign_off_has_one_line(cls, value: str) -> str:
        if len(value) > 200 or "\n" in value:
            raise ValueError("must be one line of 200 characters at most")
        name, _ = signer(value)
        if _DATE.search(unicodedata.normalize("NFKC", name)):
            raise ValueError(
                "has a date in another form; accepted: a name, or a name and the day after a comma at "
                'the end, such as "M. Weber, 2026-11-24"'
            )
        return value

    @field_validator("reports_read")
    @classmethod
    def _readings_are_named(cls, value: dict[Framework, str]) -> dict[Framework, str]:
        for reading in value.values():
            if re.fullmatch(r"\d{4}-\d{2}-\d{2}", reading):
                Waiver._is_a_day(reading)
        return value

    @field_validator("retention_days")
    @classmethod
    def _days_are_positive(cls, value: dict[RetentionKind, int]) -> dict[RetentionKind, int]:
        for kind, days in value.items():
            if days < 1:
                raise ValueError(f"{kind}: {days}: must be 1 day or more")
        return value

    @field_validator("transfer_instruments")
    @classmethod
    def _instruments_are_of_places(cls, value: dict[str, str]) -> dict[str, str]:
        for place in value:
            if place not in (*transfers().regions, *CONNECTORS):
                raise ValueError(
                    f"{place!r} is neither a region of AWS nor one of {', '.join(CONNECTORS)}"
                )
        return value

    @field_validator("phone_region")
    @classmethod
    def _phone_region_is_a_country(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Z]{2}", value):
            raise ValueError('must be a country code of two capital letters, such as "DE"')
        return value

    @model_validator(mode="after")
    def _the_administrator_needs_no_other(self) -> Run:
        if self.organisation_snapshot and self.administers_organisation:
            raise ValueError(
                "organisation_snapshot is for a member account, administers_organisation for the "
                "organisation's administrator; leave out one of them"
            )
        return self

    @model_validator(mode="after")
    def _regions_are_of_one_partition(self) -> Run:
        by_partition = {partition_of(region): region for region in self.regions}
        if len(by_partition) > 1:
            named = ", ".join(f"{region} is in {p}" for p, region in sorted(by_partition.items()))
            raise ValueError(
                f"regions: {named}; credentials are valid in one partition, so make a run for each"
            )
        role = self.role_arn.split(":")[1] if self.role_arn else ""
        if role and by_partition and role not in by_partition:
            raise ValueError(
                f"role_arn: {self.role_arn} is in the partition {role}, the regions are in "
                f"{', '.join(by_partition)}; name a role and regions of one partition"
            )
        return self

    @model_validator(mode="after")
    def _external_id_needs_a_role(self) -> Run:
        if self.external_id and not self.role_arn:
            raise ValueError("external_id is given without role_arn; add the role that requires it")
        if self.session_tags and not self.role_arn:
            raise ValueError("session_tags are given without role_arn; add the role to assume")
        return self


# The sample of each declaration. A sample that the user forgot to replace must not become evidence.
SAMPLES: dict[str, Any] = {
    name: field.examples[0]
    for name, field in Run.model_fields.items()
    if field.examples and isinstance(field.json_schema_extra, dict)
    if field.json_schema_extra["declares"]
}


# English, German, French, Spanish, Italian, Dutch; a day before a word and a year is a date in any.
_MONTH = (
    r"(?:jan(?:uary|uar|vier|uari)?|jänner|enero|ene|gennaio|gen|feb(?:ruary|ruar|rero|braio|ruari)?"
    r"|f[ée]vr?(?:ier)?|mar(?:ch|s|zo)?|mär(?:z)?|maart|mrt|apr(?:il|ile)?|avr(?:il)?|abr(?:il)?|may|mai"
    r"|mayo|maggio|mag|mei|june?|juni|juin|junio|giugno|giu|july?|juli|juil(?:let)?|julio|luglio|lug"
    r"|aug(?:ust|ustus)?|août|agosto|ago|sept?(?:ember|embre|tembre|tiembre)?|set(?:tembre)?"
    r"|o[ck]t(?:ober|obre|ubre)?|ott(?:obre)?|nov(?:ember|embre|iembre)?|de[cz](?:ember)?"
    r"|d[ée]c(?:embre)?|dic(?:embre|iembre)?)"
)
_DAY, _OF_YEAR, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d\d"
_MARK = r"\s*[-./\u2010-\u2015\u2212]\s*"
_DATE = re.compile(
    r"(?<!\d)(?:"
    rf"\d{{1,4}}{_MARK}\d{{1,2}}{_MARK}\d{{2,4}}|{_OF_YEAR}{_MARK}{_YEAR}|{_YEAR}{_MARK}{_OF_YEAR}"
    rf"|{_DAY}\s+{_DAY}\s+{_YEAR}|{_YEAR}\s+{_OF_YEAR}\s+{_DAY}|{_YEAR}(?:0[1-9]|1[0-2]){_DAY}"
    rf"|{_DAY}[\W_]{{0,3}}(?:(?:st|nd|rd|th|er)?[\W_]{{1,3}}(?:(?:of|de)\s)?)?{_MONTH}"
    rf"[\W_]{{0,3}}(?:del?\s)?\d{{2}}(?:\d\d)?"
    rf"|{_DAY}\W{{1,3}}(?:de\s)?[^\W\d]{{3,}}\W{{1,3}}(?:de\s)?{_YEAR}|{_YEAR}\W{{1,3}}{_MONTH}\b"
    rf"|{_YEAR}\s*[年년].*"
    r")(?!\d)"
    rf"|\b{_MONTH}\W{{1,3}}(?:del?\s)?(?:{_DAY}(?:st|nd|rd|th)?\W{{1,3}})?{_YEAR}(?!\d)",
    re.IGNORECASE,
)
"""What looks like a date, of a day or of a month."""


def signer(value: str) -> tuple[str, str]:
    """Return name and day of who signs off, such as of "M. Weber, 2026-11-24"; each may be empty."""
    name, _, day = value.rpartition(",")
    if not re.fullmatch(r"\s*\d{4}-\d{2}-\d{2}\s*", day):
        return value.strip(), ""
    return name.strip(), Waiver._is_a_day(day.strip())


_COMPARED = 40  # characters: twice the longest name of a region


def refuse_region(region: str) -> None:
    """Raise a `ValueError` for a region without AppStream; it names what may have been meant.

    That is the nearest region of the partition for a misspelt region, and those on the same
    continent for a region that AWS has; for any other text, a region of each continent.
    """
    if region in appstream_regions():
        return
    partition = partition_of(region) or "aws"
    offered = [name for name in appstream_regions() if partition_of(name) == partition]
    near = get_close_matches(region.lower()[:_COMPARED], offered, n=1, cutoff=0.8)
    beside = [name for name in offered if _continent(name) == _continent(region)]
    if near and region not in listed_regions("ec2"):
        hint = f"did you mean {near[0]!r}?"
    elif offered:
        each = {_continent(name): name for name in reversed(offered)}
        hint = f"it is offered in {', '.join(beside or [*sorted(each.values()), '...'])}"
    else:
        hint = f"it is offered nowhere in the partition {partition}"
    raise ValueError(
        f"{region!r} is not a region with AppStream (botocore {version('botocore')}); {hint}"
    )


def _continent(region: str) -> str:
    return region.partition("-")[0]


def appstream_regions() -> tuple[str, ...]:
    """Return the regions of all partitions where botocore lists an AppStream endpoint, sorted."""
    return listed_regions("appstream2")


def parameters(source: Mapping[str, Any] | str | Path, where: Where | None = None) -> Run:
    """Validate the parameters of a run.

    Parameters
    ----------
    source : path of a YAML file, or a mapping of fields
    where : Where, optional
        Source and lines of the fields of a mapping.

    Returns
    -------
    Run
        Frozen.

    Raises
    ------
    UserError
        A field is invalid; the message names the field, its value and what is accepted.
    """
    if isinstance(source, Mapping):
        values, where = source, where or Where("parameters")
    else:
        values, where = read_fields(Path(source))
        if batch := next(
            (name for name in ("accounts", "discover", "shared") if name in values), ""
        ):
            raise UserError(
                f"{where.of(batch)}: {batch} is a field of a file for `{typed()} batch`; name the "
                "file of a run, which has account"
            )
    refuse_unknown(values, where, Run)
    if not values.get("account"):
        raise UserError(
            f'{where.of("account")}: account is missing; write account: "012345678901" (12 digits)'
        )
    sources = {name: where.of(name) for name in values}
    run = validated(Run, dict(values), where).given_in(sources)
    try:
        refuse_missing(run.frameworks)
    except UserError as error:
        raise UserError(f"{where.of('frameworks')}: frameworks: {error}") from None
    with run.located():
        texts.check(run.language)
    return run


def _stated(value: Any) -> set[Any]:
    """Return what a declaration states, to compare with a sample: texts, and numbers by their names.

    A text is the same under another name, in other case and with other spaces.
    """
    if isinstance(value, str):
        return {" ".join(value.split()).casefold()} - {""}
    if isinstance(value, dict):
        texts = [part for part in value.values() if isinstance(part, str)]
        return _stated(texts) | {item for item in value.items() if not isinstance(item[1], str)}
    return set().union(*map(_stated, value))


def refuse_mismatch(run: Run, with_key: bool) -> None:
    """Raise a `UserError` where a pack was to be signed and has no key, or the reverse.

    Parameters
    ----------
    run : Run
        Its ``signed`` is printed on every page.
    with_key : bool
        Whether a key was named.
    """
    if run.signed and not with_key:
        raise UserError(
            "signed: true says that the pack is signed; name the key with --key or --kms-key"
        )
    if with_key and not run.signed:
        raise UserError(
            "signed: false is what every page would say of a pack that a key signs; set signed: "
            "true in the parameters of the run, or give no key"
        )


_PROFILES = "default, strict, or the path of a YAML file"


def load_profile(name: str) -> Profile:
    """Read a thresholds profile: ``default``, ``strict``, or the path of a YAML file.

    Raises
    ------
    UserError
        The profile does not exist, or a field in it is invalid.
    """
    base, _ = _shipped("default")
    if name in ("default", "strict"):
        fields, where = _shipped(name)
    elif Path(name).suffix in (".yaml", ".yml"):
        try:
            fields, where = read_fields(Path(name), "max_idle_seconds: 600")
        except UserError as error:
            accepted = "" if os.path.exists(name) else f"; accepted: {_PROFILES}"
            raise UserError(f"thresholds: {error}{accepted}") from None
        fields = {"name": Path(name).stem, **fields}
        if fields["name"] in ("default", "strict"):
            raise UserError(
                f"{where.of('name')}: name: {fields['name']!r} is a profile of the kit; give yours "
                "another name"
            )
    else:
        raise UserError(f"thresholds: {name!r} is not a profile; accepted: {_PROFILES}")
    refuse_unknown(fields, where, Profile)
    return validated(Profile, {**base, **fields}, where)


@cache
def _shipped(name: str) -> tuple[Mapping[str, Any], Where]:
    """Read a profile of the kit, once a process."""
    return read_fields(Path(str(resources.files("kit"))) / "profiles" / f"{name}.yaml")


def load_waivers(path: str) -> list[Waiver]:
    """Read waivers from a YAML list; an empty path means none.

    Raises
    ------
    UserError
        The file cannot be read, or an entry is invalid.
    """
    if not path:
        return []
    try:
        entries, where = read_yaml(Path(path))
    except UserError as error:
        raise UserError(f"waivers: {error}") from None
    if entries is None:  # every waiver of the file is commented out
        return []
    if not isinstance(entries, list):
        raise UserError(f"{path}: must be a list of waivers, each with control, owner, reason")
    for n, entry in enumerate(entries):
        refuse_unknown(entry if isinstance(entry, dict) else (), where.within(n), Waiver)
    return [validated(Waiver, entry, where.within(n)) for n, entry in enumerate(entries)]


def read_fields(
    path: Path, sample: str = 'account: "012345678901"'
) -> tuple[dict[str, Any], Where]:
    """Read a YAML file of fields, of which the message for another file shows a sample.

    Raises
    ------
    UserError
        The file cannot be read, is not valid YAML, or holds no fields.
    """
    values, where = read_yaml(path)
    if not isinstance(values, dict):
        raise UserError(f"{path}: must be fields with values, such as {sample}")
    return values, where
