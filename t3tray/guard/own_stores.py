"""The guard's own connections to our data, each with a thread of its own.

T3 Code waits for what the guard reads: that must not wait for a scan in another thread, for a write's fsync, or for another
process's lock on the file. SQLite lets a reader wait for no writer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from t3tray.store.store import Store
from t3tray.system.sql_thread import SqlThread


@dataclass(frozen=True)
class OwnStores:
    """`reader` is used in the thread of `read` and changes nothing, `writer` in the thread of `write`."""

    reader: Store
    read: SqlThread
    writer: Store
    write: SqlThread

    @classmethod
    async def open(cls, store: Store) -> OwnStores:
        """Open both beside this store. Raises StoreError."""
        read, write = SqlThread("t3tray-guard-read"), SqlThread("t3tray-guard-write")
        # Filled in the threads: a store may be opened there after its opening was cancelled here.
        readers: list[Store] = []
        writers: list[Store] = []
        try:
            await read(lambda: readers.append(store.beside(read_only=True)))
            await write(lambda: writers.append(store.beside()))
            return cls(readers[0], read, writers[0], write)
        except BaseException:
            await _end(((read, readers), (write, writers)), store)
            raise

    async def close(self, shared: Store) -> None:
        """Close both, once what they do is done. `shared` stays open: a store that cannot be written is the same for all.

        Cancelled, it does not wait for that: they are closed afterwards, and the rest of the app can end meanwhile.
        """
        await _end(((self.read, [self.reader]), (self.write, [self.writer])), shared)


async def _end(threads: Iterable[tuple[SqlThread, list[Store]]], shared: Store) -> None:
    """Close the stores in their threads, except the shared one, and end each thread, even if another one hangs or fails."""
    endings = asyncio.gather(*(_end_one(run, stores, shared) for run, stores in threads), return_exceptions=True)
    for failure in await asyncio.shield(endings):
        if failure is not None:
            raise failure


async def _end_one(run: SqlThread, stores: list[Store], shared: Store) -> None:
    """`stores` is read when its turn comes."""

    def close() -> None:
        for store in stores:
            if store is not shared:
                store.close()

    try:
        await run(close)
    finally:
        run.end()
