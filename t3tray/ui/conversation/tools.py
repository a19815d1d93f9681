"""A tool call as one line, and its input as text. Pure; no PySide6 here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from t3tray.domain.transcript import ToolCall
from t3tray.ui.labels import shortened

# By the tool's name: the verb after it has run, and while it runs.
_VERBS: Mapping[str, tuple[str, str]] = {
    "read": ("Read", "Reading"),
    "write": ("Wrote", "Writing"),
    "edit": ("Changed", "Changing"),
    "patch": ("Changed", "Changing"),
    "bash": ("Ran", "Running"),
    "grep": ("Searched for", "Searching for"),
    "glob": ("Looked for files like", "Looking for files like"),
    "list": ("Looked into", "Looking into"),
    "webfetch": ("Fetched", "Fetching"),
    "websearch": ("Searched the web for", "Searching the web for"),
    "todowrite": ("Updated the plan", "Updating the plan"),
    "todoread": ("Looked at the plan", "Looking at the plan"),
    "question": ("Asked", "Asking"),
}
# The input fields that describe a call best, for one without a title.
_DESCRIPTIVE_FIELDS = ("command", "filePath", "path", "pattern", "url", "query", "description", "question", "name")
_MARKS = {"completed": "✓", "error": "✕"}
# In characters.
_WIDTH = 200


def is_running(tool: ToolCall) -> bool:
    return tool.status not in _MARKS


def tool_symbol(tool: ToolCall) -> str:
    """Return ✓ for a completed call, ✕ for a failed one, … for a running one."""
    return _MARKS.get(tool.status, "…")


@lru_cache(maxsize=2048)
def tool_words(tool: ToolCall) -> str:
    """Return the call in one line: `Read parser.py`, `Running make test`, `explore: Look into the tests`."""
    if tool.child_session or tool.agent:
        task = tool.title or _description(tool)
        return shortened(": ".join(filter(None, (tool.agent or "Sub-agent", task))), _WIDTH)
    did, does = _VERBS.get(tool.name, (f"Used {tool.name}:", f"Using {tool.name}:"))
    subject = tool.title or _description(tool)
    return shortened(f"{does if is_running(tool) else did} {subject}", _WIDTH).rstrip(":")


@dataclass(frozen=True)
class ToolSheet:
    """A text with a caption; `language` is its language or a file's name."""

    caption: str
    text: str
    language: str = ""


@lru_cache(maxsize=256)
def given(tool: ToolCall) -> ToolSheet:
    """Return the input: an edit as a diff, other objects as one line per field, anything else unchanged."""
    match _input(tool):
        case {"filePath": str(path), "oldString": str(old), "newString": str(new)} if old != new:
            return ToolSheet(path, _changes(old, new), "diff")
        case {"filePath": str(path), "content": str(text)}:
            return ToolSheet(path, text, path)
        case {"patchText": str(text)}:
            return ToolSheet("Change", text, "diff")
        case {} as fields if fields:
            lines = (f"{name}: {value if isinstance(value, str) else json.dumps(value)}" for name, value in fields.items())
            return ToolSheet("Input", "\n".join(lines))
    return ToolSheet("Input", tool.input)


def _changes(old: str, new: str) -> str:
    """Return the lines of both texts as a diff."""
    return "\n".join(_signed(_lines(old), _lines(new)))


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _signed(before: list[str], after: list[str]) -> Iterator[str]:
    for what, begin, end, its_begin, its_end in SequenceMatcher(None, before, after).get_opcodes():
        if what == "equal":
            yield from (f" {line}" for line in before[begin:end])
        else:
            yield from (f"-{line}" for line in before[begin:end])
            yield from (f"+{line}" for line in after[its_begin:its_end])


def _description(tool: ToolCall) -> str:
    fields = _input(tool)
    return next((str(fields[name]) for name in _DESCRIPTIVE_FIELDS if fields.get(name)), "")


def _input(tool: ToolCall) -> dict[str, object]:
    try:
        value = json.loads(tool.input) if tool.input else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
