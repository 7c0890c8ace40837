"""What parameters/ and docs/cluster.md show is what the kit takes."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import dask.config
import nbformat
import yaml
from distributed.security import Security

from kit.batch.accounts import BatchFile, read_batch
from kit.collect.members import Discover
from kit.parameters import parameters
from tests.pages import code

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs" / "cluster.md").read_text()


def test_the_sample_of_a_batch_is_valid_and_has_every_field() -> None:
    path = ROOT / "parameters" / "accounts.yaml"
    batch = read_batch(path)
    assert batch.file.model_fields_set == set(BatchFile.model_fields)
    assert list(batch.runs) == ["999988887777", "012345678901", "123456789012"]
    assert batch.runs["999988887777"].administers_organisation
    assert {run.role_arn for run in batch.runs.values()} == {
        f"arn:aws:iam::{account}:role/EvidenceReader" for account in batch.runs
    }
    commented = re.findall(r"^(?=\w+:)(?P<field>\w+)", path.read_text(), re.MULTILINE)
    assert set(commented) == set(BatchFile.model_fields)


def test_airflow_is_shown_parameters_that_the_notebook_has() -> None:
    notebook = nbformat.read(ROOT / "notebooks" / "evidence_pack.ipynb", as_version=4)
    (cell,) = [one for one in notebook.cells if "parameters" in one.metadata.get("tags", [])]
    declared = {
        node.target.id
        for node in ast.parse(cell.source).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    dag = ast.parse((ROOT / "parameters" / "airflow_dag.py").read_text())
    (call,) = [
        node
        for node in ast.walk(dag)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "PapermillOperator"
    ]
    given = {word.arg: word.value for word in call.keywords}
    # As airflow.providers.papermill.operators.papermill.PapermillOperator has them.
    assert set(given) == {"task_id", "input_nb", "output_nb", "parameters"}
    names = {"account": "012345678901", "FOLDER": "/srv/evidence"}
    reported = eval(compile(ast.Expression(given["parameters"]), "dag", "eval"), {}, names)
    assert set(reported) <= declared
    assert parameters(reported).role_arn == "arn:aws:iam::012345678901:role/EvidenceReader"
    (path,) = re.findall(r"notebooks/\w+\.ipynb", ast.unparse(given["input_nb"]))
    assert (ROOT / path).exists()


def test_the_page_states_each_permission_of_discovery() -> None:
    needed = {
        *Discover().actions,
        *Discover(units=["r-ab12"], tags={"a": "b"}).actions,
    }
    assert set(re.findall(r"`(organizations:\w+)`", TEXT)) == needed


def test_the_pages_certificates_are_where_dask_looks_for_them() -> None:
    _, example = code("docs/cluster.md", "yaml")
    reported = dask.config.merge(dask.config.config, yaml.safe_load(example))
    with dask.config.set(reported):
        security = Security()
    assert security.require_encryption is True
    assert security.tls_ca_file == "/etc/dask/ca.pem"
    for who in ("client", "scheduler", "worker"):
        assert getattr(security, f"tls_{who}_cert") == "/etc/dask/me.pem"
        assert getattr(security, f"tls_{who}_key") == "/etc/dask/me.key.pem"
