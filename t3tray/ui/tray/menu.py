"""The tray's menu as plain values: what it says and what each entry does. Drawing it is `menu_drawing`'s. No PySide6 here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from t3tray.domain.pending_request import Answers, ApprovalRequest, PendingRequest, QuestionRequest, Reply
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.verdict import Kind
from t3tray.messages.notifications import is_read_at_a_glance, visible
from t3tray.threads.snapshot import Snapshot, ThreadRow
from t3tray.ui.labels import folder_name, guard_line, reaper_line, reaping, row_mark, server_line, shortened, side_note

RECENT = 10
# In characters.
_TITLE = 40
_ASK = 60
# How many of a kind stand in the menu; the window has them all.
_MOST = 12


class MenuAction(StrEnum):
    """What an entry does. RESUME, EXPLAIN and those from COPY_SESSION on are about the thread that the entry names, REPLY and
    ANSWER about its ask."""

    OPEN = "open"
    RESUME = "resume"
    EXPLAIN = "explain"
    NEW_THREAD = "new-thread"
    GUARD = "guard"
    START = "start"
    STOP = "stop"
    RESTART = "restart"
    SETTINGS = "settings"
    QUIT = "quit"
    QUIT_AND_STOP = "quit-and-stop"
    REPLY = "reply"
    ANSWER = "answer"
    COPY_SESSION = "copy-session"
    COPY_COMMAND = "copy-command"
    OPEN_T3CODE = "open-t3code"
    OPEN_FOLDER = "open-folder"
    RENAME = "rename"
    ARCHIVE = "archive"
    BRING_BACK = "bring-back"
    RELEASE = "release"


@dataclass(frozen=True)
class MenuItem:
    """One entry; without a deed or entries below it only says something. An empty label is a separator.

    `why` says why an entry can do nothing now. `ask` is what `reply` or `answers` are for; without them it is left unanswered.
    """

    label: str
    deed: MenuAction | None = None
    thread_id: str = ""
    below: tuple[MenuItem, ...] = ()
    why: str = ""
    ask: PendingRequest | None = None
    reply: Reply | None = None
    answers: Answers | None = None


SEPARATOR = MenuItem("")
_CAN_START = frozenset({ServerState.STOPPED, ServerState.FAILED})
_CAN_STOP = frozenset({ServerState.STARTING, ServerState.READY, ServerState.UNRESPONSIVE, ServerState.WAITING})
_CAN_RESTART = frozenset({ServerState.READY, ServerState.UNRESPONSIVE, ServerState.FAILED})


def menu_of(snapshot: Snapshot | None, now: datetime) -> tuple[MenuItem, ...]:
    """The whole menu. The first entry opens the window: on macOS a click on the icon does nothing but open the menu."""
    opening = (MenuItem("Open t3tray", MenuAction.OPEN), SEPARATOR)
    if snapshot is None:
        return (
            *opening,
            MenuItem("Reading your threads…"),
            SEPARATOR,
            MenuItem("New Thread…", MenuAction.NEW_THREAD),
            SEPARATOR,
            *_closing(),
        )
    parts = (
        _stale(snapshot),
        _needs_you(snapshot),
        _blocked(snapshot),
        (*_recent(snapshot, now), MenuItem("New Thread…", MenuAction.NEW_THREAD)),
        (*_server(snapshot.server), *_reaper(snapshot), *_guard(snapshot)),
        _closing(snapshot.server_stays),
    )
    return (*opening, *_separated(parts))


def server_deeds(server: ServerStatus) -> tuple[MenuAction, ...]:
    """What can be done with the server in its state; nothing with one that is not ours."""
    able = ((MenuAction.START, _CAN_START), (MenuAction.STOP, _CAN_STOP), (MenuAction.RESTART, _CAN_RESTART))
    return tuple(deed for deed, states in able if server.state in states)


SERVER_LABELS = {MenuAction.START: "Start Server", MenuAction.STOP: "Stop Server", MenuAction.RESTART: "Restart Server"}


def answering(ask: PendingRequest) -> tuple[MenuItem, ...]:
    """The answers that can be given with one click; for all others the thread is opened."""
    thread_id = ask.requester.thread_id or ""
    if isinstance(ask, ApprovalRequest):
        return (*_deciding(ask), *_opening(thread_id, "Show Thread"))
    return (
        *_options(ask, thread_id),
        *_opening(thread_id, "Answer in t3tray…"),
        SEPARATOR,
        _unanswered(ask),
    )


def _unanswered(ask: QuestionRequest) -> MenuItem:
    return MenuItem("Leave Unanswered", MenuAction.ANSWER, ask.requester.thread_id or "", ask=ask, answers=None)


def _in_tray(ask: PendingRequest) -> MenuItem:
    """An ask in the menu of the icon. Panels draw ampersands in more than one way: what is answered must not depend on that."""
    if not _holds_ampersand(ask):
        return MenuItem(_line(ask.sentence), below=answering(ask))
    thread_id = ask.requester.thread_id or ""
    show = MenuItem("Show and Answer…", MenuAction.EXPLAIN if thread_id else MenuAction.OPEN, thread_id)
    refusing = _reply(ask, Reply.REJECT, "Reject") if isinstance(ask, ApprovalRequest) else _unanswered(ask)
    what = "approval" if isinstance(ask, ApprovalRequest) else "answer"
    return MenuItem(_line(f"{ask.requester.path} ▸ waits for your {what}"), below=(show, SEPARATOR, refusing))


def _holds_ampersand(ask: PendingRequest) -> bool:
    if isinstance(ask, ApprovalRequest):
        return any("&" in told for told in (ask.wish, *ask.always))
    labels = (option.label for question in ask.questions for option in question.options)
    return any("&" in told for told in (*(question.text for question in ask.questions), *labels))


def _line(sentence: str) -> str:
    return " ".join(visible(sentence, _ASK).split())


def _deciding(ask: ApprovalRequest) -> tuple[MenuItem, ...]:
    """Nobody allows here what cannot be read here to its end, for this once or from now on."""
    once, always, reject = (
        _reply(ask, reply, label)
        for label, reply in (("Allow Once", Reply.ONCE), ("Always Allow", Reply.ALWAYS), ("Reject", Reply.REJECT))
    )
    if not is_read_at_a_glance(ask.wish):
        return (reject,)
    if not 0 < len(ask.always) <= _MOST or not all(map(is_read_at_a_glance, ask.always)):
        return MenuItem(ask.wish), once, reject
    return MenuItem(ask.wish), once, always, reject, SEPARATOR, *(MenuItem(f"From now on: {allowed}") for allowed in ask.always)


def _reply(ask: ApprovalRequest, reply: Reply, label: str) -> MenuItem:
    return MenuItem(label, MenuAction.REPLY, ask.requester.thread_id or "", ask=ask, reply=reply)


def _options(ask: QuestionRequest, thread_id: str) -> tuple[MenuItem, ...]:
    """One click can choose one option of one question, and nothing more."""
    if len(ask.questions) != 1 or ask.questions[0].multiple:
        return ()
    question = ask.questions[0]
    chosen = (((option.label,),) for option in question.options)
    items = (MenuItem(shortened(one[0][0], _ASK), MenuAction.ANSWER, thread_id, ask=ask, answers=one) for one in chosen)
    return (MenuItem(shortened(question.text, _ASK)), *items)


def _opening(thread_id: str, label: str) -> tuple[MenuItem, ...]:
    return (SEPARATOR, MenuItem(label, MenuAction.EXPLAIN, thread_id)) if thread_id else ()


def _guard(snapshot: Snapshot) -> tuple[MenuItem, ...]:
    line = guard_line(snapshot)
    return (MenuItem(line, MenuAction.GUARD),) if line else ()


def _stale(snapshot: Snapshot) -> tuple[MenuItem, ...]:
    if snapshot.stale_since is None:
        return ()
    return (MenuItem(f"As of {snapshot.stale_since.astimezone():%H:%M}; threads cannot be read now…", MenuAction.OPEN),)


def _needs_you(snapshot: Snapshot) -> tuple[MenuItem, ...]:
    requests = tuple(map(_in_tray, snapshot.pending_requests[:_MOST]))
    asked = {ask.requester.thread_id for ask in snapshot.pending_requests}
    alarmed = {alarm.thread_id for alarm in snapshot.alarms} | {row.thread.id for row in snapshot.rows if row.is_half_mended}
    live = [row for row in snapshot.rows if row.thread.id not in asked and not row.is_archived]
    changed = [(row, _what_changed(row)) for row in live if row.thread.id in alarmed]
    refused = {told.decision.thread_id for told in snapshot.refusals} - alarmed
    held_back = [(row, "a message was held back") for row in live if row.thread.id in refused]
    waiting = [(row, "waits for you in T3 Code") for row in live if row.waits_in_t3 and row.thread.id not in alarmed | refused]
    told = ((row.thread, what) for row, what in (*changed, *held_back, *waiting)[:_MOST])
    return (
        *requests,
        *(MenuItem(f"{shortened(thread.title, _TITLE)} ▸ {what}", MenuAction.EXPLAIN, thread.id) for thread, what in told),
    )


def _what_changed(row: ThreadRow) -> str:
    """What is left of an alarm: nothing but T3 Code's side, where the thread goes on here."""
    if row.verdict.kind is Kind.RESUMABLE and row.next_message and not row.next_message.is_fine:
        told = side_note(row.next_message)
        return told[:1].lower() + told[1:]
    return "its session has changed"


