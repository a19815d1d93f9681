"""The routes that the guard decides on, by method and path, parsed as leniently as any server might parse them.

OpenCode's router accepts `/session/`, `//SESSION` and `/%73ession` for `/session`, and older ones resolve dots. Some servers
ignore everything after a semicolon, others only up to the next slash. Every path that could match is decided on, and forwarded
unchanged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from urllib.parse import unquote_to_bytes

_END = re.compile(rb"[?#;]")
_PARAMETERS = re.compile(rb";[^/]*")
_PLAIN = re.compile(rb"/[A-Za-z0-9_/-]*")


class RouteKind(Enum):
    """Kind of a route. NEWER are the session routes of OpenCode's newer API, which 1.17 and later also have."""

    READ = "read"
    CREATE = "create"
    FORK = "fork"
    PROMPT = "prompt"
    END = "end"
    NEWER_CREATE = "newer create"
    NEWER = "newer"
    OTHER = "other"


@dataclass(frozen=True)
class Route:
    kind: RouteKind
    session_id: str = ""


_OTHER = Route(RouteKind.OTHER)


def route_of(method: str, path: bytes) -> Route:
    """Return the route of a request. `path` is the raw path, without the query."""
    method = method.upper()
    if method not in ("GET", "POST"):
        return _OTHER
    found = _route(method, path)
    if found.kind is RouteKind.OTHER and b";" in path:
        found = _route(method, _PARAMETERS.sub(b"", path))
    return found


def _route(method: str, path: bytes) -> Route:
    match (method, *_parts(path)):
        case ("GET", "session", session_id) if session_id.lower() != "status":
            return Route(RouteKind.READ, session_id)
        case ("POST", "session"):
            return Route(RouteKind.CREATE)
        case ("POST", "session", session_id, action) if action.lower() == "fork":
            return Route(RouteKind.FORK, session_id)
        case ("POST", "session", session_id, action) if action.lower() in ("prompt_async", "message"):
            return Route(RouteKind.PROMPT, session_id)
        case ("POST", "session", session_id, action) if action.lower() == "abort":
            return Route(RouteKind.END, session_id)
        case ("POST", "api", newer) if newer.lower() == "session":
            return Route(RouteKind.NEWER_CREATE)
        case (_, "api", newer, session_id, *_) if newer.lower() == "session" and session_id.lower() != "active":
            return Route(RouteKind.NEWER, session_id)
    return _OTHER


def _parts(path: bytes) -> list[str]:
    """Return the segments of a path, the first in lower case. An encoded slash does not separate."""
    path = _END.split(path, maxsplit=1)[0]
    plain = _PLAIN.fullmatch(path) is not None
    found: list[str] = []
    for part in path.split(b"/") if plain else path.replace(b"\\", b"/").split(b"/"):
        text = part.decode() if plain else unquote_to_bytes(part).decode("utf-8", "replace")
        if text == "..":
            del found[-1:]
        elif text not in ("", "."):
            found.append(text)
    return [found[0].lower(), *found[1:]] if found else []
