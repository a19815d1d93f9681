"""`t3tray uninstall`: end and remove what t3tray has on this machine, except the program: its package manager removes that."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from t3tray.backend.removal import Removal
from t3tray.cli.commands.app import items_document, items_text
from t3tray.cli.context import BareCommand
from t3tray.domain.own_item import ItemOutcome, OwnItem
from t3tray.errors import ExitCode
from t3tray.messages.inventory import megabytes
from t3tray.messages.own_items import data_stays
from t3tray.system.data_files import data_files
from t3tray.system.paths import data_directory


async def uninstall(command: BareCommand) -> ExitCode:
    arguments = command.arguments
    data = data_directory(arguments.data_dir, os.environ)

    def report(items: Sequence[OwnItem]) -> None:
        """Say before it is removed what of the data is going to be."""
        if arguments.data and not arguments.json:
            command.say(items_text([item for item in items if item.name == "data"]))

    items = await Removal(data, arguments.data).run(arguments.dry_run, report)
    text = items_text(items)
    if not arguments.data and (size := sum((await asyncio.to_thread(data_files, data)).values())):
        text += f"\n{data_stays(data, megabytes(size))}"
    command.answer(items_document(items), text)
    return ExitCode.BUG if any(item.outcome is ItemOutcome.FAILED for item in items) else ExitCode.DONE
