"""What the window needs of the rest of the program. `core.desk` fulfils it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from t3tray.core.domain.notice import Click
from t3tray.core.domain.remedy import Choice, Preview
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

    async def preview(self, thread_id: str, choice: Choice) -> Preview: ...

    async def apply(self, thread_id: str, choice: Choice, seen: Preview) -> Preview: ...

    async def new_thread(self, directory: str, title: str) -> str: ...

    async def watch(self, thread_id: str) -> None:
        """The user has this thread on screen, in front; with an empty id none."""
        ...

    async def tell_clicks(self, click: Callable[[Click], None]) -> None:
        """From now on, tell each notice of the desktop that is clicked."""
        ...
