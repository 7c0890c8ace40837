"""Secrets in free text: what is replaced, by what, and what must be left alone."""

import base64
import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kit.detect import secrets
from kit.detect.secrets import KINDS, mask_secrets, mask_value
from kit.shipped import yaml_data
from tests.drawn import examples
from tests.labelled import masked_spans, score

DATA = yaml_data(Path(__file__).parents[1] / "data/detectors/development.yaml")
SECRETS = set(DATA["classes"]["secret"])
SOURCES = [item["text"] for item in DATA["strings"]]
DASHES = "-" * 5

ACCESS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"
JWT = "eyJhbGciOiJub25lIn0." + "eyJzdWIiOiJleGFtcGxlIn0.c2lnbmF0dXJlLWV4YW1wbGU"
PAT = "ghp_" + "exampleexampleexampleexampleexample0"


def kinds(text: str) -> set[str]:
    return set(re.findall("⟦secret: ([^⟧]+)⟧", text))


def test_the_kinds_are_those_of_the_labelled_strings():
    assert set(KINDS) == SECRETS


def test_precision_and_recall_on_the_development_strings():
    right = false = missed = 0
    for item in DATA["strings"]:
        found, labels = kinds(mask_secrets(item["text"])), set(item["labels"]) & SECRETS
        right, false = right + len(found & labels), false + len(found - labels)
        missed += len(labels - found)
    assert right / (right + false) >= 0.99
    assert right / (right + missed) >= 0.97


