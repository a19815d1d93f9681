"""`t3tray status`, `threads`, `show`, `adopt`, `journal`: show the threads, and adopt a session."""

from __future__ import annotations

from dataclasses import replace

from t3tray.cli import json_documents, text_tables
from t3tray.cli.context import Command
from t3tray.domain.verdict import Kind
from t3tray.errors import ExitCode, SessionMissing, SessionNotFound, T3TrayError
from t3tray.guard.service import load_guard_sides
from t3tray.threads import opencode_configuration
from t3tray.threads.snapshot import Snapshot


async def status(command: Command) -> ExitCode:
    snapshot = await _snapshot(command)
    snapshot = replace(snapshot, server=await command.backend.server.with_stray(snapshot.server))
    counts = {kind.value: sum(row.verdict.kind is kind for row in snapshot.rows) for kind in Kind}
    minutes = command.backend.preferences.current.stop_idle_minutes
    document: json_documents.Document = {
        "server": json_documents.server_document(snapshot.server),
        "threads": {"total": len(snapshot.rows), **counts},
        "reaper": {"on": minutes > 0, "idle_minutes": minutes, "sentence": snapshot.idle_status},
        "sources": [json_documents.source_document(source) for source in snapshot.sources],
        "data_directory": str(command.backend.data_directory),
        "opencode_database": str(command.backend.database.path),
        "warnings": list(snapshot.warnings),
        "restore": json_documents.restore_document(snapshot.restore),
    }
    command.answer(document, text_tables.status(snapshot, counts, str(command.backend.data_directory)))
    return ExitCode.DONE


async def threads(command: Command) -> ExitCode:
    await load_guard_sides(command.backend.guard_host)
    snapshot = await _snapshot(command, command.arguments.all)
    rows = [json_documents.row_document(row) for row in snapshot.rows]
    foreign = [json_documents.foreign_document(thread, snapshot.foreign_reapers[thread.id]) for thread in snapshot.foreign]
    restore = json_documents.restore_document(snapshot.restore)
    document: json_documents.Document = {"threads": rows + foreign, "restore": restore, "warnings": list(snapshot.warnings)}
    command.answer(document, "\n".join((text_tables.threads(snapshot), *text_tables.warnings(snapshot))))
    return ExitCode.DONE


async def _snapshot(command: Command, archived: bool = False) -> Snapshot:
    """Return the snapshot, with a warning for each invalid OpenCode configuration when a server is running."""
    snapshot = await command.backend.snapshots.read(archived=archived)
    try:
        server = await command.backend.settlement.join()
    except T3TrayError:
        return snapshot
    broken = await opencode_configuration.troubles(snapshot.rows, server, command.backend.server.log_path)
    return replace(snapshot, warnings=(*snapshot.warnings, *broken))


async def show(command: Command) -> ExitCode:
    await load_guard_sides(command.backend.guard_host)
    details = await command.backend.details.read(command.arguments.thread)
    command.answer(json_documents.details_document(details), text_tables.details(details))
    return ExitCode.DONE


async def adopt(command: Command) -> ExitCode:
    connection = await command.backend.settlement.connect()
    session_id = command.arguments.session
    try:
        thread = await command.backend.threads.adopt(session_id, connection)
    except SessionMissing as missing:
        raise SessionNotFound(f"The server has no session {session_id}.", "`opencode session list` shows them.") from missing
    command.answer(json_documents.thread_document(thread), thread.id)
    return ExitCode.DONE


async def journal(command: Command) -> ExitCode:
    entries = await command.backend.journal(command.arguments.thread)
    answers = await command.backend.answers(command.arguments.thread)
    document: json_documents.Document = {
        "entries": [json_documents.entry_document(entry) for entry in entries],
        "answers": [json_documents.answer_document(answer) for answer in answers],
    }
    command.answer(document, text_tables.journal(entries, answers))
    return ExitCode.DONE
