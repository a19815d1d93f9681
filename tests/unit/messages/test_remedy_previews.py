"""What the previews of remedies say, in full."""

from __future__ import annotations

import pytest

from t3tray.domain.carries import Carries, CarriesKind, Context
from t3tray.domain.evidence import Role
from t3tray.domain.handoff_prompt import Carried
from t3tray.domain.merging import Brought, Collected
from t3tray.domain.remedy import Preview, Remedy
from t3tray.domain.split import Candidate
from t3tray.domain.transcript import Message, Origin, Transcript
from t3tray.domain.verdict import Reason, Verdict
from t3tray.messages.remedy_previews import (
    afresh_preview,
    all_lost,
    bind_preview,
    carry_preview,
    fork_preview,
    join_preview,
    losses_unknown,
    losses_with,
    move_preview,
    release_preview,
    relocate_preview,
    repair_preview,
    undo_binding_preview,
    undo_move_preview,
    undo_repair_preview,
)

ASKED, ANSWERED = Message("msg_a", Role.USER, 1, "Add a parser"), Message("msg_b", Role.ASSISTANT, 2, "Done")
HERE = Candidate("ses_a", ("journal",), True, "/work", messages=1200, input_tokens=34_567)
THERE = Candidate("ses_b", ("T3 Code",), True, "/work", messages=3, input_tokens=40)
ONE = Candidate("ses_b", ("T3 Code",), True, "/work", messages=1, input_tokens=40)
SOURCES = (Transcript(Origin.OPENCODE, (ASKED,), "ses_b"), Transcript(Origin.T3CODE, (ANSWERED,), missing=("No tools.",)))
LACKING = Collected((ASKED, ANSWERED), frozenset(), Context(4), SOURCES)
SUMMARISED = Collected((), frozenset(), Context(4, 1000, since_ms=1), ())
JOINED = Brought(LACKING, Carried("x" * 1500, 1, 1), "")

