"""Access control: loopback peers only, exact Host header, Basic password, unambiguous framing."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from hmac import compare_digest
from ipaddress import ip_address

from t3tray.guard.exchange import Exchange
from t3tray.messages.guard import AMBIGUOUS, NO_PAGES, ONLY_OWN_ADDRESS, ONLY_THIS_MACHINE, PASSWORD_WRONG
from t3tray.system.environment import SERVER_USER

# The realm in the challenge to a client without the password.
REALM = "t3tray"
_NAMES = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True)
class Rejection:
    """Why a request is rejected. The sentence reveals nothing confidential."""

    status: int
    name: str
    sentence: str


_STRANGER = Rejection(403, "ForbiddenError", ONLY_THIS_MACHINE)
# Only T3 Code's server sends requests, no page in a browser: browsers send an Origin header with anything but a simple GET.
_PAGE = Rejection(403, "ForbiddenError", NO_PAGES)
_MISNAMED = Rejection(421, "MisdirectedError", ONLY_OWN_ADDRESS)
_UNREADABLE = Rejection(400, "BadRequestError", AMBIGUOUS)
_NO_PASSWORD = Rejection(401, "UnauthorizedError", PASSWORD_WRONG)


class AccessControl:
    """Checks the head of each request. `port` is the guard's own: a Host header with another name or port is rejected."""

    def __init__(self, port: int, password: str) -> None:
        self._hosts = frozenset(f"{name}:{port}".encode() for name in _NAMES)
        self._authorization = b"Basic " + b64encode(f"{SERVER_USER}:{password}".encode())

    def rejection(self, exchange: Exchange, needs_password: bool = True) -> Rejection | None:
        """Return why this request is rejected; None for one that is allowed."""
        if not _is_loopback(exchange.peer):
            return _STRANGER
        if exchange.header(b"origin") is not None:
            return _PAGE
        if (exchange.header(b"host") or b"").lower() not in self._hosts:
            return _MISNAMED
        framing = {name for name, _ in exchange.headers if name in (b"content-length", b"transfer-encoding")}
        if len(framing) > 1 or not exchange.path.startswith(b"/"):
            return _UNREADABLE
        if not needs_password:
            return None
        given = [value for name, value in exchange.headers if name == b"authorization"]
        if len(given) != 1 or not compare_digest(given[0], self._authorization):
            return _NO_PASSWORD
        return None


def _is_loopback(peer: str) -> bool:
    try:
        return ip_address(peer).is_loopback
    except ValueError:
        return False
