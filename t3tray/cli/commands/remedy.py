"""The command line's `remedy`: what it would do, then the question, then the deed. Without an answer nothing is changed."""

from __future__ import annotations

from t3tray.cli import json_documents, text_tables
from t3tray.cli.commands.resume import resume
from t3tray.cli.context import Command
from t3tray.domain.remedy import Choice, Preview, Remedy
from t3tray.errors import ExitCode, Refused, UsageError
from t3tray.guard.service import learn_guard

# Remedies that change nothing by themselves: what they mean is to look once more, with a server.
_LOOKS_ONLY = frozenset({Remedy.RETRY, Remedy.START_SERVER, Remedy.SIGN_IN})


async def remedy(command: Command) -> ExitCode:
    words, engine, chosen = command.words, command.engine, named(command.words.name)
    await learn_guard(engine)
    if chosen in _LOOKS_ONLY:
        return await resume(command)
    choice = Choice(chosen, words.session or "", words.dir or "", confirmed=words.yes)
    preview = await engine.preview(words.thread, choice)
    if not words.yes:
        if not command.can_ask:
            refusal = Refused("Nothing was changed.", "This is what it would do. Say --yes to do it.")
            command.answer(json_documents.preview_document(preview) | json_documents.error_document(refusal), preview.as_text())
            if not words.json:
                command.say(f"{refusal.message} {refusal.hint}")
            return refusal.exit_code
        command.say(preview.as_text())
        if preview.hindrance or preview.permission:
            # What a person would say then changes nothing: it is refused in its own words.
            await engine.apply(words.thread, choice, preview)
        await _agree(command, preview)
    done = await engine.apply(words.thread, choice, preview)
    details = await engine.details(words.thread)
    document = json_documents.preview_document(done) | json_documents.details_document(details)
    command.answer(document, text_tables.remedied(done, details))
    return ExitCode.DONE


async def _agree(command: Command, preview: Preview) -> None:
    """Raises Refused unless the person says so."""
    if preview.word:
        answer = await command.ask(f"Type “{preview.word}” to do it: ")
        agreed = answer.lower() == preview.word
    else:
        agreed = (await command.ask(f"{preview.button}? [y/N] ")).lower() in ("y", "yes")
    if not agreed:
        raise Refused("Nothing was changed.")


def named(name: str) -> Remedy:
    """Raises UsageError with all the names."""
    try:
        return Remedy(name)
    except ValueError:
        known = ", ".join(each.value for each in Remedy)
        raise UsageError(f"There is no remedy called {name}.", f"These are the remedies: {known}.") from None
