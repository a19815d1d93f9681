"""The sentences on pending requests: what a tool wants to do, and what the model asks."""

from __future__ import annotations

from collections.abc import Mapping

from t3tray.domain.pending_request import ApprovalRequest, PendingRequest, QuestionRequest

GONE = "This was answered already, here or elsewhere, or its turn has ended."

# What a tool wants to do, by the name of its permission; what it acts on follows.
_WISHES: Mapping[str, str] = {
    "bash": "wants to run",
    "edit": "wants to change",
    "read": "wants to read",
    "list": "wants to look into",
    "glob": "wants to search for files like",
    "grep": "wants to search for",
    "webfetch": "wants to fetch",
    "websearch": "wants to search the web for",
    "task": "wants to start the sub-agent",
    "external_directory": "wants to work outside its folder, in",
    "doom_loop": "has made the same call again and again, and wants to go on with",
}


def request_sentence(request: PendingRequest) -> str:
    """Return `Refactor the parser ▸ explore ▸ wants to run git push`, or `Refactor the parser ▸ asks: Shall I push?`."""
    return f"{request.requester.path} ▸ {request_clause(request)}"


def request_clause(request: PendingRequest) -> str:
    """Return the request without its thread."""
    return wish(request) if isinstance(request, ApprovalRequest) else _asks(request)


def wish(request: ApprovalRequest) -> str:
    """Return `wants to run git push`."""
    things = ", ".join(request.patterns) or "something that it does not name"
    return f"{_WISHES.get(request.permission, f'wants to use {request.permission}:')} {things}"


def wish_sentence(request: ApprovalRequest) -> str:
    """Return the wish as a sentence of its own: `Wants to run git push`."""
    text = wish(request)
    return f"{text[:1].upper()}{text[1:]}"


def _asks(request: QuestionRequest) -> str:
    more = f" (and {len(request.questions) - 1} more)" if len(request.questions) > 1 else ""
    return f"asks: {request.questions[0].text if request.questions else ''}{more}"
