"""What every script of the packages keeps to, and the size of the sdist before one is built."""

from __future__ import annotations

import io
import re
import tarfile
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPTS = sorted((ROOT / "packaging").rglob("*.sh"))
# They build .deb packages, or run in Git's bash.
NOT_ON_A_MAC = {"build_deb.sh", "check_deb.sh", "on_windows.sh"}
# Of bash 4 and newer; and a quoted slash in a pattern to replace, at which 3.2 ends the pattern.
NEWER = re.compile(
    r"\b(mapfile|readarray|coproc)\b|\b(declare|local|typeset) -\w*[An]|\$\{\w+(\[[^]]*\])?(@|\^|,)|&>>|\|&|;;&|\[\[ -v |"
    r'\$\{\w+//?"[^"}]*/|\bwait -n\b|\$\{\w+: -\d|printf \'%\('
)


@pytest.mark.parametrize(
    "script", [script for script in SCRIPTS if script.name not in NOT_ON_A_MAC], ids=lambda script: script.name
)
def test_what_runs_on_a_mac_is_written_for_the_bash_of_macos(script: Path) -> None:
    for line in script.read_text(encoding="utf-8").splitlines():
        if not line.lstrip().startswith("#"):
            assert not NEWER.search(line), line


@pytest.mark.parametrize(
    "line", ['${path//":$PWD/bin:"/:}', "${x@Q}", "${ID^}", "mapfile -t a", "declare -A a", "local -n a", "a |& b", "${a[0]@Q}"]
)
def test_newer_constructs_are_found(line: str) -> None:
    assert NEWER.search(line)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_an_environment_that_was_half_made_is_made_again(script: Path) -> None:
    """Without Debian's python3-venv a `venv` that fails leaves bin/python: what counts is whether there is a pip."""
    assert not re.search(r'-x "[^"]*/python(\.exe)?" \]', script.read_text(encoding="utf-8"))


def test_the_sdist_has_room_below_its_limit() -> None:
    """`make wheel` fails at 700 kB."""
    target = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]["sdist"]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        for name in (*target["include"], "/pyproject.toml"):
            path = ROOT / name.removeprefix("/")
            assert path.exists(), f"pyproject.toml names {name}"
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if file.is_file() and "__pycache__" not in file.parts:
                    member = tarfile.TarInfo(f"t3tray-0.1.0/{file.relative_to(ROOT)}")
                    member.size = file.stat().st_size
                    with file.open("rb") as content:
                        archive.addfile(member, content)
    assert len(packed.getvalue()) < 690_000
