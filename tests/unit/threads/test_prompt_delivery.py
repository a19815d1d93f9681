"""The delivery of a prompt: its message is looked up, its turn followed, and every silence ends. The clock is the test's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

import pytest

from t3tray.domain.evidence import Activity, MessageFacts, Role, SessionFacts
from t3tray.domain.pending_request import RequestKind
from t3tray.errors import NotTaken, ServerDown, ServerError, SessionMissing, StoreError, TimedOut, Unsupported
from t3tray.messages.sending import ARRIVED
from t3tray.opencode.events import Connected, Gap, Quiet, ServerEvent, Signal
from t3tray.opencode.message_reading import MessageReading
from t3tray.opencode.records import MessageRecord, SessionRecord
from t3tray.threads.prompt_delivery import Arrived, Limits, PromptDelivery, Step, Waiting
from t3tray.threads.session_server import SessionServer
from t3tray.threads.turn import Outcome, Turn
from tests.support.turn_events import (
    ASKED,
    BEGUN,
    BUSY,
    IDLE,
    OURS,
    SESSION,
    TEXT,
    Told,
    answer,
    error,
    events,
    message,
    part,
    read,
)

LIMITS = Limits()
ANSWERED = (message("msg_6", OURS, 6), part("msg_6", "It is late."), answer("msg_6", OURS, 6), IDLE)


@dataclass
class Server:
    """Has our message or not, is busy or not, and may fail."""

    holds: bool = False
    busy: bool = False
    reading: MessageReading = field(default_factory=lambda: MessageReading(()))
    fails: ServerError | None = None
    loses_answer: bool = False
    prompts: int = 0
    asked: int = 0

    async def prompt(self, session_id: str, text: str, directory: str, message_id: str = "") -> None:
        self.prompts += 1
        if self.loses_answer:
            raise TimedOut("No answer in time.")

    async def message(self, session_id: str, message_id: str) -> MessageRecord:
        self._fail()
        if not self.holds:
            raise SessionMissing("Message not found.")
        return MessageRecord(MessageFacts(message_id, Role.USER, 5, True), session_id, text=TEXT)

    async def session(self, session_id: str) -> SessionRecord:
        self._fail()
        return SessionRecord(
            SessionFacts(session_id, "/work", "", 1, 1, parent_id=SESSION if session_id == "ses_child" else None)
        )

    async def activity(self, session_id: str, directory: str) -> Activity:
        self.asked += 1
        self._fail()
        return Activity.BUSY if self.busy else Activity.IDLE

    async def messages_from(self, session_id: str, message_id: str, written_ms: int) -> MessageReading:
        self._fail()
        return self.reading

    def _fail(self) -> None:
        if self.fails:
            raise self.fails


class Play:
    """One delivery, and its time in seconds."""

    def __init__(self, server: Server, on_arrival: StoreError | None = None) -> None:
        self.now = 0.0
        self.server = server
        self.said = ""
        self.arrived = False
        self.waits: list[RequestKind] = []
        self._on_arrival = on_arrival
        requests = cast(SessionServer, server)
        self.exchange = PromptDelivery(requests, SESSION, Turn(OURS, TEXT), self._put_away, lambda: self.now, LIMITS)

    async def _put_away(self) -> None:
        if self._on_arrival:
            raise self._on_arrival

    async def hand_over(self) -> None:
        await self.exchange.hand_over(TEXT, "/work")

    async def handle(self, *signals: Signal | Quiet) -> None:
        for signal in signals:
            for step in await self.exchange.handle(signal):
                self._take(step)

    async def told(self, told: Iterable[Told]) -> None:
        await self.handle(*events(told))

    async def wait(self, seconds: float) -> None:
        """Let that much time pass without any event; the delivery's own requests are answered."""
        end = self.now + seconds
        while self.now < end and self.exchange.outcome is None:
            self.now = min(self.now + max(self.exchange.patience(), 0.01), end)
            await self.handle(Quiet())

    def _take(self, step: Step) -> None:
        match step:
            case str():
                self.said += step
            case Waiting(what):
                self.waits.append(what)
            case Arrived():
                assert not self.arrived
                self.arrived = True


async def begun(server: Server | None = None) -> Play:
    """Return a delivery that was accepted and has arrived; the session is busy."""
    play = Play(server or Server())
    await play.hand_over()
    play.server.holds = True
    await play.told(BEGUN)
    assert play.arrived
    return play


async def test_it_is_believed_sent_when_the_session_holds_it_and_over_when_answered() -> None:
    play = Play(Server())
    await play.hand_over()
    await play.told([message(OURS)])
    assert not play.arrived, "its text is not there yet"
    play.server.holds = True
    await play.told([*ASKED[1:], BUSY])
    assert play.arrived and play.exchange.outcome is None
    await play.told(ANSWERED)
    assert (play.exchange.outcome, play.said, play.exchange.warnings) == (Outcome.ANSWERED, "It is late.", [])
    assert (play.server.prompts, play.server.asked) == (1, 0), "what was heard is not read again"


async def test_an_answer_that_is_lost_is_looked_up_and_nothing_is_sent_again() -> None:
    play = Play(Server(loses_answer=True, holds=True))
    await play.hand_over()
    await play.handle(Quiet())
    assert play.arrived and play.server.prompts == 1


