"""The thin line that shows the newest long-running operation, with a button to stop it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from t3tray.ui.running_work import Work
from t3tray.ui.theme import GAP, MARGIN, motion_is_reduced
from t3tray.ui.widgets.basic import button, label


class ProgressLine(QWidget):
    """Hidden while nothing takes long. Emits `stopped` with the number of the `Work` that the user wants to stop."""

    stopped = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("kind", "bar")
        self._work: Work | None = None
        self._bar = QProgressBar(textVisible=False)
        self._bar.setFixedHeight(3)
        self._label = label("", "muted")
        self._stop = button("Stop", "plain")
        self._stop.clicked.connect(self._on_stop)
        row = QHBoxLayout()
        row.setContentsMargins(MARGIN, 0, GAP, 0)
        row.addWidget(self._label, 1)
        row.addWidget(self._stop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._bar)
        layout.addLayout(row)
        self.hide()

    @Slot(object)
    def show_working(self, working: tuple[Work, ...]) -> None:
        """Show the newest of the running operations, which the user is waiting for, and how many more there are."""
        newest = working[-1] if working else None
        if newest != self._work:
            self._work = newest
            self._stop.setEnabled(True)
        if newest:
            # The remaining time is unknown: an indeterminate (moving) bar, or a full one if motion is reduced.
            self._bar.setRange(0, int(motion_is_reduced()))
            self._bar.setValue(1)
            more = f" (and {len(working) - 1} more)" if len(working) > 1 else ""
            self._label.setText(f"{newest.words}{more}")
            self._bar.setAccessibleName(newest.words)
            self._stop.setAccessibleName(f"Stop: {newest.words}")
        self.setVisible(newest is not None)

    @Slot()
    def _on_stop(self) -> None:
        if self._work:
            self._stop.setEnabled(False)
            self.stopped.emit(self._work.number)
