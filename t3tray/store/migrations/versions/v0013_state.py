"""Moves values that are not settings from the settings table to a new one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_STATE = ("store_id", "server_wanted", "last_rest", "t3_let_go", "t3_ended", "guard_port", "guard_secret_place")


def upgrade() -> None:
    op.create_table("state", sa.Column("key", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False))
    names = ", ".join(f"'{name}'" for name in _STATE)
    op.execute(f"INSERT INTO state (key, value) SELECT key, value FROM settings WHERE key IN ({names})")
    op.execute(f"DELETE FROM settings WHERE key IN ({names})")
