"""The archive's transcripts: the messages of bound threads' sessions, in `archive.sqlite`.

Adding a turn costs only its new messages, however long the transcript is; so does reading its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from t3tray.domain.archived import ArchivedTranscript, ArchiveReport, LostMessages, TranscriptOwner
from t3tray.domain.transcript import Message, Origin, Transcript
from t3tray.messages.archive import damage_sentences
from t3tray.store.archive_file import ArchiveFile
from t3tray.store.archive_rows import MessageRow, checked_message, message_row, state_of, state_row
from t3tray.store.errors import DamagedFile, translated
from t3tray.store.files import SIDE_FILES
from t3tray.store.vault_files import order

_FIELDS = "message_id, created_ms, hash, body"
# Number of ids in one query.
_AT_ONCE = 500


class TranscriptArchive:
    """Reads and writes transcripts; any thread and several processes may call. Every method raises StoreError."""

    def __init__(self, file: ArchiveFile) -> None:
        self.file = file

    def get(self, session_id: str) -> ArchivedTranscript | None:
        """Return the state of this session's transcript, without reading its messages."""

        def work(connection: Connection, _: bool) -> ArchivedTranscript | None:
            return _get(connection, session_id)[1]

        return self.file.read(work, None)

    def report(self) -> ArchiveReport:
        """Return counts and sizes of the whole archive."""
        found, path = [state for state in self.states() if state.messages], self.file.path
        with translated():
            # The newest data is in the -wal file until SQLite's checkpoint.
            size = sum(each.stat().st_size for each in (path, Path(f"{path}-wal")) if each.exists())
            aside = tuple(
                sorted(str(each) for each in path.parent.glob(f"{path.name}.damaged-*") if not each.name.endswith(SIDE_FILES))
            )
        return ArchiveReport(str(path), len(found), sum(state.messages for state in found), size, aside)

    def states(self) -> tuple[ArchivedTranscript, ...]:
        """Return the states of all transcripts, the oldest first, including those whose messages were removed."""

        def work(connection: Connection, _: bool) -> tuple[ArchivedTranscript, ...]:
            return _states(connection)

        return self.file.read(work, ())

    def checked(self) -> tuple[ArchivedTranscript, ...]:
        """Return the states of transcripts with messages, the newest first. Reads every message, so that `lost` is complete."""

        def work(connection: Connection, strict: bool) -> tuple[ArchivedTranscript, ...]:
            found = (_checked(connection, state, strict) for state in reversed(_states(connection)))
            return tuple(state for state in found if state.messages or state.lost)

        return self.file.read(work, ())

    def transcript(self, session_id: str, newest: int | None = None) -> Transcript | None:
        """Return the messages of this session, or the `newest` of them, with sentences on damaged messages and on those that were
        reverted in the session. None where there are none."""

        def work(connection: Connection, strict: bool) -> Transcript | None:
            number, state = _get(connection, session_id)
            if number is None or state is None or not (state.messages or state.lost):
                return None
            messages: list[Message] = []
            lost = list(state.lost)
            for row in _rows(connection, number, newest):
                try:
                    messages += [checked_message(session_id, row)] if row.body else []
                except DamagedFile:
                    if strict:
                        raise
                    row = replace(row, body=b"")
                lost += [] if row.body else [LostMessages(1, row.message_id, row.message_id)]
            if newest is None:
                _count(state, messages, strict)
            messages = _in_order(messages, strict)
            missing = list(damage_sentences(lost))
            if state.messages > state.in_session:
                missing.append(f"{state.messages - state.in_session} of its messages had been reverted in the session by then.")
            taken_at = datetime.fromisoformat(state.taken_at) if state.taken_at else None
            return Transcript(Origin.VAULT, tuple(messages), session_id, tuple(missing), taken_at)

        return self.file.read(work, None)

    def add(
        self, owner: TranscriptOwner, news: Sequence[Message], at: str, updated_ms: int, in_session: int
    ) -> ArchivedTranscript:
        """Add new messages and updates of stored ones. Return the transcript's state afterwards."""
        rows = [message_row(owner.session_id, message) for message in news]

        def work(connection: Connection, _: bool) -> ArchivedTranscript:
            number, before = _get(connection, owner.session_id)
            state = before or ArchivedTranscript(owner, at, updated_ms, in_session, 0, 0)
            now = replace(state, owner=owner, taken_at=at, updated_ms=updated_ms, in_session=in_session)
            return put(connection, number, now, rows, replaces=True)[1]

        return self.file.write(work)

    def bring_in(self, other: ArchivedTranscript, messages: Sequence[Message]) -> None:
        """Merge a transcript of a session: add messages that are missing here, and where it is newer also changed ones."""
        session_id = other.owner.session_id
        rows = [message_row(session_id, message) for message in messages]

        def work(connection: Connection, _: bool) -> None:
            number, here = _get(connection, session_id)
            is_later = here is None or other.updated_ms > here.updated_ms
            state = replace(other, messages=0, size=0) if here is None else here
            if here is not None and is_later and messages:
                state = replace(other, messages=here.messages, size=here.size, lost=here.lost)
            state = replace(state, lost=tuple(dict.fromkeys((*state.lost, *other.lost))))
            number, now = put(connection, number, state, rows, replaces=is_later)
            if now.lost:
                # With `updated_ms` 0 the transcript is read again from its session, where that still exists.
                put(connection, number, replace(now, updated_ms=0), (), replaces=False)

        self.file.write(work)

    def let_go(self, session_id: str) -> None:
        """Remove the session's messages. Its state stays, so that the same messages are not archived again."""

        def work(connection: Connection, _: bool) -> None:
            number, state = _get(connection, session_id)
            if number is None or state is None:
                return
            connection.exec_driver_sql("DELETE FROM messages WHERE transcript = ?", (number,))
            _set_state(connection, number, replace(state, messages=0, size=0, lost=()))
            connection.exec_driver_sql("PRAGMA incremental_vacuum").close()

        self.file.write(work)

    def close(self) -> None:
        self.file.close()


