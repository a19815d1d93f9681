"""What would end with the app, where no tray keeps it when its window is closed. Pure; no PySide6 here."""

from __future__ import annotations

from t3tray.domain.guard_state import GuardPhase
from t3tray.domain.server import ServerState
from t3tray.domain.verdict import Reason
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.labels import shortened

# In characters.
_TITLE = 40


def would_end(snapshot: Snapshot | None) -> str:
    """In sentences; empty where nothing would. A server that is not ours, or stays, goes on with its turns."""
    if snapshot is None:
        return ""
    told = []
    if snapshot.server.state is not ServerState.EXTERNAL and not snapshot.server_stays:
        asking = {ask.requester.thread_id for ask in snapshot.pending_requests}
        running = [row.thread for row in snapshot.rows if row.verdict.reason is Reason.BUSY and row.thread.id not in asking]
        told += [f"“{shortened(ask.requester.title, _TITLE)}” waits for your answer." for ask in snapshot.pending_requests[:1]]
        told += [f"A turn runs in “{shortened(thread.title, _TITLE)}”." for thread in running[:1]]
        more = len(snapshot.pending_requests) + len(running) - len(told)
        told += [f"{more} more {'is' if more == 1 else 'are'} open."] if more > 0 else []
    if snapshot.guard.phase is GuardPhase.ON:
        told.append("T3 Code reaches OpenCode through t3tray.")
    return " ".join(told)
