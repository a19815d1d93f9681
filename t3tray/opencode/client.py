"""Requests to one OpenCode 1.x server: the routes and their parameters.

Keeps no state of sessions, never retries (a prompt that timed out may have arrived), and ignores proxies in the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import quote

import httpx
from msgspec import Raw, Struct

from t3tray.domain.evidence import Activity
from t3tray.errors import ServerError, TimedOut, Unsupported, UsageError
from t3tray.opencode import failures, wire
from t3tray.opencode.events import EventStream
from t3tray.opencode.limits import FIRST_FACTOR, OVERALL_LIMIT, ask
from t3tray.opencode.markers import Marker, marked_metadata
from t3tray.opencode.message_reading import MessageReading, read_messages, reading_from
from t3tray.opencode.opencode2 import OpenCode2Page, opencode2_version
from t3tray.opencode.records import MessageRecord, MessageSpan, Page, SessionRecord
from t3tray.opencode.wire import TranscriptPage, WireMessage
from t3tray.system.environment import SERVER_USER
from t3tray.system.known_secrets import remember

CONNECT_TIMEOUT = 2.0
READ_TIMEOUT = 10.0

# All in one page: OpenCode pages by time of update, and a session with the same millisecond could be lost between two pages.
_ALL_SESSIONS = 1_000_000
COUNTED_AT_ONCE = 500
# The server accepts at most 200.
_OPENCODE2_AT_ONCE = 100
_FIRST_READ = 8
_LATER_READ = 100

T = TypeVar("T")


class _Health(Struct, frozen=True):
    version: str


class OpenCodeClient:
    """Client of one server, for one event loop. Every request may raise ServerError; `aclose()` closes the connections.

    `version` is from the last health answer, empty before the first.
    """

    def __init__(
        self,
        url: str,
        password: str | None = None,
        read_timeout: float = READ_TIMEOUT,
        transport: httpx.AsyncBaseTransport | None = None,
        user: str = SERVER_USER,
    ) -> None:
        """`read_timeout` in seconds; the first request to a folder gets three times that. Raises UsageError when `url` is not an
        address."""
        self.url = url
        self.version = ""
        self._first = httpx.Timeout(read_timeout * FIRST_FACTOR, connect=CONNECT_TIMEOUT)
        # Folders with an answered request; an empty name is the server's own folder.
        self._folders: set[str] = set()
        remember(password, user)
        # `trust_env` is off: otherwise HTTP_PROXY would send even requests to 127.0.0.1, with the password, to a proxy.
        try:
            self._http = httpx.AsyncClient(
                base_url=url,
                auth=None if password is None else httpx.BasicAuth(user, password),
                timeout=httpx.Timeout(read_timeout, connect=CONNECT_TIMEOUT),
                trust_env=False,
                # Uncompressed, so that the size is limited while reading.
                headers={"accept-encoding": "identity"},
                # Loading the system's certificates costs 20 ms and some MB, for nothing on plain HTTP.
                verify=not url.startswith("http://"),
                transport=transport,
            )
        except httpx.InvalidURL as error:
            raise UsageError(f"{url} is not the address of a server: {error}.") from error

    async def aclose(self) -> None:
        await self._http.aclose()

    def events(self) -> EventStream:
        """Return a new stream of the server's events; its connection closes with this client."""
        return EventStream(self._http, self.url)

    async def health(self, within: float = CONNECT_TIMEOUT) -> str:
        """Return the server's version. Raises TimedOut after `within` seconds.

        A request that arrives between the server's `listen()` and its handlers hangs forever (1.18.33). A repeated request uses
        a new connection, because one that timed out is closed.
        """
        timeout = httpx.Timeout(within, connect=min(within, CONNECT_TIMEOUT))
        response = await self._send("GET", "/global/health", timeout=timeout)
        self.version = wire.decode(failures.json_body(response), _Health, "its health").version
        return self.version

    async def opencode2_version(self, within: float) -> str | None:
        """Return the version of an OpenCode 2 server, empty where it requires its own password; None for another server."""
        for path in ("/api/info", "/api/health"):
            response = await self._send("GET", path, timeout=httpx.Timeout(within))
            if (version := opencode2_version(response)) is not None:
                return version
        return None

    async def session(self, session_id: str) -> SessionRecord:
        """Return the session, of any directory. Raises SessionMissing when OpenCode says that it does not exist."""
        session = await self._get(f"/session/{_part(session_id)}", wire.WireSession, "the session")
        if session.id != session_id:
            raise Unsupported(f"The server returned session {session.id} instead of {session_id}.")
        return session.record()

    async def message(self, session_id: str, message_id: str) -> MessageRecord:
        """Return one message. Raises SessionMissing when the session or the message does not exist."""
        path = f"/session/{_part(session_id)}/message/{_part(message_id)}"
        message = await self._get(path, wire.WireMessage, "the message")
        if (message.info.session_id, message.info.id) != (session_id, message_id):
            raise Unsupported(f"The server returned message {message.info.id} instead of {message_id} of {session_id}.")
        return message.record()

    async def messages(self, session_id: str, limit: int, before: str | None = None) -> Page:
        """Return the newest `limit` messages, or those before a page's `older`; oldest first."""
        params = {"limit": str(limit)} | ({"before": before} if before else {})
        response = await self._send("GET", f"/session/{_part(session_id)}/message", params=params)
        found = wire.decode(failures.json_body(response), tuple[wire.WireMessage, ...], "the messages")
        records = tuple(message.record() for message in found)
        return Page(records, response.headers.get("x-next-cursor"), _sent_ms(response.headers.get("date", "")))

    async def messages_from(self, session_id: str, message_id: str, written_ms: int) -> MessageReading:
        """Return this message and all after it; if it does not exist, all since `written_ms`. Reads only the necessary pages."""
        read: list[tuple[WireMessage | None, bool]] = []
        before, limit = None, _FIRST_READ
        while True:
            params = {"limit": str(limit)} | ({"before": before} if before else {})
            response = await self._send("GET", f"/session/{_part(session_id)}/message", params=params)
            each = wire.decode(failures.json_body(response), tuple[Raw, ...], "the messages")
            read = [*read_messages(each), *read]
            before, limit = response.headers.get("x-next-cursor"), _LATER_READ
            reading = reading_from(read, message_id, written_ms if before else 0)
            if reading is not None or before is None:
                return reading or MessageReading(())

    async def opencode2_messages(self, session_id: str) -> frozenset[str]:
        """Return the ids of OpenCode 2's messages of a session, from a server of 1.17 or newer. Raises Unsupported otherwise."""
        found: set[str] = set()
        path, params = f"/api/session/{_part(session_id)}/message", {"limit": str(_OPENCODE2_AT_ONCE)}
        while True:
            page = await self._get(path, OpenCode2Page, "OpenCode 2's messages", params)
            found.update(message.id for message in page.data if message.is_message)
            after = page.cursor.get("next")
            if after is None or len(page.data) < _OPENCODE2_AT_ONCE:
                return frozenset(found)
            params["cursor"] = after

    async def span(self, session_id: str) -> MessageSpan:
        """Count a session's messages page by page, since the server has no count. Raises SessionMissing."""
        times: list[int] = []
        before: str | None = None
        while True:
            params = {"limit": str(COUNTED_AT_ONCE)} | ({"before": before} if before else {})
            response = await self._send("GET", f"/session/{_part(session_id)}/message", params=params)
            found = wire.decode(failures.json_body(response), tuple[wire.Stub, ...], "the messages")
            times += [message.created_ms for message in found]
            before = response.headers.get("x-next-cursor")
            if before is None:
                return MessageSpan(len(times), min(times, default=None), max(times, default=None))

    async def transcript(self, session_id: str, limit: int, before: str | None = None) -> TranscriptPage:
        """Return the newest `limit` messages with all their parts, or those before a page's `older`; oldest first."""
        params = {"limit": str(limit)} | ({"before": before} if before else {})
        response = await self._send("GET", f"/session/{_part(session_id)}/message", params=params)
        each = wire.decode(failures.json_body(response), tuple[Raw, ...], "the messages")
        # One by one: decoding megabytes in one call would block all other threads, including the window's.
        messages = tuple(wire.decode(raw, wire.WireMessage, "a message") for raw in each)
        return TranscriptPage(messages, response.headers.get("x-next-cursor"))

    async def create_session(self, directory: str, title: str, marker: Marker) -> SessionRecord:
        """Create a session in `directory` with our marker. The server does not check whether the directory exists."""
        body = {"title": title, "metadata": marked_metadata("", marker)}
        response = await self._send("POST", "/session", params={"directory": directory}, json=body)
        return wire.decode(failures.json_body(response), wire.WireSession, "the new session").record()

    async def delete_session(self, session_id: str) -> None:
        """Delete a session permanently. Used only by the demo on its own data, never by a remedy or recovery."""
        failures.json_body(await self._send("DELETE", f"/session/{_part(session_id)}"))

    async def fork_session(self, session_id: str, directory: str) -> SessionRecord:
        """Copy the session with its metadata in the same directory (which is the session's); the server chooses the title."""
        params = {"directory": directory}
        response = await self._send("POST", f"/session/{_part(session_id)}/fork", params=params, json={})
        return wire.decode(failures.json_body(response), wire.WireSession, "the fork").record()

    async def set_metadata(self, session_id: str, metadata: Mapping[str, object]) -> None:
        """Replace the session's metadata. The server changes nothing else of it."""
        failures.json_body(await self._send("PATCH", f"/session/{_part(session_id)}", json={"metadata": metadata}))

    async def move_session(self, session_id: str, directory: str) -> None:
        """Move the session to another directory. Raises MoveRefused when that is in another project.

        The server does not check whether the directory exists.
        """
        body = {"sessionID": session_id, "destination": {"directory": directory}}
        failures.no_body(await self._send("POST", "/experimental/control-plane/move-session", json=body))

    async def add_message(self, session_id: str, text: str, mark: str, directory: str) -> str:
        """Add a user message with our mark, without a request to the model. Return the message's id."""
        part = {"type": "text", "text": text, "metadata": {"t3tray": mark}}
        path = f"/session/{_part(session_id)}/message"
        body = {"noReply": True, "parts": [part]}
        response = await self._send("POST", path, params={"directory": directory}, json=body)
        return wire.decode(failures.json_body(response), wire.WireMessage, "the added message").info.id

    async def delete_message(self, session_id: str, message_id: str) -> None:
        """Delete one message. Used only for messages that a remedy added."""
        failures.json_body(await self._send("DELETE", f"/session/{_part(session_id)}/message/{_part(message_id)}"))

    async def prompt(self, session_id: str, text: str, directory: str, message_id: str = "") -> None:
        """Send a prompt; the reply arrives as events. `message_id` is the id of its message, empty for OpenCode's choice.

        `directory` is the session's: without it some versions run the turn in the server's own directory.

        After TimedOut or ServerDown it may still have arrived, and a successful response does not mean that it was stored.
        """
        body: dict[str, object] = {"parts": [{"type": "text", "text": text}]}
        body |= {"messageID": message_id} if message_id else {}
        path, params = f"/session/{_part(session_id)}/prompt_async", {"directory": directory}
        failures.no_body(await self._send("POST", path, params=params, json=body))

    async def abort(self, session_id: str, directory: str) -> None:
        """Abort the running turn of the session and those of its sub-agents. Does nothing where none is running."""
        path = f"/session/{_part(session_id)}/abort"
        failures.json_body(await self._send("POST", path, params={"directory": directory}))

    async def sessions(self, directory: str | None = None, archived: bool = True) -> tuple[SessionRecord, ...]:
        """Return all root sessions, of every project or of one directory; the last updated first."""
        params = {"roots": "true", "limit": str(_ALL_SESSIONS), "archived": "true" if archived else "false"}
        if directory is not None:
            params["directory"] = directory
        found = await self._get("/experimental/session", tuple[wire.WireSession, ...], "its sessions", params)
        return tuple(session.record() for session in found)

    async def newest_root(self) -> str | None:
        """Return the id of the root session that was updated last, of all projects, including archived ones."""
        params = {"roots": "true", "limit": "1", "archived": "true"}
        found = await self._get("/experimental/session", tuple[wire.WireSession, ...], "its sessions", params)
        return found[0].id if found else None

    async def sessions_titled(self, title: str) -> tuple[str, ...]:
        """Return the ids of root sessions with exactly this title, of all projects, including archived ones."""
        params = {"roots": "true", "limit": str(_ALL_SESSIONS), "archived": "true", "search": title}
        found = await self._get("/experimental/session", tuple[wire.WireSession, ...], "its sessions", params)
        return tuple(session.id for session in found if session.title == title)

    async def activity(self, session_id: str, directory: str) -> Activity:
        """Return what this server process does in the session. `directory` must be the session's: otherwise it is never busy."""
        return Activity.BUSY if session_id in await self.busy_in(directory) else Activity.IDLE

    async def busy_in(self, directory: str) -> frozenset[str]:
        """Return the sessions of this directory in which this server process runs a turn."""
        found = await self._get("/session/status", dict[str, wire.Status], "its activity", {"directory": directory})
        return frozenset(session for session, status in found.items() if status.activity is Activity.BUSY)

    async def dispose(self, directory: str) -> None:
        """Release the server's state of a directory; the next request for the directory creates it again."""
        failures.json_body(await self._send("POST", "/instance/dispose", params={"directory": directory}))
        self._folders.discard(directory)

    async def permissions(self, directory: str) -> tuple[wire.Permission, ...]:
        """Return the tools that wait for approval in the sessions of a directory."""
        return await self._get("/permission", tuple[wire.Permission, ...], "the permissions", {"directory": directory})

    async def questions(self, directory: str) -> tuple[wire.QuestionSet, ...]:
        """Return the questions that wait for the user in the sessions of a directory."""
        return await self._get("/question", tuple[wire.QuestionSet, ...], "the questions", {"directory": directory})

    async def reply_permission(self, permission_id: str, directory: str, reply: str) -> bool:
        """Answer an approval request; `reply` is once, always or reject. Return False when it is no longer open."""
        return await self._answer(f"/permission/{_part(permission_id)}/reply", directory, {"reply": reply})

    async def answer_question(self, question_id: str, directory: str, answers: tuple[tuple[str, ...], ...]) -> bool:
        """Answer with the chosen labels for each question. Return False when it is no longer open."""
        return await self._answer(f"/question/{_part(question_id)}/reply", directory, {"answers": answers})

    async def reject_question(self, question_id: str, directory: str) -> bool:
        """Reject a question. Return False when it is no longer open."""
        return await self._answer(f"/question/{_part(question_id)}/reject", directory, {})

    async def _answer(self, path: str, directory: str, body: Mapping[str, object]) -> bool:
        response = await self._send("POST", path, params={"directory": directory}, json=body)
        if failures.is_answered_already(response):
            return False
        failures.json_body(response)
        return True

    async def _get(self, path: str, shape: type[T], what: str, params: dict[str, str] | None = None) -> T:
        response = await self._send("GET", path, params=params)
        return wire.decode(failures.json_body(response), shape, what)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        json: Mapping[str, object] | None = None,
        timeout: httpx.Timeout | None = None,
    ) -> httpx.Response:
        folder = (params or {}).get("directory", "")
        limit = timeout or (self._http.timeout if folder in self._folders else self._first)
        within = OVERALL_LIMIT if timeout is None else timeout.read or OVERALL_LIMIT
        try:
            response = await ask(self._http, method, path, params=params, json=json, timeout=limit, within=within)
        except httpx.RequestError as error:
            raise failures.of_transport(error, self.url) from error
        except TimeoutError as error:
            raise TimedOut(f"{self.url} did not respond in time.") from error
        except ServerError:
            raise
        except Exception as error:
            # Libraries below httpx raise other exceptions, for example for an invalid port or an unreadable certificate store.
            raise Unsupported(f"Cannot connect to {self.url}: {error}.", "Check the address of the server.") from error
        if timeout is None:
            self._folders.add(folder)
        return response


def _sent_ms(date: str) -> int | None:
    """Convert a response's date to ms since the epoch; None for an invalid one."""
    try:
        return round(parsedate_to_datetime(date).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _part(identifier: str) -> str:
    """Encode an id as one path segment, whatever characters a damaged cursor contains."""
    return quote(identifier, safe="")
