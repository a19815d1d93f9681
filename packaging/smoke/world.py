"""A scratch home, and the program under test in it. Needs Python alone, so that it runs on a bare system."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
# What a checkout has, and no package of ours is needed for.
sys.path.insert(0, str(ROOT))

from t3tray.demo.offline import offline_environment, prepare_offline  # noqa: E402
from tests.support.stub_model import StubModel, opencode_config  # noqa: E402

# In seconds: a ceiling on whatever is waited for.
LIMIT = 90.0
NOTHING: Mapping[str, str] = {}
# Programs whose environment is recorded each time t3tray starts one.
_RECORDED = ("opencode", "git", "xdg-mime", "xdg-open")
_RECORDER = '#!/bin/sh\n/usr/bin/env -0 >"{records}/{name}-$$"\nexec {real} "$@"\n'


class Failed(Exception):
    """Raised when a check fails. The text says what was found."""


class Skipped(Exception):
    """Raised when a check does not apply here. The text says why."""


class Ended(NamedTuple):
    """A finished run; `cpu` is in seconds."""

    code: int
    out: str
    err: str
    cpu: float


class Running(NamedTuple):
    """A program that was started."""

    process: subprocess.Popen[bytes]
    output: Path

    @property
    def said(self) -> str:
        """What it wrote until now."""
        return self.output.read_text(encoding="utf-8", errors="replace").strip()

    def expect_running(self) -> None:
        expect(self.process.poll() is None, f"it ended with {self.process.returncode}")

    def expect_silence(self) -> None:
        """Raise Failed if it wrote anything but what Qt's offscreen platform says of itself."""
        lines = self.said.splitlines()
        odd = [line for line in lines if "systemTrayWindowChanged" not in line and not line.startswith("This plugin does not")]
        expect(not odd, "it wrote something")


def expect(condition: object, text: str) -> None:
    if not condition:
        raise Failed(text)


def wait_until(is_so: Callable[[], object], what: str, limit: float = LIMIT) -> None:
    deadline = time.monotonic() + limit
    while not is_so():
        expect(time.monotonic() < deadline, f"{what}: not within {limit:g} s")
        time.sleep(0.05)


