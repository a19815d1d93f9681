"""The commands of README.md run as they are written there, by a shell in a scratch home, with the real OpenCode."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.support.forked import LIMIT
from tests.support.opencode import RawServer
from tests.support.program import Program

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
# The id of a thread in the examples.
EXAMPLE = "3f2a"


def test_the_first_block_of_commands_runs_as_written(tmp_path: Path, shared_server: RawServer) -> None:
    section = README.split("\n## On the command line\n")[1].split("\n## ")[0]
    lines = re.findall(r"^t3tray .*$", section.split("```")[1], re.MULTILINE)
    assert lines[0].startswith("t3tray new ") and len(lines) >= 8
    home = tmp_path / "home"
    (home / "src" / "parser").mkdir(parents=True)
    command = home / "bin" / "t3tray"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m t3tray "$@"\n')
    command.chmod(0o755)
    program = Program(tmp_path / "data", shared_server.environment)
    environment = {**program.environment, "HOME": str(home), "PATH": f"{command.parent}:{program.environment['PATH']}"}

    answers: dict[str, str] = {}
    thread = EXAMPLE
    for line in lines:
        typed = line.replace(EXAMPLE, thread)
        done = subprocess.run(
            ["bash", "-c", typed],
            env=environment,
            cwd=home,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, f"{typed}\n{done.stdout}\n{done.stderr}"
        answers[line.split()[1]] = done.stdout
        if thread == EXAMPLE:
            (row,) = program.json("threads")["threads"]
            thread = row["id"][:4]

    assert thread in answers["threads"] and "proved" in answers["threads"]
    assert "verdict  resumable / proved" in answers["resume"]
    assert answers["send"].strip() and "bound to ses_" in answers["journal"]
    exported = (home / "conversation.md").read_text(encoding="utf-8")
    assert "Look at the tokenizer" in exported and "Now write the tests" in exported
    assert "vault_megabytes" in answers["settings"]
