"""Column types: times, members of an enum, and whole values as JSON text.

A damaged value is returned as `Unreadable` and never guessed; `damaged_rows` handles its row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar, cast

import msgspec
from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

from t3tray.errors import StoreError
from t3tray.messages.data_file import not_a_known, not_a_time
from t3tray.store.errors import damaged

T = TypeVar("T")
W = TypeVar("W", bound=StrEnum)


@dataclass(frozen=True)
class Unreadable:
    """A damaged value, in place of one of the column's type; `detail` describes the damage."""

    detail: str


class Moment(TypeDecorator[datetime]):
    """An aware time as ISO-8601 text in UTC with microseconds: a fixed width, so that the texts sort like the times."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except (ValueError, TypeError):
            return cast(datetime, Unreadable(not_a_time(value)))
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Word(TypeDecorator[W]):
    """A member of a StrEnum by its value."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[W]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: W | None, dialect: Dialect) -> str | None:
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: Dialect) -> W | None:
        if value is None:
            return None
        try:
            return self.kind(value)
        except ValueError:
            return cast(W, Unreadable(not_a_known(value, self.kind.__name__.lower())))


class Json(TypeDecorator[T]):
    """A whole frozen value as JSON. Fields that a newer version added are ignored when it is read."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[T]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: T | None, dialect: Dialect) -> str | None:
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> T | None:
        try:
            return None if value is None else decode(value, self.kind)
        except StoreError as error:
            return cast(T, Unreadable(error.message))


def decode(text: str, kind: type[T]) -> T:
    """Decode JSON text. Raises StoreError when it contains no value of this type."""
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, TypeError) as error:
        raise damaged(f"a stored {kind.__name__.lower()} cannot be read: {error}") from error
