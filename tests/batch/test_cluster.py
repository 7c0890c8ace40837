"""A batch on a scheduler and workers that are processes of their own, as on any Dask cluster."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from kit.batch import run_batch
from kit.batch.cluster import connect
from kit.errors import CannotRunError, UserError
from kit.sandbox.server import Sandbox
from kit.verify import verify
from tests.batch.conftest import DEMO, EMPTY, SMALL, TIDY, Desk, half_made, wait_until
from tests.pack.authority import PASSPHRASE, Authority

DASK = str(Path(sys.executable).parent / "dask")
SOON = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "3s"}


@contextmanager
def running(folder: Path, environment: Mapping[str, str], *command: str) -> Iterator[int]:
    """A `dask` command as a process of its own."""
    with (folder / f"{command[0]}.log").open("ab") as log:
        process = subprocess.Popen(
            [DASK, *command], cwd=folder, env=environment, stdout=log, stderr=log
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def address_in(file: Path) -> str:
    """Return what a scheduler wrote to its file, once it is whole: Dask writes it in place."""
    try:
        return str(json.loads(file.read_text())["address"])
    except (FileNotFoundError, json.JSONDecodeError):
        return ""


@contextmanager
def cluster(
    folder: Path,
    environment: Mapping[str, str],
    protocol: str = "tcp",
    workers: int = 1,
    schedulers: Mapping[str, str] | None = None,
    nanny: bool = False,
) -> Iterator[tuple[str, int]]:
    """The address and process id of a scheduler that has workers.

    The scheduler has the workers' environment, or its own. A nanny starts a worker again, as Dask
    does by default; it takes as long to start as the worker.
    """
    file = folder / "scheduler.json"
    file.unlink(missing_ok=True)
    with ExitStack() as stack:
        common = ("--host", "127.0.0.1", "--no-dashboard")
        listens = ("--port", "0", "--protocol", protocol, "--scheduler-file", str(file))
        own = environment if schedulers is None else schedulers
        pid = stack.enter_context(running(folder, own, "scheduler", *common, *listens))
        wait_until(lambda: bool(address_in(file)))
        address = address_in(file)
        for _ in range(workers):
            no_nanny = () if nanny else ("--no-nanny",)
            options = ("--nthreads", "1", "--protocol", protocol, *no_nanny)
            stack.enter_context(running(folder, environment, "worker", address, *common, *options))
        log = folder / "worker.log"
        wait_until(lambda: not workers or log.read_text().count("Registered to") >= workers)
        yield address, pid


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """The folder in which workers are started, which is not that of the batch."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def shared(desk: Desk) -> str:
    """The file of a batch whose packs and snapshots are where all can reach them."""
    place = desk.folder / "outputs"
    return f"{SMALL}outputs: {place}\nsnapshots: {place}\n"


def test_packs_are_made_by_workers_with_credentials_and_a_key_that_only_they_have(
    desk: Desk, elsewhere: Path, authority: Authority
) -> None:
    key, certificate = authority.issue("cluster")
    tls = {"CA_FILE": authority.ca}
    for who in ("CLIENT", "SCHEDULER", "WORKER"):
        tls |= {f"{who}__KEY": key, f"{who}__CERT": certificate}
    encrypted = {f"DASK_DISTRIBUTED__COMM__TLS__{name}": str(path) for name, path in tls.items()}
    poor = {n: v for n, v in desk.environment.items() if not n.startswith("AWS_")}
    secret = {"EVIDENCE_KEY_PASSPHRASE": PASSPHRASE}
    signer = shutil.copy(authority.pkcs12("worker"), elsewhere)
    lines = [line for line in shared(desk).splitlines() if DEMO not in line and TIDY not in line]
    file = "\n".join(lines).replace("shared:", "shared:\n  signed: true")
    theirs = {**desk.environment, **encrypted, **secret}
    with cluster(elsewhere, theirs, "tls", nanny=True) as (address, _):
        assert address.startswith("tls://127.0.0.1:")
        without_credentials = Desk(desk.folder, {**poor, **encrypted})
        options = ("--quiet", "--scheduler", address, "--key", Path(signer).name)
        done = without_credentials.batch(*options, file=file)
        assert (done.returncode, done.stderr) == (4, "")
    states = desk.states()
    assert {account: facts["state"] for account, facts in states.items()} == {EMPTY: "done"}
    checks = verify(desk.place(EMPTY) / "pack", authority.ca)
    assert [check.line for check in checks if not check.ok] == []
    assert not (elsewhere / "outputs").exists()


