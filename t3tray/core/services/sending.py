"""Sending a message in a thread, under rule 2: only to the live binding's session, only after a fresh verdict *resumable*.

What is refused keeps the text as the thread's draft. It never creates a session.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import datetime

from t3tray.core.domain.evidence import Activity, Role
from t3tray.core.domain.journal import Actor
from t3tray.core.domain.receipt import REVERT_PENDING, T3_WORKS
from t3tray.core.domain.sentences import sentence
from t3tray.core.domain.verdict import Kind
from t3tray.core.errors import Refused, ServerError, TurnFailed
from t3tray.core.opencode.events import Connected, EventStream, Gap, ServerEvent
from t3tray.core.opencode.wire import MessageRecord
from t3tray.core.services.ports import SessionServer
from t3tray.core.services.resume import NotResumable, Resume
from t3tray.core.services.views import Resumption
from t3tray.core.store.store import Store
from t3tray.core.system.serial import SerialExecutor

KEPT_AS_DRAFT = "Nothing was sent; the text is kept as the thread's draft."
_ASKS = {
    "permission.asked": "The agent asks for a permission.",
    "question.asked": "The agent asks a question.",
}


@dataclass(frozen=True)
class Waiting:
    """The turn goes on only after somebody answered; `what` says it in a sentence."""

    what: str


@dataclass(frozen=True)
class Warned:
    """Something that whoever sends should know, in a sentence."""

    what: str


@dataclass
class _Reply:
    """The reply as far as it has been heard: which parts are text of an assistant's message, and what was passed on."""

    known_tail: str
    roles: dict[str, str] = field(default_factory=dict)
    text_parts: set[str] = field(default_factory=set)
    passed_on: str = ""
    over: bool = False

    def hear(self, event: ServerEvent) -> str:
        """What this event adds to the reply's text."""
        properties = event.properties
        match event.kind:
            case "message.updated":
                info = properties.get("info")
                if isinstance(info, dict):
                    self.roles[str(info.get("id"))] = str(info.get("role"))
            case "message.part.updated":
                part = properties.get("part")
                if isinstance(part, dict) and part.get("type") == "text":
                    self.text_parts.add(str(part.get("id")))
            case "message.part.delta":
                return self._delta(properties)
            case "session.idle":
                self.over = True
        return ""

    def _delta(self, properties: dict[str, object]) -> str:
        message_id = str(properties.get("messageID"))
        mine = message_id > self.known_tail and self.roles.get(message_id) == Role.ASSISTANT
        if not mine or str(properties.get("partID")) not in self.text_parts or properties.get("field") != "text":
            return ""
        delta = str(properties.get("delta") or "")
        self.passed_on += delta
        return delta


class RevertPending(Refused):
    """The message would make a revert final; nothing was sent, and the text is the thread's draft."""

    title = "A revert is pending in this session"


