"""All sessions of OpenCode's database at once, for looks at many threads; it keeps what it read, and reads only what changed.

It answers the questions of `DatabaseReader` that verdicts need, in the same words. Between two `refresh`es it stands still.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

from t3tray.core.domain.evidence import MessageFacts, SessionFacts
from t3tray.core.errors import OurBug, SessionMissing
from t3tray.core.opencode.database import DatabaseReader, OpenCodeDatabase

# In ms. A message is written up to some time after its session's own time has moved (35 ms were seen): for as long after the
# newest update of all a session that was just updated is read again.
_STILL_MOVING = 60_000


class SessionIndex:
    """For one thread at a time. Questions are answered between `refresh` and `release`; each raises ServerError."""

    def __init__(self, database: OpenCodeDatabase) -> None:
        self._database = database
        self._reader: DatabaseReader | None = None
        self._updated: dict[str, int] = {}
        self._sessions: dict[str, SessionFacts] = {}
        self._newest: dict[str, MessageFacts | None] = {}
        self._titles: dict[str, tuple[str, ...]] | None = None
        self._children: dict[str, tuple[SessionFacts, ...]] | None = None
        self._stamp: tuple[object, ...] = ()

    def refresh(self) -> frozenset[str]:
        """Read what changed; the ids of the sessions that are new, changed or gone. Raises ServerError."""
        stamp = tuple(_stamp(Path(f"{self._database.path}{suffix}")) for suffix in ("", "-wal"))
        self._reader = DatabaseReader(self._database.path)
        try:
            if stamp == self._stamp and stamp[0] is not None:
                return frozenset()
            self._reader.check_schema()
            changed = self._read_changes(self._reader)
        except BaseException:
            self._stamp = ()
            self.release()
            raise
        # From before the reading: what is written meanwhile is read at the next.
        self._stamp = stamp
        return changed

    def release(self) -> None:
        """Let go of the file, so that who writes it finds nobody in it."""
        if self._reader:
            self._reader.close()
            self._reader = None

    def prefetch(self, session_ids: Collection[str]) -> None:
        """Read the last messages of these sessions in one go."""
        wanted = [session for session in session_ids if session in self._sessions and session not in self._newest]
        found = self._open.newest_of(wanted) if wanted else {}
        # One without any message may hold them in another form; `newest` looks into that when it is asked.
        self._newest |= found

    @property
    def reader(self) -> DatabaseReader:
        """For the questions that are asked of few sessions only."""
        return self._open

    def titled(self, title: str) -> tuple[str, ...]:
        """The root sessions with exactly this title."""
        if self._titles is None:
            by_title = defaultdict(list)
            for session in self._sessions.values():
                if session.parent_id is None:
                    by_title[session.title].append(session.id)
            self._titles = {found: tuple(ids) for found, ids in by_title.items()}
        return self._titles.get(title, ())

    def children_of(self, session_id: str) -> tuple[SessionFacts, ...]:
        """The sessions of the sub-agents that were begun in this one."""
        if self._children is None:
            by_parent = defaultdict(list)
            for session in self._sessions.values():
                if session.parent_id is not None:
                    by_parent[session.parent_id].append(session)
            self._children = {parent: tuple(children) for parent, children in by_parent.items()}
        return self._children.get(session_id, ())

    def parents_of(self, session_ids: Collection[str]) -> frozenset[str]:
        """The sessions in which these were begun, of those that are sub-agents'."""
        known = (self._sessions[name].parent_id for name in session_ids if name in self._sessions)
        return frozenset(parent for parent in known if parent is not None)

    def session(self, session_id: str) -> SessionFacts:
        found = self._sessions.get(session_id)
        if found is None:
            raise SessionMissing(f"OpenCode's database has no session {session_id}.")
        return found

    def newest(self, session_id: str) -> MessageFacts | None:
        if session_id not in self._newest:
            self._newest[session_id] = self._open.newest(session_id)
        return self._newest[session_id]

    def message(self, session_id: str, message_id: str) -> MessageFacts:
        return self._open.message(session_id, message_id)

    def first(self, session_id: str) -> MessageFacts | None:
        return self._open.first(session_id)

    def count(self, session_id: str, since: str = "") -> int:
        return self._open.count(session_id, since)

    @property
    def _open(self) -> DatabaseReader:
        if self._reader is None:
            raise OurBug("The index of sessions was asked while it was at rest.")
        return self._reader

    def _read_changes(self, reader: DatabaseReader) -> frozenset[str]:
        updated = reader.updates()
        gone = self._updated.keys() - updated.keys()
        latest = max(updated.values(), default=0)
        changed = {
            session
            for session, at in updated.items()
            if self._updated.get(session) != at or (at > latest - _STILL_MOVING and session in self._newest)
        }
        for session in (*gone, *changed):
            self._newest.pop(session, None)
            self._sessions.pop(session, None)
        if changed:
            self._sessions |= {session.id: session for session in reader.sessions(changed)}
        if changed or gone:
            self._titles = self._children = None
        self._updated = updated
        return frozenset(changed | gone)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
