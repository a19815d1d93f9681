"""The server that somebody else runs, as the settings or, for this process, the environment name it."""

from __future__ import annotations

from collections.abc import Mapping

from t3tray.core.opencode.managed import ExternalServer
from t3tray.core.store.settings import Settings
from t3tray.core.system.environment import SERVER_URL_VARIABLE


def attached_server(settings: Settings, environment: Mapping[str, str]) -> ExternalServer | None:
    """None where none is named: then our own serves."""
    url = environment.get(SERVER_URL_VARIABLE) or settings.server_url
    return ExternalServer(url, environment.get("OPENCODE_SERVER_PASSWORD")) if url else None
