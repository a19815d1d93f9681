"""The content of the thread list as plain values: sections in order, and the text that each item is found by. No PySide6 here.

It is computed in the asyncio thread from the previous content: only items that are other objects than before are processed.
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
from t3tray.messages.pending_requests import request_sentence
from t3tray.threads.snapshot import Snapshot, ThreadRow, changed_names
from t3tray.ui.labels import folder_name


class ListSection(StrEnum):
    """The sections from top to bottom; the values are their headings."""

    NEEDS_YOU = "Needs You"
    CANNOT_RESUME = "Cannot Resume"
    WORKING = "Working"
    RECENT = "Recent"
    ARCHIVED = "Archived"


# A thread with its verdict, or a thread of another provider, which has none.
ThreadItem = ThreadRow | T3Thread
# A thread, or a request that waits for the user.
ListItem = ApprovalRequest | QuestionRequest | ThreadRow | T3Thread
# An item's sort key within its section.
Rank = tuple[float | str, ...]
# With more new items than this, a section is sorted as a whole instead of by insertion.
_FEW = 32
_id = attrgetter("id")


@dataclass(frozen=True)
class Group:
    """The items of one section. `keys` and `search_texts` are in the same order: each item's stable key, and its searchable text
    (case-folded)."""

    items: tuple[ListItem, ...] = ()
    keys: tuple[str, ...] = ()
    search_texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class ThreadListData:
    """The content of the list. `groups` are in display order, without empty sections. `unseen` are the ids of threads with an
    unseen alarm, `projects` all project names in order, `items` all items by their keys, and `sections` the section of each key.
    `in_projects` counts the items of each project."""

    snapshot: Snapshot
    groups: Mapping[ListSection, Group] = field(default_factory=dict)
    unseen: frozenset[str] = frozenset()
    projects: tuple[str, ...] = ()
    items: Mapping[str, ListItem] = field(default_factory=dict)
    sections: Mapping[str, ListSection] = field(default_factory=dict)
    in_projects: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """The number of items."""
        return len(self.items)


@dataclass(frozen=True)
class Filters:
    """The filters; an empty set does not filter."""

    sources: frozenset[Source] = frozenset()
    projects: frozenset[str] = frozenset()
    verdicts: frozenset[Kind] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.sources or self.projects or self.verdicts)

    def accept(self, item: ListItem) -> bool:
        """Whether an item passes the filters. A request always does."""
        if isinstance(item, ApprovalRequest | QuestionRequest):
            return True
        if self.verdicts and not (isinstance(item, ThreadRow) and item.verdict.kind in self.verdicts):
            return False
        if self.sources and source_of(item) not in self.sources:
            return False
        return not self.projects or project_of(item) in self.projects


def thread_list_data(snapshot: Snapshot, before: ThreadListData | None = None) -> ThreadListData:
    """Compute the content of the list. An item that has not changed since `before` is the same object, and an unchanged section
    the same group."""
    former = before or ThreadListData(replace(snapshot, rows=(), foreign=(), alarms=(), pending_requests=()))
    unseen, asked = _unseen(snapshot), _asked(snapshot)
    items = _items(snapshot)
    changed = set[str]()
    for key in changed_names(former.items, items):
        item, known = items.get(key), former.items.get(key)
        if item is not None and known == item:
            items[key] = known
        else:
            changed.add(key)
    # These items may belong to another section now, or to another position.
    changed |= (unseen ^ former.unseen) | (asked ^ _asked(former.snapshot))
    if snapshot.pending_requests != former.snapshot.pending_requests:
        changed |= {request.id for request in (*former.snapshot.pending_requests, *snapshot.pending_requests)}
    moved = {key: _section(items[key], unseen, asked) for key in changed if key in items}
    sections = {**former.sections, **moved}
    for key in changed - moved.keys():
        sections.pop(key, None)
    in_projects = _in_projects(former, changed, items)
    is_same = in_projects.keys() == former.in_projects.keys()
    projects = former.projects if is_same else tuple(sorted(in_projects, key=str.casefold))
    groups = _groups(former, changed, moved, items, _Ranking(snapshot, unseen))
    return ThreadListData(snapshot, groups, unseen, projects, items, sections, in_projects)


def brief_of(list_data: ThreadListData, recent: int) -> Snapshot:
    """Return a snapshot with only the rows that the icon, its tooltip and its menu need; they look the same with all rows.

    `recent` is how many of the newest threads the menu shows.
    """
    snapshot, newest = list_data.snapshot, list_data.groups.get(ListSection.RECENT, Group())
    # The icon and the menu also need every notable row, wherever it is in the list.
    wanted = {*islice((item.thread.id for item in newest.items if isinstance(item, ThreadRow)), recent)}
    wanted |= {row.thread.id for row in snapshot.notable if _is_in_menu(row)} | list_data.unseen
    rows = compress(snapshot.rows, map(wanted.__contains__, snapshot.by_id))
    return replace(snapshot, rows=tuple(row for row in rows if not row.is_archived), foreign=())


def _is_in_menu(row: ThreadRow) -> bool:
    is_trouble = row.verdict.kind is Kind.BLOCKED or row.is_half_mended
    return is_trouble or row.is_working or row.waits_in_t3 or row.reaper.reap_at is not None


def _items(snapshot: Snapshot) -> dict[str, ListItem]:
    items: dict[str, ListItem] = dict(snapshot.by_id)
    items.update(zip(map(_id, snapshot.foreign), snapshot.foreign, strict=True))
    items.update((request.id, request) for request in snapshot.pending_requests)
    return items


def _groups(
    former: ThreadListData, changed: Set[str], moved: Mapping[str, ListSection], items: Mapping[str, ListItem], ranking: _Ranking
) -> dict[ListSection, Group]:
    """Return the sections, with the changed items moved to their new positions."""
    touched = {former.sections[key] for key in changed if key in former.sections} | set(moved.values())
    groups: dict[ListSection, Group] = {}
    for section in ListSection:
        group = former.groups.get(section, Group())
        if section in touched:
            added = [items[key] for key, its in moved.items() if its is section]
            group = _regrouped(group, changed, added, partial(ranking.of, section))
        if group.items:
            groups[section] = group
    return groups


def _regrouped(group: Group, without: Set[str], added: Sequence[ListItem], rank: Callable[[ListItem], Rank]) -> Group:
    stays = [key not in without for key in group.keys]
    items, keys, search_texts = (
        [*compress(group.items, stays)],
        [*compress(group.keys, stays)],
        [*compress(group.search_texts, stays)],
    )
    if len(added) > _FEW:
        new = ((item, key_of(item), _search_text(item)) for item in added)
        every = sorted((*zip(items, keys, search_texts, strict=True), *new), key=lambda one: rank(one[0]))
        return Group(*(tuple(column) for column in zip(*every, strict=True)))
    for item in added:
        position = bisect_left(items, rank(item), key=rank)
        items.insert(position, item)
        keys.insert(position, key_of(item))
        search_texts.insert(position, _search_text(item))
    return Group(tuple(items), tuple(keys), tuple(search_texts))


def _in_projects(former: ThreadListData, changed: Iterable[str], items: Mapping[str, ListItem]) -> Mapping[str, int]:
    """Return how many items each project has."""
    counts = dict(former.in_projects)
    for key in changed:
        for item, more in ((former.items.get(key), -1), (items.get(key), 1)):
            if item is not None and not isinstance(item, ApprovalRequest | QuestionRequest):
                project = project_of(item)
                counts[project] = counts.get(project, 0) + more
    return {project: count for project, count in counts.items() if count}


def _unseen(snapshot: Snapshot) -> frozenset[str]:
    return frozenset(alarm.thread_id for alarm in snapshot.alarms)


def _asked(snapshot: Snapshot) -> frozenset[str]:
    return frozenset(request.requester.thread_id for request in snapshot.pending_requests if request.requester.thread_id)


class _Ranking:
    """Sort keys of items within their section: requests first, in the snapshot's order; then the newest first."""

    def __init__(self, snapshot: Snapshot, unseen: Set[str]) -> None:
        self._request_ranks = {request.id: number for number, request in enumerate(snapshot.pending_requests)}
        self._unseen = unseen

    def of(self, section: ListSection, item: ListItem) -> Rank:
        if isinstance(item, ApprovalRequest | QuestionRequest):
            return 0, self._request_ranks[item.id]
        thread, is_foreign = shown_thread(item), isinstance(item, T3Thread)
        at = -thread.last_activity_at.timestamp()
        if section is ListSection.NEEDS_YOU and isinstance(item, ThreadRow):
            is_alarmed = thread.id in self._unseen or item.is_half_mended
            return 1, not is_alarmed, item.verdict.kind is not Kind.BLOCKED, at, thread.id
        return (1, is_foreign, at, thread.id) if section is ListSection.WORKING else (1, at, is_foreign, thread.id)


