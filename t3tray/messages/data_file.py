"""Sentences on t3tray's own data: errors of its file, copies, the second record of the bindings, and damaged values."""

from __future__ import annotations

import sqlite3

# What the errors call it, unless they are about another file of ours.
DATA_FILE = "t3tray's data file"
_PERMISSIONS = "Check the permissions of its data folder."
_LOCKED = (f"Another program has locked {DATA_FILE}.", "Close it, or try again in a moment.")
# Sentence and hint by SQLite's primary error code.
OF_CODE: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_FULL: ("The disk is full, so nothing was recorded.", "Free some space and try again."),
    sqlite3.SQLITE_READONLY: ("t3tray may not write its data file.", _PERMISSIONS),
    sqlite3.SQLITE_PERM: ("t3tray may not use its data file.", _PERMISSIONS),
    sqlite3.SQLITE_AUTH: ("t3tray may not use its data file.", _PERMISSIONS),
    sqlite3.SQLITE_CANTOPEN: (f"{DATA_FILE} cannot be opened.", _PERMISSIONS),
    sqlite3.SQLITE_IOERR: ("The disk failed while t3tray used its data file.", "Check the disk and the space left on it."),
    sqlite3.SQLITE_NOMEM: (f"There is not enough memory to use {DATA_FILE}.", "Close other programs and try again."),
    sqlite3.SQLITE_PROTOCOL: _LOCKED,
}
START_AGAIN = "Start t3tray again: it checks the file, and restores the newest intact copy where needed."
# Why a file is not used: clauses after "was damaged".
NOT_A_FILE = "it is not a file"
NOT_OURS = "it does not hold t3tray's tables"
TWO_SESSIONS = "it names two sessions"
# What happened to the data file: stored with a restore, as the end of "t3tray's data file …".
WAS_OLDER = "was older than the record of its bindings (journal.jsonl)"
NO_COPY_TODAY = "Today's safety copy of t3tray's data could not be made"
# On a transcript of the former archive.
PARTS_REBUILT = "The list of its parts is damaged; it was rebuilt from the existing parts."
OVER_LIMIT = "It was removed from the archive, which is over its size limit."
CHOOSE_AGAIN = "Open the thread again, then choose again."


def is_damaged(detail: str) -> str:
    return f"{DATA_FILE} is damaged ({detail})."


def set_aside(what: str, detail: str) -> str:
    """`what` names the row and the column of a damaged value."""
    return f"A damaged value in t3tray's own data was set aside: {what} ({detail})."


def not_a_time(value: object) -> str:
    return f"{value!r:.60} is not a time"


def not_a_known(value: object, kind: str) -> str:
    """`kind` is the name of an enum."""
    return f"{value!r:.60} is not a known {kind}"


def record_not_written(path: object, why: object) -> str:
    """Return the sentence on `journal.jsonl`."""
    return f"t3tray's second record of the bindings cannot be written ({path}: {why})."


def record_not_used(path: object, why: object) -> str:
    """Return the sentence on `journal.jsonl`."""
    return f"t3tray's second record of the bindings cannot be used ({path}: {why})."


def shown_from_file(message: str, hint: str) -> str:
    """Return the notice while the data can be read and not written: the error, and what is shown."""
    return f"{message} The last recorded state is shown. {hint}".strip()


def bound_to(session_id: str | None) -> str:
    return f"bound to {session_id}" if session_id else "bound to no session"


def not_read_back(count: int, first: str) -> str:
    """Return the sentence on a transcript that was brought into the archive. `first` is a message's id."""
    return f"{count} of its messages were not read back equal (the first is {first})."


def change_unfinished(why: str) -> str:
    """`why` is the reason of the journal's entry."""
    return f"A change of this thread's binding is not finished ({why}). `t3tray doctor` shows more."


def setting_unusable(name: str, default: object, why: object, how: str) -> str:
    """Return the warning for a stored setting; `how` it is changed, or empty if by its name."""
    again = how or f"Set it again: `t3tray settings {name} VALUE`."
    return f"The setting {name} cannot be used as stored, so its default is used ({default!r}): {why} {again}"
