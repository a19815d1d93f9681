"""A link shows its thread, or a sentence; whatever it names, nothing is started, changed or sent."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from t3tray.domain.link import ThreadLink
from t3tray.domain.pending_request import ApprovalRequest
from t3tray.domain.verdict import Reason
from t3tray.errors import ExitCode, ServerDown, UsageError
from t3tray.messages.thread_names import INVALID_LINK, NOT_OURS_TO_RESUME, RESUME_WANTED, THREAD_NOT_FOUND_NOW, UNKNOWN_THREAD
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.thread_links import LinkOpener
from t3tray.ui.threads.thread_list_data import ThreadListData, thread_list_data
from t3tray.ui.window import MainWindow
from tests.support.asked import Asked
from tests.support.views import NOON, READY, archived, details, requester, row, t3_thread

APPROVAL = ApprovalRequest("per_1", requester("a"), "bash", ("git push",))
SNAPSHOT = Snapshot(
    READY,
    (row("a"), row("b", Reason.MISSING), row("c", Reason.SERVER_ERROR), archived(row("old"))),
    (t3_thread("x", "codex"),),
    pending_requests=(APPROVAL,),
)
# What showing a page reads, whatever made it show.
READS = {"details.read", "conversations.follow", "unfollow", "watch"}


class World:
    """A window and what is opened in it. `snapshot` is None until the threads are known."""

    def __init__(self, qtbot: QtBot, recorded: Asked, snapshot: Snapshot | None) -> None:
        self.recorded = recorded
        self.window = MainWindow(recorded.bridge, lambda: NOON)
        qtbot.addWidget(self.window)
        self.listing: ThreadListData | None = None
        self.brought_up: list[str] = []
        self.links = LinkOpener(self.bring_up, lambda: self.window, lambda: self.listing)
        if snapshot:
            self.read(snapshot)

    def read(self, snapshot: Snapshot) -> None:
        self.listing = thread_list_data(snapshot)
        self.window.show_listing(self.listing)
        self.links.show_pending()

    def bring_up(self, note: str) -> None:
        self.brought_up.append(note)
        self.window.bring_up()

    def asked(self) -> list[tuple[str, ...]]:
        """What the backend was asked until now. What is asked later comes later, so all of it is there."""
        self.recorded.bridge.watch("the last one")
        self.recorded.wait_for("watch", "the last one")
        return [*self.recorded.backend.asked]

    def note(self) -> str:
        return "" if self.window.bar.isHidden() else self.window.bar.message.text()


@pytest.fixture
def world(qtbot: QtBot, recorded: Asked) -> World:
    return World(qtbot, recorded, SNAPSHOT)


@pytest.mark.parametrize("thread_id", ["a", "b", "c", "old", "x"])
def test_a_known_thread_is_shown_without_a_word(world: World, thread_id: str) -> None:
    world.links.open(ThreadLink(thread_id))
    assert world.window.isVisible() and world.window.threads.current() == thread_id
    assert world.note() == "" and world.brought_up == [""]
    assert not {name for name, *_ in world.asked()} - READS


@pytest.mark.parametrize("thread_id", ["a", "b", "c", "old", "x"])
def test_a_link_to_resume_says_what_is_so_and_starts_nothing(world: World, thread_id: str) -> None:
    world.links.open(ThreadLink(thread_id, is_to_resume=True))
    assert world.window.threads.current() == thread_id
    assert world.note() == (NOT_OURS_TO_RESUME if thread_id == "x" else RESUME_WANTED)
    assert not {name for name, *_ in world.asked()} - READS
    offered = [each.text() for each in world.window.page.header.findChildren(QPushButton)]
    assert ("Resume in Terminal" in offered) is (thread_id in ("a", "old"))


@pytest.mark.parametrize("width", [420, 1200])
@pytest.mark.parametrize("is_to_resume", [False, True])
def test_what_the_user_is_typing_is_not_sent_in_the_links_thread(
    qtbot: QtBot, world: World, width: int, is_to_resume: bool
) -> None:
    window, editor = world.window, world.window.page.conversation.composer.editor
    window.resize(width, 700)
    window.show_thread("a")
    window.show_details(details(SNAPSHOT.rows[0]))
    with qtbot.waitActive(window):
        window.bring_up()
    editor.setFocus()
    qtbot.waitUntil(editor.hasFocus, timeout=90_000)
    qtbot.keyClicks(editor, "yes")
    drafted = row("d", draft="rm -rf build")
    world.read(replace(SNAPSHOT, rows=(*SNAPSHOT.rows, drafted)))
    world.links.open(ThreadLink("d", is_to_resume))
    window.show_details(details(drafted))
    assert editor.toPlainText() == "rm -rf build"
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Space, Qt.Key.Key_Y):
        qtbot.keyClick(window.focusWidget(), key)
    assert not {name for name, *_ in world.asked()} - READS - {"conversations.save_draft"}
    assert editor.toPlainText() == "rm -rf build"


def test_its_note_is_about_the_thread_that_is_shown(world: World) -> None:
    world.links.open(ThreadLink("a", is_to_resume=True))
    world.read(replace(SNAPSHOT, rows=SNAPSHOT.rows[1:] + SNAPSHOT.rows[:1]))
    assert world.note() == RESUME_WANTED
    world.window.show_thread("b")
    assert world.note() == ""
    world.links.open(ThreadLink("a", is_to_resume=True))
    world.links.open(ThreadLink("a"))
    assert world.note() == "", "the newest link does not ask for it"


@pytest.mark.parametrize("thread_id", ["nobody", "A", "per_1", "import:codex:1"])
@pytest.mark.parametrize("is_to_resume", [False, True])
def test_an_unknown_thread_is_a_sentence_and_nothing_else(world: World, thread_id: str, is_to_resume: bool) -> None:
    world.links.open(ThreadLink("a"))
    asked = world.asked()
    world.links.open(ThreadLink(thread_id, is_to_resume))
    assert world.window.threads.current() == "a" and world.note() == UNKNOWN_THREAD
    assert not {name for name, *words in world.asked()[len(asked) :] if thread_id in words}
    world.links.open(ThreadLink("b"))
    assert world.note() == ""


def test_where_some_threads_could_not_be_read_it_is_not_called_unknown(world: World) -> None:
    for lacking in (replace(SNAPSHOT, warnings=("T3 Code's database cannot be read.",)), replace(SNAPSHOT, stale_since=NOON)):
        world.read(lacking)
        world.links.open(ThreadLink("nobody"))
        assert world.note() == THREAD_NOT_FOUND_NOW


def test_a_message_of_another_kind_is_not_taken_away(world: World) -> None:
    world.window.bar.show_error(ServerDown("No response from http://127.0.0.1:1."))
    world.links.open(ThreadLink("a"))
    assert world.note() == "No response from http://127.0.0.1:1."


def test_until_the_threads_are_known_it_waits_and_the_last_one_counts(qtbot: QtBot, recorded: Asked) -> None:
    world = World(qtbot, recorded, None)
    world.links.open(ThreadLink("b"))
    world.links.open(ThreadLink("c"))
    assert world.window.isVisible() and world.window.threads.current() is None and world.note() == ""
    world.read(SNAPSHOT)
    assert world.window.threads.current() == "c" and world.links.pending is None
    world.window.show_thread("a")
    world.read(replace(SNAPSHOT, warnings=()))
    assert world.window.threads.current() == "a", "it is shown once"


def test_no_other_thread_counts_as_read_by_it(qtbot: QtBot, recorded: Asked) -> None:
    world = World(qtbot, recorded, replace(SNAPSHOT, unread=frozenset({"a", "b"})))
    world.window.resize(1200, 700)
    chosen: list[str] = []
    world.window.threads.chosen.connect(chosen.append)
    world.links.open(ThreadLink("b"))
    assert chosen == ["b"], "the topmost thread was chosen in between"


@pytest.mark.parametrize(
    "text", ["", "t3tray:", "t3tray://thread/", "t3tray://thread/a?b", "https://example.org/", "t3tray://thread/a%2e"]
)
def test_what_is_no_link_is_refused_with_one_sentence_that_does_not_repeat_it(world: World, text: str) -> None:
    world.links.open_text(text)
    assert world.brought_up == [INVALID_LINK] and world.window.threads.current() is None
    with pytest.raises(UsageError, match="not a link of t3tray") as refused:
        world.links.begin(text)
    assert refused.value.message == INVALID_LINK and world.links.pending is None


SCRIPT = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication, QTimer, QUrl
from PySide6.QtGui import QFileOpenEvent
from t3tray.threads.snapshot import Snapshot
from t3tray.ui.application import Application
from tests.support.recording import RecordingBackend
from tests.support.views import READY, row
from tests.ui.test_thread_links import READS

backend = RecordingBackend(Snapshot(READY, (row("a"), row("b"))))
app = Application(Path(sys.argv[1]), backend.open, link=sys.argv[2])
if sys.argv[3:]:
    # As macOS does it: an event that may be there before the icon is.
    QCoreApplication.postEvent(QCoreApplication.instance(), QFileOpenEvent(QUrl(sys.argv[3])))
shown = []

def look():
    window, snapshot = app.window, app.bridge and app.bridge.snapshot
    if not window or not window.isVisible() or not snapshot:
        return
    state = f"{window.threads.current()}|{window.bar.message.text()}"
    if shown[-1:] != [state]:
        shown.append(state)
        print(state, flush=True)
    if ("details.read", "b") in backend.asked and window.bar.message.text() and not ended:
        ended.append(True)
        print("asked", {name for name, *_ in backend.asked} - READS)
        QCoreApplication.instance().quit_wanted.emit()

ended = []
looking = QTimer()
looking.timeout.connect(look)
looking.start(20)
sys.exit(app.run())
"""


