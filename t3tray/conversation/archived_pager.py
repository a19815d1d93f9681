"""Pages through an archived conversation from its end, as a session is paged. No I/O."""

from __future__ import annotations

from msgspec.structs import replace

from t3tray.domain.conversation import CopyInfo
from t3tray.domain.transcript import Message, ToolCall, Transcript


class ArchivedPager:
    """A transcript, of which `messages` are the newest ones shown so far."""

    def __init__(self, transcript: Transcript, count: int) -> None:
        self.about = CopyInfo(transcript.origin, len(transcript.messages), transcript.kept_at, transcript.missing)
        self.messages: tuple[Message, ...] = ()
        self._whole = transcript.messages
        self.show_older(count)

    @property
    def has_older(self) -> bool:
        return len(self.messages) < len(self._whole)

    def show_older(self, count: int) -> None:
        """Show up to `count` more messages, before the oldest one shown."""
        end = len(self._whole) - len(self.messages)
        page = self._whole[max(end - count, 0) : end]
        self.messages = (*(_alone(message) for message in page), *self.messages)


def _alone(message: Message) -> Message:
    """Return the message without links to the sub-agents' sessions, which a copy does not contain; their answers stay as tool
    output."""
    if not any(tool.child_session for tool in message.tools):
        return message
    pieces = tuple(replace(piece, tool=_plain(piece.tool)) if piece.tool else piece for piece in message.pieces)
    return replace(message, tools=tuple(map(_plain, message.tools)), pieces=pieces)


def _plain(tool: ToolCall) -> ToolCall:
    return replace(tool, child_session=None) if tool.child_session else tool
