"""Output, logs and notifications are best effort: where they fail, the answer is the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.forked import LIMIT
from tests.support.program import Program
from tests.support.t3_world import add_thread, empty_world, writing

URL = "T3TRAY_SERVER_URL"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "data", {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"})


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")
@pytest.mark.parametrize("closed", ["2>&-", "2</dev/null", "2>/dev/full"])
def test_a_closed_standard_error_changes_no_exit_code_and_no_document(program: Program, closed: str) -> None:
    for words, code in ((["show", "nothing"], 5), (["show", "nothing", "--json"], 5), (["status", "--json"], 0)):
        command = ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", *program.argv(*words)]
        done = subprocess.run(command, env=program.environment, stdout=subprocess.PIPE, text=True, timeout=LIMIT)
        assert done.returncode == code, words
        assert "--json" not in words or json.loads(done.stdout)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:99999", "nonsense", "http://127.0.0.1:none", "http://[::1", "http://me:swordfish@127.0.0.1:1"]
)
def test_an_address_that_is_none_is_a_usage_error_and_is_not_repeated(program: Program, address: str) -> None:
    program.environment[URL] = address
    error = program.json("new", "--dir", "/", code=2)["error"]
    assert error["message"].startswith(f"{URL} cannot be used.") and "swordfish" not in str(error)


@pytest.mark.skipif(sys.platform == "win32", reason="names of files are Unicode there")
def test_a_folder_in_another_encoding_is_its_rows_unknown(program: Program, tmp_path: Path) -> None:
    world = empty_world(tmp_path / "world")
    with writing(world.state) as connection:
        add_thread(connection, "t1", None, title="Fine")
        add_thread(connection, "t2", "ses_2", title="日本", worktree="/projects/日本")
    program.environment |= {
        "T3CODE_HOME": str(world.home),
        "OPENCODE_DB": str(world.opencode),
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "LC_ALL": "C",
    }
    rows = {row["id"]: row for row in program.json("threads")["threads"]}
    assert set(rows) == {"t1", "t2"} and rows["t2"]["directory"] == "/projects/日本"
    assert "Fine" in program.run("threads")
    program.run("doctor")
    assert program.json("show", "t2")["thread"]["id"] == "t2"
