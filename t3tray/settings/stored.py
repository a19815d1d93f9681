"""The stored settings: one row of JSON text for each setting.

An unusable stored value (damaged, of another type, out of bounds) is replaced by its default, with a warning. Rows of a newer
version are not changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, get_type_hints

import msgspec

from t3tray.messages.data_file import setting_unusable
from t3tray.settings.definitions import DEFINITIONS, Settings

_TYPES = get_type_hints(Settings)


class SettingRows(Protocol):
    """Storage of the rows (`store.settings`). Every method raises StoreError."""

    def read(self) -> Mapping[str, str]:
        """The JSON texts by the settings' names."""

    def write(self, rows: Mapping[str, str]) -> None:
        """Replace these rows; all others stay, since another process may have written them."""

    def report_unusable(self, warnings: tuple[str, ...]) -> None:
        """Sentences about the rows whose values could not be used at the last reading."""


def read_settings(rows: SettingRows) -> Settings:
    """The stored values, and the defaults of all others. Raises StoreError."""
    usable, warnings = {}, []
    for name, text in rows.read().items():
        if name not in DEFINITIONS:
            continue
        try:
            usable[name] = _decoded(name, text)
        except ValueError as error:
            definition = DEFINITIONS[name]
            warnings.append(setting_unusable(name, definition.default, error, definition.changed_by))
    rows.report_unusable(tuple(warnings))
    return Settings(**usable)


def write_settings(rows: SettingRows, settings: Settings, *names: str) -> None:
    """Store these settings, and no other. Raises StoreError."""
    rows.write({name: msgspec.json.encode(getattr(settings, name)).decode() for name in names})


def _decoded(name: str, text: str) -> Any:
    """Decode a stored value. Raises ValueError with a sentence."""
    try:
        value = msgspec.json.decode(text, type=_TYPES[name])
    except (msgspec.MsgspecError, ValueError) as error:
        raise ValueError(f"{error}.") from error
    # An invalid address is not replaced by the default: t3tray would silently use another server.
    if name != "server_url" and (trouble := DEFINITIONS[name].kind.trouble(value)):
        raise ValueError(trouble)
    return value
