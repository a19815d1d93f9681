"""Alembic's migrations from each earlier schema to the current one. Released migrations are never edited."""
