"""The analyst's desk: pages of objects, selections, explanations, frames, evidence in labels."""

from __future__ import annotations

import datetime as dt
import json
import pydoc
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from nbformat.v4 import new_notebook

import kit
from kit import maker
from kit.desk import Explanation
from kit.displayed import DESK_MIME, Displayed
from kit.errors import UserError
from kit.judge.findings import Finding, Findings, Selection
from kit.pack.document import NotebookOutputError, document
from kit.report.views import trace_id
from kit.snapshot import HEADER, Snapshot
from kit.tables import Tables, tabulate
from tests.controls.samples import SAMPLES
from tests.pack.conftest import cover, shown
from tests.pages import code
from tests.standins import ACCOUNT, Account

ROOT = Path(__file__).parent.parent
_UNREADABLE = re.compile(r"<[\w.]+ object at 0x|<function|lambda")


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return SAMPLES["careless"](tmp_path_factory.mktemp("careless")).snapshot()


@pytest.fixture(scope="module")
def tables(evidence: Snapshot) -> Tables:
    return kit.tabulate(evidence)


@pytest.fixture(scope="module")
def findings(tables: Tables) -> Findings:
    return kit.evaluate(tables)


@pytest.fixture(scope="module")
def desk(evidence: Snapshot, tables: Tables, findings: Findings) -> list[Displayed]:
    """Every kind of object that the desk shows."""
    return [
        evidence,
        tables,
        *tables.values(),
        findings,
        findings.where(status="fail"),
        findings.where(status="fail", control="GV-02", region="eu-west-1"),
        findings.explain(0, evidence),
        evidence.evidence_of("E0001"),
        kit.explain("AR-05"),
        kit.trace(findings, tables),
        kit.trace(findings.where(control="AR-05"), tables),
    ]


# --- verbs and pages ------------------------------------------------------------------------


def test_help_has_every_verb_and_what_explores() -> None:
    page = pydoc.render_doc(kit, renderer=pydoc.plaintext)
    assert all(f"\n    {name}" in page for name in kit.__all__)
    for method in ("findings.where(", "findings.explain(", "evidence_of(", ".frame"):
        assert method in page


def test_every_object_has_a_page_and_a_short_text(desk: list[Displayed]) -> None:
    for one in desk:
        bundle = one._repr_mimebundle_()
        assert bundle.keys() == {DESK_MIME, "text/html", "text/plain"}
        assert "</" in bundle["text/html"]
        assert not _UNREADABLE.search(repr(one) + bundle["text/plain"])
        if not isinstance(one, Explanation):
            assert len(bundle["text/plain"].splitlines()) < 70


def test_a_line_states_what_there_is(
    evidence: Snapshot, tables: Tables, findings: Findings
) -> None:
    assert evidence.account in repr(evidence)
    assert f"{len(evidence.requests)} requests" in repr(evidence)
    assert f"{len(tables)} tables" in repr(tables)
    assert f"{findings.count('fail')} fail" in repr(findings)
    buckets = tables["buckets"]
    assert repr(buckets).startswith(f"Table buckets: {len(buckets.rows)} rows")


@pytest.mark.parametrize("clear", [False, True])
def test_names_are_shown_as_the_pack_shows_them(tmp_path: Path, clear: bool) -> None:
    account = Account(tmp_path, pseudonymise=not clear)
    stored = account.stack("jane-doe-stack").fleet("jane-doe-fleet").snapshot()
    built = tabulate(stored)
    judged = kit.evaluate(built)
    pages = [one._repr_mimebundle_() for one in (stored, built, judged, judged.where())]
    pages += [table._repr_mimebundle_() for table in built.values()]
    pages += [stored.evidence_of(each.id)._repr_mimebundle_() for each in stored.requests]
    every = range(len(judged.leaves) + len(judged.roll_ups))
    pages += [judged.explain(n, stored)._repr_mimebundle_() for n in every]
    pages += [kit.trace(judged.where(), built)._repr_mimebundle_()]
    whole = "".join(page["text/html"] + page["text/plain"] for page in pages)
    assert ("jane-doe" in whole) is clear


