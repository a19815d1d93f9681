"""The sentence on what t3tray's own reaper did, or will do."""

from __future__ import annotations

from datetime import datetime, timedelta

from t3tray.domain.reaper import Blocker, IdleState


def idle_sentence(result: IdleState | None, idle_after: timedelta, runs: bool, reap_at: datetime | None = None) -> str:
    """Return what the reaper did last, or what it will do. Times are local.

    `runs`: the managed server runs. `reap_at`: the earliest time at which it would be stopped, if known.
    """
    minutes = round(idle_after / timedelta(minutes=1))
    so_long = "1 minute" if minutes == 1 else f"{minutes} minutes"
    if idle_after <= timedelta(0):
        return "t3tray never stops its server for being idle."
    if result and result.ended and not runs:
        return (
            f"t3tray stopped its server at {result.at.astimezone():%Y-%m-%d %H:%M}, because nothing had used it for"
            f" {so_long}. The next resume starts it again."
        )
    if result and result.why and result.why not in (Blocker.RECENT, Blocker.OFF) and runs:
        return f"t3tray has not stopped its server, though nothing had used it for {so_long}: {result.why}."
    if runs and reap_at:
        return f"t3tray stops its server at {reap_at.astimezone():%H:%M} if nothing uses it before."
    return f"While t3tray runs, it stops the server once nothing has used it for {so_long}."
