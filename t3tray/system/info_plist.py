"""The Info.plist of t3tray.app, as it is packaged and as `t3tray app install` writes it; the only place of its values."""

from __future__ import annotations

from t3tray.messages.desktop import USES_FOLDER, USES_NETWORK, USES_TERMINAL

IDENTIFIER = "org.t3tray.t3tray"
# What PySide6 6.11 names. The packaged app has what the libraries inside name instead (packaging/macos/macho.py).
OLDEST_MACOS = "13.0"


def info_plist(version: str) -> dict[str, object]:
    """Return the values for t3tray `version`.

    LSUIElement: an icon in the menu bar, none in the Dock. LSBackgroundOnly must be absent, or no window ever shows.
    LSAppNapIsDisabled: the alarm must come within seconds.
    """
    return {
        "CFBundleIdentifier": IDENTIFIER,
        "CFBundleName": "t3tray",
        "CFBundleDisplayName": "t3tray",
        "CFBundleExecutable": "t3tray",
        "CFBundlePackageType": "APPL",
        "CFBundleDevelopmentRegion": "en",
        "CFBundleShortVersionString": version,
        "CFBundleVersion": version,
        "CFBundleIconFile": "t3tray.icns",
        "CFBundleURLTypes": [{"CFBundleURLName": IDENTIFIER, "CFBundleURLSchemes": ["t3tray"]}],
        "LSUIElement": True,
        "LSMinimumSystemVersion": OLDEST_MACOS,
        "LSApplicationCategoryType": "public.app-category.developer-tools",
        "LSAppNapIsDisabled": True,
        "NSHighResolutionCapable": True,
        "NSSupportsAutomaticGraphicsSwitching": True,
        "NSPrincipalClass": "NSApplication",
        "NSDesktopFolderUsageDescription": USES_FOLDER,
        "NSDocumentsFolderUsageDescription": USES_FOLDER,
        "NSDownloadsFolderUsageDescription": USES_FOLDER,
        "NSRemovableVolumesUsageDescription": USES_FOLDER,
        "NSNetworkVolumesUsageDescription": USES_FOLDER,
        "NSAppleEventsUsageDescription": USES_TERMINAL,
        "NSLocalNetworkUsageDescription": USES_NETWORK,
    }
