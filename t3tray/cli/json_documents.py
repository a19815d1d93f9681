"""The JSON documents of the command line: one function for each shape, from frozen values to plain dictionaries.

`docs/command-line.md` describes them; scripts rely on both. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

from msgspec import structs

from t3tray.domain.alarm import Alarm
from t3tray.domain.carries import Carries
from t3tray.domain.cursor import Cursor
from t3tray.domain.guard import CreateRequest, ForkRequest, GuardAnswer, OtherRequest, PromptRequest, ReadRequest, kind_of
from t3tray.domain.journal import Entry
from t3tray.domain.reaper import ReaperState
from t3tray.domain.receipt import Receipt
from t3tray.domain.remedy import Preview, Remedy
from t3tray.domain.restore import Restore
from t3tray.domain.server import ServerStatus
from t3tray.domain.split import Candidate, Served
from t3tray.domain.t3code_side import NextMessage
from t3tray.domain.t3code_thread import T3Thread
from t3tray.domain.thread import Thread
from t3tray.domain.times import exact_from_ms
from t3tray.domain.verdict import Verdict
from t3tray.domain.verification import Verification
from t3tray.errors import T3TrayError
from t3tray.messages.alarms import alarm_sentence
from t3tray.messages.guard import answer_sentence
from t3tray.messages.restore import restore_sentence
from t3tray.messages.t3code_side import next_sentence
from t3tray.messages.verdicts import sentence
from t3tray.threads.remedy_offers import offers
from t3tray.threads.snapshot import Finding, SourceView, ThreadDetails, ThreadRow

Document = dict[str, object]
# Accompanies a null that means "not known", so that it is not read as "none".
_T3_UNREAD = "What T3 Code says of this thread cannot be read now."


def moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_of(at_ms: int | None) -> str | None:
    """Return OpenCode's time in ms as text; None for a number out of the range of times."""
    try:
        return None if at_ms is None else moment(exact_from_ms(at_ms))
    except OverflowError:
        return None


def verdict_document(verdict: Verdict, remedies: tuple[Remedy, ...]) -> Document:
    return {
        "kind": verdict.kind.value,
        "reason": verdict.reason.value,
        "sentence": sentence(verdict),
        "remedies": [remedy.value for remedy in remedies],
    }


def carries_document(carries: Carries) -> Document:
    """What the next message carries."""
    return {
        "kind": carries.kind.value,
        "since": moment_of(carries.since_ms),
        "messages": carries.messages,
        "summary": carries.summary,
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
        "session_directory": row.session_directory,
        "verdict": verdict_document(row.verdict, row.remedies),
        "carries": carries_document(row.verdict.carries),
        "reaper": reaper_document(row.reaper),
        "t3code": t3_document(row.t3, row.next_message, row.remedies) if row.t3 else None,
        "t3code_trouble": _T3_UNREAD if row.t3 is None and row.next_message else None,
        "served": [served_document(served) for served in row.served],
    }


def next_message_document(message: NextMessage, offered: tuple[Remedy, ...]) -> Document:
    """Where T3 Code's next message goes, with those of its remedies that are in `offered`."""
    return {
        "kind": message.kind.value,
        "reason": message.reason.value,
        "sentence": next_sentence(message),
        "remedies": [remedy.value for remedy in message.remedies if remedy in offered],
    }


def t3_document(t3: T3Thread, next_message: NextMessage | None, offered: tuple[Remedy, ...] = ()) -> Document:
    """T3 Code's own data of one of its threads."""
    return {
        "project": t3.project,
        "branch": t3.branch,
        "model": t3.model,
        "provider": t3.provider,
        "instance": t3.instance,
        "session_id": t3.session_id,
        "working": t3.is_working,
        "awaits": "approval" if t3.awaits_approval else "answer" if t3.awaits_answer else None,
        "last_error": t3.last_error,
        "settled_at": moment(t3.settled_at),
        "snoozed_until": moment(t3.snoozed_until),
        "pinned_at": moment(t3.pinned_at),
        "handed_over": t3.handed_over,
        "deleted_at": moment(t3.deleted_at),
        "next_message": next_message_document(next_message, offered) if next_message else None,
    }


def reaper_document(reaper: ReaperState) -> Document:
    return {"state": reaper.phase.value, "reap_at": moment(reaper.reap_at)}


def foreign_document(t3: T3Thread, reaper: ReaperState) -> Document:
    """A T3 Code thread of another provider than OpenCode: listed without a verdict."""
    return {
        "id": t3.id,
        "title": t3.title,
        "source": "t3code",
        "directory": t3.directory,
        "created_at": moment(t3.created_at),
        "last_activity_at": moment(t3.last_activity_at),
        "archived_at": moment(t3.archived_at),
        "draft": "",
        "session_id": None,
        "session_directory": None,
        "verdict": None,
        "carries": None,
        "reaper": reaper_document(reaper),
        "t3code": t3_document(t3, None),
        "t3code_trouble": None,
        "served": [],
    }


