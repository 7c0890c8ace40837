"""What the tests share: a sandbox and a browser, each started once."""

from __future__ import annotations

import gc
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import runtestprotocol

import kit  # before nbformat, so that it leaves out the grammars that it would build
from tests import drawn, quick
from tests.longest import LONGEST
from tests.outside import Log

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from kit.sandbox.server import Sandbox
    from tests.pack.authority import Authority
    from tests.pack.services import Services
    from tests.shared import Shared

_log: Log
_TESTS = Path(__file__).parent

_SIGNED = """
signed: true
controls: [AR-01, AR-03, AR-05, EX-04, ID-02, IT-07, LG-01, GV-01]
frameworks: [cis_euc]
"""
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="only tests that start no process")


def pytest_configure(config: pytest.Config) -> None:
    """Make every run alike: AWS settings and pseudonym keys of who runs it are out of reach.

    This comes before fixtures of every scope, and the processes that tests start inherit it.
    """
    home = tempfile.TemporaryDirectory(prefix="home-")
    config.add_cleanup(home.cleanup)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.mkdir(f"{home.name}/tmp")
    folder = Path(kit.__file__).parent
    os.environ |= {
        # Commands name what killed runs left there, which is nothing of these tests.
        "TMPDIR": f"{home.name}/tmp",
        "XDG_CONFIG_HOME": f"{home.name}/.config",
        "AWS_CONFIG_FILE": f"{home.name}/aws-config",
        "AWS_SHARED_CREDENTIALS_FILE": f"{home.name}/aws-credentials",
        "AWS_EC2_METADATA_DISABLED": "true",
        # Its kernels and defaults of settings, before the environment's.
        "JUPYTER_PATH": str(folder),
        "JUPYTER_CONFIG_PATH": str(folder / "jupyter"),
        "EVIDENCE_SANDBOX_LOG": f"{home.name}/requests",
    }
    global _log
    _log = Log(Path(home.name) / "requests")
    # A shell lets what it starts in the background ignore SIGINT, and children inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _draw_alike()
    # Collections of garbage took a seventh of the time of collecting tests, which leaves none, and
    # of the tests that make many tables. None runs within a test: see `pytest_runtest_teardown`.
    gc.disable()
    gc.set_threshold(10_000, 10, 10)
    if config.getoption("quick"):
        drawn.draw_fewer()


def _draw_alike() -> None:
    """Draw the same examples in every process.

    Hypothesis mixes constants of the modules imported so far into what it draws, so that without
    this an example depends on which tests the same worker ran before.
    https://github.com/HypothesisWorks/hypothesis/issues/4978
    """
    from hypothesis.internal.conjecture import providers

    none = providers.Constants()
    providers._get_local_constants = lambda: none


def pytest_xdist_auto_num_workers() -> int:
    """Have two workers more than there are processors: many tests wait for what they started."""
    return (os.cpu_count() or 1) + 2


def pytest_collection(session: pytest.Session) -> None:
    """Let no process start from here on in a quick run; let workers of a whole one import apart.

    Workers that import the same modules at the same time compile each of them as often as there are
    workers. So each begins elsewhere, where nothing is compiled yet.
    """
    if session.config.getoption("quick"):
        if session.config.getoption("dist", "no") == "no":  # not where this process starts workers
            sys.addaudithook(quick.refuse_processes)
        return
    given = getattr(session.config, "workerinput", None)
    if given is None:
        return
    if [Path(path).resolve() for path in session.config.args] != [_TESTS]:
        return
    files = sorted(_TESTS.rglob("test_*.py"))
    first = len(files) * int(given["workerid"].removeprefix("gw")) // given["workercount"]
    for path in files[first:]:
        with suppress(Exception):  # which the collection reports
            import_module(".".join(path.relative_to(_TESTS.parent).with_suffix("").parts))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import a slow file where only quick tests are wanted."""
    wanted = config.getoption("quick") and collection_path.suffix == ".py"
    return (wanted and quick.is_slow_file(collection_path)) or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out slow tests where only quick ones are wanted; otherwise let long files come first.

    A worker that is done then finds short files to the end, and none waits for a long one.
    """
    if config.getoption("quick"):
        # A file that the command line names is collected whatever it imports.
        slow = [one for one in items if quick.is_slow_file(one.path) or quick.is_slow_test(one)]
        config.hook.pytest_deselected(items=slow)
        items[:] = [one for one in items if one not in slow]
    else:
        order = {_TESTS / name: place for place, name in enumerate(LONGEST)}
        items.sort(key=lambda one: order.get(one.path, len(order)))


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Let a worker report of a test that passes its call alone.

    Six messages a test to the process that started the workers, most of them of what passed, took
    longer than most of the tests. So of what a worker ran, `--durations` shows the calls alone.
    """
    if not hasattr(item.config, "workerinput"):
        return None
    for report in runtestprotocol(item, nextitem=nextitem, log=False):
        if report.when == "call" or not report.passed:
            item.ihook.pytest_runtest_logreport(report=report)
    return True


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what stays until the end: modules and tests."""
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Let the garbage collector look where enough was made since it last did.

    Within a test, what finalises an earlier test's garbage could run at any depth, and fails where
    the test nests as deeply as Python lets it.
    """
    gc.enable()
    _ = set()  # the collector runs when an object is made
    gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure() -> None:
    """Let nobody look for garbage in what all tests have left: pytest would twice, Python again."""
    gc.freeze()


@pytest.fixture(autouse=True)
def _nothing_outside_the_policy() -> Iterator[None]:
    """Fail a test in which the collector requested what `evidence policy` does not allow."""
    yield
    outside = _log.outside()
    assert not outside, f"the collector requested what its policy does not allow: {outside}"


@pytest.fixture(scope="module", autouse=True)
def _nothing_open() -> None:
    """Forget the snapshots that another file's tests opened in this process.

    Their names are masked in every text that is shown, such as a fleet's named ``x``.
    """
    if "kit.redact.free_text" in sys.modules:
        sys.modules["kit.redact.free_text"].opened.clear()


@pytest.fixture
def notebook_here() -> Iterator[None]:
    """Let the kit's own notebooks run in this process; see `tests.inprocess.without_kernel`."""
    from tests.inprocess import without_kernel

    with without_kernel():
        yield


