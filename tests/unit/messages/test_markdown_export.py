"""A conversation as Markdown: what one message leaves open is closed before the next."""

from __future__ import annotations

import pytest

from t3tray.domain.evidence import Role
from t3tray.domain.transcript import Message, Origin, Transcript
from t3tray.messages.markdown_export import as_markdown


def exported(text: str, error: str = "") -> list[str]:
    said = Message("msg_1", Role.ASSISTANT, 0, text, error=error)
    return as_markdown(Transcript(Origin.VAULT, (said,), "ses_1"), "A thread").splitlines()


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("```python\nprint(1)", "```"),
        ("~~~~\n```\nstill code", "~~~~"),
        ("```\ndone\n```\n\n  ````sh\nls\n```", "````"),
        ("```\ncode ``` is not the end", "```"),
    ],
)
def test_a_code_block_that_was_cut_short_is_ended(text: str, last: str) -> None:
    assert [line for line in exported(text) if line][-1] == last


@pytest.mark.parametrize(
    "text", ["```\ndone\n```", "```a`b``` is code in a line", "    ```\n    four spaces are code already", "plain"]
)
def test_what_is_whole_is_not_touched(text: str) -> None:
    lines = exported(text)
    assert "\n".join(lines).rstrip().endswith(text)


def test_an_error_of_several_lines_begins_no_heading() -> None:
    assert "*It failed: refused # by the model*" in exported("", "refused\n# by the model")
