"""Reads from an untrusted git repository. Nothing that it names is run or fetched, and nothing in it is written.

A repository's configuration can name programs (`core.fsmonitor`, `remote.*.uploadpack`, `core.sshCommand`, hooks), and a missing
object makes git contact a remote. All of these are disabled, whatever the configuration says.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

# In seconds.
_LIMIT = 10.0
# No transport is called "none", so git uses none and starts no transport program.
_CLOSED = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    # git's messages are parsed.
    "LC_ALL": "C",
}
_OVERRULED = (
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    "core.sshCommand=false",
    "core.gitProxy=false",
    "core.alternateRefsCommand=false",
    "credential.helper=",
)
_NO_COMMITS = ("not a git repository", "unknown revision", "bad revision")


def first_commits(folder: str, environment: Mapping[str, str] = os.environ) -> list[str] | None:
    """Return the root commits of a repository, which OpenCode derives a project's id from; empty without a repository or commit,
    None where git fails. Blocks for at most `_LIMIT` seconds."""
    # git's own variables could select another repository.
    theirs = {name: value for name, value in environment.items() if not name.startswith("GIT_")}
    options = [word for setting in _OVERRULED for word in ("-c", setting)]
    asked = ["git", *options, "-C", folder, "rev-list", "--max-parents=0", "HEAD", "--"]
    try:
        answer = subprocess.run(
            asked,
            env=theirs | _CLOSED,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LIMIT,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if answer.returncode == 0:
        return answer.stdout.split()
    return [] if any(message in answer.stderr for message in _NO_COMMITS) else None
