"""Free text that analysts write or compute, shown by the rules of a pack.

An answer is redacted by the shape that AWS gives it (`kit.redact.redactor`). A cell of an analyst's
table or a sentence has no shape. So the kit looks for what it knows: names of the snapshot, secrets,
and data that identify a person.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from weakref import WeakKeyDictionary, WeakSet

from kit.detect.identifiers import Detectors
from kit.detect.secrets import mask_secrets
from kit.detect.tokens import KINDS
from kit.redact.redactor import Redactor
from kit.snapshot import Snapshot
from kit.tables import tabulate
from kit.tables.metadata import detectors_of

_TEXTS = ("text", "message")  # kinds of labels for texts that name no thing
# Characters of a name within another text: of any name, of a plain word, of a tag or other text.
_SHORTEST, _SHORTEST_WORD, _SHORTEST_TEXT = 3, 5, 8
_MASK = re.compile(rf"⟦secret: (?:{'|'.join(KINDS)})⟧")  # a fleet may be called "secret"
_HOME = re.compile(
    r"(/home/|/Users/|\b[A-Za-z]:\\+Users\\+)[^\\/\s\"'`:;,)\]}>]+(?: [^\\/\s\"']+(?=\\))?"
)
_LONG_NUMBER = 10**6
_REMEMBERED, _MOST = 256, 16_384  # characters of a text, and texts, that are looked at only once

opened: WeakSet[Snapshot] = WeakSet()
"""The snapshots that this process opened to explore or to seal."""


class FreeText:
    """Replaces names of a snapshot by labels, and masks secrets, home folders and identifying data.

    Parameters
    ----------
    snapshot : Snapshot, optional
        Without it only secrets, home folders and identifying data are masked.

    Notes
    -----
    A name of fewer than three characters is replaced only where it is the whole text. The same holds
    for a plain word of fewer than five letters that names no person, and for a tag or another text
    of fewer than eight characters: "all" may be the name of a trail. A name within a longer word
    stays. Case, kinds of white space and of hyphens, and what cannot be seen make no difference.
    """

    def __init__(self, snapshot: Snapshot | None = None):
        self._detectors = detectors_of(snapshot.run) if snapshot else Detectors()
        self._hides_names = snapshot is None or snapshot.run.pseudonymise
        self._labels: dict[str, str] = {}  # by folded name; a label stays as it is
        self._lengths: dict[str, list[int]] = {}  # of names within texts, by their beginnings
        self._remembered: dict[str, str] = {}
        if snapshot and snapshot.run.pseudonymise:
            self._learn(snapshot)

    def __call__(self, text: str) -> str:
        """Return a text as a pack may show it."""
        if (seen := self._remembered.get(text)) is not None:
            return seen
        shown = self._shown(text)
        if len(text) <= _REMEMBERED and len(self._remembered) < _MOST:
            self._remembered[text] = shown
        return shown

    def _shown(self, text: str) -> str:
        masked = mask_secrets(text)
        folded, places = _folded(masked)
        if label := self._labels.get(folded.strip()):
            return label
        labelled = "".join(self._labelled(masked, folded, places))
        if self._hides_names:
            labelled = _HOME.sub(r"\1…", labelled)
        return self._detectors.masked(labelled)

    def _learn(self, snapshot: Snapshot) -> None:
        redact = Redactor(snapshot, tabulate(snapshot).labels)
        for request in snapshot.evidence:
            redact(request)
        lengths: dict[str, set[int]] = {}

        def learn(name: str, label: str, shortest: int) -> None:
            folded = _folded(name)[0].strip()
            if not folded:
                return
            self._labels.setdefault(folded, label)
            if len(folded) >= shortest:
                lengths.setdefault(folded[:_SHORTEST], set()).add(len(folded))

        for label in redact.labels.made:
            learn(label, label, _SHORTEST)
        for label, named in redact.labels.made.items():
            for name in {named.identity, named.identity.rpartition("/")[2], named.name}:
                person = name in redact.persons
                learn(name, label, _SHORTEST if person else _shortest(named.kind, name))
        self._lengths = {start: sorted(some, reverse=True) for start, some in lengths.items()}

    def _labelled(self, text: str, folded: str, places: list[int]) -> Iterator[str]:
        """Yield the parts of a text; a name that stands alone, the longest first, is a label."""
        done = at = 0
        # A label for the domain alone would leave the person before it.
        inside = {
            place for start, end in self._detectors.emails(text) for place in range(start + 1, end)
        }
        while at < len(folded):
            end = at + 1
            if (at and folded[at - 1].isalnum()) or places[at] in inside:
                pass
            elif folded[at] == "⟦" and (mask := _MASK.match(text, places[at])):
                while end < len(folded) and places[end] < mask.end():
                    end += 1
            elif length := self._name_at(folded, at):
                end = at + length
                yield text[done : places[at]]
                yield self._labels[folded[at:end]]
                done = places[end - 1] + 1
            at = end
        yield text[done:]

    def _name_at(self, folded: str, at: int) -> int:
        """Return the length of the longest name that stands alone at a place; 0 for none."""
        for length in self._lengths.get(folded[at : at + _SHORTEST], ()):
            name = folded[at : at + length]
            if name in self._labels and not folded[at + length : at + length + 1].isalnum():
                return length
        return 0


def _folded(text: str) -> tuple[str, list[int]]:
    """Return a text without differences that no reader sees as such, and each character's place."""
    folded: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for part in _fold(character):
            if part != " " or not folded or folded[-1] != " ":
                folded.append(part)
                places.append(place)
    return "".join(folded), places


@cache
def _fold(character: str) -> str:
    if unicodedata.category(character) == "Cf":
        return ""
    if unicodedata.category(character) == "Pd":
        return "-"
    parts = unicodedata.normalize("NFKD", character).casefold()
    return "".join(" " if part.isspace() else part for part in parts)


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


def shown_number(number: float, show: Callable[[str], str]) -> float | str:
    """Return a number, or the text that a pack shows in its place: digits can identify a person.

    Parameters
    ----------
    number : float
    show : callable
        Returns a text as a pack may show it.
    """
    if not abs(number) >= _LONG_NUMBER or number != int(number):
        return number
    written = str(int(number))
    return number if (text := show(written)) == written else text
