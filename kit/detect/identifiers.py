"""Detectors of identifying data in free text: validated by a checksum, or heuristic."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from urllib.parse import unquote

from stdnum import ean, iban, luhn
from stdnum.util import get_cc_module

from kit.detect.folding import INVISIBLE

_Span = tuple[int, int]


@dataclass(frozen=True)
class Hit:
    """A match that identifies a person.

    Attributes
    ----------
    kind : str
        email, phone, payment-card, iban, vat-number, national-id or customer-number.
    masked : str
        The match, masked except for its ends.
    validated : bool
        Whether a checksum or a full syntax check confirms it; otherwise a person reviews it.
    """

    kind: str
    masked: str
    validated: bool


@dataclass(frozen=True)
class Detectors:
    """Detectors set up for one account.

    Attributes
    ----------
    customer_patterns : tuple of str
        Regular expressions of customers' account numbers; an expression must match a whole token.
    own_accounts : tuple of str
        AWS accounts that a text may name.
    phone_region : str, optional
        Country (ISO 3166-1 alpha-2) whose national telephone notation is detected, besides the
        countries that a text names itself.
    """

    customer_patterns: tuple[str, ...] = ()
    own_accounts: tuple[str, ...] = ()
    phone_region: str | None = None

    def hits(self, text: str) -> list[Hit]:
        """Return the matches that identify a person, in the order of the text.

        A part of the text has only its surest kind. Percent-encoding, full-width characters and
        the digits of other scripts are decoded first.

        Parameters
        ----------
        text : str
            Text as stored, with its secrets replaced.

        Returns
        -------
        list of Hit
            Masked; without the matched text.
        """
        seen, matches = self._matches(text)
        return [Hit(kind, _mask(kind, seen[s:e]), kind != "phone") for kind, s, e in matches]

    def masked(self, text: str) -> str:
        """Return the text with what identifies a person masked; a text without stays as it is.

        Parameters
        ----------
        text : str
            As for `hits`. The rest of a text with a match is decoded.
        """
        seen, matches = self._matches(text)
        if not matches:
            return text
        for kind, start, end in reversed(matches):
            seen = f"{seen[:start]}{_mask(kind, seen[start:end])}{seen[end:]}"
        return seen

    def emails(self, text: str) -> list[tuple[int, int]]:
        """Return where the addresses of a text begin and end."""
        return list(_emails(text)) if "@" in text else []

    def _matches(self, text: str) -> tuple[str, list[tuple[str, int, int]]]:
        """Return the decoded text, and kind and place of each match, in the text's order."""
        text = _normalise(text)
        numbers = (*_NUMBERS, ("phone", self._phones)) if _SIX_DIGITS.search(text) else ()
        matches: list[tuple[str, int, int]] = []
        rest = _blank(text, self._accounts(text))
        for kind, find in (
            ("customer-number", self._customer_numbers),
            ("", _machine_made),
            ("email", _emails),
            *numbers,
        ):
            spans = list(find(rest))
            rest = _blank(rest, spans)
            matches += [(kind, *span) for span in spans if kind]
        return text, sorted(matches, key=lambda match: match[1])

    def _accounts(self, text: str) -> Iterator[_Span]:
        for account in self.own_accounts:
            groups = "-?".join(re.findall(".{1,4}", account))
            yield from _spans(re.compile(rf"(?<!\d){groups}(?!\d)"), text)
        yield from _spans(_TOKEN_OR_ACCOUNT, text)

    def _customer_numbers(self, text: str) -> Iterator[_Span]:
        for pattern in self._customers:
            yield from (span for span in _spans(pattern, text) if span[0] < span[1])

    @cached_property
    def _customers(self) -> list[re.Pattern[str]]:
        patterns = []
        for pattern in self.customer_patterns:
            flags = (re.match(r"(?:\(\?[aimsux]+\))?", pattern) or [""])[0]
            # The line break ends a comment that a verbose pattern may end with.
            body = pattern[len(flags) :] + ("\n" if "x" in flags else "")
            patterns.append(re.compile(f"{flags}(?<!{_CHARACTER})(?:{body})(?!{_CHARACTER})"))
        return patterns

    def _phones(self, text: str) -> Iterator[_Span]:
        yield from _phones(text, self.phone_region)


