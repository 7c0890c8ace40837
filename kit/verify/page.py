"""The page of a pack, read as text in the only form in which the kit writes it.

No browser opens it. The grammar is narrower than HTML's, so that a browser cannot read something
else: no comment, no entity in a name, no attribute without quotes, every element closed.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kit.bag import INFO
from kit.catalogue.texts import text
from kit.controls import CONTROLS
from kit.judge.digest import ROLL_UP
from kit.judge.findings import worst
from kit.own import ID
from kit.pack.html import assets, policy_of
from kit.pack.info import OWN_CONTROLS, OWN_NOTEBOOK
from kit.report.blocks import reasons_and_observed
from kit.report.formats import SEVERITIES, STATUSES, cell_text, evidence_ids
from kit.report.live import script_words
from kit.report.records import finding_of
from kit.report.result import verdict_sentence
from kit.verify.checks import Check, failed, hosts_of, not_compared, passed
from kit.verify.contents import Contents, UnreadableError
from kit.verify.findings import is_earlier, read_findings
from kit.verify.grammar import META, ONCE, holds_text, kind_of_element, meta_number
from kit.verify.kinds import CSV, HTML
from kit.verify.maker import Maker
from kit.visible import escape, unseen

_TOKEN = re.compile(r'<(/?)([a-z][a-z0-9]*)((?: [a-z-]+(?:="[^"<>]*")?)*)>|([^<]+)')
_ATTRIBUTE = re.compile(r' ([a-z-]+)(?:="([^"]*)")?')
_START = "<!doctype html>"
_VOID = {"meta", "wbr", "br", "hr", "img"}
_DEEPEST = 200  # elements around another
_HOST = re.compile(r"https?://[^\s,]+")
_MARKS = STATUSES | SEVERITIES
_FINDINGS = "table-findings"
_KITS = ("span.mark", "span.chip", "span.id")  # of verdicts and of controls


@dataclass
class Page:
    """The parts of a page that the kit reads.

    Attributes
    ----------
    title, subtitle, stamp, policy, footer, language : str
    style, script, words : str
    marks : list of str
        What every page states beside the stamp.
    facts : list of str
        Values on the cover.
    heads : list of str
        Kinds of the columns of the findings.
    rows : list of list of (str, str)
        Of the findings: class and text of each cell.
    controls, verdicts : dict of str to str
        Target and status of each control's block.
    result : str
        The note with which it begins.
    own : bool
        Whether it ends with what the kit did not make.
    own_marks : list of str
        What that part states of itself before all else.
    addresses : set of str
        To which links lead.
    """

    title: str = ""
    subtitle: str = ""
    stamp: str = ""
    policy: str = ""
    footer: str = ""
    language: str = ""
    style: str = ""
    script: str = ""
    words: str = ""
    marks: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    rows: list[list[tuple[str, str]]] = field(default_factory=list)
    controls: dict[str, str] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)
    result: str = ""
    own: bool = False
    own_marks: list[str] = field(default_factory=list)
    addresses: set[str] = field(default_factory=set)


@dataclass
class _Element:
    """An open element; its text without what is hidden from readers of text."""

    name: str
    attributes: Mapping[str, str]
    kind: str
    shape: str = ""
    texts: list[str] = field(default_factory=list)

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    @property
    def text(self) -> str:
        return html.unescape("".join(self.texts)).strip()


def read_page(content: str) -> Page:
    """Read a page.

    Parameters
    ----------
    content : str

    Raises
    ------
    ValueError
        It is not in the form in which the kit writes pages; the message names the place.
    """
    return _Reader(content).read()


class _Reader:
    def __init__(self, content: str):
        self.text, self.page = content, Page()
        self.open: list[_Element] = []
        self.counts: Counter[str] = Counter()
        self.ids: set[str] = set()
        self.metas: list[int] = []
        self.control: list[str] = []
        self.chips: list[str] = []
        self.own_ids: list[str] = []
        self.in_findings = False

    def read(self) -> Page:
        at = len(self.text) - len(self.text.lstrip())
        if not self.text.startswith(_START, at):
            raise ValueError(f"no {_START} at its beginning")
        at += len(_START)
        while at < len(self.text):
            match = _TOKEN.match(self.text, at)
            if not match:
                raise ValueError(f"{self.text[at : at + 60]!r} at character {at}")
            at = match.end()
            closing, name, attributes, between = match.groups()
            if between is not None:
                if between.strip() and not (self.open and holds_text(self.open[-1].kind)):
                    where = self.open[-1].kind if self.open else "no element"
                    raise ValueError(f"{between.strip()[:60]!r} in {where}")
                if hidden := unseen(html.unescape(between)):
                    raise ValueError(f"{hidden}, which no reader sees, at character {at}")
                if self.open:
                    self.open[-1].texts.append(between)
            elif closing:
                self._close(name, attributes)
            else:
                at = self._start(name, attributes, at)
        if self.open:
            raise ValueError(f"an element {self.open[-1].name} that does not end")
        for kind in ONCE:
            if self.counts[kind] != 1:
                raise ValueError(f"{self.counts[kind]} times {kind}")
        if sorted(self.metas) != [*range(len(META))]:
            raise ValueError(f"{len(self.metas)} meta; {len(META)} different are needed")
        return self.page

    def _start(self, name: str, written: str, at: int) -> int:
        attributes: dict[str, str] = {}
        for match in _ATTRIBUTE.finditer(written):
            if match[1] in attributes:
                raise ValueError(f"an attribute {match[1]} of {name} a second time")
            attributes[match[1]] = html.unescape(match[2] or "")
        kind = kind_of_element(name, attributes, self.open[-1].kind if self.open else "")
        if len(self.open) >= _DEEPEST:
            raise ValueError(f"elements nested more than {_DEEPEST} deep")
        if attributes.get("id") in self.ids:
            raise ValueError(f"an id {attributes['id'][:120]!r} a second time")
        self.ids |= {attributes["id"]} if "id" in attributes else set()
        if name == "meta":
            self._meta(attributes)
        self.page.addresses |= {attributes["href"]} if "href" in attributes else set()
        self.counts[kind] += 1
        element = _Element(name, attributes, kind)
        if name in ("style", "script"):
            end = self.text.find(f"</{name}>", at)
            if end < 0:
                raise ValueError(f"a {name} without end")
            setattr(self.page, name, self.text[at:end])
            return end + len(f"</{name}>")
        if name not in _VOID:
            self.open.append(element)
            self._opened(element)
        return at

    def _meta(self, attributes: Mapping[str, str]) -> None:
        number = meta_number(attributes)
        self.metas.append(number)
        if "http-equiv" in attributes:
            if self.counts["style"] or self.counts["script"]:
                raise ValueError("a policy that does not come first")
            self.page.policy = attributes.get("content", "")

    def _opened(self, element: _Element) -> None:
        if element.name == "html":
            self.page.language = element.attributes.get("lang", "")
        if element.name == "body":
            self.page.words = element.attributes.get("data-words", "")
        if self.page.own and self._within("main") and not self._within("section", "own"):
            raise ValueError(f"an element {element.kind} after what the kit did not make")
        if element.kind == "section.own":
            self.page.own = True
        elif self.page.own and (
            (element.kind in _KITS and not self._within("article", "block"))
            or element.attributes.get("id") in (_FINDINGS, "table-evidence")
        ):
            raise ValueError(f"{element.kind} of the kit in what the kit did not make")
        if element.attributes.get("id") == _FINDINGS and element.kind == "table.data":
            self.in_findings = True
        if element.name == "tr" and self.in_findings and self._within("tbody"):
            self.page.rows.append([])
        if element.kind == "span.chip":
            self.chips.append(element.classes[1])

    def _within(self, name: str, of_class: str = "") -> bool:
        return any(e.name == name and (not of_class or of_class in e.classes) for e in self.open)

    def _mark(self, element: _Element) -> None:
        """Read a mark by its class, which no language changes; its word is the language's."""
        of_class = element.classes[1]
        name = of_class if of_class in SEVERITIES else of_class.replace("-", " ")
        mark = _MARKS.get(name)
        if mark is None or element.shape != mark.shape:
            raise ValueError(f"a mark {of_class!r} with the shape {element.shape[:60]!r}")
        if self.page.language == text("language") and element.text != mark.word:
            raise ValueError(f"a mark {name} with the word {element.text[:60]!r}")
        element.texts = [name]

    def _article(self) -> None:
        """Read which control a block is of, and its verdict: a reader sees all that are there."""
        if len(self.control) != 1 or len(self.chips) != 1:
            raise ValueError(f"an article of controls {self.control} with verdicts {self.chips}")
        (control,), (chip,) = self.control, self.chips
        if control in self.page.verdicts:
            raise ValueError(f"an article of {control} a second time")
        self.page.verdicts[control] = chip
        self.control, self.chips = [], []

    def _own_article(self) -> None:
        """Read a block of a control that is not the kit's: its id is in no form of the kit's."""
        if len(self.own_ids) != 1 or len(self.chips) != 1 or not ID.fullmatch(self.own_ids[0]):
            raise ValueError(f"an article of controls {self.own_ids} in what the kit did not make")
        self.own_ids, self.chips = [], []

    def _close(self, name: str, attributes: str) -> None:
        if attributes or not self.open or self.open[-1].name != name:
            raise ValueError(f"an end of {name} where none is open")
        element = self.open.pop()
        page = self.page
        match name, element.classes:
            case "strong", _ if self._within("p", "stamp"):
                page.stamp = element.text
            case "span", ["page-mark"]:
                page.marks.append(element.text)
            case "footer", _:
                page.footer = element.text
            case "h1", _:
                page.title = element.text
            case "p", ["subtitle"]:
                page.subtitle = element.text
            case "dd", _ if self._within("dl", "facts"):
                page.facts.append(element.text)
            case "span", ["id"] if page.own:
                self.own_ids.append(element.text)
            case "article", _ if page.own:
                self._own_article()
            case "span", ["id"]:
                self.control.append(element.text)
                target = self.open[-1].attributes.get("id", "") if self.open else ""
                page.controls.setdefault(element.text, target)
            case "article", _:
                self._article()
            case "p", ["note", _] if (
                not page.result and "section-result-of-the-examination" in self.ids
            ):
                page.result = element.text
            case "p", ["own-mark"]:
                page.own_marks.append(element.text)
            case (("th" | "td"), classes) if self.in_findings and self._within("tbody"):
                page.rows[-1].append((" ".join(classes), element.text))
            case "th", _ if self.in_findings:
                page.heads.append(element.attributes.get("data-kind", ""))
            case "table", _:
                self.in_findings = False
        if element.kind in ("span.mark", "span.chip"):
            self._mark(element)
        if element.kind == "span.shape":  # not a part of the mark's word
            self.open[-1].shape += element.text
        elif self.open:
            self.open[-1].texts += element.texts