PREVIEWS = [
    (
        bind_preview("Parser", "ses_b", "ses_a", HERE, THERE, (ASKED,), ("ses_a", "ses_c"), ("2 messages.",)),
        """Bind “Parser” to ses_b
now   ses_a: 1,200 messages, 34,567 input tokens
      in /work
then  ses_b: 3 messages, 40 input tokens
      in /work
      It knows 1 message that ses_a does not:
        User: “Add a parser”
kept  The binding of now stays in the history, and this can be undone.
      ses_a, ses_c are left as they are in OpenCode, and no longer part of this thread.
lost  2 messages.""",
    ),
    (
        bind_preview("Parser", "ses_b", "ses_gone", None, None, (), (), ()),
        """Bind “Parser” to ses_b
now   It is bound to ses_gone, which does not exist any more.
then  It is bound to ses_b.
kept  The binding of now stays in the history, and this can be undone.
lost  nothing""",
    ),
    (
        bind_preview("Parser", "ses_b", "ses_a", Candidate("ses_a", ("journal",)), ONE, (), (), ()),
        """Bind “Parser” to ses_b
now   ses_a: unknown now what it contains
then  ses_b: 1 message, 40 input tokens
      in /work
kept  The binding of now stays in the history, and this can be undone.
lost  nothing""",
    ),
    (
        release_preview("Parser", "ses_a", Verdict(Reason.PROVED, carries=Carries(CarriesKind.WHOLE))),
        """Let “Parser” go of ses_a
now   It is bound to ses_a.
then  It is bound to no session: it cannot be resumed until you bind it again.
kept  The session stays as it is in OpenCode.
      The binding stays in the history, and this can be undone.
lost  The session is there, and the thread could be resumed: """
        "The session is there and its last recorded message was found, so your next message carries the whole conversation.",
    ),
    (
        release_preview("Parser", "ses_gone", None),
        """Let “Parser” go of ses_gone
now   It is bound to ses_gone.
then  It is bound to no session: it cannot be resumed until you bind it again.
kept  The session stays as it is in OpenCode.
      The binding stays in the history, and this can be undone.
lost  nothing""",
    ),
    (
        undo_binding_preview(Remedy.BIND, "Parser", "ses_b", None, ("2 messages.",)),
        """Undo “bind” of “Parser”
now   It is bound to ses_b.
then  It is bound to no session again.
kept  Both sessions stay as they are in OpenCode.
lost  2 messages.""",
    ),
    (
        afresh_preview("Parser", "ses_a", "/work", ("ses_a", "ses_b")),
        """Start “Parser” afresh
now   It is bound to ses_a.
then  It is bound to a new, empty session in /work.
kept  As they are in OpenCode, but this thread's no longer: ses_a, ses_b.
      The old binding stays in the history, and this can be undone.
lost  The model starts from nothing: it knows none of what is on the screen.""",
    ),
    (
        carry_preview("Parser", None, "/work", (), ("No tools.",), "OpenCode", Carried("x" * 1500, 2, 1)),
        """Carry the conversation of “Parser” into a new session
now   It is bound to no session.
then  It is bound to a new session in /work.
      2 messages from OpenCode go in as one message of 1,500 characters, labelled as restored.
kept  The word “restored” stays with the thread.
      The old binding stays in the history, and this can be undone.
lost  No tools.
      Left out for length: the oldest 1 message.
      What tools returned, and what the model thought, is not carried.""",
    ),
    (
        fork_preview("ses_a", "A title", "/work"),
        """Fork ses_a
now   It is bound to ses_a, “A title”.
then  It is bound to a copy of it, which OpenCode calls “A title (fork #…)”, in /work.
kept  The session of now stays as it is, with whatever goes on in it.
      This can be undone.
lost  nothing""",
    ),
    (
        join_preview(Remedy.JOIN, "Parser", "ses_a", {"ses_b": 3, "ses_c": 1}, JOINED, "ses_b"),
        """Join ses_b, ses_c into ses_a
now   ses_a is kept, which holds 4 messages.
      The thread is bound to ses_b here.
      ses_b holds 3 messages.
      ses_c holds 1 message.
      The session that is kept lacks 2 messages, which OpenCode and T3 Code's copy has:
        User: “Add a parser”
        Assistant: “Done”
then  1 message goes into the session that is kept as one message of 1,500 characters, labelled; the model does not answer it.
      The thread is bound to ses_a here, no more to ses_b.
kept  ses_b, ses_c are left as they are in OpenCode; the history names them.
      This can be undone.
lost  Left out for length: the oldest 1 message.
      No tools.
      What tools returned, and what the model thought, is not carried.""",
    ),
    (
        join_preview(Remedy.HEAL, "Parser", "ses_a", {}, Brought(SUMMARISED, Carried("", 0), ""), "ses_a"),
        """Give T3 Code its memory of “Parser” back
now   T3 Code goes on in ses_a, of which the model gets 4 messages and a summary of the 1,000 before.
      The thread is bound to ses_a here.
then  Nothing has to be carried: T3 Code's session holds everything, 1,000 messages of it as a summary only.
      The thread stays bound to ses_a here.
      The next message carries it, typed in T3 Code or here: both go on in ses_a. T3 Code may stay open.
kept  This can be undone.
lost  Of 1,000 messages in ses_a the model has a summary only, and that stays so.""",
    ),
    (
        join_preview(Remedy.HEAL, "The rest", "ses_a", {}, Brought(SUMMARISED, Carried("", 0), "1 turn is not in it"), None),
        """Give T3 Code its memory of “The rest” back
now   T3 Code goes on in ses_a, of which the model gets 4 messages and a summary of the 1,000 before.
      The thread is bound to no session here.
then  Nothing has to be carried: T3 Code's session holds all that anybody has.
      The thread is bound to ses_a here.
      The next message carries it, typed in T3 Code or here: both go on in ses_a. T3 Code may stay open.
kept  This can be undone.
lost  Not brought back: 1 turn is not in it.
      Of 1,000 messages in ses_a the model has a summary only, and that stays so.""",
    ),
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


def test_losses_name_what_the_model_would_not_know() -> None:
    assert losses_with("ses_a", LACKING) == (
        "The model would not know 2 messages of this conversation, which OpenCode and T3 Code's copy has:",
        "  User: “Add a parser”",
        "  Assistant: “Done”",
    )
    assert losses_with("ses_a", SUMMARISED) == ("Of 1,000 messages of ses_a the model would get a summary only.",)
    assert losses_unknown("No response.") == ("What the model would not know cannot be told now: No response.",)
    assert all_lost("ses_a") == ("ses_a does not exist any more: the model would know nothing of this conversation.",)
