"""The remedy that makes T3 Code follow: its own cursor of the thread is set to the session that the thread is bound to here.

Off until the user turns it on or allows it once, and never done while T3 Code runs. `t3code.repair` defines what is written and
when it is refused; after a crash it is completed if possible, else given up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from t3tray.domain.journal import Entry, Event
from t3tray.domain.remedy import Choice, Remedy, RemedyRecord, Repair
from t3tray.domain.t3code_thread import Shape
from t3tray.errors import Refused, SessionMissing
from t3tray.messages import journal_reasons as reasons
from t3tray.messages import remedy_refusals as refusals
from t3tray.messages.remedy_previews import REPAIR_PERMISSION, repair_preview, undo_repair_preview
from t3tray.remedies.binding import refuse_unfit
from t3tray.remedies.collecting import losses
from t3tray.remedies.plan import Plan, RemedyJournal, Tools
from t3tray.t3code import cursor_repair as t3code
from t3tray.t3code.home import T3Home
from t3tray.threads.snapshot import ThreadDetails


class RepairCursor:
    """`home_of` and `shape_of` return the home of T3 Code that shows a thread, and its form (SQL thread).

    Copies go into `folder`. `can_ask`: the user can be asked to allow it once, if the settings do not.
    """

    def __init__(
        self,
        tools: Tools,
        home_of: Callable[[str], T3Home | None],
        shape_of: Callable[[str], Shape | None],
        folder: Path,
        allowed: bool,
        can_ask: bool = False,
    ) -> None:
        self.allowed = allowed
        self._can_ask = can_ask
        self._tools = tools
        self._home_of = home_of
        self._shape_of = shape_of
        self._folder = folder

    def is_possible(self, thread_id: str) -> bool:
        """Whether T3 Code's cursor of this thread may be written once T3 Code has quit. Runs in the SQL thread."""
        return (self.allowed or self._can_ask) and self._shape_of(thread_id) is Shape.V1

    async def plan(self, details: ThreadDetails, choice: Choice) -> Plan:
        thread = details.row.thread
        session_id = choice.session_id or details.row.session_id
        if session_id is None:
            raise refusals.nothing_to_follow()
        await self._tools.run_sql(self._refuse_unfit, details, session_id)
        lost = await self._tools.run_sql(losses, self._tools, details, session_id)
        named = details.row.t3.session_id if details.row.t3 else None
        permission = "" if self.allowed else REPAIR_PERMISSION
        preview = repair_preview(named, session_id, str(self._folder), lost, permission)
        try:
            change = await self._tools.run_sql(self._check, thread.id, session_id)
        except t3code.InUse as error:
            return Plan(replace(preview, hindrance=f"{error.message} {error.hint}"), partial(_refuse, error))
        if not (self.allowed or choice.allowed):
            return Plan(preview, partial(_refuse, refusals.repair_is_off()))
        return Plan(preview, lambda: self._do(details, RemedyRecord(Remedy.REPAIR, session_id, repair=change)))

    async def undo(self, details: ThreadDetails, done: tuple[Entry, ...]) -> Plan:
        record = done[0].deed
        assert record is not None and record.repair is not None
        if record.repair.before and (named := t3code.session_in(record.repair.before)):
            await self._tools.run_sql(self._refuse_unfit, details, named)
        back = RemedyRecord(Remedy.UNDO, record.session_id, undoes=done[0].intent or "", repair=record.repair.reversed)
        preview = undo_repair_preview(record.remedy, details.row.thread.title, record.session_id)
        return Plan(preview, lambda: self._do(details, back))

    async def settle(self, intent: Entry, record: RemedyRecord) -> None:
        """After a crash: complete it, or record that it was given up. T3 Code may have run since."""
        assert record.repair is not None
        journal = RemedyJournal.left_open(self._tools, intent, record)
        try:
            await self._tools.run_sql(t3code.apply, record.repair)
        except Refused as error:
            if not await self._tools.run_sql(t3code.stands, record.repair):
                await journal.write(journal.entry(Event.ABANDONED, reasons.cut_off(error.message), record.session_id))
                return
        await journal.write(journal.entry(Event.DONE, reasons.FINISHED, record.session_id))

    def _refuse_unfit(self, details: ThreadDetails, session_id: str) -> None:
        """Raises Refused for a session that T3 Code could not continue in: it would silently begin a new one, or a copy."""
        try:
            with self._tools.library() as library:
                refuse_unfit(details, library.session(session_id))
        except SessionMissing as error:
            raise refusals.would_begin_anew(session_id) from error

    def _check(self, thread_id: str, session_id: str) -> Repair:
        home = self._home_of(thread_id)
        if home is None:
            raise refusals.not_of_t3_code()
        change = t3code.check(home, thread_id, session_id)
        if change.before == change.after:
            raise refusals.named_already(session_id)
        return change

    async def _do(self, details: ThreadDetails, record: RemedyRecord) -> None:
        assert record.repair is not None
        journal = RemedyJournal.of(self._tools, details, record)
        # One file for each, named after the intent without its process.
        copy = self._folder / f"state-{journal.intent.partition('@')[0]}.sqlite"
        journal = replace(journal, record=replace(record, repair=replace(record.repair, copy=str(copy))))
        try:
            await journal.write(journal.entry(Event.INTENDED, reasons.repairing(record.session_id), record.session_id))
            assert journal.record.repair is not None
            try:
                await self._tools.run_sql(t3code.apply, journal.record.repair)
            except Refused as error:
                await journal.write(journal.entry(Event.ABANDONED, error.message, record.session_id))
                raise
            await journal.write(journal.entry(Event.DONE, reasons.CURSOR_WRITTEN, record.session_id))
        finally:
            journal.close()


async def _refuse(error: Refused) -> None:
    raise error
