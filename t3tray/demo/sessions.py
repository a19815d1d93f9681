"""Writes past conversations into the demo's own OpenCode database, in the format of OpenCode 1.18.

The sessions are created by OpenCode's API; this adds messages to them, and sets their times. Used only on the scratch world.
"""

from __future__ import annotations

import json
import sqlite3
import string
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from random import choices

from t3tray.demo.model import MODEL, PROVIDER
from t3tray.demo.story import DemoStep, DemoTurn, Use

_BUSY = 10.0
_LETTERS = string.ascii_letters + string.digits
# In tokens: OpenCode's instructions and tools in every request; and the user's pause between two turns.
_INSTRUCTIONS = 8_200
_THINKING = timedelta(seconds=95)
_PAUSE = timedelta(seconds=3)
_STEP = timedelta(seconds=7)


@dataclass(frozen=True)
class ShownMessage:
    """A message as T3 Code stores it. `part` is the id of the part of OpenCode's message that an answer comes from."""

    role: str
    text: str
    at: datetime
    part: str = ""


@dataclass
class _Writing:
    """The state of a session that is being written: its time and token counts so far."""

    session_id: str
    directory: str
    agent: str
    at: datetime
    input_tokens: int = _INSTRUCTIONS
    total_input: int = 0
    total_output: int = 0
    messages: list[ShownMessage] = field(default_factory=list)


