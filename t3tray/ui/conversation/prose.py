"""Text of the conversation: Markdown in the colours of the scheme, or plain. It loads nothing and opens web links only."""

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
# Without any of these there is neither code nor a link in a text.
_WORD_SIGNS = ("`", "[", "://", "www.", "@")
_WEB = frozenset({"http", "https", "mailto"})


class Prose(QTextBrowser):
    """As high as its text at a width; it never scrolls by itself."""

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
        # The widget's own width does not count while it is hidden, and that is when it is measured.
        self.setLineWrapMode(QTextBrowser.LineWrapMode.FixedPixelWidth)
        # A table or a long word would else be wider than the page.
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.anchorClicked.connect(self._on_link)

    def show_markdown(self, text: str, *, is_quiet: bool = False) -> None:
        set_kind(self, "thought" if is_quiet else "prose")
        # A line at the very beginning would be read as a header of the file.
        self.document().setMarkdown(f"\n{text}" if text.startswith("---") else text, _FEATURES)
        has_links = _dress(self.document(), any(sign in text for sign in _WORD_SIGNS))
        # Only what can be done something with is a stop on the way of the Tab key.
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
        """Nothing that a text names is fetched."""
        return None

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    @Slot(QUrl)
    def _on_link(self, link: QUrl) -> None:
        if link.scheme() in _WEB:
            QDesktopServices.openUrl(link)


def _dress(document: QTextDocument, has_signs: bool) -> bool:
    """Give headings, lists, tables, quotes, and (where there may be any) code and links our looks; whether there are links."""
    has_links = False
    block = document.begin()
    while block.isValid():
        _dress_block(block, document)
        has_links = (has_signs and _dress_words(block)) or has_links
        block = block.next()
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            _dress_table(frame)
    return has_links


def _dress_block(block: QTextBlock, document: QTextDocument) -> None:
    look = block.blockFormat()
    level, quotes = look.headingLevel(), look.intProperty(QTextBlockFormat.Property.BlockQuoteLevel)
    cursor = QTextCursor(block)
    if level or quotes:
        words = QTextCharFormat()
        if level:
            words.setProperty(QTextCharFormat.Property.FontSizeAdjustment, 0)
            factor = _HEADINGS[level - 1] if level <= len(_HEADINGS) else 1
            words.setFontPointSize(document.defaultFont().pointSizeF() * factor)
            words.setFontWeight(QFont.Weight.DemiBold)
        else:
            words.setForeground(colours().muted)
        cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
        cursor.mergeCharFormat(words)
    # The first line has the room of its row above it, a cell that of its table.
    is_inside = block.position() == 0 or cursor.currentTable() is not None
    above = 0 if is_inside else UNIT * (4 if level else 1 if block.textList() else 2)
    if quotes or look.topMargin() != above or look.bottomMargin():
        if quotes:
            look.setLeftMargin(quotes * 4 * UNIT)
            look.setRightMargin(0)
        look.setTopMargin(above)
        look.setBottomMargin(0)
        cursor.setBlockFormat(look)


def _dress_words(block: QTextBlock) -> bool:
    scheme = colours()
    found: list[tuple[int, int, bool, str]] = []
    pieces = block.begin()
    while not pieces.atEnd():
        piece = pieces.fragment()
        look = piece.charFormat()
        if look.isAnchor() or look.fontFixedPitch():
            found.append((piece.position(), piece.length(), look.isAnchor(), look.toolTip()))
        pieces += 1
    for position, length, is_link, title in found:
        cursor = QTextCursor(block)
        cursor.setPosition(position)
        cursor.setPosition(position + length, QTextCursor.MoveMode.KeepAnchor)
        look = QTextCharFormat()
        if is_link:
            look.setForeground(scheme.accent_text)
            look.setToolTip(tip(title))
        else:
            look.setFontFamilies([QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()])
            look.setBackground(scheme.raised)
        cursor.mergeCharFormat(look)
    return any(is_link for _, _, is_link, _ in found)


def _dress_table(table: QTextTable) -> None:
    look = table.format()
    look.setBorder(1)
    look.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
    look.setBorderBrush(colours().line)
    look.setBorderCollapse(True)
    look.setCellPadding(UNIT)
    look.setCellSpacing(0)
    look.setWidth(QTextLength())
    # One that follows nothing has the room of its row above it.
    look.setTopMargin(2 * UNIT if table.firstPosition() > 1 else 0)
    look.setBottomMargin(0)
    table.setFormat(look)
