"""What fuzzing found, and what is worth keeping: every stored input still ends as it should."""

from __future__ import annotations

import pytest

from tests.fuzzing import CORPUS, TARGETS, bases, stored


@pytest.mark.parametrize("topic", TARGETS)
def test_stored_inputs_are_read_or_refused(topic: str) -> None:
    assert stored(topic)
    for path in stored(topic):
        TARGETS[topic](path.read_bytes())


@pytest.mark.parametrize("topic", TARGETS)
def test_inputs_to_begin_with_are_read_or_refused(topic: str) -> None:
    for content in bases(topic)[:20]:
        TARGETS[topic](content)


def test_every_stored_input_is_of_a_topic() -> None:
    assert {path.name for path in CORPUS.iterdir()} == TARGETS.keys()
