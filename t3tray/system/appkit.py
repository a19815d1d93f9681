"""The app's standing in macOS: its Dock icon, its activation, App Nap, and its permission to show notifications.

AppKit and Foundation are called through rubicon-objc, which the first call imports: after the icon is shown, on macOS only. On
other systems every method does nothing. Not tested on macOS: the tests replace rubicon-objc.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import Any

from t3tray.messages.desktop import NO_NAP_REASON

# NSApplicationActivationPolicyRegular and …Accessory (NSRunningApplication.h).
_REGULAR, _ACCESSORY = 0, 1
# NSActivityUserInitiatedAllowingIdleSystemSleep (NSProcessInfo.h): no App Nap, but the machine may sleep.
_NO_NAP = 0x00EFFFFF
# UNAuthorizationStatusNotDetermined and …Denied (UNNotificationSettings.h).
_NOT_ASKED, _DENIED = 0, 1


class NoticePermission(Enum):
    """Whether the system lets the app show notifications. NOT_ASKED: it asks the user at the first one."""

    GIVEN = "given"
    NOT_ASKED = "not-asked"
    DENIED = "denied"


class AppKit:
    """Does nothing: for systems without AppKit. All methods but the last are called on the GUI thread."""

    def show_in_dock(self, is_shown: bool) -> None:
        """Be a regular app, with a Dock icon and a main menu, or an accessory app without both."""

    def activate(self) -> None:
        """Bring the app to the front: a window that is raised stays behind those of the active app otherwise."""

    def prevent_nap(self, is_prevented: bool) -> None:
        """Keep macOS from slowing down this process while no window of it is visible."""

    def ask_notice_permission(self, answer: Callable[[NoticePermission], None]) -> None:
        """Call `answer` with the current permission, in any thread, without asking the user. The app must be a bundle."""
        answer(NoticePermission.GIVEN)


class RubiconAppKit(AppKit):
    """AppKit of this process, through rubicon-objc."""

    def __init__(self) -> None:
        self._is_shown: bool | None = None
        self._activity: Any = None

    def show_in_dock(self, is_shown: bool) -> None:
        if is_shown is not self._is_shown:
            self._is_shown = is_shown
            _shared("NSApplication", "sharedApplication").setActivationPolicy(_REGULAR if is_shown else _ACCESSORY)

    def activate(self) -> None:
        _shared("NSApplication", "sharedApplication").activateIgnoringOtherApps(True)

    def prevent_nap(self, is_prevented: bool) -> None:
        if is_prevented is (self._activity is not None):
            return
        process = _shared("NSProcessInfo", "processInfo")
        if is_prevented:
            self._activity = process.beginActivityWithOptions(_NO_NAP, reason=NO_NAP_REASON)
        else:
            process.endActivity(self._activity)
            self._activity = None

    def ask_notice_permission(self, answer: Callable[[NoticePermission], None]) -> None:
        from rubicon.objc import Block, ObjCInstance
        from rubicon.objc.runtime import objc_id

        def on_settings(settings: Any) -> None:
            status = int(ObjCInstance(settings).authorizationStatus)
            answer({_NOT_ASKED: NoticePermission.NOT_ASKED, _DENIED: NoticePermission.DENIED}.get(status, NoticePermission.GIVEN))

        center = _class("UNUserNotificationCenter").currentNotificationCenter()
        center.getNotificationSettingsWithCompletionHandler(Block(on_settings, None, objc_id))


def _class(name: str) -> Any:
    from rubicon.objc import ObjCClass

    return ObjCClass(name)


def _shared(class_name: str, name: str) -> Any:
    """Return the one object of a class, which is a property of the class."""
    found = _class(class_name)
    found.declare_class_property(name)
    return getattr(found, name)


@cache
def app_kit() -> AppKit:
    """Return this system's AppKit, one for the process."""
    return RubiconAppKit() if sys.platform == "darwin" else AppKit()
