"""Collect a thread's conversation from every source of a part of it: sessions, our archive, T3 Code's own copy.

Used by every remedy that carries messages into a session, and by every preview that says what a session would lack. Runs in the
SQL thread. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from itertools import islice

from t3tray.domain.carries import Context
from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import TURN_OF_OURS, Event, standing
from t3tray.domain.merging import Collected, lacking
from t3tray.domain.remedy import Remedy
from t3tray.domain.split import Candidate
from t3tray.domain.transcript import Message, Origin, Transcript
from t3tray.domain.verdict import Reason
from t3tray.errors import ServerError, SessionMissing
from t3tray.messages.carries import left_out_at_choice, together, turns_lost, was_reverted
from t3tray.messages.remedy_previews import all_lost, losses_unknown, losses_with
from t3tray.remedies.plan import Library, Tools
from t3tray.threads.snapshot import ThreadDetails

_EMPTIED = frozenset({Reason.EMPTY, Reason.HISTORY_LOST})
# Remedies after which the session contains what the others did, or its gaps are known.
_TAKES_OVER = frozenset({Remedy.FORK, Remedy.CARRY, Remedy.JOIN, Remedy.HEAL})


def collect(tools: Tools, details: ThreadDetails, into: str | None) -> Collected:
    """Return what `into` lacks of the thread's conversation; None: all of it. Raises ServerError, SessionMissing for `into`.

    The user's decisions count: a dismissed session is not part of the thread, but what T3 Code shows is.
    """
    try:
        with tools.library() as library:
            known, context = _known(library, into) if into else ((), Context(0))
            parts = tuple(_from_sessions(details, into, library))
    except ServerError:
        if into:
            raise
        # OpenCode's database is unreadable now: the copies are used without it.
        known, context, parts = (), Context(0), ()
    copies = tuple(_copies(tools, details, {source.session_id for source in parts}, into))
    shown = next(tools.copies(details.row.thread.id, None), None)
    sources = (*parts, *copies, *((shown,) if shown else ()))
    sessions = [source.messages for source in (*parts, *copies)]
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
        return losses_unknown(doubt)
    try:
        return losses_with(session_id, collect(tools, details, session_id))
    except SessionMissing:
        return all_lost(session_id)
    except ServerError as error:
        return losses_unknown(error.message)


def left_out(tools: Tools, details: ThreadDetails, session_id: str, doubt: str = "") -> str:
    """Return what that session lacks of the conversation when it is chosen now: a clause that its cursor keeps. `doubt` as in
    `losses`."""
    today = tools.now().astimezone()
    if doubt:
        return left_out_at_choice(None, today)
    try:
        count = len(collect(tools, details, session_id).messages)
    except SessionMissing:
        return ""  # reported as missing
    except ServerError:
        return left_out_at_choice(None, today)
    before = next(
        (each.cursor.lacks for each in reversed(details.journal) if each.cursor and each.cursor.session_id == session_id), ""
    )
    if not count:
        return before
    return together(left_out_at_choice(count, today), before if was_reverted(before) else "")


def never_brought(details: ThreadDetails, old: Cursor | None, target: str, collected: Collected) -> str:
    """Return what stays lacking although nothing is left out, a clause. T3 Code's copy has what was typed there, and nothing
    else."""
    lost, lacks = _sent_here_and_lost(details, target, collected), old.lacks if old is not None else ""
    is_in_copy = any(source.origin is Origin.T3CODE for source in collected.sources)
    is_unchanged = not collected.messages and old is not None and old.session_id == target
    is_gone = was_reverted(lacks) or not collected.messages
    stays = lacks if lost or is_unchanged or (is_gone and not is_in_copy) else ""
    return stays if lost in stays else together(stays, lost)


def _sent_here_and_lost(details: ThreadDetails, target: str, collected: Collected) -> str:
    """Return a clause on turns sent by t3tray, which T3 Code never showed, whose answers no source has. The journal has the
    answers' ids."""
    asked = {found.session_id for found in details.candidates if found.exists} - {target}
    sent: set[str | None] = set()
    for entry in standing(details.journal):
        if entry.event is Event.CONFIRMED and entry.deed is not None and entry.deed.remedy in _TAKES_OVER:
            sent.clear()
        elif entry.why == TURN_OF_OURS and entry.cursor is not None and entry.session_id not in asked:
            sent.add(entry.cursor.last_message_id)
    included = collected.held.union(each.id for source in collected.sources for each in source.messages)
    lost = len(sent - included - {None})
    return turns_lost(lost) if lost else ""


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


def _copies(tools: Tools, details: ThreadDetails, included: Collection[str | None], into: str | None) -> Iterator[Transcript]:
    """Yield the archive's copies of sessions that are gone or were emptied; what was reverted away in another stays away."""
    row = details.row
    for found in _own(details):
        emptied = found.session_id == row.session_id and row.verdict.reason in _EMPTIED
        is_gone = found.session_id not in included and found.session_id != into and found.exists is not True
        if is_gone or emptied:
            kept = (each for each in tools.copies(row.thread.id, found.session_id) if each.origin is Origin.VAULT)
            yield from islice(kept, 1)
