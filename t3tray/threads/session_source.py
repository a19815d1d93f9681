"""Find out whether the database that t3tray reads is the one that OpenCode uses: ask the program, and compare with the running
server.

Sets `OpenCodeDatabase.path` and `.trust`. Absence counts only in a file that the program named, or whose newest session the
server has while the server's newest is in the file. If the server that would serve uses another database, or is attached and has
not been compared, nothing in the file says where the next message goes.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

from t3tray.domain.evidence import Failure
from t3tray.domain.verdict import Reason
from t3tray.errors import BinaryNotFound, ServerDown, ServerError, SessionMissing, T3TrayError
from t3tray.messages.databases import NO_PROGRAM, NOT_ASKED, server_has_none_to_compare, server_uses_another
from t3tray.opencode.connection import Connection
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.opencode.database_reader import Trust
from t3tray.opencode.failures import failure_of
from t3tray.opencode.location import FILE_VARIABLE, DatabaseAnswers, ProgramFile, ask_database, identify
from t3tray.server.connecting import ServerConnection
from t3tray.server.programs import Programs
from t3tray.system.sql_thread import SqlThread
from t3tray.threads.scan import Scan
from t3tray.threads.verify import Assessment

# Verdicts that another database may turn into an answer.
_DOUBTS = frozenset({Reason.OTHER_DATABASE, Reason.SERVER_DOWN})
# Before the program was asked, or after it was replaced.
_UNASKED = Trust(absence_counts=False, why=NOT_ASKED)
_log = logging.getLogger(__name__)


class SessionSource:
    """One for a process, on the event loop. `is_external`: a server that is not ours serves, whatever our program says."""

    def __init__(
        self, database: OpenCodeDatabase, launching: Programs, answers: Path, run_sql: SqlThread, servers: ServerConnection
    ) -> None:
        self._database = database
        self._launching = launching
        self._answers = DatabaseAnswers(answers)
        self._run_sql = run_sql
        self._servers = servers
        self.is_external = servers.server.is_external
        self._program_trust = _UNASKED
        self._program: ProgramFile | None = None
        self._is_another = False
        self._compared: tuple[str, Path] | None = None
        self._agreement: bool | None = None
        self._asking = asyncio.Lock()
        database.trust = Trust(Failure.SERVER_DOWN, False, "") if self.is_external else self._program_trust

    async def check(self) -> None:
        """Before a scan: use what the program said earlier, and compare with the server in use, or attached. Starts none."""
        await self._use_earlier_answer()
        await self._compare_with(joins=self.is_external)

    async def find(self) -> None:
        """Find out what is not known yet: ask the program, and compare with a running server."""
        if self._is_open:
            await self._ask_program()
            await self._compare_with(joins=True)

    async def read(self, take_scan: Callable[[], Scan]) -> Scan:
        """Scan the databases; if that says too little, find out which one OpenCode uses, and scan again."""
        await self.check()
        scan = await self._run_sql(take_scan)
        return await self._run_sql(take_scan) if await self.find_for(scan) else scan

    async def find_for(self, scan: Scan) -> bool:
        """Find out more if that would help a thread. Returns True if verdicts may change: scan again."""
        if not self._is_open or not (self._is_another or scan.in_doubt or any(map(_is_doubted, scan.assessments))):
            return False
        await self.find()
        return True

    async def _compare_with(self, joins: bool) -> None:
        """Compare with a server. `joins`: also with one that this process has not used yet."""
        connection = self._servers.current
        if connection is None and joins:
            try:
                connection = await (self._servers.connect() if self.is_external else self._servers.join())
            except T3TrayError as error:
                _log.warning("The server cannot be compared with OpenCode's database: %s", error.message)
                self._unreachable(error)
        if connection is not None:
            await self.compare(connection)

    async def _use_earlier_answer(self) -> None:
        """Use what the program said earlier, while it is the same program. Starts nothing."""
        if self.is_external:
            return
        program = await asyncio.to_thread(self._identify)
        if program is None or program == self._program:
            return
        self._program = program
        last = await asyncio.to_thread(self._answers.last)
        if last is not None:
            self._database.earlier = tuple(Path(path) for path in last.earlier)
        if last is not None and last.program == program:
            self._use(Path(last.database))
        else:
            # The program that answered last was another one, and may use another database: this one is asked before anything is
            # believed.
            self._is_another = last is not None
            self._program_trust = _UNASKED
        self._settle()

    async def _ask_program(self) -> None:
        """Ask the program which database it uses, unless it was asked. What it cannot say stays unknown."""
        async with self._asking:
            await self._use_earlier_answer()
            if not self._is_open:
                # Another task has asked meanwhile, or it is the program that answered last time.
                return
            try:
                named = await self._ask()
            except BinaryNotFound:
                # There is no program to ask; a file that the user named by an absolute path is believed.
                is_named = Path(os.environ.get(FILE_VARIABLE, "")).is_absolute()
                self._program_trust = Trust() if is_named else Trust(absence_counts=False, why=NO_PROGRAM)
            except T3TrayError as error:
                _log.warning("%s", error.message)
                self._program_trust = Trust(absence_counts=False, why=error.message)
            else:
                self._use(named)
            self._settle()

    async def compare(self, connection: Connection) -> None:
        """Compare the file with a server. A server that cannot answer changes nothing."""
        at = (connection.url, self._database.path)
        if self._compared == at and self._agreement:
            return
        try:
            # Twice, because a session may be deleted between the two requests.
            self._agreement = await self._agrees(connection)
            if self._agreement is False:
                self._agreement = await self._agrees(connection)
        except ServerError as error:
            _log.warning("The server at %s cannot be compared with OpenCode's database: %s", connection.url, error.message)
            self._agreement = None
            if self.is_external:
                self._unreachable(error)
            return
        self._compared = at
        if self._agreement and self._program and not (self.is_external or self._is_another or self._program_trust.absence_counts):
            # The server was started from this program: its database is the program's.
            await asyncio.to_thread(self._save_answer, self._program, self._database.path)
            self._program_trust = Trust()
        self._settle(connection.url)

    def _unreachable(self, error: T3TrayError) -> None:
        """The attached server cannot be asked, so it is unknown where the next message would go."""
        if self.is_external:
            failure = Failure.SERVER_ERROR
            # A list that is "not found" comes from a server that is broken, or is none of OpenCode's.
            if isinstance(error, ServerError) and not isinstance(error, SessionMissing):
                failure = failure_of(error)
            self._compared = None
            self._database.trust = Trust(failure, False, error.message)

    @property
    def is_unproved(self) -> bool:
        """Whether the database cannot be believed now: it may be another one than OpenCode uses."""
        return self._database.trust.failure is not None

    @property
    def _is_open(self) -> bool:
        """Whether asking the program could still tell more."""
        return not self.is_external and self._program_trust is _UNASKED and not self._database.trust.absence_counts

    async def _agrees(self, connection: Connection) -> bool | None:
        """Return whether file and server agree; None if neither has a session. Raises ServerError if one of them cannot
        answer."""
        theirs = await connection.newest_root()
        try:
            ours, has_theirs = await self._run_sql(self._look_up, theirs)
        except ServerDown:
            # There is no such file; a server that has sessions keeps them elsewhere.
            return None if theirs is None else False
        if not has_theirs:
            return False
        if ours is None:
            return None
        try:
            await connection.session(ours)
        except SessionMissing:
            return False
        return True

    def _look_up(self, theirs: str | None) -> tuple[str | None, bool]:
        with self._database.reading() as reader:
            has_theirs = theirs is None or bool(reader.rows("SELECT 1 FROM session WHERE id = ?", theirs))
            return reader.newest_root(), has_theirs

    def _use(self, named: Path) -> None:
        if self._database.path != named:
            _log.info("OpenCode's program keeps its database at %s.", named)
            self._database.path = named
        self._program_trust = Trust()

    def _settle(self, url: str = "") -> None:
        """Set the trust that follows; a server's answer takes precedence over the program's."""
        if self._agreement is False and self._compared and self._compared[1] == self._database.path:
            why = server_uses_another(url or self._compared[0], self._database.path)
            self._database.trust = Trust(Failure.OTHER_DATABASE, False, why)
        elif self._agreement and self._compared and self._compared[1] == self._database.path:
            self._database.trust = Trust()
        elif self.is_external:
            why = server_has_none_to_compare(url, self._database.path)
            self._database.trust = Trust(absence_counts=False, why=why)
        else:
            self._database.trust = self._program_trust

    def _identify(self) -> ProgramFile | None:
        found = self._launching.known_program()
        return identify(found, os.environ) if found else None

    async def _ask(self) -> Path:
        program, environment = await asyncio.to_thread(lambda: (self._launching.program(), self._launching.environment()))
        identity = identify(program, environment)
        named = await ask_database(program, environment, Path.home())
        if identity is not None:
            # Recorded with the login shell's variables, on which the answer depends. `_program` stays as `_identify` sees it,
            # without them: otherwise each scan would take it for another program, and ask again.
            await asyncio.to_thread(self._save_answer, identity, named, self._database.path)
        return named

    def _save_answer(self, program: ProgramFile, database: Path, read: Path | None = None) -> None:
        self._answers.save(program, database, read)
        if last := self._answers.last():
            self._database.earlier = tuple(Path(path) for path in last.earlier)


def _is_doubted(found: Assessment) -> bool:
    """Whether more would be known of this thread if it were known which database OpenCode uses."""
    return found.verdict.reason in _DOUBTS or any(each.exists is None for each in found.served)
