"""What the vault keeps of a session, as values: the state of it, the pieces it lies in, and what is damaged."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class About:
    """Whose words they are."""

    thread_id: str
    session_id: str
    title: str
    directory: str


@dataclass(frozen=True)
class Chunk:
    """Some messages that follow each other. `hash` is the SHA-256 of their JSON, by which they lie; times in ms."""

    hash: str
    count: int
    first_id: str
    last_id: str
    first_ms: int


@dataclass(frozen=True)
class Kept:
    """One session's words as they were kept last. `updated_ms` is OpenCode's time of the session's last change that is in it.

    `in_session` is how many messages the session held then: the vault may know more, of those that were reverted away. Without
    any chunk its words were let go of.
    """

    about: About
    taken_at: str
    updated_ms: int
    in_session: int
    chunks: tuple[Chunk, ...] = ()

    @property
    def messages(self) -> int:
        return sum(chunk.count for chunk in self.chunks)


@dataclass(frozen=True)
class Holding:
    """One line of the vault's list: `size` in bytes on the disk, `damage` a sentence for each part that cannot be read."""

    kept: Kept
    size: int
    damage: tuple[str, ...] = ()
