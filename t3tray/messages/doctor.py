"""The texts of the doctor's findings, and of the diagnostics."""

from __future__ import annotations

from collections.abc import Sequence

from t3tray.domain.split import Served

BINDINGS_KNOWN = "the journal knows every session that t3tray made or sent to"
DUPLICATE_HOMES = "threads in two homes"
OPENCODE_FORM = "in the form of OpenCode 1"
POINTS_NOWHERE = "cursor that points nowhere"
REAPED_SOON = "will be reaped within the hour"
END_OF_LOG = "End of t3tray's log"
END_OF_SERVER_LOG = "End of the server's log"


def counted_threads(threads: int) -> str:
    return f"{threads:,} thread{'' if threads == 1 else 's'}"


def program(path: str, version: str) -> str:
    """`version` is empty if the program does not print one."""
    return f"{path} · {version or 'does not say its version'}"


def journal_differs(thread_ids: Sequence[str]) -> str:
    """Return the finding on threads whose entries come to another session than the one that is recorded as bound."""
    return f"The journal and the cursors disagree about {', '.join(thread_ids)}."


def journal_agrees(threads: int, bound: int) -> str:
    return f"{counted_threads(threads)}, {bound} bound; every binding is what the journal says"


def open_intents(listed: str) -> str:
    """`listed` are the changes that a server settles."""
    return f"{listed}. They are settled as soon as a server runs."


def marks_unread(why: str) -> str:
    return f"OpenCode's sessions cannot be compared with the journal: {why}"


def later_sessions(title: str, thread_id: str, bound: str | None, sessions: Sequence[str]) -> str:
    """Return the finding on sessions that have t3tray's mark or its messages, and are not in the journal."""
    was, it = ("was", "it") if len(sessions) == 1 else ("were", "them")
    return (
        f"“{title}” is bound to {bound}; {', '.join(sessions)} {was} made for it or sent to by t3tray later, and the journal"
        f" lacks {it}. Choose one: `t3tray remedy {thread_id} bind`."
    )


def other_database(why: str, file: str) -> str:
    """`why` the database may not be OpenCode's; `file` is the text on its file."""
    return f"{why} t3tray reads {file}"


def only_watched(why: str, file: str) -> str:
    """`why` the format of T3 Code's database is not supported; `file` is the text on its file."""
    return f"{why} It is watched only. {file}"


def database_before(before: object, now: object) -> str:
    return f"OpenCode used {before} before, and now uses {now}"


def sessions_left(before: object, now: object, count: int, titles: Sequence[str]) -> str:
    """Return the finding on sessions in a database that OpenCode used before. `titles` are those of the threads bound to them."""
    sessions = f"{count:,} session{' stays' if count == 1 else 's stay'} behind there"
    threads = ", ".join(f"“{title}”" for title in titles)
    return f"{database_before(before, now)}: {sessions}{f', and the conversation of {threads}' if threads else ''}."


def file_size(size: int, log_size: int | None) -> str:
    """Return the sizes of a database and of its write-ahead log, given in bytes."""
    log = "" if log_size is None else f" and {log_size / 1e6:.1f} MB of log"
    return f"{size / 1e6:.1f} MB{log}"


def file_unreadable(path: object, why: str | None) -> str:
    return f"{path} cannot be looked at: {why}."


def file_on_network(path: object, disk: str, more: str) -> str:
    """`disk` is the kind of file system."""
    return f"{path} lies on a network disk ({disk}), where databases get damaged. {more}"


def file_on_disk(path: object, size: str, disk: str, more: str) -> str:
    """`disk` is the kind of file system, empty if unknown."""
    return f"{path} · {size} on {disk or 'a disk of unknown kind'}{more}"


def works_elsewhere(title: str, directory: str, where: str) -> str:
    """`where` is the verdict's clause on the session's folder."""
    return f"“{title}” is in {directory}; its session works {where}"


def folder_gone(title: str, directory: str, where: str) -> str:
    """`where` as above, empty if unknown."""
    return f"“{title}” is in {directory}; that folder no longer exists {where}".rstrip()


def is_split(title: str) -> str:
    return f"“{title}”: several sessions hold parts of it"


def reaped_soon(risky: Sequence[str], unknown: Sequence[str], safe: int) -> str:
    """`risky` and `unknown` are titles of threads, `safe` is a number."""
    text = (
        f"at risk: {_quoted(risky)}" if risky else "",
        f"unknown whether safe: {_quoted(unknown)}" if unknown else "",
        f"{counted_threads(safe)}, safe" if safe else "",
    )
    return "; ".join(filter(None, text)) or "none"


def switched(title: str, before: Served, after: Served) -> str:
    """Return the finding on a session that took over, from T3 Code's own log."""
    return f"“{title}”: from {_served(before)} to {_served(after)} at {after.began:%Y-%m-%d %H:%M} UTC"


def abandoned_session(title: str, thread_id: str, session_id: str, messages: int) -> str:
    """Return the finding on a session that an interrupted remedy left in OpenCode."""
    count = f"{messages} message{'' if messages == 1 else 's'}"
    return (
        f"“{title}”: {session_id} is left of a change that was cut off, and holds {count}."
        f" `t3tray remedy {thread_id} bind --session {session_id}` goes on there."
    )


def other_server(pid: int, port: int | None, hours: float, memory: int, parent: str) -> str:
    """`hours` is its age, `memory` in bytes; `parent` is the program that started it, empty if that has ended."""
    whose = f"of {parent}" if parent else "nobody's: the program that started it is gone"
    return f"pid {pid}{f', port {port}' if port else ''}, {hours:.1f} h old, {memory / 2**20:.0f} MB, {whose}"


def threads_in_all(threads: int, foreign: int) -> str:
    """`foreign` are T3 Code's threads of other providers."""
    return f"threads: {threads}, and {foreign} of other providers"


def unseen_and_pending(alarms: int, requests: int) -> str:
    return f"unseen alarms: {alarms}, pending requests: {requests}"


def _quoted(titles: Sequence[str]) -> str:
    return ", ".join(f"“{title}”" for title in titles)


def _served(served: Served) -> str:
    return f"{served.session_id}{' (gone)' if served.exists is False else ''}"
