"""What workers share is made once, and made again where its maker failed."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.shared import Shared, of_run


def test_several_who_ask_at_once_get_what_one_made(tmp_path: Path) -> None:
    makers: list[int] = []
    got: list[dict[str, str]] = []
    everybody = threading.Barrier(4)

    def ask(number: int) -> None:
        def make(folder: Path) -> dict[str, str]:
            makers.append(number)
            (folder / "file").write_text(str(number))
            return {"by": str(number)}

        everybody.wait()
        got.append(Shared(tmp_path / "run")("thing", make))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert got == [{"by": str(makers[0])}] * 4
    assert len({id(one) for one in got}) == 4
    assert len(makers) == 1
    assert (tmp_path / "run" / "thing" / "file").read_text() == str(makers[0])


def test_what_failed_is_made_again_from_nothing(tmp_path: Path) -> None:
    shared = Shared(tmp_path)

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise RuntimeError("no sandbox")

    with pytest.raises(RuntimeError, match="no sandbox"):
        shared("thing", fail)
    assert shared("thing", lambda folder: [*folder.iterdir()]) == []


def test_a_process_that_the_maker_left_running_keeps_nobody_waiting(tmp_path: Path) -> None:
    left = multiprocessing.get_context("fork").Process(target=signal.pause)
    shared = Shared(tmp_path)
    shared("thing", lambda _: left.start())
    try:
        assert shared("thing", lambda _: "made again") is None
    finally:
        left.kill()
        left.join()


@pytest.mark.parametrize(("worker", "place"), [(True, "run"), (False, "run/popen-gw0")])
def test_workers_share_a_folder_above_their_own(tmp_path: Path, worker: bool, place: str) -> None:
    config: Any = SimpleNamespace(**({"workerinput": {}} if worker else {}))
    own = tmp_path / "run" / "popen-gw0"
    own.mkdir(parents=True)
    of_run(config, own)("thing", lambda folder: None)
    assert (tmp_path / place / "shared" / "thing").is_dir()
