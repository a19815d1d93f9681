"""What the user may set, with the value that counts where nothing was set. What each may be is in `domain.setting_limits`."""

from __future__ import annotations

from dataclasses import dataclass

from t3tray.core.domain.carrying import BUDGET


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
