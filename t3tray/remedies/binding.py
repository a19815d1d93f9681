"""Remedies that change only the binding, in one transaction: bind to another session, or unbind.

They create and end nothing in OpenCode.
"""

from __future__ import annotations

from msgspec import structs

from t3tray.domain.cursor import Cursor
from t3tray.domain.evidence import SessionFacts
from t3tray.domain.journal import Entry, Event
from t3tray.domain.merging import lacking
from t3tray.domain.remedy import Choice, Preview, Remedy, RemedyRecord
from t3tray.domain.split import Candidate, split_of
from t3tray.domain.transcript import Message
from t3tray.domain.verdict import Kind, Reason
from t3tray.messages import journal_reasons as reasons
from t3tray.messages import remedy_refusals as refusals
from t3tray.messages.remedy_previews import bind_preview, release_preview, undo_binding_preview
from t3tray.remedies.collecting import left_out, losses
from t3tray.remedies.plan import Plan, RemedyJournal, Tools, chosen, live_binding
from t3tray.remedies.proving import check_session
from t3tray.system.folders import same_directory
from t3tray.threads.evidence import cursor_now
from t3tray.threads.session_server import refuse_stranded
from t3tray.threads.snapshot import ThreadDetails


class Bind:
    """Bind to a candidate, or to any session that the user names."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def plan(self, details: ThreadDetails, choice: Choice) -> Plan:
        session_id = choice.session_id or _only_choice(details)
        checked = await check_session(self._tools, session_id)
        refuse_unfit(details, checked.facts)
        await self._tools.run_sql(self._refuse, details, session_id)
        preview, rivals = await self._tools.run_sql(self._preview, details, session_id, checked.doubt)

        async def carry_out() -> None:
            server = await self._tools.connect()
            record = await server.session(session_id)
            refuse_unfit(details, record.facts)
            old = await self._tools.run_sql(live_binding, self._tools, details.row.thread.id)
            now = await cursor_now(server, record.facts, old)
            if now.last_message_id is None:
                await refuse_stranded(server, session_id)
            lacks = await self._tools.run_sql(left_out, self._tools, details, session_id, checked.doubt)
            cursor = structs.replace(chosen(now, details), lacks=lacks)
            journal = RemedyJournal.of(self._tools, details, RemedyRecord(Remedy.BIND, session_id))
            try:
                lines = journal.rebinding(old, cursor, reasons.CHOSEN)
                away = (journal.entry(Event.PUT_AWAY, reasons.ANOTHER_CHOSEN, rival) for rival in rivals)
                await journal.write(*lines, *away)
            finally:
                journal.close()

        return Plan(preview, carry_out, session_id)

    async def undo(self, details: ThreadDetails, done: tuple[Entry, ...]) -> Plan:
        return await undo_binding(self._tools, details, done)

    def _refuse(self, details: ThreadDetails, session_id: str) -> None:
        refuse_owned(self._tools, details, session_id)
        bound = live_binding(self._tools, details.row.thread.id)
        elsewhere = details.row.t3 is not None and details.row.t3.session_id != session_id
        settled = bound is not None and (not elsewhere or bound.chosen_over is not None) and not _rivals(details, session_id)
        if bound is not None and bound.session_id == session_id and settled:
            raise refusals.bound_already(session_id)

    def _preview(self, details: ThreadDetails, session_id: str, doubt: str) -> tuple[Preview, tuple[str, ...]]:
        bound = details.row.session_id
        known = {found.session_id: found for found in details.candidates}
        is_there = bound in known and known[bound].exists is not False
        now = known[bound] if bound and is_there else None
        added = self._added(now.session_id, session_id) if now and bound != session_id and not doubt else ()
        rivals = _rivals(details, session_id)
        lost = losses(self._tools, details, session_id, doubt)
        title = details.row.thread.title
        return bind_preview(title, session_id, bound, now, known.get(session_id), added, rivals, lost), rivals

    def _added(self, bound: str, session_id: str) -> tuple[Message, ...]:
        """Return what the model would know in addition."""
        with self._tools.library() as library:
            return lacking(library.messages(bound), [library.messages(session_id)], ())


class Release:
    """Unbind the session."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def plan(self, details: ThreadDetails, choice: Choice) -> Plan:
        thread = details.row.thread
        bound = await self._tools.run_sql(live_binding, self._tools, thread.id) or details.cursor
        if bound is None:
            raise refusals.nothing_to_release()
        verdict = details.row.verdict
        is_there = verdict.kind is Kind.RESUMABLE and details.row.session_id == bound.session_id

        async def carry_out() -> None:
            journal = RemedyJournal.of(self._tools, details, RemedyRecord(Remedy.RELEASE, bound.session_id))
            try:
                await journal.write(journal.entry(Event.RELEASED, reasons.LET_GO, cursor=bound))
            finally:
                journal.close()

        return Plan(release_preview(thread.title, bound.session_id, verdict if is_there else None), carry_out)

    async def undo(self, details: ThreadDetails, done: tuple[Entry, ...]) -> Plan:
        return await undo_binding(self._tools, details, done)