def _normalise(text: str) -> str:
    """Return the text as a reader sees it: decoded, half-width, ASCII digits, nothing invisible."""
    for _ in range(3):
        if "%" not in text or (decoded := unquote(text)) == text:
            break
        text = decoded
    if text.isascii():
        return text
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    return _DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), _DASH.sub("-", text))


def _spans(pattern: re.Pattern[str], text: str) -> Iterator[_Span]:
    return (match.span() for match in pattern.finditer(text))


def _blank(text: str, spans: Iterable[_Span]) -> str:
    """Replace matches by bars, so that no other detector matches there."""
    for start, end in spans:
        text = f"{text[:start]}{'|' * (end - start)}{text[end:]}"
    return text


def _mask(kind: str, raw: str) -> str:
    if kind == "email":
        return f"{raw[0]}***@***.{raw.rpartition('.')[2]}"
    return f"{raw[0]}***{raw[-2:]}" if len(raw) > 6 else "***"


def _machine_made(text: str) -> Iterator[_Span]:
    return _spans(_MACHINE_MADE, text)


_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_DASH = re.compile("[\u2010-\u2015\u2212]")
_DIGIT = re.compile(r"[^\D0-9]")
_SIX_DIGITS = re.compile(r"(?:[0-9][^0-9]*+){6}")
_CHARACTER = "[A-Za-z0-9\u00c0-\u024f]"
_TOKEN_OR_ACCOUNT = re.compile(r"⟦secret: [^⟧]*⟧|arn:[\w-]+:[\w-]*:[\w-]*:\d{0,12}:")
# Identifiers, digests, times and IP addresses.
_MACHINE_MADE = re.compile(
    r"(?i)(?<![a-z0-9])(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32,}"
    r"|(?:acl|ami|aki|ari|cgw|copy|dopt|eni|eip(?:alloc|assoc)|fl|i|igw|lt|nat|ngw|pcx|pl|r|rtb|sg"
    r"|sgr|snap|subnet|tgw|vgw|vol|vpc|vpce|vpn)-[0-9a-f]{8}(?:[0-9a-f]{9})?"
    r"|(?:19|20)\d\d-[01]\d-[0-3]\d(?:t\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:z|[+-]\d\d:?\d\d)?)?"
    r"|(?:19|20)\d{6}t\d{6}z?"
    r"|(?<!\d\.)(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\.\d)"
    r")(?![a-z0-9])"
)

# --- e-mail ----------------------------------------------------------------------------------

# An address has no letters of scripts that write words without spaces.
_LETTER = r"(?![\u2e80-\uffef])[^\W_]"
_LOCAL = [re.compile(rf"(?:{c}|[_.+'%~-]){{1,64}}$") for c in (_LETTER, r"[^\W_]")]
_DOMAIN = [
    re.compile(
        rf"(?:(?:{c}|-){{1,63}}\.){{1,8}}(?:xn--[A-Za-z0-9-]{{2,59}}|(?:(?!\d){c}){{2,24}})"
        r"(?![A-Za-z0-9])"
    )
    for c in (_LETTER, r"[^\W_]")
]
_NO_DOMAIN = re.compile(  # versions, images, units of systemd
    r"(?i)v?\d+(?:\.\d+)+[.-].*|\d+x\..*"
    r"|.*\.(?:bmp|gif|ico|jpe?g|png|svg|webp|mount|path|service|slice|socket|target|timer)"
)


