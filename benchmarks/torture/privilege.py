"""Least privilege: sessions of roles beside their policies, and kernels that others try to reach."""

from __future__ import annotations

import os
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.torture import Measure
from kit import evaluate, tabulate
from kit import sandbox as local
from kit.controls import CONTROLS
from kit.errors import NotEnteredError
from kit.sandbox.server import Sandbox
from tests.listening import is_private, kernels, startup
from tests.privilege import as_demo, beside, faults, refuses, role_run, session_of, tags
from tests.test_kernels import heard_over_tcp, run, started

_AREA = "least privilege"


def measure(quick: bool, seed: int) -> list[Measure]:
    """Try controls, tags, operations and kernels, chosen by the seed."""
    chance = random.Random(seed)
    with (
        tempfile.TemporaryDirectory() as folder,
        _alike(),
        local.start(["demo", "tidy"]) as sandbox,
    ):
        place = Path(folder)
        return [
            _controls(sandbox, place, chance, quick),
            _tags(sandbox, place, chance, quick),
            _operations(sandbox, place, chance, quick),
            _kernels(place, quick),
            _peers(place, quick),
        ]


@contextmanager
def _alike() -> Iterator[None]:
    """Use this checkout's kernel, and nobody's AWS settings."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "AWS_CONFIG_FILE": f"{home}/config",
            "AWS_SHARED_CREDENTIALS_FILE": f"{home}/credentials",
            "JUPYTER_PATH": str(Path(__file__).parent.parent.parent / "kit"),
            "XDG_CONFIG_HOME": home,
        }
        yield


def _controls(sandbox: Sandbox, place: Path, chance: random.Random, quick: bool) -> Measure:
    """Collect each control alone, and random sets, with their own policies and no other."""
    single = sorted(CONTROLS)
    sets = [[name] for name in (chance.sample(single, 6) if quick else single)]
    sets += [
        sorted(chance.sample(single, chance.randrange(2, 20))) for _ in range(2 if quick else 30)
    ]
    account, held = sandbox.accounts["tidy"], 0
    for number, controls in enumerate(sets):
        folder = place / f"controls-{number}"
        folder.mkdir()
        run = role_run(account, controls=controls, outputs=str(folder))
        with as_demo(sandbox, folder) as log:
            _, found = faults(run, folder / "snapshot")
            held += not found and not log.outside()
    scenario = "a role's session with the policy of its controls alone: nothing refused or requested beside"
    return Measure(_AREA, scenario, len(sets), held)


def _tags(sandbox: Sandbox, place: Path, chance: random.Random, quick: bool) -> Measure:
    """Fill the space of a session with tags."""
    account, forms, digests = sandbox.accounts["tidy"], Counter[str](), set[str]()
    trials = 4 if quick else 40
    held = 0
    for number in range(trials):
        folder = place / f"tags-{number}"
        folder.mkdir()
        given = tags(chance, round(2_000 * number / trials))
        run = role_run(account, outputs=str(folder), session_tags=given)
        with as_demo(sandbox, folder) as log:
            try:
                snapshot, found = faults(run, folder / "snapshot")
            except NotEnteredError as error:
                form, found = (
                    "refused",
                    [] if error.code == "PackedPolicyTooLarge" else [str(error)],
                )
            else:
                form = snapshot.header["session"]["policy"]
                digests.add(evaluate(tabulate(snapshot)).digest)
            found += ["another digest"] if len(digests) > 1 else []
            held += not found and not log.outside()
        forms[form] += 1
    detail = ", ".join(f"{form}: {count}" for form, count in sorted(forms.items()))
    return Measure(_AREA, "session tags of 0 to 2,000 characters", trials, held, detail)


def _operations(sandbox: Sandbox, place: Path, chance: random.Random, quick: bool) -> Measure:
    """Request what the kit does not need, with a session of the kit's."""
    pairs = beside()
    pairs = chance.sample(pairs, 20 if quick else 200)
    folder = place / "operations"
    folder.mkdir()
    with as_demo(sandbox, folder):
        session = session_of(sandbox.accounts["tidy"])
        held = sum(refuses(session, *pair) for pair in pairs)
    return Measure(
        _AREA, "other operations requested with the collector's session", len(pairs), held
    )


def _kernels(place: Path, quick: bool) -> Measure:
    """Start kernels as front ends do, under every umask, and see what they listen on."""
    folder = place / "kernels-of"
    folder.mkdir()
    environment = startup(folder)
    os.environ |= environment
    masks = (0o022,) if quick else (0o000, 0o002, 0o022, 0o077)
    for mask in masks:
        before = os.umask(mask)
        try:
            for _ in range(1 if quick else 5):
                with started() as (_, client):
                    run(client, "True")
        finally:
            os.umask(before)
    trials = len(masks) * (1 if quick else 5)
    held = sum(is_private(kernel) for kernel in kernels(environment))
    return Measure(_AREA, "kernels: no TCP port, sockets and keys of the owner alone", trials, held)


def _peers(place: Path, quick: bool) -> Measure:
    """Listen to encrypted TCP kernels without their key."""
    trials = held = 0
    for _ in range(1 if quick else 10):
        with _long_names(place):
            for kind, heard in heard_over_tcp().items():
                trials += 1
                held += heard == (kind == "with the key")
    return Measure(
        _AREA, "peers of a TCP kernel: without a key, with another, with its key", trials, held
    )


@contextmanager
def _long_names(place: Path) -> Iterator[None]:
    """Have a folder for temporary files whose name is too long for sockets."""
    folder = place / ("x" * 100)
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        yield
