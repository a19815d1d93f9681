"""The receipt of a resume as text that can be copied."""

from __future__ import annotations

from datetime import UTC

from t3tray.domain.receipt import Receipt
from t3tray.messages.verdicts import sentence


def receipt_text(receipt: Receipt) -> str:
    """The whole receipt in lines for people."""
    marks = {True: "✓", False: "✗", None: "·"}
    lines = [
        f"thread   {receipt.thread_id}",
        f"session  {receipt.session_id or 'none'}",
        f"verdict  {receipt.verdict.kind} / {receipt.verdict.reason}",
        f"         {sentence(receipt.verdict)}",
        f"checked  {receipt.taken_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, by {receipt.asked or 'nobody'}",
    ]
    for check in receipt.checks:
        then_and_now = check.found if check.recorded in ("", check.found) else f"{check.recorded} → {check.found}"
        lines.append(f"  {marks[check.passed]} {check.name}: {then_and_now}")
    return "\n".join([*lines, *(f"  ! {note}" for note in receipt.notes)])
