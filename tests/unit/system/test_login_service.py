"""Start at login of the packaged app on macOS: the system's own state, its refusals, and a launch agent of an earlier version."""

from __future__ import annotations

import sys
from ctypes import c_void_p
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from t3tray.domain.inventory import AutostartState
from t3tray.errors import WorldError
from t3tray.messages.desktop import ALLOW_LOGIN_ITEM
from t3tray.system.autostart import open_autostart
from t3tray.system.launch_agent import LABEL, LaunchAgent
from t3tray.system.login_service import LoginService

PROGRAM = "/Applications/t3tray.app/Contents/MacOS/t3tray"
NOT_REGISTERED, ENABLED, REQUIRES_APPROVAL, NOT_FOUND = range(4)


class SystemService:
    """SMAppService's `mainAppService` as rubicon-objc gives it: `status` is a property, errors are written to a pointer."""

    def __init__(self) -> None:
        self.status = NOT_REGISTERED
        self.after_register = ENABLED
        # As with a user who turned it off in System Settings.
        self.refuses = False

    def registerAndReturnError(self, error: Any) -> bool:
        self.status = self.after_register
        return self._answer(error)

    def unregisterAndReturnError(self, error: Any) -> bool:
        if not self.refuses:
            self.status = NOT_REGISTERED
        return self._answer(error)

    def _answer(self, error: Any) -> bool:
        if self.refuses:
            error.contents.value = 7
        return not self.refuses


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SystemService:
    """Let this process be the packaged app on macOS."""
    service = SystemService()
    loaded: list[str] = []
    objc, runtime = ModuleType("rubicon.objc"), ModuleType("rubicon.objc.runtime")

    def find_class(name: str) -> object:
        assert (name, loaded) == ("SMAppService", ["ServiceManagement"])
        declared: list[str] = []
        return SimpleNamespace(declare_class_property=declared.append, mainAppService=service)

    def instance_of(pointer: c_void_p) -> object:
        assert pointer.value == 7
        return SimpleNamespace(localizedDescription="Operation not permitted")

    vars(objc).update(ObjCClass=find_class, ObjCInstance=instance_of)
    vars(runtime).update(objc_id=c_void_p, load_library=loaded.append)
    for module in (ModuleType("rubicon"), objc, runtime):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", PROGRAM)
    return service


def test_it_is_on_and_off_as_the_system_has_it(service: SystemService, tmp_path: Path) -> None:
    login = open_autostart({}, tmp_path, ())
    assert login.state() == AutostartState(False)
    login.turn_on()
    assert login.state() == AutostartState(True) and service.status == ENABLED
    login.turn_off()
    assert login.state() == AutostartState(False) and service.status == NOT_REGISTERED
    service.status = ENABLED
    assert login.state() == AutostartState(True), "turned on in System Settings"


@pytest.mark.parametrize("refuses", [False, True])
def test_a_permission_that_is_missing_is_said_with_its_place(service: SystemService, tmp_path: Path, refuses: bool) -> None:
    service.after_register, service.refuses = REQUIRES_APPROVAL, refuses
    login = open_autostart({}, tmp_path, ())
    login.turn_on()
    assert login.state() == AutostartState(False, ALLOW_LOGIN_ITEM)
    service.refuses = False
    login.turn_off()
    assert login.state() == AutostartState(False)


def test_a_refusal_is_an_error_with_the_systems_reason(service: SystemService, tmp_path: Path) -> None:
    service.refuses, service.after_register = True, NOT_FOUND
    login = open_autostart({}, tmp_path, ())
    with pytest.raises(WorldError, match="Operation not permitted"):
        login.turn_on()
    service.status = ENABLED
    with pytest.raises(WorldError, match="Operation not permitted"):
        login.turn_off()
    assert login.state() == AutostartState(True)


def test_a_launch_agent_of_an_earlier_version_is_seen_and_replaced(service: SystemService, tmp_path: Path) -> None:
    agent = tmp_path / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    LaunchAgent(tmp_path, [PROGRAM]).turn_on()
    login = open_autostart({}, tmp_path, ())
    assert login.state() == AutostartState(True) and service.status == NOT_REGISTERED
    login.turn_on()
    assert login.state() == AutostartState(True) and service.status == ENABLED and not agent.exists()
    LaunchAgent(tmp_path, [PROGRAM]).turn_on()
    login.turn_off()
    assert not agent.exists() and service.status == NOT_REGISTERED


def test_a_copy_that_macos_runs_from_elsewhere_is_not_registered(
    service: SystemService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/private/var/AppTranslocation/1/t3tray.app/Contents/MacOS/t3tray")
    with pytest.raises(WorldError, match="gone at the next login"):
        open_autostart({}, tmp_path, ()).turn_on()
    assert service.status == NOT_REGISTERED


@pytest.mark.parametrize("kind", ["another data folder", "not packaged", "an older macOS"])
def test_else_a_launch_agent_starts_it(
    kind: str, service: SystemService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "not packaged":
        monkeypatch.setattr(sys, "frozen", False, raising=False)
    if kind == "an older macOS":

        def find_class(name: str) -> object:
            raise NameError(f"ObjC class {name!r} couldn't be found")

        monkeypatch.setattr(sys.modules["rubicon.objc"], "ObjCClass", find_class)
    words = ("--data-dir", "/other") if kind == "another data folder" else ()
    open_autostart({}, tmp_path, words).turn_on()
    assert (tmp_path / "Library" / "LaunchAgents" / f"{LABEL}.plist").is_file() and service.status == NOT_REGISTERED


def test_a_state_that_cannot_be_read_is_no_state(tmp_path: Path) -> None:
    class Gone:
        def status(self) -> int:
            raise OSError("gone")

        def register(self) -> None:
            raise AssertionError

        unregister = register

    state = LoginService(Gone(), LaunchAgent(tmp_path, [PROGRAM]), PROGRAM).state()
    assert not state.is_on and "gone" in state.trouble
