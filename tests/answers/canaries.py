"""Canaries: texts that are unlike all others, planted in answers and looked for in what is made.

One names a person, another is a secret around the same number. The number tells which member of
which answer it was planted in.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
import subprocess
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

import pikepdf
import pyarrow.parquet as pq

from kit.redact.readable import is_readable
from tests.answers.changes import applied, places, replaced, successes
from tests.answers.playback import Account, Answer
from tests.answers.shapes import Node, instead

_NAME = re.compile(r"zq(\d{4})qz", re.IGNORECASE)
_SECRET = re.compile(r"zs(\d{4})sz", re.IGNORECASE)
_ARN = re.compile(r"(arn:aws[a-z-]*:[^:]*:[^:]*:[^:]*:(?:.*[/:])?)([^/:]+)", re.DOTALL)
_JOINED = re.compile(r"[A-Za-z0-9._@-]+")


def name(number: int) -> str:
    """Somebody's name and address, which also may stand in an ARN or be a bucket's name."""
    return f"zq{number:04}qz.doe@example.org"


def secret(number: int) -> str:
    """Secrets of one kind after the other, as people paste them."""
    core = f"Zs{number:04}sZ"
    kinds = (
        f"https://jane:{core}p@db.example.org/x",
        f"https://example.org/x?api_key={core}4a7d9e1f2b3c",
        f"password={core}!9xQ",
        f"AKIA{core.upper():7<16} {core + 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY12':.40}",
        f"-----BEGIN RSA PRIVATE KEY-----\nMIIEow{core}IBAAKCAQEA75\n-----END RSA PRIVATE KEY-----",
        f"Authorization: Bearer {core}abcdefghij0123456789",
        f"IQoJb3JpZ2luX2VjE{core}{'Aa0' * 20}",
        f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIi{core}.SflKxwRJSMeKKF2QT4fwpMeJf36",
        f"ghp_{core}abcdefghijklmnopqrstuvwxyz0123",
        f"mysql -u root -p{core}!",
        f"net use Z: \\\\files\\cad {core} /user:svc",
        f"curl -u jane:{core} https://example.org",
        f'<add key="Password" value="{core}"/>',
        f"https://hooks.slack.com/services/T01EXAMPLE/B02EXAMPLE/{core}abcdefghijkl",
        f"Login: kiosk / {core}-7",
        f"pass\u200bword={core}!9",
        f'"name":"DB_PASSWORD","value":"{core}"',
    )
    return kinds[number % len(kinds)]


class Planted:
    """An account whose answers have canaries in their texts.

    Parameters
    ----------
    account : Account
    joined : bool
        Whether the same text has the same canary wherever it stands, so that names still lead to
        what they name, and what AWS alone makes up stays. Otherwise every member has its own, with
        a secret beside it.
    write : function of int, optional
        What is planted instead of canaries, by number.

    Attributes
    ----------
    account : Account
        The account, planted.
    members : dict of int to set of str
        In which members each canary stands, such as ``s3.ListBuckets Buckets[].Name``.
    """

    def __init__(
        self, account: Account, *, joined: bool, write: Callable[[int], str] | None = None
    ):
        self._joined, self._write = joined, write
        self._numbers: dict[str, int] = {}
        self.members: dict[int, set[str]] = defaultdict(set)
        self._renamed: dict[str, str] = {}
        changes = [replaced(one, self._body(one)) for one in successes(account)]
        planted = applied(account, *changes)
        errors = (self._error(one) for one in account.answers.values() if one.status >= 300)
        self.account = planted.but(*errors, renamed=self._renamed)

    def _body(self, answer: Answer) -> dict[str, Any]:
        body = answer.body
        for place in places(answer):
            if place.shape.type_name in ("string", "blob") and place.value:
                body = instead(body, place.path, self._planted(answer, place))
        if answer.call.name == "account.ListRegions":  # without regions nothing would be asked
            body = {"Regions": [*answer.body["Regions"], *body["Regions"][:1]]}
        return body

    def _planted(self, answer: Answer, place: Node) -> Any:
        member = f"{answer.call.name} {_reported(place.path)}"
        if isinstance(place.value, bytes):
            return self._table(member, place.value.decode()).encode()
        if self._joined and getattr(place.shape, "enum", None):
            return place.value
        return self._text(member, place.value)

    def _error(self, answer: Answer) -> Answer:
        error = answer.body["Error"]
        message = self._own(f"{answer.call.name} Error.Message", error.get("Message", ""))
        return replace(answer, body={**answer.body, "Error": {**error, "Message": message}})

    def _text(self, member: str, text: str) -> str:
        for before, after in ((str, str), (unquote, quote)):
            try:
                document = json.loads(before(text))
            except ValueError:
                continue
            if isinstance(document, dict | list):
                return after(json.dumps(self._inside(f"{member}|", document)))
        found = _ARN.fullmatch(text)
        if found:
            made = found[1] + self._own(member, found[2], within=True)
        else:
            made = self._own(member, text)
        self._renamed[made] = text
        return made

    def _inside(self, member: str, value: Any) -> Any:
        """A document with canaries in its texts; its grammar stays."""
        if isinstance(value, dict):
            return {k: self._inside(f"{member}.{k}", item) for k, item in value.items()}
        if isinstance(value, list):
            return [self._inside(f"{member}[]", item) for item in value]
        keeps = re.search(r"\.(Version|Effect|Service|(Not)?Action)(\[\])?$", member)
        return self._text(member, value) if isinstance(value, str) and not keeps else value

    def _table(self, member: str, text: str) -> str:
        header, *lines = csv.reader(io.StringIO(text))
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for line in lines:
            cells = zip(header, line, strict=True)
            writer.writerow([self._text(f"{member}|{column}", cell) for column, cell in cells])
        return file.getvalue()

    def _own(self, member: str, text: str, *, within: bool = False) -> str:
        last = re.split(r"[.\[\]|]+", member.rstrip("[]|"))[-1]
        made_up = is_readable(last, text)
        if self._joined and (not text or made_up):
            return text
        key = text if self._joined else member
        number = self._numbers.setdefault(key, len(self._numbers))
        self.members[number].add(member)
        if self._write:
            return self._write(number)
        if within or (self._joined and _JOINED.fullmatch(text)):
            return name(number)
        about = f"{name(number)} of Zq{number:04}qz Doe"
        return about if self._joined else f"{about} {secret(number)}"


def _reported(path: tuple[str | int, ...]) -> str:
    return "".join("[]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


# --- where canaries are looked for ----------------------------------------------------------------


def names_in(text: str) -> set[int]:
    """Numbers of the names in a text."""
    return {int(found) for found in _NAME.findall(text)}


def secrets_in(text: str) -> set[int]:
    """Numbers of the secrets in a text."""
    return {int(found) for found in _SECRET.findall(text)}


def texts(files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """Yield everything that can be read in files, compressed parts unpacked, by what it is."""
    for path, content in files.items():
        yield path, path
        for reported, part in _parts(path, content):
            text = part.decode("utf-8", "replace")
            yield reported, text
            yield (
                reported,
                re.sub(r"<[^>]*>|[\s\u00ad\u200b]", "", html.unescape(text)),
            )  # broken in lines


def _parts(path: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    yield path, content
    if content.startswith(b"%PDF"):
        yield from _parts_of_pdf(path, content)
    elif path.endswith(".xlsx"):
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            for member in file.namelist():
                yield f"{path}: {member}", file.read(member)
    elif path.endswith(".parquet"):
        table = pq.read_table(io.BytesIO(content))
        yield path, f"{table.to_pylist()} {table.schema}".encode()
    elif content[:2] == b"\x1f\x8b":
        yield path, zlib.decompress(content, wbits=47)


def _parts_of_pdf(path: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    objects: list[bytes] = []
    with pikepdf.open(io.BytesIO(content)) as file:
        for item in file.objects:
            if isinstance(item, pikepdf.Stream):
                yield f"{path}: stream", item.read_bytes()
            objects.append(item.unparse(resolved=True))
            if isinstance(item, pikepdf.Dictionary):
                held = [part for _, part in item.items() if isinstance(part, pikepdf.String)]
                objects.append(" ".join(map(str, held)).encode("utf-8", "replace"))
    yield f"{path}: objects", b"\n".join(objects)
    said = subprocess.run(["pdftotext", "-", "-"], input=content, capture_output=True, check=True)
    yield f"{path}: text", said.stdout
