"""The command line: arguments in, exit codes out, nothing else."""

from __future__ import annotations

import gc
import os
import re
import shlex
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from kit import log, shortage, terminal
from kit.errors import CannotRunError, NotAsStatedError, UserError
from kit.visible import as_json, one_line

_NOT_RUN, _BAD_INPUT, _FAILS, _MISSING, _NOT_AS_STATED = 1, 2, 3, 4, 5
_SIGNALLED = 128  # and the number of the signal, as shells have it
_SAMPLES = ", ".join(
    sorted(file.stem for file in (Path(__file__).parent / "sandbox" / "accounts").glob("*.yaml"))
)
_EVIDENCE = "{evidence}"  # in an example: the command as it was typed
_LEFT = "nothing half-made is left"
# Modules and answers live as long as the command: to look for garbage among them as often as Python
# does by default takes a tenth of a run.
_COLLECTIONS = (50_000, 20, 20)


class _Terminated(BaseException):
    """The process received SIGTERM, and tidies up as it does after Ctrl-C."""


def _terminate(*_: Any) -> None:
    raise _Terminated


def _notes(stop: BaseException) -> list[str]:
    return getattr(stop, "__notes__", [])


def _end(message: str, number: signal.Signals) -> None:
    """End at once, without waiting for threads that still wait for AWS."""
    terminal.line("", err=True)
    terminal.line(f"evidence: {message}", err=True)
    sys.stdout.flush()
    os._exit(_SIGNALLED + number)


class _Verb(click.Command):
    """A command whose help ends with examples.

    Parameters
    ----------
    examples : dict of str to str
        Arguments as they are typed, and what the command does with them.
    """

    def __init__(self, *args: Any, examples: Mapping[str, str], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.examples = examples

    def get_short_help_str(self, limit: int = 0) -> str:
        """Return the whole first sentence: the list of commands wraps it."""
        return super().get_short_help_str(sys.maxsize)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Examples"):
            for arguments, what in self.examples.items():
                formatter.write_text(what)
                # As a whole, so that it runs as copied.
                given = arguments.replace(_EVIDENCE, terminal.typed())
                command = " ".join(filter(None, (terminal.typed(), self.name, given)))
                formatter.write(f"{'':{formatter.current_indent + 2}}{command}\n")


class _Path(click.Path):
    """A path: ``--to=~/pack`` is in the home folder too, though no shell states that for it."""

    def __init__(self, **given: Any):
        super().__init__(path_type=Path, **given)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if not value:  # of a variable that is not set: the path would be the current folder
            raise UserError(f"{_name_of(param)}: the path is empty")
        return super().convert(os.path.expanduser(value), param, ctx)


class _NewFolder(_Path):
    """Where a folder is to be made: checked before the command does anything."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        from kit.outputs import check_new

        folder = super().convert(value, param, ctx)
        check_new(folder, _name_of(param))
        return folder


def _name_of(parameter: click.Parameter) -> str:
    """Return an option as it is typed, or an argument as the help has it."""
    is_option = isinstance(parameter, click.Option)
    return parameter.opts[0] if is_option else parameter.human_readable_name


class _Commands(click.Group):
    """Reports what the user can correct as a line on standard error and an exit code."""

    command_class = _Verb

    def main(self, *args: Any, **kwargs: Any) -> Any:
        gc.set_threshold(*_COLLECTIONS)
        try:
            with terminal.guarded():
                return super().main(*args, **kwargs)
        finally:
            if not (args or kwargs):  # the process ends with the command
                gc.freeze()  # and Python looks for garbage once more, which takes half a second

    def invoke(self, ctx: click.Context) -> Any:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, _terminate)
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            _end("; ".join(["interrupted", _LEFT, *_notes(stop)]), signal.SIGINT)
        except _Terminated as stop:
            _end("; ".join(["terminated (SIGTERM)", _LEFT, *_notes(stop)]), signal.SIGTERM)
        except click.UsageError as error:
            raise click.UsageError(one_line(error.format_message()), error.ctx) from None
        except Exception as error:  # of whatever library
            lacks = "" if isinstance(error, UserError) else shortage.of(error)
            if not lacks and not isinstance(error, UserError):
                raise
            *first, last = getattr(error, "lines", None) or [lacks or str(error)]
            for text in (*first, "; ".join([last, *_notes(error)])):
                terminal.line(f"evidence: {text}", err=True)
            ctx.exit(_code_of(error))


def _code_of(error: BaseException) -> int:
    """Return the exit code after an error or a signal."""
    if isinstance(error, KeyboardInterrupt | _Terminated):
        stopped = signal.SIGINT if isinstance(error, KeyboardInterrupt) else signal.SIGTERM
        return _SIGNALLED + stopped
    if isinstance(error, NotAsStatedError):
        return _NOT_AS_STATED
    return (
        _BAD_INPUT
        if isinstance(error, UserError) and not isinstance(error, CannotRunError)
        else _NOT_RUN
    )


class _Maker(_Verb):
    """A command that makes packs: it needs memory and files for that."""

    def invoke(self, ctx: click.Context) -> Any:
        shortage.check_limits()
        return super().invoke(ctx)


class _Logged(_Maker):
    """A command that logs what it does in the run's folder, and prints that with ``-v``."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        text = "Print the log's events, in place of progress."
        self.params.append(click.Option(["-v", "--verbose"], is_flag=True, help=text))

    def invoke(self, ctx: click.Context) -> Any:
        verbose = ctx.params.pop("verbose")
        ctx.params["quiet"] |= verbose
        given = [p.name for p in self.params if p.name and _is_given(ctx, p.name)]
        with log.command(str(self.name), verbose=verbose, code_of=_code_of, options=given):
            try:
                return super().invoke(ctx)
            except BaseException as error:
                if path := log.kept():
                    error.add_note(f"its log: {path}")
                raise


def _is_given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="appstream-evidence-kit")
def main() -> None:
    """GDPR evidence packs for Amazon AppStream 2.0 (WorkSpaces Applications).

    Exit codes: 0 nothing open, 1 could not run, 2 bad input, 3 fails, 4 evidence missing,
    5 a pack is not what it states, 130 interrupted.
    """


