"""Opens a thread in a terminal, a browser or T3 Code, and only in the session that was verified.

It changes nothing; what is started for the user is left alone.
"""

from __future__ import annotations

import asyncio

from t3tray.domain.thread import Thread
from t3tray.domain.verdict import Kind
from t3tray.domain.verification import OpenResult, Verification
from t3tray.errors import Refused
from t3tray.server.manager import ManagedServer
from t3tray.server.programs import Programs
from t3tray.system.sql_thread import SqlThread
from t3tray.t3code.server_info import thread_address
from t3tray.threads.scan import Scanner
from t3tray.threads.verify import NotResumable


class ThreadOpener:
    """Lives on the event loop."""

    def __init__(self, launching: Programs, server: ManagedServer, scanner: Scanner, run_sql: SqlThread) -> None:
        self._launching = launching
        self._server = server
        self._scanner = scanner
        self._run_sql = run_sql

    async def terminal(self, thread: Thread) -> None:
        """Open a terminal window that verifies the thread once more and becomes OpenCode in its session. Raises NoTerminal."""
        await asyncio.to_thread(self._launching.open_terminal, thread)

    async def attachment(self, verification: Verification) -> tuple[list[str], dict[str, str]]:
        """Return the command and environment that become OpenCode in the session that was just proved.

        Attached to the server where it stays when this process is gone; else OpenCode by itself, on the same database. Raises
        NotResumable, BinaryNotFound.
        """
        if verification.verdict.kind is not Kind.RESUMABLE or verification.session_id is None:
            raise NotResumable(verification)
        endpoint = await self._server.ensure_ready() if await self._server.outlives_us() else None
        attachment = await asyncio.to_thread(
            self._launching.terminal_interface, verification.session_id, verification.thread.directory, endpoint
        )
        if endpoint:
            await self._server.hand_over()
        return attachment

    async def browser(self, verification: Verification) -> str:
        """Open the session in the server's own web page; return the page's address.

        Raises Refused where the page would ask for a password: nobody could type the one of our own server.
        """
        endpoint = await self._server.ensure_ready() if self._server.is_external else None
        if endpoint is None or endpoint.password is not None:
            raise Refused(
                "OpenCode's page would ask for the server's password, which t3tray keeps to itself.",
                "Open the thread in a terminal: --open terminal.",
            )
        return await asyncio.to_thread(self._launching.open_browser, verification, endpoint)

    async def t3code(self, thread: Thread) -> OpenResult:
        """Open a thread in T3 Code. Raises Refused for a thread that is not one of its own, WorldError when nothing opens."""
        home = await self._run_sql(self._scanner.home_of, thread.id)
        if home is None:
            raise Refused("This thread is not one of T3 Code's.", "Open it with --open terminal.")
        address = await thread_address(home, thread.id)
        return await asyncio.to_thread(self._launching.open_t3code, thread, address)
