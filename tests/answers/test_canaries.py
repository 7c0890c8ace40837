"""Secrets and names in every text of every answer are looked for in all that a run makes.

What may stand in clear by decision is declared in ``tests/data/clear.yaml``, a member of a response
each, with its reason.
"""

from __future__ import annotations

import copy
import json
import logging
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from kit.displayed import DESK_MIME
from kit.pack import pdf
from kit.shipped import yaml_data
from tests.answers import chain
from tests.answers.canaries import Planted, name, names_in, secret, secrets_in, texts
from tests.answers.playback import Account

CLEAR = yaml_data(Path(__file__).parent.parent / "data" / "clear.yaml")
Found = dict[str, set[str]]


def leaks(
    planted: Planted, find: Callable[[str], set[int]], read: Iterable[tuple[str, str]]
) -> Found:
    """Where canaries are found in texts, by the members that they were planted in."""
    found: Found = {}
    for reported, text in read:
        for number in find(text):
            found.setdefault(" | ".join(sorted(planted.members[number])), set()).add(reported)
    return found


def unset(job: Mapping[str, Any]) -> Callable[[], tuple[bytes, list[Any]]]:
    """What Typst would set: all that the PDF would hold, in a fifth of the time."""
    data, template = job["data"], Path(job["template"])
    attached = [template.with_name(file["path"]).read_bytes() for file in data["attachments"]]
    return lambda: (b"\n".join([json.dumps(data, ensure_ascii=False).encode(), *attached]), [])


def run(
    account: Account, folder: Path, *, is_set: bool
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """What a run stores in its snapshot, and what else it leaves: pack, notebook, other files."""
    (folder / "temporary").mkdir(parents=True)
    kept: list[str] = []
    execute = chain.execute

    def executed(*given: Any, **options: Any) -> NotebookNode:
        made = execute(*given, **options)
        seen = copy.deepcopy(made)
        for cell in seen.cells:
            for output in cell.get("outputs", ()):  # labels go to this process and into no file
                output.data.get(DESK_MIME, {}).pop("labels", None)
        kept.append(nbformat.writes(seen))  # type: ignore[no-untyped-call]
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder / "temporary"))
        patch.setattr(tempfile, "tempdir", None)
        patch.setattr(chain, "execute", executed)
        if not is_set:
            patch.setattr(pdf, "_typesetter", lambda: nullcontext(unset))
            patch.setattr(pdf, "_finished", lambda made, *_: made)
        snapshot = account.collect(folder).folder
        chain.sealed(snapshot, folder / "pack", with_pdf=True)
    files = [path for path in folder.rglob("*") if path.is_file()]
    stored = {str(path): path.read_bytes() for path in files if path.is_relative_to(snapshot)}
    others = {str(path): path.read_bytes() for path in files if str(path) not in stored}
    return stored, others | {"notebook": kept[0].encode()}


def test_secrets_are_nowhere_and_names_in_the_snapshot_alone(
    careless: Account,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.INFO)
    shown: dict[bool, Found] = {}
    for joined in (True, False):
        planted = Planted(careless, joined=joined)
        stored, others = run(planted.account, tmp_path / f"joined {joined}", is_set=not joined)
        (made,) = (content for path, content in others.items() if path.endswith("evidence.pdf"))
        assert made.startswith(b'{"' if joined else b"%PDF")
        others["streams"] = "".join((*capfd.readouterr(), caplog.text)).encode()
        kept, left = list(texts(stored)), list(texts(others))
        assert leaks(planted, secrets_in, kept + left) == {}
        assert len(leaks(planted, names_in, kept)) > 100
        shown[joined] = leaks(planted, names_in, left)
    assert shown[False].keys() == CLEAR.keys()
    assert [one for one in shown[True] if not CLEAR.keys() & {*one.split(" | ")}] == []


def test_every_canary_would_be_found() -> None:
    for number in range(20):
        assert secrets_in(secret(number)) == {number}
        assert names_in(name(number)) == {number}