def test_everyday_forms_are_masked_and_near_misses_are_not():
    result = score("development", lambda text: masked_spans(text, mask_secrets(text)))
    assert [item.text for item in result.missed] == []
    assert result.precision >= 0.98
    assert result.exact / len(result.masked) >= 0.95


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (
            "https://svc:Maple-19@portal.example.com:8443/start?lang=de#top",
            "https://⟦secret: url-userinfo⟧@portal.example.com:8443/start?lang=de#top",
        ),
        (
            r"https://CORP\svc:p@ss@portal.example.com/",
            "https://⟦secret: url-userinfo⟧@portal.example.com/",
        ),
        (
            "https://x.example.com/?next=https%3A%2F%2Fsvc%3Apw1%40host.example.com%2Fa",
            "https://x.example.com/?next=https%3A%2F%2F⟦secret: url-userinfo⟧%40host.example.com%2Fa",
        ),
        (
            "https://portal.example.com/sso?lang=de&token=3f9a1c77&page=2",
            "https://portal.example.com/sso?lang=de&token=⟦secret: url-query-secret⟧&page=2",
        ),
        (
            "See (https://portal.example.com/?API_KEY=abc).",
            "See (https://portal.example.com/?API_KEY=⟦secret: url-query-secret⟧).",
        ),
        (
            "https://x.example.com/?to=https%253A%252F%252Fa%252F%253Fapi_key%253Dabc%2526b%253D2&z=1",
            "https://x.example.com/?to=https%253A%252F%252Fa%252F%253Fapi_key%253D"
            "⟦secret: url-query-secret⟧%2526b%253D2&z=1",
        ),
        (
            r'{"url":"https://x.example.com/?token\u003dabc\u0026b\u003d1"}',
            r'{"url":"https://x.example.com/?token\u003d⟦secret: url-query-secret⟧\u0026b\u003d1"}',
        ),
        (
            f"https://app.example.com/#id_token={JWT}",
            "https://app.example.com/#id_token=⟦secret: url-query-secret⟧⟦secret: token⟧",
        ),
        (f"uploader={ACCESS_KEY}", "uploader=⟦secret: aws-access-key⟧"),
        (f"{ACCESS_KEY}:{SECRET_KEY} for S3", "⟦secret: aws-access-key⟧ for S3"),
        (f"--secret-key {SECRET_KEY}", "--secret-key ⟦secret: aws-access-key⟧"),
        (
            f"{DASHES}BEGIN EC PRIVATE KEY{DASHES}\\nZXhhbXBsZQ==\\n{DASHES}END EC PRIVATE KEY{DASHES} ok",
            "⟦secret: private-key⟧ ok",
        ),
        (f"cut {DASHES}BEGIN PRIVATE KEY{DASHES} ZXhhbXBsZQ==", "cut ⟦secret: private-key⟧"),
        (f"--pat {PAT} --once", "--pat ⟦secret: token⟧ --once"),
        ("Authorization: Basic c3ZjOmV4YW1wbGU=", "Authorization: Basic ⟦secret: token⟧"),
        ("--api-key=9f8a7c6d5e4f3a2b", "--api-key=⟦secret: token⟧"),
        (
            "Server=db;User Id=app;Password=Kafka-1883;Encrypt=true",
            "Server=db;User Id=app;Password=⟦secret: password-assignment⟧;Encrypt=true",
        ),
        (
            '-Password (ConvertTo-SecureString "Winter 31" -AsPlainText)',
            '-Password (ConvertTo-SecureString "⟦secret: password-assignment⟧" -AsPlainText)',
        ),
        ("<password>Heron-44</password>", "<password>⟦secret: password-assignment⟧</password>"),
        ("パスワードはSakura-77です", "パスワードは⟦secret: password-assignment⟧です"),
        ("Passwort ist Nordsee-1962.", "Passwort ist ⟦secret: password-assignment⟧."),
        ('{"password": 12345}', '{"password": "⟦secret: password-assignment⟧"}'),
        (
            r"{\"password\":\"abc\\\"def\",\"x\":1}",
            r"{\"password\":\"⟦secret: password-assignment⟧\",\"x\":1}",
        ),
        ("Login kiosk, PW lighthouse88", "Login kiosk, PW ⟦secret: password-assignment⟧"),
        ("Passwort „Nordsee-1962“", "Passwort „⟦secret: password-assignment⟧“"),
        ("İİ password=abc9", "İİ password=⟦secret: password-assignment⟧"),
        ("pass\u200bword=He\u00adron-44 ok", "pass\u200bword=⟦secret: password-assignment⟧ ok"),
        ("password\u200b" + ACCESS_KEY, "password\u200b⟦secret: aws-access-key⟧"),
        ("\uff50\uff57\uff1dHeron-44", "\uff50\uff57\uff1d⟦secret: password-assignment⟧"),
        ("p\u0430ssword=Heron-44", "p\u0430ssword=⟦secret: password-assignment⟧"),
        ("&lt;pw&gt;Heron-44&lt;/pw&gt;", "&lt;pw&gt;⟦secret: password-assignment⟧&lt;/pw&gt;"),
        (
            "mysql%20-u%20a%20-pHeron-44%20cad",
            "mysql%20-u%20a%20-p⟦secret: password-assignment⟧%20cad",
        ),
        (
            '"net use ""\\\\a\\b"" ""Heron 44"" /user:c"',
            '"net use ""\\\\a\\b"" ""⟦secret: password-assignment⟧"" /user:c"',
        ),
        (
            'reg add k /v DefaultPassword /d "Heron 44" /f',
            'reg add k /v DefaultPassword /d "⟦secret: password-assignment⟧" /f',
        ),
        (
            "mysql \\\n -u a -pHeron-44\nps -p 4711",
            "mysql \\\n -u a -p⟦secret: password-assignment⟧\nps -p 4711",
        ),
        (
            '"Password"=hex(1):4e,00,\\\r\n  75,00\r\n"Size"=hex:4e,75',
            '"Password"=hex(1):⟦secret: password-assignment⟧\r\n"Size"=hex:4e,75',
        ),
        (
            "https://f.azurewebsites.net/api/x?code=kT9xQ2vLw7Rb1Np6Yc8HdZ==",
            "https://f.azurewebsites.net/api/x?code=⟦secret: password-assignment⟧",
        ),
        ("-pswd Heron-44 -x", "-pswd ⟦secret: password-assignment⟧ -x"),
        ("pass phrase: Heron-44", "pass phrase: ⟦secret: password-assignment⟧"),
        ("manage-bde -rp 123456" + "-234567" * 7, "manage-bde -rp ⟦secret: token⟧"),
        (
            "jdbc:sqlserver://h;user=sa;password={He;ron}",
            "jdbc:sqlserver://h;user=sa;password={⟦secret: password-assignment⟧}",
        ),
        ("pw='Win'.'ter'.'-31' x", "pw='⟦secret: password-assignment⟧' x"),
        (
            "https://x.example.com/?api_key=9f8a7c6d",
            "https://x.example.com/?api_key=⟦secret: url-query-secret⟧",
        ),
        ("pass`word=Heron-44", "pass`word=⟦secret: password-assignment⟧"),
        (
            "-Secret (ConvertTo-SecureString -Force -String Heron-44)",
            "-Secret (ConvertTo-SecureString -Force -String ⟦secret: password-assignment⟧)",
        ),
    ],
)
def test_only_the_secret_is_replaced(text, masked):
    assert mask_secrets(text) == masked
    assert mask_secrets(masked) == masked


