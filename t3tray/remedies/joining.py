"""Remedies that bring a conversation together: `heal` in the session that T3 Code names, `join` in any of the thread's own.

What the session lacks goes into it as one labelled message without an answer; other sessions are left as they are, and the
journal links them. The message carries the intent, so that it is never sent twice.
"""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs

from t3tray.domain.evidence import Activity, SessionFacts
from t3tray.domain.handoff_prompt import carried, heading_of_others
from t3tray.domain.journal import Entry, Event
from t3tray.domain.merging import Brought, Collected
from t3tray.domain.remedy import Choice, Remedy, RemedyRecord
from t3tray.domain.split import split_of
from t3tray.errors import SessionMissing
from t3tray.messages import journal_reasons as reasons
from t3tray.messages import remedy_refusals as refusals
from t3tray.messages.carries import together
from t3tray.messages.remedy_previews import join_preview, undo_join_lines
from t3tray.opencode.records import SessionRecord
from t3tray.remedies.binding import bring_back, refuse_owned, refuse_unfit, undo_binding
from t3tray.remedies.collecting import collect, never_brought, other_sessions
from t3tray.remedies.plan import Plan, RemedyJournal, Tools, chosen, live_binding
from t3tray.remedies.proving import check_session, was_sent_into
from t3tray.threads.evidence import STILL_WARM, cursor_now
from t3tray.threads.session_server import SessionServer
from t3tray.threads.snapshot import ThreadDetails

# Out of three signs that a turn runs.
_SIGNS = 2
TELLS = frozenset({Remedy.HEAL, Remedy.JOIN})
_PAGE = 100


class Join:
    """The choice's `session_id` is the session to keep; by default the one that T3 Code names, else the bound one."""

    def __init__(self, tools: Tools, remedy: Remedy) -> None:
        self._tools = tools
        self._remedy = remedy

    async def plan(self, details: ThreadDetails, choice: Choice) -> Plan:
        target = self._session_to_keep(details, choice)
        checked = await check_session(self._tools, target)
        refuse_unfit(details, checked.facts)
        _refuse_reverted(checked.facts)
        if checked.doubt:
            raise refusals.lack_unknown(target, checked.doubt)
        collected = await self._tools.run_sql(self._collect, details, target)
        bound = await self._tools.run_sql(live_binding, self._tools, details.row.thread.id)
        others = other_sessions(details, target)
        heading = heading_of_others(collected.sessions)
        packed = carried(collected.transcript, heading, self._tools.now(), self._tools.budget(), collected.origin)
        stays_lacking = never_brought(details, bound, target, collected)

        async def carry_out() -> None:
            server = await self._tools.connect()
            facts = (await _record(server, target)).facts
            refuse_unfit(details, facts)
            _refuse_reverted(facts)
            await _refuse_at_work(self._tools, details, server, target)
            thread_id = details.row.thread.id
            journal = RemedyJournal.of(self._tools, details, RemedyRecord(self._remedy, target))
            try:
                await journal.write(journal.entry(Event.INTENDED, reasons.joining(target, others), target))
                if packed.messages:
                    text = carried(collected.transcript, heading, self._tools.now(), self._tools.budget(), collected.origin).text
                    await server.add_message(target, text, journal.intent, facts.directory)
                old = await self._tools.run_sql(live_binding, self._tools, thread_id)
                now = await cursor_now(server, facts, old)
                if packed.messages:
                    # The carried message gets no answer, and none is missing.
                    now = structs.replace(now, last_finished_id=now.last_message_id)
                now = structs.replace(now, lacks=together(packed.lacks, never_brought(details, old, target, collected)))
                why = reasons.carried_over(packed.messages, collected.sessions)
                away = (journal.entry(Event.PUT_AWAY, reasons.joined_into(target), other) for other in others)
                await journal.write(*journal.rebinding(old, chosen(now, details), why), *away)
                if self._remedy is Remedy.HEAL:
                    # What was lost is back: its alarms are done.
                    await self._tools.run_sql(self._tools.store.alarms.mark_seen, thread_id, self._tools.now())
            finally:
                journal.close()

        brought = Brought(collected, packed, stays_lacking)
        holding = {found.session_id: found.messages for found in details.candidates if found.session_id in others}
        now = bound or details.cursor
        title = details.row.thread.title
        return Plan(
            join_preview(self._remedy, title, target, holding, brought, now.session_id if now else None), carry_out, target
        )

    async def undo(self, details: ThreadDetails, done: tuple[Entry, ...]) -> Plan:
        """Restore the binding, and delete the message."""
        plan, record = await undo_binding(self._tools, details, done), done[0].deed
        assert record is not None

        async def carry_out() -> None:
            server = await self._tools.connect()
            undoing = RemedyRecord(Remedy.UNDO, record.session_id, undoes=done[0].intent or "")
            journal = RemedyJournal.of(self._tools, details, undoing)
            try:
                await journal.write(journal.entry(Event.INTENDED, reasons.undoing(record.remedy), record.session_id))
                await _undo(self._tools, journal, done, server)
            finally:
                journal.close()

        preview = replace(plan.preview, kept=())
        if not any(entry.event is Event.CONFIRMED and reasons.none_carried(entry.why) for entry in done):
            after, lost = undo_join_lines(record.session_id)
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
            raise refusals.nothing_to_join(can_heal=bool(named))
        return named if named and any(claim.session_id == named for claim in claims) else claims[0].session_id

    def _collect(self, details: ThreadDetails, target: str) -> Collected:
        refuse_owned(self._tools, details, target)
        collected = collect(self._tools, details, target)
        bound = live_binding(self._tools, details.row.thread.id)
        if self._remedy is Remedy.JOIN and not other_sessions(details, target):
            raise refusals.no_other_part(target)
        is_here = bound is not None and bound.session_id == target
        if not collected.messages and is_here and (stays := never_brought(details, bound, target, collected)):
            raise refusals.nobody_has(target, stays)
        if not collected.messages and is_here and not other_sessions(details, target) and not (bound and bound.lacks):
            raise refusals.holds_all(target, collected.summarised)
        return collected


def _to_heal(details: ThreadDetails, choice: Choice, named: str | None) -> str:
    """Return the session that T3 Code names. Raises Refused if there is none."""
    if details.row.t3 is None:
        raise refusals.heal_without_t3_code()
    if named is None:
        raise refusals.t3_code_has_no_session()
    if choice.session_id not in ("", named):
        raise refusals.t3_code_is_elsewhere(named, choice.session_id)
    return named


def _refuse_reverted(session: SessionFacts) -> None:
    """Raises Refused for a pending revert: OpenCode deletes what it took back with the next message, ours too."""
    if session.reverted_to:
        raise refusals.revert_is_pending(session.id)


async def _record(server: SessionServer, session_id: str) -> SessionRecord:
    """Return the session from the server, whatever a scan said before. Raises Refused for one that is gone."""
    try:
        return await server.session(session_id)
    except SessionMissing as error:
        raise refusals.no_session(session_id) from error


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
        raise refusals.turn_runs(session_id)


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
        await journal.write(journal.entry(Event.ABANDONED, reasons.NOTHING_TO_UNDO))
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
        await journal.write(journal.entry(Event.ABANDONED, reasons.gone_on_in(record.session_id)))
        return
    message = await take_out(server, record.session_id, intent.intent or "")
    await journal.write(journal.entry(Event.ABANDONED, reasons.taken_out(message), record.session_id))
