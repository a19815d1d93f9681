"""Checks of single commands: each starts the program once or a few times, and none needs a server or a window."""

from __future__ import annotations

import re
import sqlite3
import statistics
import sys
from contextlib import closing
from pathlib import Path

from world import ROOT, Skipped, World, expect

# Limits of a packaged program: in MB on disk; and in s of CPU beyond, or as a multiple of, what the source needs.
LARGEST_MB = 145
LATER_VERSION_S, LATER_THREADS = 0.15, 1.5
_RUNS = 7


def version(world: World) -> str:
    """It is the version of this source."""
    (number,) = _in_source("t3tray/__init__.py", r'__version__ = "(.+)"')
    expected = f"t3tray {number}"
    said = world.run("--version").out.strip()
    expect(said == expected, f"it is {said}, the source {expected}")
    return said


def help_of_every_command(world: World) -> str:
    commands = _in_source("t3tray/cli/parser.py", r'\badd\("(\w+)"')
    for command in commands:
        expect(f"t3tray {command}" in world.run(command, "--help").out, f"the help of {command} lacks its usage")
    return f"{len(commands)} commands"


def empty_home(world: World) -> str:
    """The first command makes a store of the newest form. The migrations are files that Alembic lists."""
    expect(world.json("threads")["threads"] == [], "an empty home has threads")
    newest = _in_source("t3tray/store/migration.py", r'"migrations", "(\d+)"')[0]
    with closing(sqlite3.connect(world.data / "t3tray.sqlite")) as store:
        (found,) = store.execute("SELECT version_num FROM alembic_version").fetchone()
    expect(found == newest, f"the store's revision is {found}, not {newest}")
    return f"revision {found}"


def settings(world: World) -> str:
    names = world.json("settings")["settings"]
    world.run("settings", "stop_idle_minutes", "7")
    value = world.json("settings")["settings"]["stop_idle_minutes"]
    expect(value == 7, f"a setting of 7 is read back as {value}")
    world.run("settings", "stop_idle_minutes", "seven", code=2)
    return f"{len(names)} settings"


def doctor(world: World) -> str:
    """It finds OpenCode and looks at everything."""
    if not world.opencode:
        raise Skipped("there is no opencode: --opencode names it")
    findings = {finding["name"]: finding for finding in world.json("doctor")["findings"]}
    expect(findings["opencode"]["ok"], f"opencode: {findings['opencode']['detail']}")
    return str(findings["opencode"]["detail"]).rpartition(" ")[2]


def parts(world: World, source: World | None) -> str:
    """Icons, languages and keyring back ends are those of the source."""
    ours = _installation(world)
    expect("missing" not in ours, ours)
    if source is None:
        return f"{ours}; no source to compare with"
    theirs = _installation(source)
    expect(ours == theirs, f"{ours}; the source has {theirs}")
    return ours.replace("\n", "; ")


def plain_locale(world: World) -> str:
    """Text is the same UTF-8 in every locale: a program of the desktop often has none."""
    without, utf8 = (world.run("settings", extra={"LC_ALL": locale}).out for locale in ("C", "C.UTF-8"))
    expect(without == utf8 and not utf8.isascii(), f"in the locale C it writes {without[:300]}")
    return "the same text with and without a locale"


def no_display(world: World) -> str:
    """A display that is named and dead is an error in two lines: what is so, what to do. Qt would end the process."""
    if sys.platform in ("darwin", "win32"):
        raise Skipped("there is always a display")
    said = world.run(code=2, extra={"DISPLAY": ":987"}).err
    expect(said.startswith("No usable display: ") and len(said.splitlines()) == 2, f"it says {said}")
    return said.splitlines()[0]


def size(world: World) -> str:
    if not world.is_frozen:
        raise Skipped("of a packaged program only")
    found = (
        sum(path.lstat().st_size for path in _bundle(world.folder).rglob("*") if not path.is_symlink() and path.is_file()) / 1e6
    )
    expect(found <= LARGEST_MB, f"{found:.0f} MB unpacked, more than {LARGEST_MB}")
    return f"{found:.0f} MB unpacked"


def cpu(world: World, source: World | None) -> str:
    if source is None:
        raise Skipped("there is no source to compare with")
    (version, source_version), (threads, source_threads) = (
        _medians(world, source, *words) for words in (("--version",), ("threads", "--json"))
    )
    said = f"--version {version:.2f} s (source {source_version:.2f}), threads {threads:.2f} s (source {source_threads:.2f})"
    expect(version <= source_version + LATER_VERSION_S and threads <= source_threads * LATER_THREADS, said)
    return said


def _medians(world: World, source: World, *words: str) -> tuple[float, float]:
    # In turn: what else the machine does falls on both.
    pairs = [(world.run(*words).cpu, source.run(*words).cpu) for _ in range(_RUNS)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def _installation(world: World) -> str:
    text = world.run("doctor", "--diagnostics").out
    found = re.search(r"^## Installation\n(.*?)\n\n", text, re.DOTALL | re.MULTILINE)
    return found[1] if found else f"the diagnostics have no section Installation: {text[:300]}"


def _in_source(path: str, pattern: str) -> list[str]:
    return re.findall(pattern, (ROOT / path).read_text(encoding="utf-8"))


def _bundle(folder: Path) -> Path:
    return next((parent for parent in (folder, *folder.parents) if parent.suffix == ".app"), folder)
