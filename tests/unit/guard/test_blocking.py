"""A session request is answered while every thread that the rest of the program uses hangs."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from t3tray.domain.guard import T3CodeState, T3ThreadState
from t3tray.guard.blocking import BlockingCalls
from tests.support.raw_http import exchange, guard_before, request, status_of, upstream

LIMIT = 90.0


async def test_a_session_request_waits_for_no_call_of_the_rest_of_the_program() -> None:
    released = threading.Event()
    pool = ThreadPoolExecutor(1)
    asyncio.get_running_loop().set_default_executor(pool)
    hangs = asyncio.create_task(asyncio.to_thread(released.wait, LIMIT))
    try:
        waiting = T3ThreadState("t1", "Report", "/w", pending=True, had_turns=True)
        async with upstream() as server, guard_before(server.url, T3CodeState((waiting,))) as guard, asyncio.timeout(LIMIT):
            assert status_of(await exchange(guard, request(guard, b"POST /session", body=b"{}"))) == 409
            assert not hangs.done()
    finally:
        released.set()
        await hangs


async def test_a_call_that_hangs_is_not_waited_for_at_the_end() -> None:
    started, released, calls = threading.Event(), threading.Event(), BlockingCalls()

    def hang() -> bool:
        started.set()
        return released.wait(LIMIT)

    hangs = asyncio.create_task(calls(hang))
    assert await calls(started.wait, LIMIT)
    calls.close()
    with pytest.raises(RuntimeError):
        await calls(int)
    assert not hangs.done()
    released.set()
    assert await hangs
