"""The one door to all remedies: what is offered, what it would do, doing it, taking it back, and settling what a crash cut off.

Nothing else changes the binding of a thread that has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from t3tray.core.domain.journal import Entry, abandoned, last_remedy
from t3tray.core.domain.remedy import Choice, Preview, Remedy
from t3tray.core.domain.sentences import remedies
from t3tray.core.errors import Refused, UsageError
from t3tray.core.services.ports import SessionServer
from t3tray.core.services.remedies.binding import Bind, Release, choices
from t3tray.core.services.remedies.joining import TELLS, Join, can_heal, finish_undo, give_up_join
from t3tray.core.services.remedies.making import MAKES, Carry, Fork, StartAfresh, give_up, has_source
from t3tray.core.services.remedies.moving import MoveSession, Relocate, finish_move
from t3tray.core.services.remedies.plan import Act, Plan, Tools
from t3tray.core.services.remedies.repairing import RepairCursor
from t3tray.core.services.views import ThreadDetails


class Remedies:
    """Lives on the event loop."""

    def __init__(self, tools: Tools, repair: RepairCursor | None = None) -> None:
        """`repair` is None where there is no T3 Code."""
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
        """What it would do; nothing is changed. Raises Refused, with the reason, for what cannot be done."""
        return (await self._plan(details, choice)).preview

    async def apply(self, details: ThreadDetails, choice: Choice, seen: Preview | None = None) -> Preview:
        """Do it, and say what was done. `seen` is what the user agreed to: when it would be another thing by now, it is refused.

        An error on the way leaves everything as before, or to be settled by recovery.
        """
        plan = await self._plan(details, choice)
        if seen is not None and plan.preview != seen:
            raise Refused("The thread has changed since you looked.", "Look at what it would do now, and choose again.")
        await plan.carry_out()
        return plan.preview

    async def settle(self, intent: Entry, server: SessionServer) -> None:
        """Finish or give up what a crash or an error left open."""
        deed = intent.deed
        assert deed is not None
        if deed.repair is not None:
            if self._repair is not None:
                await self._repair.settle(intent, deed)
        elif deed.remedy in MAKES:
            await give_up(self._tools, intent, deed, server)
        elif deed.remedy in TELLS:
            await give_up_join(self._tools, intent, deed, server)
        elif deed.remedy is Remedy.UNDO and not deed.directory_after:
            await finish_undo(self._tools, intent, deed, server)
        else:
            await finish_move(self._tools, intent, deed, server)

    def with_offers(self, details: ThreadDetails) -> ThreadDetails:
        """The same with what can be chosen now, the best first. A remedy that would be refused for sure is left out.

        For the thread that runs the SQL.
        """
        details = replace(details, choices=choices(details))
        wanted = list(remedies(details.row.verdict))
        if can_heal(details):
            wanted.insert(0, Remedy.HEAL)
        if details.cursor and details.cursor.chosen_over is not None and Remedy.REPAIR not in wanted:
            wanted.append(Remedy.REPAIR)
        left = abandoned(details.journal)
        if Remedy.BIND not in wanted and any(found.session_id in left and found.messages for found in details.choices):
            # Somebody may have written in what a cut off remedy left.
            wanted.append(Remedy.BIND)
        found = [remedy for remedy in wanted if self._could(remedy, details)]
        if last_remedy(details.journal):
            found.append(Remedy.UNDO)
        return replace(details, offered=tuple(found))

    def _could(self, remedy: Remedy, details: ThreadDetails) -> bool:
        match remedy:
            case Remedy.BIND:
                return bool(details.choices)
            case Remedy.CARRY:
                return has_source(self._tools, details)
            case Remedy.REPAIR:
                return self._repair is not None and details.row.t3 is not None
            case Remedy.RELEASE | Remedy.FORK:
                return details.cursor is not None
        return True

    async def _plan(self, details: ThreadDetails, choice: Choice) -> Plan:
        if choice.remedy is not Remedy.UNDO:
            if choice.remedy not in self._acts:
                raise UsageError(f"“{choice.remedy}” changes nothing by itself.", "Resume the thread instead.")
            return await self._acts[choice.remedy].plan(details, choice)
        done = last_remedy(details.journal)
        deed = done[0].deed if done else None
        if deed is None:
            raise Refused("There is no remedy of this thread that could be undone.")
        return await self._acts[deed.remedy].undo(details, done)
