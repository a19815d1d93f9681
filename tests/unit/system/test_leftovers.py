"""Processes that a test left running are ended after its module, and no others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.leftovers import end_leftovers
from tests.support.waiting import lives

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no environment of another process is read there")


@pytest.mark.process
def test_what_has_its_home_in_the_folder_is_ended_and_nothing_else(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "run-1", tmp_path / "run-11"
    both = [subprocess.Popen(["/bin/sleep", "600"], env={"HOME": str(root / "home")}) for root in (ours, theirs)]
    try:
        assert end_leftovers(ours) == ["/bin/sleep 600"]
        assert [lives(each.pid) for each in both] == [False, True]
    finally:
        for each in both:
            each.kill()
            each.wait()
