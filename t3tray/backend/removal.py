"""`t3tray uninstall`: ends and removes what t3tray has on this machine outside of its program, each item by itself.

T3 Code's settings come first. While they name the guard, T3 Code reaches OpenCode through the tray app and its server: these,
their passwords and their data then stay.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from t3tray.backend.backend import Backend
from t3tray.domain.own_item import ItemOutcome, OwnItem
from t3tray.domain.server import ServerState
from t3tray.errors import OurBug, T3TrayError, WorldError
from t3tray.guard.credentials import GUARD_SECRET
from t3tray.guard.service import GUARD_LOCK, GuardService
from t3tray.guard.t3_settings import Protection
from t3tray.messages.own_items import (
    HOW_TO_RESTORE,
    NOT_OUR_SERVER,
    QUIT_IT,
    STILL_RUNS,
    T3CODE_FIRST,
    UNKNOWN_HOME,
    does_not_end,
    name_the_home,
    process,
    would_wait_for,
)
from t3tray.settings.preferences import SERVER_SECRET
from t3tray.store.journal_file import FILE_NAME as JOURNAL
from t3tray.store.open import FILE_NAME
from t3tray.system.app_entries import AppEntry, own_entries
from t3tray.system.data_files import data_files, remove_data
from t3tray.system.instance_lock import InstanceLock
from t3tray.system.login_item import login_state, set_login_state
from t3tray.system.secrets import KEYRING, LOCK_FILE, Secrets

# In seconds: how long a t3tray that was asked to end may take. It ends by itself after 7 s (`forced_exit`).
_QUIT_LIMIT = 15.0
_PAUSE = 0.05
_T3CODE, _TRAY, _GUARD, _SERVER = "t3code-settings", "tray", "guard", "server"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Part:
    """`find` returns the items as they are now; `remove` removes one, and raises T3TrayError. It is left while one of `after` has
    failed."""

    name: str
    find: Callable[[], Awaitable[Sequence[OwnItem]]]
    remove: Callable[[OwnItem], Awaitable[None]]
    after: tuple[str, ...] = ()


class Removal:
    """One removal, with the data of a data folder or without it. `run` is called once."""

    def __init__(self, data: Path, with_data: bool, platform: str = sys.platform) -> None:
        self._data = data
        self._platform = platform
        self._with_data = with_data
        self._opened = AsyncExitStack()
        self._tray = _Running(_TRAY, InstanceLock(data), platform)
        # `t3tray guard run`: the tray app's own guard ends with it.
        self._guard = _Running(_GUARD, InstanceLock(data, GUARD_LOCK), platform)
        self._failed: set[str] = set()

    async def run(self, is_dry: bool, report: Callable[[Sequence[OwnItem]], None]) -> tuple[OwnItem, ...]:
        """Return all items, after removing them unless `is_dry`. `report` gets the items before anything is removed."""
        async with self._opened:
            parts = [*await self._own_parts(), *self._file_parts()]
            order = (_T3CODE, "login-item", _TRAY, _GUARD, _SERVER, "app", "link", "passwords", "data")
            parts.sort(key=lambda part: order.index(part.name))
            planned = [(part, item) for part in parts for item in await _found(part)]
            if is_dry:
                return tuple(item for _, item in planned)
            report([item for _, item in planned])
            done = [await self._removed(part, item) for part, item in planned if part.name != "data"]
        # Only now our own database is closed.
        data = [(part, item) for part, item in planned if part.name == "data"]
        try:
            has_data = any(item.outcome is ItemOutcome.PLANNED for _, item in data)
            # While the locks are held, none starts.
            if has_data:
                self._failed |= {running.name for running in (self._tray, self._guard) if not running.has_ended()}
            done += [await self._removed(part, item) for part, item in data]
            if has_data and "data" not in self._failed:
                await self._remove_locks()
            return tuple(done)
        finally:
            self._tray.lock.release()
            self._guard.lock.release()

    async def _removed(self, part: _Part, item: OwnItem) -> OwnItem:
        blocking = self._failed.intersection(part.after)
        if item.outcome is ItemOutcome.PLANNED and blocking:
            item = replace(item, outcome=ItemOutcome.FAILED, sentence=T3CODE_FIRST if _T3CODE in blocking else STILL_RUNS)
        elif item.outcome is ItemOutcome.PLANNED:
            try:
                await part.remove(item)
                item = replace(item, outcome=ItemOutcome.REMOVED, sentence="")
            except T3TrayError as error:
                item = replace(item, outcome=ItemOutcome.FAILED, sentence=f"{error.message} {error.hint or ''}".strip())
            except Exception as bug:
                _log.exception("%s could not be removed.", part.name)
                item = replace(item, outcome=ItemOutcome.FAILED, sentence=f"{type(bug).__name__}: {bug}")
        if item.outcome is ItemOutcome.FAILED:
            self._failed.add(part.name)
        return item

    async def _own_parts(self) -> list[_Part]:
        """Return what only our open data knows. Where it cannot be opened, all of it has failed."""
        if not any((self._data / name).exists() for name in (FILE_NAME, JOURNAL, "guard", "secrets")):
            # Opening would make the data of a new installation.
            return [_Part(name, partial(_find_nothing, name), _remove_nothing) for name in (_T3CODE, _SERVER, "passwords")]
        try:
            backend = await Backend.open(str(self._data), "command")
        except T3TrayError as error:
            return [_Part(name, partial(_raise, error), _remove_nothing) for name in (_T3CODE, _SERVER, "passwords")]
        self._opened.push_async_callback(backend.close)
        guard, secrets = GuardService(backend.guard_host), _Passwords(backend, Secrets(self._data))
        return [
            _Part(_T3CODE, partial(_find_settings, guard), partial(_restore_settings, guard)),
            _Part(_SERVER, partial(_find_server, backend), lambda _: backend.server.stop(), (_T3CODE,)),
            _Part("passwords", secrets.find, secrets.remove, (_T3CODE, _TRAY, _GUARD, _SERVER)),
        ]

    def _file_parts(self) -> list[_Part]:
        parts = [
            _Part(_TRAY, self._tray.find, self._tray.quit, (_T3CODE,)),
            _Part(_GUARD, self._guard.find, self._guard.quit, (_T3CODE,)),
            _Part("login-item", self._find_login, self._turn_login_off, (_T3CODE,)),
            *(_Part(entry.name, partial(_find_entry, entry), partial(_remove_entry, entry)) for entry in own_entries(self._data)),
        ]
        if self._with_data:
            parts.append(_Part("data", self._find_data, self._remove_data, (_T3CODE, _TRAY, _GUARD, _SERVER)))
        return parts

    async def _find_login(self) -> Sequence[OwnItem]:
        state = await login_state(self._data)
        is_there = state.is_ours and (state.is_on or bool(state.trouble))
        outcome = ItemOutcome.PLANNED if is_there else ItemOutcome.NOTHING
        return (OwnItem("login-item", "", outcome, "" if state.is_ours else state.trouble),)

    async def _turn_login_off(self, _item: OwnItem) -> None:
        state = await set_login_state(self._data, False)
        if state.is_on or state.trouble:
            raise WorldError(state.trouble)

    async def _find_data(self) -> Sequence[OwnItem]:
        found = await asyncio.to_thread(data_files, self._data)
        if not found:
            return (OwnItem("data", str(self._data), ItemOutcome.NOTHING),)
        return tuple(OwnItem("data", str(path), ItemOutcome.PLANNED, size=size) for path, size in found.items())

    async def _remove_data(self, item: OwnItem) -> None:
        await self._remove_path(Path(item.subject))

    async def _remove_path(self, path: Path) -> None:
        for running in (self._tray, self._guard):
            if path == running.lock.path and self._platform == "win32":
                # Windows removes no file that is open.
                running.lock.release()
        await asyncio.to_thread(remove_data, path)

    async def _remove_locks(self) -> None:
        """Remove the files of locks that this removal itself has made. Empty ones that stay do no harm."""
        for path in (self._tray.lock.path, self._guard.lock.path, self._data / LOCK_FILE):
            with suppress(WorldError):
                await self._remove_path(path)


class _Running:
    """A running process of ours that holds a lock of the data folder. `has_ended` takes the lock for this process."""

    def __init__(self, name: str, lock: InstanceLock, platform: str) -> None:
        self.name = name
        self.lock = lock
        self._platform = platform
        self._is_held = False

    def has_ended(self) -> bool:
        self._is_held = self._is_held or self.lock.take()
        return self._is_held

    async def find(self) -> Sequence[OwnItem]:
        if not self.lock.path.exists() or self.lock.take():
            self.lock.release()
            return (OwnItem(self.name, "", ItemOutcome.NOTHING),)
        holder = self.lock.holder()
        return (OwnItem(self.name, process(holder.pid) if holder else "", ItemOutcome.PLANNED),)

    async def quit(self, _item: OwnItem) -> None:
        """Ask the process to end, and hold its lock from then on. Raises WorldError."""
        holder, clock = self.lock.holder(), asyncio.get_running_loop().time
        if self._platform == "win32" and not self.has_ended():
            raise WorldError(does_not_end(holder.pid if holder else None), QUIT_IT)
        if not self.has_ended() and holder and holder.is_running:
            os.kill(holder.pid, signal.SIGTERM)
        limit = clock() + _QUIT_LIMIT
        while not self.has_ended():
            if clock() > limit:
                raise WorldError(does_not_end(holder.pid if holder else None))
            await asyncio.sleep(_PAUSE)


class _Passwords:
    """The passwords of a data folder, in the keyring or in files."""

    def __init__(self, backend: Backend, secrets: Secrets) -> None:
        self._backend = backend
        self._secrets = secrets

    async def find(self) -> Sequence[OwnItem]:
        recorded = {
            GUARD_SECRET: (await self._backend.guard_credentials.place()).secret_place,
            SERVER_SECRET: self._backend.preferences.current.server_password_place,
        }
        in_keyring = [name for name, place in recorded.items() if place == KEYRING]
        places = await asyncio.to_thread(self._secrets.places, in_keyring)
        if not places:
            return (OwnItem("passwords", "", ItemOutcome.NOTHING),)
        return tuple(OwnItem("passwords", place, ItemOutcome.PLANNED) for place in places)

    async def remove(self, item: OwnItem) -> None:
        await self._backend.guard_credentials.forget()
        await self._backend.preferences.change("server_password", "")
        await asyncio.to_thread(self._secrets.forget_all)


async def _find_nothing(name: str) -> Sequence[OwnItem]:
    return (OwnItem(name, "", ItemOutcome.NOTHING),)


async def _raise(error: T3TrayError) -> Sequence[OwnItem]:
    raise error


async def _remove_nothing(_item: OwnItem) -> None:
    raise OurBug("There is nothing to remove.")


async def _found(part: _Part) -> Sequence[OwnItem]:
    """Return a part's items, or why they cannot be found."""
    try:
        return await part.find()
    except T3TrayError as error:
        return (OwnItem(part.name, "", ItemOutcome.FAILED, f"{error.message} {error.hint or ''}".strip()),)
    except Exception as bug:
        _log.exception("%s could not be found.", part.name)
        return (OwnItem(part.name, "", ItemOutcome.FAILED, f"{type(bug).__name__}: {bug}"),)


