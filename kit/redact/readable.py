"""The texts of an answer that stay readable in a pack: AWS's own words, each with its reason.

Numbers, booleans, times and the values of enumerations stay unchanged. A label replaces any other
text, unless a form of this module admits it. A form describes text that AWS generates and nobody in
the account chooses. Where people could choose text of the same form (twelve digits may be a
customer's number), the form is admitted only in the members in which AWS writes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

from kit.aws_models import listed_regions, models
from kit.redact.names import is_made_by_appstream


@dataclass(frozen=True)
class Form:
    """A form of text that stays readable.

    Attributes
    ----------
    why : str
        Why it identifies nobody.
    members : str
        Regular expression of the members (folded to lower case) in which it is admitted.
    value : str or function of str
        Regular expression, or test, of the text as a whole.
    """

    why: str
    members: str
    value: str | Callable[[str], bool]

    def has(self, text: str) -> bool:
        """Return whether a text has the form."""
        return bool(
            self.value(text) if callable(self.value) else re.fullmatch(self.value, text, re.ASCII)
        )


@cache
def regions() -> frozenset[str]:
    """Return every region that botocore lists."""
    return frozenset({*listed_regions("ec2", others=True), *listed_regions("s3", others=True)})


@cache
def services() -> frozenset[str]:
    """Return the names of AWS's services in ARNs, principals and event sources."""
    return frozenset(models().get_available_services()) | {
        *("aws-marketplace", "catalog", "delivery.logs", "elasticloadbalancing", "execute-api"),
        *("access-analyzer", "application-autoscaling", "appstream.application-autoscaling"),
        *("appstream2", "monitoring", "sso", "states", "streaming", "tag"),
    }


@cache
def _operations() -> frozenset[str]:
    return frozenset(models().get_service_model("appstream").operation_names)


@cache
def _errors() -> frozenset[str]:
    model = models().get_service_model("appstream")
    return frozenset(shape.name for shape in model.error_shapes)


def is_host(text: str) -> bool:
    """Return whether a text is the host name of a service, such as ``appstream.amazonaws.com``."""
    match = re.fullmatch(
        r"([a-z0-9-]+(?:\.logs)?)(?:\.([a-z0-9-]+))?\.(amazonaws\.com(?:\.cn)?|api\.aws)", text
    )
    return bool(match and match[1] in services() and (not match[2] or match[2] in regions()))


ANYWHERE = ".*"
_IDS = r".*ids?(\[\])?|.*identifier"
_DAY = r"\d{4}-\d\d-\d\d"
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}"
FORMS = (
    Form("a region of AWS's", ANYWHERE, lambda text: text in regions()),
    Form("a service of AWS's", ANYWHERE, is_host),
    Form("a yes or no", ANYWHERE, "(?i)true|false"),
    Form("everything", ANYWHERE, r"[*/]*|0\.0\.0\.0/0|::/0"),
    Form(
        "an id that AWS generates for part of a network or an image",
        _IDS + "|.*vpce?",
        r"(ami|eni|lgw|nat|pl|rtb|sg|subnet|vpc|vpce)-[0-9a-f]{8,17}",
    ),
    # Users' ids, and values of condition keys, may be the ids that a directory gave to persons.
    Form("an id that AWS generates at random", rf"(?!.*(user|:)|sid$)({_IDS})", UUID),
    Form(
        "an account's number, on which verdicts rest",
        r".*account(_?ids?)?|.*ownerid|.*owneraccount|replicationaccounts|aws|.*:.*account",
        r"\d{12}",
    ),
    Form(
        "a time",
        r".*(time|date|started|stopped|succeeded)",
        rf"{_DAY}([T ][\d:.]+(Z|[+-]\d\d:\d\d)?)?",
    ),
    Form("an instance type of AppStream's", "instancetype", r"stream(\.[a-z0-9-]+){2,3}"),
    Form(
        "the state of a user of the user pool",
        "status",
        "ARCHIVED|COMPROMISED|CONFIRMED|FORCE_CHANGE_PASSWORD|RESET_REQUIRED|UNCONFIRMED|UNKNOWN",
    ),
    Form(
        "a service that an endpoint leads to",
        "servicename",
        r"com\.amazonaws\.[a-z0-9-]+\.(appstream\.(api|streaming)|s3|kms|ec2|logs|monitoring|sts)",
    ),
    Form("a resource type that CloudTrail selects", "type|equals", r"AWS::[A-Z]\w+::[A-Z]\w+"),
    Form("a category of events", "equals", "Management|Data|Insight|NetworkActivity"),
    Form(
        "a field by which CloudTrail selects",
        "field",
        r"(event(Category|Name|Source|Type)|readOnly|resources\.(type|ARN)|sessionCredentialFromConsole"
        r"|userIdentity\.arn|errorCode|vpcEndpointId)",
    ),
    Form("an operation of AppStream's", "eventname", lambda text: text in _operations()),
    Form("an error of AppStream's", "errorcode", lambda text: text in _errors()),
    Form(
        "the type of an event",
        "eventtype",
        "Aws(ApiCall|ServiceEvent|ConsoleAction|ConsoleSignIn)",
    ),
    Form(
        "the type of the identity that acts",
        "type",
        "Root|IAMUser|AssumedRole|Role|FederatedUser|Directory|AWSAccount|AWSService|IdentityCenterUser"
        "|Unknown|SAMLUser|WebIdentityUser",
    ),
    Form(
        "the address of AWS's sign-in, to which every SAML assertion goes",
        ".*:aud",
        r"https://([a-z0-9-]+\.)?signin\.(aws\.amazon\.com|amazonaws-us-gov\.com|amazonaws\.cn)/saml",
    ),
    Form("the form of a SAML subject", ".*:sub_type", "persistent|transient"),
    Form("the service that AWS's credentials are for", ".*:aud", r"sts\.amazonaws\.com(\.cn)?"),
    Form("whether somebody of a pool signed in", ".*:amr", "(un)?authenticated"),
    Form(
        "a variable of the policy language",
        ANYWHERE,
        r"\$\{(aws:(PrincipalAccount|SourceAccount|userid|username)|saml:(namequalifier|sub))\}",
    ),
    Form("a version of TLS", "tlsversion", r"TLSv1(\.[0-3])?"),
    Form("a cipher suite", "ciphersuite", r"(TLS_|(ECDHE|DHE|AES)[A-Z0-9]*-)[A-Z0-9_-]+"),
    Form("a version's number", ".*versionid", r"v\d{1,3}"),
    Form("the effect of a statement", "effect", "Allow|Deny"),
    Form("the version of the policy language", "version", "2012-10-17|2008-10-17"),
    Form("an action that a policy names", "(not)?action", r"[a-z0-9-]+:[A-Za-z*?]+"),
    Form("the prefix of CloudTrail's log files", ".*prefix", "AWSLogs/"),
    Form("a filter that the kit sends", "prefix|eq", "appstream|CLASSIFICATION"),
    Form("a bucket that AppStream made", ANYWHERE, is_made_by_appstream),
    Form("the severity of a Macie finding", "groupkey", "High|Medium|Low"),
)


