"""Migrates a file to the current schema. Alembic is imported only when needed: its import takes a third of a second."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from t3tray.errors import StoreError

if TYPE_CHECKING:
    from alembic.config import Config


@dataclass(frozen=True)
class Steps:
    """A folder of migrations and its newest revision (maintained by hand, so that reading it does not need Alembic)."""

    folder: Path
    head: str


# Alembic's `op` and `context` are global: two threads must not migrate at the same time.
_ALEMBIC = Lock()
OURS = Steps(Path(__file__).parent / "migrations", "0013")


def refuse_newer(revision: str, steps: Steps) -> None:
    """Raises StoreError for a revision that is none of ours: a newer t3tray wrote the file."""
    from alembic.script import ScriptDirectory

    if revision not in {step.revision for step in ScriptDirectory.from_config(_config(steps)).walk_revisions()}:
        raise StoreError(
            f"t3tray's data was written by a newer version of t3tray (its format is {revision}; this version has {steps.head}).",
            "Use that version or a newer one. Nothing was changed.",
        )


def upgrade(connection: Connection, steps: Steps) -> None:
    """Run the missing migrations inside this connection's transaction: all of them or none."""
    from alembic import command

    config = _config(steps)
    config.attributes["connection"] = connection
    with _ALEMBIC:
        command.upgrade(config, "head")


def _config(steps: Steps) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(steps.folder).replace("%", "%%"))
    return config