def choices(details: ThreadDetails) -> tuple[Candidate, ...]:
    """Return the candidates to bind to, fullest first; the bound one only if it is in doubt."""
    in_doubt = details.row.verdict.reason in (Reason.CONFLICT, Reason.SPLIT)
    bound = None if in_doubt or details.cursor is None else details.cursor.session_id
    fit = (
        found
        for found in details.candidates
        if found.exists
        and not found.parent_id
        and found.session_id != bound
        and same_directory(found.directory, details.row.thread.directory)
    )
    return tuple(sorted(fit, key=lambda found: found.messages, reverse=True))


def refuse_unfit(details: ThreadDetails, session: SessionFacts) -> None:
    """Raises Refused for a session that cannot be the thread's: a sub-agent's, or one in another folder."""
    if session.parent_id:
        raise refusals.is_sub_agents(session.id, session.parent_id)
    if not same_directory(session.directory, details.row.thread.directory):
        raise refusals.works_elsewhere(session.id, session.directory, details.row.thread.directory)


def refuse_owned(tools: Tools, details: ThreadDetails, session_id: str) -> None:
    """Raises Refused if another thread is bound to the session. Runs in the SQL thread."""
    owner = tools.store.journal.owner_of(session_id)
    if owner is not None and owner != details.row.thread.id:
        raise refusals.is_another_threads(session_id, owner)


async def undo_binding(tools: Tools, details: ThreadDetails, done: tuple[Entry, ...]) -> Plan:
    """Return the plan that restores the binding from before these entries."""
    thread, record = details.row.thread, done[0].deed
    old = before(done)
    current = await tools.run_sql(live_binding, tools, thread.id)
    lost = await tools.run_sql(losses, tools, details, old.session_id) if old else ()
    assert record is not None
    now, then = current.session_id if current else None, old.session_id if old else None
    preview = undo_binding_preview(record.remedy, thread.title, now, then, lost)

    async def carry_out() -> None:
        journal = RemedyJournal.of(tools, details, RemedyRecord(Remedy.UNDO, undoes=done[0].intent or ""))
        try:
            await bring_back(tools, journal, done)
        finally:
            journal.close()

    return Plan(preview, carry_out, then)


async def bring_back(tools: Tools, journal: RemedyJournal, done: tuple[Entry, ...]) -> None:
    """Write the entries that restore the binding from before these entries."""
    old, why = before(done), reasons.AS_BEFORE
    current = await tools.run_sql(live_binding, tools, journal.thread_id)
    if old is not None:
        await journal.write(*journal.rebinding(current, old, why))
    elif current is not None:
        await journal.write(journal.entry(Event.RELEASED, why, cursor=current))
    else:
        await journal.write(journal.entry(Event.DONE, why))


def before(done: tuple[Entry, ...]) -> Cursor | None:
    """Return the binding from before these entries; None if there was none, or they changed none."""
    return next((entry.cursor for entry in done if entry.event in (Event.SUPERSEDED, Event.RELEASED)), None)


def _only_choice(details: ThreadDetails) -> str:
    if len(details.choices) == 1:
        return details.choices[0].session_id
    raise refusals.session_not_named(details.choices)


def _rivals(details: ThreadDetails, session_id: str) -> tuple[str, ...]:
    """Return the sessions that would still claim the thread."""
    claims = split_of(session_id, details.candidates, details.put_away)
    # Those that claim it by our mark do so whatever they contain, even if they are gone or empty.
    rivals = dict.fromkeys((*(claim.session_id for claim in claims), *details.marked))
    return tuple(rival for rival in rivals if rival != session_id)
