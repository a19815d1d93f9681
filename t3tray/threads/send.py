"""Send a message in a thread (rule 2): only to the live binding's session, and only after a fresh verdict *resumable*.

If it is refused or does not arrive, its text stays as the thread's draft. Never creates a session.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta

from t3tray.domain.journal import TURN_OF_OURS, Actor
from t3tray.domain.times import from_ms, local
from t3tray.domain.transcript import Prompt
from t3tray.domain.verdict import Kind
from t3tray.domain.verification import Verification
from t3tray.errors import NotTaken, OurBug, Refused, ServerError, SessionMissing, StoreError
from t3tray.messages.receipts import T3_WORKS
from t3tray.messages.sending import (
    ANSWERED_TOGETHER,
    HAD_ARRIVED,
    KEPT_AS_DRAFT,
    LOOK_THEN_SEND,
    TAKE_REVERT_BACK,
    dated_ahead,
    proof_not_renewed,
    thread_left,
    turn_broken_off,
    turn_failed,
    turn_stopped,
    unanswered,
)
from t3tray.messages.verdicts import sentence
from t3tray.opencode.events import Connected, Gap, with_pauses
from t3tray.opencode.message_ids import MessageIds, time_for
from t3tray.store.store import Store
from t3tray.system.intent_ids import IntentIds
from t3tray.system.sql_thread import SqlThread
from t3tray.threads.prompt_delivery import Arrived, Limits, PromptDelivery, Waiting
from t3tray.threads.session_server import SessionServer
from t3tray.threads.turn import Outcome, Turn
from t3tray.threads.verify import NotResumable, Verifier

# A clock other than the server's may be a little behind it.
_AHEAD = timedelta(seconds=5)
_LIMITS = Limits()


@dataclass(frozen=True)
class Warned:
    """A warning for the sender, as a sentence."""

    what: str


@dataclass(frozen=True)
class Sent:
    """The session contains the message that was sent after this verification."""

    verification: Verification


Step = str | Waiting | Warned | Sent


class RevertPending(Refused):
    """Raised if the message would make a revert final. Nothing was sent; the text is the thread's draft."""

    title = "A revert is pending in this session"


