#!/usr/bin/env python3
"""One list of checks for every form of t3tray: a source, an installed wheel, a packaged program, a .deb, an .app.

usage: smoke.py [--opencode FILE] [--source FILE] [--only NAME,…] PROGRAM [WORD…]

PROGRAM is any command line that runs t3tray. It is compared with --source (by default this checkout's .venv, if there is one).
Exit code 1 if a check failed. Needs Python 3.11 and nothing else. On Linux all checks run in a network namespace in which only
loopback exists, where the system allows one.
"""

from __future__ import annotations

import argparse
import errno
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import command_checks as commands
import live_checks as live
from world import ROOT, Failed, Skipped, World

_ALONE = "T3TRAY_SMOKE_NETWORK"
# Of Linux: netdevice(7), if.h; and an address that is for documentation only (RFC 5737).
_SET_FLAGS, _UP, _ELSEWHERE = 0x8914, 0x1, ("192.0.2.1", 9)


def main() -> int:
    options = _options()
    if _ALONE not in os.environ and (unshare := _unshare()):
        os.environ[_ALONE] = "none"
        os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv])
    if os.environ.pop(_ALONE, ""):
        _raise_loopback()
        network = "all checks ran with loopback alone"
    else:
        network = ""
    with tempfile.TemporaryDirectory(prefix="t3tray-smoke-") as name:
        folder = Path(name).resolve()
        world = World(options.program, folder / "program", options.opencode)
        source = World([options.source], folder / "source", options.opencode) if options.source else None
        try:
            results = [
                _result(name, check)
                for name, check in _checks(world, source, network)
                if not options.only or name in options.only
            ]
        finally:
            world.close()
            if source:
                source.close()
    failed = results.count("FAILED")
    print(f"\n{len(results)} checks: {failed} failed, {results.count('skipped')} skipped.")
    return 1 if failed else 0


def _checks(world: World, source: World | None, network: str) -> list[tuple[str, Callable[[], str]]]:
    """Return all checks in their order: the last ones look at what the others left."""
    return [
        ("version", lambda: commands.version(world)),
        ("help", lambda: commands.help_of_every_command(world)),
        ("empty-home", lambda: commands.empty_home(world)),
        ("settings", lambda: commands.settings(world)),
        ("doctor", lambda: commands.doctor(world)),
        ("parts", lambda: commands.parts(world, source)),
        ("locale", lambda: commands.plain_locale(world)),
        ("no-display", lambda: commands.no_display(world)),
        ("guard", lambda: live.guard(world)),
        ("tray", lambda: live.tray(world)),
        ("window", lambda: live.window_on_x(world)),
        ("codeword", lambda: live.codeword(world)),
        ("replaced", lambda: live.replaced(world)),
        ("children", lambda: live.clean_children(world)),
        ("network", lambda: _network(network)),
        ("size", lambda: commands.size(world)),
        ("cpu", lambda: commands.cpu(world, source)),
    ]


def _result(name: str, check: Callable[[], str]) -> str:
    began = time.monotonic()
    try:
        result, detail = "ok", check()
    except Skipped as reason:
        result, detail = "skipped", str(reason)
    except (Failed, OSError, subprocess.SubprocessError, ValueError, LookupError, AssertionError) as error:
        result, detail = "FAILED", f"{type(error).__name__}: {error}" if not isinstance(error, Failed) else str(error)
    print(f"{name:12} {result:8} {time.monotonic() - began:6.1f} s  {detail}", flush=True)
    return result


def _network(network: str) -> str:
    if not network:
        raise Skipped("this system makes no network namespace: whether something outside was connected to is not known")
    return network


def _unshare() -> list[str]:
    """Return the command that runs another without a network; empty where the system has or allows none."""
    if sys.platform != "linux" or not (program := shutil.which("unshare")):
        return []
    command = [program, "-n"] if os.geteuid() == 0 else [program, "-rn"]
    return command if subprocess.run([*command, "true"], capture_output=True, timeout=60).returncode == 0 else []


def _raise_loopback() -> None:
    """Switch `lo` on, which is down in a new namespace, and make sure that nothing else can be reached."""
    if sys.platform != "linux":
        return
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))
        try:
            control.connect(_ELSEWHERE)
        except OSError as error:
            if error.errno == errno.ENETUNREACH:
                return
        raise SystemExit("The network namespace reaches more than loopback.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("usage: ")[1].splitlines()[0])
    parser.add_argument("--opencode", default=shutil.which("opencode"))
    parser.add_argument("--source", default="")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[])
    parser.add_argument("program", nargs="+")
    options = parser.parse_args()
    own = ROOT / ".venv" / ("Scripts/t3trayc.exe" if sys.platform == "win32" else "bin/t3tray")
    options.source = options.source or (str(own) if own.exists() else "")
    found = shutil.which(options.program[0])
    if not found:
        parser.error(f"{options.program[0]} is no program")
    # Not resolved: a link's name may be what the program is told by.
    options.program[0] = str(Path(found).absolute())
    return options


if __name__ == "__main__":
    sys.exit(main())
