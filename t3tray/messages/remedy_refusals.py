"""Why a remedy is refused, and what to do instead; and what is doubted, as refusals and previews name it."""

from __future__ import annotations

from collections.abc import Sequence

from t3tray.domain.remedy import Remedy
from t3tray.domain.split import Candidate
from t3tray.domain.verdict import Verdict
from t3tray.errors import CannotTell, Refused, UsageError
from t3tray.messages.carries import counted
from t3tray.messages.verdicts import sentence

_NOTHING_TO_DO = "There is nothing to do."
_NOTHING_CHANGED = "Nothing was changed."
_NOT_OF_T3_CODE = "This thread is not one of T3 Code's."
_WHEN_IT_ANSWERS = f"{_NOTHING_CHANGED} Try again when OpenCode answers."


def thread_has_changed() -> Refused:
    """Its preview is out of date."""
    return Refused("The thread has changed since you looked.", "Look at what it would do now, and choose again.")


def changes_nothing(remedy: Remedy) -> UsageError:
    return UsageError(f"“{remedy}” changes nothing by itself.", "Resume the thread instead.")


def nothing_to_undo() -> Refused:
    return Refused("There is no remedy of this thread that could be undone.")


def server_cannot_tell(verdict: Verdict) -> CannotTell:
    return CannotTell(sentence(verdict), _WHEN_IT_ANSWERS)


def can_be_resumed(session_id: str | None) -> Refused:
    return Refused(
        f"{session_id} is there, and OpenCode's server can resume it: nothing needs mending.",
        "Resume the thread. To begin anew all the same, let go of its session first: “release”.",
    )


def would_go_back_to_nothing(session_id: str) -> Refused:
    return Refused(
        f"{session_id}, to which it would go back, does not exist any more: the thread would have no conversation.",
        f"{_NOTHING_CHANGED} “{Remedy.BIND}” chooses one of the sessions that are there.",
    )


def may_be_gone(session_id: str, why: str) -> CannotTell:
    return CannotTell(f"Whether {session_id}, to which it would go back, is still there cannot be told: {why}", _WHEN_IT_ANSWERS)


def session_unreadable(session_id: str, why: str) -> CannotTell:
    return CannotTell(f"{session_id} cannot be looked at: {why}", f"{_NOTHING_CHANGED} Try again later.")


def no_session(session_id: str) -> Refused:
    return Refused(f"There is no session {session_id} in OpenCode.", _NOTHING_CHANGED)


def turn_runs(session_id: str) -> Refused:
    return Refused(f"A turn is running in {session_id}.", f"{_NOTHING_CHANGED} Try again when it is over.")


def bound_already(session_id: str) -> Refused:
    return Refused(f"This thread is already bound to {session_id}.", _NOTHING_TO_DO)


def nothing_to_release() -> Refused:
    return Refused("This thread has no session to let go of.")


def is_sub_agents(session_id: str, parent_id: str) -> Refused:
    return Refused(f"{session_id} is a sub-agent's session of {parent_id}.", "Choose that one instead.")


def works_elsewhere(session_id: str, works_in: str, directory: str) -> Refused:
    """`works_in` is the session's folder, `directory` the thread's."""
    return Refused(
        f"{session_id} works in {works_in}, this thread in {directory}.",
        f"Choose a session of the same folder, or “{Remedy.MOVE_SESSION}” for the one that it is bound to.",
    )


def is_another_threads(session_id: str, thread_id: str) -> Refused:
    return Refused(
        f"{session_id} is already bound to thread {thread_id}; a session belongs to one thread only.",
        "Release it from that thread first.",
    )


def session_not_named(choices: Sequence[Candidate]) -> Refused | UsageError:
    """`choices`, the fullest first, are not exactly one."""
    if not choices:
        return Refused("No other session of this thread is known that works in its folder.", "Name one with --session.")
    listed = "; ".join(f"{found.session_id} ({counted(found.messages)})" for found in choices)
    return UsageError("Which session?", f"Name one with --session. The fullest first: {listed}.")


