"""The path of a program's database: queried from the `opencode` program itself, and cached while the program is unchanged.

`database.database_path` covers only plain releases. A wrapper may set OPENCODE_DB or XDG_DATA_HOME, and a development build has
another file name.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from t3tray.errors import ServerFault
from t3tray.opencode.database import database_path
from t3tray.system.paths import real_path

_log = logging.getLogger(__name__)
# In seconds. It takes about one; longer on a slow machine, or at a program's first start.
_LIMIT = 60.0
_EARLIER = 5
_DATA_HOME, FILE_VARIABLE = "XDG_DATA_HOME", "OPENCODE_DB"


class ProgramFile(Struct, frozen=True):
    """What an answer depends on: the program's file, and the variables that plain OpenCode reads."""

    path: str
    inode: int
    size: int
    modified_ns: int
    data_home: str = ""
    file: str = ""


class DatabaseAnswer(Struct, frozen=True):
    """A program and the path of its database; `earlier` are the databases used before, the newest first."""

    program: ProgramFile
    database: str
    earlier: tuple[str, ...] = ()


def identify(program: Path, environment: Mapping[str, str]) -> ProgramFile | None:
    """Return the identity of a program; None where its file is inaccessible."""
    try:
        found = program.stat()
    except OSError:
        return None
    return ProgramFile(
        str(program),
        found.st_ino,
        found.st_size,
        found.st_mtime_ns,
        environment.get(_DATA_HOME, ""),
        environment.get(FILE_VARIABLE, ""),
    )


async def ask_database(program: Path, environment: Mapping[str, str], home: Path) -> Path:
    """Return the database that this program would use with this environment. Takes about a second. Raises ServerError.

    `opencode db path` creates and migrates the file that it names, so it is run with an empty data folder: only a wrapper that
    sets another place leads it to an existing file.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="t3tray-", ignore_cleanup_errors=True)
    except OSError as error:
        raise ServerFault(f"The database of `{program}` cannot be determined: {error.strerror or error}.") from error
    with folder as scratch:
        place = Path(scratch).resolve()  # noqa: ASYNC240 (a folder of ours)
        asked = {name: value for name, value in environment.items() if name != FILE_VARIABLE}
        asked |= {_DATA_HOME: str(place), "BUN_TMPDIR": str(place)}
        found = await _reported_path(program, asked, place)
        if not found.is_relative_to(place):
            return found
        usual = database_path(environment, home)
        return usual if environment.get(FILE_VARIABLE) else usual.with_name(found.name)


async def _reported_path(program: Path, environment: Mapping[str, str], scratch: Path) -> Path:
    output = scratch / "answer"
    try:
        # Into a file: a background child of the program would keep a pipe open forever.
        with output.open("wb") as stream:
            code = await _run([str(program), "db", "path"], environment, scratch, stream)
        if code:
            raise ServerFault(f"The database cannot be determined: `{program} db path` exited with code {code}.")
        lines = output.read_bytes().decode(errors="surrogateescape").split("\n")
    except TimeoutError:
        raise ServerFault(f"The database cannot be determined: `{program} db path` did not finish in {_LIMIT:g} s.") from None
    except OSError as error:
        raise ServerFault(f"The database cannot be determined: `{program} db path` failed: {error}.") from error
    named = [line.strip() for line in lines if Path(line.strip()).is_absolute()]
    if not named:
        raise ServerFault(f"The database cannot be determined: `{program} db path` printed no file.")
    path = Path(named[-1])
    return real_path(path.parent) / path.name


async def _run(argv: list[str], environment: Mapping[str, str], folder: Path, output: BinaryIO) -> int:
    """Run a program and return its exit code. It is killed when this task is cancelled, so that quitting does not wait for it."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        env=dict(environment),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        return await asyncio.wait_for(process.wait(), _LIMIT)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class DatabaseAnswers:
    """The last answer, cached in a file of ours. If the file cannot be read or written, the program is queried again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: DatabaseAnswer | None = None

    def last(self) -> DatabaseAnswer | None:
        """Return the last answer, of any program. Blocks to read one small file."""
        if self._known is None:
            try:
                self._known = msgspec.json.decode(self._path.read_bytes(), type=DatabaseAnswer)
            except FileNotFoundError:
                return None
            except (OSError, msgspec.DecodeError) as error:
                _log.warning("The cached path of OpenCode's database cannot be read: %s", error)
                return None
        return self._known

    def save(self, program: ProgramFile, database: Path, read: Path | None = None) -> None:
        """Store an answer; blocks like `last`. The databases used before, and the file `read` until now, are remembered, because
        sessions may be there."""
        last = self.last()
        earlier = (last.database, *last.earlier) if last else (str(read),) if read and read.exists() else ()
        earlier = tuple(dict.fromkeys(path for path in earlier if path != str(database)))[:_EARLIER]
        self._known = DatabaseAnswer(program, str(database), earlier)
        part = self._path.with_name(f"{self._path.name}.{os.getpid()}.part")
        try:
            part.write_bytes(msgspec.json.encode(self._known))
            part.replace(self._path)
        except (OSError, UnicodeEncodeError) as error:
            _log.warning("The path of OpenCode's database cannot be cached: %s", error)
