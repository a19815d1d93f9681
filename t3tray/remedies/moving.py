"""Remedies for a thread and a session in different folders: move the session, or name the thread's new folder.

OpenCode moves a session only inside one project, and does not check whether the folder exists; this module does. After a crash in
between the session's folder shows whether it was moved, and the rest is completed.
"""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from t3tray.domain.journal import Entry, Event
from t3tray.domain.remedy import Choice, Remedy, RemedyRecord
from t3tray.domain.thread import Source
from t3tray.domain.versions import Ability
from t3tray.errors import MoveRefused, SessionMissing
from t3tray.messages import journal_reasons as reasons
from t3tray.messages import remedy_refusals as refusals
from t3tray.messages.remedy_previews import move_preview, relocate_preview, undo_move_preview
from t3tray.messages.versions import lacking
from t3tray.remedies.making import refuse_missing_folder
from t3tray.remedies.plan import Plan, RemedyJournal, Tools, live_binding
from t3tray.system.folders import real_directory, same_directory
from t3tray.system.git import first_commits
from t3tray.system.paths import whole_path
from t3tray.threads.session_server import SessionServer
from t3tray.threads.snapshot import ThreadDetails

MOVES = frozenset({Remedy.MOVE_SESSION, Remedy.RELOCATE})
# Length of a commit's name in characters.
_COMMIT = 40


class MoveSession:
    """Move the session to the thread's folder."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def plan(self, details: ThreadDetails, choice: Choice) -> Plan:
        thread, session_id = details.row.thread, choice.session_id or _to_move(details)
        if session_id is None:
            raise refusals.nothing_to_move()
        refuse_missing_folder(thread.directory)
        _refuse_unable(await self._tools.join())
        place = await self._tools.run_sql(session_directory, self._tools, session_id)
        if same_directory(place, thread.directory):
            raise refusals.works_there_already(session_id, thread.directory)
        project = await self._tools.run_sql(_project, self._tools, session_id)
        if await asyncio.to_thread(_is_another_project, thread.directory, project):
            raise refusals.another_project()
        preview = move_preview(session_id, place, thread.directory)
        record = RemedyRecord(Remedy.MOVE_SESSION, session_id, place, thread.directory)
        return Plan(preview, lambda: move(self._tools, details, record), "")

    async def undo(self, details: ThreadDetails, done: tuple[Entry, ...]) -> Plan:
        return undo_move(self._tools, details, done)


class Relocate:
    """Follow a folder that was renamed or moved: the user names the new one, and the session is moved there."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def plan(self, details: ThreadDetails, choice: Choice) -> Plan:
        thread = details.row.thread
        if thread.source is not Source.T3TRAY:
            raise refusals.t3_code_places_it()
        if not choice.directory:
            raise refusals.folder_not_named()
        target = real_directory(str(whole_path(choice.directory)))
        refuse_missing_folder(target)
        if same_directory(target, thread.directory):
            raise refusals.is_there_already(target)
        session_id = details.row.session_id
        if session_id:
            _refuse_unable(await self._tools.join())
        place = await self._tools.run_sql(session_directory, self._tools, session_id) if session_id else ""
        project = await self._tools.run_sql(_project, self._tools, session_id) if session_id else ""
        doubt = await asyncio.to_thread(_doubt, target, project)
        if doubt and not choice.confirmed:
            raise refusals.folder_doubted(doubt)
        preview = relocate_preview(thread.title, thread.directory, place, target, doubt)
        record = RemedyRecord(Remedy.RELOCATE, session_id or "", place, target, thread.directory)
        return Plan(preview, lambda: move(self._tools, details, record))

    async def undo(self, details: ThreadDetails, done: tuple[Entry, ...]) -> Plan:
        return undo_move(self._tools, details, done)


def _to_move(details: ThreadDetails) -> str | None:
    """Return the session that T3 Code names, if it works in another folder, else the bound one."""
    row = details.row
    named = next((found for found in details.candidates if row.t3 and found.session_id == row.t3.session_id), None)
    if named and named.exists and not named.parent_id and not same_directory(named.directory, row.thread.directory):
        return named.session_id
    return row.session_id


