"""Every setting, defined once: its name, type, default, valid values, label, description, and when a change takes effect.

A new setting is one field of `Settings`. The store, `t3tray settings`, the window and docs/settings.md read `DEFINITIONS`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TypeVar

from t3tray.domain.handoff_prompt import BUDGET
from t3tray.settings.kinds import (
    Address,
    Folders,
    Number,
    OneOf,
    Port,
    Program,
    Secret,
    SecretPlace,
    SettingKind,
    Switch,
    Text,
    TimeOfDay,
)

T = TypeVar("T")

_KEY = "definition"
_WEEK = 7 * 24 * 60  # minutes


class SettingsSection(StrEnum):
    """Groups of settings, in the order in which they are shown."""

    GENERAL = "General"
    NOTIFICATIONS = "Notifications"
    T3_CODE = "T3 Code"
    OPENCODE = "OpenCode"
    COPIES = "Kept copies"
    ADVANCED = "Advanced"


class Effect(StrEnum):
    """When a change takes effect. AT_ONCE includes a tray app that runs already."""

    AT_ONCE = "at-once"
    SERVER_START = "server-start"
    APP_START = "app-start"

    @property
    def sentence(self) -> str:
        return f"Takes effect {_EFFECTS[self]}."


_EFFECTS = {
    Effect.AT_ONCE: "at once",
    Effect.SERVER_START: "when the server starts next",
    Effect.APP_START: "when t3tray starts next",
}


@dataclass(frozen=True)
class Definition:
    """Definition of a setting. `label` and `help` are for people. `changed_by` is a sentence on how a setting is changed that
    cannot be set by its name; otherwise empty."""

    name: str
    kind: SettingKind
    default: object
    section: SettingsSection
    label: str
    help: str = ""
    effect: Effect = Effect.AT_ONCE
    changed_by: str = ""

    @property
    def set_as(self) -> str:
        """The name under which the user's input is passed on: the setting's own, except for a secret."""
        return self.kind.written_as if isinstance(self.kind, Secret) else self.name

    @property
    def hint(self) -> str:
        """The text below the label in the window: the help, and when a change takes effect unless that is at once."""
        return " ".join(filter(None, (self.help, "" if self.effect is Effect.AT_ONCE else self.effect.sentence)))


def _setting(
    default: T,
    kind: SettingKind,
    section: SettingsSection,
    label: str,
    help: str = "",
    effect: Effect = Effect.AT_ONCE,
    changed_by: str = "",
) -> T:
    """A field of `Settings` with its definition; the name is the field's."""
    return field(default=default, metadata={_KEY: (kind, default, section, label, help, effect, changed_by)})


_LIGHT_DARK = (("light", "Light"), ("dark", "Dark"))


