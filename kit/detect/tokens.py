"""Secrets with a form of their own, in any place: keys, tokens, webhooks and encoded text."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Iterator

from kit.detect.folding import Edit

KINDS = (
    "url-userinfo",
    "url-query-secret",
    "aws-access-key",
    "private-key",
    "token",
    "password-assignment",
)


def token(kind: str) -> str:
    """Return the text that replaces a secret of a kind."""
    return f"⟦secret: {kind}⟧"


_BLOB = r"(?:(?:\s|\\+[nr])*+(?=[a-z]{0,76}[A-Z0-9+/=])[A-Za-z0-9+/=]{8,}+)++"
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?:(?!-----BEGIN)[\w\s\\+/=:,.@()-])*?-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    rf"|(?:(?:\s|\\+[nr])*[A-Za-z-]{{2,20}}: [\w ,-]{{1,80}}){{0,4}}{_BLOB})"
    rf"|(?<=Private-Lines: )\d{{1,3}}{_BLOB}"
)
# Between two characters of an AWS key that somebody split.
_GAP = r"(?:\\{0,3}[\"']\s{0,2}[+.&]\s{0,2}\\{0,3}[\"']|[\\^`]?\r?\n[ \t]{0,8}|[ \t_-])"
# The formats are those of each provider's documentation, and of the rules of secretlint, gitleaks
# and detect-secrets: https://github.com/secretlint/secretlint, https://github.com/gitleaks/gitleaks
_FORM = re.compile(
    r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2}))(?:"
    r"(?P<aws>(?:(?:AKIA|ASIA)[A-Z0-9]{16}|(?i:(?:akia|asia)(?=[a-z]{0,15}[2-7])[a-z2-7]{16}))"
    r"(?![A-Za-z0-9])(?:(?:[\s:/,;|]|%[0-9A-F]{2}){1,3}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=]))?)"
    rf"|(?P<split>(?:AKIA|ASIA)(?:{_GAP}?[A-Z2-7]){{16}}(?![A-Z0-9]))"
    r"|gh[oprsu]_[A-Za-z0-9]{30,}|github_pat_\w{30,}"
    r"|gl(?:agent|cbt|dt|ffct|ft|imt|oas|pat|ptt|rt|rtr|sa|soat|wt)[-_][\w-]{20,}|GR1348941[\w-]{18,}"
    r"|xox[a-eoprs]-\d[\w-]{9,}|xoxe\.xox[bp]-\d-[\w-]{20,}|xapp-\d-[\w-]{10,}"
    r"|[rs]k_(?:live|test)_[A-Za-z0-9]{10,}"
    r"|whsec_[A-Za-z0-9+/]{16,}|AIza[\w-]{30,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}|1//0[\w-]{40,}"
    r"|npm_[A-Za-z0-9]{30,}|pypi-(?:AgE[\w-]{20,}|[\w-]{50,})|SG\.[\w-]{16,}+\.[\w-]{16,}"
    r"|hf_[A-Za-z0-9]{30,}|gsk_[A-Za-z0-9]{40,}|ops_eyJ[\w+/-]{60,}|AKCp[A-Za-z0-9]{40,}|vc[apikr]_[A-Za-z0-9]{24,}|rubygems_[0-9a-f]{48}|oy2[a-z0-9]{43}(?![a-z0-9])"
    r"|do[por]_v1_[0-9a-z]{40,}|shp(?:at|ca|pa|ss)_[0-9A-Za-z]{20,}|lin_api_\w{20,}"
    r"|sk-(?:(?:ant|proj|svcacct|or-v1)-[\w-]{20,}|[A-Za-z0-9]{32,})|key-[0-9a-f]{32}"
    r"|dckr_[op]at_[\w-]{20,}|dapi[0-9a-f]{32}|hv[bs]\.[\w-]{24,}"
    r"|AT(?:ATT3|CTT3|BB)[\w=-]{28,}"
    r"|NR(?:AK|JS|II|IQ|RA)-[A-Za-z0-9_-]{20,}|gl(?:c|sa)_[A-Za-z0-9+/=_]{32,}|PMAK-[0-9a-f]{24}-[0-9a-f]{34}"
    r"|fig[dopu]_[\w-]{36,}|ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43}(?![A-Za-z0-9])|dt0[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{60,}"
    r"|pul-[0-9a-f]{40}|sntry[su]_[\w+/=]{40,}"
    r"|EAA[AC][\w-]{56,}|sq0[a-z]{3}-[\w-]{22,}|LTAI[A-Za-z0-9]{16,24}(?![A-Za-z0-9])"
    r"|AGE-SECRET-KEY-1[A-Z0-9]{20,}|(?:IQoJ|FwoG)[A-Za-z0-9+/=%]{60,}|ABSK[A-Za-z0-9+/]{80,}={0,2}"
    r"|xkeysib-[0-9a-f]{64}-\w{16}|nf[bcopu]_[A-Za-z0-9]{36,}|tfp_(?=[A-Za-z0-9]{12})[\w.=-]{40,}|pplx-[A-Za-z0-9]{32,}|xai-\w{60,}"
    r"|tskey-[a-z]{3,12}-[\w-]{16,}|CFPAT-[\w-]{40,}|pnu_[A-Za-z0-9]{36}|pscale_(?:pw|tkn|oauth)_[\w.-]{30,}"
    r"|rdme_[a-z0-9]{60,}|sgp_[\w]{40,}|ico-[A-Za-z0-9]{32}|HRKU-[\w-]{36,}|aio_[A-Za-z0-9]{28}"
    r"|API-[A-Z0-9]{26}(?![A-Za-z0-9])|pat[A-Za-z0-9]{14}\.[0-9a-f]{64}|pat-(?:eu|na)\d-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,}|r8_[A-Za-z0-9]{30,}|sbp_[0-9a-f]{40}"
    r"|pscale_(?:tkn|pw|oauth)_[\w.=-]{32,}|dp\.(?:pt|st|ct|scim)\.[A-Za-z0-9.]{40,}"
    r"|SK[0-9a-f]{32}(?![0-9a-f])|\d{6}(?:-\d{6}){7}(?![\d-])"  # the last is BitLocker's
    r"|(?<![\w-])eyJ[\w-]{8,}+\.(?:eyJ[\w-]{4,}+\.[\w-]*+(?!\.)|(?:[\w-]*+\.){3}[\w-]*+)"
    r")"
)
# Forms that begin with any letter, each with a part that no other text is likely to hold.
_RARE = tuple(
    (hint, re.compile(rf"(?<![A-Za-z0-9])(?:{form})"))
    for hint, form in (
        (":AA", r"\d{8,10}:AA[\w-]{32,}"),
        (".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,}"),
        ("-us", r"[0-9a-f]{32}-us\d{1,2}(?![0-9A-Za-z])"),
        ("Q~", r"[A-Za-z0-9_~.]{3}\dQ~[\w~.-]{31,34}"),
    )
)
_SPLIT = re.compile(r"[A-Z][2-7]|[2-7][A-Z]")  # unlike "ASIA SINGAPORE 3 TOKYO 4"
# Whoever has the rest of such an address can post to it.
_WEBHOOK = re.compile(
    r"(?i)(?:hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/"
    r"|\.webhook\.office\.com/webhookb2/|outlook\.office(?:365)?\.com/webhook/"
    r"|discord(?:app)?\.com/api/(?:v\d{1,2}/)?webhooks/|hooks\.zapier\.com/hooks/catch/"
    r"|maker\.ifttt\.com/trigger/[\w-]{1,80}/(?:json/)?with/key/|/v1/webhooks/incoming/"
    r"|events\.pagerduty\.com/integration/|api\.telegram\.org/bot"
    r"|/hooks/(?=[a-z0-9]{24,}))(?P<secret>[\w@%.~+:-][\w@%.~+:/-]{7,400})"
)
_FIXED_END = re.compile(r"/(?:enqueue|send\w{1,20})$")
_AUTHORIZATION = re.compile(
    r"(?i)(?:\bbearer\s{1,3}(?=[\w.~+/-]{0,200}\d)|\bauthorization[\"':=\s]{1,5}"
    r"(?:basic|(?:token|apikey)(?=\s{1,3}[\w.~+/-]{0,200}\d))\s{1,3})(?P<secret>[\w.~+/-]{12,}=*)"
)
_PAIR = re.compile(
    r"(?i)(?:\bbasic\s{1,3}|\b_auth\s?=\s?[\"']?|[\"']auth\\{0,7}[\"']\s?:\s?\\{0,7}[\"'])"
    r"(?P<secret>[A-Za-z0-9+/]{6,400}={0,2})(?![\w+/=])"
)
_ENCODED = re.compile(
    r"(?<![A-Za-z0-9+/_-])(?:(?<=%)[0-9A-Fa-f]{2})?"
    r"(?P<encoded>(?:[A-Za-z0-9+/]{60,76}(?:\s|\\+[nr]){1,8}+)*[A-Za-z0-9+/_-]{16,}+={0,2})"
)
_HEX = re.compile(r"(?<![A-Za-z0-9])(?:[0-9a-fA-F]{2}){12,}+(?![A-Za-z0-9])")
_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd]")
_PEEK = 64  # characters that show whether the rest is worth decoding


def private_keys(text: str) -> Iterator[Edit]:
    """Yield private keys in PEM and PuTTY's format, also cut ones."""
    if "PRIVATE KEY" in text or "Private-Lines" in text:
        for match in _PRIVATE_KEY.finditer(text):
            yield *match.span(), token("private-key")