class World:
    """One program in one scratch home. `program` are the words of its command line."""

    def __init__(self, program: list[str], root: Path, opencode: str | None) -> None:
        self.program = program
        self.root = root
        self.opencode = opencode
        self.home = root / "home"
        self.project = root / "project"
        self.records = root / "records"
        self._bin = root / "bin"
        for folder in (self.home, self.project, self.records, self._bin, root / "tmp"):
            folder.mkdir(parents=True)
        (root / "run").mkdir(mode=0o700)
        config = root / "config"
        prepare_offline(config)
        self.data = root / "data" / "t3tray"
        self._write_recorders()
        self.environment = {
            "PATH": os.pathsep.join([str(self._bin), os.environ.get("PATH", os.defpath)]),
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "LOCALAPPDATA": str(root / "local"),
            "APPDATA": str(root / "roaming"),
            "SYSTEMROOT": os.environ.get("SYSTEMROOT", ""),
            "TMPDIR": str(root / "tmp"),
            "XDG_DATA_HOME": str(root / "data"),
            "XDG_CONFIG_HOME": str(config),
            "XDG_STATE_HOME": str(root / "state"),
            "XDG_CACHE_HOME": str(root / "cache"),
            "XDG_RUNTIME_DIR": str(root / "run"),
            "SHELL": str(self._bin / "shell"),
            "T3TRAY_DATA_DIR": str(self.data),
            # No keyring of the user is touched.
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            **offline_environment(config),
        }

    @property
    def is_frozen(self) -> bool:
        return ".app/" in self.program[0] or (len(self.program) == 1 and (self.folder / "_internal").is_dir())

    @property
    def folder(self) -> Path:
        """The folder of the program's own files."""
        return Path(shutil.which(self.program[0]) or self.program[0]).resolve().parent

    @contextmanager
    def model(self) -> Iterator[StubModel]:
        """Run a model on loopback, and make it OpenCode's only one."""
        with StubModel() as model:
            self.environment["OPENCODE_CONFIG_CONTENT"] = opencode_config(model.url)
            yield model

    def run(
        self, *words: str, code: int | None = 0, program: list[str] | None = None, extra: Mapping[str, str] = NOTHING
    ) -> Ended:
        """Run the program to its end. Raises Failed for another exit code than `code`."""
        before = _children_cpu()
        done = subprocess.run(
            [*(program or self.program), *words],
            env={**self.environment, **extra},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=LIMIT * 2,
        )
        cpu, said = _children_cpu() - before, done.stderr[-600:] or done.stdout[-600:]
        is_right = code is None or done.returncode == code
        expect(is_right, f"t3tray {' '.join(words)} ended with {done.returncode}, not {code}: {said}")
        return Ended(done.returncode, done.stdout, done.stderr, cpu)

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        """Run a command with --json, and return its document."""
        document: dict[str, Any] = json.loads(self.run(*words, "--json", code=code).out)
        return document

    @contextmanager
    def started(self, *words: str, program: list[str] | None = None, extra: Mapping[str, str] = NOTHING) -> Iterator[Running]:
        """Start the program; kill it at the end of the context if it still runs."""
        output = self.root / f"output-{time.monotonic_ns()}"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [*(program or self.program), *words],
                env={**self.environment, **extra},
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        try:
            yield (running := Running(process, output))
        except Failed as error:
            raise Failed(f"{error}; it wrote: {running.said[-600:] or 'nothing'}") from error
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(LIMIT)

    def end(self, running: Running, limit: float, code: int = 0, others: int = 0) -> float:
        """End a program by SIGTERM; return how long that took, in s.

        Raises Failed unless it exits with `code` within `limit` s, and everything that it started with it. `others` is the number
        of processes of this home that still run then.
        """
        if sys.platform == "win32":
            raise Skipped("Windows has no SIGTERM")
        began, process = time.monotonic(), running.process
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(limit)
        took = time.monotonic() - began
        expect(process.poll() is not None, f"still running {limit:g} s after SIGTERM")
        expect(process.returncode == code, f"exit code {process.returncode} after SIGTERM")
        wait_until(lambda: len(self.processes()) <= others, "what it started has ended too", 5)
        return took

    def processes(self) -> list[int]:
        """Return the processes of this home. Linux only: elsewhere nobody but root may read another process's environment."""
        found = []
        for folder in Path("/proc").glob("[0-9]*") if sys.platform == "linux" else ():
            with suppress(OSError):
                is_ours = f"HOME={self.home}".encode() in (folder / "environ").read_bytes().split(b"\0")
                if is_ours and " Z " not in (folder / "stat").read_text().rpartition(")")[2][:4]:
                    found.append(int(folder.name))
        return found

    def recorded(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Return each program that t3tray started, with the environment that it got."""
        for record in sorted(self.records.iterdir()):
            pairs = (os.fsdecode(pair).partition("=") for pair in record.read_bytes().split(b"\0") if pair)
            yield record.name.rpartition("-")[0], {name: value for name, _, value in pairs}

    def close(self) -> None:
        for process in self.processes():
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)

    def _write_recorders(self) -> None:
        if sys.platform == "win32":
            return
        real: Mapping[str, str | None] = {name: shutil.which(name) for name in _RECORDED} | {
            "opencode": self.opencode,
            "shell": "/bin/sh",
        }
        for name, program in real.items():
            if program:
                path = self._bin / name
                path.write_text(_RECORDER.format(records=self.records, name=name, real=program))
                path.chmod(0o755)


def _children_cpu() -> float:
    times = os.times()
    return times.children_user + times.children_system