def _signing(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that name a key; the command gets them as ``signing``."""
    path = _Path()
    levels = "B-B, B-T, B-LT or B-LTA: sealing ends where signatures do not reach it."
    for option in (
        click.option("--level", default="", help=levels),
        click.option("--timestamp", default="", metavar="URL", help="An RFC 3161 service."),
        click.option("--kms-key", default="", metavar="ID", help="AWS KMS key to sign with."),
        click.option("--certificate", type=path, help="PEM file: the key's certificate, others."),
        click.option("--key", type=path, help="PEM or PKCS#12 file to sign with."),
    ):
        command = option(command)
    return command


def _trusting(command: Callable[..., None]) -> Callable[..., None]:
    """Add the option that names whom the reader trusts: other packs are refused."""
    text = "PEM file: whom you trust to sign; a pack that nobody of these signed is refused."
    return click.option("--trust", type=_Path(), help=text)(command)


def _in_a_language(command: Callable[..., None]) -> Callable[..., None]:
    """Add the option that names the language of an overview."""
    text = "Of the texts: en, or the path of a YAML file."
    return click.option("--language", default="en", show_default=True, help=text)(command)


def _of_a_run(command: Callable[..., None]) -> Callable[..., None]:
    """Add what names an account without a file; the command gets it as ``given``."""
    for option in (
        click.option("--region", "regions", multiple=True, help="A region; many times."),
        click.option("--profile", "aws_profile", default="", help="Of your AWS configuration."),
        click.option("--account", default="", help="The account, 12 digits."),
    ):
        command = option(command)
    return command


def _in_json(command: Callable[..., None]) -> Callable[..., None]:
    """Add the option that prints a JSON document in place of lines."""
    return click.option("--json", "in_json", is_flag=True, help="Print JSON.")(command)


@main.command(
    cls=_Logged,
    examples={
        "parameters/my-account.yaml": "Collect the account that the file describes, and seal its pack.",
        "--account 012345678901 --profile audit --region eu-central-1": "A first look without a file.",
        "parameters/my-account.yaml --key audit.pem --timestamp http://tsa.example.com": "Sign the pack of a file that has signed: true, with a time that others can check.",
    },
)
@click.argument("parameters", required=False, type=_Path())
@_of_a_run
@click.option("--quiet", is_flag=True, help="No progress.")
@_in_json
@_signing
def run(
    parameters: Path | None,
    account: str,
    aws_profile: str,
    regions: tuple[str, ...],
    quiet: bool,
    in_json: bool,
    **signing: Any,
) -> None:
    """Collect an account and seal its pack: PARAMETERS is a YAML file.

    For a first look, --account and the AWS configuration are enough.
    """
    given = {"account": account, "aws_profile": aws_profile, "regions": list(regions)}
    run_ = _read_run(parameters, given)
    if not run_:
        raise UserError(
            f"PARAMETERS: missing; name a file ({terminal.typed()} init writes one), or --account "
            "with its 12 digits"
        )
    sys.exit(_run(run_, quiet, signing, in_json, file=parameters).exit_code)


@main.command(
    cls=_Maker,
    examples={
        "parameters/my-accounts.yaml": "Make the packs of the accounts in a file, or what is missing of them.",
        "parameters/my-accounts.yaml --scheduler tls://scheduler.example.com:8786 --progress json": "The same on a Dask cluster, with progress for programs.",
    },
)
@click.argument("accounts", type=_Path())
@click.option("--name", default="", help="Of the batch, instead of the name in the file.")
@click.option("--scheduler", default="", help="Address of a Dask scheduler: tls://host:8786.")
@click.option("--insecure", is_flag=True, help="Let the scheduler's address be tcp://.")
@click.option(
    "--workers",
    default=0,
    type=click.IntRange(0),
    help="Processes on this machine; by default as many as cores, and no more than accounts.",
)
@click.option("--progress", type=click.Choice(["bar", "json", "none"]), default="bar")
@click.option("--quiet", is_flag=True, help="The same as --progress none.")
@_signing
def batch(
    accounts: Path,
    name: str,
    scheduler: str,
    insecure: bool,
    workers: int,
    progress: Any,
    quiet: bool,
    **signing: Any,
) -> None:
    """Make the packs of many accounts, or what is missing of them: ACCOUNTS is a YAML file.

    Started again with the same name, it verifies the packs that are there and makes the others.
    """
    from kit.batch import run_batch
    from kit.batch.ledger import DONE, count

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does

    result = run_batch(
        accounts,
        name=name,
        scheduler=scheduler,
        insecure=insecure,
        workers=workers,
        progress="none" if quiet else progress,
        signing={name: str(given) for name, given in signing.items() if given},
        passphrase=_passphrase,
        report=lambda subject, line: terminal.line(
            as_json({subject: line}, None)
            if progress == "json"
            else f"{'evidence' if subject == 'left' else subject}: {line}",
            err=True,
        ),
    )
    for account, facts in result.states.items():
        if facts["state"] != DONE:
            terminal.line(
                f"{account}: {facts['state']}: {facts.get('why', 'work on it did not end')}"
            )
        for pack in facts.get("not_compared", ()):
            terminal.line(
                f"{account}: not compared with the pack of {pack['as_of']}: its labels were made "
                f"with another key ({pack['label_key']})"
            )
    for account, state in result.passed_over.items():
        terminal.line(f"{account}: passed over: {state}")
    counts = count(result.states)
    terminal.line(f"accounts: {', '.join(f'{n} {state}' for state, n in counts.items())}")
    left_out = sum(len(facts.get("not_compared", ())) for facts in result.states.values())
    if left_out:
        terminal.line(f"previous: {left_out} earlier pack{'s' * (left_out > 1)} not compared")
    terminal.line(f"ledger: {result.ledger}")
    terminal.line(f"findings: {result.findings}")
    if result.interrupted:
        terminal.line(
            "evidence: interrupted; start the batch again to make what is missing", err=True
        )
    sys.exit(result.exit_code)


@main.command(
    cls=_Logged,
    examples={
        "outputs/210987654321/2026-11-24T090000Z/snapshot": "Make the pack of a snapshot; no request to AWS is sent.",
        "outputs/210987654321/2026-11-24T090000Z/snapshot --to again/pack": "Make it again, elsewhere.",
    },
)
@click.argument("snapshot", type=_Path())
@click.option("--to", type=_NewFolder(), help="Where the pack goes: a folder to make.")
@click.option(
    "--notebook",
    type=_Path(),
    help="Of your own cells: executed offline, and shown apart as yours.",
)
@click.option("--quiet", is_flag=True, help="No progress.")
@_in_json
@_signing
def seal(
    snapshot: Path,
    to: Path | None,
    notebook: Path | None,
    quiet: bool,
    in_json: bool,
    **signing: Any,
) -> None:
    """Make a pack from a stored SNAPSHOT, without a request to AWS."""
    from kit import warm

    with warm.forked():
        key = _open_key(**signing)
        with _resumable(snapshot, collected=False, to=to, notebook=notebook):
            named = {"name": "--to"} if to else {}
            pack = _seal(snapshot, to, quiet, key, notebook=notebook, **named)
    _name_leftovers((to or snapshot).parent, deepest=0)  # which may be the user's home
    _print_pack(pack, snapshot, in_json)
    sys.exit(pack.exit_code)


@main.command(
    examples={
        "E0012 outputs/210987654321/2026-11-24T090000Z/snapshot": "Print an answer of AWS that a finding cites.",
        "'E0012#/Fleets/3' outputs/210987654321/2026-11-24T090000Z/snapshot --prove opened": "Print a part of it, and write what proves it to the holder of the pack.",
    },
)
@click.argument("reference")
@click.argument("snapshot", type=_Path())
@click.option("--pack", type=_Path(), help="Hold it against this pack's record.")
@click.option("--prove", type=_Path(), help="Write what opens its commitment.")
def show(reference: str, snapshot: Path, pack: Path | None, prove: Path | None) -> None:
    """Print a request and what AWS answered: REFERENCE is an evidence id of SNAPSHOT.

    E0012 is a whole answer, 'E0012#/Fleets/3' a part of it, as findings cite it. What is printed
    is in clear.
    """
    from kit.pack import trace as follow
    from kit.snapshot import read

    stored = read(snapshot)
    provenance, value = follow.look_up(stored, reference)
    number = provenance["id"]
    if pack:
        follow.check_commitment(pack, stored, number)
    for name, fact in provenance.items():
        terminal.line(f"{name}: {fact if isinstance(fact, str) else as_json(fact, None)}")
    terminal.page(as_json(value))
    if pack:
        terminal.line(f"{pack}: commits to this answer")
    if prove:
        nonce, body = follow.prove(follow.find(stored, number), prove)
        terminal.line(f"cat {nonce} {body} | sha256sum")


@main.command(
    examples={
        "fleet-3kq7w2mzda outputs/210987654321/2026-11-24T090000Z/snapshot": "Print the name behind a label.",
    },
)
@click.argument("labels", nargs=-1)
@click.argument("snapshot", type=_Path())
def reveal(labels: tuple[str, ...], snapshot: Path) -> None:
    """Print the names that LABELS of a pack replace, from its SNAPSHOT and the key of the labels."""
    from kit.pack.trace import reveal as revealed
    from kit.snapshot import read

    if not labels:
        lacks = "LABELS" if os.path.isdir(snapshot) else "SNAPSHOT"
        raise UserError(f"{lacks}: missing; name one or more labels, then the snapshot's folder")
    for label, named in revealed(read(snapshot), labels).items():
        called = f" ({named.name})" if named.name not in ("", named.identity) else ""
        terminal.line(f"{label}  {named.identity}{called}")


@main.command(
    cls=_Maker,
    examples={
        "outputs": "Sum up the newest pack of each account.",
        "outputs --expect 012345678901 --fail-on fails": "In a schedule: end with 3 where an account has a fail, with 4 where this one has no pack.",
    },
)
@click.argument("packs", type=_Path())
@click.option("--to", type=_NewFolder(), help="Where the overview goes: a folder to make.")
@click.option("--expect", multiple=True, help="An account that should have a pack; many times.")
@click.option(
    "--fail-on",
    type=click.Choice(["fails"]),
    help="End with 3 where an account has a fail, else with 4 where one of --expect has no pack.",
)
@_trusting
@_in_a_language
@click.option("--quiet", is_flag=True, help="No progress.")
def organisation(
    packs: Path,
    to: Path | None,
    expect: tuple[str, ...],
    fail_on: str | None,
    trust: Path | None,
    language: str,
    quiet: bool,
) -> None:
    """Sum up the newest pack of each account below the folder PACKS."""
    from kit.catalogue.statuses import FAIL
    from kit.overviews.document import seal_organisation

    for account in expect:
        if not re.fullmatch(r"\d{12}", account, re.ASCII):
            raise UserError(f"--expect: {account!r}: must be an AWS account id of 12 digits")
    made = seal_organisation(packs, to, expect, trust=trust, language=language, progress=not quiet)
    _name_leftovers(packs)
    _print_overview(made, "accounts.csv")
    failing = sum(record[FAIL] > 0 for record in made.records)
    terminal.line(f"accounts: {len(made.records)}, {failing} of them with a fail")
    missing = set(expect) - {record["account"] for record in made.records}
    if missing:
        terminal.line(f"without a pack: {', '.join(sorted(missing))}")
    if fail_on:
        sys.exit(_FAILS if failing else _MISSING if missing else 0)


@main.command(
    cls=_Maker,
    examples={
        "outputs": "Compare the last two packs of each account.",
        "outputs/210987654321/2026-08-24T090000Z/pack outputs/210987654321/2026-11-24T090000Z/pack": "Compare two packs.",
        "outputs --fail-on newly-open --quiet": "In a schedule: end with 3 where a point is newly open.",
    },
)
@click.argument("earlier", type=_Path())
@click.argument("later", required=False, type=_Path())
@click.option("--to", type=_NewFolder(), help="Where the comparison goes: a folder to make.")
@_trusting
@_in_a_language
@click.option("--other-keys", is_flag=True, help="Compare packs of different label keys, too.")
@click.option(
    "--fail-on", type=click.Choice(["newly-open"]), help="End with 3 where a point is newly open."
)
@click.option("--quiet", is_flag=True, help="No progress.")
@_in_json
def compare(
    earlier: Path,
    later: Path | None,
    to: Path | None,
    trust: Path | None,
    language: str,
    other_keys: bool,
    fail_on: str | None,
    quiet: bool,
    in_json: bool,
) -> None:
    """Report what changed between EARLIER and LATER: packs, or folders of many accounts' packs.

    Without LATER, the last two packs of each account below EARLIER are compared.
    """
    from kit.overviews.document import seal_changes

    made = seal_changes(
        earlier,
        later,
        to,
        trust=trust,
        language=language,
        progress=not quiet,
        other_keys=other_keys,
    )
    _name_leftovers(*filter(None, (earlier, later)))
    counts, remarks = made.facts["counts"], made.facts["remarks"]
    no_interface = made.facts["no_interface"]
    if in_json:
        _print_json(
            {
                "pack": str(made.folder),
                "changes": counts,
                "remarks": remarks,
                "no_interface": no_interface,
            }
        )
    else:
        _print_overview(made, "changes.csv")
        named = (f"{n} {name.replace('_', ' ')}" for name, n in counts.items() if n)
        terminal.line("changes: " + (", ".join(named) or "none"))
        terminal.line(f"not counted, since no interface of AWS shows it: {', '.join(no_interface)}")
        for remark in remarks:
            terminal.line(f"not comparable in all: {remark}")
    sys.exit(_FAILS if fail_on and counts[fail_on.replace("-", "_")] else 0)


@main.command(
    examples={
        "outputs/210987654321/*/pack": "Verify packs by themselves.",
        "pack.zip --trust auditors.pem": "Verify a pack, and who signed it.",
        "pack.zip --against outputs/210987654321/2026-11-24T090000Z/snapshot": "Evaluate the snapshot again, and compare every finding.",
    },
)
@click.argument("packs", nargs=-1, required=True, type=_Path())
@_trusting
@click.option("--against", type=_Path(), help="Evaluate this snapshot again, too.")
@click.option(
    "--revocation",
    "revocations",
    multiple=True,
    type=_Path(),
    help="A CRL or OCSP response, to count beside those in the pack; many times.",
)
@click.option("--own-controls", is_flag=True, help="Judge again by own controls installed here.")
@_in_json
def verify(
    packs: tuple[Path, ...],
    trust: Path | None,
    against: Path | None,
    revocations: tuple[Path, ...],
    own_controls: bool,
    in_json: bool,
) -> None:
    """Verify whether each of PACKS, a folder or a zip, is what it states; the kit runs nothing of it.

    With --json there is a document for each.
    """
    from dataclasses import asdict

    from kit.verify import ending
    from kit.verify import verify as look
    from kit.verify.checks import NO_SIGNATURE, NOT_COMPARED

    if own_controls and not against:
        raise UserError("--own-controls: needs --against and the snapshot that they judge")
    if against and len(packs) > 1:
        raise UserError(f"--against: {against} is the snapshot of one pack; name that pack alone")
    every = True
    for pack in packs:
        checks = look(pack, trust, against, revocations, own_controls=own_controls)
        whole = all(check.ok for check in checks)
        every = every and whole
        if in_json:
            _print_json(
                {
                    "pack": str(pack),
                    "ok": whole,
                    "signed": NO_SIGNATURE not in {c.open for c in checks},
                    "not_compared": [c.subject for c in checks if c.open == NOT_COMPARED],
                    "checks": [asdict(c) for c in checks],
                    "ending": [*ending(checks)],
                }
            )
            continue
        if len(packs) > 1:
            terminal.line(f"pack: {pack}")
        for line in (*(check.line for check in checks), *ending(checks)):
            terminal.line(line)
    sys.exit(0 if every else _NOT_AS_STATED)


@main.command(
    examples={
        "--dry-run": "List what killed runs left, and remove nothing.",
        "outputs": "Remove it.",
    },
)
@click.argument("folders", nargs=-1, type=_Path(file_okay=False, exists=True))
@click.option("--dry-run", is_flag=True, help="List it, and remove nothing.")
def clean(folders: tuple[Path, ...], dry_run: bool) -> None:
    """Remove what killed runs left below FOLDERS, and in the temporary folder.

    FOLDERS are places of outputs, by default ./outputs. The command follows no link, and leaves
    what a living process writes. It also removes the logs of runs that made nothing else.
    """
    from kit import leftovers

    folders = folders or (Path("outputs"),)
    left = [*leftovers.find(folders), *leftovers.find_logs(folders)]
    for each in left:
        state = ", in use: stays" if each.held else ""
        size = leftovers.in_bytes(each.size)
        terminal.line(f"{each.path}  {each.what}, {size}{state}")
    free = [each for each in left if not each.held]
    gone = free if dry_run else leftovers.remove(free, folders)
    size = leftovers.in_bytes(sum(each.size for each in gone))
    terminal.line(f"{'would be removed' if dry_run else 'removed'}: {len(gone)} ({size})")
    if len(gone) < len(free):
        raise CannotRunError(f"{len(free) - len(gone)} of them cannot be removed")


@main.command(
    cls=_Logged,
    examples={
        "": "Make a pack under outputs/, without an account of AWS.",
    },
)
@click.option("--quiet", is_flag=True, help="No progress.")
def demo(quiet: bool) -> None:
    """Make the pack of a sample account against a local sandbox; ends with 0 once it is made."""
    from kit import sandbox, warm
    from kit.shipped import project

    with warm.forked(), sandbox.start(["demo"]) as local:
        os.environ.update(local.environment("demo"))
        _run(_read_run(project("parameters") / "demo.yaml"), quiet)


@main.command(
    examples={
        "parameters/my-account.yaml": "Write a file for the account that you are signed in to.",
        "parameters/my-account.yaml --profile audit": "The same with a profile of your AWS configuration.",
    },
)
@click.argument("file", default="parameters/my-account.yaml", type=_Path())
@click.option("--profile", "aws_profile", default="", help="Of your AWS configuration.")
def init(file: Path, aws_profile: str) -> None:
    """Write a parameters FILE for the account that you are signed in to; it declares nothing."""
    from kit.doctor import enabled_regions, policies, sign_in
    from kit.outputs import check_place, write_file
    from kit.parameters_page import starter

    if os.path.lexists(file):
        raise UserError(f"FILE: {file} exists already; name another")
    check_place(file, "FILE")
    stranger = _signing_in_with(aws_profile)
    caller, _ = sign_in(stranger, policies(stranger))
    terminal.line(f"signed in: {caller.arn}", err=True)
    run = _read_run(None, {"account": caller.account, "aws_profile": aws_profile})
    text = starter(caller.account, aws_profile, enabled_regions(run))
    write_file(file, text.encode(), replace=False, name="FILE")
    terminal.line(str(file))
    terminal.line(f"next: {terminal.typed()} doctor {file}", err=True)


@main.command(
    examples={
        "parameters/my-account.yaml": "Check and rehearse what a run of this file needs.",
        "--profile audit --json": "The same for the account of a profile, for programs.",
    },
)
@click.argument("parameters", required=False, type=_Path())
@click.option("--profile", "aws_profile", default="", help="Of your AWS configuration.")
@click.option("--quiet", is_flag=True, help="No progress.")
@_in_json
def doctor(parameters: Path | None, aws_profile: str, quiet: bool, in_json: bool) -> None:
    """Check what a run needs, line by line, and rehearse it: the requests are made, none is kept.

    Without PARAMETERS, for the account that you are signed in to. Ends with 0 where nothing keeps
    a run from being whole, else with 4, or with 1 or 2 where nobody can sign in.
    """
    from dataclasses import asdict

    from kit import doctor as checks

    given = {"aws_profile": aws_profile}
    run = _read_run(parameters, given) if parameters else _signing_in_with(aws_profile)
    lines = [*checks.of_this_machine(run)]
    code, signing_in = 0, False
    try:
        policies = checks.policies(run)
        signing_in = True
        caller, of_the_sign_in = checks.sign_in(run, policies)
        lines += of_the_sign_in
        signing_in = False
        if not parameters:
            run = _read_run(None, {**given, "account": caller.account})
        lines += checks.of_the_account(run, parameters, progress=not quiet)
    except UserError as error:
        code = _NOT_RUN if isinstance(error, CannotRunError) else _BAD_INPUT
        of_account = signing_in or code == _NOT_RUN
        subject = "account" if of_account else checks.what_failed(error)
        lines.append(checks.Line(subject, checks.WRONG, str(error)))
    if in_json:
        _print_json([asdict(line) for line in lines])
    else:
        for line in lines:
            command = f"; {line.command}" if line.command else ""
            terminal.line(f"{line.state:<8}{line.subject:<14} {line.message}{command}")
    wrong = any(line.state == checks.WRONG for line in lines)
    sys.exit(code or (_MISSING if wrong else 0))


def _signing_in_with(aws_profile: str) -> Any:
    """Return a run that only signs in: whose account it is, AWS states."""
    return _read_run(None, {"account": "0" * 12, "aws_profile": aws_profile})


@main.command(
    examples={
        "": "Print the calls of all controls.",
        "parameters/my-account.yaml --json": "Print those of a run, for programs.",
    },
)
@click.argument("parameters", required=False, type=_Path())
@_in_json
def plan(parameters: Path | None, in_json: bool) -> None:
    """Print the calls that a run will make; all controls without PARAMETERS."""
    from kit.collect.policy import plan as rows

    table = rows(_calls(_read_run(parameters)))
    if in_json:
        _print_json(table)
        return
    columns = ("call", "need", "action", "requested")
    widths = {name: max(len(row[name]) for row in table) for name in columns}
    for row in table:
        terminal.line("  ".join(f"{row[name]:<{widths[name]}}" for name in columns).rstrip())


@main.command(
    examples={
        "parameters/my-account.yaml > policy.json": "Write the policy that a run needs.",
        "--form cloudformation > role.yaml": "Write a template of the role with it.",
    },
)
@click.argument("parameters", required=False, type=_Path())
@click.option(
    "--form",
    type=click.Choice(["json", "cloudformation", "stackset", "terraform"]),
    default="json",
    show_default=True,
    help="The policy alone, or the role with it; docs/role.md has the steps.",
)
def policy(parameters: Path | None, form: str) -> None:
    """Print the least-privilege IAM policy, or the role with it; all controls without PARAMETERS.

    The role trusts whom its parameters name, with an external id. A StackSet makes it in every
    account of an organisation.
    """
    from kit.collect import role
    from kit.collect.policy import policy as document

    run = _read_run(parameters)
    if form == "json":
        partition = run.partition if run else ""
        terminal.page(as_json(document(_calls(run), partition or "aws")))
        return
    make = {
        "cloudformation": role.cloudformation,
        "stackset": role.stack_set,
        "terraform": role.terraform,
    }[form]
    facts = role.role_facts(run.role_arn, run.external_id, run.session_tags) if run else None
    terminal.page(make(_calls(run), facts).rstrip("\n"))


@main.command(
    examples={
        "": "List the controls.",
        "AR-05": "Explain a control, and how a fail of it is corrected.",
    },
)
@click.argument("control", required=False)
@click.option("--json", "form", flag_value="json", help="All metadata as JSON.")
@click.option("--markdown", "form", flag_value="markdown", help="The handbook, docs/controls.md.")
@click.option(
    "--members",
    "form",
    flag_value="members",
    help="What AWS answers, what is read and what is left: docs/members.md.",
)
@click.option("--own", multiple=True, help="List these own controls: a package or a folder; many.")
def controls(control: str | None, form: str | None, own: tuple[str, ...]) -> None:
    """List the controls, or explain a control: CONTROL is an id such as AR-05."""
    if own:
        from kit.own import describe_own

        described = describe_own(own)
        if form == "json":
            terminal.page(as_json(described))
        for entry in () if form == "json" else described:
            terminal.line(f"{entry['id']}  {entry['title']} (own control, {entry['own']})")
            for sentence in entry["expected"]:
                terminal.line(f"    {sentence}")
        return
    from kit.controls import describe, find
    from kit.report.explain import explain, overview
    from kit.report.handbook import handbook
    from kit.tables.answers import page

    width = shutil.get_terminal_size().columns
    name = find(control) if control else ""
    if form == "json":
        terminal.page(as_json(describe([name] if name else [])))
    elif form == "markdown":
        terminal.page(handbook())
    elif form == "members":
        terminal.page(page())
    else:
        terminal.page(explain(name, width) if name else overview(width))


@main.command(
    examples={
        "> parameters/all.yaml": "Write a file with every parameter.",
    },
)
def parameters() -> None:
    """Print a file with every parameter of a run, to fill in: evidence parameters > mine.yaml."""
    from kit.parameters_page import example

    terminal.page(example())


@main.command(
    context_settings={"ignore_unknown_options": True},
    examples={
        "--sandbox": "Try the notebook on the sample account.",
        "--parameters parameters/my-account.yaml": "Explore an account of yours.",
        "--sandbox -- --no-browser --port 8890": "Give JupyterLab flags of its own.",
    },
)
@click.option("--parameters", type=_Path(), help="A YAML file, as run has it.")
@click.option("--sandbox", is_flag=True, help="Collect the sample account of a local sandbox.")
@click.argument("flags", nargs=-1, type=click.UNPROCESSED)
def lab(parameters: Path | None, sandbox: bool, flags: tuple[str, ...]) -> None:
    """Open the notebook in JupyterLab, rooted in the current folder; FLAGS are JupyterLab's own.

    A folder without notebooks/ gets copies of the kit's notebooks. Parameters of the file fill what
    the notebook's first cell leaves at its default; a cell that names an account needs no file, and
    the kit then reads nothing of it.
    """
    from kit.lab import open_lab

    _read_run(parameters)  # what is wrong in it, before JupyterLab starts
    sys.exit(open_lab(parameters, sandbox, flags))


@main.command(
    context_settings={"ignore_unknown_options": True},
    examples={
        "-- aws appstream describe-fleets": "Send a command of the AWS CLI to the sample account.",
        f"--deny appstream:DescribeFleets -- {_EVIDENCE} run parameters/demo.yaml": "See what a pack states of a call that was refused.",
    },
)
@click.option(
    "--account", default="demo", show_default=True, help=f"Whose credentials: {_SAMPLES}."
)
@click.option(
    "--port",
    default=0,
    type=click.IntRange(0, 65_535),
    help="Port on 127.0.0.1; any free port by default.",
)
@click.option("--page-size", type=click.IntRange(1), help="Force every list to pages of this size.")
@click.option("--deny", multiple=True, help="Deny an operation, such as appstream:DescribeFleets.")
@click.option("--region-off", multiple=True, help="Switch a region off.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def sandbox(
    account: str,
    port: int,
    page_size: int | None,
    deny: tuple[str, ...],
    region_off: tuple[str, ...],
    command: tuple[str, ...],
) -> None:
    """Run a local AWS with sample accounts, for COMMAND or until interrupted.

    Prints the environment variables that point any AWS client at it; a COMMAND after -- is run
    with them set.
    """
    from kit.sandbox.serve import serve

    sys.exit(serve(account, port, page_size, deny, region_off, command))


def _run(
    run: Any,
    quiet: bool,
    signing: Mapping[str, Any] | None = None,
    in_json: bool = False,
    file: Path | None = None,
) -> Any:
    from kit import warm
    from kit.maker import take_over
    from kit.parameters import refuse_mismatch
    from kit.warm.fork import beside, handover
    from kit.warm.process import deferred

    signs = any((signing or {}).values())
    refuse_mismatch(run, signs)
    # A fork collects: it ends with all that AWS's libraries took, and it begins before this process
    # has a key to sign with. It imports these libraries while this process imports the controls.
    with (
        handover() as (give, take),
        beside("the collection", partial(_collect, run, quiet, take), tidies=True) as collected,
    ):
        from kit.judge import calls_of
        from kit.redact.labels import describe_key

        calls = [call.name for call in calls_of(run)]
        notice = describe_key(run)  # before a collection makes it
        if not signs:
            give(calls)
        with warm.forked():
            key = _open_key(**signing or {})  # which is not in a kernel, forked before
            if notice:
                terminal.line(f"labels: {notice}", err=True)
            if signs:
                give(calls)  # the key is open before a request is sent
            with deferred():
                from kit.pack.seal import prepared
            with prepared() as kernel:  # while AWS answers
                snapshot, left_out, stops, off, lock = collected()
                take_over(lock)
                if left_out:
                    terminal.line(f"previous: {left_out}", err=True)
                with _resumable(snapshot, collected=True):
                    if not in_json:
                        terminal.line(f"snapshot: {snapshot}")
                    pack = _seal(snapshot, None, quiet, key, kernel=kernel)
    _name_leftovers(Path(run.outputs))
    _print_pack(pack, snapshot, in_json, stops, off, file)
    return pack


def _collect(
    run: Any, quiet: bool, take: Callable[[], Any]
) -> tuple[Path, str, list[str], dict[str, str], str]:
    """Return the snapshot's folder, earlier packs left out, what was not collected, the kit's lock.

    That is what ended the collection early, and the regions that are not enabled, with what helps.

    No request is sent before `take` has the names of the calls.
    """
    from kit.warm.environment import PASSPHRASE
    from kit.warm.process import deferred

    os.environ.pop(PASSPHRASE, None)  # a program that signs in to AWS would get it
    with deferred():
        from kit.calls import CALLS
        from kit.collect.collector import collect, prepare, switched_off
        from kit.collect.earlier import describe_left_out
        from kit.maker import lock

        prepare()
    snapshot = collect(
        run,
        [CALLS[name] for name in take()],
        progress=not quiet,
        signed_in=lambda arn: None if quiet else terminal.line(f"signed in: {arn}", err=True),
    )
    left_out = describe_left_out(snapshot.earlier, snapshot.header["pseudonym_key"])
    stops = [stop["message"] for stop in snapshot.stopped]
    off = {region: ": ".join(switched_off(region)) for region in snapshot.regions_off}
    return snapshot.folder, left_out, stops, off, lock()


def _seal(snapshot: Path, to: Path | None, quiet: bool, key: Any = None, **given: Any) -> Any:
    from kit.pack.seal import seal as make

    return make(snapshot, to, key=key, progress=not quiet, **given)


@contextmanager
def _resumable(
    snapshot: Path, *, collected: bool, to: Path | None = None, notebook: Path | None = None
) -> Iterator[None]:
    """Note on what ends the sealing of a snapshot how its pack is made after all.

    Where the caller has not collected the snapshot itself, only a signal gets the note.
    """
    try:
        yield
    except BaseException as stop:
        signalled = isinstance(stop, KeyboardInterrupt | _Terminated)
        if not signalled and not collected:
            raise
        options = (("--to", to), ("--notebook", notebook))
        place = "".join(f" {name} {shlex.quote(str(path))}" for name, path in options if path)
        command = f"{terminal.typed()} seal {shlex.quote(str(snapshot))}{place}"
        state = "whole" if collected else "unchanged"  # nobody has read another's to its end
        first = "" if signalled else "once the cause is corrected, "
        stop.add_note(f"the snapshot is {state}: {first}{command} makes its pack")
        raise


def _print_pack(
    pack: Any,
    snapshot: Path,
    in_json: bool,
    stops: Sequence[str] = (),
    off: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> None:
    """Print what a pack states, what to open, and what to do next."""
    from collections import Counter

    from kit.catalogue.statuses import WORST_FIRST
    from kit.judge.digest import ROLL_UP
    from kit.judge.findings import made_by

    leaves = [finding for finding in pack.findings if finding["subject"] != ROLL_UP]
    sums = [finding for finding in pack.findings if finding["subject"] == ROLL_UP]
    counts = Counter(finding["status"] for finding in leaves)
    data = pack.folder / "data"
    if in_json:
        _print_json(
            {
                "snapshot": str(snapshot),
                "pack": str(pack.folder),
                "files": [str(path) for path in sorted(data.iterdir())],
                "findings": {status: counts[status] for status in WORST_FIRST},
                "roll_ups": {roll_up["control"]: roll_up["status"] for roll_up in sums},
                "digest": pack.digest,
                "stopped": list(stops),
                "regions_off": [*(off or ())],
                "unused_waivers": list(pack.unused_waivers),
                "exit_code": pack.exit_code,
            }
        )
        return
    terminal.line(f"pack: {pack.folder}")
    terminal.line(f"open: {data / 'evidence.html'}")
    terminal.line(f"for the auditor: the pack; its document is {data / 'evidence.pdf'}")
    terminal.line("findings: " + ", ".join(f"{counts[s]} {s}" for s in WORST_FIRST if counts[s]))
    if sums:
        text = "; ".join(f"{roll_up['control']} {made_by(roll_up['observed'])}" for roll_up in sums)
        terminal.line(f"roll-ups, which sum up findings and are not counted: {text}")
    terminal.line(f"findings digest: {pack.digest}")
    for waiver in pack.unused_waivers:
        terminal.line(f"waiver: {waiver}")
    for stop in stops:
        terminal.line(f"collection stopped: {stop}")
    for text in (off or {}).values():
        terminal.line(f"region: {text}")
    terminal.line("next:")
    for command, why in _next_steps(leaves, pack, file):
        terminal.line(f"  {command}  # {why}")


def _next_steps(
    findings: Sequence[Mapping[str, Any]], pack: Any, file: Path | None
) -> Iterator[tuple[str, str]]:
    """Yield the commands that help most after a pack was made, and why."""
    from kit.bag import info_of
    from kit.catalogue.statuses import NOT_EVIDENCED

    evidence = terminal.typed()
    if pack.gravest_fail:
        yield f"{evidence} controls {pack.gravest_fail}", "the gravest fail, and how to correct it"
    if any(f["status"] == NOT_EVIDENCED and f["permission"] for f in findings):
        yield f"{evidence} doctor {file or ''}".rstrip(), "the permissions that were missing"
    yield (
        f"{evidence} verify {shlex.quote(str(pack.folder))}",
        "whether the pack is what it states, as an auditor checks it",
    )
    account = pack.folder.parent.parent
    if pack.folder.name != "pack" or not re.fullmatch("[0-9]{12}", account.name):
        return  # it was sealed elsewhere, beside no other of its account
    infos = sorted(map(info_of, account.glob("*/pack")), key=lambda i: i.get("Evidence-As-Of", ""))
    keys = [info.get("Pseudonym-Key") for info in infos[-2:]]  # of what `compare` compares
    comparable = len(keys) == 2 and keys[0] == keys[1]
    when = "since the pack before" if comparable else "once there is a later pack of the same key"
    yield f"{evidence} compare {shlex.quote(str(account))}", f"what changed, {when}"


def _print_json(value: Any) -> None:
    terminal.page(as_json(value))


def _name_leftovers(*folders: Path, **how: int) -> None:
    """Name what interrupted runs left, once the command has made what it is for."""
    from kit.leftovers import notice

    line = notice(folders, **how)
    if line:
        terminal.line(f"evidence: {line}", err=True)


def _print_overview(made: Any, table: str) -> None:
    terminal.line(f"pack: {made.folder}")
    if not made.is_new:
        terminal.line("it was made already: the same packs give the same files")
    for name in ("evidence.pdf", "evidence.html", table):
        terminal.line(f"  {made.folder / 'data' / name}")


def _open_key(**signing: Any) -> Any:
    if not any(signing.values()):
        return None
    from kit.bounds import describe_exposed
    from kit.pack.keys import open_signing_key

    opened = open_signing_key(**signing, passphrase=_passphrase)
    if signing["key"] and (exposed := describe_exposed(signing["key"], "--key")):
        terminal.line(f"key: {exposed}", err=True)
    return opened


def _passphrase() -> str | None:
    """From the environment, where no later kernel can read it, or from the terminal."""
    import getpass

    from kit.warm.environment import PASSPHRASE

    given = os.environ.pop(PASSPHRASE, None)
    return given or (getpass.getpass("Passphrase of the key: ") if sys.stdin.isatty() else None)


def _read_run(parameters: Path | None, given: Mapping[str, Any] | None = None) -> Any:
    """Return the run of a file, or of what the command line gives; None where neither is there."""
    from kit.inputs import Where, is_missing, nearest
    from kit.parameters import parameters as validate

    stated = {name: value for name, value in (given or {}).items() if value}
    if parameters and stated:
        raise UserError(
            f"{', '.join(stated)}: {parameters} states the account; give a file or options, not both"
        )
    if stated:
        return validate(stated, Where("the command line"))
    if not parameters:
        return None
    try:
        return validate(parameters)
    except UserError as error:
        if is_missing(parameters) and not nearest(parameters):
            error.add_note(f"{terminal.typed()} init {shlex.quote(str(parameters))} writes one")
        raise


def _calls(run: Any) -> Any:
    from kit.judge import calls_of, needed_calls

    return calls_of(run) if run else needed_calls([])