def _emails(text: str) -> Iterator[_Span]:
    for at in re.finditer("@", text):
        before = text[max(0, at.start() - 64) : at.start()]
        local = _LOCAL[0].search(before) or _LOCAL[1].search(before)
        domain = _DOMAIN[0].match(text, at.end()) or _DOMAIN[1].match(text, at.end())
        name = local[0].lstrip("'.%~-") if local else ""
        variable = name.endswith("%") or before[: len(before) - len(name)].endswith("$")
        if not name or name == "git" or variable or not domain or _NO_DOMAIN.fullmatch(domain[0]):
            continue
        if _is_address(f"{name}@{domain[0]}"):
            yield at.start() - len(name), domain.end()


def _is_address(address: str) -> bool:
    from email_validator import EmailNotValidError, validate_email

    try:
        # An address is personal whatever its domain: .example makes local and test domains valid.
        validate_email(f"{address}.example", check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


# --- numbers with check digits ---------------------------------------------------------------


def _ends(text: str, start: int, least: int, most: int) -> Iterator[int]:
    """Return where a number of ``least`` to ``most`` letters and digits may end, longest first."""
    ends, count, at = [], 0, start
    while at < len(text) and count < most:
        if text[at].isascii() and text[at].isalnum():
            count += 1
            at += 1
            if count >= least and not (text[at : at + 1].isascii() and text[at : at + 1].isalnum()):
                ends.append(at)
        elif text[at] in " .-" and text[at + 1 : at + 2].isalnum():
            at += 1
        else:
            break
    return reversed(ends)


def _longest(
    text: str, starts: re.Pattern[str], sizes: _Span, accept: Callable[[str, _Span], bool]
) -> Iterator[_Span]:
    done = 0
    for start, _ in _spans(starts, text):
        ends = _ends(text, start, *sizes) if start >= done else ()
        done = next((end for end in ends if accept(text, (start, end))), done)
        if done > start:
            yield start, done


def _is_iban(text: str, span: _Span) -> bool:
    try:
        # Without the checks of each country: their lists of banks go out of date.
        iban.validate(_compact(text, span), check_country=False)
    except ValueError:
        return False
    return True


def _is_vat_number(text: str, span: _Span) -> bool:
    number = _compact(text, span)
    country = "CHE" if number.upper().startswith("CHE") else number[:2]
    sure = country in _STRONG_VAT or (country.isupper() and text[span[0] + 2] != " ")
    module = {"EL": "gr", "XI": "gb", "CHE": "ch"}.get(country.upper(), country.lower())
    return (sure or _is_labelled(_VAT_WORDS, text, span)) and _is_valid(f"{module}.vat", number)


_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}(?=\d\d)")
_VAT = re.compile(
    r"(?i)(?<![a-z0-9])(?:AT(?=[ .-]?U)|BE|BG|CHE|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GB|HR|HU|IE|IT|LT|LU"
    r"|LV|MT|NL|NO|PL|PT|RO|SE|SI|SK|XI)(?=[ .-]?[a-z]{0,2}[ .-]?\d)"
)
_STRONG_VAT = {"BE", "CHE", "FR", "NL", "NO"}  # a random number rarely passes the check
_VAT_WORDS = (
    r"vat|ust\W?-?id|mwst|uid|tva|iva|p\.? ?iva|nif|cif|btw|nip|vies|moms|alv|αφμ|dph|dič|dic"
    r"|áfa|pvn|pvm|tax|steuer"
)


@dataclass(frozen=True)
class _Scheme:
    """A number that python-stdnum validates.

    Where a random number often passes, a word beside the number must name the scheme.
    """

    module: str
    form: str
    words: str
    sure: bool = False

    def find(self, text: str) -> Iterator[_Span]:
        last: int | None = None
        for start, end in _spans(_standing_alone(self.form), text):
            short = end - start < 15  # only a longer number is certain in lower case too
            sure = self.sure and not (short and re.search("[a-z]", text[start:end]))
            listed = last is not None and _LIST.fullmatch(text, last, start)
            if (sure or listed or _is_labelled(self.words, text, (start, end))) and _is_valid(
                self.module, _compact(text, (start, end))
            ):
                last = end
                yield start, end


