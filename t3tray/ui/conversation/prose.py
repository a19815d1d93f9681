"""Text of the conversation: Markdown in the scheme's colours, or plain text. Loads no resources and opens only web links."""

from __future__ import annotations

from math import ceil

from PySide6.QtCore import Qt, QUrl, Slot
from PySide6.QtGui import (
    QDesktopServices,
    QFont,
    QFontDatabase,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFrameFormat,
    QTextLength,
    QTextOption,
    QTextTable,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QTextBrowser, QWidget

from t3tray.ui.theme import UNIT, colours
from t3tray.ui.widgets.basic import set_kind, tip

_FEATURES = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | QTextDocument.MarkdownFeature.MarkdownNoHTML
_HEADINGS = (1.3, 1.18, 1.08)
# A text without any of these contains neither inline code nor a link.
_INLINE_SIGNS = ("`", "[", "://", "www.", "@")
_WEB = frozenset({"http", "https", "mailto"})


class Prose(QTextBrowser):
    """A text browser that never scrolls: `height_at` returns the height of its text."""

    def __init__(self, kind: str = "prose", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", kind)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setOpenLinks(False)
        self.setTabChangesFocus(True)
        self.setUndoRedoEnabled(False)
        self.document().setDocumentMargin(0)
        self.document().setIndentWidth(5 * UNIT)
        # It is measured while hidden, when its own width is not valid: set the wrap width explicitly.
        self.setLineWrapMode(QTextBrowser.LineWrapMode.FixedPixelWidth)
        # Otherwise a table or a long word would be wider than the page.
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.anchorClicked.connect(self._on_link)

    def show_markdown(self, text: str, *, is_quiet: bool = False) -> None:
        set_kind(self, "thought" if is_quiet else "prose")
        # A rule at the very beginning would be parsed as front matter.
        self.document().setMarkdown(f"\n{text}" if text.startswith("---") else text, _FEATURES)
        has_links = _style(self.document(), any(sign in text for sign in _INLINE_SIGNS))
        # The Tab key stops only at text with links.
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if has_links else Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName(self.toPlainText())

    def show_plain(self, text: str) -> None:
        self.setPlainText(text)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName(text)

    def height_at(self, width: int) -> int:
        self.setLineWrapColumnOrWidth(width)
        return ceil(self.document().size().height())

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        """Load nothing: resources that a text names are not fetched."""
        return None

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    @Slot(QUrl)
    def _on_link(self, link: QUrl) -> None:
        if link.scheme() in _WEB:
            QDesktopServices.openUrl(link)


def _style(document: QTextDocument, has_inline: bool) -> bool:
    """Format headings, lists, tables, quotes and, if there may be any, inline code and links. Return whether there are links."""
    has_links = False
    block = document.begin()
    while block.isValid():
        _style_block(block, document)
        has_links = (has_inline and _style_inline(block)) or has_links
        block = block.next()
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            _style_table(frame)
    return has_links


def _style_block(block: QTextBlock, document: QTextDocument) -> None:
    format_ = block.blockFormat()
    level, quotes = format_.headingLevel(), format_.intProperty(QTextBlockFormat.Property.BlockQuoteLevel)
    cursor = QTextCursor(block)
    if level or quotes:
        text_format = QTextCharFormat()
        if level:
            text_format.setProperty(QTextCharFormat.Property.FontSizeAdjustment, 0)
            factor = _HEADINGS[level - 1] if level <= len(_HEADINGS) else 1
            text_format.setFontPointSize(document.defaultFont().pointSizeF() * factor)
            text_format.setFontWeight(QFont.Weight.DemiBold)
        else:
            text_format.setForeground(colours().muted)
        cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
        cursor.mergeCharFormat(text_format)
    # The row itself has space above the first block, and a table above its cells.
    is_inside = block.position() == 0 or cursor.currentTable() is not None
    above = 0 if is_inside else UNIT * (4 if level else 1 if block.textList() else 2)
    if quotes or format_.topMargin() != above or format_.bottomMargin():
        if quotes:
            format_.setLeftMargin(quotes * 4 * UNIT)
            format_.setRightMargin(0)
        format_.setTopMargin(above)
        format_.setBottomMargin(0)
        cursor.setBlockFormat(format_)


def _style_inline(block: QTextBlock) -> bool:
    scheme = colours()
    found: list[tuple[int, int, bool, str]] = []
    pieces = block.begin()
    while not pieces.atEnd():
        piece = pieces.fragment()
        format_ = piece.charFormat()
        if format_.isAnchor() or format_.fontFixedPitch():
            found.append((piece.position(), piece.length(), format_.isAnchor(), format_.toolTip()))
        pieces += 1
    for position, length, is_link, title in found:
        cursor = QTextCursor(block)
        cursor.setPosition(position)
        cursor.setPosition(position + length, QTextCursor.MoveMode.KeepAnchor)
        format_ = QTextCharFormat()
        if is_link:
            format_.setForeground(scheme.accent_text)
            format_.setToolTip(tip(title))
        else:
            format_.setFontFamilies([QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()])
            format_.setBackground(scheme.raised)
        cursor.mergeCharFormat(format_)
    return any(is_link for _, _, is_link, _ in found)


def _style_table(table: QTextTable) -> None:
    format_ = table.format()
    format_.setBorder(1)
    format_.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
    format_.setBorderBrush(colours().line)
    format_.setBorderCollapse(True)
    format_.setCellPadding(UNIT)
    format_.setCellSpacing(0)
    format_.setWidth(QTextLength())
    # The row itself has space above a table that comes first.
    format_.setTopMargin(2 * UNIT if table.firstPosition() > 1 else 0)
    format_.setBottomMargin(0)
    table.setFormat(format_)
