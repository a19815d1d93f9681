"""The guard as it runs in a process of ours, between T3 Code and the engine's server; and T3 Code's settings that lead to it.

It owns what belongs together there: one guard, one key, the homes that are pointed at it. It judges nothing and prints nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import httpx

from t3tray.core.domain.guard import Told
from t3tray.core.engine import Engine, utc_now
from t3tray.core.errors import Refused
from t3tray.core.guard.door import REALM
from t3tray.core.t3code.home import T3Home
from t3tray.core.t3code.pending import read_now
from t3tray.core.t3code.protection import Protection, ProtectionView, T3Protection
from t3tray.core.t3code.state import T3Reader
from t3tray.core.t3code.threads import Shape

if TYPE_CHECKING:
    from t3tray.core.guard.guard import Guard

T = TypeVar("T")
_PROBE_LIMIT = 2.0
_LOST = "T3 Code's own browser tools are not offered to agents while it uses a server that it did not start."
_AT_ONCE = "T3 Code takes the change up at once, and ends every turn that runs in an OpenCode thread of its own."


@dataclass(frozen=True)
class GuardStatus:
    """`answers`: a guard of ours listens there now, in whatever process."""

    url: str
    answers: bool
    homes: tuple[ProtectionView, ...]


class Guardhouse:
    """One a process, in the engine's event loop; `stop` it before the engine is closed."""

    def __init__(self, engine: Engine, heard: Callable[[Told], None] = lambda told: None) -> None:
        """`heard` is called with each answer of the guard's."""
        self._engine = engine
        self._heard = heard
        self._guard: Guard | None = None

    async def start(self) -> str:
        """Listen; the guard's address. Raises Refused when the port is taken, StoreError."""
        # Only who listens needs the web server's modules: every other command would pay for them.
        from t3tray.core.guard.guard import Guard

        key = await self._engine.guard_key()
        guarding = self._engine.guarding(self._heard)
        guard = Guard(
            port=key.port,
            password=key.password,
            endpoint=self._engine.server.ensure_ready,
            look=partial(read_now, self._engine.t3_homes),
            bindings=guarding,
            ledger=guarding,
            now=utc_now,
            in_use=self._engine.resting.note,
        )
        await guard.start()
        self._guard = guard
        self._engine.users = lambda: guard.under_way
        return guard.url

    async def stop(self) -> None:
        """End what is under way, within seconds. A second call does nothing."""
        guard, self._guard = self._guard, None
        if guard is not None:
            self._engine.users = lambda: 0
            await guard.stop()

    async def status(self) -> GuardStatus:
        """What is true now. Raises StoreError."""
        key = await self._engine.guard_key()
        homes = await self._each(lambda protection: protection.look(key.url, key.password))
        return GuardStatus(key.url, await _answers(key.url), homes)

    async def preview(self) -> tuple[str, ...]:
        """What `protect` would do, in lines. Raises StoreError."""
        status = await self.status()
        own = "a server that T3 Code starts itself"
        lines = [
            f"{place.name} in {view.home}: {place.server or own} becomes {status.url}, with a password."
            for view in status.homes
            if view.state is not Protection.NO_T3CODE
            for place in view.places
        ]
        return (*lines, _LOST, _AT_ONCE)

    async def protect(self, interrupt: bool) -> tuple[ProtectionView, ...]:
        """Point T3 Code at the guard. `interrupt`: even while one of its threads runs. Raises Refused, StoreError.

        What was there is copied first; nothing is changed when anything speaks against it.
        """
        status = await self.status()
        if all(view.state is Protection.NO_T3CODE for view in status.homes):
            raise Refused("There is no T3 Code here to protect.")
        if not status.answers:
            raise Refused(
                "The guard does not run, and T3 Code could reach OpenCode no more.", "Start t3tray, or `t3tray guard run`, first."
            )
        await self._refuse_unfit()
        if not interrupt:
            await self._refuse_running()
        key = await self._engine.guard_key()
        return await self._each(lambda protection: protection.protect(key.url, key.password), only_there=True)

    async def unprotect(self, interrupt: bool) -> tuple[ProtectionView, ...]:
        """Put T3 Code's settings back, as far as they are still ours. Raises Refused, StoreError."""
        if not interrupt:
            await self._refuse_running()
        key = await self._engine.guard_key()
        return await self._each(lambda protection: protection.unprotect(key.url, key.password), only_there=True)

    async def _each(self, work: Callable[[T3Protection], T], only_there: bool = False) -> tuple[T, ...]:
        folder = self._engine.data_directory / "guard"
        homes = [home for home in self._engine.t3_homes if home.state.is_dir() or not only_there]

        def every() -> tuple[T, ...]:
            return tuple(work(T3Protection(home, folder, utc_now)) for home in homes)

        return await asyncio.to_thread(every)

    async def _refuse_unfit(self) -> None:
        for home in self._engine.t3_homes:
            state = await asyncio.to_thread(T3Reader(home).read)
            if state is not None and state.shape is not Shape.V1:
                raise Refused(
                    f"T3 Code's threads in {home.base} are kept in a form that the guard cannot read ({state.path.name}).",
                    "Nothing was changed: it would have to refuse every new thread.",
                )

    async def _refuse_running(self) -> None:
        running = [title for home in self._engine.t3_homes for title in await asyncio.to_thread(_running, home)]
        if running:
            raise Refused(
                f"A turn runs in {', '.join(f'“{title}”' for title in running)}, and T3 Code would end it.",
                "Wait for it, or say --interrupt.",
            )


def _running(home: T3Home) -> list[str]:
    """The titles of the OpenCode threads that a T3 Code which lives is at work in."""
    state = T3Reader(home).read()
    if state is None or state.served_since is None:
        return []
    return [thread.title for thread in state.threads if thread.is_opencode and thread.is_working]


async def _answers(url: str) -> bool:
    """Whether a guard listens there. It is asked without a password, so that no server is started for it."""
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=_PROBE_LIMIT, verify=False) as http:
            answer = await http.get(f"{url}/global/health")
    except httpx.TransportError:
        return False
    return answer.status_code == 401 and REALM in answer.headers.get("www-authenticate", "")
