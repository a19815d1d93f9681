"""What a prompt and its turn need of OpenCode: ids, errors in one line, messages read singly, pauses between events."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator

import msgspec
import pytest
from msgspec import Raw

from t3tray.core.opencode.events import Connected, Quiet, Signal, with_pauses
from t3tray.core.opencode.message_ids import MessageIds
from t3tray.core.opencode.reading import read_messages
from t3tray.core.opencode.wire import MessageError


def test_ids_rise_with_the_time_and_within_one_ms() -> None:
    times = iter([1_795_995_845_188, 1_795_995_845_188, 1_795_995_845_189])
    ids = MessageIds(lambda: next(times), random.Random(1))
    made = [ids.next() for _ in range(3)]
    # OpenCode 1.18.33 made the first twelve digits so at this time.
    assert made[0].startswith("msg_229b1c244001")
    assert made == sorted(made) and len({len(name) for name in made}) == 1 and len(made[0]) == 30


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("no credit left", "no credit left"),
        ("", ""),
        ("ProviderNoProvidersError: No providers are available\n    at <anonymous> (/x.js:1:2)", "No providers are available"),
        (
            "effect/sql/SqlError: Failed\n  at x {\n  [cause]: SqlError/LockError: Failed {\n [cause]: SQLiteError: locked\n",
            "locked",
        ),
        ("\x1b[31mError: \x1b[0mred", "red"),
        ("Error: Errors: 3 found", "Errors: 3 found"),
    ],
)
def test_an_error_is_told_in_one_line_without_its_stack(message: str, words: str) -> None:
    told = msgspec.json.encode({"name": "UnknownError", "data": {"message": message}})
    assert msgspec.json.decode(told, type=MessageError).words == words


def test_one_odd_message_hides_no_other() -> None:
    info = {"id": "msg_1", "sessionID": "ses_1", "role": "user", "time": {"created": 1}}
    each = [{"info": info, "parts": []}, {"info": info | {"id": "msg_2"}, "parts": [{"type": 7}]}, {"info": 3}]
    reading = read_messages(Raw(msgspec.json.encode(one)) for one in each)
    assert [message.info.id for message in reading.messages] == ["msg_1", "msg_2"]
    assert reading.unread == 2


async def test_a_pause_is_told_and_nothing_is_lost_by_it() -> None:
    gate, closed = asyncio.Event(), asyncio.Event()

    async def signals() -> AsyncGenerator[Signal, None]:
        try:
            yield Connected()
            await gate.wait()
            yield Connected()
            await asyncio.Event().wait()
        finally:
            closed.set()

    paused = with_pauses(signals(), lambda: 0.01)
    assert isinstance(await anext(paused), Connected)
    assert isinstance(await anext(paused), Quiet)
    gate.set()
    assert isinstance(await anext(paused), Connected)
    await paused.aclose()
    assert closed.is_set()
