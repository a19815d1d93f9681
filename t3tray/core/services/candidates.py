"""Every session that ever was a thread's own, as far as anybody remembers, and what each holds now. It reads; it judges nothing.

For the thread that runs the SQL.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from t3tray.core.domain.journal import Entry
from t3tray.core.domain.split import Candidate
from t3tray.core.errors import SessionMissing, Unsupported
from t3tray.core.opencode.database import DatabaseReader
from t3tray.core.t3code.provider_logs import Stretch
from t3tray.core.t3code.threads import T3Thread

T3_CURSOR = "T3 Code's cursor"
T3_OLD_CURSOR = "T3 Code's cursor before its new version"
T3_THREADS = "T3 Code's provider threads"
T3_LOG = "T3 Code's log"
T3_TITLE = "title"
T3_MESSAGES = "T3 Code's messages"
JOURNAL = "journal"


@dataclass(frozen=True)
class Memory:
    """What the sources remember of one thread. `titled` are sessions named after it, `parts` what its messages were made from;
    `told` the sessions that some of those were found in already."""

    t3: T3Thread | None = None
    stretches: tuple[Stretch, ...] = ()
    titled: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()

    def names_only(self, session_id: str | None) -> bool:
        """Whether no other session is remembered than this one, the entries left aside."""
        t3 = self.t3
        earlier = (*(session.session_id for session in t3.earlier), t3.before_import or session_id) if t3 else ()
        named = (*self.titled, *self.told, *earlier, *(stretch.session_id for stretch in self.stretches))
        return all(name == session_id for name in named)


def candidates_of(memory: Memory, reader: DatabaseReader | None) -> tuple[Candidate, ...]:
    """The sessions with where each was learnt, the oldest first. Without a reader nobody can tell what they hold."""
    learnt: dict[str, list[str]] = {}
    for source, sessions in _claims(memory, reader):
        for session in sessions:
            places = learnt.setdefault(session, [])
            if source not in places:
                places.append(source)
    found = [_candidate(session, tuple(places), reader) for session, places in learnt.items()]
    return tuple(sorted(found, key=lambda candidate: candidate.created_ms))


def _claims(memory: Memory, reader: DatabaseReader | None) -> Iterable[tuple[str, Iterable[str]]]:
    t3 = memory.t3
    if t3 is not None:
        yield T3_CURSOR, (t3.session_id,) if t3.session_id else ()
        yield T3_OLD_CURSOR, (t3.before_import,) if t3.before_import else ()
        yield T3_THREADS, (session.session_id for session in t3.earlier)
    yield T3_LOG, (stretch.session_id for stretch in memory.stretches)
    yield T3_TITLE, memory.titled
    yield T3_MESSAGES, memory.told
    if reader is not None:
        yield T3_MESSAGES, (session for part in memory.parts if (session := reader.session_of_part(part)))
    yield JOURNAL, (entry.session_id for entry in memory.entries if entry.session_id)


def _candidate(session_id: str, places: tuple[str, ...], reader: DatabaseReader | None) -> Candidate:
    if reader is None:
        return Candidate(session_id, places)
    try:
        session = reader.session(session_id)
    except SessionMissing:
        return Candidate(session_id, places, exists=False)
    except Unsupported:
        return Candidate(session_id, places)
    holding = reader.holding(session_id)
    return Candidate(
        session_id=session_id,
        learnt_from=places,
        exists=True,
        directory=session.directory,
        title=session.title,
        parent_id=session.parent_id,
        archived=session.archived,
        created_ms=session.created_ms,
        messages=holding.messages,
        first_ms=holding.first_ms,
        last_ms=holding.last_ms,
        input_tokens=holding.input_tokens,
    )
