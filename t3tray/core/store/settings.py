"""What the user has set, a row each as JSON: what a newer version has added is kept by an older one.

A stored value that cannot be used (damaged, of another kind, outside its limits) counts as not set, and is named in `warnings`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, get_type_hints

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from t3tray.core.domain.carrying import BUDGET
from t3tray.core.domain.setting_limits import trouble_with
from t3tray.core.store.database import Database
from t3tray.core.store.schema import settings

# What the password of a server that somebody else runs is called among the secrets.
SERVER_SECRET = "attached-server"


@dataclass(frozen=True)
class Settings:
    """Empty means: find out by yourself. `server_user` is the user's name at `server_url`, and `server_password_place` where the
    password lies. `server_port`: where our server listens, 0 for any free one; `server_with_app`: it is
    started with the tray app. `t3_…`: more homes of T3 Code, and its reaper's times; `stop_idle_minutes` is our own reaper's, 0
    turns it off; `carry_characters` is how long a transcript may be that is carried into another session;
    `t3_repair`: T3 Code's database may be written where the user chooses that remedy; `vault`: what threads say is kept, up to
    `vault_megabytes`; `guard`: the tray app runs the guard; `guard_port` and `guard_secret_place`: where it listens and where its
    password lies, once it was used: T3 Code's settings name both, so they stay; `appearance`: system, light or dark;
    `tray_icon`: auto, light or dark; `notice_…`: what the desktop shows a notice of, but not from `quiet_from` until
    `quiet_until`, local times as in 22:30."""

    opencode_path: str = ""
    server_url: str = ""
    server_user: str = ""
    server_password_place: str = ""
    server_port: int = 0
    server_with_app: bool = False
    terminal: str = ""
    t3_homes: tuple[str, ...] = ()
    t3_idle_minutes: int = 30
    t3_sweep_minutes: int = 5
    stop_idle_minutes: int = 30
    carry_characters: int = BUDGET
    t3_repair: bool = False
    vault: bool = True
    vault_megabytes: int = 500
    guard: bool = False
    guard_port: int = 0
    guard_secret_place: str = ""
    appearance: str = "system"
    tray_icon: str = "auto"
    notice_turn: bool = True
    notice_approval: bool = True
    notice_question: bool = True
    notice_blocked: bool = True
    notice_switch: bool = True
    notice_guard: bool = True
    notice_server: bool = True
    notice_reap: bool = False
    quiet_from: str = ""
    quiet_until: str = ""

    @property
    def server_password(self) -> str:
        """What stands for the password that is kept; empty where none is."""
        return "\N{BULLET}" * 8 if self.server_password_place else ""


class SettingsTable:
    """Every method raises StoreError. `warnings` are sentences on what the last `read` could not use."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.warnings: tuple[str, ...] = ()

    def read(self) -> Settings:
        """What was set, the defaults where nothing was or what was set cannot be used."""
        names = [field.name for field in fields(Settings)]
        with self._database.read() as connection:
            rows = connection.execute(select(settings).where(settings.c.key.in_(names))).all()
        used, warnings = {}, []
        for row in rows:
            try:
                used[row.key] = _usable(row.key, row.value)
            except ValueError as error:
                default = getattr(Settings(), row.key)
                warnings.append(
                    f"The setting {row.key} cannot be used as it is stored, so its default counts ({default!r}): {error} "
                    f"Set it again: `t3tray settings {row.key} VALUE`."
                )
        self.warnings = tuple(warnings)
        return Settings(**used)

    def write(self, values: Settings, *names: str) -> None:
        """Write those of the values that are named: another process may have set the others meanwhile."""
        with self._database.write() as connection:
            for name in names:
                put(connection, name, getattr(values, name))


def _usable(name: str, text: object) -> Any:
    """The value that is stored, if it may be used. Raises ValueError, in a sentence."""
    try:
        value = msgspec.json.decode(str(text), type=_KINDS[name])
    except (msgspec.MsgspecError, ValueError) as error:
        raise ValueError(f"{error}.") from error
    # An address that cannot be used is not forgotten: another server would be asked in its place without a word.
    if name != "server_url" and (trouble := trouble_with(name, value)):
        raise ValueError(trouble)
    return value


_KINDS = get_type_hints(Settings)


def put(connection: Connection, key: str, value: object) -> None:
    """Write one row, over the old one."""
    text = msgspec.json.encode(value).decode()
    statement = insert(settings).values(key=key, value=text)
    connection.execute(statement.on_conflict_do_update(index_elements=[settings.c.key], set_={"value": text}))
