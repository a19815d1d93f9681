"""Spacing, type scale and colour roles, derived from the system's palette. The only module that names a colour or a distance."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from t3tray.resources import resource

# Distances in logical pixels; most are multiples of UNIT.
UNIT = 4
GAP = 2 * UNIT
MARGIN = 4 * UNIT
ROW_HEIGHT = 52
HEADER_HEIGHT = 30
NARROW = 420
RADIUS = 6
# The minimum contrast ratio of WCAG 2 (AA) for text.
READABLE = 4.5
# A property of the application: the `Qt.ColorScheme` that the user set, as a number; 0 or unset for the system's.
FORCED = "t3trayColorScheme"


@dataclass(frozen=True)
class Colours:
    """A colour scheme. Every text colour has a contrast of at least 4.5:1 on `base`, `raised` and `chosen`; `on_accent` has it on
    `accent`.

    `chosen` is the background of a selection without focus, `accent_text` the accent as text or as a small shape. The fields from
    `keyword` on are for code: text on `raised`, and the backgrounds of added and removed lines.
    """

    base: QColor
    raised: QColor
    chosen: QColor
    line: QColor
    text: QColor
    muted: QColor
    good: QColor
    unsure: QColor
    bad: QColor
    accent: QColor
    on_accent: QColor
    accent_text: QColor
    keyword: QColor
    definition: QColor
    builtin: QColor
    string: QColor
    number: QColor
    added: QColor
    removed: QColor


_LIGHT = Colours(
    base=QColor("#ffffff"),
    raised=QColor("#f4f4f6"),
    chosen=QColor("#e9e9ee"),
    line=QColor("#dedee3"),
    text=QColor("#1d1d1f"),
    muted=QColor("#5f5f67"),
    good=QColor("#197235"),
    unsure=QColor("#855600"),
    bad=QColor("#bb241a"),
    accent=QColor("#2f5fd8"),
    on_accent=QColor("#ffffff"),
    accent_text=QColor("#2450bd"),
    keyword=QColor("#8a2fa0"),
    definition=QColor("#2450bd"),
    builtin=QColor("#0b6a78"),
    string=QColor("#197235"),
    number=QColor("#855600"),
    added=QColor("#e0f0e4"),
    removed=QColor("#f8e3e1"),
)
_DARK = Colours(
    base=QColor("#1e1e20"),
    raised=QColor("#28282b"),
    chosen=QColor("#37373c"),
    line=QColor("#3a3a3f"),
    text=QColor("#f2f2f4"),
    muted=QColor("#a5a5ae"),
    good=QColor("#5fd084"),
    unsure=QColor("#f0b849"),
    bad=QColor("#ff8078"),
    accent=QColor("#3f6be0"),
    on_accent=QColor("#ffffff"),
    accent_text=QColor("#8fb0ff"),
    keyword=QColor("#d3a0f0"),
    definition=QColor("#8fb0ff"),
    builtin=QColor("#74c7d4"),
    string=QColor("#8ed3a3"),
    number=QColor("#e8bd6f"),
    added=QColor("#243a2c"),
    removed=QColor("#43292b"),
)


def colours() -> Colours:
    """Return the scheme that fits the desktop. A widget's own palette cannot be used: the style sheet has already changed it."""
    scheme = usual(is_dark())
    accent = QGuiApplication.palette().color(QPalette.ColorRole.Accent)
    standard = QApplication.style().standardPalette().color(QPalette.ColorRole.Accent)
    if sys.platform == "darwin":
        # The standard palette of macOS's style is the system's, so its accent is always the one that the user chose.
        return with_accent(scheme, standard)
    # Other styles have a default accent, which the user did not choose.
    return scheme if accent == standard else with_accent(scheme, accent)


