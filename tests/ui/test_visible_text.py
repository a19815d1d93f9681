"""Text of unknown origin is displayed safely."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t3tray.ui.conversation.visible_text import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x = 1\n\ty\u00a0= 2\n", "x = 1\n\ty\u00a0= 2\n"),
        ("a\x00b", "a␀b"),
        ("bell\x07 \x7f", "bell␇ ␡"),
        ("\x1b[1m\x1b[38;5;196mFAILED\x1b[0m tests", "FAILED tests"),
        ("\x1b]0;a title\x07$ \x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "$ link"),
        ("\x1b(Bplain\x1b=", "plain"),
        ("\x1b[31", "␛[31"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("a\u2028b\u2029c\x85d", "a\nb\nc\nd"),
        ('if user != "admin\u202e \u2066": # \u2069', 'if user != "admin[U+202E] [U+2066]": # [U+2069]'),
        ("\ufeffimport\u200b re", "[U+FEFF]import[U+200B] re"),
        ("\ud83d \ufdd0 \ufffc \uffff", "� � � �"),
        ("👩‍👩‍👧‍👦 שלום 漢字", "👩‍👩‍👧‍👦 שלום 漢字"),
    ],
)
def test_every_letter_is_seen_and_none_moves_the_others(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(st.characters(codec=None)))
def test_what_is_shown_is_shown_as_it_is(text: str) -> None:
    shown = visible(text)
    assert visible(shown) == shown
    assert not set(shown) & {*map(chr, range(9)), *map(chr, range(11, 32)), "\u2028", "\u202e", "\ufffc"}
