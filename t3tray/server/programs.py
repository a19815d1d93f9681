"""Programs that t3tray starts, with arguments and environment: the server, OpenCode's terminal interface, a terminal, a browser.

Starts only programs that are opened for the user; `server.process` starts the server. All functions block: call them in worker
threads.
"""

from __future__ import annotations

import base64
import logging
import os
import subprocess
import sys
import webbrowser
from pathlib import Path
from threading import Lock

from t3tray.domain.thread import Thread
from t3tray.domain.verification import OpenResult, Verification
from t3tray.errors import BinaryNotFound, WorldError
from t3tray.messages.server import APP_ASKED, APP_NOT_FOUND, page_opened
from t3tray.opencode.binary import find_binary
from t3tray.server.agent_shell import without_password_in_shells
from t3tray.server.bun_tmpdir import with_unpack_folder
from t3tray.server.handles import ServerProgram
from t3tray.server.manager import Endpoint
from t3tray.settings.definitions import Settings
from t3tray.system.environment import (
    PASSWORD_VARIABLE,
    PROGRAM_VARIABLE,
    USER_VARIABLE,
    child_environment,
    is_loopback,
    without_proxies,
)
from t3tray.system.login_shell import login_environment
from t3tray.system.terminal import console_program, open_terminal, start
from t3tray.system.url_handlers import has_handler

_log = logging.getLogger(__name__)
# T3 Code's mobile app opens `t3code://threads/ENVIRONMENT/THREAD`. For it the desktop app only comes to the front, up to 0.0.38
# (its issue 9745), and no release is known with the change that shows the thread (its pull request 8246): none is named here.
_T3_APP = "t3code://app"
# In seconds.
_OPEN_LIMIT = 5.0
_FROZEN = bool(getattr(sys, "frozen", False))


class Programs:
    """The programs of this process, according to its settings (which may be replaced) and environment."""

    def __init__(self, settings: Settings, data: Path) -> None:
        self.settings = settings
        self._data = data
        self._unpacked = data / "unpacked"
        self._asking = Lock()
        self._was_asked = False
        self._login_environment: dict[str, str] | None = None

    def program(self) -> Path:
        """Return the path of `opencode`. Raises BinaryNotFound."""
        try:
            return self._find(None)
        except BinaryNotFound:
            # Last, because a login shell may take seconds.
            return self._find((self._login() or {}).get("PATH"))

    def known_program(self) -> Path | None:
        """Return the path of `opencode` without running the login shell; None where that would be needed."""
        try:
            return self._find(None)
        except BinaryNotFound:
            return None

    def environment(self) -> dict[str, str]:
        """Return the environment for a program of ours.

        The desktop starts apps with a short environment, so the first call runs the login shell for the user's, which may take
        seconds. In a terminal the environment is the user's already.
        """
        return self._environment(again=False)

    def _environment(self, again: bool) -> dict[str, str]:
        in_terminal = os.environ.get("TERM") or os.environ.get("SSH_CONNECTION")
        return child_environment(os.environ, None if in_terminal else self._login(again))

    def server_program(self) -> ServerProgram:
        """Return how to start `opencode serve`: in the home directory, since each request names its own directory."""
        environment = without_password_in_shells(self._data / "shells", self._environment(again=True))
        return ServerProgram(self.program(), environment, Path.home(), self._unpacked, self.settings.server_port)

    def terminal_interface(self, session_id: str, directory: str, server: Endpoint | None) -> tuple[list[str], dict[str, str]]:
        """Return command and environment of OpenCode in this session, attached to `server` or standalone when it is None.

        The server's password is passed in the environment, never in the arguments.
        """
        program, environment = str(self.program()), with_unpack_folder(self._unpacked, self.environment())
        if server is None:
            return [program, "--session", session_id], environment
        if server.password is not None:
            environment |= {PASSWORD_VARIABLE: server.password, USER_VARIABLE: server.user}
        # OpenCode would use a proxy even for loopback addresses.
        environment = without_proxies(environment) if is_loopback(server.url) else environment
        return [program, "attach", server.url, "--session", session_id, "--dir", directory], environment

    def open_terminal(self, thread: Thread) -> None:
        """Open a terminal window in which t3tray verifies the thread and is then replaced by OpenCode. Raises NoTerminal."""
        program = console_program(Path(sys.executable), sys.platform)
        ourselves = [str(program)] if _FROZEN else [str(program), "-m", "t3tray"]
        if named := os.environ.get(PROGRAM_VARIABLE):
            # A terminal may not pass our environment on; this program sets its own.
            ourselves = [named]
        open_terminal(
            [*ourselves, "attach", thread.id, "--data-dir", str(self._data)],
            platform=sys.platform,
            setting=self.settings.terminal,
            environment=self.environment(),
            folder=self._data,
        )

    def open_browser(self, verification: Verification, server: Endpoint) -> str:
        """Open the session's page in a browser and return its address. Raises WorldError where no browser opens."""
        folder = base64.urlsafe_b64encode(verification.thread.directory.encode()).decode().rstrip("=")
        address = f"{server.url}/{folder}/session/{verification.session_id}"
        if not webbrowser.open(address):
            raise WorldError("No browser could be opened.", f"The page is {address}")
        return address

    def open_folder(self, folder: Path) -> None:
        """Show a folder in the desktop's file manager. Raises WorldError when it cannot be started."""
        start([_opener(), str(folder)], self.environment())

    def open_t3code(self, thread: Thread, address: str | None) -> OpenResult:
        """Open the thread's page where T3 Code serves one, otherwise its desktop app, which cannot be given a thread."""
        if address is not None:
            if not webbrowser.open(address):
                raise WorldError("No browser could be opened.", f"The page is {address}")
            return OpenResult(page_opened(address), address)
        environment = self.environment()
        if has_handler("t3code", sys.platform, environment) is False:
            return OpenResult(APP_NOT_FOUND, title=thread.title)
        opening = start([_opener(), _T3_APP], environment)
        if sys.platform == "darwin" and _has_failed(opening):
            return OpenResult(APP_NOT_FOUND, title=thread.title)
        return OpenResult(APP_ASKED, title=thread.title)

    def _login(self, again: bool = False) -> dict[str, str] | None:
        """Return the login shell's environment: read once, and `again` after a failure."""
        with self._asking:
            if not self._was_asked or (again and self._login_environment is None):
                self._was_asked, self._login_environment = True, login_environment(os.environ)
                if self._login_environment is None and os.environ.get("SHELL"):
                    _log.warning("The login shell's environment could not be read; it is read again at the server's next start.")
            return self._login_environment

    def _find(self, login_path: str | None) -> Path:
        return find_binary(self.settings.opencode_path, os.environ, Path.home(), login_path, (self._data / "bin",))


def _has_failed(opening: subprocess.Popen[bytes]) -> bool:
    """Return whether macOS's `open` found nothing that opens its argument; it ends at once, whatever it opened keeps running."""
    try:
        return opening.wait(_OPEN_LIMIT) != 0
    except subprocess.TimeoutExpired:
        return False


def _opener() -> str:
    """Return the command that opens a file or address like a double click."""
    return {"darwin": "open", "win32": "explorer"}.get(sys.platform, "xdg-open")
