"""What a prompt and its turn need of OpenCode: ids, errors in one line, messages read singly, pauses between events."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence

import msgspec
import pytest
from msgspec import Raw

from t3tray.opencode.events import Connected, Quiet, Signal, with_pauses
from t3tray.opencode.message_error import MessageError
from t3tray.opencode.message_ids import MessageIds, time_for
from t3tray.opencode.message_reading import MessageReading, read_messages, reading_from
from t3tray.opencode.wire import WireMessage


def test_ids_rise_with_the_time_and_within_one_ms() -> None:
    ids = MessageIds(random.Random(1), "abcdef0123")
    made = [ids.next(at) for at in (1_795_995_845_188, 1_795_995_845_188, 1_795_995_845_189)]
    # OpenCode 1.18.33 made the first twelve digits so at this time.
    assert made[0].startswith("msg_229b1c244001T3abcdef")
    assert made == sorted(made) and len({len(name) for name in made}) == 1 and len(made[0]) == 30


@pytest.mark.parametrize(
    ("now", "told", "newest", "at"),
    [
        (10_700, 10_000, 9_000, 10_700),
        (10_700, 10_000, None, 10_700),
        # Ours is ahead, and behind.
        (14_000, 10_000, 9_000, 10_000),
        (14_000, 10_000, 10_300, 10_301),
        (7_000, 10_000, 9_000, 9_001),
        (7_000, 10_000, None, 7_000),
        # The date is behind: of the last second, or of a server with much to do.
        (11_400, 10_000, 11_200, 11_400),
        (14_000, 10_000, 13_900, 13_901),
        # Who dates nothing.
        (10_700, None, 10_600, 10_700),
        (10_700, None, 12_000, 12_001),
    ],
)
def test_a_message_is_no_later_than_by_the_servers_clock_and_after_its_newest(
    now: int, told: int | None, newest: int | None, at: int
) -> None:
    assert time_for(now, told, newest) == at


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
        # The form of 1.15.
        ("ProviderNoProvidersError: \n    at <anonymous> (/x.js:1:2)", "No providers are available"),
        ("effect/cli/OddError", "OpenCode reported only OddError"),
        ("Error: OddError:", "OpenCode reported only OddError"),
    ],
)
def test_an_error_is_told_in_one_line_without_its_stack(message: str, words: str) -> None:
    told = msgspec.json.encode({"name": "UnknownError", "data": {"message": message}})
    assert msgspec.json.decode(told, type=MessageError).words == words


def page(*each: object) -> list[tuple[WireMessage | None, bool]]:
    return read_messages(Raw(msgspec.json.encode(one)) for one in each)


def told(name: str, at: int, parts: Sequence[object] = ()) -> dict[str, object]:
    return {"info": {"id": name, "sessionID": "ses_1", "role": "user", "time": {"created": at}}, "parts": parts}


def test_one_odd_message_hides_no_other() -> None:
    reading = reading_from(page(told("msg_1", 1), told("msg_2", 2, [{"type": 7}]), {"info": 3}), "msg_1", 1)
    assert reading
    assert [message.info.id for message in reading.messages] == ["msg_1", "msg_2"]
    assert reading.unread == 2


def test_it_is_read_back_to_our_message_and_an_older_odd_one_is_nobodys_trouble() -> None:
    odd = told("msg_0", 1, [{"type": 7}])
    assert reading_from(page(told("msg_7", 7), told("msg_8", 8)), "msg_5", 5) is None, "it may be further back"
    reading = reading_from(page(odd, told("msg_5", 5), told("msg_8", 8)), "msg_5", 5)
    assert reading and ([m.info.id for m in reading.messages], reading.unread) == (["msg_5", "msg_8"], 0)
    gone = reading_from(page(odd, told("msg_8", 8)), "msg_5", 5)
    assert gone and [m.info.id for m in gone.messages] == ["msg_8"]
    assert reading_from(page(odd), "msg_5", 5) == MessageReading(())


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
