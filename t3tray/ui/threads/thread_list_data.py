"""What the thread list shows, as plain values: its sections in order, and the words that a line is found by. No PySide6 here.

A listing of many threads takes a while to make, so it is made in the asyncio thread; what is left for the GUI is comparing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from heapq import nlargest

from t3tray.domain.pending_request import ApprovalRequest, QuestionRequest
from t3tray.domain.reaper import ReaperState
from t3tray.domain.thread import Source, Thread
from t3tray.domain.verdict import Kind
from t3tray.threads.snapshot import Snapshot, T3Thread, ThreadRow
from t3tray.ui.labels import folder_name


class ListSection(StrEnum):
    """The sections from top to bottom, by the words over them."""

    NEEDS_YOU = "Needs You"
    CANNOT_RESUME = "Cannot Resume"
    WORKING = "Working"
    RECENT = "Recent"
    ARCHIVED = "Archived"


# A thread with its verdict, or one of another provider's, of which there is no verdict.
ThreadItem = ThreadRow | T3Thread
# The same, or something that waits for the user.
ListItem = ApprovalRequest | QuestionRequest | ThreadRow | T3Thread


@dataclass(frozen=True)
class Group:
    """The lines of one section. `keys` and `words` are in the same order: what each is known by when the list is told anew, and
    what it is found by, in small letters."""

    lines: tuple[ListItem, ...] = ()
    keys: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class ThreadListData:
    """`groups` are in the order in which they are shown; a section without lines is left out. `unseen` are the ids of the threads
    with an alarm that nobody has seen, `projects` the names of all projects in order, `lines` all of them by their keys."""

    overview: Snapshot
    groups: Mapping[ListSection, Group] = field(default_factory=dict)
    unseen: frozenset[str] = frozenset()
    projects: tuple[str, ...] = ()
    lines: Mapping[str, ListItem] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many lines there are."""
        return len(self.lines)


@dataclass(frozen=True)
class Filters:
    """What may be shown; an empty set lets everything through."""

    sources: frozenset[Source] = frozenset()
    projects: frozenset[str] = frozenset()
    verdicts: frozenset[Kind] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.sources or self.projects or self.verdicts)

    def let(self, line: ListItem) -> bool:
        """Whether a line may be shown. What waits for the user always is."""
        if isinstance(line, ApprovalRequest | QuestionRequest):
            return True
        if self.verdicts and not (isinstance(line, ThreadRow) and line.verdict.kind in self.verdicts):
            return False
        if self.sources and source_of(line) not in self.sources:
            return False
        return not self.projects or project_of(line) in self.projects


def thread_list_data(overview: Snapshot, before: ThreadListData | None = None) -> ThreadListData:
    """Everything that there is to show. A line that has not changed since `before` is the same object."""
    known = before.lines if before else {}
    unseen = frozenset(alarm.thread_id for alarm in overview.alarms)
    asked = frozenset(ask.asker.thread_id for ask in overview.asks)
    found: dict[ListSection, list[ListItem]] = {section: [] for section in ListSection}
    found[ListSection.NEEDS_YOU] += overview.asks
    for row in overview.rows:
        found[_section(row, unseen, asked)].append(row)
    for thread in overview.foreign:
        found[
            ListSection.ARCHIVED if thread.archived_at else ListSection.WORKING if thread.is_working else ListSection.RECENT
        ].append(thread)
    for section in (ListSection.RECENT, ListSection.ARCHIVED):
        # Whose verdict is not known stands before the others in an overview; here only the time counts.
        found[section].sort(key=_last_activity, reverse=True)
    groups = {section: _group(lines, known) for section, lines in found.items() if lines}
    lines: dict[str, ListItem] = {}
    for group in groups.values():
        lines.update(zip(group.keys, group.lines, strict=True))
    projects = {project_of(line) for line in lines.values() if not isinstance(line, ApprovalRequest | QuestionRequest)}
    return ThreadListData(overview, groups, unseen, tuple(sorted(projects, key=str.casefold)), lines)


def brief_of(overview: Snapshot, recent: int) -> Snapshot:
    """Only the rows that the icon, its tooltip and its menu say something of: with them alone they say the same.

    Like the listing it is not for the GUI thread. `recent` is how many of the newest there may be.
    """
    live = [row for row in overview.rows if not row.is_archived]
    newest = {row.thread.id for row in nlargest(recent, live, key=_last_activity)}
    alarmed = {alarm.thread_id for alarm in overview.alarms}
    rows = (row for row in live if row.thread.id in newest or row.thread.id in alarmed or _is_told(row))
    return replace(overview, rows=tuple(rows), foreign=())


def _is_told(row: ThreadRow) -> bool:
    is_trouble = row.verdict.kind is Kind.BLOCKED or row.is_half_mended
    return is_trouble or row.is_working or row.waits_in_t3 or row.reaper.reap_at is not None


def _group(lines: list[ListItem], known: Mapping[str, ListItem]) -> Group:
    keys = tuple([key_of(line) for line in lines])
    same = tuple([_same(known.get(key), line) for key, line in zip(keys, lines, strict=True)])
    return Group(same, keys, tuple([_words(line) for line in same]))


def _same(before: ListItem | None, line: ListItem) -> ListItem:
    return line if before is None or before != line else before


def _section(row: ThreadRow, unseen: frozenset[str], asked: frozenset[str | None]) -> ListSection:
    """What nobody has seen yet comes first, then what a thread can no longer do, then what it is doing."""
    if row.is_archived:
        return ListSection.ARCHIVED
    if row.thread.id in unseen or row.is_half_mended:
        return ListSection.NEEDS_YOU
    if row.verdict.kind is Kind.BLOCKED:
        return ListSection.CANNOT_RESUME
    if row.waits_in_t3 and row.thread.id not in asked:
        return ListSection.NEEDS_YOU
    return ListSection.WORKING if row.is_working else ListSection.RECENT


def shown_thread(line: ThreadItem) -> Thread | T3Thread:
    """What both have: id, title, directory, last activity."""
    return line.thread if isinstance(line, ThreadRow) else line


def reaper_of(line: ThreadItem, overview: Snapshot) -> ReaperState | None:
    """Where a thread stands with its reaper, of whichever provider it is."""
    return line.reaper if isinstance(line, ThreadRow) else overview.foreign_reapers.get(line.id)


def key_of(line: ListItem) -> str:
    """The ask's id or the thread's."""
    if isinstance(line, ThreadRow):
        return line.thread.id
    return line.id


def thread_of(line: ListItem) -> str | None:
    """The id of the thread that a line leads to."""
    return line.asker.thread_id if isinstance(line, ApprovalRequest | QuestionRequest) else shown_thread(line).id


def project_of(line: ThreadItem) -> str:
    """As T3 Code calls it, else the folder's name."""
    t3 = line.t3 if isinstance(line, ThreadRow) else line
    return t3.project if t3 and t3.project else folder_name(shown_thread(line).directory)


def source_of(line: ThreadItem) -> Source:
    return line.thread.source if isinstance(line, ThreadRow) else Source.T3CODE


def _words(line: ListItem) -> str:
    """Title, folder and ids, a line each, so that nothing is found across two of them."""
    if isinstance(line, ApprovalRequest | QuestionRequest):
        return line.sentence.casefold()
    thread = shown_thread(line)
    return f"{thread.title}\n{thread.directory}\n{thread.id}\n{line.session_id or ''}".casefold()


def _last_activity(line: ListItem) -> datetime:
    assert isinstance(line, ThreadRow | T3Thread)
    return shown_thread(line).last_activity_at
