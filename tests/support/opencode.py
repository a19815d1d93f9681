"""The real OpenCode for tests: the program, a home of its own, and a server that always ends with the test."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import TracebackType

import httpx
import psutil
import pytest

from t3tray.demo.offline import offline_environment, prepare_offline
from tests.support.stub_model import opencode_config

_ROOT = Path(__file__).resolve().parents[2]
_SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin") if os.name == "posix" else (os.environ["PATH"],)
_READY_LINE = "server listening on"
# The real program needs over a second of a core for each of these answers, and t3tray asks for them in each new data folder.
_QUICK = """#!/bin/sh
case "$*" in
"db path") echo "${{OPENCODE_DB:-$XDG_DATA_HOME/opencode/opencode.db}}" ;;
--version) echo {version} ;;
*) {otherwise} ;;
esac
"""
# Most servers of tests end before what the last tier of its compiler has made pays.
SHORT_LIVED = {"BUN_JSC_useDFGJIT": "0"}
_START_LIMIT = 90.0


@cache
def found_opencode() -> Path | None:
    """Return the program on this process's PATH, else the one in the repository's `.tools`."""
    if found := shutil.which("opencode"):
        return Path(found)
    system = {"Linux": "linux", "Darwin": "darwin", "Windows": "windows"}.get(platform.system(), "unknown")
    machine = "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x64"
    name = "opencode.exe" if system == "windows" else "opencode"
    path = _ROOT / ".tools" / "node_modules" / f"opencode-{system}-{machine}" / "bin" / name
    return path if path.is_file() else None


def opencode_binary() -> Path:
    """Return the real program; fail the test without one."""
    found = found_opencode()
    return found or pytest.fail("There is no opencode on the PATH and none in .tools: npm install --prefix .tools opencode-ai")


@cache
def opencode_version() -> str:
    """Return the version of `opencode_binary`, from npm's metadata or from the program itself."""
    package = opencode_binary().resolve().parents[1] / "package.json"
    if package.is_file():
        return str(json.loads(package.read_text())["version"])
    asked = [str(opencode_binary()), "--version"]
    return subprocess.run(asked, capture_output=True, text=True, timeout=_START_LIMIT, check=True).stdout.strip()


def quick_program(folder: Path, otherwise: str = "") -> Path:
    """Return a folder with an `opencode` that answers `db path` and `--version` at once (see `test_right_database`).

    For any other command it runs the real one, or `otherwise`.
    """
    if os.name == "nt":
        return opencode_binary().parent
    script = folder / "opencode"
    # Their answers are cached in a file.
    if not script.exists():
        folder.mkdir()
        script.write_text(_QUICK.format(version=opencode_version(), otherwise=otherwise or f'exec {opencode_binary()} "$@"'))
        script.chmod(0o755)
    return folder


class OpenCodeHome:
    """A home directory for OpenCode, which uses no network but the model's server."""

    def __init__(self, root: Path, model_url: str) -> None:
        self.root = root
        self.home = root / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        (root / "tmp").mkdir(exist_ok=True)
        config = root / "config"
        prepare_offline(config)
        self.environment = {
            "PATH": os.pathsep.join([str(quick_program(root / "bin")), *_SYSTEM_PATH]),
            "HOME": str(self.home),
            "TMPDIR": str(root / "tmp"),
            "XDG_DATA_HOME": str(root / "data"),
            "XDG_CONFIG_HOME": str(config),
            "XDG_STATE_HOME": str(root / "state"),
            "XDG_CACHE_HOME": str(root / "cache"),
            **offline_environment(config),
            **SHORT_LIVED,
            "OPENCODE_CONFIG_CONTENT": opencode_config(model_url),
        }
        self.database = root / "data" / "opencode" / "opencode.db"

    def processes(self) -> Iterator[psutil.Process]:
        """Return every running process of this home, whoever started it."""
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                is_ours = process.pid != os.getpid() and process.environ().get("HOME") == self.environment["HOME"]
                if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                    yield process

    def end_everything(self) -> None:
        """End every process of this home: a failed test may have left its server."""
        left = []
        for process in self.processes():
            with suppress(psutil.Error):
                left.append(process)
                process.kill()
        psutil.wait_procs(left, timeout=90)


class RawServer:
    """A real `opencode serve`, started without code of t3tray. A context manager; `port` is the same after a restart."""

    def __init__(self, home: OpenCodeHome, password: str = "pw", port: int | None = None, lasts: bool = False) -> None:
        """`lasts`: for so many requests that the last tier of its compiler pays, which is after some ten tests."""
        self._lasts = lasts
        self.port = port or free_port()
        self.password = password
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = home.root / f"server-{self.port}.log"
        self.home = home
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> RawServer:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server does not run"
        return self._process.pid

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables for a t3tray that uses this server as an external one."""
        return self.home.environment | {"T3TRAY_SERVER_URL": self.url, "OPENCODE_SERVER_PASSWORD": self.password}

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and wait until it answers: first for the log line, because an earlier request may hang for ever."""
        assert self._process is None, "the server runs already"
        arguments = [str(opencode_binary()), "serve", "--hostname", "127.0.0.1", "--port", str(self.port)]
        environment = self.home.environment | {"OPENCODE_SERVER_PASSWORD": self.password}
        if self._lasts:
            environment = {name: value for name, value in environment.items() if name not in SHORT_LIVED}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                arguments,
                env=environment,
                cwd=self.home.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End it in order, as its owner does."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it and everything it started. Does nothing if it is not running."""
        self._end(signal.SIGKILL)

    def suspend(self) -> None:
        """Freeze the process: connections are still accepted, but nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def wake(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def http(self) -> httpx.Client:
        """Return a plain client, for requests that the app itself never makes."""
        # Loading the certificates costs 20 ms of a core for each client.
        return httpx.Client(base_url=self.url, auth=("opencode", self.password), timeout=90, trust_env=False, verify=False)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(90)

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _START_LIMIT
        while time.monotonic() < deadline:
            output = self.log.read_text(errors="replace")
            assert self._process.poll() is None, f"opencode ended with {self._process.returncode}:\n{output}"
            if _READY_LINE in output and self._answers():
                return
            time.sleep(0.02)
        raise AssertionError(f"opencode was not ready in {_START_LIMIT:.0f} s:\n{self.log.read_text(errors='replace')}")

    def _answers(self) -> bool:
        try:
            answer = httpx.get(
                f"{self.url}/global/health", auth=("opencode", self.password), timeout=2, trust_env=False, verify=False
            )
        except httpx.TransportError:
            return False
        return answer.status_code == 200


def without_model(server: RawServer, folder: Path) -> None:
    """Remove the model from the server's configuration of this folder, as after a start with another configuration."""
    (folder / "opencode.json").write_text(json.dumps({"provider": {"stub": {"blacklist": ["stub-1"]}}}))
    with server.http() as http:
        http.post("/instance/dispose", params={"directory": str(folder)}).raise_for_status()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
