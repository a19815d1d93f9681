"""The reaction of T3 Code 0.0.33 to a change of its settings, as measured: it ends every open session, and requests them again.

It compares the parsed settings: a provider's own fields with their defaults, an instance's entry unchanged.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import httpx

from tests.support.played_t3 import PlayedT3

_PAUSE = 0.1
_DEFAULTS = {"enabled": False, "binaryPath": "opencode", "serverUrl": "", "serverPassword": "", "customModels": []}


class SettingsWatch:
    """A context manager: while it is open, the player follows its settings. `reloads` counts the reactions that have begun."""

    def __init__(self, player: PlayedT3, path: Path) -> None:
        self.reloads = 0
        self._player = player
        self._path = path
        self._ended = threading.Event()
        self._known = _instance(path)
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> SettingsWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(90)

    def _watch(self) -> None:
        while not self._ended.wait(_PAUSE):
            found = _instance(self._path)
            if found != self._known:
                self._known = found
                self._reload(found)

    def _reload(self, instance: dict[str, Any]) -> None:
        """End the sessions. Its rows stay unchanged: they still say "running"."""
        self.reloads += 1
        self._player.let_go()
        config = instance["config"]
        if not config["serverUrl"]:
            # It starts its own server with the next message.
            return
        self._player.url, self._player.password = config["serverUrl"], config["serverPassword"]
        with httpx.Client(
            base_url=config["serverUrl"], auth=("opencode", config["serverPassword"]), trust_env=False, verify=False
        ) as http:
            for path in ("/provider", "/agent", "/skill"):
                http.get(path, timeout=90)


def _instance(path: Path) -> dict[str, Any]:
    settings = json.loads(path.read_text()) if path.exists() else {}
    known = settings.get("providerInstances", {}).get("opencode")
    if known is not None:
        return dict(known)
    given = settings.get("providers", {}).get("opencode", {})
    config = {name: given.get(name, default) for name, default in _DEFAULTS.items()}
    return {"config": {name: value.strip() if isinstance(value, str) else value for name, value in config.items()}}