def receipt_document(receipt: Receipt) -> Document:
    return {
        "thread": receipt.thread_id,
        "session_id": receipt.session_id,
        "verdict": verdict_document(receipt.verdict, offers(receipt.verdict)),
        "taken_at": moment(receipt.taken_at),
        "asked": receipt.asked,
        "checks": [asdict(check) for check in receipt.checks],
        "notes": list(receipt.notes),
    }


def verification_document(verification: Verification) -> Document:
    next_message = verification.next_message
    return {
        "thread": verification.thread.id,
        "session_id": verification.session_id,
        "verdict": verdict_document(verification.verdict, verification.remedies),
        "carries": carries_document(verification.verdict.carries),
        "receipt": receipt_document(verification.receipt),
        "t3code": {"next_message": next_message_document(next_message, verification.remedies)} if next_message else None,
    }


def cursor_document(cursor: Cursor | None) -> Document | None:
    """What t3tray recorded of the session that a thread is bound to."""
    if cursor is None:
        return None
    return structs.asdict(cursor) | {"context": structs.asdict(cursor.context) if cursor.context else None}


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
        "cursor": cursor_document(entry.cursor),
        "remedy": entry.deed.remedy.value if entry.deed else None,
    }


def answer_document(answer: GuardAnswer) -> Document:
    """One answer of the guard to T3 Code."""
    decision, request = answer.decision, answer.asked
    return {
        "at": moment(answer.at),
        "thread": decision.thread_id,
        "asked": kind_of(request).value,
        "asked_session": request.session_id if isinstance(request, ReadRequest | ForkRequest | PromptRequest) else None,
        "title": request.title if isinstance(request, CreateRequest) else None,
        "folder": "" if isinstance(request, OtherRequest | PromptRequest) else request.directory,
        "answer": decision.answer.name.lower(),
        "refusal": decision.refusal.value if decision.refusal else None,
        "session_id": answer.session_id,
        "messages": decision.messages,
        "sentence": answer_sentence(answer),
        "evidence": list(answer.evidence),
        "seen_at": moment(answer.seen_at),
    }


def preview_document(preview: Preview) -> Document:
    """What a remedy would do, or has done."""
    return {"preview": asdict(preview) | {"remedy": preview.remedy.value}}


def details_document(details: ThreadDetails) -> Document:
    return {
        "thread": row_document(details.row),
        "deleted": details.deleted or None,
        "cursor": cursor_document(details.cursor),
        "offered": [remedy.value for remedy in details.offered],
        "candidates": [candidate_document(candidate) for candidate in details.candidates],
        "alarms": [alarm_document(alarm, details.row.remedies) for alarm in details.alarms],
        "journal": [entry_document(entry) for entry in details.journal],
        "answers": [answer_document(answer) for answer in details.answers],
        "receipt": receipt_document(details.receipt) if details.receipt else None,
    }


def candidate_document(candidate: Candidate) -> Document:
    return {
        "session_id": candidate.session_id,
        "learnt_from": list(candidate.learnt_from),
        "exists": candidate.exists,
        "directory": candidate.directory,
        "title": candidate.title,
        "parent_id": candidate.parent_id,
        "archived": candidate.archived,
        "messages": candidate.messages,
        "first_at": moment_of(candidate.first_ms),
        "last_at": moment_of(candidate.last_ms),
        "input_tokens": candidate.input_tokens,
    }


def served_document(served: Served) -> Document:
    times = {"from": moment(served.began), "to": moment(served.ended)}
    return {"session_id": served.session_id, **times, "exists": served.exists}


def alarm_document(alarm: Alarm, remedies: tuple[Remedy, ...]) -> Document:
    return {
        "thread": alarm.thread_id,
        "kind": alarm.kind.value,
        "cause": alarm.cause.value,
        "sentence": alarm_sentence(alarm),
        "before": asdict(alarm.before),
        "now": asdict(alarm.now),
        "at": moment(alarm.at),
        "noticed_at": moment(alarm.noticed_at),
        "seen_at": moment(alarm.seen_at),
        "remedies": [remedy.value for remedy in remedies],
    }


def restore_document(restore: Restore | None) -> Document | None:
    """The restore of our own data from a copy, until the user confirms it (`doctor --settle`)."""
    if restore is None:
        return None
    return {
        "at": moment(restore.at),
        "copy_at": moment(restore.copy_at),
        "complete": restore.complete,
        "set_aside": restore.aside or None,
        "sentence": restore_sentence(restore),
    }


def source_document(source: SourceView) -> Document:
    return {**asdict(source), "source": source.source.value}


def server_document(status: ServerStatus) -> Document:
    return {**asdict(status), "state": status.state.value, "until": moment(status.until)}


def finding_document(finding: Finding) -> Document:
    return {"name": finding.name, "ok": finding.ok, "detail": finding.detail, "table": list(finding.table)}


def error_document(error: T3TrayError) -> Document:
    return {"error": {"title": error.title, "message": error.message, "hint": error.hint, "code": int(error.exit_code)}}
