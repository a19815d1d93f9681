"""The receipt of a verification, as it is written for people: names of checks, what was found, and notes."""

from __future__ import annotations

from t3tray.domain.carries import CarriesKind
from t3tray.domain.cursor import Cursor
from t3tray.domain.evidence import Absent, Evidence, Failure, Found, Lookup, MessageFacts
from t3tray.domain.receipt import Check, Receipt
from t3tray.domain.times import from_ms
from t3tray.domain.verdict import Kind, Reason, Verdict
from t3tray.messages.carries import carried_words

T3_SHOWS_NOTHING = "T3 Code's window will not show this message or its reply."


DESPITE_OTHERS = "Another OpenCode process may be at work in the session; the user chose to go on all the same."


T3_WORKS = "T3 Code has a turn running in this thread right now."


def build_receipt(thread_id: str, directory: str, cursor: Cursor | None, evidence: Evidence, verdict: Verdict) -> Receipt:
    """Return the receipt for a verdict that `decide` gave on this evidence."""
    return Receipt(
        thread_id=thread_id,
        session_id=cursor.session_id if cursor else None,
        verdict=verdict,
        taken_at=evidence.taken_at,
        asked=evidence.asked,
        checks=_checks(directory, cursor, evidence, verdict),
        notes=_notes(cursor, evidence, verdict),
    )


def _checks(directory: str, cursor: Cursor | None, evidence: Evidence, verdict: Verdict) -> tuple[Check, ...]:
    checks = [Check("folder on disk", directory, _folder(directory, evidence), evidence.directory_exists)]
    if cursor is None:
        return (Check("session recorded", "", "none", False), *checks)
    match evidence.session:
        case Found(session):
            created = cursor.session_created_ms
            same_birth = None if created is None else created == session.created_ms
            checks.insert(0, Check("session exists", cursor.session_id, cursor.session_id, True))
            checks.append(Check("created", _moment(created), _moment(session.created_ms), same_birth))
            checks.append(Check("session's folder", directory, session.directory, evidence.same_directory))
            if cursor.title != session.title:
                checks.append(Check("title", cursor.title, session.title, None))
        case lookup:
            checks.insert(
                0, Check("session exists", cursor.session_id, _word(lookup), False if isinstance(lookup, Absent) else None)
            )
    checks.append(_message_check("last recorded message", cursor.last_message_id, evidence.tail))
    if evidence.first is not None:
        checks.append(_message_check("first recorded message", cursor.first_message_id, evidence.first))
    checks.append(Check("newest message", "", _newest(evidence.newest), None))
    if verdict.kind is Kind.RESUMABLE:
        carries = verdict.carries
        is_whole = True if carries.kind is CarriesKind.WHOLE else None
        checks.append(Check("the model gets", "", carried_words(carries), is_whole))
    if cursor.restored:
        checks.append(Check("restored", "", cursor.restored, None))
    return tuple(checks)


def _folder(directory: str, evidence: Evidence) -> str:
    return {True: directory, False: "gone", None: "cannot be looked at"}[evidence.directory_exists]


def _message_check(name: str, recorded: str | None, lookup: Lookup[MessageFacts] | None) -> Check:
    if recorded is None:
        return Check(name, "", "nothing recorded yet", None)
    if lookup is None:
        return Check(name, recorded, "not looked up", None)
    found = isinstance(lookup, Found)
    return Check(name, recorded, recorded if found else _word(lookup), found if not isinstance(lookup, Failure) else None)


def _newest(lookup: Lookup[MessageFacts]) -> str:
    match lookup:
        case Found(message):
            end = "finished" if message.finished else "never finished"
            return f"{message.id}, {message.role}, {_moment(message.created_ms)}, {end}"
        case Absent():
            return "none"
        case Failure() as failure:
            return _word(failure)


def _notes(cursor: Cursor | None, evidence: Evidence, verdict: Verdict) -> tuple[str, ...]:
    notes = []
    if isinstance(evidence.session, Found):
        session = evidence.session.value
        if session.reverted_to:
            notes.append(f"A revert is pending: the next message deletes everything from {session.reverted_to} on for good.")
        if session.archived:
            notes.append("The session is archived in OpenCode; it still answers.")
    if _is_compacted_since(cursor, evidence):
        notes.append("The conversation was compacted since it was last seen: the model gets a summary of the older part.")
    if evidence.t3_works:
        notes.append(T3_WORKS)
    if verdict.reason is Reason.INTERRUPTED:
        notes.append("The last turn was interrupted: look at what it had begun before you go on.")
    return tuple(notes)


def _is_compacted_since(cursor: Cursor | None, evidence: Evidence) -> bool:
    """Whether a compaction finished after the cursor was recorded."""
    before, now = cursor.context if cursor else None, evidence.context
    return before is not None and now is not None and now.since_ms not in (None, before.since_ms)


def _word(lookup: Absent | Failure | Found[MessageFacts]) -> str:
    match lookup:
        case Absent():
            return "not found"
        case Failure() as failure:
            return failure.value
        case Found():
            return "found"


def _moment(milliseconds: int | None) -> str:
    if milliseconds is None:
        return ""
    return f"{from_ms(milliseconds):%Y-%m-%d %H:%M:%S} UTC"
