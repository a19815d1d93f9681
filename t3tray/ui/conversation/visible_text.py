"""Makes text of unknown origin safe to display: every character becomes visible, and none can reorder the others. Pure."""

from __future__ import annotations

import re

# Terminal escape sequences: colours, cursor positions, titles.
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\-~])")
_ENDS = re.compile(r"\r\n?|\x85|[\u2028\u2029]")
# Invisible characters, and bidirectional controls that let a line read as another one.
_HIDDEN = (*range(0x200B, 0x200C), *range(0x200E, 0x2010), 0x61C, *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF)
# Characters that Qt treats as the end of a frame or as an embedded object, and those that cannot be drawn.
_DRAWN_AS_NONE = (*range(0x80, 0xA0), *range(0xD800, 0xE000), *range(0xFDD0, 0xFDF0), 0xFFFC, 0xFFFE, 0xFFFF)
_SHOWN = {
    **{code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n"},
    0x7F: "\u2421",
    **dict.fromkeys(_DRAWN_AS_NONE, "\ufffd"),
    **{code: f"[U+{code:04X}]" for code in _HIDDEN},
}
_ODD = re.compile(f"[{''.join(re.escape(chr(code)) for code in _SHOWN)}\u2028\u2029]")


def visible(text: str) -> str:
    """Return the text without terminal sequences, with a visible symbol or name for each invisible character."""
    if not _ODD.search(text):
        return text
    return _ENDS.sub("\n", _TERMINAL.sub("", text)).translate(_SHOWN)