AWS_STRINGS = [
    "arn:aws:appstream:eu-west-1:123456789012:fleet/cad-emea",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:cad/db-AbCdEf",
    "arn:aws:iam::123456789012:role/appstream/Reader",
    "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "123456789012",
    "AROADBQP57FF2AEXAMPLE:session",
    "AIDACKCEVSQ6C2EXAMPLE",
    "ANPACKCEVSQ6C2EXAMPLE",
    "3f2b8c1e-5a7d-4e90-9b61-195807208086",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "vpc-0a1b2c3d4e5f60718",
    "vpce-1a2b3c4d",
    "2026-01-31T09:30:12.000Z",
    "alias/aws/s3",
    "alias/secret:key",
    "scripts/2026/01/31/session-start.zip",
    "appstream2-36fb080bb8-eu-west-1-123456789012",
    "s3://scripts-123456789012-eu-west-1/tokens/password-reset.ps1",
    "home/user/federated/8c6976e5b5410415bde908bd4dee15dfb167a9c873fc4bb8a81f6f2ab448a918/",
    "[aws-cli/2.15.0 md/awscrt#0.19 ua/2.0 os/linux#5.10 lang/python#3.11 cfg/retry-mode#standard]",
    "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0",
    "https://signin.aws.amazon.com/console?hashArgs=%23&isauthcode=true&nc2=h_ct",
    "https://appstream2.euc1.aws.amazon.com/saml?relayState=x",
    "urn:amazon:webservices",
    "user,arn,user_creation_time,password_enabled,password_last_used,access_key_1_active\n"
    "anna,arn:aws:iam::123456789012:user/anna,2024-01-01T00:00:00+00:00,true,no_information,false\n",
    json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "DenySecret",
                    "Effect": "Deny",
                    "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
                    "Action": ["secretsmanager:GetSecretValue", "iam:ChangePassword", "kms:*"],
                    "Resource": ["arn:aws:s3:::b/*", "arn:aws:secretsmanager:*:*:secret:*"],
                    "Condition": {
                        "Bool": {"aws:SecureTransport": "false"},
                        "StringEquals": {
                            "aws:RequestTag/secret": "x1y2z3",
                            "secretsmanager:ResourceTag/password": "abc",
                            "kms:EncryptionContext:secret": "abc12345",
                            "s3:x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:::key/x",
                        },
                    },
                }
            ],
        }
    ),
    json.dumps(
        {
            "eventVersion": "1.09",
            "eventName": "UpdateFleet",
            "userIdentity": {"type": "AssumedRole", "principalId": "AROADBQP57FF2AEXAMPLE:anna"},
            "requestParameters": {
                "clientToken": "3f2b8c1e-5a7d-4e90-9b61-195807208086",
                "secretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:cad/db-AbCdEf",
                "masterUserPassword": "****",
                "password": "HIDDEN_DUE_TO_SECURITY_REASONS",
                "key": "scripts/start.ps1",
                "nextToken": "AAMA9f8a7c6d5e4f3a2b1c0d9e8f",
            },
            "errorMessage": "not authorized to perform: secretsmanager:GetSecretValue",
            "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256"},
        },
        separators=(",", ":"),
    ),
]
HARMLESS = [
    "https://shop.example.com/?design=oak&monkey=1&tokenize=true&max_tokens=9&sort_key=name",
    "https://app.example.com/?token={{t}}&key=${KEY}&sig=<sig>&password=***&secret=YOUR_SECRET",
    "https://app.example.com/?token=%7B%7Btoken%7D%7D&show_password=true&token=",
    "https://git@git.example.com/scripts.git",
    "https://${USER}:${PASS}@host.example.com/",
    "-Password $cred --password '%PW%' /pwd:$env:PW secret=!Ref DbPassword",
    "--secret=file:/run/secret --password-file /run/secrets/cad password=/run/secrets/cad",
    "Passwort: siehe Tresor der IT",
    "Password policy: 14 characters, password: min. 12 characters",
    "Le mot de passe est dans le coffre",
    "a non-secret key:value pair, bypass=true, compass: north9",
    f"never paste {DASHES}BEGIN PRIVATE KEY{DASHES} anywhere",
    "Needs a bearer token from the vault; AKIA keys are refused",
    "https://app.example.com/?token=%CAD_TOKEN%",
    "export SLACK=xoxb-your-token-here GITHUB=ghp_" + "x" * 36,
    "Password reset for office365, password 2-factor-login2",
    "https://w.example.com/?key=9f8a7c6d5e4f3a2b https://w.example.com/?key=12 ?key=annual-report",
    "https://w.example.com/?key=3f2b8c1e-5a7d-4e90-9b61-0f5d7c208086",
    '"Password"=dword:00000010 "Binary"=hex:4e,75,74',
    "00:1A:2B:3C:4D:5E 2026:11:28:abc:12345 46656e6e656c2d3632206973206e6f20736563726574",
    "password = module.db.password_1[0] --password --verbose C:\\a^b",
    "WLAN key: none, wifi code: see IT; nfs_share_of_the_whole_department_in_london_2026",
]


