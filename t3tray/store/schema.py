"""The current tables. The migrations lead to exactly this schema; a test compares the two.

`cursors` enforces the two rules of a binding as constraints: one live session for a thread, one thread for a session. The
triggers make the journal append-only for every program that opens the file. The tables are not STRICT: systems with our oldest
Python have SQLite 3.34, which reports a file with a STRICT table as damaged.
"""

from __future__ import annotations

from sqlalchemy import REAL, CheckConstraint, Column, ForeignKey, Index, Integer, MetaData, Table, Text

from t3tray.domain.alarm import Alarm
from t3tray.domain.cursor import Cursor
from t3tray.domain.guard import GuardAction, GuardRequestKind, Refusal
from t3tray.domain.journal import Actor, Event
from t3tray.domain.receipt import Receipt
from t3tray.domain.remedy import RemedyRecord
from t3tray.domain.thread import Source
from t3tray.store.column_types import Json, Moment, Word

metadata = MetaData()

threads = Table(
    "threads",
    metadata,
    Column("id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("directory", Text, nullable=False),
    Column("source", Word(Source), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("last_activity_at", Moment, nullable=False),
    Column("archived_at", Moment),
    Column("draft", Text, nullable=False),
)

journal = Table(
    "journal",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("thread_id", Text, ForeignKey("threads.id"), nullable=False),
    Column("event", Word(Event), nullable=False),
    Column("actor", Word(Actor), nullable=False),
    Column("why", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("session_id", Text),
    Column("intent", Text),
    Column("cursor", Json(Cursor)),
    Column("deed", Json(RemedyRecord)),
    Index("journal_of_thread", "thread_id"),
    Index("journal_of_intent", "intent"),
    sqlite_autoincrement=True,
)

JOURNAL_TRIGGERS = {
    f"journal_no_{verb.lower()}": (
        f"CREATE TRIGGER journal_no_{verb.lower()} BEFORE {verb} ON journal "
        "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"
    )
    for verb in ("UPDATE", "DELETE")
}
# REPLACE deletes a row without firing a DELETE trigger.
JOURNAL_TRIGGERS["journal_no_replace"] = (
    "CREATE TRIGGER journal_no_replace BEFORE INSERT ON journal WHEN EXISTS (SELECT 1 FROM journal WHERE seq = NEW.seq) "
    "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"
)

cursors = Table(
    "cursors",
    metadata,
    Column("thread_id", Text, ForeignKey("threads.id"), primary_key=True),
    Column("session_id", Text, nullable=False, unique=True),
    Column("cursor", Json(Cursor), nullable=False),
)

receipts = Table(
    "receipts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("thread_id", Text, ForeignKey("threads.id"), nullable=False),
    Column("receipt", Json(Receipt), nullable=False),
    Index("receipts_of_thread", "thread_id"),
    sqlite_autoincrement=True,
)

server_lease = Table(
    "server_lease",
    metadata,
    Column("slot", Integer, CheckConstraint("slot = 1"), primary_key=True),
    Column("token", Text, nullable=False, unique=True),
    Column("port", Integer, nullable=False),
    Column("secret_place", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("detached", Integer, nullable=False),
    Column("pid", Integer),
    Column("process_started", REAL),
    Column("process_start", Text),
    Column("machine", Text),
)

lease_holders = Table(
    "lease_holders",
    metadata,
    Column("token", Text, ForeignKey("server_lease.token", ondelete="CASCADE"), primary_key=True),
    Column("pid", Integer, primary_key=True),
    Column("started", REAL, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("start", Text, nullable=False, server_default=""),
)

settings = Table(
    "settings",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

state = Table(
    "state",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

sightings = Table(
    "sightings",
    metadata,
    Column("thread_id", Text, primary_key=True),
    Column("session_id", Text),
)

alarms = Table(
    "alarms",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("thread_id", Text, nullable=False),
    Column("event", Text, nullable=False, unique=True),
    Column("alarm", Json(Alarm), nullable=False),
    Column("seen_at", Moment),
    Index("alarms_of_thread", "thread_id"),
    sqlite_autoincrement=True,
)

guard_answers = Table(
    "guard_answers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("thread_id", Text),
    Column("kind", Word(GuardRequestKind), nullable=False),
    Column("asked_session", Text),
    Column("title", Text),
    Column("folder", Text, nullable=False),
    Column("answer", Word(GuardAction), nullable=False),
    Column("refusal", Word(Refusal)),
    Column("session_id", Text),
    Column("messages", Integer),
    Column("evidence", Json(tuple[str, ...]), nullable=False),
    Column("seen_at", Moment),
    Index("guard_answers_of_thread", "thread_id"),
    sqlite_autoincrement=True,
)

visits = Table(
    "visits",
    metadata,
    Column("thread_id", Text, primary_key=True),
    Column("activity_at", Moment, nullable=False),
)

prompts = Table(
    "prompts",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("thread_id", Text, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Index("prompts_of_thread", "thread_id"),
)

restores = Table(
    "restores",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("trouble", Text, nullable=False),
    Column("last_seq", Integer, nullable=False),
    Column("complete", Integer, nullable=False),
    Column("copy_at", Moment),
    Column("aside", Text, nullable=False),
    Column("settled_at", Moment),
    sqlite_autoincrement=True,
)
