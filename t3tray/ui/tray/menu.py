"""The tray's menu as plain values: labels and actions. `menu_drawing` draws them. No PySide6 here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from t3tray.domain.pending_request import Answers, ApprovalRequest, PendingRequest, QuestionRequest, Reply
from t3tray.domain.server import ServerState, ServerStatus
from t3tray.domain.verdict import Kind
from t3tray.messages.notifications import is_read_at_a_glance, visible
from t3tray.messages.pending_requests import request_sentence, wish
from t3tray.messages.trouble import UPDATED_TITLE
from t3tray.threads.snapshot import Snapshot, ThreadRow
from t3tray.ui.labels import folder_name, guard_line, reaper_line, reaping, row_symbol, server_line, shortened, side_note

RECENT = 10
# In characters.
_TITLE = 40
_ASK = 60
# How many entries of one kind the menu shows at most; the window shows all.
_MOST = 12


class MenuAction(StrEnum):
    """What an entry does. RESUME, EXPLAIN and those from COPY_SESSION on concern the entry's thread, REPLY and ANSWER its
    request."""

    OPEN = "open"
    RESUME = "resume"
    EXPLAIN = "explain"
    NEW_THREAD = "new-thread"
    GUARD = "guard"
    START = "start"
    STOP = "stop"
    RESTART = "restart"
    SETTINGS = "settings"
    RESTART_APP = "restart-app"
    QUIT = "quit"
    QUIT_AND_STOP = "quit-and-stop"
    REPLY = "reply"
    ANSWER = "answer"
    COPY_SESSION = "copy-session"
    COPY_COMMAND = "copy-command"
    COPY_LINK = "copy-link"
    OPEN_T3CODE = "open-t3code"
    OPEN_FOLDER = "open-folder"
    RENAME = "rename"
    ARCHIVE = "archive"
    BRING_BACK = "bring-back"
    RELEASE = "release"


@dataclass(frozen=True)
class MenuItem:
    """One entry. Without an action and a submenu (`below`) it is a disabled text; an empty label is a separator.

    `why` is the reason why the entry is disabled. `reply` or `answers` answer `request`; answers of None leave it unanswered.
    """

    label: str
    action: MenuAction | None = None
    thread_id: str = ""
    below: tuple[MenuItem, ...] = ()
    why: str = ""
    request: PendingRequest | None = None
    reply: Reply | None = None
    answers: Answers | None = None


SEPARATOR = MenuItem("")
_CAN_START = frozenset({ServerState.STOPPED, ServerState.FAILED})
_CAN_STOP = frozenset({ServerState.STARTING, ServerState.READY, ServerState.UNRESPONSIVE, ServerState.WAITING})
_CAN_RESTART = frozenset({ServerState.READY, ServerState.UNRESPONSIVE, ServerState.FAILED})


def menu_of(snapshot: Snapshot | None, now: datetime) -> tuple[MenuItem, ...]:
    """Return the whole menu. Its first entry opens the window: on macOS a click on the icon can only open the menu."""
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
        _updated(snapshot),
        _stale(snapshot),
        _needs_you(snapshot),
        _blocked(snapshot),
        (*_recent(snapshot, now), MenuItem("New Thread…", MenuAction.NEW_THREAD)),
        (*_server(snapshot.server), *_reaper(snapshot), *_guard(snapshot)),
        _closing(snapshot.server_stays),
    )
    return (*opening, *_separated(parts))


def server_actions(server: ServerStatus) -> tuple[MenuAction, ...]:
    """Return the actions that the server's state allows; none for a server that is not ours."""
    able = ((MenuAction.START, _CAN_START), (MenuAction.STOP, _CAN_STOP), (MenuAction.RESTART, _CAN_RESTART))
    return tuple(action for action, states in able if server.state in states)


SERVER_LABELS = {MenuAction.START: "Start Server", MenuAction.STOP: "Stop Server", MenuAction.RESTART: "Restart Server"}


def answering(request: PendingRequest) -> tuple[MenuItem, ...]:
    """Return entries for the answers that one click can give; for all others there is an entry that opens the thread."""
    thread_id = request.requester.thread_id or ""
    if isinstance(request, ApprovalRequest):
        return (*_deciding(request), *_opening(thread_id, "Show Thread"))
    return (
        *_options(request, thread_id),
        *_opening(thread_id, "Answer in t3tray…"),
        SEPARATOR,
        _unanswered(request),
    )


def _unanswered(request: QuestionRequest) -> MenuItem:
    return MenuItem("Leave Unanswered", MenuAction.ANSWER, request.requester.thread_id or "", request=request, answers=None)


def _in_tray(request: PendingRequest) -> MenuItem:
    """Return a request's entry in the icon's menu.

    Panels draw ampersands in different ways, so a request that contains one cannot be allowed from the menu, only rejected.
    """
    if not _holds_ampersand(request):
        return MenuItem(_line(request_sentence(request)), below=answering(request))
    thread_id = request.requester.thread_id or ""
    show = MenuItem("Show and Answer…", MenuAction.EXPLAIN if thread_id else MenuAction.OPEN, thread_id)
    refusing = _reply(request, Reply.REJECT, "Reject") if isinstance(request, ApprovalRequest) else _unanswered(request)
    what = "approval" if isinstance(request, ApprovalRequest) else "answer"
    return MenuItem(_line(f"{request.requester.path} ▸ waits for your {what}"), below=(show, SEPARATOR, refusing))


def _holds_ampersand(request: PendingRequest) -> bool:
    if isinstance(request, ApprovalRequest):
        return any("&" in text for text in (wish(request), *request.always))
    labels = (option.label for question in request.questions for option in question.options)
    return any("&" in text for text in (*(question.text for question in request.questions), *labels))