_LIST = re.compile(r"[\s,;/&+]*(?:[^\W\d]{1,3}\s)?")  # between two numbers of the same kind


def _compact(text: str, span: _Span) -> str:
    return re.sub(r"[ ./]", "", text[slice(*span)])


@cache
def _standing_alone(form: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?<![A-Za-z0-9])(?<![0-9][.,/-])(?i:{form})(?![A-Za-z0-9])(?![./-][0-9])", re.ASCII
    )


def _is_valid(module: str, number: str) -> bool:
    country, _, name = module.partition(".")
    stdnum = get_cc_module(country, name)
    return stdnum is not None and stdnum.is_valid(number)


def _digits(count: int) -> str:
    return rf"\d(?:[ ./-]?\d){{{count - 1}}}"


_DAY = r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])"
_STAMP = r"[0-3]\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])-(?:[01]\d|2[0-3])[0-5]\d"  # build stamp
_O = "[0-9L-V]"  # a digit, or the letter that replaces a digit in a codice fiscale
_FISCAL = rf"[A-Z]{{3}} ?[A-Z]{{3}} ?{_O}{{2}} ?[A-EHLMPRST] ?{_O}{{2}} ?[A-Z]{_O}{{3}} ?[A-Z]"
_HETU = r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]"
_SURE = (
    ("es.dni", rf"(?!{_DAY})\d{{8}}-?[A-Z]|\d{{1,2}}\.\d{{3}}\.\d{{3}}[ -]?[A-Z]", "dni|nif"),
    ("es.nie", r"[XYZ][ -]?\d{7}[ -]?[A-Z]", "nie|nif"),
    ("fr.nir", r"[1-478](?:[ .-]?\d){4}[ .-]?(?:\d[ .-]?\d|2[AB])(?:[ .-]?\d){8}", "nir"),
    ("it.codicefiscale", _FISCAL, "cod.{,5}fisc"),
    ("fi.hetu", rf"(?!{_STAMP}){_HETU}", "hetu|henkil[öo]tunnus"),
    ("be.nn", r"\d\d\.\d\d\.\d\d[-.]\d{3}[-.]\d\d", "rijksregister"),
    ("ch.ssn", r"756\.\d{4}\.\d{4}\.\d\d", "ahv|avs"),
)
_LABELLED = (
    ("nl.bsn", _digits(9), "bsn|burgerservice|sofi"),
    ("gb.nhs", _digits(10), "nhs"),
    ("de.idnr", _digits(11), r"steuer(?:liche )?-?(?:id|nummer)|id-?nr|tax ?id|tin"),
    ("pl.pesel", _digits(11), "pesel"),
    ("se.personnummer", r"(?:\d\d)?\d{6}[-+ ]?\d{4}", r"person-?nr|personn?ummer|samordning"),
    ("dk.cpr", r"\d{6}[- ]?\d{4}", "cpr|personnummer"),
    ("us.ssn", r"\d{3}[- ]?\d\d[- ]?\d{4}", "ssn|social ?security"),
    ("be.nn", _digits(11), r"rijksregister|registre n|num[ée]ro n|national ?n|niss|insz"),
    ("no.fodselsnummer", r"\d{6}[ -]?\d{5}", "f[øo]dselsn|personnummer|fnr"),
    ("ch.ssn", _digits(13), "ahv|avs|sozialversicherung"),
    ("at.vnr", r"\d{4}[ -]?\d{6}", "sv-?n|sozialversicherung|versicherungsn"),
    ("es.dni", r"\d{8} ?[A-Z]", "dni|nif"),
    ("fi.hetu", _HETU, "hetu|henkil[öo]tunnus"),
    ("ie.pps", r"\d{7}[A-W][A-IW]?", "pps"),
    ("pt.nif", _digits(9), "nif|contribuinte"),
    ("cz.rc", r"\d{6}[/ ]?\d{3,4}", r"rodn|r\.? ?č"),
    ("ro.cnp", _digits(13), "cnp"),
    ("bg.egn", _digits(10), "egn|егн"),
    ("hr.oib", _digits(11), "oib"),
    ("si.emso", _digits(13), "em[šs]o"),
    ("ee.ik", _digits(11), "isikukood"),
    ("lt.asmens", _digits(11), "asmens kod"),
    ("lv.pvn", _digits(11), "personas kod"),
    ("gr.amka", _digits(11), "αμκα|amka"),
)
# VAT numbers in national notation, without the country.
_HOME_VAT = (
    ("pl.nip", _digits(10), "nip"),
    ("it.iva", _digits(11), r"p\.? ?iva|partita iva"),
    ("es.cif", r"[A-HJNP-SUVW][ -]?\d{7}[ -]?[0-9A-J]", "cif|nif"),
    ("gb.vat", _digits(9), "vat"),
    ("nl.btw", rf"{_digits(9)}[ .]?B[ .]?\d\d", "btw"),
    ("be.vat", r"[01]\d{3}[ .]?\d{3}[ .]?\d{3}", "btw|tva"),
    ("fr.tva", _digits(11), "tva"),
    ("de.vat", _digits(9), r"ust\W?-?id|umsatzsteuer"),
    ("gr.vat", _digits(9), "αφμ|afm"),
    ("dk.cvr", _digits(8), "cvr|moms"),
    ("fi.alv", r"\d{7}-?\d", "alv|y-tunnus"),
)
# Words between a label and a number that show that the number is something else.
_OTHER = re.compile(
    r"(?i)account|konto|compte|cuenta|order|auftrag|commande|pedido|bestel|ticket|\bref|invoice"
    r"|rechnung|facture|contract|vertrag|contrat|job|asset|\bpart|teil|serial|\bpo\b|incident|case|vorgang|version|\brev|build"
    r"|\bport|\bid\b|room|raum|zimmer|model|sku|,\s*[^\W\d]"
)


