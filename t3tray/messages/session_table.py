"""The table of a thread's sessions for people: creation, contents, where each was found, and which one is in use."""

from __future__ import annotations

from collections.abc import Sequence

from t3tray.domain.split import Candidate
from t3tray.domain.times import from_ms

_HEAD = ("thread", "session", "created (UTC)", "messages", "input tokens", "folder", "source")
_NUMBERS = frozenset({"messages", "input tokens"})


def session_table(thread_id: str, serves: str | None, is_t3: bool, candidates: Sequence[Candidate]) -> tuple[str, ...]:
    """Return lines with aligned columns, header first; empty without candidates.

    `serves` is the session that the next message goes to: for a thread of T3 Code (`is_t3`) the one that T3 Code names.
    """
    if not candidates:
        return ()
    rows = [_HEAD, *(_cells(thread_id, found) for found in candidates)]
    widths = [max(len(cells[number]) for cells in rows) for number in range(len(_HEAD))]
    lines = [
        "  ".join(_padded(cell, name, width) for cell, name, width in zip(cells, _HEAD, widths, strict=True)) for cells in rows
    ]
    for number, found in enumerate(candidates, 1):
        if found.session_id == serves:
            lines[number] += "  ← T3 Code talks to this one" if is_t3 else "  ← the next message goes here"
    return tuple(line.rstrip() for line in lines)


def _cells(thread_id: str, found: Candidate) -> tuple[str, ...]:
    learnt = ", ".join(found.learnt_from)
    thread = f"{thread_id[:8]}…"
    if not found.exists:
        known = "gone" if found.exists is False else "not known"
        return thread, found.session_id, known, "-", "-", "-", learnt
    made = f"{from_ms(found.created_ms):%Y-%m-%d %H:%M}"
    return thread, found.session_id, made, f"{found.messages:,}", f"{found.input_tokens:,}", found.directory, learnt


def _padded(cell: str, name: str, width: int) -> str:
    return cell.rjust(width) if name in _NUMBERS else cell.ljust(width)
