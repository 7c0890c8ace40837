"""Commands as lines of a page: what is copied from the page runs as the command does.

A reader of a PDF copies lines as they are printed. A line that the page breaks by itself, in a word
or behind a hyphen, is another command. So lines are broken here, at spaces, as a shell continues
them.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import NamedTuple

# A word of a POSIX shell, with what is quoted in it.
# https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02
_WORD = re.compile(r"""(?:[^\s'"\\]|\\.|'[^']*'|"(?:\\.|[^"\\])*")+""")
_INDENT, _END = "    ", " \\"


class Line(NamedTuple):
    """A line of code and the lines of the page that print it.

    Attributes
    ----------
    comment : bool
        Whether it explains the line below.
    text : str
        Lines of the page, with line feeds between them.
    """

    comment: bool
    text: str


def folded(code: str, across: int) -> list[Line]:
    """Return the lines of a shell's commands, each with so many columns at most where it can be.

    Words stay whole, and so do lines whose words depend on other lines: the rest of a quotation, a
    here-document, a line that is continued already.
    """
    lines = code.split("\n")
    alone = "<<" not in code and all(_is_comment(line) or _words(line) for line in lines if line)
    return [Line(_is_comment(line), "\n".join(_fold(line, across, alone))) for line in lines]


def columns(text: str) -> int:
    """Return the width of a line in a font of one width, in columns; some letters have two."""
    if text.isascii():
        return len(text)
    return len(text) + sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)


def _fold(line: str, across: int, alone: bool) -> list[str]:
    if columns(line) <= across or not alone:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    if _is_comment(line):
        start = f"{indent}# "
        return _filled(line.lstrip()[1:].split(), across, start, start, "")
    room = across - len(_END)
    continued = indent + _INDENT
    return _filled(_pairs(_words(line), room - len(continued)), room, indent, continued, _END)


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _words(line: str) -> list[str]:
    """Return the words of a command; none where a comment or an open quotation ends the line."""
    words = _WORD.findall(line)
    if _WORD.sub("", line).strip() or any(word.startswith("#") for word in words):
        return []
    return words


def _pairs(words: list[str], room: int) -> list[str]:
    """Return options with their values, where both fit into a line."""
    pairs = words[:1]
    for before, word in pairwise(words):
        pair = f"{pairs[-1]} {word}"
        value = before == pairs[-1] and before[0] == "-" != word[0]
        if value and columns(pair) <= room:
            pairs[-1] = pair
        else:
            pairs.append(word)
    return pairs


def _filled(words: list[str], across: int, first: str, later: str, end: str) -> list[str]:
    """Return words in lines as full as they can be."""
    lines = [first + words[0]]
    for word in words[1:]:
        longer = f"{lines[-1]} {word}"
        if columns(longer) <= across:
            lines[-1] = longer
        else:
            lines[-1] += end
            lines.append(later + word)
    return lines