def _blocked(snapshot: Snapshot) -> tuple[MenuItem, ...]:
    blocked = [row for row in snapshot.rows if row.verdict.kind is Kind.BLOCKED and not row.is_archived]
    if not blocked:
        return ()
    shown = tuple(_thread(row) for row in blocked[:_MOST])
    more = (MenuItem(f"{len(blocked) - _MOST} more…", MenuAction.OPEN),) if len(blocked) > _MOST else ()
    count = "1 thread" if len(blocked) == 1 else f"{len(blocked)} threads"
    return (MenuItem(f"{count} cannot resume", below=(*shown, *more)),)


def _recent(snapshot: Snapshot, now: datetime) -> tuple[MenuItem, ...]:
    live = [row for row in snapshot.rows if not row.is_archived]
    if not live:
        return (MenuItem("No threads could be read" if snapshot.may_lack_threads else "No threads yet"),)
    recent = sorted(live, key=lambda row: row.thread.last_activity_at, reverse=True)[:RECENT]
    return tuple(_thread(row, now) for row in recent)


def _thread(row: ThreadRow, now: datetime | None = None) -> MenuItem:
    """Mark, title, folder; with `now`, also the ring and when the reaper comes."""
    label = f"{row_mark(row)}  {shortened(row.thread.title, _TITLE)} — {folder_name(row.thread.directory)}"
    ring = reaping(row.reaper, now) if now else ""
    deed = MenuAction.RESUME if row.verdict.kind is Kind.RESUMABLE else MenuAction.EXPLAIN
    return MenuItem(f"{label}   {ring}" if ring else label, deed, row.thread.id)


def _server(server: ServerStatus) -> tuple[MenuItem, ...]:
    return (MenuItem(server_line(server)), *(MenuItem(SERVER_LABELS[deed], deed) for deed in server_deeds(server)))


def _reaper(snapshot: Snapshot) -> tuple[MenuItem, ...]:
    line = reaper_line(snapshot)
    return (MenuItem(line),) if line else ()


def _closing(server_stays: bool = False) -> tuple[MenuItem, ...]:
    """The settings, and the way out; where the server would go on running, there are two of these."""
    both = (MenuItem("Quit and Stop the Server", MenuAction.QUIT_AND_STOP),) if server_stays else ()
    return (MenuItem("Settings…", MenuAction.SETTINGS), SEPARATOR, MenuItem("Quit t3tray", MenuAction.QUIT), *both)


def _separated(parts: Iterable[tuple[MenuItem, ...]]) -> tuple[MenuItem, ...]:
    filled = [part for part in parts if part]
    return tuple(item for number, part in enumerate(filled) for item in ((SEPARATOR, *part) if number else part))
