"""What could not be read of one thread: that thread's verdict is unknown, and every other one is judged as ever.

Only what nobody reckoned with comes here; what is known to fail is a `ServerError` or a value, where it fails.
"""

from __future__ import annotations

import logging

from msgspec import structs

from t3tray.domain.evidence import Evidence, Failure
from t3tray.threads.evidence import Surroundings, ThreadRecord, evidence_without_answers
from t3tray.threads.verify import Assessment, assessment_of

_log = logging.getLogger(__name__)


class UnreadThreads:
    """Turns unexpected errors into unknown verdicts; each is logged once."""

    def __init__(self) -> None:
        self._logged: set[tuple[str, str]] = set()

    def mark(self, recorded: ThreadRecord, what: str, error: Exception) -> ThreadRecord:
        """The same thread, as one of which something could not be read: `what`, for people."""
        unread = f"{what} could not be read: {said(error)}"
        self.log(recorded.thread.id, unread, error)
        return structs.replace(recorded, unread=unread)

    def log(self, name: str, sentence: str, error: Exception) -> None:
        """Once for each sentence on each thread, home or database."""
        if (name, sentence) not in self._logged:
            self._logged.add((name, sentence))
            _log.error("%s: %s", name, sentence, exc_info=error)


def unreadable_assessment(recorded: ThreadRecord, surroundings: Surroundings) -> Assessment:
    """The verdict on a thread of which something could not be read; it needs nothing that may fail again."""
    try:
        evidence = evidence_without_answers(recorded, Failure.SERVER_ERROR, surroundings)
    except Exception:  # what could not be read may be the folder, and that is told already
        failure = Failure.SERVER_ERROR
        evidence = Evidence(surroundings.now(), failure, failure, directory_exists=None, has_turns=recorded.has_turns)
    return assessment_of(recorded, evidence)


def said(error: Exception) -> str:
    """The error in words for people; a system's error without its number."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    place = f" ({error.filename})" if isinstance(error, OSError) and error.filename else ""
    kind = "" if isinstance(error, OSError) else f"{type(error).__name__}: "
    return f"{kind}{reason}{place}" if reason else type(error).__name__
