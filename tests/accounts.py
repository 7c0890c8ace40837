"""How the sample accounts are run: in which regions, and with what each of them declares."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

from kit.parameters import Run, parameters
from kit.shipped import yaml_data

_FOLDER = Path(__file__).parent
_DEMO = _FOLDER.parent / "parameters" / "demo.yaml"
VERDICTS = _FOLDER / "data" / "verdicts"
EXPECTED = {path.stem: yaml_data(path) for path in sorted(VERDICTS.glob("*.yaml"))}


def run_of(name: str, folder: Path) -> Run:
    """The run of a sample account, which keeps all its files in a folder."""
    own = {"pseudonym_key": str(folder / "key"), "outputs": str(folder)}
    if name == "demo":
        return parameters(_DEMO).model_copy(update=own)
    if name == "odd":
        return Run(account="444455556666", regions=["eu-west-1"], **own)
    reported = EXPECTED[name]
    return Run(
        account=reported["id"],
        regions=reported["regions"],
        thresholds=reported["thresholds"],
        **own,
        **{field: _day(value) for field, value in reported["parameters"].items()},
    )


def _day(value: Any) -> Any:
    """``-60d`` as the day it means today, also within a mapping."""
    if isinstance(value, dict):
        return {name: _day(item) for name, item in value.items()}
    if isinstance(value, str) and re.fullmatch(r"-\d+d", value):
        return (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=int(value[:-1]))).isoformat()
    return value
