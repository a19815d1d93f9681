"""Shows in the window what a `t3tray://` link names, as a click in the list does. Nothing is started or changed for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

if TYPE_CHECKING:
    from t3tray.domain.link import ThreadLink
    from t3tray.threads.snapshot import Snapshot
    from t3tray.ui.threads.thread_list_data import ThreadListData
    from t3tray.ui.window import MainWindow


class LinkOpener(QObject):
    """Opens links in the window, each as soon as the threads are known. `pending` is the one that waits for that.

    `bring_up` shows the window with a note, which may be empty; `open_window` returns the window; `listing` the content of its
    list, None while that is not known. What is slow is imported when a link is opened: this exists before the icon is drawn.
    """

    def __init__(
        self,
        bring_up: Callable[[str], None],
        open_window: Callable[[], MainWindow],
        listing: Callable[[], ThreadListData | None],
    ) -> None:
        super().__init__()
        self._bring_up = bring_up
        self._open_window = open_window
        self._listing = listing
        self._window: MainWindow | None = None
        self._to_resume = ""
        self.pending: ThreadLink | None = None

    def begin(self, text: str) -> None:
        """Set the link that the app was started with. Raises UsageError for a text that is none."""
        from t3tray.domain.link import parse_link

        self.pending = parse_link(text)
        if self.pending is None:
            from t3tray.messages.thread_names import invalid_link

            raise invalid_link()

    @Slot(str)
    def open_text(self, text: str) -> None:
        """Open a link that is not checked yet."""
        from t3tray.domain.link import parse_link

        if link := parse_link(text):
            self.open(link)
        else:
            from t3tray.messages.thread_names import INVALID_LINK

            self._bring_up(INVALID_LINK)

    @Slot(object)
    def open(self, link: ThreadLink) -> None:
        self.pending = link
        # First, because a window that comes up without a chosen thread chooses the topmost, which would then count as read.
        self.show_pending()
        self._bring_up("")

    def show_pending(self) -> None:
        listing = self._listing()
        if self.pending and listing:
            link, self.pending = self.pending, None
            self._show(self._open_window(), link, listing)

    def _show(self, window: MainWindow, link: ThreadLink, listing: ThreadListData) -> None:
        """Show the link's thread, or a note that there is none."""
        from t3tray.domain.t3code_thread import T3Thread
        from t3tray.messages import thread_names
        from t3tray.threads.snapshot import ThreadRow

        if self._window is None:
            self._window = window
            window.threads.chosen.connect(self._on_chosen)
        window.bar.withdraw(*thread_names.NOTES)
        # A request that waits for the user is in the list too, under an id of its own.
        item = listing.items.get(link.thread_id)
        if not isinstance(item, ThreadRow | T3Thread):
            window.bar.note(
                thread_names.THREAD_NOT_FOUND_NOW if _lacks_threads(listing.snapshot) else thread_names.UNKNOWN_THREAD
            )
            return
        is_other = window.threads.current() != link.thread_id
        window.show_thread(link.thread_id)
        if is_other:
            # The user may be typing into the thread that was shown before: Enter would send what was typed in this one.
            window.page.setFocus()
        if link.is_to_resume:
            self._to_resume = link.thread_id
            window.bar.note(thread_names.RESUME_WANTED if isinstance(item, ThreadRow) else thread_names.NOT_OURS_TO_RESUME)

    @Slot(str)
    def _on_chosen(self, thread_id: str) -> None:
        """Withdraw the note on the thread that was to be resumed when another one is shown."""
        from t3tray.messages.thread_names import NOT_OURS_TO_RESUME, RESUME_WANTED

        if self._window and thread_id != self._to_resume:
            self._window.bar.withdraw(RESUME_WANTED, NOT_OURS_TO_RESUME)


def _lacks_threads(snapshot: Snapshot) -> bool:
    return snapshot.may_lack_threads or bool(snapshot.warnings) or snapshot.stale_since is not None
