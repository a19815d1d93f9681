"""OpenCode's own database, read-only, for when no server runs: where it is, and how far it can be believed.

Nothing is written to it or left beside it; a schema that has moved on is Unsupported. It blocks: for a worker thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from t3tray.errors import ServerError
from t3tray.opencode.database_reader import DatabaseReader, Trust, holder_of


def database_path(environ: Mapping[str, str], home: Path) -> Path:
    """Where OpenCode keeps its database, on every system: `OPENCODE_DB`, else in `XDG_DATA_HOME`, else in ~/.local/share."""
    folder = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "opencode"
    # A relative OPENCODE_DB counts from that folder; joining leaves an absolute one as it is.
    return folder / (environ.get("OPENCODE_DB") or "opencode.db")


class OpenCodeDatabase:
    """The file at `path`, which need not exist. Path and trust are replaced when more is known of what OpenCode uses; `earlier`
    are the files that it used before."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trust = Trust()
        self.earlier: tuple[Path, ...] = ()

    @contextmanager
    def reading(self) -> Iterator[DatabaseReader]:
        """A reader for any number of questions. Raises ServerDown when there is no file, Unsupported for another schema."""
        reader = self.reader()
        try:
            reader.check_schema()
            yield reader
        finally:
            reader.close()

    def reader(self) -> DatabaseReader:
        """A reader to be closed by whoever asked; its schema is not checked. Raises ServerError."""
        return DatabaseReader(self.path, self.trust, self.earlier)

    def holder_of(self, session_id: str) -> Path | None:
        """The file that holds this session: the present one, or one that OpenCode used before. For a server that knows none."""
        return holder_of(session_id, (self.path, *self.earlier))

    def held_by_opencode2(self, session_id: str) -> int | None:
        """How many messages of the session only OpenCode 2 holds; None where this file does not tell."""
        try:
            with closing(self.reader()) as reader:
                return reader.held_by_opencode2(session_id) if reader.has_session(session_id) else None
        except ServerError:
            return None

    def count_until(self, session_id: str, message_id: str) -> int | None:
        """How many messages the session has up to this one, none of them emptied; None where this file does not tell, or is known
        to be another one.

        A file that has the message is taken for the right one although nobody has vouched for it yet.
        """
        if self.trust.failure is not None:
            return None
        try:
            with closing(self.reader()) as reader:
                return reader.count_until(session_id, message_id)
        except ServerError:
            return None
