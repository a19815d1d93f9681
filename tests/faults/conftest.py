"""What several of these tests work with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# What t3tray asks of a program that it does not start as a server, answered as OpenCode does, but without its second of a start.
_QUICK = """#!/bin/sh
case "$*" in
"db path") echo "${OPENCODE_DB:-$XDG_DATA_HOME/opencode/opencode.db}" ;;
--version) echo 1.18.33 ;;
*) echo "unexpected: $*" >&2; exit 70 ;;
esac
"""


@pytest.fixture
def quick_opencode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The `opencode` on the PATH is one that only tells of itself."""
    if os.name == "nt":
        return
    folder = tmp_path / "quick"
    folder.mkdir()
    (folder / "opencode").write_text(_QUICK)
    (folder / "opencode").chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder), os.environ["PATH"]]))
