"""The server's log: rotated while its writer does not know it, private, and read from its end."""

from __future__ import annotations

import os
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from t3tray.server.log import KEPT, LARGEST, ReadyLine, ServerLog, tail_of

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def log(tmp_path: Path) -> ServerLog:
    return ServerLog(tmp_path / "logs")


def names(log: ServerLog) -> list[str]:
    return sorted(path.name for path in log.path.parent.iterdir())


def test_a_writer_goes_on_undisturbed_while_its_text_is_set_aside(log: ServerLog) -> None:
    with log.begin(NOW, "starting") as (writer, _):
        os.write(writer, b"old\n" + b"x" * LARGEST)
        log.rotate()
        os.write(writer, b"new\n")
        assert log.path.read_bytes() == b"new\n"
    aside = log.path.with_name("opencode-serve.log.1").read_bytes()
    assert b"starting\nold\n" in aside and aside.endswith(b"x")


def test_a_small_log_is_left_alone_even_at_a_start(log: ServerLog) -> None:
    for words in ("first", "second"):
        with log.begin(NOW, words):
            log.rotate()
    assert names(log) == ["opencode-serve.log"]
    assert [line.split("] ")[1] for line in log.path.read_text().splitlines()] == ["first", "second"]


def test_only_the_newest_are_kept(log: ServerLog) -> None:
    for number in range(KEPT + 3):
        with log.begin(NOW, f"start {number}") as (writer, _):
            os.write(writer, b"x" * LARGEST)
    assert names(log) == ["opencode-serve.log", *(f"opencode-serve.log.{number}" for number in range(1, KEPT + 1))]
    kept = [log.path.with_name(f"opencode-serve.log.{number}").read_text() for number in range(1, KEPT + 1)]
    assert [f"start {KEPT + 1 - number}\n" in text for number, text in enumerate(kept)] == [True] * KEPT


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_nobody_else_may_read_it(log: ServerLog) -> None:
    with log.begin(NOW, "starting") as (writer, _):
        os.write(writer, b"x" * LARGEST)
        log.rotate()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (log.path.parent, *sorted(log.path.parent.iterdir()))]
    assert modes == [0o700, 0o600, 0o600]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such lock")
def test_two_who_rotate_at_once_lose_nothing(log: ServerLog) -> None:
    import fcntl

    with log.begin(NOW, "starting") as (writer, _):
        os.write(writer, b"x" * LARGEST)
    with log.path.open("rb") as another:
        fcntl.flock(another, fcntl.LOCK_EX)
        log.rotate()
        assert names(log) == ["opencode-serve.log"]
    log.rotate()
    assert names(log) == ["opencode-serve.log", "opencode-serve.log.1"]


def test_the_ready_line_is_found_though_it_comes_in_pieces(log: ServerLog) -> None:
    with log.begin(NOW, "starting") as (writer, begin):
        line = ReadyLine(log.path, begin)
        for piece in (b"warning: x\nopencode ser", b"ver listen", b"ing o"):
            os.write(writer, piece)
            assert not line.is_there()
        os.write(writer, b"n http://127.0.0.1:1\n")
        assert line.is_there()


def test_the_ready_line_of_an_earlier_start_does_not_count(log: ServerLog) -> None:
    with log.begin(NOW, "starting") as (writer, _):
        os.write(writer, b"opencode server listening on http://127.0.0.1:1\n")
    with log.begin(NOW, "starting again") as (writer, begin):
        line = ReadyLine(log.path, begin)
        assert not line.is_there()
        os.write(writer, b"x" * LARGEST)
        log.rotate()
        os.write(writer, b"server listening on\n")
        assert line.is_there()


def test_the_tail_is_the_last_lines_from_where_one_wants(log: ServerLog) -> None:
    assert tail_of(log.path, 3) == ""
    with log.begin(NOW, "first"):
        pass
    with log.begin(NOW, "second") as (writer, begin):
        os.write(writer, "".join(f"line {number} ä\n" for number in range(50_000)).encode())
    assert tail_of(log.path, 2) == "line 49998 ä\nline 49999 ä"
    assert len(tail_of(log.path, 20_000).splitlines()) == 20_000
    assert tail_of(log.path, 90_000, begin).startswith("line 0 ä\n")
    assert tail_of(log.path, 90_000, 10**9).endswith("line 49999 ä")


def test_the_configuration_that_opencode_quotes_stays_in_the_log(log: ServerLog) -> None:
    with log.begin(NOW, "starting") as (writer, _):
        os.write(writer, b'Config file at /c is not valid JSON(C):\n--- JSONC Input ---\n{ "key": "sk-1",\n "x": oops }\n')
        os.write(
            writer, b'--- Errors ---\nInvalidSymbol at line 2, column 6\n   Line 2: "sk-2"\n           ^\n--- End ---\nthe end\n'
        )
    told = tail_of(log.path, 20)
    assert "sk-" not in told and "sk-" not in tail_of(log.path, 6)
    assert told.splitlines()[1:] == [
        "Config file at /c is not valid JSON(C):",
        "(The file is left out here.)",
        "--- Errors ---",
        "InvalidSymbol at line 2, column 6",
        "--- End ---",
        "the end",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is cut there")
def test_of_a_text_without_an_end_the_end_is_kept_and_read(log: ServerLog) -> None:
    """A program that prints endlessly: copied to its end, or read by lines, it would fill the disk and the memory."""
    with log.begin(NOW, "starting") as (writer, begin):
        os.ftruncate(writer, 64 * LARGEST)
        os.write(writer, b"the end")
        assert tail_of(log.path, 20, begin).endswith("the end") and len(tail_of(log.path, 20, begin)) < 2 * LARGEST
        assert not log.rotate(65 * LARGEST) and log.rotate()
        assert log.path.read_bytes() == b""
    aside = log.path.with_name("opencode-serve.log.1")
    assert aside.stat().st_size <= 8 * LARGEST and aside.read_bytes().endswith(b"the end")


def test_the_ready_line_is_found_behind_a_long_text_at_one_look(log: ServerLog) -> None:
    with log.begin(NOW, "starting") as (writer, begin):
        os.write(writer, b"x" * LARGEST + b"opencode server listening on http://127.0.0.1:1\n")
        assert ReadyLine(log.path, begin).is_there()
