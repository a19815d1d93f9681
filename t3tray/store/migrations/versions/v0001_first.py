"""The first shape of the file."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_threads_and_journal()
    _create_what_follows_a_thread()
    _create_server_lease()
    op.create_table(
        "settings",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def _create_threads_and_journal() -> None:
    op.create_table(
        "threads",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("directory", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("last_activity_at", sa.Text, nullable=False),
        sa.Column("archived_at", sa.Text),
        sa.Column("draft", sa.Text, nullable=False),
    )
    op.create_table(
        "journal",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("thread_id", sa.Text, sa.ForeignKey("threads.id"), nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("session_id", sa.Text),
        sa.Column("intent", sa.Text),
        sa.Column("cursor", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("journal_of_thread", "journal", ["thread_id"])
    op.create_index("journal_of_intent", "journal", ["intent"])
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER journal_no_{verb.lower()} BEFORE {verb} ON journal "
            "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"
        )


def _create_what_follows_a_thread() -> None:
    op.create_table(
        "cursors",
        sa.Column("thread_id", sa.Text, sa.ForeignKey("threads.id"), primary_key=True),
        sa.Column("session_id", sa.Text, nullable=False, unique=True),
        sa.Column("cursor", sa.Text, nullable=False),
    )
    op.create_table(
        "receipts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("thread_id", sa.Text, sa.ForeignKey("threads.id"), nullable=False),
        sa.Column("receipt", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("receipts_of_thread", "receipts", ["thread_id"])


def _create_server_lease() -> None:
    op.create_table(
        "server_lease",
        sa.Column("slot", sa.Integer, sa.CheckConstraint("slot = 1"), primary_key=True),
        sa.Column("token", sa.Text, nullable=False, unique=True),
        sa.Column("port", sa.Integer, nullable=False),
        sa.Column("secret_place", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("detached", sa.Integer, nullable=False),
        sa.Column("pid", sa.Integer),
        sa.Column("process_started", sa.REAL),
    )
    op.create_table(
        "lease_holders",
        sa.Column("token", sa.Text, sa.ForeignKey("server_lease.token", ondelete="CASCADE"), primary_key=True),
        sa.Column("pid", sa.Integer, primary_key=True),
        sa.Column("started", sa.REAL, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
    )
