"""t3tray: the menu-bar companion that never lets a thread switch to an empty session in silence."""

__version__ = "0.1.0"
