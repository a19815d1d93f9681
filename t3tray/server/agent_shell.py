"""A shell for OpenCode's agents that does not hold the server's password.

OpenCode hands its whole environment to the shells that it opens, so `env` in a tool would print the password into the model's
request and OpenCode's database. Its own hook for that (a plugin's `shell.env`) makes every session wait until npm has answered,
over a minute off the network. So `SHELL` names a small script that takes the password out and becomes the real shell.
"""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex

_log = logging.getLogger(__name__)
_PASSWORD = "OPENCODE_SERVER_PASSWORD"
# OpenCode knows a shell by its name, and uses none of these for an agent: bash takes their place there (1.18).
_ONLY_FOR_PEOPLE = frozenset({"fish", "nu"})
# By this word the script only says that it can be run: the user's shell may read files that say something, fail, or take long.
_PROBE = "--t3tray-can-run"
_LIMIT = 5.0


def without_password_in_shells(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """This environment, with a `SHELL` in the folder, which is made. Unchanged where no such script can be run: on Windows, on
    a disk that lets nothing be run. It blocks for a moment."""
    changed = dict(environment)
    if sys.platform == "win32":
        return changed
    real = environment.get("SHELL", "")
    path = shutil.which("bash", path=environment.get("PATH")) or "/bin/sh"
    used = real if real and Path(real).name.lower() not in _ONLY_FOR_PEOPLE and shutil.which(real) else path
    script, nothing = folder / Path(used).name, subprocess.DEVNULL
    try:
        _write(script, _script(real, used))
        subprocess.run([script, _PROBE], env=changed, stdin=nothing, stdout=nothing, stderr=nothing, timeout=_LIMIT, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        _log.warning("Shells that OpenCode opens get the server's password: %s cannot be run (%s).", script, error)
        return changed
    return {**changed, "SHELL": str(script)}


def _script(real: str, used: str) -> str:
    lines = ["#!/bin/sh", f'[ "$1" = {_PROBE} ] && exit 0', f"unset {_PASSWORD}"]
    lines.append(f"SHELL={shlex.quote(real)}; export SHELL" if real else "unset SHELL")
    if real and real != used:
        # A terminal of the user's, not an agent's command.
        lines.append(f'case " $* " in *" -c "*) ;; *) [ -x {shlex.quote(real)} ] && exec {shlex.quote(real)} "$@" ;; esac')
    return "\n".join([*lines, f'exec {shlex.quote(used)} "$@"', ""])


def _write(path: Path, text: str) -> None:
    """At once: another server of ours may be about to run it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{token_hex(4)}.part")
    try:
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o700), "w", encoding="utf-8") as file:
            file.write(text)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
