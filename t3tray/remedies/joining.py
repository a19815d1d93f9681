"""Remedies that bring a conversation together: `heal` in the session that T3 Code names, `join` in any of the thread's own.

What the session lacks goes into it as one labelled message without an answer; other sessions are left as they are, and the
journal links them. The message carries the intent, so that it is never sent twice.
"""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs

from t3tray.domain.evidence import Activity, SessionFacts
from t3tray.domain.handoff_prompt import carried
from t3tray.domain.journal import Entry, Event
from t3tray.domain.remedy import Choice, Remedy, RemedyRecord
from t3tray.domain.split import split_of
from t3tray.errors import CannotTell, Refused, SessionMissing
from t3tray.messages.carries import together
from t3tray.opencode.records import SessionRecord
from t3tray.remedies.binding import bring_back, refuse_owned, refuse_unfit, undo_binding
from t3tray.remedies.collecting import Collected, collect, counted, other_sessions
from t3tray.remedies.join_preview import Brought, join_preview, never_brought
from t3tray.remedies.plan import Plan, RemedyJournal, Tools, chosen, live_binding
from t3tray.remedies.proving import check_session, was_sent_into
from t3tray.threads.evidence import STILL_WARM, cursor_now
from t3tray.threads.session_server import SessionServer
from t3tray.threads.snapshot import ThreadDetails

# Out of three signs that a turn runs.
_SIGNS = 2
TELLS = frozenset({Remedy.HEAL, Remedy.JOIN})
_PAGE = 100
# Beginning of the journal's entry if nothing had to be carried.
_NOTHING = f"{counted(0)} "


