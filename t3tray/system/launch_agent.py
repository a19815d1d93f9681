"""Start at login on macOS: a launch agent of the user.

launchd is not notified: it reads the folder at the next login; notified, it would start a second t3tray immediately, or end this
one. The packaged app uses SMAppService instead (`login_service`), which shows it with its own name among the login items.
"""

from __future__ import annotations

import plistlib
from collections.abc import Sequence
from pathlib import Path
from xml.parsers.expat import ExpatError

from t3tray.domain.inventory import AutostartState
from t3tray.errors import WorldError
from t3tray.messages.desktop import AGENT_FILE, not_as_written
from t3tray.messages.inventory import autostart_blocked, starts_another, unreadable
from t3tray.system.autostart_entry import remove_entry, write_entry

LABEL = "org.t3tray.login"


class LaunchAgent:
    """Implements `Autostart`."""

    def __init__(self, home: Path, command: Sequence[str]) -> None:
        self._path = home / "Library" / "LaunchAgents" / f"{LABEL}.plist"
        self._command = [*command]

    def state(self) -> AutostartState:
        try:
            agent = plistlib.loads(self._path.read_bytes())
        except FileNotFoundError:
            return AutostartState(False)
        except (OSError, plistlib.InvalidFileException, ExpatError, ValueError) as error:
            return unreadable(error)
        found = agent.get("ProgramArguments") if isinstance(agent, dict) else None
        if not isinstance(found, list) or not agent.get("RunAtLoad"):
            return unreadable(not_as_written(self._path))
        if agent.get("Disabled"):
            return autostart_blocked(AGENT_FILE)
        return AutostartState(True) if found == self._command else starts_another(" ".join(map(str, found)))

    def turn_on(self) -> None:
        refuse_moved(self._command[0])
        agent = {
            "Label": LABEL,
            "ProgramArguments": self._command,
            "RunAtLoad": True,
            "LimitLoadToSessionType": "Aqua",
            "ProcessType": "Interactive",
        }
        write_entry(self._path, plistlib.dumps(agent))

    def turn_off(self) -> None:
        remove_entry(self._path)


def refuse_moved(program: str) -> None:
    """Raises WorldError for an app that macOS runs from a temporary place, as it does until the user has moved it."""
    if "/AppTranslocation/" in program:
        raise WorldError(
            "macOS runs this copy of t3tray from a place that is gone at the next login.",
            "Move t3tray to the Applications folder, open it there, and try again.",
        )
