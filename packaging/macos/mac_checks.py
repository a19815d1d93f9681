#!/usr/bin/env python3
"""What only a Mac can tell of t3tray.app: called by on_a_mac.sh, with the checks of packaging/smoke as a base.

usage: mac_checks.py [--opencode FILE] [--only NAME,…] [--pictures FOLDER] PROGRAM

PROGRAM is the executable in the app. Some checks run on any system, with any form of t3tray; the others are skipped elsewhere.
They use the account's own menu bar, keychain and launchd: for a throwaway account. Exit code 1 if a check failed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import plistlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "smoke"))

from world import LIMIT, Failed, Skipped, World, expect, wait_until

_SCRIPTS = Path(__file__).resolve().parent
_IDENTIFIER, _AGENT = "org.t3tray.t3tray", "org.t3tray.login"
# In s: how soon a change is to be seen; and how long an app may take to come up, or a window.
_SEEN, _COMES = 3.0, 60.0
# Of CoreGraphics: the layers of windows, and of what stands in the menu bar.
_WINDOW, _MENU_BAR = 0, 25


class MacApp:
    """The app, opened as the Finder does: by launchd, with a data folder of its own."""

    def __init__(self, world: World, pictures: Path) -> None:
        self.world = world
        self.pictures = pictures
        if platform.system() != "Darwin":
            raise Skipped("needs macOS")
        self.bundle = next((parent for parent in Path(world.program[0]).parents if parent.suffix == ".app"), None)
        if self.bundle is None:
            raise Skipped("the program is no app")
        # As launchd starts it: with the account's own home, and its keychain. Commands on the same data have them too.
        world.environment["HOME"] = str(Path.home())
        del world.environment["PYTHON_KEYRING_BACKEND"]
        self._variables = {"T3TRAY_DATA_DIR": str(world.data), "PATH": world.environment["PATH"]}

    def open(self) -> None:
        variables = [word for name, value in self._variables.items() for word in ("--env", f"{name}={value}")]
        _succeeds("open", "-a", str(self.bundle), *variables)
        wait_until(self.pid, "the app runs", _COMES)

    def quit(self) -> None:
        _succeeds("osascript", "-e", f'tell application id "{_IDENTIFIER}" to quit')
        wait_until(lambda: not self.pid(), "the app has quit", 10)

    def pid(self) -> int:
        """Return the process of the app; 0 while there is none."""
        found = subprocess.run(["pgrep", "-f", self.world.program[0]], capture_output=True, text=True, timeout=LIMIT)
        return int(found.stdout.split()[0]) if found.stdout.split() else 0

    def windows(self, layer: int) -> list[dict[str, int]]:
        """Return the geometry of what it shows on this layer."""
        said = _succeeds("swift", str(_SCRIPTS / "windows.swift"), str(self.pid()))
        return [each for each in json.loads(said) if each["layer"] == layer]

    def picture(self, name: str) -> None:
        self.pictures.mkdir(parents=True, exist_ok=True)
        _succeeds("screencapture", "-x", str(self.pictures / f"{name}.png"))

    def server(self) -> int:
        """Return the process of its OpenCode server; 0 without one."""
        return int(self.world.json("server", "status")["server"]["pid"] or 0)


def wal(world: World) -> str:
    """A session is deleted in a database whose -wal stays open: FSEvents tells nothing of that."""
    with world.model():
        thread = world.json("new", "--dir", str(world.project), "--prompt", "the codeword is HELIOTROPE")["id"]
    session = world.json("show", thread)["cursor"]["session_id"]
    database = world.root / "data" / "opencode" / "opencode.db"
    with closing(sqlite3.connect(database)) as held:
        held.execute("PRAGMA journal_mode = WAL")
        held.execute("PRAGMA wal_autocheckpoint = 0")
        held.execute("SELECT count(*) FROM session").fetchone()
        with world.started("run", "--json") as running:
            wait_until(lambda: '"proved"' in running.said, "the thread is proved")
            began = time.monotonic()
            with held:
                held.execute("DELETE FROM session WHERE id = ?", (session,))
            wait_until(lambda: '"missing"' in running.said, "the verdict changes")
            took = time.monotonic() - began
            running.process.terminate()
            running.process.wait(LIMIT)
    expect(took <= _SEEN, f"it was seen after {took:.1f} s, {_SEEN:g} s at most")
    return f"seen after {took:.2f} s"


def symlinked_home(world: World) -> str:
    """The home is a symbolic link, as an account on another volume has it: a thread made through it is proved."""
    link = world.root / "home-link"
    link.symlink_to(world.home)
    folder = link / "project"
    (world.home / "project").mkdir()
    with world.model():
        extra = {"HOME": str(link)}
        thread = json.loads(world.run("new", "--dir", str(folder), "--prompt", "say: yes", "--json", extra=extra).out)["id"]
        return _proved(world, thread)


def spellings(world: World) -> str:
    """A folder in two spellings (letters' case, composed or not) is one folder: a thread made by either is proved."""
    (world.root / "Käse").mkdir()
    other = world.root / "KA\u0308SE"
    if not other.is_dir():
        raise Skipped("this disk tells the two spellings apart")
    with world.model():
        thread = world.json("new", "--dir", str(other), "--prompt", "say: yes")["id"]
        return _proved(world, thread)


def bare_environment(world: World) -> str:
    """OpenCode is on the login shell's PATH alone, as for an app that launchd starts: it is found."""
    if not world.opencode:
        raise Skipped("there is no opencode: --opencode names it")
    shell, profile = ("/bin/zsh", ".zprofile") if sys.platform == "darwin" else ("/bin/bash", ".bash_profile")
    folder = world.root / "own programs"
    folder.mkdir()
    (folder / "opencode").symlink_to(Path(world.opencode).resolve())
    (world.home / profile).write_text(f'export PATH="{folder}:$PATH"\n', encoding="utf-8")
    bare = {"HOME": str(world.home), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "SHELL": shell, "USER": os.environ.get("USER", "")}
    command = [*world.program, "--data-dir", str(world.root / "bare"), "doctor", "--json"]
    done = subprocess.run(command, env=bare, capture_output=True, text=True, timeout=LIMIT)
    found = {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}["opencode"]
    expect(found["ok"] and "own programs" in found["detail"], f"opencode: {found['detail']}")
    return str(found["detail"])


def signature(app: MacApp) -> str:
    _succeeds("codesign", "--verify", "--deep", "--strict", str(app.bundle))
    shown = subprocess.run(
        ["codesign", "--display", "--verbose=2", str(app.bundle)], capture_output=True, text=True, timeout=LIMIT
    )
    found = re.search(r"^(?:Authority|Signature)=.*", shown.stderr, re.MULTILINE)
    return found[0] if found else "unsigned"


def opened_twice(app: MacApp) -> str:
    """The first start opens a window. Later ones do not; opened again, it brings one up and starts no second process."""
    with _opened(app):
        wait_until(lambda: app.windows(_WINDOW), "the first start's window", _COMES)
    with _opened(app):
        first = app.pid()
        app.open()
        wait_until(lambda: app.windows(_WINDOW), "a window", _COMES)
        expect(app.pid() == first, "a second process was started")
        app.picture("window")
        return f"{app.windows(_WINDOW)[0]}"


def icon(app: MacApp) -> str:
    """The icon has a place in the menu bar, with a size."""
    with _opened(app):
        wait_until(lambda: app.windows(_MENU_BAR), "the icon", _COMES)
        app.picture("menu-bar")
        (place, *_) = app.windows(_MENU_BAR)
        expect(place["width"] > 0 and place["height"] > 0 and place["y"] < 50, f"the icon is at {place}")
        return f"{place}"


def quitting(app: MacApp) -> str:
    """Quit by an Apple event, it ends its server."""
    with _opened(app):
        app.world.run("settings", "server_with_app", "true")
    with _opened(app):
        wait_until(app.server, "its server", _COMES)
        server = app.server()
    wait_until(lambda: not _lives(server), "the server has ended with it", 10)
    return f"server {server} ended with the app"


def keychain(app: MacApp) -> str:
    """Three starts leave one item of ours in the keychain, or none."""

    def items() -> int:
        return _succeeds("security", "dump-keychain").count('"svce"<blob>="t3tray"')

    before = items()
    for _ in range(3):
        with _opened(app):
            wait_until(app.server, "its server", _COMES)
    expect(items() - before <= 1, f"{items() - before} new items")
    return f"{items() - before} new items"


def launch_agent(app: MacApp) -> str:
    """launchd takes the agent that t3tray writes, and runs it."""
    written = {"Label": _AGENT, "ProgramArguments": [app.world.program[0]], "RunAtLoad": True}
    written |= {"LimitLoadToSessionType": "Aqua", "ProcessType": "Interactive"}
    path = app.world.root / f"{_AGENT}.plist"
    path.write_bytes(plistlib.dumps({**written, "EnvironmentVariables": {"T3TRAY_DATA_DIR": str(app.world.data)}}))
    domain = f"gui/{os.getuid()}" if sys.platform != "win32" else ""
    _succeeds("launchctl", "bootstrap", domain, str(path))
    try:
        wait_until(lambda: "state = running" in _succeeds("launchctl", "print", f"{domain}/{_AGENT}"), "the agent runs", _COMES)
        return f"launchd runs it as process {app.pid()}"
    finally:
        _succeeds("launchctl", "bootout", f"{domain}/{_AGENT}")
        wait_until(lambda: not app.pid(), "the agent has ended", 10)


def _proved(world: World, thread: str) -> str:
    verdict = world.json("resume", thread)["verdict"]
    expect(verdict["reason"] == "proved", f"the verdict is {verdict}")
    listed = world.json("threads")["threads"]
    expect(len(listed) == 1, f"{len(listed)} threads for one folder")
    return "one thread, proved"


@contextmanager
def _opened(app: MacApp) -> Iterator[None]:
    app.open()
    try:
        yield
    finally:
        app.quit()


def _lives(pid: int) -> bool:
    return subprocess.run(["ps", "-p", str(pid)], capture_output=True, timeout=LIMIT).returncode == 0


def _succeeds(*command: str) -> str:
    """Run a command of the system and return what it wrote. Raises Failed for another exit code than 0."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
    expect(done.returncode == 0, f"{command[0]} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout


# Each with a world of its own, so that none sees what another left.
ANYWHERE: tuple[Callable[[World], str], ...] = (wal, symlinked_home, spellings, bare_environment)
ON_A_MAC: tuple[Callable[[MacApp], str], ...] = (signature, opened_twice, icon, quitting, keychain, launch_agent)


def main() -> int:
    options = _options()
    checks = [(check.__name__, check) for check in ANYWHERE]
    checks += [(check.__name__, partial(_with_app, check, options.pictures)) for check in ON_A_MAC]
    results = [_result(name, check, options) for name, check in checks if not options.only or name in options.only]
    failed = results.count("FAILED")
    print(f"\n{len(results)} checks: {failed} failed, {results.count('skipped')} skipped.")
    return 1 if failed else 0


def _with_app(check: Callable[[MacApp], str], pictures: Path, world: World) -> str:
    return check(MacApp(world, pictures))


def _result(name: str, check: Callable[[World], str], options: argparse.Namespace) -> str:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="t3tray-mac-", ignore_cleanup_errors=True) as folder:
        world = World([options.program], Path(folder).resolve() / "world", options.opencode)
        try:
            result, detail = "ok", check(world)
        except Skipped as reason:
            result, detail = "skipped", str(reason)
        except (Failed, OSError, subprocess.SubprocessError, ValueError, LookupError, AssertionError) as error:
            result, detail = "FAILED", f"{type(error).__name__}: {error}"
        finally:
            world.close()
    print(f"{name:16} {result:8} {time.monotonic() - began:6.1f} s  {detail}", flush=True)
    return result


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("usage: ")[1].splitlines()[0])
    parser.add_argument("--opencode", default=shutil.which("opencode"))
    parser.add_argument("--only", type=lambda text: text.split(","), default=[])
    parser.add_argument("--pictures", type=Path, default=Path("build/on-a-mac"))
    parser.add_argument("program")
    options = parser.parse_args()
    options.program = str(Path(options.program).absolute())
    return options


if __name__ == "__main__":
    sys.exit(main())
