"""What fuzzing gives to the kit: a target for each kind of input, and what it starts from.

A target takes bytes. It returns, or raises an `AssertionError` or whatever else a hostile input
makes the kit raise: a user's input ends in a `UserError`, an answer in a verdict. Seeds and what
was found lie in ``tests/data/corpus``; `tests/test_corpus.py` replays them and
`benchmarks.torture.fuzz` goes on from there.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pikepdf
import rfc8785
import xlsxwriter
from hypothesis import strategies as st

from kit.access.documents import PolicyError, read_statements
from kit.access.evaluator import Access, Caller, Target, accounts_named, decide
from kit.batch.accounts import read_batch
from kit.calls import GET_CREDENTIAL_REPORT
from kit.catalogue.statuses import STATUSES
from kit.collect.follow_up import read_follow_up
from kit.detect.ways import refuse_costly
from kit.errors import UserError
from kit.judge import evaluate
from kit.pack.trace import look_up
from kit.parameters import Run, load_profile, load_waivers, parameters
from kit.redact.redactor import Redactor
from kit.snapshot import EVIDENCE, FORMAT, HEADER, Snapshot, read
from kit.tables import deputies, tabulate
from kit.verify import verify
from kit.verify.reading import read_json, read_table
from kit.visible import as_json, one_line, unseen
from tests import sealed
from tests.hostile_inputs import FILES, MISSHAPEN, ODD
from tests.pack.forging import reseal
from tests.standins import (
    ACCOUNT,
    HOME,
    KEY,
    Account,
    credential_report,
    restricted,
    tls_only,
    trust,
)

CORPUS = Path(__file__).parent / "data" / "corpus"
_FOLDER = tempfile.TemporaryDirectory(prefix="fuzz-")


def stored(topic: str) -> list[Path]:
    """Return the stored inputs of a topic, in the order of their names."""
    folder = CORPUS / topic
    return sorted(folder.iterdir()) if folder.exists() else []


# ---- policies


def policies(content: bytes) -> None:
    """Read and evaluate a policy, whatever it is."""
    text = content.decode("utf-8", "replace")
    try:
        statements = read_statements(text)
    except PolicyError:
        return
    role = Caller("role", f"arn:aws:iam::{ACCOUNT}:role/x", ACCOUNT, identity=statements)
    target = Target(f"arn:aws:s3:::{HOME}/*", ACCOUNT, statements)
    for caller in (role, Caller("anonymous"), Caller("account", account="000000000001")):
        for ordinary in (True, False):
            assert decide(caller, "s3:GetObject", target, ordinary=ordinary) in Access
    accounts_named(statements)
    for context in deputies.for_anybody(statements, ACCOUNT)[:3]:
        decide(Caller("service", "s3.amazonaws.com"), "s3:GetObject", target, context)
    list(deputies.for_accounts(statements, ACCOUNT))


def account(content: bytes) -> None:
    """Judge an account each of whose policies is this document."""
    text = content.decode("utf-8", "replace")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = text
    snapshot = _of_policies(document)
    _judge(snapshot)


def _of_policies(document: Any) -> Snapshot:
    made = Account(_folder("account"))
    made.fleet().stack(fleets=("design",)).image()
    made.key().bucket(policy=document, encryption="aws:kms", key=KEY)
    made.access_point(policy=document).key(policy=document)
    made.allowed("any", trusts=document)
    made.allowed("AmazonAppStreamServiceAccess", trusts=document)
    made.allowed("given", trusts=trust({"Service": "config.amazonaws.com"}), attached=(_MANAGED,))
    if isinstance(document, dict) and isinstance(document.get("Statement"), list):
        made.policy(_MANAGED, *document["Statement"])
    return made.answered()


_MANAGED = f"arn:aws:iam::{ACCOUNT}:policy/own"


def _judge(snapshot: Snapshot, *tables: str) -> None:
    made = tabulate(snapshot, tables) if tables else tabulate(snapshot)
    if not tables:
        assert {finding.status for finding in evaluate(made).leaves} <= STATUSES.keys()
    redact = Redactor(snapshot, made.labels)
    for request in snapshot.evidence:
        redact(request)


# ---- answers that hold files and documents


def report(content: bytes) -> None:
    """Read a credential report."""
    made = Account(_folder("account"))
    made.answers(GET_CREDENTIAL_REPORT, {"Content": content})
    _judge(made.answered())


def events(content: bytes) -> None:
    """Read an event of CloudTrail."""
    text = content.decode("utf-8", "replace")
    _judge(Account(_folder("account")).stack().event(details=text).answered())


# ---- files of people


def fields(content: bytes) -> None:
    """Read parameters, a file of accounts, waivers and thresholds."""
    path = _folder("fields") / "file.yaml"
    path.write_bytes(content)
    for made in (
        parameters,
        read_batch,
        lambda p: load_waivers(str(p)),
        lambda p: load_profile(str(p)),
    ):
        try:
            made(path)
        except UserError as error:
            message = one_line(str(error))
            assert len(message) < 5_000
            assert str(path) in message


def follow_up(content: bytes) -> None:
    """Read a follow-up, a workbook or a CSV file."""
    path = _folder("follow_up") / "answers"
    path.write_bytes(content)
    with suppress(UserError):
        read_follow_up(Run(account="123456789012", follow_up=str(path)), "0" * 16)


def patterns(content: bytes) -> None:
    """Read a pattern of customers' numbers."""
    with suppress(ValueError):
        refuse_costly(content.decode("utf-8", "replace"))


