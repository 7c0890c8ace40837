"""Whether the PDF carries the pack's own files, and does nothing by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pikepdf

from kit.bag import INFO
from kit.pack.prose import WEB
from kit.verify.checks import NO_SIGNATURE, Check, failed, hosts_of, passed
from kit.verify.contents import Contents, UnreadableError
from kit.verify.kinds import CSV, EVIDENCE, PDF
from kit.verify.pdf import opened
from kit.verify.reading import read_json, read_table

_ATTACHED = {"findings.csv", "evidence.csv", "snapshot.json"}
# ISO 32000-2, table 201, and those of earlier editions. The kit's documents have only links: URI
# and GoTo, each the /A of a link or of a bookmark.
_ACTIONS = {
    *("/GoTo", "/GoToR", "/GoToE", "/GoToDp", "/GoTo3DView", "/Launch", "/Thread", "/URI"),
    *("/Sound", "/Movie", "/Hide", "/Named", "/SubmitForm", "/ResetForm", "/ImportData"),
    *("/JavaScript", "/SetOCGState", "/Rendition", "/Trans", "/RichMediaExecute", "/NOP"),
    *("/SetState", "/DPart"),
}
_TRIGGERS = {
    *("/AA", "/JS", "/JavaScript", "/XFA", "/OpenAction", "/PA", "/Collection", "/RF"),
    # Layers, other presentations and appearances that a reader computes: what one viewer or
    # printer shows, another would not.
    *("/OCProperties", "/OCGs", "/AlternatePresentations", "/AlternateImages", "/Alternates"),
    *("/PresSteps", "/Requirements", "/NeedAppearances", "/OPI", "/UR3", "/Legal", "/Threads"),
}
_ANNOTATIONS = {"/Link", "/Widget"}
# A dictionary without any of these names has no trait (`Traits`), unless a string stands in for one.
_TELLING = frozenset(
    name.encode()
    for name in (
        *(_ACTIONS | _TRIGGERS | _ANNOTATIONS),
        *("/Annot", "/AP", "/ByteRange", "/EF", "/EmbeddedFile", "/F", "/FFilter", "/FT"),
        *("/Rect", "/Ref", "/Subtype", "/Title"),
    )
)
_LIKE_A_NAME = re.compile(rb"\((?![A-Za-z0-9])|<[0-9a-fA-F>]")  # a string that "/" may begin
_LINK = re.compile(rf"{WEB.pattern}|(?!/)[^:\\\s]*")
# Columns of evidence.csv in the document, and of the index beside it.
_SAME = {name: name for name in ("call", "region", "attempts", "request_id", "commitment")}
_SAME["time"] = "started"


def check_document(
    contents: Contents, info: Mapping[str, str], *, attached: bool
) -> tuple[list[Check], dict[str, Any]]:
    """Return the checks of the PDF's actions and embedded files, and the snapshot's manifest.

    Parameters
    ----------
    contents : Contents
    info : mapping of str to str
        What ``bag-info.txt`` states.
    attached : bool
        Whether files of the pack are to be in it.

    Returns
    -------
    checks : list of Check
    manifest : dict
        What the attached ``snapshot.json`` holds; empty where it cannot be read.
    """
    wanted = _ATTACHED if attached else set()
    try:
        with opened(contents) as file:
            names = [*file.attachments]
            checks = [*_dictionaries_checked(file, names, wanted, info)]
            # Others are named and not unpacked.
            embedded = {
                name: file.attachments[name].get_file().read_bytes() for name in wanted & {*names}
            }
    except UnreadableError as error:
        return [failed(PDF, "a PDF", f"it {error}")], {}
    wrong, manifest = _differ(embedded, contents, info)
    if (
        attached
        and not wrong
        and not any(check.subject == PDF and not check.ok for check in checks)
    ):
        checks.append(passed(PDF, f"{', '.join(sorted(embedded))} in it are the pack's own"))
    return checks + wrong, manifest


@dataclass
class Traits:
    """The actions, files and signatures in the dictionaries of a PDF.

    Attributes
    ----------
    acts : set of str
        What the document would do by itself, or when somebody touches it.
    links, others : actions of links and bookmarks by where they lie, and all others.
    addresses : set of str
        To which links lead.
    specifications : int
        Files that are named.
    embedded : set of (int, int)
        Streams of embedded files.
    signed : bool
        Whether anything claims to be a signature.
    """

    acts: set[str] = field(default_factory=set)
    links: set[tuple[int, int]] = field(default_factory=set)
    others: list[tuple[str, tuple[int, int]]] = field(default_factory=list)
    addresses: set[str] = field(default_factory=set)
    specifications: int = 0
    embedded: set[tuple[int, int]] = field(default_factory=set)
    signed: bool = False

    @classmethod
    def of(cls, file: pikepdf.Pdf) -> Traits:
        """Return the traits of a document."""
        traits = cls()
        for item, place, is_stream, of_link in _dictionaries(file):
            traits.add(item, place, is_stream, of_link)
        return traits

    def add(
        self, item: Mapping[str, Any], place: tuple[int, int], is_stream: bool, of_link: bool
    ) -> None:
        """Look at a dictionary; see `_dictionaries`."""
        kind = str(item.get("/Type", ""))
        self.acts |= _TRIGGERS & item.keys()
        self.signed |= "/ByteRange" in item
        if is_stream and ("/F" in item or "/FFilter" in item):
            self.acts.add("a stream that lies in another file")
        if is_stream and kind == "/EmbeddedFile":
            self.embedded.add(place)
        if "/EF" in item:
            self.specifications += 1
            held = item["/EF"]
            parts = held.items() if isinstance(held, pikepdf.Dictionary) else ()
            self.embedded |= {getattr(part, "objgen", (0, 0)) for _, part in parts}
        if isinstance(item.get("/URI"), pikepdf.Dictionary):
            self.acts.add("an address before all links")
        if "/FT" in item and str(item["/FT"]) != "/Sig":
            self.acts.add("a form field")
        is_annotation = kind == "/Annot" or "/Rect" in item
        if is_annotation and not is_stream and "/AP" in item:
            self.acts.add("an annotation with an appearance")
        if str(item.get("/Subtype", "")) == "/Widget" and not _is_signature_field(item):
            self.acts.add("a form field on the page")
        if is_stream and isinstance(item.get("/Ref"), pikepdf.Dictionary):
            self.acts.add("a page of another file")
        if is_annotation and str(item.get("/Subtype", "none")) not in _ANNOTATIONS:
            self.acts.add(f"an annotation {item.get('/Subtype', 'without a kind')}")
        if _is_link(item):
            self._link(item["/A"])
        if str(item.get("/S", "")) in _ACTIONS and not of_link:
            self.others.append((str(item["/S"]), place))

    def _link(self, action: Any) -> None:
        """Look at the action of a link or of a bookmark."""
        if not isinstance(action, pikepdf.Dictionary):
            self.acts.add("a link that is not an action")
            return
        if action.is_indirect:
            self.links.add(action.objgen)
        kind = str(action.get("/S", "none"))
        if kind == "/URI" and not _LINK.fullmatch(str(action.get("/URI", ""))):
            self.acts.add(f"/URI {str(action.get('/URI', ''))[:200]}")
        self.addresses |= {str(action.get("/URI", ""))} if kind == "/URI" else set()
        if kind not in ("/URI", "/GoTo"):
            self.acts.add(kind)
        if "/Next" in action:
            self.acts.add("/Next")


def _dictionaries_checked(
    file: pikepdf.Pdf, names: list[str], wanted: set[str], info: Mapping[str, str]
) -> Iterator[Check]:
    """Yield what the document does, and which files are embedded, wherever they hang."""
    traits = Traits.of(file)
    acts = traits.acts | {action for action, place in traits.others if place not in traits.links}
    for name in sorted(acts):
        yield failed(PDF, "a document that does nothing by itself", name)
    if not acts:
        hosts = hosts_of(traits.addresses)
        yield passed(PDF, f"no action but links to its own pages{hosts and f' and to {hosts}'}")
    if traits.signed and info.get("Signature", "none") == "none":
        yield failed(INFO, "no signature, as it states", f"a signature in {PDF}", NO_SIGNATURE)
    for name in sorted(wanted ^ {*names}):
        difference = f"{name} {'too' if name in names else 'missing'}"
        yield failed(PDF, f"{', '.join(sorted(wanted)) or 'no file'} in it", difference)
    counts = ((traits.specifications, "named"), (len(traits.embedded), "embedded"))
    for count, what in counts:
        if count > len(names):
            yield failed(PDF, f"{len(names)} files {what}, as its list of files has", f"{count}")


def _is_signature_field(item: Mapping[str, Any]) -> bool:
    """Whether a field is a signature's or a timestamp's that lies nowhere on the page."""
    box = item.get("/Rect", ())
    return str(item.get("/FT", "")) == "/Sig" and (
        isinstance(box, pikepdf.Array)
        and len(box) == 4
        and all(isinstance(side, int | float | Decimal) for side in box)
        and (box[0], box[1]) == (box[2], box[3])
    )


def _is_link(item: Mapping[str, Any]) -> bool:
    """Whether a dictionary is a link annotation's, or a bookmark's, with an action."""
    is_bookmark = "/Title" in item and "/Parent" in item and "/S" not in item
    return "/A" in item and (str(item.get("/Subtype", "")) == "/Link" or is_bookmark)


def _dictionaries(
    file: pikepdf.Pdf,
) -> Iterator[tuple[Mapping[str, Any], tuple[int, int], bool, bool]]:
    """Yield the members of every dictionary with its object's number, or (0, 0) inside an object.

    Also whether it is a stream's, and whether it is a link's own action, within that. Looking a
    member up in a dictionary of the PDF itself takes twenty times as long. Objects that can have no
    trait, such as most tags, are left out.
    """
    for top in file.objects:
        if not _is_telling(top.stream_dict if isinstance(top, pikepdf.Stream) else top):
            continue
        waiting: list[tuple[Any, bool]] = [(top, False)]
        place = top.objgen
        while waiting:
            item, of_link = waiting.pop()
            is_stream = isinstance(item, pikepdf.Stream)
            if isinstance(item, pikepdf.Stream):
                item = item.stream_dict
            if isinstance(item, pikepdf.Dictionary):
                members = dict(item.items())
                yield members, place, is_stream, of_link
                place = (0, 0)
                link = _is_link(members)
                inner: Iterable[tuple[str, Any]] = members.items()
            elif isinstance(item, pikepdf.Array):
                link, inner = False, (("", part) for part in item)
            else:
                continue
            waiting += [
                (part, link and name == "/A")
                for name, part in inner
                if not getattr(part, "is_indirect", True)
            ]


def _is_telling(item: Any) -> bool:
    """Whether an object may have a trait, by its text, in which qpdf writes a name in one way."""
    written = item.unparse(resolved=True)
    return not _TELLING.isdisjoint(written.split()) or bool(_LIKE_A_NAME.search(written))


def _differ(
    embedded: Mapping[str, bytes], contents: Contents, info: Mapping[str, str]
) -> tuple[list[Check], dict[str, Any]]:
    """Return what is embedded and not as the pack has it, and the snapshot's manifest."""
    wrong: list[Check] = []
    manifest: dict[str, Any] = {}
    try:
        if "findings.csv" in embedded and embedded["findings.csv"] != contents.read(CSV):
            wrong.append(failed(f"{PDF}: findings.csv", f"what {CSV} holds", "another content"))
        if "evidence.csv" in embedded:
            wrong += _index(embedded["evidence.csv"], contents.read(EVIDENCE))
        if "snapshot.json" in embedded:
            held = read_json(embedded["snapshot.json"])
            manifest = held if isinstance(held, dict) else {}
            for key, label in (("sha256", "Snapshot-SHA-256"), ("account", "Account")):
                if manifest.get(key) != info.get(label):
                    stated = f"{label} {info.get(label)}, as in {INFO}"
                    wrong.append(failed(f"{PDF}: snapshot.json", stated, f"{manifest.get(key)}"))
            wrong += _requests(manifest, contents)
    except UnreadableError as error:
        wrong.append(failed(PDF, "files of the pack in it", f"a file that {error}"))
    except (ValueError, KeyError, AttributeError, RecursionError) as error:
        wrong.append(failed(PDF, "files of the pack in it", f"what cannot be read: {error}"))
    return wrong, manifest


