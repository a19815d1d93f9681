"""Checks access, then the route: session requests are decided on (`session_requests`), everything else passes unchanged.

When a client leaves, its request at the server is ended; when the server closes, the client's answer is ended. Failures are
reported in OpenCode's error format, never as a 404.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from t3tray.errors import ServerDown, T3TrayError, TimedOut
from t3tray.guard.access import REALM, AccessControl, Rejection
from t3tray.guard.exchange import Exchange, Gone, TooLarge, UnreadableRequest
from t3tray.guard.headers import for_client
from t3tray.guard.proof import PROOF_PATH
from t3tray.guard.routes import RouteKind, route_of
from t3tray.guard.session_requests import SessionRequests
from t3tray.guard.upstream import Upstream
from t3tray.messages.guard import GUARD_FAILED, NONCE_REQUIRED, SERVER_DOWN, SERVER_FAILED, SERVER_NOT_READY, TOO_LARGE

_log = logging.getLogger(__name__)


class Proxy:
    """`in_use` is called for each request that access control allows: the server is needed."""

    def __init__(
        self,
        access: AccessControl,
        upstream: Upstream,
        sessions: SessionRequests,
        in_use: Callable[[], None],
        prover: Callable[[bytes], bytes | None],
    ) -> None:
        """`prover` returns the proof of identity for a query, or None for an invalid query."""
        self._prover = prover
        self._access = access
        self._upstream = upstream
        self._sessions = sessions
        self._in_use = in_use
        self._under_way = 0

    @property
    def under_way(self) -> int:
        """Number of requests under way, open event streams included."""
        return self._under_way

    async def serve(self, exchange: Exchange) -> None:
        """Answer a request; cancelled when the client leaves. Raises UnreadableRequest."""
        is_proof_request = exchange.method == "GET" and exchange.path == PROOF_PATH
        turned = self._access.rejection(exchange, needs_password=not is_proof_request)
        if turned is None and is_proof_request:
            turned = await self._prove(exchange)
            if turned is None:
                return
        if turned:
            challenge = ((b"www-authenticate", f'Basic realm="{REALM}"'.encode()),) if turned.status == 401 else ()
            await exchange.refuse(turned.status, turned.name, turned.sentence, (b"connection", b"close"), *challenge)
            return
        self._in_use()
        self._under_way += 1
        try:
            await self._serve(exchange)
        finally:
            self._under_way -= 1

    async def _prove(self, exchange: Exchange) -> Rejection | None:
        """Answer with the proof of identity, and close the connection: the client has shown no password."""
        proof = self._prover(exchange.query)
        if proof is None:
            return Rejection(400, "BadRequestError", NONCE_REQUIRED)
        await exchange.give_json(200, proof, (b"connection", b"close"))
        return None

    async def _serve(self, exchange: Exchange) -> None:
        try:
            route = route_of(exchange.method, exchange.path)
            if route.kind is RouteKind.OTHER:
                await self._pass_on(exchange)
            else:
                await self._sessions.serve(route, exchange)
        except Gone:
            return
        except UnreadableRequest:
            raise
        except TooLarge:
            await exchange.refuse(413, "PayloadTooLargeError", TOO_LARGE)
        except T3TrayError as error:
            await _answer_error(exchange, error)
        except Exception:
            _log.exception("The guard could not answer %s.", exchange.method)
            if not exchange.is_answered:
                await exchange.refuse(500, "GuardError", GUARD_FAILED)

    async def _pass_on(self, exchange: Exchange) -> None:
        content = exchange.body() if exchange.has_body else None
        async with self._upstream.open(exchange.method, exchange.target, exchange.headers, content) as answered:
            await exchange.relay(answered.status, for_client(answered.headers), answered.chunks)


async def _answer_error(exchange: Exchange, error: T3TrayError) -> None:
    """Answer with an error that T3 Code shows. If the answer has begun, the caller aborts it instead."""
    _log.warning("%s %s: %s", exchange.method, type(error).__name__, error.message)
    if exchange.is_answered:
        return
    match error:
        case ServerDown():
            await exchange.refuse(502, "BadGatewayError", SERVER_DOWN)
        case TimedOut():
            await exchange.refuse(503, "ServiceUnavailableError", SERVER_NOT_READY)
        case _:
            await exchange.refuse(503, "ServiceUnavailableError", SERVER_FAILED)
