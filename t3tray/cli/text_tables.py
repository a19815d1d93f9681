"""Text output of the command line: lines and tables, with local times. `json_documents` has the documents for scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from t3tray.domain import times
from t3tray.domain.carries import CarriesKind
from t3tray.domain.guard import GuardAnswer
from t3tray.domain.journal import Entry
from t3tray.domain.reaper import ReaperState
from t3tray.domain.remedy import Preview
from t3tray.domain.server import ServerStatus
from t3tray.domain.split import Served
from t3tray.domain.t3code_thread import T3Thread
from t3tray.domain.thread import Thread
from t3tray.domain.verdict import Kind, Reason
from t3tray.domain.verification import OpenResult, Verification
from t3tray.messages.alarms import alarm_sentence
from t3tray.messages.guard import next_step, standing_refusal
from t3tray.messages.history import history
from t3tray.messages.session_table import session_table
from t3tray.messages.t3code_side import next_sentence
from t3tray.messages.verdicts import receipt_text, sentence
from t3tray.threads.snapshot import Finding, Snapshot, ThreadDetails, ThreadRow

_LESS = {CarriesKind.SINCE_COMPACTION: ", summarised", CarriesKind.PART: ", in part"}
MARKS = {Kind.RESUMABLE: "✓", Kind.BLOCKED: "✗", Kind.UNKNOWN: "?"}
# Resumable from t3tray, but T3 Code's own next message would not carry the conversation.
_HALF = "◐"


def local(at: datetime) -> str:
    return f"{times.local(at):%Y-%m-%d %H:%M}"


def status(snapshot: Snapshot, counts: Mapping[str, int], data_directory: str) -> str:
    tally = " · ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    tally = tally or ("none could be read" if snapshot.may_lack_threads else "none yet")
    lines = [server(snapshot.server), f"threads  {tally}"]
    lines += [f"reaper   {snapshot.idle_status}"] if snapshot.idle_status else []
    lines.append(f"data     {data_directory}")
    lines += [f"T3 Code  {source.path} · {source.form}, {source.why}" for source in snapshot.sources if source.path]
    return "\n".join([*lines, *warnings(snapshot)])


def warnings(snapshot: Snapshot) -> list[str]:
    """Return one line for each warning that concerns no single thread."""
    return [f"!        {warning}" for warning in snapshot.warnings]


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


def threads(snapshot: Snapshot) -> str:
    rows, foreign = snapshot.rows, snapshot.foreign
    if not rows and not foreign:
        if snapshot.may_lack_threads:
            return "No threads could be read."
        return "No threads yet. `t3tray new --dir DIR` makes one, `t3tray adopt SESSION` takes over a session."
    others = (_line("·", thread, thread.provider, snapshot.foreign_reapers[thread.id]) for thread in foreign)
    return "\n".join([*(_row(row) for row in rows), *others])


def _row(row: ThreadRow) -> str:
    mark = "○" if row.verdict.reason is Reason.NEW else MARKS[row.verdict.kind]
    reason = f"{row.verdict.reason}{_LESS.get(row.verdict.carries.kind, '')}"
    if row.verdict.kind is Kind.RESUMABLE and row.next_message and not row.next_message.is_fine:
        mark, reason = _HALF, f"{reason}; T3 Code: {row.next_message.reason}"
    return _line(mark, row.thread, reason, row.reaper)


def _line(mark: str, thread: Thread | T3Thread, reason: str, reaper: ReaperState) -> str:
    at = local(thread.last_activity_at)
    phase = f"{reaper.phase} until {times.local(reaper.reap_at):%H:%M}" if reaper.reap_at else reaper.phase.value
    return f"{mark} {thread.id[:8]}  {at}  {reason:<20}  {phase:<16}  {thread.title}  {thread.directory}"


def details(shown: ThreadDetails) -> str:
    row = shown.row
    lines = [
        f"{row.thread.title}",
        f"thread   {row.thread.id}",
        f"folder   {row.thread.directory}",
        f"session  {row.session_id or 'none'}{f', which works in {row.session_directory}' if row.session_directory else ''}",
        f"verdict  {row.verdict.kind} / {row.verdict.reason}: {sentence(row.verdict)}",
    ]
    if row.next_message:
        lines.append(f"T3 Code  {row.next_message.kind} / {row.next_message.reason}: {next_sentence(row.next_message)}")
    if shown.deleted:
        lines.append(f"deleted  {shown.deleted}")
    if offered := ", ".join(shown.offered):
        lines.append(f"remedies {offered}")
    if refused := standing_refusal(shown.answers):
        lines.append(f"guard    {next_step(refused, row.goes_on_in_t3)}")
    lines += _from_t3(row)
    if row.thread.draft:
        lines.append(f"draft    {row.thread.draft}")
    if shown.receipt:
        lines += ["", "last receipt", receipt_text(shown.receipt)]
    if shown.candidates:
        table = session_table(row.thread.id, row.next_session, row.t3 is not None, shown.candidates)
        lines += ["", "sessions found for this thread", *(f"  {line}" for line in table)]
    if row.served:
        lines += ["", "sessions that served it (T3 Code's log)", *(f"  {_served(each)}" for each in row.served), ""]
    lines += [f"alarm    {local(alarm.at)}  {alarm_sentence(alarm)}" for alarm in shown.alarms]
    return "\n".join([*lines, "", "journal", journal(shown.journal, shown.answers)])


def opened(place: OpenResult) -> str:
    return f"{place.sentence} Look for “{place.title}” there." if place.title else place.sentence


def verified(verification: Verification) -> str:
    """Return the receipt, and the state of T3 Code's own next message unless it is fine."""
    text, in_t3 = receipt_text(verification.receipt), verification.next_message
    return text if in_t3 is None or in_t3.is_fine else f"{text}\nT3 Code  {next_sentence(in_t3)}"


def remedied(preview: Preview, shown: ThreadDetails) -> str:
    """Return what a remedy has done, and the thread's verdict after it."""
    verdict = shown.row.verdict
    return "\n".join(
        [
            f"Done: {preview.title}.",
            *preview.after,
            f"{MARKS[verdict.kind]} {verdict.kind} / {verdict.reason}: {sentence(verdict)}",
        ]
    )


def _from_t3(row: ThreadRow) -> list[str]:
    """Return the lines on the reaper, and T3 Code's own data of the thread."""
    reaped = f", reaped at {local(row.reaper.reap_at)}" if row.reaper.reap_at else ""
    lines = [f"reaper   {row.reaper.phase}{reaped}"]
    t3 = row.t3
    if t3 is None:
        return lines
    fields = (
        ("project", t3.project),
        ("branch", t3.branch),
        ("model", t3.model),
        ("instance", t3.instance),
        ("error", t3.last_error),
    )
    return [*lines, *(f"{name:<8} {text}" for name, text in fields if text)]


def _served(served: Served) -> str:
    gone = "  (gone)" if served.exists is False else ""
    return f"{served.session_id}  from {local(served.began)} to {local(served.ended)}{gone}"


def journal(entries: Sequence[Entry], answers: Sequence[GuardAnswer]) -> str:
    lines = history(entries, answers)
    if not lines:
        return "The journal is empty."
    return "\n".join(f"{local(line.at)}  {line.thread_id[:8]:<8}  {line.sentence}" for line in lines)


def findings(found: Sequence[Finding]) -> str:
    lines = []
    for finding in found:
        lines.append(f"{'✓' if finding.ok else '✗'} {finding.name}: {finding.detail}")
        lines += [f"    {line}" for line in finding.table]
    return "\n".join(lines)
