"""Sessions that T3 Code holds open: it sends straight into them, past the guard, whatever a remedy has chosen meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from t3tray.domain.alarm import Cause
from t3tray.domain.guard import GuardAction, Refusal
from t3tray.domain.journal import Event
from t3tray.domain.remedy import Choice, Remedy
from t3tray.domain.t3code_side import NextReason
from t3tray.domain.verdict import Kind, Reason
from t3tray.guard.service import load_guard_sides
from t3tray.messages.guard import REFUSALS
from t3tray.messages.t3code_side import next_sentence
from t3tray.t3code.guard_sides import GuardSides
from t3tray.threads.snapshot import ThreadDetails
from tests.support.guard_scenes import ASK, TELL, delete, guarded, project, remembers, server, sessions, world
from tests.support.guarded import Guarded
from tests.support.played_t3 import PlayedT3, TurnRefused
from tests.support.stub_model import StubModel
from tests.support.t3_settings import SettingsWatch
from tests.support.t3_world import World
from tests.support.waiting import until

__all__ = ["guarded", "project", "world"]


@pytest.fixture
def t3(world: World, guarded: Guarded) -> Iterator[PlayedT3]:
    """A running T3 Code: its settings lead to the guard, and its runtime file exists."""
    guarded.call(guarded.service.protect(interrupt=False))
    player = PlayedT3(world.state, guarded.url, guarded.password, is_announced=True)
    yield player
    player.quit()


def details(guarded: Guarded, thread: str) -> ThreadDetails:
    """Return the page's data after a scan like the tray's."""
    guarded.call(load_guard_sides(guarded.backend.guard_host))
    guarded.call(guarded.backend.upkeep.alert(guarded.call(guarded.backend.scanning.scan())))
    return guarded.call(guarded.backend.details.read(thread))


def fork(guarded: Guarded, session: str) -> str:
    with server(guarded) as http:
        made: str = http.post(f"/session/{session}/fork").json()["id"]
    return made


def test_a_message_into_a_session_that_was_left_is_an_alarm_and_a_split(
    guarded: Guarded, t3: PlayedT3, model: StubModel, project: Path
) -> None:
    thread = t3.thread("Report", project)
    old = t3.turn(thread, TELL)
    copy = fork(guarded, old)
    choose_only_here(guarded, thread, copy)
    before = details(guarded, thread)
    assert (before.row.session_id, before.row.verdict.kind) == (copy, Kind.RESUMABLE)
    assert before.row.next_message and before.row.next_message.reason is NextReason.LIVE_ELSEWHERE

    assert t3.turn(thread, "and the number is 7") == old, "T3 Code asks nobody"
    found = strayed(guarded, thread)
    assert found.row.verdict.reason is Reason.SPLIT and found.row.next_message and not found.row.next_message.is_fine
    (alarm,) = [alarm for alarm in found.alarms if alarm.cause is Cause.HELD_OPEN]
    assert (alarm.before.session_id, alarm.now.session_id, alarm.seen_at) == (copy, old, None)
    assert [(entry.session_id, entry.event) for entry in found.journal][-1] == (old, Event.RETURNED)

    t3.turn(thread, "and another one")
    guarded.restart_service()
    again = details(guarded, thread)
    assert [alarm.cause for alarm in again.alarms] == [Cause.HELD_OPEN], "one alarm for one loss"
    assert [entry.event for entry in again.journal].count(Event.RETURNED) == 1


def test_what_was_split_by_a_message_is_not_forgotten_at_the_next_resume(
    guarded: Guarded, t3: PlayedT3, model: StubModel, project: Path
) -> None:
    thread = t3.thread("Report", project)
    old = t3.turn(thread, TELL)
    copy = fork(guarded, old)
    choose_only_here(guarded, thread, copy)
    t3.turn(thread, "and the number is 7")
    strayed(guarded, thread)
    t3.restart()
    with pytest.raises(TurnRefused, match="lies in several sessions"):
        t3.turn(thread, ASK)
    assert guarded.decisions[-1].refusal is Refusal.SPLIT and t3.cursor(thread) == old
    assert details(guarded, thread).row.verdict.reason is Reason.SPLIT

    guarded.call(guarded.backend.remedies.apply(thread, Choice(Remedy.HEAL)))
    assert t3.turn(thread, ASK) == old and remembers(model) and "the number is 7" in model.words_sent()
    found = details(guarded, thread)
    assert found.row.verdict.kind is Kind.RESUMABLE and found.row.is_t3_side_fine
    assert not [alarm for alarm in found.alarms if alarm.seen_at is None], "mended"


def test_a_session_that_is_gone_while_t3_code_holds_it_is_told_in_our_words(
    guarded: Guarded, t3: PlayedT3, world: World, project: Path
) -> None:
    thread = t3.thread("Report", project)
    session = t3.turn(thread, TELL)
    assert details(guarded, thread).row.is_t3_side_fine
    delete(guarded, session)
    with pytest.raises(TurnRefused, match="Open t3tray: this thread's session is gone"):
        t3.turn(thread, ASK)
    assert t3.status(thread) == ("error", REFUSALS[Refusal.SESSION_GONE])
    assert t3.cursor(thread) == session and sessions(world) == 0
    assert (guarded.decisions[-1].answer, guarded.decisions[-1].thread_id) == (GuardAction.REFUSE, thread)
    found = details(guarded, thread)
    assert (found.row.verdict.kind, found.row.verdict.reason) == (Kind.BLOCKED, Reason.MISSING)
    assert found.row.next_message and found.row.next_message.reason is NextReason.SESSION_GONE
    assert [alarm.cause for alarm in found.alarms] == [Cause.SESSION_DELETED]
    assert guarded.call(guarded.backend.snapshots.read()).refusals, "it is told without asking, too"


def test_a_held_session_that_is_gone_is_no_loss_of_the_one_that_was_chosen(
    guarded: Guarded, t3: PlayedT3, model: StubModel, project: Path
) -> None:
    thread = t3.thread("Report", project)
    old = t3.turn(thread, TELL)
    copy = fork(guarded, old)
    choose_only_here(guarded, thread, copy)
    delete(guarded, old)
    with pytest.raises(TurnRefused, match="Quit T3 Code, start it again, then send your message again"):
        t3.turn(thread, ASK)
    found = details(guarded, thread)
    assert (found.row.session_id, found.row.verdict.kind) == (copy, Kind.RESUMABLE)
    said = found.row.next_message
    assert said and (said.kind, said.reason) == (Kind.BLOCKED, NextReason.SESSION_GONE)
    assert next_sentence(said).endswith("Quit T3 Code and start it again.")
    t3.restart()
    assert t3.turn(thread, ASK) == copy and remembers(model), "which is what it was told to do"


@pytest.fixture
def watched(t3: PlayedT3, guarded: Guarded) -> Iterator[SettingsWatch]:
    """T3 Code follows its settings, as the real one does."""
    (path,) = guarded.service.files
    with SettingsWatch(t3, path) as watch:
        yield watch


def test_after_a_remedy_an_idle_t3_code_lets_go_and_is_given_what_was_chosen(
    guarded: Guarded, t3: PlayedT3, watched: SettingsWatch, model: StubModel, project: Path
) -> None:
    thread, other = t3.thread("Report", project), t3.thread("Other", project)
    old, others = t3.turn(thread, TELL), t3.turn(other, "hello")
    copy = fork(guarded, old)
    choice = Choice(Remedy.BIND, copy)
    assert details(guarded, thread).row.is_t3_side_fine
    seen = guarded.call(guarded.backend.remedies.preview(thread, choice))
    assert f"T3 Code holds {old} open." in seen.after[-1] and "your next message" not in seen.after[-1], "nothing is promised"
    done = guarded.call(guarded.backend.remedies.apply(thread, choice, seen))
    assert done.after[-1].startswith(f"T3 Code has closed {old}: your next message there is given this thread's session")
    # The other thread's session is let go of after this one's.
    until(lambda: not t3.live, "the end of all that it held open")
    assert not t3.live and runtime(t3, thread) == "running", "T3 Code's own word on it stays"
    found = details(guarded, thread)
    assert (found.row.session_id, found.row.is_t3_side_fine) == (copy, True)
    assert found.row.next_message and found.row.next_message.reason is NextReason.GUARDED

    t3.sent.clear()
    assert t3.turn(thread, ASK) == copy and remembers(model)
    assert [line for line in t3.sent if line.startswith("GET /session")] == ["GET /session/ID"]
    assert t3.cursor(thread) == copy and details(guarded, thread).row.is_t3_side_fine
    assert t3.turn(other, "and again") == others, "who was let go of besides comes back to its own"
    assert not details(guarded, thread).alarms


def test_each_remedy_makes_it_let_go_and_taking_it_back_does_too(
    guarded: Guarded, t3: PlayedT3, watched: SettingsWatch, model: StubModel, project: Path
) -> None:
    (path,) = guarded.service.files
    thread = t3.thread("Report", project)
    old = t3.turn(thread, TELL)
    for remedy in (Remedy.FORK, Remedy.CARRY):
        details(guarded, thread)
        done = guarded.call(guarded.backend.remedies.apply(thread, Choice(remedy)))
        assert done.after[-1].startswith(f"T3 Code has closed {t3.cursor(thread)}"), done
        new = t3.turn(thread, ASK)
        assert new != old and remembers(model) and t3.cursor(thread) == new
    details(guarded, thread)
    undone = guarded.call(guarded.backend.remedies.apply(thread, Choice(Remedy.UNDO)))
    assert undone.after[-1].startswith(f"T3 Code has closed {new}")
    assert t3.turn(thread, ASK) != new and remembers(model)
    assert "binaryPath" in path.read_text()
    t3.let_go()
    guarded.call(guarded.service.unprotect(interrupt=False))
    assert not path.exists() or "binaryPath" not in path.read_text(), "put back"


def test_while_a_turn_runs_nothing_is_changed_and_it_is_said(
    guarded: Guarded, t3: PlayedT3, watched: SettingsWatch, model: StubModel, project: Path
) -> None:
    (path,) = guarded.service.files
    thread, other = t3.thread("Report", project), t3.thread("Busy one", project)
    old = t3.turn(thread, TELL)
    t3.turn(other, "hello")
    copy = fork(guarded, old)
    t3.set_status(other, "running")
    details(guarded, thread)
    before, choice = path.read_bytes(), Choice(Remedy.BIND, copy)
    seen = guarded.call(guarded.backend.remedies.preview(thread, choice))
    done = guarded.call(guarded.backend.remedies.apply(thread, choice, seen))
    for said in (seen.after[-1], done.after[-1]):
        assert said.startswith(f"T3 Code still holds {old} open, and is working in “Busy one”")
        assert "your next message there goes into that session. Quit T3 Code and start it again" in said
    assert path.read_bytes() == before and watched.reloads == 0 and thread in t3.live
    side = details(guarded, thread).row.next_message
    assert side and (side.kind, side.reason) == (Kind.BLOCKED, NextReason.LIVE_ELSEWHERE)
    assert "Quit T3 Code and start it again, and it goes into this one." in next_sentence(side)
    t3.set_status(other, "ready")
    t3.restart()
    assert details(guarded, thread).row.is_t3_side_fine
    assert t3.turn(thread, ASK) == copy and remembers(model), "which is what it was told to do"


def test_a_t3_code_that_does_not_follow_is_promised_nothing(
    guarded: Guarded, t3: PlayedT3, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("t3tray.guard.letting_go.LIMIT", 0.5)
    thread = t3.thread("Report", project)
    copy = fork(guarded, t3.turn(thread, TELL))
    details(guarded, thread)
    done = guarded.call(guarded.backend.remedies.apply(thread, Choice(Remedy.BIND, copy)))
    assert "it is unknown whether it has" in done.after[-1] and "Quit T3 Code and start it again" in done.after[-1]
    side = details(guarded, thread).row.next_message
    assert side and (side.kind, side.reason) == (Kind.UNKNOWN, NextReason.UNKNOWN)
    assert "it may still hold another session open" in next_sentence(side)


def runtime(t3: PlayedT3, thread: str) -> str:
    with closing(sqlite3.connect(t3.state)) as connection:
        query = "SELECT status FROM provider_session_runtime WHERE thread_id = ?"
        found: str = connection.execute(query, (thread,)).fetchone()[0]
    return found


def strayed(guarded: Guarded, thread: str) -> ThreadDetails:
    """Return the page once it is known that a message went astray: the guard records that beside its answer."""
    until(lambda: any(entry.event is Event.RETURNED for entry in guarded.call(guarded.backend.journal(thread))), "the word of it")
    return details(guarded, thread)


def choose_only_here(guarded: Guarded, thread: str, session: str) -> None:
    """Choose as the user does, without T3 Code: as if it was before the guard was known here."""
    sides = guarded.backend.t3_sides
    known, sides.guard = sides.guard, GuardSides()
    guarded.call(guarded.backend.remedies.apply(thread, Choice(Remedy.BIND, session)))
    sides.guard = known
