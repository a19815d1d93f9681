"""Verify a thread: collect the evidence, decide, write the receipt, renew the proof. The only way to a prompt.

Creates no session and changes no binding: `PROVEN` entries renew the record of the same session.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from msgspec import Struct, structs

from t3tray.domain.cursor import Cursor
from t3tray.domain.evidence import Absent, Activity, Evidence, Failure, Found, Lookup, SessionFacts
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.split import Served
from t3tray.domain.t3code_thread import T3Thread
from t3tray.domain.thread import Source, Thread
from t3tray.domain.verdict import Kind, Reason, Verdict, decide
from t3tray.domain.verification import Verification
from t3tray.domain.versions import Ability, can
from t3tray.errors import ExitCode, ServerError, WorldError
from t3tray.messages.carries import taken_back, together
from t3tray.messages.journal_reasons import SEEN_AT_A_RESUME, VERIFIED_AFTER_RESTORE, taken_back_before
from t3tray.messages.receipts import DESPITE_OTHERS, build_receipt
from t3tray.messages.verdicts import sentence
from t3tray.opencode.failures import failure_of
from t3tray.store.store import Store
from t3tray.system.sql_thread import SqlThread
from t3tray.threads.context_reading import newest_first
from t3tray.threads.evidence import (
    Surroundings,
    ThreadRecord,
    cursor_now,
    evidence_from_server,
    evidence_without_answers,
    look_up_message,
    session_standing,
    unexpected,
)
from t3tray.threads.remedy_offers import SessionStanding, Situation, offers
from t3tray.threads.session_server import SessionServer

# A thread without a usable cursor is decided by that alone; the value given for its session is never read.
_TELLS_WHY = frozenset({Reason.SERVER_ERROR, Reason.UNSUPPORTED})
_NOTHING_TO_ASK = Failure.UNSUPPORTED
_UNFINISHED = frozenset({Reason.INTERRUPTED, Reason.OPEN_ELSEWHERE})
RENEWS = frozenset({Reason.PROVED, Reason.UNPROVEN, Reason.INTERRUPTED})


def has_news(cursor: Cursor, evidence: Evidence) -> bool:
    """Whether the session has something that its cursor does not record yet."""
    match evidence.session, evidence.newest:
        case Found(session), Found(newest):
            known = (cursor.last_message_id, cursor.title, cursor.directory)
            finished = newest.ends_a_turn and newest.id != cursor.last_finished_id
            return finished or known != (newest.id, session.title, session.directory)
    return False


def is_mid_turn(cursor: Cursor, evidence: Evidence) -> bool:
    """Whether a turn has begun and not ended in a session that has a record: only its end is worth an entry."""
    match evidence.newest:
        case Found(newest):
            return not newest.ends_a_turn and cursor.last_message_id is not None
    return False


class NamedSession(Struct, frozen=True):
    """What OpenCode has of the session that T3 Code names. `same_folder`: it works in the thread's folder. `taken_back`:
    number of messages that a pending revert deletes with the next one."""

    session: Lookup[SessionFacts]
    messages: int | None = None
    same_folder: bool | None = None
    taken_back: int | None = None


class AnswerCount(Struct, frozen=True):
    """How many of the model's answers T3 Code shows, and how many of those the session that it names has."""

    shown: int
    known: int


class Assessment(Struct, frozen=True):
    """The assessment of one thread: record, evidence and verdict. `t3`: T3 Code's data on its own thread. `agents_work`: a
    sub-agent of its session seems to be in the middle of a turn. `named`: what T3 Code names, if that is another session than
    the cursor's. `answers`: set if the beginning of what T3 Code shows is in no session any more."""

    thread: Thread
    cursor: Cursor | None
    evidence: Evidence
    verdict: Verdict
    t3: T3Thread | None = None
    served: tuple[Served, ...] = ()
    agents_work: bool = False
    named: NamedSession | None = None
    answers: AnswerCount | None = None

    @property
    def has_news(self) -> bool:
        """Whether the session is the recorded one, and has something that the cursor does not record yet."""
        if self.cursor is None or self.verdict.reason not in RENEWS:
            return False
        return has_news(self.cursor, self.evidence)

    @property
    def is_unread(self) -> bool:
        """Whether the cursor does not record yet what the model gets of its session."""
        return self.cursor is not None and self.cursor.context is None and self.verdict.reason in RENEWS

    @property
    def is_unfinished(self) -> bool:
        """Whether the last turn has no end yet: a server may be at work in it."""
        return self.verdict.reason in _UNFINISHED

    @property
    def works_elsewhere(self) -> str | None:
        """The session's own directory, if it differs from the thread's."""
        match self.evidence.session:
            case Found(session) if self.evidence.same_directory is False:
                return session.directory
        return None

    @property
    def reverting(self) -> bool:
        """Whether a revert is pending in the session that T3 Code names, or in the bound one if that is the same or none is
        named."""
        session = self.named.session if self.named else self.evidence.session
        return isinstance(session, Found) and session.value.reverted_to is not None

    @property
    def taken_back(self) -> int | None:
        """Number of messages that this revert deletes; None if not counted."""
        return self.named.taken_back if self.named else self.evidence.taken_back

    def is_among(self, sessions: Collection[str]) -> bool:
        return self.cursor is not None and self.cursor.session_id in sessions

    def at_work(self) -> Assessment:
        """Return the assessment with a turn running in the session, according to a server."""
        return self.with_activity(Activity.BUSY)

    def with_activity(self, activity: Activity | Failure) -> Assessment:
        evidence = structs.replace(self.evidence, activity=activity)
        return structs.replace(self, evidence=evidence, verdict=decide(self.cursor, evidence))


