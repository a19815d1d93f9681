"""What the thread list shows, as plain values: its sections in order, and the words that a line is found by. No PySide6 here.

It is made in the asyncio thread, out of the one before: only the lines that are other objects than before are looked at.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from itertools import compress, islice
from operator import attrgetter

from t3tray.domain.pending_request import ApprovalRequest, QuestionRequest
from t3tray.domain.reaper import ReaperState
from t3tray.domain.t3code_thread import T3Thread
from t3tray.domain.thread import Source, Thread
from t3tray.domain.verdict import Kind
from t3tray.threads.snapshot import Snapshot, ThreadRow, changed_names
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
# A line's place in its section: the smallest comes first.
Rank = tuple[float | str, ...]
# With more new lines than these a section is sorted anew.
_FEW = 32
_id = attrgetter("id")


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
    with an alarm that nobody has seen, `projects` the names of all projects in order, `lines` all of them by their keys, and
    `sections` where each stands. `in_projects` counts the lines of each project."""

    snapshot: Snapshot
    groups: Mapping[ListSection, Group] = field(default_factory=dict)
    unseen: frozenset[str] = frozenset()
    projects: tuple[str, ...] = ()
    lines: Mapping[str, ListItem] = field(default_factory=dict)
    sections: Mapping[str, ListSection] = field(default_factory=dict)
    in_projects: Mapping[str, int] = field(default_factory=dict)

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


def thread_list_data(snapshot: Snapshot, before: ThreadListData | None = None) -> ThreadListData:
    """Everything that there is to show. A line that has not changed since `before` is the same object, a section in which none
    has is the same group."""
    former = before or ThreadListData(replace(snapshot, rows=(), foreign=(), alarms=(), pending_requests=()))
    unseen, asked = _unseen(snapshot), _asked(snapshot)
    lines = _lines(snapshot)
    changed = set[str]()
    for key in changed_names(former.lines, lines):
        line, known = lines.get(key), former.lines.get(key)
        if line is not None and known == line:
            lines[key] = known
        else:
            changed.add(key)
    # What these are about stands elsewhere now, or in another order.
    changed |= (unseen ^ former.unseen) | (asked ^ _asked(former.snapshot))
    if snapshot.pending_requests != former.snapshot.pending_requests:
        changed |= {ask.id for ask in (*former.snapshot.pending_requests, *snapshot.pending_requests)}
    moved = {key: _section(lines[key], unseen, asked) for key in changed if key in lines}
    sections = {**former.sections, **moved}
    for key in changed - moved.keys():
        sections.pop(key, None)
    in_projects = _in_projects(former, changed, lines)
    is_same = in_projects.keys() == former.in_projects.keys()
    projects = former.projects if is_same else tuple(sorted(in_projects, key=str.casefold))
    groups = _groups(former, changed, moved, lines, _Ranking(snapshot, unseen))
    return ThreadListData(snapshot, groups, unseen, projects, lines, sections, in_projects)


def brief_of(listing: ThreadListData, recent: int) -> Snapshot:
    """Only the rows that the icon, its tooltip and its menu say something of: with them alone they say the same.

    `recent` is how many of the newest there may be.
    """
    snapshot, newest = listing.snapshot, listing.groups.get(ListSection.RECENT, Group())
    # All others than those that stand here are told in any case.
    wanted = {*islice((line.thread.id for line in newest.lines if isinstance(line, ThreadRow)), recent)}
    wanted |= {row.thread.id for row in snapshot.notable if _is_told(row)} | listing.unseen
    rows = compress(snapshot.rows, map(wanted.__contains__, snapshot.by_id))
    return replace(snapshot, rows=tuple(row for row in rows if not row.is_archived), foreign=())


def _is_told(row: ThreadRow) -> bool:
    is_trouble = row.verdict.kind is Kind.BLOCKED or row.is_half_mended
    return is_trouble or row.is_working or row.waits_in_t3 or row.reaper.reap_at is not None


def _lines(snapshot: Snapshot) -> dict[str, ListItem]:
    lines: dict[str, ListItem] = dict(snapshot.by_id)
    lines.update(zip(map(_id, snapshot.foreign), snapshot.foreign, strict=True))
    lines.update((ask.id, ask) for ask in snapshot.pending_requests)
    return lines


def _groups(
    former: ThreadListData, changed: Set[str], moved: Mapping[str, ListSection], lines: Mapping[str, ListItem], ranking: _Ranking
) -> dict[ListSection, Group]:
    """The sections, with what has changed put out of its old place and into its new one."""
    touched = {former.sections[key] for key in changed if key in former.sections} | set(moved.values())
    groups: dict[ListSection, Group] = {}
    for section in ListSection:
        group = former.groups.get(section, Group())
        if section in touched:
            added = [lines[key] for key, its in moved.items() if its is section]
            group = _regrouped(group, changed, added, partial(ranking.of, section))
        if group.lines:
            groups[section] = group
    return groups


