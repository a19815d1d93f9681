"""Our own log: readable by its owner alone, rotated, without secrets, and no reason to fail."""

from __future__ import annotations

import logging
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from t3tray.system import log_file
from t3tray.system.log_file import FILE_NAME, KEPT, begin_log


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root, level, raises = logging.getLogger(), logging.getLogger("t3tray").level, logging.raiseExceptions
    before = list(root.handlers)
    yield
    for handler in [handler for handler in root.handlers if handler not in before]:
        root.removeHandler(handler)
        with suppress(OSError):
            handler.close()
    logging.raiseExceptions = raises
    logging.getLogger("t3tray").setLevel(level)


def test_what_is_logged_is_in_the_file_without_its_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "swordfish")
    begin_log(tmp_path / "logs")
    try:
        raise ValueError(f"GET http://opencode:hunter2@127.0.0.1 in {Path.home()}/src")
    except ValueError:
        logging.getLogger("t3tray.backend").exception("It said swordfish.")
    logging.getLogger("t3tray.backend").info("A small thing.")
    logging.getLogger("httpx").info("Not ours.")
    text = (tmp_path / "logs" / FILE_NAME).read_text("utf-8")
    assert "ValueError" in text and "~/src" in text and "A small thing." in text
    for gone in ("hunter2", "swordfish", str(Path.home()), "Not ours."):
        assert gone not in text


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps such rights elsewhere")
def test_only_its_owner_can_read_it_also_after_it_was_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "LARGEST", 2000)
    begin_log(tmp_path / "logs")
    for number in range(200):
        logging.getLogger("t3tray").info("Line %s of many.", number)
    files = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert files == [FILE_NAME, *(f"{FILE_NAME}.{number + 1}" for number in range(KEPT))]
    for path in (tmp_path / "logs", *(tmp_path / "logs").iterdir()):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
    assert "Line 199" in (tmp_path / "logs" / FILE_NAME).read_text("utf-8")


def test_a_folder_that_cannot_be_written_is_told_and_nothing_fails(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    begin_log(tmp_path / "logs")
    assert "No log can be written" in caplog.text


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_a_disk_that_is_full_is_not_told_by_python_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / FILE_NAME).symlink_to("/dev/full")
    begin_log(tmp_path)
    logging.getLogger("t3tray").info("A small thing.")
    assert capsys.readouterr().err == ""
