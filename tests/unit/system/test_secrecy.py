"""Secrets that are known by their value are removed in every form in which they are written."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest

from t3tray.system.known_secrets import cleaned, secrets_of


def test_an_environment_tells_its_secrets_by_their_names() -> None:
    environment = {
        "OPENCODE_SERVER_PASSWORD": "one",
        "GITHUB_TOKEN": "two",
        "DEPLOY_KEY": "three",
        "APIKEY": "four",
        "PATH": "/bin",
        "KEYBOARD": "us",
        "AUTHOR": "me",
        "EMPTY_TOKEN": "",
    }
    assert secrets_of(environment) == ("one", "two", "three", "four")


def test_a_known_secret_goes_in_every_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "a/b c%d")
    header = b64encode(b"opencode:a/b c%d").decode()
    text = f"a/b c%d {quote('a/b c%d', safe='')} {header} swordfish {Path.home()}/src"
    assert cleaned(text, "swordfish") == "[removed] [removed] [removed] [removed] ~/src"