def test_markup_in_an_answer_is_text(tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>\u202e"
    stored = Account(tmp_path, pseudonymise=False).stack("a", Description=hostile).snapshot()
    (request,) = (each for each in stored.requests if each.operation == "DescribeStacks")
    built = tabulate(stored)
    for shown_ in (stored.evidence_of(request.id), kit.trace(kit.evaluate(built).where(), built)):
        page = shown_._repr_mimebundle_()["text/html"]
        assert "&lt;img" in page
        assert "<img" not in page
        assert "\u202e" not in page


def test_the_evidence_of_each_open_row_leads_to_its_trace(
    tables: Tables, findings: Findings
) -> None:
    trace = kit.trace(findings, tables)._repr_mimebundle_()["text/html"]
    anchors = re.findall(r'<details id="([^"]+)"', trace)
    assert any(re.search(r"[ ,]", finding.resource) for finding in findings.where_open())
    assert len(anchors) == len(set(anchors))
    # JupyterLab takes an anchor that it would encode for a file.
    assert all(re.fullmatch(r"trace-[0-9a-f]+", anchor) for anchor in anchors)
    sections = {finding.control[:2] for finding in findings.where_open()}
    pages = [kit.show.section(findings, name)._repr_mimebundle_() for name in sections]
    links = [link for page in pages for link in re.findall(r'href="#([^"]*)"', page["text/html"])]
    # Where somebody else has to act, the link leads to the beginning of the trace.
    others = [each for each in findings.leaves if not each.is_open]
    left = {trace_id((each.control, each.region, each.resource)) for each in others}
    assert set(anchors) & set(links)
    assert set(links) <= set(anchors) | left


# --- documents ------------------------------------------------------------------------------


def test_no_page_reaches_a_document_or_breaks_it(desk: list[Displayed]) -> None:
    plain = document(new_notebook(cells=[shown(cover())])).as_json()
    cells = [shown(cover()), *(shown(one) for one in desk)]  # type: ignore[arg-type]
    assert document(new_notebook(cells=cells)).as_json() == plain


def test_what_is_no_page_of_the_desk_still_breaks_a_document() -> None:
    class Foreign:
        def _repr_mimebundle_(self) -> dict[str, str]:
            return {"text/html": "<p>x</p>", "text/plain": "x"}

    with pytest.raises(NotebookOutputError, match="no document can hold"):
        document(new_notebook(cells=[shown(cover()), shown(Foreign())]))  # type: ignore[arg-type]


def test_what_explores_is_no_part_of_the_lock() -> None:
    names = {line.split()[-1] for line in maker._files()}
    assert {"notebooks.json", "pack/document.py"} <= names
    assert "desk.py" not in names


def test_looking_changes_no_digest(
    evidence: Snapshot, findings: Findings, desk: list[Displayed]
) -> None:
    for one in desk:
        one._repr_mimebundle_()
    again = kit.evaluate(kit.tabulate(evidence))
    assert again.digest == findings.digest
    assert not hasattr(findings.where(), "digest")
    assert not hasattr(findings.where(), "exit_code")


# --- selections and explanations ------------------------------------------------------------


def test_where_keeps_what_has_all_the_properties(findings: Findings) -> None:
    every = [*findings.leaves, *findings.roll_ups]
    assert sorted(findings.where().numbers) == list(range(len(every)))
    chosen = findings.where(status=["fail", "pass"], region="eu-west-1", severity="high")
    wanted = [
        each
        for each in every
        if each.status in ("fail", "pass")
        and each.region == "eu-west-1"
        and each.severity == "high"
    ]
    assert sorted(chosen, key=every.index) == wanted
    assert wanted
    assert [each.status for each in chosen] == sorted(each.status for each in chosen)
    assert all(every[n] is each for n, each in zip(chosen.numbers, chosen, strict=True))
    assert {each.control for each in findings.where(control="ar-05")} == {"AR-05"}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"status": "failed"}, "'fail'"),
        ({"status": ["pass", "red"]}, "not evidenced"),
        ({"control": "AR-99"}, "AR-0"),
        ({"region": "eu-west-2"}, "eu-west-1"),
        ({"severity": "grave"}, "low, medium, high"),
    ],
)
def test_a_bad_value_is_refused_with_what_is_accepted(
    findings: Findings, given: dict[str, Any], named: str
) -> None:
    with pytest.raises(UserError, match=re.escape(named)):
        findings.where(**given)


def test_explain_takes_a_number_a_row_a_finding_or_a_selection(
    findings: Findings, evidence: Snapshot
) -> None:
    failed = findings.where(status="fail")
    number, first = failed.numbers[0], failed[0]
    frame = findings.frame
    explained = [
        findings.explain(row)
        for row in (number, failed, first, frame.loc[number], failed.frame.index[0])
    ]
    assert {each.finding for each in explained} == {first}
    assert first.control in repr(explained[0])
    assert first.expected in repr(explained[0])
    cited = findings.explain(failed, evidence).evidence
    assert tuple(part.reference for part in cited) == first.evidence
    assert "no finding" in repr(findings.explain(Selection(findings, {}))).lower()


