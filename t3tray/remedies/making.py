"""Remedies that make a session: carry the transcript into a new one, fork, start afresh. Besides `threads.creation` the only
place where a session is made, and only because the user chose it by name.

The session carries the intent before the thread is bound to it. After a crash in between the thread is bound as before, and the
new session is left as it is: t3tray deletes no session, because anybody may have opened it and written in it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from itertools import chain

from msgspec.structs import replace

from t3tray.domain.cursor import Cursor
from t3tray.domain.evidence import Activity
from t3tray.domain.handoff_prompt import carried, heading_of_lost
from t3tray.domain.journal import Entry, Event
from t3tray.domain.remedy import Choice, Remedy, RemedyRecord
from t3tray.domain.transcript import Origin, Transcript
from t3tray.domain.verdict import Kind, Reason
from t3tray.errors import Refused, ServerError
from t3tray.messages import journal_reasons as reasons
from t3tray.messages import remedy_refusals as refusals
from t3tray.messages.remedy_previews import afresh_preview, carry_preview, fork_preview
from t3tray.opencode.markers import Marker, marked_metadata
from t3tray.opencode.records import SessionRecord
from t3tray.remedies.binding import undo_binding
from t3tray.remedies.collecting import collect
from t3tray.remedies.plan import Plan, RemedyJournal, Tools, chosen, live_binding
from t3tray.remedies.proving import check_session, was_sent_into
from t3tray.system.folders import directory_exists
from t3tray.system.tasks import shield_until_done
from t3tray.threads.evidence import cursor_now
from t3tray.threads.session_server import SessionServer
from t3tray.threads.snapshot import ThreadDetails

_FORK = re.compile(r"(.+) \(fork #(\d+)\)", re.DOTALL)


class _Making:
    """What the three have in common."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def undo(self, details: ThreadDetails, done: tuple[Entry, ...]) -> Plan:
        return await undo_binding(self._tools, details, done)

    async def _make(
        self,
        details: ThreadDetails,
        record: RemedyRecord,
        why: str,
        make: Callable[[SessionServer, Marker], Awaitable[SessionRecord]],
        finish: Callable[[SessionServer, Cursor], Awaitable[Cursor]],
        others: tuple[str, ...] = (),
        compare: Callable[[SessionServer], Awaitable[None]] | None = None,
    ) -> None:
        """Write the intent, compare, make, fill, and only then bind; `others` are dismissed.

        From the intent on nothing is sent in the thread. `compare` raises Refused if the plan would lack something by now.
        """
        thread = details.row.thread
        server = await self._tools.connect()
        journal = RemedyJournal.of(self._tools, details, record)
        try:
            await journal.write(journal.entry(Event.INTENDED, why))
            try:
                if compare is not None:
                    await compare(server)
            except Refused:
                await journal.write(journal.entry(Event.ABANDONED, reasons.REFUSED_FIRST))
                raise
            # If this were cancelled in between, recovery could look before the server has made the session.
            made = await shield_until_done(make(server, Marker(thread.id, journal.intent, self._tools.store.id)))
            cursor = await finish(server, await cursor_now(server, made.facts, None))
            old = await self._tools.run_sql(live_binding, self._tools, thread.id)
            away = (journal.entry(Event.PUT_AWAY, reasons.NEW_CHOSEN, other) for other in others)
            await journal.write(*journal.rebinding(old, chosen(cursor, details), why), *away)
        finally:
            journal.close()


class StartAfresh(_Making):
    """Give the thread an empty session, because the user wants exactly that."""

    async def plan(self, details: ThreadDetails, choice: Choice) -> Plan:
        thread = details.row.thread
        refuse_missing_folder(thread.directory)
        preview = afresh_preview(thread.title, details.row.session_id, thread.directory, _left(details))

        async def finish(_server: SessionServer, cursor: Cursor) -> Cursor:
            return replace(cursor, afresh=True)

        async def carry_out() -> None:
            record = RemedyRecord(Remedy.START_AFRESH)
            await self._make(details, record, reasons.AFRESH, _new_session(details), finish, _others(details))

        return Plan(preview, carry_out, "")


