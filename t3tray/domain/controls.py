"""Characters that others may have put into a text to act on whoever shows it: a terminal obeys some, others turn a line around,
HTML takes some for its own.

Those alone: every other character, however odd (ideographic and non-breaking spaces, the joiners of emoji), is a part of what was
written. Pure.
"""

from __future__ import annotations

import re

# Categories Cc and Cs, and the property Bidi_Control.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_IN_LINES = re.compile(f"(?![\n\t]){_CONTROLS.pattern}")
_RAW_IN_JSON = re.compile(f"(?![\x00-\x1f]){_CONTROLS.pattern}")
_MARK = "\N{REPLACEMENT CHARACTER}"


def has_controls(text: str) -> bool:
    """Whether any is in it; line feeds and tabs count too."""
    return _CONTROLS.search(text) is not None


def without_controls(text: str) -> str:
    """The text with a mark in the place of each; lines stay lines, and tabs tabs."""
    return _IN_LINES.sub(_MARK, text)


def escaped_in_json(document: str) -> str:
    """The same JSON document with those escaped that its writer leaves as they are."""
    return _RAW_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def escaped(text: str) -> str:
    """Return the text for between the tags of HTML. `html.escape` does the same, and loads the names of all entities: 0.4 MB."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
