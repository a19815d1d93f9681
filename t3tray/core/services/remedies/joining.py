"""The remedy for a split: keep one session, and tell it what only the others hold, as one labelled message.

The others are left as they are; the journal links them. The message carries the intent, so that it is never told twice.
"""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs

from t3tray.core.domain.carrying import Carried, carried, summary_of
from t3tray.core.domain.difference import difference
from t3tray.core.domain.journal import Entry, Event, put_away
from t3tray.core.domain.remedy import Choice, Deed, Preview, Remedy
from t3tray.core.domain.split import split_of
from t3tray.core.domain.transcript import Origin, Transcript, Utterance
from t3tray.core.errors import Refused, SessionMissing
from t3tray.core.services.evidence import cursor_now
from t3tray.core.services.ports import SessionServer
from t3tray.core.services.remedies.binding import bring_back, refuse_owned, refuse_unfit, undo_binding
from t3tray.core.services.remedies.plan import Plan, Record, Tools, chosen, live_binding
from t3tray.core.services.views import ThreadDetails

_PAGE = 100


class Join:
    """`session_id` of the choice is the one to keep; without it the one that the thread is bound to."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def plan(self, details: ThreadDetails, choice: Choice) -> Plan:
        keep = choice.session_id or self._kept(details)
        others = _others(details, keep)
        only = await self._tools.run_sql(self._only_theirs, details, keep, others)
        listed = ", ".join(others)
        heading = f"These messages belong to this conversation and were written in another session ({listed})."
        transcript = Transcript(Origin.OPENCODE, only, listed)
        packed = carried(transcript, heading, self._tools.now(), self._tools.budget)

        async def carry_out() -> None:
            server = await self._tools.connect()
            record = await server.session(keep)
            refuse_unfit(details, record.facts)
            journal = Record.of(self._tools, details.row.thread.id, Deed(Remedy.JOIN, keep))
            try:
                await journal.write(journal.entry(Event.INTENDED, f"join {listed} into {keep}", keep))
                if only:
                    text = carried(transcript, heading, self._tools.now(), self._tools.budget).text
                    await server.tell(keep, text, journal.intent)
                old = await self._tools.run_sql(live_binding, self._tools, details.row.thread.id)
                now = await cursor_now(server, record.facts, old)
                if only:
                    # No answer comes to what was told, and none is missing.
                    now = structs.replace(now, last_finished_id=now.last_message_id)
                cursor = chosen(now, details)
                lines = journal.rebinding(old, cursor, f"{packed.messages} messages carried over from {listed}")
                await journal.write(*lines, *(journal.entry(Event.PUT_AWAY, f"joined into {keep}", other) for other in others))
            finally:
                journal.close()

        return Plan(_preview(details, keep, others, only, packed), carry_out)

    async def undo(self, details: ThreadDetails, done: tuple[Entry, ...]) -> Plan:
        """The binding as it was, and the message taken out again."""
        plan, deed = await undo_binding(self._tools, details, done), done[0].deed
        assert deed is not None

        async def carry_out() -> None:
            server = await self._tools.connect()
            undoing = Deed(Remedy.UNDO, deed.session_id, undoes=done[0].intent or "")
            journal = Record.of(self._tools, details.row.thread.id, undoing)
            try:
                await journal.write(journal.entry(Event.INTENDED, f"undo “{deed.remedy}”", deed.session_id))
                await _undo(self._tools, journal, done, server)
            finally:
                journal.close()

        after = f"The message that was carried into {deed.session_id} is deleted from it."
        return Plan(replace(plan.preview, after=(*plan.preview.after, after), kept=()), carry_out)

    def _kept(self, details: ThreadDetails) -> str:
        claims = split_of(details.row.session_id, details.candidates, put_away(details.journal))
        if not claims:
            raise Refused("There is nothing to join: one session holds all of this conversation.")
        return claims[0].session_id

    def _only_theirs(self, details: ThreadDetails, keep: str, others: tuple[str, ...]) -> tuple[Utterance, ...]:
        with self._tools.library() as library:
            try:
                refuse_unfit(details, library.session(keep))
            except SessionMissing as error:
                raise Refused(f"There is no session {keep} in OpenCode.", "Nothing was changed.") from error
            refuse_owned(self._tools, details, keep)
            known = library.utterances(keep)
            found: list[Utterance] = []
            for other in others:
                found += difference((*known, *found), library.utterances(other)).only_second
        return tuple(sorted(found, key=lambda each: each.created_ms))


async def take_out(server: SessionServer, session_id: str, mark: str) -> str | None:
    """Delete the message that carries this mark; its id, None where there is none (any more)."""
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


async def finish_undo(tools: Tools, intent: Entry, deed: Deed, server: SessionServer) -> None:
    """After a crash while a join was taken back: the rest of it."""
    entries = await tools.run_sql(tools.store.journal.entries, intent.thread_id)
    done = tuple(entry for entry in entries if entry.intent == deed.undoes)
    await _undo(tools, Record.left_open(tools, intent, deed), done, server)


async def _undo(tools: Tools, journal: Record, done: tuple[Entry, ...], server: SessionServer) -> None:
    await take_out(server, journal.deed.session_id, journal.deed.undoes)
    await bring_back(tools, journal, done)


async def give_up_join(tools: Tools, intent: Entry, deed: Deed, server: SessionServer) -> None:
    """After a crash: the message that may have arrived is taken out again."""
    journal = Record.left_open(tools, intent, deed)
    message = await take_out(server, deed.session_id, intent.intent or "")
    why = f"cut off before it came to its end; {message} was taken out again" if message else "cut off before it began"
    await journal.write(journal.entry(Event.ABANDONED, why, deed.session_id))


def _others(details: ThreadDetails, keep: str) -> tuple[str, ...]:
    claims = split_of(keep, details.candidates, put_away(details.journal))
    others = tuple(claim.session_id for claim in claims if claim.session_id != keep)
    if not others:
        raise Refused(f"No other session holds a part of this conversation that {keep} lacks.", "There is nothing to join.")
    return others


def _preview(details: ThreadDetails, keep: str, others: tuple[str, ...], only: tuple[Utterance, ...], packed: Carried) -> Preview:
    told = {found.session_id: found for found in details.candidates}
    before = tuple(f"{name} holds {told[name].messages:,} messages" for name in (keep, *others) if name in told)
    listed = ", ".join(others)
    return Preview(
        Remedy.JOIN,
        f"Join {listed} into {keep}",
        "Join Them",
        (*before, f"Only {listed} knows:", *(f"  {line}" for line in summary_of(only))),
        (
            f"It is bound to {keep}.",
            f"{packed.messages} messages go into it as one message of {len(packed.text):,} characters, labelled.",
        ),
        (f"{listed} is left as it is in OpenCode; the history names it.", "This can be undone."),
        (*((packed.cut,) if packed.cut else ()), "What tools returned, and what the model thought, is not carried."),
    )
