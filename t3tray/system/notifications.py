"""The desktop's notification service as the rest of the program knows it, and which way leads to it on this system.

Whoever is behind it may be absent, hang or die: no method raises, and each comes back within seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from t3tray.system.notification_service import Heard, Notifications


def open_notifications(platform: str, environment: Mapping[str, str], icon: str, heard: Callable[[Heard], None]) -> Notifications:
    """`icon` is the address of a file; `heard` is called on the event loop that is running now."""
    if platform in ("darwin", "win32"):
        from t3tray.system.notification_center import CenterNotifications

        return CenterNotifications(icon, heard)
    from t3tray.system.bus_notifications import BusNotifications

    return BusNotifications(environment.get("DBUS_SESSION_BUS_ADDRESS", ""), icon, heard)
