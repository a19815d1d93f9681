"""t3tray's own file as after a first start. Creating it takes a migration of 25 ms; here it is created once and copied."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from sqlalchemy import Connection

from t3tray.store.database import Database
from t3tray.store.files import make_private_file, make_private_folder
from t3tray.store.open import FILE_NAME
from t3tray.store.store import Store


def open_store(folder: Path, now: Callable[[], datetime]) -> Store:
    """Open the store in this folder; a new one is copied instead of migrated."""
    path = folder / FILE_NAME
    if not path.exists():
        make_private_folder(folder)
        make_private_file(path)
        path.write_bytes(_first_start())
    return Store.open(folder, now)


@contextmanager
def writing_in(store: Store) -> Iterator[Connection]:
    """A writing transaction in this store's file, by a connection of its own: as another version of t3tray may write."""
    database = Database(store.path)
    try:
        with database.write() as connection:
            yield connection
    finally:
        database.close()


@cache
def _first_start() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        Store.open(Path(folder), lambda: datetime.now(UTC)).close()
        return (Path(folder) / FILE_NAME).read_bytes()
