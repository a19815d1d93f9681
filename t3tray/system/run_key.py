"""Start at login on Windows: a value of the user's Run key, unless it is disabled in the Task Manager."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import Protocol

from t3tray.domain.inventory import AutostartState
from t3tray.errors import WorldError
from t3tray.messages.desktop import TASK_MANAGER_LIST
from t3tray.messages.inventory import autostart_blocked, starts_another, unreadable

RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
APPROVED = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
NAME = "t3tray"


class Registry(Protocol):
    """The current user's registry. Every method raises OSError."""

    def read(self, key: str, name: str) -> object:
        """Return the value, or None where there is none."""
        ...

    def write(self, key: str, name: str, value: str) -> None: ...

    def remove(self, key: str, name: str) -> None:
        """Remove the value. Does nothing where there is none."""
        ...


class RunKey:
    """Implements `Autostart`."""

    def __init__(self, registry: Registry, command: Sequence[str]) -> None:
        self._registry = registry
        self._line = subprocess.list2cmdline(command)

    def state(self) -> AutostartState:
        try:
            found, approved = self._registry.read(RUN, NAME), self._registry.read(APPROVED, NAME)
        except OSError as error:
            return unreadable(error)
        if found is None:
            return AutostartState(False)
        # An odd first byte is the Task Manager's "disabled".
        if isinstance(approved, bytes) and approved[:1] and approved[0] % 2:
            return autostart_blocked(TASK_MANAGER_LIST)
        return AutostartState(True) if found == self._line else starts_another(str(found))

    def turn_on(self) -> None:
        try:
            self._registry.write(RUN, NAME, self._line)
            self._registry.remove(APPROVED, NAME)
        except OSError as error:
            raise WorldError(f"Start at login could not be turned on: {error}.") from error

    def turn_off(self) -> None:
        try:
            self._registry.remove(RUN, NAME)
        except OSError as error:
            raise WorldError(f"Start at login could not be turned off: {error}.") from error


if sys.platform == "win32":
    import winreg

    class WindowsRegistry:
        """Implements `Registry`."""

        def read(self, key: str, name: str) -> object:
            try:
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key) as opened:
                    return winreg.QueryValueEx(opened, name)[0]
            except FileNotFoundError:
                return None

        def write(self, key: str, name: str, value: str) -> None:
            with winreg.CreateKey(winreg.HKEY_CURRENT_USER, key) as opened:
                winreg.SetValueEx(opened, name, 0, winreg.REG_SZ, value)

        def remove(self, key: str, name: str) -> None:
            try:
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key, 0, winreg.KEY_SET_VALUE) as opened:
                    winreg.DeleteValue(opened, name)
            except FileNotFoundError:
                return
