"""The guard's answers to T3 Code, and when the user has seen them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "guard_answers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("thread_id", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("asked_session", sa.Text),
        sa.Column("title", sa.Text),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("refusal", sa.Text),
        sa.Column("session_id", sa.Text),
        sa.Column("messages", sa.Integer),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("seen_at", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("guard_answers_of_thread", "guard_answers", ["thread_id"])
