"""A conversation in the window on the real OpenCode: typing, the reply, approvals, and the draft."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget
from pytestqt.qtbot import QtBot

from t3tray.backend.backend import Backend
from t3tray.ui.bridge import Bridge
from t3tray.ui.conversation.composer import Composer
from t3tray.ui.conversation.prose import Prose
from t3tray.ui.conversation.request_card import RequestCard
from t3tray.ui.conversation.row_widgets import FoldLine
from t3tray.ui.window import MainWindow
from tests.support.opencode import RawServer, without_model
from tests.support.stub_model import StubModel

LIMIT = 90_000


class App:
    """The window and its backend, without the tray."""

    def __init__(self, qtbot: QtBot, data: Path) -> None:
        self._qtbot = qtbot
        self.errors: list[str] = []
        self.bridge = Bridge(lambda publish: Backend.open(str(data), "tray"))
        self.window = MainWindow(self.bridge, lambda: datetime.now(UTC))
        qtbot.addWidget(self.window)
        self.bridge.snapshot_changed.connect(self.window.show_snapshot)
        self.bridge.details_changed.connect(self.window.show_details)
        self.bridge.thread_made.connect(self.window.show_thread_soon)
        self.bridge.failed.connect(lambda error: self.errors.append(error.message))
        self.bridge.start()
        self.window.resize(960, 700)
        self.window.show()

    def new_thread(self, folder: Path) -> None:
        self.bridge.new_thread(str(folder), "Refactor the parser")
        self.until("Goes on in ses_", "Begins the conversation in ses_")

    def choose_first(self) -> None:
        """Choose the first thread as soon as there is one."""

        def is_chosen() -> bool:
            self.window.threads.choose_first()
            return bool(self.window.threads.current())

        self._qtbot.waitUntil(is_chosen, timeout=LIMIT)

    def say(self, text: str) -> None:
        editor = self.window.page.conversation.composer.editor
        self._qtbot.waitUntil(lambda: editor.isVisible() and not editor.isReadOnly(), timeout=LIMIT)
        self._qtbot.keyClicks(editor, text)
        self._qtbot.keyClick(editor, Qt.Key.Key_Return)

    def press(self, words: str, inside: type[QWidget] = QWidget) -> None:
        def button() -> QAbstractButton | None:
            holders = [self.window, *self.window.findChildren(inside)]
            found = (each for holder in holders[1:] or holders for each in holder.findChildren(QAbstractButton))
            return next((each for each in found if each.text() == words and each.isVisible() and each.isEnabled()), None)

        self._qtbot.waitUntil(lambda: button() is not None, timeout=LIMIT)
        found = button()
        assert found is not None
        found.click()

    def until(self, *any_of: str) -> None:
        """Wait until one of these is visible on the page."""

        def is_there() -> None:
            shown = self.shown()
            assert any(words in shown for words in any_of), f"none of {any_of} in {shown!r}; errors {self.errors}"

        self._qtbot.waitUntil(is_there, timeout=LIMIT)

    def until_gone(self, words: str) -> None:
        self._qtbot.waitUntil(lambda: words not in self.shown(), timeout=LIMIT)

    def shown(self) -> str:
        page = self.window.page
        told = [label.text() for label in page.findChildren(QLabel) if label.isVisible()]
        told += [prose.toPlainText() for prose in page.findChildren(Prose) if prose.isVisible()]
        return "\n".join([*told, *(line.text() for line in page.findChildren(FoldLine) if line.isVisible())])

    def until_sent(self) -> None:
        """Wait until the draft is gone, which happens when the session has the message; the page may show that earlier."""
        self._qtbot.waitUntil(lambda: self.draft() == "", timeout=LIMIT)

    def draft(self) -> str:
        return self.window.page.conversation.composer.editor.toPlainText()

    def close(self) -> None:
        """Close as when the user quits in the middle of a word."""
        self.window.hide()
        with self._qtbot.waitSignal(self.bridge.ended, timeout=LIMIT):
            self.bridge.close()
        assert self.bridge.join()


@contextmanager
def running(qtbot: QtBot, data: Path) -> Iterator[App]:
    app = App(qtbot, data)
    try:
        yield app
    finally:
        app.close()


@pytest.fixture
def work(tmp_path: Path, shared_server: RawServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which t3tray works, on a server of the user's own."""
    for name, value in shared_server.environment.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "opencode.json").write_text('{"permission": {"bash": "ask"}}')
    return folder


