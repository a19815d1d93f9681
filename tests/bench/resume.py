"""The cost of a resume beside its necessary part: two requests when warm, the server's own start when cold."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from t3tray.backend.backend import Backend
from tests.bench.table import Line
from tests.support.opencode import OpenCodeHome, RawServer

WARM_ROUNDS = 60
COLD_ROUNDS = 5


def measure(scratch: Path, home: OpenCodeHome) -> Iterator[Line]:
    """Measure warm and cold resumes alternately with raw requests and a raw start, under the same load."""
    os.environ |= home.environment
    warm, requests = asyncio.run(_warm(scratch))
    yield Line("warm resume", warm, "ms", 1.5 * requests, f"two GETs {requests:.1f} ms, so {warm / requests:.2f} times")
    cold, start = asyncio.run(_cold(scratch, home))
    yield Line("cold resume", cold, "ms", 1.1 * start, f"opencode serve alone {start:.0f} ms, so {cold / start:.2f} times")


async def _warm(scratch: Path) -> tuple[float, float]:
    backend = await Backend.open(str(scratch / "resume"), "command")
    try:
        (scratch / "warm").mkdir()
        thread = await backend.threads.create(str(scratch / "warm"), "bench", await backend.settlement.connect())
        async for _ in backend.prompting.converse(thread.id, "the codeword is PELICAN"):
            pass
        session = (await backend.details.read(thread.id)).row.session_id
        endpoint = await backend.server.ensure_ready()
        resumes, pairs = [], []
        auth = ("opencode", endpoint.password or "")
        async with httpx.AsyncClient(base_url=endpoint.url, auth=auth, trust_env=False) as client:
            for _ in range(WARM_ROUNDS):
                began = time.perf_counter()
                await client.get(f"/session/{session}")
                await client.get(f"/session/{session}/message", params={"limit": 1})
                pairs.append(time.perf_counter() - began)
                began = time.perf_counter()
                await backend.prompting.verify(thread.id)
                resumes.append(time.perf_counter() - began)
        return statistics.median(resumes) * 1000, statistics.median(pairs) * 1000
    finally:
        await backend.close()


async def _cold(scratch: Path, home: OpenCodeHome) -> tuple[float, float]:
    colds, starts = [], []
    for number in range(COLD_ROUNDS):
        began = time.perf_counter()
        raw = RawServer(home)
        raw.start()
        starts.append(time.perf_counter() - began)
        raw.stop()
        backend = await Backend.open(str(scratch / "resume"), "command")
        try:
            (thread,) = [row.thread for row in (await backend.snapshots.read()).rows]
            began = time.perf_counter()
            verified = await backend.prompting.verify(thread.id)
            colds.append(time.perf_counter() - began)
            assert verified.verdict.reason == "proved", f"round {number}: {verified.verdict}"
        finally:
            await backend.close()
    return statistics.median(colds) * 1000, statistics.median(starts) * 1000
