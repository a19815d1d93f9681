"""The settings window. It shows stored values and emits the user's changes, which are stored at once.

Its content comes from the table of definitions; its controls are in `setting_fields` and `setting_paths`.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, SignalInstance, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from t3tray.domain.guard_state import GuardState
from t3tray.domain.inventory import FoundHome, Inventory
from t3tray.messages.about import ABOUT
from t3tray.messages.inventory import home_summary, megabytes
from t3tray.settings.definitions import DEFINITIONS, LOGIN, Definition, Settings, SettingsSection
from t3tray.settings.kinds import Folders, Number, OneOf, Program, Secret, Switch, Text, TimeOfDay
from t3tray.ui.guard.guard_panel import GuardPanel
from t3tray.ui.settings.setting_fields import (
    ChoiceField,
    NumberField,
    SecretField,
    SettingField,
    SwitchField,
    TextField,
    TimeField,
)
from t3tray.ui.settings.setting_paths import FoldersField, ProgramField
from t3tray.ui.theme import GAP, MARGIN, NARROW
from t3tray.ui.widgets.basic import Card, ScrollPage, button, heading, label, line
from t3tray.ui.widgets.windows import WindowStyle, add_window_keys, bring_to_front


class SettingsWindow(QWidget):
    """Emits `setting_wanted` with a setting's name and its new value, and a signal for each button."""

    setting_wanted = Signal(str, object)
    login_wanted = Signal(bool)
    found_wanted = Signal()
    folder_wanted = Signal()
    protection_wanted = Signal(bool)
    diagnostics_wanted = Signal()
    about_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Settings")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("kind", "page")
        self.setMinimumSize(NARROW, 360)
        self.resize(540, 680)
        self._settings: Settings | None = None
        self._inventory: Inventory | None = None
        definitions = [each for each in DEFINITIONS.values() if is_in_window(each)]
        self.fields: dict[str, SettingField] = {each.set_as: field_for(each) for each in definitions}
        self.login = SwitchField(LOGIN)
        self.guard = GuardPanel()
        self._no_notices = label("", "unsure", size=0.92)
        self._used = label("", "muted", size=0.92)
        self._copied = label("", "good", size=0.92)
        self._page = _Page()
        self._build()
        WindowStyle(self)
        QShortcut(QKeySequence(Qt.Key.Key_Escape), self, self.close)
        add_window_keys(self)

    def show_settings(self, settings: Settings) -> None:
        """Show the stored values."""
        if settings != self._settings:
            self._settings = settings
            for each in self.fields.values():
                each.show_value(getattr(settings, each.definition.name))

    def show_saved(self, name: str, settings: Settings) -> None:
        """Show the settings after the user's change of `name` was stored."""
        self.show_settings(settings)
        field = self.fields[name]
        field.show_value(getattr(settings, field.definition.name))

    def show_refusal(self, name: str, sentence: str) -> None:
        """The user's change of this setting was refused; `sentence` is shown beside it."""
        (self.login if name == LOGIN.name else self.fields[name]).show_refusal(sentence)

    def show_guard(self, state: GuardState) -> None:
        """Whether T3 Code is protected by the guard."""
        self.guard.show_state(state)

    def show_inventory(self, inventory: Inventory) -> None:
        self._inventory = inventory
        homes = self.fields["t3_homes"]
        assert isinstance(homes, FoldersField)
        homes.show_found(tuple(_home_line(home) for home in inventory.homes))
        self._no_notices.setText(inventory.notices or "")
        self._no_notices.setVisible(bool(inventory.notices))
        self._used.setText(f"{megabytes(inventory.vault)} used, in {inventory.data}")

    def show_login(self, starts: bool, trouble: str = "") -> None:
        """Whether t3tray starts at login, and a remark on it. The switch is hidden until this is known."""
        self.login.show_value(starts)
        self.login.show_note(trouble)
        self._login_part.show()

    def show_copied(self) -> None:
        """The diagnostics are in the clipboard."""
        self._copied.setText("Copied, without passwords and keys. Read it before you send it.")
        self._copied.show()

    def bring_up(self) -> None:
        """Show the window in front, even if it was minimised."""
        self._copied.hide()
        if self.isMinimized():
            self.showNormal()
        self.show()
        bring_to_front(self)

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._page)
        self._login_part = _with_line_below(self.login)
        self._login_part.hide()
        before: dict[SettingsSection, list[QWidget]] = {SettingsSection.GENERAL: [self._login_part]}
        after: dict[SettingsSection, list[QWidget]] = {
            SettingsSection.NOTIFICATIONS: [self._no_notices],
            SettingsSection.T3_CODE: [self.guard],
            SettingsSection.COPIES: [self._used],
        }
        for section in SettingsSection:
            fields = [each for each in self.fields.values() if each.definition.section is section]
            self._page.add(_section(section, [*before.get(section, []), *fields, *after.get(section, [])]))
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
            _act("Everything that t3tray stores.", "Open Data Folder", self.folder_wanted),
            _act(
                "Versions, settings, states and the ends of the logs, to report a problem.",
                "Copy Diagnostics",
                self.diagnostics_wanted,
            ),
            _act("Version and licences.", ABOUT, self.about_wanted),
        ]

    @Slot(str, object)
    def _on_login_wanted(self, _name: str, starts: object) -> None:
        self.login_wanted.emit(bool(starts))


