"""The previews of remedies, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from t3tray.domain.handoff_prompt import Carried, summary_of
from t3tray.domain.merging import Brought, Collected
from t3tray.domain.remedy import Preview, Remedy
from t3tray.domain.split import Candidate
from t3tray.domain.transcript import Message
from t3tray.domain.verdict import Verdict
from t3tray.messages.carries import counted
from t3tray.messages.verdicts import sentence

_WHOLE, _NO_FILE, _CAN_BE_UNDONE = "The whole conversation.", "No file is moved.", "This can be undone."
_OLD_BINDING = "The old binding stays in the history, and this can be undone."
_NOT_CARRIED = "What tools returned, and what the model thought, is not carried."
# Typed by the user before a thread starts from nothing.
AFRESH_WORD = "start afresh"
REPAIR_PERMISSION = "Let t3tray write this one line into T3 Code's database; a copy is made first"


def bind_preview(
    title: str,
    session_id: str,
    bound: str | None,
    now: Candidate | None,
    then: Candidate | None,
    added: Sequence[Message],
    rivals: Sequence[str],
    lost: tuple[str, ...],
) -> Preview:
    """`now` and `then` are the bound session and the one to bind to, as far as they are candidates; `now` only if it exists.

    `added`: messages that only the new one has. `rivals` no longer count as the thread's. `lost`: what the new one lacks.
    """
    gone = f"It is bound to {bound}, which does not exist any more." if bound else "It is bound to no session."
    after = _described(then) if then else (f"It is bound to {session_id}.",)
    if added:
        after = (*after, f"It knows {counted(len(added))} that {bound} does not:", *_first_words(added))
    kept = ["The binding of now stays in the history, and this can be undone."]
    if rivals:
        kept.append(f"{_are_left(rivals)} in OpenCode, and no longer part of this thread.")
    return Preview(
        Remedy.BIND,
        f"Bind “{title}” to {session_id}",
        "Bind to This Session",
        _described(now) if now else (gone,),
        after,
        tuple(kept),
        lost,
    )


def release_preview(title: str, session_id: str, verdict: Verdict | None) -> Preview:
    """`verdict`: the one by which the thread could be resumed in this session, else None."""
    return Preview(
        Remedy.RELEASE,
        f"Let “{title}” go of {session_id}",
        "Unbind the Session",
        (f"It is bound to {session_id}.",),
        ("It is bound to no session: it cannot be resumed until you bind it again.",),
        ("The session stays as it is in OpenCode.", "The binding stays in the history, and this can be undone."),
        (f"The session is there, and the thread could be resumed: {sentence(verdict)}",) if verdict else (),
    )


def undo_binding_preview(undone: Remedy, title: str, now: str | None, then: str | None, lost: tuple[str, ...]) -> Preview:
    """`now` and `then` are the bound sessions. `lost`: what `then` lacks."""
    return Preview(
        Remedy.UNDO,
        f"Undo “{undone}” of “{title}”",
        "Undo",
        (f"It is bound to {now or 'no session'}.",),
        (f"It is bound to {then or 'no session'} again.",),
        ("Both sessions stay as they are in OpenCode.",),
        lost,
    )


def undo_join_lines(session_id: str) -> tuple[str, str]:
    """Return what is added to the preview of undoing a join that carried a message: what will be, and what is lost."""
    return (
        f"The message that was carried into {session_id} is deleted from it.",
        "What that message tells: the model would know it no more, but for what a summary may hold of it.",
    )


def afresh_preview(title: str, bound: str | None, directory: str, left: Sequence[str]) -> Preview:
    """`left`: sessions that exist and are no longer the thread's."""
    return Preview(
        Remedy.START_AFRESH,
        f"Start “{title}” afresh",
        "Start Afresh",
        (f"It is bound to {bound or 'no session'}.",),
        (f"It is bound to a new, empty session in {directory}.",),
        (*_left(left), _OLD_BINDING),
        ("The model starts from nothing: it knows none of what is on the screen.",),
        AFRESH_WORD,
    )


