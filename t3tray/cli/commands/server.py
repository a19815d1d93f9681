"""`t3tray server`, `doctor`: control the managed server, and report problems."""

from __future__ import annotations

import asyncio

from t3tray.backend.backend import Backend
from t3tray.cli import json_documents, text_tables
from t3tray.cli.context import Command
from t3tray.errors import ExitCode, UsageError
from t3tray.server.log import tail_of

_LOG_LINES = 200


async def server(command: Command) -> ExitCode:
    backend, action = command.backend, command.arguments.action
    if action == "logs":
        tail = await asyncio.to_thread(tail_of, backend.server.log_path, _LOG_LINES)
        command.answer({"log": tail}, tail)
        return ExitCode.DONE
    if command.arguments.forget and action != "stop":
        raise UsageError("--forget can be used only with `server stop`.")
    if command.arguments.forget and not await _forget_elsewhere(backend):
        message = "No other machine has started a server or left a change open in this data directory."
        raise UsageError(message, "Use --forget only on a data directory that two machines share.")
    if action == "stop":
        await backend.server.stop()
    elif action in ("start", "restart"):
        await (backend.server.start() if action == "start" else backend.server.restart())
        await backend.server.detach()
    current = await backend.server.with_stray(await backend.scanning.server_status())
    command.answer({"server": json_documents.server_document(current)}, text_tables.server(current))
    return ExitCode.DONE


async def _forget_elsewhere(backend: Backend) -> bool:
    """Discard what other machines left in the data directory. Return whether there was anything."""
    had_server = await backend.server.forget_elsewhere()
    return await backend.recovery.forget_elsewhere(backend.settlement.connect) or had_server


async def doctor(command: Command) -> ExitCode:
    if command.arguments.diagnostics:
        text = await command.backend.inspection.diagnostics()
        command.answer({"diagnostics": text}, text)
        return ExitCode.DONE
    if command.arguments.settle:
        settled = await command.backend.restoring.settle()
        command.say("The restored data is confirmed." if settled else "There is no restored data to confirm.")
    findings = await command.backend.inspection.findings()
    document: json_documents.Document = {"findings": [json_documents.finding_document(finding) for finding in findings]}
    document["restore"] = json_documents.restore_document(await command.backend.restoring.restore())
    command.answer(document, text_tables.findings(findings))
    return ExitCode.DONE
