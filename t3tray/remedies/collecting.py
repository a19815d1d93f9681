"""Collect a thread's conversation from every source of a part of it: sessions, our archive, T3 Code's own copy.

Used by every remedy that carries messages into a session, and by every preview that says what a session would lack. Runs in the
SQL thread. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from t3tray.domain.carries import Context
from t3tray.domain.handoff_prompt import summary_of
from t3tray.domain.journal import Event
from t3tray.domain.merging import lacking
from t3tray.domain.split import Candidate
from t3tray.domain.transcript import Message, Origin, Transcript
from t3tray.domain.verdict import Reason
from t3tray.errors import ServerError, SessionMissing
from t3tray.messages.carries import together, was_reverted
from t3tray.remedies.plan import Library, Tools
from t3tray.threads.snapshot import ThreadDetails

_EMPTIED = frozenset({Reason.EMPTY, Reason.HISTORY_LOST})


@dataclass(frozen=True)
class Collected:
    """What one session lacks of a conversation, oldest first, from `sources`. `held`: ids of its own messages. `context`: what
    the model gets of them. Messages that it has only a summary of do not count as lacking: a compaction is not undone."""

    messages: tuple[Message, ...]
    held: frozenset[str]
    context: Context
    sources: tuple[Transcript, ...]

    @property
    def summarised(self) -> int:
        """Number of messages of which the model gets only a summary."""
        return 0 if self.context.since_ms is None else self.context.before or 0

    @property
    def given(self) -> str:
        """What the model gets of the session itself, for people."""
        known = counted(self.context.messages)
        return f"{known} and a summary of the {self.context.before:,} before" if self.summarised else known

    @property
    def transcript(self) -> Transcript:
        """The lacking messages as a transcript, with the doubts about the sources that were used."""
        told = tuple(dict.fromkeys(line for source in self._used for line in source.missing))
        return Transcript(self._used[0].origin if self._used else Origin.OPENCODE, self.messages, missing=told)

    @property
    def origin(self) -> str:
        """The sources that were used, for people."""
        return " and ".join(dict.fromkeys(source.origin for source in self._used))

    @property
    def sessions(self) -> tuple[str, ...]:
        """The sessions that have, or had, some of it."""
        return tuple(dict.fromkeys(source.session_id for source in self._used if source.session_id))

    @property
    def _used(self) -> tuple[Transcript, ...]:
        taken = {each.id for each in self.messages}
        return tuple(source for source in self.sources if any(each.id in taken for each in source.messages))


def collect(tools: Tools, details: ThreadDetails, into: str | None) -> Collected:
    """Return what `into` lacks of the thread's conversation; None: all of it. Raises ServerError, SessionMissing for `into`.

    The user's decisions count: a dismissed session is not part of the thread, but what T3 Code shows is.
    """
    try:
        with tools.library() as library:
            known, context = _known(library, into) if into else ((), Context(0))
            told = tuple(_from_sessions(details, into, library))
    except ServerError:
        if into:
            raise
        # OpenCode's database is unreadable now: the copies are used without it.
        known, context, told = (), Context(0), ()
    copies = tuple(_copies(tools, details, {source.session_id for source in told}, into))
    shown = next(tools.copies(details.row.thread.id, None), None)
    sources = (*told, *copies, *((shown,) if shown else ()))
    sessions = [source.messages for source in (*told, *copies)]
    held = frozenset(each.id for each in known)
    return Collected(lacking(known, sessions, shown.messages if shown else ()), held, context, sources)


def _known(library: Library, session_id: str) -> tuple[tuple[Message, ...], Context]:
    """Return the session's messages that reach the model, at least in a summary, and what it gets of them."""
    taken_back = library.session(session_id).reverted_to
    context, held = library.context(session_id, taken_back), library.messages(session_id)
    if taken_back is not None:
        held = tuple(each for each in held if each.id < taken_back)
    # Without a summary the older ones do not reach it at all.
    return held[context.before or 0 :] if context.since_ms is None else held, context


