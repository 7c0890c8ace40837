"""Pictures that somebody else drew, as SVG that does nothing but draw."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_ELEMENTS = {
    *("svg", "g", "defs", "path", "use", "clipPath", "rect", "circle", "ellipse", "line"),
    *("polyline", "polygon", "text", "tspan", "title", "desc", "style", "image", "symbol"),
    *("linearGradient", "radialGradient", "stop", "pattern", "marker", "mask"),
}
_LEFT_OUT = {f"{{{_SVG}}}metadata"}
_WORDS = {"text", "tspan", "title", "desc"}
_HREFS = ("href", f"{{{_XLINK}}}href")
_INSIDE = re.compile(r"#[\w.:-]+|data:image/png;base64,[A-Za-z0-9+/=\s]*")
_LOADS = re.compile(r"url\(\s*['\"]?(?!#)|@import|expression|javascript:", re.IGNORECASE)
_LONGEST = 8_000_000  # characters of a picture
ElementTree.register_namespace("", _SVG)
ElementTree.register_namespace("xlink", _XLINK)


def plain_svg(svg: str, shown: Callable[[str], str]) -> str:
    """Return a picture with each of its texts as a pack shows it.

    Parameters
    ----------
    svg : str
    shown : callable
        Returns a text as a pack shows it.

    Raises
    ------
    ValueError
        It is not SVG, or has an element or an address that does more than draw.
    """
    if len(svg) > _LONGEST:
        raise ValueError(f"a figure of {len(svg):,} characters; accepted: {_LONGEST:,}")
    if "<!ENTITY" in svg:
        raise ValueError("a figure with entities of its own")
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise ValueError(f"a figure that is not SVG ({error})") from None
    for element in root.iter():
        for child in [child for child in element if child.tag in _LEFT_OUT]:
            element.remove(child)
    for element in root.iter():
        _check(element)
        if element.tag.rpartition("}")[2] in _WORDS and element.text:
            element.text = shown(element.text)
        if element.tail and element.tail.strip():
            element.tail = shown(element.tail)
    return ElementTree.tostring(root, encoding="unicode")


def _check(element: ElementTree.Element) -> None:
    space, _, name = element.tag.rpartition("}")
    if space != f"{{{_SVG}" or name not in _ELEMENTS:
        raise ValueError(f"a figure with an element {name[:60]!r}")
    for key, value in element.attrib.items():
        if key in _HREFS and not _INSIDE.fullmatch(value):
            raise ValueError(f"a figure with a link to {value[:60]!r}")
        if key.lower().startswith("on") or _LOADS.search(value):
            raise ValueError(f"a figure with {key}={value[:60]!r}")
    if name == "style" and _LOADS.search(element.text or ""):
        raise ValueError("a figure whose style loads something")
