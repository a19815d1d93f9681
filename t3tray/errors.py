"""The one error tree. Every error that a person may meet has a title, a message and, where there is one, a hint.

It owns no text about verdicts (`domain.sentences` does) and raises nothing itself.

T3TrayError
├── WorldError                 the user's world: told in plain words, nothing lost
│   ├── ServerError            what a request to OpenCode came to
│   │   ├── SessionMissing     404 with OpenCode's NotFound body, and nothing else
│   │   ├── ServerDown         nobody listens, or the connection broke
│   │   ├── Unauthorized       401 or 403
│   │   ├── TimedOut           no answer in time
│   │   ├── ServerFault        5xx, or a 4xx we cannot explain
│   │   │   └── MoveRefused    a session cannot be moved there: it is another project
│   │   ├── Unsupported        HTML, another dialect, a field that we need is not there
│   │   │   └── UnsupportedVersion  OpenCode 2, or a 1.x that is too old
│   │   └── OtherDatabase      the file that was read may not be the one that OpenCode uses
│   ├── TurnFailed             the model's answer to a prompt is an error, or the turn was stopped or broke off
│   ├── NotTaken               a message is not in its session, as far as can be told; its text is kept
│   ├── Unanswered             a message is in its session, and the model was not asked
│   ├── ServerFailed           the managed server could not be started
│   ├── BinaryNotFound         there is no `opencode` to start
│   ├── StoreError             our database: newer, damaged, locked, disk full
│   ├── ThreadNotFound         no thread with that id
│   │   └── SessionNotFound    no session with that id, to make a thread for
│   ├── UsageError             the words of a command or a field are off
│   │   └── NoScreen           a display is named that no window can be shown on
│   ├── NotResumable           the verdict forbids it or cannot tell; nothing was changed (services.resume, it holds the receipt)
│   ├── CannotTell             no server says whether a session is there, so nothing is put in its place
│   └── Refused                for safety; nothing was changed
└── OurBug                     anything else: shown with a report to copy
"""

from __future__ import annotations

import errno
from enum import IntEnum


class ExitCode(IntEnum):
    """What the command line ends with; scripts rely on it."""

    DONE = 0
    BUG = 1
    USAGE = 2
    BLOCKED = 3
    UNKNOWN = 4
    NO_THREAD = 5
    REFUSED = 6
    TURN_FAILED = 7


class T3TrayError(Exception):
    """Base of all. `title` names the trouble in a few words, `message` says it in one sentence, `hint` what to do."""

    title: str = "Something went wrong"
    exit_code: ExitCode = ExitCode.BUG

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class OurBug(T3TrayError):
    """A state that our own code should have made impossible."""

    title = "t3tray made a mistake"


class WorldError(T3TrayError):
    """Something outside us is not as we need it."""

    exit_code = ExitCode.UNKNOWN


class ServerError(WorldError):
    """A request to an OpenCode server did not bring what was asked."""


class SessionMissing(ServerError):
    """OpenCode itself says, in its own words, that the session or message does not exist."""

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
    """OpenCode's own configuration is broken, by its own word: nothing can be sent where that one counts."""

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
    title = "The answer is lost"


class StoreError(WorldError):
    title = "t3tray's own data cannot be used"


def folder_unusable(error: OSError) -> StoreError:
    """What is told when the data folder cannot be made, read or written."""
    place = f" ({error.filename})" if error.filename else ""
    if error.errno == errno.ELOOP:
        return StoreError(f"t3tray's data folder cannot be used: a symbolic link stands in it{place}.", "Remove the link.")
    said = f"t3tray's data folder cannot be used: {error.strerror or error}{place}."
    if isinstance(error, PermissionError):
        hint = "Check its permissions. What `sudo t3tray` left there comes back to you by: sudo chown -R $USER FOLDER"
        return StoreError(said, hint)
    return StoreError(said, "Check its permissions and the space left.")


class ThreadNotFound(WorldError):
    title = "No such thread"
    exit_code = ExitCode.NO_THREAD


class SessionNotFound(ThreadNotFound):
    title = "No such session"


class UsageError(WorldError):
    title = "Invalid command"
    exit_code = ExitCode.USAGE


class NotUtf8(UsageError):
    """Python hands over bytes that are not UTF-8 as characters that can be neither stored nor sent."""

    def __init__(self, word: str) -> None:
        shown = word.encode(errors="backslashreplace").decode()
        super().__init__(f"“{shown}” is not UTF-8.", "t3tray keeps and sends text, and names of folders, in UTF-8 only.")

    @staticmethod
    def is_so(word: str) -> bool:
        try:
            word.encode()
        except UnicodeEncodeError:
            return True
        return False


class BadValue(UsageError):
    """What a setting cannot be."""

    title = "Invalid value"


class NoScreen(UsageError):
    title = "There is no screen to use"


class CannotTell(WorldError):
    title = "Cannot tell whether the session is there"


class Refused(WorldError):
    title = "Refused for safety"
    exit_code = ExitCode.REFUSED
