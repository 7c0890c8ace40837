"""OSCAL, OCSF and Parquet of a pack, made again from its own findings and compared.

What these need beyond the findings stands on the page, in the document's manifest of the snapshot
and in the index of evidence. The role under the GDPR stands in none of them as data: the kit tries
the roles that a run can declare until one gives all of these files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from kit.bag import Content, sha256
from kit.catalogue.statuses import exit_code
from kit.judge.digest import ROLL_UP, findings_digest
from kit.pack.blocks import ColumnBlock, CoverBlock, table_block
from kit.pack.by_control import by_control
from kit.pack.document import Document
from kit.pack.ocsf import ocsf
from kit.pack.oscal import oscal
from kit.pack.tabular import findings_csv, findings_parquet, states_provisions
from kit.parameters import Run
from kit.report.records import Facts, FindingsData
from kit.verify.checks import Check, failed, not_compared, passed
from kit.verify.contents import Contents, UnreadableError
from kit.verify.findings import is_earlier, read_findings, read_index
from kit.verify.kinds import CSV, OCSF, OCSF_LINES, OSCAL, OSCAL_BASIS, PARQUET, WORKBOOK
from kit.verify.maker import Maker
from kit.verify.page import Page
from kit.verify.reading import read_json

_ROLES: tuple[str, ...] = get_args(Run.model_fields["data_role"].annotation)
_UNLIKE = (LookupError, ValueError, TypeError, AttributeError, RecursionError, OverflowError)


def check_forms(
    contents: Contents, manifest: Mapping[str, Any], page: Page | None, maker: Maker
) -> Iterator[Check]:
    """Yield which forms of the findings for machines are not those that the kit makes of the CSV.

    Parameters
    ----------
    contents : Contents
    manifest : mapping
        The snapshot's manifest that is attached to the document.
    page : Page, optional
        The pack's page; None where the kit cannot read it, which is a failed check of the page's.
    maker : Maker
        Which kit made the pack.
    """
    if page is None or not manifest:
        for name in (OSCAL, *OSCAL_BASIS, OCSF, OCSF_LINES, PARQUET, WORKBOOK):
            if name in contents.sizes:
                yield not_compared(name, "it needs the page and the document, which failed")
        return
    made: dict[str, list[str]] = defaultdict(list)
    why = "another content"
    try:
        for document, data in _data(contents, manifest, page):
            for name, content in _forms(contents, document, data, manifest):
                if not _is_one_of(contents, name, made[name]):  # as another role gave it
                    made[name].append(sha256(content))
            if all(_is_one_of(contents, name, digests) for name, digests in made.items()):
                break
    except _UNLIKE as error:
        why = f"findings of which the kit makes none ({type(error).__name__}: {error})"
    for name in (OSCAL, *OSCAL_BASIS, OCSF, OCSF_LINES):
        if name in contents.sizes:
            yield _form(contents, name, made[name], maker, why)
    yield from _provisions(contents, made[CSV], maker)
    yield _form(contents, PARQUET, made[PARQUET], maker, why)
    if WORKBOOK in contents.sizes:
        yield not_compared(WORKBOOK, "--against SNAPSHOT writes it again")


def _data(
    contents: Contents, manifest: Mapping[str, Any], page: Page
) -> Iterator[tuple[Document, FindingsData]]:
    """Yield document and findings as the pack's files were made from them, for each role."""
    records = read_findings(contents)
    if is_earlier(records):
        return
    cover = CoverBlock(
        kind="cover",
        title=page.title,
        subtitle=page.subtitle,
        facts=[],
        as_of=manifest["as_of"],
        stamp=page.stamp or None,
        marks=page.marks,
        paper="",
        language="",
        in_use=True,
        brief="",
    )
    index, waivers = read_index(contents), stated_waivers(contents)
    columns = [ColumnBlock(name=n, title="", kind="text", brief=None) for n in ("id", "time")]
    sent = [[name, row["started"]] for name, row in index.items()]
    requests = table_block("evidence", columns, sent)
    ended = [row["ended"] for name, row in index.items() if name.startswith("E")]
    leaves = [(row["status"], row["reason"]) for row in records if row["subject"] != ROLL_UP]
    for role in _ROLES:
        facts = Facts(
            account=manifest["account"],
            as_of=manifest["as_of"],
            ended=max([manifest["as_of"], *ended]),
            stamp=page.stamp or None,
            kit=manifest["kit"],
            botocore=manifest["botocore"],
            snapshot=manifest["sha256"],
            digest=findings_digest(records),
            label_key=manifest["pseudonym_key"],
            exit_code=exit_code(leaves),
            data_role=role,
            unused_waivers=waivers,
            gravest_fail=None,
        )
        yield Document(cover, [requests], page.controls, {}), {"records": records, "facts": facts}


def _forms(
    contents: Contents, document: Document, data: FindingsData, manifest: Mapping[str, Any]
) -> Iterator[tuple[str, Content]]:
    """Yield the forms of the findings that a pack holds; those in pieces are made where read."""
    yield PARQUET, findings_parquet(data)
    results = by_control(data)
    yield OCSF, ocsf(document, results)
    if OCSF_LINES in contents.sizes:  # earlier packs have none
        yield OCSF_LINES, ocsf(document, results, lines=True)
    if states_provisions(contents.read(CSV)):
        yield CSV, findings_csv(data)
    for name, content in oscal(document, results, dict(manifest)):
        yield f"data/{name}", content


def _is_one_of(contents: Contents, name: str, digests: list[str]) -> bool:
    """Whether the pack holds a file with one of these SHA-256 under a name."""
    try:
        return contents.sha256(name) in digests
    except UnreadableError:
        return False


def _form(contents: Contents, name: str, made: list[str], maker: Maker, why: str) -> Check:
    try:
        if contents.sha256(name) in made:
            return passed(name, f"byte for byte what the kit makes of {CSV}")
        content = contents.read(name)
    except UnreadableError as error:
        return failed(name, f"the findings of {CSV}", f"it {error}")
    try:
        for line in _documents(name, content):
            read_json(line)
    except (ValueError, RecursionError) as error:
        return failed(name, "JSON with a single reading", str(error))
    return maker.differs(name, f"what the kit makes of {CSV}", why)


def _documents(name: str, content: bytes) -> list[bytes]:
    if name == PARQUET:
        return []
    return content.splitlines() if name == OCSF_LINES else [content]


def _provisions(contents: Contents, made: list[str], maker: Maker) -> Iterator[Check]:
    """Yield what of the CSV is not the kit's: its articles, its requirements, or how it is written."""
    if made and contents.sha256(CSV) not in made:
        yield maker.differs(CSV, "the articles and requirements of its controls", "others")


def stated_waivers(contents: Contents) -> str:
    """Return what the Parquet file states of unused waivers, which stand nowhere else as data.

    Nothing of it is parsed: the file that the kit makes with this text has to be the same bytes.
    The text follows its name in the file's metadata, of Thrift's compact protocol: type and
    number of the field, length, bytes (https://parquet.apache.org/docs/file-format/metadata/).
    """
    try:
        _, _, rest = contents.read(PARQUET).rpartition(b"unused_waivers\x18")
    except UnreadableError:
        return ""  # a failed check of its own
    size = at = 0
    for at, byte in enumerate(rest[:5]):
        size |= (byte & 0x7F) << (7 * at)
        if byte < 0x80:
            break
    return rest[at + 1 :][:size].decode("utf-8", "replace")