class SessionWriter:
    """Writes messages into existing sessions."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._numbers = count(1)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=_BUSY)) as connection, connection:
            yield connection

    def write_turns(
        self, session_id: str, directory: Path, turns: tuple[DemoTurn, ...], ended: datetime, children: tuple[str, ...] = ()
    ) -> tuple[ShownMessage, ...]:
        """Write these turns so that the last one ends at `ended`. `children` are the sub-agents' existing sessions, in order."""
        steps = sum(len(turn.steps) for turn in turns)
        began = ended - _THINKING * (len(turns) - 1) - _PAUSE * len(turns) - _STEP * steps
        with self._writing() as connection:
            return self._write(connection, session_id, str(directory), turns, began, iter(children), "build")

    def set_revert(self, session_id: str, turns: int) -> None:
        """Mark the last `turns` of a session as reverted: OpenCode removes them with the next message."""
        with self._writing() as connection:
            asked = connection.execute(
                "SELECT id FROM message WHERE session_id = ? AND json_extract(data, '$.role') = 'user' ORDER BY id DESC LIMIT 1"
                " OFFSET ?",
                (session_id, turns - 1),
            ).fetchone()[0]
            connection.execute("UPDATE session SET revert = ? WHERE id = ?", (json.dumps({"messageID": asked}), session_id))

    def delete_messages(self, session_id: str) -> None:
        """Delete every message of a session."""
        with self._writing() as connection:
            connection.execute("DELETE FROM part WHERE session_id = ?", (session_id,))
            connection.execute("DELETE FROM message WHERE session_id = ?", (session_id,))

    def leave_unfinished(self, session_id: str) -> None:
        """Remove the end of the last answer, as after a crash."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE message SET data = json_remove(data, '$.finish', '$.time.completed') WHERE id ="
                " (SELECT id FROM message WHERE session_id = ? ORDER BY id DESC LIMIT 1)",
                (session_id,),
            )

    def set_time(self, session_id: str, updated: datetime) -> None:
        with self._writing() as connection:
            connection.execute("UPDATE session SET time_updated = ? WHERE id = ?", (_ms(updated), session_id))

    def _write(
        self,
        connection: sqlite3.Connection,
        session_id: str,
        directory: str,
        turns: tuple[DemoTurn, ...],
        began: datetime,
        children: Iterator[str],
        agent: str,
    ) -> tuple[ShownMessage, ...]:
        writing = _Writing(session_id, directory, agent, began)
        for number, turn in enumerate(turns):
            writing.at += _THINKING if number else timedelta()
            asked = self._ask(connection, writing, turn.asked)
            for step in turn.steps:
                self._take_step(connection, writing, asked, step, children)
        connection.execute(
            "UPDATE session SET time_created = ?, time_updated = ?, agent = ?, model = ?, tokens_input = ?, tokens_output = ?"
            " WHERE id = ?",
            (
                _ms(began - timedelta(seconds=2)),
                _ms(writing.at),
                agent,
                json.dumps({"id": MODEL, "providerID": PROVIDER, "variant": "default"}),
                writing.total_input,
                writing.total_output,
                session_id,
            ),
        )
        return tuple(writing.messages)

    def _ask(self, connection: sqlite3.Connection, writing: _Writing, words: str) -> str:
        body = {
            "role": "user",
            "time": {"created": _ms(writing.at)},
            "agent": writing.agent,
            "model": {"providerID": PROVIDER, "modelID": MODEL},
            "summary": {"diffs": []},
        }
        message = self._add_message(connection, writing, body)
        self._add_part(connection, writing, message, {"type": "text", "text": words})
        writing.messages.append(ShownMessage("user", words, writing.at))
        writing.input_tokens += len(words) // 4
        writing.at += _PAUSE
        return message

    def _take_step(
        self, connection: sqlite3.Connection, writing: _Writing, asked: str, step: DemoStep, children: Iterator[str]
    ) -> None:
        output = max(len(step.words) // 4, 12)
        tokens = {
            "total": writing.input_tokens + output,
            "input": writing.input_tokens,
            "output": output,
            "reasoning": 0,
            "cache": {"write": 0, "read": 0},
        }
        finish = "tool-calls" if step.use else "stop"
        body = {
            "parentID": asked,
            "role": "assistant",
            "mode": writing.agent,
            "agent": writing.agent,
            "path": {"cwd": writing.directory, "root": writing.directory},
            "cost": 0,
            "tokens": tokens,
            "modelID": MODEL,
            "providerID": PROVIDER,
            "time": {"created": _ms(writing.at), "completed": _ms(writing.at + _STEP)},
            "finish": finish,
        }
        message = self._add_message(connection, writing, body)
        self._add_part(connection, writing, message, {"type": "step-start"})
        if step.words:
            span = {"start": _ms(writing.at), "end": _ms(writing.at + _STEP)}
            part = self._add_part(connection, writing, message, {"type": "text", "text": step.words, "time": span})
            writing.messages.append(ShownMessage("assistant", step.words, writing.at, part))
        if step.use:
            child = next(children) if step.use.child else None
            if child:
                self._write(connection, child, writing.directory, step.use.child, writing.at, iter(()), "explore")
            self._add_part(connection, writing, message, _tool_part(step.use, writing, child))
        self._add_part(connection, writing, message, {"type": "step-finish", "reason": finish, "tokens": tokens, "cost": 0})
        writing.total_input += writing.input_tokens
        writing.total_output += output
        writing.input_tokens += output + (len(step.use.output) // 4 if step.use else 0)
        writing.at += _STEP

    def _add_message(self, connection: sqlite3.Connection, writing: _Writing, body: Mapping[str, object]) -> str:
        name = self._new_id("msg", writing.at)
        connection.execute(
            "INSERT INTO message (id, session_id, time_created, time_updated, data) VALUES (?, ?, ?, ?, ?)",
            (name, writing.session_id, _ms(writing.at), _ms(writing.at), json.dumps(body)),
        )
        return name

    def _add_part(self, connection: sqlite3.Connection, writing: _Writing, message: str, body: Mapping[str, object]) -> str:
        name = self._new_id("prt", writing.at)
        connection.execute(
            "INSERT INTO part (id, message_id, session_id, time_created, time_updated, data) VALUES (?, ?, ?, ?, ?, ?)",
            (name, message, writing.session_id, _ms(writing.at), _ms(writing.at), json.dumps(body)),
        )
        return name

    def _new_id(self, kind: str, at: datetime) -> str:
        """Return an id in OpenCode's format: ids sort by creation time."""
        timestamp = (_ms(at) * 0x1000 + next(self._numbers) % 0x1000) & 0xFFFFFFFFFFFF
        return f"{kind}_{timestamp:012x}{''.join(choices(_LETTERS, k=14))}"  # noqa: S311 (an id, as OpenCode makes them)


def _tool_part(use: Use, writing: _Writing, child: str | None) -> dict[str, object]:
    metadata: dict[str, object] = {"truncated": False}
    if child:
        metadata |= {"parentSessionId": writing.session_id, "sessionId": child}
    given = {name: f"{writing.directory}/{value}" if name == "filePath" else value for name, value in use.input.items()}
    state = {
        "status": "completed",
        "input": given,
        "output": use.output,
        "title": use.title,
        "metadata": metadata,
        "time": {"start": _ms(writing.at), "end": _ms(writing.at + _STEP)},
    }
    return {"type": "tool", "tool": use.tool, "callID": f"call_{_ms(writing.at)}", "state": state}


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
