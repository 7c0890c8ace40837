"""The cells of a workbook (Office Open XML, ECMA-376) that a person filled in.

The kit reads it as a pack from a stranger: nothing is unpacked to disk, nothing is followed, no
more is read than `kit.bounds` admits, and XML with a document type is refused.
"""

from __future__ import annotations

import io
import itertools
import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from xml.parsers import expat

from kit import bounds

if TYPE_CHECKING:
    from kit.verify.contents import Contents

_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")  # ECMA-376-1, 22.9.2.19
_CELL = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_LIST = "xl/workbook.xml"  # of its sheets
_INDEX = re.compile("[0-9]{1,9}")
_SHOWN = 20  # characters of a place or a number in a message
_MOST_CELL = 32_767  # characters, as spreadsheets have it
_PIECE = 1 << 16

Row = dict[str, "Cell"]


class Cell(str):
    """The text of a cell, and what it was made of.

    Attributes
    ----------
    number : bool
        The spreadsheet holds a number, such as a day.
    formula : bool
        A formula gave it.
    """

    number = False
    formula = False


class Workbook:
    """A workbook.

    Parameters
    ----------
    content : bytes

    Raises
    ------
    ValueError
        It is not a workbook, or holds more than one that people fill in.
    """

    def __init__(self, content: bytes):
        from kit.verify.contents import open_zip
        from kit.verify.refused import RefusedError

        try:
            self._file: Contents = open_zip(zipfile.ZipFile(io.BytesIO(content)))
        except RefusedError as error:
            raise ValueError(f"{error.name} {error.message}") from None
        except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
            raise ValueError(f"is not a workbook ({error})") from None
        if sum(self._file.sizes.values()) > bounds.FOLLOW_UP_UNPACKED:
            raise ValueError(f"unpacks to more than {bounds.FOLLOW_UP_UNPACKED:,} bytes")
        self.from_1904 = False
        self._places: dict[str, str] = {}
        self._shared: list[str] | None = None
        self._read_list()

    @property
    def sheets(self) -> list[str]:
        """The names of the sheets, in their order."""
        return list(self._places)

    def properties(self) -> dict[str, str]:
        """Return the custom properties of the document, by name."""
        made: dict[str, str] = {}
        value = ""
        for tag, attributes, text in self._elements("docProps/custom.xml", {"property", "lpwstr"}):
            if tag == "property":  # its value came before it
                made[attributes.get("name", "")], value = value, ""
            else:
                value = _decoded(text)
        return made

    def rows(self, sheet: str) -> Iterator[tuple[int, Row]]:
        """Yield number and cells, by the letters of their columns, of each row of a sheet.

        Raises
        ------
        ValueError
            The sheet is not as a spreadsheet writes it, or is larger than one that people fill in.
        """
        number, row, parts = 0, Row(), dict[str, str]()
        where = f"sheet {sheet!r}"
        for tag, attributes, text in self._elements(
            self._places[sheet], {"row", "c", "v", "t", "f"}
        ):
            if tag == "row":
                if row:
                    yield number, row
                number, row = number + 1, Row()
                if number > bounds.FOLLOW_UP_ROWS:
                    raise ValueError(f"{where} has more than {bounds.FOLLOW_UP_ROWS:,} rows")
            elif tag == "c":  # its parts came before it
                at = attributes.get("r", "")
                place = _CELL.fullmatch(at)
                if not place:
                    raise ValueError(
                        f"{where}, row {number}: a cell has the place {at[:_SHOWN]!r}; accepted: a column and "
                        "a row, such as B4"
                    )
                if int(place[2]) < number or (row and int(place[2]) > number) or place[1] in row:
                    raise ValueError(
                        f"{where}, row {number}: the cell {at} stands twice, or in another row; accepted: "
                        "each cell once, in the order of the rows"
                    )
                number = int(place[2])
                row[place[1]] = self._cell(f"{where}, cell {at}", attributes.get("t", "n"), parts)
                parts = {}
            else:
                parts[tag] = parts.get(tag, "") + text
                if len(parts[tag]) > _MOST_CELL * 7:  # each character written as an escape
                    raise ValueError(
                        f"{where}, row {number}: a cell has more than {_MOST_CELL:,} characters"
                    )
        if row:
            yield number, row

    def _cell(self, where: str, kind: str, parts: Mapping[str, str]) -> Cell:
        value = parts.get("v", "")
        if kind == "s" and value:
            texts = self._texts()
            if not _INDEX.fullmatch(value) or int(value) >= len(texts):
                raise ValueError(
                    f"{where} names the shared text {value[:_SHOWN]!r}; accepted: the number of one of the "
                    f"workbook's {len(texts):,} shared texts, from 0"
                )
            cell = Cell(texts[int(value)])
        elif kind == "inlineStr":
            cell = Cell(_decoded(parts.get("t", "")))
        else:
            cell = Cell(_decoded(value))
            cell.number = kind == "n" and bool(value)
        cell.formula = "f" in parts
        return cell

    def _texts(self) -> list[str]:
        """Return the texts that cells share, read once."""
        if self._shared is None:
            self._shared = []
            parts: list[str] = []
            for tag, _, text in self._elements("xl/sharedStrings.xml", {"si", "t", "rPh"}):
                if tag == "t":
                    parts.append(text)
                elif tag == "rPh":  # how a text is pronounced: not a part of the text
                    del parts[-1:]
                else:
                    self._shared.append(_decoded("".join(parts)))
                    parts = []
        return self._shared

    def _read_list(self) -> None:
        if _LIST not in self._file.sizes:
            raise ValueError(f"is not a workbook: it has no {_LIST}")
        targets: dict[str, str] = {}
        for _, attributes, _ in self._elements("xl/_rels/workbook.xml.rels", {"Relationship"}):
            path = attributes.get("Target", "")
            joined = path.lstrip("/") if path.startswith("/") else posixpath.join("xl", path)
            targets[attributes.get("Id", "")] = posixpath.normpath(joined)
        for tag, attributes, _ in self._elements(_LIST, {"sheet", "workbookPr"}):
            if tag == "workbookPr":
                self.from_1904 = attributes.get("date1904", "0") in ("1", "true")
            elif (place := targets.get(attributes.get("id", ""), "")) in self._file.sizes:
                self._places[attributes.get("name", "")] = place
        if not self._places:
            raise ValueError("is not a workbook: it lists no sheet")

    def _elements(self, name: str, wanted: set[str]) -> Iterator[tuple[str, dict[str, str], str]]:
        """Yield tag, attributes and own text of elements, each as it ends; ``row`` as it begins."""
        from kit.verify.contents import UnreadableError

        if name not in self._file.sizes:
            return
        found: list[tuple[str, dict[str, str], str]] = []
        within: list[tuple[str, dict[str, str], list[str]]] = []
        begun = itertools.count(1)

        def start(tag: str, attributes: dict[str, str]) -> None:
            if len(within) >= bounds.MOST_DEEP:
                raise ValueError(f"{name} has elements nested too deep")
            if next(begun) > bounds.FOLLOW_UP_ELEMENTS:
                raise ValueError(f"{name} has more than {bounds.FOLLOW_UP_ELEMENTS:,} elements")
            plain = {_local(key): value for key, value in attributes.items()}
            within.append((_local(tag), plain, []))
            if within[-1][0] == "row" and "row" in wanted:
                found.append(("row", plain, ""))

        def end(_: str) -> None:
            tag, attributes, texts = within.pop()
            if tag in wanted and tag != "row":
                found.append((tag, attributes, "".join(texts)))

        def text(data: str) -> None:
            if within and within[-1][0] in wanted:
                within[-1][2].append(data)

        def refuse(*_: object) -> None:
            raise ValueError(f"{name} has a document type, which no workbook has")

        # A workbook is UTF-8 whatever it declares: Python raises a LookupError for unknown names.
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, refuse
        try:
            content = self._file.read(name)
            for at in range(0, len(content), _PIECE):
                parser.Parse(content[at : at + _PIECE], False)
                yield from found
                found.clear()
            parser.Parse(b"", True)
            yield from found
        except UnreadableError as error:
            raise ValueError(f"{name} {error}") from None
        except expat.ExpatError as error:
            raise ValueError(f"{name} is not XML ({error})") from None


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _decoded(text: str) -> str:
    """Return a text with characters that a workbook writes as escapes."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
