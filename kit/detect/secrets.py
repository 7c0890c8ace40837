"""Detects secrets in free text before it is stored, and replaces each by a token of its kind."""

from __future__ import annotations

import re
from urllib.parse import unquote

KINDS = (
    "url-userinfo",
    "url-query-secret",
    "aws-access-key",
    "private-key",
    "token",
    "password-assignment",
)


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
    if "PRIVATE KEY" in text or "Private-Lines" in text:
        text = _PRIVATE_KEY.sub(_token("private-key"), text)
    text = _FORM.sub(_replace_form, text)
    folded = text.lower()
    if "bearer" in folded or "basic" in folded:
        text = _AUTHORIZATION.sub(rf"\1{_token('token')}", text)
    if "://" in text or "%3a%2f%2f" in folded:
        text = _USERINFO.sub(_replace_userinfo, text)
    return _replace_values(text)


def mask_value(key: str, value: str) -> str:
    """Return a value (of a tag, of a variable) as `mask_secrets` masks it beside its key."""
    pair = mask_secrets(f"{key}={value}")
    return pair.removeprefix(f"{key}=") if pair.startswith(f"{key}=") else mask_secrets(value)


def _token(kind: str) -> str:
    return f"⟦secret: {kind}⟧"


_TOKEN = re.compile(rf"⟦secret: (?:{'|'.join(KINDS)})⟧")
_TOKENS = re.compile(rf"(?:{_TOKEN.pattern})+")

# Secrets with a recognisable form, in any place.
_BLOB = r"(?:(?:\s|\\+[nr])*+(?=[a-z]{0,76}[A-Z0-9+/=])[A-Za-z0-9+/=]{8,}+)++"
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?:(?!-----BEGIN)[\w\s\\+/=:,.@()-])*?-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    rf"|(?:(?:\s|\\+[nr])*[A-Za-z-]{{2,20}}: [\w ,-]{{1,80}}){{0,4}}{_BLOB})"
    rf"|(?<=Private-Lines: )\d{{1,3}}{_BLOB}"
)
_FORM = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?P<aws>(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"
    r"(?:[\s:/,;|]{1,3}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=]))?)"
    r"|gh[oprsu]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|gl(?:dt|pat|ptt|rt|sa)[-_][\w-]{20,}"
    r"|xox[abeoprs]-\d[\w-]{9,}|xapp-\d-[\w-]{10,}|[rs]k_(?:live|test)_[A-Za-z0-9]{10,}"
    r"|whsec_[A-Za-z0-9+/]{16,}|AIza[\w-]{30,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}"
    r"|npm_[A-Za-z0-9]{30,}|pypi-(?:AgE[\w-]{20,}|[\w-]{50,})|SG\.[\w-]{16,}+\.[\w-]{16,}|hf_[A-Za-z0-9]{30,}"
    r"|dop_v1_[0-9a-z]{40,}|shp(?:at|ca|pa|ss)_[0-9A-Za-z]{20,}|lin_api_\w{20,}"
    r"|sk-(?:(?:ant|proj|svcacct)-[\w-]{20,}|[A-Za-z0-9]{32,})|key-[0-9a-f]{32}|\d{8,10}:AA[\w-]{32,}"
    r"|dckr_pat_[\w-]{20,}|dapi[0-9a-f]{32}|hvs\.[\w-]{24,}|ATATT3[\w=-]{50,}"
    r"|AGE-SECRET-KEY-1[A-Z0-9]{20,}|(?:IQoJ|FwoG)[A-Za-z0-9+/=%]{60,}"
    r"|(?<![\w-])eyJ[\w-]{8,}+\.(?:eyJ[\w-]{4,}+\.[\w-]*+(?!\.)|(?:[\w-]*+\.){3}[\w-]*+)"
    r")"
)
_AUTHORIZATION = re.compile(
    r"(?i)(\bbearer\s{1,3}(?=[\w.~+/-]{0,200}\d)|\bauthorization[\"':=\s]{1,5}basic\s{1,3})"
    r"[\w.~+/-]{12,}=*"
)

# The part of a URL's authority before its last @, also of a URL that is percent-encoded.
_USERINFO = re.compile(
    rf"(?<=://)(?!\[)(?:{_TOKEN.pattern}|\\(?![\"'nrt]|u00)|[^\s/?#\"'<>\\])+(?=@)"
    r"|(?i:(?<=%3a%2f%2f)(?:(?!%(?:2f|3f|23|40))[^\s/?&#\"'<>\\])+(?=%40))"
)

