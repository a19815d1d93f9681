"""The fields of a session request, read as OpenCode reads them: directory, title, permissions."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote

import msgspec

from t3tray.domain.guard import PermissionRule
from t3tray.guard.exchange import Exchange
from t3tray.guard.headers import for_server
from t3tray.opencode.markers import Marker

DIRECTORY_HEADER = b"x-opencode-directory"

Fields = dict[str, msgspec.Raw]


class _Rule(msgspec.Struct, frozen=True):
    permission: str
    pattern: str
    action: str


def directory_of(exchange: Exchange) -> str:
    """Return the absolute directory that OpenCode will use, or an empty string. The query precedes the header."""
    query = parse_qsl(exchange.query.decode("latin-1"), keep_blank_values=True)
    named = next((value for name, value in query if name == "directory" and value), "")
    headers = [value for name, value in for_server(exchange.headers) if name == DIRECTORY_HEADER]
    found = named or (unquote(headers[-1].decode("latin-1")) if headers else "")
    return found if found.startswith("/") or found[1:3] in (":\\", ":/") else ""


def fields_of(body: bytes) -> Fields | None:
    """Return the fields of a JSON object, their values undecoded; None for anything else. An empty body has no fields."""
    try:
        return msgspec.json.decode(body, type=Fields) if body else {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def title_of(fields: Fields) -> str | None:
    try:
        return msgspec.json.decode(fields["title"], type=str)
    except (KeyError, msgspec.DecodeError):
        return None


def rules_of(fields: Fields) -> tuple[PermissionRule, ...]:
    """Return the permission rules; none if their format is unknown."""
    try:
        rules = msgspec.json.decode(fields["permission"], type=list[_Rule])
    except (KeyError, msgspec.DecodeError):
        return ()
    return tuple(PermissionRule(rule.permission, rule.pattern, rule.action) for rule in rules)


def with_marker(fields: Mapping[str, msgspec.Raw], marker: Marker) -> bytes:
    """Return the JSON object with our marker added to its metadata."""
    try:
        metadata = msgspec.json.decode(fields["metadata"], type=Fields)
    except (KeyError, msgspec.DecodeError):
        metadata = {}
    ours = msgspec.json.encode(marker.fields)
    metadata["t3tray"] = msgspec.Raw(ours)
    return msgspec.json.encode({**fields, "metadata": metadata})
