"""Handles damaged values in rows of our own file one by one, so that all other rows stay readable.

A damaged description (a title, a time) is replaced by a stand-in; a row without an essential value is left out. Each is noted.
The file itself is not changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from types import NoneType
from typing import Any

from sqlalchemy import REAL, Connection, Integer, Row, Table, Text

from t3tray.messages.data_file import set_aside
from t3tray.store.column_types import Json, Moment, Unreadable, Word

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
UNREADABLE_TEXT = "(unreadable)"
_NOTES = "t3tray_damaged_rows"

Values = dict[str, Any]


def notes_of(connection: Connection) -> dict[str, str]:
    """Return the damage found so far through this connection: sentences by the row's name."""
    notes: dict[str, str] = connection.info.setdefault(_NOTES, {})
    return notes


def note(connection: Connection, what: str, detail: str) -> None:
    """Note a damaged value. `what` names the row and the column ("threads 3f2a, title")."""
    notes_of(connection)[what] = set_aside(what, detail)


def readable(
    connection: Connection, table: Table, rows: Iterable[Row[*tuple[object, ...]]], stand_ins: Mapping[str, object] = {}
) -> list[Values]:
    """Return rows (with all columns of the table) as dictionaries. A row with a damaged value is noted, and left out where there
    is no stand-in."""
    kinds = _kinds(table)
    found = []
    for row in rows:
        if all(map(isinstance, row, kinds)):
            found.append(dict(row._mapping))
        elif (values := _with_stand_ins(connection, table, row, stand_ins)) is not None:
            found.append(values)
    return found


def _with_stand_ins(
    connection: Connection, table: Table, row: Row[*tuple[object, ...]], stand_ins: Mapping[str, object]
) -> Values | None:
    values = dict(row._mapping)
    name = f"{table.name} {next(iter(values.values()))}"
    is_whole = True
    for column, kind in zip(table.columns, _kinds(table), strict=True):
        value = values[column.name]
        if isinstance(value, kind):
            continue
        note(connection, f"{name}, {column.name}", value.detail if isinstance(value, Unreadable) else f"{value!r:.60}")
        if column.name in stand_ins:
            values[column.name] = stand_ins[column.name]
        elif column.nullable and column.name not in _ESSENTIAL:
            values[column.name] = None
        else:
            is_whole = False
    return values if is_whole else None


# Essential columns: an entry of the journal without them would have another meaning.
_ESSENTIAL = frozenset({"session_id", "intent", "deed"})


@cache
def _kinds(table: Table) -> tuple[tuple[type, ...], ...]:
    kinds: list[tuple[type, ...]] = []
    for column in table.columns:
        match column.type:
            case Moment():
                kind: tuple[type, ...] = (datetime,)
            case Word(kind=word):
                kind = (word,)
            case Json(kind=whole):
                kind = (whole if isinstance(whole, type) else tuple,)
            case Integer():
                kind = (int,)
            case REAL():
                kind = (float, int)
            case Text():
                kind = (str,)
            case _:
                kind = (object,)
        kinds.append((*kind, NoneType) if column.nullable else kind)
    return tuple(kinds)
