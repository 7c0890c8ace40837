"""The digest of the kit: versions and requirements as importlib.metadata states them."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, requires, version

import pytest
from packaging.markers import Marker

from kit import maker

NAMES = [line.partition("==")[0] for line in maker._dependencies()]


def test_the_packages_are_those_of_the_kit_and_of_what_it_depends_on() -> None:
    assert {"boto3", "botocore", "typst", "jinja2", "markupsafe"} <= set(NAMES)
    assert "pytest" not in NAMES


@pytest.mark.parametrize("name", ["appstream-evidence-kit", *NAMES])
def test_a_package_states_what_its_metadata_does(name: str) -> None:
    assert maker._stated(name) == (version(name), requires(name) or [])


@pytest.mark.parametrize(
    "marker",
    [
        *("", "extra == 'dev'", ' extra=="dev" ', "python_version >= '3'", "python_version < '3'"),
        *("extra == 'dev' or python_version >= '3'", "extra == 'dev' and python_version >= '3'"),
        *("extra != 'dev'", "'dev' == extra", "extra == 'a' or extra == 'b'"),
    ],
)
def test_a_marker_applies_where_packaging_finds_that_it_does(marker: str) -> None:
    assert maker._applies(marker) == (not marker or Marker(marker).evaluate({"extra": ""}))


def test_a_package_that_is_not_there_is_named() -> None:
    with pytest.raises(PackageNotFoundError):
        maker._stated("no-such-package")


def test_a_digest_that_a_fork_has_computed_is_not_computed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(maker, "_lock", [])
    monkeypatch.setattr(maker, "_digest", lambda: "computed here")
    assert maker.lock() == "computed here"
    monkeypatch.setattr(maker, "_lock", [])
    maker.take_over("computed there")
    assert maker.lock() == "computed there"