def _line(sentence: str) -> str:
    return " ".join(visible(sentence, _ASK).split())


def _deciding(request: ApprovalRequest) -> tuple[MenuItem, ...]:
    """Return the entries of an approval. What is too long to be read in the menu cannot be allowed there, once or always."""
    once, always, reject = (
        _reply(request, reply, label)
        for label, reply in (("Allow Once", Reply.ONCE), ("Always Allow", Reply.ALWAYS), ("Reject", Reply.REJECT))
    )
    if not is_read_at_a_glance(wish(request)):
        return (reject,)
    if not 0 < len(request.always) <= _MOST or not all(map(is_read_at_a_glance, request.always)):
        return MenuItem(wish(request)), once, reject
    return (
        MenuItem(wish(request)),
        once,
        always,
        reject,
        SEPARATOR,
        *(MenuItem(f"From now on: {allowed}") for allowed in request.always),
    )


def _reply(request: ApprovalRequest, reply: Reply, label: str) -> MenuItem:
    return MenuItem(label, MenuAction.REPLY, request.requester.thread_id or "", request=request, reply=reply)


def _options(request: QuestionRequest, thread_id: str) -> tuple[MenuItem, ...]:
    """Return an entry for each option; one click can only choose one option of a single question."""
    if len(request.questions) != 1 or request.questions[0].multiple:
        return ()
    question = request.questions[0]
    chosen = (((option.label,),) for option in question.options)
    items = (MenuItem(shortened(one[0][0], _ASK), MenuAction.ANSWER, thread_id, request=request, answers=one) for one in chosen)
    return (MenuItem(shortened(question.text, _ASK)), *items)


def _opening(thread_id: str, label: str) -> tuple[MenuItem, ...]:
    return (SEPARATOR, MenuItem(label, MenuAction.EXPLAIN, thread_id)) if thread_id else ()


def _guard(snapshot: Snapshot) -> tuple[MenuItem, ...]:
    line = guard_line(snapshot)
    return (MenuItem(line, MenuAction.GUARD),) if line else ()


def _updated(snapshot: Snapshot) -> tuple[MenuItem, ...]:
    if not snapshot.is_updated:
        return ()
    return MenuItem(UPDATED_TITLE), MenuItem("Restart t3tray", MenuAction.RESTART_APP)


def _stale(snapshot: Snapshot) -> tuple[MenuItem, ...]:
    if snapshot.stale_since is None:
        return ()
    return (MenuItem(f"As of {snapshot.stale_since.astimezone():%H:%M}; threads cannot be read now…", MenuAction.OPEN),)


def _needs_you(snapshot: Snapshot) -> tuple[MenuItem, ...]:
    requests = tuple(map(_in_tray, snapshot.pending_requests[:_MOST]))
    asked = {request.requester.thread_id for request in snapshot.pending_requests}
    alarmed = {alarm.thread_id for alarm in snapshot.alarms} | {row.thread.id for row in snapshot.rows if row.is_half_mended}
    live = [row for row in snapshot.rows if row.thread.id not in asked and not row.is_archived]
    changed = [(row, _what_changed(row)) for row in live if row.thread.id in alarmed]
    refused = {refusal.decision.thread_id for refusal in snapshot.refusals} - alarmed
    held_back = [(row, "a message was held back") for row in live if row.thread.id in refused]
    waiting = [(row, "waits for you in T3 Code") for row in live if row.waits_in_t3 and row.thread.id not in alarmed | refused]
    shown = ((row.thread, what) for row, what in (*changed, *held_back, *waiting)[:_MOST])
    return (
        *requests,
        *(MenuItem(f"{shortened(thread.title, _TITLE)} ▸ {what}", MenuAction.EXPLAIN, thread.id) for thread, what in shown),
    )


def _what_changed(row: ThreadRow) -> str:
    """Return what an alarm is about: only T3 Code's side if the thread can be resumed here."""
    if row.verdict.kind is Kind.RESUMABLE and row.next_message and not row.next_message.is_fine:
        note = side_note(row.next_message)
        return note[:1].lower() + note[1:]
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
    """Return a thread's entry: symbol, title, folder; with `now` also the remaining idle time and its end."""
    label = f"{row_symbol(row)}  {shortened(row.thread.title, _TITLE)} — {folder_name(row.thread.directory)}"
    ring = reaping(row.reaper, now) if now else ""
    action = MenuAction.RESUME if row.verdict.kind is Kind.RESUMABLE else MenuAction.EXPLAIN
    return MenuItem(f"{label}   {ring}" if ring else label, action, row.thread.id)


def _server(server: ServerStatus) -> tuple[MenuItem, ...]:
    return (MenuItem(server_line(server)), *(MenuItem(SERVER_LABELS[action], action) for action in server_actions(server)))


def _reaper(snapshot: Snapshot) -> tuple[MenuItem, ...]:
    line = reaper_line(snapshot)
    return (MenuItem(line),) if line else ()


def _closing(server_stays: bool = False) -> tuple[MenuItem, ...]:
    """Return Settings and Quit; if the server would keep running, also an entry that stops it too."""
    both = (MenuItem("Quit and Stop the Server", MenuAction.QUIT_AND_STOP),) if server_stays else ()
    return (MenuItem("Settings…", MenuAction.SETTINGS), SEPARATOR, MenuItem("Quit t3tray", MenuAction.QUIT), *both)


def _separated(parts: Iterable[tuple[MenuItem, ...]]) -> tuple[MenuItem, ...]:
    filled = [part for part in parts if part]
    return tuple(item for number, part in enumerate(filled) for item in ((SEPARATOR, *part) if number else part))