def tokens(text: str) -> Iterator[Edit]:
    """Yield tokens and keys that providers issue, and the secret part of webhooks' addresses."""
    edits = [
        (*match.span(), token("aws-access-key" if match["aws"] or match["split"] else "token"))
        for match in _FORM.finditer(text)
        if "xxxxxxxx" not in match[0].lower()  # an example
        and (not match["split"] or _SPLIT.search(match["split"]))
    ]
    for hint, form in _RARE:
        if hint in text:
            edits += ((*match.span(), token("token")) for match in form.finditer(text))
    if "hook" in text or "integration/" in text or "telegram.org/" in text or "/key/" in text:
        edits += _webhooks(text)
    done = 0
    for start, end, replacement in sorted(edits):
        if start >= done:
            yield start, end, replacement
            done = end


def _webhooks(text: str) -> Iterator[Edit]:
    for match in _WEBHOOK.finditer(text):
        start = match.start("secret")
        secret = _FIXED_END.sub("", match["secret"])
        if re.search(r"\d", secret) and "xxxxxxxx" not in secret.lower():
            yield start, start + len(secret.rstrip(".:-")), token("token")


def authorizations(text: str) -> Iterator[Edit]:
    """Yield the credentials of HTTP's Authorization, beside its name or alone."""
    folded = text.lower()
    edits = []
    if "bearer" in folded or "authorization" in folded:
        for match in _AUTHORIZATION.finditer(text):
            edits.append((*match.span("secret"), token("token")))
    if "basic" in folded or "auth" in folded:
        for match in _PAIR.finditer(text):
            if re.fullmatch(r"[^\s:]{1,64}:[^\s:].*", _decode(match["secret"])):
                edits.append((*match.span("secret"), token("token")))
    done = 0
    for start, end, replacement in sorted(edits):
        if start >= done:
            yield start, end, replacement
            done = end


