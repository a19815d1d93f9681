"""What the window needs of the rest of the program. `core.desk` fulfils it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from t3tray.core.services.views import Overview, Resumption, ThreadDetails


class Desk(Protocol):
    """Lives in the asyncio thread; takes and gives frozen values only. Every method raises T3TrayError."""

    async def run(self, publish: Callable[[Overview], None]) -> None:
        """Publish what is true, and again after every change, until cancelled."""
        ...

    async def close(self) -> None:
        """End everything in order, within 5 s."""
        ...

    async def details(self, thread_id: str) -> ThreadDetails: ...

    async def resume(self, thread_id: str) -> Resumption: ...

    async def resume_in_terminal(self, thread_id: str) -> Resumption: ...

    async def open_in_t3code(self, thread_id: str) -> str: ...

    async def mark_seen(self, thread_id: str) -> None: ...

    async def start_server(self) -> None: ...

    async def stop_server(self) -> None: ...

    async def restart_server(self) -> None: ...

    async def bind(self, thread_id: str, session_id: str) -> None: ...

    async def new_thread(self, directory: str, title: str) -> str: ...
