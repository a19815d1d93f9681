"""What a remedy means for a session that T3 Code holds open: it sends straight into that one, whatever was chosen here.

After a remedy T3 Code is made to let go of it, where nothing is broken off by that; else it is said that it still holds it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from t3tray.domain.remedy import Preview


class HeldByT3Code(Protocol):
    """`gives` is the session that the remedy gives the thread, empty for one that it makes or moves; None where it gives none.

    Each tells what is so in sentences, none where T3 Code holds no other session of the thread open.
    """

    async def foresee(self, thread_id: str, gives: str | None) -> tuple[str, ...]:
        """What would be done. Nothing is changed. Raises StoreError."""
        ...

    async def let_go(self, thread_id: str, gives: str | None) -> tuple[str, ...]:
        """Do it; what came of it."""
        ...


class NothingHeld:
    """Where there is no guard: T3 Code goes by its own cursor then, and to let go changes nothing."""

    async def foresee(self, thread_id: str, gives: str | None) -> tuple[str, ...]:
        return ()

    async def let_go(self, thread_id: str, gives: str | None) -> tuple[str, ...]:
        return ()


def with_word(preview: Preview, said: tuple[str, ...]) -> Preview:
    return replace(preview, after=(*preview.after, *said)) if said else preview
