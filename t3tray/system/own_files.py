"""Files of ours in folders that belong to the user. They are recognised by a mark in them: another program's file is never
overwritten and never removed.

Blocking: call it in worker threads.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from enum import Enum
from pathlib import Path
from secrets import token_hex

from t3tray.errors import Refused, WorldError
from t3tray.messages.own_items import MARK, REMOVE_IT_FIRST, cannot_be_removed, cannot_be_written, not_ours
from t3tray.system.regular_file import read_regular

_EXECUTABLE = b"#!"


class Owner(Enum):
    """Whose a file is. OTHER: it lacks the mark, or it cannot be read."""

    NOBODY = 0
    OURS = 1
    OTHER = 2


class OwnFiles:
    """One file of ours, or a folder with several.

    `root` is the file or the folder, `names` are the files in the folder ("." for a file alone). The first of them has the mark;
    it is written first and removed last, so that what an interruption leaves is recognised.
    """

    def __init__(self, root: Path, *names: str) -> None:
        self.root = root
        self._paths = {name: root / name for name in names}
        self._marked = self._paths[names[0]]

    def owner(self) -> Owner:
        """Return whose file this is. A link is never ours."""
        try:
            if self.root.is_symlink():
                return Owner.OTHER
            if not self.root.exists():
                return Owner.NOBODY
            return Owner.OURS if MARK.encode() in read_regular(self._marked) else Owner.OTHER
        except OSError:
            return Owner.OTHER

    def write(self, contents: Mapping[str, bytes]) -> bool:
        """Write the files, by their names; return whether anything has changed. A script becomes executable.

        Raises Refused for a file of another program, WorldError.
        """
        if self.owner() is Owner.OTHER:
            raise Refused(not_ours(self.root), REMOVE_IT_FIRST)
        try:
            changed = [name for name in self._paths if self._is_other(name, contents[name])]
            for name in changed:
                self._write(self._paths[name], contents[name])
        except OSError as error:
            raise WorldError(cannot_be_written(self.root, error)) from error
        return bool(changed)

    def remove(self) -> bool:
        """Remove the files, and the folder if nothing else is in it. Return False where there is nothing of ours.

        Raises WorldError.
        """
        if self.owner() is not Owner.OURS:
            return False
        try:
            for path in reversed(self._paths.values()):
                path.unlink(missing_ok=True)
                for folder in path.parents:
                    if folder != self.root and self.root not in folder.parents:
                        break
                    # Not empty yet, or with a file of somebody else.
                    with suppress(OSError):
                        folder.rmdir()
        except OSError as error:
            raise WorldError(cannot_be_removed(self.root, error)) from error
        return True

    def _is_other(self, name: str, content: bytes) -> bool:
        path = self._paths[name]
        if not path.is_file() or read_regular(path) != content:
            return True
        return content.startswith(_EXECUTABLE) and not path.stat().st_mode & 0o100

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        # A name that nobody else's file has.
        part = path.with_name(f"{path.name}.{token_hex(4)}.part")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(content)
            if content.startswith(_EXECUTABLE):
                part.chmod(0o755)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
