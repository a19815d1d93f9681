"""The environment that the user's shell has in a terminal: an app that the desktop started has little of it.

Keys, proxies, certificates and the agent of ssh are set there, so that a program works in a terminal and not from the menu bar.
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
# What belongs to one shell or one terminal, and what is ours alone.
_NOT_TAKEN = frozenset({"_", "SHLVL", "PWD", "OLDPWD", "TERM", "COLUMNS", "LINES", "PS1"})
_NOT_TAKEN_BEGINNINGS = ("T3TRAY_", "BASH_FUNC_")


def login_environment(environ: Mapping[str, str], limit: float = LIMIT) -> dict[str, str] | None:
    """None where the shell does not tell within `limit` seconds, and on Windows, where there is none. Blocks.

    A shell may print greetings, so the answer stands between two random marks. Its output goes to a file: a program that it
    leaves in the background would keep a pipe open for ever.
    """
    shell = environ.get("SHELL")
    if not shell or sys.platform == "win32":
        return None
    begin, end = token_hex(16), token_hex(16)
    question = f"printf %s {shlex.quote(begin)}; /usr/bin/env -0; printf %s {shlex.quote(end)}"
    try:
        told = _answer(shell, question, environ, limit)
    except OSError:
        # A SHELL that cannot be run, or a full disk: nothing is told.
        return None
    _, has_begun, rest = told.partition(begin.encode())
    between, has_ended, _ = rest.partition(end.encode())
    if not (has_begun and has_ended):
        return None
    named = (os.fsdecode(line).partition("=") for line in between.split(b"\0") if b"=" in line)
    return {name: value for name, _, value in named if name and _is_taken(name)}


def _is_taken(name: str) -> bool:
    return name not in _NOT_TAKEN and not name.startswith(_NOT_TAKEN_BEGINNINGS)


def _answer(shell: str, question: str, environ: Mapping[str, str], limit: float) -> bytes:
    """What the shell says as it would in a terminal. Raises OSError."""
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
            # One that waits for a dead disk does not even end by that: nobody waits for it.
            with suppress(subprocess.TimeoutExpired):
                asked.wait(1.0)
        output.seek(0)
        return output.read()
