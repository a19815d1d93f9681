"""What the journal stores with an entry: texts of older stores are recognised, and each names its sessions."""

from __future__ import annotations

from t3tray.messages.journal_reasons import carried_over, joining, made_and_left, none_carried, taken_out


def test_a_stored_entry_says_whether_a_message_was_carried() -> None:
    assert none_carried("0 messages carried over from T3 Code") and none_carried(carried_over(0, ()))
    assert not none_carried("10 messages carried over from ses_a") and not none_carried(carried_over(1, ("ses_a",)))
    assert carried_over(1, ("ses_a", "ses_b")) == "1 message carried over from ses_a, ses_b"


def test_a_join_names_the_other_sessions() -> None:
    assert joining("ses_a", ("ses_b", "ses_c")) == "join ses_b, ses_c into ses_a"
    assert joining("ses_a", ()) == "bring the conversation back into ses_a"


def test_what_a_crash_left_is_named() -> None:
    assert made_and_left(("ses_a", "ses_b")) == "cut off before its end; ses_a, ses_b were left as they are"
    assert made_and_left(("ses_a",)) == "cut off before its end; ses_a was left as it is"
    assert taken_out("msg_a") == "cut off before it came to its end; msg_a was taken out again"
    assert made_and_left(()) == taken_out(None) == "cut off before it began"
