"""Which sessions of OpenCode gave T3 Code the answers that it shows, remembered from scan to scan. For the SQL thread."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from itertools import islice

from t3tray.errors import ServerError
from t3tray.opencode.index import SessionIndex
from t3tray.threads.t3code_sessions import T3NamedSessions
from t3tray.threads.t3code_sources import T3Sources

# In threads: if more are due at once, only the first and the last answer of each are read, the others in the scans that follow.
WHOLE_AT_ONCE = 200
_NOWHERE: frozenset[str] = frozenset()


class AnsweringSessions:
    """`absence_counts`: what is not in the index is not in OpenCode's database at all."""

    def __init__(self, sources: T3Sources, named: T3NamedSessions) -> None:
        self._sources = sources
        self._named = named
        self._answered_in: dict[str, frozenset[str]] = {}
        self._half_read: dict[str, None] = {}

    @property
    def half_read(self) -> int:
        """Number of threads of which only the first and the last answer were looked at."""
        return len(self._half_read)

    def of(self, thread_id: str) -> frozenset[str]:
        return self._answered_in.get(thread_id, _NOWHERE)

    def read(self, names: Collection[str], index: SessionIndex, absence_counts: bool) -> set[str]:
        """Read the answers of these threads; return those of which more, or less, is known now. Raises ServerError."""
        before = {name: self._answered_in.get(name) for name in names}
        only_ends = len(names) > WHOLE_AT_ONCE
        read = self._sources.parts(names, only_ends)
        parts: dict[str, tuple[str, ...]] = defaultdict(tuple)
        for name, ids in (item for each in read if each for item in each.items()):
            parts[name] += ids
        sessions = index.reader.sessions_of_parts([part for ids in parts.values() for part in ids]) if parts else {}
        # What is known of the middle stays known while only the ends are read, or nothing can be.
        keeps = only_ends or None in read
        self._named.note_answers(names, parts, sessions, absence_counts)
        for name in names:
            found_parts = parts.get(name, ())
            self._half_read.pop(name, None)
            if found_parts or not keeps:
                found = frozenset(sessions[part] for part in found_parts if part in sessions)
                self._answered_in[name] = found | self.of(name) if keeps else found
        if only_ends:
            self._half_read |= dict.fromkeys(parts)
        return {name for name in names if self._answered_in.get(name) != before[name]}

    def read_middles(self, index: SessionIndex, absence_counts: bool) -> set[str]:
        """Read all answers of some half-read threads; return those that another session answered in between."""
        try:
            return self.read(tuple(islice(self._half_read, WHOLE_AT_ONCE)), index, absence_counts)
        except ServerError:
            return set()  # they stay half-read, and are tried again at the next scan
