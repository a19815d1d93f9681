"""The one place where what httpx brings, an exception or an answer, becomes an error of ours.

It owns the rule that only a 404 in OpenCode's own words is *missing*; it sends nothing and reads no field of an answer.
"""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import msgspec

from t3tray.domain.evidence import Failure
from t3tray.errors import (
    MoveRefused,
    OtherDatabase,
    OurBug,
    ServerDown,
    ServerError,
    ServerFault,
    SessionMissing,
    TimedOut,
    Unauthorized,
    Unsupported,
    UnsupportedVersion,
    UnusableConfiguration,
)

_FAILURES: dict[type[ServerError], Failure] = {
    ServerDown: Failure.SERVER_DOWN,
    Unauthorized: Failure.UNAUTHORIZED,
    TimedOut: Failure.TIMEOUT,
    ServerFault: Failure.SERVER_ERROR,
    Unsupported: Failure.UNSUPPORTED,
    UnsupportedVersion: Failure.UNSUPPORTED,
    OtherDatabase: Failure.OTHER_DATABASE,
}


class _Issue(msgspec.Struct, frozen=True):
    message: str = ""
    path: tuple[str | int, ...] = ()


class _Detail(msgspec.Struct, frozen=True):
    message: str = ""
    path: str = ""
    issues: tuple[_Issue, ...] = ()


class _Refusal(msgspec.Struct, frozen=True):
    name: str = ""
    data: _Detail = _Detail()


class _Gone(msgspec.Struct, frozen=True):
    tag: str = msgspec.field(name="_tag", default="")


# What OpenSSL calls an answer that is not encrypted.
_PLAIN_HTTP = ("WRONG_VERSION_NUMBER", "record layer failure", "UNKNOWN_PROTOCOL", "HTTP_REQUEST")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_NOT_JSON = re.compile(r"Config file at (.+) is not valid JSON")
_NOT_VALID = re.compile(r"Configuration is invalid at (.+)\n(?:\W*(.*))?")
_AT_LINE = re.compile(r"\bline \d+")
_GONE = frozenset({"PermissionNotFoundError", "QuestionNotFoundError"})


def of_transport(error: httpx.RequestError, url: str) -> ServerError:
    """The error for a request to `url` (the server's address) that brought no answer."""
    match error:
        case httpx.TimeoutException():
            return TimedOut(f"{url} did not answer in time.")
        case httpx.ConnectError() if url.startswith("https:") and (trouble := _tls_trouble(str(error), url)):
            return trouble
        case httpx.NetworkError() | httpx.RemoteProtocolError():
            return ServerDown(f"No response from {url}.")
        case _:
            return Unsupported(f"{url} cannot be spoken to: {error}.", "Check the address of the server.")


def _tls_trouble(said: str, url: str) -> Unsupported | None:
    """What went wrong before anything was asked; None where nobody listens. `said` is what OpenSSL says."""
    if "CERTIFICATE_VERIFY_FAILED" in said:
        why = said.partition("certificate verify failed:")[2].partition("(_ssl")[0].strip().rstrip(".")
        hint = "Use an address with a certificate of a known authority, or reach it through a tunnel (`ssh -L`) and http://."
        return Unsupported(f"The certificate of {url} is not trusted{f': {why}' if why else ''}.", hint)
    if any(word in said for word in _PLAIN_HTTP):
        return Unsupported(f"{url} answers in plain http, not in https.", "Write http:// in its address.")
    return None