def with_accent(scheme: Colours, accent: QColor) -> Colours:
    """Return the scheme with the accent that the user chose in the system, darkened or lightened until it is readable."""
    black, white = QColor("black"), QColor("white")
    ground = _towards(accent, black, lambda colour: contrast(colour, scheme.on_accent) >= READABLE)
    grounds = (scheme.base, scheme.raised, scheme.chosen)
    far = white if scheme.base.lightness() < 128 else black
    text = _towards(ground, far, lambda colour: all(contrast(colour, below) >= READABLE for below in grounds))
    return replace(scheme, accent=ground, accent_text=text)


def _towards(colour: QColor, far: QColor, is_enough: Callable[[QColor], bool]) -> QColor:
    """Return the colour itself if it satisfies `is_enough`, else the first mixture with `far` that does, in steps of 5 %."""
    mixtures = (_mixed(colour, far, share / 20) for share in range(1, 20))
    return next((found for found in (colour, *mixtures) if is_enough(found)), far)


def _mixed(one: QColor, other: QColor, share: float) -> QColor:
    parts = zip((one.red(), one.green(), one.blue()), (other.red(), other.green(), other.blue()), strict=True)
    return QColor(*(round(mine + (theirs - mine) * share) for mine, theirs in parts))


def is_dark() -> bool:
    """Whether to use the dark scheme: by the user's setting, else the desktop's colour scheme, else its palette."""
    application = QGuiApplication.instance()
    forced = application.property(FORCED) if application else None
    scheme = Qt.ColorScheme(forced) if forced else QGuiApplication.styleHints().colorScheme()
    if scheme is Qt.ColorScheme.Unknown:
        return palette_is_dark()
    return scheme is Qt.ColorScheme.Dark


def palette_is_dark() -> bool:
    return QGuiApplication.palette().color(QPalette.ColorRole.Window).lightness() < 128


def usual(dark: bool) -> Colours:
    """Return the dark or the light scheme with our own accent."""
    return _DARK if dark else _LIGHT


def palette_of(scheme: Colours) -> QPalette:
    """Return a palette for what the style sheet does not reach: menus, tool tips, and dialogs that Qt draws."""
    palette = QPalette(scheme.text, scheme.raised, scheme.raised, scheme.line, scheme.muted, scheme.text, scheme.base)
    palette.setColor(QPalette.ColorRole.Window, scheme.base)
    palette.setColor(QPalette.ColorRole.Button, scheme.raised)
    palette.setColor(QPalette.ColorRole.ButtonText, scheme.text)
    palette.setColor(QPalette.ColorRole.Highlight, scheme.accent)
    palette.setColor(QPalette.ColorRole.HighlightedText, scheme.on_accent)
    palette.setColor(QPalette.ColorRole.PlaceholderText, scheme.muted)
    palette.setColor(QPalette.ColorRole.ToolTipBase, scheme.raised)
    palette.setColor(QPalette.ColorRole.ToolTipText, scheme.text)
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, scheme.muted)
    return palette


def motion_is_reduced() -> bool:
    """Whether the system asks for reduced motion. Qt reports this from version 6.12 on; False before."""
    # Hold a reference: PySide6 6.12 treats the children of the hints object as deleted once nothing references it.
    hints = QGuiApplication.styleHints()
    preference = getattr(hints.accessibility(), "motionPreference", None)
    return preference is not None and "Reduce" in preference().name


def contrast(one: QColor, other: QColor) -> float:
    """Return the contrast ratio of WCAG 2: 1 for equal colours, 21 for black on white."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def scaled(font: QFont, factor: float, *, bold: bool = False) -> QFont:
    """Return a copy of the font, scaled relative to the system's own size."""
    changed = QFont(font)
    changed.setPointSizeF(font.pointSizeF() * factor)
    if bold:
        changed.setWeight(QFont.Weight.DemiBold)
    return changed