@pytest.fixture(scope="session")
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """Makes a thing once for all workers of the run."""
    from tests.shared import of_run

    return of_run(request.config, tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A local AWS with the sample accounts; tests that set faults clear them."""
    from kit import sandbox as local

    with local.start() as running:
        yield running


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Runs of the sample accounts, with and without things going wrong."""
    from kit import sandbox as local
    from tests.matrix import ACCOUNTS, Bench

    with local.start(ACCOUNTS) as running:
        yield Bench(running, tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium; what a page should come to show has a minute, however busy the machine is."""
    from playwright.sync_api import expect, sync_playwright

    from tests.system import chromium

    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=_FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority; each certificate has a name of its own."""
    from tests.pack.authority import Authority

    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def tsa(authority: Authority) -> Iterator[str]:
    """URL of a timestamp service."""
    from tests.pack.authority import served

    with served(authority.timestamper()) as url:
        yield url


@pytest.fixture(scope="session")
def services(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A certificate authority with CRLs, an OCSP responder and a timestamp service.

    Those of all workers have the same keys, so that each may revoke who signed `signed_pack`.
    """
    from tests.pack.services import make_keys, running

    keys = shared("keys of services", lambda _: make_keys())
    with running(tmp_path_factory.mktemp("services"), keys) as made:
        yield made


@pytest.fixture(scope="session")
def short() -> bytes:
    """A document of two pages with links, bookmarks and an attachment; its length signs nothing."""
    from nbformat.v4 import new_markdown_cell, new_notebook

    from kit.pack.document import document
    from kit.pack.pdf import pdf
    from kit.report.views import Data
    from tests.pack.conftest import cover, shown

    cells = [shown(cover()), new_markdown_cell("## Scope"), shown(Data("findings", [], {}))]
    return pdf(document(new_notebook(cells=cells)))


@pytest.fixture(scope="session")
def signed_pack(sandbox: Sandbox, authority: Authority, services: Services, shared: Shared) -> Path:
    """A pack of the demo account, signed by the command at B-LTA; tests that change it copy it.

    It holds one region, one framework and some controls, of every status, since verifying all of
    them takes several times as long.
    Who trusts the authority's ``ca.pem`` trusts its signer and its timestamps.
    """
    from tests.commands import evidence
    from tests.inprocess import without_kernel
    from tests.pack.authority import PASSPHRASE

    def signed(cwd: Path) -> tuple[Path, bytes]:
        demo = (Path(__file__).parent.parent / "parameters" / "demo.yaml").read_text()
        assert "eu-central-1, eu-west-1" in demo
        own = demo.replace("eu-central-1, eu-west-1", "eu-central-1")
        (cwd / "run.yaml").write_text(f"{own}\n{_SIGNED}")
        environment = {
            **sandbox.environment("demo"),
            "XDG_CONFIG_HOME": str(cwd / ".config"),
            "EVIDENCE_KEY_PASSPHRASE": PASSPHRASE,
        }
        signs = ("--key", services.pkcs12("analyst"), "--timestamp", services.timestamps)
        with without_kernel():
            done = evidence("run", "run.yaml", "--quiet", *signs, cwd=cwd, environment=environment)
        assert done.returncode == 3, done.stderr
        (pack,) = (cwd / "outputs").glob("*/*/pack")
        return pack, services.ca.read_bytes()

    pack, root = shared("signed", signed)
    authority.ca.write_bytes(authority.ca.read_bytes() + root)
    return pack


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tell what was compared in the fault matrix, where any of it was."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    reported = [
        value
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == "matrix"
    ]
    if reported:
        from tests.matrix import summary

        terminalreporter.section("fault matrix")
        for line in summary(reported):
            terminalreporter.write_line(line)
