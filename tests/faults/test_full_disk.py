"""A full disk: commands that only read still answer, a server can be stopped, and nothing is done unrecorded."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.thread import Source, Thread
from t3tray.errors import StoreError
from t3tray.store.open import FILE_NAME
from t3tray.store.store import Store
from tests.support.forked import forkable, shared_forker

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LOOKS = ["status", "threads", "show a1", "journal", "settings", "doctor", "server status", "server stop"]
CHANGES = ["settings terminal kitty", "resume a1", "send a1 hello", "remedy a1 release --yes"]
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="commands are forked there, and files limited"),
    pytest.mark.usefixtures("quick_opencode"),
]


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "data"
    store = Store.open(folder, lambda: NOON)
    entry = Entry("a1", Event.CONFIRMED, Actor.USER, "made", NOON, "ses_a1", "i", Cursor("ses_a1", "/work"))
    store.add_thread(Thread("a1", "Parser", str(tmp_path), Source.T3TRAY, NOON, NOON), entry)
    yield folder
    store.close()


def run(data: Path, words: str, *, full: bool = True) -> tuple[int, dict[str, Any], str]:
    environment = forkable(os.environ) | {"T3TRAY_DATA_DIR": str(data)}
    command = shared_forker().start(*words.split(), "--json", file_size=0 if full else None, environment=environment)
    out, err = command.communicate()
    assert command.returncode is not None
    return command.returncode, json.loads(out), err


@pytest.mark.parametrize(("words", "is_open"), [*((words, True) for words in LOOKS), ("threads", False), ("server stop", False)])
def test_what_only_looks_answers_with_the_last_that_was_recorded(data: Path, tmp_path: Path, words: str, is_open: bool) -> None:
    if not is_open:
        # As a crash leaves it: the newest data is in the -wal, and no process has it open.
        copied = tmp_path / "copied"
        shutil.copytree(data, copied, ignore=shutil.ignore_patterns("*-shm"))
        assert (copied / f"{FILE_NAME}-wal").stat().st_size
        data = copied
    code, document, told = run(data, words)
    assert code == 0 and "The last recorded state is shown" in told, told
    if words == "threads":
        assert [row["session_id"] for row in document["threads"]] == ["ses_a1"]


@pytest.mark.parametrize("words", CHANGES)
def test_what_would_have_to_be_recorded_is_refused_in_words(data: Path, words: str) -> None:
    code, document, _ = run(data, words)
    # The server's password is stored before its lease: on a system without a keyring that file is refused first.
    assert code == 4 and any(said in document["error"]["message"] for said in ("The disk", "could not be stored"))
    code, document, _ = run(data, "threads", full=False)
    assert [row["session_id"] for row in document["threads"]] == ["ses_a1"] and code == 0


def test_a_file_that_is_refused_is_not_read_either(data: Path) -> None:
    with closing(sqlite3.connect(data / FILE_NAME)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer version"):
        Store.open_with_fallback(data, lambda: NOON)
