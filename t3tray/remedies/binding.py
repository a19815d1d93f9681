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
from t3tray.errors import Refused, UsageError
from t3tray.messages.verdicts import sentence
from t3tray.remedies.collecting import indented, left_out, losses
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
                lines = journal.rebinding(old, cursor, "chosen by the user")
                away = (journal.entry(Event.PUT_AWAY, "another session was chosen", rival) for rival in rivals)
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
            raise Refused(f"This thread is already bound to {session_id}.", "There is nothing to do.")

    def _preview(self, details: ThreadDetails, session_id: str, doubt: str) -> tuple[Preview, tuple[str, ...]]:
        bound = details.row.session_id
        told = {found.session_id: found for found in details.candidates}
        gone = f"It is bound to {bound}, which does not exist any more." if bound else "It is bound to no session."
        is_there = bound in told and told[bound].exists is not False
        before = described(told[bound]) if bound and is_there else (gone,)
        rivals = _rivals(details, session_id)
        kept = ["The binding of now stays in the history, and this can be undone."]
        if rivals:
            kept.append(f"{', '.join(rivals)} is left as it is in OpenCode, and counts as this thread's no longer.")
        after = described(told[session_id]) if session_id in told else (f"It is bound to {session_id}.",)
        if bound and bound != session_id and is_there and not doubt:
            after = (*after, *self._additional_knowledge(bound, session_id))
        preview = Preview(
            Remedy.BIND,
            f"Bind “{details.row.thread.title}” to {session_id}",
            "Bind to This Session",
            before,
            after,
            tuple(kept),
            losses(self._tools, details, session_id, doubt),
        )
        return preview, rivals

    def _additional_knowledge(self, bound: str, session_id: str) -> tuple[str, ...]:
        """Return what the model would know in addition."""
        with self._tools.library() as library:
            found = lacking(library.messages(bound), [library.messages(session_id)], ())
        return (f"It knows {_counted(found)} that {bound} does not:", *indented(found)) if found else ()


class Release:
    """Unbind the session."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def plan(self, details: ThreadDetails, choice: Choice) -> Plan:
        thread = details.row.thread
        bound = await self._tools.run_sql(live_binding, self._tools, thread.id) or details.cursor
        if bound is None:
            raise Refused("This thread has no session to let go of.")
        verdict = details.row.verdict
        is_there = verdict.kind is Kind.RESUMABLE and details.row.session_id == bound.session_id
        preview = Preview(
            Remedy.RELEASE,
            f"Let “{thread.title}” go of {bound.session_id}",
            "Unbind the Session",
            (f"It is bound to {bound.session_id}.",),
            ("It is bound to no session: it cannot be resumed until you bind it again.",),
            ("The session stays as it is in OpenCode.", "The binding stays in the history, and this can be undone."),
            (f"The session is there, and the thread could be resumed: {sentence(verdict)}",) if is_there else (),
        )

        async def carry_out() -> None:
            journal = RemedyJournal.of(self._tools, details, RemedyRecord(Remedy.RELEASE, bound.session_id))
            try:
                await journal.write(journal.entry(Event.RELEASED, "let go by the user", cursor=bound))
            finally:
                journal.close()

        return Plan(preview, carry_out)

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
        raise Refused(f"{session.id} is a sub-agent's session of {session.parent_id}.", "Choose that one instead.")
    if not same_directory(session.directory, details.row.thread.directory):
        raise Refused(
            f"{session.id} works in {session.directory}, this thread in {details.row.thread.directory}.",
            f"Choose a session of the same folder, or “{Remedy.MOVE_SESSION}” for the one that it is bound to.",
        )


def refuse_owned(tools: Tools, details: ThreadDetails, session_id: str) -> None:
    """Raises Refused if another thread is bound to the session. Runs in the SQL thread."""
    owner = tools.store.journal.owner_of(session_id)
    if owner is not None and owner != details.row.thread.id:
        raise Refused(
            f"{session_id} is already bound to thread {owner}; a session belongs to one thread only.",
            "Release it from that thread first.",
        )


def described(found: Candidate) -> tuple[str, ...]:
    """Return what a session contains, in two lines."""
    first = f"{found.session_id}: {found.messages:,} messages, {found.input_tokens:,} input tokens"
    return first, f"in {found.directory}"


async def undo_binding(tools: Tools, details: ThreadDetails, done: tuple[Entry, ...]) -> Plan:
    """Return the plan that restores the binding from before these entries."""
    thread, record = details.row.thread, done[0].deed
    old = before(done)
    current = await tools.run_sql(live_binding, tools, thread.id)
    lost = await tools.run_sql(losses, tools, details, old.session_id) if old else ()
    after = f"It is bound to {old.session_id} again." if old else "It is bound to no session again."
    preview = Preview(
        Remedy.UNDO,
        f"Undo “{record.remedy if record else ''}” of “{thread.title}”",
        "Undo",
        (f"It is bound to {current.session_id}." if current else "It is bound to no session.",),
        (after,),
        ("Both sessions stay as they are in OpenCode.",),
        lost,
    )

    async def carry_out() -> None:
        journal = RemedyJournal.of(tools, details, RemedyRecord(Remedy.UNDO, undoes=done[0].intent or ""))
        try:
            await bring_back(tools, journal, done)
        finally:
            journal.close()

    return Plan(preview, carry_out, old.session_id if old else None)


async def bring_back(tools: Tools, journal: RemedyJournal, done: tuple[Entry, ...]) -> None:
    """Write the entries that restore the binding from before these entries."""
    old, why = before(done), "as it was before"
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
    listed = "; ".join(f"{found.session_id} ({found.messages} messages)" for found in details.choices)
    if not listed:
        raise Refused("No other session of this thread is known that works in its folder.", "Name one with --session.")
    raise UsageError("Which session?", f"Name one with --session. The fullest first: {listed}.")


def _rivals(details: ThreadDetails, session_id: str) -> tuple[str, ...]:
    """Return the sessions that would still claim the thread."""
    claims = split_of(session_id, details.candidates, details.put_away)
    # Those that claim it by our mark do so whatever they contain, even if they are gone or empty.
    rivals = dict.fromkeys((*(claim.session_id for claim in claims), *details.marked))
    return tuple(rival for rival in rivals if rival != session_id)


def _counted(messages: tuple[Message, ...]) -> str:
    return f"{len(messages)} message{'' if len(messages) == 1 else 's'}"
