"""Remember the state of the folders that assessments depend on, so that a scan notices which have changed. Blocks."""

from __future__ import annotations

from t3tray.domain.evidence import Found
from t3tray.threads.evidence import Surroundings
from t3tray.threads.verify import Assessment


class FolderStamps:
    """Runs in the SQL thread. A folder that cannot be inspected is None: neither present nor gone."""

    def __init__(self) -> None:
        self._there: dict[str, bool | None] = {}
        # Of the thread's and its session's folder, if spelled differently: a link may lead elsewhere one day.
        self._same: dict[tuple[str, str], bool | None] = {}

    def note(self, found: Assessment, surroundings: Surroundings) -> None:
        """Note the folders that this assessment depends on."""
        directory = found.thread.directory
        if directory not in self._there:
            self._there[directory] = _there(directory, surroundings)
        for session in (found.evidence.session, found.named.session if found.named else None):
            if isinstance(session, Found) and session.value.directory != directory:
                pair = (directory, session.value.directory)
                if pair not in self._same:
                    self._same[pair] = _same(pair, surroundings)

    def changed(self, surroundings: Surroundings) -> set[str]:
        """Return the threads' folders that appeared, disappeared or changed since the last call."""
        there = {directory: _there(directory, surroundings) for directory in self._there}
        same = {pair: _same(pair, surroundings) for pair in self._same}
        found = {directory for directory, answer in there.items() if self._there[directory] is not answer}
        found |= {pair[0] for pair, answer in same.items() if self._same[pair] is not answer}
        self._there, self._same = there, same
        return found


def _there(directory: str, surroundings: Surroundings) -> bool | None:
    try:
        return surroundings.directory_exists(directory)
    except Exception:  # reported by the verdict of the threads that work there
        return None


def _same(pair: tuple[str, str], surroundings: Surroundings) -> bool | None:
    try:
        return surroundings.same_directory(*pair)
    except Exception:  # as above
        return None