async def test_what_nobody_answered_and_nobody_has_is_not_sent() -> None:
    play = Play(Server(loses_answer=True))
    await play.hand_over()
    with pytest.raises(NotTaken, match="not known whether the message arrived: No answer in time") as caught:
        await play.wait(LIMITS.unanswered_arrival + 1)
    assert "never sent twice" in (caught.value.hint or "")
    assert play.server.prompts == 1


async def test_a_message_that_is_dropped_is_told_in_opencodes_words() -> None:
    play = Play(Server())
    await play.hand_over()
    locked = "effect/sql/SqlError: Failed\n  at x {\n [cause]: SQLiteError: database is locked\n}}"
    await play.told([error("UnknownError", locked)])
    with pytest.raises(NotTaken, match=r"^OpenCode dropped the message: database is locked\.$") as caught:
        await play.wait(LIMITS.dropped + 1)
    assert "kept as the thread's draft" in (caught.value.hint or "")
    assert play.now <= LIMITS.dropped + LIMITS.again


async def test_an_error_before_it_arrives_may_be_of_something_else() -> None:
    play = Play(Server())
    await play.hand_over()
    await play.told([error("UnknownError", "File not found: /nowhere/notes.txt")])
    play.server.holds = True
    await play.told([*BEGUN, *ANSWERED])
    assert play.exchange.outcome is Outcome.ANSWERED


async def test_a_message_that_was_taken_and_is_nowhere_is_given_up() -> None:
    play = Play(Server())
    await play.hand_over()
    with pytest.raises(NotTaken, match="it is not in the session"):
        await play.wait(LIMITS.arrival + 1)


async def test_a_session_that_stays_idle_without_an_answer_is_unanswered() -> None:
    play = await begun()
    await play.told([IDLE])
    await play.wait(LIMITS.doubt - 1)
    assert (play.exchange.outcome, play.said) == (None, "")
    await play.wait(2)
    assert (play.exchange.outcome, play.server.asked) == (Outcome.UNANSWERED, 1)


async def test_a_turn_that_works_may_take_as_long_as_it_likes_and_is_asked_about() -> None:
    play = await begun(Server(busy=True))
    await play.wait(24 * 3600)
    assert (play.exchange.outcome, play.said) == (None, "")
    assert play.server.asked > 100
    play.server.busy, play.server.reading = False, MessageReading(read(ASKED, (answer("msg_6", OURS, 6), part("msg_6", "Done."))))
    await play.wait(LIMITS.quiet + 1)
    assert (play.exchange.outcome, play.said) == (Outcome.ANSWERED, "Done."), "its end was not heard"


async def test_a_server_that_went_away_is_waited_for_and_then_given_up() -> None:
    down = ServerDown("Nobody answers.")
    play = await begun()
    play.server.fails = down
    await play.handle(Gap(down))
    with pytest.raises(ServerDown, match="Nobody answers") as caught:
        await play.wait(LIMITS.away + LIMITS.quiet)
    assert (caught.value.hint or "").startswith(ARRIVED)


async def test_after_a_gap_only_what_was_missed_is_added() -> None:
    play = await begun()
    await play.told([message("msg_6", OURS, 6), part("msg_6", "It is ")])
    await play.handle(Gap(ServerDown("The stream broke.")))
    play.server.reading = MessageReading(read(ASKED, (answer("msg_6", OURS, 6), part("msg_6", "It is late."))))
    await play.handle(Connected())
    assert (play.exchange.outcome, play.said) == (Outcome.ANSWERED, "It is late.")


@pytest.mark.parametrize(
    "odd", [MessageReading(read(ASKED, (answer("msg_6", OURS, 6), part("msg_6", "x"))), unread=1), Unsupported("Odd.")]
)
async def test_what_cannot_be_read_back_of_a_good_reply_is_a_warning(odd: MessageReading | ServerError) -> None:
    play = await begun()
    await play.handle(Gap(ServerDown("The stream broke.")))
    if isinstance(odd, MessageReading):
        play.server.reading = odd
    else:
        play.server.fails = odd
    await play.told(ANSWERED)
    assert (play.exchange.outcome, play.said) == (Outcome.ANSWERED, "It is late.")
    assert len(play.exchange.warnings) == 1 and "may be incomplete" in play.exchange.warnings[0]


async def test_a_draft_that_cannot_be_put_away_is_a_warning() -> None:
    play = Play(Server(holds=True), StoreError("The disk is full."))
    await play.hand_over()
    await play.told([*BEGUN, *ANSWERED])
    assert (play.arrived, play.exchange.outcome) == (True, Outcome.ANSWERED)
    assert "The disk is full." in play.exchange.warnings[0]


async def test_what_asks_is_ours_when_it_is_of_our_session_or_a_sub_agents() -> None:
    play = await begun()
    for session in (SESSION, "ses_child", "ses_other"):
        await play.handle(ServerEvent("permission.asked", "", session, {}))
    assert play.waits == [RequestKind.APPROVAL, RequestKind.APPROVAL]


async def test_another_sessions_events_end_nothing() -> None:
    play = await begun()
    other = [ServerEvent(kind, "", "ses_other", properties) for kind, properties in (BUSY, *ANSWERED)]
    await play.handle(*other)
    assert (play.exchange.outcome, play.said) == (None, "")
