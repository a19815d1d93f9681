"""Writes conversations that have happened into the demo's own OpenCode database, in the form of OpenCode 1.18.

Sessions themselves are made by OpenCode's own API; this adds what was said in them, and sets the times back. It is only ever
used on the scratch world.
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
# What OpenCode's own instructions and tools cost with every request, and what a person takes to think.
_INSTRUCTIONS = 8_200
_THINKING = timedelta(seconds=95)
_PAUSE = timedelta(seconds=3)
_STEP = timedelta(seconds=7)


@dataclass(frozen=True)
class ShownMessage:
    """A message as T3 Code shows it. `part` is the part of OpenCode's message that an answer was made from."""

    role: str
    text: str
    at: datetime
    part: str = ""


@dataclass
class _Writing:
    """One session that is being written: where it stands in time and in tokens."""

    session_id: str
    directory: str
    agent: str
    at: datetime
    input_tokens: int = _INSTRUCTIONS
    total_input: int = 0
    total_output: int = 0
    lines: list[ShownMessage] = field(default_factory=list)


class SessionWriter:
    """`tell` writes what was said; `children` are the sessions of the sub-agents in it, in order, already made by the API."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._numbers = count(1)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=_BUSY)) as connection, connection:
            yield connection

    def tell(
        self, session_id: str, directory: Path, turns: tuple[DemoTurn, ...], ended: datetime, children: tuple[str, ...] = ()
    ) -> tuple[ShownMessage, ...]:
        """Write these turns so that the last of them ends at `ended`."""
        steps = sum(len(turn.steps) for turn in turns)
        began = ended - _THINKING * (len(turns) - 1) - _PAUSE * len(turns) - _STEP * steps
        with self._writing() as connection:
            return self._tell(connection, session_id, str(directory), turns, began, iter(children), "build")

    def set_revert(self, session_id: str, turns: int) -> None:
        """The last `turns` of a session are taken back with the next message."""
        with self._writing() as connection:
            asked = connection.execute(
                "SELECT id FROM message WHERE session_id = ? AND json_extract(data, '$.role') = 'user' ORDER BY id DESC LIMIT 1"
                " OFFSET ?",
                (session_id, turns - 1),
            ).fetchone()[0]
            connection.execute("UPDATE session SET revert = ? WHERE id = ?", (json.dumps({"messageID": asked}), session_id))

    def forget(self, session_id: str) -> None:
        """Take away every message of a session."""
        with self._writing() as connection:
            connection.execute("DELETE FROM part WHERE session_id = ?", (session_id,))
            connection.execute("DELETE FROM message WHERE session_id = ?", (session_id,))

    def leave_unfinished(self, session_id: str) -> None:
        """The last answer never came to its end, as after a crash."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE message SET data = json_remove(data, '$.finish', '$.time.completed') WHERE id ="
                " (SELECT id FROM message WHERE session_id = ? ORDER BY id DESC LIMIT 1)",
                (session_id,),
            )

    def set_time(self, session_id: str, updated: datetime) -> None:
        with self._writing() as connection:
            connection.execute("UPDATE session SET time_updated = ? WHERE id = ?", (_ms(updated), session_id))

    def _tell(
        self,
        connection: sqlite3.Connection,
        session_id: str,
        directory: str,
        turns: tuple[DemoTurn, ...],
        began: datetime,
        children: Iterator[str],
        agent: str,
    ) -> tuple[ShownMessage, ...]:
        w = _Writing(session_id, directory, agent, began)
        for number, turn in enumerate(turns):
            w.at += _THINKING if number else timedelta()
            asked = self._ask(connection, w, turn.asked)
            for step in turn.steps:
                self._take_step(connection, w, asked, step, children)
        connection.execute(
            "UPDATE session SET time_created = ?, time_updated = ?, agent = ?, model = ?, tokens_input = ?, tokens_output = ?"
            " WHERE id = ?",
            (
                _ms(began - timedelta(seconds=2)),
                _ms(w.at),
                agent,
                json.dumps({"id": MODEL, "providerID": PROVIDER, "variant": "default"}),
                w.total_input,
                w.total_output,
                session_id,
            ),
        )
        return tuple(w.lines)

    def _ask(self, connection: sqlite3.Connection, w: _Writing, words: str) -> str:
        body = {
            "role": "user",
            "time": {"created": _ms(w.at)},
            "agent": w.agent,
            "model": {"providerID": PROVIDER, "modelID": MODEL},
            "summary": {"diffs": []},
        }
        message = self._add_message(connection, w, body)
        self._add_part(connection, w, message, {"type": "text", "text": words})
        w.lines.append(ShownMessage("user", words, w.at))
        w.input_tokens += len(words) // 4
        w.at += _PAUSE
        return message

    def _take_step(
        self, connection: sqlite3.Connection, w: _Writing, asked: str, step: DemoStep, children: Iterator[str]
    ) -> None:
        output = max(len(step.words) // 4, 12)
        tokens = {
            "total": w.input_tokens + output,
            "input": w.input_tokens,
            "output": output,
            "reasoning": 0,
            "cache": {"write": 0, "read": 0},
        }
        finish = "tool-calls" if step.use else "stop"
        body = {
            "parentID": asked,
            "role": "assistant",
            "mode": w.agent,
            "agent": w.agent,
            "path": {"cwd": w.directory, "root": w.directory},
            "cost": 0,
            "tokens": tokens,
            "modelID": MODEL,
            "providerID": PROVIDER,
            "time": {"created": _ms(w.at), "completed": _ms(w.at + _STEP)},
            "finish": finish,
        }
        message = self._add_message(connection, w, body)
        self._add_part(connection, w, message, {"type": "step-start"})
        if step.words:
            span = {"start": _ms(w.at), "end": _ms(w.at + _STEP)}
            part = self._add_part(connection, w, message, {"type": "text", "text": step.words, "time": span})
            w.lines.append(ShownMessage("assistant", step.words, w.at, part))
        if step.use:
            child = next(children) if step.use.child else None
            if child:
                self._tell(connection, child, w.directory, step.use.child, w.at, iter(()), "explore")
            self._add_part(connection, w, message, _tool_part(step.use, w, child))
        self._add_part(connection, w, message, {"type": "step-finish", "reason": finish, "tokens": tokens, "cost": 0})
        w.total_input += w.input_tokens
        w.total_output += output
        w.input_tokens += output + (len(step.use.output) // 4 if step.use else 0)
        w.at += _STEP

    def _add_message(self, connection: sqlite3.Connection, w: _Writing, body: Mapping[str, object]) -> str:
        name = self._name("msg", w.at)
        connection.execute(
            "INSERT INTO message (id, session_id, time_created, time_updated, data) VALUES (?, ?, ?, ?, ?)",
            (name, w.session_id, _ms(w.at), _ms(w.at), json.dumps(body)),
        )
        return name

    def _add_part(self, connection: sqlite3.Connection, w: _Writing, message: str, body: Mapping[str, object]) -> str:
        name = self._name("prt", w.at)
        connection.execute(
            "INSERT INTO part (id, message_id, session_id, time_created, time_updated, data) VALUES (?, ?, ?, ?, ?, ?)",
            (name, message, w.session_id, _ms(w.at), _ms(w.at), json.dumps(body)),
        )
        return name

    def _name(self, kind: str, at: datetime) -> str:
        """An id as OpenCode makes them: they sort like the times at which they were made."""
        moment = (_ms(at) * 0x1000 + next(self._numbers) % 0x1000) & 0xFFFFFFFFFFFF
        return f"{kind}_{moment:012x}{''.join(choices(_LETTERS, k=14))}"  # noqa: S311 (an id, as OpenCode makes them)


def _tool_part(use: Use, w: _Writing, child: str | None) -> dict[str, object]:
    metadata: dict[str, object] = {"truncated": False}
    if child:
        metadata |= {"parentSessionId": w.session_id, "sessionId": child}
    given = {name: f"{w.directory}/{value}" if name == "filePath" else value for name, value in use.input.items()}
    state = {
        "status": "completed",
        "input": given,
        "output": use.output,
        "title": use.title,
        "metadata": metadata,
        "time": {"start": _ms(w.at), "end": _ms(w.at + _STEP)},
    }
    return {"type": "tool", "tool": use.tool, "callID": f"call_{_ms(w.at)}", "state": state}


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
