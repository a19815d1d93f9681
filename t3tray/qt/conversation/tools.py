"""What a use of a tool is called in one line. Pure; no PySide6 here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache

from t3tray.core.domain.transcript import ToolCall
from t3tray.qt.words import shortened

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


def readable_input(tool: ToolCall) -> str:
    """The input, one line a field where it is an object; as it is where it is anything else."""
    given = _input(tool)
    if not given:
        return tool.input
    return "\n".join(f"{name}: {value if isinstance(value, str) else json.dumps(value)}" for name, value in given.items())


def _telling(tool: ToolCall) -> str:
    given = _input(tool)
    return next((str(given[name]) for name in _TELLING if given.get(name)), "")


def _input(tool: ToolCall) -> dict[str, object]:
    try:
        given = json.loads(tool.input) if tool.input else {}
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}
