"""Which settings the window shows, in which section, with which control, and what is said of each: one line a setting.

A new field of `Settings` needs a row here, or a place in `ELSEWHERE`. No PySide6 here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto


class Section(StrEnum):
    """In the order in which they stand."""

    SERVER = "Server"
    SOURCES = "Sources"
    GUARD = "T3 Code's protection"
    REAPER = "T3 Code's reaper"
    NOTICES = "Notices"
    APPEARANCE = "Appearance"
    LOGIN = "Login"
    OPENING = "Opening"
    VAULT = "Vault"
    REPAIR = "Repair of T3 Code"


class Control(Enum):
    """SWITCH is for true or false, NUMBER for whole ones, TIME for one of the day, CHOICE for one of a few words, FOLDERS for
    several paths, SECRET for a text that nobody is to read."""

    SWITCH = auto()
    NUMBER = auto()
    TIME = auto()
    TEXT = auto()
    SECRET = auto()
    PROGRAM = auto()
    CHOICE = auto()
    FOLDERS = auto()


@dataclass(frozen=True)
class Row:
    """`zero` is what a number of 0 means in words, `empty` what an empty text does; `choices` are values and their names."""

    section: Section
    name: str
    control: Control
    label: str
    sentence: str = ""
    unit: str = ""
    zero: str = ""
    empty: str = ""
    choices: tuple[tuple[str, str], ...] = ()


_LIGHT_DARK = (("light", "Light"), ("dark", "Dark"))

ROWS: tuple[Row, ...] = (
    Row(
        Section.SERVER,
        "opencode_path",
        Control.PROGRAM,
        "OpenCode program",
        "Leave it empty to have it looked for. Used when the server starts next.",
        empty="Found by itself",
    ),
    Row(
        Section.SERVER,
        "server_port",
        Control.NUMBER,
        "Port",
        "The server listens on this computer only. 0 is any free port. Used when the server starts next.",
        zero="Any free",
    ),
    Row(
        Section.SERVER,
        "server_with_app",
        Control.SWITCH,
        "Start the server with t3tray",
        "Otherwise it starts when a thread first needs it. Used when t3tray starts next.",
    ),
    Row(
        Section.SERVER,
        "stop_idle_minutes",
        Control.NUMBER,
        "Stop the server when idle for",
        "Not while a turn runs or anything waits for you; the next resume starts it again. 0 is never.",
        unit="min",
        zero="Never",
    ),
    Row(
        Section.SERVER,
        "server_url",
        Control.TEXT,
        "Use a server that you run yourself",
        "Its address. t3tray never stops it. Used when t3tray starts next.",
        empty="http://127.0.0.1:4096",
    ),
    Row(
        Section.SERVER,
        "server_user",
        Control.TEXT,
        "User name there",
        "Where OPENCODE_SERVER_USERNAME is set, that is used instead.",
        empty="opencode",
    ),
    Row(
        Section.SERVER,
        "server_password",
        Control.SECRET,
        "Password there",
        "Kept in the system's keyring, or in a file that only you can read. Where OPENCODE_SERVER_PASSWORD is set, that is used"
        " instead.",
        empty="None is kept",
    ),
    Row(
        Section.SOURCES,
        "t3_homes",
        Control.FOLDERS,
        "T3 Code's folders",
        "T3 Code's own folder is found by itself. Add others here; they are read, and never written without your asking.",
    ),
    Row(
        Section.REAPER,
        "t3_idle_minutes",
        Control.NUMBER,
        "T3 Code ends what is idle for",
        "T3 Code's own times, which it does not tell: t3tray only reckons with them.",
        unit="min",
    ),
    Row(Section.REAPER, "t3_sweep_minutes", Control.NUMBER, "T3 Code looks for it every", unit="min"),
    Row(
        Section.NOTICES,
        "notice_approval",
        Control.SWITCH,
        "A tool asks for your approval",
        "A short wish has “Allow Once” and “Reject” on the notice itself.",
    ),
    Row(Section.NOTICES, "notice_question", Control.SWITCH, "The agent asks a question"),
    Row(
        Section.NOTICES,
        "notice_turn",
        Control.SWITCH,
        "A thread has finished its turn",
        "Not for the thread that you are looking at.",
    ),
    Row(Section.NOTICES, "notice_blocked", Control.SWITCH, "A thread cannot be resumed any more"),
    Row(Section.NOTICES, "notice_switch", Control.SWITCH, "A thread was switched to another session"),
    Row(Section.NOTICES, "notice_guard", Control.SWITCH, "The guard held back a message"),
    Row(Section.NOTICES, "notice_server", Control.SWITCH, "The server fails or does not answer"),
    Row(Section.NOTICES, "notice_reap", Control.SWITCH, "T3 Code is about to end an idle thread"),
    Row(
        Section.NOTICES,
        "quiet_from",
        Control.TIME,
        "Quiet from",
        "No notices from then on, by your own clock. What still waits for you afterwards is told then.",
        empty="22:00",
    ),
    Row(
        Section.NOTICES,
        "quiet_until",
        Control.TIME,
        "Quiet until",
        "May be on the next day. Leave one of the two empty to have no quiet hours.",
        empty="07:30",
    ),
    Row(
        Section.APPEARANCE,
        "appearance",
        Control.CHOICE,
        "Colours",
        choices=(("system", "As the system"), *_LIGHT_DARK),
    ),
    Row(
        Section.APPEARANCE,
        "tray_icon",
        Control.CHOICE,
        "Icon in the tray",
        "Automatic reads on any panel.",
        choices=(("auto", "Automatic"), *_LIGHT_DARK),
    ),
    Row(
        Section.OPENING,
        "terminal",
        Control.TEXT,
        "Terminal",
        "The program in which “Resume in Terminal” opens a thread.",
        empty="Found by itself",
    ),
    Row(
        Section.VAULT,
        "vault",
        Control.SWITCH,
        "Keep what threads say",
        "After each finished turn the new messages are copied here, so that a deleted session takes no words with it.",
    ),
    Row(
        Section.VAULT,
        "vault_megabytes",
        Control.NUMBER,
        "Keep up to",
        "When it is full, sessions that no thread is bound to any more go first; the words of a live thread never.",
        unit="MB",
    ),
    Row(
        Section.REPAIR,
        "t3_repair",
        Control.SWITCH,
        "Offer to repair T3 Code's cursor",
        "Then a thread may offer “Repair T3 Code's Cursor…”, which writes into T3 Code's own database: only when you choose it,"
        " never while T3 Code runs, and after a copy was made.",
    ),
)

# The system keeps it, not we: it is asked how it stands.
LOGIN = Row(
    Section.LOGIN,
    "login",
    Control.SWITCH,
    "Start t3tray when you log in",
    "Off until you turn it on. It is turned off here, or where your system lists what starts at login.",
)

# Settings that are set where they are used, or on the command line only.
ELSEWHERE = frozenset({"carry_characters", "guard", "guard_port", "guard_secret_place", "server_password_place"})
