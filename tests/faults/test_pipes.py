"""A pipe in the place of a file, which would block every reader: it is reported as a pipe, and nothing waits."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from t3tray.errors import Refused, ServerFault
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.store.open import FILE_NAME
from t3tray.store.store import Store
from t3tray.t3code.home import T3Home
from t3tray.t3code.server_info import runs, thread_address
from t3tray.t3code.settings_file import SettingsFile
from t3tray.t3code.state import T3Reader

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
NOON = datetime(2026, 9, 13, 12, tzinfo=UTC)


def in_place_of(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    return path


def test_opencodes_database(tmp_path: Path) -> None:
    database = OpenCodeDatabase(in_place_of(tmp_path / "opencode.db"))
    with pytest.raises(ServerFault, match="cannot be read: it is not a regular file"), database.reading():
        pass


def test_t3_codes_database_its_own_file_and_its_settings(tmp_path: Path) -> None:
    home = T3Home(tmp_path)
    for path in (*home.databases, home.runtime_file, home.environment_file, tmp_path / "settings.json"):
        in_place_of(path)
    assert not runs(home)
    with pytest.raises(Refused, match="cannot be read"):
        SettingsFile(tmp_path / "settings.json").read()
    state = T3Reader(home).read()
    assert state is not None and state.why == "state.sqlite cannot be read: it is not a regular file." and not state.threads


async def test_where_t3_code_is_named_by_a_pipe_no_thread_has_an_address(tmp_path: Path) -> None:
    home = T3Home(tmp_path)
    in_place_of(home.environment_file)
    home.runtime_file.write_text(json.dumps({"pid": os.getpid(), "origin": "http://127.0.0.1:1", "startedAt": ""}))
    assert await thread_address(home, "t1") is None


def test_our_own_store_begins_anew_beside_it(tmp_path: Path) -> None:
    in_place_of(tmp_path / FILE_NAME)
    store = Store.open(tmp_path, lambda: NOON)
    assert "was damaged (it is not a file)" in store.notices[0]
    store.close()


def test_a_pipe_among_the_copies_is_no_copy(tmp_path: Path) -> None:
    in_place_of(tmp_path / "backups" / "t3tray-20260913T120000Z.sqlite")
    store = Store.open(tmp_path, lambda: NOON)
    store.close()
