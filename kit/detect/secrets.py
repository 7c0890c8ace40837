"""Detects secrets in free text before it is stored, and replaces each by a token of its kind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from urllib.parse import unquote

from kit.detect.folding import Edit, Folded, folds
from kit.detect.places import Place, places
from kit.detect.tokens import KINDS, authorizations, decoded, private_keys, token, tokens


def mask_secrets(text: str) -> str:
    """Return the text with each secret replaced by ``⟦secret: kind⟧``.

    Parameters
    ----------
    text : str
        Any string of an AWS answer. The time taken is linear in its length.

    Returns
    -------
    str
        The same text if it holds no secret. Scheme, host, path, keys and the text around a secret
        stay readable. Masking a second time changes nothing. A token or AWS key in a URL's query
        keeps its kind beside ``url-query-secret``.

    Notes
    -----
    References to a secret (variables, templates, files, ARNs), masks and sentences about secrets
    are not secrets. Userinfo follows RFC 3986, section 3.2.1; ``git@`` is the fixed login of SSH
    remotes and not a credential.
    """
    return _masked(text, _DEPTH)


def _masked(text: str, depth: int) -> str:
    if len(text) < _SHORTEST and text.isascii() and text.isalnum():
        return text
    if _harmless.get(text, -1) >= depth:  # what is harmless to a depth is so to a smaller one
        return text
    masked = _mask(text, depth)
    if masked == text and len(text) < _REMEMBERED:
        if len(_harmless) >= _MOST:
            _harmless.clear()
        _harmless[text] = depth
    return masked


def _mask(text: str, depth: int) -> str:
    for _ in range(_ROUNDS):  # a command that ended where a secret began may go on after it
        before, text = text, _once(text, depth)
        if text == before:
            break
    return text


def _once(text: str, depth: int) -> str:
    text = _apply(Folded(text, "nothing"), depth)
    for fold in folds(text):
        folded = Folded(text, fold)
        text = _apply(folded, depth) if folded.view != text else text
    if depth and text.lstrip()[:1] in {"{", "[", '"'}:
        text = _STRING.sub(partial(_unescaped, depth), text)
    return text


def _unescaped(depth: int, match: re.Match[str]) -> str:
    """Return a JSON string masked as its content is: a login, a script, or a document of its own."""
    try:
        content = _LENIENT.decode(match[0]) if "\\" in match[0] else match[0][1:-1]
        content.encode()
    except ValueError:
        return match[0]
    masked = _masked(content, depth - 1)
    if masked == content:
        return match[0]
    escaped = json.dumps(masked, ensure_ascii=match[0].isascii())
    return _ESCAPED_TOKEN.sub(r"⟦\1⟧", escaped)


def _apply(folded: Folded, depth: int) -> str:
    for stage in (private_keys, tokens, partial(_encoded, depth), authorizations):
        folded.apply(stage(folded.view))
    for stage in (_userinfo, _by_place, _by_key):
        folded.apply(stage(folded.view))
    return folded.text


def _encoded(depth: int, text: str) -> Iterator[Edit]:
    """Yield base64 whose content holds a secret; a script may be encoded in an encoded script."""
    for start, end, content in decoded(text) if depth else ():
        if kind := _TOKEN.search(_mask(content, depth - 1)):
            yield start, end, kind[0]


def mask_value(key: str, value: str) -> str:
    """Return a value (of a tag, of a variable) as `mask_secrets` masks it beside its key."""
    pair = mask_secrets(f"{key}={value}")
    return pair.removeprefix(f"{key}=") if pair.startswith(f"{key}=") else mask_secrets(value)


_LENIENT = json.JSONDecoder(strict=False)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"')
_ESCAPED_TOKEN = re.compile(rf"(?<!\\)\\u27e6(secret: (?:{'|'.join(KINDS)}))\\u27e7")
_ROUNDS = 8
_DEPTH = 3  # of documents and encoded texts within each other
# To which depth: answers and their documents repeat names, ARNs and regions. No secret is kept.
_harmless: dict[str, int] = {}
_REMEMBERED = 256  # characters
_MOST = 16_384  # texts
_SHORTEST = 16  # characters of a token, or of base64, without any sign
_TOKEN = re.compile(rf"⟦secret: (?:{'|'.join(KINDS)})⟧")
_TOKENS = re.compile(rf"(?:{_TOKEN.pattern})+")

# The part of a URL's authority before its last @, also of a URL that is percent-encoded.
_USERINFO = re.compile(
    rf"(?<=://)(?!\[)(?:{_TOKEN.pattern}|\\(?![\"'nrt]|u00)|[^\s/?#\"'<>\\])+(?=@)"
    r"|(?i:(?<=%3a%2f%2f)(?:(?!%(?:2f|3f|23|40))[^\s/?&#\"'<>\\])+(?=%40))"
)

# Words that end a key whose value is a secret: "client_secret", "AdminPassword", "mot de passe".
_PASSWORDS = (
    *(
        "password",
        "passwd",
        "pswd",
        "passphrase",
        "pass phrase",
        "pass-phrase",
        "passcode",
        "passwort",
        "passord",
        "kennwort",
        "pwd",
    ),
    *("wachtwoord", "contraseña", "contrasena", "mot de passe", "mot_de_passe", "motdepasse"),
    *("senha", "palavra-passe", "hasło", "haslo", "heslo", "lösenord", "losenord", "jelszó"),
    *("adgangskode", "kodeord", "salasana", "parola d'ordine", "parola", "κωδικός πρόσβασης"),
    *("κωδικός", "συνθηματικό", "пароль", "şifre", "パスワード", "暗証番号", "密码", "密碼"),
    *("비밀번호", "كلمة المرور", "كلمة السر", "secretstring", "secret"),
)
_SHORT = ("pass", "psw", "pw", "mdp", "clave")  # other words end like these too: compass
_PIN = "pin"  # of digits alone
_TOKEN_WORDS = ("token", "signature", "sig", "key", "jwt", "hmac")
_KEY = re.compile(
    r"(?P<word>secret(?:[ _-]?access)?[ _-]?key(?:_base)?|"
    + "|".join(
        sorted({*_PASSWORDS, *_SHORT, *_TOKEN_WORDS, _PIN}, key=lambda word: (-len(word), word))
    )
    + r")\d{0,2}(?P<close>[\"'\[\]\\]{0,4}\s{0,3})(?:"
    r"(?P<encoded>%(?:25){0,3}3d)|(?P<sign>=>|:=|:(?!//)|[=：＝>]|\\u003d)"  # noqa: RUF001
    r"|(?P<verb>\b(?:is|ist|est|es|lautet)\b:?|は|(?<=\s)(?:[-–—→]\s|(?:for|für|of|zu[mr]?|vo[nm]|de"  # noqa: RUF001
    r"|d[ue]s?|del|della|di|para|do|dla|voor|van|för|til|till)\s[^:=\r\n]{1,30}(?::|\s(?:=|is|ist|est|es))\s))"
    r"|(?<=\s))(?P<space>\s{0,3}(?:\(?convertto-securestring\s+(?:-(?:string|force|asplaintext)\s+){0,3})?)"
)
_STEM = re.compile(
    r"(?i)(?P<lead>&amp;|%(?:25)*(?:3f|26|23)|\\u0026|^|[^a-z0-9_.$~[-])(?P<stem>[a-z0-9_.$~[-]*)$"
)
_NEXT_KEY = re.compile(r"[\w.-]{1,60}\s?[:=]")  # after an empty value
_MASKED_PAIR = re.compile(r"[\w.@\\-]{1,64}\s?[/:|]\s?⟦secret: password-assignment⟧")
_PASS_OF = re.compile(  # "DBPASS", without anything between the two words
    r"(?i)(?<![a-z])(?:admin|app|become|bind|cert|db|ftp|http|key|ldap|login|mail|master|my|new|ora"
    r"|pfx|pg|proxy|root|sa|smtp|sql|ssh|store|sudo|svc|test|user|vpn|web|wifi)$"
)
_QUERY_LEAD = re.compile(r"(?i)[?&#]|&amp;|%(?:25)*(?:3f|26|23)|\\u0026")
_BREAK = re.compile(r"(?<!secret:)[\s\"'<>]")  # of a URL; a token has a space
_QUERY_START = re.compile(r"(?i)[?#]|%(?:25)*(?:3f|23)|SharedAccessSignature=")
_NO_SECRET_KEY = re.compile(
    r"(?i)(?:public|primary|foreign|sort|sorting|partition|cache|hot|short|shortcut|object|s3|site"
    r"|row|range|index|group|order|search|message|translation|lookup|field|publishable|space|project"
    r"|issue|ticket|page|article|doc|document)[-_.]?$"
)
_SECRET_KEY = re.compile(
    r"(?i)(?:api|access|auth|account|app|secret|private|subscription|shared|session|signing"
    r"|encryption|service|functions?|master|storage|client|developer|dev|user|licen[cs]e|pass)[-_. ]?$"
)
_NO_SECRET_TOKEN = re.compile(
    r"(?i)(?:next|page|pagination|continuation|client|request|start|resume|idempotency|public[-_ ]?key)[-_. ]?$"
)

_UNIT = r"⟦secret: [^⟦⟧]{0,60}⟧"  # also a token that somebody typed
_QUERY_VALUE = re.compile(rf"(?:{_UNIT}|\\(?![\"'nrt]|u00)|[^\s&#\"'<>\\])+")
_ENCODED_VALUE = re.compile(rf"(?i)(?P<value>(?:{_UNIT}|(?!%(?:25)*(?:26|23))[^\s&#\"'<>\\])+)")
_QUOTE = re.compile(r"\\{0,7}[\"']")
_NEXT_QUOTE = re.compile(r"(?P<slashes>\\*)(?P<quote>[\"'])(?=(?P<structure>\s*[,:}\]])?)")
_JOINED = re.compile(  # 'Winter' + '31', up to the last quote
    r"(?:(?P<quote>[\"'])\s{0,2}[+.&]\s{0,2}(?P=quote)[^\"'\\\n]{1,100}(?=(?P=quote)))+"
)
_LITERAL = re.compile(r"(?P<value>[\w.+-]++)(?![:(])")  # a number as JSON writes it
_ASCII = re.compile(r"(?P<value>[!-~]+)")
_UNQUOTED = re.compile(
    rf"[„“”«»‘’‚]?(?P<value>(?:{_UNIT}|,(?!\w{{1,40}}[=:])|&(?!\w{{1,40}}=)"  # noqa: RUF001
    r"|\\(?![\"'])|[\"'](?=\w)|<(?!/)|[^\s,;&<\"'\\„“”«»‘’‚、。」])+)"  # noqa: RUF001
)
_ARGUMENT = re.compile(rf"(?:{_UNIT}|\\(?![\"'nrt])|[^\s\"'\\⟦])+")
_NO_ARGUMENT = re.compile(
    r"[-/$@*(<>|&]|\d+>|\\+u27e6"
)  # another option, a variable, a redirection
_ENDED = {
    "<": re.compile(r"[^<>\"\n]+(?=<|$)"),  # a quote may end the string that holds the markup
    "]": re.compile(r"[^\]\"\n]+(?=\]|$)"),
    "}": re.compile(r"[^{}\"\n]+(?=\})"),
    "@": re.compile(r"[^\s@\"'<>]+"),
    ">": re.compile(r"[^\s\"'<>]+"),
    ")": re.compile(r"[^\s\"'()]+"),
    ",": re.compile(r"(?i)[0-9a-f]{2}(?:,(?:\\{1,4}[\srn\\]{1,12})?[0-9a-f]{2})*"),
    '"': re.compile(r"[^\"\\\n]+(?=\\*\")"),
    "'": re.compile(r"[^'\\\n]+(?=\\*')"),
}
_LONGEST = 512  # characters of a value that are examined, so that time stays linear
_REST = re.compile(r"[^\s\"'&;<>]*")
_CLOSERS = {")": "(", "]": "[", "}": "{", ">": "<"}
_REFERENCE = re.compile(
    r"\{\{.*\}\}|[#$]?\{[^{}]*\}|\$[({].*|\$[A-Za-z_][\w:.]*|%\w+%|!\w+!|<.*>|\[.*\]|`.*"
    r"|[*•·.…_#?-]+|[xX]{3,}|(?i:arn|file|env|vault|ssm|op|ref|kms|keyring|secretsmanager):.*"
    r"|[A-Za-z][\w+.-]*://.*|[A-Za-z]:[\\/].*|\\\\.*|@\S*[/\\.]\S*|(?:~|\.{1,2})?(?:/[\w.$ -]+)+/?"
    r"|\*[A-Z_* ]+\*|(?i:true|false|yes|no|on|off|env|file|stdin|[01]|null|none|nil|undefined|redacted|hidden|masked|prompt"
    r"|required|optional|hidden_due_to_security_reasons|(?:your|my|insert|enter|replace)[-_ ].*"
    r"|(?:[\w-]+[-_ ])?(?:key|password|secret|token|value)[-_ ]here)|ENC\[.*|\([^()]*\)|!(?:vault|secret|[A-Z]\w+)"
    r"|\(*(?i:get|read|new|import|convertto|convertfrom|unprotect|decrypt|select|invoke)-[A-Za-z]\w*"
    r"|\(?\[?(?:[A-Za-z_]\w*(?:\.|\]?::))+\w+\(.*|(?:get|read|load|fetch|input)\w*\(.*"
    r"|(?:var|local|data|module|each|random_\w+|aws_\w+)(?:\.[A-Za-z_][\w-]*|\[\w+\])+"  # Terraform
    r"|__\w+__|@\w+@|%~?\d|\$\d|(?:process\.|os\.)?env(?:iron)?[.\[(].*"
    r"|(?:[A-Z]+_)*(?:KEY|PASSWORD|SECRET|SIGNATURE|TOKEN)",
    re.DOTALL,
)
# First words of a sentence about a password.
_SENTENCE = re.compile(
    r"(?i)(?:see|ask|stored|kept|held|managed|rotated|expires?|changed?|reset|unknown|disabled"
    r"|enabled|protected|set|tb[ad]|n/?a|default|vault|keepass|bitwarden|lastpass|individual|personal|safe|same|in|from|via|by|with|for|not|never|must|the|is|on|at|every"
    r"|siehe|s\.|tresor|individuell|persönlich|standard|bitte|im|beim|bei|wird|nicht|keine?s?|unbekannt|voir|demander|dans|aucun|coffre|ver|véase"
    r"|consultar|preguntar|pedir|en|zie|vraag|geen|vedi|chiedere|nessuna|patrz|zapytaj|brak|se"
    r"|fråga|kysy|katso|βλ\.?|δείτε)"
)
_MEASURE = re.compile(r"(?i)\d{1,4}\s?[a-zäöü]{0,10}|[\d.:/T+Z-]+")
_ODD = re.compile(r"[\d!#$%&*+@^~]")  # characters that words do not have
_STRONG = re.compile(  # no name of a file, host, size or port
    r"(?=.*\d)(?=.*[A-Za-z])(?=.*[A-Z!#$%&*+^~?])(?!.*\.[A-Za-z]\w{0,4}$)[^\s/\\:=]{6,}"
)
_LOGIN = re.compile(
    r"(?i)login|user|benutzer|gebruiker|utilisateur|usuari|usuári|utente|użytkownik|uživatel|användar"
    r"|bruker|bruger|käyttäjä|логин|пользовател|account|\buid\b|setx"
)
_AWS_SECRET = re.compile(r"(?=.*[G-Zg-z/+])[A-Za-z0-9/+]{40}")
_CREDENTIAL = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w.~+/=-]{12,}")
_PROJECT = re.compile(
    r"[A-Z]{2,10}(?:-\d{1,6})?"
)  # of a wiki's space, or of a tracker's project or issue
_GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# What a bare "key" in a link names: a row, a page, an object; keys of interfaces are longer.
_OBJECT = re.compile(rf"(?i)\d+|[a-z][a-z._-]{{0,20}}|[0-9a-f]{{1,24}}|{_GUID}")
_UUID = re.compile(rf"(?i){_GUID}")


def _userinfo(text: str) -> Iterator[Edit]:
    if "://" not in text and "%3a%2f%2f" not in text.lower():
        return
    for match in _USERINFO.finditer(text):
        info = match[0]
        known = info == "git" or _TOKENS.fullmatch(info)
        if not known and not all(_is_reference(part) for part in info.split(":")):
            yield *match.span(), token("url-userinfo")


def _is_reference(value: str) -> bool:
    return any(_REFERENCE.fullmatch(form) for form in (value, unquote(value)))


def _by_key(text: str) -> Iterator[Edit]:
    done = 0
    # Of all letters only the capital dotted I grows in lower case, which would shift the offsets.
    for key in _KEY.finditer(text.replace("İ", "I").lower()):
        brackets = text[max(0, key.start() - 6) : key.start()]
        if key.start() < done or brackets.endswith(("⟦", "\\u27e6")):
            continue  # within a value, or the word in a token
        if secret := _secret_value(text, key):
            start, end, replacement = secret
            if end - start == _LONGEST and (rest := _REST.match(text, end)):
                end = rest.end()
            if replacement != text[start:end]:
                yield start, end, replacement
            done = end


def _by_place(text: str) -> Iterator[Edit]:
    done = 0
    for place in places(text):
        span = _place_value(text, place) if place.start >= done else None
        if span and (place.name is None or _is_secret_name(place.name)):
            yield *span, token("password-assignment")
            done = span[1]


def _is_secret_name(name: str) -> bool:
    return any(_by_key(f"{name.strip()}=0Example-0Example"))


def _place_value(text: str, place: Place) -> tuple[int, int] | None:
    """Return start and end of the value at a place; None if the value is not a secret."""
    quoted = None if place.end else _quoted_value(text, place.start, "")
    if place.end:
        ending = _ENDED[place.end[-1]].match(text, place.start, place.start + _LONGEST)
        span = ending.span() if ending else None
    else:
        word = _ARGUMENT.match(text, place.start, place.start + _LONGEST)
        span = quoted or (word and (place.start, place.start + len(_trim(word[0]))))
    value = text[slice(*span)] if span else ""
    if not span or not value or _TOKENS.fullmatch(value) or _is_reference(value):
        return None
    if not quoted and not place.end and _NO_ARGUMENT.match(value):
        return None
    if place.proof and ("⟦" in value or not _is_odd(value) or _SENTENCE.fullmatch(value)):
        return None
    if place.proof == "strong" and not _STRONG.fullmatch(value):
        return None
    return span


def _secret_value(text: str, key: re.Match[str]) -> tuple[int, int, str] | None:
    """Return start, end and replacement of a key's value; None if the value is not a secret."""
    before = text[max(0, key.start() - 80) : key.start()]
    place = _STEM.search(before)
    lead, stem = (place["lead"], place["stem"]) if place else ("", before)
    camel = stem[-1:].islower() and text[key.start()].isupper()
    is_word = not stem or camel or stem[-1] in "-_.[$~"
    if key["word"] in {*_SHORT, _PIN, "sig", "jwt", "hmac"} and not (
        is_word or _PASS_OF.search(stem)
    ):
        return None
    if _QUERY_LEAD.fullmatch(lead) and (key["encoded"] or key["sign"] in {"=", "\\u003d"}):
        run = _BREAK.split(text[max(0, key.start() - 2048) : key.start()])[-1]
        if _QUERY_START.search(run):
            return _query_value(text, key, stem, is_word)
    return _assigned_value(text, key, lead, stem, before)