def check_page(
    contents: Contents, info: Mapping[str, str], maker: Maker, *, of_an_account: bool
) -> tuple[list[Check], Page | None]:
    """Return the checks of a page without its snapshot, and the page.

    Parameters
    ----------
    contents : Contents
    info : mapping of str to str
        What ``bag-info.txt`` states.
    maker : Maker
        Which kit made the pack.
    of_an_account : bool
        Whether the page has a table of findings.
    """
    try:
        page = read_page(contents.read(HTML).decode("utf-8"))
    except UnreadableError as error:
        return [failed(HTML, "a page", f"it {error}")], None
    except UnicodeDecodeError:
        return [failed(HTML, "a page in UTF-8", "other bytes")], None
    except ValueError as error:
        return [failed(HTML, "a page as the kit writes it, which loads nothing", str(error))], None
    maker = maker.of_language(page.language)
    checks = [*_assets(page, maker), *_cover(page, info)]
    if page.language != text("language"):
        why = f"in language {page.language[:20]!r}, not {text('language')}"
        checks.append(not_compared(f"{HTML}: words of the verdicts", why))
    if of_an_account:
        checks += _findings(contents, page, maker)
    if all(check.ok for check in checks):
        hosts = hosts_of(page.addresses)
        leads = f"; its links lead out to {hosts}" if hosts else ""
        made = "its script, style and policy are the kit's; it loads nothing"
        checks.append(passed(HTML, f"{made}{leads}"))
    return checks, page


