"""A program whose files an update replaces while it runs."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

import t3tray
from t3tray.system.replaced_program import OwnProgram, import_everything


def test_another_file_in_its_place_is_an_update_and_none_for_a_moment_is_not(tmp_path: Path) -> None:
    program, new = tmp_path / "t3tray", tmp_path / "t3tray.new"
    program.write_text("one")
    watched = OwnProgram(program)
    program.chmod(0o755)
    assert not watched.is_replaced()
    program.unlink()
    assert not watched.is_replaced()
    new.write_text("two")
    new.replace(program)
    assert watched.is_replaced()


def test_a_file_that_was_never_there_is_not_replaced(tmp_path: Path) -> None:
    watched = OwnProgram(tmp_path / "t3tray")
    watched.path.write_text("one")
    assert not watched.is_replaced()


def test_the_file_is_the_packages_own_and_of_a_packaged_program_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    assert OwnProgram().path == Path(t3tray.__file__)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert OwnProgram().path == Path(sys.executable)


def test_every_module_but_the_migrations_is_imported_and_what_needs_qt_only_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    imported: list[str] = []
    real = importlib.import_module

    def note(name: str) -> object:
        imported.append(name)
        return real(name)

    monkeypatch.setattr(importlib, "import_module", note)
    root = Path(t3tray.__file__).parent
    files = {path.relative_to(root.parent).with_suffix("") for path in root.rglob("*.py") if "migrations" not in path.parts}
    everything = {".".join(path.parts).removesuffix(".__init__") for path in files} - {"t3tray", "t3tray.__main__"}
    import_everything()
    assert everything <= {*imported} and "keyring.backends.SecretService" in imported
    imported.clear()
    monkeypatch.delitem(sys.modules, "PySide6.QtWidgets")
    import_everything()
    assert {*imported} >= {name for name in everything if not name.startswith(("t3tray.ui", "t3tray.app"))}
    assert not [name for name in imported if name.startswith(("t3tray.ui", "t3tray.app", "t3tray.store.migrations"))]