def losses(tools: Tools, details: ThreadDetails, session_id: str, doubt: str = "") -> tuple[str, ...]:
    """Return what the model would not know of this conversation with that session, in lines for people; empty if nothing.

    `doubt`: why OpenCode's database is not believed about it, a sentence.
    """
    if doubt:
        return (f"What the model would not know cannot be told now: {doubt}",)
    try:
        collected = collect(tools, details, session_id)
    except SessionMissing:
        return (f"{session_id} does not exist any more: the model would know nothing of this conversation.",)
    except ServerError as error:
        return (f"What the model would not know cannot be told now: {error.message}",)
    lines = [f"Of {counted(collected.summarised)} of {session_id} the model would get a summary only."]
    lines = lines if collected.summarised else []
    if count := len(collected.messages):
        what = f"{counted(count)} of this conversation"
        lines += [f"The model would not know {what}, which {collected.origin} has:", *indented(collected.messages)]
    return tuple(lines)


def left_out(tools: Tools, details: ThreadDetails, session_id: str, doubt: str = "") -> str:
    """Return what that session lacks of the conversation when it is chosen now: a clause that its cursor keeps. `doubt` as in
    `losses`."""
    when = f"when this session was chosen on {tools.now().astimezone():%Y-%m-%d}"
    unknown = f"how much of this conversation was left out {when} could not be told"
    if doubt:
        return unknown
    try:
        count = len(collect(tools, details, session_id).messages)
    except SessionMissing:
        return ""  # reported as missing
    except ServerError:
        return unknown
    before = next(
        (each.cursor.lacks for each in reversed(details.journal) if each.cursor and each.cursor.session_id == session_id), ""
    )
    if not count:
        return before
    what = "1 message of this conversation was" if count == 1 else f"{count:,} messages of this conversation were"
    return together(f"{what} left out {when}", before if was_reverted(before) else "")


def indented(messages: Sequence[Message]) -> tuple[str, ...]:
    """Return the first words of some messages, indented below the line that introduces them."""
    return tuple(f"  {line}" for line in summary_of(messages))


def other_sessions(details: ThreadDetails, session_id: str | None) -> tuple[str, ...]:
    """Return the thread's other existing sessions that may contain what this one lacks."""
    here = next((found for found in details.candidates if found.session_id == session_id and found.exists), None)
    return tuple(
        found.session_id
        for found in _own(details)
        if found.exists and found.session_id != session_id and not (here and found.is_contained_in(here))
    )


def _own(details: ThreadDetails) -> Iterable[Candidate]:
    """Return the sessions that were the thread's own, without sub-agents' and dismissed ones; the bound one is always
    included."""
    gone = details.put_away - _still_needed(details)
    return (
        found
        for found in details.candidates
        if not found.parent_id and (found.session_id not in gone or found.session_id == details.row.session_id)
    )


def _still_needed(details: ThreadDetails) -> frozenset[str]:
    """Return the sessions dismissed for the bound one, as long as that one lacks something of the conversation."""
    if details.cursor is None or not details.cursor.lacks:
        return frozenset()
    bound = details.cursor.session_id
    return frozenset(
        entry.session_id
        for entry in details.journal
        if entry.event is Event.PUT_AWAY and entry.session_id and entry.deed and entry.deed.session_id == bound
    )


def _from_sessions(details: ThreadDetails, into: str | None, library: Library) -> Iterator[Transcript]:
    for name in other_sessions(details, into):
        # Gone since the search: there may be a copy.
        with suppress(SessionMissing):
            library.session(name)
            yield Transcript(Origin.OPENCODE, library.messages(name), name)


def _copies(tools: Tools, details: ThreadDetails, told: Collection[str | None], into: str | None) -> Iterator[Transcript]:
    """Yield the archive's copies of sessions that are gone or were emptied; what was reverted away in another stays away."""
    row = details.row
    for found in _own(details):
        emptied = found.session_id == row.session_id and row.verdict.reason in _EMPTIED
        is_gone = found.session_id not in told and found.session_id != into and found.exists is not True
        if is_gone or emptied:
            kept = (each for each in tools.copies(row.thread.id, found.session_id) if each.origin is Origin.VAULT)
            yield from islice(kept, 1)


def counted(count: int) -> str:
    """Return the number with the word "message" or "messages"."""
    return f"{count:,} message{'' if count == 1 else 's'}"
