"""The command line's `settings`: show them all, one of them, or set one. What they mean is in `core.store.settings`."""

from __future__ import annotations

import os
from dataclasses import asdict

import msgspec

from t3tray.command import Command
from t3tray.core.domain.settings import Settings
from t3tray.core.errors import BadValue, ExitCode, UsageError
from t3tray.core.services.setting_rules import refuse_state
from t3tray.documents import Document


async def settings(command: Command) -> ExitCode:
    name, value = command.words.name, command.words.value
    current = command.engine.settings
    if name is not None and value is not None:
        refuse_state(name)
        if name == "server_password":
            hint = "Set it in the window's Settings, or give OPENCODE_SERVER_PASSWORD to the process."
            raise UsageError("Everybody on this machine can read a password on a command line.", hint)
        wanted = parsed(current, name, value)
        try:
            current = await command.engine.preferences.change(name, wanted)
        except BadValue as error:
            # Its sentences are made to stand beside a field.
            raise BadValue(f"{name}: {error.message}", error.hint) from error
    shown = asdict(current)
    if name is not None:
        if name not in shown:
            raise _unknown(name)
        shown = {name: shown[name]}
    document: Document = {"settings": shown, "warnings": list(command.engine.store.settings.warnings)}
    command.answer(document, "\n".join(f"{key:<18} {_as_text(each)}" for key, each in shown.items()))
    return ExitCode.DONE


def parsed(current: Settings, name: str, text: str) -> object:
    """What the text means for this setting; several folders are parted as in PATH. Raises UsageError."""
    known = getattr(current, name, None)
    if known is None or name.startswith("_"):
        raise _unknown(name)
    told: object = [part for part in text.split(os.pathsep) if part] if isinstance(known, tuple) else text
    kind = tuple[str, ...] if isinstance(known, tuple) else type(known)
    try:
        return msgspec.convert(told, kind, strict=False)
    except (msgspec.ValidationError, OverflowError) as error:
        wanted = {bool: "true or false", int: "a whole number"}.get(type(known), "text")
        raise BadValue(f"{name} is {wanted}, not “{text}”.") from error


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return os.pathsep.join(value) if isinstance(value, tuple) else str(value)


def _unknown(name: str) -> UsageError:
    return UsageError(f"There is no setting called {name}.", "`t3tray settings` shows them all.")
