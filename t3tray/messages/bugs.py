"""Sentences on unexpected exceptions: each is a bug in t3tray, for the user and in the log."""

from __future__ import annotations

from t3tray.errors import OurBug, T3TrayError

# For the log, beside the traceback.
UNEXPECTED = "Unexpected exception: a bug in t3tray."
_HINT = "No data was lost. The log has the details."


def our_bug(error: BaseException) -> OurBug:
    """Return an unexpected error as an OurBug, with the error as its cause."""
    if isinstance(error, OurBug):
        return error
    bug = OurBug(_exception(error), _HINT)
    bug.__cause__ = error
    return bug


def cause_of(error: Exception) -> str:
    """Return why something failed: the message of an error of the tree, or that it is a bug, without a full stop."""
    return error.message if isinstance(error, T3TrayError) else f"a bug in t3tray ({_exception(error)})"


def _exception(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
