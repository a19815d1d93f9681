"""The external server that the settings or, for this process, the environment name."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from t3tray.errors import StoreError, UsageError
from t3tray.messages.server import NOT_AN_ADDRESS
from t3tray.server.handles import ExternalServer
from t3tray.settings.definitions import DEFINITIONS, Settings
from t3tray.settings.preferences import SERVER_SECRET
from t3tray.system.environment import PASSWORD_VARIABLE, SERVER_URL_VARIABLE, SERVER_USER, USER_VARIABLE
from t3tray.system.secrets import Secrets

_SERVER_URL = DEFINITIONS["server_url"].kind
_log = logging.getLogger(__name__)


def attached_server(settings: Settings, environment: Mapping[str, str], secrets: Secrets) -> ExternalServer | None:
    """Return the external server, or None to use a managed one. The environment takes precedence. Blocks briefly."""
    url = environment.get(SERVER_URL_VARIABLE) or settings.server_url
    if not url:
        return None
    user = environment.get(USER_VARIABLE) or settings.server_user or SERVER_USER
    password = environment.get(PASSWORD_VARIABLE)
    if password is None and url == settings.server_url and settings.server_password_place:
        try:
            password = secrets.read(SERVER_SECRET, settings.server_password_place)
        except StoreError as error:
            # Requests will be refused as unauthorized; everything else works without the server.
            _log.warning("The password of the server at %s cannot be read: %s %s", url, error.message, error.hint or "")
    return ExternalServer(url, password, user)


def refuse_bad_address(environment: Mapping[str, str]) -> None:
    """Raises UsageError when the server address in the environment is invalid.

    The value is not repeated in the message: it may contain a password.
    """
    if trouble := _SERVER_URL.trouble(environment.get(SERVER_URL_VARIABLE, "")):
        hidden = trouble if trouble[0] != "“" else NOT_AN_ADDRESS
        raise UsageError(f"{SERVER_URL_VARIABLE} cannot be used. {hidden}", "Give an address such as http://127.0.0.1:4096.")