class Join:
    """The choice's `session_id` is the session to keep; by default the one that T3 Code names, else the bound one."""

    def __init__(self, tools: Tools, remedy: Remedy) -> None:
        self._tools = tools
        self._remedy = remedy

    async def plan(self, details: ThreadDetails, choice: Choice) -> Plan:
        keep = self._session_to_keep(details, choice)
        checked = await check_session(self._tools, keep)
        refuse_unfit(details, checked.facts)
        _refuse_reverted(checked.facts)
        if checked.doubt:
            raise CannotTell(f"What {keep} lacks cannot be told: {checked.doubt}", "Nothing was changed.")
        collected = await self._tools.run_sql(self._collect, details, keep)
        bound = await self._tools.run_sql(live_binding, self._tools, details.row.thread.id)
        others = other_sessions(details, keep)
        listed = ", ".join(others)
        came_from = ", ".join(collected.sessions) or "T3 Code"
        heading = f"These messages belong to this conversation and were written in another session ({came_from})."
        packed = carried(collected.transcript, heading, self._tools.now(), self._tools.budget(), collected.origin)
        stays_lacking = never_brought(details, bound, keep, collected)

        async def carry_out() -> None:
            server = await self._tools.connect()
            facts = (await _record(server, keep)).facts
            refuse_unfit(details, facts)
            _refuse_reverted(facts)
            await _refuse_at_work(self._tools, details, server, keep)
            thread_id = details.row.thread.id
            journal = RemedyJournal.of(self._tools, details, RemedyRecord(self._remedy, keep))
            try:
                why = f"join {listed} into {keep}" if listed else f"bring the conversation back into {keep}"
                await journal.write(journal.entry(Event.INTENDED, why, keep))
                if packed.messages:
                    text = carried(collected.transcript, heading, self._tools.now(), self._tools.budget(), collected.origin).text
                    await server.add_message(keep, text, journal.intent, facts.directory)
                old = await self._tools.run_sql(live_binding, self._tools, thread_id)
                now = await cursor_now(server, facts, old)
                if packed.messages:
                    # The carried message gets no answer, and none is missing.
                    now = structs.replace(now, last_finished_id=now.last_message_id)
                now = structs.replace(now, lacks=together(packed.lacks, never_brought(details, old, keep, collected)))
                lines = journal.rebinding(old, chosen(now, details), f"{counted(packed.messages)} carried over from {came_from}")
                await journal.write(*lines, *(journal.entry(Event.PUT_AWAY, f"joined into {keep}", other) for other in others))
                if self._remedy is Remedy.HEAL:
                    # What was lost is back: its alarms are done.
                    await self._tools.run_sql(self._tools.store.alarms.mark_seen, thread_id, self._tools.now())
            finally:
                journal.close()

        brought = Brought(collected, packed, stays_lacking)
        return Plan(join_preview(details, self._remedy, keep, others, brought, bound or details.cursor), carry_out, keep)

    async def undo(self, details: ThreadDetails, done: tuple[Entry, ...]) -> Plan:
        """Restore the binding, and delete the message."""
        plan, record = await undo_binding(self._tools, details, done), done[0].deed
        assert record is not None

        async def carry_out() -> None:
            server = await self._tools.connect()
            undoing = RemedyRecord(Remedy.UNDO, record.session_id, undoes=done[0].intent or "")
            journal = RemedyJournal.of(self._tools, details, undoing)
            try:
                await journal.write(journal.entry(Event.INTENDED, f"undo “{record.remedy}”", record.session_id))
                await _undo(self._tools, journal, done, server)
            finally:
                journal.close()

        preview = replace(plan.preview, kept=())
        if not any(entry.event is Event.CONFIRMED and entry.why.startswith(_NOTHING) for entry in done):
            after = f"The message that was carried into {record.session_id} is deleted from it."
            lost = "What that message tells: the model would know it no more, but for what a summary may hold of it."
            preview = replace(preview, after=(*preview.after, after), lost=(*preview.lost, lost))
        return Plan(preview, carry_out, plan.gives)

    def _session_to_keep(self, details: ThreadDetails, choice: Choice) -> str:
        named = details.row.t3.session_id if details.row.t3 else None
        if self._remedy is Remedy.HEAL:
            return _to_heal(details, choice, named)
        if choice.session_id:
            return choice.session_id
        claims = split_of(details.row.session_id, details.candidates, details.put_away)
        if not claims:
            heal = f"“{Remedy.HEAL}” brings back what is in no session any more." if named else None
            raise Refused("There is nothing to join: no two sessions that hold a part of this conversation are there.", heal)
        return named if named and any(claim.session_id == named for claim in claims) else claims[0].session_id

    def _collect(self, details: ThreadDetails, keep: str) -> Collected:
        refuse_owned(self._tools, details, keep)
        collected = collect(self._tools, details, keep)
        bound = live_binding(self._tools, details.row.thread.id)
        if self._remedy is Remedy.JOIN and not other_sessions(details, keep):
            raise Refused(f"No other session holds a part of this conversation that {keep} lacks.", "There is nothing to join.")
        is_here = bound is not None and bound.session_id == keep
        if not collected.messages and is_here and (stays := never_brought(details, bound, keep, collected)):
            raise Refused(f"Nobody can bring back what {keep} lacks: {stays}.", "There is nothing to bring back.")
        if not collected.messages and is_here and not other_sessions(details, keep) and not (bound and bound.lacks):
            how = f", {collected.summarised:,} messages of it as a summary only" if collected.summarised else ""
            raise Refused(f"{keep}, in which T3 Code goes on, holds all of this conversation{how}.", "There is nothing to heal.")
        return collected


def _to_heal(details: ThreadDetails, choice: Choice, named: str | None) -> str:
    """Return the session that T3 Code names. Raises Refused if there is none."""
    if details.row.t3 is None:
        raise Refused("This thread is not one of T3 Code's.", f"“{Remedy.JOIN}” brings its sessions together.")
    if named is None:
        raise Refused(
            "T3 Code goes on in no session yet: its next message makes a new one.",
            f"Send it there, then choose “{Remedy.HEAL}” again; or “{Remedy.CARRY}”, to go on here.",
        )
    if choice.session_id not in ("", named):
        raise Refused(f"T3 Code goes on in {named}, not in {choice.session_id}.", f"“{Remedy.JOIN}” keeps any session.")
    return named


