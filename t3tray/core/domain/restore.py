"""A restore: t3tray's data is older than what happened, because it was put back from a copy or by somebody else. A value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Restore:
    """`trouble` is what was wrong with the data ("was damaged (…)"), `copy_at` the time of the copy that was put back, None where
    none was. `last_seq` is the last line of the journal that was known then. `complete`: every change of a binding since then was
    brought back from the journal's own file, so that no binding is in doubt.

    It stands until the user settles it. `seq`-wise later proofs settle single threads.
    """

    at: datetime
    trouble: str
    last_seq: int
    complete: bool
    copy_at: datetime | None = None
    aside: str = ""
    settled_at: datetime | None = None
    id: int | None = None

    @property
    def remark(self) -> str:
        """What is said of a thread's verdict while its binding is in doubt, a clause for people."""
        known = f"of {self.copy_at:%Y-%m-%d %H:%M} UTC" if self.copy_at else f"from before {self.at:%Y-%m-%d %H:%M} UTC"
        return f"its binding is {known}; whether another session took its place since then is not known"


def restore_sentence(restore: Restore) -> str:
    """What the user is told as long as it stands."""
    if not restore.aside and restore.copy_at is None:
        parts = [f"t3tray's data {restore.trouble}."]
    else:
        parts = [f"t3tray's data file {restore.trouble}{f'; it was set aside as {restore.aside}' if restore.aside else ''}."]
        if restore.copy_at:
            parts.append(f"The copy of {restore.copy_at:%Y-%m-%d %H:%M} UTC was put back.")
        else:
            parts.append("There is no good copy, so it begins anew.")
    if restore.complete:
        parts.append("All bindings are as they were; settings and drafts may be older.")
    else:
        parts.append(
            "Changes after that are missing: threads that OpenCode's sessions name were made again; a thread whose binding may be"
            " older is shown as unproven until you resume it."
        )
    parts.append("Say that this is settled: `t3tray doctor --settle`.")
    return " ".join(parts)
