"""Everything under the two faces, wired together once a process: the store, the server, the services.

It owns the order in which things are opened and closed, and the one connection to the server. It has no Qt, prints nothing and
judges nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from t3tray.alerts.switch_detector import SwitchDetector
from t3tray.alerts.unread import Unread
from t3tray.backend.archiving import Archive
from t3tray.backend.conversing import Conversing
from t3tray.backend.doctor import DoctorInput, assess
from t3tray.backend.find_programs import find_program
from t3tray.backend.open_thread import ThreadOpener
from t3tray.backend.prompting import Prompting
from t3tray.backend.snapshot_builder import Added, Beside, build_details, build_snapshot
from t3tray.conversation.archive import ArchiveRules
from t3tray.conversation.search import TextSearch
from t3tray.domain.alarm import Acknowledged
from t3tray.domain.evidence import Failure
from t3tray.domain.guard import GuardAnswer
from t3tray.domain.idle_shutdown import IdleState
from t3tray.domain.journal import Entry
from t3tray.domain.reaper import ReaperClock
from t3tray.domain.remedy import Choice, Preview
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.thread import Source, Thread
from t3tray.domain.verification import Verification
from t3tray.errors import BinaryNotFound, ServerError, ServerFailed, T3TrayError, TimedOut
from t3tray.guard.credentials import CredentialStore
from t3tray.guard.facts import GuardFacts
from t3tray.guard.letting_go import LettingGo
from t3tray.messages.verdicts import deleted_sentence
from t3tray.opencode.connection import Connection
from t3tray.opencode.database import OpenCodeDatabase, database_path
from t3tray.remedies.plan import Tools
from t3tray.remedies.proving import REPLACES
from t3tray.remedies.recovery import Recovery, Settlers
from t3tray.remedies.registry import Remedies
from t3tray.remedies.repairing import RepairCursor
from t3tray.remedies.restoring import Restoring
from t3tray.server.attached import attached_server, refuse_bad_address
from t3tray.server.handles import ExternalServer
from t3tray.server.log import tail_of
from t3tray.server.manager import Endpoint, ManagedServer
from t3tray.server.programs import Programs
from t3tray.settings.definitions import Settings
from t3tray.settings.preferences import Preferences
from t3tray.settings.stored import read_settings
from t3tray.store.server_lease import LeaseHolder
from t3tray.store.store import Store
from t3tray.system.intent_ids import IntentIds
from t3tray.system.other_processes import other_servers, other_writer_runs
from t3tray.system.paths import close_own_folder, data_directory, log_directory
from t3tray.system.secrets import Secrets
from t3tray.system.sql_thread import SqlThread
from t3tray.t3code.home import t3_homes
from t3tray.t3code.state import T3Reader
from t3tray.threads import opencode_configuration
from t3tray.threads.candidates import candidates_from_server
from t3tray.threads.creation import Threads
from t3tray.threads.evidence import Surroundings
from t3tray.threads.idle_shutdown import IdleShutdown
from t3tray.threads.proof_recorder import ProofRecorder
from t3tray.threads.scan import Scan, Scanner
from t3tray.threads.send import MessageSender
from t3tray.threads.session_source import SessionSource
from t3tray.threads.snapshot import Finding, Snapshot, ThreadDetails
from t3tray.threads.snapshot_rows import RowBuilder
from t3tray.threads.t3code_sides import T3Sides
from t3tray.threads.verify import Verifier

_UNREACHABLE = (ServerError, ServerFailed, BinaryNotFound)
_LOG_LINES = 200
_log = logging.getLogger(__name__)


def utc_now() -> datetime:
    return datetime.now(UTC)


class Engine:
    """One process's core, in the event loop in which it was opened; `close()` ends everything in order."""

    def __init__(
        self, store: Store, run_sql: SqlThread, settings: Settings, data: Path, kind: str, external: ExternalServer | None
    ) -> None:
        author = IntentIds.this_process()
        self.store = store
        self.data_directory = data
        self.preferences = Preferences(store.settings, run_sql, settings, self._go_by, Secrets(data))
        self.launching = Programs(settings, data)
        self.guard_credentials = CredentialStore(store.guard_place, Secrets(data), run_sql)
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
        self.source = SessionSource(self.database, self.launching, data / "opencode-database.json", run_sql, self)
        surroundings = Surroundings(
            utc_now,
            lambda: other_writer_runs(self.server.own_pids(), database.path),
            held_by_opencode2=database.held_by_opencode2,
            holder_of=database.holder_of,
            count_until=database.count_until,
        )
        readers = self._readers(settings)
        self.scanner = Scanner(store, self.database, surroundings, readers)
        self.text_search = TextSearch(self.database, readers)
        self.idle_shutdown = IdleShutdown(self.server, timedelta(minutes=settings.stop_idle_minutes), utc_now)
        self.t3_sides = T3Sides()
        self._switch_detector = SwitchDetector(store, self.database, utc_now)
        self._proof_recorder = ProofRecorder(store, self.database, utc_now)
        self.archive = Archive(data, store, self.database, self.scanner, ArchiveRules.of(settings), run_sql, utc_now)
        self.threads = Threads(store, run_sql, utc_now, author)
        self.unread = Unread(store.visits)
        self._rows = RowBuilder()
        self.restoring = Restoring(self.scanner, store, run_sql, self.connect, utc_now, self.source.is_external)
        self.verifier = Verifier(store, run_sql, surroundings, self.scanner.load_record)
        self.opening = ThreadOpener(self.launching, self.server, self.scanner, run_sql)
        library, kept, budget = self.database.reading, self.archive.copies, lambda: self.settings.carry_characters
        verdict_of = self.verifier.verdict_of
        tools = Tools(store, run_sql, utc_now, author, library, self.connect, self._joined, kept, verdict_of, budget)
        homes, copies = (self.scanner.home_of, self.scanner.shape_of), data / "t3code-copies"
        self._repair = RepairCursor(tools, *homes, copies, settings.t3_repair, can_ask=kind == "tray")
        parts = (data / "guard", self.launching.program, self.join_running_server, utc_now)
        self.letting_go = LettingGo(store, run_sql, self.guard_credentials, self.t3_sides, *parts)
        self.remedies = Remedies(tools, self._repair, self.letting_go)
        self.recovery = Recovery(store.journal, run_sql, author, Settlers(self.threads.settle, self.remedies.settle))
        sender = MessageSender(store, run_sql, self.verifier, utc_now, author)
        prompting = Prompting(store, run_sql, sender, self.verifier, self.import_t3_thread, self._connect_for, self._archive_turn)
        self._prompting, self.send, self.converse = prompting, prompting.send, prompting.converse
        self.conversing = Conversing(tools, self.scanner, self.threads, self.database, self.join_running_server)
        self._run_sql = run_sql
        self._author = author
        self._surroundings = surroundings
        # Told by whoever lets others use the server through us: how many are at it.
        self.users: Callable[[], int] = lambda: 0
        self._connection: tuple[Endpoint, Connection] | None = None
        self._rest: IdleState | None = None
        self._connecting = asyncio.Lock()
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, data_dir: str | None, kind: str) -> Engine:
        """`kind` is "tray" or "command". Raises UsageError, StoreError for unusable data; nothing is left open then."""
        refuse_bad_address(os.environ)
        data = data_directory(data_dir, os.environ)
        run_sql = SqlThread("t3tray-sql")
        try:
            await run_sql(close_own_folder, data)
            # A command may only want to look. The tray app stays for weeks, and needs a store that goes on.
            store = await run_sql(Store.open if kind == "tray" else Store.open_to_look, data, utc_now)
            settings = await run_sql(read_settings, store.settings)
            external = await asyncio.to_thread(attached_server, settings, os.environ, Secrets(data))
        except BaseException:
            run_sql.close()
            raise
        return cls(store, run_sql, settings, data, kind, external)

    async def close(self) -> None:
        """End the connection, then the server that only this process uses, then the store. A second call waits for it."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        try:
            await self.recovery.close()
            if self._connection:
                await self._connection[1].aclose()
            await self.server.close()
        finally:
            await self.archive.close()
            await self._run_sql(self.store.close)
            self._run_sql.close()

    async def connect(self) -> Connection:
        """A connection to a server that is ready, started if it has to be; recovery of what a crash left open begins beside it.

        Raises a ServerError, ServerFailed or BinaryNotFound.
        """
        endpoint = await self.server.ensure_ready()
        async with self._connecting:
            is_new = self._connection is None or self._connection[0] != endpoint
            if self._connection is None or is_new:
                if self._connection:
                    await self._connection[1].aclose()
                self._connection = endpoint, Connection(endpoint.url, endpoint.password, endpoint.version, endpoint.user)
                if self.source.is_external:
                    # Without it the database tells nothing of what else a thread may be split into.
                    await self.source.compare(self._connection[1])
            connection = self._connection[1]
            self.recovery.begin(connection, is_new)
            # Before anything is sent: a binding that the journal lacks may be the thread's latest.
            await self.restoring.compare(connection)
            return connection

    async def join_running_server(self) -> Connection | None:
        """The connection to a server that runs already, of ours or external; none is started. Raises what `connect` raises."""
        await self.server.sync()
        return await self.connect() if self.server.status.state.answers else None

    async def wants_guard(self) -> bool:
        """Whether the tray app is to run the guard; another process may have said so. Raises StoreError."""
        return (await self.preferences.read()).guard

    async def want_guard(self, on: bool) -> None:
        """Have the tray app run the guard from now on, or no more. Raises StoreError."""
        await self.preferences.record("guard", on)

    async def bound_threads(self) -> frozenset[str]:
        """The ids of the threads that are bound to a session in our journal. Raises StoreError."""
        return await self._run_sql(self.store.journal.bound)

    def guard_facts(self, heard: Callable[[GuardAnswer], None], store: Store, run_sql: SqlThread) -> GuardFacts:
        """What the guard needs of our bindings and our journal, by a store and a thread of its own. `heard` gets each answer."""
        parts = (self._surroundings, self.connect, heard, self._recover, self.scanner.lost_bindings.claims_of)
        return GuardFacts(store, run_sql, utc_now, self._author, *parts)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The passwords that this process uses now."""
        endpoint = self._connection[0] if self._connection else None
        return (endpoint.password,) if endpoint and endpoint.password else ()

    @property
    def current(self) -> Connection | None:
        """The connection to the server that is used now, where there is one."""
        connection = self._connection[1] if self._connection else None
        return connection if connection and self.is_current(connection) else None

    def is_current(self, connection: Connection) -> bool:
        """Whether this connection still leads to the server that is used now."""
        return self.server.status.state.answers and self._connection is not None and self._connection[1] is connection

    async def verify(self, thread_id: str) -> Verification:
        """Resume as far as proof goes; a server that cannot be reached is a verdict too. Raises ThreadNotFound, StoreError."""
        found = await self._prompting.verify(thread_id)
        if found.thread.source is not Source.T3CODE:
            return found  # it has no other side, so that nothing else has to be looked at
        await self.letting_go.learn()
        return self.t3_sides.added(found, await self.source.read(partial(self.scanner.scan_thread, found.thread.id)), utc_now())

    async def _archive_turn(self) -> None:
        await self.archive.keep(await self.look())

    async def look(self, whole: bool = False) -> Scan:
        """All threads with their verdicts: from the databases, and what a running server says it is doing.

        `whole`: with every answer of every thread looked at, which takes longer for thousands of threads.
        """
        await self.server.sight()  # so that our own server is known as ours
        await self.letting_go.learn()
        picture = await self.source.read(self.scanner.scan)
        if await self.restoring.find_lost():
            picture = await self._run_sql(self.scanner.scan)
        while whole and picture.half_read:
            picture = await self._run_sql(self.scanner.scan)
        return picture.with_busy(await self._busy({found.cursor.directory for found in picture.unfinished if found.cursor}))

    async def find(self, prefix: str) -> Thread:
        """The thread that an id or its beginning names, a deleted one too. Raises ThreadNotFound, UsageError, StoreError."""
        return (await self.restoring.load_record(prefix, True)).thread

    async def import_t3_thread(self, prefix: str) -> Thread:
        """The same; one of T3 Code's is kept in our store from now on, since something is about to be done with it."""
        self.idle_shutdown.note()
        recorded = await self.restoring.load_record(prefix)
        await self.threads.import_t3_thread(recorded)
        return recorded.thread

    async def alert(self, picture: Scan) -> None:
        """Raise the alarms that a look gives reason for."""
        await self._run_sql(lambda: self._switch_detector.detect(picture, self.t3_sides.of(picture, utc_now())))

    async def keep(self, picture: Scan) -> bool:
        """Keep proofs and copies fresh after a look; True when there is more to keep."""

        def keep_proofs() -> bool:
            self.store.copy_if_due(utc_now())
            return self._proof_recorder.record(picture)

        more = await self._run_sql(keep_proofs)
        return await self.archive.keep(picture) or more or picture.half_read > 0

    async def visit(self, thread_id: str, activity_at: datetime) -> None:
        """The user has looked at this thread, whose last activity was then. Raises StoreError."""
        await self._run_sql(self.unread.visit, thread_id, activity_at)

    async def keep_news(self) -> None:
        """Write down what was looked at. Raises StoreError."""
        if self.unread.has_unsaved:
            await self._run_sql(self.unread.save)

    async def acknowledge(self, thread_id: str, fact: Acknowledged) -> None:
        """The user has seen this in the thread, and nothing else. Raises StoreError."""
        await self._run_sql(self._switch_detector.acknowledge, thread_id, fact)

    async def rest_if_idle(self, picture: Scan) -> bool:
        """End the managed server when our own reaper's time has come. True when what is said of it has changed."""
        status = self.server.status
        if self.users():
            self.idle_shutdown.note()
        if self._connection is None or status.state is not ServerState.READY:
            return False
        rest = await self.idle_shutdown.look(self._connection[1], picture)
        if rest.same_as(self._rest):
            return False
        self._rest = rest
        _log.info(self.idle_shutdown.sentence(rest, not rest.ended))
        await self._run_sql(self.store.rests.note, rest)
        return True

    async def overview(self, archived: bool = False, picture: Scan | None = None, added: Added | None = None) -> Snapshot:
        """Everything for the list; `added` is what only the tray app knows. Raises StoreError."""
        seen = await self.look(whole=True) if picture is None else picture
        server = await self.server_status()
        requests = await self.conversing.open_asks(seen, self.current)
        stays = server.state is ServerState.READY and await self.server.outlives_us()
        now = utc_now()

        def take() -> Snapshot:
            store, sides = self.store, self.t3_sides.of(seen, now)
            alarms, left = store.alarms.all(unseen=True), store.alarms.left()
            warnings = (*store.warnings, *self.archive.trouble, *self.recovery.troubles)
            told = (requests, store.guard_answers.unseen_refusals(), stays, self.settings)
            beside = Beside(*told, self.idle_shutdown.standing(self._rest, server, store.rests.last), store.restores.unsettled())
            facts = (seen, server, alarms, warnings, self._clock(), now, archived, sides, left)
            return build_snapshot(*facts, self._rows, beside, added).prepared()

        # All of it at once, and not on the event loop.
        return await self._run_sql(take)

    async def details(self, thread_id: str) -> ThreadDetails:
        """Everything known of one thread. Raises ThreadNotFound, UsageError, Refused, StoreError."""
        await self.source.find()
        recorded = await self.restoring.load_record(thread_id, True)
        thread, connection = recorded.thread, await self._joined()
        await self._prompting.look_up_sent(thread.id, connection)
        picture, status = await self.look(), await self.server_status()
        if recorded.deleted:
            picture = replace(picture, assessments=(await self._run_sql(self.scanner.assess, recorded),))
        sides = self.t3_sides.of(picture, utc_now())
        found = await self._run_sql(
            build_details, self.store, self.scanner, picture, thread.id, status, self._clock(), utc_now(), sides
        )
        if connection:
            candidates = await candidates_from_server(thread.id, found.candidates, connection)
            found = await opencode_configuration.judged(replace(found, candidates=candidates), connection)
        if recorded.deleted:
            return replace(found, deleted=deleted_sentence(recorded.t3.deleted_at if recorded.t3 else None))
        try:
            return await self._run_sql(self.remedies.with_offers, found, status.version)
        except T3TrayError:
            raise
        except Exception:
            _log.exception("What can be done with thread %s could not be found out.", thread.id)
            return found

    @property
    def settings(self) -> Settings:
        """What this process goes by."""
        return self.preferences.current

    @property
    def t3_files(self) -> tuple[Path, ...]:
        """The files whose change tells that T3 Code changed something."""
        return tuple(path for reader in self.text_search.readers for path in reader.files)

    def _readers(self, settings: Settings) -> list[T3Reader]:
        """T3 Code's data, from now on where these settings say that it is. Links are followed now, not at each look."""
        self.t3_homes = t3_homes(os.environ, Path.home(), settings.t3_homes)
        return [T3Reader(home) for home in self.t3_homes]

    async def _go_by(self, settings: Settings) -> None:
        """Put changed settings into effect, except those that only count at a start (`Effect`)."""
        self.launching.settings = settings
        self.idle_shutdown.idle_after = timedelta(minutes=settings.stop_idle_minutes)
        self._repair.allowed = settings.t3_repair
        self.archive.follow(ArchiveRules.of(settings))
        readers = self._readers(settings)
        self.text_search.readers = tuple(readers)
        await self._run_sql(self.scanner.read_from, readers)

    async def preview(self, thread_id: str, choice: Choice) -> Preview:
        """What a remedy would do; nothing is changed. Raises ThreadNotFound, Refused, UsageError, and the world's errors."""
        await self._recover((await self.find(thread_id)).id)
        return await self.remedies.preview(await self.details(thread_id), choice)

    async def apply(self, thread_id: str, choice: Choice, seen: Preview | None = None) -> Preview:
        """Do what the user chose, and agreed to as it was `seen`. Raises what `preview` raises.

        It may be cancelled: the thread is as before then, or it is done.
        """
        thread = await self.import_t3_thread(thread_id)
        await self._recover(thread.id)
        if (await self._run_sql(self.store.journal.binding, thread.id)).pending and choice.remedy in REPLACES:
            await self._connect_for(thread.id)
        details = await self.details(thread.id)
        try:
            return await self.remedies.apply(details, choice, seen)
        except T3TrayError:  # cancelled, it is settled as after a crash, by whoever next uses the server
            await self._recover(thread.id)
            raise

    async def _recover(self, thread_id: str) -> None:
        """Wait for the recovery of this thread, where a server runs."""
        if await self._joined():
            await self.recovery.settled(thread_id)

    async def journal(self, thread_id: str | None) -> tuple[Entry, ...]:
        """The history of one thread's bindings, or of all; oldest first. Raises ThreadNotFound, StoreError."""
        if thread_id is None:
            return await self._run_sql(self.store.journal.entries)
        return await self._run_sql(self.store.journal.entries, (await self.find(thread_id)).id)

    async def answers(self, thread_id: str | None) -> tuple[GuardAnswer, ...]:
        """What the guard answered T3 Code for one thread, or altogether; oldest first. Raises ThreadNotFound, StoreError."""
        which = None if thread_id is None else (await self.find(thread_id)).id
        return await self._run_sql(self.store.guard_answers.all, which)

    async def assess(self) -> tuple[Finding, ...]:
        """The doctor's report. Raises StoreError."""
        await self.source.find()
        if connection := await self._joined():
            await self.recovery.all_settled()
        picture = await self.look(whole=True)
        overview = await self.overview(archived=True, picture=picture)
        around = (
            await find_program(self.launching.program, self.launching.environment),
            await asyncio.to_thread(other_servers, overview.server.pid),
        )
        broken = await opencode_configuration.troubles(overview.rows, connection, self.server.log_path)
        told = (self.store, self.database, self.scanner, picture, overview, *around, utc_now(), self.recovery.troubles, broken)
        return await self._run_sql(assess, DoctorInput(*told))

    async def server_status(self) -> ServerStatus:
        """What is true of the server now; asking starts none."""
        known = self.server.status
        return await self.server.look() if known.state is ServerState.STOPPED else known

    async def server_log(self) -> str:
        return await asyncio.to_thread(tail_of, self.server.log_path, _LOG_LINES)

    def _clock(self) -> ReaperClock:
        """T3 Code's reaper, as the settings say that it is set."""
        idle, sweep = self.settings.t3_idle_minutes, self.settings.t3_sweep_minutes
        return ReaperClock(timedelta(minutes=idle), timedelta(minutes=sweep))

    async def _connect_for(self, thread_id: str) -> Connection:
        """A connection, and what was left open in this thread settled, as far as it can be now. Raises what `connect` raises."""
        connection = await self.connect()
        if self.database.trust.failure is not None:  # the thread's other sessions are told by the database only
            await self.source.compare(connection)
        await self.recovery.settled(thread_id)
        return connection

    async def _busy(self, directories: Collection[str]) -> frozenset[str] | Failure:
        """The sessions of these directories in which a running server is at work; why one that runs does not answer.

        Where no server runs all that is known is what the database tells, a last turn without an end.
        """
        try:
            connection = await self.join_running_server() if directories else None
            busy = await connection.busy_sessions(directories) if connection else frozenset[str]()
        except TimedOut:
            return Failure.TIMEOUT
        except T3TrayError:
            busy = frozenset()
        return Failure.TIMEOUT if self.server.status.state is ServerState.UNRESPONSIVE else busy

    async def _joined(self) -> Connection | None:
        """The connection to a server that runs already; None where it cannot be joined: reading goes on without it."""
        try:
            return await self.join_running_server()
        except _UNREACHABLE:
            return None
        except T3TrayError as error:
            _log.warning("The running server cannot be joined: %s", error.message)
            return None
