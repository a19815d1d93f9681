"""The one window: the list, the page of the chosen thread, the server's line. It shows values and passes intents on.

Narrow, it shows the list or the page; wide, both.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from t3tray.core.domain.remedy import Choice, Preview
from t3tray.core.errors import T3TrayError
from t3tray.core.services.views import Overview, Resumption, T3Thread, ThreadDetails, ThreadRow
from t3tray.qt.menu import SERVER_LABELS, Deed, server_deeds
from t3tray.qt.message_bar import MessageBar
from t3tray.qt.new_thread import NewThread
from t3tray.qt.parts import button, clear, label, line, set_kind
from t3tray.qt.remedy_sheet import RemedySheet
from t3tray.qt.theme import GAP, MARGIN, NARROW, colours, style_sheet
from t3tray.qt.thread_list import ThreadList
from t3tray.qt.thread_page import ThreadPage
from t3tray.qt.words import is_trouble, server_line

_TWO_PANES = 720


class MainWindow(QMainWindow):
    """Signals carry what the user asked for; `closed` comes when the window was closed, however."""

    look_wanted = Signal(str)
    resume_wanted = Signal(str)
    check_wanted = Signal(str)
    remedy_wanted = Signal(str, object)
    remedy_agreed = Signal(str, object, object)
    thread_wanted = Signal(str, str)
    t3code_wanted = Signal(str)
    seen = Signal(str)
    server_wanted = Signal(str)
    closed = Signal()

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        self.setWindowTitle("t3tray")
        self.setMinimumSize(NARROW, 360)
        self.resize(940, 640)
        self._rows: dict[str, ThreadRow] = {}
        self._foreign: dict[str, T3Thread] = {}
        self._warned: tuple[str, ...] = ()
        self._server_deeds: tuple[Deed, ...] = ()
        self._asks_for_page = False
        self._awaited: str | None = None
        self.banner = label("", "muted")
        self.bar = MessageBar()
        self.threads = ThreadList(now)
        self.page = ThreadPage()
        self.sheet = RemedySheet()
        self._over_page = QStackedWidget()
        self.new_thread = NewThread(self)
        self._back = button("← Threads", "plain")
        self._server = label("", "muted")
        self._server_buttons = QHBoxLayout()
        self._build()
        self._connect()
        self._paint()

    def show_overview(self, overview: Overview) -> None:
        self._rows = {row.thread.id: row for row in overview.rows}
        self._foreign = {thread.id: thread for thread in overview.foreign}
        self.banner.setText(overview.banner)
        self.banner.setVisible(bool(overview.banner))
        self.threads.set_rows((*overview.rows, *overview.foreign))
        self._show_awaited()
        current = self.threads.current()
        if current is None:
            self.page.show_nothing("Choose a thread to see whether it can be resumed." if overview.rows else "")
        elif self.isVisible() and current in self._rows:
            self.look_wanted.emit(current)
        self._show_server(overview)
        if overview.warnings != self._warned:
            self._warned = overview.warnings
            if overview.warnings:
                self.bar.warn("\n".join(overview.warnings))

    def show_details(self, details: ThreadDetails) -> None:
        """Details that come late, for a thread that is not chosen any more, are of no use."""
        if details.row.thread.id == self.threads.current():
            self.page.show_details(details)

    def show_preview(self, thread_id: str, choice: Choice, preview: Preview) -> None:
        """What a remedy would do, over the page; for a thread that is not chosen any more it is of no use."""
        if thread_id == self.threads.current():
            self.sheet.show_preview(thread_id, choice, preview)
            self._over_page.setCurrentWidget(self.sheet)

    def show_remedied(self, thread_id: str, done: Preview) -> None:
        if self.sheet.thread_id == thread_id:
            self._on_sheet_put_away()
        self.bar.warn(f"Done: {done.title}.")

    def show_resumption(self, resumption: Resumption) -> None:
        if resumption.thread.id == self.threads.current():
            self.look_wanted.emit(resumption.thread.id)

    def show_note(self, sentence: str) -> None:
        self.bar.warn(sentence)

    def show_error(self, error: T3TrayError) -> None:
        self.bar.tell(error)

    def show_thread(self, thread_id: str) -> None:
        """Bring one thread's page up, also in a narrow window."""
        self._asks_for_page = True
        self.threads.choose(thread_id)
        self._arrange()

    def show_thread_soon(self, thread_id: str) -> None:
        """Choose a thread that was just made, now or when the list first has it."""
        self._awaited = thread_id
        if thread_id in self._rows:
            self._show_awaited()

    def bring_up(self) -> None:
        """In front of everything, whatever state it was in."""
        if self.isMinimized():
            self.showNormal()
        self.show()
        self.raise_()
        self.activateWindow()
        if self.width() >= _TWO_PANES:
            self.threads.choose_first()
        current = self.threads.current()
        if current in self._rows:
            self.look_wanted.emit(current)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def closeEvent(self, event: QCloseEvent) -> None:
        super().closeEvent(event)
        self.closed.emit()

    def _show_awaited(self) -> None:
        if self._awaited in self._rows:
            self.show_thread(self._awaited)
            self._awaited = None

    def _build(self) -> None:
        self._panes = QSplitter(Qt.Orientation.Horizontal, childrenCollapsible=False, handleWidth=1)
        detail = QWidget()
        detail_layout = QVBoxLayout(detail)
        detail_layout.setContentsMargins(0, 0, 0, 0)
        detail_layout.setSpacing(0)
        top = QHBoxLayout()
        top.setContentsMargins(GAP, GAP, GAP, 0)
        top.addWidget(self._back)
        top.addStretch(1)
        detail_layout.addLayout(top)
        self._over_page.addWidget(self.page)
        self._over_page.addWidget(self.sheet)
        detail_layout.addWidget(self._over_page, 1)
        self._detail = detail
        self._panes.addWidget(self.threads)
        self._panes.addWidget(detail)
        self._panes.setStretchFactor(1, 1)
        self._panes.setSizes([360, 580])
        foot = QWidget()
        foot.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        foot.setProperty("kind", "bar")
        foot_layout = QHBoxLayout(foot)
        foot_layout.setContentsMargins(MARGIN, GAP, GAP, GAP)
        foot_layout.addWidget(self._server, 1)
        foot_layout.addLayout(self._server_buttons)
        whole = QWidget()
        layout = QVBoxLayout(whole)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self.banner.setContentsMargins(MARGIN, GAP, MARGIN, GAP)
        self.banner.hide()
        for each in (self.banner, self.bar, self._panes, line(), foot):
            layout.addWidget(each, 1 if each is self._panes else 0)
        self.setCentralWidget(whole)

    def _connect(self) -> None:
        self.threads.chosen.connect(self._on_chosen)
        self.threads.opened.connect(self.show_thread)
        self.page.resume_wanted.connect(self.resume_wanted)
        self.page.check_wanted.connect(self.check_wanted)
        self.page.remedy_wanted.connect(self.remedy_wanted)
        self.sheet.agreed.connect(self.remedy_agreed)
        self.sheet.put_away.connect(self._on_sheet_put_away)
        self.page.t3code_wanted.connect(self.t3code_wanted)
        self.page.seen.connect(self.seen)
        self.page.start_wanted.connect(self._on_start_wanted)
        self.new_thread.wanted.connect(self.thread_wanted)
        self._back.clicked.connect(self._on_back)
        self.threads.new_wanted.connect(self.new_thread.ask)
        # The window itself is not told: its style sheet stands above the palette.
        application = QGuiApplication.instance()
        assert isinstance(application, QGuiApplication)
        application.paletteChanged.connect(self._paint)
        QShortcut(QKeySequence(Qt.Key.Key_Escape), self, self._on_escape)
        QShortcut(QKeySequence.StandardKey.Find, self, self.threads.search.setFocus)
        QShortcut(QKeySequence("Ctrl+K"), self, self.threads.search.setFocus)
        QShortcut(QKeySequence.StandardKey.New, self, self.new_thread.ask)

    @Slot()
    def _paint(self) -> None:
        sheet = style_sheet(colours())
        if sheet != self.styleSheet():
            self.setStyleSheet(sheet)

    def _arrange(self) -> None:
        wide = self.width() >= _TWO_PANES
        on_page = self._asks_for_page and self.threads.current() is not None
        self.threads.setVisible(wide or not on_page)
        self._detail.setVisible(wide or on_page)
        self._back.setVisible(not wide)

    def _show_server(self, overview: Overview) -> None:
        server = overview.server
        self._server.setText(f"{server_line(server)}: {server.reason}" if server.reason else server_line(server))
        set_kind(self._server, "bad" if is_trouble(server) else "muted")
        deeds = server_deeds(server)
        if deeds == self._server_deeds:
            return
        self._server_deeds = deeds
        clear(self._server_buttons)
        for deed in deeds:
            made = button(SERVER_LABELS[deed].removesuffix(" Server"), "plain")
            made.setAccessibleName(SERVER_LABELS[deed])
            made.clicked.connect(lambda _checked=False, deed=deed: self.server_wanted.emit(deed.value))
            self._server_buttons.addWidget(made)

    @Slot(str)
    def _on_chosen(self, thread_id: str) -> None:
        if thread_id != self.sheet.thread_id:
            self._over_page.setCurrentWidget(self.page)
        row = self._rows.get(thread_id)
        if row:
            self.page.show_row(row)
            self.look_wanted.emit(thread_id)
        elif thread_id in self._foreign:
            self.page.show_foreign(self._foreign[thread_id])

    @Slot()
    def _on_sheet_put_away(self) -> None:
        self._over_page.setCurrentWidget(self.page)
        self.page.setFocus()

    @Slot()
    def _on_back(self) -> None:
        self._asks_for_page = False
        self._arrange()
        self.threads.setFocus()

    @Slot()
    def _on_escape(self) -> None:
        if self._over_page.currentWidget() is self.sheet:
            self._on_sheet_put_away()
        elif self.width() < _TWO_PANES and self._detail.isVisible():
            self._on_back()
        else:
            self.close()

    @Slot()
    def _on_start_wanted(self) -> None:
        self.server_wanted.emit(Deed.START.value)