def carry_preview(
    title: str, bound: str | None, directory: str, left: Sequence[str], doubts: Sequence[str], origin: str, packed: Carried
) -> Preview:
    """`left` as for `afresh_preview`; `doubts`: what the transcript from `origin` may lack, in sentences."""
    goes = f"{counted(packed.messages)} from {origin} {_go(packed)} in as one message of {len(packed.text):,} characters"
    return Preview(
        Remedy.CARRY,
        f"Carry the conversation of “{title}” into a new session",
        "Carry It Over",
        (f"It is bound to {bound or 'no session'}.",),
        (f"It is bound to a new session in {directory}.", f"{goes}, labelled as restored."),
        ("The word “restored” stays with the thread.", *_left(left), _OLD_BINDING),
        (*doubts, *((packed.cut,) if packed.cut else ()), _NOT_CARRIED),
    )


def _left(sessions: Sequence[str]) -> tuple[str, ...]:
    return (f"As they are in OpenCode, but this thread's no longer: {', '.join(sessions)}.",) if sessions else ()


def fork_preview(session_id: str, title: str, directory: str) -> Preview:
    """`title` is the session's."""
    return Preview(
        Remedy.FORK,
        f"Fork {session_id}",
        "Continue in a Fork",
        (f"It is bound to {session_id}, “{title}”.",),
        (f"It is bound to a copy of it, which OpenCode calls “{title} (fork #…)”, in {directory}.",),
        ("The session of now stays as it is, with whatever goes on in it.", _CAN_BE_UNDONE),
    )


def join_preview(
    remedy: Remedy, title: str, target: str, others: Mapping[str, int], brought: Brought, bound: str | None
) -> Preview:
    """Return the preview of a join or a heal. `others`: number of messages of each other session. `bound`: the session now."""
    collected, packed = brought.collected, brought.packed
    listed = ", ".join(others)
    # Several sessions are named below: "it" could be any of them.
    name = "the session that is kept" if remedy is Remedy.JOIN else "T3 Code's session"
    lacking = f"{name[:1].upper()}{name[1:]} lacks {counted(len(collected.messages))}, which {collected.origin} has:"
    lacks = (lacking, *_first_words(collected.messages)) if collected.messages else ()
    stays = f"Of {counted(collected.summarised)} in {target} the model has a summary only, and that stays so."
    lost = (
        *((packed.cut,) if packed.cut else ()),
        *((f"Not brought back: {brought.stays_lacking}.",) if brought.stays_lacking else ()),
        *((stays,) if collected.summarised else ()),
        *((*collected.transcript.missing, _NOT_CARRIED) if lacks else ()),
    )
    left = f"{_are_left(tuple(others))} in OpenCode; the history names {'it' if len(others) == 1 else 'them'}."
    kept = (left, _CAN_BE_UNDONE) if others else (_CAN_BE_UNDONE,)
    comes = (
        f"{counted(packed.messages)} {_go(packed)} into {name} as one message of"
        f" {len(packed.text):,} characters, labelled; the model does not answer it."
        if packed.messages
        else f"Nothing has to be carried: {name} holds {_held(brought)}."
    )
    was = bound or "no session"
    stays_bound = f"The thread stays bound to {target} here."
    moves = stays_bound if bound == target else f"The thread is bound to {target} here{f', no more to {bound}' if bound else ''}."
    holds = f"of which the model gets {_given(collected)}" if collected.summarised else f"which holds {_given(collected)}"
    before = (
        f"The thread is bound to {was} here.",
        *(f"{other} holds {counted(messages)}." for other, messages in others.items()),
        *lacks,
    )
    if remedy is Remedy.JOIN:
        first = f"{target} is kept, {holds}."
        return Preview(remedy, f"Join {listed} into {target}", "Merge", (first, *before), (comes, moves), kept, lost)
    first, heading = f"T3 Code goes on in {target}, {holds}.", f"Give T3 Code its memory of “{title}” back"
    goes = f"The next message carries it, typed in T3 Code or here: both go on in {target}. T3 Code may stay open."
    return Preview(remedy, heading, "Give T3 Code Its Memory Back", (first, *before), (comes, moves, goes), kept, lost)


def _go(packed: Carried) -> str:
    return "goes" if packed.messages == 1 else "go"


def _are_left(sessions: Sequence[str]) -> str:
    return f"{', '.join(sessions)} {'is left as it is' if len(sessions) == 1 else 'are left as they are'}"


def _given(collected: Collected) -> str:
    """Return what the model gets of the session itself."""
    known = counted(collected.context.messages)
    return f"{known} and a summary of the {collected.context.before:,} before" if collected.summarised else known