def put(
    connection: Connection, number: int | None, state: ArchivedTranscript, rows: Iterable[MessageRow], replaces: bool
) -> tuple[int, ArchivedTranscript]:
    """Write the state and the missing messages; with `replaces` also stored messages with a different content.

    `state` has the counts before. Return the transcript's row number, and the state afterwards.
    """
    if number is None:
        inserted = connection.exec_driver_sql(
            "INSERT INTO transcripts (session_id, hash, state) VALUES (?, ?, ?)", (state.owner.session_id, b"", b"")
        )
        number = int(inserted.lastrowid)
    by_id = {row.message_id: row for row in rows}
    there = _there(connection, number, list(by_id))
    new = [row for row in by_id.values() if row.message_id not in there]
    if new:
        connection.exec_driver_sql(
            f"INSERT INTO messages (transcript, {_FIELDS}) VALUES (?, ?, ?, ?, ?)",
            [(number, row.message_id, row.created_ms, row.hash, row.body) for row in new],
        )
    messages = state.messages + sum(bool(row.body) for row in new)
    size = state.size + sum(len(row.body) for row in new)
    for message_id, (at, digest, length) in there.items():
        row = by_id[message_id]
        if digest != row.hash and row.body and (replaces or not length):
            connection.exec_driver_sql(
                "UPDATE messages SET created_ms = ?, hash = ?, body = ? WHERE number = ?",
                (row.created_ms, row.hash, row.body, at),
            )
            messages, size = messages + (not length), size + len(row.body) - length
    lost = tuple(each for each in state.lost if not _is_back(connection, number, each))
    now = replace(state, messages=messages, size=size, lost=lost)
    _set_state(connection, number, now)
    return number, now


