"""The output of `t3tray run`: one line whatever a title contains, commands that can be typed, and objects as documented."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from t3tray.backend.snapshot_changes import SnapshotChanges
from t3tray.cli.line_writer import LineWriter
from t3tray.cli.run_documents import as_line, change_document
from t3tray.cli.run_lines import RunLines
from t3tray.cli.run_output import MOST_WAITING, RunOutput, own_command
from t3tray.domain.notification import Click
from t3tray.domain.pending_request import ApprovalRequest, Option, Question, QuestionRequest
from t3tray.domain.remedy import Remedy
from t3tray.domain.thread import Source
from t3tray.domain.verdict import Reason
from t3tray.threads.snapshot import Snapshot, SourceView, ThreadRow
from tests.support.views import NOON, READY, alarm, in_t3, requester, row, t3_thread
from tests.support.waiting import until

SOURCES = (SourceView(Source.T3TRAY, "", "", "", 1),)
STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ")
CONTRACT = (Path(__file__).parents[3] / "docs" / "command-line.md").read_text(encoding="utf-8")
PUSH = ApprovalRequest("per_1", requester("thread-a"), "bash", ("git push",), ("git *",))
WHICH = QuestionRequest("que_1", requester("thread-b"), (Question("Which?", options=(Option("A"), Option("B"))),))


def snapshot(*rows: ThreadRow, **more: Any) -> Snapshot:
    return replace(Snapshot(READY, rows, sources=SOURCES), **more)


def lines(*looks: Snapshot) -> list[str]:
    """Return the lines for the last of these snapshots."""
    changes, said = SnapshotChanges(), RunLines("/opt/t3tray")
    told: list[str] = []
    for look in looks:
        told = [text for told in said.of(changes.of(look), NOON) for text in told.split("\n")]
    return told


def test_an_alarm_is_one_line_with_the_remedy_to_type() -> None:
    blocked = replace(row("thread-a", Reason.CONFLICT, title="Dark\nmode\x1b[2J"), remedies=(Remedy.HEAL, Remedy.BIND))
    (told,) = lines(snapshot(blocked), snapshot(blocked, alarms=(alarm("thread-a"),)))
    assert STAMP.match(told) and "ALARM" in told and "“Dark mode" in told
    assert told.endswith("Type: /opt/t3tray remedy thread-a heal")


def test_what_needs_a_choice_first_is_to_be_looked_at_and_an_id_that_fits_two_is_typed_whole() -> None:
    first, second = row("thread-a1", Reason.PROVED), row("thread-a2", Reason.PROVED)
    lost = replace(row("thread-a1", Reason.MISSING), remedies=(Remedy.BIND,))
    (told,) = lines(snapshot(first, second), snapshot(lost, second))
    assert told.endswith("Type: /opt/t3tray show thread-a1") and "✗ blocked / missing" in told
    assert lines(snapshot(lost, second), snapshot(first, second))[0].endswith("carries the whole conversation.")


def test_many_verdicts_of_one_reason_are_one_line_and_an_ask_says_where_it_is_answered() -> None:
    before = tuple(row(f"thread-{number:08}") for number in range(40))
    down = tuple(row(f"thread-{number:08}", Reason.SERVER_DOWN) for number in range(40))
    (told,) = lines(snapshot(*before), snapshot(*down))
    assert "40 threads: ? unknown / server-down: " in told and told.endswith("Type: /opt/t3tray threads")
    other = replace(down[0], verdict=structs.replace(down[0].verdict, detail="it does not listen at 4096"))
    (told,) = lines(snapshot(*before), snapshot(other, *down[1:]))
    assert told.endswith("40 threads: ? unknown / server-down. Type: /opt/t3tray threads"), "one's words are not said of all"
    (told,) = lines(snapshot(row("thread-a")), snapshot(row("thread-a"), pending_requests=(PUSH,)))
    assert told.endswith("wants to run git push. Type: /opt/t3tray attach thread-a")


def test_every_kind_is_told_as_one_ascii_object_a_line_and_stands_in_the_contract() -> None:
    theirs = in_t3(row("thread-a", title="Zeile\u2028 zwei\n"))
    shown = snapshot(theirs, row("thread-b", Reason.BUSY), foreign=(t3_thread("thread-c", "claudeAgent"),))
    shown = replace(shown, foreign_reapers={"thread-c": theirs.reaper})
    later = snapshot(
        row("thread-a", Reason.MISSING),
        row("thread-b"),
        row("thread-d"),
        alarms=(alarm("thread-a"),),
        pending_requests=(PUSH, WHICH),
        warnings=("Odd.",),
    )
    changes, kinds = SnapshotChanges(), set()
    for look in (Snapshot(READY, banner="Building"), shown, later, shown):
        for change in changes.of(look):
            text = as_line(change_document(change, NOON))
            assert text.isascii() and len(text.splitlines()) == 1
            told = json.loads(text)
            assert list(told)[:2] == ["at", "kind"] and told["at"] == "2026-11-24T12:00:00.000Z"
            for field in told:
                assert f"`{told['kind']}`" in CONTRACT and f'"{field}"' in CONTRACT, told
            kinds.add(told["kind"])
    assert kinds == {
        *("progress", "threads", "server", "verdict", "turn-began", "turn-ended", "thread-added", "thread-removed"),
        *("alarm", "alarm-over", "ask", "ask-over", "warning", "warning-over"),
    }
    for kind in ("started", "guard", "refusal", "notice-clicked", "lines-lost", "error", "ended"):
        assert f"`{kind}`" in CONTRACT


def test_the_command_to_type_names_the_data_where_they_are_not_in_the_usual_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "my tools" / "t3tray"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(program)])
    assert own_command(Path("/data")) == f"'{program}' --data-dir /data"
    monkeypatch.setenv("PATH", str(program.parent))
    assert own_command(Path("/data")) == "t3tray --data-dir /data"
    monkeypatch.setattr(sys, "argv", ["/x/__main__.py"])
    assert own_command(Path("/data")).startswith(f"{sys.executable} -m t3tray")
    monkeypatch.setenv("T3TRAY_PROGRAM", "/demo/t3tray")
    assert own_command(Path("/data")) == "/demo/t3tray"


def test_a_reader_that_is_slow_gets_what_is_new_when_it_reads_on_and_nothing_waits_for_it(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as out:
        teller = RunOutput(True, out, tmp_path, lambda: None)
        titles = ["x" * 2000 + str(number) for number in range(2 * MOST_WAITING)]
        for title in titles:
            teller.publish(snapshot(row("thread-a", title=title), row(title, title=title)))
        assert not teller.close(0.01)
        with os.fdopen(reading, encoding="utf-8") as read:
            seen = threading.Thread(target=lambda: told.extend(read))
            told: list[str] = []
            seen.start()
            assert teller.close(60)
            out.close()
            seen.join()
    assert MOST_WAITING < len(told) < 3 * MOST_WAITING and all(json.loads(text) for text in told)


def test_a_reader_that_goes_is_told_once_and_a_full_disk_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    reading, writing = os.pipe()
    gone: list[int] = []
    with os.fdopen(writing, "w", encoding="utf-8") as out:
        writer = LineWriter(out, lambda: gone.append(1), str)
        os.close(reading)
        for _ in range(5):
            writer.write("a line")
        until(lambda: bool(gone), "the end of the reader")
        assert writer.close(20) and gone == [1]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        writer = LineWriter(full, lambda: gone.append(2), str)
        writer.write("a line")
        writer.write("a line")
        assert writer.close(20) and gone == [1]
        full.flush()  # as the interpreter does at its end
    assert sum("Cannot write to standard output" in record.message for record in caplog.records) == 1


class SometimesFull(io.RawIOBase):
    """A disk that is full at its third, fourth and fifth write."""

    def __init__(self) -> None:
        self.uses = 0
        self.told = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.uses += 1
        if 3 <= self.uses <= 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.told += bytes(data)
        return len(data)


@pytest.mark.parametrize("as_json", [True, False])
def test_what_a_full_disk_took_is_counted_when_it_takes_lines_again(tmp_path: Path, as_json: bool) -> None:
    disk = SometimesFull()
    with io.TextIOWrapper(io.BufferedWriter(disk), encoding="utf-8") as out:
        teller = RunOutput(as_json, out, tmp_path, lambda: None)
        for number in range(6):
            teller.write_line("progress", {"sentence": f"number {number}"}, f"number {number}")
        assert teller.close(90)
    told = disk.told.decode().splitlines()[1:]
    assert len(told) == 5 and all(f"number {number}" in told[place] for place, number in ((0, 0), (1, 1), (3, 4), (4, 5)))
    if as_json:
        lost = json.loads(told[2])
        assert (lost["kind"], lost["count"]) == ("lines-lost", 2)
    else:
        assert told[2].endswith("2 lines could not be written and were dropped.")


@pytest.mark.parametrize(
    ("click", "typed"),
    [
        (Click("thread-a", remedy=Remedy.HEAL), "remedy thread-a heal"),
        (Click("thread-a"), "show thread-a"),
        (Click(None), "threads"),
    ],
)
def test_a_click_on_a_notice_is_answered_with_what_to_type(
    click: Click, typed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("T3TRAY_PROGRAM", "/demo/t3tray")
    out = io.StringIO()
    teller = RunOutput(False, out, tmp_path, lambda: None)
    teller.clicked(click)
    assert teller.close(20) and out.getvalue().endswith(f"Type: /demo/t3tray {typed}\n")


def test_archived_threads_are_not_in_the_table() -> None:
    shown = row("thread-a", title="Shown")
    away = replace(row("thread-b"), thread=structs.replace(row("thread-b").thread, archived_at=NOON, title="Away"))
    told = "\n".join(lines(snapshot(shown, away)))
    assert "Shown" in told and "Away" not in told
