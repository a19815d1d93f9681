"""The Info.plist of t3tray.app; the only place where its values are written."""

from __future__ import annotations

IDENTIFIER = "org.t3tray.t3tray"
# The highest `macosx_…` tag among the wheels in the bundle; PySide6 decides it.
OLDEST_MACOS = "13.0"
# macOS shows it when a program that t3tray started (an agent's tool) enters such a folder for the first time.
_WHY = "The coding agent that you started works in this folder."


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
        "NSDesktopFolderUsageDescription": _WHY,
        "NSDocumentsFolderUsageDescription": _WHY,
        "NSDownloadsFolderUsageDescription": _WHY,
        "NSRemovableVolumesUsageDescription": _WHY,
        "NSNetworkVolumesUsageDescription": _WHY,
        "NSAppleEventsUsageDescription": "t3tray opens OpenCode in your terminal.",
        "NSLocalNetworkUsageDescription": "The coding agent that you started connects to a computer on your network.",
    }
