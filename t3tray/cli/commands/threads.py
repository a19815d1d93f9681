"""`t3tray status`, `threads`, `show`, `adopt`, `journal`: what is known of the threads."""

from __future__ import annotations

from dataclasses import replace

from t3tray.cli import json_documents, text_tables
from t3tray.cli.context import Command
from t3tray.domain.verdict import Kind
from t3tray.errors import ExitCode, SessionMissing, SessionNotFound, T3TrayError
from t3tray.guard.service import learn_guard
from t3tray.threads import opencode_configuration
from t3tray.threads.snapshot import Snapshot


async def status(command: Command) -> ExitCode:
    overview = await _overview(command)
    overview = replace(overview, server=await command.engine.server.look_for_stray(overview.server))
    counts = {kind.value: sum(row.verdict.kind is kind for row in overview.rows) for kind in Kind}
    minutes = command.engine.settings.stop_idle_minutes
    document: json_documents.Document = {
        "server": json_documents.server_document(overview.server),
        "threads": {"total": len(overview.rows), **counts},
        "reaper": {"on": minutes > 0, "idle_minutes": minutes, "sentence": overview.resting},
        "sources": [json_documents.source_document(source) for source in overview.sources],
        "data_directory": str(command.engine.data_directory),
        "opencode_database": str(command.engine.database.path),
        "warnings": list(overview.warnings),
        "restore": json_documents.restore_document(overview.restore),
    }
    command.answer(document, text_tables.status(overview, counts, str(command.engine.data_directory)))
    return ExitCode.DONE


async def threads(command: Command) -> ExitCode:
    await learn_guard(command.engine)
    overview = await _overview(command, command.words.all)
    rows = [json_documents.row_document(row) for row in overview.rows]
    foreign = [json_documents.foreign_document(thread, overview.foreign_reapers[thread.id]) for thread in overview.foreign]
    restore = json_documents.restore_document(overview.restore)
    document: json_documents.Document = {"threads": rows + foreign, "restore": restore, "warnings": list(overview.warnings)}
    command.answer(document, "\n".join((text_tables.threads(overview), *text_tables.warnings(overview))))
    return ExitCode.DONE


async def _overview(command: Command, archived: bool = False) -> Snapshot:
    """With a warning on each of OpenCode's configurations that cannot be used, as far as that can be asked for."""
    overview = await command.engine.overview(archived=archived)
    try:
        server = await command.engine.join_running_server()
    except T3TrayError:
        return overview
    broken = await opencode_configuration.troubles(overview.rows, server, command.engine.server.log_path)
    return replace(overview, warnings=(*overview.warnings, *broken))


async def show(command: Command) -> ExitCode:
    await learn_guard(command.engine)
    details = await command.engine.details(command.words.thread)
    command.answer(json_documents.details_document(details), text_tables.details(details))
    return ExitCode.DONE


async def adopt(command: Command) -> ExitCode:
    connection = await command.engine.connect()
    session_id = command.words.session
    try:
        thread = await command.engine.threads.adopt(session_id, connection)
    except SessionMissing as missing:
        raise SessionNotFound(f"The server has no session {session_id}.", "`opencode session list` shows them.") from missing
    command.answer(json_documents.thread_document(thread), thread.id)
    return ExitCode.DONE


async def journal(command: Command) -> ExitCode:
    entries = await command.engine.journal(command.words.thread)
    answers = await command.engine.answers(command.words.thread)
    document: json_documents.Document = {
        "entries": [json_documents.entry_document(entry) for entry in entries],
        "answers": [json_documents.answer_document(told) for told in answers],
    }
    command.answer(document, text_tables.journal(entries, answers))
    return ExitCode.DONE
