"""Whether a stored snapshot gives a pack's verdicts, its evidence and every form of them again.

The kit's own notebook runs on the snapshot, in this process. Nothing of the pack is run.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import zip_longest
from typing import Any, NamedTuple

import pikepdf
import pyarrow as pa
from nbformat import NotebookNode

from kit.bag import INFO, Content, sha256
from kit.catalogue import texts
from kit.errors import UserError
from kit.judge.digest import identity
from kit.pack.attachments import attachments
from kit.pack.by_control import by_control
from kit.pack.document import Document, data_of, document, findings_data
from kit.pack.evidence import evidence_files
from kit.pack.execute import execute_here
from kit.pack.html import page_pieces
from kit.pack.info import OWN_CONTROLS, bag_info
from kit.pack.layout import faces_of
from kit.pack.ocsf import ocsf
from kit.pack.oscal import oscal
from kit.pack.pdf import pdf
from kit.pack.seal import NOTEBOOK, pack_document
from kit.pack.tabular import findings_csv, findings_parquet
from kit.pack.workbook import promises_of, workbook
from kit.redact.labels import Labels, open_labels
from kit.report import fonts
from kit.snapshot import Snapshot
from kit.verify.archive import same_parts
from kit.verify.checks import Check, failed, not_compared, passed
from kit.verify.contents import Contents, UnreadableError
from kit.verify.findings import count_of, is_earlier, read_findings
from kit.verify.kinds import (
    CSV,
    EVIDENCE,
    HTML,
    OCSF,
    OCSF_LINES,
    OWN_CELLS,
    PARQUET,
    PDF,
    WORKBOOK,
)
from kit.verify.maker import Maker, maker_of
from kit.verify.own import read_own_cells, read_own_controls
from kit.verify.pdf import opened

Record = Mapping[str, Any]


class _Placed(NamedTuple):
    """A finding's record, and what a new evaluation must give again: identity, severity, evidence."""

    record: Record
    compared: dict[str, Any]


Placed = dict[tuple[str, ...], list[_Placed]]
_PLACE = ("control", "region", "subject", "resource")
# Keys that a signature adds to the catalogue and to the first page.
_SIGNING = ("/AcroForm", "/Perms", "/Extensions", "/DSS", "/Annots", "/Tabs")
# Keys of the trailer that any update of a file writes anew.
_UPDATED = (
    *("/Size", "/Prev", "/ID", "/XRefStm", "/Type", "/W", "/Index", "/Length", "/Filter"),
    "/DecodeParms",
)
_GIVEN = "the snapshot gives"
_WRITER = f"parquet-cpp-arrow version {pa.__version__}".encode()


def check_against(contents: Contents, info: Mapping[str, str], stored: Snapshot) -> Iterator[Check]:
    """Yield what differs between a pack and what its snapshot gives, finding by finding.

    Parameters
    ----------
    contents : Contents
    info : mapping of str to str
        Labels and values of ``bag-info.txt``.
    stored : Snapshot
        That the pack should have been made from.

    Raises
    ------
    UserError
        The key of the snapshot's labels, or the file of its language, is not there.
    """
    stated = info.get("Snapshot-SHA-256", "none")
    if stated != stored.digest:
        yield failed(INFO, f"Snapshot-SHA-256 {stored.digest}, of {stored.folder}", stated)
    named = ", ".join(stored.run.own_controls)
    if bool(named) != (OWN_CONTROLS in info):
        wanted = f"{OWN_CONTROLS} of {named}" if named else f"no {OWN_CONTROLS}"
        yield failed(INFO, f"{wanted}, as the snapshot's run names", info.get(OWN_CONTROLS, "none"))
    maker = maker_of(info)
    texts.choose(stored.run.language)
    open_labels(stored.run, stored.header["pseudonym_key"])
    # A kernel would give the same: the notebook has nothing but calls of the kit.
    executed, names = execute_here(NOTEBOOK, {"snapshot": str(stored.folder.resolve())})
    made = findings_data(executed)
    try:
        records = read_findings(contents)
        if not is_earlier(records):
            packed = _by_place(records)
    except (ValueError, RecursionError) as error:
        yield failed(CSV, "a table of findings", str(error))
    else:
        if is_earlier(records):
            why = "sealed it before findings had values of their own; the evidence is compared"
            yield not_compared(CSV, f"{maker.name} {why}")
        else:
            yield from _digest(info, made["facts"]["digest"])
            yield from _findings(packed, _by_place(made["records"]), maker)
            yield _parquet(contents, findings_parquet({"records": records, "facts": made["facts"]}))
    yield from _forms(contents, info, executed, stored, maker)
    yield from _evidence(contents, stored, names["tables"].labels)


