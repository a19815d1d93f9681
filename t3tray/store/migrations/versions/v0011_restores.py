"""Restores of the data from a copy, until the user confirms them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "restores",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("trouble", sa.Text, nullable=False),
        sa.Column("last_seq", sa.Integer, nullable=False),
        sa.Column("complete", sa.Integer, nullable=False),
        sa.Column("copy_at", sa.Text),
        sa.Column("aside", sa.Text, nullable=False),
        sa.Column("settled_at", sa.Text),
        sqlite_autoincrement=True,
    )
