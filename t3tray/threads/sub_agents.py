"""Whether the sub-agents of a session are at work, as far as OpenCode's database tells."""

from __future__ import annotations

from t3tray.errors import ServerError
from t3tray.opencode.index import SessionIndex
from t3tray.threads.evidence import STILL_WARM, Surroundings


def agents_work(index: SessionIndex, session_id: str, surroundings: Surroundings) -> bool:
    """Whether a sub-agent's last turn has no end yet, and was written to a short while ago."""
    children = index.children_of(session_id)
    return bool(children) and any(_works(index, child, surroundings) for child in children)


def _works(index: SessionIndex, child: str, surroundings: Surroundings) -> bool:
    since_ms = (surroundings.now() - STILL_WARM).timestamp() * 1000
    try:
        if index.session(child).updated_ms < since_ms:
            return False
        newest = index.newest(child)
    except ServerError:
        return False
    return newest is not None and not newest.ends_a_turn
