"""Files, policies and patterns that mean harm: refused or evaluated, each within seconds of CPU."""

import contextlib
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.torture import Measure
from kit.access.documents import PolicyError, read_statements
from kit.detect.ways import refuse_costly
from kit.errors import UserError
from kit.parameters import load_waivers, parameters
from kit.visible import as_json, one_line, unseen
from tests.fuzzing import policies
from tests.hostile_inputs import FILES, LONG_POLICIES, MISSHAPEN, NO_FILES
from tests.test_ways import COSTLY

_SECONDS = 20.0  # of CPU; on an idle core the slowest takes 3


def measure(quick: bool, seed: int) -> list[Measure]:
    """Give each of the inputs to the kit."""
    texts = _texts(seed, 2_000 if quick else 50_000)
    with tempfile.TemporaryDirectory() as name:
        refused, no_file = partial(_is_refused, Path(name)), partial(_is_no_file, Path(name))
        return [
            _measured("files that people write", refused, FILES),
            _measured("pipes, devices, folders, sockets in their place", no_file, NO_FILES),
            _measured("policies long to evaluate", _is_judged, LONG_POLICIES),
            _measured("policies of another shape", _is_misshapen, MISSHAPEN),
            _measured("patterns of very many ways", _is_costly, COSTLY),
            _measured("texts on a terminal", _is_shown, texts),
        ]


def _measured(scenario: str, holds: Callable[[Any], bool], cases: Iterable[Any]) -> Measure:
    trials, held, slowest = 0, 0, 0.0
    for case in cases:
        trials += 1
        began = time.process_time()
        with contextlib.suppress(Exception):
            is_right = holds(case)
            seconds = time.process_time() - began
            slowest = max(slowest, seconds)
            held += is_right and seconds < _SECONDS
    return Measure("input bounds", scenario, trials, held, f"slowest {slowest:.1f} s of CPU")


def _is_refused(folder: Path, name: str) -> bool:
    content, expected = FILES[name]
    path = folder / "run.yaml"
    path.write_text(content, "utf-8")
    try:
        parameters(path)
    except UserError as error:
        return str(path) in str(error) and expected in str(error) and not unseen(str(error))
    return False


def _is_no_file(folder: Path, name: str) -> bool:
    make, called = NO_FILES[name]
    make(path := folder / f"{name}.yaml")
    try:
        load_waivers(str(path))
    except UserError as error:
        return called in str(error)
    return False


def _is_judged(name: str) -> bool:
    policies(json.dumps({"Version": "2012-10-17", "Statement": LONG_POLICIES[name]}).encode())
    return True


def _is_misshapen(document: object) -> bool:
    try:
        read_statements(document)
    except PolicyError:
        return True
    return False


def _is_costly(pattern: str) -> bool:
    try:
        refuse_costly(pattern)
    except ValueError:
        return True
    return False


def _texts(seed: int, count: int) -> Iterator[str]:
    chosen = random.Random(seed)
    odd = [*range(0x20), *range(0x7F, 0xA0), 0x202E, 0x2066, 0x200B, 0xFEFF, 0xE0001, 0x41, 0xF6]
    for _ in range(count):
        yield "".join(map(chr, chosen.choices(odd, k=12)))


def _is_shown(text: str) -> bool:
    line, value = one_line(text), as_json(text)
    return not unseen(line) and "\n" not in line and not unseen(value) and json.loads(value) == text
