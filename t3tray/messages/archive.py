"""The sentences on damage to the archive: messages that cannot be read any more, and a file that was rebuilt."""

from __future__ import annotations

from collections.abc import Iterable

from t3tray.domain.archived import LostMessages


def damage_sentences(lost: Iterable[LostMessages]) -> tuple[str, ...]:
    """Return one sentence for each part that cannot be read."""
    return tuple(map(_lost_sentence, lost))


def _lost_sentence(lost: LostMessages) -> str:
    if lost.count == 0:
        return "Some of its messages cannot be read any more: they are damaged."
    if lost.count == 1:
        name = f" ({lost.first_id})" if lost.first_id else ""
        return f"A message{name} cannot be read any more: it is damaged."
    names = f" (from {lost.first_id} to {lost.last_id})" if lost.first_id else ""
    return f"{lost.count} messages{names} cannot be read any more: they are damaged."


def rebuilt_sentence(lost: int, aside: str) -> str:
    """Return what was done with a damaged file. `lost`: number of messages that are missing; `aside`: where the file is now."""
    result = f"{lost:,} message{'' if lost == 1 else 's'} could not be read" if lost else "all messages could be read"
    return f"t3tray's archive was damaged and has been rebuilt: {result}. The damaged file was renamed to {aside}."
