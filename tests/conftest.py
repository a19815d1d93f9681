"""What every test gets: a machine of its own (no home, keyring or desktop of yours), and on request a home for OpenCode."""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key
from hypothesis import settings

# Where the tests run in the background (`nohup`, some CI) Ctrl+C is ignored, and every process of theirs would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if os.name != "nt" and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


# Compiling and rewriting all modules costs each worker, and each program of a test, 5 s of a core: it is done once, and cached.
if sys.dont_write_bytecode:
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Read once, when Qt and keyring are imported.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

from pytestqt.qtbot import QtBot

from t3tray.domain.versions import can
from t3tray.messages.versions import lacking
from tests.support.disk import memory_disk
from tests.support.leftovers import end_leftovers
from tests.support.no_process import starts_recorded
from tests.support.opencode import OpenCodeHome, RawServer, found_opencode, quick_program
from tests.support.shared_server import SharedServer
from tests.support.sql_cache import share_compiled_sql
from tests.support.stub_model import StubModel

share_compiled_sql()

# The duration of an example depends on the machine, not on the code.
settings.register_profile("t3tray", deadline=None)
settings.load_profile("t3tray")

# A limit on waiting is a ceiling, also on a machine that is ten times slower.
for wait in (QtBot.waitSignal, QtBot.waitSignals, QtBot.waitUntil, QtBot.waitCallback, QtBot.waitExposed, QtBot.waitActive):
    assert wait.__kwdefaults__
    wait.__kwdefaults__["timeout"] = 90_000

# Seconds after its own limit at which a test that still hangs ends its process.
_GRACE = 120

if memory_disk():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", memory_disk())

_ROOT = Path(__file__).parent
# What `make quick` runs, but for tests that are marked.
_QUICK = (_ROOT / "unit", _ROOT / "ui")
_FOREIGN = ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def _isolate(patch: pytest.MonkeyPatch, root: Path) -> None:
    patch.setenv("HOME", str(root / "home"))
    patch.setenv("USERPROFILE", str(root / "home"))
    patch.setenv("T3TRAY_DATA_DIR", str(root / "t3tray"))
    for name in ("DATA", "CONFIG", "STATE", "CACHE", "RUNTIME"):
        suffix = "DIR" if name == "RUNTIME" else "HOME"
        patch.setenv(f"XDG_{name}_{suffix}", str(root / name.lower()))
    (root / "home").mkdir(parents=True)
    # Qt warns about a runtime folder that others can read.
    (root / "runtime").mkdir(mode=0o700)
    for name in [*os.environ]:
        if name.upper() in _FOREIGN or name.startswith("OPENCODE_"):
            patch.delenv(name)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What a collection makes, 230,000 objects, lives as long as the process: no search for garbage goes through it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`make test-versions` names the version: what it cannot do is skipped and told, and what is said of that is tried."""
    version = os.environ.get("T3TRAY_OPENCODE_VERSION", "")
    for item in items:
        for marker in item.iter_markers("needs"):
            if can(marker.args[0], version) is False:
                item.add_marker(pytest.mark.skip(reason=lacking(marker.args[0], version)))
    elsewhere = [item for item in items if any(can(mark.args[0], version) is not False for mark in item.iter_markers("lacks"))]
    if elsewhere:
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if item not in elsewhere]


@pytest.fixture(scope="session", autouse=True)
def _isolated_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For what is made once for all tests, the QApplication above all. The `opencode` on the PATH tells of itself at once."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("session")
        _isolate(patch, root)
        if found_opencode():
            patch.setenv("PATH", str(quick_program(root / "bin")), prepend=os.pathsep)
        yield


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, _isolated_session: None) -> None:
    _isolate(monkeypatch, tmp_path_factory.mktemp("machine"))


@pytest.fixture(autouse=True)
def _starts_no_process(request: pytest.FixtureRequest, _isolated: None) -> Iterator[None]:
    """Neither a unit test nor one of the interface starts a program, unless it is marked `process`."""
    with starts_recorded() as started:
        yield
    if request.node.get_closest_marker("process") is None and any(map(request.node.path.is_relative_to, _QUICK)):
        assert not started, f"mark it `process`, or play what it starts: {started}"


@pytest.fixture(scope="session")
def _shared(tmp_path_factory: pytest.TempPathFactory, _isolated_session: None) -> Iterator[SharedServer]:
    shared = SharedServer(tmp_path_factory.mktemp("shared"))
    yield shared
    shared.close()


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_left(tmp_path_factory: pytest.TempPathFactory, _shared: SharedServer) -> Iterator[None]:
    """What the tests of a module started is ended, whatever became of them."""
    yield
    end_leftovers(tmp_path_factory.getbasetemp(), _shared.spares)


@pytest.fixture
def shared_server(_shared: SharedServer) -> Iterator[RawServer]:
    """A real OpenCode server that runs, without any session. A test that has it gets its home as `opencode_home`, and its model.

    Also for tests that stop it: it is started anew then.
    """
    yield _shared.lend()
    _shared.take_back()


@pytest.fixture
def model(request: pytest.FixtureRequest) -> Iterator[StubModel]:
    """A model on loopback that records what reaches it."""
    if "shared_server" in request.fixturenames:
        request.getfixturevalue("shared_server")
        yield request.getfixturevalue("_shared").model
        return
    with StubModel() as running:
        yield running


@pytest.fixture
def opencode_home(request: pytest.FixtureRequest, tmp_path: Path, model: StubModel) -> Iterator[OpenCodeHome]:
    """A fresh home for a real OpenCode that asks `model`. What still runs in it at the end of the test is ended."""
    if "shared_server" in request.fixturenames:
        yield request.getfixturevalue("_shared").home
        return
    home = OpenCodeHome(tmp_path / "opencode", model.url)
    yield home
    home.end_everything()


@pytest.fixture
def quick_opencode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The `opencode` on the PATH is one that only tells of itself, and is no server."""
    folder = quick_program(tmp_path / "quick", 'echo "unexpected: $*" >&2; exit 70')
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


# The `timeout` of a test is a signal, and comes once: neither a call in C that no signal ends nor a teardown after it is
# limited by it, and one such test would hold the whole run for ever. This ends the process, with every thread's stack.
@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    _end_if_it_hangs(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    _end_if_it_hangs(item)


def pytest_runtest_logfinish() -> None:
    faulthandler.cancel_dump_traceback_later()


def _end_if_it_hangs(item: pytest.Item) -> None:
    mark = item.get_closest_marker("timeout")
    limit = float(mark.args[0] if mark else item.config.getoption("timeout") or item.config.getini("timeout"))
    faulthandler.dump_traceback_later(limit + _GRACE, exit=True, file=item.config.stash[fault_handler_stderr_fd_key])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """The same of a process of pytest's own that was ended in the middle of a test."""
    factory: pytest.TempPathFactory = session.config._tmp_path_factory  # type: ignore[attr-defined]
    end_leftovers(factory.getbasetemp())
