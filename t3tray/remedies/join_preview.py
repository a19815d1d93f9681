"""The preview of a join or a heal, and what will still be lacking. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from t3tray.domain.cursor import Cursor
from t3tray.domain.handoff_prompt import Carried
from t3tray.domain.journal import TURN_OF_OURS, Event, standing
from t3tray.domain.remedy import Preview, Remedy
from t3tray.domain.split import Candidate
from t3tray.domain.transcript import Origin
from t3tray.messages.carries import together, was_reverted
from t3tray.remedies.collecting import Collected, counted, indented
from t3tray.threads.snapshot import ThreadDetails

# Remedies after which the session contains what the others did, or its gaps are known.
_TAKES_OVER = frozenset({Remedy.FORK, Remedy.CARRY, Remedy.JOIN, Remedy.HEAL})


@dataclass(frozen=True)
class Brought:
    """What is brought into the session, packed as one message. `stays_lacking`: what no source has, a clause."""

    collected: Collected
    packed: Carried
    stays_lacking: str


def never_brought(details: ThreadDetails, old: Cursor | None, keep: str, collected: Collected) -> str:
    """Return what stays lacking although nothing is left out, a clause. T3 Code's copy has what was typed there, and nothing
    else."""
    lost, lacks = _sent_here_and_lost(details, keep, collected), old.lacks if old is not None else ""
    is_told = any(source.origin is Origin.T3CODE for source in collected.sources)
    is_unchanged = not collected.messages and old is not None and old.session_id == keep
    is_gone = was_reverted(lacks) or not collected.messages
    stays = lacks if lost or is_unchanged or (is_gone and not is_told) else ""
    return stays if lost in stays else together(stays, lost)


def _sent_here_and_lost(details: ThreadDetails, keep: str, collected: Collected) -> str:
    """Return a clause on turns sent by t3tray, which T3 Code never showed, whose answers no source has. The journal has the
    answers' ids."""
    asked = {found.session_id for found in details.candidates if found.exists} - {keep}
    sent: set[str | None] = set()
    for entry in standing(details.journal):
        if entry.event is Event.CONFIRMED and entry.deed is not None and entry.deed.remedy in _TAKES_OVER:
            sent.clear()
        elif entry.why == TURN_OF_OURS and entry.cursor is not None and entry.session_id not in asked:
            sent.add(entry.cursor.last_message_id)
    told = collected.held.union(each.id for source in collected.sources for each in source.messages)
    if not (lost := len(sent - told - {None})):
        return ""
    turns = "1 turn that was sent from t3tray is" if lost == 1 else f"{lost:,} turns that were sent from t3tray are"
    return f"{turns} not in it"


def join_preview(
    details: ThreadDetails, remedy: Remedy, keep: str, others: tuple[str, ...], brought: Brought, bound: Cursor | None
) -> Preview:
    collected, packed = brought.collected, brought.packed
    known = {found.session_id: found for found in details.candidates}
    listed = ", ".join(others)
    # Several sessions are named below: "it" could be any of them.
    name = "the session that is kept" if remedy is Remedy.JOIN else "T3 Code's session"
    lacking = f"{name[:1].upper()}{name[1:]} lacks {counted(len(collected.messages))}, which {collected.origin} has:"
    lacks = (lacking,) if collected.messages else ()
    stays = f"Of {counted(collected.summarised)} in {keep} the model has a summary only, and that stays so."
    lost = (
        *((packed.cut,) if packed.cut else ()),
        *((f"Not brought back: {brought.stays_lacking}.",) if brought.stays_lacking else ()),
        *((stays,) if collected.summarised else ()),
        *((*collected.transcript.missing, "What tools returned, and what the model thought, is not carried.") if lacks else ()),
    )
    kept = (*((f"{listed} is left as it is in OpenCode; the history names it.",) if others else ()), "This can be undone.")
    comes = (
        f"{counted(packed.messages)} {'goes' if packed.messages == 1 else 'go'} into {name} as one message of"
        f" {len(packed.text):,} characters, labelled; the model does not answer it."
        if packed.messages
        else f"Nothing has to be carried: {name} holds {_held(brought)}."
    )
    was = bound.session_id if bound else "no session"
    moves = f"The thread is bound to {keep} here, no more to {was}." if was != keep else f"The thread stays bound to {keep} here."
    holds = f"of which the model gets {collected.given}" if collected.summarised else f"which holds {collected.given}"
    before = (f"The thread is bound to {was} here.", *(_holding(known[name]) for name in others if name in known))
    if remedy is Remedy.JOIN:
        first, title, button = f"{keep} is kept, {holds}.", f"Join {listed} into {keep}", "Merge"
        after: tuple[str, ...] = (comes, moves)
    else:
        first, button = f"T3 Code goes on in {keep}, {holds}.", "Give T3 Code Its Memory Back"
        title = f"Give T3 Code its memory of “{details.row.thread.title}” back"
        goes = f"The next message carries it, typed in T3 Code or here: both go on in {keep}. T3 Code may stay open."
        after = (comes, moves, goes)
    return Preview(remedy, title, button, (first, *before, *lacks, *indented(collected.messages)), after, kept, lost)


def _holding(found: Candidate) -> str:
    return f"{found.session_id} holds {counted(found.messages)}."


def _held(brought: Brought) -> str:
    """Return how much of the conversation the session contains if nothing has to be carried into it."""
    if brought.stays_lacking:
        return "all that anybody has"
    summarised = brought.collected.summarised
    return f"everything, {summarised:,} messages of it as a summary only" if summarised else "everything"
