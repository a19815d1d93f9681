"""Export a conversation as readable Markdown. What is missing from it is stated first."""

from __future__ import annotations

import re

from t3tray.domain.evidence import Role
from t3tray.domain.times import from_ms
from t3tray.domain.transcript import Message, PieceKind, ToolCall, Transcript

_NAMES = {Role.USER: "You", Role.ASSISTANT: "Assistant"}
_FENCES = re.compile(r"`+")
# A line that opens or closes a code block by CommonMark: up to three spaces, three or more of one fence character, the rest of
# the line.
_FENCE_LINE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")


def as_markdown(transcript: Transcript, title: str) -> str:
    """Return the whole conversation, oldest first; times in UTC."""
    lines = [f"# {_in_line(title) or 'A conversation'}", ""]
    lines.append(f"{len(transcript.messages)} messages from {transcript.origin}, session {transcript.session_id or 'not told'}.")
    lines += [f"> {sentence}" for sentence in transcript.missing]
    return "\n".join([*lines, "", *("\n".join(_message(each)) for each in transcript.messages)])


def _message(message: Message) -> list[str]:
    when = from_ms(message.created_ms)
    model = f" · {message.model}" if message.model else ""
    lines = [f"## {_NAMES[message.role]} · {when:%Y-%m-%d %H:%M:%S}{model}", ""]
    if message.summarises:
        lines += ["*A summary of everything before it.*", ""]
    for piece in message.in_order:
        if piece.tool is not None:
            lines += _tool(piece.tool)
        elif piece.kind is PieceKind.TEXT:
            lines += [_closed(piece.text), ""]
    lines += [f"*Attached: {_in_line(name)}*" for name in message.files]
    if message.error:
        lines += [f"*It failed: {_in_line(message.error)}*", ""]
    if not message.finished:
        lines += ["*It never finished.*", ""]
    return lines


def _tool(tool: ToolCall) -> list[str]:
    lines = [f"- used **{tool.name}**{f': {_in_line(tool.title)}' if tool.title else ''} ({tool.status or 'not told'})", ""]
    for text in (tool.input, tool.output):
        if text:
            lines += [_fenced(text), ""]
    return lines


def _fenced(text: str) -> str:
    """Put the text in a fence that is longer than any inside it."""
    longest = max((len(found) for found in _FENCES.findall(text)), default=0)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}\n{text}\n{fence}"


def _closed(text: str) -> str:
    """Close a code block that the message left open because it was cut off; everything after it would be code otherwise."""
    fence = ""
    for line in text.splitlines():
        found = _FENCE_LINE.fullmatch(line)
        if found is None:
            continue
        signs, rest = found.groups()
        if not fence:
            # The info string after opening backticks contains no backticks (CommonMark); such a line is inline code.
            fence = signs if signs[0] == "~" or "`" not in rest else ""
        elif signs.startswith(fence) and not rest.strip():
            fence = ""
    return f"{text}\n{fence}" if fence else text


def _in_line(text: str) -> str:
    return " ".join(text.split())
