"""The registry of handlers, and the request that a handler receives."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kit.sandbox.checks import invalid
from kit.sandbox.protocol import AWSError

if TYPE_CHECKING:
    from kit.sandbox.declared import Account, Item
    from kit.sandbox.faults import Faults


class NotOurs(Exception):  # noqa: N818 - not an error, but a way out
    """Raised by a handler where nothing is declared, so that moto answers instead."""


@dataclass(frozen=True)
class Session:
    """A role's session: its account, its ARN, and its session policies, if it has any."""

    account: str
    arn: str
    policies: tuple[Mapping[str, Any], ...] = ()


@dataclass
class World:
    """The state of a running sandbox."""

    accounts: dict[str, Account]  # by account id
    faults: Faults
    now: dt.datetime
    page_size: int | None = None
    sessions: dict[str, Session] = field(default_factory=dict)  # by access key
    credential_reports: set[str] = field(default_factory=set)  # accounts with a generated report

    def identify(self, access_key_id: str) -> tuple[Account, str] | None:
        """Return the account and the caller's ARN that an access key belongs to, or None."""
        for account in self.accounts.values():
            if account.access_key_id == access_key_id:
                return account, account.caller
        if session := self.sessions.get(access_key_id):
            return self.accounts[session.account], session.arn
        return None


@dataclass
class Call:
    """A recognised and validated request, for a handler to answer."""

    world: World
    account: Account
    caller: str
    service: str
    operation: str
    region: str
    parameters: dict[str, Any]
    empty_first_page: bool = False

    def declared(self, kind: str) -> list[Item]:
        """Return the declared items of `kind` of this service in this region."""
        return self.account.declared(self.service, kind, self.region)

    def single(self, kind: str) -> Item | None:
        """Return the item of a kind that has at most one item, or None."""
        return next(iter(self.declared(kind)), None)

    def region_status(self) -> dict[str, str]:
        """Return every region's opt-in status, faults included."""
        off, account = self.world.faults.region_is_off, self.account
        return {
            region: "DISABLED" if off(account.id, region) else status
            for region, status in account.region_status.items()
        }

    def page(
        self,
        member: str,
        items: Iterable[Any],
        *,
        size: str | None = "MaxResults",
        token: str = "NextToken",
        next_token: str | None = None,
        default: int = 100,
        most: int | None = None,
    ) -> dict[str, Any]:
        """Return a page of `items` under `member`, with an opaque token if more pages follow.

        Parameters
        ----------
        size, token
            The request's parameters for page size and token; None where the service fixes the size.
        next_token
            The answer's member for the token, where its name differs from `token`.
        default, most
            Page size of a request without a size, and the documented upper limit.
        """
        requested = self.parameters.get(size) if size else None
        if requested is not None and (requested < 0 or (most is not None and requested > most)):
            raise invalid(self.service, f"{size} must be between 1 and {most}, is {requested}")
        length = min(requested or default, self.world.page_size or most or default)
        everything = list(items)
        request = self._digest({token, size})
        start = self._start(token, request)
        if self.empty_first_page and start is None:
            return {member: [], next_token or token: _token(request, 0)}
        begin = start or 0
        answer: dict[str, Any] = {member: everything[begin : begin + length]}
        if begin + length < len(everything):
            answer[next_token or token] = _token(request, begin + length)
        return answer

    def _start(self, token: str, request: str) -> int | None:
        given = self.parameters.get(token)
        if not given:
            return None
        try:
            made_for, begin = json.loads(base64.urlsafe_b64decode(given))
        except ValueError:
            made_for, begin = None, 0
        if made_for != request:
            raise AWSError(self._token_error(), f"The {token} is invalid: {given}")
        return int(begin)

    def _digest(self, without: set[str | None]) -> str:
        """Return a digest of the request, so that a token is valid for no other request."""
        parameters = {k: v for k, v in self.parameters.items() if k not in without}
        text = json.dumps([self.account.id, self.operation, self.region, parameters], default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _token_error(self) -> str:
        if self.service == "cloudtrail":
            return "InvalidNextTokenException"
        return invalid(self.service, "").code


def _token(request: str, begin: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([request, begin]).encode()).decode()


Handler = Callable[[Call], dict[str, Any]]
HANDLERS: dict[tuple[str, str], Handler] = {}


def leave_to_moto(call: Call) -> dict[str, Any]:
    """Leave the request to moto."""
    raise NotOurs


def answers(service: str, *operations: str) -> Callable[[Handler], Handler]:
    """Register the decorated function as the handler of `operations` of `service`.

    The operation ``*`` means all operations without a handler.
    """

    def register(handler: Handler) -> Handler:
        for operation in operations:
            HANDLERS[service, operation] = handler
        return handler

    return register