@pytest.mark.parametrize("text", AWS_STRINGS + HARMLESS)
def test_what_is_no_secret_stays_as_it_is(text):
    assert mask_secrets(text) == text


@pytest.mark.parametrize("text", SOURCES)
def test_masking_twice_is_masking_once(text):
    once = mask_secrets(text)
    assert mask_secrets(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "password=⟦secret: hunter2⟧",
        "password=⟦secret: token⟧hunter2",
        "password=⟦hunter2⟧",
        "https://x.example.com/?token=⟦hunter2⟧&a=1",
        "https://x.example.com/?token=⟦secret: url-query-secret⟧hunter2",
        "https://⟦secret: token⟧hunter2@x.example.com/",
    ],
)
def test_brackets_that_somebody_typed_hide_nothing(text):
    masked = mask_secrets(text)
    assert "hunter2" not in masked
    assert kinds(masked) <= set(KINDS)
    assert mask_secrets(masked) == masked


def test_what_is_harmless_deep_inside_is_looked_at_again_outside():
    encoded = base64.b64encode(b"password=4a7d!9e1fXq2b3c").decode()
    assert secrets._masked(encoded, 0) == encoded  # there nothing is decoded any longer
    assert encoded not in mask_secrets(encoded)


def test_a_value_is_judged_beside_its_key():
    assert mask_value("LocalAdminPassword", "Chestnut") == "⟦secret: password-assignment⟧"
    assert mask_value("CostCentre", "Chestnut") == "Chestnut"
    assert mask_value("repo", "https://a:b1@git.example.com/") == (
        "https://⟦secret: url-userinfo⟧@git.example.com/"
    )
    assert mask_value(f"by {ACCESS_KEY}", "Chestnut") == "Chestnut"


