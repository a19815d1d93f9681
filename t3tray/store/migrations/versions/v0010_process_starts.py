"""Start of a process by the kernel's clock: the wall-clock times beside it move when the machine's clock is set."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("server_lease", sa.Column("process_start", sa.Text))
    op.add_column("lease_holders", sa.Column("start", sa.Text, nullable=False, server_default=""))
