"""Sentences and clauses on what could not be read: of one thread, of many, and of T3 Code's homes."""

from __future__ import annotations

LOGS_AND_MESSAGES = "what T3 Code's logs and messages tell of it"
SESSION_OR_FOLDER = "its session, or its folder,"
DATABASE = "OpenCode's database"
MANY_THREADS = "Many threads at once"
T3_MESSAGES = "T3 Code's messages"


def could_not_be_read(what: str, why: str) -> str:
    """Return the clause of a verdict, or the line of the log. `why` is the error's text."""
    return f"{what} could not be read: {why}"


def home_unreadable(place: object, why: str) -> str:
    """`place` is a home of T3 Code, or the file in it."""
    return f"{place} cannot be read: {why}."


def format_unknown(file: str, missing: str) -> str:
    """`missing` is the first table or column that T3 Code's database should have."""
    return f"{file} has no {missing}: its format is unknown to t3tray."


def log_unreadable(file: str, why: str) -> str:
    """Return the sentence on a log of T3 Code, whose thread's earlier sessions are therefore unknown."""
    return f"T3 Code's log {file} cannot be read ({why}): the sessions that served its thread are not known from it."


def threads_unread(why: str) -> str:
    """`why` is the sentence on the home."""
    return f"T3 Code's threads: {why}"


def database_gone(path: object) -> str:
    """Return the sentence on a database of T3 Code that no longer exists."""
    return (
        f"T3 Code's database {path}, which was there before, is gone: its threads are shown as far as t3tray kept them, and "
        "where their next message there goes is not known."
    )


def answers_lacking(shown: int, known: int) -> str:
    """Return the clause on a session that has fewer of the model's answers than T3 Code shows."""
    return f"T3 Code shows {shown} answers, of which this session holds {known}"


def others_had_parts(session_ids: str) -> str:
    """Return the doubt about a binding while the other sessions of the thread cannot be read."""
    return f"{session_ids} had parts of this conversation too, and what is there now cannot be told"