def test_only_one_character_grows_when_folded():
    grown = [chr(code) for code in range(0x110000) if len(chr(code).lower()) != 1]
    assert grown == ["İ"]


COMMANDS = [
    *(
        "mysql -u a -p",
        "curl -u ",
        "a:",
        "net use \\\\h\\s ",
        "net user a ",
        " /user:a ",
        " /add",
        " -p ",
    ),
    *(
        "reg add k /v Password /d ",
        "docker login ",
        "openssl pass:",
        "setx PASSWORD ",
        "echo ",
        " | ",
    ),
    *(
        '<add key="Password" value="',
        '"/>',
        "<Password><Value>",
        "</",
        '"name":"secret","value":"',
        '",',
    ),
    *(
        "login: a/",
        "basic ",
        "YTpiMQ==",
        "cGFzc3dvcmQ9SGVyb24tNDQ=",
        "\u200b",
        "\u0430",
        "%41",
        "\\u0041",
    ),
    *(
        "&lt;",
        "&quot;",
        "%22",
        '""',
        "\\n",
        "AKIA",
        "IOSFODNN7",
        "EXAMPLE",
        "https://hooks.slack.com/services/T1EXAMPLE/B1",
    ),
]
PIECES = (
    st.sampled_from(
        'password secret token api_key sig pass pw --pw < > : = ? & # " \' \\ \\" :// @ git abc1 '
        "Winter-31 %3D %26 %3F %3A%2F%2F %40 . , ; ) ( { } - / \\u003d \\u0026 null is は İ x "
        f"⟦ ⟧ ⟦secret: {ACCESS_KEY} {JWT} bearer {'A' * 20}".split(" ")
    )
    | st.sampled_from(COMMANDS)
    | st.sampled_from(
        [" ", "\n", "⟦secret: token⟧", "⟦secret: Unknown⟧", f"{DASHES}BEGIN PRIVATE KEY{DASHES}"]
    )
)
TEXTS = st.lists(PIECES | st.text(max_size=4), max_size=16).map("".join)


@examples(1500)
@given(TEXTS)
@example("password \u0026password " + ACCESS_KEY)
@example("password\\u003dpassword://")
def test_any_text_is_masked_once_and_for_all(text):
    masked = mask_secrets(text)
    assert mask_secrets(masked) == masked
    assert not re.search(rf"(?<![A-Za-z0-9]){ACCESS_KEY}(?![A-Za-z0-9])", masked)


NAMES = st.sampled_from(["password", "secret", "apiKey", "Action", "x y"])
DOCUMENTS = st.recursive(
    TEXTS | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@examples(400)
@given(DOCUMENTS, st.booleans())
def test_a_json_document_stays_one_and_keeps_its_shape(document, compact):
    inner = json.dumps(document, separators=(",", ":") if compact else None)
    assert shape(json.loads(mask_secrets(inner))) == shape(document)
    outer = json.loads(mask_secrets(json.dumps({"Document": inner, "Next": inner})))
    assert shape(json.loads(outer["Document"])) == shape(document)


@pytest.mark.parametrize("indent", [None, 1])
def test_a_string_of_a_json_document_is_masked_as_it_is_alone(indent):
    login, harmless = "anna@example.com / Maple-19!x", "reports / 2026"
    assert (alone := mask_secrets(login)) != login
    document = {"Description": login, "Tags": [{"Value": [login, harmless]}]}
    masked = json.loads(mask_secrets(json.dumps(document, indent=indent)))
    assert masked == {"Description": alone, "Tags": [{"Value": [alone, harmless]}]}


def shape(value):
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else "leaf"


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "password=",
            'password="',
            "secret: ",
            "key=",
            "?token=",
            "&token=",
            "://a@",
            "%3A%2F%2Fa",
        ),
        *("-eyJ", "eyJaaaaaaaaaa.", "bearer a", "AKIA", "⟦secret: ", "password is ", '"password":'),
        *(f"{DASHES}BEGIN PRIVATE KEY{DASHES}", f"{DASHES}BEGIN PRIVATE KEY{DASHES}\nA: b\n"),
        *("%25", "\\", "(", "password=)", "a", " "),
        *(
            "mysql -p",
            "net use ",
            "reg add /v Password /d ",
            "docker login ",
            "login: a/",
            "basic YTpi",
        ),
        *(
            "<password><value>",
            'name="password" value=',
            "AKIA ",
            "\u200ba",
            "p\u0430",
            "%41",
            "LS0tLS1C",
        ),
        *('variable "password" {', "echo user a ", '"password"=hex:4e,', "pw='a'.", "a^b", "*:80:"),
    ],
)
def test_long_hostile_texts_come_back(piece):
    """Quadratic work would take minutes on these; what is compared is the text, not the time."""
    text = (piece * 20_000)[:20_000]
    masked = mask_secrets(text)
    assert mask_secrets(masked) == masked


