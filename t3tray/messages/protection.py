"""Sentences on the protection of T3 Code by the guard: the preview of switching it on and off, how it stands, and why it cannot
decide. Also on sessions that T3 Code holds open."""

from __future__ import annotations

from collections.abc import Sequence

from t3tray.messages.t3code_side import HOW_TO_FREE

PROTECT = "Protect T3 Code"
STOP_PROTECTING = "Stop Protecting T3 Code"
STOP = "Stop Protecting"

_AT_ONCE = "T3 Code applies the change at once, and ends every running turn of an OpenCode thread."
ON_AFTER = "A follow-up continues in its thread's own session, or fails with a clear message. It never gets an empty session."
ON_KEPT = (
    "T3 Code's settings are copied first, and restored when you switch this off.",
    "The file is readable only by you as long as it contains the guard's password.",
)
ON_LOST = (
    "T3 Code's own browser tools: agents do not get them on a server that T3 Code did not start.",
    "While t3tray is not running, T3 Code cannot reach OpenCode. It says so, and loses nothing.",
    _AT_ONCE,
)
OFF_AFTER = (
    "T3 Code's settings are restored where they still name the guard.",
    "The guard's password is no longer valid.",
)
OFF_KEPT = ("Its threads, their sessions, and what t3tray has recorded of them.",)
OFF_LOST = (
    "T3 Code can silently switch a thread to an empty session again; t3tray only tells you afterwards.",
    _AT_ONCE,
)

NO_T3CODE_HERE = "No T3 Code was found here."
GUARDED = "T3 Code's OpenCode threads go through the guard."
NOT_GUARDED = "T3 Code uses OpenCode without the guard."
NOT_RESPONDING = "T3 Code's settings name the guard, but it is not responding: T3 Code cannot reach OpenCode."
NOT_PROVED = "T3 Code's settings name the guard, but the program at its address does not prove to be the guard."
NEWER_API = (
    "T3 Code now uses OpenCode's newer API, which the guard does not support: it refuses a new session while a follow-up "
    "waits, and lets everything else pass. Stop protecting T3 Code until t3tray supports that API."
)

# Why T3 Code may not be made to close its sessions now: clauses after "T3 Code".
DATABASE_UNREAD = "may be working in one of its threads (its database cannot be read)"
PASSWORD_UNKNOWN = "could not be made to close it (the guard's password is not known)"


def uses_now(server: str, where: str) -> str:
    """`server` is the address in T3 Code's settings, empty if it starts its own. `where` names the instance and the home."""
    return f"{f'T3 Code uses {server}' if server else 'T3 Code starts its own OpenCode server'} {where}."


def uses_guard(url: str, where: str) -> str:
    return f"T3 Code uses the guard at {url}, with the guard's own password {where}."


def changed_elsewhere(names: Sequence[str]) -> str:
    """`names` are the instances whose settings no longer name the guard."""
    verb = "names" if len(names) == 1 else "name"
    return f"T3 Code's settings were changed elsewhere: {', '.join(names)} no longer {verb} the guard."


def upgraded(file: str) -> str:
    """`file` is the database of T3 Code's newer version."""
    return (
        f"T3 Code was upgraded: its threads are now in {file}, which the guard does not support. "
        "The guard lets everything pass and protects nothing. Stop protecting T3 Code."
    )


def threads_unreadable(file: str) -> str:
    """`file` is a database of a format that t3tray does not know."""
    return (
        f"T3 Code's threads are now in {file}, which the guard cannot read: it refuses requests that it cannot decide. "
        "Stop protecting T3 Code until t3tray supports that format."
    )


def release_preview(session_id: str) -> str:
    return (
        f"T3 Code holds {session_id} open. A change of its settings makes it close all its OpenCode sessions, "
        "in none of which anything is running: the same `opencode` by another path, put back when the guard is switched off."
    )


def released(session_id: str) -> str:
    return (
        f"T3 Code has closed {session_id}: your next message there is given this thread's session, or fails with a clear message."
    )


def release_unsure(session_id: str) -> str:
    return (
        f"T3 Code's settings were changed so that it closes {session_id}, and it is unknown whether it has: your next "
        f"message there may still go into that session. {HOW_TO_FREE} before you write there."
    )


def still_held(session_id: str, why: str) -> str:
    """`why` is one of the clauses above or below."""
    return (
        f"T3 Code still holds {session_id} open, and {why}: your next message there goes into that session. "
        f"{HOW_TO_FREE} before you write there."
    )


def not_closed(why: str) -> str:
    return f"could not be made to close it ({why})"


def may_be_working(why: str) -> str:
    return f"may be working in one of its threads ({why})"


def is_working(titles: Sequence[str]) -> str:
    """`titles` are of the threads with a running turn."""
    named = ", ".join(f"“{title}”" for title in titles)
    return f"is working in {named}, which closing its sessions would interrupt"
