"""The guard of this process, its credentials, and the homes of T3 Code whose settings name it.

Starts and stops the guard, and edits T3 Code's settings. `decider` decides the guard's answers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from t3tray.domain.guard import GuardAnswer
from t3tray.domain.t3code_thread import Shape
from t3tray.errors import Refused, StoreError, T3TrayError
from t3tray.guard.credentials import GuardCredentials
from t3tray.guard.host import GuardHost
from t3tray.guard.own_stores import OwnStores
from t3tray.guard.proof import Listening, probe_guard
from t3tray.guard.status import GuardStatus, ProtectionPlan, guard_sides, plan_off, plan_on
from t3tray.guard.t3_settings import Protection, ProtectionView, T3Protection, settings_path, strange_records
from t3tray.messages.guard import NO_T3CODE
from t3tray.messages.protection import NEWER_API, threads_unreadable, upgraded
from t3tray.server.port import HOST
from t3tray.system.instance_lock import InstanceHolder, InstanceLock
from t3tray.system.paths import log_directory
from t3tray.system.port_owner import may_be_t3tray
from t3tray.t3code.home import T3Home, may_be_there
from t3tray.t3code.live_query import read_now
from t3tray.t3code.state import T3Reader, live_database

if TYPE_CHECKING:
    from t3tray.guard.guard import Guard

T = TypeVar("T")
_log = logging.getLogger(__name__)
GUARD_LOCK = "guard.lock"
# In seconds: how long to wait for the tray app to start the guard.
TRAY_LIMIT = 6.0
# In seconds: the same while a t3tray with this data folder is running, which may be starting on a busy machine.
BUSY_TRAY_LIMIT = 60.0
_PROBE_PAUSE = 0.1


def _utc_now() -> datetime:
    return datetime.now(UTC)


class GuardService:
    """One instance for a process, in the host's event loop; `stop` it before the host is closed."""

    def __init__(
        self,
        host: GuardHost,
        on_answer: Callable[[GuardAnswer], None] = lambda answer: None,
        may_be_ours: Callable[[int], bool] = may_be_t3tray,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """`on_answer` is called with each answer of the guard. `may_be_ours(port)` returns, blocking, whether the port's owner
        may be a t3tray."""
        self._host = host
        self._on_answer = on_answer
        self._may_be_ours = may_be_ours
        self._now = now
        # Lock of the guards of one data folder: only its holder may replace their port and password.
        self._lock = InstanceLock(host.data_directory, GUARD_LOCK)
        self._guard: Guard | None = None
        self._stores: OwnStores | None = None
        self._key: GuardCredentials | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """T3 Code's settings files: after a change of them T3 Code may bypass the guard."""
        return tuple(settings_path(home) for home in self._host.t3_homes)

    @property
    def listens(self) -> bool:
        """Whether the guard of this process listens."""
        return self._guard is not None and self._guard.listens

    @property
    def under_way(self) -> int:
        """Number of requests under way."""
        return self._guard.under_way if self._guard else 0

    def serves(self, url: str) -> bool:
        """Return whether the guard of this process listens at this address."""
        return self._guard is not None and self._guard.listens and self._guard.url == url

    async def start(self) -> str:
        """Listen, and return the guard's address. Raises Refused if another program has its port, StoreError.

        When another program has the port, or the password is lost, the guard gets new ones, which are written to T3 Code's
        settings. T3 Code ends its turns then, so nothing is changed when the port's owner may be a guard.
        """
        await self.stop()
        is_alone = await asyncio.to_thread(self._take_lock)
        try:
            before = await self._host.guard_credentials.port()
            key = self._key = await self._begin(is_alone)
        except BaseException:
            await self.stop()
            raise
        if before and before != key.port:
            await self._point_again(f"http://{HOST}:{before}", key)
        return key.url

    async def _begin(self, is_alone: bool) -> GuardCredentials:
        """Listen, and return the current credentials. `is_alone`: no other guard of this data directory runs."""
        key = await (self._host.guard_credentials.get() if is_alone else self._host.guard_credentials.known())
        if key is None:
            raise Refused("Another t3tray's guard is running, and its password cannot be found.", "Nothing was changed.")
        try:
            await self._listen(key)
        except Refused:
            match await probe_guard(key.port, key.password):
                case Listening.OURS:
                    raise Refused(
                        "The guard is already running, in another t3tray.", "One is enough: it answers T3 Code."
                    ) from None
                case Listening.NOBODY:
                    raise
                case Listening.UNPROVED if not is_alone:
                    raise Refused(
                        "The guard of another t3tray is not responding.",
                        "Nothing was changed: stop that t3tray, or wait for it.",
                    ) from None
                case Listening.UNPROVED if await asyncio.to_thread(self._may_be_ours, key.port):
                    raise Refused(
                        f"The program on port {key.port}, where T3 Code expects the guard, does not prove to be the guard.",
                        "Nothing was changed. It may be an older t3tray: stop it, and try again.",
                    ) from None
                case _ if not is_alone:
                    raise
            _log.warning("Another program listens on port %s: the guard gets a new port and password.", key.port)
            key = await self._host.guard_credentials.renew()
            await self._listen(key)
        return key

    def _take_lock(self) -> bool:
        """Return whether it is certain that no other guard of this data directory is running. Blocks."""
        try:
            return self._lock.take(InstanceHolder.this_process(has_window=False))
        except StoreError as error:
            _log.warning("Cannot check whether another guard is running: %s", error.message)
            return False

    async def follow(self) -> None:
        """Restart on the port that another process of ours has chosen meanwhile. Raises the same as `start`."""
        port = await self._host.guard_credentials.port()
        if port and self._key is not None and port != self._key.port:
            await self.start()

    async def _listen(self, key: GuardCredentials) -> None:
        # Imported here: only a listening guard needs the web server's modules, which would slow down every other command.
        from t3tray.guard.guard import Guard
        from t3tray.guard.upstream import Upstream
        from t3tray.guard.upstream_client import UpstreamClient

        if self._stores is None:
            self._stores = await OwnStores.open(self._host.store)
        upstream = Upstream(self._host.servers.server.ensure_ready)
        client = UpstreamClient(upstream, self._host.prepare)
        facts = self._host.facts(self._on_answer, self._stores, client.connect)
        guard = Guard(
            port=key.port,
            password=key.password,
            upstream=upstream,
            query=lambda session_id: read_now(self._host.t3_homes, session_id),
            bindings=facts,
            ledger=facts,
            now=self._now,
            in_use=self._host.idle_shutdown.note,
        )
        await guard.start()
        self._guard = guard

    async def _point_again(self, url: str, key: GuardCredentials) -> None:
        """Change the guard's old address to the new one in all of T3 Code's settings."""

        def point(protection: T3Protection) -> None:
            if any(place.server == url for place in protection.view("", "").places):
                protection.protect(key.url, key.password, instead_of=url)

        await self._each(point, only_there=True)

    async def stop(self) -> None:
        """Stop listening and end the requests under way, within seconds. Idempotent."""
        guard, self._guard = self._guard, None
        stores, self._stores = self._stores, None
        try:
            if guard is not None:
                await guard.stop()
        finally:
            try:
                if stores is not None:
                    await stores.close(self._host.store)
            finally:
                self._lock.release()

    async def status(self, with_others: bool = True) -> GuardStatus:
        """Return the status; chooses no port and no password. `with_others`: a guard in another process counts too.

        Raises StoreError.
        """
        key = await self._key_now()
        url, password = (key.url, key.password) if key else ("", "")
        homes = await self._each(lambda protection: protection.view(url, password))
        unfit = await asyncio.to_thread(_unfit, homes, self._host.t3_homes)
        if self._guard and self._guard.met_newer:
            unfit = {view.home: NEWER_API for view in homes if view.state is Protection.GUARDED} | unfit
        listening = Listening.OURS if self.serves(url) else Listening.NOBODY
        if with_others and key is not None and listening is Listening.NOBODY:
            listening = await probe_guard(key.port, key.password)
        return GuardStatus(
            url,
            listening is Listening.OURS,
            homes,
            is_unproved=listening is Listening.UNPROVED,
            unfit=next(iter(unfit.values()), ""),
            unfit_homes=frozenset(unfit),
        )

    async def plan(self, on: bool) -> ProtectionPlan:
        """Return what `protect` or `unprotect` would do. Raises Refused if it is not possible, StoreError."""
        if on:
            await self._host.guard_credentials.get()
        status = await self.status()
        homes = [view for view in status.homes if view.state is not Protection.NO_T3CODE]
        if not homes:
            raise Refused(NO_T3CODE)
        running = await self._running()
        if not on:
            return plan_off(homes, running)
        unreadable = next((view for view in homes if view.state is Protection.UNREADABLE), None)
        if unreadable:
            raise Refused(unreadable.sentence, f"Nothing was changed in {unreadable.home}, nor elsewhere.")
        await self._refuse_unfit()
        return plan_on(homes, status.url, running)

    async def protect(self, interrupt: bool) -> tuple[ProtectionView, ...]:
        """Point T3 Code at the guard. `interrupt`: even while one of its threads is running. Raises Refused, StoreError.

        The settings are copied first; nothing is changed after a failed check. If the tray app is running, it is given time to
        start the guard.
        """
        await self.plan(True)
        if not interrupt:
            await self._refuse_running()
        before = (await self.status(with_others=False)).homes
        key = await self._host.guard_credentials.get()
        wanted = await self._host.wants_guard()
        await self._host.want_guard(True)
        try:
            await self._until_it_listens(key)
            views = await self._each(lambda protection: protection.protect(key.url, key.password), only_there=True)
        except BaseException:
            await self._host.want_guard(wanted)
            raise
        await self._note_let_go(before, views)
        return views

    async def unprotect(self, interrupt: bool) -> tuple[ProtectionView, ...]:
        """Restore T3 Code's settings, as far as they are still ours; the guard's credentials become invalid.

        Raises Refused, StoreError.
        """
        # If no settings name the guard, nothing that is running is interrupted by this.
        before = await self.status(with_others=False)
        if not interrupt and before.is_pointed_at:
            await self._refuse_running()
        key = await self._key_now()
        url, password = (key.url, key.password) if key else ("", "")
        views = await self._each(lambda protection: protection.unprotect(url, password), only_there=True)
        await self._host.want_guard(False)
        await self._host.guard_credentials.forget()
        await self._note_let_go(before.homes, views)
        return views

    async def _note_let_go(self, before: Iterable[ProtectionView], after: Iterable[ProtectionView]) -> None:
        """Record that T3 Code releases all its sessions after a change of its settings, which cannot be observed."""
        states = {view.home: view.state for view in before}
        changed = [view.home for view in after if view.state is not states.get(view.home)]
        await self._host.letting_go.note_unsure(changed)

    async def make_private(self) -> None:
        """Make settings with the guard's password readable for the user only: T3 Code may have rewritten them."""
        await self._each(lambda protection: protection.make_private(), only_there=True)

    async def _key_now(self) -> GuardCredentials | None:
        """Return the current credentials: another process may have discarded or replaced them."""
        port = await self._host.guard_credentials.port()
        if not port or self._key is None or self._key.port != port:
            self._key = await self._host.guard_credentials.known()
        return self._key

    async def _until_it_listens(self, key: GuardCredentials) -> None:
        """Wait until a guard listens; longer while a t3tray is running that can start it. Raises Refused after the limit."""
        tray, began = InstanceLock(self._host.data_directory), time.monotonic()
        while not self.serves(key.url) and not await _is_ours(key):
            holder, waited = tray.holder(), time.monotonic() - began
            if holder and holder.is_running:
                if waited > BUSY_TRAY_LIMIT:
                    logs = log_directory(self._host.data_directory)
                    raise Refused(
                        f"t3tray runs (process {holder.pid}), but its guard does not answer.",
                        f"If the guard could not start, t3tray's log says why. It is in {logs}.",
                    )
            elif waited > TRAY_LIMIT:
                raise Refused(
                    "The guard is not running, so T3 Code could no longer reach OpenCode.",
                    "Start t3tray, or `t3tray guard run`, first.",
                )
            await asyncio.sleep(_PROBE_PAUSE)

    async def strange_records(self) -> list[Path]:
        """Return the records of changed settings in homes of T3 Code that are not known now, as without its T3CODE_HOME, or not
        there, as on a disk that is not mounted."""

        def find() -> list[Path]:
            there = [home for home in self._host.t3_homes if may_be_there(home.base)]
            return strange_records(self._host.data_directory / "guard", there)

        return await asyncio.to_thread(find)

    async def _each(self, work: Callable[[T3Protection], T], only_there: bool = False) -> tuple[T, ...]:
        folder = self._host.data_directory / "guard"
        homes = [home for home in self._host.t3_homes if may_be_there(home.state) or not only_there]

        def every() -> tuple[T, ...]:
            return tuple(work(T3Protection(home, folder, self._now)) for home in homes)

        return await asyncio.to_thread(every)

    async def _refuse_unfit(self) -> None:
        for home in self._host.t3_homes:
            state = await asyncio.to_thread(T3Reader(home).read)
            if state is not None and state.shape is not Shape.V1:
                raise Refused(
                    f"T3 Code's threads in {home.base} have a format that the guard cannot read ({state.path.name}).",
                    "Nothing was changed: it would have to refuse every new thread.",
                )

    async def _running(self) -> tuple[str, ...]:
        found = [await asyncio.to_thread(_running, home) for home in self._host.t3_homes]
        return tuple(title for titles in found for title in titles)

    async def _refuse_running(self) -> None:
        if running := await self._running():
            raise Refused(
                f"A turn is running in {', '.join(f'“{title}”' for title in running)}, and T3 Code would end it.",
                "Wait for it, or agree to end it (`--interrupt` on the command line).",
            )


async def load_guard_sides(host: GuardHost) -> None:
    """Tell the host which homes of T3 Code go through the guard, in whichever process it runs. If that cannot be read, none does,
    so that nothing unknown is promised."""
    try:
        host.t3_sides.guard = guard_sides(await GuardService(host).status())
    except T3TrayError as error:
        _log.warning("The state of T3 Code and the guard cannot be read: %s", error.message)


def _unfit(views: Iterable[ProtectionView], homes: Iterable[T3Home]) -> dict[Path, str]:
    """Return why the guard cannot decide the requests of a T3 Code that goes through it, by its home. Blocks."""
    guarded = {view.home for view in views if view.state is Protection.GUARDED}
    found = [live_database(home) for home in homes if home.base in guarded]
    return {
        state.home.base: (upgraded if state.shape is Shape.V2 else threads_unreadable)(state.path.name)
        for state in found
        if state is not None and state.shape is not Shape.V1
    }


def _running(home: T3Home) -> list[str]:
    """Return the titles of OpenCode threads with a running turn, of a running T3 Code.

    Empty for a format that the guard does not support: a turn that seems to run there may be stuck because of the guard.
    """
    state = T3Reader(home).read()
    if state is None or state.served_since is None or state.shape is not Shape.V1:
        return []
    return [thread.title for thread in state.threads if thread.is_opencode and thread.is_working]


async def _is_ours(key: GuardCredentials) -> bool:
    return await probe_guard(key.port, key.password) is Listening.OURS
