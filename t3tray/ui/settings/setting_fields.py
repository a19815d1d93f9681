"""The controls of the settings window, one class for each kind of value. Each shows the stored value and emits the user's.

A control stores nothing: the stored value comes back by `show_value`, a refused one by `show_refusal`. The controls for files and
folders are in `setting_paths`.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLineEdit, QSpinBox, QVBoxLayout, QWidget

from t3tray.settings.definitions import Definition
from t3tray.settings.kinds import DOTS, Number, OneOf
from t3tray.ui.theme import GAP, UNIT
from t3tray.ui.widgets.basic import field, label

# The width of a short control, in digits of its font.
_SHORT = 16
# The spin boxes accept at least this, so that a number out of bounds gets a sentence instead of a digit that cannot be typed.
_HIGHEST = 999_999


class SettingField(QWidget):
    """Emits `wanted` with the name under which the setting is set (`Definition.set_as`) and the user's value."""

    wanted = Signal(str, object)

    def __init__(self, definition: Definition, control: QWidget) -> None:
        super().__init__()
        self.definition = definition
        self._value: object = None
        self._control = control
        self._lines = QVBoxLayout(self)
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setSpacing(UNIT)
        self._sentence = label(definition.hint, "muted", size=0.92)
        self._refusal = label("", "bad", size=0.92)
        self._refusal.hide()
        control.setAccessibleName(definition.label)
        control.setAccessibleDescription(definition.hint)
        self._place()
        for each in (self._refusal, self._sentence):
            self._lines.addWidget(each)
        self._sentence.setVisible(bool(definition.hint))

    def show_value(self, value: object) -> None:
        """Show the stored value. A refused text stays until it is corrected."""
        if value != self._value or self._refusal.isHidden():
            self._value = value
            self._put(value)
            self._say("")

    def show_note(self, sentence: str) -> None:
        """Show a remark on the stored value; an empty one removes it."""
        self._say(sentence)

    def show_refusal(self, sentence: str) -> None:
        """Show why the value was refused; the old one stays."""
        self._say(sentence)
        self._put_back(self._value)

    def _place(self) -> None:
        """Add the label and the control, above the refusal and the hint."""
        line = QHBoxLayout()
        line.setSpacing(GAP)
        name = label(self.definition.label)
        name.setBuddy(self._control)
        line.addWidget(name, 1)
        line.addWidget(self._control)
        self._lines.addLayout(line)

    def _put(self, value: object) -> None:
        """Show the value, without a signal."""
        raise NotImplementedError

    def _put_back(self, value: object) -> None:
        self._put(value)

    def _want(self, value: object) -> None:
        if value == self._value:
            self._say("")
        else:
            self.wanted.emit(self.definition.set_as, value)

    def _say(self, refusal: str) -> None:
        self._refusal.setText(refusal)
        self._refusal.setVisible(bool(refusal))
        self._control.setAccessibleDescription(" ".join(part for part in (refusal, self.definition.hint) if part))


class SwitchField(SettingField):
    def __init__(self, definition: Definition) -> None:
        self._box = QCheckBox(definition.label)
        super().__init__(definition, self._box)
        # Align with the label, not with the check box.
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


def _short_width(widget: QWidget) -> int:
    return widget.fontMetrics().horizontalAdvance("0" * _SHORT)


class _Spin(QSpinBox):
    """Scrolling the page over it changes nothing."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class NumberField(SettingField):
    def __init__(self, definition: Definition, kind: Number) -> None:
        self._spin = _Spin()
        self._spin.setMaximum(max(kind.highest, _HIGHEST))
        self._spin.setKeyboardTracking(False)
        self._spin.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._spin.setSuffix(f" {kind.unit}" if kind.unit else "")
        self._spin.setSpecialValueText(kind.zero)
        super().__init__(definition, self._spin)
        self._spin.setMinimumWidth(_short_width(self))
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
    def __init__(self, definition: Definition, kind: OneOf) -> None:
        self._box = _Choice()
        for value, name in kind.options:
            self._box.addItem(name, value)
        super().__init__(definition, self._box)
        self._box.setMinimumWidth(_short_width(self))
        self._box.activated.connect(self._on_activated)

    def _put(self, value: object) -> None:
        self._box.setCurrentIndex(self._box.findData(value))

    @Slot(int)
    def _on_activated(self, index: int) -> None:
        self._want(self._box.itemData(index))


class TimeField(SettingField):
    """A short text, such as a time of day; `empty` is the placeholder."""

    def __init__(self, definition: Definition, empty: str) -> None:
        self._line = field(empty, definition.label)
        super().__init__(definition, self._line)
        self._line.editingFinished.connect(self._on_finished)

    def _place(self) -> None:
        self._line.setFixedWidth(_short_width(self))
        self._line.setAlignment(Qt.AlignmentFlag.AlignRight)
        super()._place()

    def _put(self, value: object) -> None:
        if not (self._line.hasFocus() and self._line.isModified()):
            self._line.setText(str(value))

    def _put_back(self, value: object) -> None:
        """Keep what was typed, to be corrected."""

    def show_refusal(self, sentence: str) -> None:
        super().show_refusal(f"{sentence} It stays {self._value or 'empty'}.")

    @Slot()
    def _on_finished(self) -> None:
        self._line.setModified(False)
        self._want(self._line.text().strip())


class TextField(TimeField):
    """A text of any length, with its label above."""

    def _place(self) -> None:
        name = label(self.definition.label)
        name.setBuddy(self._line)
        self._lines.addWidget(name)
        self._lines.addWidget(self._line)


class SecretField(TextField):
    """A password. Its value is the place where the secret is stored; dots stand for the secret, which is replaced as a whole."""

    def __init__(self, definition: Definition, empty: str) -> None:
        super().__init__(definition, empty)
        self._line.setEchoMode(QLineEdit.EchoMode.Password)

    def _put(self, value: object) -> None:
        super()._put(DOTS if value else "")

    def show_refusal(self, sentence: str) -> None:
        state = "The stored password stays." if self._value else "No password is stored."
        SettingField.show_refusal(self, f"{sentence} {state}")

    @Slot()
    def _on_finished(self) -> None:
        if self._line.isModified():
            self._line.setModified(False)
            self.wanted.emit(self.definition.set_as, self._line.text())