def test_an_explanation_has_the_first_answers_and_counts_all(evidence: Snapshot) -> None:
    references = tuple(request.id for request in evidence.requests)
    for few in (12, 13):
        one = Finding("AR-05", "high", "012345678901", "eu-west-1", "b", "fail")
        one = replace(one, evidence=references[:few])
        explained = Findings([one]).explain(0, evidence)
        assert tuple(part.reference for part in explained.evidence) == references[:12]
        assert ("13 references" in explained._repr_mimebundle_()["text/html"]) is (few == 13)


@pytest.mark.parametrize("row", [-1, 10_000, "AR-05", None])
def test_what_is_no_finding_is_refused(findings: Findings, row: Any) -> None:
    with pytest.raises(UserError, match="a number from 0 to"):
        findings.explain(row)


def test_a_control_that_does_not_exist_is_refused() -> None:
    assert kit.explain("ar-05").lines == kit.explain("AR-05").lines
    with pytest.raises(UserError, match="is not a control"):
        kit.explain("AR-99")


# --- evidence -------------------------------------------------------------------------------


def test_every_reference_of_every_finding_leads_somewhere(
    evidence: Snapshot, findings: Findings
) -> None:
    references = {ref for each in findings.leaves for ref in each.evidence}
    assert len(references) > 50
    for reference in references:
        part = evidence.evidence_of(reference)
        assert part.reference == reference
        assert part.value is not None or part.provenance["error"], reference


def test_an_answer_is_the_part_that_the_pointer_names(
    evidence: Snapshot, findings: Findings
) -> None:
    (fleet,) = (each for each in evidence.requests if each.operation == "DescribeFleets")
    whole = evidence.evidence_of(fleet.id).value
    assert evidence.evidence_of(f"{fleet.id}#/Fleets/0").value == whole["Fleets"][0]
    assert fleet.response["Fleets"][0]["Name"] not in str(whole)
    labels = {each.resource for each in findings.leaves}
    assert whole["Fleets"][0]["Name"] in labels


def test_declarations_that_packs_keep_back_are_kept_back(tmp_path: Path) -> None:
    administrators = [f"arn:aws:iam::{ACCOUNT}:role/JaneDoe"]
    declared = {"controller": "Example Ltd", "administrators": administrators}
    evidence = Account(tmp_path, **declared).snapshot()
    for reference in ("parameters", "parameters#/administrators", "parameters#/administrators/0"):
        assert administrators[0] not in repr(evidence.evidence_of(reference))
    assert evidence.evidence_of("parameters#/controller").value == evidence.run.controller


@pytest.mark.parametrize("reference", ["", "E9999", "E0001#/No/0", "X"])
def test_a_reference_that_leads_nowhere_is_refused(evidence: Snapshot, reference: str) -> None:
    with pytest.raises(UserError, match="evidence id"):
        evidence.evidence_of(reference)


# --- frames ---------------------------------------------------------------------------------


def test_the_findings_frame_has_types(findings: Findings) -> None:
    frame = findings.frame
    assert list(frame.index) == list(range(len(frame)))
    assert list(frame["severity"].cat.categories) == ["low", "medium", "high"]
    assert frame["status"].max() == "fail"
    grave = frame[frame["severity"] >= "medium"]
    assert set(grave["severity"]) == {"medium", "high"}
    for name in ("control", "account", "region"):
        assert str(frame[name].dtype) == "category"
    assert str(frame["observed"].dtype) == "str"
    every = [*findings.leaves, *findings.roll_ups]
    assert list(frame["evidence"]) == [each.evidence for each in every]
    assert list(Findings([]).frame.dtypes) == list(frame.dtypes) or Findings([]).frame.empty
    chosen = findings.where(status="fail")
    assert list(chosen.frame.index) == list(chosen.numbers)


def test_a_finding_without_severity_has_a_missing_one() -> None:
    one = Finding("GV-03", "", "012345678901", "global", "account", "fail")
    assert Findings([one]).frame["severity"].isna().all()


def test_the_table_of_a_control_is_the_table_that_it_judges(tables: Tables) -> None:
    assert tables.of("ar-05") is tables["buckets"]
    for control in ("AR-99", "GV-03"):
        with pytest.raises(UserError, match=control):
            tables.of(control)


def test_a_name_that_no_table_has_gets_a_hint(tables: Tables) -> None:
    with pytest.raises(UserError, match=r"^tables: 'fleet' is not a table; did you mean 'fleets'"):
        tables["fleet"]
    with pytest.raises(UserError, match=r"^names: 'xyz' is not a table; sorted\(tables\) lists"):
        tabulate(tables.snapshot, ["fleets", "xyz"])
    assert tables.get("fleet") is None


