"""Kernels: other users of the machine reach none in which the kit collects."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import zmq
from jupyter_client.manager import KernelManager

from kit.kernels import FOLDER, NAME
from tests.listening import OF_THE_USER, is_private, kernels, startup, tcp_ports

_REFUSED = "from kit.kernels import refuse_exposed; refuse_exposed()"


@contextmanager
def started(name: str = NAME, **options: Any) -> Iterator[tuple[Any, Any]]:
    """A kernel as any front end starts it, with a client."""
    manager = KernelManager(kernel_name=name, **options)
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run(client: Any, code: str) -> dict[str, Any]:
    content: dict[str, Any] = client.execute_interactive(code, timeout=60)["content"]
    return content


def test_a_kernel_listens_on_files_of_its_owner_alone_also_once_it_was_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = startup(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    before = os.umask(0)  # files alone would be open to everybody
    try:
        with started() as (manager, client):
            place = Path(manager.ip).parent
            assert run(client, _REFUSED)["status"] == "ok"
            manager.restart_kernel(now=True)
            client.wait_for_ready(timeout=60)
            assert run(client, _REFUSED)["status"] == "ok"
            assert tcp_ports(manager.provisioner.process.pid) == []
            info = client.kernel_info(reply=True, timeout=60)["content"]
            assert "debugger" not in info["supported_features"]
            assert run(client, "import subprocess; subprocess.run(['true'])")["status"] == "ok"
    finally:
        os.umask(before)
    assert len(kernels(environment)) == 2
    assert all(is_private(kernel) for kernel in kernels(environment))
    assert all(kernel["ran"] == OF_THE_USER for kernel in kernels(environment))
    assert not place.exists()


def test_cells_that_arrive_within_a_time_after_another_failed_are_aborted() -> None:
    seconds = "get_ipython().kernel.stop_on_error_timeout"
    with started() as (_, client):
        assert run(client, f"assert {seconds} >= 0.5; {seconds} = 0.001")["status"] == "ok"
        assert run(client, "1 / 0")["status"] == "error"
        while run(client, f"{seconds} = 60")["status"] == "aborted":
            pass
        for failing in ("x = = 1", "late = True"):  # the first is no Python
            status = run(client, failing)["status"]
        assert status == "aborted"
        assert client.kernel_info(reply=True, timeout=60)["content"]["status"] == "ok"


# The kernel's time ends with its fourth wait: that after the failure, and three more.
_FOUR_WAITS = """
loop, waits = get_ipython().kernel.shell_channel_thread.io_loop, []
call_later = loop.call_later
loop.call_later = lambda _, *given: waits.append(given) or waits[3:] and call_later(0, *given)
"""


def test_with_each_cell_that_is_aborted_the_time_begins_anew() -> None:
    with started() as (_, client):
        assert run(client, _FOUR_WAITS)["status"] == "ok"
        assert run(client, "1 / 0")["status"] == "error"
        assert [run(client, "late = True")["status"] for _ in range(3)] == ["aborted"] * 3
        while run(client, "assert 'late' not in globals()")["status"] == "aborted":
            pass
        assert run(client, "assert len(waits) >= 4")["status"] == "ok"


def test_the_description_that_is_installed_is_in_the_package() -> None:
    assert (FOLDER / NAME / "kernel.json").exists()


# --- where files cannot be: TCP, encrypted -----------------------------------------------------


class Peer:
    """Somebody on the machine who subscribes to what a kernel publishes."""

    def __init__(self, manager: Any, server: bytes | None):
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.linger = 0
        if server:
            self._socket.curve_publickey, self._socket.curve_secretkey = zmq.curve_keypair()
            self._socket.curve_serverkey = server
        self._socket.subscribe(b"")
        self._socket.connect(f"tcp://{manager.ip}:{manager.iopub_port}")

    def hears(self, milliseconds: int) -> bytes:
        """Return all that comes until nothing more comes."""
        heard = b""
        while self._socket.poll(milliseconds):
            heard += b"".join(self._socket.recv_multipart())
        return heard

    def close(self) -> None:
        self._context.destroy(linger=0)


@pytest.fixture
def no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder for temporary files whose name is too long for sockets."""
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))


def heard_over_tcp() -> dict[str, bool]:
    """Whether each peer of a new kernel that listens on TCP hears its output."""
    stranger, _ = zmq.curve_keypair()
    with started() as (manager, client):
        assert manager.transport == "tcp"
        assert tcp_ports(manager.provisioner.process.pid)
        assert os.stat(manager.connection_file).st_mode & 0o777 == 0o600
        keys = {
            "without a key": None,
            "with another key": stranger,
            "with the key": manager.curve_publickey,
        }
        peers = {name: Peer(manager, key) for name, key in keys.items()}
        try:
            for _ in range(20):  # a peer that connects misses what came before
                assert run(client, f"{_REFUSED}; print('canary')")["status"] == "ok"
                if heard := b"canary" in peers["with the key"].hears(500):
                    break
            others = {name: peers[name].hears(0) != b"" for name in keys if name != "with the key"}
            return {**others, "with the key": heard}
        finally:
            for peer in peers.values():
                peer.close()


@pytest.mark.usefixtures("no_files")
def test_over_tcp_only_who_has_the_connection_files_key_hears_anything() -> None:
    assert heard_over_tcp() == {
        "without a key": False,
        "with another key": False,
        "with the key": True,
    }


@pytest.mark.usefixtures("no_files")
def test_a_notebook_of_the_kit_runs_there_too(tmp_path: Path) -> None:
    place = tmp_path / ("x" * 100)
    with started(transport="ipc", ip=str(place / "kernel")) as (manager, client):
        assert (manager.transport, manager.transport_encryption) == ("tcp", "disabled")
        assert manager.curve_publickey
        assert run(client, _REFUSED)["status"] == "ok"


# --- kernels of others ----------------------------------------------------------------------------


@pytest.mark.parametrize("encryption", ["disabled", "required"])
def test_the_kit_collects_in_another_kernel_only_if_that_is_encrypted(encryption: str) -> None:
    with started("python3", transport_encryption=encryption) as (_, client):
        done = run(client, _REFUSED)
    if encryption == "required":
        assert done["status"] == "ok"
    else:
        assert done["ename"] == "UserError"
        assert "AppStream Evidence Kit" in done["evalue"]


def test_no_kernel_is_none_that_others_can_read() -> None:
    from kit.kernels import refuse_exposed

    refuse_exposed()
