"""t3tray's own file as a first start leaves it. To make it anew takes a migration of 25 ms; here it is made once and copied."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from t3tray.store.files import make_private_file, make_private_folder
from t3tray.store.open import FILE_NAME
from t3tray.store.store import Store


def open_store(folder: Path, now: Callable[[], datetime]) -> Store:
    """The store in this folder, as ever; where there is none, it is not migrated but copied."""
    path = folder / FILE_NAME
    if not path.exists():
        make_private_folder(folder)
        make_private_file(path)
        path.write_bytes(_first_start())
    return Store.open(folder, now)


@cache
def _first_start() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        Store.open(Path(folder), lambda: datetime.now(UTC)).close()
        return (Path(folder) / FILE_NAME).read_bytes()