def first_argv(directory: Path, link: str, *event: str) -> list[str]:
    return [sys.executable, "-c", SCRIPT, str(directory), link, *event]


@pytest.mark.process
@pytest.mark.parametrize("words", [("t3tray://resume/b",), ("", "t3tray://resume/b")])
def test_the_app_starts_and_opens_there(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = subprocess.run(first_argv(tmp_path, *words), capture_output=True, text=True, check=False, timeout=90)
    assert done.returncode == 0, done.stderr
    *_, last, asked = done.stdout.splitlines()
    assert last == f"b|{RESUME_WANTED}" and asked == "asked set()"


@pytest.mark.process
def test_a_second_process_hands_its_link_to_the_first_and_ends(tmp_path: Path) -> None:
    first = subprocess.Popen(first_argv(tmp_path, ""), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert first.stdout
        assert first.stdout.readline() == "None|\n"
        for link, code, seen in (
            ("t3tray://thread/b?x", ExitCode.USAGE, ""),
            ("t3tray://thread/a", ExitCode.DONE, "a|\n"),
            ("t3tray://thread/nobody", ExitCode.DONE, f"a|{UNKNOWN_THREAD}\n"),
            ("t3tray://resume/b", ExitCode.DONE, f"b|{RESUME_WANTED}"),
        ):
            argv = [sys.executable, "-m", "t3tray", "--data-dir", str(tmp_path), link]
            second = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=90)
            assert (second.returncode, second.stdout) == (code, "")
            assert second.stderr == (f"Invalid command: {INVALID_LINK}\n" if code else "")
            if seen:
                assert first.stdout.readline().startswith(seen)
        assert first.stdout.readline() == "asked set()\n" and first.wait(90) == 0
    finally:
        first.kill()
        first.communicate()


@pytest.mark.process
@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="there is always a display")
def test_without_a_display_there_is_a_sentence_and_nothing_runs(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "t3tray", "--data-dir", str(tmp_path / "data"), "t3tray://thread/a"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=90, env={"PATH": "/usr/bin"})
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, "") and not (tmp_path / "data").exists()
    assert done.stderr.startswith("No usable display: A link opens t3tray's window") and "`t3tray show ID`" in done.stderr
