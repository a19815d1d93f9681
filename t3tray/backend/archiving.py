"""What is kept of the threads' words beside OpenCode: in our vault, and in T3 Code's own copy. It changes no binding."""

from __future__ import annotations

from collections.abc import Iterator

from t3tray.conversation.archive import VaultKeeper
from t3tray.domain.archived import Holding
from t3tray.domain.transcript import Transcript
from t3tray.errors import StoreError
from t3tray.store.vault import Vault
from t3tray.system.sql_thread import SqlThread
from t3tray.threads.scan import Scan, Scanner


class Archive:
    """Lives on the event loop. `trouble` is why nothing can be kept now, in a sentence, to be shown with the list."""

    def __init__(self, vault: Vault, keeper: VaultKeeper, survey: Scanner, run_sql: SqlThread) -> None:
        self.trouble: tuple[str, ...] = ()
        self._vault = vault
        self._keeper = keeper
        self._survey = survey
        self._run_sql = run_sql

    async def keep(self, picture: Scan) -> bool:
        """Keep what is new; True when there is more. That the vault cannot be written hinders nothing else."""
        try:
            more = await self._run_sql(self._keeper.keep, picture.examinations)
        except StoreError as error:
            self.trouble = (f"What threads say cannot be kept: {error.message}",)
            return False
        self.trouble = ()
        return more

    async def holdings(self) -> tuple[Holding, ...]:
        """Everything that the vault keeps. Raises StoreError."""
        return await self._run_sql(self._vault.holdings)

    async def size(self) -> int:
        """Of everything that the vault keeps, in bytes. Raises StoreError."""
        return sum(size for _, size in await self._run_sql(self._vault.states))

    async def words(self, session_id: str) -> Transcript | None:
        """What the vault kept of a session. Raises StoreError."""
        return await self._run_sql(self._vault.transcript, session_id)

    def copies(self, thread_id: str, session_id: str | None) -> Iterator[Transcript]:
        """Who else than OpenCode keeps a thread's words, the best first. For the thread that runs the SQL."""
        if session_id and (kept := self._vault.transcript(session_id)):
            yield kept
        if theirs := self._survey.told_by_t3(thread_id):
            yield theirs