class NotResumable(WorldError):
    """Raised for a thread that may not be prompted or opened. `verification` has the verdict and the receipt. Nothing was
    changed."""

    def __init__(self, verification: Verification, hint: str | None = None) -> None:
        super().__init__(sentence(verification.verdict), hint)
        self.verification = verification
        blocked = verification.verdict.kind is Kind.BLOCKED
        self.title = "This thread cannot be resumed" if blocked else "Cannot tell whether this thread can be resumed"
        self.exit_code = ExitCode.BLOCKED if blocked else ExitCode.UNKNOWN


class Verifier:
    """Assesses and verifies threads on a server. Runs on the event loop; SQL and files run in executors."""

    def __init__(
        self, store: Store, run_sql: SqlThread, surroundings: Surroundings, load_record: Callable[[str], ThreadRecord]
    ) -> None:
        """`load_record` returns what is recorded of a thread; it is called in the SQL thread."""
        self._store = store
        self._load_record = load_record
        self._run_sql = run_sql
        self._surroundings = surroundings

    async def verify(self, thread_id: str, server: SessionServer, despite_others: bool = False) -> Verification:
        """Verify a thread on this server process; the receipt is stored, and the proof renewed if the verdict allows it.

        `despite_others`: the user was warned that another process may be at work in it, and chose to continue.
        """
        assessment = await self.assess(thread_id, server, despite_others)
        verification = await self._record(assessment, server.version, DESPITE_OTHERS if despite_others else "")
        if assessment.has_news or assessment.is_unread:
            await self.renew(assessment.thread.id, server, Actor.USER, SEEN_AT_A_RESUME)
        elif assessment.evidence.in_doubt and assessment.verdict.reason in RENEWS and assessment.cursor:
            await self._run_sql(self._verified, assessment.thread.id, assessment.cursor, VERIFIED_AFTER_RESTORE)
        return verification

    async def unreachable(self, thread_id: str, error: WorldError) -> Verification:
        """Return the verdict if no server could be asked; the receipt says why. A thread that needs none is decided as usual."""
        recorded = await self._run_sql(self._load_record, thread_id)
        failure = failure_of(error) if isinstance(error, ServerError) else Failure.SERVER_DOWN
        found = assessment_of(recorded, evidence_without_answers(recorded, failure, self._surroundings))
        if found.verdict.reason in _TELLS_WHY and not found.verdict.detail:
            found = structs.replace(found, verdict=structs.replace(found.verdict, detail=error.message.removesuffix(".")))
        return await self._record(found, "", f"{error.title}: {error.message}", error.hint or "")

    async def assess(self, thread_id: str, server: SessionServer, despite_others: bool = False) -> Assessment:
        """Return the assessment of a thread on this server process. Changes nothing."""
        recorded = await self._run_sql(self._load_record, thread_id)
        cursor = recorded.cursor
        if cursor is None or not cursor.is_well_formed:
            return assessment_of(recorded, evidence_without_answers(recorded, _NOTHING_TO_ASK, self._surroundings))
        surroundings = replace(self._surroundings, others_run=_no_others) if despite_others else self._surroundings
        found = assessment_of(recorded, await evidence_from_server(server, recorded, cursor, surroundings))
        if found.verdict.reason not in _TELLS_WHY or found.verdict.detail:
            return found
        return structs.replace(found, verdict=structs.replace(found.verdict, detail=await _why_not(server, cursor.session_id)))

    async def verdict_of(self, thread_id: str, server: SessionServer) -> Verdict:
        """Return the verdict alone."""
        return (await self.assess(thread_id, server)).verdict

    async def renew(self, thread_id: str, server: SessionServer, actor: Actor, why: str) -> bool:
        """Record the session as it is now, if the binding is still the same. Returns True if something new was recorded."""
        cursor = (await self._run_sql(self._store.journal.binding, thread_id)).cursor
        if cursor is None:
            return False
        record = await server.session(cursor.session_id)
        renewed = await cursor_now(server, record.facts, cursor)
        if cursor.last_message_id and renewed.last_message_id != cursor.last_message_id:
            tail = await look_up_message(server, cursor.session_id, cursor.last_message_id)
            if not isinstance(tail, Found):
                first = await look_up_message(server, cursor.session_id, cursor.first_message_id or "")
                if not isinstance(tail, Absent) or not isinstance(first, Found):
                    # A proof must not be renewed over a history that is lost or unknown.
                    return False
                why = taken_back_before(why)
                renewed = structs.replace(renewed, lacks=together(cursor.lacks, await _taken_back(server, cursor)))
        entry = Entry(thread_id, Event.PROVEN, actor, why, self._surroundings.now(), cursor.session_id, cursor=renewed)
        return await self._run_sql(self._store.journal.prove, entry)

    def _verified(self, thread_id: str, cursor: Cursor, why: str) -> None:
        """Write an entry that the binding was verified, although nothing is new: from then on it is not in doubt."""
        if thread_id in self._store.restores.in_doubt() and self._store.journal.binding(thread_id).cursor == cursor:
            entry = Entry(thread_id, Event.PROVEN, Actor.USER, why, self._surroundings.now(), cursor.session_id, cursor=cursor)
            self._store.journal.append(entry)

    async def _record(self, assessment: Assessment, version: str, *notes: str) -> Verification:
        thread, cursor, verdict = assessment.thread, assessment.cursor, assessment.verdict
        receipt = build_receipt(thread.id, thread.directory, cursor, assessment.evidence, verdict)
        receipt = replace(receipt, notes=(*receipt.notes, *filter(None, notes)))
        await self._run_sql(self._store.receipts.add, receipt)
        remedies = offers(verdict, situation_of(assessment, version))
        session = assessment.evidence.session
        return Verification(
            thread,
            cursor.session_id if cursor else None,
            verdict,
            receipt,
            remedies,
            reverting=isinstance(session, Found) and bool(session.value.reverted_to),
            t3_works=assessment.evidence.t3_works,
        )