def _gone(session_id: str) -> Refused:
    return Refused(f"There is no session {session_id} in OpenCode.", "Nothing was changed.")


def _refuse_reverted(session: SessionFacts) -> None:
    """Raises Refused for a pending revert: OpenCode deletes what it took back with the next message, ours too."""
    if session.reverted_to:
        raise Refused(
            f"A revert is pending in {session.id}: a message would delete for good what it took back.",
            "Take the revert back in OpenCode, or send the next message, then try again.",
        )


async def _record(server: SessionServer, session_id: str) -> SessionRecord:
    """Return the session from the server, whatever a scan said before. Raises Refused for one that is gone."""
    try:
        return await server.session(session_id)
    except SessionMissing as error:
        raise _gone(session_id) from error


async def _refuse_at_work(tools: Tools, details: ThreadDetails, server: SessionServer, session_id: str) -> None:
    """Raises Refused while a turn runs in the session: the model would take the carried message for a part of the question.

    T3 Code has a server of its own for its turns, which ours cannot see. Signs of such a turn: a last message without an answer,
    a message written recently, T3 Code's own state; two have to agree, because each alone may be left from a crash.
    """
    newest = next(iter((await server.messages(session_id, 1)).messages), None)
    is_open = newest is not None and not newest.facts.ends_a_turn and not newest.mark
    age = tools.now().timestamp() - newest.facts.created_ms / 1000 if newest else None
    is_warm = age is not None and age < STILL_WARM.total_seconds()
    is_working = details.row.t3 is not None and details.row.t3.is_working
    busy = await server.activity(session_id, details.row.thread.directory) is Activity.BUSY
    if busy or is_open + is_warm + is_working >= _SIGNS:
        raise Refused(f"A turn is running in {session_id}.", "Nothing was changed. Try again when it is over.")


async def take_out(server: SessionServer, session_id: str, mark: str) -> str | None:
    """Delete the message with this mark; return its id, None if there is none (any more)."""
    before: str | None = None
    while True:
        try:
            page = await server.messages(session_id, _PAGE, before)
        except SessionMissing:
            return None
        found = next((record.facts.id for record in page.messages if record.mark == mark), None)
        if found is not None:
            await server.delete_message(session_id, found)
            return found
        before = page.older
        if before is None:
            return None


async def finish_undo(tools: Tools, intent: Entry, record: RemedyRecord, server: SessionServer) -> None:
    """After a crash during the undoing of a join: do the rest."""
    entries = await tools.run_sql(tools.store.journal.entries, intent.thread_id)
    done = tuple(entry for entry in entries if entry.intent == record.undoes)
    journal = RemedyJournal.left_open(tools, intent, record)
    if not any(entry.event is Event.CONFIRMED for entry in done):
        await journal.write(journal.entry(Event.ABANDONED, "the journal lacks what it was to undo"))
        return
    await _undo(tools, journal, done, server)


async def _undo(tools: Tools, journal: RemedyJournal, done: tuple[Entry, ...], server: SessionServer) -> None:
    await take_out(server, journal.record.session_id, journal.record.undoes)
    await bring_back(tools, journal, done)


async def give_up_join(tools: Tools, intent: Entry, record: RemedyRecord, server: SessionServer) -> None:
    """After a crash: delete the message that may have arrived. Not from a session that t3tray sent into since: the join was
    complete there, and its entries are lost."""
    journal = RemedyJournal.left_open(tools, intent, record)
    if await was_sent_into(server, record.session_id, tools.store.id, int(intent.at.timestamp() * 1000)):
        # Without the session: the journal's last entry about it stays older than the messages, which makes it a claim.
        await journal.write(journal.entry(Event.ABANDONED, f"the journal lacks its end; {record.session_id} was gone on in"))
        return
    message = await take_out(server, record.session_id, intent.intent or "")
    why = f"cut off before it came to its end; {message} was taken out again" if message else "cut off before it began"
    await journal.write(journal.entry(Event.ABANDONED, why, record.session_id))
