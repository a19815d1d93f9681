"""Cache of all sessions of OpenCode's database, for scans of many threads; reads only what changed.

Answers those queries of `DatabaseReader` that verdicts need, with the same results. It changes only in `refresh`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from t3tray.domain.carries import Context
from t3tray.domain.evidence import MessageFacts, SessionFacts
from t3tray.errors import OurBug, ServerError, SessionMissing
from t3tray.opencode import session_rows
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.opencode.database_reader import DatabaseReader
from t3tray.opencode.database_rows import SESSION_COLUMNS, session_facts
from t3tray.opencode.marked_sessions import file_stamp
from t3tray.system.read_only_sqlite import Row
from t3tray.system.row_fingerprints import Marks, changed

# In ms. A message may be written some time after its session's own time was updated (35 ms were observed): sessions updated this
# recently, relative to the newest update of all, are read again.
_STILL_MOVING = 60_000
# Number of sessions that one refresh checks for deleted messages or parts; the next refreshes check the others.
_AT_ONCE = 50
_PARENT, _TITLE = SESSION_COLUMNS.index("parent_id"), SESSION_COLUMNS.index("title")


class SessionIndex:
    """Cache for one thread at a time. Queries are possible between `refresh` and `release`; each may raise ServerError. `path` is
    the database's path when the index was created: another file needs another index."""

    def __init__(self, database: OpenCodeDatabase) -> None:
        self._database = database
        self.path = database.path
        self._reader: DatabaseReader | None = None
        self._marks: Marks = ()
        self._rows: dict[str, Row] = {}
        self._sessions: dict[str, SessionFacts] = {}
        self._newest: dict[str, MessageFacts | None] = {}
        self._contexts: dict[str, Context] = {}
        self._sizes: dict[str, session_rows.Size] = {}
        self._round: list[str] = []
        self._measured = self._left = 0
        self._opencode2: dict[str, int] = {}
        self._opencode2_mark: Row = ()
        self._titles: dict[str, tuple[str, ...]] = {}
        self._children: dict[str, tuple[str, ...]] = {}
        self._stamp: tuple[object, ...] = ()

    def refresh(self) -> frozenset[str]:
        """Read what changed, and return the ids of new, changed and removed sessions. Raises ServerError."""
        stamp = file_stamp(self.path)
        self._reader = self._database.reader()
        try:
            if stamp == self._stamp and stamp[0] is not None:
                return self._read_sizes(self._reader)
            self._reader.check_schema()
            found = self._read_changes(self._reader) if self._rows else self._read_all(self._reader)
            found |= self._read_opencode2(self._reader)
        except BaseException:
            self._stamp = ()
            self.release()
            raise
        # Taken before reading: what is written meanwhile is read by the next refresh.
        self._stamp = stamp
        return found

    def release(self) -> None:
        """Close the file, so that it is not in use while another program writes it."""
        if self._reader:
            self._reader.close()
            self._reader = None

    def doubt(self) -> None:
        """Make the next `refresh` read the changes even if the file's stamp is the same: the last read may be incomplete."""
        self._stamp = ()

    def prefetch(self, session_ids: Collection[str]) -> None:
        """Read the last messages of these sessions, and what the model would get of them, at once."""
        wanted = [session for session in session_ids if session in self._rows and session not in self._newest]
        if wanted:
            # Sessions without a message here are read by `newest` when needed.
            are_most = 2 * len(wanted) > len(self._rows)
            # Read before the messages: what is deleted in between is found by the next refresh.
            sizes = session_rows.sizes(self._open, wanted) if len(wanted) <= _AT_ONCE else {}
            newest, contexts, counts = session_rows.ends(self._open, wanted, are_most)
            self._contexts |= contexts
            self._newest |= newest
            self._sizes |= counts | sizes

    @property
    def reader(self) -> DatabaseReader:
        """The reader, for queries on a few sessions only."""
        return self._open

    def titled(self, title: str) -> tuple[str, ...]:
        """Return the ids of root sessions with exactly this title."""
        return self._titles.get(title, ())

    def children_of(self, session_id: str) -> tuple[str, ...]:
        """Return the sub-agents' sessions that were started in this one."""
        return self._children.get(session_id, ())

    def parents_of(self, session_ids: Collection[str]) -> frozenset[str]:
        """Return the parent sessions of those that are sub-agents' sessions."""
        known = (self._rows[name][_PARENT] for name in session_ids if name in self._rows)
        return frozenset(parent for parent in known if isinstance(parent, str))

    def session(self, session_id: str) -> SessionFacts:
        found = self._sessions.get(session_id)
        if found is None:
            row = self._rows.get(session_id)
            if row is None:
                raise self._open.without(session_id)
            found = self._sessions[session_id] = session_facts(row)
        return found

    def has(self, session_id: str) -> bool | None:
        """Return whether the session exists; None where that is not known."""
        try:
            self.session(session_id)
        except SessionMissing:
            return False
        except ServerError:
            return None
        return True

    def newest(self, session_id: str) -> MessageFacts | None:
        if self._newest.get(session_id) is None:
            # "No message" is not cached: whether absence counts may have changed.
            self._newest[session_id] = self._open.newest(session_id)
        return self._newest[session_id]

    def context(self, session_id: str, taken_back: str | None = None) -> Context:
        if taken_back is not None:
            return self._open.context(session_id, taken_back)
        if session_id not in self._contexts:
            self._contexts[session_id] = self._open.context(session_id)
        return self._contexts[session_id]

    def held_by_opencode2(self, session_id: str) -> int:
        return self._opencode2.get(session_id, 0)

    def message(self, session_id: str, message_id: str) -> MessageFacts:
        return self._open.message(session_id, message_id)

    def first(self, session_id: str) -> MessageFacts | None:
        return self._open.first(session_id)

    def count(self, session_id: str, since: str = "") -> int:
        return self._open.count(session_id, since)

    def count_until(self, session_id: str, message_id: str) -> int | None:
        return self._open.count_until(session_id, message_id)

    @property
    def _open(self) -> DatabaseReader:
        if self._reader is None:
            raise OurBug("The index of sessions was used outside refresh and release.")
        return self._reader

    def _read_all(self, reader: DatabaseReader) -> frozenset[str]:
        # Read before the sessions: what changes in between is found by the next refresh.
        self._marks = session_rows.update_marks(reader)
        self._take(session_rows.all_sessions(reader))
        return frozenset(self._rows)

    def _read_changes(self, reader: DatabaseReader) -> frozenset[str]:
        marks = session_rows.update_marks(reader)
        moving = (name for name in session_rows.updated_lately(reader, _STILL_MOVING) if name in self._newest)
        names = changed(self._marks, marks).union(moving)
        self._drop(names)
        self._take(session_rows.some_sessions(reader, names) if names else ())
        self._marks = marks
        self._left = len(self._newest) + _AT_ONCE
        return frozenset(names) | self._read_sizes(reader)

    def _read_sizes(self, reader: DatabaseReader) -> frozenset[str]:
        """Check the next batch of sessions for changed messages or parts despite unchanged times; return the changed ones."""
        if self._left <= 0:
            return frozenset()
        if self._measured >= len(self._round):
            self._round, self._measured = list(self._newest), 0
        names = [name for name in self._round[self._measured : self._measured + _AT_ONCE] if name in self._newest]
        self._measured, self._left = self._measured + _AT_ONCE, self._left - _AT_ONCE
        now = session_rows.sizes(reader, names)
        found = {name for name in names if not now[name].may_be(self._sizes.get(name, now[name]))}
        self._sizes |= now
        for name in found:
            self._newest.pop(name)
            self._contexts.pop(name, None)
        return frozenset(found)

    def _read_opencode2(self, reader: DatabaseReader) -> frozenset[str]:
        """Read the counts of OpenCode 2's own messages if they changed; return the ids of the sessions concerned."""
        mark = session_rows.opencode2_mark(reader)
        if mark == self._opencode2_mark:
            return frozenset()
        before, self._opencode2 = self._opencode2, session_rows.held_by_opencode2(reader)
        self._opencode2_mark = mark
        return frozenset(name for name, _ in before.items() ^ self._opencode2.items())

    def _take(self, rows: Iterable[Row]) -> None:
        for row in rows:
            name, parent = row[0], row[_PARENT]
            if isinstance(name, str):
                self._rows[name] = row
                group, key = (self._titles, row[_TITLE]) if parent is None else (self._children, parent)
                group[key] = (*group.get(key, ()), name)

    def _drop(self, session_ids: Iterable[str]) -> None:
        for name in session_ids:
            self._newest.pop(name, None)
            self._contexts.pop(name, None)
            self._sizes.pop(name, None)
            self._sessions.pop(name, None)
            row = self._rows.pop(name, None)
            if row is not None:
                group, key = (self._titles, row[_TITLE]) if row[_PARENT] is None else (self._children, row[_PARENT])
                group[key] = tuple(other for other in group[key] if other != name)
