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
from t3tray.guard.service import load_guard_sides
from t3tray.messages.verdicts import receipt_text


async def resume(command: Command) -> ExitCode:
    await load_guard_sides(command.backend.guard_host)
    verification = await command.backend.prompting.verify(command.arguments.thread)
    code = _exit_code(verification)
    if code is ExitCode.DONE:
        # Before the answer: when opening fails, the error is the only document.
        await _open(command, verification)
    document = json_documents.verification_document(verification)
    document |= {"restore": json_documents.restore_document(await command.backend.restoring.restore())}
    command.answer(document, text_tables.verified(verification))
    return code


async def attach(command: Command) -> ExitCode:
    """Replace this process by OpenCode's terminal interface, in the session that was just verified."""
    verification = await command.backend.prompting.verify(command.arguments.thread)
    argv, environment = await command.backend.opener.attachment(verification)
    command.say(receipt_text(verification.receipt))
    await command.backend.close()
    os.chdir(verification.thread.directory)
    sys.stdout.flush()
    become(argv, environment)


def become(argv: list[str], environment: dict[str, str]) -> NoReturn:
    """Replace this program by another in the same terminal and, except on Windows, in the same process."""
    if sys.platform == "win32":
        # `execve` would start another process and end this one: the shell would take the terminal back.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.exit(subprocess.call(argv, env=environment))
    os.execve(argv[0], argv, environment)


async def _open(command: Command, verification: Verification) -> None:
    match command.arguments.open if "open" in command.arguments else "none":
        case "terminal":
            await command.backend.opener.terminal(verification.thread)
        case "browser":
            command.say(await command.backend.opener.browser(verification))
        case "t3code":
            command.say(text_tables.opened(await command.backend.opener.t3code(verification.thread)))


def _exit_code(verification: Verification) -> ExitCode:
    kinds = {Kind.RESUMABLE: ExitCode.DONE, Kind.BLOCKED: ExitCode.BLOCKED, Kind.UNKNOWN: ExitCode.UNKNOWN}
    return kinds[verification.verdict.kind]
