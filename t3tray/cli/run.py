"""Runs one command: opens the backend, calls the command and closes the backend, also after a signal."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TextIO

from t3tray.backend.backend import Backend
from t3tray.cli.commands.app import app
from t3tray.cli.commands.guard import guard
from t3tray.cli.commands.remedy import remedy
from t3tray.cli.commands.resume import attach, resume
from t3tray.cli.commands.send import new, send
from t3tray.cli.commands.server import doctor, server
from t3tray.cli.commands.settings import settings
from t3tray.cli.commands.threads import adopt, journal, show, status, threads
from t3tray.cli.commands.uninstall import uninstall
from t3tray.cli.commands.vault import vault
from t3tray.cli.context import BareCommand, Command
from t3tray.cli.interrupts import Interrupts
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.errors import ExitCode


def run_command(arguments: argparse.Namespace, out: TextIO, err: TextIO) -> ExitCode:
    """Run the command. A first signal ends it in order and stops what it started; a second one ends the process immediately.

    Raises T3TrayError."""
    with Interrupts() as interrupts:
        return asyncio.run(_run(arguments, out, err, interrupts))


async def _run(arguments: argparse.Namespace, out: TextIO, err: TextIO, interrupts: Interrupts) -> ExitCode:
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as opened:
        work = asyncio.create_task(_answer(arguments, out, err, opened))
        # A signal cancels the command, not the closing, which is always completed.
        interrupts.on_first(partial(loop.call_soon_threadsafe, work.cancel))
        try:
            return await work
        except asyncio.CancelledError:
            if interrupts.received is None:
                raise
            raise SystemExit(128 + interrupts.received) from None


async def _answer(arguments: argparse.Namespace, out: TextIO, err: TextIO, opened: contextlib.AsyncExitStack) -> ExitCode:
    if bare := WITHOUT_BACKEND.get(arguments.command):
        return await bare(BareCommand(arguments, out, err))
    backend = await Backend.open(arguments.data_dir, "command")
    opened.push_async_callback(backend.close)
    command = Command(arguments, out, err, backend=backend)
    backend.server.subscribe(partial(_report_slow_start, command, []))
    for notice in await backend.restoring.warnings():
        command.say(notice)
    code = await COMMANDS[arguments.command](command)
    if command.lost:
        raise command.lost
    return code


def _report_slow_start(command: Command, reported: list[str], server: ServerStatus) -> None:
    """Print once why the server takes long to start."""
    if server.state is ServerState.STARTING and server.reason and server.reason not in reported:
        reported.append(server.reason)
        command.say(server.reason)


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
    "guard": guard,
    "attach": attach,
    "settings": settings,
    "vault": vault,
}
# Those that work where our data cannot be opened, and make none where there is none.
WITHOUT_BACKEND: dict[str, Callable[[BareCommand], Awaitable[ExitCode]]] = {"app": app, "uninstall": uninstall}