def session_directory(tools: Tools, session_id: str) -> str:
    """Return the session's folder from OpenCode's database. Raises Refused if the session is gone."""
    with tools.library() as library:
        try:
            return library.session(session_id).directory
        except SessionMissing as error:
            raise refusals.gone_before_move(session_id) from error


async def move(tools: Tools, details: ThreadDetails, record: RemedyRecord) -> None:
    """Write the intent, move the session, then record the new folders."""
    server = await tools.connect() if record.session_id else None
    _refuse_unable(server)
    journal = RemedyJournal.of(tools, details, record)
    try:
        why = f"from {record.directory_before or record.thread_directory_before} to {record.directory_after}"
        await journal.write(journal.entry(Event.INTENDED, why, record.session_id or None))
        if server:
            try:
                await server.move_session(record.session_id, record.directory_after)
            except MoveRefused as error:
                await journal.write(journal.entry(Event.ABANDONED, error.message))
                raise refusals.another_project() from error
        await _finish(tools, journal, why)
    finally:
        journal.close()


def _refuse_unable(server: SessionServer | None) -> None:
    """Raises Refused if this server cannot move a session. That is no reason to start another one."""
    if server is not None and Ability.MOVE_SESSION not in server.abilities:
        raise refusals.cannot_move(lacking(Ability.MOVE_SESSION, server.version))


async def finish_move(tools: Tools, intent: Entry, record: RemedyRecord, server: SessionServer) -> None:
    """After a crash: the session's folder shows whether it was moved."""
    journal = RemedyJournal.left_open(tools, intent, record)
    try:
        place = (await server.session(record.session_id)).facts.directory if record.session_id else record.directory_before
    except SessionMissing:
        await journal.write(journal.entry(Event.ABANDONED, reasons.SESSION_GONE))
        return
    if same_directory(place, record.directory_after):
        await _finish(tools, journal, reasons.FINISHED)
    else:
        await journal.write(journal.entry(Event.ABANDONED, reasons.NEVER_BEGAN))


def undo_move(tools: Tools, details: ThreadDetails, done: tuple[Entry, ...]) -> Plan:
    """Return the plan that moves everything back."""
    record = done[0].deed
    assert record is not None
    back = RemedyRecord(
        Remedy.UNDO,
        record.session_id,
        record.directory_after,
        record.directory_before or record.thread_directory_before,
        record.directory_after if record.thread_directory_before else "",
        undoes=done[0].intent or "",
    )
    preview = undo_move_preview(record.remedy, details.row.thread.title, record.directory_after, back.directory_after)
    return Plan(preview, lambda: move(tools, details, back), "")


async def _finish(tools: Tools, journal: RemedyJournal, why: str) -> None:
    """Record the folder of thread and binding; the last entry settles the intent."""
    record = journal.record
    if record.thread_directory_before:
        await tools.run_sql(tools.store.threads.set_directory, journal.thread_id, record.directory_after)
    bound = await tools.run_sql(live_binding, tools, journal.thread_id)
    lines = [journal.entry(Event.DONE, why, record.session_id or None)]
    if bound and bound.session_id == record.session_id:
        lines.insert(0, journal.entry(Event.PROVEN, why, cursor=replace(bound, directory=record.directory_after)))
    await journal.write(*lines)


def _project(tools: Tools, session_id: str) -> str:
    with tools.library() as library:
        return library.project(session_id)


def _is_another_project(target: str, project: str) -> bool:
    """Return True only if that is certain; OpenCode decides in the end."""
    roots = first_commits(target)
    return bool(roots) and len(project) == _COMMIT and project not in (roots or ())


def _doubt(target: str, project: str) -> str:
    """Return why it is uncertain whether this folder is the same repository; empty if it is the same."""
    roots = first_commits(target)
    if roots is None:
        return refusals.repository_unknown(target)
    if project in roots:
        return ""
    if not roots:
        return refusals.doubt_no_commits(target)
    return refusals.doubt_other_repository(target)