def _assets(page: Page, maker: Maker) -> Iterator[Check]:
    """Yield a script, a style or a policy that is not the kit's."""
    style, script, _ = assets([*filter(None, [page.stamp]), *page.marks])
    for name, own, kits in (
        ("script", page.script, script),
        ("words of the script", page.words, script_words()),
        ("style", page.style, style),
    ):
        if own != kits:
            if maker.is_here:
                yield failed(HTML, f"the kit's {name}", "another")
            else:
                yield not_compared(f"{HTML}: {name}", f"made by {maker.name}")
    policy = policy_of(page.style, page.script)
    if page.policy != policy:
        yield failed(HTML, f"the policy {policy}", page.policy)


def _cover(page: Page, info: Mapping[str, str]) -> Iterator[Check]:
    """Yield what the page states otherwise than ``bag-info.txt``."""
    stamp = escape(info.get("Stamp", "none").removeprefix("none"))
    same = page.stamp == stamp
    if page.language != text("language"):  # then the hosts in it are the same
        same = bool(page.stamp) == bool(stamp) and _HOST.findall(page.stamp) == _HOST.findall(stamp)
    if not same:
        yield failed(HTML, f"the stamp {stamp or 'none'}, as in {INFO}", page.stamp or "none")
    as_of = cell_text("datetime", info.get("Evidence-As-Of", ""))
    if as_of not in page.footer:
        yield failed(HTML, f"as of {as_of} at its end, as in {INFO}", page.footer)
    for label in ("Account", "Snapshot-SHA-256", "Findings-SHA-256", OWN_NOTEBOOK, OWN_CONTROLS):
        if label in info and info[label] not in page.facts:
            yield failed(HTML, f"{label} {info[label]} on its cover, as in {INFO}", "another")