class MessageSender:
    """Sends prompts and follows their turns."""

    def __init__(
        self,
        store: Store,
        run_sql: SqlThread,
        verifier: Verifier,
        now: Callable[[], datetime],
        author: IntentIds,
        ids: MessageIds | None = None,
        clock: Callable[[], float] = time.monotonic,
        limits: Limits = _LIMITS,
    ) -> None:
        """`ids` makes the ids of the messages; by default from the system's randomness."""
        self._store = store
        self._run_sql = run_sql
        self._verifier = verifier
        self._now = now
        self._author = author
        self._ids = ids or MessageIds(random.SystemRandom(), store.id)
        self._clock = clock
        self._limits = limits

    async def send(self, thread_id: str, text: str, server: SessionServer, despite_others: bool = False) -> Verification:
        """Verify, then prompt; returns once the session contains the message. `despite_others` as in `Verifier.verify`.

        Raises NotResumable, RevertPending, NotTaken or a ServerError; the text is then the thread's draft.
        """
        async with aclosing(self._deliver(thread_id, text, server, despite_others)) as steps:
            async for step in steps:
                if isinstance(step, Sent):
                    return step.verification
        raise OurBug("A prompt came to no end.")

    async def converse(
        self, thread_id: str, text: str, server: SessionServer, despite_others: bool = False
    ) -> AsyncGenerator[Step, None]:
        """Send, report when it is sent, yield the reply's text as it comes until the turn is over, then renew the proof.

        Raises what `send` raises; TurnFailed if the turn failed, Unanswered if there was none.
        """
        async with aclosing(self._deliver(thread_id, text, server, despite_others)) as steps:
            async for step in steps:
                if isinstance(step, Sent) and step.verification.t3_works:
                    yield Warned(T3_WORKS)
                yield step

    async def settle(self, thread_id: str, server: SessionServer) -> None:
        """Look up prompts that were handed over and not seen to arrive: one that has arrived is no longer a draft. Raises a
        ServerError."""
        for prompt in await self._run_sql(self._store.prompts.of, thread_id):
            try:
                arrived = bool((await server.message(prompt.session_id, prompt.message_id)).text)
            except SessionMissing:
                arrived = False
            if arrived:
                await self._run_sql(self._put_away, prompt)
            elif not self._may_arrive(prompt):
                await self._run_sql(self._store.prompts.forget, prompt.message_id)

    async def _deliver(
        self, thread_id: str, text: str, server: SessionServer, despite_others: bool
    ) -> AsyncGenerator[Step, None]:
        delivery: PromptDelivery | None = None
        verification: Verification | None = None
        earlier: Prompt | None = None
        # The stream is open before anything is sent, so that nothing of the turn is missed.
        patience = lambda: delivery.patience() if delivery else self._limits.quiet  # noqa: E731
        async with aclosing(with_pauses(server.events().events(), patience)) as signals:
            async for signal in signals:
                if delivery is None or verification is None:
                    if isinstance(signal, Gap):
                        await self._verify(thread_id, text, server)
                        raise signal.error
                    if not isinstance(signal, Connected):
                        continue
                    verification = await self._verify(thread_id, text, server, despite_others)
                    earlier = await self._earlier(verification, text)
                    delivery = self._awaiting(earlier, server) if earlier else await self._hand_over(verification, text, server)
                try:
                    steps = await delivery.handle(signal)
                except NotTaken:
                    if earlier is None or not delivery.is_absent:
                        raise
                    # It cannot arrive any more.
                    await self._run_sql(self._store.prompts.forget, earlier.message_id)
                    earlier, delivery = None, await self._hand_over(verification, text, server)
                    continue
                for step in steps:
                    yield Sent(verification) if isinstance(step, Arrived) else step
                    if isinstance(step, Arrived) and earlier:
                        yield Warned(HAD_ARRIVED)
                if delivery.outcome:
                    break
        if delivery and verification:
            async for warning in self._end(verification, delivery, server):
                yield warning

    async def _earlier(self, verification: Verification, text: str) -> Prompt | None:
        """Return the same message if it was handed over before and not seen to arrive."""
        prompts = await self._run_sql(self._store.prompts.of, verification.thread.id)
        return next((p for p in prompts if (p.text, p.session_id) == (text, verification.session_id)), None)

    def _may_arrive(self, prompt: Prompt) -> bool:
        return self._time_left(prompt) > 0

    def _time_left(self, prompt: Prompt) -> float:
        """Return for how many seconds it may still arrive, unless the clock was set meanwhile."""
        return self._limits.unanswered_arrival - (self._now() - prompt.at).total_seconds()

    def _awaiting(self, prompt: Prompt, server: SessionServer) -> PromptDelivery:
        delivery = self._prepared(prompt, server)
        delivery.await_arrival(self._time_left(prompt))
        return delivery

    async def _hand_over(self, verification: Verification, text: str, server: SessionServer) -> PromptDelivery:
        session_id = verification.session_id or ""
        session, at_ms = await asyncio.gather(server.session(session_id), self._time_for(session_id, server))
        prompt = Prompt(self._ids.next(at_ms), verification.thread.id, session_id, text, self._now())
        await self._run_sql(self._store.prompts.add, prompt, self._author.is_at_work, LOOK_THEN_SEND)
        delivery = self._prepared(prompt, server)
        await delivery.hand_over(text, session.facts.directory)
        return delivery

    def _prepared(self, prompt: Prompt, server: SessionServer) -> PromptDelivery:
        async def put_away() -> None:
            await self._run_sql(self._put_away, prompt)

        return PromptDelivery(
            server, prompt.session_id, Turn(prompt.message_id, prompt.text), put_away, self._clock, self._limits
        )

    async def _time_for(self, session_id: str, server: SessionServer) -> int:
        """Return the message's creation time in ms, by a clock that is the server's too. Raises NotTaken.

        OpenCode answers the newest message: if one is dated later than now it would store ours and ask no model.
        """
        now = self._now()
        page = await server.messages(session_id, 1)
        newest_ms = page.messages[-1].facts.created_ms if page.messages else None
        theirs = now if page.server_time_ms is None else from_ms(page.server_time_ms)
        written = theirs if newest_ms is None else from_ms(newest_ms)
        if written > theirs + _AHEAD:
            raise dated_ahead(f"{local(written):%Y-%m-%d %H:%M}")
        return time_for(int(now.timestamp() * 1000), page.server_time_ms, newest_ms)

    async def _verify(self, thread_id: str, text: str, server: SessionServer, despite_others: bool = False) -> Verification:
        """Store the text as the draft, then return a fresh verdict that allows a prompt."""
        thread = await self._run_sql(self._store.threads.find, thread_id)
        await self._run_sql(self._store.threads.save_draft, thread.id, text)
        verification = await self._verifier.verify(thread.id, server, despite_others)
        if verification.verdict.kind is not Kind.RESUMABLE or verification.session_id is None:
            raise NotResumable(verification, KEPT_AS_DRAFT)
        if not despite_others and verification.reverting:
            raise RevertPending(sentence(verification.verdict), TAKE_REVERT_BACK)
        return verification

    async def _end(
        self, verification: Verification, delivery: PromptDelivery, server: SessionServer
    ) -> AsyncGenerator[str | Warned, None]:
        """Renew the proof and report how the turn ended. What cannot be read of an answered turn is only a warning."""
        turn, warnings = delivery.turn, list(delivery.warnings)
        try:
            bound = (await self._run_sql(self._store.journal.binding, verification.thread.id)).cursor
            if bound is None or bound.session_id != verification.session_id:
                # A remedy that left the session was chosen while the model answered.
                yield Warned(thread_left(verification.session_id))
            else:
                await self._verifier.renew(verification.thread.id, server, Actor.TURN, TURN_OF_OURS)
            await self._run_sql(self._store.threads.touch, verification.thread.id, self._now())
        except (ServerError, StoreError) as error:
            warnings.append(proof_not_renewed(error.message))
        if delivery.outcome is Outcome.TOGETHER:
            yield Warned(ANSWERED_TOGETHER)
            yield turn.others_reply
        for warning in warnings:
            yield Warned(warning)
        match delivery.outcome:
            case Outcome.FAILED:
                raise turn_failed(turn.error)
            case Outcome.STOPPED:
                raise turn_stopped()
            case Outcome.BROKEN_OFF:
                raise turn_broken_off()
            case Outcome.UNANSWERED:
                raise unanswered(turn.error)

    def _put_away(self, prompt: Prompt) -> None:
        """Remove the prompt from the draft: its session contains it. If killed between two steps, this is repeated the next
        time."""
        thread = self._store.threads.find(prompt.thread_id)
        self._store.threads.set_draft(thread.id, without(thread.draft, prompt.text))
        self._store.threads.touch(thread.id, self._now())
        self._store.prompts.forget(prompt.message_id)


def without(draft: str, sent: str) -> str:
    """Return the draft without the message that was sent, wherever it is a paragraph of its own."""
    kept = f"\n\n{draft}\n\n".replace(f"\n\n{sent}\n\n", "\n\n", 1)
    return kept.strip("\n")
