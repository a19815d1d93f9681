"""The lease of the managed server (at most one), its holders, and whether the user wants a server.

Records processes only; whether they are alive is checked elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, delete, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.sql.elements import ColumnElement

from t3tray.domain.server import Wanted
from t3tray.store.damaged_rows import LONG_AGO, readable
from t3tray.store.database import Database
from t3tray.store.schema import lease_holders, server_lease
from t3tray.store.state import put_state, state_of

_WANTED = "server_wanted"
# Built once: building a statement takes longer than running it.
_LEASE = select(server_lease)


@dataclass(frozen=True)
class LeaseHolder:
    """A process that uses the server: a "tray", a "command", or the "terminal" that a command became. `started` is its start time
    in seconds since the epoch, `start` its `process_identity.start_id`, empty where an older version wrote it."""

    pid: int
    started: float
    kind: str
    start: str = ""


@dataclass(frozen=True)
class Lease:
    """The managed server. `secret_place` is where its password is stored ("keyring" or "file"); `detached`: it keeps running
    without holders. `process_started` is in seconds since the epoch, `process_start` its `start_id` (which names the boot on
    Linux); both are None until it was started. `machine` is from `system.machine`; None where an older version wrote it."""

    token: str
    port: int
    secret_place: str
    created_at: datetime
    detached: bool
    pid: int | None = None
    process_started: float | None = None
    process_start: str | None = None
    machine: str | None = None


class Leases:
    """Tables of the lease and its holders. Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> Lease | None:
        with self._database.read() as connection:
            return _lease(connection)

    def claim(self, lease: Lease, holder: LeaseHolder) -> Lease | None:
        """Write the lease and return None, or return the existing lease with nothing written."""
        with self._database.write() as connection:
            there = _lease(connection)
            if there is not None:
                return there
            connection.execute(insert(server_lease).values(slot=1, **{**vars(lease), "detached": int(lease.detached)}))
            connection.execute(insert(lease_holders).values(token=lease.token, **vars(holder)))
            return None

    def record_process(self, token: str, pid: int, process_started: float, process_start: str) -> None:
        """Record the server's process. Does nothing when that lease is gone."""
        self._change(token, pid=pid, process_started=process_started, process_start=process_start)

    def holders(self, token: str) -> tuple[LeaseHolder, ...]:
        held = select(lease_holders).where(lease_holders.c.token == token)
        with self._database.read() as connection:
            found = readable(connection, lease_holders, connection.execute(held).all(), {"kind": "command", "start": ""})
            return tuple(LeaseHolder(**{name: value for name, value in values.items() if name != "token"}) for values in found)

    def join(self, token: str, holder: LeaseHolder) -> bool:
        """Add a holder. Return False when that lease is gone."""
        with self._database.write() as connection:
            there = _lease(connection)
            if there is None or there.token != token:
                return False
            connection.execute(insert(lease_holders).values(token=token, **vars(holder)).on_conflict_do_nothing())
            return True

    def leave(self, token: str, holder: LeaseHolder) -> bool:
        """Remove a holder. Return True when none is left and the lease is not detached: the caller then ends the server."""
        with self._database.write() as connection:
            connection.execute(delete(lease_holders).where(_is(token, holder)))
            there = _lease(connection)
            if there is None or there.token != token or there.detached:
                return False
            return connection.scalar(select(lease_holders.c.pid).where(lease_holders.c.token == token).limit(1)) is None

    def hold_as(self, token: str, holder: LeaseHolder, kind: str) -> None:
        """Change the kind of a holder."""
        with self._database.write() as connection:
            connection.execute(update(lease_holders).where(_is(token, holder)).values(kind=kind))

    def forget_holders(self, token: str, holders: Iterable[LeaseHolder]) -> None:
        """Remove holders that were found dead."""
        with self._database.write() as connection:
            for holder in holders:
                connection.execute(delete(lease_holders).where(_is(token, holder)))

    def set_detached(self, token: str, detached: bool) -> None:
        """Set whether the server keeps running without holders."""
        self._change(token, detached=int(detached))

    def drop(self, token: str) -> None:
        """Remove the lease and its holders, after the server has ended."""
        with self._database.write() as connection:
            connection.execute(delete(server_lease).where(server_lease.c.token == token))

    def wanted(self) -> Wanted:
        """Return what the user wants: RUNNING unless recorded otherwise."""
        with self._database.read() as connection:
            return state_of(connection, _WANTED, Wanted) or Wanted.RUNNING

    def set_wanted(self, wanted: Wanted) -> None:
        with self._database.write() as connection:
            put_state(connection, _WANTED, wanted)

    def _change(self, token: str, **values: object) -> None:
        with self._database.write() as connection:
            connection.execute(update(server_lease).where(server_lease.c.token == token).values(**values))


def _lease(connection: Connection) -> Lease | None:
    rows = connection.execute(_LEASE).all()
    for values in readable(connection, server_lease, rows, _STAND_INS):
        del values["slot"]
        return Lease(**{**values, "detached": bool(values["detached"])})
    return None


_STAND_INS = {"token": "", "port": 0, "secret_place": "file", "created_at": LONG_AGO, "detached": 0}


def _is(token: str, holder: LeaseHolder) -> ColumnElement[bool]:
    columns = lease_holders.c
    return and_(columns.token == token, columns.pid == holder.pid, columns.started == holder.started)