class Carry(_Making):
    """Carry the conversation, as far as a source has it, into a new session."""

    async def plan(self, details: ThreadDetails, choice: Choice) -> Plan:
        refuse_missing_folder(details.row.thread.directory)
        transcript, origin = await self._tools.run_sql(self._source, details, choice.session_id)
        heading = heading_of_lost(transcript.session_id or details.row.session_id)
        packed = carried(transcript, heading, self._tools.now(), self._tools.budget(), origin)
        restored = f"on {self._tools.now():%Y-%m-%d} from {origin}"

        async def finish(server: SessionServer, cursor: Cursor) -> Cursor:
            text = carried(transcript, heading, self._tools.now(), self._tools.budget(), origin).text
            await server.add_message(cursor.session_id, text, cursor.session_id, cursor.directory)
            made = await cursor_now(server, (await server.session(cursor.session_id)).facts, None)
            return replace(made, restored=restored, last_finished_id=made.last_message_id, lacks=packed.lacks)

        async def compare(server: SessionServer) -> None:
            await _refuse_busy(server, details)
            if (await self._tools.run_sql(self._source, details, choice.session_id))[0] != transcript:
                raise refusals.conversation_has_grown()

        async def carry_out() -> None:
            why, record = reasons.restored(restored, packed.messages), RemedyRecord(Remedy.CARRY)
            await self._make(details, record, why, _new_session(details), finish, _others(details), compare)

        thread, bound = details.row.thread, details.row.session_id
        preview = carry_preview(thread.title, bound, thread.directory, _left(details), transcript.missing, origin, packed)
        return Plan(preview, carry_out, "")

    def _source(self, details: ThreadDetails, session_id: str) -> tuple[Transcript, str]:
        """Return the messages and their source: all that any source has, or those of the session that the user chose."""
        if session_id:
            found = next(sources(self._tools, details.row.thread.id, session_id), None)
            origin = found.origin if found else ""
        else:
            collected = collect(self._tools, details, None)
            found, origin = collected.transcript if collected.messages else None, collected.origin
        if found is None:
            raise refusals.no_copy()
        return found, origin


class Fork(_Making):
    """Copy the session and bind the thread to the copy. The copy is marked after it was made: the parent is never changed."""

    async def plan(self, details: ThreadDetails, choice: Choice) -> Plan:
        bound = details.cursor
        if bound is None:
            raise refusals.nothing_to_fork()
        title = (await check_session(self._tools, bound.session_id)).facts.title

        async def make(server: SessionServer, marker: Marker) -> SessionRecord:
            fork = await server.fork_session(bound.session_id, bound.directory)
            await server.set_metadata(fork.facts.id, marked_metadata(fork.metadata, marker))
            return fork

        async def finish(_server: SessionServer, cursor: Cursor) -> Cursor:
            return replace(cursor, restored=bound.restored, lacks=bound.lacks)

        async def compare(server: SessionServer) -> None:
            await _refuse_busy(server, details)

        async def carry_out() -> None:
            parent = (await (await self._tools.connect()).session(bound.session_id)).facts
            record = RemedyRecord(Remedy.FORK, bound.session_id, title=parent.title, after_ms=parent.updated_ms)
            await self._make(details, record, reasons.forked_from(bound.session_id), make, finish, compare=compare)

        return Plan(fork_preview(bound.session_id, title, bound.directory), carry_out, "")


async def _refuse_busy(server: SessionServer, details: ThreadDetails) -> None:
    """Raises Refused while the server runs a turn in the bound session: its answer would be missing from what is made."""
    session, row = details.row.session_id, details.row
    if session is None or row.verdict.kind is not Kind.RESUMABLE:
        return
    if await server.activity(session, row.thread.directory) is Activity.BUSY:
        raise refusals.turn_runs(session)


def sources(tools: Tools, thread_id: str, session_id: str | None, reason: Reason | None = None) -> Iterator[Transcript]:
    """Yield the sources of the conversation, best first: an existing session, then the copies. Runs in the SQL thread.

    `reason` is the verdict's on this session, None for one that the user chose. A long one takes a moment to read.
    """
    there = _from_opencode(tools, session_id) if session_id and reason is not Reason.HISTORY_LOST else ()
    return (found for found in chain(there, tools.copies(thread_id, session_id)) if found.messages)


