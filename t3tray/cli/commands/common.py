"""What each command of the command line does: ask the engine, print the answer. Text for people, or one JSON document."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import NoReturn, TextIO

from t3tray.backend.diagnostics import diagnose
from t3tray.backend.engine import Engine
from t3tray.cli import json_documents, text_tables
from t3tray.cli.commands import guard as guard_commands
from t3tray.cli.commands import remedy as remedy_commands
from t3tray.cli.commands import settings as settings_command
from t3tray.cli.commands import vault as vault_commands
from t3tray.cli.context import Command
from t3tray.cli.interrupts import Interrupts
from t3tray.domain.receipt import T3_SHOWS_NOTHING
from t3tray.domain.remedy import Remedy
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.thread import Source
from t3tray.domain.verdict import Kind, Reason
from t3tray.domain.verification import Verification
from t3tray.errors import ExitCode, SessionMissing, SessionNotFound, T3TrayError, UsageError, WorldError
from t3tray.guard.service import learn_guard
from t3tray.messages.receipts import receipt_text
from t3tray.system.paths import whole_path
from t3tray.threads.send import RevertPending, Sent, Waiting, Warned
from t3tray.threads.verify import NotResumable

# Remedies that change nothing by themselves: what they mean is to look once more, with a server.
_LOOKS_ONLY = frozenset({Remedy.RETRY, Remedy.START_SERVER, Remedy.SIGN_IN})

_OWN_SERVER = "The turn runs in a server that this command has started: it ends when the turn does."


def run(words: argparse.Namespace, out: TextIO, err: TextIO) -> ExitCode:
    """Do the command; raises T3TrayError. A signal ends it in order: what it started is stopped. A second one ends it at once."""
    with Interrupts() as interrupts:
        return asyncio.run(_run(words, out, err, interrupts))


async def _run(words: argparse.Namespace, out: TextIO, err: TextIO, interrupts: Interrupts) -> ExitCode:
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as opened:
        work = asyncio.create_task(_answer(words, out, err, opened))
        # It ends the work, and not the closing: what is under way there is waited for.
        interrupts.on_first(partial(loop.call_soon_threadsafe, work.cancel))
        try:
            return await work
        except asyncio.CancelledError:
            if interrupts.received is None:
                raise
            raise SystemExit(128 + interrupts.received) from None


async def _answer(words: argparse.Namespace, out: TextIO, err: TextIO, opened: contextlib.AsyncExitStack) -> ExitCode:
    engine = await Engine.open(words.data_dir, "command")
    opened.push_async_callback(engine.close)
    command = Command(words, engine, out, err)
    engine.server.subscribe(partial(_tell_long_start, command, []))
    for notice in await engine.restoring.warnings():
        command.say(notice)
    code = await COMMANDS[words.command](command)
    if command.lost:
        raise command.lost
    return code


def _tell_long_start(command: Command, told: list[str], server: ServerStatus) -> None:
    """Say once why nothing seems to happen."""
    if server.state is ServerState.STARTING and server.reason and server.reason not in told:
        told.append(server.reason)
        command.say(server.reason)


async def status(command: Command) -> ExitCode:
    overview = await command.engine.overview()
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
    overview = await command.engine.overview(archived=command.words.all)
    rows = [json_documents.row_document(row) for row in overview.rows]
    foreign = [json_documents.foreign_document(thread, overview.foreign_reapers[thread.id]) for thread in overview.foreign]
    restore = json_documents.restore_document(overview.restore)
    document: json_documents.Document = {"threads": rows + foreign, "restore": restore, "warnings": list(overview.warnings)}
    command.answer(document, "\n".join((text_tables.threads(overview), *text_tables.warnings(overview))))
    return ExitCode.DONE


async def show(command: Command) -> ExitCode:
    await learn_guard(command.engine)
    details = await command.engine.details(command.words.thread)
    command.answer(json_documents.details_document(details), text_tables.details(details))
    return ExitCode.DONE


async def resume(command: Command) -> ExitCode:
    await learn_guard(command.engine)
    resumption = await command.engine.verify(command.words.thread)
    code = _exit_code(resumption)
    if code is ExitCode.DONE:
        # Before the answer: there is one document, also where nothing can be opened.
        await _open(command, resumption)
    document = json_documents.resumption_document(resumption)
    document |= {"restore": json_documents.restore_document(await command.engine.restoring.restore())}
    command.answer(document, text_tables.resumed(resumption))
    return code


async def send(command: Command) -> ExitCode:
    try:
        return await _send(command)
    except NotResumable as refusal:
        if not command.words.json:
            raise
        return _refused(command, refusal)


async def new(command: Command) -> ExitCode:
    connection = await command.engine.connect()
    directory = os.path.normpath(whole_path(command.words.dir))
    thread = await command.engine.threads.create(directory, command.words.title, connection)
    if command.words.prompt is None:
        command.answer(json_documents.thread_document(thread), thread.id)
        return ExitCode.DONE
    if not command.words.json:
        command.answer({}, thread.id)
        return await _converse(command, thread.id, command.words.prompt)
    try:
        return await _converse(command, thread.id, command.words.prompt)
    except NotResumable as refusal:
        return _refused(command, refusal)
    except T3TrayError as error:
        # The thread is there; whoever asked has to learn its id all the same.
        command.answer({"thread": thread.id, **json_documents.error_document(error)}, "")
        return error.exit_code


async def adopt(command: Command) -> ExitCode:
    connection = await command.engine.connect()
    session_id = command.words.session
    try:
        thread = await command.engine.threads.adopt(session_id, connection)
    except SessionMissing as missing:
        raise SessionNotFound(f"The server has no session {session_id}.", "`opencode session list` shows them.") from missing
    command.answer(json_documents.thread_document(thread), thread.id)
    return ExitCode.DONE


async def remedy(command: Command) -> ExitCode:
    chosen = remedy_commands.named(command.words.name)
    await learn_guard(command.engine)
    return await (resume(command) if chosen in _LOOKS_ONLY else remedy_commands.remedy(command, chosen))


async def journal(command: Command) -> ExitCode:
    entries = await command.engine.journal(command.words.thread)
    answers = await command.engine.answers(command.words.thread)
    document: json_documents.Document = {
        "entries": [json_documents.entry_document(entry) for entry in entries],
        "answers": [json_documents.answer_document(told) for told in answers],
    }
    command.answer(document, text_tables.journal(entries, answers))
    return ExitCode.DONE


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


async def attach(command: Command) -> ExitCode:
    """Replace this process by OpenCode's own terminal interface, in the session that was just proved."""
    resumption = await command.engine.verify(command.words.thread)
    argv, environment = await command.engine.opening.attachment(resumption)
    command.say(receipt_text(resumption.receipt))
    await command.engine.close()
    os.chdir(resumption.thread.directory)
    sys.stdout.flush()
    become(argv, environment)


