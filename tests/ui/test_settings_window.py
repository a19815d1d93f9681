"""The settings window: every setting has a control, a change is emitted at once, and a refusal is shown beside its control."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QAccessible, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSpinBox,
    QWidget,
)
from pytestqt.qtbot import QtBot

from t3tray.domain.inventory import FoundHome, FoundProgram, Inventory
from t3tray.settings.definitions import DEFINITIONS, LOGIN, Settings
from t3tray.settings.kinds import Folders, Number, OneOf, Port, Program, SettingKind, Switch, Text
from t3tray.ui import theme
from t3tray.ui.settings.settings_window import SettingsWindow, is_in_window

INVENTORY = Inventory(
    FoundProgram("/usr/bin/opencode", "1.18.33"),
    (FoundHome("/home/dev/.t3", True, True, 12, 9), FoundHome("/code/t3", added_as="/code/t3")),
    "",
    "/home/dev/.local/share/t3tray",
    12_400_000,
)


@pytest.fixture
def window(qtbot: QtBot) -> SettingsWindow:
    made = SettingsWindow()
    qtbot.addWidget(made)
    made.show_settings(Settings(t3_homes=("/code/t3",)))
    made.show_inventory(INVENTORY)
    made.show()
    return made


def texts(widget: QWidget) -> str:
    QApplication.processEvents()
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def button(widget: QWidget, words: str) -> QAbstractButton:
    return next(found for found in widget.findChildren(QAbstractButton) if words in (found.text(), found.accessibleName()))


SHOWN = [definition for definition in DEFINITIONS.values() if is_in_window(definition)]
CONTROLS: dict[type[SettingKind], type[QWidget]] = {
    Switch: QCheckBox,
    Number: QSpinBox,
    Port: QSpinBox,
    OneOf: QComboBox,
    Folders: QAbstractButton,
}


def of_kind(*kinds: type[SettingKind]) -> list[str]:
    return [definition.set_as for definition in SHOWN if type(definition.kind) in kinds]


def control(window: SettingsWindow, name: str) -> QWidget:
    field = window.fields[name]
    found = field.findChild(CONTROLS.get(type(field.definition.kind), QLineEdit))
    assert isinstance(found, QWidget)
    return found


def test_every_setting_has_a_control_or_says_what_changes_it(window: SettingsWindow) -> None:
    for definition in DEFINITIONS.values():
        assert definition.changed_by or definition.set_as in window.fields, definition.name
    assert "server_password" in window.fields, "the setting itself is only the place where it lies"


def test_a_change_that_waits_for_a_start_says_so_and_any_other_does_not(window: SettingsWindow) -> None:
    told = {name for name, field in window.fields.items() if "Takes effect" in texts(field)}
    assert told >= {"opencode_path", "server_url", "server_with_app"}
    assert not told & {"appearance", "terminal", "carry_characters"}


def test_it_shows_what_is_kept(window: SettingsWindow) -> None:
    window.show_settings(
        replace(Settings(), server_port=4096, vault=False, terminal="kitty", appearance="dark", stop_idle_minutes=0)
    )
    assert control(window, "server_port").property("value") == 4096
    assert not control(window, "vault").property("checked")
    assert control(window, "terminal").property("text") == "kitty"
    assert control(window, "appearance").property("currentText") == "Dark"
    assert control(window, "stop_idle_minutes").property("text") == "Never"


def test_to_show_what_is_kept_is_no_wish(qtbot: QtBot, window: SettingsWindow) -> None:
    with qtbot.assertNotEmitted(window.setting_wanted):
        window.show_settings(replace(Settings(), server_port=4096, vault=False, terminal="kitty", appearance="dark"))


@pytest.mark.parametrize("name", of_kind(Switch))
def test_a_switch_is_passed_on_when_it_is_clicked(qtbot: QtBot, window: SettingsWindow, name: str) -> None:
    box = control(window, name)
    assert isinstance(box, QCheckBox)
    with qtbot.waitSignal(window.setting_wanted) as wanted:
        box.click()
    assert wanted.args == [name, not getattr(Settings(), name)]


@pytest.mark.parametrize("name", of_kind(Number, Port))
def test_a_number_is_passed_on_when_it_is_typed_to_its_end(qtbot: QtBot, window: SettingsWindow, name: str) -> None:
    spin = control(window, name)
    spin.setFocus()
    assert isinstance(spin, QSpinBox)
    spin.selectAll()
    with qtbot.assertNotEmitted(window.setting_wanted):
        qtbot.keyClicks(spin, "17")
    with qtbot.waitSignal(window.setting_wanted) as wanted:
        qtbot.keyClick(spin, Qt.Key.Key_Return)
    assert wanted.args == [name, 17]


@pytest.mark.parametrize("name", of_kind(Text, Program))
def test_a_text_is_passed_on_when_it_is_typed_to_its_end(qtbot: QtBot, window: SettingsWindow, name: str) -> None:
    line = control(window, name)
    qtbot.keyClicks(line, " /some/thing ")
    with qtbot.waitSignal(window.setting_wanted) as wanted:
        qtbot.keyClick(line, Qt.Key.Key_Return)
    assert wanted.args == [name, "/some/thing"]


@pytest.mark.parametrize("name", of_kind(OneOf))
def test_a_choice_is_passed_on_when_it_is_made(qtbot: QtBot, window: SettingsWindow, name: str) -> None:
    box = control(window, name)
    box.setFocus()
    with qtbot.waitSignal(window.setting_wanted) as wanted:
        qtbot.keyClick(box, Qt.Key.Key_Down)
    assert wanted.args == [name, "light"]


def test_the_wheel_changes_nothing_it_only_scrolls(qtbot: QtBot, window: SettingsWindow) -> None:
    for name in ("stop_idle_minutes", "appearance"):
        over = control(window, name)
        turned = QWheelEvent(
            QPointF(5, 5),
            over.mapToGlobal(QPointF(5, 5)),
            QPoint(),
            QPoint(0, -120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        with qtbot.assertNotEmitted(window.setting_wanted):
            QApplication.sendEvent(over, turned)


def test_what_is_refused_is_said_beside_its_field_and_the_old_value_stays(qtbot: QtBot, window: SettingsWindow) -> None:
    spin = control(window, "server_port")
    assert isinstance(spin, QSpinBox)
    with qtbot.waitSignal(window.setting_wanted):
        spin.setValue(80)
    window.show_refusal("server_port", "A port is between 1024 and 65535.")
    assert "A port is between" in texts(window.fields["server_port"]) and "A port" not in texts(window.fields["opencode_path"])
    assert spin.value() == 0
    assert "A port is between" in QAccessible.queryAccessibleInterface(spin).text(QAccessible.Text.Description)
    window.show_settings(replace(Settings(), vault=False))
    assert "A port is between" in texts(window.fields["server_port"]), "another setting was changed"
    window.show_saved("server_port", replace(Settings(), server_port=4096))
    assert "A port is between" not in texts(window.fields["server_port"]) and spin.value() == 4096


def test_a_refused_text_stays_to_be_corrected(qtbot: QtBot, window: SettingsWindow) -> None:
    line = control(window, "opencode_path")
    assert isinstance(line, QLineEdit)
    qtbot.keyClicks(line, "/no/opencode")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    window.show_refusal("opencode_path", "There is no program.")
    window.show_settings(replace(Settings(), vault=False))
    assert line.text() == "/no/opencode" and "There is no program. It stays empty." in texts(window)
    line.clear()
    with qtbot.assertNotEmitted(window.setting_wanted):
        qtbot.keyClick(line, Qt.Key.Key_Return)
    assert "There is no program" not in texts(window)


def test_what_is_being_typed_is_not_written_over(qtbot: QtBot, window: SettingsWindow) -> None:
    line = control(window, "terminal")
    assert isinstance(line, QLineEdit)
    window.activateWindow()
    line.setFocus()
    qtbot.waitUntil(line.hasFocus)
    qtbot.keyClicks(line, "kit")
    window.show_settings(replace(Settings(), terminal="xterm"))
    assert line.text() == "kit"


def test_a_switch_that_is_refused_goes_back(window: SettingsWindow) -> None:
    box = control(window, "vault")
    assert isinstance(box, QCheckBox)
    box.click()
    window.show_refusal("vault", "The disk is full.")
    assert box.isChecked() and "The disk is full." in texts(window)


def test_a_folder_can_be_added_and_removed(qtbot: QtBot, window: SettingsWindow) -> None:
    field = window.fields["t3_homes"]
    shown = texts(field)
    for part in ("/home/dev/.t3", "Running now. 12 threads", "/code/t3", "No T3 Code in it"):
        assert part in shown, part
    with qtbot.waitSignal(window.setting_wanted) as wanted:
        button(field, "Remove /code/t3").click()
    assert wanted.args == ["t3_homes", ()]
    assert not any(found.accessibleName() == "Remove /home/dev/.t3" for found in field.findChildren(QAbstractButton))
    button(field, "Add Folder…").click()
    dialog = field.findChild(QFileDialog)
    assert dialog is not None
    with qtbot.waitSignal(window.setting_wanted) as wanted:
        dialog.fileSelected.emit("/other")
    assert wanted.args == ["t3_homes", ("/code/t3", "/other")]
    dialog.close()


def test_the_program_can_be_chosen_from_the_disk(qtbot: QtBot, window: SettingsWindow) -> None:
    field = window.fields["opencode_path"]
    button(field, "Choose…").click()
    dialog = field.findChild(QFileDialog)
    assert dialog is not None
    with qtbot.waitSignal(window.setting_wanted) as wanted:
        dialog.fileSelected.emit("/usr/bin/opencode")
    assert wanted.args == ["opencode_path", "/usr/bin/opencode"]
    dialog.close()


def test_the_vaults_use_and_place_are_told(window: SettingsWindow) -> None:
    assert "12 MB used, in /home/dev/.local/share/t3tray" in texts(window)


def test_a_time_is_passed_on_when_it_is_typed_to_its_end(qtbot: QtBot, window: SettingsWindow) -> None:
    line = control(window, "quiet_from")
    qtbot.keyClicks(line, "22:30")
    with qtbot.waitSignal(window.setting_wanted) as wanted:
        qtbot.keyClick(line, Qt.Key.Key_Return)
    assert wanted.args == ["quiet_from", "22:30"]


def test_a_desktop_without_notices_is_told_beside_their_switches(window: SettingsWindow) -> None:
    assert "no notices" not in texts(window)
    window.show_inventory(replace(INVENTORY, notices="This desktop shows no notices."))
    assert "This desktop shows no notices." in texts(window)


def test_the_start_at_login_has_a_switch_once_it_is_known(qtbot: QtBot, window: SettingsWindow) -> None:
    box = window.login.findChild(QCheckBox)
    assert box is not None and not box.isVisible()
    window.show_login(False)
    assert box.isVisible() and not box.isChecked()
    with qtbot.waitSignal(window.login_wanted) as wanted:
        box.click()
    assert wanted.args == [True]
    window.show_refusal(LOGIN.name, "The folder cannot be written.")
    assert not box.isChecked() and "The folder cannot be written." in texts(window.login)
    window.show_login(True, "Another copy of t3tray is set to start.")
    assert box.isChecked() and "Another copy" in texts(window.login)
    window.show_login(True)
    assert "Another copy" not in texts(window.login)


def test_what_else_there_is_to_say_of_the_start_at_login_stands_beside_its_switch(window: SettingsWindow) -> None:
    window.show_login(True, "Another copy of t3tray is set to start.")
    assert "Another copy of t3tray is set to start." in texts(window.login)
    window.show_login(False)
    assert "Another copy" not in texts(window.login)


def test_help_is_passed_on_and_a_copy_is_confirmed(qtbot: QtBot, window: SettingsWindow) -> None:
    for words, signal in (
        ("Show What Was Found", window.found_wanted),
        ("Open Data Folder", window.folder_wanted),
        ("Copy Diagnostics", window.diagnostics_wanted),
    ):
        with qtbot.waitSignal(signal):
            button(window, words).click()
    assert "Copied" not in texts(window)
    window.show_copied()
    assert "Copied, without passwords" in texts(window)
    window.bring_up()
    assert "Copied" not in texts(window)


def test_it_is_not_modal_has_no_ok_and_escape_closes_it(qtbot: QtBot, window: SettingsWindow) -> None:
    assert not window.isModal()
    words = {found.text() for found in window.findChildren(QAbstractButton)}
    assert not words & {"OK", "Cancel", "Apply", "Save"}
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not window.isVisible()


def test_every_control_has_a_name_a_buddy_and_a_place_in_the_tab_order(window: SettingsWindow) -> None:
    window.show_login(False)
    kinds = (QAbstractButton, QLineEdit, QSpinBox, QComboBox)
    for each in (found for kind in kinds for found in window.findChildren(kind)):
        if not each.isVisibleTo(window) or isinstance(each.parent(), QSpinBox | QLineEdit | QComboBox):
            continue
        assert QAccessible.queryAccessibleInterface(each).text(QAccessible.Text.Name), each
        assert each.focusPolicy() & Qt.FocusPolicy.TabFocus, each
    buddies = {label.buddy() for label in window.findChildren(QLabel) if label.buddy()}
    for definition in SHOWN:
        if not isinstance(definition.kind, Switch | Folders):
            assert control(window, definition.set_as) in buddies, definition.name


def test_tab_goes_from_top_to_bottom(qtbot: QtBot, window: SettingsWindow) -> None:
    window.resize(420, 3600)
    window.show_login(False)
    QApplication.processEvents()
    first, heights = window.login.findChild(QCheckBox), list[int]()
    assert first is not None
    each = first.nextInFocusChain()
    while each is not first:
        assert each is not None
        if each.isVisible() and each.focusPolicy() & Qt.FocusPolicy.TabFocus and not isinstance(each, QScrollArea):
            heights.append(each.mapTo(window, QPoint(0, each.height() // 2)).y())
        each = each.nextInFocusChain()
    assert len(heights) > len(SHOWN) and heights == sorted(heights)


@pytest.mark.parametrize("width", [theme.NARROW, 620])
def test_no_text_is_cut(window: SettingsWindow, width: int) -> None:
    window.show_login(False)
    window.show_refusal("server_url", "An address begins with http:// or https://, and names a host.")
    window.resize(width, 680)
    for _ in range(3):
        QApplication.processEvents()
    page = window.findChild(QScrollArea)
    assert page is not None and (shown := page.widget()) is not None
    assert shown.width() <= page.viewport().width()
    for label in window.findChildren(QLabel):
        if label.isVisible() and label.wordWrap():
            assert label.height() >= label.heightForWidth(label.width()), label.text()
    for found in window.findChildren(QAbstractButton):
        if found.isVisible() and found.text():
            assert found.width() >= found.sizeHint().width(), found.text()
            right = found.mapTo(window, QPoint(found.width(), 0)).x()
            assert right <= width, found.text()
