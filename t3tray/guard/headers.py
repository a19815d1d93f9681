"""Which headers go on to the other side: all but those of the hop they came by (RFC 9110, 7.6.1)."""

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
# Ours for the server, and `expect` is answered here.
_OURS = frozenset({b"host", b"authorization", b"expect"})
# The message needs them whatever a `Connection` header says of them.
_NEEDED = frozenset({b"content-length", b"content-type", b"content-encoding"})


def for_server(headers: Headers) -> Headers:
    """A request's headers, but for those of the hop and those that the server gets from us."""
    dropped = (_OF_THE_HOP | _named_by_connection(headers)) | _OURS
    return tuple(header for header in headers if header[0] not in dropped)


def for_client(headers: Headers) -> Headers:
    """An answer's headers, but for those of the hop; their order and their case stay."""
    dropped = _OF_THE_HOP | _named_by_connection(headers)
    return tuple(header for header in headers if header[0].lower() not in dropped)


def without(headers: Headers, *names: bytes) -> Headers:
    return tuple(header for header in headers if header[0].lower() not in names)


def _named_by_connection(headers: Headers) -> frozenset[bytes]:
    named = (value.lower().split(b",") for name, value in headers if name.lower() == b"connection")
    return frozenset(part.strip() for parts in named for part in parts) - _NEEDED
