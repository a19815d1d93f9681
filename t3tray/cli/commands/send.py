"""`t3tray send`, `new`: send a message to a thread's session and follow the turn."""

from __future__ import annotations

import contextlib
import os

from t3tray.backend.backend import Backend
from t3tray.cli import json_documents
from t3tray.cli.context import Command
from t3tray.domain.thread import Source
from t3tray.domain.verdict import Reason
from t3tray.errors import ExitCode, T3TrayError, WorldError
from t3tray.messages.receipts import T3_SHOWS_NOTHING
from t3tray.messages.sending import waits_for
from t3tray.system.paths import whole_path
from t3tray.threads.prompt_delivery import Waiting
from t3tray.threads.send import RevertPending, Sent, Warned
from t3tray.threads.verify import NotResumable

_OWN_SERVER = "The turn runs in a server that this command has started, so the command waits for the end of the turn."


async def send(command: Command) -> ExitCode:
    try:
        return await _send(command)
    except NotResumable as refusal:
        if not command.arguments.json:
            raise
        return _refused(command, refusal)


async def new(command: Command) -> ExitCode:
    connection = await command.backend.settlement.connect()
    directory = os.path.normpath(whole_path(command.arguments.dir))  # noqa: ASYNC240 (no disk access)
    thread = await command.backend.threads.create(directory, command.arguments.title, connection)
    if command.arguments.prompt is None:
        command.answer(json_documents.thread_document(thread), thread.id)
        return ExitCode.DONE
    if not command.arguments.json:
        command.answer({}, thread.id)
        return await _converse(command, thread.id, command.arguments.prompt)
    try:
        return await _converse(command, thread.id, command.arguments.prompt)
    except NotResumable as refusal:
        return _refused(command, refusal)
    except T3TrayError as error:
        # The thread has been created: the answer must contain its id.
        command.answer({"thread": thread.id, **json_documents.error_document(error)}, "")
        return error.exit_code


async def _send(command: Command) -> ExitCode:
    thread, text = command.arguments.thread, command.arguments.text
    try:
        return await _converse(command, thread, text, command.arguments.anyway)
    except (NotResumable, RevertPending) as refusal:
        if not await _is_confirmed(command, refusal):
            raise
        return await _converse(command, thread, text, True)


async def _converse(command: Command, thread: str, text: str, despite_others: bool = False) -> ExitCode:
    backend, waits = command.backend, not command.arguments.no_wait
    pieces: list[str] = []
    warnings: list[str] = []
    sent: Sent | None = None
    async with contextlib.aclosing(backend.prompting.converse(thread, text, despite_others)) as steps:
        async for step in steps:
            match step:
                case str():
                    pieces.append(step)
                    if waits and not command.arguments.json:
                        command.write_piece(step)
                case Sent():
                    sent = step
                    if step.verification.thread.source is Source.T3CODE:
                        command.say(T3_SHOWS_NOTHING)
                    if not waits and await backend.server.outlives_us():
                        break
                    if not waits:
                        command.say(_OWN_SERVER)
                case Waiting(request):
                    command.say(f"{waits_for(request)} Answer it in `t3tray attach {thread}` in another terminal.")
                case Warned(warning):
                    warnings.append(warning)
                    command.say(warning)
    if sent and not waits:
        found = sent.verification
        document = {**json_documents.thread_document(found.thread), "thread": found.thread.id, "session_id": found.session_id}
        command.answer({**document, "reply": None, "warnings": list(warnings)}, "")
        return ExitCode.DONE
    reply = "".join(pieces)
    if not command.arguments.json and not reply.endswith("\n"):
        command.write_piece("\n")
    command.answer(await _replied(backend, thread, reply, warnings), "")
    return ExitCode.DONE


async def _replied(backend: Backend, thread_id: str, reply: str, warnings: list[str]) -> json_documents.Document:
    """Return the document of an answered turn. A thread that cannot be read afterwards is a warning, not an error."""
    try:
        row = (await backend.details.read(thread_id)).row
    except WorldError as error:
        warnings = [*warnings, f"The thread could not be read afterwards: {error.message}"]
        return {"thread": thread_id, "reply": reply, "warnings": warnings}
    document = {**json_documents.thread_document(row.thread), "thread": row.thread.id, "session_id": row.session_id}
    return document | {"reply": reply, "warnings": warnings}


def _refused(command: Command, refusal: NotResumable) -> ExitCode:
    command.answer(json_documents.verification_document(refusal.verification) | json_documents.error_document(refusal), "")
    return refusal.exit_code


async def _is_confirmed(command: Command, refusal: NotResumable | RevertPending) -> bool:
    """Ask whether to send although another process may be using the session, or a revert would become final."""
    is_final = isinstance(refusal, NotResumable) and refusal.verification.verdict.reason is not Reason.OPEN_ELSEWHERE
    if is_final or not command.is_interactive:
        return False
    command.say(refusal.message)
    return (await command.ask("Send it anyway? [y/N] ")).lower() in ("y", "yes")