def _is_labelled(words: str, text: str, span: _Span) -> bool:
    """Return whether a word before the number, or in brackets after it, names the scheme."""
    (before, after), (start, end) = _label(words), span
    label = before.search(text[max(0, start - 60) : start])
    if label and not _OTHER.search(label["gap"]):
        return True
    return after.match(text[end : end + 40]) is not None


@cache
def _label(words: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    begin = r"(?:(?<![^\W\d_])|(?<=[a-z])(?-i:(?=[A-Z])))"
    then = r"\s?(?:[(\[]|(?:as|als|is|ist|comme|como|jako)\s)\s?(?:\w+\W)?"
    return (
        re.compile(rf"(?i){begin}(?:{words})(?P<gap>[^\d;]{{0,30}})$"),
        re.compile(rf"(?i){then}(?:{words})"),
    )


# --- payment cards ---------------------------------------------------------------------------

# Issuer ranges (ISO/IEC 7812) with the lengths that each issuer uses.
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"
    r"|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
    r"|3[47]\d{13}"
    r"|3(?:0[0-5]|095|6\d|[89]\d)\d{11}|36\d{13,17}"
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12,15}"
    r"|35(?:2[89]|[3-8]\d)\d{12,15}"
    r"|62\d{14,17}"
    r"|220[0-4]\d{12,15}"
    r"|(?:5[0678]\d\d|6304|6390|67\d\d)\d{9,15}"
)
_RUN = re.compile(r"(?<![A-Za-z0-9])(?<!\d\.)\d+(?:([ .-])\d+(?:\1\d+)*)?(?![A-Za-z0-9])")


