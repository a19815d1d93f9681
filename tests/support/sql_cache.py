"""One cache of compiled SQL for all files that a test process opens. t3tray opens its file once in a process, tests thousands of
times; compiling a statement takes longer than running it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine

from t3tray.store import database

# The name that the module has imported: a KeyError here means that it builds its engines differently.
_create: Callable[..., Engine] = vars(database)["create_engine"]
_first: list[Engine] = []
_compiled: dict[object, object] = {}


def share_compiled_sql() -> None:
    """From now on all engines of `t3tray.store` share one dialect, which is part of the cache's keys, and the cache."""
    vars(database)["create_engine"] = _shared


def _shared(url: str, **options: Any) -> Engine:
    engine = _create(url, **options)
    if not _first:
        _first.append(engine)
    engine.dialect = _first[0].dialect
    engine.update_execution_options(compiled_cache=_compiled)
    return engine
