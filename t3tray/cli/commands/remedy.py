"""`t3tray remedy`: preview, confirmation, then the change. Without a confirmation nothing is changed."""

from __future__ import annotations

from t3tray.cli import json_documents, text_tables
from t3tray.cli.commands.resume import resume
from t3tray.cli.context import Command
from t3tray.domain.remedy import Choice, Preview, Remedy
from t3tray.errors import ExitCode, Refused, UsageError
from t3tray.guard.service import load_guard_sides

# Remedies that change no binding: they mean "verify again, with a server".
_VERIFY_ONLY = frozenset({Remedy.RETRY, Remedy.START_SERVER, Remedy.SIGN_IN})


async def remedy(command: Command) -> ExitCode:
    arguments, backend, chosen = command.arguments, command.backend, named(command.arguments.name)
    await load_guard_sides(backend.guard_host)
    if chosen in _VERIFY_ONLY:
        return await resume(command)
    choice = Choice(chosen, arguments.session or "", arguments.dir or "", confirmed=arguments.yes)
    preview = await backend.remedies.preview(arguments.thread, choice)
    if not arguments.yes:
        if not command.is_interactive:
            refusal = Refused("Nothing was changed.", "This is a preview. Use --yes to apply it.")
            command.answer(json_documents.preview_document(preview) | json_documents.error_document(refusal), preview.as_text())
            if not arguments.json:
                command.say(f"{refusal.message} {refusal.hint}")
            return refusal.exit_code
        command.say(preview.as_text())
        if preview.hindrance or preview.permission:
            # No confirmation can help: `apply` raises the refusal that belongs to it.
            await backend.remedies.apply(arguments.thread, choice, preview)
        await _agree(command, preview)
    done = await backend.remedies.apply(arguments.thread, choice, preview)
    details = await backend.details.read(arguments.thread)
    document = json_documents.preview_document(done) | json_documents.details_document(details)
    command.answer(document, text_tables.remedied(done, details))
    return ExitCode.DONE


async def _agree(command: Command, preview: Preview) -> None:
    """Ask for confirmation. Raises Refused without one."""
    if preview.word:
        answer = await command.ask(f"Type “{preview.word}” to do it: ")
        agreed = answer.lower() == preview.word
    else:
        agreed = (await command.ask(f"{preview.button}? [y/N] ")).lower() in ("y", "yes")
    if not agreed:
        raise Refused("Nothing was changed.")


def named(name: str) -> Remedy:
    """Return the remedy called `name`. Raises UsageError, with all names, for an unknown one."""
    try:
        return Remedy(name)
    except ValueError:
        known = ", ".join(each.value for each in Remedy)
        raise UsageError(f"Unknown remedy: {name}.", f"The remedies are: {known}.") from None
