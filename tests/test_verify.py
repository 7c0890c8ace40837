"""`evidence verify` on a signed pack: whole it is found so, and any change is told with its file."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from asn1crypto import tsp
from cryptography.x509 import ReasonFlags

from kit.bag import SIGNATURE, TIMESTAMP
from kit.errors import UserError
from kit.pack import keys
from kit.pack.keys import open_signing_key, stamp
from kit.pack.sign import sign_manifest, sign_pdf
from kit.verify import verify
from kit.verify.bag import check_bag, read_info
from kit.verify.checks import Check
from kit.verify.contents import open_contents
from kit.verify.findings import count_of
from kit.verify.signatures import check_manifest_signature, read_roots
from tests.commands import evidence
from tests.pack.authority import DAY, Authority
from tests.pack.forging import reseal, zipped
from tests.pack.lasting import result_of
from tests.pack.services import NOW, Services

KINDS = [
    "README.txt",
    "bag-info.txt",
    "bagit.txt",
    "manifest-sha256.txt",
    "tagmanifest-sha256.txt",
    SIGNATURE,
    TIMESTAMP,
    "data/evidence.html",
    "data/evidence.pdf",
    "data/evidence/E0001.json",
    "data/evidence/index.csv",
    "data/findings.csv",
    "data/findings.parquet",
    "data/findings.xlsx",
    "data/ocsf-findings.json",
    "data/ocsf-findings.ndjson",
    "data/oscal-assessment-plan.json",
    "data/oscal-assessment-results.json",
    "data/oscal-catalog.json",
    "data/oscal-profile.json",
]

# What only a snapshot shows.
NOT_COMPARED = [
    "data/findings.xlsx",
    "other members of the records in data/evidence",
    "other texts of data/evidence.html",
    "other texts of data/evidence.pdf and of what is attached to it",
]


@pytest.fixture
def pack(signed_pack: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(signed_pack, tmp_path / "pack"))


def flip(path: Path, at: float = 0.5) -> None:
    content = bytearray(path.read_bytes())
    content[int(len(content) * at)] ^= 1
    path.write_bytes(content)


def wrong(pack: Path, trust: Path | None = None) -> dict[str, str]:
    """What is told of each subject that is not as the pack says."""
    found: dict[str, str] = {}
    for check in verify(pack, trust):
        if not check.ok:
            found[check.subject] = "\n".join(
                (*found.get(check.subject, "").splitlines(), check.message)
            )
    return found


@pytest.fixture(scope="module")
def whole(signed_pack: Path) -> list[Check]:
    """The checks of the pack as it is, of which none fails."""
    checks = verify(signed_pack)
    assert [check.line for check in checks if not check.ok] == []
    return checks


def bag_and_signature(pack: Path, roots: Path | None = None) -> dict[str, str]:
    """What is told of the files, their lists and the signature over them, and of nothing else."""
    with open_contents(pack) as contents:
        signature, _ = check_manifest_signature(contents, read_info(contents), read_roots(roots))
        checks = [*check_bag(contents), *signature]
    return {check.subject: check.message for check in checks if not check.ok}


def test_a_whole_pack_is_what_it_says(signed_pack: Path, authority: Authority) -> None:
    done = evidence("verify", signed_pack, "--trust", authority.ca, cwd=signed_pack)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    notes = [line for line in lines[:-2] if not line.startswith("ok ")]
    assert [re.match(r"note    (.*): not compared: ", line)[1] for line in notes] == NOT_COMPARED
    assert re.fullmatch(r"\d+ checks, all ok", lines[-2])
    assert lines[-1] == f"not compared: {', '.join(NOT_COMPARED)}"
    assert re.search(
        rf"{SIGNATURE}: intact .* analyst, .*SHA-256 [0-9A-F:]{{95}}\); trusted", done.stdout
    )
    assert re.search(r"evidence.pdf: intact over the whole file.*timestamp.*; trusted", done.stdout)
    assert re.search(rf"{TIMESTAMP}: .*was there at .* tsa, .*; trusted", done.stdout)


def test_a_signer_who_was_revoked_is_reported_by_the_time_of_signing(
    signed_pack: Path, authority: Authority, services: Services
) -> None:
    earlier = services.crl({"analyst": NOW - DAY}, reason=ReasonFlags.key_compromise)
    later = services.crl({"analyst": NOW + DAY / 2}, until=NOW + DAY)
    arguments = ("verify", signed_pack, "--trust", authority.ca, "--revocation")
    done = evidence(*arguments, earlier, cwd=signed_pack)
    assert done.returncode == 5
    for name in (SIGNATURE, "data/evidence.pdf"):
        assert re.search(
            rf"FAILED  {name}: .*; observed: analyst was revoked on .* UTC \(keyCompromise\), by a "
            r"CRL of .* UTC; it signed on .* UTC",
            done.stdout,
        )
    result = result_of(signed_pack, authority.ca, [later])
    assert result.failed == {}
    lines = "\n".join(result.lines)
    assert lines.count("; analyst was revoked later, on ") == 2
    assert lines.count(": level B-LTA; the signer was not revoked when it signed on") == 2


def test_without_a_certificate_to_trust_the_signer_is_reported_and_not_checked(
    signed_pack: Path,
) -> None:
    done = evidence("verify", signed_pack.parent, cwd=signed_pack)
    assert done.returncode == 0
    assert done.stdout.count("; signer not checked: name whom you trust with --trust") == 2
    assert "; trusted" not in done.stdout


def test_whom_the_reader_does_not_trust_is_reported(
    signed_pack: Path, authority: Authority
) -> None:
    found = result_of(signed_pack, authority.issue("nobody above")[1]).failed
    assert found.keys() == {SIGNATURE, "data/evidence.pdf"}
    assert "expected a signer below a certificate of --trust; observed:" in found[SIGNATURE]
    assert found[SIGNATURE].endswith("): no certificate of --trust is above it")


@pytest.mark.parametrize(
    ("times", "reported"),
    [
        ({"starts": -3 * DAY, "ends": -DAY}, r"its certificate expired on \d{4}-\d\d-\d\d .* UTC"),
        ({"starts": DAY}, r"its certificate is valid only from \d{4}-\d\d-\d\d .* UTC on"),
    ],
    ids=["expired", "not yet valid"],
)
def test_a_signer_out_of_time_is_reported(
    pack: Path,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    times: dict[str, dt.timedelta],
    reported: str,
) -> None:
    monkeypatch.setattr(keys, "_check", lambda own: None)  # which does not let such a key sign
    path, chain = authority.issue("out of time", **times)
    key = open_signing_key(path, chain, passphrase=lambda: None)
    assert key
    sign_manifest(pack, key)
    (pack / TIMESTAMP).unlink()
    failed = bag_and_signature(pack, authority.ca)
    assert re.search(rf"observed: .*out of time.*\): {reported}", failed[SIGNATURE])
    with open_contents(pack) as contents:
        checks, _ = check_manifest_signature(contents, read_info(contents), ())
    line, *_ = (check.message for check in checks if check.subject == SIGNATURE)
    assert re.search(f"signer not checked: .*; {reported}", line)


def test_a_timestamp_with_another_hash_than_sha_2_is_refused(
    pack: Path, authority: Authority
) -> None:
    signature = (pack / SIGNATURE).read_bytes()
    token = stamp(authority.timestamper(), "sha1", signature)
    response = tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token})
    (pack / TIMESTAMP).write_bytes(response.dump())
    failed = bag_and_signature(pack)[TIMESTAMP]
    assert "observed: a signature with sha1; the kit accepts SHA-2 only" in failed


def test_a_zip_is_looked_at_as_it_is(signed_pack: Path, whole: list[Check], tmp_path: Path) -> None:
    assert verify(zipped(signed_pack, tmp_path / "pack.zip")) == whole


def test_a_zip_may_have_the_pack_s_folder(signed_pack: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    shutil.copytree(signed_pack, tmp_path / "in" / "pack")
    made = zipped(tmp_path / "in", tmp_path / "pack.zip")
    with open_contents(made) as zipped_in_folder, open_contents(signed_pack) as plain:
        assert zipped_in_folder.sizes == plain.sizes
        assert [*check_bag(zipped_in_folder)] == [*check_bag(plain)]


@pytest.mark.parametrize(
    "kinds",
    [
        ("README.txt", "bag-info.txt", "bagit.txt", "manifest-sha256.txt"),
        ("tagmanifest-sha256.txt",),
        (SIGNATURE,),
        (TIMESTAMP,),
    ],
)
def test_a_flipped_byte_beside_the_data_is_reported(
    pack: Path, authority: Authority, kinds: tuple[str, ...]
) -> None:
    for kind in kinds:
        flip(pack / kind)
    found = bag_and_signature(pack, authority.ca)
    signed = ("tagmanifest-sha256.txt", SIGNATURE)
    assert {SIGNATURE if kind in signed else kind for kind in kinds} <= found.keys(), found


# Whatever the other files hold, their digests alone are compared, as a later test shows of each;
# what is read of these hides nothing of the others beside.
READ = [("evidence.html", "evidence/E0001.json"), ("evidence.pdf", "evidence/index.csv")]
READ += [("findings.csv",)]


@pytest.mark.parametrize("kinds", READ)
def test_a_flipped_byte_is_reported(pack: Path, kinds: tuple[str, ...]) -> None:
    for kind in kinds:
        flip(pack / "data" / kind)
    found = wrong(pack)
    for kind in kinds:
        assert re.search(r"SHA-256 [0-9a-f]{64}; observed: [0-9a-f]{64}", found[f"data/{kind}"])


def test_a_flipped_byte_in_every_file_is_reported_for_every_file(pack: Path) -> None:
    payload = [path for path in (pack / "data").rglob("*") if path.is_file()]
    assert len(payload) > 40
    for path in payload:
        flip(path)
    found = wrong(pack)
    for path in payload:
        line = found[str(path.relative_to(pack))]
        assert re.search(r"SHA-256 [0-9a-f]{64}; observed: [0-9a-f]{64}", line)


def test_added_and_missing_files_are_reported(pack: Path) -> None:
    (pack / "data" / "extra.csv").write_text("a")
    (pack / "notes.txt").write_text("b")
    (pack / "data" / "findings.xlsx").unlink()
    found = bag_and_signature(pack)
    assert "no manifest lists it; observed: 1 bytes" in found["data/extra.csv"]
    assert "no manifest lists it" in found["notes.txt"]
    assert "manifest-sha256.txt lists it; observed: none" in found["data/findings.xlsx"]


def test_files_changed_together_with_the_manifests_are_not_what_was_signed(pack: Path) -> None:
    flip(pack / "data" / "findings.xlsx")  # a part of which no longer has its checksum
    reseal(pack)
    assert wrong(pack).keys() == {SIGNATURE, "data/findings.xlsx"}


@pytest.mark.parametrize("name", [SIGNATURE, TIMESTAMP])
def test_a_signature_taken_away_is_reported(pack: Path, name: str) -> None:
    (pack / name).unlink()
    assert f"observed: {name} missing" in result_of(pack).failed["bag-info.txt"]


def test_saying_unsigned_does_not_help(pack: Path) -> None:
    info = pack / "bag-info.txt"
    info.write_text(re.sub("Signature: .*", "Signature: none", info.read_text()))
    reseal(pack)
    found = wrong(pack)
    assert "expected no signature, as it states" in found["bag-info.txt"]
    assert "Unsigned on its pages" in found["data/evidence.html"]


def test_a_pdf_signed_by_another_is_reported(pack: Path, authority: Authority) -> None:
    path, chain = authority.issue("someone else")
    key = open_signing_key(path, chain, passphrase=lambda: None)
    assert key
    pdf = pack / "data" / "evidence.pdf"
    with pikepdf.open(pdf) as file:
        del file.Root.AcroForm
        del file.Root.Perms
        del file.pages[0].Annots
        again = io.BytesIO()
        file.save(again)
    pdf.write_bytes(sign_pdf(again.getvalue(), key))
    resigned(pack, authority)
    found = result_of(pack).failed
    assert re.search("signer of .*insider.*; observed: .*someone else", found["data/evidence.pdf"])


def test_a_pdf_that_was_added_to_is_reported(pack: Path) -> None:
    pdf = pack / "data" / "evidence.pdf"
    pdf.write_bytes(pdf.read_bytes() + b"\n% added\n")
    reseal(pack)
    assert "does not cover the whole file" in result_of(pack).failed["data/evidence.pdf"]


def resigned(pack: Path, authority: Authority) -> None:
    """Sign a pack as a signer who made it inconsistent."""
    path, chain = authority.issue("insider")
    key = open_signing_key(path, chain, passphrase=lambda: None)
    assert key
    reseal(pack)
    sign_manifest(pack, key)


def change_csv(pack: Path) -> None:
    path = pack / "data" / "findings.csv"
    path.write_text(path.read_text().replace(",fail,", ",pass,", 1))


def change_info(pack: Path) -> None:
    path = pack / "bag-info.txt"
    path.write_text(
        re.sub("Findings-SHA-256: .{8}", "Findings-SHA-256: 00000000", path.read_text())
    )


def change_commitment(pack: Path) -> None:
    path = pack / "data" / "evidence" / "E0001.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"commitment": "0" * 64}))


def drop_evidence(pack: Path) -> None:
    path = pack / "data" / "evidence" / "index.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-40]))


def empty_record(pack: Path) -> None:
    rows = csv.DictReader((pack / "data" / "findings.csv").read_text().splitlines())
    cited = next(row["evidence"].split("#")[0] for row in rows if "#/Fleets" in row["evidence"])
    path = pack / "data" / "evidence" / f"{cited}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"response": {}}))


def drop_lines(pack: Path) -> None:
    (pack / "data" / "ocsf-findings.ndjson").unlink()


@pytest.mark.parametrize(
    "changes",
    [
        {change_csv: ("bag-info.txt", "computed from data/findings.csv")},
        {change_info: ("bag-info.txt", "Findings-SHA-256")},
        {drop_evidence: ("data/evidence/index.csv", "which a finding of")},
        {
            change_commitment: ("data/evidence/E0001.json", "commitment"),
            empty_record: ("data/evidence/E", "a value at /Fleets/0"),
            drop_lines: ("data/ocsf-findings.ndjson", "a file, as an account's pack has it"),
        },
    ],
)
def test_what_does_not_fit_together_is_reported_though_it_is_signed(
    pack: Path, authority: Authority, changes: dict[Callable[[Path], None], tuple[str, str]]
) -> None:
    for change in changes:
        change(pack)
    resigned(pack, authority)
    found = wrong(pack)
    for subject, reported in changes.values():
        assert [
            text for name, text in found.items() if name.startswith(subject) and reported in text
        ], found


def test_exit_codes_distinguish_a_wrong_pack_from_none(
    pack: Path, tmp_path: Path, authority: Authority
) -> None:
    flip(pack / "data" / "findings.csv")
    done = evidence("verify", pack, cwd=tmp_path)
    assert done.returncode == 5
    assert re.search(
        r"FAILED  data/findings.csv: expected SHA-256 .{64}; observed: .{64}", done.stdout
    )
    assert re.search(r"\n\d+ of \d+ checks FAILED\nnot compared: ", done.stdout)
    (tmp_path / "outputs" / "run").mkdir(parents=True)
    (tmp_path / "outputs" / "run" / "pack").symlink_to(pack)
    for arguments, reported in (
        ((tmp_path / "nowhere",), "there is no pack"),
        ((pack / "bagit.txt",), "neither a folder nor a zip"),
        (("outputs",), "packs below it: outputs/run/pack\n"),
        ((pack, "--trust", pack / "bagit.txt"), "holds no PEM certificate"),
        ((pack, "--trust", pack / "nowhere"), "cannot be read"),
    ):
        done = evidence("verify", *arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert reported in done.stderr


def test_several_packs_are_verified_one_by_one(
    signed_pack: Path, pack: Path, tmp_path: Path
) -> None:
    flip(pack / "data" / "findings.csv")
    for packs, code in (
        ((signed_pack, pack), 5),
        ((pack, signed_pack), 5),
        ((signed_pack,) * 2, 0),
    ):
        done = evidence("verify", *packs, cwd=tmp_path)
        names = [line for line in done.stdout.splitlines() if line.startswith("pack: ")]
        assert (done.returncode, names) == (code, [f"pack: {place}" for place in packs])
    done = evidence("verify", signed_pack, pack, "--against", "snapshot", cwd=tmp_path)
    assert (done.returncode, done.stderr.startswith("evidence: --against: ")) == (2, True)


def test_roll_ups_are_counted_apart_as_a_pack_counts_them() -> None:
    assert [count_of(["AR-05"]), count_of(["AR-05", "EX-04", *["AR-18"] * 2])] == [
        "1 finding",
        "2 findings and 2 roll-ups",
    ]


@pytest.mark.parametrize("left", ["data", "manifest-sha256.txt", "bagit.txt"])
def test_a_pack_that_lacks_the_rest_is_a_wrong_pack(pack: Path, tmp_path: Path, left: str) -> None:
    for path in [*pack.iterdir()]:
        if path.name != left:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    run = pack.rename(tmp_path / "pack").parent
    for folder in (run, run / "pack"):
        done = evidence("verify", folder, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (5, "")
        assert "FAILED  bag-info.txt" in done.stdout


def test_trust_in_nobody_is_no_trust_in_everybody(tmp_path: Path, signed_pack: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    with pytest.raises(UserError, match="holds no PEM certificate"):
        verify(signed_pack, tmp_path / "empty.pem")


def test_json_states_what_was_left_open(signed_pack: Path, pack: Path, whole: list[Check]) -> None:
    def states(folder: Path) -> tuple[int, dict[str, Any]]:
        done = evidence("verify", "--json", folder, cwd=folder)
        return done.returncode, json.loads(done.stdout)

    code, stated = states(signed_pack)
    assert (code, stated["ok"], stated["signed"]) == (0, True, True)
    assert "data/findings.xlsx" in stated["not_compared"]
    assert [check["subject"] for check in stated["checks"]] == [check.subject for check in whole]
    assert all(check["ok"] for check in stated["checks"])
    (pack / "data" / "findings.csv").write_text("")
    code, stated = states(pack)
    assert (code, stated["ok"]) == (5, False)


def test_a_name_of_60_kb_makes_a_short_line() -> None:
    assert len(Check("n" * 60_000, ok=False, message="m").line) < 400
