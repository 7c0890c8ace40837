"""Labels of resources and persons, made with a key that never leaves the analyst's machine."""

from __future__ import annotations

import base64
import errno
import hashlib
import hmac
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kit.bounds import LABEL_KEY, describe_exposed, read_file
from kit.errors import CannotRunError, UserError
from kit.outputs import write_file
from kit.parameters import Run

_KEY = 32  # bytes
_CLEAR = "clear-"  # before the fingerprint of a key that made no label
_CODE = 10  # letters and digits of base32: 50 bits
_CODES = re.compile(rf"-([a-z2-7]{{{_CODE}}})")


@dataclass(frozen=True)
class Named:
    """What a label identifies: the kind of thing, its identity, and its name."""

    kind: str
    identity: str
    name: str


class Labels:
    """Keyed, stable labels: the same thing has the same label in every pack of a controller.

    Parameters
    ----------
    key : bytes
        The controller's key.
    clear : bool
        Show names in clear (the analyst's choice, stated on every page).

    Attributes
    ----------
    made : dict of str to Named
        Every label made so far, and what it identifies. It stays with the analyst.

    Notes
    -----
    A label is pseudonymous in the sense of Article 4(5): only a person with the key and the
    snapshot can resolve it.
    """

    def __init__(self, key: bytes, *, clear: bool = False):
        self._key = key
        self._clear = clear
        self.made: dict[str, Named] = {}

    @property
    def fingerprint(self) -> str:
        """The key's identifier, which does not disclose the key; 16 hex digits.

        It differs where names are in clear: those are not the labels that the key makes.
        """
        code = self._mac("fingerprint", "")[:8].hex()
        return f"{_CLEAR}{code}" if self._clear else code

    def label(self, kind: str, identity: str, name: str | None = None) -> str:
        """Return the label of a thing.

        Parameters
        ----------
        kind : str
            The noun at the start of the label: fleet, stack, user ...
        identity : str
            ARN or another unique id.
        name : str, optional
            The name to show where names are in clear; by default the identity.
        """
        if self._clear:
            return name or identity
        code = base64.b32encode(self._mac(kind, identity)[:_CODE]).decode().lower()[:_CODE]
        label = f"{kind.replace(' ', '-')}-{code}"
        self.made.setdefault(label, Named(kind, identity, name or ""))
        return label

    def copy(self) -> Labels:
        """Return labels with the same key, to which others can be added apart."""
        copied = Labels(self._key, clear=self._clear)
        copied.made = dict(self.made)
        return copied

    def within(self, text: str) -> list[str]:
        """Return the labels made so far that a text contains, whatever text surrounds them.

        The code at a label's end identifies it: the letters before a code do not show where the
        label begins.
        """
        by_code = {label[-_CODE:]: label for label in self.made}
        ends = ((by_code.get(code[1]), code.end()) for code in _CODES.finditer(text))
        return [label for label, end in ends if label and text.endswith(label, 0, end)]

    def _mac(self, kind: str, identity: str) -> bytes:
        return hmac.digest(self._key, f"{kind}\0{identity}".encode(), hashlib.sha256)


def key_path(run: Run) -> Path:
    """Return the path of the controller's key: named in the run, else in the home folder."""
    if run.pseudonym_key:
        return Path(run.pseudonym_key).expanduser()
    name = hashlib.sha256(run.controller.encode()).hexdigest()[:12] if run.controller else "default"
    return key_folder() / f"{name}.pseudonym-key"


def key_folder() -> Path:
    """Return the folder of the keys that the kit makes."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return home / "appstream-evidence-kit"


def describe_key(run: Run) -> str:
    """Return who else can read the key, or what a key that the kit is about to make means.

    Empty where the controller's key is there for its owner alone, or where no controller has a key
    yet. A controller spelt in another way is another controller, and a path mistyped is another key.
    """
    path = key_path(run)
    if os.path.exists(path):
        return describe_exposed(path, "pseudonym_key")
    if run.pseudonym_key:
        return (
            f"pseudonym_key: {path} does not exist, so that the run makes a new key there; packs with "
            "labels of another key cannot be compared. If the controller has a key, name its file"
        )
    others = [*key_folder().glob("*.pseudonym-key")]
    if not others:
        return ""
    keys = f"{len(others)} other {'key' if len(others) == 1 else 'keys'}"
    whose = f"controller {run.controller!r}" if run.controller else "runs without a controller"
    return (
        f"a new key for {whose}, beside {keys} in {key_folder()}; "
        "packs with labels of another key cannot be compared. If an earlier run spelt the "
        "controller in another way, write it as there"
    )


def open_labels(run: Run, fingerprint: str = "") -> Labels:
    """Open the controller's key; create it the first time.

    Parameters
    ----------
    run : Run
    fingerprint : str
        Fingerprint of the key of a stored snapshot's labels; another key is then refused.

    Raises
    ------
    UserError
        The key is missing, is too short, or is not the snapshot's.
    CannotRunError
        The key cannot be read or created.
    """
    path = key_path(run)
    try:
        if not os.path.exists(path) and not fingerprint:
            _make_key(path)
        key = bytes.fromhex(read_file(path, LABEL_KEY).decode())
    except ValueError:
        key = b""
    except OSError as error:
        if fingerprint and isinstance(error, FileNotFoundError):
            raise UserError(
                f"pseudonym_key: {path} does not exist; this snapshot's labels were made with the key "
                f"{fingerprint}; restore that key, or labels would not match earlier packs"
            ) from None
        if error.errno != errno.EFBIG:
            raise CannotRunError(
                f"pseudonym_key: {path} cannot be used ({error.strerror or error})"
            ) from None
        key = b""
    if len(key) < _KEY:  # who guesses it can make the labels of names, and so find them
        raise UserError(
            f"pseudonym_key: {path} holds no key that keeps names secret; accepted: {2 * _KEY} to "
            f"{LABEL_KEY:,} hexadecimal digits, as `openssl rand -hex {_KEY}` prints"
        )
    labels = Labels(key, clear=not run.pseudonymise)
    # Earlier snapshots of names in clear have the key's fingerprint alone.
    if fingerprint and fingerprint not in (
        labels.fingerprint,
        labels.fingerprint.removeprefix(_CLEAR),
    ):
        raise UserError(
            f"pseudonym_key: {path} is the key {labels.fingerprint}; this snapshot's labels were "
            f"made with the key {fingerprint}; put that key back at this path, or collect the "
            f"account again, which uses the key {labels.fingerprint}"
        )
    return labels


def _make_key(path: Path) -> None:
    """Write a new key whole or not at all: several workers may create it at the same moment."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = secrets.token_hex(_KEY).encode()
    with suppress(FileExistsError):
        write_file(path, key, mode=0o600, replace=False, name="pseudonym_key")