class Sending:
    """Sends prompts and follows their turns."""

    def __init__(self, store: Store, run_sql: SerialExecutor, resume: Resume, now: Callable[[], datetime]) -> None:
        self._store = store
        self._run_sql = run_sql
        self._resume = resume
        self._now = now

    async def send(self, thread_id: str, text: str, server: SessionServer, despite_others: bool = False) -> Resumption:
        """Verify, then prompt; returns as soon as the server has taken the message. `despite_others` as in `Resume.resume`.

        Raises NotResumable, RevertPending, or a ServerError; the text is then the thread's draft.
        """
        resumption = await self._verify(thread_id, text, server, despite_others)
        await server.prompt(resumption.session_id or "", text)
        await self._run_sql(self._sent, resumption.thread.id, text)
        return resumption

    async def converse(
        self, thread_id: str, text: str, server: SessionServer, stream: EventStream, despite_others: bool = False
    ) -> AsyncGenerator[str | Waiting | Warned, None]:
        """Send, and give the reply's text as it comes until the turn is over; then renew the proof.

        Raises what `send` raises, and TurnFailed when the model's answer is an error.
        """
        reply: _Reply | None = None
        resumption: Resumption | None = None
        events = stream.events()
        try:
            async for signal in events:
                if resumption is None or reply is None:
                    if isinstance(signal, Gap):
                        await self._verify(thread_id, text, server)
                        raise signal.error
                    reply = _Reply(await self._tail(thread_id, server))
                    resumption = await self.send(thread_id, text, server, despite_others)
                    if T3_WORKS in resumption.receipt.notes:
                        yield Warned(T3_WORKS)
                elif isinstance(signal, Gap | Connected):
                    reply.over = await self._is_idle(resumption, server)
                elif signal.kind in _ASKS and await self._is_ours(signal.session_id, resumption, server):
                    yield Waiting(_ASKS[signal.kind])
                elif signal.session_id == resumption.session_id:
                    yield reply.hear(signal)
                if reply.over:
                    break
        finally:
            await events.aclose()
        if reply and resumption and resumption.session_id:
            yield await self._end(resumption, reply, server)

    async def _verify(self, thread_id: str, text: str, server: SessionServer, despite_others: bool = False) -> Resumption:
        """A fresh verdict that allows a prompt, the text being safe as a draft before anything is asked."""
        thread = await self._run_sql(self._store.threads.find, thread_id)
        await self._run_sql(self._store.threads.keep_draft, thread.id, text)
        resumption = await self._resume.resume(thread.id, server, despite_others)
        if resumption.verdict.kind is not Kind.RESUMABLE or resumption.session_id is None:
            raise NotResumable(resumption, KEPT_AS_DRAFT)
        if not despite_others and any(note.startswith(REVERT_PENDING) for note in resumption.receipt.notes):
            raise RevertPending(
                f"{sentence(resumption.verdict)}", f"Take the revert back in OpenCode, or send it anyway. {KEPT_AS_DRAFT}"
            )
        return resumption

    async def _tail(self, thread_id: str, server: SessionServer) -> str:
        thread = await self._run_sql(self._store.threads.find, thread_id)
        cursor = (await self._run_sql(self._store.journal.binding, thread.id)).cursor
        if cursor is None:
            return ""
        try:
            newest = (await server.messages(cursor.session_id, 1)).messages
        except ServerError:
            # The verdict that `send` takes next says what is wrong, in its own words.
            return ""
        return newest[-1].facts.id if newest else ""

    async def _is_idle(self, resumption: Resumption, server: SessionServer) -> bool:
        """Around a gap in the events the turn may have ended unheard. Raises a ServerError when nobody can tell."""
        session_id = resumption.session_id or ""
        # By the session's own spelling of its folder: by another, nothing is ever busy.
        activity = await server.activity(session_id, (await server.session(session_id)).facts.directory)
        return activity is Activity.IDLE

    async def _is_ours(self, session_id: str | None, resumption: Resumption, server: SessionServer) -> bool:
        """Whether it is the thread's session, or one of its sub-agents'. What cannot be told is not this thread's."""
        seen: set[str] = set()
        while session_id and session_id != resumption.session_id and session_id not in seen:
            seen.add(session_id)
            try:
                session_id = (await server.session(session_id)).facts.parent_id
            except ServerError:
                return False
        return session_id is not None and session_id == resumption.session_id

    async def _end(self, resumption: Resumption, reply: _Reply, server: SessionServer) -> str:
        """Whatever the events did not bring, read from the server; and the proof of what is there now."""
        session_id = resumption.session_id or ""
        page = await server.messages(session_id, 100)
        answers = [m for m in page.messages if m.facts.id > reply.known_tail and m.facts.role is Role.ASSISTANT]
        await self._resume.renew(resumption.thread.id, server, Actor.TURN, "the turn ended")
        await self._run_sql(self._store.threads.touch, resumption.thread.id, self._now())
        failed = next((m.error for m in answers if m.error), None)
        if failed:
            raise TurnFailed(f"The model did not answer: {failed}", "The message is in the conversation; send again to go on.")
        return _rest(answers, reply.passed_on)

    def _sent(self, thread_id: str, text: str) -> None:
        thread = self._store.threads.find(thread_id)
        self._store.threads.set_draft(thread_id, without(thread.draft, text))
        self._store.threads.touch(thread_id, self._now())


def without(draft: str, sent: str) -> str:
    """The draft without the message that was sent, wherever in it that stands by itself."""
    kept = f"\n\n{draft}\n\n".replace(f"\n\n{sent}\n\n", "\n\n", 1)
    return kept.strip("\n")


def _rest(answers: list[MessageRecord], passed_on: str) -> str:
    whole = "".join(message.text for message in answers)
    return whole.removeprefix(passed_on) if whole.startswith(passed_on) else ""
