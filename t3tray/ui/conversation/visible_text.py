"""What is shown of a text that any program may have written: every letter of it, and nothing that moves the others. Pure."""

from __future__ import annotations

import re

# What tells a terminal colours, places and titles.
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\-~])")
_ENDS = re.compile(r"\r\n?|\x85|[\u2028\u2029]")
# Signs that are nowhere to be seen, or that let a line read as another one.
_HIDDEN = (*range(0x200B, 0x200C), *range(0x200E, 0x2010), 0x61C, *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF)
# Where Qt sees the end of a frame or a picture, or where nothing can be drawn.
_DRAWN_AS_NONE = (*range(0x80, 0xA0), *range(0xD800, 0xE000), *range(0xFDD0, 0xFDF0), 0xFFFC, 0xFFFE, 0xFFFF)
_SHOWN = {
    **{code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n"},
    0x7F: "\u2421",
    **dict.fromkeys(_DRAWN_AS_NONE, "\ufffd"),
    **{code: f"[U+{code:04X}]" for code in _HIDDEN},
}
_ODD = re.compile(f"[{''.join(re.escape(chr(code)) for code in _SHOWN)}\u2028\u2029]")


def visible(text: str) -> str:
    """The text as it is shown: without a terminal's colours, with a picture or a name for what cannot be seen."""
    if not _ODD.search(text):
        return text
    return _ENDS.sub("\n", _TERMINAL.sub("", text)).translate(_SHOWN)
