"""The JSON documents of the command line: one function a shape, from frozen values to plain dictionaries.

`docs/command-line.md` describes them for people; scripts rely on both. Times are ISO-8601 in UTC.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

from t3tray.core.domain.journal import Entry
from t3tray.core.domain.receipt import Receipt
from t3tray.core.domain.sentences import remedies, sentence
from t3tray.core.domain.server import ServerStatus
from t3tray.core.domain.thread import Thread
from t3tray.core.domain.verdict import Verdict
from t3tray.core.errors import T3TrayError
from t3tray.core.services.views import Resumption, ThreadDetails, ThreadRow

Document = dict[str, object]


def moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def verdict_document(verdict: Verdict) -> Document:
    return {
        "kind": verdict.kind.value,
        "reason": verdict.reason.value,
        "sentence": sentence(verdict),
        "remedies": [remedy.value for remedy in remedies(verdict)],
    }


def thread_document(thread: Thread) -> Document:
    return {
        "id": thread.id,
        "title": thread.title,
        "source": thread.source.value,
        "directory": thread.directory,
        "created_at": moment(thread.created_at),
        "last_activity_at": moment(thread.last_activity_at),
        "archived_at": moment(thread.archived_at),
        "draft": thread.draft,
    }


def row_document(row: ThreadRow) -> Document:
    return {
        **thread_document(row.thread),
        "session_id": row.session_id,
        "verdict": verdict_document(row.verdict),
        "reaper": {"state": row.reaper.phase.value, "reap_at": moment(row.reaper.reap_at)},
    }


def receipt_document(receipt: Receipt) -> Document:
    return {
        "thread": receipt.thread_id,
        "session_id": receipt.session_id,
        "verdict": verdict_document(receipt.verdict),
        "taken_at": moment(receipt.taken_at),
        "asked": receipt.asked,
        "checks": [asdict(check) for check in receipt.checks],
        "notes": list(receipt.notes),
    }


def resumption_document(resumption: Resumption) -> Document:
    return {
        "thread": resumption.thread.id,
        "session_id": resumption.session_id,
        "verdict": verdict_document(resumption.verdict),
        "receipt": receipt_document(resumption.receipt),
    }


def entry_document(entry: Entry) -> Document:
    return {
        "seq": entry.seq,
        "at": moment(entry.at),
        "thread": entry.thread_id,
        "event": entry.event.value,
        "session_id": entry.session_id,
        "actor": entry.actor.value,
        "why": entry.why,
        "intent": entry.intent,
        "cursor": asdict(entry.cursor) if entry.cursor else None,
    }


def details_document(details: ThreadDetails) -> Document:
    return {
        "thread": row_document(details.row),
        "cursor": asdict(details.cursor) if details.cursor else None,
        "candidates": list(details.candidates),
        "journal": [entry_document(entry) for entry in details.journal],
        "receipt": receipt_document(details.receipt) if details.receipt else None,
    }


def server_document(status: ServerStatus) -> Document:
    return {**asdict(status), "state": status.state.value, "until": moment(status.until)}


def error_document(error: T3TrayError) -> Document:
    return {"error": {"title": error.title, "message": error.message, "hint": error.hint, "code": int(error.exit_code)}}
