"""The widget class for each kind of row, and the functions that fill and measure such widgets."""

from __future__ import annotations

from typing import Protocol, cast

from PySide6.QtWidgets import QWidget

from t3tray.ui.conversation.code_block import CodeBlock
from t3tray.ui.conversation.prose import Prose
from t3tray.ui.conversation.row_widgets import CopyLine, ErrorLine, FoldLine, Note, UserCard
from t3tray.ui.conversation.rows import CodeRow, CopyRow, ErrorRow, FoldRow, NoteRow, ProseRow, Row, UserRow


class HasHeight(Protocol):
    def height_at(self, width: int) -> int: ...


_SHOWN_BY: dict[type[Row], type[QWidget]] = {
    ProseRow: Prose,
    CodeRow: CodeBlock,
    UserRow: UserCard,
    FoldRow: FoldLine,
    NoteRow: Note,
    ErrorRow: ErrorLine,
    CopyRow: CopyLine,
}


def made_for(row: Row) -> QWidget:
    return _SHOWN_BY[type(row)]()


def show(widget: QWidget, row: Row) -> None:
    """Fill a widget with its row's content."""
    match widget, row:
        case Prose(), ProseRow():
            widget.show_markdown(row.text, is_quiet=row.is_quiet)
        case CodeBlock(), CodeRow():
            widget.show_code(row.text, row.caption, row.lines, row.language)
        case UserCard(), UserRow():
            widget.show_piece(row.text, is_first=row.is_first, is_last=row.is_last)
        case FoldLine(), FoldRow():
            widget.show_line(row.symbol, row.text, is_open=row.is_open, failed=row.failed)
        case Note(), NoteRow():
            widget.show_note(row.text, row.kind, centred=row.centred)
        case ErrorLine(), ErrorRow():
            widget.show_error(row.text, can_retry=row.can_retry)
        case CopyLine(), CopyRow():
            widget.show_copy(row.texts, row.what)


def height_of(widget: QWidget, width: int) -> int:
    return cast("HasHeight", widget).height_at(width)


def stops_of(widget: QWidget) -> tuple[QWidget, ...]:
    """Return the widgets in it where the Tab key stops, in order."""
    match widget:
        case CodeBlock():
            return (widget.copy, widget.lines)
        case UserCard():
            return (widget.text,)
        case ErrorLine():
            return (widget.retry,)
        case CopyLine():
            return (widget.copy,)
        case Prose() | FoldLine():
            return (widget,)
    return ()