def test_an_interruption_and_a_scheduler_that_goes_away_leave_a_true_ledger(
    desk: Desk, elsewhere: Path, sandbox: Sandbox
) -> None:
    desk = Desk(desk.folder, {**desk.environment, **SOON})
    runs = re.compile(r'"state": "running"')
    with cluster(elsewhere, desk.environment) as (address, scheduler):
        batch = desk.start("--quiet", "--scheduler", address, file=shared(desk))
        wait_until(lambda: desk.ledger.exists() and bool(runs.search(desk.ledger.read_text())))
        wait_until(lambda: bool(half_made(desk)))
        batch.send_signal(signal.SIGINT)
        out, err = batch.communicate()
        assert half_made(desk) == [], "the worker goes on"
        assert batch.returncode == 1
        assert "stopped: the batch was interrupted; start it again" in out
        before = len(desk.ledger.read_text())
        batch = desk.start("--quiet", "--scheduler", address, file=shared(desk))
        wait_until(lambda: bool(runs.search(desk.ledger.read_text(), before)))
        os.kill(scheduler, signal.SIGKILL)
        out, err = batch.communicate()
    assert (batch.returncode, err) == (1, "")
    assert "the scheduler went away; start the batch again" in out
    states = desk.states()
    lost = [facts for facts in states.values() if facts["state"] in ("stopped", "not reached")]
    assert len(states) == 3
    assert lost
    assert {facts["why"].split(";")[0] for facts in lost} == {"the scheduler went away"}
    for account, facts in states.items():
        whole = (desk.place(account) / "complete.json").exists()
        assert whole or facts["state"] in ("stopped", "not reached")


def test_a_place_that_is_another_on_each_worker_is_refused(tmp_path: Path) -> None:
    (tmp_path / "accounts.yaml").write_text(SMALL)
    with pytest.raises(UserError, match="outputs: 'outputs' is a different folder on each worker"):
        run_batch(tmp_path / "accounts.yaml", scheduler="tcp://127.0.0.1:1")


def test_a_batch_names_a_new_key_once(tmp_path: Path) -> None:
    place = f"shared:\n  pseudonym_key: {tmp_path}/typo/key"
    (tmp_path / "accounts.yaml").write_text(
        f"outputs: {tmp_path}\nsnapshots: {tmp_path}\n" + SMALL.replace("shared:", place)
    )
    said: list[tuple[str, str]] = []
    with pytest.raises(UserError, match="tls://"):
        run_batch(
            tmp_path / "accounts.yaml",
            scheduler="tcp://scheduler.example.com:1",
            report=lambda *line: said.append(line),
        )
    ((subject, line),) = said
    assert (subject, f"{tmp_path}/typo/key does not exist" in line) == ("labels", True)


