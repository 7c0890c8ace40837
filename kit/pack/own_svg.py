"""Pictures that somebody else drew, as SVG that does nothing but draw."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Iterator, Mapping
from xml.etree import ElementTree

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_ELEMENTS = {
    *("svg", "g", "defs", "path", "use", "clipPath", "rect", "circle", "ellipse", "line"),
    *("polyline", "polygon", "text", "tspan", "title", "desc", "style", "image", "symbol"),
    *("linearGradient", "radialGradient", "stop", "pattern", "marker", "mask"),
}
_LEFT_OUT = {f"{{{_SVG}}}metadata"}
_WORDS = {"text", "tspan", "title", "desc"}
_ATTRIBUTES = {
    *("cx", "cy", "d", "dx", "dy", "fx", "fy", "height", "id", "offset", "orient", "points", "r"),
    *("preserveAspectRatio", "refX", "refY", "rx", "ry", "style", "transform", "type", "version"),
    *("viewBox", "width", "x", "x1", "x2", "y", "y1", "y2", "clipPathUnits", "gradientTransform"),
    *("gradientUnits", "markerHeight", "markerUnits", "markerWidth", "maskUnits", "rotate"),
    *("patternContentUnits", "patternTransform", "patternUnits", "spreadMethod", "textLength"),
    *("clip-path", "clip-rule", "color", "dominant-baseline", "fill", "fill-opacity", "fill-rule"),
    *("font-family", "font-size", "font-style", "font-weight", "marker-end", "marker-mid"),
    *("marker-start", "mask", "opacity", "stop-color", "stop-opacity", "stroke", "stroke-width"),
    *("stroke-dasharray", "stroke-dashoffset", "stroke-linecap", "stroke-linejoin", "text-anchor"),
    *("stroke-miterlimit", "stroke-opacity"),
}
_WORD = re.compile("[A-Za-z]{3}")
_NUMBER = re.compile(r"(?<![\w-])[-+]?[\d.]+(?:px|pt|em|%)?(?![\w-])")
_TRANSFORM = re.compile(
    r"(?:[\s,]*(?:translate|scale|rotate|matrix|skewX|skewY)\s*\([\d\s.,eE+-]*\))*\s*"
)
_HREFS = ("href", f"{{{_XLINK}}}href")
_INSIDE = re.compile(r"#[\w.:-]+|data:image/png;base64,[A-Za-z0-9+/=\s]*")
_REFERENCE = re.compile(r"url\(\s*['\"]?#([^'\")\s]*)['\"]?\s*\)")
_COMMENT = re.compile(r"/\*.*?(?:\*/|$)", re.DOTALL)
_PLAIN_VALUE = re.compile(r"[\w\s.,:;#%()+/'\"-]*")
_FOR_ALL = re.compile(r"(?:\s*\*\s*\{[\w\s.,:;#%-]*\})*\s*")  # what matplotlib writes as a style
_LOADS = re.compile(r"url\(\s*['\"]?(?!#)|@import|expression|javascript:", re.IGNORECASE)
_LONGEST = 8_000_000  # characters of a picture
_MOST_DEEP, _MOST_USES = 50, 8  # elements within each other, and uses of elements that use others
_MOST_DRAWN = 200_000  # elements and blocks of pixels, each as often as it is drawn
_BLOCK = 125  # pixels; 5,000 by 5,000 of them are a picture's most
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
ElementTree.register_namespace("", _SVG)
ElementTree.register_namespace("xlink", _XLINK)


def plain_svg(svg: str, shown: Callable[[str], str]) -> str:
    """Return a picture with each of its texts as a pack shows it.

    Ids have new names; what only names or describes parts of the picture is left out.

    Parameters
    ----------
    svg : str
    shown : callable
        Returns a text as a pack shows it.

    Raises
    ------
    ValueError
        It is not SVG, or has an element or an address that does more than draw, or draws too much.
    """
    if len(svg) > _LONGEST:
        raise ValueError(f"a figure of {len(svg):,} characters; accepted: {_LONGEST:,}")
    if "<!ENTITY" in svg:
        raise ValueError("a figure with entities of its own")
    root = _parsed(svg)
    for element in root.iter():
        for child in [child for child in element if child.tag in _LEFT_OUT]:
            element.remove(child)
    ids: dict[str, str] = {}
    for element in root.iter():
        _check(element)
        if "id" in element.attrib:
            ids.setdefault(element.attrib["id"], f"i{len(ids) + 1}")
    _check_size(root)
    for element in root.iter():
        _make_plain(element, ids, shown)
    return ElementTree.tostring(root, encoding="unicode")


def _parsed(svg: str) -> ElementTree.Element:
    deep = most = 0
    try:
        events = ElementTree.iterparse(io.StringIO(svg), ("start", "end"))
        for event, last in events:  # noqa: B007 - read below
            deep += 1 if event == "start" else -1
            most = max(most, deep)
    except ElementTree.ParseError as error:
        raise ValueError(f"a figure that is not SVG ({error})") from None
    if most > _MOST_DEEP:
        raise ValueError(f"a figure of elements {most} deep; accepted: {_MOST_DEEP}")
    root: ElementTree.Element = last  # it begins first, and ends last
    return root


def _check(element: ElementTree.Element) -> None:
    space, _, name = element.tag.rpartition("}")
    if space != f"{{{_SVG}" or name not in _ELEMENTS:
        raise ValueError(f"a figure with an element {name[:60]!r}")
    for key, value in element.attrib.items():
        if key in _HREFS and not _INSIDE.fullmatch(value):
            raise ValueError(f"a figure with a link to {value[:60]!r}")
        if key.lower().startswith("on") or _LOADS.search(value):
            raise ValueError(f"a figure with {key}={value[:60]!r}")
    if name == "style" and not _FOR_ALL.fullmatch(_COMMENT.sub("", element.text or "")):
        raise ValueError("a figure with a style that is not for all its elements")


def _check_size(root: ElementTree.Element) -> None:
    """Raise a `ValueError` for a picture that takes more to draw than any honest picture."""
    by_id: dict[str, ElementTree.Element] = {}
    for element in root.iter():
        by_id.setdefault(element.get("id", ""), element)
    drawn: dict[ElementTree.Element, int] = {}

    def count(element: ElementTree.Element, above: tuple[str, ...]) -> int:
        if element not in drawn:
            total = 1 + sum(count(child, above) for child in element) + _pixels(element) // _BLOCK
            for target in _targets(element):
                if target in above or len(above) >= _MOST_USES:
                    raise ValueError(f"a figure with uses more than {_MOST_USES} deep")
                if target in by_id:
                    total += count(by_id[target], (*above, target))
            drawn[element] = total
        if drawn[element] > _MOST_DRAWN:
            most = f"{_MOST_DRAWN:,} elements or {_MOST_DRAWN * _BLOCK:,} pixels"
            raise ValueError(f"a figure that draws more than {most}, repeated ones counted")
        return drawn[element]

    count(root, ())


def _targets(element: ElementTree.Element) -> Iterator[str]:
    """Yield the ids that an element refers to; what it refers to is drawn with it."""
    for key, value in element.items():
        if key in _HREFS and value.startswith("#"):
            yield value[1:]
        else:
            yield from _REFERENCE.findall(value)


def _pixels(element: ElementTree.Element) -> int:
    """Return how many pixels the PNG of an element has by its header; 0 without one."""
    address = next((element.get(key, "") for key in _HREFS if key in element.attrib), "#")
    if address.startswith("#"):
        return 0
    try:
        head = base64.b64decode("".join(address.partition(",")[2][:80].split())[:32])
    except ValueError:
        head = b""
    if not head.startswith(_PNG) or len(head) < 24:
        raise ValueError("a figure with a picture that is not PNG")
    return int.from_bytes(head[16:20], "big") * int.from_bytes(head[20:24], "big")


def _make_plain(
    element: ElementTree.Element, ids: Mapping[str, str], shown: Callable[[str], str]
) -> None:
    for key, value in list(element.items()):
        if key in _HREFS:
            if value.startswith("#") and value[1:] not in ids:
                del element.attrib[key]
            elif value.startswith("#"):
                element.set(key, f"#{ids[value[1:]]}")
            continue
        plain = ids[value] if key == "id" else _COMMENT.sub("", value)
        plain = _REFERENCE.sub(lambda match: _renamed(match[1], ids), plain)
        if key not in _ATTRIBUTES or not (key == "id" or _is_plain(key, plain, shown)):
            del element.attrib[key]
        elif plain != value:
            element.set(key, plain)
    name = element.tag.rpartition("}")[2]
    if name == "style":
        element.text = _COMMENT.sub("", element.text or "")
    elif element.text and element.text.strip():
        element.text = shown(element.text) if name in _WORDS else None
    if element.tail and element.tail.strip():
        element.tail = shown(element.tail)


def _is_plain(key: str, value: str, shown: Callable[[str], str]) -> bool:
    """Return whether an attribute has numbers, or words in which a pack shows nothing otherwise."""
    if key == "transform":
        return bool(_TRANSFORM.fullmatch(value))
    if not _WORD.search(value):
        return True
    words = _NUMBER.sub("0", value)  # the digits of two numbers may look like a telephone's
    return bool(_PLAIN_VALUE.fullmatch(value)) and shown(words) == words


def _renamed(id: str, ids: Mapping[str, str]) -> str:
    return f"url(#{ids[id]})" if id in ids else "none"
