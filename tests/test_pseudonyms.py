"""Labels are found in a text by their codes, whatever stands beside them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.redact.labels import Labels

KINDS = ("user", "pool user", "image", "image builder", "federated user", "SAML provider")


def labels(key: bytes) -> Labels:
    made = Labels(key)
    for kind in KINDS:
        made.label(kind, f"arn of a {kind}")
    return made


@given(
    key=st.binary(min_size=1, max_size=8),
    between=st.text(max_size=12),
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=4),
)
def test_labels_are_found_under_every_key_and_beside_every_text(
    key: bytes, between: str, kinds: list[str]
) -> None:
    known = labels(key)
    shown = [known.label(kind, f"arn of a {kind}") for kind in kinds]
    assert known.within(between + between.join(shown) + between) == shown


@pytest.mark.parametrize(
    "text", ["{}", "user {}, access key 2", "power-{}", "pool-{}", "x{}y", "{}-{}", "nowhere-{}s"]
)
def test_what_stands_beside_a_label_is_not_taken_for_part_of_it(text: str) -> None:
    known = labels(b"key")
    label = known.label("user", "arn of a user")
    assert set(known.within(text.format(label, label))) == {label}


@pytest.mark.parametrize("text", ["", "user-aaaaaaaaaa", "user", "pool-user-", "image-builder"])
def test_a_text_without_a_label_has_none(text: str) -> None:
    assert labels(b"key").within(text) == []


def test_a_code_under_another_kind_is_no_label() -> None:
    known = labels(b"key")
    code = known.label("user", "arn of a user")[-10:]
    assert known.within(f"image-{code}") == []