# ---- what the kit stored


def snapshot(content: bytes) -> None:
    """Read a stored snapshot: the header, then a line for each request; its digests are right."""
    first, _, rest = content.partition(b"\n")
    folder = _folder("snapshot")
    lines = b"".join(_with_digest(line) + b"\n" for line in rest.splitlines())
    try:
        header = json.loads(first)
        if isinstance(header, dict):
            header["evidence"] = {"sha256": hashlib.sha256(lines).hexdigest()}
            if header.get("pseudonym_key"):
                header["parameters"] = {
                    **header["parameters"],
                    "pseudonym_key": str(_folder("account") / "key"),
                }
        first = json.dumps(header).encode()
    except (ValueError, RecursionError, TypeError, KeyError):
        pass
    (folder / HEADER).write_bytes(first)
    (folder / EVIDENCE).write_bytes(lines)
    try:
        stored = read(folder)
    except UserError:
        return
    for request in stored.evidence:
        try:
            facts, value = look_up(stored, request.id)
        except UserError:
            continue
        assert not unseen(as_json([facts, value]).replace("\n", ""))
    try:
        _judge(stored)
    except UserError:
        return


def _with_digest(line: bytes) -> bytes:
    try:
        request = json.loads(line)
        request["sha256"] = hashlib.sha256(rfc8785.dumps(request["response"])).hexdigest()
        return json.dumps(request).encode()
    except Exception:  # it is no request: the kit has to see that
        return line


# ---- packs

_NAMES = (
    "data/findings.csv",
    "data/evidence.html",
    "data/evidence.pdf",
    "data/evidence/index.csv",
    "data/evidence/E0001.json",
    "data/oscal-assessment-results.json",
    "data/ocsf-findings.json",
    "data/ocsf-findings.ndjson",
    "bag-info.txt",
    "manifest-sha256.txt",
    "tagmanifest-sha256.txt",
    "tagmanifest-sha256.txt.p7s",
    "bagit.txt",
)


@cache
def _pack() -> Path:
    rows = [sealed.row("AR-05", "bucket-a", "pass"), sealed.row("EX-01", "stack-b", "fail")]
    return sealed.seal(_folder("sealed"), ACCOUNT, rows)


def pack(content: bytes) -> None:
    """Verify a pack a file of which is this; the first byte selects the file."""
    if not content:
        return
    name = _NAMES[content[0] % len(_NAMES)]
    folder = _folder("pack")
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    for path in sorted(_pack().rglob("*")):
        there = folder / path.relative_to(_pack())
        there.mkdir(exist_ok=True) if path.is_dir() else there.write_bytes(path.read_bytes())
    (folder / name).parent.mkdir(exist_ok=True, parents=True)
    (folder / name).write_bytes(content[1:])
    if name.startswith("data/"):
        reseal(folder)
    try:
        checks = verify(folder)
    except UserError:
        return
    assert checks
    for check in checks:
        assert not unseen(check.line)
        assert "\n" not in check.line


