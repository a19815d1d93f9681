"""Keeps an OpenCode whose only model is on loopback off the network.

By itself each server fetches the list of all models, and into a new home the package that plugins are written with: tens of
megabytes, and some ten seconds of a whole core. And the list of models that it carries within itself takes 1.5 s to be read.
"""

from __future__ import annotations

import json
from pathlib import Path

_PLUGINS = "@opencode-ai/plugin"


def offline_environment(config: Path) -> dict[str, str]:
    """The variables for a server whose XDG_CONFIG_HOME is this folder."""
    return {
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
        "OPENCODE_DISABLE_AUTOUPDATE": "1",
        "OPENCODE_MODELS_PATH": str(_models(config)),
    }


def prepare_offline(config: Path) -> None:
    """Lay into this XDG_CONFIG_HOME what a server would fetch: no models but the configured ones, and no package to install."""
    models = _models(config)
    # It takes the package for installed when this folder is there and this file names it.
    models.with_name("node_modules").mkdir(parents=True, exist_ok=True)
    lock = {"packages": {"": {"dependencies": {_PLUGINS: "*"}}}}
    models.with_name("package-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    models.write_text("{}", encoding="utf-8")


def _models(config: Path) -> Path:
    return config / "opencode" / "models.json"
