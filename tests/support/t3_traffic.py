"""Recorded requests of T3 Code, to be replayed with other ids, another folder and another password."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

_FOLDER = Path(__file__).parents[1] / "data" / "t3-traffic"
_RECORDED_DIRECTORY = "/home/dev/code/proj"


@dataclass(frozen=True)
class Recorded:
    """A request of T3 Code 0.0.33. `database` is the state of its database at that moment, if that was recorded."""

    number: int
    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any] | None
    status: int
    answer: str
    database: dict[str, Any] | None

    def request(self, address: httpx.URL, password: str, directory: str, session: str = "", **body: object) -> httpx.Request:
        """Return the request for another server, folder and session; `body` replaces fields."""
        path = self.path.replace(quote(_RECORDED_DIRECTORY, safe=""), quote(directory, safe=""))
        if session and "/session/" in path:
            rest = path.split("/session/")[1]
            path = f"/session/{session}{rest[rest.index('ses_') + len(_id_in(rest)) :]}"
        headers = {name: value for name, value in self.headers.items() if name not in ("host", "authorization", "content-length")}
        if "x-opencode-directory" in headers:
            headers["x-opencode-directory"] = quote(directory, safe="")
        headers["authorization"] = "Basic " + b64encode(f"opencode:{password}".encode()).decode()
        content = None if self.body is None else json.dumps({**self.body, **body}, ensure_ascii=False).encode()
        return httpx.Request(self.method, address.join(path), headers=headers, content=content)


@cache
def recording(name: str) -> tuple[Recorded, ...]:
    """Return the requests of a recorded scenario, in their order."""
    lines = [json.loads(line) for line in (_FOLDER / f"{name}.jsonl").read_text().splitlines()]
    return tuple(
        Recorded(
            line["n"],
            line["method"],
            line["path"],
            line["req_headers"],
            line["req_body"],
            line["status"],
            line.get("resp_body", ""),
            line.get("db_at_request"),
        )
        for line in sorted(lines, key=lambda line: line["n"])
        if "method" in line
    )


def recorded(name: str, method: str, ending: str) -> Recorded:
    """Return the first request of a scenario with this method and this end of its path (without the query)."""
    return next(line for line in recording(name) if line.method == method and _masked(line.path.split("?")[0]).endswith(ending))


def shape(method: str, path: str) -> str:
    """Return a request without its ids and folder, for comparing scenarios."""
    return f"{method} {_masked(path.split('?')[0])}"


def _masked(path: str) -> str:
    return "/".join("ID" if part.startswith("ses_") else part for part in path.split("/"))


def _id_in(text: str) -> str:
    return text.split("?")[0].split("/")[0]
