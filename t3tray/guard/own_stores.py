"""The guard's own connections to our data, each with a thread of its own.

T3 Code waits for what the guard reads: that must not wait for a scan in another thread, for a write's fsync, or for another
process's lock on the file. SQLite lets a reader wait for no writer.
"""

from __future__ import annotations

import asyncio
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
        try:
            reader = await read(store.beside, read_only=True)
            return cls(reader, read, await write(store.beside), write)
        except BaseException:
            read.close()
            write.close()
            raise

    async def close(self, shared: Store) -> None:
        """Close both, once what they do is done. `shared` stays open: a store that cannot be written is the same for all."""
        for store, run in ((self.reader, self.read), (self.writer, self.write)):
            if store is not shared:
                await run(store.close)
            await asyncio.to_thread(run.close)
