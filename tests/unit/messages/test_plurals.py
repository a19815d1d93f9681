"""A sentence agrees with the number of what it names."""

from __future__ import annotations

import pytest

from t3tray.messages.doctor import later_sessions
from t3tray.messages.protection import changed_elsewhere
from t3tray.messages.t3code_homes import left_out


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        (changed_elsewhere(["providers.opencode"]), "providers.opencode no longer names the guard."),
        (changed_elsewhere(["a", "b"]), "a, b no longer name the guard."),
        (
            later_sessions("Parser", "t1", "ses_a", ["ses_b"]),
            "ses_b was made for it or sent to by t3tray later, and the journal lacks it.",
        ),
        (later_sessions("Parser", "t1", None, ["ses_b", "ses_c"]), "ses_b, ses_c were made for it or sent to by t3tray later,"),
        (left_out(1), "Left out: 1 message that neither"),
        (left_out(1200), "Left out: 1,200 messages that neither"),
    ],
)
def test_one_and_several_are_named_as_what_they_are(sentence: str, words: str) -> None:
    assert words in sentence
