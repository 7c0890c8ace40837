"""The accounts of an organisation: the kit requests them only where a batch is to discover them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import botocore.exceptions as aws
from pydantic import Field, field_validator

from kit.aws_models import home_region, partition_of
from kit.collect.limits import GivenUpError
from kit.collect.login import explain
from kit.collect.policy import session_policies
from kit.collect.session import Clients
from kit.errors import CannotRunError, UserError
from kit.parameters import Run, Strict
from kit.snapshot import reason_for

ACTIVE = "ACTIVE"
_IDENTITIES = {"accounts": {"Id"}, "organizational_units": {"Id"}, "tags": {"Key", "Value"}}
_MOST = 100_000  # of a list: no organisation has so many accounts or units, no account so many tags


class Discover(Strict):
    """The accounts of the organisation below these units, with all of these tags.

    ``units`` are ids of organisational units or of the root; empty for the whole organisation.
    """

    units: list[str] = Field(default_factory=list)
    tags: dict[str, str] = Field(default_factory=dict)

    @field_validator("units")
    @classmethod
    def _units_are_ids(cls, value: list[str]) -> list[str]:
        for unit in value:
            if not unit.startswith(("ou-", "r-")):
                raise ValueError(
                    f"{unit!r} is not the id of a unit or root, such as ou-ab12-cd34ef56"
                )
        return value

    @property
    def actions(self) -> list[str]:
        """The IAM actions that finding them needs, beside those of a run."""
        names = ["ListAccounts"]
        if self.units:
            names = ["ListAccountsForParent", "ListOrganizationalUnitsForParent"]
        if self.tags:
            names.append("ListTagsForResource")
        return [f"organizations:{name}" for name in names]

    @property
    def policy(self) -> dict[str, Any]:
        """The IAM policy that allows these actions."""
        statement = {"Effect": "Allow", "Action": self.actions, "Resource": "*"}
        return {"Version": "2012-10-17", "Statement": [statement]}


def find_members(run: Run, wanted: Discover) -> dict[str, str]:
    """Request the accounts from AWS Organizations.

    Parameters
    ----------
    run : Run
        How to enter the management account, or a delegated administrator's.
    wanted : Discover

    Returns
    -------
    dict of str to str
        By account id, sorted, the account's state: ``ACTIVE``, ``SUSPENDED``, ``PENDING_CLOSURE``
        or another that AWS Organizations has.

    Raises
    ------
    UserError
        A unit that is not there, no organisation, or a refusal.
    CannotRunError
        AWS could not be reached.
    """
    clients = Clients(run, session_policies(wanted.policy, run.partition or "aws"))
    client = clients.client("organizations", home_region(partition_of(clients.home)))
    try:
        members = _below(client, wanted.units) if wanted.units else _listed(client, "accounts")
        return {
            account["Id"]: account.get("State") or account.get("Status") or "of unknown state"
            for account in sorted(members, key=lambda account: str(account["Id"]))
            if _has(client, account["Id"], wanted.tags)
        }
    except aws.ClientError as error:
        raise _explained(error, run, wanted) from None
    except (aws.BotoCoreError, GivenUpError) as error:
        raise CannotRunError(f"discover: AWS Organizations could not be reached: {error}") from None
    finally:
        clients.close()


def _below(client: Any, units: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    left, seen = list(units), set(units)
    while left:
        parent = left.pop()
        yield from _listed(client, "accounts", "_for_parent", ParentId=parent)
        below = _listed(client, "organizational_units", "_for_parent", ParentId=parent)
        new = {unit["Id"] for unit in below} - seen
        seen |= new
        left += sorted(new)


def _has(client: Any, account: str, tags: Mapping[str, str]) -> bool:
    if not tags:
        return True
    listed = _listed(client, "tags", "_for_resource", ResourceId=account)
    own = {tag["Key"]: tag["Value"] for tag in listed}
    return tags.items() <= own.items()


def _listed(client: Any, what: str, of: str = "", **parameters: str) -> Iterator[Any]:
    member = "".join(word.title() for word in what.split("_"))
    listed = 0
    for page in client.get_paginator(f"list_{what}{of}").paginate(**parameters):
        items = page.get(member)
        if items is None or not all(_IDENTITIES[what] <= item.keys() for item in items):
            raise CannotRunError(f"discover: an answer of AWS Organizations lacks {member}")
        listed += len(items)
        if listed > _MOST:
            raise CannotRunError(f"discover: AWS Organizations lists more than {_MOST:,} {what}")
        yield from items


def _explained(error: aws.ClientError, run: Run, wanted: Discover) -> UserError:
    """Return the refusal as an error that names the remedy."""
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if error.operation_name == "AssumeRole":
        return explain({"code": code, "message": message}, status, run)
    if code == "ParentNotFoundException":
        units = ", ".join(wanted.units)
        return UserError(
            f"discover, units: {units}: not all of these are in the organisation: {message}"
        )
    reason = reason_for(code, status)
    if reason == "throttled" or status >= 500:
        return CannotRunError(f"discover: AWS Organizations did not answer ({code}): {message}")
    needs = ", ".join(wanted.actions)
    return UserError(
        f"discover: organizations:{error.operation_name} was refused ({code}): {message}; the role "
        f"of the organisation's account needs {needs}"
    )
