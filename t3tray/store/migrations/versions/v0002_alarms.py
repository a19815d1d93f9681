"""The session that T3 Code last named for each thread, and the alarms raised from changes of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "sightings",
        sa.Column("thread_id", sa.Text, primary_key=True),
        sa.Column("session_id", sa.Text),
    )
    op.create_table(
        "alarms",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("thread_id", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False, unique=True),
        sa.Column("alarm", sa.Text, nullable=False),
        sa.Column("seen_at", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("alarms_of_thread", "alarms", ["thread_id"])
