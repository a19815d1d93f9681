"""What the previews of moving and repairing say, in full."""

from __future__ import annotations

import pytest

from t3tray.domain.remedy import Preview, Remedy
from t3tray.messages.remedies import move_preview, relocate_preview, repair_preview, undo_move_preview, undo_repair_preview

PREVIEWS = [
    (
        move_preview("ses_a", "/old", "/new"),
        """Move ses_a to /new
now   The thread is in /new.
      Its session works in /old.
then  The session works in /new.
kept  The whole conversation, under the same session id.
      No file is moved.
      This can be undone.
lost  What the agent changed in the other folder stays there.""",
    ),
    (
        relocate_preview("Parser", "/old", "/work", "/new", "It may be another."),
        """“Parser” is in /new now
now   The thread is in /old.
      Its session works in /work.
then  The thread is in /new, and its session works there.
kept  The whole conversation.
      No file is moved.
      This can be undone.
lost  It may be another.""",
    ),
    (
        relocate_preview("Parser", "/old", "", "/new", ""),
        """“Parser” is in /new now
now   The thread is in /old.
then  The thread is in /new, and its session works there.
kept  The whole conversation.
      No file is moved.
      This can be undone.
lost  nothing""",
    ),
    (
        undo_move_preview(Remedy.MOVE_SESSION, "Parser", "/new", "/old"),
        f"""Undo “{Remedy.MOVE_SESSION}” of “Parser”
now   Its session works in /new.
then  Its session works in /old again.
kept  The whole conversation.
      No file is moved.
lost  nothing""",
    ),
    (
        repair_preview(None, "ses_a", "/data/copies", ("2 messages.",), "Allow it"),
        """Let T3 Code go on in this thread's session
now   T3 Code's own cursor names no session.
then  It names ses_a: the next message typed in T3 Code goes there.
kept  A copy of T3 Code's whole database, in /data/copies.
      Everything else in it.
      This can be undone.
lost  2 messages.""",
    ),
    (
        undo_repair_preview(Remedy.REPAIR, "Parser", "ses_a"),
        f"""Undo “{Remedy.REPAIR}” of “Parser”
now   T3 Code's own cursor names ses_a.
then  It is what it was before.
kept  A copy of T3 Code's whole database as it is now.
lost  nothing""",
    ),
]


@pytest.mark.parametrize(("preview", "text"), PREVIEWS, ids=[preview.title for preview, _ in PREVIEWS])
def test_a_preview_says_what_is_what_will_be_what_stays_and_what_is_lost(preview: Preview, text: str) -> None:
    assert preview.as_text() == text
