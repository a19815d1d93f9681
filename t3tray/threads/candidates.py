"""Candidates: every session that belonged to a thread at some time, as far as any source knows, and what each contains now.

Their contents are read from a server while one runs, else from OpenCode's database (in the SQL thread). Read only, without
judgement.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct

from t3tray.domain.evidence import SessionFacts
from t3tray.domain.journal import Entry, put_away
from t3tray.domain.split import Candidate
from t3tray.domain.t3code_thread import T3Thread
from t3tray.errors import ServerError, SessionMissing
from t3tray.opencode.database_reader import DatabaseReader
from t3tray.opencode.records import MessageSpan, SessionRecord
from t3tray.t3code.provider_logs import Stretch

T3_CURSOR = "T3 Code's cursor"
T3_OLD_CURSOR = "T3 Code's cursor before its new version"
T3_THREADS = "T3 Code's provider threads"
T3_LOG = "T3 Code's log"
T3_TITLE = "title"
T3_MESSAGES = "T3 Code's messages"
JOURNAL = "journal"
MARK = "t3tray's mark in it"


class SourceMemory(Struct, frozen=True):
    """What the sources know of one thread's sessions. `titled`: sessions named after it. `parts`: what its messages were made
    from. `with_parts`: sessions in which some of those were found already. `marked`: sessions that claim it by our mark."""

    t3: T3Thread | None = None
    stretches: tuple[Stretch, ...] = ()
    titled: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    with_parts: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()

    def names_only(self, session_id: str | None) -> bool:
        """Whether no session other than this one is known, not counting the journal's entries."""
        t3 = self.t3
        earlier = (*(session.session_id for session in t3.earlier), t3.before_import or session_id) if t3 else ()
        named = (*self.titled, *self.with_parts, *self.marked, *earlier, *(stretch.session_id for stretch in self.stretches))
        return all(name == session_id for name in named)

    def others_than(self, session_id: str | None) -> frozenset[str]:
        """Return the sessions that had parts of the conversation, by T3 Code's data or our mark, and that the user did not
        dismiss."""
        named = {name for source, names in _claims(self, None) if source not in (T3_CURSOR, JOURNAL) for name in names}
        return frozenset(named) - put_away(self.entries) - {session_id}


class CandidateServer(Protocol):
    """The requests to a server about candidates. Every method raises ServerError."""

    async def session(self, session_id: str) -> SessionRecord: ...

    async def span(self, session_id: str) -> MessageSpan: ...

    async def sessions_titled(self, title: str) -> tuple[str, ...]: ...


def candidates_of(memory: SourceMemory, reader: DatabaseReader | None) -> tuple[Candidate, ...]:
    """Return the sessions with where each was found, oldest first. Without a reader their contents are unknown."""
    learnt: dict[str, list[str]] = {}
    for source, sessions in _claims(memory, reader):
        for session in sessions:
            places = learnt.setdefault(session, [])
            if source not in places:
                places.append(source)
    found = [_candidate(session, tuple(places), reader) for session, places in learnt.items()]
    return _in_order(found)


async def candidates_from_server(thread_id: str, known: Iterable[Candidate], server: CandidateServer) -> tuple[Candidate, ...]:
    """Return these candidates, and those that only the server names, as the server has them now.

    What it cannot answer (a timeout, a 500) stays open: `exists` is None, and the contents are unknown.
    """
    learnt = {found.session_id: found.learnt_from for found in known}
    for session_id in await _titled(f"T3 Code {thread_id}", server):
        if T3_TITLE not in learnt.setdefault(session_id, ()):
            learnt[session_id] = (*learnt[session_id], T3_TITLE)
    return _in_order(await asyncio.gather(*(_from_server(session_id, places, server) for session_id, places in learnt.items())))


async def _titled(title: str, server: CandidateServer) -> tuple[str, ...]:
    try:
        return await server.sessions_titled(title)
    except ServerError:
        return ()


async def _from_server(session_id: str, places: tuple[str, ...], server: CandidateServer) -> Candidate:
    try:
        record, span = await asyncio.gather(server.session(session_id), server.span(session_id))
    except SessionMissing:
        return Candidate(session_id, places, exists=False)
    except ServerError:
        return Candidate(session_id, places)
    return _there(record.facts, places, span.messages, span.first_ms, span.last_ms, record.input_tokens)


def _in_order(found: Iterable[Candidate]) -> tuple[Candidate, ...]:
    return tuple(sorted(found, key=lambda candidate: candidate.created_ms))


def _claims(memory: SourceMemory, reader: DatabaseReader | None) -> Iterable[tuple[str, Iterable[str]]]:
    t3 = memory.t3
    if t3 is not None:
        yield T3_CURSOR, (t3.session_id,) if t3.session_id else ()
        yield T3_OLD_CURSOR, (t3.before_import,) if t3.before_import else ()
        yield T3_THREADS, (session.session_id for session in t3.earlier)
    yield T3_LOG, (stretch.session_id for stretch in memory.stretches)
    yield T3_TITLE, memory.titled
    yield T3_MESSAGES, memory.with_parts
    if reader is not None:
        yield T3_MESSAGES, reader.sessions_of_parts(memory.parts).values() if memory.parts else ()
    yield MARK, memory.marked
    yield JOURNAL, (entry.session_id for entry in memory.entries if entry.session_id)


def _candidate(session_id: str, places: tuple[str, ...], reader: DatabaseReader | None) -> Candidate:
    if reader is None:
        return Candidate(session_id, places)
    try:
        session = reader.session(session_id)
    except SessionMissing:
        return Candidate(session_id, places, exists=False)
    except ServerError:
        return Candidate(session_id, places)
    holding = reader.holding(session_id)
    return _there(session, places, holding.messages, holding.first_ms, holding.last_ms, holding.input_tokens)


def _there(
    session: SessionFacts, places: tuple[str, ...], messages: int, first_ms: int | None, last_ms: int | None, tokens: int
) -> Candidate:
    return Candidate(
        session_id=session.id,
        learnt_from=places,
        exists=True,
        directory=session.directory,
        title=session.title,
        parent_id=session.parent_id,
        archived=session.archived,
        created_ms=session.created_ms,
        messages=messages,
        first_ms=first_ms,
        last_ms=last_ms,
        input_tokens=tokens,
        reverting=session.reverted_to is not None,
    )
