"""Tooltips. Qt takes a text that looks like HTML for rich text: it would hide parts of it, and open the files that it names."""

from __future__ import annotations

from t3tray.domain.markup import escaped


def tip(text: str) -> str:
    """The tooltip that shows exactly this text, whoever wrote it. Every tooltip is made by it."""
    if "<" not in text and "&" not in text:
        return text
    return f'<p style="white-space: pre-wrap">{escaped(text)}</p>'