def _held(brought: Brought) -> str:
    """Return how much of the conversation the session contains if nothing has to be carried into it."""
    if brought.stays_lacking:
        return "all that anybody has"
    summarised = brought.collected.summarised
    return f"everything, {counted(summarised)} of it as a summary only" if summarised else "everything"


def losses_with(session_id: str, collected: Collected) -> tuple[str, ...]:
    """Return what the model would not know of the conversation with that session; empty if nothing."""
    lines = [f"Of {counted(collected.summarised)} of {session_id} the model would get a summary only."]
    lines = lines if collected.summarised else []
    if count := len(collected.messages):
        what = f"{counted(count)} of this conversation"
        lines += [f"The model would not know {what}, which {collected.origin} has:", *_first_words(collected.messages)]
    return tuple(lines)


def losses_unknown(why: str) -> tuple[str, ...]:
    """`why` is a sentence."""
    return (f"What the model would not know cannot be told now: {why}",)


def all_lost(session_id: str) -> tuple[str, ...]:
    return (f"{session_id} does not exist any more: the model would know nothing of this conversation.",)


def _described(found: Candidate) -> tuple[str, ...]:
    """Return what a session contains, in two lines; in one if that could not be read now."""
    if found.exists is None:
        return (f"{found.session_id}: unknown now what it contains",)
    return f"{found.session_id}: {counted(found.messages)}, {found.input_tokens:,} input tokens", f"in {found.directory}"


def _first_words(messages: Sequence[Message]) -> tuple[str, ...]:
    """Return the first words of some messages, indented below the line that introduces them."""
    return tuple(f"  {line}" for line in summary_of(messages))


def move_preview(session_id: str, works_in: str, directory: str) -> Preview:
    """`works_in` is the session's folder, `directory` the thread's."""
    return Preview(
        Remedy.MOVE_SESSION,
        f"Move {session_id} to {directory}",
        "Move the Session Here",
        (f"The thread is in {directory}.", f"Its session works in {works_in}."),
        (f"The session works in {directory}.",),
        ("The whole conversation, under the same session id.", _NO_FILE, _CAN_BE_UNDONE),
        ("What the agent changed in the other folder stays there.",),
    )


def relocate_preview(title: str, directory: str, works_in: str, target: str, doubt: str) -> Preview:
    """`works_in` is the session's folder, empty without a session. `doubt`: why `target` may be another folder, or empty."""
    return Preview(
        Remedy.RELOCATE,
        f"“{title}” is in {target} now",
        "Use This Folder",
        (f"The thread is in {directory}.", *((f"Its session works in {works_in}.",) if works_in else ())),
        (f"The thread is in {target}, and its session works there.",),
        (_WHOLE, _NO_FILE, _CAN_BE_UNDONE),
        (doubt,) if doubt else (),
    )


def undo_move_preview(undone: Remedy, title: str, works_in: str, directory: str) -> Preview:
    """`works_in` is the session's folder now, `directory` the one before."""
    return Preview(
        Remedy.UNDO,
        f"Undo “{undone}” of “{title}”",
        "Undo",
        (f"Its session works in {works_in}.",),
        (f"Its session works in {directory} again.",),
        (_WHOLE, _NO_FILE),
    )


def repair_preview(named: str | None, session_id: str, copies: str, lost: tuple[str, ...], permission: str) -> Preview:
    """`named` is the session in T3 Code's cursor now; `copies` the folder of the copy; `lost` what the session lacks."""
    return Preview(
        Remedy.REPAIR,
        "Let T3 Code go on in this thread's session",
        "Repair the Cursor",
        (f"T3 Code's own cursor names {named or 'no session'}.",),
        (f"It names {session_id}: the next message typed in T3 Code goes there.",),
        (f"A copy of T3 Code's whole database, in {copies}.", "Everything else in it.", _CAN_BE_UNDONE),
        lost,
        permission=permission,
    )


def undo_repair_preview(undone: Remedy, title: str, session_id: str) -> Preview:
    return Preview(
        Remedy.UNDO,
        f"Undo “{undone}” of “{title}”",
        "Undo",
        (f"T3 Code's own cursor names {session_id}.",),
        ("It is what it was before.",),
        ("A copy of T3 Code's whole database as it is now.",),
    )
