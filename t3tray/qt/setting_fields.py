"""The controls of the settings, one class a kind. Each shows a value, tells which one the user wants, and says why it is refused.

None of them keeps anything: what was kept comes back by `show_value`. Those for files and folders are `setting_paths`'.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLineEdit, QSpinBox, QVBoxLayout, QWidget

from t3tray.qt.parts import field, label
from t3tray.qt.setting_rows import Row
from t3tray.qt.theme import GAP, UNIT

_NUMBER_WIDTH = 110
_HIGHEST = 999_999


class SettingField(QWidget):
    """`wanted` carries the setting's name and the value that the user wants it to have."""

    wanted = Signal(str, object)

    def __init__(self, row: Row, control: QWidget) -> None:
        super().__init__()
        self.row = row
        self._value: object = None
        self._control = control
        self._lines = QVBoxLayout(self)
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setSpacing(UNIT)
        self._sentence = label(row.sentence, "muted", size=0.92)
        self._refusal = label("", "bad", size=0.92)
        self._refusal.hide()
        control.setAccessibleName(row.label)
        control.setAccessibleDescription(row.sentence)
        self._place()
        for each in (self._refusal, self._sentence):
            self._lines.addWidget(each)
        self._sentence.setVisible(bool(row.sentence))

    def show_value(self, value: object) -> None:
        """What is kept now. What the user is about to correct stays as it was typed."""
        if value != self._value or self._refusal.isHidden():
            self._value = value
            self._put(value)
            self._say("")

    def show_note(self, sentence: str) -> None:
        """What has to be said of the value that is kept; nothing, with an empty one."""
        self._say(sentence)

    def show_refusal(self, sentence: str) -> None:
        """Why the value that was wanted is not kept; the old one holds on."""
        self._say(sentence)
        self._put_back(self._value)

    def _place(self) -> None:
        """The label and the control, above what is said of them."""
        line = QHBoxLayout()
        line.setSpacing(GAP)
        name = label(self.row.label)
        name.setBuddy(self._control)
        line.addWidget(name, 1)
        line.addWidget(self._control)
        self._lines.addLayout(line)

    def _put(self, value: object) -> None:
        """Have the control show it, without a word to anybody."""
        raise NotImplementedError

    def _put_back(self, value: object) -> None:
        self._put(value)

    def _want(self, value: object) -> None:
        if value == self._value:
            self._say("")
        else:
            self.wanted.emit(self.row.name, value)

    def _say(self, refusal: str) -> None:
        self._refusal.setText(refusal)
        self._refusal.setVisible(bool(refusal))
        self._control.setAccessibleDescription(" ".join(part for part in (refusal, self.row.sentence) if part))


class SwitchField(SettingField):
    def __init__(self, row: Row) -> None:
        self._box = QCheckBox(row.label)
        super().__init__(row, self._box)
        # Under the words, not under the box.
        indent = self._box.style().pixelMetric(self._box.style().PixelMetric.PM_IndicatorWidth) + GAP
        for each in (self._sentence, self._refusal):
            each.setContentsMargins(indent, 0, 0, 0)
        self._box.toggled.connect(self._want)

    def _place(self) -> None:
        self._lines.addWidget(self._box)

    def _put(self, value: object) -> None:
        self._box.blockSignals(True)
        self._box.setChecked(bool(value))
        self._box.blockSignals(False)


class _Spin(QSpinBox):
    """Scrolling the page over it changes nothing."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class NumberField(SettingField):
    def __init__(self, row: Row) -> None:
        self._spin = _Spin()
        self._spin.setMaximum(_HIGHEST)
        self._spin.setKeyboardTracking(False)
        self._spin.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._spin.setFixedWidth(_NUMBER_WIDTH)
        self._spin.setSuffix(f" {row.unit}" if row.unit else "")
        self._spin.setSpecialValueText(row.zero)
        super().__init__(row, self._spin)
        self._spin.valueChanged.connect(self._want)

    def _put(self, value: object) -> None:
        assert isinstance(value, int)
        self._spin.blockSignals(True)
        self._spin.setValue(value)
        self._spin.blockSignals(False)


class _Choice(QComboBox):
    """Scrolling the page over it changes nothing."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class ChoiceField(SettingField):
    def __init__(self, row: Row) -> None:
        self._box = _Choice()
        for value, name in row.choices:
            self._box.addItem(name, value)
        super().__init__(row, self._box)
        self._box.activated.connect(self._on_activated)

    def _put(self, value: object) -> None:
        self._box.setCurrentIndex(self._box.findData(value))

    @Slot(int)
    def _on_activated(self, index: int) -> None:
        self._want(self._box.itemData(index))


class TimeField(SettingField):
    """A time of the day, or nothing: a short text."""

    def __init__(self, row: Row) -> None:
        self._line = field(row.empty, row.label)
        super().__init__(row, self._line)
        self._line.editingFinished.connect(self._on_finished)

    def _place(self) -> None:
        self._line.setFixedWidth(_NUMBER_WIDTH)
        self._line.setAlignment(Qt.AlignmentFlag.AlignRight)
        super()._place()

    def _put(self, value: object) -> None:
        if not (self._line.hasFocus() and self._line.isModified()):
            self._line.setText(str(value))

    def _put_back(self, value: object) -> None:
        """What was typed stays, to be corrected."""

    def show_refusal(self, sentence: str) -> None:
        super().show_refusal(f"{sentence} It stays {self._value or 'empty'}.")

    @Slot()
    def _on_finished(self) -> None:
        self._line.setModified(False)
        self._want(self._line.text().strip())


class TextField(TimeField):
    """A text of any length, with its name above."""

    def _place(self) -> None:
        name = label(self.row.label)
        name.setBuddy(self._line)
        self._lines.addWidget(name)
        self._lines.addWidget(self._line)


class SecretField(TextField):
    """What is typed is not shown, and what is kept only by dots: it is replaced as a whole."""

    def __init__(self, row: Row) -> None:
        super().__init__(row)
        self._line.setEchoMode(QLineEdit.EchoMode.Password)

    @Slot()
    def _on_finished(self) -> None:
        if self._line.isModified():
            self._line.setModified(False)
            self._want(self._line.text())
