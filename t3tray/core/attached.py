"""The server that somebody else runs, as the settings or, for this process, the environment name it."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from t3tray.core.domain.settings import Settings
from t3tray.core.errors import StoreError
from t3tray.core.opencode.managed import ExternalServer
from t3tray.core.store.settings import SERVER_SECRET
from t3tray.core.system.environment import PASSWORD_VARIABLE, SERVER_URL_VARIABLE, SERVER_USER, USER_VARIABLE
from t3tray.core.system.secrets import Secrets

_log = logging.getLogger(__name__)


def attached_server(settings: Settings, environment: Mapping[str, str], secrets: Secrets) -> ExternalServer | None:
    """None where none is named: then our own serves. The environment goes before the settings. Blocks for a moment."""
    url = environment.get(SERVER_URL_VARIABLE) or settings.server_url
    if not url:
        return None
    user = environment.get(USER_VARIABLE) or settings.server_user or SERVER_USER
    password = environment.get(PASSWORD_VARIABLE)
    if password is None and url == settings.server_url and settings.server_password_place:
        try:
            password = secrets.read(SERVER_SECRET, settings.server_password_place)
        except StoreError as error:
            # The server says that it wants one; what else is read needs none.
            _log.warning("The password of the server at %s cannot be read: %s %s", url, error.message, error.hint or "")
    return ExternalServer(url, password, user)
