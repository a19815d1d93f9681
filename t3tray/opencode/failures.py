"""Translates httpx's exceptions and responses into our errors.

Holds the rule that only a 404 with OpenCode's own NotFound body means *missing*.
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
from t3tray.messages.opencode import CORRECT_FILE, NOT_JSON, NOT_VALID, USE_CERTIFICATE

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


# OpenSSL's messages for an unencrypted response.
_PLAIN_HTTP = ("WRONG_VERSION_NUMBER", "record layer failure", "UNKNOWN_PROTOCOL", "HTTP_REQUEST")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_NOT_JSON = re.compile(r"Config file at (.+) is not valid JSON")
_NOT_VALID = re.compile(r"Configuration is invalid at (.+)\n(?:\W*(.*))?")
_AT_LINE = re.compile(r"\bline \d+")
_GONE = frozenset({"PermissionNotFoundError", "QuestionNotFoundError"})


def of_transport(error: httpx.RequestError, url: str) -> ServerError:
    """Return the error for a request to `url` (the server's address) without a response."""
    match error:
        case httpx.TimeoutException():
            return TimedOut(f"{url} did not respond in time.")
        case httpx.ConnectError() if url.startswith("https:") and (trouble := _tls_trouble(str(error), url)):
            return trouble
        case httpx.NetworkError() | httpx.RemoteProtocolError():
            return ServerDown(f"No response from {url}.")
        case _:
            return Unsupported(f"Cannot connect to {url}: {error}.", "Check the address of the server.")


def _tls_trouble(message: str, url: str) -> Unsupported | None:
    """Return the error of the TLS handshake; None where the connection was refused. `message` is OpenSSL's."""
    if "CERTIFICATE_VERIFY_FAILED" in message:
        why = message.partition("certificate verify failed:")[2].partition("(_ssl")[0].strip().rstrip(".")
        return Unsupported(f"The certificate of {url} is not trusted{f': {why}' if why else ''}.", USE_CERTIFICATE)
    if any(code in message for code in _PLAIN_HTTP):
        return Unsupported(f"{url} uses plain http, not https.", "Use http:// in its address.")
    return None


def of_answer(response: httpx.Response) -> ServerError | None:
    """Return the error for a status; None for 2xx. The body must have been read."""
    status = response.status_code
    asked = f"{response.request.method} {response.request.url.path}"
    if response.is_success:
        return None
    if status in (401, 403):
        return Unauthorized(f"The server at {_origin(response)} refused the password ({status}).")
    if status == 404 and not is_json(response):
        return Unsupported(f"The server has no {asked}: it is not a supported OpenCode server.")
    if response.is_redirect and response.headers.get("location", "").startswith("https:") and response.url.scheme == "http":
        return Unsupported(f"{_origin(response)} requires https.", "Use https:// in its address.")
    if response.is_redirect:
        return Unsupported(f"The server redirects {asked} ({status}), which OpenCode never does.")
    refusal = _refusal(response)
    if status == 404 and refusal.name == "NotFoundError":
        return SessionMissing(refusal.data.message or f"Not found: {asked}")
    if refusal.name == "MoveSessionError":
        return MoveRefused(refusal.data.message or f"The server refused {asked}.")
    if refusal.name.startswith("Config") and refusal.data.path:
        issue = next((f"{each.message} ({'.'.join(map(str, each.path))})" for each in refusal.data.issues), "")
        return _unusable(refusal.data.path, issue or _place_in(refusal.data.message) or refusal.name)
    reason = _COLOUR.sub("", refusal.data.message) or refusal.name or "no reason given"
    return ServerFault(f"The server answered {asked} with {status}: {reason}")


def of_output(text: str) -> tuple[UnusableConfiguration, Path] | None:
    """Return the configuration error, and its file, that ended a server, from its output; None for another reason."""
    text = _COLOUR.sub("", text)
    if named := _NOT_JSON.search(text):
        return _unusable(named[1], _place_in(text[named.end() :]) or NOT_JSON), Path(named[1])
    if named := _NOT_VALID.search(text):
        return _unusable(named[1], (named[2] or "").strip() or NOT_VALID), Path(named[1])
    return None


def _unusable(path: str, why: str) -> UnusableConfiguration:
    return UnusableConfiguration(f"OpenCode cannot use {path}: {why}.", CORRECT_FILE)


def _place_in(message: str) -> str:
    """Return OpenCode's first error with its line number; the errors follow a quotation of the whole file."""
    _, is_quoted, errors = _COLOUR.sub("", message).partition("--- Errors ---")
    lines = (errors if is_quoted else message).splitlines()
    return next((line.strip() for line in lines if _AT_LINE.search(line)), "")


def json_body(response: httpx.Response) -> bytes:
    """Return the body of a successful JSON response. Raises ServerError.

    An unknown route returns 200 with a web page, so the content type is checked, not only the status.
    """
    error = of_answer(response)
    if error is not None:
        raise error
    if not is_json(response):
        kind = response.headers.get("content-type", "nothing")
        raise Unsupported(f"The server answered {response.request.url.path} with {kind} where JSON was expected.")
    return response.content


def no_body(response: httpx.Response) -> None:
    """Check for a successful response without content (204). Raises ServerError, also for a web page."""
    error = of_answer(response)
    if error is not None:
        raise error
    if response.status_code != httpx.codes.NO_CONTENT:
        raise Unsupported(f"The server answered {response.request.url.path} with {response.status_code} where 204 was expected.")


def is_json(response: httpx.Response) -> bool:
    kind: str = response.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower() == "application/json"


def is_answered_already(response: httpx.Response) -> bool:
    """Return whether a permission or question is no longer open: OpenCode has separate tags for this, not NotFoundError."""
    if response.status_code != 404 or not is_json(response):
        return False
    try:
        return msgspec.json.decode(response.content, type=_Gone).tag in _GONE
    except msgspec.DecodeError:
        return False


def failure_of(error: ServerError) -> Failure:
    """Return the kind of failure. Raises OurBug for SessionMissing, which is an answer and no failure."""
    if isinstance(error, SessionMissing):
        raise OurBug("A missing session must not be treated as a failure.")
    return _FAILURES.get(type(error), Failure.SERVER_ERROR)


def _refusal(response: httpx.Response) -> _Refusal:
    if not is_json(response):
        return _Refusal()
    try:
        return msgspec.json.decode(response.content, type=_Refusal)
    except msgspec.DecodeError:
        # Another format: the status still counts, and `name` stays empty, so it is never "missing".
        return _Refusal()


def _origin(response: httpx.Response) -> str:
    url = response.request.url
    return f"{url.scheme}://{url.netloc.decode('ascii')}"
