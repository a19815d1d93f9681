"""The guard's answers to T3 Code: the newest hundred of each thread, the newest five thousand altogether."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from t3tray.domain.guard import (
    CreateRequest,
    ForkRequest,
    GuardAction,
    GuardAnswer,
    GuardDecision,
    GuardRequest,
    GuardRequestKind,
    OtherRequest,
    PromptRequest,
    ReadRequest,
    kind_of,
)
from t3tray.store.damaged_rows import LONG_AGO, Values, readable
from t3tray.store.database import Database
from t3tray.store.schema import guard_answers as answers

KEPT_OF_THREAD = 100
KEPT = 5000


class GuardAnswers:
    """Table of the guard's answers; results are ordered oldest first. Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, answer: GuardAnswer) -> None:
        """Store an answer, and remove the oldest above the two limits."""
        decision = answer.decision
        values = {
            "at": answer.at,
            "thread_id": decision.thread_id,
            **_columns(answer.asked),
            "answer": decision.answer,
            "refusal": decision.refusal,
            "session_id": answer.session_id,
            "messages": decision.messages,
            "evidence": answer.evidence,
            "seen_at": answer.seen_at,
        }
        with self._database.write() as connection:
            newest = connection.execute(insert(answers).values(values)).lastrowid
            connection.execute(delete(answers).where(answers.c.id <= newest - KEPT))
            if decision.thread_id is not None:
                _remove_oldest(connection, decision.thread_id)

    def all(self, thread_id: str | None = None) -> tuple[GuardAnswer, ...]:
        """Return the answers of one thread, or all."""
        wanted = select(answers) if thread_id is None else select(answers).where(answers.c.thread_id == thread_id)
        return self._read(wanted)

    def unseen_refusals(self) -> tuple[GuardAnswer, ...]:
        """Return the refusals that the user has not seen and that are still the last answer in their thread: at most one each."""
        last = select(func.max(answers.c.id)).where(answers.c.thread_id.is_not(None)).group_by(answers.c.thread_id)
        unseen = (answers.c.answer == GuardAction.REFUSE, answers.c.seen_at.is_(None))
        return self._read(select(answers).where(answers.c.id.in_(last), *unseen))

    def mark_seen(self, thread_id: str, at: datetime) -> None:
        """Mark this thread's answers as seen by the user."""
        mine = (answers.c.thread_id == thread_id, answers.c.seen_at.is_(None))
        with self._database.write() as connection:
            connection.execute(update(answers).where(*mine).values(seen_at=at))

    def _read(self, wanted: Select[*tuple[object, ...]]) -> tuple[GuardAnswer, ...]:
        with self._database.read() as connection:
            rows = connection.execute(wanted.order_by(answers.c.id)).all()
            return tuple(_answer(values) for values in readable(connection, answers, rows, _STAND_INS))


_STAND_INS = {"at": LONG_AGO, "folder": "", "evidence": ()}


def _remove_oldest(connection: Connection, thread_id: str) -> None:
    mine = answers.c.thread_id == thread_id
    oldest = select(answers.c.id).where(mine).order_by(answers.c.id.desc()).limit(1).offset(KEPT_OF_THREAD - 1)
    connection.execute(delete(answers).where(mine, answers.c.id < oldest.scalar_subquery()))


def _columns(request: GuardRequest) -> dict[str, object]:
    return {
        "kind": kind_of(request),
        "asked_session": request.session_id if isinstance(request, ReadRequest | ForkRequest | PromptRequest) else None,
        "title": request.title if isinstance(request, CreateRequest) else None,
        "folder": "" if isinstance(request, OtherRequest | PromptRequest) else request.directory,
    }


def _request(row: SimpleNamespace) -> GuardRequest:
    match row.kind:
        case GuardRequestKind.READ:
            return ReadRequest(row.asked_session or "", row.folder)
        case GuardRequestKind.CREATE:
            return CreateRequest(row.title, row.folder)
        case GuardRequestKind.FORK:
            return ForkRequest(row.asked_session or "", row.folder)
        case GuardRequestKind.PROMPT:
            return PromptRequest(row.asked_session or "")
        case _:
            return OtherRequest()


def _answer(values: Values) -> GuardAnswer:
    row = SimpleNamespace(**values)
    given = row.session_id if row.answer is GuardAction.GIVE else None
    decision = GuardDecision(row.answer, (), row.thread_id, given, row.messages, row.refusal)
    return GuardAnswer(row.at, _request(row), decision, row.session_id, row.seen_at, row.id, row.evidence)
