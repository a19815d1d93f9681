"""What the command line prints for people: lines and tables, times local. Documents for scripts are in `documents`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from t3tray.core.domain.alarm import alarm_sentence
from t3tray.core.domain.journal import Entry
from t3tray.core.domain.log_book import told
from t3tray.core.domain.remedy import Preview
from t3tray.core.domain.sentences import sentence
from t3tray.core.domain.server import ServerStatus
from t3tray.core.domain.split import Candidate
from t3tray.core.domain.verdict import Kind
from t3tray.core.services.views import Finding, Overview, ThreadDetails, ThreadRow
from t3tray.core.t3code.threads import T3Thread

MARKS = {Kind.RESUMABLE: "✓", Kind.BLOCKED: "✗", Kind.UNKNOWN: "?"}


def local(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def status(overview: Overview, counts: Mapping[str, int], data_directory: str) -> str:
    tally = " · ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "none yet"
    lines = [server(overview.server), f"threads  {tally}", f"data     {data_directory}"]
    lines += [f"T3 Code  {source.path} · {source.form}, {source.why}" for source in overview.sources if source.path]
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


def threads(rows: Sequence[ThreadRow], foreign: Sequence[T3Thread]) -> str:
    if not rows and not foreign:
        return "No threads yet. `t3tray new --dir DIR` makes one, `t3tray adopt SESSION` takes over a session."
    return "\n".join([*(_row(row) for row in rows), *(_foreign(thread) for thread in foreign)])


def _foreign(thread: T3Thread) -> str:
    return f"· {thread.id[:8]}  {local(thread.last_activity_at)}  {thread.provider:<18}  {thread.title}  {thread.directory}"


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
    if offered := ", ".join(shown.offered):
        lines.append(f"remedies {offered}")
    if row.thread.draft:
        lines.append(f"draft    {row.thread.draft}")
    if shown.receipt:
        lines += ["", "last receipt", shown.receipt.as_text()]
    if shown.candidates:
        bound = shown.row.t3.session_id if shown.row.t3 else row.session_id
        lines += ["", "sessions that were ever its own", *sessions(shown.candidates, bound)]
    lines += [f"alarm    {local(alarm.at)}  {alarm_sentence(alarm)}" for alarm in shown.alarms]
    return "\n".join([*lines, "", "journal", journal(shown.journal)])


def remedied(preview: Preview, shown: ThreadDetails) -> str:
    """What was done, and how the thread stands now."""
    verdict = shown.row.verdict
    return "\n".join(
        [
            f"Done: {preview.title}.",
            *preview.after,
            f"{MARKS[verdict.kind]} {verdict.kind} / {verdict.reason}: {sentence(verdict)}",
        ]
    )


def sessions(candidates: Sequence[Candidate], talked_to: str | None) -> list[str]:
    """A line for each session: when it was made, what it holds, where that was learnt, and which one is talked to."""
    return [
        f"  {_candidate(found)}{'  ← the next message goes here' if found.session_id == talked_to else ''}"
        for found in candidates
    ]


def _candidate(found: Candidate) -> str:
    learnt = ", ".join(found.learnt_from)
    if not found.exists:
        return f"{found.session_id:<30}  {'gone' if found.exists is False else 'not known':<16}  {'':>27}  {learnt}"
    made = local(datetime.fromtimestamp(found.created_ms / 1000, UTC))
    return f"{found.session_id:<30}  {made}  {found.messages:>5} messages {found.input_tokens:>9,} tokens  {learnt}"


def journal(entries: Sequence[Entry]) -> str:
    if not entries:
        return "Nothing in the journal yet."
    return "\n".join(f"{local(entry.at)}  {entry.thread_id[:8]}  {told(entry)}" for entry in entries)


def findings(found: Sequence[Finding]) -> str:
    lines = []
    for finding in found:
        lines.append(f"{'✓' if finding.ok else '✗'} {finding.name}: {finding.detail}")
        lines += [f"    {line}" for line in finding.table]
    return "\n".join(lines)