async def _find_settings(guard: GuardService) -> Sequence[OwnItem]:
    if records := await guard.strange_records():
        raise WorldError(UNKNOWN_HOME, name_the_home(records[0]))
    status = await guard.status(with_others=False)
    changed = [
        view
        for view in status.homes
        if view.state is Protection.CHANGED or (status.url and view.state in (Protection.GUARDED, Protection.UNREADABLE))
    ]
    if not changed:
        return (OwnItem(_T3CODE, "", ItemOutcome.NOTHING),)
    running = (await guard.plan(False)).running
    sentence = would_wait_for(running) if running else ""
    return (OwnItem(_T3CODE, ", ".join(str(view.home) for view in changed), ItemOutcome.PLANNED, sentence),)


async def _restore_settings(guard: GuardService, _item: OwnItem) -> None:
    try:
        await guard.unprotect(interrupt=False)
    except T3TrayError as error:
        raise WorldError(error.message, HOW_TO_RESTORE) from error


async def _find_server(backend: Backend) -> Sequence[OwnItem]:
    server = await backend.server.with_stray(await backend.server.read_status())
    if backend.server.is_external:
        return (OwnItem(_SERVER, server.url, ItemOutcome.NOTHING, NOT_OUR_SERVER),)
    if server.state is ServerState.STOPPED and not server.reason:
        return (OwnItem(_SERVER, "", ItemOutcome.NOTHING),)
    return (OwnItem(_SERVER, process(server.pid) if server.pid else server.url, ItemOutcome.PLANNED),)


async def _find_entry(entry: AppEntry) -> Sequence[OwnItem]:
    return (await asyncio.to_thread(entry.planned),)


async def _remove_entry(entry: AppEntry, _item: OwnItem) -> None:
    removed = await asyncio.to_thread(entry.remove)
    if removed.outcome is ItemOutcome.FAILED:
        raise WorldError(removed.sentence)
