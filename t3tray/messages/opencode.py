"""Hints on OpenCode's program, server and configuration, and what stands for a reason that it does not give."""

from __future__ import annotations

INSTALL_OR_SET = "Install it with `npm install -g opencode-ai`, or set the program's path in the settings."
USE_CERTIFICATE = "Use an address with a certificate of a known authority, or reach it through a tunnel (`ssh -L`) and http://."
CORRECT_FILE = "Correct that file, then run `t3tray server restart`: a running server keeps the configuration that it has read."
NO_REASON = "OpenCode gave no reason."
# Why a configuration is invalid, where OpenCode does not say it.
NOT_JSON = "it is not JSON"
NOT_VALID = "it is not valid"
# OpenCode 1.15 gives only the names of these errors; the texts are those of 1.17.
WORDS_OF_ERROR = {
    "ProviderNoProvidersError": "No providers are available",
    "ProviderNoModelsError": "No models are available for the provider",
}


def correct_setting(name: str) -> str:
    """`name` is the program's."""
    return f"Correct the setting, or clear it to detect `{name}` automatically."


def only_name(error: str) -> str:
    """`error` is the name of an error that came without a text."""
    return f"OpenCode reported only {error}"
