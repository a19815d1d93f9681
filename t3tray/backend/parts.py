"""What one process works with, opened and closed in order: our store, the server, the databases of others, their readers."""

from __future__ import annotations

import asyncio
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from t3tray.backend.archiving import Archive
from t3tray.backend.settlement import Settlement
from t3tray.conversation.archive import ArchiveRules
from t3tray.conversation.search import TextSearch
from t3tray.guard.credentials import CredentialStore
from t3tray.guard.host import GuardHost
from t3tray.guard.letting_go import LettingGo
from t3tray.opencode.database import OpenCodeDatabase, database_path
from t3tray.remedies.plan import Tools
from t3tray.remedies.recovery import Recovery, Settlers
from t3tray.remedies.registry import Remedies
from t3tray.remedies.repairing import RepairCursor
from t3tray.remedies.restoring import Restoring
from t3tray.server.attached import attached_server, refuse_bad_address
from t3tray.server.connecting import ServerConnection
from t3tray.server.handles import ExternalServer
from t3tray.server.manager import ManagedServer
from t3tray.server.programs import Programs
from t3tray.settings.definitions import Settings
from t3tray.settings.preferences import Preferences
from t3tray.settings.stored import read_settings
from t3tray.store.server_lease import LeaseHolder
from t3tray.store.store import Store
from t3tray.system.file_watch import database_files
from t3tray.system.intent_ids import IntentIds
from t3tray.system.other_processes import other_writer_runs
from t3tray.system.paths import close_own_folder, data_directory, log_directory
from t3tray.system.secrets import Secrets
from t3tray.system.sql_thread import SqlThread
from t3tray.t3code.home import t3_homes
from t3tray.t3code.state import T3Reader
from t3tray.threads.creation import Threads
from t3tray.threads.evidence import Surroundings
from t3tray.threads.idle_shutdown import IdleShutdown
from t3tray.threads.scan import Scanner
from t3tray.threads.session_source import SessionSource
from t3tray.threads.t3code_sides import T3Sides
from t3tray.threads.verify import Verifier


def utc_now() -> datetime:
    return datetime.now(UTC)


