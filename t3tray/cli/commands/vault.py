"""The command line's `vault`: what is kept, of whom, what is damaged, and the words themselves."""

from __future__ import annotations

from dataclasses import asdict

import msgspec

from t3tray.cli import json_documents
from t3tray.cli.context import Command
from t3tray.cli.output import for_scripts, put
from t3tray.domain.archived import Holding
from t3tray.domain.thread import Thread
from t3tray.domain.transcript import Transcript
from t3tray.errors import ExitCode, Refused, UsageError
from t3tray.messages.markdown_export import as_markdown


async def vault(command: Command) -> ExitCode:
    action = command.words.action
    if action == "list":
        holdings = await command.engine.archive.holdings()
        command.answer({"kept": [_document(found) for found in holdings]}, _table(holdings))
        return ExitCode.DONE
    if command.words.thread is None:
        raise UsageError("Which thread?", f"`t3tray vault {action} THREAD`; `t3tray vault list` shows them.")
    thread = await command.engine.find(command.words.thread)
    return await (_show(command, thread) if action == "show" else _export(command, thread))


async def _show(command: Command, thread: Thread) -> ExitCode:
    holdings = tuple(found for found in await command.engine.archive.holdings() if found.kept.about.thread_id == thread.id)
    command.answer({**json_documents.thread_document(thread), "kept": [_document(found) for found in holdings]}, _table(holdings))
    return ExitCode.DONE


async def _export(command: Command, thread: Thread) -> ExitCode:
    transcript = await _kept_words(command, thread)
    if command.words.json or command.words.format == "json":
        put(for_scripts(msgspec.to_builtins(transcript), command.out), command.out)
    else:
        command.pass_on(as_markdown(transcript, thread.title))
    return ExitCode.DONE


async def _kept_words(command: Command, thread: Thread) -> Transcript:
    """Of the session that the thread is bound to; where nothing was kept of it, of the one that was kept last."""
    bound = (await command.engine.details(thread.id)).row.session_id
    kept = [
        found.kept.about.session_id
        for found in await command.engine.archive.holdings()
        if found.kept.about.thread_id == thread.id
    ]
    for session_id in (bound, *kept):
        transcript = await command.engine.archive.words(session_id) if session_id else None
        if transcript is not None:
            return transcript
    raise Refused(f"Nothing was kept of “{thread.title}”.", "The vault keeps a thread's words after each finished turn.")


def _document(found: Holding) -> json_documents.Document:
    kept = found.kept
    return {
        **asdict(kept.about),
        "taken_at": kept.taken_at or None,
        "messages": kept.messages,
        "in_session": kept.in_session,
        "bytes": found.size,
        "damage": list(found.damage),
    }


def _table(holdings: tuple[Holding, ...]) -> str:
    if not holdings:
        return "The archive is empty."
    lines = []
    for found in holdings:
        about, kept = found.kept.about, found.kept
        taken = kept.taken_at[:16].replace("T", " ") or "date unknown"
        lines.append(
            f"{about.thread_id[:8]:<8}  {about.session_id:<30}  {taken}  {kept.messages:>6} messages"
            f"  {found.size / 1000:>8.1f} kB  {about.title}"
        )
        lines += [f"    ! {damage}" for damage in found.damage]
    total = sum(found.size for found in holdings)
    return "\n".join([*lines, f"{total / 1e6:.1f} MB in all"])
