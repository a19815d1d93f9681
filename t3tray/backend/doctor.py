"""The doctor: findings on our own data and server, on T3 Code's threads, and on what surrounds them.

It reports; it mends nothing and ends nothing. For the thread that runs the SQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from t3tray.domain.inventory import FoundProgram
from t3tray.domain.journal import abandoned, fold
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.t3code_thread import Shape
from t3tray.domain.verdict import Kind, Reason
from t3tray.errors import T3TrayError
from t3tray.messages import doctor as texts
from t3tray.messages.alarms import alarm_sentence
from t3tray.messages.journal_reasons import begun_elsewhere
from t3tray.messages.session_table import session_table
from t3tray.messages.verdicts import sentence
from t3tray.messages.versions import trouble_with_version
from t3tray.opencode.database import OpenCodeDatabase
from t3tray.opencode.database_reader import DatabaseReader
from t3tray.store.store import Store
from t3tray.system.intent_ids import is_elsewhere
from t3tray.system.other_processes import OtherProcess, file_system, is_network
from t3tray.threads.scan import Scan, Scanner
from t3tray.threads.snapshot import Finding, Snapshot, ThreadRow

_SOON = timedelta(hours=1)
_NAMES = {
    Reason.SPLIT: "split thread",
    Reason.CONFLICT: "two sessions named",
    Reason.DIRECTORY_MISMATCH: "wrong directory",
    Reason.DIRECTORY_MISSING: "wrong directory",
}


@dataclass(frozen=True)
class DoctorInput:
    """The facts that the findings are made of. `troubles`: why recovery could not settle what is open; `broken`: OpenCode's
    configurations that it cannot use, as it says."""

    store: Store
    database: OpenCodeDatabase
    scanner: Scanner
    scan: Scan
    snapshot: Snapshot
    program: FoundProgram
    neighbours: tuple[OtherProcess, ...]
    now: datetime
    troubles: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


def assess(facts: DoctorInput) -> tuple[Finding, ...]:
    """Return all findings, good and bad."""
    return (
        _program(facts.program),
        _server(facts.snapshot.server),
        *(Finding("opencode's configuration", False, sentence) for sentence in facts.broken),
        _journal(facts.store),
        *_intents(facts),
        *(Finding("data", False, warning) for warning in facts.store.warnings),
        *(Finding("damaged value", False, sentence) for sentence in facts.store.damaged_rows()),
        *_lost_bindings(facts),
        *_databases(facts),
        *(Finding(texts.DUPLICATE_HOMES, False, duplicate_homes.sentence) for duplicate_homes in facts.scan.duplicate_homes),
        *(Finding("sources", False, sentence) for sentence in facts.scan.trouble),
        *_threads(facts),
        *_alarms(facts),
        *_neighbours(facts),
    )


def _program(found: FoundProgram) -> Finding:
    if not found.path:
        return Finding("opencode", False, found.trouble, tuple(f"looked in {place}" for place in found.places))
    trouble, hint = trouble_with_version(found.version, found.path)
    if trouble:
        return Finding("opencode", False, f"{trouble} {hint}")
    return Finding("opencode", True, texts.program(found.path, found.version))


def _server(server: ServerStatus) -> Finding:
    fine = server.state not in (ServerState.FAILED, ServerState.UNRESPONSIVE, ServerState.WAITING) and not server.reason
    text = " · ".join(part for part in (server.state.value, server.url, server.version, server.reason) if part)
    return Finding("server", fine, text)


def _journal(store: Store) -> Finding:
    cursors = store.journal.cursors()
    threads = store.threads.all()
    off = [thread.id for thread in threads if fold(store.journal.entries(thread.id)).cursor != cursors.get(thread.id)]
    if off:
        return Finding("journal", False, texts.journal_differs(off))
    return Finding("journal", True, texts.journal_agrees(len(threads), len(cursors)))


def _intents(facts: DoctorInput) -> Iterator[Finding]:
    pending = facts.store.journal.pending()
    if not pending:
        yield Finding("open intents", True, "none")
    elsewhere = {begun_elsewhere(entry) for entry in pending if is_elsewhere(entry.intent or "")}
    yield from (Finding("open intents", False, text) for text in sorted(elsewhere))
    listed = ", ".join(f"{entry.thread_id} ({entry.why})" for entry in pending if not is_elsewhere(entry.intent or ""))
    troubles = tuple(text for text in facts.troubles if text not in elsewhere)
    if listed and troubles:
        yield Finding("open intents", False, listed, troubles)
    elif listed:
        yield Finding("open intents", False, texts.open_intents(listed))


def _lost_bindings(facts: DoctorInput) -> Iterator[Finding]:
    """Compare the sessions that t3tray created or sent to with the journal."""
    lost = facts.scanner.lost_bindings
    if lost.trouble:
        yield Finding("marks", False, texts.marks_unread(lost.trouble))
        return
    claims = [(row, lost.sessions_of(row.thread.id)) for row in facts.snapshot.rows if lost.sessions_of(row.thread.id)]
    for row, sessions in claims:
        yield Finding("marks", False, texts.later_sessions(row.thread.title, row.thread.id, row.session_id, sessions))
    if not claims:
        yield Finding("marks", True, texts.BINDINGS_KNOWN)


def _databases(facts: DoctorInput) -> Iterator[Finding]:
    try:
        with facts.database.reading():
            found = _file("OpenCode's database", facts.database.path, f" · {texts.OPENCODE_FORM}")
            why = facts.database.trust.why
            yield replace(found, ok=False, detail=texts.other_database(why, found.detail)) if why else found
    except T3TrayError as error:
        yield Finding("OpenCode's database", False, error.message)
    yield from _earlier(facts)
    for source in facts.snapshot.sources:
        if not source.path:
            continue
        text = _file(
            "T3 Code's database", Path(source.path), f" · {source.form}, {source.why}, {texts.counted_threads(source.threads)}"
        )
        if source.form == Shape.UNSUPPORTED:
            text = replace(text, ok=False, detail=texts.only_watched(source.why, text.detail))
        yield text


def _earlier(facts: DoctorInput) -> Iterator[Finding]:
    """The databases that OpenCode used before, if sessions were left there."""
    bound = {row.session_id: row.thread.title for row in facts.snapshot.rows if row.session_id}
    now = facts.database.path
    for path in facts.database.earlier:
        if not path.exists():
            continue
        try:
            with closing(DatabaseReader(path)) as reader:
                there = {name for (name,) in reader.rows("SELECT id FROM session WHERE parent_id IS NULL")}
            there -= _present(facts.database, there)
        except T3TrayError as error:
            yield Finding("an earlier database", False, f"{texts.database_before(path, now)}. {error.message}")
            continue
        if there:
            titles = [title for name, title in bound.items() if name in there]
            yield Finding("an earlier database", not titles, texts.sessions_left(path, now, len(there), titles))


def _present(database: OpenCodeDatabase, names: set[str]) -> set[str]:
    """Return those of these sessions that OpenCode's current database has, which may not exist yet. Raises ServerError."""
    if not database.path.exists():
        return set()
    with closing(database.reader()) as reader:
        return {name for name in names if reader.has_session(name)}