# Words that end a key whose value is a secret: "client_secret", "AdminPassword", "mot de passe".
_PASSWORDS = (
    *("password", "passwd", "passphrase", "passcode", "passwort", "passord", "kennwort", "pwd"),
    *("wachtwoord", "contraseña", "contrasena", "mot de passe", "mot_de_passe", "motdepasse"),
    *("senha", "palavra-passe", "hasło", "haslo", "heslo", "lösenord", "losenord", "jelszó"),
    *("adgangskode", "kodeord", "salasana", "parola d'ordine", "parola", "κωδικός πρόσβασης"),
    *("κωδικός", "συνθηματικό", "пароль", "şifre", "パスワード", "暗証番号", "密码", "密碼"),
    *("비밀번호", "كلمة المرور", "كلمة السر", "secretstring", "secret"),
)
_SHORT = ("pass", "psw", "pw", "mdp", "clave")  # other words end like these too: compass
_TOKEN_WORDS = ("token", "signature", "sig", "key", "jwt", "hmac")
_KEY = re.compile(
    r"(?P<word>secret(?:[ _-]?access)?[ _-]?key|"
    + "|".join(sorted({*_PASSWORDS, *_SHORT, *_TOKEN_WORDS}, key=lambda word: (-len(word), word)))
    + r")\d{0,2}(?P<close>[\"'\[\]\\]{0,4}\s{0,3})(?:"
    r"(?P<encoded>%(?:25){0,3}3d)|(?P<sign>=>|:=|:(?!//)|[=：＝>]|\\u003d)"  # noqa: RUF001
    r"|(?P<verb>\b(?:is|ist|est|es|lautet)\b:?|は|(?<=\s)(?:[-–—→]\s|(?:for|für|of|zu[mr]?|vo[nm]|de"  # noqa: RUF001
    r"|d[ue]s?|del|della|di|para|do|dla|voor|van|för|til|till)\s[^:=\r\n]{1,30}:\s))"
    r"|(?<=\s))(?P<space>\s{0,3}(?:\(?convertto-securestring\s+(?:-string\s+)?)?)"
)
_STEM = re.compile(
    r"(?i)(?P<lead>&amp;|%(?:25)*(?:3f|26|23)|\\u0026|^|[^a-z0-9_.$~[-])(?P<stem>[a-z0-9_.$~[-]*)$"
)
_QUERY_LEAD = re.compile(r"(?i)[?&#]|&amp;|%(?:25)*(?:3f|26|23)|\\u0026")
_BREAK = re.compile(r"(?<!secret:)[\s\"'<>]")  # of a URL; a token has a space
_QUERY_START = re.compile(r"(?i)[?#]|%(?:25)*(?:3f|23)")
_NO_SECRET_KEY = re.compile(
    r"(?i)(?:public|primary|foreign|sort|sorting|partition|cache|hot|short|shortcut|object|s3|site"
    r"|row|range|index|group|order|search|message|translation|lookup|field|publishable)[-_.]?$"
)
_SECRET_KEY = re.compile(
    r"(?i)(?:api|access|auth|account|app|secret|private|subscription|shared|session|signing"
    r"|encryption|service|function|master|storage|client|developer|dev|user|licen[cs]e|pass)[-_. ]?$"
)
_NO_SECRET_TOKEN = re.compile(
    r"(?i)(?:next|page|pagination|continuation|client|request|start|resume|idempotency)[-_. ]?$"
)