def become(argv: list[str], environment: dict[str, str]) -> NoReturn:
    """Go on as this program, in the same terminal and, but on Windows, as the same process."""
    if sys.platform == "win32":
        # There `execve` starts another process and ends this one: the shell would take the terminal back.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.exit(subprocess.call(argv, env=environment))
    os.execve(argv[0], argv, environment)


async def _send(command: Command) -> ExitCode:
    thread, text = command.words.thread, command.words.text
    try:
        return await _converse(command, thread, text, command.words.anyway)
    except (NotResumable, RevertPending) as refusal:
        if not await _goes_on_all_the_same(command, refusal):
            raise
        return await _converse(command, thread, text, True)


async def _converse(command: Command, thread: str, text: str, despite_others: bool = False) -> ExitCode:
    engine, waits = command.engine, not command.words.no_wait
    pieces: list[str] = []
    warnings: list[str] = []
    sent: Sent | None = None
    async with contextlib.aclosing(engine.converse(thread, text, despite_others)) as steps:
        async for step in steps:
            match step:
                case str():
                    pieces.append(step)
                    if waits and not command.words.json:
                        command.pass_on(step)
                case Sent():
                    sent = step
                    if step.resumption.thread.source is Source.T3CODE:
                        command.say(T3_SHOWS_NOTHING)
                    if not waits and await engine.server.outlives_us():
                        break
                    if not waits:
                        command.say(_OWN_SERVER)
                case Waiting(what):
                    command.say(f"{what} Answer it in `t3tray attach {thread}` in another terminal.")
                case Warned(what):
                    warnings.append(what)
                    command.say(what)
    if sent and not waits:
        found = sent.resumption
        told = {**json_documents.thread_document(found.thread), "thread": found.thread.id, "session_id": found.session_id}
        command.answer({**told, "reply": None, "warnings": list(warnings)}, "")
        return ExitCode.DONE
    reply = "".join(pieces)
    if not command.words.json and not reply.endswith("\n"):
        command.pass_on("\n")
    command.answer(await _replied(engine, thread, reply, warnings), "")
    return ExitCode.DONE


async def _replied(engine: Engine, thread_id: str, reply: str, warnings: list[str]) -> json_documents.Document:
    """The document of a turn that was answered. Nothing that can no longer be read makes it a failure."""
    try:
        row = (await engine.details(thread_id)).row
    except WorldError as error:
        warnings = [*warnings, f"The thread could not be read afterwards: {error.message}"]
        return {"thread": thread_id, "reply": reply, "warnings": warnings}
    document = {**json_documents.thread_document(row.thread), "thread": row.thread.id, "session_id": row.session_id}
    return document | {"reply": reply, "warnings": warnings}


def _refused(command: Command, refusal: NotResumable) -> ExitCode:
    command.answer(json_documents.resumption_document(refusal.resumption) | json_documents.error_document(refusal), "")
    return refusal.exit_code


async def _goes_on_all_the_same(command: Command, refusal: NotResumable | RevertPending) -> bool:
    """Whether a person says so, where another process may be at work in the session, or a revert would be made final."""
    is_closed = isinstance(refusal, NotResumable) and refusal.resumption.verdict.reason is not Reason.OPEN_ELSEWHERE
    if is_closed or not command.can_ask:
        return False
    command.say(refusal.message)
    return (await command.ask("Send it all the same? [y/N] ")).lower() in ("y", "yes")


async def _open(command: Command, resumption: Verification) -> None:
    match command.words.open if "open" in command.words else "none":
        case "terminal":
            await command.engine.opening.terminal(resumption.thread)
        case "browser":
            command.say(await command.engine.opening.browser(resumption))
        case "t3code":
            command.say(text_tables.opened(await command.engine.opening.t3code(resumption.thread)))


def _exit_code(resumption: Verification) -> ExitCode:
    kinds = {Kind.RESUMABLE: ExitCode.DONE, Kind.BLOCKED: ExitCode.BLOCKED, Kind.UNKNOWN: ExitCode.UNKNOWN}
    return kinds[resumption.verdict.kind]


COMMANDS: dict[str, Callable[[Command], Awaitable[ExitCode]]] = {
    "status": status,
    "threads": threads,
    "show": show,
    "resume": resume,
    "send": send,
    "new": new,
    "adopt": adopt,
    "remedy": remedy,
    "journal": journal,
    "doctor": doctor,
    "server": server,
    "guard": guard_commands.guard,
    "attach": attach,
    "settings": settings_command.settings,
    "vault": vault_commands.vault,
}
