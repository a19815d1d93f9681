"""What would end with the app when its window is closed and no tray icon keeps it running. Pure; no PySide6 here."""

from __future__ import annotations

from t3tray.domain.guard_state import GuardPhase
from t3tray.domain.server import ServerState
from t3tray.domain.verdict import Reason
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.labels import shortened

# In characters.
_TITLE = 40


def would_end(snapshot: Snapshot | None) -> str:
    """Return the sentences, "" if nothing would end. A server that is not ours, or that stays, continues its turns."""
    if snapshot is None:
        return ""
    sentences = []
    if snapshot.server.state is not ServerState.EXTERNAL and not snapshot.server_stays:
        asking = {request.requester.thread_id for request in snapshot.pending_requests}
        running = [row.thread for row in snapshot.rows if row.verdict.reason is Reason.BUSY and row.thread.id not in asking]
        sentences += [
            f"“{shortened(request.requester.title, _TITLE)}” waits for your answer." for request in snapshot.pending_requests[:1]
        ]
        sentences += [f"A turn runs in “{shortened(thread.title, _TITLE)}”." for thread in running[:1]]
        more = len(snapshot.pending_requests) + len(running) - len(sentences)
        sentences += [f"{more} more {'is' if more == 1 else 'are'} open."] if more > 0 else []
    if snapshot.guard.phase is GuardPhase.ON:
        sentences.append("T3 Code reaches OpenCode through t3tray.")
    return " ".join(sentences)