def forms(content: bytes) -> None:
    """Read JSON and CSV of a pack."""
    for reading in (read_json, read_table):
        try:
            reading(content)
        except (ValueError, RecursionError):
            continue


def _folder(name: str) -> Path:
    path = Path(_FOLDER.name) / name
    path.mkdir(exist_ok=True)
    return path


TARGETS: dict[str, Callable[[bytes], None]] = {
    "account": account,
    "events": events,
    "fields": fields,
    "follow_up": follow_up,
    "forms": forms,
    "pack": pack,
    "patterns": patterns,
    "policies": policies,
    "report": report,
    "snapshot": snapshot,
}


# ---- what to begin with


@cache
def bases(topic: str) -> tuple[bytes, ...]:
    """Return inputs from which others are made: those that the kit reads, and the stored ones."""
    return (*_BASES[topic](), *(path.read_bytes() for path in stored(topic)))


def _policies() -> list[bytes]:
    conditions = {
        "StringLikeIfExists": {"aws:PrincipalArn": ["arn:aws:iam::*:role/a?b*", "*"]},
        "ForAnyValue:StringEquals": {
            "aws:TagKeys": ["a"],
            "aws:PrincipalTag/team": "${aws:username}",
        },
        "IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "::1/64"]},
        "NumericLessThan": {"s3:max-keys": 10, "aws:MultiFactorAuthAge": "3600"},
        "DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z", "aws:EpochTime": 1e9},
        "Null": {"aws:SourceVpce": True},
        "ArnNotLike": {"aws:SourceArn": f"arn:aws:s3:::{HOME}"},
        "Bool": {"aws:SecureTransport": "false"},
    }
    statement = {
        "Sid": "a",
        "Effect": "Allow",
        "Principal": {
            "AWS": ["123456789012", f"arn:aws:iam::{ACCOUNT}:root"],
            "Service": "s3.amazonaws.com",
        },
        "NotAction": ["s3:Get*", "kms:?ecrypt"],
        "Resource": [f"arn:aws:s3:::{HOME}/${{aws:username}}/*"],
        "Condition": conditions,
    }
    denial = {"Effect": "Deny", "NotPrincipal": {"AWS": "*"}, "Action": "*", "NotResource": "a*"}
    whole = {"Version": "2012-10-17", "Id": "x", "Statement": [statement, denial]}
    given = (
        whole,
        restricted(HOME, f"arn:aws:iam::{ACCOUNT}:role/x"),
        tls_only(HOME),
        *MISSHAPEN,
        *ODD,
    )
    return [json.dumps(document).encode() for document in given]


def _reports() -> list[bytes]:
    users = {"jane": {"mfa_active": "true", "password_last_used": "2026-01-01T00:00:00+00:00"}}
    return [credential_report(**users), b"user,arn\n", b""]


def _events() -> list[bytes]:
    details = {
        "userAgent": "x",
        "userIdentity": {"arn": "arn:aws:iam::1:user/a"},
        "tlsDetails": {"tlsVersion": "TLSv1.3"},
    }
    return [json.dumps(details).encode(), b"{}", b"null"]


def _fields() -> list[bytes]:
    folder = CORPUS.parent.parent.parent / "parameters"
    files = [path.read_text() for path in sorted(folder.glob("*.yaml"))]
    bare = [text.replace("\n#", "\n") for text in files]
    short = [text for text, _ in FILES.values() if len(text) < 10_000]
    return [text.encode() for text in (*files, *bare, *short)]


def _follow_ups() -> list[bytes]:
    rows = ["id,label_key,owner,response,due", f"{'0' * 8}-0000-0000-0000-{'0' * 12},,Ops,,soon"]
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Findings")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row.split(","))
    return ["\n".join(rows).encode(), file.getvalue()]


