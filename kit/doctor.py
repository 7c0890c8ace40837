"""What a run needs, checked before it: each line with the command that helps."""

from __future__ import annotations

import datetime as dt
import os
import platform
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kit.calls import with_sources
from kit.collect.policy import SessionPolicy, policy, session_policies
from kit.collect.session import Caller, who
from kit.errors import UserError
from kit.outputs import cannot_write, check_writable, scratch
from kit.parameters import Run
from kit.terminal import typed
from kit.visible import as_json

if TYPE_CHECKING:
    from kit.calls import RunContext
    from kit.snapshot import Request

OK, NOTE, WRONG = "ok", "note", "FAILED"
# AWS refuses requests whose time differs by more (Amazon S3, RequestTimeTooSkewed).
_MOST_SKEW = 300
_LEAST_BYTES = 200 << 20  # a pack of a large account, its snapshot, and their temporary copies
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "NO_PROXY")
_AUTHORITIES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
_MOST_NAMED, _LONGEST = 8, 120  # names in a line, and characters of a name


@dataclass(frozen=True)
class Line:
    """What was checked, and what came of it.

    Attributes
    ----------
    subject : str
        "clock", "permission" ...
    state : {"ok", "note", "FAILED"}
        A note is nothing that keeps a run from being whole.
    message : str
    command : str
        What helps, to type; empty where nothing has to be done.
    resources : tuple of str
        What requests that failed were about, in clear and whole; empty where they name nothing.
    """

    subject: str
    state: str
    message: str
    command: str = ""
    resources: tuple[str, ...] = ()


def of_this_machine(run: Run) -> Iterator[Line]:
    """Yield what can be checked without AWS."""
    yield Line(
        "python",
        OK,
        f"Python {platform.python_version()}, kit {version('appstream-evidence-kit')}, "
        f"botocore {version('botocore')}",
    )
    yield _fonts()
    yield _proxy()
    yield _authorities()
    yield _outputs(Path(run.outputs))
    yield _label_key(run)


def _fonts() -> Line:
    from kit.report.fonts import FAMILIES, shipped

    missing = [name for name in FAMILIES if name not in {face.family for face in shipped()}]
    if missing:
        text = f"{', '.join(missing)} missing in the installed kit"
        return Line("fonts", WRONG, text, "pip install --force-reinstall appstream-evidence-kit")
    return Line(
        "fonts",
        OK,
        f"{len(FAMILIES)} families of the kit; other scripts use the machine's Noto fonts",
    )


def _proxy() -> Line:
    set_ = {name: os.environ[name] for name in _PROXIES if os.environ.get(name)}
    hosts = ", ".join(f"{name} {_host(value)}" for name, value in set_.items())
    return Line("proxy", OK, hosts or "none is set")


