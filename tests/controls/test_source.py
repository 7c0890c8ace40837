"""What AWS's page says is answered, statement by statement, and nothing is said to be that is not."""

from __future__ import annotations

import pytest

from kit.catalogue.frameworks import mapped, others, related
from kit.controls import CONTROLS, ROLL_UPS
from kit.controls.source import BEYOND, address, answered_by, requirements, statements, title

EVERY = {**CONTROLS, **ROLL_UPS}
SHARED, RECOMMENDED = "Shared responsibility", "Advice"
AT_REST, IN_TRANSIT = "Encryption at rest", "Encryption in transit"
# The catalogue's map, in the order of the page; written here by hand.
COVERAGE = {
    SHARED: "GV-04; GV-02; GV-03; GV-01",
    RECOMMENDED: (
        "ID-01 ID-03 ID-12; ID-05 ID-08; ID-02 ID-03 ID-04; IT-03 IT-06; LG-01 LG-02 LG-04; AR-18; AR-14 AR-15; "
        "DS-01 DS-02 DS-03; MD-01 MD-02; MD-04; MD-03; GV-04"
    ),
    AT_REST: "AR-01; AR-02; AR-06 AR-09; AR-05 AR-09; AR-07",
    IN_TRANSIT: "IT-01; IT-02; IT-03; IT-04; IT-05",
}


@pytest.mark.parametrize("part", COVERAGE)
def test_every_statement_has_its_controls(part: str) -> None:
    reported = [" ".join(one.controls) for one in statements() if one.part == part]
    assert reported == COVERAGE[part].split("; ")


def test_no_statement_names_a_control_that_does_not_exist() -> None:
    assert {name for one in statements() for name in one.controls} <= EVERY.keys()


@pytest.mark.parametrize("name", sorted(EVERY))
def test_the_source_of_a_control_is_a_statement_or_it_is_beyond(name: str) -> None:
    source = EVERY[name].source
    statements = answered_by(name)
    assert (source == BEYOND) is (statements == [])
    for one in statements:
        assert one.says in source
        assert one.note in source
    assert name in {known for one in statements for known in one.controls} or source == BEYOND


def test_36_controls_come_from_the_page() -> None:
    assert sum(one.source != BEYOND for one in EVERY.values()) == 36


def test_imprecise_words_are_never_without_their_note() -> None:
    control_of_content, keys = EVERY["GV-03"].source, EVERY["AR-07"].source
    assert "later editions of the page give it to the customer" in control_of_content
    assert "SSE-S3 is a pass, and is not called KMS" in keys
    assert "leaves the cell blank" in EVERY["IT-05"].source


def test_rows_of_the_table_on_transit_say_what_travels() -> None:
    assert [bool(one.what) for one in statements()] == [
        one.part == IN_TRANSIT for one in statements()
    ]


def test_the_page_is_named() -> None:
    assert title() == "Data Protection in Amazon AppStream 2.0"
    assert address().startswith("https://docs.aws.amazon.com/appstream2/")


@pytest.mark.parametrize("name", sorted(EVERY))
def test_a_requirement_counts_as_tested_where_the_control_is_mapped_to_it(name: str) -> None:
    tested = {number for id in others() for number in mapped(id, name)}
    only_related = {number for id in others() for number in related(id, name)}
    cited = requirements(name)
    assert {one.number for one in cited if one.tested} == tested
    assert {one.number for one in cited if not one.tested} == only_related