def _regrouped(group: Group, without: Set[str], added: Sequence[ListItem], rank: Callable[[ListItem], Rank]) -> Group:
    stays = [key not in without for key in group.keys]
    lines, keys, words = [*compress(group.lines, stays)], [*compress(group.keys, stays)], [*compress(group.words, stays)]
    if len(added) > _FEW:
        new = ((line, key_of(line), _words(line)) for line in added)
        every = sorted((*zip(lines, keys, words, strict=True), *new), key=lambda one: rank(one[0]))
        return Group(*(tuple(column) for column in zip(*every, strict=True)))
    for line in added:
        place = bisect_left(lines, rank(line), key=rank)
        lines.insert(place, line)
        keys.insert(place, key_of(line))
        words.insert(place, _words(line))
    return Group(tuple(lines), tuple(keys), tuple(words))


def _in_projects(former: ThreadListData, changed: Iterable[str], lines: Mapping[str, ListItem]) -> Mapping[str, int]:
    """How many lines each project has."""
    counts = dict(former.in_projects)
    for key in changed:
        for line, more in ((former.lines.get(key), -1), (lines.get(key), 1)):
            if line is not None and not isinstance(line, ApprovalRequest | QuestionRequest):
                project = project_of(line)
                counts[project] = counts.get(project, 0) + more
    return {project: count for project, count in counts.items() if count}


def _unseen(snapshot: Snapshot) -> frozenset[str]:
    return frozenset(alarm.thread_id for alarm in snapshot.alarms)


def _asked(snapshot: Snapshot) -> frozenset[str]:
    return frozenset(ask.requester.thread_id for ask in snapshot.pending_requests if ask.requester.thread_id)


class _Ranking:
    """Where a line stands in its section: what asks first, in its order; else the newest first."""

    def __init__(self, snapshot: Snapshot, unseen: Set[str]) -> None:
        self._asks = {ask.id: number for number, ask in enumerate(snapshot.pending_requests)}
        self._unseen = unseen

    def of(self, section: ListSection, line: ListItem) -> Rank:
        if isinstance(line, ApprovalRequest | QuestionRequest):
            return 0, self._asks[line.id]
        thread, is_foreign = shown_thread(line), isinstance(line, T3Thread)
        at = -thread.last_activity_at.timestamp()
        if section is ListSection.NEEDS_YOU and isinstance(line, ThreadRow):
            is_alarmed = thread.id in self._unseen or line.is_half_mended
            return 1, not is_alarmed, line.verdict.kind is not Kind.BLOCKED, at, thread.id
        return (1, is_foreign, at, thread.id) if section is ListSection.WORKING else (1, at, is_foreign, thread.id)


def _section(line: ListItem, unseen: Set[str], asked: Set[str]) -> ListSection:
    """What nobody has seen yet comes first, then what a thread can no longer do, then what it is doing."""
    if isinstance(line, ApprovalRequest | QuestionRequest):
        return ListSection.NEEDS_YOU
    if shown_thread(line).archived_at is not None:
        return ListSection.ARCHIVED
    if isinstance(line, ThreadRow):
        if line.thread.id in unseen or line.is_half_mended:
            return ListSection.NEEDS_YOU
        if line.verdict.kind is Kind.BLOCKED:
            return ListSection.CANNOT_RESUME
        if line.waits_in_t3 and line.thread.id not in asked:
            return ListSection.NEEDS_YOU
    return ListSection.WORKING if line.is_working else ListSection.RECENT


def shown_thread(line: ThreadItem) -> Thread | T3Thread:
    """What both have: id, title, directory, last activity."""
    return line.thread if isinstance(line, ThreadRow) else line


def reaper_of(line: ThreadItem, snapshot: Snapshot) -> ReaperState | None:
    """Where a thread stands with its reaper, of whichever provider it is."""
    return line.reaper if isinstance(line, ThreadRow) else snapshot.foreign_reapers.get(line.id)


def key_of(line: ListItem) -> str:
    """The ask's id or the thread's."""
    if isinstance(line, ThreadRow):
        return line.thread.id
    return line.id


def thread_of(line: ListItem) -> str | None:
    """The id of the thread that a line leads to."""
    return line.requester.thread_id if isinstance(line, ApprovalRequest | QuestionRequest) else shown_thread(line).id


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
