"""What could not be read of one thread: its verdict is unknown, and all others are assessed as usual.

Only unexpected errors come here; expected ones are a `ServerError` or a value where they occur.
"""

from __future__ import annotations

import logging

from msgspec import structs

from t3tray.domain.evidence import Evidence, Failure
from t3tray.messages.unread import could_not_be_read
from t3tray.threads.evidence import Surroundings, ThreadRecord, evidence_without_answers
from t3tray.threads.verify import Assessment, assessment_of

_log = logging.getLogger(__name__)


class UnreadThreads:
    """Turns unexpected errors into unknown verdicts; each is logged once."""

    def __init__(self) -> None:
        self._logged: set[tuple[str, str]] = set()

    def mark(self, recorded: ThreadRecord, what: str, error: Exception) -> ThreadRecord:
        """Return the record as one of which something could not be read: `what`, for people."""
        unread = could_not_be_read(what, error_text(error))
        self.log(recorded.thread.id, unread, error)
        return structs.replace(recorded, unread=unread)

    def log(self, name: str, sentence: str, error: Exception) -> None:
        """Log once for each sentence on each thread, home or database."""
        if (name, sentence) not in self._logged:
            self._logged.add((name, sentence))
            _log.error("%s: %s", name, sentence, exc_info=error)


def unreadable_assessment(recorded: ThreadRecord, surroundings: Surroundings) -> Assessment:
    """Return the assessment of a thread that could not be read completely; it uses nothing that may fail again."""
    try:
        evidence = evidence_without_answers(recorded, Failure.SERVER_ERROR, surroundings)
    except Exception:  # the folder may be what could not be read, which is reported already
        failure = Failure.SERVER_ERROR
        evidence = Evidence(surroundings.now(), failure, failure, directory_exists=None, has_turns=recorded.has_turns)
    return assessment_of(recorded, evidence)


def error_text(error: Exception) -> str:
    """Describe the error for people; an operating system's error without its number."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    place = f" ({error.filename})" if isinstance(error, OSError) and error.filename else ""
    kind = "" if isinstance(error, OSError) else f"{type(error).__name__}: "
    return f"{kind}{reason}{place}" if reason else type(error).__name__