@dataclass(frozen=True)
class Settings:
    """The values of all settings, as the rest of the program reads them."""

    appearance: str = _setting(
        "system",
        OneOf((("system", "As the system"), *_LIGHT_DARK)),
        SettingsSection.GENERAL,
        "Colours",
    )
    tray_icon: str = _setting(
        "auto",
        OneOf((("auto", "Automatic"), *_LIGHT_DARK)),
        SettingsSection.GENERAL,
        "Icon in the tray",
        "Automatic can be seen on any panel.",
    )
    terminal: str = _setting(
        "",
        Text(empty="Detected automatically"),
        SettingsSection.GENERAL,
        "Terminal",
        "The program in which a thread is opened in a terminal.",
    )
    notice_approval: bool = _setting(
        True,
        Switch(),
        SettingsSection.NOTIFICATIONS,
        "A tool asks for your approval",
        "A short request has “Allow Once” and “Reject” on the notification itself.",
    )
    notice_turn: bool = _setting(
        True,
        Switch(),
        SettingsSection.NOTIFICATIONS,
        "A thread has finished its turn",
        "Not for the thread that you are looking at.",
    )
    notice_question: bool = _setting(True, Switch(), SettingsSection.NOTIFICATIONS, "The agent asks a question")
    notice_blocked: bool = _setting(True, Switch(), SettingsSection.NOTIFICATIONS, "A thread can no longer be continued")
    notice_switch: bool = _setting(True, Switch(), SettingsSection.NOTIFICATIONS, "A thread was switched to another session")
    notice_guard: bool = _setting(True, Switch(), SettingsSection.NOTIFICATIONS, "The guard held back a message")
    notice_server: bool = _setting(True, Switch(), SettingsSection.NOTIFICATIONS, "The server fails or does not answer")
    notice_reap: bool = _setting(False, Switch(), SettingsSection.NOTIFICATIONS, "T3 Code is about to close an idle thread")
    quiet_from: str = _setting(
        "",
        TimeOfDay("22:00"),
        SettingsSection.NOTIFICATIONS,
        "Quiet hours begin at",
        "Local time. No notifications are shown in quiet hours; what still needs you when they end is shown then.",
    )
    quiet_until: str = _setting(
        "",
        TimeOfDay("07:30"),
        SettingsSection.NOTIFICATIONS,
        "Quiet hours end at",
        "May be on the next day. There are no quiet hours while either time is empty.",
    )
    t3_homes: tuple[str, ...] = _setting(
        (),
        Folders(),
        SettingsSection.T3_CODE,
        "T3 Code's folders",
        "T3 Code's own folder is detected automatically. Add others here. t3tray writes to them only when you ask for it.",
    )
    t3_repair: bool = _setting(
        False,
        Switch(),
        SettingsSection.T3_CODE,
        "Allow fixes in T3 Code's database",
        "“Repair T3 Code's Cursor…” then works without asking for permission each time, and on the command line. It is done"
        " only when you choose it, never while T3 Code runs, and after a copy was made.",
    )
    guard: bool = _setting(
        False,
        Switch(),
        SettingsSection.T3_CODE,
        "Protect T3 Code",
        "The tray app runs the guard: a local proxy that T3 Code uses in place of OpenCode's server.",
        changed_by="Use `t3tray guard on` or `t3tray guard off`: they change T3 Code's settings with it.",
    )
    opencode_path: str = _setting(
        "",
        Program(empty="Detected automatically"),
        SettingsSection.OPENCODE,
        "OpenCode program",
        "Leave it empty to detect it automatically.",
        Effect.SERVER_START,
    )
    server_port: int = _setting(
        0,
        Port(),
        SettingsSection.OPENCODE,
        "The server's port",
        "The server listens on this computer only. 0 is any free port.",
        Effect.SERVER_START,
    )
    server_with_app: bool = _setting(
        False,
        Switch(),
        SettingsSection.OPENCODE,
        "Start the server with t3tray",
        "Otherwise it starts when a thread first needs it.",
        Effect.APP_START,
    )
    stop_idle_minutes: int = _setting(
        30,
        Number(1, _WEEK, "minutes", zero="Never"),
        SettingsSection.OPENCODE,
        "Stop an idle server after",
        "Not while a turn runs or a request waits for you. The next resume starts it again. 0 is never.",
    )
    server_url: str = _setting(
        "",
        Address(empty="http://127.0.0.1:4096"),
        SettingsSection.OPENCODE,
        "Use a server that you run yourself",
        "Its address; T3TRAY_SERVER_URL replaces it where that is set. t3tray never stops this server.",
        Effect.APP_START,
    )
    server_user: str = _setting(
        "",
        Text(empty="opencode"),
        SettingsSection.OPENCODE,
        "User name on that server",
        "OPENCODE_SERVER_USERNAME replaces it where that is set.",
        Effect.APP_START,
    )
    server_password_place: str = _setting(
        "",
        Secret("server_password", empty="No password is stored"),
        SettingsSection.OPENCODE,
        "Password on that server",
        "Stored in the system's keyring, or in a file that only you can read. OPENCODE_SERVER_PASSWORD replaces it where that"
        " is set.",
        Effect.APP_START,
        changed_by="Set the password in the window's Settings, or give OPENCODE_SERVER_PASSWORD to the process.",
    )
    vault: bool = _setting(
        True,
        Switch(),
        SettingsSection.COPIES,
        "Keep copies of conversations",
        "New messages are copied to t3tray's data folder after each finished turn, so that they outlive a deleted session.",
    )
    vault_megabytes: int = _setting(
        500,
        Number(1, 1_000_000, "MB", hint="To keep no copies, turn them off."),
        SettingsSection.COPIES,
        "Space for the copies",
        "When it is full, copies of sessions that no thread uses any more are removed first; those of a thread in use never.",
    )
    t3_idle_minutes: int = _setting(
        30,
        Number(1, _WEEK, "minutes"),
        SettingsSection.ADVANCED,
        "T3 Code closes an idle thread after",
        "T3 Code's own times, which t3tray cannot read. They are used to show when T3 Code will close a thread.",
    )
    t3_sweep_minutes: int = _setting(
        5,
        Number(1, _WEEK, "minutes"),
        SettingsSection.ADVANCED,
        "T3 Code looks for idle threads every",
    )
    carry_characters: int = _setting(
        BUDGET,
        Number(1_000, 10_000_000, "characters"),
        SettingsSection.ADVANCED,
        "Longest conversation to carry over",
        "How much of a conversation goes into another session as one message. Its oldest messages are left out first.",
    )


DEFINITIONS: dict[str, Definition] = {each.name: Definition(each.name, *each.metadata[_KEY]) for each in fields(Settings)}

# State chosen by t3tray itself that `t3tray settings` also shows. It is stored in the state table.
SHOWN_STATE: dict[str, Definition] = {
    "guard_port": Definition(
        "guard_port",
        Port(),
        0,
        SettingsSection.T3_CODE,
        "The guard's port",
        "0 while the guard is not in use.",
        changed_by="t3tray chooses it when the guard is first used, and T3 Code's settings name it from then on.",
    ),
    "guard_secret_place": Definition(
        "guard_secret_place",
        SecretPlace(),
        "",
        SettingsSection.T3_CODE,
        "Where the guard's password is stored",
        changed_by="t3tray chooses it when the guard is first used.",
    ),
}

# Shown with the settings, but stored by the operating system and read from there.
LOGIN = Definition(
    "login",
    Switch(),
    False,
    SettingsSection.GENERAL,
    "Start t3tray when you log in",
    "Turn it off here, or where your system lists what starts at login.",
)


def definition_of(name: str) -> Definition | None:
    """The setting or shown state of this name, or the setting whose secret is set under it; None where there is none."""
    known = DEFINITIONS.get(name) or SHOWN_STATE.get(name)
    return known or next((each for each in DEFINITIONS.values() if each.set_as == name), None)
