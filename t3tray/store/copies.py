"""Backup copies in `backups/`: made by SQLite's backup, named by their time; the newest five are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from t3tray.store.files import STAMP, copy_database, make_private_folder, stamp

KEPT = 5
EVERY = timedelta(days=1)
SECOND = timedelta(hours=1)
_NAME = f"t3tray-{STAMP}.sqlite"


class Copies:
    """The copies of one data folder."""

    def __init__(self, directory: Path) -> None:
        self._folder = directory / "backups"

    def newest_first(self) -> tuple[tuple[datetime, Path], ...]:
        """Return every copy with its time, intact or not. Raises OSError."""
        if not self._folder.is_dir():
            return ()
        timed = ((_time_of(path), path) for path in self._folder.iterdir())
        return tuple(sorted(((time, path) for time, path in timed if time is not None), reverse=True))

    def is_due(self, now: datetime) -> bool:
        """Return whether a copy is due: none within the last day, or only the first one, made from a nearly empty file."""
        times = [time for time, _ in self.newest_first() if time <= now]
        if not times:
            return True
        return now - times[0] >= (EVERY if len(times) > 1 else SECOND)

    def make(self, source: Path, now: datetime) -> None:
        """Make a copy, and remove the oldest above five. Raises sqlite3.Error or OSError with the other copies unchanged.

        A copy dated in the future (the clock was wrong) neither counts nor is removed, because its age is unknown.
        """
        make_private_folder(self._folder)
        target = self._folder / f"t3tray-{stamp(now)}.sqlite"
        copy_database(source, target)
        others = [path for time, path in self.newest_first() if path != target and time <= now]
        for old in others[KEPT - 1 :]:
            old.unlink()


def _time_of(path: Path) -> datetime | None:
    try:
        return datetime.strptime(path.name, _NAME).replace(tzinfo=UTC)
    except ValueError:
        return None
