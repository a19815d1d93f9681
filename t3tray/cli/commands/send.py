"""`t3tray send`, `new`: hand a message to a thread's session and follow the turn."""

from __future__ import annotations

import contextlib
import os

from t3tray.backend.engine import Engine
from t3tray.cli import json_documents
from t3tray.cli.context import Command
from t3tray.domain.receipt import T3_SHOWS_NOTHING
from t3tray.domain.thread import Source
from t3tray.domain.verdict import Reason
from t3tray.errors import ExitCode, T3TrayError, WorldError
from t3tray.system.paths import whole_path
from t3tray.threads.prompt_delivery import Waiting
from t3tray.threads.send import RevertPending, Sent, Warned
from t3tray.threads.verify import NotResumable

_OWN_SERVER = "The turn runs in a server that this command has started: it ends when the turn does."


async def send(command: Command) -> ExitCode:
    try:
        return await _send(command)
    except NotResumable as refusal:
        if not command.words.json:
            raise
        return _refused(command, refusal)


async def new(command: Command) -> ExitCode:
    connection = await command.engine.connect()
    directory = os.path.normpath(whole_path(command.words.dir))  # noqa: ASYNC240 (asks no disk)
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