def _query_value(
    text: str, key: re.Match[str], stem: str, is_word: bool
) -> tuple[int, int, str] | None:
    named = _SECRET_KEY.search(stem) or (is_word and not _NO_SECRET_KEY.search(stem))
    if key["word"] == "key" and not named:
        return None
    form, start = _ENCODED_VALUE if key["encoded"] else _QUERY_VALUE, key.end()
    match = form.match(text, start, start + _LONGEST)
    value = _trim(match[0]) if match else ""
    if not value or _is_reference(value):
        return None
    if key["word"] == "key" and (
        _PROJECT.fullmatch(value) or (not stem and _OBJECT.fullmatch(value))
    ):
        return None
    kinds, whole = _TOKEN.findall(value), token("url-query-secret")
    if _TOKENS.fullmatch(value) and kinds[0] == whole:
        return None
    others = dict.fromkeys(kind for kind in kinds if kind != whole)
    return start, start + len(value), "".join((whole, *others))


def _assigned_value(
    text: str, key: re.Match[str], lead: str, stem: str, before: str
) -> tuple[int, int, str] | None:
    word, sign = key["word"], key["sign"] or key["encoded"]
    quote = key["close"].strip().strip("[]")
    tight = not (key["close"] or key["space"])
    slash = before[: len(before) - len(stem)] if lead == "/" else ""
    flag = stem.startswith("-") or slash == "/" or slash[-2:-1] in {" ", '"', "'"}
    if (lead == ":" or (slash and not flag)) and (quote or (sign == ":" and tight)):
        return None  # an ARN, a condition key such as aws:RequestTag/secret, a path
    if quote and not (_QUOTE.fullmatch(quote) and (sign or flag)):
        return None
    if stem.lower().endswith("non-") or (sign == ">" and lead != "<"):
        return None
    if word in _TOKEN_WORDS and not ((sign or flag) and _names_credential(word, before)):
        return None
    if "\n" in key["space"] and _NEXT_KEY.match(text, key.end()):
        return None
    quoted = _quoted_value(text, key.end(), quote)
    start, end = quoted or _unquoted_value(text, key, quote)
    value = text[start:end]
    if not value or _TOKENS.fullmatch(value) or _MASKED_PAIR.match(text, start):
        return None
    if _is_reference(value):
        return None if "://" in value else (start, end, value)  # and no part of it is a value
    if word == "pass" and re.fullmatch(r"\d\d?", value):
        return None  # of several passes
    if word == _PIN and not (sign and re.fullmatch(r"\d{4,12}", value)):
        return None
    if not quoted and (value[0] in "{[<" or _SENTENCE.fullmatch(value)):
        return None
    if flag and not (sign or quoted) and re.match("--[a-z]", value):
        return None  # another option
    spoken = not (flag or quote) and (not sign or (sign in {":", "："} and not (tight or quoted)))  # noqa: RUF001
    if word in _TOKEN_WORDS:
        kind = "token"
        if not _CREDENTIAL.fullmatch(value) or _UUID.fullmatch(value):
            return None
    elif word.endswith("key") and _AWS_SECRET.fullmatch(value):
        kind = "aws-access-key"
    elif spoken:
        ends = not re.match(r"\s*[\w⟦]", text[end : end + 20])
        marked = key["verb"] or quoted or text[start - 1] in "„“”«»‘’‚"  # noqa: RUF001
        assigned = sign or marked or (ends and (_LOGIN.search(before) or _is_strong(value)))
        if not (_is_odd(value) and assigned) and not (
            sign
            and ends
            and len(value) > 3
            and (word not in {"secret", *_SHORT} or (word in _SHORT and _LOGIN.search(before)))
        ):
            return None
        kind = "password-assignment"
    else:
        kind = "password-assignment"
    bare = "" if quoted else quote
    return start, end, f"{bare}{token(kind)}{bare}"  # a number in JSON stays JSON