def _host(url: str) -> str:
    """Return a proxy's host and port: a URL can hold a password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.hostname and parts.port else "is set"


def _authorities() -> Line:
    for name in _AUTHORITIES:
        if path := os.environ.get(name):
            if not os.path.isfile(path):
                return Line("certificates", WRONG, f"{name}: {path} is not a file", f"unset {name}")
            return Line("certificates", OK, f"authorities of {name}: {path}")
    return Line("certificates", OK, "authorities that come with botocore")


def _outputs(folder: Path) -> Line:
    place = next(
        path for path in (folder.absolute(), *folder.absolute().parents) if os.path.exists(path)
    )
    try:
        check_writable(place)
    except OSError as error:
        text = str(cannot_write(folder, error))
        return Line("outputs", WRONG, text, "name another folder with outputs")
    free = shutil.disk_usage(place).free
    text = f"{folder} can be written, {free >> 20:,} MB are free"
    if free < _LEAST_BYTES:
        return Line(
            "outputs", WRONG, f"{text}; a run needs {_LEAST_BYTES >> 20} MB", f"df -h {place}"
        )
    return Line("outputs", OK, text)


def _label_key(run: Run) -> Line:
    from kit.redact.labels import describe_key, key_path, open_labels

    path = key_path(run)
    if not os.path.exists(path):
        new = f"{path} will be created by the first run; keep it, labels of later packs need it"
        text = describe_key(run) or f"{new}; packs of another key cannot be compared"
        if not (run.controller or run.pseudonym_key):
            text += "; controller decides which key is used: write it before the first run"
        return Line("label key", NOTE, text)
    try:
        labels = open_labels(run)
    except UserError as error:
        return Line("label key", WRONG, str(error), f"restore {path}")
    exposed = describe_key(run)
    text = f"{path}, fingerprint {labels.fingerprint}"
    return Line("label key", NOTE if exposed else OK, "; ".join(filter(None, (text, exposed))))


def sign_in(run: Run, session: Sequence[SessionPolicy]) -> tuple[Caller, list[Line]]:
    """Return who signs in, and the lines about it: until when, and whether the clock is right.

    Parameters
    ----------
    run : Run
    session : sequence of SessionPolicy
        As `policies` returns them.

    Raises
    ------
    UserError
        Nobody can sign in; the message has the command that helps.
    """
    caller = who(run, session)
    until = f"until {caller.ends:%H:%M} UTC" if caller.ends else "without an end that AWS states"
    lines = [Line("signed in", OK, f"{caller.arn}, {until}")]
    if caller.answered:
        skew = abs((dt.datetime.now(dt.UTC) - caller.answered).total_seconds())
        text = f"{skew:.0f} s from AWS's"
        wrong = skew > _MOST_SKEW
        command = "timedatectl set-ntp true" if wrong else ""
        lines.append(Line("clock", WRONG if wrong else OK, text, command))
    return caller, lines


def policies(run: Run) -> Sequence[SessionPolicy]:
    """Return the policies of the session of a run.

    Raises
    ------
    UserError
        What the parameters name is wrong, such as a control or the file of waivers.
    """
    from kit.judge import calls_of

    partition = run.partition or "aws"
    needed = with_sources(calls_of(run), run.without_services)
    return session_policies(policy(needed, partition), partition)


def enabled_regions(run: Run) -> list[str]:
    """Return the account's enabled regions with AppStream, as the run's collector sees them."""
    from kit.calls import DESCRIBE_REGIONS, LIST_REGIONS
    from kit.collect.collector import collect

    with scratch() as folder:
        snapshot = collect(
            _rehearsed(run, folder),
            [LIST_REGIONS, DESCRIBE_REGIONS],
            folder / "snapshot",
            progress=False,
        )
    return list(snapshot.regions)


def _rehearsed(run: Run, folder: Path) -> Run:
    """Return a run that makes no key of the labels outside a folder."""
    from kit.redact.labels import key_path

    if os.path.exists(key_path(run)):
        return run
    return run.model_copy(update={"pseudonym_key": str(folder / "labels.key")})


def of_the_account(run: Run, file: Path | None, progress: bool) -> Iterator[Line]:
    """Yield what a rehearsal shows: the run's requests are made, and nothing is kept of them.

    Nothing but the requests themselves shows which permissions there are: AWS's simulator knows no
    policies of resources and of the organisation, and needs a permission of its own.
    """
    from kit.calls import CALLS, RunContext
    from kit.catalogue.statuses import NOT_EVIDENCED
    from kit.collect.collector import collect, switched_off
    from kit.judge import calls_of, evaluate
    from kit.judge.findings import reason_text
    from kit.snapshot import reason_for
    from kit.tables import tabulate

    needed = calls_of(run)
    with scratch() as folder:
        snapshot = collect(_rehearsed(run, folder), needed, folder / "snapshot", progress=progress)
        findings = [f for f in evaluate(tabulate(snapshot)).leaves if f.status == NOT_EVIDENCED]
    text = f"{len(snapshot.regions)} to look at: {', '.join(snapshot.regions)}"
    yield Line("regions", OK, text)
    for region in snapshot.regions_off:
        yield Line("regions", WRONG, *switched_off(region))
    for stop in snapshot.stopped:
        yield Line("collection", WRONG, stop["message"])
    sent: Counter[str] = Counter()
    refused: Counter[tuple[str, str, str]] = Counter()
    about: dict[tuple[str, str, str], dict[str, None]] = {}
    context = RunContext.of(snapshot.account, snapshot.as_of, snapshot.run)
    for request in snapshot.requests:
        action = CALLS[request.call].action
        sent[action] += 1
        if request.error and not request.absent:
            code = request.error["code"]
            refusal = action, code, reason_for(code, request.status)
            refused[refusal] += 1
            if resource := _resource(request, context):
                about.setdefault(refusal, {})[resource] = None
    # Where a permission holds for other resources, the resource itself refuses: a bucket's policy.
    refusing = {
        resource
        for refusal, count in refused.items()
        if count < sent[refusal[0]]
        for resource in about.get(refusal, ())
    }
    for (action, code, reason), count in sorted(refused.items()):
        resources = tuple(about.get((action, code, reason), ()))
        everywhere = count == sent[action] and reason == "denied"
        lacking = everywhere and not (resources and refusing.issuperset(resources))
        text = f"{action}: {count} of {sent[action]} requests failed ({code}){_named(resources)}"
        command = f"{typed()} policy {file or ''}".rstrip() if lacking else ""
        subject = "permission" if reason == "denied" else "request"
        yield Line(subject, WRONG if everywhere else NOTE, text, command, resources)
    good = sent.keys() - {action for action, _, _ in refused}
    yield Line("permission", OK, f"{len(good)} actions of the plan were allowed")
    untried = sorted({call.action for call in needed} - sent.keys())
    if untried:
        text = f"{len(untried)} not tried, for there was nothing to try them on: "
        yield Line("permission", NOTE, text + ", ".join(untried))
    by_reason: dict[str, set[str]] = {}
    for finding in findings:
        why = finding.code or reason_text(finding.reason)
        what = f"{finding.operation} ({why})" if finding.operation else why
        by_reason.setdefault(what, set()).add(finding.control)
    for what, controls in sorted(by_reason.items()):
        yield Line(NOT_EVIDENCED, NOTE, f"{_first(sorted(controls))}: {what}")


def what_failed(error: UserError) -> str:
    """Return the field of the parameters that an error is about, or "parameters"."""
    first = str(error).split(": ")[:2]  # the second follows file and line
    return next((name for name in first if name in Run.model_fields), "parameters")


def _resource(request: Request, context: RunContext) -> str:
    """Return what a request was about: its parameters beside those that the call declares."""
    from kit.calls import CALLS

    declared = CALLS[request.call].parameters(context)
    own = [value for name, value in request.parameters.items() if name not in declared]
    return " ".join(value if isinstance(value, str) else as_json(value, None) for value in own)


def _named(resources: Sequence[str]) -> str:
    """Return the first resources, quoted, as the end of a line; empty without resources."""
    if not resources:
        return ""
    cut = (name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…" for name in resources)
    quoted = [f"'{name}'" for name in cut]
    return f": {_first(quoted)}"


def _first(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(names[:_MOST_NAMED])}{more}"