def test_tables_have_types(tables: Tables) -> None:
    kinds = {str(kind) for table in tables.values() for kind in table.frame.dtypes}
    assert {"boolean", "Int64", "datetime64[us, UTC]", "category", "str", "object"} == kinds
    assert str(tables["access_keys"].frame["last_rotated"].dt.tz) == "UTC"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([True, None], "boolean"),
        ([1, None], "Int64"),
        ([1, True], "object"),
        (["2026-11-24T12:00:00+00:00", None], "datetime64[us, UTC]"),
        (["2026-11-24T12:00:00Z", "2026-11-24T12:00:00.5+01:00"], "datetime64[us, UTC]"),
        (["2026-11-24T12:00:00Z", "never"], "str"),
        (["2026-11-24"], "str"),
        (["2026-11-24T12:00:00"], "str"),
        (["2026-13-44T12:00:00Z"], "str"),
        (["12"], "str"),
        ([[], None], "object"),
        ([None], "object"),
        ([], "object"),
    ],
    ids=str,
)
def test_a_column_has_the_type_that_all_its_values_have(values: list[Any], kind: str) -> None:
    from kit.frames import typed

    column = typed(pd.Series(values, dtype=object))
    assert str(column.dtype) == kind
    assert list(column.isna()) == [value is None for value in values]


# --- the page and the notebook --------------------------------------------------------------


def test_the_snippets_of_the_page_work(
    evidence: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tmp_path / "outputs" / evidence.account
    for name in ("2026-11-24T090000Z", "2026-08-24T090000Z"):
        (runs / name / "snapshot").mkdir(parents=True)
    earlier = {"as_of": "2026-08-24T09:00:00+00:00"}
    (runs / "2026-08-24T090000Z" / "snapshot" / "snapshot.json").write_text(json.dumps(earlier))
    (runs / "2026-11-24T090000Z" / "snapshot").rmdir()
    (runs / "2026-11-24T090000Z" / "snapshot").symlink_to(evidence.folder)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for snippet in code("docs/exploring.md", "python"):
        exec(compile(snippet, "docs/exploring.md", "exec"), names)
    assert names["cause"].finding.severity == "high"
    assert len(names["grave"]) > 10


@pytest.mark.parametrize("sample", ["tidy", "careless", "empty"])
def test_the_steps_of_the_page_show_something_on_any_run(sample: str, tmp_path: Path) -> None:
    stored = SAMPLES[sample](tmp_path).snapshot()
    built = tabulate(stored)
    names: dict[str, Any] = {
        "kit": kit,
        "evidence": stored,
        "tables": built,
        "findings": kit.evaluate(built),
    }
    for snippet in code("docs/exploring.md", "python")[1:]:
        exec(compile(snippet, "docs/exploring.md", "exec"), names)
    assert len(names["opened"]) > 0
    assert names["cause"].finding.is_open
    assert len(names["grave"]) > 0
    assert len(names["fleets"]) > 0 or sample == "empty"


def test_an_empty_name_of_a_snapshot_is_refused() -> None:
    with pytest.raises(UserError, match="is empty; name the snapshot folder"):
        kit.open_snapshot("")


def test_a_notebook_in_its_own_folder_opens_what_lies_beside_it(
    evidence: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "outputs").symlink_to(evidence.folder)
    monkeypatch.chdir(tmp_path / "notebooks")
    assert kit.open_snapshot("outputs").digest == evidence.digest
    assert kit.gather(kit.validate({"snapshot": "outputs"}), "outputs").digest == evidence.digest


def test_outputs_lead_to_the_newest_run_however_its_folder_is_named(
    evidence: Snapshot, tmp_path: Path
) -> None:
    """A batch names its folders: a name sorts before or behind the time of a run."""
    header = evidence.folder / HEADER
    ages = {"2026-Q4": 3, "2026-11-24T090000Z": 0, "q4c": 2}
    for name, days in ages.items():
        folder = tmp_path / "outputs" / ACCOUNT / name / "snapshot"
        shutil.copytree(evidence.folder, folder)
        as_of = (evidence.as_of - dt.timedelta(days=days)).isoformat()
        stored = json.loads(header.read_text()) | {"as_of": as_of}
        (folder / HEADER).write_text(json.dumps(stored))
    assert kit.open_snapshot(tmp_path / "outputs").folder.parent.name == "2026-11-24T090000Z"
    (folder / HEADER).write_text("{}")
    with pytest.raises(UserError, match=r"q4c/snapshot holds no snapshot"):
        kit.open_snapshot(tmp_path / "outputs")
