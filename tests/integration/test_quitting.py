"""The tray app ended at random moments of its life: it ends in order, and leaves no server of its own."""

from __future__ import annotations

import random
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.opencode import OpenCodeHome
from tests.support.program import Program
from tests.support.rounds import rounds

# In seconds: about when the app has shown its first list, on a machine that is busy.
WHOLE = 2.5
LIMIT = 90.0


@pytest.mark.timeout(3600)
def test_the_app_ends_in_order_whenever_it_is_told_to(tmp_path: Path, opencode_home: OpenCodeHome) -> None:
    program = Program(tmp_path / "data", opencode_home.environment)
    (tmp_path / "run").mkdir(mode=0o700)
    program.environment["XDG_RUNTIME_DIR"] = str(tmp_path / "run")
    seed = random.randrange(2**32)
    choose = random.Random(seed)
    for _ in range(rounds(6)):
        app = subprocess.Popen(
            program.argv(), env=program.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        moment = choose.uniform(0, WHOLE)
        try:
            with pytest.raises(subprocess.TimeoutExpired):
                app.wait(moment)
            app.terminate()
            _, said = app.communicate(timeout=LIMIT)
        finally:
            app.kill()
        # Before it watches for signals, the signal itself is the end.
        assert app.returncode in (0, -signal.SIGTERM), f"seed {seed}, after {moment:.3f} s:\n{said.decode()}"
        assert b"Traceback" not in said and b"RuntimeError" not in said, f"seed {seed}, after {moment:.3f} s:\n{said.decode()}"
    assert program.json("server", "status")["server"]["state"] == "stopped"
