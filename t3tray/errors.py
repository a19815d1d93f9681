"""The error tree. Every error that a user may see has a title, a message and, where it helps, a hint.

The sentences of verdicts are in `messages.verdicts`.

T3TrayError
├── WorldError                 a problem outside t3tray's code; no data is lost
│   ├── ServerError            a request to OpenCode failed
│   │   ├── SessionMissing     404 with OpenCode's NotFound body, and nothing else
│   │   ├── ServerDown         connection refused or broken
│   │   ├── Unauthorized       401 or 403
│   │   ├── TimedOut           no response in time
│   │   ├── ServerFault        5xx, or an unexpected 4xx
│   │   │   ├── UnusableConfiguration  OpenCode's own configuration is invalid
│   │   │   └── MoveRefused    a session cannot be moved to that folder: it belongs to another project
│   │   ├── Unsupported        HTML, another API, or a required field is missing
│   │   │   └── UnsupportedVersion  OpenCode 2, or a 1.x that is too old
│   │   └── OtherDatabase      the database that was read may not be the one that OpenCode uses
│   ├── TurnFailed             the model answered a prompt with an error, or the turn was stopped or interrupted
│   ├── NotTaken               a message is not in its session, as far as is known; its text is kept
│   ├── Unanswered             a message is in its session, but was not passed to the model
│   ├── ServerFailed           the managed server could not be started
│   ├── BinaryNotFound         no `opencode` program was found
│   ├── OutputLost             standard output cannot be written
│   ├── StoreError             our database is newer, damaged or locked, or the disk is full
│   ├── ThreadNotFound         no thread with that id
│   │   └── SessionNotFound    no session with that id
│   ├── UsageError             an invalid command line or field
│   │   ├── NotUtf8            an argument is not UTF-8
│   │   ├── BadValue           a value that a setting does not accept
│   │   └── NoScreen           the named display cannot show windows
│   ├── NotResumable           the verdict is blocked or unknown; nothing was changed (`threads.verify`; contains the receipt)
│   ├── CannotTell             no server could tell whether a session exists, so nothing replaces it
│   └── Refused                refused for safety; nothing was changed
└── OurBug                     any other exception: shown with a report to copy
"""

from __future__ import annotations

import errno
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command line; part of its contract (`docs/command-line.md`)."""

    DONE = 0
    BUG = 1
    USAGE = 2
    BLOCKED = 3
    UNKNOWN = 4
    NO_THREAD = 5
    REFUSED = 6
    TURN_FAILED = 7


class T3TrayError(Exception):
    """Base of all errors. `title` names the problem in a few words, `message` describes it, `hint` says what to do."""

    title: str = "Something went wrong"
    exit_code: ExitCode = ExitCode.BUG

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class OurBug(T3TrayError):
    """A state that t3tray's own code should have made impossible."""

    title = "t3tray made a mistake"


class WorldError(T3TrayError):
    """Base of the errors with a cause outside t3tray's code."""

    exit_code = ExitCode.UNKNOWN


class ServerError(WorldError):
    """Base of the errors of requests to an OpenCode server."""


class SessionMissing(ServerError):
    """Raised when OpenCode's NotFound body says that the session or message does not exist."""

    title = "Not found on the server"


class ServerDown(ServerError):
    title = "The OpenCode server does not answer"


class Unauthorized(ServerError):
    title = "The OpenCode server refused the password"


class TimedOut(ServerError):
    title = "The OpenCode server took too long"


class ServerFault(ServerError):
    title = "The OpenCode server failed"


class UnusableConfiguration(ServerFault):
    """OpenCode reports that its own configuration is invalid: nothing can be sent in the folders that it applies to."""

    title = "OpenCode's configuration is broken"


class MoveRefused(ServerFault):
    title = "The session cannot be moved there"


class Unsupported(ServerError):
    title = "Unsupported OpenCode server"


class UnsupportedVersion(Unsupported):
    title = "Unsupported version of OpenCode"


class OtherDatabase(ServerError):
    title = "It is not known which database OpenCode uses"


class TurnFailed(WorldError):
    title = "The turn ended with an error"
    exit_code = ExitCode.TURN_FAILED


class NotTaken(WorldError):
    title = "The message did not arrive"


class Unanswered(WorldError):
    title = "The message was not answered"


class ServerFailed(WorldError):
    title = "The OpenCode server could not be started"


class BinaryNotFound(WorldError):
    title = "OpenCode is not installed"


class OutputLost(WorldError):
    title = "The output could not be written"


class StoreError(WorldError):
    title = "t3tray's own data cannot be used"


def folder_unusable(error: OSError) -> StoreError:
    """Return the error for a data folder that cannot be created, read or written."""
    place = f" ({error.filename})" if error.filename else ""
    if error.errno == errno.ELOOP:
        return StoreError(f"t3tray's data folder cannot be used: it contains a symbolic link{place}.", "Remove the link.")
    message = f"t3tray's data folder cannot be used: {error.strerror or error}{place}."
    if isinstance(error, PermissionError):
        hint = "Check its permissions. If `sudo t3tray` created files there, take them back with: sudo chown -R $USER FOLDER"
        return StoreError(message, hint)
    return StoreError(message, "Check its permissions and the free disk space.")


class ThreadNotFound(WorldError):
    title = "No such thread"
    exit_code = ExitCode.NO_THREAD


class SessionNotFound(ThreadNotFound):
    title = "No such session"


class UsageError(WorldError):
    title = "Invalid command"
    exit_code = ExitCode.USAGE


class NotUtf8(UsageError):
    """An argument that is not UTF-8: Python passes such bytes as surrogates, which can be neither stored nor sent."""

    def __init__(self, text: str) -> None:
        shown = text.encode(errors="backslashreplace").decode()
        super().__init__(f"“{shown}” is not UTF-8.", "t3tray accepts text and folder names in UTF-8 only.")

    @staticmethod
    def applies_to(text: str) -> bool:
        try:
            text.encode()
        except UnicodeEncodeError:
            return True
        return False


class BadValue(UsageError):
    """Raised for a value that a setting does not accept."""

    title = "Invalid value"


class NoScreen(UsageError):
    title = "No usable display"


class CannotTell(WorldError):
    title = "Cannot tell whether the session exists"


class Refused(WorldError):
    title = "Refused for safety"
    exit_code = ExitCode.REFUSED
