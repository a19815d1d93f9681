"""Sentences on what failed beside the list: what is done for each reading, and tasks that run for good."""

from __future__ import annotations

# What is done beside each reading of the threads; the cause follows after a colon.
FILES_NOT_FOLLOWED = "The changes of files cannot be followed"
SETTINGS_UNREAD = "The settings could not be read"
ALARMS_LOST = "Alarms could not be kept"
GUARD_UNKNOWN = "How the guard stands could not be read"
VISITS_LOST = "When threads were viewed could not be stored"
PROOFS_LOST = "Proofs and copies could not be kept"
SERVER_KEPT = "The idle server could not be stopped"
UNREAD_UNKNOWN = "Which threads are unread could not be read"
# Tasks that run for good.
PREPARING = "The preparation of the server"
NOTIFYING = "Showing notifications"
WAKING = "Detecting that the machine slept"
GUARDING = "Keeping the guard"
FOLLOWING_EVENTS = "Following the server's events"
# The program's file is another one than at the start.
UPDATED = "t3tray was updated while it was running. Quit it and start it again."
# The same in the window and in the menu, where a button does that.
UPDATED_TITLE = "t3tray was updated while it was running"
UPDATED_HINT = "What runs is still the program from before. Restart quits it as Quit does, and starts the new one."


def not_started_again(cause: str) -> str:
    return f"t3tray has quit, but the new program could not be started: {cause}."


def failed(what: str, cause: str) -> str:
    """Return the line on one of the above."""
    return f"{what}: {cause}"


def task_stopped(task: str, cause: str) -> str:
    return f"{task} stopped ({cause}). t3tray starts it again."


def list_unread(message: str) -> str:
    """`message` is the sentence of the error."""
    return f"The threads could not be read just now: {message}"


def list_unread_by_bug(cause: str) -> str:
    return f"The threads could not be read just now: {cause}. t3tray will try again."


def shown_as_before(sentence: str, at: str) -> str:
    """`at` is the local time of the rows that are shown."""
    return f"{sentence} They are shown as they were at {at}."


def not_archived(message: str) -> str:
    return f"What threads say cannot be kept: {message}"


def all_sessions_missing(count: int) -> str:
    """Return the warning for a database in which not one recorded session is."""
    return f"None of the {count} recorded sessions is in OpenCode's database: it was probably moved, replaced or restored."


def guard_check_failed(cause: str) -> str:
    """`cause` is a clause without a full stop."""
    return f"The guard could not be checked: {cause}."
