"""A configuration that OpenCode cannot use, according to its server for a folder, or to its log of the last start."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from t3tray.domain.reaper import ReaperPhase, ReaperState
from t3tray.domain.thread import Source, Thread
from t3tray.domain.verdict import Reason, Verdict
from t3tray.errors import ServerDown, ServerError, UnusableConfiguration
from t3tray.threads.opencode_configuration import judged, troubles
from t3tray.threads.snapshot import ThreadRow

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BROKEN = UnusableConfiguration("OpenCode cannot use /w/opencode.json: it is not JSON.", "Correct that file.")


def row_in(folder: Path, session: str | None = "ses_1", name: str = "t1") -> ThreadRow:
    thread = Thread(name, "Report", str(folder), Source.T3CODE, NOW, NOW)
    return ThreadRow(thread, session, Verdict(Reason.PROVED), ReaperState(ReaperPhase.ACTIVE))


class Server:
    """Raises its error for a folder of that name; others are fine."""

    def __init__(self, **wrong: ServerError) -> None:
        self.wrong = wrong
        self.asked: list[str] = []

    async def busy_in(self, directory: str) -> frozenset[str]:
        self.asked.append(Path(directory).name)
        if error := self.wrong.get(Path(directory).name):
            raise error
        return frozenset()


def configured(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "opencode.json").write_text("{}")
    return folder


async def test_a_server_is_asked_once_for_each_folder_with_a_configuration_in_or_above_it(tmp_path: Path) -> None:
    below = configured(tmp_path / "a") / "below"
    below.mkdir()
    plain, broken, down = tmp_path / "plain", configured(tmp_path / "broken"), configured(tmp_path / "down")
    plain.mkdir()
    server = Server(broken=BROKEN, down=ServerDown("gone"))
    folders = (below, plain, broken, broken, down)
    rows = [row_in(folder, name=f"t{number}") for number, folder in enumerate(folders)]
    rows.append(row_in(configured(tmp_path / "unbound"), None))
    assert await troubles(rows, server, tmp_path / "log") == (f"{BROKEN.message} {BROKEN.hint}",)
    assert sorted(server.asked) == ["below", "broken", "down"]


async def test_without_a_server_its_last_start_says_it_while_the_file_is_as_it_was(tmp_path: Path) -> None:
    file, log = configured(tmp_path / "w") / "opencode.json", tmp_path / "log"
    assert await troubles([], None, log) == ()
    log.write_text(f"Error: Config file at {file} is not valid JSON\n")
    told = await troubles([], None, log)
    assert len(told) == 1 and str(file) in told[0] and told[0].endswith("No server starts until it is corrected.")
    later = log.stat().st_mtime + 60
    os.utime(file, (later, later))
    assert await troubles([], None, log) == ()


async def test_a_resumable_thread_is_not_where_its_folder_takes_no_message(tmp_path: Path) -> None:
    row = row_in(configured(tmp_path / "broken"))
    verdict = (await judged(row, Server(broken=BROKEN))).verdict
    assert verdict == Verdict(Reason.SERVER_ERROR, BROKEN.message.removesuffix("."))
    assert await judged(row, Server()) is row
    blocked = replace(row, verdict=Verdict(Reason.MISSING))
    assert await judged(blocked, Server(broken=BROKEN)) is blocked