class _Page(ScrollPage):
    def __init__(self) -> None:
        super().__init__("Settings")

    def add(self, section: QWidget) -> None:
        self._body.addWidget(section)

    def end(self) -> None:
        self._body.addStretch(1)


def _section(title: str, lines: list[QWidget]) -> QWidget:
    """Return a heading and a card of the section's widgets, with separators."""
    card = Card()
    for number, each in enumerate(lines):
        if number and _needs_separator(lines[number - 1], each):
            card.inside.addWidget(line())
        card.inside.addWidget(each)
    section = QWidget()
    layout = QVBoxLayout(section)
    layout.setContentsMargins(0, 0, 0, MARGIN - GAP)
    layout.setSpacing(GAP)
    layout.addWidget(heading(title))
    layout.addWidget(card)
    return section


def _needs_separator(above: QWidget, below: QWidget) -> bool:
    """Whether a line separates two widgets: two settings, except two switches without a hint."""
    both = above, below
    if not all(isinstance(each, SettingField | GuardPanel) for each in both):
        return False
    return not all(isinstance(each, SwitchField) and not each.definition.hint for each in both)


def _with_line_below(field: QWidget) -> QWidget:
    part = QWidget()
    layout = QVBoxLayout(part)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(GAP)
    layout.addWidget(field)
    layout.addWidget(line())
    return part


def _act(sentence: str, button_label: str, wanted: SignalInstance) -> QWidget:
    """Return a button beside a sentence on its purpose."""
    act_button = button(button_label)
    act_button.setAccessibleDescription(sentence)
    act_button.clicked.connect(wanted)
    act = QWidget()
    layout = QHBoxLayout(act)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(GAP)
    layout.addWidget(label(sentence, "muted", size=0.92), 1)
    layout.addWidget(act_button)
    return act


def _home_line(home: FoundHome) -> tuple[str, str]:
    return home.added_as or home.path, home_summary(home)


def is_in_window(definition: Definition) -> bool:
    """Whether the window shows a setting: one that only a command or t3tray itself changes is not shown, unless it has a name
    for its input (a secret)."""
    return not definition.changed_by or definition.set_as != definition.name


def field_for(definition: Definition) -> SettingField:
    """Return the control for a setting's kind of value."""
    match definition.kind:
        case Switch():
            return SwitchField(definition)
        case Number() as number:
            return NumberField(definition, number)
        case OneOf() as choice:
            return ChoiceField(definition, choice)
        case TimeOfDay(example):
            return TimeField(definition, example)
        case Secret(empty=empty):
            return SecretField(definition, empty)
        case Program(empty=empty):
            return ProgramField(definition, empty)
        case Text(empty=empty):
            return TextField(definition, empty)
        case Folders():
            return FoldersField(definition)
    raise TypeError(f"No control for {definition.kind}")
