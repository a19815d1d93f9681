"""The icon in the menu bar and its menu."""