def _there(connection: Connection, number: int, ids: Sequence[str]) -> dict[str, tuple[int, bytes, int]]:
    """Return row number, hash and length of the stored messages with these ids."""
    found: dict[str, tuple[int, bytes, int]] = {}
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(some))
        rows = connection.exec_driver_sql(
            f"SELECT message_id, number, hash, length(body) FROM messages WHERE transcript = ? AND message_id IN ({marks})",
            (number, *some),
        )
        found |= {message_id: (at, digest, length) for message_id, at, digest, length in rows}
    return found


def _is_back(connection: Connection, number: int, lost: LostMessages) -> bool:
    """Return whether lost messages were archived again from their session: the first and the last of them are stored."""
    count = connection.exec_driver_sql(
        "SELECT count(*) FROM messages WHERE transcript = ? AND message_id IN (?, ?) AND length(body) > 0",
        (number, lost.first_id, lost.last_id),
    ).scalar_one()
    return bool(lost.first_id) and int(count) == len({lost.first_id, lost.last_id})


def _set_state(connection: Connection, number: int, state: ArchivedTranscript) -> None:
    connection.exec_driver_sql("UPDATE transcripts SET hash = ?, state = ? WHERE number = ?", (*state_row(state), number))


def _get(connection: Connection, session_id: str) -> tuple[int | None, ArchivedTranscript | None]:
    query = "SELECT number, hash, state FROM transcripts {} WHERE session_id = ?"
    row = connection.exec_driver_sql(query.format(""), (session_id,)).one_or_none()
    if row is None:
        # A damaged index may not find an existing row.
        if connection.exec_driver_sql(query.format("NOT INDEXED"), (session_id,)).first():
            raise DamagedFile(f"the transcript of {session_id} is in no index")
        return None, None
    state = state_of(row.hash, row.state)
    if state.owner.session_id != session_id:
        raise DamagedFile(f"the transcript of {session_id} is stored in another transcript's row")
    return row.number, state


def _states(connection: Connection) -> tuple[ArchivedTranscript, ...]:
    states = [state_of(*row) for row in connection.exec_driver_sql("SELECT hash, state FROM transcripts")]
    if len({state.owner.session_id for state in states}) < len(states):
        raise DamagedFile("a session has two transcripts")
    return tuple(sorted(states, key=lambda state: (state.taken_at, state.owner.session_id)))


def _rows(connection: Connection, number: int, newest: int | None) -> Iterator[MessageRow]:
    """Return the rows, the newest first."""
    order = "ORDER BY created_ms DESC, message_id DESC LIMIT ?"
    found = connection.exec_driver_sql(
        f"SELECT {_FIELDS} FROM messages WHERE transcript = ? {order}", (number, -1 if newest is None else newest)
    )
    return (MessageRow(*row) for row in found)


def _checked(connection: Connection, state: ArchivedTranscript, strict: bool) -> ArchivedTranscript:
    number, _ = _get(connection, state.owner.session_id)
    if number is None:
        raise DamagedFile(f"the transcript of {state.owner.session_id} is in no index")
    sound: list[str] = []
    lost = list(state.lost)
    for row in _rows(connection, number, None):
        try:
            sound += [checked_message(state.owner.session_id, row).id] if row.body else []
        except DamagedFile:
            if strict:
                raise
            row = replace(row, body=b"")
        lost += [] if row.body else [LostMessages(1, row.message_id, row.message_id)]
    _count(state, sound, strict)
    return replace(state, lost=tuple(lost))


def _in_order(messages: list[Message], strict: bool) -> list[Message]:
    """Return the messages (read newest first) oldest first. A damaged index may return another order or duplicates."""
    ordered = sorted({message.id: message for message in messages}.values(), key=order)
    if strict and ordered != messages[::-1]:
        raise DamagedFile("the messages are not in their order")
    return ordered


def _count(state: ArchivedTranscript, found: Sequence[object], strict: bool) -> None:
    if strict and len(found) != state.messages:
        raise DamagedFile(f"{len(found)} of {state.messages} messages of {state.owner.session_id} were found")
