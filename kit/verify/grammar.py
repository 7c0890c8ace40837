"""Which elements the kit's pages have, inside which others, with which attributes.

The style hides a link before the page and, in print, its frame. A page in which any element may
lie anywhere could hide the true findings there, and show others. So each element has its places.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from kit.pack.prose import WEB

_CLASSES = {
    **dict.fromkeys(("a.skip", "div.scroll", "dl.facts", "dl.parts", "table.data"), ""),
    **dict.fromkeys(("p.running", "p.stamp", "p.subtitle", "p.empty", "p.verdict", "p.step"), ""),
    **dict.fromkeys(("section.cover", "section.commands", "article.block", "ul.articles"), ""),
    **dict.fromkeys(("section.own", "p.own-mark"), ""),
    **dict.fromkeys(("span.page-mark", "span.label", "span.id", "span.who", "span.counts"), ""),
    "span.shape": "",
    "p.note": " (?:info|warning)",
    "span.mark": " [a-z-]+(?P<chip> chip)?",
}
_OF_CLASS = {
    kind: re.compile(re.escape(kind.partition(".")[2]) + more) for kind, more in _CLASSES.items()
}
_LEVEL = re.compile("level-[1-4]")
_CELL = re.compile(r"[a-z]+(?: w\d)?")

_HEADINGS = ("h2", "h3", "h4", "h5", "h6")
_FLOW = ("main", "section.own", "li", "blockquote")  # where prose may lie
_TEXT = {
    *("a", "a.skip", "strong", "em", "code", "q", "li", "li.level", "dt", "dd", "th", "td", "time"),
    *("caption", "figcaption", "h1", *_HEADINGS, "p", "span", "title"),
    *(kind for kind in _CLASSES if kind.startswith(("p.", "span."))),
    "span.chip",
}
_INLINE = _TEXT - {"title", "a.skip", "code", "time", "span.shape", "span.mark", "span.chip"}
_PLACES: dict[str, frozenset[str]] = {
    kind: frozenset(places)
    for kinds, places in (
        (("html",), ("",)),
        (("head", "body"), ("html",)),
        (("meta", "title", "style"), ("head",)),
        (("a.skip", "header", "nav", "main", "footer", "script"), ("body",)),
        (("p.running", "p.stamp"), ("header",)),
        (("span",), ("p.running",)),
        (("span.page-mark",), ("p.stamp",)),
        (("ul.nav",), ("nav",)),
        (("li.level",), ("ul.nav",)),
        (("h1", "p.subtitle"), ("section.cover",)),
        (("h2",), ("nav", "main", "section.own", "article.block")),
        (_HEADINGS[1:], ("main", "section.own", "article.block")),
        (("section.cover", "dl.facts", "section.commands", "section.own"), ("main",)),
        (("article.block",), ("main", "section.own")),
        (("p.note", "figure"), ("main", "section.own")),
        (("p.own-mark",), ("section.own",)),
        (("ul", "ol", "blockquote", "hr"), _FLOW),
        (("p",), (*_FLOW, "section.commands", "footer")),
        (("pre",), (*_FLOW, "section.commands")),
        (("li",), ("ul", "ol", "ul.articles")),
        (("ul.articles", "q"), ("dd",)),
        (("dl.parts", "p.verdict"), ("article.block",)),
        (("div",), ("dl.facts", "dl.parts")),
        (("dt", "dd"), ("div",)),
        (("p.empty",), ("main", "section.own", "article.block")),
        (("p.step",), ("section.commands",)),
        (("img", "figcaption"), ("figure",)),
        (("div.scroll",), (*_FLOW, "article.block")),
        (("table", "table.data"), ("div.scroll",)),
        (("caption",), ("table.data",)),
        (("thead", "tbody"), ("table", "table.data")),
        (("tr",), ("thead", "tbody")),
        (("th", "td"), ("tr",)),
        (("time",), ("th", "td")),
        (("span.label",), ("caption", "figcaption")),
        (("span.chip", "span.who", "span.counts"), ("p.verdict",)),
        (("span.mark",), ("p.verdict", "th", "td")),
        (("span.shape",), ("span.mark", "span.chip")),
        (("span.id",), _HEADINGS),
        (("strong", "em", "a", "br"), _INLINE),
        (("code",), {*_INLINE, "pre"}),
        (("wbr",), {*_INLINE, "code"}),
    )
    for kind in kinds
}
ONCE = (
    *("html", "head", "title", "style", "body", "header", "nav", "main", "footer", "script"),
    *("a.skip", "section.cover", "h1", "dl.facts", "ul.nav", "p.running"),
)
_ID = re.compile(r"\S{1,300}")
_ANY = re.compile(r"(?s).*")
# Spaces before an address, and line breaks in it, are nothing to a browser.
_LINK = re.compile(rf"#[A-Za-z0-9_.-]+|{WEB.pattern}|(?!/)[^:\\\s]*")
_PICTURE = re.compile(r"data:image/svg\+xml;base64,[A-Za-z0-9+/=]*")
_ATTRIBUTES: Mapping[str, Mapping[str, re.Pattern[str]]] = {
    "html": {"lang": _ANY},
    "body": {"data-words": _ANY},
    "a.skip": {"href": re.compile("#main")},
    "nav": {"aria-label": _ANY},
    "main": {"id": re.compile("main"), "tabindex": re.compile("-1")},
    "section.cover": {"aria-label": _ANY},
    "section.own": {"aria-label": _ANY},
    "section.commands": {"id": _ID, "aria-label": _ANY},
    "article.block": {"aria-labelledby": _ID},
    **{
        kind: {"id": _ID}
        for kind in (*_HEADINGS, "tr", "p.empty", "figure", "caption", "table.data")
    },
    "div.scroll": {
        "role": re.compile("region"),
        "tabindex": re.compile("0"),
        "aria-labelledby": _ID,
    },
    "th": {"scope": re.compile("col|row"), "data-kind": re.compile("[a-z]+")},
    "a": {"href": _LINK, "rel": re.compile("noreferrer noopener")},
    "img": {"src": _PICTURE, "alt": _ANY},
    "ol": {"start": re.compile("[0-9]{1,9}")},
    "pre": {"tabindex": re.compile("0")},
    "time": {"datetime": _ANY},
    "span.shape": {"aria-hidden": re.compile("true")},
}
# What a browser takes from these decides how it reads all that follows.
META = (
    {"charset": "utf-8"},
    {"http-equiv": "Content-Security-Policy"},
    {"name": "viewport", "content": "width=device-width, initial-scale=1"},
    {"name": "color-scheme", "content": "light dark"},
    {"name": "referrer", "content": "no-referrer"},
)


def kind_of_element(name: str, attributes: Mapping[str, str], parent: str) -> str:
    """Return an element's name, with its class where that makes it another kind of element.

    Parameters
    ----------
    name : str
    attributes : mapping of str to str
    parent : str
        The kind of the element around it; empty for none.

    Raises
    ------
    ValueError
        The kit's pages have no such element, or none there, or none with such an attribute.
    """
    kind, of_class = name, attributes.get("class")
    if of_class is not None:
        kind = _of_class(name, of_class)
    elif name == "ul" and parent == "nav":
        kind = "ul.nav"
    if parent not in _PLACES.get(kind, ()):
        raise ValueError(f"an element {kind or name} in {parent or 'no element'}")
    allowed = _ATTRIBUTES.get(kind, {})
    for key, value in attributes.items():
        if name == "meta" or key == "class":
            continue
        if key not in allowed:
            raise ValueError(f"an attribute {key} of {kind}")
        if not allowed[key].fullmatch(value):
            what = {"href": "a link to", "src": "a picture from"}.get(key, f"{key} of {kind},")
            raise ValueError(f"{what} {value[:120]!r}")
    return kind


def meta_number(attributes: Mapping[str, str]) -> int:
    """Return which of the page's `meta` elements this is; the policy's content is not compared.

    Raises
    ------
    ValueError
        It is none of them.
    """
    stated = dict(attributes)
    if "http-equiv" in stated:
        stated.pop("content", None)
    if stated not in META:
        raise ValueError(f"a meta {' '.join(attributes.values())[:120]!r}")
    return META.index(stated)


def holds_text(kind: str) -> bool:
    """Whether a kind of element may have text of its own."""
    return kind in _TEXT


def _of_class(name: str, of_class: str) -> str:
    if name in ("th", "td") and _CELL.fullmatch(of_class):
        return name
    if name == "li" and _LEVEL.fullmatch(of_class):
        return "li.level"
    for kind, pattern in _OF_CLASS.items():
        match = pattern.fullmatch(of_class) if kind.startswith(f"{name}.") else None
        if match:
            return "span.chip" if match.groupdict().get("chip") else kind
    raise ValueError(f"an element {name} of class {of_class[:120]!r}")
