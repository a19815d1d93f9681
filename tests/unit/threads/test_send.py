"""The draft after a message was sent."""

from __future__ import annotations

import pytest

from t3tray.threads.send import without


@pytest.mark.parametrize(
    ("draft", "sent", "left"),
    [
        ("one", "one", ""),
        ("one\n\ntwo", "two", "one"),
        ("one\n\ntwo", "one", "two"),
        ("one\n\ntwo\n\nthree", "two", "one\n\nthree"),
        ("one two", "two", "one two"),
        ("one", "two", "one"),
        ("one\n\nand more\n\ntwo", "one\n\nand more", "two"),
        ("", "one", ""),
    ],
)
def test_the_message_that_went_out_is_taken_from_the_draft_and_nothing_else(draft: str, sent: str, left: str) -> None:
    assert without(draft, sent) == left
