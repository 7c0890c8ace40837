"""The log of a run: what happened, a JSON object a line, without anybody's or anything's name.

It lies in the run's folder beside the snapshot, never in a pack. Each line is on the disk's way as
soon as it is written, so that the log of a killed process ends where the process did. A message
keeps only the words of the kit's own vocabulary (`masked`): what AWS, a library or a person chose
does not pass. Libraries log nothing here: botocore's own log holds credentials.
"""

from __future__ import annotations

import builtins
import datetime as dt
import errno
import fcntl
import json
import logging
import os
import re
import stat
import sys
import sysconfig
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from kit import errors, terminal
from kit.outputs import make_parents

NAME = "log.jsonl"
HIDDEN = "…"
_LOGGER = logging.getLogger("kit")
_LOGGER.addHandler(logging.NullHandler())  # else Python writes warnings to standard error
_MOST_PLACES = 12  # of an exception's traceback, the innermost


def event(name: str, level: int = logging.INFO, /, **facts: Any) -> None:
    """Log an event of the running command; nothing outside of one.

    Parameters
    ----------
    name : str
        What happened: "request", "regions" ...
    level : int
        As in `logging`.
    **facts
        Numbers, and texts that the kit or AWS's interfaces define. Free text goes through `masked`
        or `code` first.
    """
    if _LOGGER.isEnabledFor(level):
        _LOGGER.log(level, name, extra={"facts": facts})


def failure(error: BaseException, **facts: Any) -> None:
    """Log an exception that ends the work, and each exception that led to it."""
    event("failed", logging.ERROR, **facts, exceptions=_described(error))


def carry(error: BaseException, other: BaseException) -> None:
    """Let an exception that goes to another process carry what the log states of an exception."""
    with suppress(AttributeError):
        other._described = _described(error)  # type: ignore[attr-defined]


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Log when a phase begins, and when it ends."""
    began = time.monotonic()
    event("phase began", phase=name)
    yield
    event("phase ended", phase=name, seconds=round(time.monotonic() - began, 3))


@contextmanager
def command(
    name: str,
    *,
    verbose: bool = False,
    code_of: Callable[[BaseException], int | None] = lambda _: None,
    **facts: Any,
) -> Iterator[None]:
    """Log a command, from its start to how it ended: its events wait until `keep` names their folder.

    Parameters
    ----------
    name : str
    verbose : bool
        Whether people read the events on standard error, too.
    code_of : function of exception
        Return the exit code that an exception leads to.
    **facts
        Of the start.
    """
    waiting = _Waiting()
    handlers: list[logging.Handler] = [waiting, *([_ForPeople()] if verbose else [])]
    for handler in handlers:
        _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False
    event("started", command=name, **facts, **environment())
    try:
        yield
    except SystemExit as ending:
        event("ended", exit_code=ending.code)
        raise
    except BaseException as error:
        failure(error, exit_code=code_of(error))
        raise
    else:
        event("ended")
    finally:
        _LOGGER.setLevel(logging.NOTSET)
        _LOGGER.propagate = True
        for handler in handlers:
            _LOGGER.removeHandler(handler)
            handler.close()


def keep(folder: Path) -> None:
    """Write the running command's log to a folder, after what other commands logged there.

    Parameters
    ----------
    folder : Path
        Of the run. Where it cannot be written the command goes on without a log.
    """
    for handler in _LOGGER.handlers:
        if isinstance(handler, _Waiting):
            handler.write_to(folder / NAME)


def go_on(path: Path) -> None:
    """Go on with the log that a fork of this command has begun, which has the events before it."""
    for handler in _LOGGER.handlers:
        if isinstance(handler, _Waiting):
            handler.go_on(path)


def kept() -> Path | None:
    """Return the running command's log; None while there is none."""
    paths = (h.path for h in _LOGGER.handlers if isinstance(h, _Waiting))
    return next(paths, None)


class _Lines(logging.Formatter):
    def __init__(self) -> None:
        super().__init__()
        self._process = os.getpid()  # of the command, whose forks log for it

    def format(self, record: logging.LogRecord) -> str:
        at = dt.datetime.fromtimestamp(record.created, dt.UTC)
        line = {
            "time": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "event": record.getMessage(),
            **record.__dict__["facts"],
        }
        return json.dumps(line, ensure_ascii=False)


