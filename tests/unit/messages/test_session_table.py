"""The table of a thread's sessions: one line each, and which of them the next message goes to."""

from __future__ import annotations

from t3tray.domain.split import Candidate
from t3tray.messages.session_table import session_table

THREAD = "0123456789"
CANDIDATES = (
    Candidate("ses_a", ("journal",), False),
    Candidate("ses_b", ("journal", "T3 Code"), True, "/w", created_ms=1_772_000_000_000, messages=1234, input_tokens=5),
    Candidate("ses_c", ("title",)),
)


def test_there_is_a_line_for_each_session_with_what_is_known_of_it() -> None:
    head, gone, there, unknown = session_table(THREAD, "ses_b", False, CANDIDATES)
    assert head.split()[:2] == ["thread", "session"] and "created (UTC)" in head
    assert gone.split() == ["01234567…", "ses_a", "gone", "-", "-", "-", "journal"]
    assert there.startswith("01234567…  ses_b") and "2026-02-25 06:13" in there and "1,234" in there
    assert there.endswith("journal, T3 Code  ← the next message goes here")
    assert unknown.split() == ["01234567…", "ses_c", "not", "known", "-", "-", "-", "title"]
    assert gone.index(" -") > head.index("messages"), "numbers stand at the right of their column"


def test_the_session_that_t3_code_names_is_marked() -> None:
    assert session_table(THREAD, "ses_b", True, CANDIDATES)[2].endswith("  ← T3 Code talks to this one")


def test_there_is_no_table_of_nothing() -> None:
    assert session_table(THREAD, "ses_b", False, ()) == ()
