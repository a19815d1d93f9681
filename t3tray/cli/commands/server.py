"""`t3tray server`, `doctor`: control the managed server, and report problems."""

from __future__ import annotations

from t3tray.backend.diagnostics import diagnose
from t3tray.backend.engine import Engine
from t3tray.cli import json_documents, text_tables
from t3tray.cli.context import Command
from t3tray.errors import ExitCode, UsageError


async def server(command: Command) -> ExitCode:
    engine, action = command.engine, command.arguments.action
    if action == "logs":
        tail = await engine.server_log()
        command.answer({"log": tail}, tail)
        return ExitCode.DONE
    if command.arguments.forget and (action != "stop" or not await _forget_elsewhere(engine)):
        message = "No other machine has started a server or left a change open in this data directory."
        raise UsageError(message, "Use --forget only with `server stop`, on a data directory that two machines share.")
    if action == "stop":
        await engine.server.stop()
    elif action in ("start", "restart"):
        await (engine.server.start() if action == "start" else engine.server.restart())
        await engine.server.detach()
    current = await engine.server.with_stray(await engine.server_status())
    command.answer({"server": json_documents.server_document(current)}, text_tables.server(current))
    return ExitCode.DONE


async def _forget_elsewhere(engine: Engine) -> bool:
    """Discard what other machines left in the data directory. Return whether there was anything."""
    had_server = await engine.server.forget_elsewhere()
    return await engine.recovery.forget_elsewhere(engine.connect) or had_server


async def doctor(command: Command) -> ExitCode:
    if command.arguments.diagnostics:
        text = await diagnose(command.engine)
        command.answer({"diagnostics": text}, text)
        return ExitCode.DONE
    if command.arguments.settle:
        settled = await command.engine.restoring.settle()
        command.say("The restored data is confirmed." if settled else "There is no restored data to confirm.")
    findings = await command.engine.assess()
    document: json_documents.Document = {"findings": [json_documents.finding_document(finding) for finding in findings]}
    document["restore"] = json_documents.restore_document(await command.engine.restoring.restore())
    command.answer(document, text_tables.findings(findings))
    return ExitCode.DONE
