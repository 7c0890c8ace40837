"""Accounts made of stand-in answers, each held against botocore's model before it serves.

For tests of what lies right of the collector: tables, controls, findings, displays. Answers go
through the same protection and the same store as AWS's own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from kit.aws.calls import CALLS, GET_CALLER_IDENTITY, LIST_REGIONS, Call, Scope
from kit.aws.protect import protect
from kit.parameters import Run, load_profile, load_waivers
from kit.pseudonyms import open_labels
from kit.snapshot import Request, Snapshot, digest, write

ACCOUNT = "012345678901"
AS_OF = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)
REGION = "eu-west-1"
ENDPOINT = "https://{service}.{region}.amazonaws.com"
_MODELS = botocore.session.get_session()

# What an account answers that has nothing in it, where an empty list does not say it.
_NOTHING: dict[str, dict[str, Any]] = {
    "sts.GetCallerIdentity": {
        "Account": ACCOUNT,
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/EvidenceReader/kit",
        "UserId": "AROAEXAMPLE:kit",
    },
    "iam.GetAccountSummary": {"SummaryMap": {"AccountMFAEnabled": 1, "AccountPasswordPresent": 1}},
    "iam.GenerateCredentialReport": {"State": "COMPLETE"},
    "iam.GetCredentialReport": {"Content": b"user,arn,password_enabled,mfa_active\n"},
    "macie2.GetMacieSession": {"status": "ENABLED"},
    "s3control.GetPublicAccessBlock": {
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        }
    },
}


class Account:
    """An account that answers as it is told to, and with nothing where it was told nothing.

    Parameters
    ----------
    folder : Path
        Where the snapshot and the pseudonym key are written.
    regions : tuple of str
    regions_off, regions_unused : tuple of str
    run : further fields of `kit.parameters.Run`
    """

    def __init__(
        self,
        folder: Path,
        regions: tuple[str, ...] = (REGION,),
        regions_off: tuple[str, ...] = (),
        regions_unused: tuple[str, ...] = (),
        **run: Any,
    ):
        run = {"account": ACCOUNT, "pseudonym_key": str(folder / "key")} | run
        self.run = Run.model_validate(run)
        self.regions, self.off, self.unused = regions, regions_off, regions_unused
        self._folder = folder
        self._made: dict[tuple[str, str, str], Request] = {}

    def answers(
        self, call: Call, response: Mapping[str, Any], region: str | None = None, **asked: Any
    ) -> Account:
        """Let a call answer so, in one region or in each; ``asked`` are its own parameters."""
        _validate(call, response)
        for where in self._where(call, region):
            self._put(call, where, asked, response=protect(call, dict(response)))
        return self

    def refuses(
        self,
        call: Call,
        code: str,
        message: str = "",
        region: str | None = None,
        status: int = 403,
        **asked: Any,
    ) -> Account:
        """Let a call fail so."""
        for where in self._where(call, region):
            error = {"code": code, "message": message}
            self._put(call, where, asked, error=error, status=status)
        return self

    def snapshot(self) -> Snapshot:
        """Write the snapshot."""
        for call in CALLS.values():
            if call.each or call.fallback_of:
                continue
            for where in self._where(call, None):
                response = _NOTHING.get(call.name) or ({call.items: []} if call.items else {})
                key = (call.name, where, "{}")
                if key not in self._made and not self._is_silent(call, where):
                    self.answers(call, response, where)
        ordered = [self._made[key] for key in sorted(self._made)]
        requests = [
            Request(**{**vars(request), "id": f"E{n:04d}"}) for n, request in enumerate(ordered, 1)
        ]
        regions = next(r.id for r in requests if r.call == LIST_REGIONS.name)
        header = {
            "account": self.run.account,
            "as_of": AS_OF.isoformat(),
            "partition": "aws",
            "kit": "0.0",
            "botocore": "0.0",
            "parameters": self.run.model_dump(),
            "pseudonym_key": open_labels(self.run).fingerprint,
            "profile": load_profile(self.run.thresholds).model_dump(),
            "waivers": [w.model_dump() for w in load_waivers(self.run.waivers)],
            "regions": sorted(self.regions),
            "regions_off": dict.fromkeys(self.off, regions),
            "regions_unused": list(self.unused),
            "calls": sorted(CALLS),
        }
        return write(self._folder / "snapshot", header, requests)

    def _is_silent(self, call: Call, where: str) -> bool:
        if call is GET_CALLER_IDENTITY or call.scope is Scope.ACCOUNT:
            return False
        return where in self.off or (where in self.unused and not call.probe)

    def _where(self, call: Call, region: str | None) -> tuple[str, ...]:
        if call.scope is Scope.ACCOUNT:
            return (call.home or "us-east-1",)
        return (region,) if region else self.regions

    def _put(
        self,
        call: Call,
        region: str,
        asked: dict[str, Any],
        *,
        response: Any = None,
        error: dict[str, str] | None = None,
        status: int = 200,
    ) -> None:
        self._made[call.name, region, str(asked)] = Request(
            id="",
            call=call.name,
            service=call.service,
            operation=call.operation,
            region=region,
            parameters=asked,
            page=0,
            started=AS_OF.isoformat(),
            ended=AS_OF.isoformat(),
            attempts=1,
            status=status,
            request_id="11111111-2222-3333-4444-555555555555",
            endpoint=ENDPOINT.format(service=call.service, region=region),
            tls_version=None,
            tls_cipher=None,
            error=error,
            cut=None,
            response=response,
            sha256=digest(response),
            nonce="00" * 32,
        )


def _validate(call: Call, response: Mapping[str, Any]) -> None:
    """Refuse an answer that AWS could not give."""
    shape = _MODELS.get_service_model(call.service).operation_model(call.operation).output_shape
    report = ParamValidator().validate(dict(response), shape)
    unknown = set(response) - set(shape.members)
    if report.has_errors() or unknown:
        raise AssertionError(f"{call.name}: {report.generate_report()} {sorted(unknown)}")
