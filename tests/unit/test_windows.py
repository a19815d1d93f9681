"""The behaviour on Windows, as far as it can be imitated here: dates, replacing the process, the server's log."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from t3tray.cli.commands import resume
from t3tray.domain.times import dated
from t3tray.server.log import LARGEST, ServerLog

PACKAGE = Path(__file__).parents[2] / "t3tray"
NOON = datetime(2026, 11, 4, 12, tzinfo=UTC)


def test_a_date_has_no_zero_before_the_day() -> None:
    assert dated(NOON) == f"4 November 2026, {NOON.astimezone():%H:%M}"
    assert dated(NOON, "%b") == "4 Nov"


def test_no_format_asks_for_what_only_some_systems_have() -> None:
    """`%-d` raises ValueError on Windows."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"%[-#][a-zA-Z]", node.value):
                found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert found == []


def test_a_program_of_windows_is_waited_for_and_its_code_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def call(argv: list[str], env: dict[str, str]) -> int:
        asked.append((argv, env))
        return 5

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(subprocess, "call", call)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        resume.become(["opencode", "attach"], {"A": "1"})
    assert ended.value.code == 5 and asked == [(["opencode", "attach"], {"A": "1"})]


def test_a_log_of_windows_is_not_cut_under_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program there writes at its own old position: in a truncated file it would leave zeros before that."""
    log = ServerLog(tmp_path)
    monkeypatch.setattr("t3tray.server.log.sys.platform", "win32")
    with log.begin(NOON, "starting") as (writer, _):
        os.write(writer, b"x" * (LARGEST + 1))
        log.rotate()
        assert log.path.stat().st_size > LARGEST
    with log.begin(NOON, "starting"):
        assert log.path.stat().st_size < 100 and log.path.with_name(f"{log.path.name}.1").exists()
