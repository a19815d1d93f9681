"""The managed server and its lease: at most one server for all processes of ours, found again after any of them was killed.

A lease is claimed before the server process is started, and the process is recorded afterwards. After an interruption in between,
the next process finds the server by its record or by the token in its environment. When a server is wanted is decided elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from t3tray.domain.server import Wanted
from t3tray.errors import Refused, ServerDown, ServerFailed, StoreError
from t3tray.messages.server import STOP_THERE, started_on, unpacked_removed
from t3tray.server.bun_tmpdir import remove_unpacked, with_unpack_folder
from t3tray.server.handles import ServerHandle, ServerProgram, Sighting
from t3tray.server.log import ServerLog
from t3tray.server.port import HOST, choose_port, is_free
from t3tray.server.process import ServerProcess, recognise, search, spawn
from t3tray.server.token_bearers import end_bearers, end_strays, find_stray, new_token
from t3tray.store.server_lease import Lease, LeaseHolder, Leases
from t3tray.system.environment import server_environment
from t3tray.system.forced_exit import outlives_us
from t3tray.system.known_secrets import new_password
from t3tray.system.machine import is_this_machine, name_of, this_machine
from t3tray.system.process_identity import is_running
from t3tray.system.secrets import Secrets
from t3tray.system.sql_thread import SqlThread
from t3tray.system.tasks import shield_until_done

# In seconds.
_LOOK_AGAIN = 0.05
_CUT_OFF = 0.2

_logger = logging.getLogger(__name__)


class Halted(Exception):
    """Raised when the user stopped the server during its start: no process is left running."""


class ServerLease:
    """This process's use of the managed server. Every method may raise StoreError."""

    def __init__(
        self,
        leases: Leases,
        run_sql: SqlThread,
        secrets: Secrets,
        holder: LeaseHolder,
        log: ServerLog,
        now: Callable[[], datetime],
        folder: Path,
    ) -> None:
        """`folder` is the server's data folder."""
        self.handle: ServerHandle | None = None
        self._leases = leases
        self._run_sql = run_sql
        self._secrets = secrets
        self._holder = holder
        self._log = log
        self._now = now
        self._folder = folder

    async def wanted(self) -> Wanted:
        return await self._run_sql(self._leases.wanted)

    async def want(self, wanted: Wanted) -> None:
        await self._run_sql(self._leases.set_wanted, wanted)

    async def find(self) -> Sighting | None:
        """Return the state of the current lease; nothing is changed."""
        return await self._run_sql(self._find)

    async def obtain(self, launch: Callable[[], ServerProgram], detached: bool) -> ServerHandle:
        """Join the running server or start one, and set `handle` to it. A started one outlives its holders if `detached`.

        Raises Halted, BinaryNotFound, ServerFailed, and ServerDown for a server on another machine.
        """
        while True:
            sighting = await self.find()
            if sighting is None:
                if await shield_until_done(self._take_in_stray()):
                    continue
                handle = await self._start(launch, detached)
            elif sighting.elsewhere:
                raise ServerDown(started_on(sighting.elsewhere), STOP_THERE)
            elif sighting.process:
                handle = await self.adopt(sighting)
            elif sighting.is_coming:
                await asyncio.sleep(_LOOK_AGAIN)
                continue
            else:
                await self._remove_dead(sighting)
                continue
            if handle:
                return handle

    async def adopt(self, sighting: Sighting) -> ServerHandle | None:
        """Join the server of a sighting. Return None when it has ended meanwhile, or is an orphan whose password is lost, which
        is then ended."""
        return await shield_until_done(self._adopt(sighting))

    async def leave(self) -> bool:
        """Leave the server. Return True when the caller must end it, because no other process uses it or could find it again."""
        handle = self.handle
        return handle is not None and await self._run_sql(self._leave, handle.lease.token)

    async def hand_over(self) -> None:
        """Keep holding the server, under the same pid and start time, while this process becomes OpenCode in a terminal."""
        if self.handle:
            await self._run_sql(self._leases.hold_as, self.handle.lease.token, self._holder, "terminal")
            self.handle = None

    async def remove(self, lease: Lease) -> None:
        """Remove the lease and password of a server that has ended, after ending the processes that a killed shim left behind."""
        await asyncio.to_thread(end_bearers, lease.token, lease.port)
        if self.handle and self.handle.lease.token == lease.token:
            self.handle = None
        await self._run_sql(self._leases.drop, lease.token)
        await self._forget(lease)

    async def forget_elsewhere(self) -> bool:
        """Remove the lease of a server that another machine started. Return False where there is none."""
        sighting = await self.find()
        if sighting is None or not sighting.elsewhere:
            return False
        await self._run_sql(self._leases.drop, sighting.lease.token)
        return True

    async def refuse_elsewhere(self) -> None:
        """Raises Refused where the server runs on another machine."""
        sighting = await self.find()
        if sighting and sighting.elsewhere:
            raise Refused(started_on(sighting.elsewhere), STOP_THERE)

    async def clear(self, within: float) -> None:
        """End the server of any holder, also one that our data does not record. A server on another machine is not touched.

        Raises ServerFailed when another process is starting one and has not finished after `within` seconds.
        """
        clock = asyncio.get_running_loop().time
        limit = clock() + within
        while sighting := await self.find():
            if sighting.elsewhere:
                return
            if sighting.process or not sighting.is_coming:
                if sighting.process:
                    await asyncio.to_thread(sighting.process.end)
                try:
                    await (self.remove(sighting.lease) if sighting.process else self._remove_dead(sighting))
                except StoreError as error:
                    # The server has ended, as requested; the next process that can write removes its lease.
                    _logger.warning("The lease of a server that has ended could not be removed: %s", error.message)
                    return
            elif clock() < limit:
                await asyncio.sleep(_LOOK_AGAIN)
            else:
                raise ServerFailed("Another t3tray is starting the server and has not finished.")
        await asyncio.to_thread(end_strays, self._folder)

    async def detach(self) -> None:
        """Let the server keep running when no process holds it."""
        if self.handle:
            outlives_us(self.handle.process.pid)
            await self._run_sql(self._leases.set_detached, self.handle.lease.token, True)

    async def is_detached(self, token: str) -> bool:
        lease = await self._run_sql(self._leases.read)
        return lease is not None and lease.token == token and lease.detached

    async def password_of(self, lease: Lease) -> str | None:
        return await asyncio.to_thread(self._secrets.read, _secret(lease.token), lease.secret_place)

    def _find(self) -> Sighting | None:
        lease = self._leases.read()
        if lease is None:
            return None
        age = max(0.0, (self._now() - lease.created_at).total_seconds())
        if not is_this_machine(lease.machine):
            return Sighting(lease, None, age, (), (), name_of(lease.machine or ""))
        others = tuple(holder for holder in self._leases.holders(lease.token) if holder != self._holder)
        dead = tuple(holder for holder in others if not is_running(holder.pid, holder.started, holder.start))
        alive = tuple(holder for holder in others if holder not in dead)
        if lease.pid is None or lease.process_started is None:
            process = search(lease.token, lease.port)
        else:
            process = recognise(lease.pid, lease.process_started, lease.token, lease.port, lease.process_start or "")
        return Sighting(lease, process, age, alive, dead)

    async def _take_in_stray(self) -> bool:
        """Claim a lease for a running server that our data does not record, because the data was restored from a copy.

        Return whether there was one. It is detached, since its users are not known.
        """
        stray = await asyncio.to_thread(find_stray, self._folder)
        if stray is None or not stray.password:
            return False
        place = await asyncio.to_thread(self._secrets.store, _secret(stray.token), stray.password)
        process = stray.process
        known = (process.pid, process.started, process.start, this_machine())
        lease = Lease(stray.token, stray.port, place, datetime.fromtimestamp(process.started, UTC), True, *known)
        return await self._run_sql(self._leases.claim, lease, self._holder) is None

    async def _start(self, launch: Callable[[], ServerProgram], detached: bool) -> ServerHandle | None:
        program = await asyncio.to_thread(launch)
        return await shield_until_done(self._claim(program, detached))

    async def _claim(self, program: ServerProgram, detached: bool) -> ServerHandle | None:
        token, password = new_token(self._folder), new_password()
        place = await asyncio.to_thread(self._secrets.store, _secret(token), password)
        lease = Lease(token, program.port or choose_port(), place, self._now(), detached, machine=this_machine())
        try:
            if program.port and not is_free(program.port):
                raise ServerFailed(f"Another program has port {program.port}.", "End it, or choose another port in the settings.")
            handle = await self._run_sql(self._claim_and_spawn, lease, program, password)
        except BaseException:
            await self._forget(lease)
            raise
        if handle is None:
            await self._forget(lease)
        else:
            self.handle = handle
        return handle

    def _claim_and_spawn(self, lease: Lease, program: ServerProgram, password: str) -> ServerHandle | None:
        """Claim the lease and start the process in one database call. Return None when another process claimed first."""
        if self._leases.claim(lease, self._holder) is not None:
            return None
        process: ServerProcess | None = None
        try:
            if self._leases.wanted() is Wanted.STOPPED:
                raise Halted
            process, begin = self._spawn(lease, program, password)
            self._leases.record_process(lease.token, process.pid, process.started, process.start)
            there = self._leases.read()
            if there is None or there.token != lease.token or self._leases.wanted() is Wanted.STOPPED:
                raise Halted
        except BaseException:
            if process:
                process.kill()
                process.has_ended(1.0)
            self._leases.drop(lease.token)
            raise
        return ServerHandle(there, process, password, begin)

    def _spawn(self, lease: Lease, program: ServerProgram, password: str) -> tuple[ServerProcess, int]:
        arguments = [str(program.binary), "serve", "--hostname", HOST, "--port", str(lease.port)]
        freed = remove_unpacked(program.unpacked)
        title = f"starting {' '.join(arguments)}"
        title += unpacked_removed(freed) if freed else ""
        environment = with_unpack_folder(program.unpacked, server_environment(program.environment, password, lease.token))
        try:
            with self._log.begin(self._now(), title) as (output, begin):
                return spawn(arguments, environment, program.cwd, output), begin
        except OSError as error:
            raise ServerFailed(f"The server's log {self._log.path} cannot be written: {error.strerror or error}.") from error

    async def _adopt(self, sighting: Sighting) -> ServerHandle | None:
        process, lease = sighting.process, sighting.lease
        if process is None or not await self._run_sql(self._join, sighting, process):
            return None
        try:
            password = await self.password_of(lease)
        except StoreError:
            await self._run_sql(self._leave, lease.token)
            raise
        if password is None and sighting.is_orphan:
            await asyncio.to_thread(process.end)
            await self.remove(lease)
            return None
        self.handle = ServerHandle(lease, process, password, age=sighting.age, is_orphan=sighting.is_orphan)
        return self.handle

    def _join(self, sighting: Sighting, process: ServerProcess) -> bool:
        token = sighting.lease.token
        self._leases.forget_holders(token, sighting.dead)
        if not self._leases.join(token, self._holder):
            return False
        if sighting.lease.pid is None:
            self._leases.record_process(token, process.pid, process.started, process.start)
        return True

    def _leave(self, token: str) -> bool:
        holders = self._leases.holders(token)
        dead = [one for one in holders if one != self._holder and not is_running(one.pid, one.started, one.start)]
        self._leases.forget_holders(token, dead)
        if self._leases.leave(token, self._holder):
            return True
        lease = self._leases.read()
        return lease is None or lease.token != token

    async def _remove_dead(self, sighting: Sighting) -> None:
        """Remove a lease without a process. After an interrupted claim the process may just be starting: search once more."""
        lease = sighting.lease
        if sighting.was_cut_off:
            await asyncio.sleep(_CUT_OFF)
            process = await asyncio.to_thread(search, lease.token, lease.port)
            if process:
                return
        await self.remove(lease)

    async def _forget(self, lease: Lease) -> None:
        # A password without a server is useless: leaving it in a locked keyring is no reason to fail.
        with suppress(StoreError):
            await asyncio.to_thread(self._secrets.forget, _secret(lease.token), lease.secret_place)


def _secret(token: str) -> str:
    return f"server-{token}"
