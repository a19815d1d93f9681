"""Imitates T3 Code 0.0.33 as a guard sees it: its database, and its requests to an external OpenCode server, one turn at a time.

The requests are recorded ones. Its reactions to responses are those observed: a session in the response becomes the cursor,
whatever was requested; only NotFound starts a new session; every other error fails the turn and keeps the cursor.
"""

from __future__ import annotations

import json
import os
import queue
import sqlite3
import threading
import uuid
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from t3tray.demo.t3 import T3Player, new_turn
from t3tray.demo.t3_database import add_message, add_thread_row, insert, set_runtime, stamp, update, upsert
from tests.support.t3_traffic import Recorded, recorded, shape

ALLOW_ALL = [{"permission": "*", "pattern": "*", "action": "allow"}]
_LIMIT = 90.0


@dataclass
class Live:
    """A session that T3 Code holds open: its id, and the event stream of its folder."""

    session_id: str
    events: queue.Queue[dict[str, Any]]
    reading: threading.Thread
    close: Any


class PlayedT3(T3Player):
    """An imitated T3 Code with requests. `sent` are all of them as shapes. `is_announced`: its runtime file exists."""

    def __init__(self, state: Path, url: str, password: str, is_announced: bool = False) -> None:
        self.url = url
        self.password = password
        self.permission = list(ALLOW_ALL)
        self.sent: list[str] = []
        self.live: dict[str, Live] = {}
        self._is_announced = is_announced
        super().__init__(state)

    def open(self) -> None:
        super().open()
        self.http = httpx.Client(trust_env=False, verify=False, timeout=_LIMIT)
        if self._is_announced:
            self.say_it_runs(os.getpid(), "http://127.0.0.1:1", 1, datetime.now(UTC))

    def quit(self) -> None:
        """Quit in order: every live session is aborted, every cursor kept."""
        self.let_go()
        with self.write() as connection:
            update(connection, "provider_session_runtime", status="stopped", last_seen_at=_now())
        self.http.close()
        self.close()
        self.state.with_name("server-runtime.json").unlink(missing_ok=True)

    def let_go(self) -> None:
        """Abort every live session; none is live afterwards."""
        for thread_id in list(self.live):
            self._drop(thread_id, abort=True)

    def restart(self) -> None:
        self.quit()
        self.open()

    def thread(self, title: str, directory: Path) -> str:
        """Create a thread, before its first message."""
        thread_id = str(uuid.uuid4())
        with self.write() as connection:
            chosen, folder = ("opencode", "stub/stub-1"), str(directory)
            add_thread_row(connection, thread_id, "p1", title, *chosen, datetime.now(UTC), worktree_path=folder)
            _event(connection, thread_id, "thread.created")
        return thread_id

    def move(self, thread_id: str, directory: Path) -> None:
        """Move the thread to a worktree, as the user does."""
        with self.write() as connection:
            update(connection, "projection_threads", thread_id, worktree_path=str(directory))
            _event(connection, thread_id, "thread.meta-updated")

    def turn(self, thread_id: str, text: str) -> str:
        """Send a message and wait for the end of its turn; return the session that answered. Raises TurnRefused."""
        self.ask(thread_id, text)
        return self.work(thread_id, text)

    def ask(self, thread_id: str, text: str) -> None:
        """Queue a message for T3 Code's single worker."""
        with self.write() as connection:
            add_message(connection, thread_id, "user", text, datetime.now(UTC))
            asked = {"pending_message_id": str(uuid.uuid4()), "state": "pending", "requested_at": _now()}
            insert(connection, "projection_turns", thread_id=thread_id, turn_id=None, checkpoint_files_json="[]", **asked)
            update(connection, "projection_threads", thread_id, latest_user_message_at=_now())
            for kind in ("thread.message-sent", "thread.turn-start-requested"):
                _event(connection, thread_id, kind)

    def work(self, thread_id: str, text: str) -> str:
        """Let the worker process this thread's message."""
        self.set_status(thread_id, "starting")
        try:
            live = self.live.get(thread_id) or self._session(thread_id)
            self.send(recorded("a", "POST", "/prompt_async"), self._directory(thread_id), live.session_id, **_prompt(text))
        except TurnRefused as refused:
            self._failed(thread_id, str(refused))
            raise
        turn_id = new_turn()
        with self.write() as connection:
            connection.execute(
                "UPDATE projection_turns SET turn_id = ?, state = 'running' WHERE thread_id = ? AND turn_id IS NULL",
                (turn_id, thread_id),
            )
            update(connection, "projection_threads", thread_id, latest_turn_id=turn_id)
        self.set_status(thread_id, "running")
        answers = self._until_idle(live)
        with self.write() as connection:
            connection.execute("UPDATE projection_turns SET state = 'completed' WHERE turn_id = ?", (turn_id,))
            for part, answer in answers.items():
                add_message(connection, thread_id, "assistant", answer, datetime.now(UTC), f"assistant:{part}")
        self.set_status(thread_id, "ready")
        return live.session_id

    def set_mode(self, thread_id: str) -> str:
        """Change the runtime mode of a thread without a live session: T3 Code resumes it without a message."""
        with self.write() as connection:
            _event(connection, thread_id, "thread.runtime-mode-set")
        return self._session(thread_id).session_id

    def generate_title(self, directory: str) -> str:
        """Run T3 Code's own text generation; return the session that it created for it."""
        made = self.send(recorded("j-textgen", "POST", "/session"), directory)
        session: str = made.json()["id"]
        self.send(recorded("j-textgen", "POST", "/message"), directory, session, **_prompt("Generate a title"))
        return session

    def cursor(self, thread_id: str) -> str | None:
        row = self._row("SELECT resume_cursor_json FROM provider_session_runtime WHERE thread_id = ?", thread_id)
        return None if row is None or row[0] is None else json.loads(row[0])["sessionId"]

    def status(self, thread_id: str) -> tuple[str, str | None]:
        """Return what the user sees: the state, and the error message."""
        row = self._row("SELECT status, last_error FROM projection_thread_sessions WHERE thread_id = ?", thread_id)
        return row[0], row[1]

    def send(self, line: Recorded, directory: str, session: str = "", **body: object) -> httpx.Response:
        """Send a recorded request for this folder and session. Raises TurnRefused, NotFound."""
        request = line.request(httpx.URL(self.url), self.password, directory, session, **body)
        self.sent.append(shape(request.method, request.url.path))
        try:
            answer = self.http.send(request)
        except httpx.TransportError as error:
            raise TurnRefused("fetch failed") from error
        if answer.is_success:
            return answer
        told = answer.json()
        if answer.status_code == 404 or told.get("name") == "NotFoundError":
            raise NotFound(told["data"]["message"])
        raise TurnRefused(told["data"]["message"])

    def _session(self, thread_id: str) -> Live:
        """`startSession`: resume by the cursor, fork if the folder differs, create a new session if it is gone."""
        directory, cursor = self._directory(thread_id), self.cursor(thread_id)
        session = None if cursor is None else self._resumed(cursor, directory)
        if session is None:
            title = self._row("SELECT title FROM projection_threads WHERE thread_id = ?", thread_id)[0]
            made = self.send(recorded("a", "POST", "/session"), directory, title=title, permission=self.permission)
            session = made.json()["id"]
        live = self.live[thread_id] = self._listen(session, directory)
        with self.write() as connection:
            set_runtime(connection, thread_id, session, datetime.now(UTC))
        return live

    def _resumed(self, cursor: str, directory: str) -> str | None:
        try:
            found = self.send(recorded("b", "GET", "/session/ID"), directory, cursor).json()
        except NotFound:
            return None
        session: str = found["id"]
        if "directory" in found and os.path.realpath(found["directory"]) != os.path.realpath(directory):
            session = self._fork(session, directory)
        self.send(recorded("b", "PATCH", "/session/ID"), directory, session, permission=self.permission)
        return session

    def _fork(self, session: str, directory: str) -> str:
        """Fork. Its address was recorded, and that it has no body; the folder is in the query and in the header."""
        line = recorded("b", "POST", "/abort")
        fork = Recorded(**{**vars(line), "path": line.path.replace("/abort", "/fork?directory=%2Fhome%2Fdev%2Fcode%2Fproj")})
        made: str = self.send(fork, directory, session).json()["id"]
        return made

    def _listen(self, session: str, directory: str) -> Live:
        events: queue.Queue[dict[str, Any]] = queue.Queue()
        request = recorded("a", "GET", "/event").request(httpx.URL(self.url), self.password, directory)
        self.sent.append(shape("GET", "/event"))
        client = httpx.Client(trust_env=False, verify=False, timeout=httpx.Timeout(_LIMIT, read=None))
        answer = client.send(request, stream=True)

        def read() -> None:
            try:
                for line in answer.iter_lines():
                    if line.startswith("data: "):
                        events.put(json.loads(line.removeprefix("data: ")))
            except httpx.HTTPError:
                events.put({"type": "the stream broke"})

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        assert events.get(timeout=_LIMIT)["type"] == "server.connected"
        return Live(session, events, thread, client.close)

    def _until_idle(self, live: Live) -> dict[str, str]:
        """Return the answer's texts by part, from the events."""
        assistants: set[str] = set()
        texts: dict[str, tuple[str, str]] = {}
        while True:
            event = live.events.get(timeout=_LIMIT)
            assert event["type"] != "the stream broke"
            told = event["properties"]
            if event["type"] == "message.updated" and told["info"]["role"] == "assistant":
                assistants.add(told["info"]["id"])
            if event["type"] == "message.part.updated" and told["part"]["type"] == "text":
                texts[told["part"]["id"]] = told["part"]["messageID"], told["part"]["text"]
            if event["type"] == "session.idle" and told["sessionID"] == live.session_id:
                return {part: text for part, (message, text) in texts.items() if message in assistants}

    def _drop(self, thread_id: str, abort: bool) -> None:
        live = self.live.pop(thread_id)
        if abort:
            self.send(recorded("b", "POST", "/abort"), self._directory(thread_id), live.session_id)
        live.close()

    def _failed(self, thread_id: str, message: str) -> None:
        with self.write() as connection:
            connection.execute("DELETE FROM projection_turns WHERE thread_id = ? AND turn_id IS NULL", (thread_id,))
            if thread_id not in self.live:
                # A failed message ends nothing: an open session stays open.
                update(connection, "provider_session_runtime", thread_id, status="stopped")
            _event(connection, thread_id, "thread.activity-appended")
        self.set_status(thread_id, "error", message)

    def set_status(self, thread_id: str, status: str, error: str | None = None) -> None:
        """Set the state of the thread's session, and the error message."""
        with self.write() as connection:
            shown = {"status": status, "provider_name": "opencode", "last_error": error, "updated_at": _now()}
            upsert(connection, "projection_thread_sessions", thread_id=thread_id, **shown)
            _event(connection, thread_id, "thread.session-set")

    def _directory(self, thread_id: str) -> str:
        found: str = self._row(
            "SELECT coalesce(worktree_path, workspace_root) FROM projection_threads JOIN projection_projects USING (project_id)"
            " WHERE thread_id = ?",
            thread_id,
        )[0]
        return found

    def _row(self, query: str, thread_id: str) -> Any:
        with closing(sqlite3.connect(self.state)) as connection:
            return connection.execute(query, (thread_id,)).fetchone()


class TurnRefused(Exception):
    """Raised for a turn that failed with a message, which T3 Code shows."""


class NotFound(TurnRefused):
    """Raised for the only error after which T3 Code starts a new session."""


def _prompt(text: str) -> dict[str, object]:
    return {"model": {"providerID": "stub", "modelID": "stub-1"}, "parts": [{"type": "text", "text": text}]}


def _event(connection: sqlite3.Connection, thread_id: str, kind: str) -> None:
    connection.execute(
        "INSERT INTO orchestration_events (event_id, aggregate_kind, stream_id, stream_version, event_type, occurred_at,"
        " actor_kind, payload_json, metadata_json) VALUES (?1, 'thread', ?2,"
        " (SELECT count(*) FROM orchestration_events), ?3, ?4, 'client', '{}', '{}')",
        (str(uuid.uuid4()), thread_id, kind, _now()),
    )


def _now() -> str:
    return stamp(datetime.now(UTC))
