"""`t3tray vault`: list, show and export the archived transcripts, report damage, and migrate the files of earlier versions."""

from __future__ import annotations

from dataclasses import asdict

import msgspec

from t3tray.cli import json_documents
from t3tray.cli.context import Command
from t3tray.cli.output import as_json, put
from t3tray.domain.archived import ArchivedTranscript, ArchiveReport, OldFilesReport
from t3tray.domain.thread import Thread
from t3tray.domain.transcript import Transcript
from t3tray.errors import ExitCode, Refused, UsageError
from t3tray.messages.archive import damage_sentences
from t3tray.messages.markdown_export import as_markdown


async def vault(command: Command) -> ExitCode:
    try:
        return await _vault(command)
    finally:
        for sentence in command.backend.archive.trouble:
            command.say(sentence)


async def _vault(command: Command) -> ExitCode:
    action = command.arguments.action
    if action == "list":
        found = await command.backend.archive.transcripts()
        command.answer({"kept": [_document(state) for state in found]}, _table(found))
        return ExitCode.DONE
    if action in ("status", "migrate"):
        return await _old_files(command, action == "migrate")
    if command.arguments.thread is None:
        raise UsageError("A thread is required.", f"`t3tray vault {action} THREAD`; `t3tray vault list` shows the threads.")
    thread = await command.backend.scanning.find(command.arguments.thread)
    return await (_show(command, thread) if action == "show" else _export(command, thread))


async def _old_files(command: Command, migrates: bool) -> ExitCode:
    """Report how much of the earlier versions' files is in the archive; with `migrates` after importing and reading back all."""
    archive = command.backend.archive
    old = await (archive.migrate(command.arguments.remove) if migrates else archive.old_files())
    report = await archive.report()
    document: json_documents.Document = {
        "archive": {
            "path": report.path,
            "transcripts": report.transcripts,
            "messages": report.messages,
            "bytes": report.size,
            "set_aside": list(report.set_aside),
        },
        "old_files": {
            "folder": old.folder,
            "transcripts": old.transcripts,
            "messages": old.messages,
            "bytes": old.size,
            "pending": old.pending,
            "removed": old.removed,
            "unread": [{"folder": folder, "damage": list(damage)} for folder, damage in old.unread],
        },
    }
    command.answer(document, "\n".join((*_archive_lines(report), *_old_lines(old, migrates))))
    return ExitCode.UNKNOWN if migrates and (old.unread or old.pending) else ExitCode.DONE


def _archive_lines(report: ArchiveReport) -> tuple[str, ...]:
    holds = f"{_counted(report.transcripts, 'transcript')}, {_counted(report.messages, 'message')}, {report.size / 1e6:.1f} MB"
    aside = (f"  ! A damaged archive was replaced, and stays as {path}" for path in report.set_aside)
    return (f"Archive: {report.path}: {holds}", *aside)


def _old_lines(old: OldFilesReport, migrates: bool) -> tuple[str, ...]:
    if not (old.transcripts or old.pending or old.unread):
        return ("There are no files of earlier versions.",)
    equal = f"{_counted(old.transcripts, 'transcript')} with {_counted(old.messages, 'message')} ({old.size:,} bytes)"
    lines = [f"Files of earlier versions: {old.folder}", f"  {equal} read back from the archive equal to them."]
    if old.removed:
        lines.append(f"  {_counted(old.removed, 'transcript')} removed from there; the archive holds them.")
    if old.pending:
        lines.append(f"  {_counted(old.pending, 'transcript')} not read back yet: `t3tray vault migrate` does it now.")
    for folder, damage in old.unread:
        lines += [f"  ! {folder} stays:", *(f"      {sentence}" for sentence in damage)]
    if old.transcripts > old.removed and not old.pending:
        lines.append(
            "  `t3tray vault migrate --remove` removes what was read back equal. An older version of t3tray needs these files."
        )
    return tuple(lines)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


async def _show(command: Command, thread: Thread) -> ExitCode:
    found = tuple(state for state in await command.backend.archive.transcripts() if state.owner.thread_id == thread.id)
    command.answer({**json_documents.thread_document(thread), "kept": [_document(state) for state in found]}, _table(found))
    return ExitCode.DONE


async def _export(command: Command, thread: Thread) -> ExitCode:
    transcript = await _archived_transcript(command, thread)
    if command.arguments.json or command.arguments.format == "json":
        fields = msgspec.to_builtins(transcript)
        document = {"utterances" if name == "messages" else name: value for name, value in fields.items()}
        put(as_json(document, command.out), command.out)
    else:
        command.write_piece(as_markdown(transcript, thread.title))
    return ExitCode.DONE


async def _archived_transcript(command: Command, thread: Thread) -> Transcript:
    """Return the archived transcript of the thread's bound session, otherwise the one archived last. Raises Refused for none."""
    bound = (await command.backend.details.read(thread.id)).row.session_id
    archived = [
        state.owner.session_id for state in await command.backend.archive.transcripts() if state.owner.thread_id == thread.id
    ]
    for session_id in (bound, *archived):
        transcript = await command.backend.archive.words(session_id) if session_id else None
        if transcript is not None:
            return transcript
    raise Refused(f"The archive holds no transcript of “{thread.title}”.", "A thread is archived after each finished turn.")


def _document(state: ArchivedTranscript) -> json_documents.Document:
    return {
        **asdict(state.owner),
        "taken_at": state.taken_at or None,
        "messages": state.messages,
        "in_session": state.in_session,
        "bytes": state.size,
        "damage": list(damage_sentences(state.lost)),
    }


def _table(found: tuple[ArchivedTranscript, ...]) -> str:
    if not found:
        return "The archive is empty."
    lines = []
    for state in found:
        owner = state.owner
        taken = state.taken_at[:16].replace("T", " ") or "date unknown"
        lines.append(
            f"{owner.thread_id[:8]:<8}  {owner.session_id:<30}  {taken:<16}  {state.messages:>6} messages"
            f"  {state.size / 1000:>8.1f} kB  {owner.title}"
        )
        lines += [f"    ! {damage}" for damage in damage_sentences(state.lost)]
    total = sum(state.size for state in found)
    return "\n".join([*lines, f"{total / 1e6:.1f} MB in all"])
