"""Requests to one OpenCode 1.x server.

It owns the routes and their parameters. It decides nothing about a thread, keeps nothing between two calls, never retries
(a prompt that timed out may have arrived) and follows the environment's proxy settings in nothing.
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

# OpenCode pages by time of update, and two sessions of the same millisecond can fall between two pages.
_ALL_SESSIONS = 1_000_000
_COUNTED_AT_ONCE = 500
# It takes no more than 200.
_OPENCODE2_AT_ONCE = 100
_FIRST_READ = 8
_LATER_READ = 100

T = TypeVar("T")


class _Health(Struct, frozen=True):
    version: str


class OpenCodeClient:
    """One server, asked from one event loop. Every request raises ServerError; `aclose()` ends the connections.

    `version` is what the last health answer named, empty before the first.
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
        # The folders that the server has been asked about with an answer; empty stands for its own.
        self._folders: set[str] = set()
        remember(password, user)
        # `trust_env` off: otherwise HTTP_PROXY would take even 127.0.0.1, and the password with it, to a proxy.
        try:
            self._http = httpx.AsyncClient(
                base_url=url,
                auth=None if password is None else httpx.BasicAuth(user, password),
                timeout=httpx.Timeout(read_timeout, connect=CONNECT_TIMEOUT),
                trust_env=False,
                # What is packed has no size that is known before.
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
        """A new stream of the server's events; its connection ends with this client's."""
        return EventStream(self._http, self.url)

    async def health(self, within: float = CONNECT_TIMEOUT) -> str:
        """The server's version, or an error after `within` seconds without an answer.

        A request that arrives between the server's `listen()` and its handlers hangs for ever (1.18.33): ask again, and
        a new connection is used, because one that timed out is closed.
        """
        timeout = httpx.Timeout(within, connect=min(within, CONNECT_TIMEOUT))
        response = await self._send("GET", "/global/health", timeout=timeout)
        self.version = wire.decode(failures.json_body(response), _Health, "its health").version
        return self.version

    async def opencode2_version(self, within: float) -> str | None:
        """The version of an OpenCode 2 server, empty where it tells none without its own password; None where it is none."""
        for path in ("/api/info", "/api/health"):
            response = await self._send("GET", path, timeout=httpx.Timeout(within))
            if (told := opencode2_version(response)) is not None:
                return told
        return None

    async def session(self, session_id: str) -> SessionRecord:
        """The session, whatever directory it belongs to. Raises SessionMissing when OpenCode says so."""
        session = await self._get(f"/session/{_part(session_id)}", wire.WireSession, "the session")
        if session.id != session_id:
            raise Unsupported(f"Asked for session {session_id}, the server told {session.id}.")
        return session.record()

    async def message(self, session_id: str, message_id: str) -> MessageRecord:
        """One message. Raises SessionMissing when the session or, in it, the message is not there."""
        path = f"/session/{_part(session_id)}/message/{_part(message_id)}"
        message = await self._get(path, wire.WireMessage, "the message")
        if (message.info.session_id, message.info.id) != (session_id, message_id):
            raise Unsupported(f"Asked for message {message_id} of {session_id}, the server told {message.info.id}.")
        return message.record()

    async def messages(self, session_id: str, limit: int, before: str | None = None) -> Page:
        """The newest `limit` messages, or those before a page's `older`; oldest first."""
        params = {"limit": str(limit)} | ({"before": before} if before else {})
        response = await self._send("GET", f"/session/{_part(session_id)}/message", params=params)
        found = wire.decode(failures.json_body(response), tuple[wire.WireMessage, ...], "the messages")
        records = tuple(message.record() for message in found)
        return Page(records, response.headers.get("x-next-cursor"), _sent_ms(response.headers.get("date", "")))

    async def messages_from(self, session_id: str, message_id: str, written_ms: int) -> MessageReading:
        """This message and all after it; without it, all since it was written. Reads no more of the session than it has to."""
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
        """The messages that OpenCode 2 keeps of a session, as a 1.17 or newer tells them. Raises Unsupported by an older one."""
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
        """How much a session holds, page by page: the server tells no count. Raises SessionMissing."""
        times: list[int] = []
        before: str | None = None
        while True:
            params = {"limit": str(_COUNTED_AT_ONCE)} | ({"before": before} if before else {})
            response = await self._send("GET", f"/session/{_part(session_id)}/message", params=params)
            found = wire.decode(failures.json_body(response), tuple[wire.Stub, ...], "the messages")
            times += [message.created_ms for message in found]
            before = response.headers.get("x-next-cursor")
            if before is None:
                return MessageSpan(len(times), min(times, default=None), max(times, default=None))

    async def transcript(self, session_id: str, limit: int, before: str | None = None) -> TranscriptPage:
        """The newest `limit` messages with all their parts, or those before a page's `older`; oldest first."""
        params = {"limit": str(limit)} | ({"before": before} if before else {})
        response = await self._send("GET", f"/session/{_part(session_id)}/message", params=params)
        each = wire.decode(failures.json_body(response), tuple[Raw, ...], "the messages")
        # One by one: a decoder that is busy with megabytes lets no other thread run, the window's least of all.
        messages = tuple(wire.decode(raw, wire.WireMessage, "a message") for raw in each)
        return TranscriptPage(messages, response.headers.get("x-next-cursor"))

    async def create_session(self, directory: str, title: str, marker: Marker) -> SessionRecord:
        """A new session in `directory` that carries our marker. The server does not look whether the directory exists."""
        body = {"title": title, "metadata": marked_metadata("", marker)}
        response = await self._send("POST", "/session", params={"directory": directory}, json=body)
        return wire.decode(failures.json_body(response), wire.WireSession, "the new session").record()

    async def delete_session(self, session_id: str) -> None:
        """Delete a session for good. No remedy and no recovery does: only the demo, in its own scratch world."""
        failures.json_body(await self._send("DELETE", f"/session/{_part(session_id)}"))

    async def fork_session(self, session_id: str, directory: str) -> SessionRecord:
        """A copy of the session, its metadata too, in the same directory (which is the session's) and under a title of the
        server's choice."""
        params = {"directory": directory}
        response = await self._send("POST", f"/session/{_part(session_id)}/fork", params=params, json={})
        return wire.decode(failures.json_body(response), wire.WireSession, "the fork").record()

    async def set_metadata(self, session_id: str, metadata: Mapping[str, object]) -> None:
        """Put these in the place of what the session had. The server forgets nothing else of it."""
        failures.json_body(await self._send("PATCH", f"/session/{_part(session_id)}", json={"metadata": metadata}))

    async def move_session(self, session_id: str, directory: str) -> None:
        """Let the session work in another directory. Raises MoveRefused when that is in another project.

        The server does not look whether the directory exists.
        """
        body = {"sessionID": session_id, "destination": {"directory": directory}}
        failures.no_body(await self._send("POST", "/experimental/control-plane/move-session", json=body))

    async def tell(self, session_id: str, text: str, mark: str, directory: str) -> str:
        """Add a message of the user's without asking the model, and our mark in it; the message's id."""
        part = {"type": "text", "text": text, "metadata": {"t3tray": mark}}
        path = f"/session/{_part(session_id)}/message"
        body = {"noReply": True, "parts": [part]}
        response = await self._send("POST", path, params={"directory": directory}, json=body)
        return wire.decode(failures.json_body(response), wire.WireMessage, "the added message").info.id

    async def delete_message(self, session_id: str, message_id: str) -> None:
        """Delete one message. Only ever for one that a remedy of ours added."""
        failures.json_body(await self._send("DELETE", f"/session/{_part(session_id)}/message/{_part(message_id)}"))

    async def prompt(self, session_id: str, text: str, directory: str, message_id: str = "") -> None:
        """Hand over a prompt; the reply comes by events. `message_id` is the id of its message, empty for OpenCode's choice.

        `directory` is the session's: some versions run the turn in the server's own where it is not named.

        After TimedOut or ServerDown it may have arrived nevertheless, and a good answer does not say that it was stored.
        """
        body: dict[str, object] = {"parts": [{"type": "text", "text": text}]}
        body |= {"messageID": message_id} if message_id else {}
        path, params = f"/session/{_part(session_id)}/prompt_async", {"directory": directory}
        failures.no_body(await self._send("POST", path, params=params, json=body))

    async def abort(self, session_id: str, directory: str) -> None:
        """Break off the turn that runs in the session, and those of its sub-agents; nothing happens where none runs."""
        path = f"/session/{_part(session_id)}/abort"
        failures.json_body(await self._send("POST", path, params={"directory": directory}))

    async def sessions(self, directory: str | None = None, archived: bool = True) -> tuple[SessionRecord, ...]:
        """All root sessions, of every project or of one directory; the last updated first."""
        params = {"roots": "true", "limit": str(_ALL_SESSIONS), "archived": "true" if archived else "false"}
        if directory is not None:
            params["directory"] = directory
        found = await self._get("/experimental/session", tuple[wire.WireSession, ...], "its sessions", params)
        return tuple(session.record() for session in found)

    async def newest_root(self) -> str | None:
        """The root session that was updated last, of every project, archived ones too."""
        params = {"roots": "true", "limit": "1", "archived": "true"}
        found = await self._get("/experimental/session", tuple[wire.WireSession, ...], "its sessions", params)
        return found[0].id if found else None

    async def sessions_titled(self, title: str) -> tuple[str, ...]:
        """The root sessions with exactly this title, of every project, archived ones too."""
        params = {"roots": "true", "limit": str(_ALL_SESSIONS), "archived": "true", "search": title}
        found = await self._get("/experimental/session", tuple[wire.WireSession, ...], "its sessions", params)
        return tuple(session.id for session in found if session.title == title)

    async def activity(self, session_id: str, directory: str) -> Activity:
        """What this server process does in the session. `directory` is the session's: without it nothing is ever busy."""
        return Activity.BUSY if session_id in await self.busy_in(directory) else Activity.IDLE

    async def busy_in(self, directory: str) -> frozenset[str]:
        """The sessions of this directory in which this server process is at work."""
        found = await self._get("/session/status", dict[str, wire.Status], "what it is doing", {"directory": directory})
        return frozenset(session for session, status in found.items() if status.activity is Activity.BUSY)

    async def dispose(self, directory: str) -> None:
        """Free what the server holds for a directory; the next request for it makes it anew."""
        failures.json_body(await self._send("POST", "/instance/dispose", params={"directory": directory}))
        self._folders.discard(directory)

    async def permissions(self, directory: str) -> tuple[wire.Permission, ...]:
        """The tools that wait for leave in the sessions of a directory."""
        return await self._get("/permission", tuple[wire.Permission, ...], "the permissions", {"directory": directory})

    async def questions(self, directory: str) -> tuple[wire.QuestionSet, ...]:
        """The questions that wait for the user in the sessions of a directory."""
        return await self._get("/question", tuple[wire.QuestionSet, ...], "the questions", {"directory": directory})

    async def reply_permission(self, permission_id: str, directory: str, reply: str) -> bool:
        """`reply` is once, always or reject. False: nobody waits for it any more."""
        return await self._answer(f"/permission/{_part(permission_id)}/reply", directory, {"reply": reply})

    async def answer_question(self, question_id: str, directory: str, answers: tuple[tuple[str, ...], ...]) -> bool:
        """For each of its questions the labels that were chosen. False: nobody waits for it any more."""
        return await self._answer(f"/question/{_part(question_id)}/reply", directory, {"answers": answers})

    async def reject_question(self, question_id: str, directory: str) -> bool:
        """Leave it unanswered. False: nobody waits for it any more."""
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
            raise TimedOut(f"{self.url} did not answer in time.") from error
        except ServerError:
            raise
        except Exception as error:
            # What lies below httpx lets through what it meets: a port that is none, a certificate store that cannot be read.
            raise Unsupported(f"{self.url} cannot be spoken to: {error}.", "Check the address of the server.") from error
        if timeout is None:
            self._folders.add(folder)
        return response


def _sent_ms(date: str) -> int | None:
    """An answer's date in ms since the epoch; None where it is none."""
    try:
        return round(parsedate_to_datetime(date).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _part(identifier: str) -> str:
    """An id as one part of a path, whatever characters a damaged cursor holds."""
    return quote(identifier, safe="")
