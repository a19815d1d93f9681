"""Validation of a value that the user enters: the rules of its kind, and those that check files.

The sentences are shown beside a field of the window, so they do not name the setting.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import msgspec

from t3tray.errors import BadValue, BinaryNotFound, UsageError
from t3tray.opencode.binary import find_binary
from t3tray.settings.definitions import DEFINITIONS, Definition, Settings, definition_of
from t3tray.settings.kinds import Folders, Program, SettingKind


def defined(name: str) -> Definition:
    """Return the setting of this name. Raises UsageError where there is none."""
    if (definition := definition_of(name)) is None:
        raise UsageError(f"Unknown setting: {name}.", "`t3tray settings` lists all settings.")
    return definition


def changed(settings: Settings, name: str, value: object) -> Settings:
    """Return the settings with one replaced. Raises UsageError for an unknown name, BadValue for a value of another type."""
    try:
        return msgspec.convert(asdict(settings) | {defined(name).name: value}, Settings)
    except (msgspec.ValidationError, OverflowError) as error:
        raise BadValue(f"{name} cannot be {value!r}.") from error


def parsed(name: str, text: str) -> object:
    """Convert a text of the command line. Raises UsageError for an unknown name, BadValue for an invalid text."""
    kind = defined(name).kind
    try:
        return msgspec.convert(kind.parts(text), type(DEFINITIONS[name].default), strict=False)
    except (msgspec.ValidationError, OverflowError) as error:
        raise BadValue(f"{name} is {kind.noun}, not “{text}”.") from error


def check(settings: Settings, name: str) -> None:
    """Raises BadValue where the value of this setting is invalid. May access files: call it in a worker thread."""
    kind, value = DEFINITIONS[name].kind, getattr(settings, name)
    if trouble := kind.trouble(value):
        raise BadValue(trouble)
    _check_files(kind, value)


def refuse_unless_set_by_name(definition: Definition) -> None:
    """Raises UsageError for a setting that only another command or t3tray itself changes."""
    if definition.changed_by:
        raise UsageError(f"{definition.name} cannot be set by itself.", definition.changed_by)


def _check_files(kind: SettingKind, value: object) -> None:
    match kind, value:
        case Program(), str(path) if path:
            try:
                find_binary(path, {}, Path.home())
            except BinaryNotFound as error:
                # The rest of its message names the setting, which is clear here.
                raise BadValue(f"{path} is not an executable program.", error.hint) from error
        case Folders(), tuple(folders):
            for folder in folders:
                if not Path(os.path.expanduser(folder)).is_absolute():
                    raise BadValue(f"{folder} is not a full path.")
                if not Path(os.path.expanduser(folder)).is_dir():
                    raise BadValue(f"There is no folder {folder}.")
