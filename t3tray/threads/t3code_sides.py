"""T3 Code's side of each thread of a scan: what is known of where its next message goes, as one answer.

It asks nothing, and caches its answers while nothing changes. T3 Code's rules are in `domain.t3code_side`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter

from t3tray.domain.evidence import Found
from t3tray.domain.t3code_side import UNKNOWN, GuardSide, LetGo, NextMessage, T3Side, next_message
from t3tray.domain.t3code_thread import Shape, T3Thread
from t3tray.domain.thread import Source
from t3tray.domain.times import from_ms
from t3tray.domain.verdict import thinned
from t3tray.domain.verification import Verification
from t3tray.t3code.guard_sides import GuardSides
from t3tray.t3code.home import T3Home
from t3tray.t3code.state import T3State
from t3tray.threads.scan import Scan
from t3tray.threads.verify import Assessment

NextMessages = Mapping[str, NextMessage]
# A reply that T3 Code has not taken this long after its end will not be taken any more: it takes milliseconds.
_TAKEN_WITHIN = timedelta(minutes=1)
_HELD = frozenset({"starting", "running"})
_id = attrgetter("id")

_Around = tuple[GuardSide, str | None, datetime | None, bool, bool]


@dataclass(frozen=True)
class HeldSession:
    """A session that T3 Code holds open, past the guard, and the thread that it is for."""

    home: T3Home
    session_id: str
    directory: str
    title: str
    agents_work: bool


class T3Sides:
    """One for the process. `guard`: which T3 Code goes through the guard now. `let_go`: when each home let go of all
    sessions it held open. `ends`: when it ended what ran in a session, or let go of it."""

    def __init__(self) -> None:
        self.guard = GuardSides()
        self.let_go: Mapping[str, LetGo] = {}
        self.ends: Mapping[str, datetime] = {}
        self._homes: dict[str, T3Home] = {}
        self._answers: dict[str, tuple[Assessment, _Around, NextMessage]] = {}
        self._last: tuple[Scan, NextMessages] | None = None
        self._by: tuple[object, ...] = ()

    def of(self, scan: Scan, now: datetime) -> NextMessages:
        """Return the sides of T3 Code's threads by id. While T3 Code cannot be read, what it names by now is unknown."""
        homes = tuple((state.home, state.served_since, state.shape) for state in scan.states)
        by = (self.guard, self.let_go, self.ends, homes)
        is_alike = by == self._by
        if is_alike and self._last is not None and self._last[0] is scan:
            return self._last[1]
        states: dict[str, T3State] = {}
        for state in scan.states:
            states |= dict.fromkeys(map(_id, state.threads), state)
        answers: dict[str, tuple[Assessment, _Around, NextMessage]] = {}
        for found in scan.assessments:
            t3 = found.t3
            if t3 is not None:
                name = found.thread.id
                known = self._answers.get(name)
                # Only waiting for a reply changes by time alone.
                is_same = is_alike and known is not None and known[0] is found and not t3.is_working
                answers[name] = known if known is not None and is_same else self._of(found, t3, states.get(name), now)
        self._answers, self._homes, self._by = answers, {name: state.home for name, state in states.items()}, by
        is_unread = any(state.shape is Shape.UNSUPPORTED for state in scan.states)
        unread = (found for found in scan.assessments if is_unread and found.t3 is None)
        unknown = {found.thread.id: UNKNOWN for found in unread if found.thread.source is Source.T3CODE}
        self._last = scan, unknown | {name: each[-1] for name, each in answers.items()}
        return self._last[1]

    def held(self, thread_id: str) -> HeldSession | None:
        """Return the session that T3 Code held open for this thread in the last scan, if the guard answers that T3 Code; else
        None."""
        answer, home = self._answers.get(thread_id), self._homes.get(thread_id)
        if answer is None or home is None:
            return None
        found, (guard, live, _, is_v2, _), _ = answer
        if guard is not GuardSide.ON or is_v2 or live is None:
            return None
        return HeldSession(home, live, found.thread.directory, found.thread.title, found.agents_work)

    def held_in(self, home: T3Home) -> tuple[HeldSession, ...]:
        """Return all that the T3 Code of this home holds open."""
        return tuple(held for name, its in self._homes.items() if its == home and (held := self.held(name)))

    def added(self, verification: Verification, scan: Scan, now: datetime) -> Verification:
        """Add T3 Code's side of the thread to a verification, beside the server's verdict."""
        found = next((found for found in scan.assessments if found.thread.id == verification.thread.id), None)
        if found is None or found.t3 is None:
            return verification
        state = next((state for state in scan.states if found.t3 in state.threads), None)
        around = self._around(found, found.t3, state, now)
        side = next_message(_side(found, found.t3, around), verification.verdict, around[0])
        return replace(verification, next_message=side)

    def _of(
        self, found: Assessment, t3: T3Thread, state: T3State | None, now: datetime
    ) -> tuple[Assessment, _Around, NextMessage]:
        around = self._around(found, t3, state, now)
        known = self._answers.get(found.thread.id)
        if known is not None and known[0] is found and known[1] == around:
            return known
        return found, around, next_message(_side(found, t3, around), found.verdict, around[0])

    def _around(self, found: Assessment, t3: T3Thread, state: T3State | None, now: datetime) -> _Around:
        if state is None:
            return GuardSide.OFF, None, None, False, False
        began, let_go = state.served_since, self.let_go.get(str(state.home.base))
        reply_at = None if began is None else _untaken(found, t3, now)
        seen_at = t3.runtime.last_seen_at if t3.runtime else None
        live = _live(found, t3, began)
        in_doubt = False
        if live is not None and seen_at is not None:
            ended = self.ends.get(live)
            in_doubt = (ended is not None and ended > seen_at) or (let_go is not None and let_go.at > seen_at)
            if let_go is not None and let_go.is_sure and let_go.at > seen_at:
                live = None
        return self.guard.of(state.home.base), live, reply_at, state.shape is Shape.V2, in_doubt


