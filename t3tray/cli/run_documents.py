"""Output of `t3tray run --json`: one object per line for each change. `docs/command-line.md` describes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from t3tray.backend.snapshot_changes import (
    AlarmChanged,
    Change,
    FirstTable,
    GuardChanged,
    MessageRefused,
    Progress,
    RequestChanged,
    ServerChanged,
    ThreadAdded,
    ThreadChange,
    ThreadRemoved,
    TurnChanged,
    VerdictChanged,
    WarningChanged,
)
from t3tray.cli import json_documents
from t3tray.cli.json_documents import Document
from t3tray.domain.pending_request import ApprovalRequest, PendingRequest
from t3tray.errors import T3TrayError
from t3tray.messages.pending_requests import request_sentence
from t3tray.threads.snapshot import Snapshot, ThreadRow

# Incremented when a kind or a field changes its meaning or is removed; new ones may be added at any time.
CONTRACT = 1


def change_document(change: Change, at: datetime) -> Document:
    """Return the object for one change."""
    kind, facts = _facts(change)
    return object_of(kind, facts, at)


def object_of(kind: str, facts: Document, at: datetime) -> Document:
    return {"at": json_documents.moment(at), "kind": kind, **facts}


def as_line(document: Document) -> str:
    """Return the document as one line, in ASCII: readers take some other Unicode characters for a line end."""
    return json.dumps(document)


def error_line(error: T3TrayError) -> str:
    """Return the only line of a run that cannot start."""
    return f"{as_line(object_of('error', json_documents.error_document(error), datetime.now(UTC)))}\n"


def _facts(change: Change) -> tuple[str, Document]:
    match change:
        case Progress(sentence):
            return "progress", {"sentence": sentence}
        case FirstTable(snapshot):
            return "threads", {"threads": _rows(snapshot), "restore": json_documents.restore_document(snapshot.restore)}
        case ServerChanged(server, idle_status):
            return "server", {"server": json_documents.server_document(server), "reaper": idle_status}
        case GuardChanged(guard, threads):
            return "guard", {"guard": {"state": guard.phase.value, "sentence": guard.sentence, "threads": threads}}
        case AlarmChanged(alarm, row, is_over):
            facts: Document = {"alarm": json_documents.alarm_document(alarm, row.remedies if row else ()), "title": _title(row)}
            return "alarm-over" if is_over else "alarm", facts
        case RequestChanged(request, is_over):
            return "ask-over" if is_over else "ask", {"ask": _request(request)}
        case MessageRefused(answer, row):
            return "refusal", {"answer": json_documents.answer_document(answer), "title": _title(row)}
        case WarningChanged(sentence, is_over):
            return "warning-over" if is_over else "warning", {"sentence": sentence}
        case _:
            return _of_thread(change)


def _of_thread(change: ThreadChange) -> tuple[str, Document]:
    thread: Document = {"thread": json_documents.row_document(change.row)}
    match change:
        case ThreadAdded():
            return "thread-added", thread
        case ThreadRemoved(_, archived):
            return "thread-removed", {**thread, "archived": archived}
        case TurnChanged(_, runs):
            return "turn-began" if runs else "turn-ended", thread
        case VerdictChanged(_, before):
            return "verdict", {**thread, "before": {"kind": before.kind.value, "reason": before.reason.value}}


def _rows(snapshot: Snapshot) -> list[Document]:
    rows = [json_documents.row_document(row) for row in snapshot.rows if not row.is_archived]
    foreign = [thread for thread in snapshot.foreign if thread.archived_at is None]
    return rows + [json_documents.foreign_document(thread, snapshot.foreign_reapers[thread.id]) for thread in foreign]


def _title(row: ThreadRow | None) -> str | None:
    return row.thread.title if row else None


def _request(request: PendingRequest) -> Document:
    requester = request.requester
    common: Document = {
        "id": request.id,
        "thread": requester.thread_id,
        "session_id": requester.session_id,
        "title": requester.title,
        "agents": list(requester.agents),
        "sentence": request_sentence(request),
    }
    if isinstance(request, ApprovalRequest):
        approval = {"permission": request.permission, "patterns": list(request.patterns), "always": list(request.always)}
        return {**common, "what": "approval", **approval}
    questions = [
        {"text": question.text, "options": [option.label for option in question.options], "multiple": question.multiple}
        for question in request.questions
    ]
    return {**common, "what": "question", "questions": questions}
