"""State that is no setting: apart from the settings, also in a file that an older version wrote."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from t3tray.domain.reaper import IdleState
from t3tray.domain.server import Wanted
from t3tray.domain.t3code_side import LetGo
from t3tray.settings.definitions import DEFINITIONS, SHOWN_STATE, Settings
from t3tray.settings.stored import read_settings, write_settings
from t3tray.store.guard_place import GuardPlace
from t3tray.store.open import FILE_NAME
from t3tray.store.store import Store

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def opened(folder: Path) -> Store:
    return Store.open(folder, lambda: NOON)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A file with state of every kind, and a setting."""
    store = opened(tmp_path)
    store.rests.note(IdleState(NOON))
    store.lease.set_wanted(Wanted.STOPPED)
    store.let_go.note_home("/home/dev/.t3", LetGo(NOON, True))
    store.let_go.note_end("ses_1", NOON)
    store.guard_place.write(GuardPlace(4096, "file"))
    write_settings(store.settings, Settings(terminal="kitty"), "terminal")
    store.close()
    return tmp_path


def rows(folder: Path, table: str) -> dict[str, str]:
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        return dict(connection.execute(f"SELECT key, value FROM {table}"))


def test_state_and_settings_lie_apart(folder: Path) -> None:
    assert rows(folder, "settings").keys() == {"terminal"}
    assert not rows(folder, "state").keys() & DEFINITIONS.keys() and rows(folder, "state").keys() >= SHOWN_STATE.keys()


def test_the_state_of_an_older_file_leaves_its_settings_and_nothing_is_lost(folder: Path) -> None:
    store = opened(folder)
    name = store.id
    store.close()
    state = rows(folder, "state")
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection, connection:
        connection.execute("INSERT INTO settings SELECT key, value FROM state")
        connection.execute("DROP TABLE state")
        connection.execute("UPDATE alembic_version SET version_num = '0012'")
    store = opened(folder)
    assert store.rests.last() == IdleState(NOON) and store.lease.wanted() is Wanted.STOPPED
    assert store.let_go.homes() == {"/home/dev/.t3": LetGo(NOON, True)} and store.let_go.ends() == {"ses_1": NOON}
    assert store.guard_place.read() == GuardPlace(4096, "file")
    assert read_settings(store.settings) == Settings(terminal="kitty") and store.damaged_rows() == ()
    assert store.id == name and store.warnings == (), "it is the same store, and its record of the bindings is its own"
    store.close()
    assert rows(folder, "state") == state and rows(folder, "settings").keys() == {"terminal"}


@pytest.mark.parametrize(
    ("key", "stored", "place", "wanted"),
    [
        ("guard_port", "70000", GuardPlace(0, "file"), Wanted.STOPPED),
        ("guard_port", "x", GuardPlace(0, "file"), Wanted.STOPPED),
        ("guard_secret_place", '"foo"', GuardPlace(4096, ""), Wanted.STOPPED),
        ("server_wanted", "7", GuardPlace(4096, "file"), Wanted.RUNNING),
    ],
)
def test_a_damaged_row_is_as_if_it_were_not_there_and_is_told(
    folder: Path, key: str, stored: str, place: GuardPlace, wanted: Wanted
) -> None:
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection, connection:
        connection.execute("UPDATE state SET value = ? WHERE key = ?", (stored, key))
    store = opened(folder)
    assert (store.guard_place.read(), store.lease.wanted(), store.rests.last()) == (place, wanted, IdleState(NOON))
    (told,) = store.damaged_rows()
    assert f"state {key}" in told
    store.close()


def test_the_guard_s_place_is_given_up_without_a_trace(folder: Path) -> None:
    store = opened(folder)
    store.guard_place.write(GuardPlace())
    assert store.guard_place.read() == GuardPlace() and store.damaged_rows() == ()
    store.close()
