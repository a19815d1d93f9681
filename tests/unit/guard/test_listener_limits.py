"""The limit of open files of a process: raised to the wanted number as far as the system allows."""

from __future__ import annotations

import subprocess
import sys

import pytest

RAISES = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (256, int(sys.argv[1])))
from t3tray.guard.listener import raise_descriptor_limit
raise_descriptor_limit()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
@pytest.mark.parametrize(("hard", "expected"), [(256, "256 256"), (1000, "1000 1000"), (5000, "4096 5000")])
def test_the_soft_limit_is_raised_up_to_the_hard_one(hard: int, expected: str) -> None:
    told = subprocess.run([sys.executable, "-c", RAISES, str(hard)], capture_output=True, text=True, timeout=90, check=True)
    assert told.stdout.strip() == expected
