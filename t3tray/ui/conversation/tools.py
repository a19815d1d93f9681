"""What a use of a tool is called in one line, and what it was given. Pure; no PySide6 here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from t3tray.domain.transcript import ToolCall
from t3tray.ui.labels import shortened

# By the tool's name: what is said once it was used, and while it is.
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
# What of a tool's input tells most, where it has no title.
_TELLING = ("command", "filePath", "path", "pattern", "url", "query", "description", "question", "name")
_MARKS = {"completed": "✓", "error": "✕"}
# In characters.
_WIDTH = 200


def is_running(tool: ToolCall) -> bool:
    return tool.status not in _MARKS


def mark(tool: ToolCall) -> str:
    """✓ when it was done, ✕ when it failed, … while it runs."""
    return _MARKS.get(tool.status, "…")


@lru_cache(maxsize=2048)
def tool_words(tool: ToolCall) -> str:
    """`Read parser.py`, `Running make test`, `explore: Look into the tests`."""
    if tool.child_session or tool.agent:
        task = tool.title or _telling(tool)
        return shortened(": ".join(filter(None, (tool.agent or "Sub-agent", task))), _WIDTH)
    did, does = _VERBS.get(tool.name, (f"Used {tool.name}:", f"Using {tool.name}:"))
    told = tool.title or _telling(tool)
    return shortened(f"{does if is_running(tool) else did} {told}", _WIDTH).rstrip(":")


@dataclass(frozen=True)
class ToolSheet:
    """Lines and what they are; `language` is the one they are written in, or the file's name."""

    caption: str
    text: str
    language: str = ""


@lru_cache(maxsize=256)
def given(tool: ToolCall) -> ToolSheet:
    """The input: a change of a file as its lines, anything else one line a field, or as it is where it is no object."""
    match _input(tool):
        case {"filePath": str(path), "oldString": str(old), "newString": str(new)} if old != new:
            return ToolSheet(path, _changes(old, new), "diff")
        case {"filePath": str(path), "content": str(text)}:
            return ToolSheet(path, text, path)
        case {"patchText": str(text)}:
            return ToolSheet("Change", text, "diff")
        case {} as fields if fields:
            lines = (f"{name}: {told if isinstance(told, str) else json.dumps(told)}" for name, told in fields.items())
            return ToolSheet("Input", "\n".join(lines))
    return ToolSheet("Input", tool.input)


def _changes(old: str, new: str) -> str:
    """The lines of both, those that only one has with a sign in front."""
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


def _telling(tool: ToolCall) -> str:
    given = _input(tool)
    return next((str(given[name]) for name in _TELLING if given.get(name)), "")


def _input(tool: ToolCall) -> dict[str, object]:
    try:
        given = json.loads(tool.input) if tool.input else {}
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}
