"""Messages as the window gets them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from t3tray.domain.conversation import Conversation
from t3tray.domain.evidence import Role
from t3tray.domain.pending_request import ApprovalRequest, Option, Question, QuestionRequest, Requester
from t3tray.domain.transcript import Message, Piece, PieceKind, ToolCall

_BEGIN_MS = int(datetime(2026, 11, 24, 9, tzinfo=UTC).timestamp() * 1000)


def asked(number: int, text: str, **more: Any) -> Message:
    return Message(f"msg_{number:04}", Role.USER, _BEGIN_MS + number, text, **more)


def answered(number: int, *pieces: Piece | str, **more: Any) -> Message:
    """Return a reply of the model; a string is a text piece."""
    told = (piece if isinstance(piece, Piece) else said(f"prt_{number:04}_{place}", piece) for place, piece in enumerate(pieces))
    known = {"pieces": tuple(told)} | more
    return Message(f"msg_{number:04}", Role.ASSISTANT, _BEGIN_MS + number, **known)


def said(name: str, text: str) -> Piece:
    return Piece(name, PieceKind.TEXT, text)


def thought(name: str, text: str) -> Piece:
    return Piece(name, PieceKind.THOUGHT, text)


def used(name: str, tool: str = "read", status: str = "completed", **more: str) -> Piece:
    known = {"title": "parser.py", "input": '{"filePath": "/code/parser.py"}', "output": "x = 1"} | more
    return Piece(name, PieceKind.TOOL, tool=ToolCall(tool, status, **known))


def talk(*messages: Message, thread: str = "a", **more: Any) -> Conversation:
    return Conversation(thread, f"ses_{thread}", messages, **more)


def long_talk(count: int, thread: str = "a", begin: int = 0, **more: Any) -> Conversation:
    """Return questions and answers in turn, the later ones longer."""
    told = (
        answered(number, f"Answer **{number}**.\n\n" + "It goes on. " * (number % 40))
        if number % 2
        else asked(number, f"Question {number}?")
        for number in range(begin, begin + count)
    )
    return talk(*told, thread=thread, **more)


def approval(thread: str = "a", *agents: str, name: str = "per_1", always: tuple[str, ...] = ("git push *",)) -> ApprovalRequest:
    return ApprovalRequest(
        name, Requester("ses_x", "/work", "Refactor the parser", thread, agents), "bash", ("git push",), always
    )


def inquiry(*questions: Question, thread: str = "a", name: str = "que_1") -> QuestionRequest:
    return QuestionRequest(name, Requester("ses_x", "/work", "Refactor the parser", thread), questions or (STORAGE,))


STORAGE = Question("Which database?", "Storage", (Option("SQLite", "One file"), Option("PostgreSQL", "A server")))
