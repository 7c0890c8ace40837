"""botocore's models as the kit reads them: all of them but the documentation."""

from __future__ import annotations

import copy
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.session import get_session
from botocore.utils import deep_merge

from kit.aws_models import _model, _ModelFiles, listed_regions, models
from kit.calls import CALLS


def _emptied(value: Any) -> Any:
    """Return a model without the texts of its documentation, made with other code than the kit's."""
    if isinstance(value, dict):
        return {
            name: "" if name == "documentation" and isinstance(part, str) else _emptied(part)
            for name, part in value.items()
        }
    return [_emptied(part) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize("service", sorted({call.service for call in CALLS.values()}))
def test_a_model_has_all_but_its_documentation(service: str) -> None:
    whole = Loader().load_service_model(service, "service-2")
    read = Loader(file_loader=_ModelFiles()).load_service_model(service, "service-2")
    assert read | {"shapes": dict(read["shapes"])} == _emptied(whole)
    assert list(read["shapes"]) == list(whole["shapes"])


@pytest.mark.parametrize("service", ["iam", "s3"])  # indented in two ways
def test_a_shape_is_parsed_when_it_is_looked_up(service: str) -> None:
    whole = _emptied(Loader().load_service_model(service, "service-2"))["shapes"]

    def shapes() -> Any:
        return Loader(file_loader=_ModelFiles()).load_service_model(service, "service-2")["shapes"]

    one_by_one, got, both = shapes(), shapes(), shapes()
    assert {name: one_by_one[name] for name in whole} == whole
    assert {name: got.get(name) for name in whole} == whole
    assert got.get("NoSuchShape", 3) == 3
    with pytest.raises(KeyError):
        got["NoSuchShape"]
    first = both[next(iter(whole))]
    assert dict(both.items()) == whole
    assert both[next(iter(whole))] is first
    assert list(shapes().values()) == list(whole.values())
    assert isinstance(dict.__getitem__(shapes(), next(iter(whole))), bytes)


def test_shapes_are_a_dictionary_however_they_are_used() -> None:
    text = b'{\n  "shapes":{\n    "A":{"type":"a"},\n    "B":{"type":"b"}\n  }\n}'

    def shapes() -> Any:
        made = _model(text)["shapes"]
        assert isinstance(dict.__getitem__(made, "A"), bytes)
        return made

    whole = json.loads(text)["shapes"]
    (first, a), (last, b) = whole.items()
    assert shapes() == whole == shapes()
    assert shapes() == shapes()
    assert (shapes() != whole) is False
    assert shapes() | {"C": 1} == {"C": 1} | shapes() == whole | {"C": 1}
    assert {} | shapes() == shapes() | shapes() == whole
    for made in (
        shapes().copy(),
        {**shapes()},
        copy.deepcopy(shapes()),
        json.loads(json.dumps(shapes())),
    ):
        assert dict(made) == whole
    assert list(reversed(shapes())) == [last, first]
    assert repr(shapes()) == repr(whole)
    assert (shapes().pop(first), shapes().pop("C", 1), shapes().popitem()) == (a, 1, (last, b))
    assert shapes().setdefault(first, 1) == a
    updated, merged = {"C": 1}, shapes()
    updated.update(shapes())
    merged |= {"C": 1}
    assert updated == merged == whole | {"C": 1}
    extended = shapes()
    deep_merge(extended, {first: {"more": 1}})
    assert extended == whole | {first: a | {"more": 1}}


@pytest.mark.parametrize(("ending", "opened"), [(".json", open), (".json.gz", gzip.open)])
def test_both_forms_of_files_are_read(ending: str, opened: Any, tmp_path: Path) -> None:
    member = {"documentation": {"shape": "Text", "documentation": "What it is"}}
    whole = {"documentation": "All", "members": member}
    for name in ("service-2", "endpoints"):
        with opened(tmp_path / f"{name}{ending}", "wb") as file:
            file.write(json.dumps(whole).encode())
    made = {
        "documentation": "",
        "members": {"documentation": {"shape": "Text", "documentation": ""}},
    }
    assert _ModelFiles().load_file(str(tmp_path / "service-2")) == made
    assert _ModelFiles().load_file(str(tmp_path / "endpoints")) == whole  # describes no operation
    assert _ModelFiles().load_file(str(tmp_path / "other")) is None


@pytest.mark.parametrize("service", ["appstream", "ec2", "s3"])
def test_the_regions_of_a_service_are_those_that_botocore_lists(service: str) -> None:
    prefix = {"appstream": "appstream2"}.get(service, service)
    session = get_session()
    for others in (False, True):
        listed = [
            region
            for partition in session.get_available_partitions()
            for region in session.get_available_regions(service, partition, others)
        ]
        assert listed_regions(prefix, others=others) == tuple(sorted(listed))


def test_the_folders_of_services_are_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    listdir = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: looked.append(str(path)) or listdir(path))
    session = models.__wrapped__()
    credentials = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    session.create_client("sts", "eu-west-1", **credentials)
    whole = Path(Loader.BUILTIN_DATA_PATH)
    assert looked.count(str(whole)) == 1
    assert looked.count(str(whole / "account")) == 1
    assert session.get_available_services() == get_session().get_available_services()


def test_a_model_of_ones_own_without_rules_of_endpoints_has_a_client(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "own" / "2026-01-01"
    own.mkdir(parents=True)
    model = json.dumps(Loader().load_service_model("sts", "service-2"))
    (own / "service-2.json").write_text(model)
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    session = models.__wrapped__()
    credentials = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    client = session.create_client("own", "eu-west-1", **credentials)
    assert client.meta.service_model.service_name == "own"
