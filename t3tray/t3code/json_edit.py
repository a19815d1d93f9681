"""Edits a JSON text in place: unchanged parts keep every byte.

Python would write some values differently (`1e999`, half of a surrogate pair, `1.50`), and T3 Code could no longer read them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import NamedTuple

Settings = dict[str, object]

_SPACE = re.compile(r"[ \t\r\n]*")
_INDENT = re.compile(r"\{(\r?\n)(?:([ \t]+)\"|\})")


class _Member(NamedTuple):
    """Text of one member: space before its name, the name, the text up to its value, the value, space after it."""

    lead: str
    name: str
    key: str
    colon: str
    value: str
    trail: str


class _Style(NamedTuple):
    """Layout of the text: its line end (empty: all in one line), one step of indentation, the text after a colon."""

    line: str
    step: str
    gap: str

    def lead(self, depth: int) -> str:
        """Return the text before a member at this depth."""
        return self.line + self.step * depth if self.line else ""


def read_object(text: str) -> Settings:
    """Parse an object like JavaScript. Raises ValueError, also for a duplicate name."""
    found = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    if not isinstance(found, dict):
        raise ValueError
    return found


def edited(text: str, target: Settings) -> str:
    """Return the text changed to represent `target`. Raises ValueError when the result does not parse to `target`."""
    read_object(text)
    start = _after_space(text, 0)
    found = _INDENT.match(text, start)
    style = _Style(found[1], found[2] or "  ", " ") if found else _Style("", "", " " if '": ' in text else "")
    changed, end = _changed(text, start, target, style, 1)
    after = text[:start] + changed + text[end:]
    if read_object(after) != target:
        raise ValueError
    return after


def _changed(text: str, start: int, target: Settings, style: _Style, depth: int) -> tuple[str, int]:
    """Return the changed text of the object that begins at `start`, and the offset after the old one."""
    members, end = _members(text, start)
    if not members and not target:
        return text[start:end], end
    kept = [member for member in members if member.name in target]
    parts = [f"{member.lead}{member.key}{member.colon}{_value(member, target, style, depth)}" for member in kept]
    trails = [member.trail for member in kept]
    known = {member.name for member in kept}
    for name in [name for name in target if name not in known]:
        lead = members[-1 if parts else 0].lead if members else style.lead(depth)
        lead = lead or (style.gap if parts else "")
        parts.append(f"{lead}{_dumped(name, style, depth)}:{style.gap}{_dumped(target[name], style, depth)}")
        trails.append("")
    if not parts:
        return "{}", end
    # The space before the closing brace stays there, whichever member is the last.
    last = members[-1].trail if members else style.lead(depth - 1)
    trails = [*("" if at == len(kept) - 1 and kept[-1] is members[-1] else trail for at, trail in enumerate(trails[:-1])), last]
    return "{" + ",".join(part + trail for part, trail in zip(parts, trails, strict=True)) + "}", end


def _value(member: _Member, target: Settings, style: _Style, depth: int) -> str:
    old, new = json.loads(member.value), target[member.name]
    if isinstance(old, dict) and isinstance(new, dict):
        return _changed(member.value, 0, new, style, depth + 1)[0]
    return member.value if _same(old, new) else _dumped(new, style, depth)


def _same(old: object, new: object) -> bool:
    return type(old) is type(new) and old == new


def _members(text: str, start: int) -> tuple[list[_Member], int]:
    """Return the members of the object that begins at `start`, and the offset after it."""
    decode: Callable[[str, int], tuple[object, int]] = json.JSONDecoder().raw_decode
    members: list[_Member] = []
    at = start + 1
    while True:
        key_at = _after_space(text, at)
        if text[key_at] == "}":
            return members, key_at + 1
        name, key_end = decode(text, key_at)
        value_at = _after_space(text, _after_space(text, key_end) + 1)
        _, value_end = decode(text, value_at)
        comma_at = _after_space(text, value_end)
        parts = (text[at:key_at], str(name), text[key_at:key_end], text[key_end:value_at], text[value_at:value_end])
        members.append(_Member(*parts, text[value_end:comma_at]))
        if text[comma_at] == "}":
            return members, comma_at + 1
        at = comma_at + 1


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None
    return found.end()


def _dumped(value: object, style: _Style, depth: int) -> str:
    if not isinstance(value, dict | list) or not style.line:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(f",{style.gap}", f":{style.gap}"))
    else:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=style.step).replace("\n", style.lead(depth))
    try:
        text.encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair is written as an escape, as it was before.
        return json.dumps(value, allow_nan=False)
    return text


def _object(pairs: list[tuple[str, object]]) -> Settings:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _no_constant(_: str) -> object:
    raise ValueError
