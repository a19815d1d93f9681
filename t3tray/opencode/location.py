"""Where an `opencode` program keeps its database: asked of the program itself, and remembered while it is the same program.

The rule of `database.database_path` is only what a plain release does. A wrapper may set OPENCODE_DB or XDG_DATA_HOME, and a
development build has a file name of its own.
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
# In seconds. It takes about one; a slow machine, or a program that was never started before, takes longer.
_LIMIT = 60.0
_EARLIER = 5
_DATA_HOME, FILE_VARIABLE = "XDG_DATA_HOME", "OPENCODE_DB"


class ProgramFile(Struct, frozen=True):
    """What an answer depends on: the program's file as it is on the disk, and the variables that plain OpenCode reads."""

    path: str
    inode: int
    size: int
    modified_ns: int
    data_home: str = ""
    file: str = ""


class DatabaseAnswer(Struct, frozen=True):
    """A program, and the path of the database that it uses; `earlier` are those that were used before, the newest first."""

    program: ProgramFile
    database: str
    earlier: tuple[str, ...] = ()


def identify(program: Path, environment: Mapping[str, str]) -> ProgramFile | None:
    """None where the program's file cannot be looked at."""
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
    """The database that this program would use with this environment. Takes about a second. Raises ServerError.

    `opencode db path` makes and migrates the file that it names, so the program is asked with an empty data folder: only a
    wrapper that names a place of its own leads it to a file that exists.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="t3tray-", ignore_cleanup_errors=True)
    except OSError as error:
        raise ServerFault(f"`{program}` cannot be asked which database it uses: {error.strerror or error}.") from error
    with folder as scratch:
        place = Path(scratch).resolve()  # noqa: ASYNC240 (a folder of ours)
        asked = {name: value for name, value in environment.items() if name != FILE_VARIABLE}
        asked |= {_DATA_HOME: str(place), "BUN_TMPDIR": str(place)}
        told = await _told(program, asked, place)
        if not told.is_relative_to(place):
            return told
        usual = database_path(environment, home)
        return usual if environment.get(FILE_VARIABLE) else usual.with_name(told.name)


async def _told(program: Path, environment: Mapping[str, str], scratch: Path) -> Path:
    output = scratch / "answer"
    try:
        # Into a file: a child that the program leaves behind would keep a pipe open for ever.
        with output.open("wb") as stream:
            code = await _run([str(program), "db", "path"], environment, scratch, stream)
        if code:
            raise ServerFault(f"`{program} db path` does not say which database it uses: it ended with {code}.")
        lines = output.read_bytes().decode(errors="surrogateescape").split("\n")
    except TimeoutError:
        raise ServerFault(f"`{program} db path` does not say which database it uses: no answer in {_LIMIT:g} s.") from None
    except OSError as error:
        raise ServerFault(f"`{program} db path` does not say which database it uses: {error}.") from error
    named = [line.strip() for line in lines if Path(line.strip()).is_absolute()]
    if not named:
        raise ServerFault(f"`{program} db path` names no file.")
    path = Path(named[-1])
    return real_path(path.parent) / path.name


async def _run(argv: list[str], environment: Mapping[str, str], folder: Path, output: BinaryIO) -> int:
    """Its exit code. It ends with the task that waits for it: quitting waits for no program."""
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
    """The last answer, kept in a file of ours. A file that cannot be read or written only costs the question again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: DatabaseAnswer | None = None

    def last(self) -> DatabaseAnswer | None:
        """The last answer, of whichever program. Blocks for one small file."""
        if self._known is None:
            try:
                self._known = msgspec.json.decode(self._path.read_bytes(), type=DatabaseAnswer)
            except FileNotFoundError:
                return None
            except (OSError, msgspec.DecodeError) as error:
                _log.warning("What OpenCode's program said of its database is asked anew: %s", error)
                return None
        return self._known

    def keep(self, program: ProgramFile, database: Path, read: Path | None = None) -> None:
        """Blocks, as `last` does. What was used before is not forgotten, nor the file that was `read` until now: sessions may lie
        there."""
        last = self.last()
        earlier = (last.database, *last.earlier) if last else (str(read),) if read and read.exists() else ()
        earlier = tuple(dict.fromkeys(path for path in earlier if path != str(database)))[:_EARLIER]
        self._known = DatabaseAnswer(program, str(database), earlier)
        part = self._path.with_name(f"{self._path.name}.{os.getpid()}.part")
        try:
            part.write_bytes(msgspec.json.encode(self._known))
            part.replace(self._path)
        except (OSError, UnicodeEncodeError) as error:
            _log.warning("What OpenCode's program said of its database cannot be kept: %s", error)
