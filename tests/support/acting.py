"""A remedy carried out in a process of its own, held up or killed at a certain moment: for what only two processes can show.

As a program: `python -m tests.support.acting DATA THREAD REMEDY WHEN`. It prints "agreed" when it has seen what the remedy would
do. WHEN is "told", to wait for a line of input before it does it; or "made", to be killed when the server has made the session.
At its end it prints one line of JSON: the session that the thread is bound to, or the error.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from t3tray.backend.backend import Backend
from t3tray.domain.remedy import Choice, Remedy
from t3tray.errors import T3TrayError
from tests.support.forked import LIMIT
from tests.support.program import Program


class Acting:
    """The process, from the test's side."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def wait_until_agreed(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "agreed\n"

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def finish(self) -> dict[str, Any]:
        """What it says at its end; empty when it was killed."""
        out, _ = self.process.communicate(timeout=LIMIT)
        told = out.splitlines()
        return dict(json.loads(told[-1])) if told and told[-1].startswith("{") else {}


@contextmanager
def acting(program: Program, thread: str, remedy: Remedy, when: str) -> Iterator[Acting]:
    words = [sys.executable, "-m", "tests.support.acting", str(program.data), thread, remedy.value, when]
    process = subprocess.Popen(words, env=program.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Acting(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=LIMIT)


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


if __name__ == "__main__":
    data, thread, remedy, when = sys.argv[1:]
    asyncio.run(_act(data, thread, Remedy(remedy), when))
