"""Reads the environment of the user's login shell, which an app started by the desktop mostly lacks.

Keys, proxies, certificates and the ssh agent are often set there; without them a program works in a terminal, but not when it is
started from the menu bar.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from secrets import token_hex

LIMIT = 10.0
# Variables of one shell or terminal, and our own.
_NOT_TAKEN = frozenset({"_", "SHLVL", "PWD", "OLDPWD", "TERM", "COLUMNS", "LINES", "PS1"})
_NOT_TAKEN_BEGINNINGS = ("T3TRAY_", "BASH_FUNC_")


def login_environment(environ: Mapping[str, str], limit: float = LIMIT) -> dict[str, str] | None:
    """Return the login shell's environment; None where it does not respond within `limit` seconds, and on Windows. Blocks.

    A shell may print other text, so the environment is printed between two random markers. Its output goes to a file: a
    background program would keep a pipe open forever.
    """
    shell = environ.get("SHELL")
    if not shell or sys.platform == "win32":
        return None
    begin, end = token_hex(16), token_hex(16)
    question = f"printf %s {shlex.quote(begin)}; /usr/bin/env -0; printf %s {shlex.quote(end)}"
    try:
        output = _answer(shell, question, environ, limit)
    except OSError:
        # A SHELL that cannot be run, or a full disk.
        return None
    _, has_begun, rest = output.partition(begin.encode())
    between, has_ended, _ = rest.partition(end.encode())
    if not (has_begun and has_ended):
        return None
    named = (os.fsdecode(line).partition("=") for line in between.split(b"\0") if b"=" in line)
    return {name: value for name, _, value in named if name and _is_taken(name)}


def _is_taken(name: str) -> bool:
    return name not in _NOT_TAKEN and not name.startswith(_NOT_TAKEN_BEGINNINGS)


def _answer(shell: str, question: str, environ: Mapping[str, str], limit: float) -> bytes:
    """Return the output of an interactive login shell. Raises OSError."""
    with tempfile.TemporaryFile() as output:
        asked = subprocess.Popen(
            [shell, "-ilc", question],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            asked.wait(limit)
        except subprocess.TimeoutExpired:
            if sys.platform != "win32":
                os.killpg(asked.pid, signal.SIGKILL)
            # A process that waits for a dead disk does not even end by SIGKILL: do not wait for it.
            with suppress(subprocess.TimeoutExpired):
                asked.wait(1.0)
        output.seek(0)
        return output.read()
