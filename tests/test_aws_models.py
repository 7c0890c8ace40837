"""botocore's models as the kit reads them: all of them but the documentation."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.session import get_session

from kit.aws_models import _ModelFiles, listed_regions, models
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
