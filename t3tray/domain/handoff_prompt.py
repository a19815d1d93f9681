"""Pack a conversation into one labelled message for the model: texts in order, one line for each use of a tool, limited in
characters.

Pure. What was left out is said in the message itself, and to the user before it is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from t3tray.domain.handoff import CARRIED, END, NAMES
from t3tray.domain.times import from_ms
from t3tray.domain.transcript import Message, Transcript

# In characters; about 25,000 tokens.
BUDGET = 100_000


@dataclass(frozen=True)
class Carried:
    """`text` is the whole message with `messages` in it; `left_out` is the number of oldest ones that are not; `shortened`:
    one lacks its beginning."""

    text: str
    messages: int
    left_out: int = 0
    shortened: bool = False

    @property
    def cut(self) -> str:
        """What is left out, as a sentence; empty if nothing is."""
        return f"Left out for length: {self._left_out}." if self._left_out else ""

    @property
    def lacks(self) -> str:
        """What is left out, as a clause for the cursor of the session into which it was carried."""
        return (
            f"{self._left_out} {'was' if self.left_out + self.shortened == 1 else 'were'} left out for length"
            if self._left_out
            else ""
        )

    @property
    def _left_out(self) -> str:
        parts = []
        if self.left_out:
            parts.append(f"the oldest {self.left_out} message{'' if self.left_out == 1 else 's'}")
        if self.shortened:
            parts.append("the beginning of a very long message")
        return " and ".join(parts)


def carried(transcript: Transcript, heading: str, at: datetime, budget: int = BUDGET, origin: str = "") -> Carried:
    """Return the message. `heading` says in a sentence what is carried and why; `at` is now. The newest messages are kept.

    `origin` names the sources if there is more than one.
    """
    texts = [text for message in transcript.messages if (text := _as_text(message))]
    kept: list[str] = []
    room = budget
    shortened = False
    for text in reversed(texts):
        if len(text) > room:
            if not kept:
                kept.append(f"[…] {text[len(text) - room :]}")
                shortened = True
            break
        kept.append(text)
        room -= len(text)
    result = Carried("", len(kept), len(texts) - len(kept), shortened)
    label = [f"{CARRIED}{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, from {origin or transcript.origin}. {heading}]"]
    label += [f"[{line}]" for line in (*transcript.missing, result.cut) if line]
    return Carried("\n\n".join(["\n".join(label), *reversed(kept), END]), len(kept), result.left_out, shortened)


def heading_of_lost(session_id: str | None) -> str:
    """Return the heading for a whole conversation that goes into a new session. `session_id` had it; None if unknown."""
    return f"This is the earlier conversation of this thread; the session that held it was {session_id or 'lost'}."


def heading_of_others(sessions: Sequence[str]) -> str:
    """Return the heading for messages of other sessions; without any they are from T3 Code's own copy."""
    came_from = ", ".join(sessions) or "T3 Code"
    return f"These messages belong to this conversation and were written in another session ({came_from})."


def summary_of(messages: Sequence[Message], limit: int = 3, width: int = 70) -> tuple[str, ...]:
    """Return the first words of some messages, one line each, and how many more there are."""
    lines = [f"{NAMES[each.role]}: “{_shortened(each.text or 'used a tool', width)}”" for each in messages[:limit]]
    more = len(messages) - len(lines)
    return (*lines, *((f"and {more} more",) if more else ()))


def _as_text(message: Message) -> str:
    lines = [message.text.strip()] if message.text.strip() else []
    lines += [f"[used {tool.name}{f': {tool.title}' if tool.title else ''}]" for tool in message.tools]
    lines += [f"[attached {name}]" for name in message.files]
    if message.error:
        lines.append(f"[failed: {message.error}]")
    if not lines:
        return ""
    when = from_ms(message.created_ms)
    return f"{NAMES[message.role]} ({when:%Y-%m-%d %H:%M} UTC):\n" + "\n".join(lines)


def _shortened(text: str, width: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else f"{line[: width - 1]}…"