@lru_cache(4_000)
def is_readable(member: str, text: str) -> bool:
    """Return whether the text of a member has a form that is admitted there."""
    return any(form.has(text) for form in _forms_of(member))


@lru_cache(1_000)
def _forms_of(member: str) -> list[Form]:
    return [form for form in FORMS if re.fullmatch(form.members, member.casefold())]


# Members that AWS publishes for all its customers.
PUBLISHED = {
    "artifact.ListReports": frozenset(
        {"id", "name", "series", "category", "companyName", "productName", "description"}
    ),
    "artifact.ListCustomerAgreements": frozenset({"name"}),
}

# Members of documents that no shape describes: policies, and the stored members of events.
GRAMMAR = re.compile(
    r"Version|Id|Statement|Sid|Effect|(Not)?(Principal|Action|Resource)|Condition"
    r"|AWS|Service|Federated|CanonicalUser"
    r"|(For(Any|All)Values?:)?(String|Numeric|Date|Bool|Binary|Arn|Null|IpAddress|NotIpAddress)"
    r"(Not)?(Equals|Like|LessThan|GreaterThan)?(Equals)?(IgnoreCase)?(IfExists)?"
    r"|awsRegion|errorCode|event(ID|Name|Source|Time|Type)|userAgent|userIdentity|arn|type"
    r"|archived|category|resourcesAffected\.s3Bucket\.name|eq"
    r"|tlsDetails|tlsVersion|cipherSuite|clientProvidedHostHeader"
)
# Condition keys are AWS's, some in any case (``SAML:aud``); after ``/`` stands the name of a tag. The
# keys of an OpenID Connect provider begin with its host, which may be everybody's.
_PUBLIC_ISSUERS = "|".join(
    re.escape(host)
    for host in (
        *("cognito-identity.amazonaws.com", "accounts.google.com", "www.amazon.com"),
        *("graph.facebook.com", "token.actions.githubusercontent.com"),
    )
)
CONDITION_KEY = re.compile(
    rf"((?:[a-z0-9-]+|(?i:appstream|aws|ec2|iam|kms|s3|saml|sts)|{_PUBLIC_ISSUERS}):[A-Za-z0-9_-]+)(/.*)?",
    re.ASCII | re.DOTALL,
)
# A claim that AWS knows of any provider, whose host names the organisation.
CLAIM = re.compile(r"(.+):(amr|aud|sub)", re.ASCII | re.DOTALL)

# The columns of IAM's credential report.
REPORT = frozenset(
    {
        *("user", "arn", "user_creation_time", "password_enabled", "password_last_used"),
        *("password_last_changed", "password_next_rotation", "mfa_active"),
        *(
            f"{thing}_{n}_{part}"
            for thing, parts in {
                "access_key": (
                    *("active", "last_rotated", "last_used_date"),
                    *("last_used_region", "last_used_service"),
                ),
                "cert": ("active", "last_rotated"),
            }.items()
            for n in (1, 2)
            for part in parts
        ),
        "additional_credentials_info",
    }
)
REPORTED = re.compile(
    rf"true|false|N/A|no_information|not_supported|{_DAY}T[\d:]+(Z|\+00:00)", re.ASCII
)
