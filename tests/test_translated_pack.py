"""A pack in a language of its own: the same findings, and no sentence of English left."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pikepdf
import pytest

from kit import evaluate, tabulate
from kit.calls import CALLS
from kit.catalogue import texts
from kit.catalogue.frameworks import frameworks
from kit.collect.collector import collect
from kit.controls.source import statements, title
from kit.judge import needed_calls
from kit.judge.findings import Findings
from kit.pack.attachments import attachments
from kit.pack.document import data_of, document, findings_data
from kit.pack.execute import execute_here
from kit.pack.html import page
from kit.pack.pdf import pdf
from kit.pack.seal import NOTEBOOK
from kit.pack.tabular import findings_csv
from kit.sandbox.server import Sandbox
from kit.snapshot import Snapshot
from kit.tables.trails import OTHERS_TRAIL
from kit.verify.page import read_page
from tests.accounts import run_of
from tests.translation import english_in, is_english, pairs_of, write_reversed


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    yield
    texts.choose("en")


@pytest.fixture(scope="module")
def reversed_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_reversed(tmp_path_factory.mktemp("language") / "xx.yaml")


class Translated(NamedTuple):
    """A pack in another language, and the words of others that stand in it as they are."""

    findings: Findings
    digest: str
    page: str
    pdf: bytes
    quoted: str


@pytest.fixture(scope="module")
def translated(
    sandbox: Sandbox, reversed_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Translated:
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patched:
        for name, value in sandbox.environment("demo").items():
            patched.setenv(name, value)
        run = run_of("demo", folder).model_copy(update={"language": str(reversed_file)})
        stored = collect(run, needed_calls([]), folder / "snapshot", progress=False)
        findings = evaluate(tabulate(stored))
        executed, _ = execute_here(NOTEBOOK, {"snapshot": str(stored.folder)})
    made, data = document(executed), findings_data(executed)
    quoted = _quoted(stored, data["records"])
    attached = attachments(data_of(executed, "snapshot")["facts"], made, findings_csv(data))
    digest = data["facts"]["digest"]
    return Translated(findings, digest, page(made), pdf(made, attached=attached), quoted)


def _quoted(stored: Snapshot, records: list[dict[str, str]]) -> str:
    """Words of AWS's page, frameworks, answers, parameters and waivers; names of calls; labels.

    Values of columns stay as they are too; the only one that reads as a sentence is a kind of trail.
    """
    required = [
        part
        for id, framework in frameworks().items()
        if not framework.own_words
        for one in statements(id)
        for part in (one.what, one.says)
    ]
    labels = [record["resource"] for record in records]
    # Policies and roles by which rights come: labels too, and part of what a finding is.
    labels += [
        label
        for record in records
        for label in json.loads(record["observed_values"]).get("through") or ()
    ]
    answers = [
        request.response for request in stored.evidence if request.call.startswith("artifact")
    ]
    given = [stored.run.model_dump(mode="json"), stored.header["waivers"]]
    absent = {
        f"({code}: {words})" for call in CALLS.values() for code, words in call.absent.items()
    }
    return " | ".join(
        [
            *(title(), OTHERS_TRAIL, *required, *labels, *CALLS, *sorted(absent)),
            json.dumps([*answers, *given]),
        ]
    )


def test_the_findings_are_the_same(translated: Translated) -> None:
    assert translated.digest == translated.findings.digest


def test_documents_name_their_language(translated: Translated) -> None:
    assert '<html lang="eo">' in translated.page
    with pikepdf.open(io.BytesIO(translated.pdf)) as file:
        assert str(file.Root.Lang) == "eo"


def test_no_sentence_of_english_is_left(translated: Translated, tmp_path: Path) -> None:
    left = english_in(translated.page, translated.pdf, translated.quoted, tmp_path)
    assert not left, "\n".join(left)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("snoisseS of ONE_DRIVE", True),
        ("of", True),
        ("snoisseS fo ONE_DRIVE", False),
        ("SWA's egap Each user has them", False),
        ("SWA's egap Each user of SWA", True),
    ],
)
def test_a_sentence_of_english_is_seen_and_a_quotation_let_be(line: str, expected: bool) -> None:
    assert is_english(line, set(pairs_of("Each user has them"))) == expected


def test_verify_reads_verdicts_in_any_language(translated: Translated) -> None:
    shown = read_page(translated.page)
    assert shown.language == "eo"
    assert [(row[0][1], row[4][1]) for row in shown.rows] == [
        (one.control, one.status)
        for one in (*translated.findings.leaves, *translated.findings.roll_ups)
    ]
