"""Deliver one prompt: hand it to the server, look for it in its session, and follow its turn to the end.

Decides the time limits and when the server is asked. It assesses no thread and stores nothing: `on_arrival` is called once the
session contains the message.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from t3tray.domain.evidence import Activity
from t3tray.domain.pending_request import RequestKind
from t3tray.domain.transcript import MAY_ARRIVE_FOR
from t3tray.errors import NotTaken, ServerDown, ServerError, SessionMissing, StoreError, TimedOut
from t3tray.messages.sending import (
    ANSWER_UNKNOWN,
    REPLY_INCOMPLETE,
    SERVER_WENT_AWAY,
    SESSION_DELETED,
    arrival_unknown,
    draft_stays,
    dropped,
    end_unread,
    never_arrived,
)
from t3tray.opencode.events import Connected, Gap, Quiet, ServerEvent, Signal
from t3tray.opencode.message_events import TurnErrored, change_of
from t3tray.threads.session_server import SessionServer
from t3tray.threads.turn import Outcome, Turn

_ASKS = {"permission.asked": RequestKind.APPROVAL, "question.asked": RequestKind.QUESTION}


@dataclass(frozen=True)
class Waiting:
    """The turn continues only after an answer to this kind of request."""

    request: RequestKind


@dataclass(frozen=True)
class Arrived:
    """The session contains the message."""


Step = str | Waiting | Arrived


@dataclass(frozen=True)
class Limits:
    """In seconds. Each limits silence, not work: a turn that runs may run as long as it likes."""

    # Until a message that the server accepted has to be in its session.
    arrival: float = 60.0
    # The same, if the request to accept it got no answer.
    unanswered_arrival: float = MAY_ARRIVE_FOR
    # From an error in the session until a message that is not in it counts as dropped: some errors are sent before it is stored.
    dropped: float = 3.0
    # Until the server is asked if no events arrive.
    quiet: float = 10.0
    # Until the server is asked again if it gave no answer.
    again: float = 1.0
    # Until a session that is idle without an answer is believed to stay so.
    doubt: float = 5.0
    # Until a server that went away during a turn is given up.
    away: float = 60.0


class PromptDelivery:
    """`handle` gets every signal of the server, from before `hand_over` on. `outcome` is None until the turn has ended.

    `warnings` are sentences on what could not be read of a turn that has ended. `is_absent`: when last asked, the session did not
    contain the message.
    """

    def __init__(
        self,
        server: SessionServer,
        session_id: str,
        turn: Turn,
        on_arrival: Callable[[], Awaitable[None]],
        clock: Callable[[], float],
        limits: Limits,
    ) -> None:
        self.turn = turn
        self.outcome: Outcome | None = None
        self.warnings: list[str] = []
        self._server = server
        self._session_id = session_id
        self._on_arrival = on_arrival
        self._clock = clock
        self._limits = limits
        self._directory = ""
        self._written_ms = 0
        self._error: ServerError | None = None
        self._why_dropped = ""
        self.is_absent = False
        self._arrives_by = clock() + limits.arrival
        self._next_check = clock() + limits.quiet
        self._doubted_at: float | None = None
        self._away_since: float | None = None

    def patience(self) -> float:
        """Return how long to wait for the next signal at most, in seconds."""
        ends = [self._next_check]
        ends += [] if self.turn.has_arrived else [self._arrives_by]
        ends += [] if self._doubted_at is None else [self._doubted_at + self._limits.doubt]
        return min(ends) - self._clock()

    async def hand_over(self, text: str, directory: str) -> None:
        """Have the server accept the prompt; `directory` is the session's. What became of it is seen later.

        Raises a ServerError if it refused it.
        """
        self._directory = directory
        try:
            await self._server.prompt(self._session_id, text, directory, self.turn.message_id)
        except (TimedOut, ServerDown) as error:
            # It may have arrived nevertheless: it is looked up, and never sent again.
            self._error = error
            self._arrives_by = self._clock() + self._limits.unanswered_arrival
            self._next_check = self._clock()
        else:
            self._arrives_by = self._clock() + self._limits.arrival
            self._next_check = self._clock() + self._limits.quiet

    def await_arrival(self, seconds: float) -> None:
        """Only look for a prompt that was handed over before and not seen to arrive: once, or for so many seconds."""
        self.turn.is_incomplete = True
        self._next_check = self._clock()
        self._arrives_by = self._next_check + min(max(seconds, 0), self._limits.dropped)

    async def handle(self, signal: Signal | Quiet) -> list[Step]:
        """Handle a signal and return the new steps. Raises NotTaken, or a ServerError once the turn can no longer be followed."""
        steps: list[Step] = []
        match signal:
            case ServerEvent() if signal.session_id == self._session_id:
                steps.append(self._handle_event(signal))
            case Gap(error):
                self.turn.is_incomplete = True
                self._fail(error)
            case Connected():
                self._away_since, self._next_check = None, self._clock()
        if isinstance(signal, ServerEvent) and signal.kind in _ASKS and await self._is_ours(signal.session_id):
            steps.append(Waiting(_ASKS[signal.kind]))
        if not self.turn.has_arrived:
            steps += await self._check_arrival()
        if self.turn.has_arrived:
            steps.append(await self._check_end())
        return [step for step in steps if step]

    def _handle_event(self, event: ServerEvent) -> str:
        change = change_of(event)
        if isinstance(change, TurnErrored) and not self.turn.has_arrived:
            self._why_dropped = change.error.sentence()
            self._arrives_by = min(self._arrives_by, self._clock() + self._limits.dropped)
        elif change and self.turn.has_arrived:
            self._next_check = self._clock() + self._limits.quiet
        return self.turn.handle(change) if change else ""

    async def _check_arrival(self) -> list[Step]:
        now = self._clock()
        if not self.turn.is_in_events and now < min(self._next_check, self._arrives_by):
            return []
        try:
            # A message is stored before its text is.
            held = await self._server.message(self._session_id, self.turn.message_id)
            is_there, self._written_ms = bool(held.text), held.facts.created_ms
        except SessionMissing:
            is_there, self.is_absent = False, True
        except ServerError as error:
            is_there, self.is_absent, self._error = False, False, error
        if is_there:
            try:
                await self._on_arrival()
            except StoreError as error:
                self.warnings.append(draft_stays(error.message))
            self.turn.has_arrived, self._error, self._away_since = True, None, None
            self._next_check = now + self._limits.quiet
            return [Arrived()]
        if now >= self._arrives_by:
            raise self._not_taken()
        self._next_check = self._clock() + self._limits.again
        return []

    def _not_taken(self) -> NotTaken:
        if self._why_dropped:
            return dropped(self._why_dropped)
        if self._error is not None:
            return arrival_unknown(self._error.message)
        return never_arrived(self._limits.arrival)

    async def _check_end(self) -> str:
        words = ""
        outcome, is_doubted = self.turn.outcome, self._is_doubted_enough()
        is_due = self._clock() >= self._next_check or is_doubted
        if is_due or (outcome and self.turn.is_incomplete):
            error, words = await self._ask()
            if error and outcome:
                self.warnings.append(end_unread(error.message))
            elif not error:
                outcome = self.turn.outcome or (self.turn.conclude() if is_doubted and self.turn.is_doubtful else None)
        self.outcome = outcome
        if outcome is None and self._away_since is not None and self._clock() >= self._away_since + self._limits.away:
            raise self._gone()
        return words

    def _is_doubted_enough(self) -> bool:
        if not self.turn.is_doubtful:
            self._doubted_at = None
            return False
        if self._doubted_at is None:
            self._doubted_at = self._clock()
        return self._clock() >= self._doubted_at + self._limits.doubt

    async def _ask(self) -> tuple[ServerError | None, str]:
        """Ask whether the session is busy, and read what is unknown of the turn. Returns the error, and the text that this
        adds to the reply."""
        self._next_check = self._clock() + self._limits.again
        try:
            if not self._directory:
                # By the session's own spelling of its folder: with another, the server reports nothing as busy.
                self._directory = (await self._server.session(self._session_id)).facts.directory
            is_idle = await self._server.activity(self._session_id, self._directory) is Activity.IDLE
            if is_idle or self.turn.is_incomplete:
                reading = await self._server.messages_from(self._session_id, self.turn.message_id, self._written_ms)
                words = self.turn.read(reading.messages, is_idle)
                if reading.unread:
                    self.warnings = [REPLY_INCOMPLETE]
            else:
                words = self.turn.read((), is_idle)
        except SessionMissing as error:
            raise SessionMissing(error.message, SESSION_DELETED) from error
        except ServerError as error:
            self._fail(error)
            return error, ""
        self._away_since = None
        self._next_check = self._clock() + self._limits.quiet
        return None, words

    def _fail(self, error: ServerError) -> None:
        self._error = error
        if self._away_since is None:
            self._away_since = self._clock()

    def _gone(self) -> ServerError:
        kind, message = (type(self._error), self._error.message) if self._error else (ServerDown, SERVER_WENT_AWAY)
        return kind(message, ANSWER_UNKNOWN)

    async def _is_ours(self, session_id: str | None) -> bool:
        """Whether it is the prompt's session, or one of its sub-agents'. If unknown, it is not."""
        seen: set[str] = set()
        while session_id and session_id != self._session_id and session_id not in seen:
            seen.add(session_id)
            try:
                session_id = (await self._server.session(session_id)).facts.parent_id
            except ServerError:
                return False
        return session_id == self._session_id
