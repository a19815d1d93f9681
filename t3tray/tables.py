"""What the command line prints for people: lines and tables, times local. Documents for scripts are in `documents`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from t3tray.core.domain.journal import Entry
from t3tray.core.domain.sentences import remedies, sentence
from t3tray.core.domain.server import ServerStatus
from t3tray.core.domain.verdict import Kind
from t3tray.core.services.views import Finding, Overview, ThreadDetails, ThreadRow

MARKS = {Kind.RESUMABLE: "✓", Kind.BLOCKED: "✗", Kind.UNKNOWN: "?"}


def local(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def status(overview: Overview, counts: Mapping[str, int], data_directory: str) -> str:
    tally = " · ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "none yet"
    lines = [server(overview.server), f"threads  {tally}", f"data     {data_directory}"]
    return "\n".join([*lines, *(f"!        {warning}" for warning in overview.warnings)])


def server(current: ServerStatus) -> str:
    parts = [f"server   {current.state}"]
    if current.version:
        parts.append(f"OpenCode {current.version}")
    if current.url:
        parts.append(current.url)
    if current.pid:
        parts.append(f"pid {current.pid}")
    if current.memory:
        parts.append(f"{current.memory / 2**20:.0f} MB")
    if current.reason:
        parts.append(current.reason)
    return " · ".join(parts)


def threads(rows: Sequence[ThreadRow]) -> str:
    if not rows:
        return "No threads yet. `t3tray new --dir DIR` makes one, `t3tray adopt SESSION` takes over a session."
    return "\n".join(_row(row) for row in rows)


def _row(row: ThreadRow) -> str:
    at = local(row.thread.last_activity_at)
    mark, thread = MARKS[row.verdict.kind], row.thread
    return f"{mark} {thread.id[:8]}  {at}  {row.verdict.reason:<18}  {thread.title}  {thread.directory}"


def details(shown: ThreadDetails) -> str:
    row = shown.row
    lines = [
        f"{row.thread.title}",
        f"thread   {row.thread.id}",
        f"folder   {row.thread.directory}",
        f"session  {row.session_id or 'none'}",
        f"verdict  {row.verdict.kind} / {row.verdict.reason}: {sentence(row.verdict)}",
    ]
    if offered := ", ".join(remedies(row.verdict)):
        lines.append(f"remedies {offered}")
    if shown.candidates:
        lines.append(f"could be {', '.join(shown.candidates)}")
    if row.thread.draft:
        lines.append(f"draft    {row.thread.draft}")
    if shown.receipt:
        lines += ["", "last receipt", shown.receipt.as_text()]
    return "\n".join([*lines, "", "journal", journal(shown.journal)])


def journal(entries: Sequence[Entry]) -> str:
    if not entries:
        return "Nothing in the journal yet."
    return "\n".join(
        f"{local(entry.at)}  {entry.thread_id[:8]}  {entry.event:<10}  {entry.session_id or '-':<30}  {entry.actor}: {entry.why}"
        for entry in entries
    )


def findings(found: Sequence[Finding]) -> str:
    return "\n".join(f"{'✓' if finding.ok else '✗'} {finding.name}: {finding.detail}" for finding in found)