def _file(name: str, path: Path, more: str) -> Finding:
    log = Path(f"{path}-wal")
    try:
        size = texts.file_size(path.stat().st_size, log.stat().st_size if log.exists() else None)
    except OSError as error:
        return Finding(name, False, texts.file_unreadable(path, error.strerror))
    disk = file_system(path)
    if is_network(disk):
        return Finding(name, False, texts.file_on_network(path, disk, f"{size}{more}"))
    return Finding(name, True, texts.file_on_disk(path, size, disk, more))


def _threads(facts: DoctorInput) -> Iterator[Finding]:
    rows = facts.snapshot.rows
    for row in rows:
        if row.verdict.kind is Kind.BLOCKED:
            candidates = facts.scanner.candidates(row.thread.id, facts.store.journal.entries(row.thread.id))
            table = session_table(row.thread.id, row.next_session, row.t3 is not None, candidates)
            yield Finding(_NAMES.get(row.verdict.reason, texts.POINTS_NOWHERE), False, _what(row), table)
        yield from _switches(row)
        yield from _abandoned(facts, row)
    yield _soon([row for row in rows if row.reaper.reap_at and row.reaper.reap_at - facts.now < _SOON])


def _what(row: ThreadRow) -> str:
    title, directory = row.thread.title, row.thread.directory
    match row.verdict.reason:
        case Reason.DIRECTORY_MISMATCH:
            return texts.works_elsewhere(title, directory, row.verdict.detail)
        case Reason.DIRECTORY_MISSING:
            return texts.folder_gone(title, directory, row.verdict.detail)
        case Reason.SPLIT:
            return texts.is_split(title)
    return f"“{title}”: {sentence(row.verdict)}"


def _soon(rows: list[ThreadRow]) -> Finding:
    """The threads that T3 Code's reaper stops within the hour."""
    risky, unknown = ([row.thread.title for row in rows if row.verdict.kind is kind] for kind in (Kind.BLOCKED, Kind.UNKNOWN))
    safe = sum(row.verdict.kind is Kind.RESUMABLE for row in rows)
    return Finding(texts.REAPED_SOON, not (risky or unknown), texts.reaped_soon(risky, unknown, safe))


def _switches(row: ThreadRow) -> Iterator[Finding]:
    """Each time that another session took over, from T3 Code's own log."""
    for before, after in zip(row.served, row.served[1:], strict=False):
        yield Finding("silent switch", False, texts.switched(row.thread.title, before, after))


def _abandoned(facts: DoctorInput, row: ThreadRow) -> Iterator[Finding]:
    """Sessions with messages that an interrupted remedy left in OpenCode; nothing else names them."""
    entries = facts.store.journal.entries(row.thread.id)
    left = abandoned(entries)
    for found in facts.scanner.candidates(row.thread.id, entries) if left else ():
        if found.session_id in left and found.messages:
            text = texts.abandoned_session(row.thread.title, row.thread.id, found.session_id, found.messages)
            yield Finding("abandoned session", False, text)


def _alarms(facts: DoctorInput) -> Iterator[Finding]:
    for alarm in facts.store.alarms.all():
        yield Finding(
            "alarm", alarm.seen_at is not None, f"{alarm.at:%Y-%m-%d %H:%M} UTC, {alarm.thread_id}: {alarm_sentence(alarm)}"
        )


def _neighbours(facts: DoctorInput) -> Iterator[Finding]:
    for other in facts.neighbours:
        age = (facts.now - other.started).total_seconds() / 3600
        text = texts.other_server(other.pid, other.port, age, other.memory, other.parent)
        yield Finding("another opencode serve", bool(other.parent), text)
