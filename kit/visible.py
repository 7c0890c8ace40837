"""Characters that no reader can see, made visible: for terminals, logs, pages and workbooks."""

from __future__ import annotations

import json
import re
from typing import Any

# Control and format characters mean nothing to a reader and can reverse or hide
# what stands beside them. Joiners inside Arabic and Indic words are spelling.
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ue000-\uf8ff\ufeff\uffa0\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff\U000e0000-\U0010ffff]"
    "|(?<![\u0600-\u0dff])[\u200c\u200d]"
)
_BREAKS = str.maketrans({"\n": "⟨U+000A⟩", "\t": "⟨U+0009⟩"})


def escape(shown: str) -> str:
    """Show what cannot be seen: U+202E becomes `⟨U+202E⟩`. Line breaks and tabs remain."""
    if shown.isascii() and shown.isprintable():  # nearly every text, in a tenth of the time
        return shown
    shown = shown.replace("\r\n", "\n")
    return UNSEEN.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", shown)


def one_line(shown: str) -> str:
    """Return the text as a single line in which everything can be seen."""
    return escape(shown).translate(_BREAKS)


def unseen(text: str) -> str:
    """Return the first character that no reader can see, as U+202E; empty if there is none."""
    match = UNSEEN.search(text)
    return f"U+{ord(match[0]):04X}" if match else ""


def as_json(value: Any, indent: int | None = 2) -> str:
    """Return JSON in which everything can be seen, and that parses to the same value."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return UNSEEN.sub(lambda match: json.dumps(match[0])[1:-1], text)
