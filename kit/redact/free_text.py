"""Free text that analysts write or compute, shown by the rules of a pack.

An answer is redacted by the shape that AWS gives it (`kit.redact.redactor`). A cell of an analyst's
table or a sentence has no shape. So the kit looks for what it knows: names of the snapshot, secrets,
and data that identify a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from weakref import WeakKeyDictionary, WeakSet

from kit.detect.identifiers import Detectors
from kit.detect.secrets import mask_secrets
from kit.redact.redactor import Redactor
from kit.snapshot import Snapshot
from kit.tables import tabulate
from kit.tables.metadata import detectors_of

_TEXTS = ("text", "message")  # kinds of labels for texts that name no thing
# Characters of a name within another text: of any name, of a plain word, of a tag or other text.
_SHORTEST, _SHORTEST_WORD, _SHORTEST_TEXT = 3, 5, 8
# A label, or what stands for a secret: a fleet may be called "fleet".
_KEPT = re.compile(r"[a-z]+(?:-[a-z]+)*-[a-z2-7]{10}(?![^\W_])|⟦[^⟦⟧]{1,70}⟧")

opened: WeakSet[Snapshot] = WeakSet()
"""The snapshots that this process opened to explore or to seal."""


class FreeText:
    """Replaces names of a snapshot by labels, and masks secrets and identifying data.

    Parameters
    ----------
    snapshot : Snapshot, optional
        Without it only secrets and identifying data are masked.

    Notes
    -----
    A name of fewer than three characters is replaced only where it is the whole text. The same holds
    for a plain word of fewer than five letters that names no user, and for a tag or another text of
    fewer than eight characters: "all" may be the name of a trail.
    """

    def __init__(self, snapshot: Snapshot | None = None):
        self._detectors = detectors_of(snapshot.run) if snapshot else Detectors()
        self._labels: dict[str, str] = {}
        self._lengths: dict[str, list[int]] = {}  # of names within texts, by their beginnings
        if snapshot and snapshot.run.pseudonymise:
            self._learn(snapshot)

    def __call__(self, text: str) -> str:
        """Return a text as a pack may show it."""
        text = mask_secrets(text)
        return self._labels.get(text) or self._detectors.masked("".join(self._labelled(text)))

    def _learn(self, snapshot: Snapshot) -> None:
        redact = Redactor(snapshot, tabulate(snapshot).labels)
        for request in snapshot.evidence:
            redact(request)
        lengths: dict[str, set[int]] = {}
        for label, named in redact.labels.made.items():
            for name in {named.identity, named.identity.rpartition("/")[2], named.name} - {""}:
                self._labels.setdefault(name, label)
                if len(name) >= _shortest(named.kind, name):
                    lengths.setdefault(name[:_SHORTEST], set()).add(len(name))
        self._lengths = {start: sorted(some, reverse=True) for start, some in lengths.items()}

    def _labelled(self, text: str) -> Iterator[str]:
        """Yield the parts of a text; a name that stands alone, the longest first, is a label."""
        at = 0
        while at < len(text):
            end = at + 1
            if at and text[at - 1].isalnum():
                yield text[at]
            elif kept := _KEPT.match(text, at):
                yield kept[0]
                end = kept.end()
            elif name := self._name_at(text, at):
                yield self._labels[name]
                end = at + len(name)
            else:
                yield text[at]
            at = end

    def _name_at(self, text: str, at: int) -> str:
        for length in self._lengths.get(text[at : at + _SHORTEST], ()):
            name = text[at : at + length]
            if name in self._labels and not text[at + length : at + length + 1].isalnum():
                return name
        return ""


def _shortest(kind: str, name: str) -> int:
    if kind in _TEXTS:
        return _SHORTEST_TEXT
    return _SHORTEST_WORD if name.isalpha() and not kind.endswith("user") else _SHORTEST


_made: WeakKeyDictionary[Snapshot, FreeText] = WeakKeyDictionary()


def free_text_of(snapshot: Snapshot) -> FreeText:
    """Return what shows free text beside a snapshot; it is made once."""
    if snapshot not in _made:
        _made[snapshot] = FreeText(snapshot)
    return _made[snapshot]


def shown(text: str) -> str:
    """Return a text by the rules of every snapshot that this process opened."""
    for snapshot in opened:
        text = free_text_of(snapshot)(text)
    return text if opened else FreeText()(text)
