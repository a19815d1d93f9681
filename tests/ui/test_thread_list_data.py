"""The content of the thread list and its sections, as values without Qt."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from msgspec import structs

from t3tray.domain.carries import Carries, CarriesKind
from t3tray.domain.pending_request import ApprovalRequest
from t3tray.domain.reaper import ReaperPhase, ReaperState
from t3tray.domain.thread import Source
from t3tray.domain.verdict import Kind, Reason, Verdict
from t3tray.threads.snapshot import Snapshot, ThreadRow
from t3tray.ui.labels import tooltip, verdict_symbol
from t3tray.ui.threads.row_text import RowText, description, note, spoken
from t3tray.ui.threads.thread_list_data import Filters, ListSection, brief_of, thread_list_data, thread_of
from t3tray.ui.tray.menu import RECENT, menu_of
from tests.support.views import NOON, READY, alarm, archived, idle, in_t3, requester, row, t3_thread

APPROVAL = ApprovalRequest("per_1", requester("a", "explore"), "bash", ("git push",))
BEFORE = NOON - timedelta(hours=1)


def sections(snapshot: Snapshot) -> dict[ListSection, list[str]]:
    return {section: list(group.keys) for section, group in thread_list_data(snapshot).groups.items()}


@pytest.mark.parametrize("reason", list(Reason))
def test_every_verdict_has_its_section(reason: Reason) -> None:
    expected = ListSection.CANNOT_RESUME if Verdict(reason).kind is Kind.BLOCKED else ListSection.RECENT
    assert sections(Snapshot(READY, (row("a", reason),))) == {ListSection.WORKING if reason is Reason.BUSY else expected: ["a"]}


def test_what_waits_stands_on_top_and_what_is_archived_at_the_bottom() -> None:
    rows = (
        row("switched"),
        row("blocked", Reason.MISSING),
        in_t3(row("asks in T3 Code"), awaits_answer=True),
        replace(row("works in T3 Code"), reaper=ReaperState(ReaperPhase.ACTIVE)),
        row("old"),
        archived(row("away", Reason.MISSING)),
    )
    snapshot = Snapshot(READY, rows, (t3_thread("foreign", "codex"),), alarms=(alarm("switched"),), pending_requests=(APPROVAL,))
    assert sections(snapshot) == {
        ListSection.NEEDS_YOU: ["per_1", "switched", "asks in T3 Code"],
        ListSection.CANNOT_RESUME: ["blocked"],
        ListSection.WORKING: ["works in T3 Code"],
        ListSection.RECENT: ["old", "foreign"],
        ListSection.ARCHIVED: ["away"],
    }
    assert list(sections(snapshot)) == list(ListSection)


def test_a_thread_that_has_its_ask_on_top_is_not_there_twice() -> None:
    rows = (replace(in_t3(row("a"), awaits_approval=True), reaper=ReaperState(ReaperPhase.ACTIVE)),)
    assert sections(Snapshot(READY, rows, pending_requests=(APPROVAL,))) == {
        ListSection.NEEDS_YOU: ["per_1"],
        ListSection.WORKING: ["a"],
    }


def test_an_alarm_that_nobody_has_seen_needs_you_whatever_the_verdict() -> None:
    rows = (row("a", Reason.MISSING), row("b", Reason.MISSING), row("c", Reason.BUSY))
    snapshot = Snapshot(READY, rows, alarms=(alarm("a"), alarm("c")))
    assert sections(snapshot) == {ListSection.NEEDS_YOU: ["a", "c"], ListSection.CANNOT_RESUME: ["b"]}


def test_the_tray_says_the_same_of_the_few_rows_that_matter_as_of_all() -> None:
    told = (
        row("blocked", Reason.MISSING, age=timedelta(days=9)),
        row("works", Reason.BUSY, age=timedelta(days=9)),
        in_t3(row("waits", age=timedelta(days=9)), awaits_answer=True),
        row("switched", age=timedelta(days=9)),
        replace(idle("idle", 9), thread=row("idle", age=timedelta(days=9)).thread),
    )
    many = tuple(row(f"t{number}", age=timedelta(hours=number)) for number in range(50))
    whole = Snapshot(
        READY, (*told, *many, archived(row("away", Reason.MISSING))), alarms=(alarm("switched"),), pending_requests=(APPROVAL,)
    )
    brief = brief_of(thread_list_data(whole), RECENT)
    assert len(brief.rows) == len(told) + RECENT
    assert menu_of(brief, NOON) == menu_of(whole, NOON) and tooltip(brief) == tooltip(whole)


def test_recent_threads_of_all_providers_stand_by_time() -> None:
    foreign = structs.replace(t3_thread("b", "codex"), last_activity_at=NOON - timedelta(minutes=5))
    rows = (row("unknown", Reason.TIMEOUT, age=timedelta(minutes=9)), row("a"))
    assert sections(Snapshot(READY, rows, (foreign,)))[ListSection.RECENT] == ["a", "b", "unknown"]


def test_a_line_that_has_not_changed_stays_the_same_object() -> None:
    first = thread_list_data(Snapshot(READY, (row("a"), row("b"))))
    again = thread_list_data(Snapshot(READY, (row("a"), row("b", Reason.UNPROVEN))), first)
    assert again.items["a"] is first.items["a"]
    assert again.items["b"] is not first.items["b"]


def _at_random(known: Snapshot, dice: Random) -> Snapshot:
    """Return the same threads, some of them changed, removed, added, or with another alarm or request."""
    rows = [shown for shown in known.rows if dice.random() < 0.95]
    for place, shown in enumerate(rows):
        if dice.random() < 0.3:
            made = row(shown.thread.id, dice.choice((*Reason,)), age=timedelta(minutes=dice.randrange(9)))
            made = in_t3(made, project=dice.choice("PQ"), awaits_answer=dice.random() < 0.2) if dice.random() < 0.5 else made
            made = replace(made, is_half_mended=dice.random() < 0.1)
            rows[place] = archived(made) if dice.random() < 0.2 else made
    rows += [row(f"n{dice.randrange(10**6)}", age=timedelta(minutes=dice.randrange(9))) for _ in range(dice.randrange(3))]
    foreign = [structs.replace(each, is_working=dice.random() < 0.5) if dice.random() < 0.3 else each for each in known.foreign]
    alarms = tuple(alarm(shown.thread.id) for shown in rows if dice.random() < 0.1)
    alarmed = {each.thread_id for each in alarms}

    def order(shown: ThreadRow) -> tuple[bool, bool, bool, timedelta, str]:
        calm = shown.thread.id not in alarmed and not shown.is_half_mended
        age = NOON - shown.thread.last_activity_at
        return shown.is_archived, calm, shown.verdict.kind is not Kind.BLOCKED, age, shown.thread.id

    rows.sort(key=order)
    requests = (APPROVAL,) if dice.random() < 0.5 else ()
    return replace(known, rows=tuple(rows), foreign=tuple(foreign), alarms=alarms, pending_requests=requests)


@pytest.mark.parametrize("seed", range(20))
def test_a_listing_made_out_of_the_one_before_is_the_one_that_is_made_anew(seed: int) -> None:
    dice = Random(seed)
    foreign = tuple(t3_thread(f"f{number}", "codex") for number in range(4))
    snapshot = Snapshot(READY, tuple(row(f"t{number}") for number in range(60)), foreign)
    listing = thread_list_data(snapshot)
    for _ in range(10):
        snapshot = _at_random(snapshot, dice)
        listing = thread_list_data(snapshot, listing)
        anew = thread_list_data(snapshot)
        assert list(listing.groups.items()) == list(anew.groups.items())
        assert (listing.items, listing.sections) == (anew.items, anew.sections)
        assert (listing.projects, listing.unseen) == (anew.projects, anew.unseen)
        assert brief_of(listing, 5) == brief_of(anew, 5)
        brief = brief_of(listing, RECENT)
        assert (menu_of(brief, NOON), tooltip(brief)) == (menu_of(replace(snapshot, foreign=()), NOON), tooltip(snapshot))


def test_a_section_in_which_nothing_has_changed_is_the_same_group() -> None:
    rows = (row("a"), row("b", Reason.MISSING), row("c", Reason.BUSY))
    first = thread_list_data(Snapshot(READY, rows))
    again = thread_list_data(Snapshot(READY, (row("a", Reason.UNPROVEN), *rows[1:])), first)
    assert again.groups[ListSection.WORKING] is first.groups[ListSection.WORKING]
    assert again.groups[ListSection.CANNOT_RESUME] is first.groups[ListSection.CANNOT_RESUME]
    assert again.groups[ListSection.RECENT] is not first.groups[ListSection.RECENT]


def test_filters_let_through_what_fits_all_of_them_and_whatever_waits() -> None:
    ours, theirs, foreign = row("ours"), in_t3(row("theirs", Reason.MISSING)), t3_thread("foreign", "codex")
    everything = (APPROVAL, ours, theirs, foreign)

    def shown(filters: Filters) -> list[str | None]:
        return [thread_of(line) for line in everything if filters.accept(line)]

    assert not Filters() and shown(Filters()) == ["a", "ours", "theirs", "foreign"]
    assert shown(Filters(sources=frozenset({Source.T3TRAY}))) == ["a", "ours"]
    assert shown(Filters(projects=frozenset({"Project"}))) == ["a", "theirs", "foreign"]
    assert shown(Filters(projects=frozenset({"ours"}))) == ["a", "ours"]
    assert shown(Filters(verdicts=frozenset({Kind.BLOCKED, Kind.UNKNOWN}))) == ["a", "theirs"]
    both = Filters(frozenset({Source.T3CODE}), frozenset({"Project"}), frozenset({Kind.RESUMABLE}))
    assert both and shown(both) == ["a"]


def test_the_projects_are_told_once_each_by_name() -> None:
    rows = (in_t3(row("a"), project="Zebra"), in_t3(row("b"), project="Zebra"), row("ant"))
    assert thread_list_data(Snapshot(READY, rows)).projects == ("ant", "Zebra")


def test_a_row_is_read_aloud_with_what_its_marks_show() -> None:
    now = NOON + timedelta(minutes=12)
    shown = row("a", Reason.MISSING, title="Refactor\nthe parser")
    listing = thread_list_data(Snapshot(READY, (shown,), alarms=(alarm("a"),), guarded=frozenset({"a"})))
    assert spoken(shown, RowText(lambda: now), listing) == (
        "Refactor the parser, cannot be resumed, missing, not seen yet, guarded, 12 minutes ago"
    )
    assert "no longer exists" in description(shown)
    assert spoken(row("b"), RowText(lambda: now), listing) == "Thread b, can be resumed, 12 minutes ago"
    assert spoken(APPROVAL, RowText(lambda: now), listing) == "Thread a ▸ explore ▸ wants to run git push"
    assert spoken(t3_thread("c", "codex"), RowText(lambda: now), listing) == "Thread c, a thread of codex, 12 minutes ago"


def carrying(kind: CarriesKind) -> ThreadRow:
    return replace(row("a"), verdict=Verdict(Reason.PROVED, carries=Carries(kind, 1, 4, 12)))


def test_only_what_is_carried_whole_or_summed_up_has_the_full_mark() -> None:
    shapes = {kind: verdict_symbol(carrying(kind).verdict) for kind in CarriesKind}
    assert shapes[CarriesKind.WHOLE] == shapes[CarriesKind.SINCE_COMPACTION] == "●"
    assert (shapes[CarriesKind.PART], verdict_symbol(row("a", Reason.NEW).verdict)) == ("◐", "○")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (row("a"), ""),
        (row("a", Reason.BUSY), "Working"),
        (row("a", Reason.UNPROVEN), "Unproven"),
        (row("a", Reason.MISSING), "Missing"),
        (row("a", Reason.NEW), "Not begun yet"),
        (carrying(CarriesKind.SINCE_COMPACTION), "Older part summarised"),
        (carrying(CarriesKind.PART), "Carried in part"),
        (in_t3(row("a"), awaits_answer=True), "Waits in T3 Code"),
        (t3_thread("a", "codex"), "codex"),
    ],
)
def test_a_row_notes_what_is_not_as_usual(line: object, told: str) -> None:
    assert note(line) == told  # type: ignore[arg-type]


def test_news_are_news_until_the_user_looks_and_again_with_the_next() -> None:
    reading, shown, snapshot = RowText(lambda: NOON), row("a"), Snapshot(READY, unread=frozenset({"a"}))
    assert not reading.is_unread(row("b"), snapshot)
    assert reading.is_unread(shown, snapshot)
    reading.mark_read(shown)
    assert not reading.is_unread(shown, snapshot), "the snapshot does not know of it yet"
    later = replace(shown, thread=structs.replace(shown.thread, last_activity_at=NOON + timedelta(minutes=1)))
    assert reading.is_unread(later, snapshot)
    earlier = row("a", age=timedelta(hours=1))
    assert reading.is_unread(earlier, snapshot), "a clock that was set back hides nothing"