def of_answer(response: httpx.Response) -> ServerError | None:
    """The error that a status says; None for a 2xx. The body has been read."""
    status = response.status_code
    asked = f"{response.request.method} {response.request.url.path}"
    if response.is_success:
        return None
    if status in (401, 403):
        return Unauthorized(f"The server at {_origin(response)} refused the password ({status}).")
    if status == 404 and not is_json(response):
        return Unsupported(f"The server does not know {asked}: it is not an OpenCode server that t3tray understands.")
    if response.is_redirect and response.headers.get("location", "").startswith("https:") and response.url.scheme == "http":
        return Unsupported(f"{_origin(response)} answers in https only.", "Write https:// in its address.")
    if response.is_redirect:
        return Unsupported(f"The server sends {asked} elsewhere ({status}), which OpenCode never does.")
    refusal = _refusal(response)
    if status == 404 and refusal.name == "NotFoundError":
        return SessionMissing(refusal.data.message or f"Not found: {asked}")
    if refusal.name == "MoveSessionError":
        return MoveRefused(refusal.data.message or f"The server does not do {asked}.")
    if refusal.name.startswith("Config") and refusal.data.path:
        issue = next((f"{each.message} ({'.'.join(map(str, each.path))})" for each in refusal.data.issues), "")
        return _unusable(refusal.data.path, issue or _place_in(refusal.data.message) or refusal.name)
    words = _COLOUR.sub("", refusal.data.message) or refusal.name or "without saying why"
    return ServerFault(f"The server answered {asked} with {status}: {words}")


def of_output(text: str) -> tuple[UnusableConfiguration, Path] | None:
    """The same as a server says it that ends by it, with the file; None where it ended by something else."""
    text = _COLOUR.sub("", text)
    if named := _NOT_JSON.search(text):
        return _unusable(named[1], _place_in(text[named.end() :]) or "it is not JSON"), Path(named[1])
    if named := _NOT_VALID.search(text):
        return _unusable(named[1], (named[2] or "").strip() or "it is not valid"), Path(named[1])
    return None


def _unusable(path: str, why: str) -> UnusableConfiguration:
    hint = "Correct that file. A server that runs goes on with what it has read: `t3tray server restart`."
    return UnusableConfiguration(f"OpenCode cannot use {path}: {why}.", hint)


def _place_in(message: str) -> str:
    """What is wrong, with its line, as the first of OpenCode's errors says; before them it quotes the whole file."""
    _, is_quoted, errors = _COLOUR.sub("", message).partition("--- Errors ---")
    lines = (errors if is_quoted else message).splitlines()
    return next((line.strip() for line in lines if _AT_LINE.search(line)), "")


def json_body(response: httpx.Response) -> bytes:
    """The body of a good answer that is JSON. Raises ServerError.

    An unknown route answers 200 with a web page, so the content type decides, never the status.
    """
    error = of_answer(response)
    if error is not None:
        raise error
    if not is_json(response):
        kind = response.headers.get("content-type", "nothing")
        raise Unsupported(f"The server answered {response.request.url.path} with {kind} where JSON was expected.")
    return response.content


def no_body(response: httpx.Response) -> None:
    """A good answer that says nothing (204). Raises ServerError; a web page is not a "done"."""
    error = of_answer(response)
    if error is not None:
        raise error
    if response.status_code != httpx.codes.NO_CONTENT:
        raise Unsupported(f"The server answered {response.request.url.path} with {response.status_code} where 204 was expected.")


def is_json(response: httpx.Response) -> bool:
    kind: str = response.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower() == "application/json"


def is_answered_already(response: httpx.Response) -> bool:
    """A permission or a question that is not open (any more): OpenCode says so with a tag of its own, not with NotFoundError."""
    if response.status_code != 404 or not is_json(response):
        return False
    try:
        return msgspec.json.decode(response.content, type=_Gone).tag in _GONE
    except msgspec.DecodeError:
        return False


def failure_of(error: ServerError) -> Failure:
    """Why a lookup told nothing. Raises OurBug for SessionMissing, which is an answer and no failure."""
    if isinstance(error, SessionMissing):
        raise OurBug("A missing session was about to be told as a failure.")
    return _FAILURES.get(type(error), Failure.SERVER_ERROR)


def _refusal(response: httpx.Response) -> _Refusal:
    if not is_json(response):
        return _Refusal()
    try:
        return msgspec.json.decode(response.content, type=_Refusal)
    except msgspec.DecodeError:
        # Another dialect's words (or none): the status still counts, and `name` stays empty, so it is never "missing".
        return _Refusal()


def _origin(response: httpx.Response) -> str:
    url = response.request.url
    return f"{url.scheme}://{url.netloc.decode('ascii')}"
