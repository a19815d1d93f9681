"""A refusal says what is so and what can be done instead, in each of its cases."""

from __future__ import annotations

import pytest

from t3tray.domain.split import Candidate
from t3tray.errors import Refused, T3TrayError, UsageError
from t3tray.messages.remedy_refusals import heal_without_t3_code, holds_all, nothing_to_join, session_not_named

FULLER, OTHER = Candidate("ses_a", ("journal",), messages=12), Candidate("ses_b", ("T3 Code",), messages=1)


@pytest.mark.parametrize(
    ("refusal", "message", "hint"),
    [
        (nothing_to_join(can_heal=True), "There is nothing to join: ", "“heal” brings back what is in no session any more."),
        (nothing_to_join(can_heal=False), "There is nothing to join: ", None),
        (holds_all("ses_a", 0), "ses_a, in which T3 Code goes on, holds all of this conversation.", "There is nothing to heal."),
        (
            holds_all("ses_a", 1200),
            "ses_a, in which T3 Code goes on, holds all of this conversation, 1,200 messages of it as a summary only.",
            "There is nothing to heal.",
        ),
        (
            holds_all("ses_a", 1),
            "ses_a, in which T3 Code goes on, holds all of this conversation, 1 message of it as a summary only.",
            "There is nothing to heal.",
        ),
        (heal_without_t3_code(), "This thread is not one of T3 Code's.", "“join” brings its sessions together."),
        (session_not_named(()), "No other session of this thread is known", "Name one with --session."),
        (
            session_not_named((FULLER, OTHER)),
            "Which session?",
            "Name one with --session. The fullest first: ses_a (12 messages); ses_b (1 message).",
        ),
    ],
)
def test_a_refusal_has_a_hint_only_if_something_can_be_done(refusal: T3TrayError, message: str, hint: str | None) -> None:
    assert refusal.message.startswith(message) and refusal.hint == hint


def test_only_a_choice_that_the_user_could_have_named_is_a_mistake_in_the_command() -> None:
    assert isinstance(session_not_named((FULLER, OTHER)), UsageError) and isinstance(session_not_named(()), Refused)
