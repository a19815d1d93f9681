"""Which remedy an entry of the journal belongs to, and what is needed to finish it or take it back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("journal", sa.Column("deed", sa.Text))
