"""Where a text holds a password by its place: operands of commands, markup, logins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

Proof = Literal["", "odd", "strong"]


@dataclass(frozen=True)
class Place:
    """Where a value begins that is a secret if nothing speaks against it.

    Attributes
    ----------
    start : int
    end : str
        What ends the value: a quote that was opened before it, ``<`` in markup, or nothing where
        the value is a word or brings its own quotes.
    name : str, optional
        Name beside the value: the value is a secret only if the name is a secret's.
    proof : {"", "odd", "strong"}
        The value is a secret only if it is unlike a word of a sentence (odd), or unlike names of
        files and hosts too (strong).
    """

    start: int
    end: str = ""
    name: str | None = None
    proof: Proof = ""


# Programs and the forms in which each takes a password. PW is the password, USER a user (MEMBER:
# of a domain), FLAGS letters of options that stand before one, WORD a word, NAME a name that must be a secret's, SHARE a UNC path, … other words, ^ the first operand.
# "-p PW" admits "-p:PW" and "-p=PW" too. What follows PW must follow it. "PW?" must be odd, "PW!"
# strong.
_ANY = (  # of any program
    "-u WORD … -p PW! | -U WORD … -P PW! | -u WORD … -P PW! | --user WORD … -p PW!"
    " | /u:WORD … /p:PW! | /user:WORD … /p:PW! | -login WORD PW!"
)
_FORMS: tuple[tuple[str, str], ...] = (
    (
        "mysql mysqldump mysqladmin mysqlimport mysqlcheck mysqlpump mysqlslap mysqlsh mariadb"
        " mariadb-dump mariadb-admin mariadb-import",
        "-pPW",
    ),
    (
        "curl",
        "-FLAGSu USER:PW | -uUSER:PW | --user USER:PW | -U USER:PW | --proxy-user USER:PW"
        " | --oauth2-bearer PW | --cert WORD:PW",
    ),
    ("http https xh", "-a USER:PW | --auth USER:PW"),
    ("wget wget2 aria2c", "--http-passwd PW | --ftp-passwd PW"),
    (
        "net net1",
        "^user WORD PW? | ^user WORD PW … / | ^use SHARE PW … /user: | ^use WORD SHARE PW … /user:"
        " | ^use … /user:WORD PW | ^use … /u:WORD PW",
    ),
    ("psexec psexec64 paexec pskill pslist psservice psinfo remcom cpau", "-p PW"),
    ("sqlcmd osql isql bcp", "-P PW | -PPW"),
    ("sqlpackage", "/tp:PW | /sp:PW"),
    (
        "sqlplus sqlldr exp imp expdp impdp rman",
        "^USER/PW | ^-s USER/PW | ^-L USER/PW | ^… userid=USER/PW",
    ),
    ("db2", "using PW"),
    ("schtasks at", "/rp PW | /p PW"),
    ("sshpass", "-p PW | -pPW"),
    (
        "keytool jarsigner apksigner",
        "-storepass PW | -keypass PW | -new PW | -srcstorepass PW | -deststorepass PW"
        " | -srckeypass PW | -destkeypass PW",
    ),
    ("mstsc rdesktop xfreerdp xfreerdp3 wfreerdp sdl-freerdp", "/p:PW | /gp:PW"),
    ("rdesktop", "-p PW"),
    ("docker podman nerdctl buildah crane oras helm", "login … -p PW | login … -pPW"),
    ("skopeo podman buildah", "--creds USER:PW | --src-creds USER:PW | --dest-creds USER:PW"),
    ("az oc cf tabcmd", "login … -p PW"),
    ("az", "-u WORD … -p PW"),
    ("pulumi", "set … --secret NAME PW | set NAME PW … --secret"),
    ("vault", "^login PW?"),
    (
        "aws",
        "configure set NAME PW | --secret-string PW"
        " | put-parameter … --type SecureString … --value PW",
    ),
    ("ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldapcompare", "-w PW | -wPW"),
    ("ldappasswd", "-w PW | -s PW | -a PW"),
    ("smbclient rpcclient smbget smbcacls", "-U MEMBER%PW | -UMEMBER%PW | --user MEMBER%PW"),
    ("smbmap evil-winrm crackmapexec netexec", "-p PW"),
    ("openssl", "pass:PW | ^enc … -k PW | ^passwd -1 PW | ^passwd -5 PW | ^passwd -6 PW"),
    ("ssh-keygen", "-N PW? | -P PW?"),
    ("useradd usermod", "-p PW?"),
    ("plink pscp psftp putty kitty", "-pw PW"),
    ("lftp", "-u USER,PW"),
    ("ncftpput ncftpget ncftp", "-p PW"),
    ("redis-cli keydb-cli valkey-cli", "-a PW"),
    ("mongo mongosh mongodump mongorestore mongoexport mongoimport cqlsh", "-p PW"),
    ("7z 7za 7zr 7zz rar unrar", "-pPW | -hpPW"),
    ("zip unzip", "-P PW"),
    ("gpg gpg2", "--passphrase PW"),
    ("winrs winrm", "-p:PW"),
    ("netdom", "/pd:PW | /po:PW | /passwordd:PW | /passwordo:PW"),
    ("certutil rabbitmqadmin twine", "-p PW"),
    ("signtool", "/p PW"),
    ("rabbitmqctl", "^add_user WORD PW | ^change_password WORD PW"),
    ("htpasswd", "-b WORD WORD PW | -nb WORD PW | -cb WORD WORD PW | -bc WORD WORD PW"),
    ("rasdial autologon", "^WORD WORD PW"),
    ("wpa_passphrase", "^WORD PW"),
    ("bitsadmin", "/setcredentials WORD WORD WORD WORD PW"),
    ("mosquitto_pub mosquitto_sub ipmitool p4", "-P PW"),
    ("snmpget snmpwalk snmpset snmptrap", "-A PW | -X PW"),
    ("nuget", "setapikey PW"),
    ("dotnet nuget", "push … -k PW"),
    ("npm pnpm yarn", "set NAME PW"),
    ("nmcli", "password PW"),
    ("reg", "add … /v NAME … /d PW"),
    ("setx", "^NAME PW | ^/m NAME PW | ^/s WORD … NAME PW"),
    ("set-itemproperty new-itemproperty", "-name NAME … -value PW"),
    ("set-item new-item", "env:NAME … -value PW"),
    ("convertto-securestring", "^PW | -string PW | -asplaintext PW"),
    ("netsh", "key=PW | keymaterial=PW"),
    ("sudo", "-S <<< PW"),
    ("dsadd dsmod dsquery dsget dsmove dsrm", "-p PW"),
    ("cmd start powershell pwsh bash sh java", _ANY),
    # These take no password; their options are not those of the command before them.
    (
        "ssh scp sftp rsync tar cp mkdir ps git kubectl python node ping psql pg_dump nmap",
        "",
    ),
)
_LONGEST = 2048  # characters of a command line that are examined
_NAMES = frozenset(name for names, _ in _FORMS for name in names.split())
_COMMAND = re.compile(
    r"(?<![\w.$%@=-])([A-Za-z0-9][\w-]*+)(?=(?i:\.exe|\.com|\.cmd)?\\{0,3}[\"']?\s)"
)
_SUFFIX = re.compile(r"(?i)\.exe|\.com|\.cmd|")
_OPTION = re.compile(r"(?i)[-/]u(?:ser)?[ :=]|-login ")
_END = re.compile(r"(?<![\\^`])(?<![\\^`]\r)\n|&&|\|\||\s[|&]\s|;\s")
_WORD = r"(?:\\{0,3}\"[^\"\n]{0,200}\"|'[^'\n]{0,200}'|[^\s\"']{1,200})"
_PARTS = {
    "WORD": _WORD,
    "FLAGS": r"[A-Za-z#]{0,6}",
    "USER": r"(?P<open>\\{0,3}[\"'])?[^\s\"':%,/]{1,64}",
    "MEMBER": r"(?P<open>\\{0,3}[\"'])?[^\s\"'%]{1,64}",  # of a domain
    "NAME": r"\\{0,3}[\"']?(?P<name>[\w.:/@-]{1,80})\\{0,3}[\"']?",
    "SHARE": r"(?:\\{0,3}[\"'])?\\{2,8}[^\s\"']{1,200}\\{0,3}[\"']?",
    "…": r"(?:[^\n]{0,400}?\s)??",
}
_PART = re.compile(r"WORD|FLAGS|USER|MEMBER|NAME|SHARE|…|.")


def _form(form: str) -> tuple[re.Pattern[str], bool, Proof]:
    """Return a form's pattern up to the password, whether it is anchored, and the proof it needs."""
    before, _, after = form.partition("PW")
    anchored = before.startswith("^")
    proof: Proof = "odd" if after[:1] == "?" else "strong" if after[:1] == "!" else ""
    pattern = r"[\"']?\s+" if anchored else r"(?<![^\s\"'(\\])"
    for word in re.findall(r"\S+\s?", before.lstrip("^")):
        option = word[0] in "-/" and len(word) > 1
        for part in _PART.findall(word.rstrip()):
            literal = re.escape(part)
            pattern += _PARTS.get(part, literal)
        if word.endswith(" ") and word != "… ":
            pattern += r"(?:\s{1,20}|[=:]\s?)" if option and "WORD" not in word else r"\s{1,20}"
    if before and not before.endswith((" ", "^")):
        pattern += (
            r"(?![\s=:])"
            if before[-1].isalpha() and not before.endswith(("USER", "MEMBER"))
            else ""
        )
    if ending := after.lstrip("?!").strip(" …"):
        pattern += rf"(?={_WORD}\s[^\n]{{0,400}}?{re.escape(ending)})"
    single = re.search(r"(?:^|\s)-[A-Za-z](?:\s|PW|USER|$)", form)
    return re.compile(pattern if single else f"(?i){pattern}"), anchored, proof