async def give_up(tools: Tools, intent: Entry, record: RemedyRecord, server: SessionServer) -> None:
    """After a crash: the thread stays bound as before. The new session is named in the journal, left as it is and dismissed,
    so that it splits nothing; it can still be bound. One that t3tray sent into was bound, and its entries are lost: it stays
    the thread's own, beside the bound one."""
    journal = RemedyJournal.left_open(tools, intent, record)
    everything = await server.sessions()
    made = [session.facts.id for session in everything if session.marker and session.marker.intent == intent.intent]
    if not made and record.remedy is Remedy.FORK:
        made = await tools.run_sql(_unmarked_forks, tools, record, everything)
    bound = await tools.run_sql(_bound_by_now, tools, made)
    used = [each for each in made if await was_sent_into(server, each, tools.store.id)]
    if used:
        await journal.write(journal.entry(Event.ABANDONED, reasons.sent_into(used), used[0]))
        return
    away = [journal.entry(Event.PUT_AWAY, reasons.ABANDONED_AS_IT_IS, each) for each in made if each not in bound]
    found = made[0] if made else None
    await journal.write(journal.entry(Event.ABANDONED, reasons.made_and_left(made), found), *away)


def _bound_by_now(tools: Tools, sessions: list[str]) -> frozenset[str]:
    return frozenset(each for each in sessions if tools.store.journal.owner_of(each) is not None)


def _unmarked_forks(tools: Tools, record: RemedyRecord, everything: tuple[SessionRecord, ...]) -> list[str]:
    """Return the forks that this remedy may have made before it could mark one: by OpenCode's title for a fork, and not in the
    journal."""
    named = {entry.session_id for entry in tools.store.journal.entries()}
    return [
        session.facts.id
        for session in everything
        if session.facts.title == _fork_title(record.title)
        and session.facts.created_ms >= record.after_ms
        and session.facts.id not in named
    ]


def _fork_title(title: str) -> str:
    """Return OpenCode's title for a fork of a session with this title (1.18)."""
    numbered = _FORK.fullmatch(title)
    return f"{numbered[1]} (fork #{int(numbered[2]) + 1})" if numbered else f"{title} (fork #1)"


def refuse_missing_folder(directory: str) -> None:
    there = directory_exists(directory)
    if there is None:
        raise refusals.folder_unreadable(directory)
    if not there:
        raise refusals.no_folder(directory)


def has_source(tools: Tools, details: ThreadDetails) -> bool:
    """Whether `sources` would find any, without reading a long conversation of an existing session."""
    row, reason = details.row, details.row.verdict.reason
    return reason is Reason.DIRECTORY_MISMATCH or any(True for _ in sources(tools, row.thread.id, row.session_id, reason))


def _from_opencode(tools: Tools, session_id: str) -> tuple[Transcript, ...]:
    try:
        with tools.library() as library:
            return (Transcript(Origin.OPENCODE, library.messages(session_id), session_id),)
    except ServerError:
        # OpenCode's database is unreadable now: a copy of ours or of T3 Code is used without it.
        return ()


def _new_session(details: ThreadDetails) -> Callable[[SessionServer, Marker], Awaitable[SessionRecord]]:
    thread = details.row.thread

    async def make(server: SessionServer, marker: Marker) -> SessionRecord:
        return await server.create_session(thread.directory, thread.title, marker)

    return make


def _others(details: ThreadDetails) -> tuple[str, ...]:
    """Return the sessions that would claim the thread beside a new one."""
    gone = details.put_away
    there = (found.session_id for found in details.candidates if found.exists and not found.parent_id)
    others = dict.fromkeys((*there, *details.marked))
    return tuple(name for name in others if name not in gone and name != details.row.session_id)


def _left(details: ThreadDetails) -> tuple[str, ...]:
    """Return the existing sessions that are no longer the thread's after it was given a new one."""
    bound = (each.session_id for each in details.candidates if each.exists and each.session_id == details.row.session_id)
    return (*bound, *_others(details))
