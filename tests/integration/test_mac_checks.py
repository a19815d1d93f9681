"""Of the checks for a Mac, those that run on any system; and the document's list of them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from mac_checks import ANYWHERE, ON_A_MAC

from tests.support.opencode import opencode_binary

ROOT = Path(__file__).parents[2]
LIMIT = 400.0


@pytest.mark.timeout(LIMIT + 60)
@pytest.mark.skipif(sys.platform == "win32", reason="the programs of the scratch home are shell scripts")
def test_those_that_run_anywhere_pass_and_the_others_say_why_not() -> None:
    script, program = ROOT / "packaging" / "macos" / "mac_checks.py", Path(sys.executable).with_name("t3tray")
    command = [sys.executable, str(script), "--opencode", str(opencode_binary()), str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
    results = dict(line.split()[:2] for line in done.stdout.splitlines() if line and "checks:" not in line)
    assert done.returncode == 0 and len(results) == len(ANYWHERE) + len(ON_A_MAC), done.stdout + done.stderr
    assert {results[name] for name in ("wal", "symlinked_home", "bare_environment")} == {"ok"}, done.stdout


def test_the_document_lists_them_all() -> None:
    text = (ROOT / "docs" / "releasing.md").read_text(encoding="utf-8").partition("### What only a Mac can tell")[2]
    listed = re.findall(r"^\| `(\w+)`", text.partition("\n## ")[0], re.MULTILINE)
    assert sorted(listed) == sorted(check.__name__ for check in (*ANYWHERE, *ON_A_MAC))