def lack_unknown(session_id: str, doubt: str) -> CannotTell:
    return CannotTell(f"What {session_id} lacks cannot be told: {doubt}", _NOTHING_CHANGED)


def nothing_to_join(can_heal: bool) -> Refused:
    heal = f"“{Remedy.HEAL}” brings back what is in no session any more." if can_heal else None
    return Refused("There is nothing to join: no two sessions that hold a part of this conversation are there.", heal)


def no_other_part(session_id: str) -> Refused:
    return Refused(f"No other session holds a part of this conversation that {session_id} lacks.", "There is nothing to join.")


def nobody_has(session_id: str, lacks: str) -> Refused:
    return Refused(f"Nobody can bring back what {session_id} lacks: {lacks}.", "There is nothing to bring back.")


def holds_all(session_id: str, summarised: int) -> Refused:
    """`summarised`: number of messages of which the model gets only a summary."""
    how = f", {counted(summarised)} of it as a summary only" if summarised else ""
    return Refused(f"{session_id}, in which T3 Code goes on, holds all of this conversation{how}.", "There is nothing to heal.")


def heal_without_t3_code() -> Refused:
    return Refused(_NOT_OF_T3_CODE, f"“{Remedy.JOIN}” brings its sessions together.")


def t3_code_has_no_session() -> Refused:
    return Refused(
        "T3 Code goes on in no session yet: its next message makes a new one.",
        f"Send it there, then choose “{Remedy.HEAL}” again; or “{Remedy.CARRY}”, to go on here.",
    )


def t3_code_is_elsewhere(named: str, session_id: str) -> Refused:
    return Refused(f"T3 Code goes on in {named}, not in {session_id}.", f"“{Remedy.JOIN}” keeps any session.")


def revert_is_pending(session_id: str) -> Refused:
    return Refused(
        f"A revert is pending in {session_id}: a message would delete for good what it took back.",
        "Take the revert back in OpenCode, or send the next message, then try again.",
    )


def conversation_has_grown() -> Refused:
    """Its preview is out of date."""
    return Refused("The conversation has grown since you looked.", "Look at what would be carried now, and choose again.")


def no_copy() -> Refused:
    return Refused(
        "Nobody kept a copy of this conversation: it is in no session, not in the vault and not in T3 Code.",
        f"What is left is “{Remedy.START_AFRESH}”.",
    )


def nothing_to_fork() -> Refused:
    return Refused("This thread has no session that could be forked.")


def folder_unreadable(directory: str) -> Refused:
    return Refused(f"The folder {directory} cannot be looked at now.", "Make its disk available, or give yourself access to it.")


def no_folder(directory: str) -> Refused:
    return Refused(f"There is no folder {directory}.", f"Find it first: “{Remedy.RELOCATE}”.")


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


def repair_is_off() -> Refused:
    return Refused(
        "Writing into T3 Code's database is turned off.", "Turn it on with `t3tray settings t3_repair true`, then try again."
    )


def nothing_to_follow() -> Refused:
    return Refused("This thread is bound to no session that T3 Code could follow to.", f"Choose one: “{Remedy.BIND}”.")


def would_begin_anew(session_id: str) -> Refused:
    return Refused(f"There is no session {session_id} in OpenCode: T3 Code would begin a new, empty one.", _NOTHING_CHANGED)


def not_of_t3_code() -> Refused:
    return Refused(_NOT_OF_T3_CODE)


def named_already(session_id: str) -> Refused:
    return Refused(f"T3 Code's cursor names {session_id} already.", _NOTHING_TO_DO)


def doubt_other_messages(session_id: str) -> str:
    """The database may be another one than that of OpenCode's server."""
    return f"OpenCode's server has other messages in {session_id} than the database that t3tray reads."


def repository_unknown(target: str) -> str:
    """Git did not tell whether the folder is the same repository."""
    return f"Whether {target} is the same repository cannot be told: git does not tell."


def doubt_no_commits(target: str) -> str:
    return f"{target} is not a git repository with any commit, so it cannot be told whether it is the same folder."


def doubt_other_repository(target: str) -> str:
    return f"{target} is another repository than the one that the session worked in."