class _Waiting(logging.Handler):
    """Holds events until their file is known, then writes each at once."""

    path: Path | None = None

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(_Lines())
        self._lines: list[str] = []
        self._file: int | None = None

    def write_to(self, path: Path) -> None:
        self.acquire()
        try:
            if self._file is None:
                self._file, self.path = _open(path), path
                for line in self._lines:
                    self._write(line)
                self._lines.clear()
        except OSError:
            event("no log", logging.WARNING)
        finally:
            self.release()

    def go_on(self, path: Path) -> None:
        if self._file is None:
            self._lines.clear()
            self.write_to(path)

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        if self._file is None:
            self._lines.append(line)
        else:
            self._write(line)

    def _write(self, line: str) -> None:
        with suppress(OSError):  # the disk is full: the command itself reports that
            os.write(self._file, f"{line}\n".encode())  # type: ignore[arg-type]

    def close(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                os.fsync(self._file)
            os.close(self._file)
            self._file = None
        super().close()


class _ForPeople(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        at = dt.datetime.fromtimestamp(record.created, dt.UTC)
        facts = " ".join(
            f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
            for name, value in record.__dict__["facts"].items()
            if value not in (None, "", [])
        )
        terminal.line(f"{at:%H:%M:%S}  {record.getMessage()}  {facts}".rstrip(), err=True)


def _open(path: Path) -> int:
    """Open a file to add lines to; no link is followed, and nothing else than a file is opened.

    A lock that commands share keeps `kit.leftovers` from removing the log while one of them runs.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    while True:
        make_parents(path)
        file = os.open(path, flags, 0o600)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))
        with suppress(OSError):  # a file system without locks: nothing is removed there
            fcntl.flock(file, fcntl.LOCK_SH)
        if os.fstat(file).st_nlink:
            return file
        os.close(file)  # `evidence clean` was first


def begins_a_log(content: bytes) -> bool:
    """Whether a content begins as the kit's logs do."""
    try:
        first = json.loads(content.partition(b"\n")[0])
    except ValueError:
        return False
    return isinstance(first, dict) and first.get("event") == "started" and "command" in first


# --- what may be read ---------------------------------------------------------------------------


def code(text: str | None) -> str | None:
    """Return an error code or a request id as it came; hidden where AWS writes no such."""
    known = text is None or text in _OTHER_CODES or text in _vocabulary()
    return text if known or _CODE.fullmatch(text or "") else HIDDEN


# A number of HTTP, a code by its ending, a UUID, and what S3 writes in place of that.
_CODE = re.compile(
    r"[1-5][0-9]{2}|[A-Z][A-Za-z0-9]{0,60}(?:Exception|Error|Fault|Failure)"
    r"|(?:Invalid|Missing|Malformed|Unsupported)[A-Za-z.]{1,60}"
    r"|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|(?=[A-Z]*[0-9])[0-9A-Z]{16}"
)


# Codes with other endings: Common Errors of the API references, and those by which botocore retries.
_OTHER_CODES = frozenset(
    [
        "AccessDenied",
        "AllAccessDisabled",
        "AuthFailure",
        "AuthorizationHeaderMalformed",
        "BadRequest",
        "BandwidthLimitExceeded",
        "DryRunOperation",
        "ExpiredToken",
        "Forbidden",
        "IncompleteSignature",
        "MethodNotAllowed",
        "NoSuchBucket",
        "NoSuchBucketPolicy",
        "NoSuchCORSConfiguration",
        "NoSuchEntity",
        "NoSuchLifecycleConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        "NoSuchTagSet",
        "NotAuthorized",
        "NotFound",
        "NotImplemented",
        "OperationAborted",
        "OptInRequired",
        "PermanentRedirect",
        "PriorRequestNotComplete",
        "RequestExpired",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeTooSkewed",
        "RequestTimeout",
        "ServiceUnavailable",
        "SignatureDoesNotMatch",
        "SlowDown",
        "Throttled",
        "Throttling",
        "UnauthorizedOperation",
        "UnsupportedOperation",
    ]
)


def kind(error: BaseException) -> str:
    """Return the name of an exception's class; hidden where somebody else than a library chose it."""
    package = type(error).__module__.partition(".")[0]
    known = package in sys.stdlib_module_names or package in _LIBRARIES
    return type(error).__name__ if known else HIDDEN


def kind_named(name: str) -> str:
    """Return the name of an exception's class that a kernel reported, if it is a known one."""
    known = name in _vocabulary() or isinstance(getattr(builtins, name, None), type)
    return name if known or name in vars(errors) else HIDDEN


_LIBRARIES = frozenset(
    {
        *("kit", "botocore", "boto3", "urllib3", "certifi", "click", "pydantic", "pydantic_core"),
        *("yaml", "jinja2", "typst", "pikepdf", "pyhanko", "pyhanko_certvalidator", "asn1crypto"),
        *(
            "papermill",
            "nbformat",
            "nbclient",
            "jupyter_client",
            "zmq",
            "pandas",
            "pyarrow",
            "numpy",
        ),
        *("cryptography", "matplotlib", "mistune", "jsonschema"),
    }
)


def masked(text: str) -> str:
    """Return a message without what somebody chose: ``User … is not authorized to perform …``.

    Words of the kit's texts, AWS's services, operations, regions and error codes, exceptions' names
    and short numbers remain; all else becomes an ellipsis, and so does everything in quotes.
    """
    unquoted = _QUOTED.sub(HIDDEN, _DIALLED.sub(HIDDEN, text))
    return _HIDDEN.sub(HIDDEN, " ".join(map(_kept, unquoted.split())))


_QUOTED = re.compile(r"""(?<!\w)'[^']*'|"[^"]*"|`[^`]*`|“[^”]*”""")
_HIDDEN = re.compile(rf"{HIDDEN}(?:[^\w]*{HIDDEN})+")
_AROUND = re.compile(r"([(\[{]*)(.*?)([)\]}.,;:!?]*)", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]+(?:['-][a-z]+)*")
_NUMBER = re.compile(r"(0|[1-9]\d{0,4})(\.\d{1,3})?%?")
_DIALLED = re.compile(r"[+0-9]\d*(?:[ ()/-]{1,2}\d+)+")  # groups of digits, such as a telephone's
# What AWS and the system write of errors, beyond the words of the kit's own texts.
_WORDS = """
    abort aborted action authorized assume because been bytes cannot closed connect connection
    contains corrupt could couldn't credential denies descriptor disk does doesn't elapsed empty
    endpoint exceeded exist exists expired expire explicit failed file format full generic id
    identity-based implicit included incomplete incorrect invalid internal kernel larger later left
    lock longer malformed match memory missing mount must network notebook offset open out outside
    parse perform permitted permissions quota read reach reached ready refused reset resolve retry
    retries resource-based sealed security service-control-policy session sign signature signed signing slow
    system terminated timed timeout token too try unable unauthorized unavailable unexpected
    unrecognized unknown unreachable unreadable url valid validate waited written wrong yet your
    Access Could Failed Rate The Unable Connect Connection Read Name SSL TLS HTTP HTTPS STS IAM MFA
    GiB KiB MiB UTC ulimit
"""


def _kept(word: str) -> str:
    before, core, after = _AROUND.fullmatch(word).groups()  # type: ignore[union-attr]
    if not core or core == HIDDEN or _is_known(core):
        return word
    return f"{before}{HIDDEN}{after}"


def _is_known(word: str) -> bool:
    if _NUMBER.fullmatch(word) or word in _vocabulary():
        return True
    service, colon, operation = word.partition(":")
    return bool(colon) and {service, operation} <= _vocabulary()


@cache
def _vocabulary() -> frozenset[str]:
    """Return the words that a message keeps."""
    from importlib.resources import files

    import botocore.exceptions

    from kit.calls import CALLS
    from kit.parameters import Run
    from kit.redact import readable
    from kit.snapshot import CODES

    texts = (files("kit.catalogue.texts") / "en.yaml").read_text("utf-8")
    actions = {call.action for call in CALLS.values() if call.action}
    return (
        frozenset(_WORD.findall(texts))
        | {*_WORDS.split(), *CODES, *Run.model_fields}
        | {name for name in vars(botocore.exceptions) if name[0].isupper()}
        | {call.operation for call in CALLS.values()}
        | {part for action in actions for part in action.split(":")}
        | {"sts", "AssumeRole", "AssumeRoleWithWebIdentity", "GetCallerIdentity", "TagSession"}
        | readable.services()
        | readable.regions()
    )


# --- exceptions ---------------------------------------------------------------------------------


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and those that it was raised from, the last first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _described(error: BaseException) -> list[Mapping[str, Any]]:
    carried: list[Mapping[str, Any]] | None = getattr(error, "_described", None)
    return carried or [_described_alone(cause) for cause in _causes(error)]


def _described_alone(error: BaseException) -> Mapping[str, Any]:
    number = error.errno if isinstance(error, OSError) else None
    return {
        "type": kind(error),
        "message": masked(str(error)),
        **({"errno": errno.errorcode.get(number, number)} if number is not None else {}),
        "places": places(error),
    }


def places(error: BaseException) -> list[str]:
    """Return where in the code an exception was raised, the innermost place last."""
    frames = traceback.extract_tb(error.__traceback__)[-_MOST_PLACES:]
    return [f"{_module(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]


def places_in(text: str) -> list[str]:
    """Return the places in the code that IPython's text of a traceback names."""
    plain = _COLOUR.sub("", text)
    found = [
        f"{_module(os.path.expanduser(file))}:{line} {name}"
        for file, line, name in _FRAME.findall(plain)
    ]
    return found[-_MOST_PLACES:]


_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_FRAME = re.compile(r"^File (.+?):(\d+), in (\w+)", re.MULTILINE)


def _module(file: str) -> str:
    """Return a file of the kit, a library or Python itself; other folders have people's names."""
    path, kit = Path(file), Path(__file__).parent
    if path.is_relative_to(kit):
        return path.relative_to(kit.parent).as_posix()
    for folder in map(sysconfig.get_path, ("purelib", "platlib", "stdlib")):
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    return HIDDEN


_VARIABLE = re.compile(
    "(?:AWS|EVIDENCE)_[A-Z0-9_]{1,60}|(?:HTTPS?|NO)_PROXY|REQUESTS_CA_BUNDLE", re.ASCII
)


def environment() -> dict[str, Any]:
    """Return what of this process affects a run: versions, and names of variables that are set."""
    from importlib.metadata import version

    return {
        "kit": version("appstream-evidence-kit"),
        "botocore": version("botocore"),
        "python": sys.version.split()[0],
        "system": sys.platform,
        "variables": sorted(n for n in os.environ if _VARIABLE.fullmatch(n.upper())),
    }
