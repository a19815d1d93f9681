"""Keeps an OpenCode whose only model is on loopback from using the network.

By default each server fetches the list of all models and, into a new home, the plugin package: tens of megabytes and about ten
seconds of one core. The built-in list of models takes 1.5 s of the first turn.
"""

from __future__ import annotations

import json
from pathlib import Path

_PLUGINS = "@opencode-ai/plugin"


def offline_environment(config: Path) -> dict[str, str]:
    """Return the environment variables for a server whose XDG_CONFIG_HOME is `config`; it does not watch files either."""
    return {
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
        "OPENCODE_DISABLE_AUTOUPDATE": "1",
        "OPENCODE_MODELS_PATH": str(_models(config)),
        # On a busy machine a server blocks for ever while it subscribes to a folder's changes (opencode issue 37111).
        "OPENCODE_EXPERIMENTAL_DISABLE_FILEWATCHER": "1",
    }


def prepare_offline(config: Path) -> None:
    """Write into this XDG_CONFIG_HOME what a server would fetch: an empty list of models, and a marker of the plugin package."""
    models = _models(config)
    # OpenCode considers the package installed if this folder exists and the lock file names it.
    models.with_name("node_modules").mkdir(parents=True, exist_ok=True)
    lock = {"packages": {"": {"dependencies": {_PLUGINS: "*"}}}}
    models.with_name("package-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    models.write_text("{}", encoding="utf-8")


def _models(config: Path) -> Path:
    return config / "opencode" / "models.json"
