"""`t3tray resume`, `attach`: verify a thread, then open its session."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import NoReturn

from t3tray.cli import json_documents, text_tables
from t3tray.cli.context import Command
from t3tray.domain.verdict import Kind
from t3tray.domain.verification import Verification
from t3tray.errors import ExitCode
from t3tray.guard.service import learn_guard
from t3tray.messages.receipts import receipt_text


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
