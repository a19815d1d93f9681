"""Alembic's folder: how the file comes from each earlier shape to the present one. Released steps are never edited."""