def _side(found: Assessment, t3: T3Thread, around: _Around) -> T3Side:
    _, live, reply_at, is_v2, live_in_doubt = around
    named, bound = found.named, found.cursor.session_id if found.cursor else None
    if named is None and t3.session_id is not None and t3.session_id == bound:
        session, same_folder, messages = found.evidence.session, found.evidence.same_directory, None
    elif named is not None:
        session, same_folder, messages = named.session, named.same_folder, named.messages
    else:
        session, same_folder, messages = None, None, None
    return T3Side(
        is_v2=is_v2,
        has_turns=t3.has_turns,
        names=t3.session_id,
        named=session if t3.session_id is not None else None,
        named_messages=messages,
        reverting=found.reverting,
        taken_back=found.taken_back,
        bound=bound,
        live=live,
        live_in_doubt=live_in_doubt,
        instance=t3.instance,
        was_instance=t3.was_instance,
        is_opencode=t3.is_opencode_next,
        same_folder=same_folder,
        handed_over=t3.handed_over,
        imported_characters=t3.imported_characters,
        shown=found.answers.shown if found.answers else None,
        known=found.answers.known if found.answers else None,
        reply_at=reply_at,
        lacks=found.cursor.lacks if found.cursor else "",
        thinned="; ".join(thinned(found.evidence)) if named is None else "",
    )


def _live(found: Assessment, t3: T3Thread, began: datetime | None) -> str | None:
    """Return the session that the T3 Code running since `began` holds open: from its log, else from its cursor."""
    runtime = t3.runtime
    if began is None or runtime is None or runtime.status not in _HELD:
        return None
    if runtime.last_seen_at is None or runtime.last_seen_at < began:
        # Left by a T3 Code that did not shut down in order.
        return None
    if found.served and found.served[-1].ended >= began:
        return found.served[-1].session_id
    return t3.session_id


def _untaken(found: Assessment, t3: T3Thread, now: datetime) -> datetime | None:
    """Return when a reply that T3 Code waits for was finished in OpenCode; None if it does not wait, or rightly does."""
    if not t3.is_working or t3.awaits_approval or t3.awaits_answer or t3.sent_at is None or found.agents_work:
        return None
    match found.evidence.session, found.evidence.newest:
        case Found(session), Found(newest) if newest.ends_a_turn and session.id == t3.session_id:
            ended = from_ms(session.updated_ms)
            is_reply = newest.created_ms >= t3.sent_at.timestamp() * 1000
            return ended if is_reply and now - ended >= _TAKEN_WITHIN else None
    return None
