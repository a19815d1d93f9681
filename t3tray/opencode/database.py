"""OpenCode's own database, read-only, for use without a server: its location, and how far it can be trusted.

Nothing is written to it or left beside it; an unknown schema raises Unsupported. Blocks: call it in worker threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from t3tray.errors import ServerError
from t3tray.opencode.database_reader import DatabaseReader, Trust, holder_of


def database_path(environ: Mapping[str, str], home: Path) -> Path:
    """Return the default path of OpenCode's database, on every system: `OPENCODE_DB`, or in `XDG_DATA_HOME` or ~/.local/share."""
    folder = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "opencode"
    # A relative OPENCODE_DB is relative to that folder; joining keeps an absolute one.
    return folder / (environ.get("OPENCODE_DB") or "opencode.db")


class OpenCodeDatabase:
    """The file at `path`, which need not exist. `path` and `trust` are replaced when more is known about OpenCode's database;
    `earlier` are the files that it used before."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trust = Trust()
        self.earlier: tuple[Path, ...] = ()

    @contextmanager
    def reading(self) -> Iterator[DatabaseReader]:
        """Open a reader for any number of queries. Raises ServerDown when there is no file, Unsupported for another schema."""
        reader = self.reader()
        try:
            reader.check_schema()
            yield reader
        finally:
            reader.close()

    def reader(self) -> DatabaseReader:
        """Return a reader, which the caller must close; the schema is not checked. Raises ServerError."""
        return DatabaseReader(self.path, self.trust, self.earlier)

    def holder_of(self, session_id: str) -> Path | None:
        """Return the file that contains this session: the current one, or one used before; None where none does."""
        return holder_of(session_id, (self.path, *self.earlier))

    def held_by_opencode2(self, session_id: str) -> int | None:
        """Return how many messages of the session exist only in OpenCode 2's table; None where this file cannot answer."""
        try:
            with closing(self.reader()) as reader:
                return reader.held_by_opencode2(session_id) if reader.has_session(session_id) else None
        except ServerError:
            return None

    def count_until(self, session_id: str, message_id: str) -> int | None:
        """Return the number of the session's messages up to this one, without emptied ones; None where this file cannot answer or
        is known to be the wrong one.

        A file that contains the message counts as the right one even if that is not confirmed yet.
        """
        if self.trust.failure is not None:
            return None
        try:
            with closing(self.reader()) as reader:
                return reader.count_until(session_id, message_id)
        except ServerError:
            return None
