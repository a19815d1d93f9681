"""What the decisions need: bindings, a ledger, and T3 Code's database."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from t3tray.domain.guard import BoundSession, GuardAnswer, T3CodeState, T3ThreadState
from t3tray.opencode.markers import Marker
from t3tray.opencode.records import SessionRecord


class T3Look(Protocol):
    """Reads T3 Code's database, blocking; `session_id` is the one that a request names, or empty."""

    def __call__(self, session_id: str, /) -> T3CodeState: ...


class Intent(Protocol):
    """A binding that was written ahead. `marker` goes into the session's metadata."""

    @property
    def marker(self) -> Marker: ...

    async def confirm(self, session: SessionRecord) -> None:
        """The thread is bound to this session from now on. Raises StoreError, Refused."""
        ...

    async def give_up(self, session_id: str) -> None:
        """The thread stays bound as it is; this session was made for it, and is left. Raises StoreError, Refused."""
        ...


class Bindings(Protocol):
    """Every method raises StoreError."""

    async def bound(self, thread: T3ThreadState) -> BoundSession | None:
        """The thread's live binding, proved at the server just now."""
        ...

    async def has_left(self, thread_id: str, session_id: str) -> bool:
        """Whether the user left this session for another one in this thread."""
        ...

    async def bound_session(self, thread_id: str) -> str | None:
        """The session of the thread's live binding, whatever became of it."""
        ...


class Ledger(Protocol):
    """Every method raises StoreError."""

    async def last_change(self, thread_id: str) -> int:
        """The place of the last change of this thread's binding; 0 when there was none."""
        ...

    def intend(self, thread: T3ThreadState, why: str, since: int) -> AbstractAsyncContextManager[Intent]:
        """Write ahead that the thread is about to get a session. What is not confirmed is settled by recovery.

        `since` is the last change that it was decided by: raises Refused when there was another one, or one is under way.
        """
        ...

    async def seen(self, session_id: str, thread: T3ThreadState | None) -> None:
        """Something happened in this session: whoever is bound to it is proved anew. `thread` is T3 Code's, where it is known.

        Raises ServerError, ServerFailed, BinaryNotFound too.
        """
        ...

    async def strayed(self, thread: T3ThreadState, session_id: str) -> None:
        """T3 Code sent a message of this thread into a session that is not the one that it is bound to: an alarm, and a split."""
        ...

    async def ended(self, session_id: str) -> None:
        """T3 Code ends what runs in this session, or lets go of it."""
        ...

    async def told(self, told: GuardAnswer) -> None:
        """Keep an answer of the guard's."""
        ...