def _findings(contents: Contents, page: Page, maker: Maker) -> Iterator[Check]:
    """Yield rows and verdicts of the page that are not those of the CSV."""
    try:
        records = read_findings(contents)
    except (ValueError, RecursionError):
        return  # a failed check of the findings'
    columns = ("control", "region", "resource", "severity", "status")
    kinds = ["control", "code", "code", "severity", "status"]
    if len(page.rows) != len(records):
        yield failed(HTML, f"{len(records)} rows of findings, as in {CSV}", f"{len(page.rows)}")
        return
    earlier = is_earlier(records)
    same_words = maker.is_here and page.language == text("language") and not earlier
    heads = page.heads if same_words else page.heads[: len(kinds)]
    kinds += ["text", "evidence"] if same_words else []
    if heads != kinds:
        yield failed(HTML, f"columns of {', '.join(kinds)}", ", ".join(page.heads))
    for row, record in zip(page.rows, records, strict=True):
        wanted = [_shown(record[name]) for name in columns]
        shown = [cell for _, cell in row]
        place = f"{HTML}: {record['control']}"
        if [kind for kind, _ in row] != page.heads or shown[: len(columns)] != wanted:
            seen = ", ".join(shown[: len(columns)])
            yield failed(place, f"{', '.join(wanted)}, as in {CSV}", seen)
        elif same_words:
            finding = finding_of(record)
            cells = reasons_and_observed(finding), ", ".join(evidence_ids(finding.evidence))
            for cell, stated in zip(map(_shown, cells), shown[len(columns) :], strict=False):
                if cell != stated:
                    yield failed(place, f"{cell}, as in {CSV}", stated)
    if earlier:
        return
    statuses: dict[str, list[str]] = {}
    for record in records:
        statuses.setdefault(record["control"], []).append(record["status"])
    for control, rows in statuses.items():
        wanted_status = worst(rows).replace(" ", "-")
        if page.verdicts.get(control, wanted_status) != wanted_status:
            stated = page.verdicts[control]
            yield failed(f"{HTML}: {control}", f"the verdict {worst(rows)}, as in {CSV}", stated)
    of_leaves = {
        record["control"]: worst(statuses[record["control"]])
        for record in records
        if record["subject"] != ROLL_UP
    }
    leaves = of_leaves.keys()
    if same_words:
        if strange := sorted(of_leaves.keys() - CONTROLS.keys()):
            yield failed(f"{HTML}: result", "controls of the kit", ", ".join(strange)[:120])
        elif f" {(counted := verdict_sentence(of_leaves))} " not in page.result:
            yield failed(f"{HTML}: result", f"{counted!r}, as {CSV} has it", page.result)
    for control in sorted(leaves - page.verdicts.keys()):
        yield failed(f"{HTML}: {control}", f"a verdict, as {CSV} has findings", "none")
    for control in sorted(page.verdicts.keys() - statuses.keys()):
        yield failed(f"{HTML}: {control}", f"no verdict: {CSV} has none", page.verdicts[control])


def _shown(cell: str) -> str:
    """Return a cell of the CSV as a reader sees it on the page."""
    return escape(cell).strip() or "\N{EN DASH}"