def style_sheet(scheme: Colours) -> str:
    """Return the style sheet of our windows. Widgets are styled by their role, the property `kind`."""
    names = {name: colour.name() for name, colour in vars(scheme).items()}
    return _SHEET.format(**names, unit=UNIT, gap=GAP, radius=RADIUS, icons=resource("icons").as_posix())


def _luminance(colour: QColor) -> float:
    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = linear(colour.redF()), linear(colour.greenF()), linear(colour.blueF())
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


_SHEET = """
QWidget {{ color: {text}; }}
QMainWindow, QDialog, QScrollArea, QWidget[kind="page"], QTableView, QSplitter {{ background: {base}; border: none; }}
QWidget[kind="bar"] {{ background: {raised}; }}
QWidget[kind="card"] {{ background: {raised}; border-radius: {radius}px; }}
QWidget[kind="ask"] {{ background: {raised}; border: 1px solid {accent}; border-radius: {radius}px; }}
QFrame[kind="line"] {{ background: {line}; border: none; }}
QLabel[kind="muted"] {{ color: {muted}; }}
QLabel[kind="good"] {{ color: {good}; }}
QLabel[kind="unsure"] {{ color: {unsure}; }}
QLabel[kind="bad"] {{ color: {bad}; }}
QLineEdit, QSpinBox {{ background: {raised}; border: 1px solid {line}; border-radius: {radius}px; padding: 5px {gap}px; }}
QLineEdit, QSpinBox, QPlainTextEdit {{ selection-background-color: {accent}; selection-color: {on_accent}; }}
QLineEdit:focus, QSpinBox:focus {{ border: 1px solid {accent}; }}
QPlainTextEdit {{ background: {raised}; border: 1px solid {line}; border-radius: {radius}px; padding: {unit}px; }}
QPlainTextEdit:focus {{ border: 1px solid {accent}; }}
QProgressBar {{ background: {line}; border: none; }}
QProgressBar::chunk {{ background: {accent}; }}
QCheckBox {{ spacing: {gap}px; }}
QCheckBox::indicator {{ width: 15px; height: 15px; background: {base}; border: 1px solid {muted}; border-radius: 4px; }}
QCheckBox::indicator:focus {{ border: 1px solid {accent}; }}
QCheckBox::indicator:checked {{ background: {accent}; border: 1px solid {accent}; image: url("{icons}/tick.svg"); }}
QCheckBox::indicator:checked:focus {{ border: 1px solid {text}; }}
QComboBox {{ background: {base}; border: 1px solid {line}; border-radius: {radius}px; padding: 5px {gap}px; }}
QComboBox:focus {{ border: 1px solid {accent}; }}
QComboBox::drop-down {{ border: none; width: 22px; }}
QComboBox::down-arrow {{ image: url("{icons}/chevron.svg"); width: 12px; height: 12px; }}
QComboBox QAbstractItemView {{ background: {raised}; border: 1px solid {line}; selection-background-color: {accent};
  selection-color: {on_accent}; }}
QWidget[kind="card"] QLineEdit, QWidget[kind="card"] QSpinBox, QWidget[kind="card"] QPushButton {{ background: {base}; }}
QWidget[kind="card"] QSpinBox QLineEdit, QSpinBox QLineEdit {{ background: transparent; border: none; padding: 0 {unit}px 0 0; }}
QSpinBox {{ padding: 3px 0; }}
QSpinBox::up-button, QSpinBox::down-button {{ width: {unit}px; border: none; background: transparent; }}
QWidget[kind="card"] QPushButton[kind="plain"] {{ background: transparent; }}
QWidget[kind="card"] QPushButton[kind="main"] {{ background: {accent}; }}
QWidget[kind="card"] QPushButton:pressed {{ background: {line}; }}
QPushButton {{ background: {raised}; border: 1px solid {line}; border-radius: {radius}px; padding: 5px 12px; }}
QPushButton:hover {{ border-color: {muted}; }}
QPushButton:focus {{ border: 1px solid {accent}; }}
QPushButton:pressed {{ background: {line}; }}
QPushButton:disabled {{ color: {muted}; }}
QPushButton[kind="main"] {{ background: {accent}; border-color: {accent}; color: {on_accent}; }}
QPushButton[kind="main"]:focus {{ border: 1px solid {text}; }}
QPushButton[kind="on"] {{ border-color: {accent}; color: {accent_text}; }}
QPushButton[kind="main"]:disabled {{ background: {raised}; border-color: {line}; color: {muted}; }}
QPushButton[kind="plain"] {{ background: transparent; border: 1px solid transparent; padding: 3px 8px; color: {muted}; }}
QPushButton[kind="plain"]:hover, QPushButton[kind="plain"]:focus {{ color: {text}; border-color: {line}; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar::handle:vertical {{ background: {line}; border-radius: 4px; min-height: 32px; margin: 1px; }}
QScrollBar::handle:vertical:disabled {{ background: transparent; }}
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{ background: none; height: 0; }}
QSplitter::handle {{ background: {line}; width: 1px; }}
QMenu {{ background: {raised}; border: 1px solid {line}; padding: {unit}px; }}
QMenu::item {{ padding: 5px 24px 5px 12px; border-radius: 4px; background: transparent; }}
QMenu::item:selected {{ background: {accent}; color: {on_accent}; }}
QMenu::item:disabled {{ color: {muted}; background: transparent; }}
QMenu::separator {{ height: 1px; background: {line}; margin: {unit}px {gap}px; }}
QAbstractScrollArea[kind="talk"] {{ background: {base}; border: none; }}
QAbstractScrollArea::corner {{ background: transparent; border: none; }}
QTextBrowser, QPlainTextEdit[kind="code"] {{ background: transparent; border: none; padding: 0; }}
QTextBrowser[kind="thought"] {{ color: {muted}; }}
QPushButton[kind="fold"], QPushButton[kind="fold-bad"], QPushButton[kind="hidden"] {{
    background: transparent; border: 1px solid transparent; padding: 1px 3px; margin-left: -4px; text-align: left; color: {muted};
}}
QPushButton[kind="fold-bad"] {{ color: {bad}; }}
QPushButton[kind="hidden"] {{ color: transparent; }}
QPushButton[kind="fold"]:hover, QPushButton[kind="fold"]:focus, QPushButton[kind="hidden"]:focus {{
    color: {text}; border-color: {line};
}}
QRadioButton::indicator {{ width: 12px; height: 12px; border: 1px solid {muted}; border-radius: 7px; background: {base}; }}
QRadioButton::indicator:checked {{ width: 6px; height: 6px; border: 4px solid {accent}; background: {on_accent}; }}
QRadioButton:focus {{ color: {accent_text}; }}
QPlainTextEdit[kind="composer"] {{
    background: {raised}; border: 1px solid {line}; border-radius: {radius}px; padding: 3px {unit}px;
}}
QPlainTextEdit[kind="composer"]:focus {{ border: 1px solid {accent}; }}
QTabBar {{ background: {base}; }}
QTabBar::tab {{
    background: transparent; color: {muted}; padding: 5px 2px; margin: 0 12px 0 0; border-bottom: 2px solid transparent;
}}
QTabBar::tab:hover {{ color: {text}; }}
QTabBar::tab:selected {{ color: {text}; border-bottom: 2px solid {accent}; }}
QTabBar::tab:focus {{ color: {text}; border-bottom: 2px solid {text}; }}
QScrollBar:horizontal {{ background: transparent; height: 8px; margin: 0; }}
QScrollBar::handle:horizontal {{ background: {line}; border-radius: 3px; min-width: 32px; margin: 1px; }}
QScrollBar::add-line:horizontal, QScrollBar::sub-line:horizontal {{ width: 0; }}
QToolTip {{ background: {raised}; color: {text}; border: 1px solid {line}; padding: {unit}px; }}
"""
