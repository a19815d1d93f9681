"""What a server of 1.17 or newer tells of the messages that OpenCode 2 keeps: enough to know that they are there."""

from __future__ import annotations

from msgspec import Struct

from t3tray.core.opencode.wire import COMPACTION


class OpenCode2Message(Struct, frozen=True):
    """A message that OpenCode 2 keeps; of the types only some are."""

    id: str
    type: str

    @property
    def is_message(self) -> bool:
        return self.type in ("user", "assistant", COMPACTION)


class OpenCode2Page(Struct, frozen=True):
    """`cursor.next` asks for the messages after these."""

    data: tuple[OpenCode2Message, ...]
    cursor: dict[str, str | None] = {}