@cache
def _forms(command: str) -> list[tuple[re.Pattern[str], bool, Proof]]:
    lines = [forms for names, forms in _FORMS if command in names.split()] if command else [_ANY]
    return [_form(form.strip()) for forms in lines for form in forms.split(" | ") if form]


def _lines(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield the lines of commands by the command's name, and what lies between without a name.

    No two of them overlap, so that time is linear.
    """
    done = 0
    commands = [
        (name, match.start(), _SUFFIX.match(text, match.end()).end())  # type: ignore[union-attr]
        for match in _COMMAND.finditer(text)
        if (name := match[0].lower()) in _NAMES
    ]
    if not commands and not _OPTION.search(text):
        return
    for n, (name, before, start) in enumerate(commands):
        if before > done:
            yield "", done, before
        following = commands[n + 1][1] if n + 1 < len(commands) else len(text)
        limit = min(following, start + _LONGEST)
        ending = _END.search(text, start, limit)
        done = ending.start() if ending else limit
        yield name, start, done
    yield "", done, len(text)


def _operands(text: str) -> Iterator[Place]:
    """Yield the passwords of commands."""
    for command, start, end in _lines(text):
        for pattern, anchored, proof in _forms(command):
            if anchored:
                matches = [match] if (match := pattern.match(text, start, end)) else []
            else:
                matches = list(pattern.finditer(text, start, end))
            for match in matches:
                groups = match.groupdict()
                yield Place(match.end(), groups.get("open") or "", groups.get("name"), proof)


_Q = r"\\{0,7}[\"']"
_TEXT = rf"{_Q}[^\"'\n]{{1,100}}{_Q}"
_NAMED = r"(?P<name>[\w .:/-]{1,80})"
# The pattern of what precedes a value, and what ends the value. A group "name" must be a secret's; a
# group "odd" demands this proof.
_STRUCTURES: tuple[tuple[str, re.Pattern[str], str], ...] = tuple(
    (hint, re.compile(f"(?i){pattern}"), end)
    for hint, pattern, end in (
        # <add key="Password" value="X"/>, <property name="password">X</property>
        (
            "value",
            rf"\b(?:key|name)\s?=\s?{_Q}{_NAMED}{_Q}[^<>\n]{{0,120}}?\bvalue\s?=\s?(?={_Q})",
            "",
        ),
        (
            "</",
            rf"\b(?:key|name)\s?=\s?{_Q}{_NAMED}{_Q}[^<>\n]{{0,120}}>\s{{0,20}}(?:<value>)?(?=[^<>\s])",
            "<",
        ),
        # <Password><Value>X</Value>, <name>password</name><value>X</value>, and CDATA
        ("<", r"<(?P<name>[\w:.-]{1,60})>\s{0,40}<value>(?=[^<>\s])", "<"),
        ("<", rf"<(?:key|name)>{_NAMED}</\w{{1,20}}>\s{{0,40}}<(?:string|value)>(?=[^<>\s])", "<"),
        ("</", r"<(?P<name>[\w:.-]{1,60})\s[^<>\n]{1,120}(?<!/)>(?=[^<>\s])", "<"),
        (
            "value",
            rf"\bvalue\s?=\s?(?={_Q}[^<>\"'\n]{{1,200}}{_Q}\s{{1,4}}(?:key|name)\s?=\s?{_Q}{_NAMED}{_Q})",
            "",
        ),
        ("cdata", r"<(?P<name>[\w:.-]{1,60})>\s{0,40}<!\[CDATA\[(?=[^<>\s\]])", "]"),
        # {"name": "DB_PASSWORD", "value": "X"}, name: DB_PASSWORD and value: X on the next line
        (
            "val",
            rf"(?:key|name){_Q}\s?:\s?{_Q}{_NAMED}{_Q}\s{{0,40}},\s{{0,40}}{_Q}\w{{0,12}}val(?:ue)?{_Q}\s?:\s?(?={_Q})",
            "",
        ),
        (
            "value",
            rf"\bname:\s{{1,4}}[\"']?{_NAMED}[\"']?\s{{0,4}}\n\s{{0,40}}value:\s{{1,4}}(?=\S)",
            "",
        ),
        ("value=", r"(?:key|name)=(?P<name>[\w.-]{1,80}),\w{0,12}value=", ""),
        # variable "db_password" { default = "X" }, of Terraform
        (
            "default",
            rf"\bvariable\s{{1,4}}{_Q}{_NAMED}{_Q}\s{{0,4}}\{{[^{{}}]{{0,400}}?\bdefault\s{{0,20}}=\s{{0,4}}(?={_Q})",
            "",
        ),
        # "AdminPassword"=hex(1):4e,00, of the registry
        ("hex", rf"{_Q}{_NAMED}{_Q}\s?=\s?hex(?:\([0-9a-f]\))?:(?=[0-9a-f]{{2}})", ","),
        # a profile of a wireless network, and a user in a profile of OpenVPN
        ("<keymaterial>", r"<keyMaterial>(?=[^<>\s])", "<"),
        (
            "<auth-user-pass>",
            r"<auth-user-pass>\s{1,4}[^\s<>]{1,64}\s{0,4}\n\s{0,4}(?=[^<>\s])",
            "",
        ),
        # .pgpass: host, port, database, user, X
        (
            ":",
            r"(?:^|\n|\\n)(?:[\w.-]{1,100}|\*):(?:\d{3,5}|\*):(?:[\w.-]{1,64}|\*):[A-Za-z_*][\w.@-]{0,64}:"
            r"(?=[^\s:\\]{5,}(?:$|\s|\\))",
            "",
        ),
        # PowerShell
        (
            "(",
            rf"(?:SetEnvironmentVariable|\bdefine|\b(?:set|put)env|setProperty)\(\s?{_Q}{_NAMED}{_Q}\s?,\s?(?={_Q})",
            "",
        ),
        (
            "networkcredential",
            rf"NetworkCredential(?:\]::new)?\s?\(\s?(?:{_Q}[^\"'\n]{{1,100}}{_Q}|\$\w{{1,40}})\s?,\s?(?={_Q})",
            "",
        ),
        (
            "convertto-securestring",
            rf"(?<![\w\"'])(?={_Q}[^\"'\n]{{1,200}}{_Q}\s{{0,4}}\|\s{{0,4}}ConvertTo-SecureString)",
            "",
        ),
        # echo X | sudo -S, yes X | passwd, echo user:X | chpasswd
        (
            "echo",
            rf"\becho\s+(?:-n\s+)?(?={_WORD}\s{{0,4}}\|\s{{0,4}}(?:sudo\s[^\n|]{{0,40}}-S\b|su\b|runas\b|kinit\b"
            r"|[^\n|]{1,200}(?:--?pass(?:word|wd)-?(?:on-)?stdin|--passphrase-fd 0|passwd --stdin)))",
            "",
        ),
        (
            "|",
            rf"\b(?:echo|yes|printf)\s+(?:-\w{{1,3}}\s+)?(?P<odd>)"
            rf"(?={_WORD}\s{{0,4}}\|\s{{0,4}}(?:sudo )?(?:cryptsetup|(?:smb)?passwd)\b)",
            "",
        ),
        (
            "chpasswd",
            r"\becho\s+(?:-n\s+)?(?P<open>[\"'])?[^\s\"':]{1,64}:(?=[^\n|]{1,200}\|\s{0,4}(?:sudo )?chpasswd)",
            "",
        ),
        # echo user svc X>> script.txt, and --password-file=<(echo X)
        ("echo", r"\becho[\s.]+(?:user\s+[^\s\"']{1,64}\s+|pass\s+)(?=[^\s\"'>]+\s{0,3}>)", ">"),
        (
            "<(",
            r"(?:pass|key)[\w-]{0,20}[=\s]<\(\s?(?:echo|printf)\s+(?:-n\s+)?(?=[^\s\"'()]+\))",
            ")",
        ),
        # a dialogue of expect
        ("send", rf"assword[^\n]{{0,60}}?\bsend\s+(?:--\s+)?(?={_Q})", ""),
        # scripts of ftp, and .netrc
        (
            "ftp",
            r"(?:^|\n|\\n)\s{0,8}(?:quote\s+)?(?:user\s+[^\s\"']{1,64}[ \t]+|pass\s+)(?=[^\s\"']+\s{0,4}(?:$|\n|\\r|\\n))",
            "",
        ),
        ("machine", r"\blogin\s{1,8}[^\s\"']{1,64}\s{1,8}password\s{1,8}", ""),
        # ODBC: Driver={...};UID=app;PWD={X}
        (
            "={",
            r"(?:uid|user|driver|server|dsn)=[^\"\n]{1,200}?;\s?(?:pwd|password)=\{(?=[^{}\n]{0,100}[^{}\w\n])",
            "}",
        ),
        # {"password": {"value": "X"}}, {"password": ["X"]}
        (
            ":",
            rf"{_Q}{_NAMED}{_Q}\s?:\s?(?:\{{\s{{0,40}}{_Q}\w{{0,12}}value{_Q}\s?:|\[)\s{{0,40}}(?P<odd>)(?={_Q})",
            "",
        ),
        # password: !!str X, a block below "password: |", and a value below "password:", of YAML
        ("!", r"(?P<name>[\w.-]{1,60}):[ \t]{1,4}(?:!!str|!!binary|!unsafe)[ \t]{1,4}(?=\S)", ""),
        (
            "\n",
            r"(?P<name>[\w.-]{1,60}):[ \t]{1,4}[|>][+-]?\d?[ \t]{0,4}\r?\n[ \t]{1,40}(?P<odd>)(?=\S+\s*(?:\n|$))",
            "",
        ),
        (
            "value",
            r"(?P<name>[\w.-]{1,60}):[ \t]{0,4}\r?\n[ \t]{1,40}value:[ \t]{1,4}(?P<odd>)(?=\S)",
            "",
        ),
        # password: str = "X", var password string = "X"
        (
            "=",
            rf"(?<![\w.$-])(?P<name>[\w-]{{1,60}})(?:\s?:\s?[a-z_][\w.\[\]|]{{0,40}}|\sstring)\s{{0,2}}=\s{{0,2}}(?={_Q})",
            "",
        ),
        # user, password = "svc", "X"
        (
            "user",
            rf"\buser\w{{0,10}}\s?,\s?(?P<name>\w{{1,40}})\s?=\s?\(?{_TEXT}\s?,\s?(?={_Q})",
            "",
        ),
        # creds = ("svc", "X")
        (
            "cred",
            rf"\bcred(?:ential)?s\s?=\s?[({{\[]\s?{_Q}(?!user|login|id|name|type|host|email)[\w.@\\-]{{1,64}}{_Q}"
            rf"\s?[,:]\s?(?P<odd>)(?={_Q})",
            "",
        ),
        # what a call takes behind a user, or behind a host and a user
        (
            "auth",
            rf"\b(?:auth\s?=\s?|\w{{0,20}}BasicAuth|\w{{0,20}}DigestAuth|\w{{0,20}}AuthProvider)\(\s?{_TEXT}\s?,\s?(?={_Q})",
            "",
        ),
        (".login(", rf"\.login\(\s?{_TEXT}\s?,\s?(?P<odd>)(?={_Q})", ""),
        ("ftp", rf"\bFTP(?:_TLS)?\(\s?{_TEXT}\s?,\s?{_TEXT}\s?,\s?(?={_Q})", ""),
        (
            "(",
            rf"(?:connect|mysqli|PDO|getConnection)\(\s?{_TEXT}\s?,\s?(?:\d{{1,5}}\s?,\s?)?{_TEXT}\s?,\s?(?P<odd>)(?={_Q})",
            "",
        ),
        ("oracle", rf"(?:cx_Oracle|oracledb)\.connect\(\s?{_TEXT}\s?,\s?(?={_Q})", ""),
        (
            "oracle",
            rf"(?:cx_Oracle|oracledb)\.connect\(\s?{_Q}[\w.]{{1,64}}/(?=[^\s\"'/@]{{1,64}}@)",
            "@",
        ),
        (
            "(",
            rf"(?:RunAs(?:Wait)?|LogonUser\w?|keyring\.set_password)\(\s?{_TEXT}\s?,\s?(?:{_TEXT}|none|null)\s?,\s?(?={_Q})",
            "",
        ),
        (
            "mapnetworkdrive",
            rf"MapNetworkDrive\s?\(?[^\n]{{1,200}}?,\s?\$?(?:true|false)\s?,\s?{_TEXT}\s?,\s?(?={_Q})",
            "",
        ),
        # a pair that becomes the value of Authorization: Basic
        (
            "(",
            r"(?:GetBytes|b64encode|btoa)\(\s?b?(?P<open>[\"'])[^\s\"':]{1,64}:(?!//)(?P<odd>)(?=[^\s\"'])",
            "",
        ),
        # the key of an Azure function
        (".azurewebsites.net/", r"\.azurewebsites\.net/[^\s\"'<>]{0,300}[?&]code=", ""),
        # jdbc:oracle:thin:user/X@host
        ("jdbc:oracle", r"jdbc:oracle:\w{1,8}:[^\s\"'/@]{1,64}/(?=[^\s\"'/@]{1,64}@)", "@"),
    )
)
_LOGIN_WORDS = (
    r"log[ -]?[io]n|credentials?|creds|zugangsdaten|anmeld(?:ung|edaten)|identifiants?|connexion"
    r"|credenciales|credenziali|accesso|inloggegevens|dane logowania|přihlášení|logga in"
)
_USERS = (
    r"user(?:[ _-]?(?:name|id))?|benutzer(?:name)?|utilisateur|usuario|utente|login|id|konto|name"
)
_PASSES = (
    r"pass(?:word|wort|code)?|passwd|pwd?|kennwort|mot de passe|contraseña|senha|hasło|wachtwoord"
)
_LOGIN = re.compile(
    rf"(?i)(?<![\w/.@?&=-])(?:(?P<both>(?:{_USERS})\s?[/&+,]\s?(?:{_PASSES}))|{_LOGIN_WORDS})"
    r"(?:(?P<sign>\s?[:=]\s{0,2})|\s(?:is|ist|est|es|as|als|with|mit)\s|\s{1,2})"
    r"(?P<open>[\"'])?[\w.@\\-]{1,64}\s?[/:|]\s?(?=[^\s/])"
    rf"|\((?=[\w.-]{{1,40}}/[^\s()]{{5,64}} (?:as|als|comme|como) (?:{_LOGIN_WORDS}))[\w.-]{{1,40}}/"
    r"|(?<![\w/-])(?:wi-?fi|wlan|wpa\d?|hotspot)[ -]?(?:key|code|psk|schlüssel|clé|clave|chiave|sleutel)"
    r"\s?(?:[:=]\s{0,2}|(?:is|ist|est|es)\s)"
)
# "kiosk / Winter#31" and nothing else
_PAIR = re.compile(r"\s*[\w.@\\-]{2,64}(?:\s?/\s?|:)(?=[^\s/#][^\s/]*[!#$%&*^~?][^\s/]*\s*$)")
_PAIR_LONGEST = 160
_LOGIN_HINTS = (  # of which each match holds at least one
    *("log", "cred", "zugang", "anmeld", "identifi", "connexion", "accesso", "dane", "přihl"),
    *("pass", "pw", "kennwort", "contraseña", "senha", "hasło", "wachtwoord"),
    *("wifi", "wi-fi", "wlan", "wpa", "hotspot"),
)


def places(text: str) -> list[Place]:
    """Return the places of passwords, in the order of the text.

    Parameters
    ----------
    text : str
        Any text; time is linear in its length.
    """
    folded = text.lower()
    result = list(_operands(text))
    for hint, pattern, end in _STRUCTURES:
        if hint in folded:
            for match in pattern.finditer(text):
                groups = match.groupdict()
                odd: Proof = "odd" if "odd" in groups else ""
                ending = groups.get("open") or end
                result.append(Place(match.end(), ending, groups.get("name"), odd))
    if any(hint in folded for hint in _LOGIN_HINTS):
        for match in _LOGIN.finditer(text):
            proof: Proof = "" if match["both"] and match["sign"] else "odd"
            result.append(Place(match.end(), match["open"] or "", proof=proof))
    if len(text) < _PAIR_LONGEST and (pair := _PAIR.match(text)):
        result.append(Place(pair.end(), proof="strong"))
    return sorted(result, key=lambda place: (place.start, place.proof))
