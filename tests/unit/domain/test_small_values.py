"""Values with a sentence or a rule of their own: archive, start at login, conversation, threads by their ids."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from t3tray.domain.archived import LostMessages
from t3tray.domain.controls import escaped, escaped_in_json, has_controls, without_controls
from t3tray.domain.conversation import Conversation, SubAgent, tasks_of
from t3tray.domain.evidence import Role
from t3tray.domain.remedy import Preview, Remedy
from t3tray.domain.thread import Source, Thread
from t3tray.domain.transcript import Message, Piece, PieceKind, ToolCall
from t3tray.errors import ThreadNotFound, UsageError
from t3tray.messages.archive import damage_sentences
from t3tray.messages.conversation import dated_ahead_sentence, error_sentence
from t3tray.messages.inventory import autostart_blocked, starts_another, unreadable
from t3tray.store.threads import named

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_damage_of_the_archive_is_a_sentence_for_each_part() -> None:
    lost = LostMessages(0), LostMessages(1), LostMessages(1, "msg_1", "msg_1"), LostMessages(3, "msg_1", "msg_3")
    assert damage_sentences(lost) == (
        "Some of its messages cannot be read any more: they are damaged.",
        "A message cannot be read any more: it is damaged.",
        "A message (msg_1) cannot be read any more: it is damaged.",
        "3 messages (from msg_1 to msg_3) cannot be read any more: they are damaged.",
    )
    assert damage_sentences(()) == ()


def test_another_copy_starts_t3tray_and_who_prevents_it_does_not() -> None:
    assert starts_another("/old/t3tray").is_on and "/old/t3tray" in starts_another("/old/t3tray").trouble
    assert not autostart_blocked("Windows").is_on and autostart_blocked("Windows").trouble.startswith(
        "Windows keeps t3tray from starting."
    )
    assert not unreadable(OSError("no")).is_on and unreadable(OSError("no")).trouble.endswith("starts: no.")


@pytest.mark.parametrize(
    ("name", "message", "sentence"),
    [
        ("ProviderAuthError", "bad key.", "The model's provider refused the key: bad key."),
        ("APIError", "  ", "The model did not answer."),
        ("NewError", "odd", "The turn ended with an error: odd."),
    ],
)
def test_an_error_of_the_model_is_said_with_the_providers_words(name: str, message: str, sentence: str) -> None:
    assert error_sentence(name, message) == sentence


def test_a_message_of_the_future_is_said_with_its_time() -> None:
    assert "which is still to come" in dated_ahead_sentence(1_800_000_000_000)


def test_a_sub_agents_task_is_the_tool_call_with_its_session() -> None:
    task, other = ToolCall("task", "running", child_session="ses_2"), ToolCall("bash", "completed")
    ordered = Message("msg_1", Role.ASSISTANT, 0, "", pieces=(Piece("p1", PieceKind.TOOL, tool=task),))
    unordered = Message("msg_2", Role.ASSISTANT, 0, "", tools=(other, task))
    assert tasks_of((ordered, unordered)) == (task, task)
    agent = SubAgent("ses_2", (ordered,))
    shown = Conversation("t1", "ses_1", agents=(agent,))
    assert shown.agent("ses_2") is agent and shown.agent("ses_3") is None and shown.agent(None) is None


def test_a_thread_is_named_by_its_id_or_the_beginning_of_it_if_that_is_no_others() -> None:
    threads = [Thread(name, f"Title {name}", "/w", Source.T3CODE, NOW, NOW) for name in ("ab", "abc", "xyz")]
    assert named("x", threads) is threads[2] and named("ab", threads) is threads[0]
    with pytest.raises(ThreadNotFound):
        named("q", threads)
    with pytest.raises(UsageError, match=r"beginning of 2 threads: ab \(Title ab\), abc \(Title abc\)"):
        named("a", threads)
    with pytest.raises(UsageError):
        named("", threads)
    many = [Thread(f"a{number}", "T", "/w", Source.T3CODE, NOW, NOW) for number in range(30)]
    with pytest.raises(UsageError, match=r"and \d+ more"):
        named("a", many)


def test_what_a_terminal_or_a_page_would_obey_is_taken_out_and_no_other_character() -> None:
    hostile = "\x1b]0;title\x07 \u202egnp.exe \ud800 \x9b2J"
    assert has_controls(hostile) and not has_controls(without_controls(hostile))
    harmless = "日本語\u3000 a\u00a0b \U0001f468\u200d\U0001f469 é"
    assert without_controls(f"{harmless}\n\tx") == f"{harmless}\n\tx" and not has_controls(harmless)
    assert escaped_in_json('"\u202e\x9b"') == r'"\u202e\u009b"'
    assert escaped("<a href='x'>&lt;") == "&lt;a href='x'&gt;&amp;lt;"


def test_a_preview_says_that_nothing_is_lost_and_what_has_to_be_done_first() -> None:
    preview = Preview(Remedy.FORK, "Fork it", "Fork", ("One.",), ("Two.", "Three."), hindrance="Start the server.")
    lines = ["Fork it", "now   One.", "then  Two.", "      Three.", "lost  nothing", "first Start the server."]
    assert preview.as_text().splitlines() == lines