def _forms(
    contents: Contents,
    info: Mapping[str, str],
    executed: NotebookNode,
    stored: Snapshot,
    maker: Maker,
) -> Iterator[Check]:
    """Yield which forms of the document and of the findings are not those made again."""
    data, manifest = findings_data(executed), data_of(executed, "snapshot")["facts"]
    own, controls = None, None
    # Own cells and own controls in another form are a failed check already; then the document's forms fail too.
    with suppress(ValueError):
        own, controls = read_own_cells(contents, info), read_own_controls(contents, info)
    places = [*([OWN_CELLS] if own else []), *(["data/own/"] if controls else [])]
    given = f"{_GIVEN}, with what is not the kit's as in {', '.join(places)}" if places else _GIVEN
    # The pack's own labels are compared elsewhere; a hostile pack may lack any of them.
    labels = bag_info(
        stored,
        data["facts"]["digest"],
        own=own.sha256 if own else "",
        controls=controls.stated if controls else "",
    )
    labels |= {"Signature": info.get("Signature", "none")}
    made = pack_document(executed, labels, own, controls)
    yield from _form(contents, HTML, map(str.encode, page_pieces(made)), maker, given)
    try:
        file = pdf(made, attached=attachments(manifest, made, findings_csv(data)))
    except UserError as error:
        yield failed(PDF, f"the document that {given}", str(error))
    else:
        yield from _pdf(contents, document(executed), file, maker, given)
    results = by_control(data)
    yield from _workbook(contents, workbook(made, results, promises=promises_of(executed)), maker)
    yield from _form(contents, OCSF, ocsf(made, results), maker)
    yield from _form(contents, OCSF_LINES, ocsf(made, results, lines=True), maker)
    for name, content in oscal(made, results, manifest):
        yield from _form(contents, f"data/{name}", content, maker)


def _form(
    contents: Contents, name: str, made: Content, maker: Maker, given: str = _GIVEN
) -> Iterator[Check]:
    try:
        observed = contents.sha256(name)
    except UnreadableError:
        return  # a failed check of its kind's or its list's
    if observed == (expected := sha256(made)):
        yield passed(name, f"byte for byte what {given}")
    else:
        yield maker.differs(name, f"SHA-256 {expected}, of the snapshot", observed)


def _pdf(
    contents: Contents, kits: Document, made: bytes, maker: Maker, given: str
) -> Iterator[Check]:
    """Yield whether the PDF equals the PDF made again, but for a signature that was appended.

    Only the kit's part, which the snapshot gives, can need the computer's fonts. What the pack adds
    to it cannot (`kit.pack.document.with_own`), or a forger would choose what is compared.
    """
    try:
        content = contents.read(PDF)
        added = _added(contents, made) if content.startswith(made) else ["another document"]
    except UnreadableError:
        return  # a failed check of the document's
    if content == made:
        yield passed(PDF, f"byte for byte what {given}")
    elif not added:
        yield passed(PDF, f"byte for byte what {given}, and a signature")
    elif any(face.path.parent != fonts.directory() for face in faces_of(kits)):
        yield not_compared(PDF, "characters in it need fonts of the computer that made it")
    else:
        yield maker.differs(PDF, "the document of the snapshot", ", ".join(added[:9]))


def _added(contents: Contents, made: bytes) -> list[str]:
    """Return the objects of the pack's PDF that differ beyond what a signature adds."""
    differs = []
    with opened(contents) as file, pikepdf.open(io.BytesIO(made)) as own:
        signed = {own.Root.objgen, own.pages[0].objgen}
        if file.Root.objgen != own.Root.objgen:
            return ["another catalogue"]
        if _plain(file.trailer, _UPDATED) != _plain(own.trailer, _UPDATED):
            differs.append("another trailer")
        for item in own.objects:
            place = item.objgen
            other = file.get_object(place)
            if place in signed and isinstance(other, pikepdf.Dictionary):
                same = _plain(item, _SIGNING) == _plain(other, _SIGNING)
            elif isinstance(item, pikepdf.Stream) and isinstance(other, pikepdf.Stream):
                same = item.read_raw_bytes() == other.read_raw_bytes()
                same = same and _plain(item) == _plain(other)
            else:
                same = item.unparse(resolved=True) == other.unparse(resolved=True)
            if not same:
                differs.append(f"object {place[0]} is another")
        kept = [annotation.unparse() for annotation in own.pages[0].get("/Annots", [])]
        links = [annotation.unparse() for annotation in file.pages[0].get("/Annots", [])]
        added = [*file.pages[0].get("/Annots", [])][len(kept) :]
        fields = sum(str(annotation.get("/FT", "")) == "/Sig" for annotation in added)
        if links[: len(kept)] != kept or not len(added) == fields <= 2:  # signature, timestamp
            differs.append("annotations of the first page")
    return differs


