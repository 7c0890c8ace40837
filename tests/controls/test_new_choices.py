"""A value that AWS added since: no control passes, or finds nothing to judge, on account of it.

AWS adds values to its lists without notice; a client has to expect values that it does not know.
"""

from __future__ import annotations

from typing import Any

import pytest

from kit import calls
from kit.catalogue.statuses import ATTESTED, NOT_APPLICABLE, PASS
from kit.tables.answers import _written
from kit.tables.core import SPECS
from tests.controls.scenarios import Given, findings
from tests.standins import AS_OF, HOME, KEY, REGION, Account, pool_user, replication

NEW = "ADDED_SINCE"
DIRECTORY = {"DirectoryName": "corp", "CertificateBasedAuthProperties": {"Status": NEW}}


def keyed(**members: Any) -> Given:
    return lambda a: a.bucket(encryption="aws:kms", key=KEY).key(rotation=None, **members)


def in_domain(account: Account) -> None:
    account.stack(fleets=("design",)).fleet(DomainJoinInfo={"DirectoryName": "corp"})
    account.lists(calls.DESCRIBE_DIRECTORY_CONFIGS, DIRECTORY)


def connected(account: Account) -> None:
    account.stack(fleets=("design",), StorageConnectors=[{"ConnectorType": NEW}]).fleet()


def recorded(account: Account) -> None:
    status = {"name": "default", "recording": True, "lastStatus": NEW}
    account.fleet().lists(calls.DESCRIBE_CONFIGURATION_RECORDERS, status)


def counted(account: Account) -> None:
    account.bucket().watched()
    account.lists(calls.GET_FINDING_STATISTICS, {"count": 1, "groupKey": NEW})


def copied(account: Account) -> None:
    account.run = account.run.model_copy(update={"allowed_regions": [REGION]})
    rules = replication("elsewhere")
    rules["ReplicationConfiguration"]["Rules"][0]["Status"] = NEW
    account.bucket().answers(calls.GET_BUCKET_REPLICATION, rules, REGION, Bucket=HOME)
    account.answers(calls.LIST_NAMED_BUCKETS, {"Buckets": []}, REGION, Prefix="elsewhere")
    where = {"LocationConstraint": "us-west-2"}
    account.answers(calls.GET_BUCKET_LOCATION, where, REGION, Bucket="elsewhere")


GIVEN: dict[str, Given] = {
    "AR-07 KeyManager": keyed(KeyManager=NEW),
    "AR-07 KeyState": keyed(KeyState=NEW),
    "AR-07 SSEAlgorithm": lambda a: a.bucket(encryption=NEW),
    "AR-08 KeyManager": keyed(KeyManager=NEW),
    "AR-08 KeySpec": keyed(KeySpec=NEW),
    "AR-08 KeyState": keyed(KeyState=NEW),
    "AR-08 Origin": keyed(Origin=NEW),
    "DS-03 groupKey": counted,
    "EX-04 ConnectorType": connected,
    "EX-05 ImageSharedWithOthers": lambda a: a.image(ImageSharedWithOthers=NEW),
    "EX-13 CertificateBasedAuthProperties.Status": in_domain,
    "EX-17 ConnectorType": connected,
    "GV-05 replication Status": copied,
    "ID-09 Status": lambda a: a.lists(calls.DESCRIBE_USERS, pool_user(NEW, CreatedTime=AS_OF)),
    "ID-10 CertificateBasedAuthProperties.Status": in_domain,
    "IT-02 PreferredProtocol": lambda a: a.stack(
        StreamingExperienceSettings={"PreferredProtocol": NEW}
    ),
    "IT-05 ConnectorType": connected,
    "LG-01 ReadWriteType": lambda a: a.fleet().trail(basic=[{"ReadWriteType": NEW}]),
    "LG-06 Status": lambda a: a.store(Status=NEW),
    "LG-09 lastStatus": recorded,
}


@pytest.mark.parametrize("case", GIVEN)
def test_a_value_that_aws_added_since_passes_nothing(account: Account, case: str) -> None:
    GIVEN[case](account)
    found = [one.status for one in findings(account, case.partition(" ")[0])]
    assert found
    assert {PASS, ATTESTED, NOT_APPLICABLE}.isdisjoint(found), found


def test_columns_know_the_values_that_botocore_does() -> None:
    listed = {frozenset(values) for values in _written()["choices"].values()}
    columns = [column for spec in SPECS.values() for column in spec.columns.values()]
    chosen = [frozenset(column.choices) for column in columns if column.choices]
    assert chosen
    assert all(any(values <= known for known in listed) for values in chosen)