def _requests(manifest: Mapping[str, Any], contents: Contents) -> Iterator[Check]:
    """Yield a number of requests that is not that of the index."""
    listed = len(read_table(contents.read(EVIDENCE)))
    evidence = manifest.get("evidence")
    stated = evidence.get("requests") if isinstance(evidence, dict) else None
    if stated is not None and stated != listed:  # earlier kits state none
        yield failed(f"{PDF}: snapshot.json", f"{listed} requests, as in {EVIDENCE}", f"{stated}")


def _index(embedded: bytes, stored: bytes) -> Iterator[Check]:
    inside, beside = (
        {row["id"]: row for row in read_table(content)} for content in (embedded, stored)
    )
    for name in sorted(inside.keys() ^ beside.keys()):
        where = f"in {EVIDENCE} alone" if name in beside else "in the document alone"
        yield failed(f"{PDF}: evidence.csv", f"the requests of {EVIDENCE}", f"{name} {where}")
    for name in sorted(inside.keys() & beside.keys()):
        for own, other in _SAME.items():
            embedded_value, stated = inside[name].get(own), beside[name].get(other)
            if embedded_value is not None and embedded_value != stated:
                expected = f"{name} with {own} {stated}, as in {EVIDENCE}"
                yield failed(f"{PDF}: evidence.csv", expected, embedded_value)
        answer, error = inside[name].get("answer"), beside[name].get("error")
        if answer is not None and error is not None:  # words may stand around the error's code
            same = error in answer if error else answer == beside[name].get("status")
            if not same:
                expected = f"{name} with answer {error or beside[name].get('status')}"
                yield failed(f"{PDF}: evidence.csv", f"{expected}, as in {EVIDENCE}", answer)
