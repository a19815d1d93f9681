"""The settings: one plain window, in which every change holds at once. It shows values and passes on what the user wants.

What stands in it is a table (`setting_rows`); its controls are `setting_fields`' and `setting_paths`'.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal, SignalInstance, Slot
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from t3tray.core.domain.inventory import FoundHome, Inventory, megabytes, told_of_home
from t3tray.core.services.protecting import GuardState
from t3tray.core.services.views import Settings
from t3tray.qt.guard_panel import GuardPanel
from t3tray.qt.parts import Card, ScrollPage, button, heading, label, line
from t3tray.qt.setting_fields import ChoiceField, NumberField, SecretField, SettingField, SwitchField, TextField, TimeField
from t3tray.qt.setting_paths import FoldersField, ProgramField
from t3tray.qt.setting_rows import LOGIN, ROWS, Control, Row, Section
from t3tray.qt.theme import GAP, MARGIN, NARROW, colours, style_sheet

_KINDS: dict[Control, Callable[[Row], SettingField]] = {
    Control.SWITCH: SwitchField,
    Control.NUMBER: NumberField,
    Control.CHOICE: ChoiceField,
    Control.TIME: TimeField,
    Control.TEXT: TextField,
    Control.SECRET: SecretField,
    Control.PROGRAM: ProgramField,
    Control.FOLDERS: FoldersField,
}


class SettingsWindow(QWidget):
    """`setting_wanted` carries a setting's name and the value that it is to have; the other signals what was asked for."""

    setting_wanted = Signal(str, object)
    login_wanted = Signal(bool)
    found_wanted = Signal()
    folder_wanted = Signal()
    protection_wanted = Signal(bool)
    diagnostics_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Settings")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("kind", "page")
        self.setMinimumSize(NARROW, 360)
        self.resize(540, 680)
        self._settings: Settings | None = None
        self._inventory: Inventory | None = None
        self.fields: dict[str, SettingField] = {row.name: _KINDS[row.control](row) for row in ROWS}
        self.login = SwitchField(LOGIN)
        self.guard = GuardPanel()
        self._no_notices = label("", "unsure", size=0.92)
        self._used = label("", "muted", size=0.92)
        self._copied = label("", "good", size=0.92)
        self._page = _Page()
        self._build()
        self._paint()
        application = QGuiApplication.instance()
        assert isinstance(application, QGuiApplication)
        application.paletteChanged.connect(self._paint)
        QShortcut(QKeySequence(Qt.Key.Key_Escape), self, self.close)
        QShortcut(QKeySequence.StandardKey.Close, self, self.close)

    def show_settings(self, settings: Settings) -> None:
        """What is kept now."""
        if settings != self._settings:
            self._settings = settings
            for name, each in self.fields.items():
                each.show_value(getattr(settings, name))

    def show_kept(self, name: str, settings: Settings) -> None:
        """What the user wanted of this one is kept now."""
        self.show_settings(settings)
        self.fields[name].show_value(getattr(settings, name))

    def show_refusal(self, name: str, sentence: str) -> None:
        """What the user wanted of this one is not kept, for the reason that stands beside it from now on."""
        (self.login if name == LOGIN.name else self.fields[name]).show_refusal(sentence)

    def show_guard(self, state: GuardState) -> None:
        """How T3 Code stands with the guard."""
        self.guard.show_state(state)

    def show_inventory(self, inventory: Inventory) -> None:
        self._inventory = inventory
        homes = self.fields["t3_homes"]
        assert isinstance(homes, FoldersField)
        homes.show_found(tuple(_told(home) for home in inventory.homes))
        self._no_notices.setText(inventory.notices or "")
        self._no_notices.setVisible(bool(inventory.notices))
        self._used.setText(f"{megabytes(inventory.vault)} used, in {inventory.data}")

    def show_login(self, starts: bool, trouble: str = "") -> None:
        """Whether t3tray starts when the user logs in, and what else there is to say of it; before that there is no switch."""
        self.login.show_value(starts)
        self.login.show_note(trouble)
        self._login_section.show()

    def show_copied(self) -> None:
        """The diagnostics are in the clipboard."""
        self._copied.setText("Copied, without passwords and keys. Read it before you send it.")
        self._copied.show()

    def bring_up(self) -> None:
        """In front of everything, whatever state it was in."""
        self._copied.hide()
        if self.isMinimized():
            self.showNormal()
        self.show()
        self.raise_()
        self.activateWindow()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._page)
        for section in Section:
            fields = [each for each in self.fields.values() if each.row.section is section]
            more = {Section.VAULT: [self._used], Section.NOTICES: [self._no_notices]}.get(section, [])
            if fields:
                self._page.add(_section(section, [*fields, *more]))
            elif section is Section.GUARD:
                self._page.add(_section(section, [self.guard]))
            elif section is Section.LOGIN:
                self._login_section = _section(section, [self.login])
                self._login_section.hide()
                self._page.add(self._login_section)
        self._page.add(_section("Help", [*self._help(), self._copied]))
        self._page.end()
        self._copied.hide()
        self._no_notices.hide()
        for each in self.fields.values():
            each.wanted.connect(self.setting_wanted)
        self.login.wanted.connect(self._on_login_wanted)
        self.guard.wanted.connect(self.protection_wanted)

    def _help(self) -> list[QWidget]:
        return [
            _act("What t3tray found on this computer, and what is missing.", "Show What Was Found", self.found_wanted),
            _act("Everything that t3tray keeps of its own.", "Open Data Folder", self.folder_wanted),
            _act(
                "Versions, settings, states and the ends of the logs, to report a trouble.",
                "Copy Diagnostics",
                self.diagnostics_wanted,
            ),
        ]

    @Slot(str, object)
    def _on_login_wanted(self, _name: str, starts: object) -> None:
        self.login_wanted.emit(bool(starts))

    @Slot()
    def _paint(self) -> None:
        sheet = style_sheet(colours())
        if sheet != self.styleSheet():
            self.setStyleSheet(sheet)


class _Page(ScrollPage):
    def __init__(self) -> None:
        super().__init__("Settings")

    def add(self, section: QWidget) -> None:
        self._body.addWidget(section)

    def end(self) -> None:
        self._body.addStretch(1)


def _section(title: str, lines: list[QWidget]) -> QWidget:
    """A heading, and a card in which the lines stand apart."""
    card = Card()
    for number, each in enumerate(lines):
        if number and _stands_apart(lines[number - 1], each):
            card.inside.addWidget(line())
        card.inside.addWidget(each)
    section = QWidget()
    layout = QVBoxLayout(section)
    layout.setContentsMargins(0, 0, 0, MARGIN - GAP)
    layout.setSpacing(GAP)
    layout.addWidget(heading(title))
    layout.addWidget(card)
    return section


def _stands_apart(above: QWidget, below: QWidget) -> bool:
    """A line parts two settings, but not two switches that say all in their names."""
    if not (isinstance(above, SettingField) and isinstance(below, SettingField)):
        return False
    return bool(above.row.sentence or below.row.sentence) or above.row.control is not below.row.control


def _act(sentence: str, words: str, wanted: SignalInstance) -> QWidget:
    """A button with what it is for."""
    does = button(words)
    does.setAccessibleDescription(sentence)
    does.clicked.connect(wanted)
    act = QWidget()
    layout = QHBoxLayout(act)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(GAP)
    layout.addWidget(label(sentence, "muted", size=0.92), 1)
    layout.addWidget(does)
    return act


def _told(home: FoundHome) -> tuple[str, str]:
    return home.added_as or home.path, told_of_home(home)