def _snapshots() -> list[bytes]:
    made = Account(_folder("account"))
    made.fleet().stack(fleets=("design",)).bucket(policy=tls_only(HOME)).event().allowed("any")
    whole = made.answered()
    chosen = [r for r in whole.requests if (r.response and r.parameters) or r.error][:12]
    lines = [json.dumps(vars(request)) for request in (*whole.requests[:3], *chosen)]
    header = {**whole.header, "format": FORMAT}
    return ["\n".join([json.dumps(header), *dict.fromkeys(lines)]).encode()]


def _packs() -> list[bytes]:
    contents = {
        path.relative_to(_pack()).as_posix(): path.read_bytes()
        for path in _pack().rglob("*")
        if path.is_file()
    }
    page = (
        b'<!DOCTYPE html><html lang="en"><head><title>a</title></head><body><p>b</p></body></html>'
    )
    samples = {
        "data/evidence.html": page,
        "data/evidence.pdf": _pdf(),
        "data/evidence/E0001.json": b'{"id": "E0001"}',
    }
    known = {**samples, **contents}
    return [bytes([n]) + known.get(name, b"{}") for n, name in enumerate(_NAMES)]


def _pdf() -> bytes:
    with pikepdf.new() as document:
        document.add_blank_page()
        document.save(made := io.BytesIO())
    return made.getvalue()


_BASES: dict[str, Callable[[], list[bytes]]] = {
    "account": _policies,
    "events": _events,
    "fields": _fields,
    "follow_up": _follow_ups,
    "forms": lambda: [*_events(), *_reports(), b'{"a": 1, "a": NaN}'],
    "pack": _packs,
    "patterns": lambda: [
        p.encode() for p in ("CUST-[0-9]{8}", "(?i)(a|b)+?x{2,3}", "(?>a)(?=b)[^c]*+")
    ],
    "policies": _policies,
    "report": _reports,
    "snapshot": _snapshots,
}


# ---- and what to make of it

_TEXTS = (
    "",
    "*",
    "\0",
    "\x1b[2J",
    "\u202e",
    "\ud800",
    "Allow",
    "2012-10-17",
    "123456789012",
    "9" * 5_000,
    "${a}",
    "=1+1",
)
_ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(_TEXTS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4) | st.sampled_from(_TEXTS), inner, max_size=3)
    ),
    max_leaves=5,
)
_TOKENS = tuple(
    token.encode()
    for token in ("{", "}", "[", "]", '"', ",", ":", "\n", "\r", "\0", "- ", "&a ", "*a", "<<: ", "!!", "?", "|", "null",
                  "1e999", "\\u0000", "\x1b", "\ufeff", "<script>", "%PDF", "(a+)+", "{9}", "0" * 50)
)  # fmt: skip


@st.composite
def inputs(draw: st.DrawFn, topic: str) -> bytes:
    """Draw an input: a base with a part of its JSON replaced, or with its bytes changed."""
    content = draw(st.sampled_from(bases(topic)))
    if draw(st.booleans()):
        lines = content.split(b"\n") if topic == "snapshot" else [content]
        n = draw(st.integers(0, len(lines) - 1))
        try:
            value = json.loads(lines[n])
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict | list):
            lines[n] = json.dumps(_replaced(draw, value)).encode()
            return b"\n".join(lines)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from((0, 0, 1, 1, 8, 200))))
        put = draw(
            st.binary(max_size=4) | st.sampled_from(_TOKENS) | st.just(content[start:end] * 2)
        )
        content = content[:start] + put + content[end:]
    return content


def _replaced(draw: st.DrawFn, value: Any) -> Any:
    """Return JSON with something else in a place of it."""
    parts = list(value.items() if isinstance(value, dict) else enumerate(value))
    if not parts or draw(st.integers(0, 5)) == 0:
        return draw(_ANYTHING)
    name, part = draw(st.sampled_from(parts))
    how = draw(st.integers(0, 4)) if isinstance(name, str) else 0
    if how == 1:
        return {key: item for key, item in value.items() if key != name}
    if how == 2:
        return {**value, draw(st.sampled_from(_TEXTS)): part}
    inner = _replaced(draw, part) if isinstance(part, dict | list) else draw(_ANYTHING)
    return (
        {**value, name: inner}
        if isinstance(value, dict)
        else [inner if n == name else item for n, item in parts]
    )
