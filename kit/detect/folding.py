"""Folds text to what its reader sees, and keeps the place of each character in the original."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Literal
from urllib.parse import unquote

Edit = tuple[int, int, str]  # start, end, replacement
Fold = Literal["nothing", "disguises", "percent"]

# Characters that print nothing: soft hyphens, joiners, directions, variation selectors, tags.
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
)
_ASCII = "3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]"  # a letter or digit, in hexadecimal
_DISGUISE = re.compile(
    rf"(?P<invisible>[{INVISIBLE}]+|\\{{1,7}}u(?i:00ad|200[b-f]|202[a-e]|206[0-9]|feff))"
    rf"|%(?:{_ASCII})|\\{{1,7}}u(?P<code>00(?:{_ASCII})|00[a-fA-F][\da-fA-F]|0[1-9a-fA-F][\da-fA-F]{{2}}"
    r"|[1-9a-cA-CefEF][\da-fA-F]{3})"
    r"|&(?P<entity>lt|gt|quot|apos|#3[49]);|(?P<marked>[^\W\d_][\u0300-\u036f]+)"
    r"|(?P<doubled>(?<=[=:,\s({\[])\"\"(?=[^\s,;:})\]\"])|(?<=[^\s=:,({\[\"\\])\"\"(?=[\"\s,;:/>)}\]]|$))"
    r"|(?P<escape>(?<=[A-Za-z/-])[\^`](?=[A-Za-z]))"
    "|[\uff01-\uff5e\ufe50-\ufe6b\U0001d400-\U0001d7ff\u2460-\u24ff]"
)
# Of what is percent-encoded, ASCII's signs, ends of lines, and letters of other scripts in UTF-8.
_PERCENT = re.compile(
    "%(?:0[9ADad]|2[0-9A-Fa-f]|3[A-Fa-f]|[46]0|5[B-Fb-f]|7[B-Eb-e])"
    "|(?:%[C-Fc-f][0-9A-Fa-f](?:%[89ABab][0-9A-Fa-f]){1,3})+"
)
_INVISIBLE = re.compile(f"[{INVISIBLE}]")
# Quotes become apostrophes: a JSON document around them has quotes of its own.
_ENTITIES = {"lt": "<", "gt": ">"}
# Letters of other scripts that print as a letter of ASCII (https://www.unicode.org/reports/tr39).
_PAIRS = (
    "аa сc еe һh іi јj ӏl ԛq оo рp ԁd ѕs ԝw хx уy АA ВB СC ЕE НH ІI ЈJ КK МM ОO РP ЅS ТT ХX УY "  # noqa: RUF001
    "ԌG ԜW αa γy ιi κk νv οo ρp υu χx ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX ıi ɑa ɡg ɩi ʏY "  # noqa: RUF001
    "ϲc ϳj"  # noqa: RUF001
)
_PLAIN = str.maketrans({pair[0]: pair[1] for pair in _PAIRS.split()})
_WORD = re.compile(r"\w+")


class Folded:
    """A text, and the same text as detectors read it.

    Parameters
    ----------
    text : str
    fold : {"nothing", "disguises", "percent"}
        What the view replaces: nothing, disguises, or what is percent-encoded and disguises.

    Attributes
    ----------
    text : str
        The original, with the edits so far.
    view : str
        The text without disguises, with the same edits. Invisible characters are left out.
        Full-width and mathematical letters, letters of other scripts within a word of ASCII, and
        percent-encoded, escaped or decomposed letters are replaced by the plain letter. Escapes of
        cmd (``^``) and PowerShell before a letter are left out. Quotes that are doubled within
        quotes, or encoded, become an apostrophe.
    """

    def __init__(self, text: str, fold: Fold):
        self.text = text
        self.view, self._places = _fold(text, fold)

    def apply(self, edits: Iterable[Edit]) -> None:
        """Replace spans of the view, and the part of the text that each span shows.

        Parameters
        ----------
        edits : iterable of (int, int, str)
            In the order of the text, without overlap.
        """
        edits = list(edits)
        if not edits:
            return
        old = self._places
        if not old:
            self.text = self.view = _replace(self.view, edits)
            return
        self.text = _replace(self.text, [(old[start], old[end], new) for start, end, new in edits])
        self.view = _replace(self.view, edits)
        places: list[int] = []
        done = shift = 0
        for start, end, new in edits:
            places += (place + shift for place in old[done:start])
            at = old[start] + shift
            places += range(at, at + len(new))
            shift += len(new) - (old[end] - old[start])
            done = end
        self._places = [*places, *(place + shift for place in old[done:])]


def _replace(text: str, edits: Iterable[Edit]) -> str:
    parts: list[str] = []
    done = 0
    for start, end, new in edits:
        parts += (text[done:start], new)
        done = end
    return "".join((*parts, text[done:]))


_HINTS = ("%", "&", "\\u", '""', "^", "`")  # of which each disguise in ASCII holds one


def folds(text: str) -> tuple[Fold, ...]:
    """Return the ways of folding that may show more of a text than it shows itself."""
    if text.isascii() and not any(hint in text for hint in _HINTS):
        return ()
    return ("disguises", "percent") if "%" in text and _PERCENT.search(text) else ("disguises",)


def _fold(text: str, fold: Fold) -> tuple[str, list[int]]:
    """Return the view and the place in the text of each of its characters; no places if equal."""
    if fold == "nothing":
        return text, []
    if fold == "disguises":
        return _replaced(text, _DISGUISE)
    decoded, outer = _replaced(text, _PERCENT)
    view, inner = _replaced(decoded, _DISGUISE)
    return view, [outer[place] for place in inner] if outer and inner else outer or inner


def _replaced(text: str, disguise: re.Pattern[str]) -> tuple[str, list[int]]:
    parts: list[str] = []
    places: list[int] = []
    done = 0
    for match in disguise.finditer(text):
        plain = _plain(match)
        parts += (text[done : match.start()], plain)
        places += (*range(done, match.start()), *(match.start() for _ in plain))
        done = match.end()
    view = "".join((*parts, text[done:]))
    if not view.isascii():
        view = _WORD.sub(_unmix, view)
    return (view, []) if view == text else (view, [*places, *range(done, len(text) + 1)])


def _plain(match: re.Match[str]) -> str:
    if match[0][0] == "%":
        return unquote(match[0]).replace('"', "'")
    if match["invisible"] or match["escape"]:  # cmd and PowerShell pass the next letter on
        return ""
    if match["code"]:
        letter = chr(int(match["code"], 16))
        return "" if _INVISIBLE.fullmatch(letter) else unicodedata.normalize("NFKC", letter)
    if match["entity"]:
        return _ENTITIES.get(match["entity"], "'")
    if match["marked"]:
        return unicodedata.normalize("NFC", match[0])
    if match["doubled"]:
        return "'"
    return unicodedata.normalize("NFKC", match[0])


def _unmix(match: re.Match[str]) -> str:
    """Return a word in ASCII if letters of other scripts stand among letters of ASCII in it."""
    if match[0].isascii():
        return match[0]
    plain = match[0].translate(_PLAIN)
    return plain if plain.isascii() and re.search("[A-Za-z]", match[0]) else match[0]
