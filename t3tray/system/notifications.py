"""Chooses the implementation of notifications for this system."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from t3tray.system.notification_service import NotificationPress, Notifications


def open_notifications(
    platform: str,
    environment: Mapping[str, str],
    icon: str,
    asking: Callable[[str], None],
    on_press: Callable[[NotificationPress], None],
) -> Notifications:
    """Return this system's notifications. `icon` is a file's URL; `on_press` is called on the running event loop, and so is
    `asking`, with the reason, right before macOS asks the user for permission."""
    if platform in ("darwin", "win32"):
        from t3tray.system.notification_center import CenterNotifications

        return CenterNotifications(icon, on_press, asking)
    from t3tray.system.bus_notifications import BusNotifications

    return BusNotifications(environment.get("DBUS_SESSION_BUS_ADDRESS", ""), icon, on_press)
