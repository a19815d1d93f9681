"""The machine on which the server runs: several machines may share a home."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("server_lease", sa.Column("machine", sa.Text))
