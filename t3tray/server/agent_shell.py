"""A shell for OpenCode's agents without the server's password in its environment.

OpenCode passes its whole environment to the shells that it starts, so `env` in a tool would print the password into the model's
request and OpenCode's database. OpenCode's own hook (a plugin's `shell.env`) delays every session until npm responds, over a
minute when offline. Instead, `SHELL` names a small script that unsets the password and executes the real shell.
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
# OpenCode recognises a shell by its name, and uses bash for agents in place of these (1.18).
_ONLY_FOR_PEOPLE = frozenset({"fish", "nu"})
# With this argument the script only exits: the user's shell could print text, fail or be slow because of its start files.
_PROBE = "--t3tray-can-run"
_LIMIT = 5.0


def without_password_in_shells(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with `SHELL` naming the script, which is created in `folder`.

    Unchanged on Windows, and where the script cannot run, for example on a disk mounted without execution. Blocks briefly.
    """
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
        # Without `-c` it is the user's terminal, not an agent's command.
        lines.append(f'case " $* " in *" -c "*) ;; *) [ -x {shlex.quote(real)} ] && exec {shlex.quote(real)} "$@" ;; esac')
    return "\n".join([*lines, f'exec {shlex.quote(used)} "$@"', ""])


def _write(path: Path, text: str) -> None:
    """Write atomically: another server of ours may be starting the script."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{token_hex(4)}.part")
    try:
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o700), "w", encoding="utf-8") as file:
            file.write(text)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
