"""A session is deleted on the real OpenCode: the page shows the archived copy, until the thread continues in another session."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from t3tray.domain.remedy import Choice, Remedy
from tests.integration.test_talking import LIMIT, App, running
from tests.support.archives import archive_in
from tests.support.opencode import RawServer
from tests.support.stub_model import StubModel

LINE = "From t3tray's archive on"


@pytest.fixture
def work(tmp_path: Path, shared_server: RawServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in shared_server.environment.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def test_the_words_of_a_deleted_session_stay_on_the_page_until_the_thread_is_mended(
    qtbot: QtBot, tmp_path: Path, work: Path, shared_server: RawServer, model: StubModel
) -> None:
    data, server = tmp_path / "data", shared_server
    with running(qtbot, data) as app:
        app.new_thread(work)
        app.say("the codeword is HERON")
        app.until("2 messages carried")
        session = session_of(app)
        archive = archive_in(data)
        qtbot.waitUntil(lambda: archive.transcript(session) is not None, timeout=LIMIT)
        with server.http() as http:
            # Another one stays: without any session an attached server cannot be compared with the database.
            http.post("/session", params={"directory": str(work)}, json={"title": "stays"}).raise_for_status()
            assert http.delete(f"/session/{session}").json() is True
        app.until(LINE)
        assert_kept(app)
    with running(qtbot, data) as again:
        again.choose_first()
        again.until(LINE)
        assert_kept(again)
        assert again.window.page.tabs.currentIndex() == 0

        thread = again.window.threads.current()
        assert thread is not None
        again.bridge.previewed.connect(again.bridge.apply)
        again.bridge.preview(thread, Choice(Remedy.CARRY))
        again.until("Carried over by t3tray")
        again.until("Goes on in ses_")
        again.until_gone(LINE)
        # The page reads anew after an act; the list's snapshot comes a moment later.
        qtbot.waitUntil(lambda: session_of(again) != session, timeout=LIMIT)
        asked = len(model.chats())
        again.say("what is the codeword?")
        qtbot.waitUntil(lambda: len(model.chats()) > asked, timeout=LIMIT)
        assert "the codeword is HERON" in model.words_sent()
        assert not again.errors


def assert_kept(app: App) -> None:
    # The rows of a page are painted one after the other.
    for words in ("the codeword is HERON", "OK.", "2\N{NO-BREAK SPACE}messages", "The model remembers nothing of it."):
        app.until(words)
    composer = app.window.page.conversation.composer
    assert not composer.editor.isVisible() and not composer.send.isVisible()


def session_of(app: App) -> str:
    assert app.bridge.snapshot is not None
    (row,) = (row for row in app.bridge.snapshot.rows if row.thread.id == app.window.threads.current())
    assert row.session_id is not None
    return row.session_id
