"""Alembic runs this file; the connection, with its transaction, comes from `store.migration`."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
