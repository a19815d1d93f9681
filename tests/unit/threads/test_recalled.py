"""One thread that is read by itself: changes of other processes are seen, and the result reaches the list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from t3tray.domain.cursor import Cursor
from t3tray.domain.journal import Actor, Entry, Event
from t3tray.domain.verdict import Reason
from t3tray.errors import StoreError, TimedOut
from t3tray.opencode.marked_sessions import MarkedSession, MarkedSessions
from t3tray.threads.scan import Scanner
from tests.support.scan_cases import Eyes, fine, many_others, one_of, split_in_the_middle, thread
from tests.support.stores import open_store
from tests.support.t3_world import NOON, World, empty_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return empty_world(tmp_path)


@pytest.fixture
def eyes(world: World, tmp_path: Path) -> Iterator[Eyes]:
    made = Eyes(world, tmp_path)
    yield made
    made.store.close()


@pytest.mark.parametrize("find_out", [Scanner.load_record, Scanner.scan_thread])
def test_what_a_resume_finds_out_is_in_the_list_at_the_next_look(
    world: World, eyes: Eyes, find_out: Callable[[Scanner, str], object]
) -> None:
    split_in_the_middle(world)
    many_others(world)
    assert one_of(eyes.look()).verdict.reason is Reason.UNPROVEN, "only the ends were looked at"
    find_out(eyes.scanner, "t1")
    assert one_of(eyes.look()).verdict.reason is Reason.SPLIT


def test_a_thread_that_no_look_shows_is_not_shown_alone(world: World, eyes: Eyes) -> None:
    thread(world, "ses_1", provider="codex")
    assert (eyes.scanner.scan_thread("t1").assessments, eyes.scanner.scan_thread("t2").assessments) == ((), ())


def test_what_another_process_writes_is_recalled(world: World, eyes: Eyes) -> None:
    fine(world)
    assert eyes.scanner.load_record("t1").cursor == Cursor("ses_1", str(world.code / "proj"))
    other = open_store(eyes.store.path.parent, lambda: NOON)
    other.threads.save(eyes.one().thread)
    chosen = Cursor("ses_2", str(world.code / "proj"), chosen_over="ses_1")
    other.journal.append(Entry("t1", Event.CONFIRMED, Actor.USER, "chosen", NOON, "ses_2", cursor=chosen))
    other.close()
    assert eyes.scanner.load_record("t1").cursor == chosen


def test_a_change_of_a_binding_is_not_lost_where_the_reading_fails_after_it(
    world: World, eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine(world)
    eyes.store.threads.save(eyes.one().thread)
    chosen = Cursor("ses_2", str(world.code / "proj"), chosen_over="ses_1")
    eyes.store.journal.append(Entry("t1", Event.CONFIRMED, Actor.USER, "chosen", NOON, "ses_2", cursor=chosen))
    for question in ("pending", "let_go_since"):
        with monkeypatch.context() as broken, pytest.raises(StoreError):
            broken.setattr(eyes.store.journal, question, unreadable)
            eyes.scanner.load_record("t1")
    assert eyes.one().cursor == chosen


def unreadable(*_: object) -> None:
    raise StoreError("The disk does not answer.")


def test_what_could_not_be_read_is_read_when_it_can_be(world: World, eyes: Eyes, monkeypatch: pytest.MonkeyPatch) -> None:
    fine(world)
    with monkeypatch.context() as broken:
        broken.setattr(MarkedSessions, "read", locked)
        eyes.scanner.load_record("t1")
        assert eyes.scanner.lost_bindings.trouble
    eyes.scanner.load_record("t1")
    assert not eyes.scanner.lost_bindings.trouble


def locked(_: MarkedSessions) -> tuple[MarkedSession, ...]:
    raise TimedOut("OpenCode's database is locked.")