@pytest.mark.parametrize(
    ("who", "metadata", "reported"),
    [
        ("worker", "Version: 0.0.9", "worker tcp://127.0.0.1:.* has version 0.0.9 of the kit"),
        ("scheduler", "", "the scheduler has no kit"),
    ],
)
def test_a_cluster_with_another_kit_is_reported(
    elsewhere: Path, who: str, metadata: str, reported: str
) -> None:
    other = elsewhere / "appstream_evidence_kit-0.0.9.dist-info"
    other.mkdir()
    named = "Metadata-Version: 2.1\nName: appstream-evidence-kit\n"
    (other / "METADATA").write_text(f"{named}{metadata}\n" if metadata else "")
    path = os.pathsep.join(filter(None, (str(elsewhere), os.environ.get("PYTHONPATH"))))
    changed = {**os.environ, "PYTHONPATH": path}
    schedulers = changed if who == "scheduler" else os.environ
    workers = 1 if who == "worker" else 0
    with (
        cluster(elsewhere, changed, workers=workers, schedulers=schedulers) as (address, _),
        pytest.raises(CannotRunError, match=f"{reported}, .*install the same version everywhere"),
        connect(address),
    ):
        pass


def test_workers_of_this_machine_keep_nothing_that_grows_for_a_dashboard() -> None:
    with connect(workers=1) as client:
        reported = client.run(
            lambda dask_worker: (
                "profile" in dask_worker.periodic_callbacks,
                dask_worker.monitor.maxlen,
            )
        )
    assert list(reported.values()) == [(False, 60)]


_ONE = "accounts: [{account: '111122223333'}]"
_FOUND = "organisation: {account: '111122223333'}\ndiscover: {}"


@pytest.mark.parametrize(
    ("workers", "batch", "number"),
    [
        (0, f"{_ONE[:-1]}, {{account: '222233334444'}}]", 2),
        (0, f"{_ONE}\naccounts_at_once: 3", 1),
        (0, _FOUND, 8),
        (0, f"{_FOUND}\naccounts_at_once: 3", 3),
        (4, _ONE, 4),
    ],
)
def test_a_core_for_which_there_is_no_account_has_no_worker(
    workers: int, batch: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    def fail(*, n_workers: int, **_: object) -> None:
        started.append(n_workers)
        raise RuntimeError

    monkeypatch.setattr("kit.batch.cluster.LocalCluster", fail)
    monkeypatch.setattr("kit.batch.cluster.CPU_COUNT", 8)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "batch.yaml").write_text(f"name: n\n{batch}\n")
    with pytest.raises(CannotRunError):
        run_batch(tmp_path / "batch.yaml", workers=workers)
    assert started == [number]


@pytest.mark.parametrize(
    ("error", "reported"),
    [
        (RuntimeError("Nanny failed to start."), "Nanny failed to start.*again"),
        (TimeoutError("late"), "late.*again"),
        (RuntimeError("failed to start: [Errno 28] No space left on device"), "probably at /"),
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE)), "ulimit -n"),
    ],
)
def test_workers_that_do_not_start_are_reported_in_a_line(
    monkeypatch: pytest.MonkeyPatch, error: Exception, reported: str
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr("kit.batch.cluster.LocalCluster", fail)
    with (
        pytest.raises(CannotRunError, match=f"did not start .*{reported}") as raised,
        connect("", insecure=False, workers=2),
    ):
        pass
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("address", "insecure", "error", "reported"),
    [
        ("tcp://10.0.0.1:8786", False, UserError, "unencrypted address of another machine"),
        ("8786", False, UserError, "write tls://host:8786"),
        ("tls://127.0.0.1:{port}", False, UserError, "distributed.comm.tls"),
        ("tcp://0.0.0.0:{port}", True, CannotRunError, "does not answer"),
        ("tcp://127.0.0.1:{port}", False, CannotRunError, "does not answer"),
    ],
)
def test_an_address_that_cannot_be_used_is_reported(
    address: str, insecure: bool, error: type[UserError], reported: str
) -> None:
    import dask

    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        address = address.format(port=taken.getsockname()[1])
        with (
            dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
            pytest.raises(error, match=reported) as caught,
            connect(address, insecure=insecure),
        ):
            pass
    assert isinstance(caught.value, CannotRunError) is (error is CannotRunError)
    assert f"--scheduler: {address}" in str(caught.value) or repr(address) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
