"""Finds the `opencode` program.

Uses the setting, or otherwise searches in this order: PATH, the login shell's PATH, known folders, folders added by the caller.
Installs nothing, and starts only the program itself, to read its version.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from t3tray.errors import BinaryNotFound
from t3tray.messages.opencode import INSTALL_OR_SET, correct_setting

NAME = "opencode"
# npm also puts a shell script without an extension there, which Windows cannot start.
_FILES = (f"{NAME}.exe", f"{NAME}.cmd") if sys.platform == "win32" else (NAME,)
# In seconds. It takes less than one; at the first start after an installation the system may check the program.
_VERSION_LIMIT = 15.0
_LONGEST_VERSION = 10_000


def find_binary(
    setting: str,
    environ: Mapping[str, str],
    home: Path,
    login_path: str | None = None,
    extra: Sequence[Path] = (),
) -> Path:
    """Return the program to start. `setting` is the user's path, empty to search; `extra` are further folders.

    Raises BinaryNotFound, which lists all folders searched; an invalid setting is an error, never ignored.
    """
    if setting:
        return _as_set(setting, home)
    folders = list(dict.fromkeys([*_split(environ.get("PATH")), *_split(login_path), *known_places(environ, home), *extra]))
    for path in (folder / name for folder in folders for name in _FILES):
        if _can_run(path):
            return path
    places = "\n".join(f"  {folder}" for folder in folders)
    raise BinaryNotFound(f"No `{NAME}` program was found. Searched in:\n{places}", INSTALL_OR_SET)


def known_places(environ: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """Return the folders in which installers of OpenCode and package managers put programs, existing or not."""
    places = [home / ".opencode" / "bin", home / ".local" / "bin", home / ".bun" / "bin"]
    prefix = environ.get("npm_config_prefix") or environ.get("NPM_CONFIG_PREFIX")
    if sys.platform == "win32":
        roaming, local = environ.get("APPDATA"), environ.get("LOCALAPPDATA")
        places += [Path(roaming) / "npm"] if roaming else []
        places += [Path(local) / "pnpm", Path(local) / "Volta" / "bin"] if local else []
        places += [home / "scoop" / "shims"]
        return (*places, *([Path(prefix)] if prefix else []))
    places += [Path(prefix) / "bin"] if prefix else []
    places += [home / ".npm-global" / "bin", home / ".volta" / "bin", home / ".local" / "share" / "pnpm"]
    places += [home / "Library" / "pnpm", home / ".local" / "share" / "mise" / "shims", home / ".asdf" / "shims"]
    places += _newest_first(home / ".nvm" / "versions" / "node")
    places += [Path("/opt/homebrew/bin"), Path("/usr/local/bin"), Path("/home/linuxbrew/.linuxbrew/bin"), Path("/usr/bin")]
    return tuple(places)


async def version_of(program: Path, environment: Mapping[str, str]) -> str:
    """Return the version that the program prints; empty where it prints none within some seconds.

    The program is killed when this task is cancelled, so that quitting does not wait for it.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            str(program), "--version", env=dict(environment), stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
        )
    except (OSError, ValueError):
        return ""
    assert process.stdout
    said = b""
    try:
        async with asyncio.timeout(_VERSION_LIMIT):
            try:
                # No version is longer; a program that writes endlessly is cut off.
                said = await process.stdout.readexactly(_LONGEST_VERSION)
            except asyncio.IncompleteReadError as end:
                said = end.partial
                await process.wait()
    except TimeoutError:
        return ""
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    words = said.decode(errors="replace").split() if process.returncode == 0 else []
    return next((word for word in words if word[:1].isdigit()), "")


def _as_set(setting: str, home: Path) -> Path:
    path = home / setting[2:] if setting.startswith("~/") else Path(setting)
    if not path.is_absolute():
        raise BinaryNotFound(f"The setting names {setting}, which is not a full path.", "Use the full path of the program.")
    if not _can_run(path):
        raise BinaryNotFound(f"The setting names {path}, which is not an executable program.", correct_setting(NAME))
    return path


def _can_run(path: Path) -> bool:
    # Not `Path.is_file`, which raises where a folder may not be entered.
    return os.path.isfile(path) and os.access(path, os.X_OK)


def _split(path: str | None) -> Iterable[Path]:
    folders = (Path(folder) for folder in (path or "").split(os.pathsep) if folder)
    return (folder for folder in folders if folder.is_absolute())


def _newest_first(versions: Path) -> list[Path]:
    """Return the program folders of nvm's Node versions, the last installed first."""
    return sorted(versions.glob("*/bin"), key=lambda folder: folder.stat().st_mtime, reverse=True)
