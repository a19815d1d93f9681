"""Start at login of the packaged app on macOS, by SMAppService: it stands with its name among the login items in System Settings,
where the user may turn it off. The state is the system's own.

SMAppService starts the app without arguments, so another data folder needs a launch agent. Not tested on macOS: the tests replace
rubicon-objc.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from ctypes import pointer
from pathlib import Path
from typing import Any, Protocol

from t3tray.domain.inventory import AutostartState
from t3tray.errors import WorldError
from t3tray.messages.desktop import ALLOW_LOGIN_ITEM, login_item_failed
from t3tray.messages.inventory import unreadable
from t3tray.system.launch_agent import LaunchAgent, refuse_moved

# SMAppServiceStatus (SMAppService.h).
_NOT_REGISTERED, _ENABLED, _REQUIRES_APPROVAL = 0, 1, 2
_log = logging.getLogger(__name__)


class AppService(Protocol):
    """The app's own service. The methods raise OSError with the system's text."""

    def status(self) -> int:
        """Return the SMAppServiceStatus."""
        ...

    def register(self) -> None: ...

    def unregister(self) -> None: ...


class LoginService:
    """Implements `Autostart`. `agent` is what an earlier version, or another installation, may have registered."""

    def __init__(self, service: AppService, agent: LaunchAgent, program: str) -> None:
        self._service = service
        self._agent = agent
        self._program = program

    def state(self) -> AutostartState:
        try:
            status = self._service.status()
        except OSError as error:
            return unreadable(error)
        if status == _REQUIRES_APPROVAL:
            return AutostartState(False, ALLOW_LOGIN_ITEM)
        return AutostartState(True) if status == _ENABLED else self._agent.state()

    def turn_on(self) -> None:
        refuse_moved(self._program)
        self._change(self._service.register, (_ENABLED, _REQUIRES_APPROVAL))
        # With both it would be started twice.
        self._agent.turn_off()

    def turn_off(self) -> None:
        self._agent.turn_off()
        self._change(self._service.unregister, (_NOT_REGISTERED,))

    def _change(self, change: Callable[[], None], wanted: Sequence[int]) -> None:
        """Make a change unless it is done. One that was refused but shows is no error: the state says what is left to do."""
        try:
            if self._service.status() not in wanted[:1]:
                change()
        except OSError as error:
            if self._service.status() not in wanted:
                raise WorldError(login_item_failed(error)) from error


class RubiconAppService:
    """SMAppService of this process's bundle, through rubicon-objc. Raises OSError where the system has none (before macOS 13)."""

    def __init__(self) -> None:
        from rubicon.objc import ObjCClass
        from rubicon.objc.runtime import load_library

        try:
            load_library("ServiceManagement")
            found = ObjCClass("SMAppService")
        except (NameError, ValueError) as error:
            raise OSError(str(error)) from error
        found.declare_class_property("mainAppService")
        self._service: Any = found.mainAppService

    def status(self) -> int:
        return int(self._service.status)

    def register(self) -> None:
        self._call(self._service.registerAndReturnError)

    def unregister(self) -> None:
        self._call(self._service.unregisterAndReturnError)

    @staticmethod
    def _call(method: Callable[[Any], bool]) -> None:
        from rubicon.objc import ObjCInstance
        from rubicon.objc.runtime import objc_id

        error = objc_id()
        if not method(pointer(error)):
            raise OSError(str(ObjCInstance(error).localizedDescription) if error else "no reason was given")


def open_login_service(home: Path, command: Sequence[str]) -> LoginService | None:
    """Return the service of the packaged app that this process is; None where the system has none."""
    try:
        service = RubiconAppService()
    except (ImportError, OSError) as error:
        _log.warning("The system's login items cannot be used: %s", error)
        return None
    return LoginService(service, LaunchAgent(home, command), command[0])
