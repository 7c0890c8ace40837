"""Which frameworks documents show, and what the kit's own mappings state."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from nbformat.v4 import new_notebook

from kit.catalogue import frameworks
from kit.controls.source import requirements
from kit.errors import UserError
from kit.judge import evaluate
from kit.judge.findings import Findings
from kit.pack.by_control import by_control
from kit.pack.document import document, findings_data
from kit.pack.html import page
from kit.pack.workbook import workbook
from kit.parameters import load_profile, parameters
from kit.report import show
from kit.report.views import Controls, Group, Note
from kit.tables import tabulate
from tests.controls.samples import SAMPLES
from tests.pack.conftest import cover, shown
from tests.test_frameworks import choosing


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    snapshot = SAMPLES["careless"](tmp_path_factory.mktemp("careless")).snapshot()
    return evaluate(tabulate(snapshot))


# --- what a run chooses ----------------------------------------------------------------------


@pytest.mark.parametrize("chosen", frameworks.ids())
def test_documents_show_the_chosen_framework_and_no_other(findings: Findings, chosen: str) -> None:
    shown_of = choosing(findings, chosen)
    group = show.frameworks(shown_of)
    indexes = [table.id for table in group.views] if isinstance(group, Group) else []
    assert indexes == ([] if chosen == "aws_page" else [f"framework-{chosen}"])
    assert isinstance(show.source_coverage(shown_of), Note) == (chosen != "aws_page")
    section = show.section(shown_of, "AR")
    assert isinstance(section, Controls)
    (block,) = [block for block in section.blocks if block.id == "AR-03"]
    names = [own["framework"] for own in block.requirements]
    mapped = chosen in frameworks.others() and {
        **frameworks.mapped(chosen, "AR-03"),
        **frameworks.related(chosen, "AR-03"),
    }
    assert names == ([frameworks.frameworks()[chosen].name] if mapped else [])


def test_the_workbook_has_every_framework_beside_a_control(
    findings: Findings, tmp_path: Path
) -> None:
    own, snapshot = choosing(findings, "nis2"), SAMPLES["careless"](tmp_path).snapshot()
    views = (cover(), show.frameworks(own), show.section(own, "AR"), show.data(own, snapshot))
    notebook = new_notebook(cells=[shown(view) for view in views])
    book = openpyxl.load_workbook(
        io.BytesIO(workbook(document(notebook), by_control(findings_data(notebook))))
    )
    titles, *rows = book["Controls"].iter_rows(min_row=2, values_only=True)
    cells = {row[0]: row[titles.index("Other frameworks")] for row in rows}
    assert {one.framework for one in requirements("AR-05")} > {"NIS2"}
    for name, cell in cells.items():
        every = {f"{one.framework} {one}" for one in requirements(str(name))}
        assert {*str(cell or "").splitlines()} == every, name


def test_the_documents_have_the_indexes_in_the_order_of_the_parameter(findings: Findings) -> None:
    own = choosing(findings, "nis2", "cis_euc")
    notebook = new_notebook(
        cells=[shown(cover()), shown(show.frameworks(own)), shown(show.section(own, "AR"))]
    )
    html = page(document(notebook))
    titles = [frameworks.frameworks()[id].title for id in ("nis2", "cis_euc")]
    assert 0 < html.index(titles[0]) < html.index(titles[1])
    assert "max_session_seconds of the default profile is the benchmark" in html
    assert frameworks.frameworks()["soc2"].title not in html


@pytest.mark.parametrize(
    ("role", "cites", "leaves"),
    [
        ("controller", "25(2)", "28(2)"),
        ("processor", "28(2)", "25(2)"),
        ("", "25(2) (controller)", "25(2)"),
    ],
)
def test_the_index_by_article_has_what_binds_the_role(
    findings: Findings, role: str, cites: str, leaves: str
) -> None:
    own = choosing(findings, "gdpr")
    assert own.run
    own.run = own.run.model_copy(update={"data_role": role})
    group = show.frameworks(own)
    assert isinstance(group, Group)
    articles = [row[0] for row in group.views[0].rows]
    assert cites in articles
    assert leaves not in articles
    left_out = f"Left out, because the parameter data_role is {role}: "
    _, named, numbers = group.views[0].caption.partition(left_out)
    assert bool(named) == bool(role)
    assert (leaves in numbers) == bool(role)
    assert all(row[2] == sorted(row[2]) for row in group.views[0].rows)


def test_every_article_says_what_it_demands_and_why_no_control_tests_it() -> None:
    requirements = frameworks.frameworks()[frameworks.GDPR].requirements
    assert all(":" in one.title or len(one.title) > 20 for one in requirements.values())
    untested = {number for number, one in requirements.items() if not one.controls}
    assert {number for number, one in requirements.items() if one.note} == {*untested, "35(1)"}
    by_name = {re.match(r"\d+", number)[0] for number in requirements}  # type: ignore[index]
    assert by_name >= {str(number) for number in (*range(5, 40), *range(44, 50))}


@pytest.mark.parametrize("article", ["12", "15", "18", "20", "21", "23", "34", "36", "45", "49"])
def test_the_index_names_articles_that_the_pack_does_not_cover(
    findings: Findings, article: str
) -> None:
    group = show.frameworks(choosing(findings, "gdpr"))
    assert isinstance(group, Group)
    names = [column.name for column in group.views[0].columns]
    rows = [dict(zip(names, row, strict=True)) for row in group.views[0].rows]
    (row,) = [row for row in rows if row["number"].partition(" ")[0] == article]
    assert row["controls"] == []
    assert row["status"] is None
    assert re.fullmatch(r"No control tests it\. .+\.", row["beside"])


@pytest.mark.parametrize(
    ("status", "value", "expected"),
    [
        ("pass", 600, "pass"),
        ("pass", 300, "pass"),
        ("pass", 900, None),
        ("fail", 600, "fail"),
        ("fail", 900, "fail"),
        ("fail", 300, None),
        ("not evidenced", 900, "not evidenced"),
    ],
)
def test_a_verdict_by_another_limit_answers_a_requirement_only_where_it_has_to(
    findings: Findings, status: str, value: int, expected: str | None
) -> None:
    (finding, *_) = [finding for finding in findings.leaves if finding.control == "AR-03"]
    thresholds = json.dumps({**json.loads(finding.threshold_values), "max_idle_seconds": value})
    own = Findings([replace(finding, status=status, threshold_values=thresholds)], run=findings.run)
    group = show.frameworks(choosing(own, "cis_euc"))
    assert isinstance(group, Group)
    names = [column.name for column in group.views[0].columns]
    (row,) = [row for row in group.views[0].rows if row[0] == "5.5"]
    reported = dict(zip(names, row, strict=True))
    assert reported["status"] == expected
    note = frameworks.frameworks()["cis_euc"].requirements["5.5"].note
    wanted = f"the profile's max_idle_seconds is {value}, the requirement's limit 600. {note}"
    assert reported["beside"] == (note if expected else wanted)


def test_a_snapshot_whose_framework_is_gone_is_reported(findings: Findings) -> None:
    with pytest.raises(UserError, match="'mine' is not a framework; accepted: aws_page"):
        show.frameworks(choosing(findings, "mine"))


def test_a_name_that_does_not_exist_is_reported_with_the_nearest_and_all(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text('account: "012345678901"\nframeworks: [gdpr, ISO 27001]\n')
    with pytest.raises(UserError) as caught:
        parameters(file)
    assert str(caught.value) == (
        f"{file}, line 2: frameworks: 'ISO 27001' is not a framework; did you mean 'iso27001'? "
        f"accepted: {', '.join(frameworks.ids())} (docs/adding-a-framework.md)"
    )


def test_the_frameworks_of_a_usual_run_exist() -> None:
    frameworks.refuse_missing(parameters({"account": "012345678901"}).frameworks)


# --- the kit's own files --------------------------------------------------------------------


@pytest.mark.parametrize("id", frameworks.ids())
def test_reasons_are_short_sentences_without_a_full_stop(id: str) -> None:
    """A reason begins in lower case, or with a name: what has a capital inside sentences too."""
    every = " ".join(text for _, text in frameworks.prose())
    reasons = [
        why
        for requirement in frameworks.frameworks()[id].requirements.values()
        for mapping in (requirement.reasons, requirement.context)
        for why in mapping.values()
    ]
    for why in reasons:
        first = re.split(r"\W", why)[0]
        assert why == " ".join(why.split()), why
        assert why, "a reason is empty"
        assert not why.endswith("."), why
        assert first[0].islower() or re.search(rf"[a-z,] {first}\b", every), why


@pytest.mark.parametrize("id", frameworks.ids())
def test_notes_and_editions_are_whole_sentences_and_sources_are_named(id: str) -> None:
    framework = frameworks.frameworks()[id]
    notes = [requirement.note for requirement in framework.requirements.values()]
    for sentence in filter(None, (framework.edition, framework.checked, *notes)):
        assert sentence[0].isupper(), sentence
        assert sentence.endswith("."), sentence
    assert framework.checked or id in (frameworks.GDPR, frameworks.AWS_PAGE)


def test_what_the_mapping_says_of_the_benchmarks_limits_holds_for_the_profiles() -> None:
    usual, strict = load_profile("default"), load_profile("strict")
    mapping = frameworks.frameworks()["cis_euc"].requirements
    units = {"hours": 3600, "minutes": 60, "days": 1}

    def limit(number: str) -> int:
        found = re.search(r"(\d+) (hours|minutes|days)", mapping[number].title)
        assert found
        return int(found[1]) * units[found[2]]

    for number in ("5.3", "5.4", "5.5"):
        assert [*mapping[number].limits.values()] == [limit(number)]
    assert usual.max_session_seconds == limit("5.3") > strict.max_session_seconds
    assert usual.max_disconnect_seconds == limit("5.4") == strict.max_disconnect_seconds
    assert usual.max_idle_seconds == limit("5.5") > strict.max_idle_seconds
    assert (usual.private_streaming_required, strict.private_streaming_required) == (False, True)
    assert min(usual.max_image_age_days, strict.max_image_age_days) > limit("5.7")
