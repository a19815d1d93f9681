"""The parts of an installation that are found by name."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from t3tray.system import installation


def test_a_whole_installation_lacks_nothing() -> None:
    icons, languages, backends = installation.installed_parts()
    assert icons == f"icons: {len(list((Path(__file__).parents[3] / 'resources' / 'icons').glob('*.svg')))}"
    assert languages.startswith("languages of syntax highlighting: ") and int(languages.split()[-1]) > 500
    assert backends == "keyring back ends: KWallet, SecretService, Windows, chainer, libsecret, macOS"


def test_a_module_that_a_package_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(name: str) -> ModuleSpec | None:
        return None if name == "pygments.lexers.rust" else importlib.util.find_spec(name)

    monkeypatch.setattr(installation, "find_spec", found)
    languages = installation.installed_parts()[1]
    assert languages.endswith(" (missing: pygments.lexers.rust)")


def test_a_back_end_whose_whole_package_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    known = importlib.metadata.entry_points(group="keyring.backends")
    lost = importlib.metadata.EntryPoint("alt", "no_such_package.backend", "keyring.backends")
    monkeypatch.setattr(installation, "entry_points", lambda group: [*known, lost])
    assert installation.installed_parts()[2].endswith("libsecret, macOS (missing: alt)")
