"""The one window: the list, the page of the chosen thread, the server's line. It shows values, and calls the bridge.

Narrow, it shows the list or the page; wide, both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent, QHideEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from t3tray.domain.guard_state import GuardPhase
from t3tray.domain.reaper import ReaperState
from t3tray.domain.remedy import Choice, Preview
from t3tray.domain.restore import SettlePlan
from t3tray.domain.t3code_thread import T3Thread
from t3tray.guard.status import GuardStatus, ProtectionPlan
from t3tray.threads.snapshot import Snapshot, ThreadDetails, ThreadRow
from t3tray.ui.bridge import Bridge
from t3tray.ui.first_start import FoundPage
from t3tray.ui.guard.guard_sheet import GuardSheet
from t3tray.ui.restore_sheet import SettleSheet
from t3tray.ui.server_line import ServerLine
from t3tray.ui.theme import GAP, MARGIN, NARROW
from t3tray.ui.threads.menu_actions import run_action
from t3tray.ui.threads.new_thread import NewThread
from t3tray.ui.threads.remedy_sheet import RemedySheet
from t3tray.ui.threads.rename import Rename
from t3tray.ui.threads.row_text import RowText
from t3tray.ui.threads.thread_list import ThreadList
from t3tray.ui.threads.thread_list_data import ListItem, ThreadListData, thread_list_data
from t3tray.ui.threads.thread_page import ThreadPage
from t3tray.ui.widgets.bars import Bars
from t3tray.ui.widgets.basic import button, label, line
from t3tray.ui.widgets.focus import FocusKeeper
from t3tray.ui.widgets.progress import ProgressLine
from t3tray.ui.widgets.windows import SETTINGS, WindowStyle, add_window_keys, bring_to_front
from t3tray.ui.window_geometry import WindowGeometry

_TWO_PANES = 720


class MainWindow(QMainWindow):
    """`closed` is emitted when the window was closed, however. `place` stores its geometry."""

    settings_wanted = Signal()
    quit_wanted = Signal()
    closed = Signal()

    def __init__(self, bridge: Bridge, now: Callable[[], datetime], place: WindowGeometry | None = None) -> None:
        super().__init__()
        self._bridge = bridge
        self.setWindowTitle("t3tray")
        self.setMinimumSize(NARROW, 360)
        self.resize(NARROW, 660)
        # Whether there is no tray, so that the app could be reached by nothing else.
        self.is_all_there_is: Callable[[], bool] = lambda: False
        # What would end with the window, in sentences; if anything would, the window is minimised in place of being closed.
        self.would_end: Callable[[], str] = lambda: ""
        self._place = place
        self._lines: Mapping[str, ListItem] = {}
        self._reapers: Mapping[str, ReaperState] = {}
        self._wants_page = False
        self._awaited: str | None = None
        self._welcomed = False
        self.banner = label("", "muted")
        self.bars = Bars(lambda: self.would_end())
        self.bar = self.bars.message
        self.progress = ProgressLine()
        self.found = FoundPage()
        self.threads = ThreadList(RowText(now))
        self.page = ThreadPage(bridge, self.preview_remedy)
        self.sheet = RemedySheet()
        self._over_page = QStackedWidget()
        self.guard_sheet = GuardSheet()
        self.settle_sheet = SettleSheet()
        self._over_panes = QStackedWidget()
        self.new_thread = NewThread(self)
        self.rename = Rename(self)
        self._back = button("← Threads", "plain")
        self._server = ServerLine(bridge)
        self._focus = FocusKeeper(self, self.page.conversation.composer.editor, self.threads.table, self.page.tabs)
        self._build()
        self._connect()
        WindowStyle(self)
        if place:
            place.restore(self, self._panes)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show a snapshot whose list data is made here; for many threads that takes long."""
        self.show_listing(thread_list_data(snapshot))

    def show_listing(self, listing: ThreadListData) -> None:
        snapshot = listing.snapshot
        self._lines, self._reapers = listing.items, snapshot.foreign_reapers
        self.threads.set_data(listing)
        self._welcome(bool(self._lines))
        self.banner.setText(snapshot.banner)
        self.banner.setVisible(bool(snapshot.banner))
        self._show_awaited()
        current = self.threads.current()
        if current is None:
            self.page.show_nothing("Choose a thread to see whether it can be resumed." if snapshot.rows else "")
        elif self.isVisible() and self._row(current):
            self._bridge.read_details(current)
        self._mark_read()
        self.page.show_requests(snapshot.pending_requests)
        self.page.show_guard(snapshot.guard.phase is GuardPhase.OFF)
        self._server.show_snapshot(snapshot)
        self.bars.show_snapshot(snapshot)
        if snapshot.restore is None and self._over_panes.currentWidget() is self.settle_sheet:
            self._on_panes_wanted()

    def show_details(self, details: ThreadDetails) -> None:
        """Show the details of the chosen thread; those of another one came too late."""
        if details.row.thread.id == self.threads.current():
            self.page.show_details(details)

    def preview_remedy(self, thread_id: str, choice: Choice) -> None:
        """Show what a remedy would do, over the page."""
        self._focus.note_opener()
        self._bridge.preview(thread_id, choice)

    def show_preview(self, thread_id: str, choice: Choice, preview: Preview) -> None:
        """Show what a remedy would do to the chosen thread, over its page; that of another one came too late."""
        if thread_id == self.threads.current():
            self.sheet.show_preview(thread_id, choice, preview)
            self._over_page.setCurrentWidget(self.sheet)

    def show_remedied(self, thread_id: str, done: Preview) -> None:
        if self.sheet.thread_id == thread_id:
            self._on_sheet_put_away()
        self.bar.note(f"Done: {done.title}.")

    def show_protection_plan(self, plan: ProtectionPlan) -> None:
        """Show what the guard would change, over everything else."""
        self._focus.note_opener()
        self.guard_sheet.show_plan(plan)
        self._over_panes.setCurrentWidget(self.guard_sheet)
        self.bring_up()

    def show_protection(self, status: GuardStatus) -> None:
        """Say how T3 Code stands with the guard now."""
        self._on_panes_wanted()
        self.bar.note(" ".join(dict.fromkeys(view.sentence for view in status.homes)))

    def show_settle_plan(self, plan: SettlePlan | None) -> None:
        """Show what settling a restore would do; None if another process has settled it meanwhile."""
        if plan is None:
            return
        self._focus.note_opener()
        self.settle_sheet.show_plan(plan)
        self._over_panes.setCurrentWidget(self.settle_sheet)

    def show_settled(self) -> None:
        self._on_panes_wanted()
        self.bar.note("What was put back is settled.")

    def show_found(self) -> None:
        """Show the page that says what is there and what is missing, read anew."""
        self._over_page.setCurrentWidget(self.found)
        self._wants_page = True
        self._arrange()
        self._bridge.take_inventory()

    def show_thread(self, thread_id: str) -> None:
        """Bring one thread's page up, also in a narrow window."""
        self._put_found_away()
        self._wants_page = True
        self.threads.choose(thread_id)
        self._arrange()

    def show_thread_soon(self, thread_id: str) -> None:
        """Choose a thread that was just made, now or when the list first has it."""
        self._awaited = thread_id
        if self._row(thread_id):
            self._show_awaited()

    def bring_up(self) -> None:
        """Show the window in front of everything, whatever state it was in."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized | Qt.WindowState.WindowActive)
        if not self.isVisible():
            self.show()
            # Qt would begin with a button of the last line.
            self.threads.table.setFocus()
        bring_to_front(self)
        if self.width() >= _TWO_PANES:
            self.threads.choose_first()
        current = self.threads.current()
        if current and self._row(current):
            self._bridge.read_details(current)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.bars.warn_before_closing():
            event.ignore()
            self.showMinimized()
            return
        super().closeEvent(event)
        self.closed.emit()

    def _welcome(self, has_threads: bool) -> None:
        """Show once what was found as long as there is no thread; hide it when the first one comes."""
        self.found.show_whether_threads(has_threads)
        if not has_threads and not self._welcomed:
            self._welcomed = True
            self.show_found()
        elif has_threads and self._welcomed:
            self._welcomed = False
            self._put_found_away()

    def _put_found_away(self) -> None:
        if self._over_page.currentWidget() is self.found:
            self._over_page.setCurrentWidget(self.page)
            self._wants_page = False
            self._arrange()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if self._place:
            self._place.save(self, self._panes)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange:
            self._mark_read()

    def _mark_read(self) -> None:
        """Mark the chosen thread as read, if its page is visible in the active window."""
        current = self.threads.current()
        if current and self.isActiveWindow() and self.page.isVisible():
            self.threads.mark_read(current)

    def _row(self, thread_id: str) -> ThreadRow | None:
        """The row of a thread whose verdict is known."""
        line = self._lines.get(thread_id)
        return line if isinstance(line, ThreadRow) else None

    def _show_awaited(self) -> None:
        if self._awaited and self._row(self._awaited):
            self.show_thread(self._awaited)
            self._awaited = None

    def _build(self) -> None:
        self._panes = QSplitter(Qt.Orientation.Horizontal, childrenCollapsible=False, handleWidth=1)
        self._detail = detail = QWidget()
        detail_layout = QVBoxLayout(detail)
        detail_layout.setContentsMargins(0, 0, 0, 0)
        detail_layout.setSpacing(0)
        top = QHBoxLayout()
        top.setContentsMargins(GAP, GAP, GAP, 0)
        top.addWidget(self._back, 0, Qt.AlignmentFlag.AlignLeft)
        detail_layout.addLayout(top)
        for page in (self.page, self.sheet, self.found):
            self._over_page.addWidget(page)
        detail_layout.addWidget(self._over_page, 1)
        self._panes.addWidget(self.threads)
        self._panes.addWidget(detail)
        self._panes.setStretchFactor(1, 1)
        self._panes.setSizes([380, 580])
        for pane in (self._panes, self.guard_sheet, self.settle_sheet):
            self._over_panes.addWidget(pane)
        whole = QWidget()
        layout = QVBoxLayout(whole)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self.banner.setContentsMargins(MARGIN, GAP, MARGIN, GAP)
        self.banner.hide()
        for each in (self.banner, self.bars, self.progress, self._over_panes, line(), self._server):
            layout.addWidget(each, 1 if each is self._over_panes else 0)
        self.setCentralWidget(whole)

    def _connect(self) -> None:
        bridge = self._bridge
        self.threads.chosen.connect(self._on_chosen)
        self.threads.opened.connect(self._on_opened)
        self.threads.picked.connect(lambda item: run_action(self, bridge, item, self._lines))
        self.threads.text_wanted.connect(bridge.search)
        self.threads.visited.connect(bridge.visit)
        self.threads.new_wanted.connect(self.new_thread.ask)
        self.new_thread.wanted.connect(bridge.new_thread)
        self.rename.wanted.connect(bridge.rename)
        self.sheet.preview_wanted.connect(bridge.preview)
        self.sheet.agreed.connect(bridge.apply)
        self.sheet.cancelled.connect(self._on_sheet_put_away)
        self.guard_sheet.agreed.connect(bridge.protect)
        self.guard_sheet.cancelled.connect(self._on_panes_wanted)
        self.bars.restore.wanted.connect(bridge.plan_settling)
        self.bars.minimised.wanted.connect(self.quit_wanted)
        self.settle_sheet.agreed.connect(bridge.settle)
        self.settle_sheet.cancelled.connect(self._on_panes_wanted)
        self._back.clicked.connect(self._on_back)
        self.found.new_wanted.connect(self.new_thread.ask)
        self.found.inventory_wanted.connect(bridge.take_inventory)
        self.found.settings_wanted.connect(self.settings_wanted)
        self.found.cancelled.connect(self._put_found_away)
        self.progress.stopped.connect(bridge.stop_work)
        self._server.settings_wanted.connect(self.settings_wanted)
        bridge.previewed.connect(self.show_preview)
        bridge.remedied.connect(self.show_remedied)
        bridge.protection_changed.connect(self.show_protection)
        bridge.autostart_changed.connect(self.guard_sheet.show_login)
        bridge.settling_planned.connect(self.show_settle_plan)
        bridge.settled.connect(self.show_settled)
        bridge.saying_found.connect(self.threads.show_message_hits)
        bridge.search_failed.connect(self.threads.show_search_failed)
        bridge.working_changed.connect(self.progress.show_working)
        bridge.noted.connect(self.bar.note)
        QShortcut(QKeySequence(Qt.Key.Key_Escape), self, self._on_escape)
        QShortcut(QKeySequence.StandardKey.Find, self, self._on_search_wanted)
        QShortcut(QKeySequence("Ctrl+K"), self, self._on_search_wanted)
        QShortcut(QKeySequence.StandardKey.New, self, self.new_thread.ask)
        QShortcut(QKeySequence(SETTINGS), self, self.settings_wanted.emit)
        add_window_keys(self)

    def _arrange(self) -> None:
        wide = self.width() >= _TWO_PANES
        shows_found = self._over_page.currentWidget() is self.found
        on_page = self._wants_page and (shows_found or self.threads.current() is not None)
        self.threads.setVisible(wide or not on_page)
        self._detail.setVisible(wide or on_page)
        self._back.setVisible(not wide)
        self._mark_read()

    @Slot(str)
    def _on_chosen(self, thread_id: str) -> None:
        if thread_id != self.sheet.thread_id or self._over_page.currentWidget() is self.found:
            self._over_page.setCurrentWidget(self.page)
        line = self._lines.get(thread_id)
        if isinstance(line, ThreadRow):
            self.page.show_row(line)
            self._bridge.read_details(thread_id)
        elif isinstance(line, T3Thread):
            self.page.show_foreign(line, self._reapers.get(line.id))
        self._mark_read()

    @Slot()
    def _on_opened(self) -> None:
        """Show the page; the row that was used stays chosen, even if it is a request far above its thread's own row."""
        self._put_found_away()
        self._wants_page = True
        self._arrange()

    @Slot()
    def _on_search_wanted(self) -> None:
        """Show the list if only the page was visible, and focus the search."""
        if not self.threads.isVisible():
            self._on_back()
        self.threads.search.setFocus()
        self.threads.search.selectAll()

    @Slot()
    def _on_sheet_put_away(self) -> None:
        self._over_page.setCurrentWidget(self.page)
        self._focus.return_to_opener()
        self._mark_read()

    @Slot()
    def _on_panes_wanted(self) -> None:
        self._over_panes.setCurrentWidget(self._panes)
        self._focus.return_to_opener()

    @Slot()
    def _on_back(self) -> None:
        self._wants_page = False
        self._arrange()
        self.threads.table.setFocus()

    @Slot()
    def _on_escape(self) -> None:
        if self._over_panes.currentWidget() is not self._panes:
            self._on_panes_wanted()
        elif self._over_page.currentWidget() is self.sheet:
            self._on_sheet_put_away()
        elif self._over_page.currentWidget() is self.found and self._lines:
            self._put_found_away()
        elif self.width() < _TWO_PANES and self._detail.isVisible():
            self._on_back()
        elif self.threads.search.text():
            self.threads.search.clear()
        elif self.is_all_there_is():
            # Closing it would end the app, and a turn that runs: too much for one key.
            self.showMinimized()
        else:
            self.close()