class Parts:
    """The lower half of a `Backend`, in the event loop in which it was opened; `close()` ends everything in order."""

    data_directory: Path
    store: Store
    preferences: Preferences
    launching: Programs
    database: OpenCodeDatabase
    server: ManagedServer
    servers: ServerConnection
    source: SessionSource
    scanner: Scanner
    text_search: TextSearch
    idle_shutdown: IdleShutdown
    t3_sides: T3Sides
    archive: Archive
    threads: Threads
    restoring: Restoring
    recovery: Recovery
    settlement: Settlement
    guard_credentials: CredentialStore
    guard_host: GuardHost

    def __init__(
        self, store: Store, run_sql: SqlThread, settings: Settings, data: Path, kind: str, external: ExternalServer | None
    ) -> None:
        author = self.author = IntentIds.this_process()
        self.store, self.data_directory, self.run_sql, self.now = store, data, run_sql, utc_now
        self.preferences = Preferences(store.settings, run_sql, settings, self._use, Secrets(data))
        self.launching = Programs(settings, data)
        database = self.database = OpenCodeDatabase(database_path(os.environ, Path.home()))
        self.server = ManagedServer(
            leases=store.lease,
            run_sql=run_sql,
            secrets=Secrets(data),
            holder=LeaseHolder(author.pid, author.started, kind, author.start),
            launch=self.launching.server_program,
            logs=log_directory(data),
            folder=data,
            external=external,
            now=utc_now,
            noise=random.Random(),  # noqa: S311 (spreads retries)
        )
        servers = self.servers = ServerConnection(self.server)
        self.source = SessionSource(database, self.launching, data / "opencode-database.json", run_sql, servers)
        surroundings = Surroundings(
            utc_now,
            lambda: other_writer_runs(self.server.own_pids(), database.path),
            held_by_opencode2=database.held_by_opencode2,
            holder_of=database.holder_of,
            count_until=database.count_until,
        )
        readers = _readers(settings)
        scanner = self.scanner = Scanner(store, database, surroundings, readers)
        self.text_search = TextSearch(database, readers)
        self.idle_shutdown = IdleShutdown(self.server, timedelta(minutes=settings.stop_idle_minutes), utc_now)
        self.t3_sides = T3Sides()
        self.archive = Archive(data, store, database, scanner, ArchiveRules.of(settings), run_sql, utc_now)
        self.threads = Threads(store, run_sql, utc_now, author)
        self.restoring = Restoring(scanner, store, run_sql, servers.connect, utc_now, self.source.is_external)
        self.verifier = Verifier(store, run_sql, surroundings, scanner.load_record)
        tools = self.tools = Tools(
            store=store,
            run_sql=run_sql,
            now=utc_now,
            author=author,
            library=database.reading,
            connect=lambda: self.settlement.connect(),
            join=servers.join_if_possible,
            copies=self.archive.copies,
            verdict_of=self.verifier.verdict_of,
            budget=lambda: self.preferences.current.carry_characters,
        )
        homes, copies = (scanner.home_of, scanner.shape_of), data / "t3code-copies"
        self._repair = RepairCursor(tools, *homes, copies, settings.t3_repair, can_ask=kind == "tray")
        self.guard_credentials = CredentialStore(store.guard_place, Secrets(data), run_sql)
        guard = (self.guard_credentials, self.t3_sides, data / "guard", self.launching.program)
        self.letting_go = LettingGo(store, run_sql, *guard, servers.join, utc_now)
        self.remedy_registry = Remedies(tools, self._repair, self.letting_go)
        self.recovery = Recovery(store.journal, run_sql, author, Settlers(self.threads.settle, self.remedy_registry.settle))
        self.settlement = Settlement(servers, self.source, self.restoring, self.recovery)
        self.guard_host = GuardHost(
            data_directory=data,
            t3_homes=tuple(reader.home for reader in readers),
            store=store,
            run_sql=run_sql,
            servers=servers,
            preferences=self.preferences,
            guard_credentials=self.guard_credentials,
            idle_shutdown=self.idle_shutdown,
            t3_sides=self.t3_sides,
            letting_go=self.letting_go,
            surroundings=surroundings,
            author=author,
            now=utc_now,
            recover=self.settlement.settle,
            prepare=self.settlement.prepare,
            claims=scanner.lost_bindings.claims_of,
        )
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, data_dir: str | None, kind: str) -> Self:
        """Open all parts; `kind` is "tray" or "command". Raises UsageError, StoreError for unusable data; nothing stays open."""
        refuse_bad_address(os.environ)
        data = data_directory(data_dir, os.environ)
        run_sql = SqlThread("t3tray-sql")
        try:
            await run_sql(close_own_folder, data)
            # A command may only want to look. The tray app stays for weeks, and needs a store that goes on.
            store = await run_sql(Store.open if kind == "tray" else Store.open_with_fallback, data, utc_now)
            settings = await run_sql(read_settings, store.settings)
            external = await asyncio.to_thread(attached_server, settings, os.environ, Secrets(data))
        except BaseException:
            run_sql.close()
            raise
        return cls(store, run_sql, settings, data, kind, external)

    async def close(self) -> None:
        """End the connection, then the server that only this process uses, then the store. A second call waits for the first."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        try:
            await self.recovery.close()
            await self.servers.close()
        finally:
            await self.archive.close()
            await self.run_sql(self.store.close)
            self.run_sql.close()

    @property
    def watched_files(self) -> tuple[Path, ...]:
        """The files whose change means that a thread may have changed: our database, OpenCode's, and T3 Code's."""
        return (*database_files(self.store.path), *database_files(self.database.path), *self.t3_files)

    @property
    def t3_files(self) -> tuple[Path, ...]:
        """The files whose change means that T3 Code changed something."""
        return tuple(path for reader in self.text_search.readers for path in reader.files)

    async def _use(self, settings: Settings) -> None:
        """Put changed settings into effect, except those that only count at a start (`Effect`)."""
        self.launching.settings = settings
        self.idle_shutdown.idle_after = timedelta(minutes=settings.stop_idle_minutes)
        self._repair.allowed = settings.t3_repair
        self.archive.follow(ArchiveRules.of(settings))
        readers = _readers(settings)
        self.guard_host.t3_homes = tuple(reader.home for reader in readers)
        self.text_search.readers = tuple(readers)
        await self.run_sql(self.scanner.read_from, readers)


def _readers(settings: Settings) -> list[T3Reader]:
    """T3 Code's data, where these settings say that it is. Links are followed now, not at each scan."""
    return [T3Reader(home) for home in t3_homes(os.environ, Path.home(), settings.t3_homes)]