def _section(item: ListItem, unseen: Set[str], asked: Set[str]) -> ListSection:
    """Return an item's section: archived, else unseen alarms first, then blocked threads, then what works or waits."""
    if isinstance(item, ApprovalRequest | QuestionRequest):
        return ListSection.NEEDS_YOU
    if shown_thread(item).archived_at is not None:
        return ListSection.ARCHIVED
    if isinstance(item, ThreadRow):
        if item.thread.id in unseen or item.is_half_mended:
            return ListSection.NEEDS_YOU
        if item.verdict.kind is Kind.BLOCKED:
            return ListSection.CANNOT_RESUME
        if item.waits_in_t3 and item.thread.id not in asked:
            return ListSection.NEEDS_YOU
    return ListSection.WORKING if item.is_working else ListSection.RECENT


def shown_thread(item: ThreadItem) -> Thread | T3Thread:
    """Return the thread of either kind of item; both have id, title, directory and last activity."""
    return item.thread if isinstance(item, ThreadRow) else item


def reaper_of(item: ThreadItem, snapshot: Snapshot) -> ReaperState | None:
    """Return a thread's state with its reaper, for threads of any provider."""
    return item.reaper if isinstance(item, ThreadRow) else snapshot.foreign_reapers.get(item.id)


def key_of(item: ListItem) -> str:
    """Return the id of the request or of the thread."""
    if isinstance(item, ThreadRow):
        return item.thread.id
    return item.id


def thread_of(item: ListItem) -> str | None:
    """Return the id of the thread that an item opens."""
    return item.requester.thread_id if isinstance(item, ApprovalRequest | QuestionRequest) else shown_thread(item).id


def project_of(item: ThreadItem) -> str:
    """Return the project's name in T3 Code, else the folder's name."""
    t3 = item.t3 if isinstance(item, ThreadRow) else item
    return t3.project if t3 and t3.project else folder_name(shown_thread(item).directory)


def source_of(item: ThreadItem) -> Source:
    return item.thread.source if isinstance(item, ThreadRow) else Source.T3CODE


def _search_text(item: ListItem) -> str:
    """Return the searchable text: title, folder and ids, one per line, so that no match spans two of them."""
    if isinstance(item, ApprovalRequest | QuestionRequest):
        return request_sentence(item).casefold()
    thread = shown_thread(item)
    return f"{thread.title}\n{thread.directory}\n{thread.id}\n{item.session_id or ''}".casefold()
