"""Answers with a canary in every text: a person's name, and a secret in each form that leaks take.

Each member of each answer has a number of its own, which its canaries bear: whatever is found
somewhere tells where it came from. Run as a program, this collects such an account and seals it.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from kit.aws.calls import CALLS, Call
from tests.answers.playback import Answer, hearing
from tests.standins import output_shape

ACCOUNT, REGION = "270819940412", "eu-west-1"
AS_OF = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)
PERSON, SECRET = "zqperson", "zqsecret"
PLANTS = ("names", "texts", "errors")
_TOKENS = ("NextToken", "nextToken", "Marker", "ContinuationToken", "PaginationToken")

# Values of enumerations and numbers that let the collector and the tables go on to what follows.
CHOSEN: dict[str, Any] = {
    "sts.GetCallerIdentity Account": ACCOUNT,
    "account.ListRegions Regions[].RegionName": REGION,
    "account.ListRegions Regions[].RegionOptStatus": "ENABLED",
    "ec2.DescribeRegions Regions[].RegionName": REGION,
    "iam.GenerateCredentialReport State": "COMPLETE",
    "appstream.DescribeImages Images[].ImageSharedWithOthers": "TRUE",
    "appstream.DescribeStacks Stacks[].StorageConnectors[].ConnectorType": "HOMEFOLDERS",
    "macie2.GetMacieSession status": "ENABLED",
    "kms.DescribeKey KeyMetadata.KeyManager": "CUSTOMER",
    "kms.DescribeKey KeyMetadata.KeySpec": "SYMMETRIC_DEFAULT",
    "kms.DescribeKey KeyMetadata.Origin": "AWS_KMS",
    "artifact.ListReports reports[].state": "PUBLISHED",
    "artifact.ListReports reports[].series": "SOC 2",
    "artifact.ListCustomerAgreements customerAgreements[].state": "ACTIVE",
    "s3.GetBucketReplication ReplicationConfiguration.Rules[].Status": "Enabled",
}
_PLACES = r"(?i)(.*region|.*bucketregion|locationconstraint)$"
_NUMBERS = r"(?i).*(account(_?ids?)?|ownerid|owneraccount|accounts\[\])$"
_DOCUMENTS = (
    r".*(PolicyDocument|AssumeRolePolicyDocument|\bPolicy|PolicyVersionList\[\]\.Document)$"
)


@dataclass
class Garden:
    """What was planted where.

    Attributes
    ----------
    plant : {"names", "texts", "errors"}
        Well-formed names, so that all that follows from them is asked; texts full of secrets in
        every member; or errors whose messages name people and hold secrets.
    members : dict of int to str
        Number of a canary to the call and the path of its member.
    """

    plant: str
    members: dict[int, str] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)

    def number(self, member: str) -> int:
        """The number of a member's canaries."""
        if member not in self._numbers:
            self._numbers[member] = len(self._numbers) + 1
            self.members[self._numbers[member]] = member
        return self._numbers[member]

    def tell(self, asked: Answer) -> Answer:
        """Answer a request, whatever it is about."""
        call = asked.call
        if self.plant == "errors" and call.name not in ("sts.GetCallerIdentity",):
            return self._refused(asked)
        body = self.value(output_shape(call), call, "")
        for token in _TOKENS:
            if token in asked.asked:  # the second page is the last
                body.pop(f"Next{token}" if token == "ContinuationToken" else token, None)
        if call.name == "iam.GetAccountAuthorizationDetails" and "Marker" in asked.asked:
            body.pop("Marker", None)
        return Answer(call, asked.region, asked.asked, body)

    def _refused(self, asked: Answer) -> Answer:
        member = f"{asked.call.name} error message"
        n = self.number(member)
        who = f"arn:aws:sts::{ACCOUNT}:assumed-role/{person(n)}/{person(n)}@example.org"
        message = (
            f"User: {who} is not authorized to perform: {asked.call.action} on resource: "
            f"arn:aws:appstream:{REGION}:{ACCOUNT}:stack/{person(n)}; {' '.join(secrets(n))}"
        )
        error = {"Code": "AccessDeniedException", "Message": message}
        return Answer(asked.call, asked.region, asked.asked, {"Error": error}, 403)

    def value(self, shape: Any, call: Call, path: str, depth: int = 0) -> Any:
        """A value of a shape in which every member is there."""
        told = f"{call.name} {path}"
        if told in CHOSEN:
            return CHOSEN[told]
        kind = shape.type_name
        if kind == "structure":
            return self._members(shape, call, path, depth)
        if kind == "list":
            return [self.value(shape.member, call, f"{path}[]", depth + 1)] if depth < 12 else []
        if kind == "map":
            key = self.value(shape.key, call, f"{path}{{}}", depth + 1)
            return {key: self.value(shape.value, call, f"{path}.*", depth + 1)}
        if kind == "string":
            return shape.enum[0] if shape.enum else self.text(told)
        if kind == "blob":
            return self.text(told).encode()
        return {"timestamp": AS_OF, "boolean": True}.get(kind, 1)

    def _members(self, shape: Any, call: Call, path: str, depth: int) -> dict[str, Any]:
        chosen = list(shape.members.items())
        if getattr(shape, "is_tagged_union", False):
            chosen = chosen[:1]
        made = {
            name: self.value(member, call, f"{path}.{name}" if path else name, depth + 1)
            for name, member in chosen
            if depth < 12
        }
        if made.keys() == {"Key", "Value"} and self.plant == "texts":
            made["Key"] = "db_password"
        return made

    def text(self, told: str) -> str:
        """The text of a member: its canary, in the form that the member has where it has one."""
        n, member = self.number(told), told.partition(" ")[2]
        call = told.partition(" ")[0]
        if member in CALLS[call].secret:
            return f"{SECRET}{n:04d}"
        if re.fullmatch(_PLACES, member):
            return REGION
        if re.fullmatch(_NUMBERS, member):
            return ACCOUNT
        if told == "iam.GetCredentialReport Content":
            return self._report(n)
        if re.fullmatch(_DOCUMENTS, member):
            document = json.dumps(self._policy(n))
            return quote(document) if call.startswith("iam.") else document
        if member.endswith("CloudTrailEvent"):
            return json.dumps(self._event(n))
        if self.plant == "names":
            return self._name(call, member, n)
        if member == "Buckets[].Name":
            return f"appstream-logs-{REGION}-{ACCOUNT}-k3v9"
        return " ".join([person(n), f"{person(n)}@example.org", *secrets(n)])

    def _name(self, call: str, member: str, n: int) -> str:
        if re.fullmatch(r"(?i).*(arn|arns\[\]|keyid)$", member) and "AccessKeyId" not in member:
            if "S3" in member or "Destination.Bucket" in member:
                return f"arn:aws:s3:::{person(n)}"
            if "KMSMasterKeyID" in member or "Kms" in member or "Key" in member:
                return f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/{person(n)}"
            service = call.partition(".")[0]
            return f"arn:aws:{service}:{REGION}:{ACCOUNT}:thing/{person(n)}"
        if "URL" in member or "Url" in member:
            return f"https://{person(n)}.example.org/{person(n)}?who={person(n)}"
        return person(n)

    def _policy(self, n: int) -> dict[str, Any]:
        arn = f"arn:aws:iam::{ACCOUNT}:user/{person(n)}"
        texts = secrets(n) if self.plant == "texts" else []
        statement = {
            "Sid": person(n),
            "Effect": "Allow",
            "Principal": {"AWS": [arn], "Federated": person(n)},
            "Action": ["appstream:*", "s3:*", "kms:*"],
            "Resource": ["*", f"arn:aws:s3:::{person(n)}/*"],
            "Condition": {
                "StringEquals": {f"aws:PrincipalTag/{person(n)}": [person(n), *texts]},
                person(n): {person(n): person(n)},
            },
            person(n): person(n),
        }
        return {"Version": "2012-10-17", "Id": person(n), "Statement": [statement]}

    def _event(self, n: int) -> dict[str, Any]:
        texts = secrets(n) if self.plant == "texts" else []
        return {
            "eventName": person(n),
            "awsRegion": REGION,
            "userAgent": f"{person(n)} {' '.join(texts)}",
            "sourceIPAddress": person(n),
            "userIdentity": {
                "type": "IAMUser",
                "arn": f"arn:aws:iam::{ACCOUNT}:user/{person(n)}",
                "userName": f"{SECRET}{n:04d}",
                "accessKeyId": f"{SECRET}{n:04d}",
            },
            "requestParameters": {"userId": f"{SECRET}{n:04d}", "password": f"{SECRET}{n:04d}"},
            "responseElements": {"streamingURL": f"https://x.example/?session={SECRET}{n:04d}"},
            "tlsDetails": {
                "tlsVersion": "TLSv1.3",
                "cipherSuite": person(n),
                "clientProvidedHostHeader": person(n),
            },
        }

    def _report(self, n: int) -> str:
        lines = [
            "user,arn,password_enabled,password_last_used,mfa_active,access_key_1_active,"
            "access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_service,"
            "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date",
            f"<root_account>,arn:aws:iam::{ACCOUNT}:root,not_supported,N/A,false,true,N/A,N/A,"
            f"{person(n)},false,N/A,N/A",
            f"{person(n)},arn:aws:iam::{ACCOUNT}:user/{person(n)},true,N/A,false,true,"
            f"2020-01-01T00:00:00+00:00,N/A,{person(n)},false,N/A,N/A",
        ]
        return "".join(f"{line}\n" for line in lines)