def decoded(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and content of each base64 or hexadecimal of readable text in UTF-8 or UTF-16."""
    for match in _ENCODED.finditer(text):
        encoded = match["encoded"]
        if content := _decode_hex(encoded) if _HEX.fullmatch(encoded) else _decode(encoded):
            yield *match.span("encoded"), content


def _decode_hex(encoded: str) -> str:
    return _text(bytes.fromhex(encoded), whole=True)


def _decode(encoded: str) -> str:
    """Return the readable text that base64 holds; nothing if it holds none."""
    compact = re.sub(r"\\+[nr]|[\s=]", "", encoded)
    for size in (_PEEK, len(compact)):
        head = compact[: size - size % 4 if size < len(compact) else len(compact)]
        try:
            raw = base64.b64decode(
                head[: len(head) - (len(head) % 4 == 1)] + "=" * (-len(head) % 4), b"-_"
            )
        except (binascii.Error, ValueError):
            return ""
        content = _text(raw, whole=size >= len(compact))
        if not content:
            return ""
    return content


def _text(raw: bytes, *, whole: bool) -> str:
    wide = len(raw) > 3 and not any(raw[1:40:2])  # as PowerShell encodes a command
    try:
        text = codecs.getincrementaldecoder("utf-16-le" if wide else "utf-8")().decode(raw, whole)
    except UnicodeDecodeError:
        return ""
    return "" if _UNPRINTABLE.search(text) else text
