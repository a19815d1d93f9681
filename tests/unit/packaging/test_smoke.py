"""The checks of packages find a program that does not do what it should."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SMOKE = Path(__file__).parents[3] / "packaging" / "smoke" / "smoke.py"


@pytest.mark.process
def test_a_program_of_another_version_fails_and_the_exit_code_says_so(tmp_path: Path) -> None:
    program = tmp_path / "t3tray"
    program.write_text("#!/bin/sh\necho t3tray 0.0.1\n")
    program.chmod(0o755)
    done = subprocess.run(
        [sys.executable, str(SMOKE), "--only", "version,size", str(program)], capture_output=True, text=True, timeout=90
    )
    assert done.returncode == 1, done.stderr
    version, size, _, total = done.stdout.splitlines()
    assert version.split()[:2] == ["version", "FAILED"] and "it is t3tray 0.0.1, the source t3tray" in version
    assert size.split()[:2] == ["size", "skipped"]
    assert total == "2 checks: 1 failed, 1 skipped."