def _cards(text: str) -> Iterator[_Span]:
    for run in _RUN.finditer(text):
        groups = [group.span() for group in re.finditer(r"\d+", run[0])]
        first = 0
        while first < len(groups):
            for last in range(min(first + 6, len(groups)), first, -1):
                if run[1] == "." and (first, last) != (0, len(groups)):
                    continue  # a part of a version or fraction
                start, end = groups[first][0], groups[last - 1][1]
                if _is_card([e - s for s, e in groups[first:last]], run[0][start:end]):
                    yield run.start() + start, run.start() + end
                    first = last - 1
                    break
            first += 1


def _is_card(sizes: list[int], raw: str) -> bool:
    if len(sizes) > 1 and (sizes[0] != 4 or not all(2 <= size <= 6 for size in sizes[1:])):
        return False
    number = re.sub(r"\D", "", raw)
    if not (_ISSUERS.fullmatch(number) and luhn.is_valid(number)):
        return False
    return len(number) != 13 or not ean.is_valid(number)


_NUMBERS: tuple[tuple[str, Callable[[str], Iterator[_Span]]], ...] = (
    ("iban", lambda text: _longest(text, _IBAN, (15, 34), _is_iban)),
    *(("national-id", _Scheme(*row, sure=True).find) for row in _SURE),
    ("vat-number", lambda text: _longest(text, _VAT, (9, 16), _is_vat_number)),
    *(("vat-number", _Scheme(*row).find) for row in _HOME_VAT),
    *(("national-id", _Scheme(*row).find) for row in _LABELLED),
    ("payment-card", _cards),
)

# --- telephone numbers -----------------------------------------------------------------------

# Weaker words: beside these only a number with a prefix is a telephone number.
_CONTACT_WORDS = (
    r"support|[ck]onta[ck]?t\w*|contatt\w*|emergency|notfall|urgence|urgenc\w*|office|b[üu]ro"
    r"|bureau|ufficio|oficina|sekretariat|empfang|reception|desk|nummer|number"
)
_PHONE_WORDS = (
    r"tel(?:[eé]?f\w*|\.|:|\b)|t[eé]l[eé]ph\w*|phone\w*|mobile?\w*|handy\w*|m[oó]vil|cell\w*|gsm"
    r"|fax|hot-?line|(?:help|service) ?desk|call\w*|dial\w*|ring\w*|whatsapp|sms|pager"
    r"|on[- ]call|stand-?by|anruf\w*|ruf(?:nummer|bereit\w*)|durchwahl|bereitschaft\w*|notruf"
    r"|pikett\w*|appel\w*|joindre|astreinte|llam\w*|guardia|chiam\w*|bel(?:len)?\b|zadzwo\w*"
    r"|dzwo\w*|kom(?:\.|[oó]rk\w*)|puh\w*|t(?:lf|fn)\w*|τηλ\w*|κιν\w*|тел\w*|電話|携帯|전화|电话"
    r"|手机|هاتف|جوال"
)
_WHEN = (
    rf"{_DAY}(?!\d)|(?:19|20)\d\d[./-](?:[01]\d[./-][0-3]\d|(?:19|20)\d\d)(?!\d)"
    r"|[0-3]?\d[./][01]?\d[./](?:19|20)\d\d(?!\d)"
    r"|[0-2]\d[0-5]\d ?- ?[0-2]\d[0-5]\d(?! ?\d)|[0-2]?\d\.[0-5]\d ?- ?[0-2]?\d\.[0-5]\d(?!\d)"
)
_DIALLED = re.compile(
    rf"(?<![A-Za-z0-9+])(?<![0-9][.,/-])(?!{_WHEN}|0 ?- ?\d)"
    r"(?:[0(+]\(?(?:[ ()./-]{0,2}\d){7,15}|\d(?:[ ()./-]{0,2}\d){7,10})(?!-?[A-Za-z0-9])(?![.]\d)"
)
_URL = re.compile(r"(?i)(?<=:)//\S+")
_COUNTRIES = {
    "DE": "german|deutsch|allemagn|aleman|niemc|duits|germania",
    "AT": "austria|österreich|autriche",
    "CH": "switzerland|swiss|schweiz|suisse|svizzer|suiza",
    "FR": "france|french|frankreich|frankrijk|français|francia|francj",
    "BE": "belgi|belgique|bélgica",
    "NL": "netherlands|dutch|nederland|holland|niederlande|pays-bas",
    "LU": "luxemb",
    "ES": "spain|spanish|españ|spanien|espagn|spagna|hiszpan",
    "PT": "portug",
    "IT": "ital|włoch",
    "GB": r"(?-i:UK)\b|britain|united kingdom|england|großbritannien|royaume-uni|reino unido",
    "IE": "ireland|irish|irland",
    "US": r"(?-i:USA?)\b|united states|états-unis|ee\. ?uu|vereinigte staaten",
    "CA": "canad|kanad",
    "PL": "poland|polish|polska|polsk|polen|pologne|polonia|polsce",
    "CZ": "czech|česk|tschech|tchèque",
    "SE": "swed|sverige|svensk|schweden|suède|suecia|szwec",
    "DK": "denmark|danish|danmark|dansk|dänemark",
    "NO": "norway|norge|norsk|norwegen",
    "FI": "finland|finnish|suom|finnland",
    "GR": "greece|greek|ελλάδ|ελλην|griechenland|grèce|grecia",
    "HU": "hungar|magyar|ungarn",
    "RO": "romania|românia|rumän",
    "TR": "turkey|türk|turqui",
    "JP": "japan|日本",
    "CN": "china|中国",
    "KR": "korea|한국",
    "IN": "india",
    "AU": "australia",
    "SA": "saudi|السعودية",
    "AE": r"emirates|uae\b|الإمارات",
    "EG": "egypt|مصر",
}
_COUNTRY = re.compile(
    r"(?i)(?<![A-Za-z])(?:" + "|".join(f"(?P<{k}>{v})" for k, v in _COUNTRIES.items()) + ")"
)