def _plain(item: pikepdf.Object, without: Iterable[str] = ()) -> dict[str, bytes]:
    """Return a dictionary's values as written, but for some keys."""
    left = {name: value for name, value in item.items() if name not in without}
    return {
        name: value.unparse() if isinstance(value, pikepdf.Object) else repr(value).encode()
        for name, value in left.items()
    }


def _workbook(contents: Contents, made: bytes, maker: Maker) -> Iterator[Check]:
    """Yield whether the workbook equals the workbook made again; zlib's versions pack differently."""
    try:
        content = contents.read(WORKBOOK)
    except UnreadableError:
        return  # a failed check of its kind's or its list's
    if content == made:
        yield passed(WORKBOOK, "byte for byte what the snapshot gives")
    elif same_parts(content, made):
        yield not_compared(WORKBOOK, "its parts are the snapshot's, packed by another zlib")
    else:
        yield maker.differs(WORKBOOK, "the workbook of the snapshot", "another content")


def _digest(info: Mapping[str, str], digest: str) -> Iterator[Check]:
    stated = info.get("Findings-SHA-256", "none")
    if stated != digest:
        yield failed(INFO, f"Findings-SHA-256 {digest}, as evaluated again", stated)


def _findings(packed: Placed, again: Placed, maker: Maker) -> Iterator[Check]:
    same: list[str] = []
    reworded = []
    for place in sorted(packed.keys() | again.keys()):
        for there, here in zip_longest(packed[place], again[place]):
            if there and here and there.compared == here.compared:
                same.append(place[0])
                reworded += [place[0]] if there.record != here.record else []
            else:
                expected, observed = _described(here, there), _described(there, here)
                where = ", ".join(filter(None, place))
                yield failed(where, f"{expected}, as evaluated again", observed)
    if len(same) == sum(map(len, again.values())):
        yield passed(CSV, f"evaluating the snapshot gives the same {count_of(same)}")
    if reworded:
        names = ", ".join(sorted(set(reworded)))
        wording = f"the wording of {len(reworded)} findings ({names})"
        yield maker.differs(CSV, f"{wording} as the snapshot gives it", "another")


def _parquet(contents: Contents, made: bytes) -> Check:
    """Whether the findings as Parquet are those of the CSV and the snapshot, byte for byte.

    Its reader would have to unpack what a stranger packed, so nothing of it is parsed.
    """
    try:
        stored = contents.read(PARQUET)
    except UnreadableError as error:
        return failed(PARQUET, f"the findings of {CSV}", f"it {error}")
    if stored == made:
        return passed(PARQUET, f"byte for byte what {CSV} and the snapshot give")
    if _WRITER in stored and _WRITER in made:
        return failed(PARQUET, f"the findings of {CSV}", "another content")
    return not_compared(PARQUET, "another version of pyarrow wrote it")


def _by_place(records: Iterable[Record]) -> Placed:
    """The findings by control, region and resource.

    Raises
    ------
    ValueError
        The values of a finding are not JSON.
    """
    placed: Placed = defaultdict(list)
    for record in records:
        known = identity(record)
        compared = {**known, "severity": record["severity"], "evidence": record["evidence"]}
        placed[tuple(known[name] for name in _PLACE)].append(_Placed(record, compared))
    return placed


def _described(placed: _Placed | None, other: _Placed | None) -> str:
    """The status of a finding, and what else differs from the other's."""
    if placed is None:
        return "no such finding"
    different = [
        f"{name} {value!r}"
        for name, value in placed.compared.items()
        if name != "status" and other and value != other.compared[name]
    ]
    return ", ".join([str(placed.compared["status"]), *different])


def _evidence(contents: Contents, stored: Snapshot, labels: Labels) -> Iterator[Check]:
    same = wrong = 0
    for name, content in evidence_files(stored, labels):
        path, expected = f"data/{name}", sha256(content)
        try:
            observed = contents.sha256(path) if path in contents.sizes else "no such file"
        except UnreadableError as error:
            observed = f"it {error}"
        if observed == expected:
            same += 1
        else:
            wrong += 1
            yield failed(path, f"SHA-256 {expected}, as the snapshot gives it", observed)
    if not wrong:
        yield passed(EVIDENCE, f"{same} files are those that the snapshot gives")
