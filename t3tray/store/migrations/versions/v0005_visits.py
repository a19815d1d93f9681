"""The last activity of each thread that the user has seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "visits",
        sa.Column("thread_id", sa.Text, primary_key=True),
        sa.Column("activity_at", sa.Text, nullable=False),
    )
