"""`t3tray app`: make this installation an app of the desktop and a command of the shell, or take both away. Needs no data."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from t3tray.cli.context import BareCommand
from t3tray.cli.json_documents import Document
from t3tray.domain.own_item import ItemOutcome, OwnItem
from t3tray.errors import ExitCode, Refused
from t3tray.messages.inventory import megabytes
from t3tray.messages.own_items import NO_LINK_HERE, NO_START_MENU, OUTCOMES, PIN_IT, add_to_path
from t3tray.system.app_entries import own_entries
from t3tray.system.paths import data_directory

# The entry that an action writes.
_WRITES = {"install": "app", "link": "link"}


async def app(command: BareCommand) -> ExitCode:
    action = command.arguments.action
    if sys.platform == "win32" and action == "install":
        raise Refused(NO_START_MENU, PIN_IT)
    if sys.platform == "win32" and action == "link":
        raise Refused(NO_LINK_HERE, add_to_path(Path(sys.executable).parent))
    entries = own_entries(data_directory(command.arguments.data_dir, os.environ))
    if action == "remove":
        items = [await asyncio.to_thread(entry.remove) for entry in entries]
    else:
        items = [await asyncio.to_thread(entry.install) for entry in entries if entry.name == _WRITES[action]]
    command.answer(items_document(items), items_text(items))
    return ExitCode.BUG if any(item.outcome is ItemOutcome.FAILED for item in items) else ExitCode.DONE


def items_document(items: Sequence[OwnItem]) -> Document:
    return {
        "items": [
            {
                "name": item.name,
                "subject": item.subject,
                "outcome": item.outcome.value,
                "bytes": item.size,
                "sentence": item.sentence,
            }
            for item in items
        ]
    }


def items_text(items: Sequence[OwnItem]) -> str:
    """Return one line for each item, and its sentence below it."""
    width = max((len(item.name) for item in items), default=0)
    lines = []
    for item in items:
        lines.append(f"{item.name:<{width}}  {OUTCOMES[item.outcome]:<15}  {item.subject}{_size(item)}".rstrip())
        lines += [f"{'':<{width}}  {item.sentence}"] if item.sentence else []
    return "\n".join(lines)


def _size(item: OwnItem) -> str:
    return "" if item.size is None else f" ({megabytes(item.size)})"
