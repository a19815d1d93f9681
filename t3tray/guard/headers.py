"""Headers to forward: all but the hop-by-hop headers (RFC 9110, 7.6.1)."""

from __future__ import annotations

from t3tray.guard.exchange import Headers

_OF_THE_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
# Set by the upstream itself; `expect` is answered here.
_OURS = frozenset({b"host", b"authorization", b"expect"})
# Required by the message, even if a `Connection` header names them.
_NEEDED = frozenset({b"content-length", b"content-type", b"content-encoding"})


def for_server(headers: Headers) -> Headers:
    """Return a request's headers without hop-by-hop headers and those that the upstream sets itself."""
    dropped = (_OF_THE_HOP | _named_by_connection(headers)) | _OURS
    return tuple(header for header in headers if header[0] not in dropped)


def for_client(headers: Headers) -> Headers:
    """Return an answer's headers without hop-by-hop headers, in their order and case."""
    dropped = _OF_THE_HOP | _named_by_connection(headers)
    return tuple(header for header in headers if header[0].lower() not in dropped)


def without(headers: Headers, *names: bytes) -> Headers:
    return tuple(header for header in headers if header[0].lower() not in names)


def _named_by_connection(headers: Headers) -> frozenset[bytes]:
    named = (value.lower().split(b",") for name, value in headers if name.lower() == b"connection")
    return frozenset(part.strip() for parts in named for part in parts) - _NEEDED
