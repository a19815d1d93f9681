"""The tray's core without a window, as a process that a test can drive, stop and kill.

Each line on stdin is a JSON array: "send", a thread and a text, or "remedy", a thread and the remedy's name. Each is answered
with a line: "done", or what went wrong. It ends with its stdin.
"""

from __future__ import annotations

import asyncio
import json
import sys

from t3tray.backend.backend import Backend
from t3tray.domain.remedy import Choice, Remedy
from t3tray.errors import T3TrayError


def main() -> None:
    asyncio.run(_follow_orders())


async def _follow_orders() -> None:
    backend = await Backend.open(None, "tray")
    running = asyncio.create_task(backend.run(lambda snapshot: None))
    try:
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(await _answer(backend, *json.loads(line)), flush=True)
            assert not running.done(), running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await backend.close()


async def _answer(backend: Backend, name: str, thread_id: str, value: str) -> str:
    try:
        if name == "remedy":
            choice = Choice(Remedy(value))
            await backend.remedies.apply(thread_id, choice, await backend.remedies.preview(thread_id, choice))
        else:
            await backend.conversations.send(thread_id, value)
    except T3TrayError as error:
        return f"{error.title}: {error.message}".replace("\n", " ")
    except Exception as bug:
        return f"BUG {type(bug).__name__}: {bug}".replace("\n", " ")
    return "done"


if __name__ == "__main__":
    main()
