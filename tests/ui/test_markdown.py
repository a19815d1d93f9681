"""Markdown in blocks: where it is cut, and that a growing text is cut as the whole would be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from t3tray.ui.conversation.markdown import HARD, SOFT, Block, Blocks, split

PARAGRAPH = "It goes on and on. " * 30


def test_a_short_text_is_one_block() -> None:
    assert split("# Title\n\nWords.\n\n- a\n- b\n") == (Block("# Title\n\nWords.\n\n- a\n- b"),)
    assert split("") == split("\n \n") == ()


def test_code_stands_by_itself_with_its_language() -> None:
    assert split("Before:\n```python title=x\na = 1\n\n  b\n```\nAfter.") == (
        Block("Before:"),
        Block("a = 1\n\n  b", True, "python"),
        Block("After."),
    )


def test_code_in_a_list_loses_its_indent_only() -> None:
    assert split("1. do\n   ```\n   a\n     b\n   ```\n2. then") == (
        Block("1. do"),
        Block("a\n  b", True),
        Block("2. then"),
    )


def test_code_that_is_not_closed_goes_to_the_end() -> None:
    assert split("```\na\n``\nb") == (Block("a\n``\nb", True),)
    assert split("~~~~\n```\n~~~\n~~~~\nx") == (Block("```\n~~~", True), Block("x"))


def test_three_marks_within_a_line_are_no_fence() -> None:
    assert split("Use ``` for code.\n```x``` too") == (Block("Use ``` for code.\n```x``` too"),)


def test_a_long_text_is_cut_before_a_paragraph_and_never_within_a_list() -> None:
    text = "\n\n".join([PARAGRAPH, PARAGRAPH, PARAGRAPH, PARAGRAPH])
    blocks = split(text)
    assert len(blocks) == 2 and len(blocks[0].text) > SOFT
    assert "\n\n".join(block.text for block in blocks) == text
    listed = PARAGRAPH * 2 + "\n\n" + "\n\n".join(f"- item {number}" for number in range(40))
    assert len(split(listed)) == 1


def test_a_line_without_an_end_is_cut_before_a_word() -> None:
    line = "word " * 4000
    blocks = split(line)
    assert all(len(block.text) <= HARD for block in blocks)
    assert [block.continues for block in blocks] == [False] + [True] * (len(blocks) - 1)
    assert "".join(block.text for block in blocks).replace(" ", "") == line.replace(" ", "")
    assert max(len(block.text) for block in split("x" * 10_000)) <= HARD


@given(
    st.lists(st.sampled_from(["```", "```py\n", "\n", "\n\n", "- a\n", "1. b\n", "words ", "`", PARAGRAPH, "~~~\n"]), max_size=40)
)
def test_what_grows_is_cut_like_the_whole(pieces: list[str]) -> None:
    growing, text = Blocks(), ""
    for piece in pieces:
        text += piece
        assert growing.of(text) == split(text)


def test_what_was_there_before_stays_the_same_object() -> None:
    growing = Blocks()
    text = "\n\n".join([PARAGRAPH] * 20)
    before = growing.of(text)
    after = growing.of(text + " And more.")
    assert len(after) == len(before)
    assert all(one is other for one, other in zip(before[:-2], after[:-2], strict=True))
    assert growing.of("Another text.") == (Block("Another text."),)