@pytest.mark.parametrize("piece", ["a", "-p -p ", "QUJDZGVm", "p=&lt;"])
def test_a_megabyte_comes_back(piece):
    """Quadratic work would take hours on these."""
    text = (piece * 1_000_000)[:1_000_000]
    assert mask_secrets(text) == text


@pytest.mark.parametrize(
    "text",
    [
        # declarations with a type
        "password: str = '⟪Larkspur-8!⟫'",
        "PASSWORD: Final[str] = '⟪Larkspur-8!⟫'",
        "const password: string = '⟪Larkspur-8!⟫';",
        'var pass string = "⟪Larkspur-8!⟫"',
        'let apiKey: string = "⟪Zx9Qw7Er5Ty3Ui1Op0As⟫"',
        "user, password = 'svc', '⟪Larkspur-8!⟫'",
        "creds = ('svc', '⟪Larkspur-8!⟫')",
        # what calls take in a fixed place
        "smtp.login('svc@example.com', '⟪Larkspur-8!⟫')",
        "requests.get(u, auth=('svc', '⟪Larkspur-8!⟫'))",
        'requests.post(u, auth=HTTPBasicAuth("svc", "⟪Larkspur-8!⟫"))',
        "FTP('files01', 'svc', '⟪Larkspur-8!⟫')",
        "pymysql.connect('db01', 'svc', '⟪Larkspur-8!⟫', 'cad')",
        "ssh.connect('files01', 22, 'svc', '⟪Larkspur-8!⟫')",
        'new mysqli("db01", "svc", "⟪Larkspur-8!⟫", "cad")',
        "cx_Oracle.connect('svc', '⟪Larkspur-8!⟫', 'db01/cad')",
        "cx_Oracle.connect('svc/⟪Larkspur-8!⟫@db01/cad')",
        "keyring.set_password('cad', 'svc', '⟪Larkspur-8!⟫')",
        "win32security.LogonUser('svc', None, '⟪Larkspur-8!⟫', 2, 0)",
        "RunAsWait('svc', 'CORP', '⟪Larkspur-8!⟫', 0, 'cad.exe')",
        'net.MapNetworkDrive "Z:", "\\\\fs\\cad", False, "CORP\\svc", "⟪Larkspur-8!⟫"',
        '[Convert]::ToBase64String([Text.Encoding]::ASCII.GetBytes("svc:⟪Larkspur-8!⟫"))',
        # YAML and JSON
        "password: !!str ⟪Larkspur-8!⟫",
        "password: !unsafe '⟪Larkspur-8!⟫'",
        "password: |\n  ⟪Larkspur-8!⟫",
        "password: >-\n  ⟪Larkspur-8!⟫\nport: 22",
        "password:\n  value: ⟪Larkspur-8!⟫",
        '{"password": {"value": "⟪Larkspur-8!⟫"}}',
        '{"Password": ["⟪Larkspur-8!⟫"]}',
        '{"key": "password", "val": "⟪Larkspur-8!⟫"}',
        # commands
        "echo '⟪Larkspur-8!⟫' | openconnect -u svc --passwd-on-stdin vpn01",
        "yes ⟪Larkspur-8!⟫ | passwd svc",
        "echo -n ⟪Larkspur-8!⟫ | cryptsetup luksOpen /dev/sdb cad",
        "cryptsetup luksOpen --key-file <(echo -n ⟪Larkspur-8!⟫) /dev/sdb cad",
        "openssl enc -d -aes-256-cbc -k '⟪Larkspur-8!⟫' -in a",
        "useradd -p $(openssl passwd -6 ⟪Larkspur-8!⟫) svc",
        "usermod -p '⟪Larkspur-8!⟫' svc",
        "ssh-keygen -p -P ⟪Campion-22⟫ -N ⟪Larkspur-8!⟫ -f id",
        "pulumi config set dbPassword ⟪Larkspur-8!⟫ --secret",
        "az sql server create -u adm -p ⟪Larkspur-8!⟫",
        "aws secretsmanager put-secret-value --secret-id cad --secret-string ⟪Larkspur-8!⟫",
        "aws ssm put-parameter --name /cad --type SecureString --value ⟪Larkspur-8!⟫",
        # tokens of services
        "⟪secret_" + "Zx9Qw7Er5Ty3" * 3 + "Ui1Op0A⟫",
        "⟪EAAC" + "Zx9Qw7Er5Ty3" * 5 + "⟫",
    ],
)
def test_secrets_in_calls_declarations_and_documents(text):
    masked = mask_secrets(text.replace("⟪", "").replace("⟫", ""))
    assert [secret for secret in re.findall("⟪([^⟫]+)⟫", text) if secret in masked] == []
    assert mask_secrets(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "def login(user: str, password: str = None):",
        "password: str = os.environ['CAD_PASSWORD']",
        "const title: string = 'Password-Reset 2';",
        'var host string = "db01.corp.example"',
        "username, title = 'svc', 'Dr. 2'",
        "creds = {'username': 'svc01'}",
        "page.login('Sign in', 'Welcome')",
        "smtp.login(user, password)",
        "requests.get(u, auth=('svc', getpass()))",
        "bus.connect('clicked', 'ok', callback)",
        "signal.connect('a', 'b', 'done')",
        "FTP('h', 'anonymous', '')",
        "LogonUser(user, domain, password)",
        "MapNetworkDrive('Z:', '\\\\fs\\cad', True)",
        "b64encode(b'Hello: World')",
        "btoa('https://example.com/2026')",
        '[Text.Encoding]::UTF8.GetBytes("$user:$password")',
        "Password: !Ref DbPassword",
        "MasterUserPassword: !GetAtt Secret.Arn",
        "password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256",
        "password: |\n  See the vault",
        "description: |\n  Release-42!",
        "password:\n  type: string",
        '{"password": {"type": "string"}}',
        '{"password": ["required", "string"]}',
        '{"title": ["Report-1!"]}',
        '{"key": "region", "val": "eu-west-1"}',
        "echo hello | passwd --help",
        "echo y | cryptsetup luksFormat /dev/sdb",
        "yes | apt-get install cad",
        "ssh-keygen -t ed25519 -N '' -f id",
        "usermod -aG docker svc",
        'useradd -p "$HASH" svc',
        "openssl enc -aes-256-cbc -kfile key.bin -in a",
        'openssl enc -k "$KEY" -in a',
        "openssl passwd -6 -stdin",
        "aws secretsmanager create-secret --secret-string file://cad.json",
        "aws ssm put-parameter --name /mode --type String --value fast-2",
        "pulumi config set aws:region eu-west-1",
        "az group create -n cad -l westeurope",
        "secret_santa_list_of_the_department_for_december",
    ],
)
def test_calls_declarations_and_documents_without_a_secret(text):
    assert mask_secrets(text) == text
