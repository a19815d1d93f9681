"""Runs one command: opens the engine, calls the command, and closes the engine in order, also at a signal."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TextIO

from t3tray.backend.engine import Engine
from t3tray.cli.commands.guard import guard
from t3tray.cli.commands.remedy import remedy
from t3tray.cli.commands.resume import attach, resume
from t3tray.cli.commands.send import new, send
from t3tray.cli.commands.server import doctor, server
from t3tray.cli.commands.settings import settings
from t3tray.cli.commands.threads import adopt, journal, show, status, threads
from t3tray.cli.commands.vault import vault
from t3tray.cli.context import Command
from t3tray.cli.interrupts import Interrupts
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.errors import ExitCode


def run_command(words: argparse.Namespace, out: TextIO, err: TextIO) -> ExitCode:
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