def assessment_of(recorded: ThreadRecord, evidence: Evidence) -> Assessment:
    """Return the assessment by this evidence; unknown if something of the thread could not be read."""
    unread = Verdict(Reason.SERVER_ERROR, recorded.unread) if recorded.unread else None
    verdict = unread or decide(recorded.cursor, evidence)
    return Assessment(recorded.thread, recorded.cursor, evidence, verdict, recorded.t3, recorded.served)


def situation_of(found: Assessment, version: str = "") -> Situation:
    """Return what is known around the verdict from one scan, without looking for other sessions and copies. `version` is the
    server's, empty if none runs."""
    bound = found.cursor.session_id if found.cursor else None
    directory = found.thread.directory
    here = SessionStanding.NONE if bound is None else session_standing(found.evidence.session, directory)
    named = found.t3.session_id if found.t3 else None
    is_one = found.t3 is not None and named == bound
    there = SessionStanding.NONE if named is None else here if is_one else SessionStanding.UNKNOWN
    if found.named is not None:
        there = session_standing(found.named.session, directory)
    return Situation(
        bound=here,
        named=there,
        is_one=is_one,
        is_t3=found.thread.source is Source.T3CODE,
        reverting=found.reverting,
        others=True if found.verdict.reason is Reason.SPLIT else None,
        lacks=found.answers is not None or bool(found.cursor and found.cursor.lacks),
        can_move=can(Ability.MOVE_SESSION, version),
    )


async def _taken_back(server: SessionServer, cursor: Cursor) -> str:
    """Return which recorded messages are gone since a revert was made final, as a clause. Raises ServerError."""
    recorded, last = cursor.message_count, cursor.last_message_id or ""
    if recorded is None:
        return taken_back(None)
    # Ids sort by time: what came after the recorded end is not part of it.
    left = sum([facts.id <= last async for facts in newest_first(server, cursor.session_id)])
    return taken_back(max(recorded - left, 0) or None)


async def _why_not(server: SessionServer, session_id: str) -> str:
    """Return why the server cannot answer, as a clause; empty if it can by now."""
    try:
        await server.session(session_id)
    except ServerError as error:
        return error.message.removesuffix(".")
    except Exception:
        unexpected()  # as in the look-up for the evidence: the verdict stays unknown
    return ""


def _no_others() -> bool:
    return False