def _unquoted_value(text: str, key: re.Match[str], quote: str) -> tuple[int, int]:
    form = (
        _ENCODED_VALUE
        if key["encoded"]
        else _LITERAL
        if quote
        else _ASCII
        if key["verb"] == "は"
        else _UNQUOTED
    )
    match = form.match(text, key.end(), key.end() + _LONGEST)
    if not match:
        return key.end(), key.end()
    start = match.start("value")
    return start, start + len(_trim(match["value"]))


def _quoted_value(text: str, start: int, key_quote: str) -> tuple[int, int] | None:
    """Return start and end of a value in quotes, which nested JSON escapes once a level."""
    opening = _QUOTE.match(text, start)
    if not opening:
        return None
    level, first = len(opening[0]) - 1, opening.end()
    for match in _NEXT_QUOTE.finditer(text, first, first + _LONGEST):
        deeper = len(match["slashes"]) - level
        if match["quote"] != opening[0][-1]:
            if match["quote"] == '"' and match["structure"]:
                return None  # the string that contains key and value ends here
        elif deeper % (2 * level + 2) == 0:
            end = match.end() - 1 - level
            value = text[first:end]
            ended = key_quote != opening[0] and value.lstrip()[:1] in {",", ":", "}", "]"}
            if ended or "\n" in value:
                return None
            joined = _JOINED.match(text, end, first + _LONGEST) if not level else None
            return first, joined.end() if joined else end
        elif deeper < 0:
            return None
    return None


def _is_odd(value: str) -> bool:
    """Return whether a word beside "password" in a sentence looks like a chosen password."""
    return len(value) > 4 and bool(_ODD.search(value)) and not _MEASURE.fullmatch(value)


def _is_strong(value: str) -> bool:
    """Return whether a word has a sign that hardly any word but a password has."""
    return _STRONG.fullmatch(value) is not None and re.search("[!#$%&*^~?]", value) is not None


def _names_credential(word: str, before: str) -> bool:
    """Return whether a key outside a URL's query names a credential, unlike a page token."""
    if word == "key":
        return _SECRET_KEY.search(before) is not None
    return word == "token" and not _NO_SECRET_TOKEN.search(before)


def _trim(value: str) -> str:
    """Remove punctuation that ends a sentence or closes a bracket opened before the value."""
    for _ in range(8):
        value = value.rstrip("\\")
        last = value[-1:]
        opener = _CLOSERS.get(last)
        if not (last in {".", ",", ";"} or (opener and value.count(opener) < value.count(last))):
            break
        value = value[:-1]
    return value
