"""The single entry to all remedies: what is offered, what it would do, doing it, undoing it, and settling what a crash
interrupted.

Nothing else changes the binding of a thread that has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from t3tray.domain.journal import Entry, abandoned, last_remedy
from t3tray.domain.remedy import MAKES, Choice, Preview, Remedy
from t3tray.domain.split import Candidate
from t3tray.domain.t3code_side import NextReason
from t3tray.domain.versions import Ability, can
from t3tray.messages import remedy_refusals as refusals
from t3tray.remedies.binding import Bind, Release, before, choices
from t3tray.remedies.collecting import other_sessions
from t3tray.remedies.held import HeldSessions, NoHeldSessions, with_sentences
from t3tray.remedies.joining import TELLS, Join, finish_undo, give_up_join
from t3tray.remedies.making import Carry, Fork, StartAfresh, give_up, has_source
from t3tray.remedies.moving import MoveSession, Relocate, finish_move
from t3tray.remedies.plan import Act, Plan, Tools
from t3tray.remedies.proving import refuse_gone, with_server_verdict
from t3tray.remedies.repairing import RepairCursor
from t3tray.threads.evidence import placed
from t3tray.threads.remedy_offers import SessionStanding, Situation, offers
from t3tray.threads.session_server import SessionServer
from t3tray.threads.snapshot import ThreadDetails


class Remedies:
    """Runs on the event loop."""

    def __init__(self, tools: Tools, repair: RepairCursor | None = None, holding: HeldSessions | None = None) -> None:
        """`repair` is None without T3 Code; `holding` makes T3 Code let go of sessions that it holds open."""
        self._holding = holding or NoHeldSessions()
        self._tools = tools
        self._repair = repair
        self._acts: Mapping[Remedy, Act] = {
            Remedy.BIND: Bind(tools),
            Remedy.HEAL: Join(tools, Remedy.HEAL),
            Remedy.JOIN: Join(tools, Remedy.JOIN),
            Remedy.CARRY: Carry(tools),
            Remedy.MOVE_SESSION: MoveSession(tools),
            Remedy.RELOCATE: Relocate(tools),
            Remedy.FORK: Fork(tools),
            Remedy.START_AFRESH: StartAfresh(tools),
            Remedy.RELEASE: Release(tools),
            **({Remedy.REPAIR: repair} if repair else {}),
        }

    async def preview(self, details: ThreadDetails, choice: Choice) -> Preview:
        """Return what it would do; changes nothing. Raises Refused, with the reason, for what cannot be done."""
        plan = await self.plan(details, choice, starts=False)
        return with_sentences(plan.preview, await self._holding.preview_release(details.row.thread.id, plan.gives))

    async def apply(self, details: ThreadDetails, choice: Choice, seen: Preview | None = None) -> Preview:
        """Do it, and return what was done. `seen` is the preview that the user agreed to: if it would differ by now, this is
        refused.

        An error in between leaves everything as before, or to be settled by recovery.
        """
        plan = await self.plan(details, choice, starts=True)
        if (
            seen is not None
            and with_sentences(plan.preview, await self._holding.preview_release(details.row.thread.id, plan.gives)) != seen
        ):
            raise refusals.thread_has_changed()
        await plan.carry_out()
        return with_sentences(plan.preview, await self._holding.let_go(details.row.thread.id, plan.gives))

    async def settle(self, intent: Entry, server: SessionServer) -> None:
        """Complete or give up what a crash or an error left open."""
        record = intent.deed
        assert record is not None
        if record.repair is not None:
            if self._repair is not None:
                await self._repair.settle(intent, record)
        elif record.remedy in MAKES:
            await give_up(self._tools, intent, record, server)
        elif record.remedy in TELLS:
            await give_up_join(self._tools, intent, record, server)
        elif record.remedy is Remedy.UNDO and not record.directory_after:
            await finish_undo(self._tools, intent, record, server)
        else:
            await finish_move(self._tools, intent, record, server)

    def with_offers(self, details: ThreadDetails, version: str = "") -> ThreadDetails:
        """Return the details with what can be chosen now, best first. A remedy that would certainly be refused is left out, also
        what a server of this `version` cannot do.

        Runs in the SQL thread.
        """
        details = replace(details, choices=choices(details))
        found = list(offers(details.row.verdict, self._situation(details, version)))
        left = abandoned(details.journal)
        if Remedy.BIND not in found and any(each.session_id in left and each.messages for each in details.choices):
            # Another program may have written into the session that an interrupted remedy left.
            found.append(Remedy.BIND)
        details = replace(details, row=replace(details.row, remedies=tuple(found)))
        if last_remedy(details.journal):
            found.append(Remedy.UNDO)
        return replace(details, offered=tuple(found))

    def _situation(self, details: ThreadDetails, version: str) -> Situation:
        """Return what is known around the verdict, with the candidates as they are now."""
        row = details.row
        named = row.t3.session_id if row.t3 else None
        known = {found.session_id: found for found in details.candidates}
        return Situation(
            bound=_session_standing(known, row.session_id, row.thread.directory),
            named=_session_standing(known, named, row.thread.directory),
            is_one=row.t3 is not None and named == row.session_id,
            is_t3=row.t3 is not None,
            reverting=any(found.reverting for name, found in known.items() if name == (named or row.session_id)),
            others=bool(other_sessions(details, named or row.session_id)),
            choices=bool(details.choices),
            copies=has_source(self._tools, details),
            can_repair=self._repair is not None and self._repair.is_possible(row.thread.id),
            lacks=bool(details.cursor and details.cursor.lacks)
            or (row.next_message is not None and row.next_message.reason is NextReason.PARTIAL),
            can_move=can(Ability.MOVE_SESSION, version),
        )

    async def plan(self, details: ThreadDetails, choice: Choice, starts: bool) -> Plan:
        """Return its plan, with nothing done yet; `starts` the server if necessary. Raises Refused, UsageError, ServerError."""
        if choice.remedy is not Remedy.UNDO:
            if choice.remedy not in self._acts:
                raise refusals.changes_nothing(choice.remedy)
            details = await with_server_verdict(self._tools, details, choice.remedy, starts)
            return await self._acts[choice.remedy].plan(details, choice)
        done = last_remedy(details.journal)
        record = done[0].deed if done else None
        if record is None:
            raise refusals.nothing_to_undo()
        if old := before(done):
            await refuse_gone(self._tools, old.session_id, starts)
        return await self._acts[record.remedy].undo(details, done)


def _session_standing(known: Mapping[str, Candidate], session_id: str | None, directory: str) -> SessionStanding:
    found = known.get(session_id) if session_id else None
    if session_id is None or found is None or found.exists is None:
        return SessionStanding.NONE if session_id is None else SessionStanding.UNKNOWN
    return placed(found.parent_id, found.directory, directory) if found.exists else SessionStanding.GONE
