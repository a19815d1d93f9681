"""The previews and refusals of remedies: moving a session or a thread, and repairing T3 Code's cursor."""

from __future__ import annotations

from t3tray.domain.remedy import Preview, Remedy
from t3tray.errors import Refused, UsageError

_NOTHING_TO_DO = "There is nothing to do."
_NOTHING_CHANGED = "Nothing was changed."
_WHOLE, _NO_FILE, _CAN_BE_UNDONE = "The whole conversation.", "No file is moved.", "This can be undone."
REPAIR_PERMISSION = "Let t3tray write this one line into T3 Code's database; a copy is made first"


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


def nothing_to_move() -> Refused:
    return Refused("This thread has no session that could be moved.")


def works_there_already(session_id: str, directory: str) -> Refused:
    return Refused(f"{session_id} works in {directory} already.", _NOTHING_TO_DO)


def is_there_already(directory: str) -> Refused:
    return Refused(f"The thread is in {directory} already.", _NOTHING_TO_DO)


def t3_code_places_it() -> Refused:
    """Only T3 Code can change the folder of its thread."""
    return Refused(
        "T3 Code says where this thread's folder is.",
        f"Tell T3 Code where the project is now; then “{Remedy.MOVE_SESSION}” brings the session there.",
    )


def folder_not_named() -> UsageError:
    return UsageError("Where is the folder now?", "Name it with --dir.")


def folder_doubted(doubt: str) -> Refused:
    return Refused(doubt, "If it is the right folder all the same, say so: --yes, or confirm it in the window.")


def another_project() -> Refused:
    return Refused(
        "OpenCode moves a session inside one project only, and that folder belongs to another.",
        f"“{Remedy.CARRY}” brings the conversation there in a new session.",
    )


def gone_before_move(session_id: str) -> Refused:
    return Refused(f"{session_id} does not exist any more, so it cannot be moved.", _NOTHING_CHANGED)


def cannot_move(lacking: str) -> Refused:
    """`lacking` is the sentence on what this version of OpenCode lacks."""
    return Refused(lacking, f"Bring OpenCode up to date with `opencode upgrade`. {_NOTHING_CHANGED}")


def doubt_not_told(target: str) -> str:
    """Git did not tell whether the folder is the same repository."""
    return f"Whether {target} is the same repository cannot be told: git does not tell."


def doubt_no_commits(target: str) -> str:
    return f"{target} is not a git repository with any commit, so it cannot be told whether it is the same folder."


def doubt_other_repository(target: str) -> str:
    return f"{target} is another repository than the one that the session worked in."


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


def repair_is_off() -> Refused:
    return Refused(
        "Writing into T3 Code's database is turned off.", "Turn it on with `t3tray settings t3_repair true`, then try again."
    )


def nothing_to_follow() -> Refused:
    return Refused("This thread is bound to no session that T3 Code could follow to.", f"Choose one: “{Remedy.BIND}”.")


def would_begin_anew(session_id: str) -> Refused:
    return Refused(f"There is no session {session_id} in OpenCode: T3 Code would begin a new, empty one.", _NOTHING_CHANGED)


def not_of_t3_code() -> Refused:
    return Refused("This thread is not one of T3 Code's.")


def named_already(session_id: str) -> Refused:
    return Refused(f"T3 Code's cursor names {session_id} already.", _NOTHING_TO_DO)
