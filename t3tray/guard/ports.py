"""Protocols of what the decisions need: bindings, records, and T3 Code's database."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from t3tray.domain.guard import BoundSession, GuardAnswer, T3CodeState, T3ThreadState
from t3tray.opencode.markers import Marker
from t3tray.opencode.records import SessionRecord


class T3Query(Protocol):
    """Reads T3 Code's database, blocking; `session_id` is the one that a request names, or empty."""

    def __call__(self, session_id: str, /) -> T3CodeState: ...


class Intent(Protocol):
    """A binding that was written ahead. `marker` goes into the session's metadata."""

    @property
    def marker(self) -> Marker: ...

    async def confirm(self, session: SessionRecord) -> None:
        """Bind the thread to this session. Raises StoreError, Refused."""
        ...

    async def give_up(self, session_id: str) -> None:
        """Abandon this session, which was created for the thread; the binding stays. Raises StoreError, Refused."""
        ...


class Bindings(Protocol):
    """The bindings of threads. Every method raises StoreError."""

    async def bound(self, thread: T3ThreadState) -> BoundSession | None:
        """Return the thread's live binding with a new verdict from the server."""
        ...

    async def has_left(self, thread_id: str, session_id: str) -> bool:
        """Return whether the user left this session for another one in this thread."""
        ...

    async def bound_session(self, thread_id: str) -> str | None:
        """Return the session of the thread's live binding, without checking it."""
        ...


class Ledger(Protocol):
    """Records of the guard. Every method raises StoreError."""

    async def last_change(self, thread_id: str) -> int:
        """Return the seq of the last change of this thread's binding; 0 for none."""
        ...

    def intend(self, thread: T3ThreadState, why: str, since: int) -> AbstractAsyncContextManager[Intent]:
        """Write ahead that the thread is about to get a session. Recovery settles an intent that is not confirmed.

        `since` is the last change that the decision was based on: raises Refused after a later one, or while one is in progress.
        """
        ...

    async def seen(self, session_id: str, thread: T3ThreadState | None) -> None:
        """Renew the proof of the binding of this session, which was used. `thread` is T3 Code's thread, where it is known.

        Also raises ServerError, ServerFailed, BinaryNotFound.
        """
        ...

    async def strayed(self, thread: T3ThreadState, session_id: str) -> None:
        """Record that T3 Code sent a message of this thread to another session than its bound one: an alarm, and a split."""
        ...

    async def ended(self, session_id: str) -> None:
        """Record that T3 Code ended a turn of this session, or released it."""
        ...

    async def record_answer(self, answer: GuardAnswer) -> None:
        """Record an answer of the guard."""
        ...
