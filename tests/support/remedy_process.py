"""A remedy applied in another process that is paused or killed at a chosen moment, for tests that need two processes.

As a program: `python -m tests.support.remedy_process DATA THREAD REMEDY WHEN`. It prints "agreed" after the preview. With
WHEN "told" it waits for a line of input before it applies the remedy; with "made" it is killed after the server has created the
session. At the end it prints one line of JSON: the session that the thread is bound to, or the error.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from t3tray.backend.backend import Backend
from t3tray.domain.remedy import Choice, Remedy
from t3tray.errors import T3TrayError
from tests.support.forked import Command, shared_forker
from tests.support.program import Program


class Acting:
    """The other process, seen from the test."""

    def __init__(self, command: Command) -> None:
        self._command = command

    def wait_until_agreed(self) -> None:
        assert self._command.read_line() == "agreed"

    def go_on(self) -> None:
        self._command.write("")

    def finish(self) -> dict[str, Any]:
        """Return its last line of output; empty if it was killed."""
        out, _ = self._command.communicate()
        told = out.splitlines()
        return dict(json.loads(told[-1])) if told and told[-1].startswith("{") else {}


@contextmanager
def acting(program: Program, thread: str, remedy: Remedy, when: str) -> Iterator[Acting]:
    words = str(program.data), thread, remedy.value, when
    command = shared_forker().start_module("tests.support.remedy_process", *words, environment=program.environment)
    try:
        yield Acting(command)
    finally:
        command.kill()
        command.close()


async def _act(data: str, thread: str, remedy: Remedy, when: str) -> None:
    backend = await Backend.open(data, "command")
    try:
        choice = Choice(remedy)
        seen = await backend.remedies.preview(thread, choice)
        print("agreed", flush=True)
        if when == "told":
            await asyncio.to_thread(sys.stdin.readline)
        else:
            _die_when_made(await backend.settlement.connect(), "set_metadata" if remedy is Remedy.FORK else "create_session")
        await backend.remedies.apply(thread, choice, seen)
        print(json.dumps({"session": (await backend.details.read(thread)).row.session_id}), flush=True)
    except T3TrayError as error:
        print(json.dumps({"error": error.message, "hint": error.hint, "code": error.exit_code}), flush=True)
    finally:
        await backend.close()


def _die_when_made(server: object, request: str) -> None:
    made = getattr(server, request)

    async def make(*words: object) -> None:
        await made(*words)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(server, request, make)


def main() -> None:
    data, thread, remedy, when = sys.argv[1:]
    asyncio.run(_act(data, thread, Remedy(remedy), when))


if __name__ == "__main__":
    main()
