"""`t3tray settings`: show all settings with their definitions, show one, or set one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from itertools import groupby
from textwrap import fill

from t3tray.cli.context import Command
from t3tray.cli.json_documents import Document
from t3tray.errors import BadValue, ExitCode, UsageError
from t3tray.settings.checks import defined, parsed, refuse_unless_set_by_name
from t3tray.settings.definitions import DEFINITIONS, SHOWN_STATE, Definition, SettingsSection

_WIDTH, _INDENT = 110, " " * 4
_ALL = sorted([*DEFINITIONS.values(), *SHOWN_STATE.values()], key=lambda each: list(SettingsSection).index(each.section))
_NAME_WIDTH = max(len(each.name) for each in _ALL)


async def settings(command: Command) -> ExitCode:
    name, text = command.arguments.name, command.arguments.value
    if name is not None and text is not None:
        await _set(command, name, text)
    place = await command.backend.guard_credentials.place()
    values = {**asdict(command.backend.preferences.current), "guard_port": place.port, "guard_secret_place": place.secret_place}
    shown = _ALL if name is None else [_shown(name)]
    document: Document = {
        "settings": {each.name: values[each.name] for each in shown},
        "definitions": {each.name: _document(each) for each in shown},
        "warnings": list(command.backend.store.settings.warnings),
    }
    command.answer(document, _table(values, shown))
    return ExitCode.DONE


async def _set(command: Command, name: str, text: str) -> None:
    definition = defined(name)
    if name != definition.name:
        raise UsageError(
            "A password cannot be set here: all users of this machine can read command lines.", definition.changed_by
        )
    refuse_unless_set_by_name(definition)
    try:
        await command.backend.preferences.change(name, parsed(name, text))
    except BadValue as error:
        # The sentences are written for the settings window, beside the field: they do not name the setting.
        message = error.message if error.message.startswith(name) else f"{name}: {error.message}"
        raise BadValue(message, error.hint) from error


def _shown(name: str) -> Definition:
    if (definition := defined(name)).name != name:
        raise UsageError(f"{name} is not shown.", f"`t3tray settings {definition.name}` says where it is stored.")
    return definition


def _document(definition: Definition) -> Document:
    return {
        "type": definition.kind.json_type,
        "allowed": definition.kind.allowed,
        "default": definition.default,
        "section": definition.section.value,
        "label": definition.label,
        "description": definition.help,
        "takes_effect": definition.effect.value,
        "changed_by": definition.changed_by or None,
    }


def _table(values: Mapping[str, object], shown: list[Definition]) -> str:
    """Return, for each setting, a line with its value and below it the description."""
    lines = []
    for section, definitions in groupby(shown, lambda each: each.section):
        lines += ["", section.value] if len(shown) > 1 else []
        for each in definitions:
            lines.append(f"{each.name:<{_NAME_WIDTH}} {each.kind.text(values[each.name])}".rstrip())
            parts = f"{each.label}: {each.kind.allowed}.", each.help, each.changed_by, each.effect.sentence
            lines.append(fill(" ".join(filter(None, parts)), _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT))
    return "\n".join(lines).lstrip("\n")