_UNIT = r"⟦secret: [^⟦⟧]{0,60}⟧"  # also a token that somebody typed
_QUERY_VALUE = re.compile(rf"(?:{_UNIT}|\\(?![\"'nrt]|u00)|[^\s&#\"'<>\\])+")
_ENCODED_VALUE = re.compile(rf"(?i)(?:{_UNIT}|(?!%(?:25)*(?:26|23))[^\s&#\"'<>\\])+")
_QUOTE = re.compile(r"\\{0,7}[\"']")
_NEXT_QUOTE = re.compile(r"(?P<slashes>\\*)(?P<quote>[\"'])(?=(?P<structure>\s*[,:}\]])?)")
_LITERAL = re.compile(r"(?P<value>[\w.+-]+)")  # a number as JSON writes it
_ASCII = re.compile(r"(?P<value>[!-~]+)")
_UNQUOTED = re.compile(
    rf"[„“”«»‘’‚]?(?P<value>(?:{_UNIT}|,(?!\w{{1,40}}[=:])|&(?!\w{{1,40}}=)"  # noqa: RUF001
    r"|\\(?![\"'])|[\"'](?=\w)|<(?!/)|[^\s,;&<\"'\\„“”«»‘’‚、。」])+)"  # noqa: RUF001
)
_LONGEST = 512  # characters of a value that are examined, so that time stays linear
_REST = re.compile(r"[^\s\"'&;<>]*")
_CLOSERS = {")": "(", "]": "[", "}": "{", ">": "<"}
_REFERENCE = re.compile(
    r"\{\{.*\}\}|[#$]?\{[^{}]*\}|\$[({].*|\$[A-Za-z_][\w:.]*|%\w+%|!\w+!|<.*>|\[.*\]|`.*"
    r"|[*•·.…_#?-]+|[xX]{3,}|(?i:arn|file|env|vault|ssm|op|ref|kms|keyring|secretsmanager):.*"
    r"|[A-Za-z][\w+.-]*://.*|[A-Za-z]:[\\/].*|\\\\.*|@\S*[/\\.]\S*|(?:~|\.{1,2})?(?:/[\w.$ -]+)+/?"
    r"|(?i:true|false|yes|no|on|off|[01]|null|none|nil|undefined|redacted|hidden|masked|prompt"
    r"|required|optional|hidden_due_to_security_reasons|(?:your|my|insert|enter|replace)[-_ ].*"
    r"|(?:[\w-]+[-_ ])?(?:key|password|secret|token|value)[-_ ]here)|ENC\[.*|\([^()]*\)|![A-Z]\w+"
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
_LOGIN = re.compile(r"(?i)login|user|benutzer|utilisateur|usuari|account|\buid\b|setx")
_AWS_SECRET = re.compile(r"(?=.*[G-Zg-z/+])[A-Za-z0-9/+]{40}")
_CREDENTIAL = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w.~+/=-]{12,}")
_UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _replace_form(match: re.Match[str]) -> str:
    if "xxxxxxxx" in match[0].lower():
        return match[0]  # an example
    return _token("aws-access-key" if match["aws"] else "token")


def _replace_userinfo(match: re.Match[str]) -> str:
    info = match[0]
    if info == "git" or all(_is_reference(part) for part in info.split(":")):
        return info
    return _token("url-userinfo")


def _is_reference(value: str) -> bool:
    return any(_REFERENCE.fullmatch(form) for form in (value, unquote(value)))


def _replace_values(text: str) -> str:
    parts: list[str] = []
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
            parts += (text[done:start], replacement)
            done = end
    return "".join((*parts, text[done:]))


def _secret_value(text: str, key: re.Match[str]) -> tuple[int, int, str] | None:
    """Return start, end and replacement of a key's value; None if the value is not a secret."""
    before = text[max(0, key.start() - 80) : key.start()]
    place = _STEM.search(before)
    lead, stem = (place["lead"], place["stem"]) if place else ("", before)
    camel = stem[-1:].islower() and text[key.start()].isupper()
    is_word = not stem or camel or stem[-1] in "-_.[$~"
    if key["word"] in {*_SHORT, "sig", "jwt", "hmac"} and not is_word:
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
    tokens, token = _TOKEN.findall(value), _token("url-query-secret")
    if _TOKENS.fullmatch(value) and tokens[0] == token:
        return None
    others = dict.fromkeys(kind for kind in tokens if kind != token)
    return start, start + len(value), "".join((token, *others))


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
    quoted = _quoted_value(text, key.end(), quote)
    start, end = quoted or _unquoted_value(text, key, quote)
    value = text[start:end]
    if not value or _TOKENS.fullmatch(value):
        return None
    if _is_reference(value):
        return None if "://" in value else (start, end, value)  # and no part of it is a value
    if not quoted and (value[0] in "{[<" or _SENTENCE.fullmatch(value)):
        return None
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
        assigned = sign or marked or (ends and _LOGIN.search(before))
        if not (_is_odd(value) and assigned) and not (
            sign and ends and len(value) > 3 and word not in {"secret", *_SHORT}
        ):
            return None
        kind = "password-assignment"
    else:
        kind = "password-assignment"
    bare = "" if quoted else quote
    return start, end, f"{bare}{_token(kind)}{bare}"  # a number in JSON stays JSON


def _unquoted_value(text: str, key: re.Match[str], quote: str) -> tuple[int, int]:
    form = _LITERAL if quote else _ASCII if key["verb"] == "は" else _UNQUOTED
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
            return None if ended or "\n" in value else (first, end)
        elif deeper < 0:
            return None
    return None


def _is_odd(value: str) -> bool:
    """Return whether a word beside "password" in a sentence looks like a chosen password."""
    return len(value) > 4 and bool(_ODD.search(value)) and not _MEASURE.fullmatch(value)


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
