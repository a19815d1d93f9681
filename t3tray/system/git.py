"""Looking into a git repository that others made. Nothing that it names is run or fetched, and nothing in it is written.

A repository's own configuration can name programs (`core.fsmonitor`, `remote.*.uploadpack`, `core.sshCommand`, hooks), and a
missing object makes git ask a remote. So every way out is shut, whatever stands there.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

# In s.
_LIMIT = 10.0
# No transport has this name, so that git opens none, and starts none of the programs that speak for one.
_CLOSED = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    # What git says is read.
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
_NOTHING_THERE = ("not a git repository", "unknown revision", "bad revision")


def first_commits(folder: str, environment: Mapping[str, str] = os.environ) -> list[str] | None:
    """The commits that a repository began with, which OpenCode names a project after; none where there is no repository or no
    commit, None where git does not tell. It blocks, for `_LIMIT` seconds at most."""
    # Variables of git's own would lead it to another repository.
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
    return [] if any(said in answer.stderr for said in _NOTHING_THERE) else None
