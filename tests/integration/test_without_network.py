"""t3tray needs no network: the guard with T3 Code before it, and `t3tray run`, where `lo` is the only interface."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LIMIT = 400.0
STORIES = (
    "tests/integration/test_guard_commands.py::test_t3_code_pointed_at_the_guard_goes_through_it_and_back",
    "tests/integration/test_run.py::test_a_deleted_session_is_told_and_a_signal_ends_it_with_its_server",
)


@pytest.mark.timeout(LIMIT + 50)
def test_the_guard_and_a_run_work_with_the_loopback_alone(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rn", "true"], capture_output=True, timeout=90).returncode:
        pytest.skip("network namespaces cannot be made here")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    options = ("-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'inner'}")
    done = subprocess.run(
        [unshare, "-rn", sys.executable, "-m", "tests.support.without_network", *options, *STORIES],
        env=plain,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert f"{len(STORIES)} passed" in done.stdout
