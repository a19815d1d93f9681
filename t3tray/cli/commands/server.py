"""`t3tray server`, `doctor`: the managed server, and what is wrong."""

from __future__ import annotations

from t3tray.backend.diagnostics import diagnose
from t3tray.backend.engine import Engine
from t3tray.cli import json_documents, text_tables
from t3tray.cli.context import Command
from t3tray.errors import ExitCode, UsageError


async def server(command: Command) -> ExitCode:
    engine, action = command.engine, command.words.action
    if action == "logs":
        tail = await engine.server_log()
        command.answer({"log": tail}, tail)
        return ExitCode.DONE
    if command.words.forget and (action != "stop" or not await _forget_elsewhere(engine)):
        told = "No other machine has started a server, or left a change open."
        raise UsageError(told, "--forget belongs to `server stop` on a folder that two use.")
    if action == "stop":
        await engine.server.stop()
    elif action in ("start", "restart"):
        await (engine.server.start() if action == "start" else engine.server.restart())
        await engine.server.detach()
    current = await engine.server.look_for_stray(await engine.server_status())
    command.answer({"server": json_documents.server_document(current)}, text_tables.server(current))
    return ExitCode.DONE


async def _forget_elsewhere(engine: Engine) -> bool:
    """False where no other machine left anything behind."""
    had_server = await engine.server.forget_elsewhere()
    return await engine.recovery.forget_elsewhere(engine.connect) or had_server


async def doctor(command: Command) -> ExitCode:
    if command.words.diagnostics:
        text = await diagnose(command.engine)
        command.answer({"diagnostics": text}, text)
        return ExitCode.DONE
    if command.words.settle:
        settled = await command.engine.restoring.settle()
        command.say("It is settled." if settled else "There was nothing to settle.")
    findings = await command.engine.examine()
    document: json_documents.Document = {"findings": [json_documents.finding_document(finding) for finding in findings]}
    document["restore"] = json_documents.restore_document(await command.engine.restoring.restore())
    command.answer(document, text_tables.findings(findings))
    return ExitCode.DONE
