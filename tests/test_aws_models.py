"""botocore's models as the kit reads them: all of them but the documentation."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader

from kit.aws_models import _ModelFiles
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
    assert read == _emptied(whole)
    assert list(read["shapes"]) == list(whole["shapes"])


@pytest.mark.parametrize(("ending", "opened"), [(".json", open), (".json.gz", gzip.open)])
def test_both_forms_of_files_are_read(ending: str, opened: Any, tmp_path: Path) -> None:
    member = {"documentation": {"shape": "Text", "documentation": "What it is"}}
    with opened(tmp_path / f"service{ending}", "wb") as file:
        file.write(json.dumps({"documentation": "All", "members": member}).encode())
    made = {
        "documentation": "",
        "members": {"documentation": {"shape": "Text", "documentation": ""}},
    }
    assert _ModelFiles().load_file(str(tmp_path / "service")) == made
    assert _ModelFiles().load_file(str(tmp_path / "other")) is None
