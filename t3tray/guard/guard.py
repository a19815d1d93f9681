"""The complete reverse proxy. `start` and `stop` it in the same event loop."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from t3tray.guard.access import AccessControl
from t3tray.guard.blocking import BlockingCalls
from t3tray.guard.decider import Decider
from t3tray.guard.listener import Listener
from t3tray.guard.ports import Bindings, Ledger, T3Query
from t3tray.guard.proof import proof_of
from t3tray.guard.proxy import Proxy
from t3tray.guard.session_requests import SessionRequests
from t3tray.guard.upstream import READY_LIMIT, Upstream
from t3tray.server.port import HOST


class Guard:
    """Listener, access control, session requests and upstream, wired together."""

    def __init__(
        self,
        *,
        port: int,
        password: str,
        upstream: Upstream,
        query: T3Query,
        bindings: Bindings,
        ledger: Ledger,
        now: Callable[[], datetime],
        in_use: Callable[[], None],
        limit: float = READY_LIMIT,
    ) -> None:
        """`limit` in seconds, for a session request."""
        self._upstream = upstream
        run = self._blocking = BlockingCalls()
        self._sessions = SessionRequests(self._upstream, Decider(query, bindings, ledger, now, run), ledger, run, limit)
        prover = partial(proof_of, port, password)
        self._proxy = Proxy(AccessControl(port, password), self._upstream, self._sessions, in_use, prover)
        self._listener = Listener(self._proxy.serve, port)
        self.url = f"http://{HOST}:{port}"

    @property
    def under_way(self) -> int:
        """Number of requests under way, open event streams included."""
        return self._proxy.under_way

    @property
    def listens(self) -> bool:
        return self._listener.listens

    @property
    def met_newer(self) -> bool:
        """Whether a request of OpenCode's newer API arrived since the start."""
        return self._sessions.met_newer

    async def start(self) -> None:
        """Start listening. Raises Refused when another program uses the port."""
        await self._listener.start()

    async def stop(self) -> None:
        """Accept no more requests, end those under way, and finish changes of bindings; within seconds. Idempotent."""
        await self._listener.stop()
        await self._sessions.aclose()
        await self._upstream.aclose()
        self._blocking.close()
