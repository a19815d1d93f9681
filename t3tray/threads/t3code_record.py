"""The record of a thread of T3 Code before OpenCode is asked: from T3 Code's data and ours."""

from __future__ import annotations

from t3tray.domain.cursor import Cursor
from t3tray.domain.evidence import Claim
from t3tray.domain.t3code_thread import T3Thread
from t3tray.domain.thread import Source, Thread
from t3tray.threads.evidence import ThreadRecord

_T3CODE = Source.T3CODE  # Python 3.11 finds an enum member slowly


def recorded_t3(t3: T3Thread, own: Thread | None, cursor: Cursor | None) -> ThreadRecord:
    """Return the record: T3 Code's cursor says where its next message goes; ours says where it should go, and proves it.

    If the user chose ours over what T3 Code names, that holds until T3 Code names another session.
    """
    thread = t3_thread(t3, own.draft if own else "")
    if cursor is not None and cursor.chosen_over == (t3.session_id or ""):
        return ThreadRecord(thread, cursor, t3.has_turns, t3=t3)
    if t3.session_id is None:
        # That T3 Code lost track of the session changes nothing here; where its next message goes is assessed separately.
        return ThreadRecord(thread, cursor, t3.has_turns, t3=t3, handed_over=t3.handed_over)
    if cursor is None:
        return ThreadRecord(thread, Cursor(t3.session_id, t3.directory), t3.has_turns, t3=t3)
    if cursor.session_id == t3.session_id:
        return ThreadRecord(thread, cursor, t3.has_turns, t3=t3)
    conflict = (Claim(t3.session_id, "T3 Code"), Claim(cursor.session_id, "t3tray"))
    return ThreadRecord(thread, cursor, t3.has_turns, conflict=conflict, t3=t3)


def t3_thread(t3: T3Thread, draft: str) -> Thread:
    """Return a thread of T3 Code as a `Thread`. `draft` is what was typed in t3tray and not sent."""
    return Thread(t3.id, t3.title, t3.directory, _T3CODE, t3.created_at, t3.last_activity_at, t3.archived_at, draft)
