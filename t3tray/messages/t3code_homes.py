"""Sentences and clauses on T3 Code's homes: which database is in use, threads in two homes, and its copy of a conversation."""

from __future__ import annotations

from t3tray.messages.carries import counted

# Why a database or a home counts as the one in use.
IS_OPEN = "T3 Code has it open"
ONLY_ONE = "it is the only one"
RUNNING_THERE = "T3 Code is running there"
WRITTEN_LAST = "it was written last"
NAMED_FIRST = "it is named first and neither was written later"

NO_DATABASE = "there is no database of T3 Code's"
REMOVED_MEANWHILE = "it was removed while it was read"
QUIT_FIRST = "Quit T3 Code, then try again."
START_AND_QUIT = "Start T3 Code once and quit it, then try again."

# What T3 Code's own copy of a conversation lacks.
ONLY_SHOWN = "Tool calls are not included, and the messages may come from several sessions."
STILL_WRITTEN = "A message was still being written when T3 Code last stored it."
UNNAMED_FILES = "files with unknown names"


def written_later(other: str) -> str:
    """`other` is the name of the other file."""
    return f"it was written later than {other}"


def written_later_than_unread(other: str) -> str:
    return f"it was written later than {other}, which cannot be read"


def written_no_earlier(other: str) -> str:
    return f"it was written no earlier than {other}"


def column_missing(file: str, table: str, column: str) -> str:
    return f"{file} has no {table}.{column}"


def left_out(count: int) -> str:
    return f"Left out: {counted(count)} that neither the user nor the model wrote."


def in_two_homes(count: int, live: object, other: object, why: str) -> str:
    """Return the sentence on `count` threads that are in both homes and shown as in `live`. `why` is a clause from above."""
    shown = "1 thread is" if count == 1 else f"{count:,} threads are"
    they = "It is" if count == 1 else "They are"
    return f"{shown} in two homes of T3 Code, {live} and {other}. {they} shown as in {live}, because {why}."