def person(n: int) -> str:
    """The name of a person who is in one member alone."""
    return f"{PERSON}{n:04d}"


def secrets(n: int) -> list[str]:
    """A secret in each form that AWS's customers are known to leave in texts."""
    one = f"{SECRET}{n:04d}"
    return [
        f"https://{one}:{one}@host.example.org/{PERSON}{n:04d}?token={one}&X-Amz-Signature={one}",
        f"AKIA{one.upper()}AAAA",
        f"AKIA{one.upper()}AAAA:{one * 3}Abcd",
        f"aws_secret_access_key={one * 3}Abcd",
        f"ghp_{one * 3}",
        f"eyJ{one}.eyJ{one}.{one}",
        f"Authorization: Bearer {one}{one}",
        f"password={one}!",
        f'{{"db_password": "{one}"}}',
        f"--client-secret {one}x --verbose",
        f"-----BEGIN PRIVATE KEY-----\n{one * 5}\n{one * 5}\n-----END PRIVATE KEY-----",
    ]


def strings(shape: Any, path: str = "", depth: int = 0) -> Iterator[str]:
    """Paths of every string and blob of a shape but enumerations."""
    kind = shape.type_name
    if depth > 12:
        return
    if kind == "structure":
        for name, member in shape.members.items():
            yield from strings(member, f"{path}.{name}" if path else name, depth + 1)
    elif kind == "list":
        yield from strings(shape.member, f"{path}[]", depth + 1)
    elif kind == "map":
        yield from strings(shape.key, f"{path}{{}}", depth + 1)
        yield from strings(shape.value, f"{path}.*", depth + 1)
    elif kind in ("string", "blob") and not getattr(shape, "enum", None):
        yield path


def main(plant: str, parameters: str, planted: str) -> None:
    """Run ``evidence run PARAMETERS`` on an account full of canaries; tell what was planted."""
    from kit.cli import main as command

    garden = Garden(plant)
    try:
        with hearing(garden.tell, AS_OF, REGION):
            command(["run", parameters])
    finally:
        with open(planted, "w") as file:
            json.dump(garden.members, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
