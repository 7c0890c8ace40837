"""Forms of a pack come in pieces, so that memory holds none of them whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_notebook
from pydantic_core import to_json

import kit.pack.evidence
import kit.pack.ocsf
import kit.pack.pieces
from kit.pack.by_control import by_control
from kit.pack.document import document
from kit.pack.evidence import evidence_files
from kit.pack.html import page_pieces
from kit.pack.ocsf import ocsf
from kit.pack.oscal import RESULTS, oscal
from kit.pack.pieces import array, json_pieces
from kit.parameters import load_profile
from kit.redact.labels import open_labels
from kit.snapshot import Snapshot
from tests.pack.conftest import cover, evidence_index, findings, shown
from tests.pack.samples import record, sample

_FEW = 64 << 10  # bytes
PROFILE = {"profile": load_profile("default").model_dump()}


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=9,
    )
)
def test_pieces_are_the_json_of_the_whole(value: Any) -> None:
    whole = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert b"".join(json_pieces(value)) == whole.encode()
    items = value if isinstance(value, list) else [value]
    many = b"".join(json_pieces({"a": iter(items)}))
    assert json.loads(many) == {"a": items}
    for inner in (iter(items), [value] * 99):
        listed = list(json_pieces([{"a": inner}, {"b": items}]))
        expected = items if isinstance(inner, Iterator) else inner
        assert json.loads(b"".join(listed)) == [{"a": expected}, {"b": items}]
        assert max(map(len, listed)) <= max(len(whole.encode()) + 9, 9)
    assert json.loads(b"".join(array(json.dumps(item).encode() for item in items))) == items


@pytest.mark.parametrize("of", ["html", "ocsf", "oscal"])
def test_no_piece_grows_with_the_findings(of: str) -> None:
    blocks = [cover(), evidence_index(4), findings(2_000)]
    made = document(new_notebook(cells=[shown(block) for block in blocks]))
    record_of = record("AR-05", "fail")
    data = sample() | {"records": [{**record_of, "resource": f"bucket-{n}"} for n in range(2_000)]}
    if of == "html":
        pieces = [piece.encode() for piece in page_pieces(made)]
    elif of == "ocsf":
        pieces = list(ocsf(made, by_control(data)))
    else:
        pieces = list(dict(oscal(made, by_control(data), PROFILE))[RESULTS])
    assert sum(map(len, pieces)) > 8 * _FEW
    assert max(map(len, pieces)) < _FEW


def test_what_is_written_is_plain_json(
    stored: Callable[[str], Snapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The standard library's encoder refuses times, sets and bytes; pydantic's writes them."""
    written: list[Any] = []

    def checked(value: Any, **how: Any) -> bytes:
        text = to_json(value, **how)
        assert json.loads(text) == json.loads(json.dumps(value, allow_nan=False))
        written.append(value)
        return text

    for module in (kit.pack.evidence, kit.pack.ocsf, kit.pack.pieces):
        monkeypatch.setattr(module, "to_json", checked)
    made = document(new_notebook(cells=[shown(block) for block in (cover(), evidence_index(4))]))
    results, snapshot = by_control(sample()), stored("demo")
    for form in (
        ocsf(made, results),
        *dict(oscal(made, results, PROFILE)).values(),
        evidence_files(snapshot, open_labels(snapshot.run)),
    ):
        written.clear()
        assert all(form)
        assert written


def test_half_a_surrogate_pair_is_refused() -> None:
    for value in ("half\ud800", {"half\ud800": 1}, iter(["half\ud800"]), [{"a": "half\ud800"}]):
        with pytest.raises(ValueError, match="surrogates not allowed"):
            list(json_pieces(value))
