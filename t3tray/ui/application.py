"""The tray app from its start to its end: the icon first, then the rest; and one orderly end, whatever causes it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Slot
from PySide6.QtGui import QIcon, QPixmapCache, QSessionManager

from t3tray.resources import resource
from t3tray.system.forced_exit import HARD_END, end_at_last
from t3tray.ui.instance import Instance
from t3tray.ui.quit_events import QuitAwareApplication, forget_lost_display, on_lost_display
from t3tray.ui.thread_links import LinkOpener
from t3tray.ui.tray.tray import Tray

if TYPE_CHECKING:
    from t3tray.backend.running import OpenBackend
    from t3tray.domain.inventory import Inventory
    from t3tray.domain.notification import Click
    from t3tray.domain.verification import Verification
    from t3tray.errors import T3TrayError
    from t3tray.guard.status import ProtectionPlan
    from t3tray.threads.snapshot import Snapshot, ThreadDetails
    from t3tray.ui.bridge import Bridge
    from t3tray.ui.settings.settings_wiring import SettingsController
    from t3tray.ui.threads.thread_list_data import ThreadListData
    from t3tray.ui.tray.menu import MenuItem
    from t3tray.ui.window import MainWindow

# In ms: how long a desktop may take to show a tray before the window comes up in its place.
TRAY_LIMIT = 3000
_TRAYLESS_PLATFORMS = frozenset({"offscreen", "minimal", "vnc"})


class Application(QObject):
    """One for the process. `run` returns when the app has ended. `clean` takes the secrets out of a text that may be sent. With a
    `title` of its own it shows its window at once, and with a `link`, which it checks. `bridge` is None until the icon is shown,
    `window` until it is needed. `is_restarting`: the updated program is to be started after `run`."""

    def __init__(
        self,
        directory: Path,
        open_backend: OpenBackend,
        clean: Callable[[str], str] = lambda text: text,
        title: str = "",
        link: str = "",
    ) -> None:
        # Without it Qt would give a program that is no bundle a place in the Dock.
        os.environ.setdefault("QT_MAC_DISABLE_FOREGROUND_APPLICATION_TRANSFORM", "1")
        self._qt = QuitAwareApplication(sys.argv[:1])
        # Where it is not set, a change of the desktop's theme may give all new text the fixed font.
        self._qt.setFont(self._qt.font())
        # Each picture that it holds wakes this thread every 10 to 30 s until it is let go. Drawing one anew takes 0.1 ms.
        QPixmapCache.setCacheLimit(0)
        super().__init__()
        self._open_backend = open_backend
        self._clean = clean
        self._directory = directory
        self._title = title
        self._instance = Instance(directory)
        self.bridge: Bridge | None = None
        self.window: MainWindow | None = None
        self._settings: SettingsController | None = None
        self._quitting = False
        self.is_restarting = False
        self._link = link
        self._links = LinkOpener(self._on_window_wanted, self._open_window, self._listing)

    def run(self) -> int:
        """Run until the app is quit; return the exit code. A second t3tray on the same data brings up the first one, and ends."""
        from t3tray.errors import ExitCode, T3TrayError

        try:
            if self._link:
                self._links.begin(self._link)
            if not self._instance.take():
                self._instance.raise_first(self._links.pending)
                return ExitCode.DONE
        except T3TrayError as error:
            return self.say_why(error)
        self._qt.setApplicationName("t3tray")
        self._qt.setDesktopFileName("t3tray")
        self._qt.setQuitOnLastWindowClosed(False)
        self._tray = Tray(_utc_now)
        self._tray.chosen.connect(self._on_chosen)
        self._tray.clicked.connect(self._on_raise_wanted)
        self._tray.show()
        self._qt.quit_wanted.connect(self._on_quit_wanted)
        self._qt.link_opened.connect(self._links.open_text)
        on_lost_display(self._end_now)
        # Everything that takes time comes after the icon has been drawn.
        QTimer.singleShot(0, self._on_icon_shown)
        try:
            return self._qt.exec()
        finally:
            forget_lost_display()
            self._instance.close()
            if self.bridge:
                # A process that ends while a thread of it is in a signal's C++ is aborted by Python. A thread that hangs is what
                # the last resort is for, which ends this wait too.
                self.bridge.join(HARD_END)
            if self.is_restarting:
                self._instance.release()

    def say_why(self, error: T3TrayError) -> int:
        """Say why the app does not start: on stderr, or in a window if that is not read. Return the exit code."""
        words = f"{error.title}: {error.message}\n{error.hint or ''}".rstrip()
        if sys.stderr:
            sys.stderr.write(f"{words}\n")
        is_read = sys.stderr and sys.stderr.isatty()
        if not is_read and self._qt.platformName() not in _TRAYLESS_PLATFORMS:
            from PySide6.QtCore import Qt
            from PySide6.QtWidgets import QMessageBox

            box = QMessageBox(QMessageBox.Icon.Critical, "t3tray", words)
            box.setTextFormat(Qt.TextFormat.PlainText)
            box.exec()
        return error.exit_code

    @Slot()
    def _on_icon_shown(self) -> None:
        from t3tray.ui.appearance import Appearance
        from t3tray.ui.bridge import Bridge
        from t3tray.ui.report import Reporter
        from t3tray.ui.unix_signals import UnixSignals

        self._reporter = Reporter(self._clean)
        self._reporter.install()
        self._tray.show_snapshot(None)
        self._appearance = Appearance(self)
        self._signals = UnixSignals()
        self._signals.received.connect(self._on_quit_wanted)
        self._instance.raise_wanted.connect(self._on_raise_wanted)
        self._instance.link_wanted.connect(self._links.open)
        self._instance.listen()
        self._qt.setWindowIcon(QIcon(str(resource("icons/t3tray.svg"))))
        self._qt.commitDataRequest.connect(self._end_now)
        self.bridge = bridge = Bridge(self._open_backend)
        bridge.snapshot_changed.connect(self._on_snapshot_changed)
        self._appearance.listen(bridge)
        bridge.details_changed.connect(self._on_details_changed)
        bridge.resumed.connect(self._on_resumed)
        bridge.thread_made.connect(self._on_thread_made)
        bridge.inventory_taken.connect(self._on_inventory_taken)
        bridge.notice_clicked.connect(self._on_notice_clicked)
        bridge.protection_previewed.connect(self._on_protection_previewed)
        bridge.failed.connect(self._on_failed)
        bridge.failed_quietly.connect(self._on_failed_quietly)
        bridge.ended.connect(self._on_ended)
        bridge.start()
        if self._title or self._links.pending:
            self._on_raise_wanted()
        if sys.platform == "darwin":
            from t3tray.ui.mac_app import MacApp

            is_first_start = not (self._directory / "window.ini").exists()
            self._mac_app = MacApp(self._qt, self._tray.icon.geometry, is_first_start, self)
            self._mac_app.menu_bar.window_wanted.connect(self._on_window_wanted)
            self._mac_app.menu.settings_wanted.connect(self._on_settings_wanted)
            self._mac_app.menu.found_wanted.connect(self._on_found_wanted)
            self._mac_app.menu.quit_wanted.connect(self._on_quit_wanted)
            bridge.snapshot_changed.connect(self._mac_app.show_snapshot)
            bridge.permission_asked.connect(self._on_window_wanted)
            bridge.announce_permission()
        if not self._tray.is_there:
            wait = 0 if self._qt.platformName() in _TRAYLESS_PLATFORMS else TRAY_LIMIT
            QTimer.singleShot(wait, self._on_tray_due)

    def _open_window(self) -> MainWindow:
        """Return the window, which is made when it is first needed."""
        if self.window is None:
            from t3tray.ui.viewed_thread import ViewedThread
            from t3tray.ui.window import MainWindow
            from t3tray.ui.window_geometry import WindowGeometry

            bridge = self.bridge
            assert bridge is not None
            window = self.window = MainWindow(bridge, _utc_now, WindowGeometry(self._directory / "window.ini"))
            window.is_all_there_is = lambda: not self._tray.is_there
            window.would_end = self._would_end
            window.quit_wanted.connect(self._on_quit_wanted)
            window.bars.updated.wanted.connect(self._on_restart_wanted)
            if self._title:
                window.setWindowTitle(self._title)
            bridge.copy_wanted.connect(self._on_copy_wanted)
            window.closed.connect(self._on_window_closed)
            window.settings_wanted.connect(self._on_settings_wanted)
            self._attention = ViewedThread(window, bridge.watch)
            if bridge.listing:
                window.show_listing(bridge.listing)
        return self.window

    def _listing(self) -> ThreadListData | None:
        return None if self._quitting or self.bridge is None else self.bridge.listing

    @Slot()
    def _on_tray_due(self) -> None:
        if not self._tray.is_there:
            self._on_raise_wanted()

    @Slot()
    def _on_raise_wanted(self) -> None:
        if self.bridge and not self._quitting:
            self._open_window().bring_up()

    @Slot(str)
    def _on_window_wanted(self, note: str) -> None:
        self._on_raise_wanted()
        if note and self.window:
            self.window.bar.note(note)

    @Slot(object)
    def _on_chosen(self, item: MenuItem) -> None:
        from t3tray.ui.tray.menu import MenuAction

        if self.bridge is None:
            return
        match item.action:
            case MenuAction.OPEN:
                self._on_raise_wanted()
            case MenuAction.RESUME:
                self.bridge.open_in_terminal(item.thread_id)
            case MenuAction.EXPLAIN:
                self._open_window().bring_up()
                self._open_window().show_thread(item.thread_id)
            case MenuAction.NEW_THREAD:
                self._open_window().bring_up()
                self._open_window().new_thread.ask()
            case MenuAction.START | MenuAction.STOP | MenuAction.RESTART:
                self.bridge.run_server_action(item.action)
            case MenuAction.SETTINGS:
                self._on_settings_wanted()
            case MenuAction.REPLY | MenuAction.ANSWER:
                self.bridge.answer_from_menu(item)
            case MenuAction.GUARD:
                self._on_protection_wanted()
            case MenuAction.RESTART_APP | MenuAction.QUIT | MenuAction.QUIT_AND_STOP:
                self._quit(item.action is MenuAction.QUIT_AND_STOP, item.action is MenuAction.RESTART_APP)

    def _on_protection_wanted(self) -> None:
        """Show what switching the guard on would change, or off if it is on."""
        from t3tray.ui.labels import guard_would_turn_on

        if self.bridge and self.bridge.snapshot:
            self.bridge.preview_protection(guard_would_turn_on(self.bridge.snapshot.guard))

    @Slot(object)
    def _on_protection_previewed(self, plan: ProtectionPlan) -> None:
        self._open_window().show_protection_plan(plan)

    @Slot(object)
    def _on_snapshot_changed(self, snapshot: Snapshot) -> None:
        assert self.bridge is not None
        # Both were made in the other thread; they may be newer than this signal's snapshot.
        self._tray.show_snapshot(self.bridge.brief)
        if self.window and self.bridge.listing:
            self.window.show_listing(self.bridge.listing)
        self._links.show_pending()

    @Slot(object)
    def _on_details_changed(self, details: ThreadDetails) -> None:
        if self.window:
            self.window.show_details(details)

    @Slot(object)
    def _on_resumed(self, verification: Verification) -> None:
        """Show the thread in the window if it cannot be resumed, and read the page anew if it is this thread's already."""
        from t3tray.domain.verdict import Kind

        assert self.bridge is not None
        thread_id = verification.thread.id
        in_view = self.window is not None and self.window.isVisible() and self.window.threads.current() == thread_id
        if verification.verdict.kind is not Kind.RESUMABLE:
            self._open_window().bring_up()
            self._open_window().show_thread(thread_id)
        if in_view:
            self.bridge.read_details(thread_id)

    @Slot(str)
    def _on_thread_made(self, thread_id: str) -> None:
        self._open_window().show_thread_soon(thread_id)

    @Slot()
    def _on_settings_wanted(self) -> None:
        from t3tray.ui.settings.settings_wiring import SettingsController

        assert self.bridge is not None
        if self._settings is None:
            self._settings = SettingsController(self.bridge, self._tray.is_there)
            self._settings.found_wanted.connect(self._on_found_wanted)
        self._settings.open()

    @Slot()
    def _on_found_wanted(self) -> None:
        self._open_window().bring_up()
        self._open_window().show_found()

    @Slot(object)
    def _on_inventory_taken(self, inventory: Inventory) -> None:
        from t3tray.ui.settings.settings_wiring import gui_items

        if self.window:
            self.window.found.show_inventory(inventory, gui_items(self._tray.is_there))

    @Slot(object)
    def _on_notice_clicked(self, click: Click) -> None:
        """The click brings the window to the front, where the desktop allows that only to who was clicked on. The button of a
        remedy shows what that would do."""
        from t3tray.domain.remedy import Choice

        if click.token:
            # Where Qt looks for it, and takes it away, when a window asks to be activated.
            os.environ["XDG_ACTIVATION_TOKEN"] = click.token
        self._on_raise_wanted()
        if self.window and click.thread_id:
            self.window.show_thread(click.thread_id)
            if click.remedy:
                self.window.preview_remedy(click.thread_id, Choice(click.remedy))

    @Slot(object)
    def _on_failed(self, error: T3TrayError) -> None:
        from t3tray.errors import OurBug

        if self._quitting:
            return
        if isinstance(error, OurBug):
            self._reporter.report(error)
            return
        window = self._open_window()
        window.bar.show_error(error)
        window.bring_up()

    @Slot(object)
    def _on_failed_quietly(self, error: T3TrayError) -> None:
        """Show the error in a window that is there already; none is opened for it."""
        if self.window and not self._quitting:
            self.window.bar.show_error(error)

    @Slot(str)
    def _on_copy_wanted(self, text: str) -> None:
        self._qt.clipboard().setText(text)

    def _would_end(self) -> str:
        """Return what would end with the window, in sentences."""
        from t3tray.ui.quit_warning import would_end

        if self._quitting or self._tray.is_there or self.bridge is None:
            return ""
        return would_end(self.bridge.snapshot)

    @Slot()
    def _on_window_closed(self) -> None:
        """Quit if there is no tray: nothing else could reach the app."""
        if not self._tray.is_there:
            self._on_quit_wanted()

    @Slot()
    def _on_quit_wanted(self) -> None:
        """Quit once: Qt closes the window while it quits, which calls this again."""
        self._quit()

    @Slot()
    def _on_restart_wanted(self) -> None:
        self._quit(restarts=True)

    def _quit(self, stops_server: bool = False, restarts: bool = False) -> None:
        if self._quitting:
            return
        self._quitting, self.is_restarting = True, restarts
        end_at_last(HARD_END)
        self._tray.hide()
        for window in self._qt.topLevelWidgets():
            window.hide()
        if self.bridge is None:
            self._qt.exit()
            return
        self.bridge.close(stops_server)

    @Slot()
    def _on_ended(self) -> None:
        self._qt.exit()

    @Slot(QSessionManager)
    def _end_now(self, _manager: QSessionManager | None = None) -> None:
        """End in order before this returns: the desktop waits for the app here, and the process may be gone right after."""
        self._quitting = True
        end_at_last(HARD_END)
        if self.bridge:
            self.bridge.close()
            self.bridge.join()


def _utc_now() -> datetime:
    return datetime.now(UTC)