def test_a_message_is_typed_and_its_reply_streams_in_while_a_draft_outlives_the_app(
    qtbot: QtBot, tmp_path: Path, work: Path, model: StubModel
) -> None:
    with running(qtbot, tmp_path / "data") as app:
        app.new_thread(work)
        app.say("hold the line")
        app.until("I am")
        app.until_sent()
        assert "I am done." not in app.shown()
        model.release()
        app.until("I am done.")
        app.until("2 messages carried")
        qtbot.keyClicks(app.window.page.conversation.composer.editor, "half a tho")
    with running(qtbot, tmp_path / "data") as again:
        again.choose_first()
        again.until("I am done.")
        assert again.draft() == "half a tho"
        assert not again.errors


def test_what_waits_is_answered_on_the_page_and_what_was_done_is_looked_into(
    qtbot: QtBot, tmp_path: Path, work: Path, model: StubModel
) -> None:
    with running(qtbot, tmp_path / "data") as app:
        app.new_thread(work)
        app.say("run: touch made")
        app.until("Wants to run touch made")
        app.press("Allow Once", RequestCard)
        app.until_gone("Wants to run touch made")
        app.until("✓ Ran touch made")
        assert (work / "made").exists()

        app.say("ask: Shall I?")
        app.until("Shall I?")
        app.press("Yes", RequestCard)
        app.press("Answer", RequestCard)
        app.until_gone("A choice")

        app.say("task: say: nothing to see")
        app.until("✓ general: look into it")
        for line in app.window.page.findChildren(FoldLine):
            if line.isVisible() and "general" in line.text():
                line.click()
        app.until("nothing to see")
        assert not app.errors


def test_a_turn_is_stopped_and_a_models_error_is_told_and_tried_again(
    qtbot: QtBot, tmp_path: Path, work: Path, model: StubModel
) -> None:
    with running(qtbot, tmp_path / "data") as app:
        app.new_thread(work)
        app.say("hold it")
        app.until("I am")
        app.press("Stop", Composer)
        app.until("Stopped here.")
        app.say("fail: no credit left")
        app.until("The model did not answer: no credit left.")
        before = len(model.chats())
        app.press("Retry")
        qtbot.waitUntil(lambda: len(model.chats()) > before, timeout=LIMIT)
        assert not app.errors


def test_what_is_refused_stays_in_the_composer_with_the_reason(qtbot: QtBot, tmp_path: Path, work: Path) -> None:
    with running(qtbot, tmp_path / "data") as app:
        app.new_thread(work)
        app.say("say: one")
        app.until("2 messages carried")
        work.rename(tmp_path / "moved")
        app.say("never lost")
        app.until("The thread's folder no longer exists.")
        app.until("the text is kept as the thread's draft")
        assert app.draft() == "never lost"
        (tmp_path / "moved").rename(work)
        app.bridge.read_details(app.window.threads.current() or "")
        app.until("2 messages carried")
        app.window.page.conversation.composer.send.click()
        app.until("4 messages carried")
        app.until_sent()


def test_a_message_that_opencode_drops_stays_in_the_composer_with_the_reason(
    qtbot: QtBot, tmp_path: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as own:
        for name in ("T3TRAY_SERVER_URL", "OPENCODE_SERVER_PASSWORD"):
            own.delenv(name)
        own.setenv("OPENCODE_CONFIG_CONTENT", "{}")
        with running(qtbot, tmp_path / "data") as app:
            app.new_thread(work)
            app.say("never lost")
            app.until("OpenCode dropped the message: No providers are available.")
            app.until("Nothing was sent; the text is kept as the thread's draft.")
            assert app.draft() == "never lost"
            assert not app.window.page.conversation.composer.editor.isReadOnly()
    with running(qtbot, tmp_path / "data") as again:
        again.choose_first()
        qtbot.waitUntil(lambda: again.draft() == "never lost", timeout=LIMIT)
        again.say("")
        again.until("OK.")
        again.until_sent()
        assert not again.errors


def test_a_turn_that_asked_no_model_is_told_in_opencodes_words(
    qtbot: QtBot, tmp_path: Path, work: Path, shared_server: RawServer
) -> None:
    with running(qtbot, tmp_path / "data") as app:
        app.new_thread(work)
        app.say("say: one")
        app.until("2 messages carried")
    without_model(shared_server, work)
    with running(qtbot, tmp_path / "data") as again:
        again.choose_first()
        again.say("say: two")
        again.until("The turn ended with an error: Model not found: stub/stub-1.")
        again.until_sent()
        assert "at <anonymous>" not in again.shown()