def _phones(text: str, region: str | None) -> Iterator[_Span]:
    named = {str(match.lastgroup) for match in _COUNTRY.finditer(text)}
    international = re.sub(r"(?<![\w.+/-])00(?=[1-9])", " +", text)
    taken: list[_Span] = []
    for start, end in (
        *_matches(text, None, "POSSIBLE"),
        *_matches(international, None, "VALID"),
        *(span for country in sorted(named) for span in _home(text, country, "VALID", "[0(].*")),
        *(
            span
            for country in sorted(named | {region} if region else named)
            for span in _home(text, country, "STRICT_GROUPING", r"[0(].*|.*\D.*")
        ),
        *_labelled_numbers(text),
    ):
        if all(end <= other[0] or other[1] <= start for other in taken):
            taken.append((start, end))
    yield from taken


def _matches(text: str, region: str | None, leniency: str) -> Iterator[_Span]:
    if region is None and "+" not in text:
        return
    from phonenumbers import Leniency, PhoneNumberMatcher

    for match in PhoneNumberMatcher(text, region, getattr(Leniency, leniency)):
        yield match.start, match.end


def _home(text: str, country: str, leniency: str, form: str) -> Iterator[_Span]:
    """Yield the numbers in a country's national notation that have the form of a dialled number."""
    outside = _URL.sub(lambda url: "|" * len(url[0]), text)
    for start, end in _matches(outside, country, leniency):
        dialled = re.fullmatch(rf"(?!{_WHEN}|0 ?- ?\d)(?:{form})", text[start:end])
        if (
            dialled
            and not re.match("-[A-Za-z]", text[end : end + 2])
            and not _OTHER.search(text[max(0, start - 12) : start])
        ):
            yield start, end


def _labelled_numbers(text: str) -> Iterator[_Span]:
    """Yield the numbers of any country beside a word for telephone."""
    for start, end in _spans(_DIALLED, text):
        words = f"{_PHONE_WORDS}|{_CONTACT_WORDS}" if text[start] in "0(+" else _PHONE_WORDS
        if _is_labelled(words, text, (start, end)):
            yield start, end
