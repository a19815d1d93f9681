"""What a remedy means for a session that T3 Code holds open: T3 Code sends straight into it, whatever was chosen here.

After a remedy T3 Code is made to release it, if that interrupts nothing; else the result states that it still holds it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from t3tray.domain.remedy import Preview


class HeldSessions(Protocol):
    """`gives` is the session that the remedy gives the thread: "" for one that it makes or moves, None if it gives none.

    Both methods return sentences, empty if T3 Code holds no other session of the thread open.
    """

    async def preview_release(self, thread_id: str, gives: str | None) -> tuple[str, ...]:
        """Return what would be done. Changes nothing. Raises StoreError."""
        ...

    async def let_go(self, thread_id: str, gives: str | None) -> tuple[str, ...]:
        """Make T3 Code let go, and return the result."""
        ...


class NoHeldSessions:
    """Without a guard: T3 Code uses its own cursor then, and letting go changes nothing."""

    async def preview_release(self, thread_id: str, gives: str | None) -> tuple[str, ...]:
        return ()

    async def let_go(self, thread_id: str, gives: str | None) -> tuple[str, ...]:
        return ()


def with_sentences(preview: Preview, said: tuple[str, ...]) -> Preview:
    return replace(preview, after=(*preview.after, *said)) if said else preview
